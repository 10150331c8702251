"""The calendar: what dates will do to accounts, before they come.

A pair whose plan will turn out differently knows when to look again. The life cycle of
its person is played forward from there; what else makes a pair look again is listed as that.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy import Connection, and_, or_, select

from console.commands import OpenRooms
from console.wording import display_name
from provisioning.lifecycle import Lifecycle, lifecycle
from settings import People
from store.clocks import iso, to_datetime
from store.tables import account, pair, person

DAY = 86400.0
_MOST_STEPS = 20
"""Turns of one life that are followed; a life has fewer."""


@dataclass(frozen=True, order=True)
class Event:
    """Something that will happen at `at` (business time, epoch seconds).

    `local` is the same instant in the worker's time zone, `key` the number HR knows them by.
    """

    at: float
    name: str
    target: str
    key: str
    what: str
    why: str
    person: str
    local: datetime


def calendar(connection: Connection, policy: People, now: float, days: float) -> list[Event]:
    """What dates will do in the next `days` days of business time, soonest first.

    Reads the pairs that will look again by then or have yet to be looked at. What is
    overdue, because no worker runs, comes first.
    """
    until = now + days * DAY
    rows = connection.execute(
        select(
            pair.c.target,
            pair.c.look_at,
            pair.c.held,
            person.c.id,
            person.c.facts,
            person.c.asserted,
            account.c.anchor,
        )
        .join(person, person.c.id == pair.c.person)
        .outerjoin(
            account, and_(account.c.person == pair.c.person, account.c.target == pair.c.target)
        )
        .where(or_(pair.c.look_at <= until, pair.c.due.is_not(None)))
        .order_by(person.c.id)
    )
    events: list[Event] = []
    for _, pairs in groupby(rows, key=attrgetter("id")):
        events += _of_person(list(pairs), policy, now, until)
    return sorted(events)


def _of_person(rows: list[Any], policy: People, now: float, until: float) -> list[Event]:
    first = rows[0]
    facts = json.loads(first.facts)

    def life_at(instant: float) -> Lifecycle:
        return lifecycle(facts, first.asserted, policy.pre_hire_days, policy.timezone, instant)

    overdue = [row.look_at for row in rows if row.look_at is not None and row.look_at <= now]
    turns = _turns(life_at, min([now, *(at - 1 for at in overdue)]), until)
    zone = _zone(facts.get("timezone"), policy.timezone)
    name, key = display_name(facts), facts.get("employeeNumber") or facts.get("workerId")
    events = []
    for row in rows:
        said = [(at, _what(before, after, row), after.reason) for at, before, after in turns]
        look = row.look_at
        if look is not None and look <= until and all(abs(at - look) >= 1 for at, _, _ in turns):
            said.append((look, "looks again", life_at(look).reason))
        for at, what, why in said:
            if row.held:
                what += " (held)"
            local = to_datetime(at).astimezone(zone)
            events.append(Event(at, name, row.target, str(key or ""), what, why, row.id, local))
    return events


def _turns(
    life_at: Callable[[float], Lifecycle], start: float, until: float
) -> list[tuple[float, Lifecycle, Lifecycle]]:
    """Every instant up to `until` at which the life turns out differently."""
    turns: list[tuple[float, Lifecycle, Lifecycle]] = []
    before = life_at(start)
    while before.valid_until is not None and before.valid_until <= until:
        at = before.valid_until
        after = life_at(at)
        if (after.stage, after.enabled) != (before.stage, before.enabled):
            turns.append((at, before, after))
        before = after
        if len(turns) == _MOST_STEPS:
            break
    return turns


def _what(before: Lifecycle, after: Lifecycle, row: Any) -> str:
    """The turn in the words of somebody who looks after accounts."""
    if after.stage == "leaver":
        return "leaves"
    if after.enabled and not before.enabled:
        return "enabled" if before.exists or row.anchor else "account created and enabled"
    if after.exists and not before.exists and not row.anchor:
        return "account created"
    return f"becomes {after.stage}"


def _zone(name: object, default: str) -> ZoneInfo:
    try:
        return ZoneInfo(name if isinstance(name, str) and name else default)
    except (ValueError, OSError, LookupError):
        return ZoneInfo(default)


@click.command("calendar")
@click.option(
    "--days", default=14.0, type=click.FloatRange(0, 3660), help="how far ahead (default 14)"
)
@click.pass_obj
def show_calendar(open_rooms: OpenRooms, days: float) -> None:
    """List what dates will do: who is enabled, leaves or gets an account, when and where.

    First the worker's own time, then UTC. Dates are by business time.
    """
    rooms = open_rooms()
    now = rooms.business.now()
    with rooms.database.read() as connection:
        events = calendar(connection, rooms.viewer.settings.people, now, days)
    for event in events:
        local = event.local.strftime("%Y-%m-%d %H:%M %Z")
        who = f"{event.name or event.person}" + f" ({event.key})" * bool(event.key)
        late = "overdue: " if event.at <= now else ""
        click.echo(
            f"{local}  {iso(event.at)}  {event.target}  {who}  {late}{event.what}: {event.why}"
        )
    if not events:
        click.echo(f"nothing is due in the {days:g} days from {iso(now)}")
