"""The journal as JSON lines, for an archive or for an auditor with tools of their own."""

from __future__ import annotations

import json
import os
import sys
from typing import TextIO

import click

from store import journal
from store.database import Database


def export(database: Database, file: str, person: str | None, values: bool) -> None:
    """Write every entry (of `person`) to `file`, or to standard output when it is `-`.

    A new file is readable by its owner alone. Raises ClickException when it cannot be written.
    """
    if file == "-":
        _write(database, sys.stdout, person, values)
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="ascii") as out:
            count = _write(database, out, person, values)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    click.echo(f"{count} entries in {file}")


def _write(database: Database, out: TextIO, person: str | None, values: bool) -> int:
    count = 0
    with database.read() as connection:
        for line in journal.export(connection, person=person, values=values):
            out.write(json.dumps(line) + "\n")
            count += 1
    return count
