"""`journal --export`: to a file or a pipe, personal values on request only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from console.commands import Rooms
from console.journals import journal
from tests.provisioning.house import House, worker


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.push(worker("E1", title="Engineer"))
    house.push(worker("E2", given="Bo"))
    house.settle()
    return house


def run(house: House, *arguments: str) -> Any:
    rooms = Rooms(house.settings, house.database, house.converger, house.business)
    return CliRunner().invoke(journal, arguments, obj=lambda: rooms)


def test_a_file_holds_everything_but_values(house: House, tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    shown = run(house, "--export", str(file))
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert shown.output == f"{len(lines)} entries in {file}\n"
    assert {"intake", "plan", "operation"} <= {line["kind"] for line in lines}
    assert all(len(line["hash"]) == 64 for line in lines)
    assert "Engineer" not in file.read_text("utf-8")
    assert file.stat().st_mode & 0o777 == 0o600


def test_standard_output_of_one_person_with_values(house: House) -> None:
    lines = [
        json.loads(line)
        for line in run(house, "E1", "--export", "-", "--values").output.splitlines()
    ]
    assert "Engineer" in json.dumps(lines)
    assert {line["person"] for line in lines} == {house.row(employeeNumber="E1").person}


def test_what_cannot_be_written_is_said(house: House, tmp_path: Path) -> None:
    shown = run(house, "--export", str(tmp_path))
    assert shown.exit_code == 1
    assert shown.output == f"Error: {tmp_path} cannot be written: Is a directory\n"


def test_export_and_verify_exclude_each_other(house: House) -> None:
    assert run(house, "--export", "-", "--verify").exit_code == 2
