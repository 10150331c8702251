"""The operator's commands about people: plan, provision, journal, clock.

`app.py` adds them to the command line and puts a function that opens the rooms into
the click context, so that nothing is opened before it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import click
from sqlalchemy import Connection

from breaker_settings import KINDS
from console import reports
from console.export import export
from provisioning import breakers, pairs, people
from provisioning.converge import forget_link
from provisioning.view import Viewer
from settings import Settings
from store import journal as store_journal
from store.clocks import BusinessClock, iso, machine_now, parse_instant
from store.database import Database
from store.setting import set_business_time


@dataclass(frozen=True)
class Rooms:
    """What a command works with."""

    settings: Settings
    database: Database
    viewer: Viewer
    business: BusinessClock

    def find(self, text: str) -> str:
        """The one person meant by `text`. Raises ClickException for none or several."""
        with self.database.read() as connection:
            found = people.search(connection, text)
        if len(found) == 1:
            return found[0]
        if not found:
            raise click.ClickException(f"nobody is known by {text}")
        several = ", ".join(found)
        raise click.ClickException(f"{text} means {len(found)} people; use one of {several}")


OpenRooms = Callable[[], Rooms]


@click.command()
@click.argument("person")
@click.pass_obj
def plan(open_rooms: OpenRooms, person: str) -> None:
    """Show what would be done for PERSON now, and do nothing.

    PERSON is a person id, SCIM id, externalId, userName, worker or employee number.
    """
    rooms = open_rooms()
    who = rooms.find(person)
    for target in rooms.settings.targets:
        click.echo(reports.plan(rooms.database, rooms.viewer, who, target, rooms.business.now()))


@click.command()
@click.argument("person")
@click.option("--recreate", is_flag=True, help="the account was deleted for good: make a new one")
@click.option("--timeout", default=30.0, help="seconds to wait for the worker")
@click.pass_obj
def provision(open_rooms: OpenRooms, person: str, recreate: bool, timeout: float) -> None:
    """Have the running worker look at PERSON now, and show what came of it."""
    rooms = open_rooms()
    who = rooms.find(person)

    def ask(tx: Connection) -> None:
        if recreate:
            for target in rooms.settings.targets:
                forget_link(tx, who, target)
        pairs.ask(tx, who, rooms.settings.targets, pairs.Lane.JOINER, machine_now())

    rooms.database.write(ask)
    if not reports.wait_until_looked(rooms.database, who, timeout):
        raise click.ClickException("no worker looked in time; is `app.py run` running?")
    click.echo(reports.outcome(rooms.database, who))


@click.command()
@click.argument("person", required=False)
@click.option("--limit", default=50, help="newest entries to show")
@click.option("--values", is_flag=True, help="show personal values too")
@click.option("--verify", is_flag=True, help="check the hash chain")
@click.option("--export", "file", metavar="FILE", help="everything as JSON lines; - is stdout")
@click.pass_obj
def journal(
    open_rooms: OpenRooms,
    person: str | None,
    limit: int,
    values: bool,
    verify: bool,
    file: str | None,
) -> None:
    """Show what was done and why, newest last; check that nobody changed it; or export it."""
    if verify and file:
        raise click.UsageError("--verify and --export are two things; give one of them")
    rooms = open_rooms()
    if verify:
        with rooms.database.read() as connection:
            broken = store_journal.verify(connection)
        if broken is not None:
            raise click.ClickException(f"the chain is broken at entry {broken}")
        click.echo("the chain is whole")
        return
    who = rooms.find(person) if person else None
    if file:
        export(rooms.database, file, who, values)
        return
    click.echo(reports.journal(rooms.database, who, limit, values))


@click.command("breakers")
@click.pass_obj
def list_breakers(open_rooms: OpenRooms) -> None:
    """Show what the breakers counted, which of them are open, and whom they hold."""
    rooms = open_rooms()
    settings = rooms.viewer.settings
    click.echo(reports.breaker_standings(rooms.database, settings, rooms.business.now()))


@click.command()
@click.argument("target")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--by", required=True, help="your name, for the journal")
@click.pass_obj
def release(open_rooms: OpenRooms, target: str, kind: str, by: str) -> None:
    """Approve what the breaker of TARGET and KIND holds at this moment.

    What is held goes through; what comes later is counted anew.
    """
    rooms = open_rooms()
    if target not in rooms.settings.targets:
        known = ", ".join(rooms.settings.targets)
        raise click.ClickException(f"there is no target {target}; known: {known}")
    if not by.strip():
        raise click.ClickException("--by is empty; give the name of who approves this")
    approved = rooms.database.write(
        lambda tx: breakers.release(
            tx, target, kind, by.strip(), rooms.business.now(), machine_now()
        )
    )
    click.echo(f"released {target} {kind}: {len(approved)} accounts that were held go through")


@click.command("clock")
@click.argument("instant", required=False)
@click.pass_obj
def set_clock(open_rooms: OpenRooms, instant: str | None) -> None:
    """Sandbox only: let business time stand at INSTANT (2026-03-16T09:00:00Z), or be `real`."""
    rooms = open_rooms()
    if not rooms.settings.sandbox.allow:
        raise click.ClickException("business time can be set in a sandbox only (sandbox.allow)")
    if instant is not None:
        try:
            seconds = None if instant == "real" else parse_instant(instant)
        except ValueError:
            raise click.ClickException(
                f"{instant} is no instant; write 2026-03-16T09:00:00Z"
            ) from None
        rooms.database.write(lambda tx: set_business_time(tx, seconds))
    click.echo(iso(rooms.business.now()))


COMMANDS = (plan, provision, journal, list_breakers, release, set_clock)
