"""`journal`: what was done and why; checking, exporting and forgetting it."""

from __future__ import annotations

import json
import os
import sys
from typing import TextIO

import click

from console import reports
from console.commands import OpenRooms, operator_option
from console.wording import who
from provisioning import forgetting
from store import journal as store_journal
from store.clocks import machine_now
from store.database import Database


class _OfSomebody(click.Group):
    """`journal PERSON` is `journal show PERSON`, and so is `journal` alone."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--help" not in args[:1] and (not args or args[0] not in self.commands):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_OfSomebody)
def journal() -> None:
    """Show what was done and why, of PERSON or of everybody: journal [show] [PERSON]."""


@journal.command()
@click.argument("person", required=False)
@click.option("--limit", default=50, help="newest entries to show")
@click.option("--values", is_flag=True, help="show personal values too")
@click.option("--verify", "check", is_flag=True, help="the same as: journal verify")
@click.option("--export", "file", metavar="FILE", help="the same as: journal export FILE")
@click.pass_obj
def show(
    open_rooms: OpenRooms,
    person: str | None,
    limit: int,
    values: bool,
    check: bool,
    file: str | None,
) -> None:
    """The newest entries, the newest last."""
    if check and file:
        raise click.UsageError("--verify and --export are two things; give one of them")
    if check:
        _verify(open_rooms)
        return
    if file:
        _export(open_rooms, file, person, values)
        return
    rooms = open_rooms()
    id = rooms.find(person) if person else None
    click.echo(reports.journal(rooms.database, id, limit, values))


@journal.command()
@click.pass_obj
def verify(open_rooms: OpenRooms) -> None:
    """Check the hash chain: that no entry was changed, removed or slipped in."""
    _verify(open_rooms)


def _verify(open_rooms: OpenRooms) -> None:
    with open_rooms().database.read() as connection:
        broken = store_journal.verify(connection)
        seq, hash = store_journal.head(connection)
    if broken is not None:
        raise click.ClickException(f"the chain is broken at entry {broken}")
    click.echo(f"the chain is whole, up to entry {seq} with hash {hash or '(none)'}")


@journal.command()
@click.argument("file")
@click.argument("person", required=False)
@click.option("--values", is_flag=True, help="personal values too")
@click.pass_obj
def export(open_rooms: OpenRooms, file: str, person: str | None, values: bool) -> None:
    """Write everything, or what concerns PERSON, as JSON lines to FILE; - is stdout."""
    _export(open_rooms, file, person, values)


def _export(open_rooms: OpenRooms, file: str, person: str | None, values: bool) -> None:
    rooms = open_rooms()
    id = rooms.find(person) if person else None
    if file == "-":
        _write(rooms.database, sys.stdout, id, values)
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="ascii") as out:
            count = _write(rooms.database, out, id, values)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    click.echo(f"{count} entries in {file}")


def _write(database: Database, out: TextIO, person: str | None, values: bool) -> int:
    count = 0
    with database.read() as connection:
        for line in store_journal.export(connection, person=person, values=values):
            out.write(json.dumps(line) + "\n")
            count += 1
    return count


@click.command()
@click.argument("person")
@operator_option
@click.option("--yes", is_flag=True, help="do not ask")
@click.pass_obj
def erase(open_rooms: OpenRooms, person: str, by: str, yes: bool) -> None:
    """Forget PERSON: what HR said of them, and the personal values in the journal.

    Only who has left and has no account any more, or none that is linked. What was done
    stays in the journal, without saying with what; names stay taken.
    """
    rooms = open_rooms()
    id = rooms.find(person)
    named = who(rooms.facts(id), id)
    if not yes:
        click.confirm(f"forget {named} for good?", abort=True)
    try:
        count = rooms.database.write(
            lambda tx: forgetting.forget(tx, id, rooms.operator(by), machine_now())
        )
    except forgetting.StillHere as error:
        raise click.ClickException(f"{named} cannot be forgotten: {error}") from None
    click.echo(f"forgotten; {count} entries of the journal hold no values any more")
