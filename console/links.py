"""`links`: which account and which record is whose, and saying that it is otherwise."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from adapters.target import Ambiguous, Link
from console.commands import OpenRooms, Rooms, operator_option
from console.wording import who
from provisioning import linking
from provisioning.linking import Impossible, Linked
from store.clocks import iso

_COLUMNS = (
    "person",
    "key",
    "name",
    "target",
    "anchor",
    "account",
    "matched",
    "linkedAt",
    "linkedBy",
    "goneAt",
    "leftAlone",
    "case",
)


@click.group(invoke_without_command=True)
@click.option("--person", help="of one person")
@click.option("--target", help="in one target")
@click.option("--cases", is_flag=True, help="only what waits for a human's word")
@click.option("--export", "form", type=click.Choice(["csv", "json"]), help="to standard output")
@click.pass_context
def links(
    context: click.Context, person: str | None, target: str | None, cases: bool, form: str | None
) -> None:
    """List which account is whose, since when and why; the subcommands put it right."""
    if context.invoked_subcommand is not None:
        return
    rooms: Rooms = context.obj()
    id = rooms.find(person) if person else None
    with rooms.database.read() as connection:
        rows = (
            row
            for row in linking.linked(connection, id, target)
            if not cases or row.case or row.parked
        )
        if form == "csv":
            out = csv.DictWriter(sys.stdout, _COLUMNS)
            out.writeheader()
            out.writerows(map(_as_row, rows))
        elif form == "json":
            for row in rows:
                click.echo(json.dumps(_as_row(row)))
        else:
            for row in rows:
                click.echo(_line(row))


def _as_row(row: Linked) -> dict[str, Any]:
    return {
        "person": row.person,
        "key": row.facts.get("employeeNumber") or row.facts.get("workerId"),
        "name": who({**row.facts, "employeeNumber": None, "workerId": None}, row.person),
        "target": row.target,
        "anchor": row.anchor,
        "account": row.hint,
        "matched": row.matched,
        "linkedAt": None if row.linked_at is None else iso(row.linked_at),
        "linkedBy": row.linked_by,
        "goneAt": None if row.gone_at is None else iso(row.gone_at),
        "leftAlone": row.parked,
        "case": row.case,
    }


def _line(row: Linked) -> str:
    said = [f"{row.target}  {who(row.facts, row.person)}  {row.hint or 'no account'}"]
    if row.matched:
        since = f" at {iso(row.linked_at)}" if row.linked_at is not None else ""
        by = f" by {row.linked_by}" if row.linked_by else ""
        said.append(f"  {row.anchor}, {row.matched}{since}{by}")
    if row.gone_at is not None:
        said.append(f"  deleted at {iso(row.gone_at)}")
    if row.parked:
        said.append(f"  left alone: {row.parked}")
    if row.case:
        said.append(f"  case: {row.case}")
    return "\n".join(said)


@contextmanager
def _possible() -> Iterator[None]:
    try:
        yield
    except Impossible as error:
        raise click.ClickException(str(error)) from None


def _target(rooms: Rooms, name: str) -> str:
    if name not in rooms.settings.targets:
        known = ", ".join(rooms.settings.targets)
        raise click.ClickException(f"there is no target {name}; known: {known}")
    return name


@links.command("set")
@click.argument("person")
@click.argument("target")
@click.argument("anchor")
@operator_option
@click.option("--force", is_flag=True, help="though the account carries somebody else's number")
@click.pass_obj
def set_link(
    open_rooms: OpenRooms, person: str, target: str, anchor: str, by: str, force: bool
) -> None:
    """The account with this objectGUID or Entra id is PERSON's."""
    rooms = open_rooms()
    id, viewer = rooms.find(person), rooms.viewer
    with rooms.asking(_target(rooms, target)):
        try:
            account = viewer.targets[target].read(Link(anchor.strip().lower()), None)
        except Ambiguous:
            account = None
    if account is None:
        raise click.ClickException(f"there is no account {anchor} in {target}")
    other = viewer.contradiction(target, rooms.facts(id), account)
    if other is not None and not force:
        raise click.ClickException(
            f"the account carries another {other}; when that is to be overwritten, say --force"
        )
    with _possible():
        rooms.database.write(
            lambda tx: linking.link(
                tx, id, target, Link(account.anchor, account.hint), rooms.operator(by)
            )
        )
    click.echo(f"{target}: {account.hint} is linked to {who(rooms.facts(id), id)}")


@links.command()
@click.argument("person")
@click.argument("target")
@operator_option
@click.pass_obj
def remove(open_rooms: OpenRooms, person: str, target: str, by: str) -> None:
    """PERSON's account is none of Muster's business any more; nothing is done to it."""
    rooms = open_rooms()
    id = rooms.find(person)
    with _possible():
        rooms.database.write(
            lambda tx: linking.unlink(tx, id, _target(rooms, target), rooms.operator(by))
        )
    click.echo(
        f"{target}: {who(rooms.facts(id), id)} is left alone until `links set` or `links match`"
    )


@links.command()
@click.argument("person")
@click.argument("target")
@operator_option
@click.pass_obj
def match(open_rooms: OpenRooms, person: str, target: str, by: str) -> None:
    """After `links remove`: look for PERSON's account by its key again."""
    rooms = open_rooms()
    id = rooms.find(person)
    with _possible():
        rooms.database.write(
            lambda tx: linking.unpark(tx, id, _target(rooms, target), rooms.operator(by))
        )
    click.echo(f"{target}: {who(rooms.facts(id), id)} is looked at again")


@links.command()
@click.argument("person")
@operator_option
@click.pass_obj
def accept(open_rooms: OpenRooms, person: str, by: str) -> None:
    """The records of PERSON that are in doubt are theirs, with every number they carry."""
    rooms = open_rooms()
    id = rooms.find(person)
    with _possible():
        records = rooms.database.write(
            lambda tx: linking.accept(tx, id, rooms.viewer.settings, rooms.operator(by))
        )
    click.echo(f"{len(records)} records are {who(rooms.facts(id), id)}'s")


@links.command()
@click.argument("record")
@click.argument("person")
@operator_option
@click.pass_obj
def move(open_rooms: OpenRooms, record: str, person: str, by: str) -> None:
    """HR's record with this SCIM id is PERSON's; `new` makes a person of its own."""
    rooms = open_rooms()
    to = None if person == "new" else rooms.find(person)
    with _possible():
        id = rooms.database.write(
            lambda tx: linking.move(tx, record, to, rooms.viewer.settings, rooms.operator(by))
        )
    click.echo(f"record {record} is {who(rooms.facts(id), id)}'s")
