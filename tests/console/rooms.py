"""Running a command of the operator on a house in memory."""

from __future__ import annotations

from typing import Any

import click
from click.testing import CliRunner

from console.commands import Rooms
from tests.provisioning.house import House


def run(house: House, command: click.Command, *arguments: str) -> Any:
    """The result of the command, with `output` and `exit_code`."""
    rooms = Rooms(house.settings, house.database, house.converger, house.business)
    result = CliRunner().invoke(command, arguments, obj=lambda: rooms)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
