"""The operator's commands about people: provision, replay, breakers, clock.

`cli.py` adds them to the command line and puts a function that opens the rooms into
the click context, so that nothing is opened before it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
from sqlalchemy import Connection

from adapters.target import Link, Target, TargetDown, TargetRefused
from console import reports
from console.wording import who
from mappings.documents import Outbound
from policy_settings import KINDS
from provisioning import breakers, pairs, people
from provisioning.converge import Converger, forget_link
from provisioning.linking import Operator, linked
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
    converger: Converger
    business: BusinessClock
    reopen: Callable[[Mapping[str, Outbound]], Mapping[str, Target]] | None = None
    """Targets whose accounts are read as other outbound mappings need it."""

    def viewer_with(self, outbounds: Mapping[str, Outbound]) -> Viewer:
        """Looks as if these mappings of targets were in force."""
        in_force = {target: self.viewer.outbound(target) for target in self.settings.targets}
        everything = {**in_force, **outbounds}
        targets = self.reopen(everything) if self.reopen else self.viewer.targets
        return Viewer(self.database, self.viewer.live, targets, everything)

    @property
    def viewer(self) -> Viewer:
        """Looks without writing."""
        return self.converger.viewer

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

    def is_gone(self, person: str, target: str) -> bool:
        """Whether the account that is linked there is not there any more."""
        with self.database.read() as connection:
            rows = [row for row in linked(connection, person, target) if row.anchor is not None]
        with self.asking(target):
            return any(
                self.viewer.targets[target].read(Link(str(row.anchor)), None) is None
                for row in rows
            )

    def facts(self, person: str) -> Mapping[str, Any]:
        """What is known of somebody; nothing of who is unknown."""
        with self.database.read() as connection:
            return people.facts_of(connection, person)

    @contextmanager
    def asking(self, target: str) -> Iterator[None]:
        """Turns a target that does not answer into one clear line."""
        try:
            yield
        except TargetDown as down:
            raise click.ClickException(f"{target} cannot be asked: {down}. {down.remedy}") from None
        except TargetRefused as refused:
            said = f"{refused.refusal.message}. {refused.refusal.remedy}"
            raise click.ClickException(f"{target} refuses: {said}") from None

    def operator(self, name: str) -> Operator:
        """Who decides something, for the journal."""
        return Operator(name, self.business)


OpenRooms = Callable[[], Rooms]


def _name(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("is empty; give the name of who answers for this")
    return value.strip()


operator_option = click.option(
    "--by", required=True, callback=_name, help="your name, for the journal"
)
"""For everything that somebody has to answer for."""


@click.command()
@click.argument("person")
@click.option("--recreate", is_flag=True, help="the account was deleted for good: make a new one")
@click.option("--timeout", default=30.0, help="seconds to wait for the worker")
@click.pass_obj
def provision(open_rooms: OpenRooms, person: str, recreate: bool, timeout: float) -> None:
    """Have the running worker look at PERSON now, and show the steps and what came of them."""
    rooms = open_rooms()
    id = rooms.find(person)
    gone = [one for one in rooms.settings.targets if rooms.is_gone(id, one)] if recreate else []
    with rooms.database.read() as connection:
        before, _ = store_journal.head(connection)

    def ask(tx: Connection) -> None:
        for target in gone:
            forget_link(tx, id, target)
        pairs.ask(tx, id, rooms.settings.targets, pairs.Lane.JOINER, machine_now())

    rooms.database.write(ask)
    if not reports.wait_until_looked(rooms.database, id, timeout):
        raise click.ClickException("no worker looked in time; is `app.py run` running?")
    click.echo(reports.steps(rooms.database, id, before))
    click.echo(reports.outcome(rooms.database, id))


@click.command()
@click.argument("persons", nargs=-1, metavar="[PERSON]...")
@click.option("--all", "everyone", is_flag=True, help="everybody who was given up")
@click.option("--target", help="in this target only")
@click.pass_obj
def replay(
    open_rooms: OpenRooms, persons: tuple[str, ...], everyone: bool, target: str | None
) -> None:
    """List whom Muster gave up after a day of failures; try those named, or all, again."""
    rooms = open_rooms()
    chosen = {rooms.find(text) for text in persons}
    with rooms.database.read() as connection:
        found = [
            row
            for row in pairs.given_up(connection)
            if (not chosen or row.person in chosen) and target in (None, row.target)
        ]
    if not (chosen or everyone):
        for row in found:
            named = who(rooms.facts(row.person), row.person)
            click.echo(f"{row.target}  {named}  since {iso(row.given_up)}: {row.problem}")
        click.echo(f"{len(found)} given up" + "; try all again with: replay --all" * bool(found))
        return

    def again(tx: Connection) -> None:
        for row in found:
            pairs.ask(tx, row.person, [row.target], pairs.Lane.CHANGE, machine_now())

    rooms.database.write(again)
    click.echo(f"{len(found)} will be tried again")


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
@operator_option
@click.pass_obj
def release(open_rooms: OpenRooms, target: str, kind: str, by: str) -> None:
    """Approve what the breaker of TARGET and KIND holds at this moment.

    What is held goes through; what comes later is counted anew.
    """
    rooms = open_rooms()
    if target not in rooms.settings.targets:
        known = ", ".join(rooms.settings.targets)
        raise click.ClickException(f"there is no target {target}; known: {known}")
    approved = rooms.database.write(
        lambda tx: breakers.release(tx, target, kind, by, rooms.business.now(), machine_now())
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


COMMANDS = (provision, replay, list_breakers, release, set_clock)
