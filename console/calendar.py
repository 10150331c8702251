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

import click
from sqlalchemy import Connection, and_, exists, or_, select

from console.commands import OpenRooms
from console.wording import display_name
from policy_settings import People
from provisioning import people
from provisioning.dated import ABOUT_THE_PUSH
from provisioning.lifecycle import Episode, Lifecycle, zone_of
from provisioning.merging import Record, course
from provisioning.merging import turns as turns_of
from store.clocks import iso, to_datetime
from store.tables import account, grant, pair, person

DAY = 86400.0


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
            person.c.episodes,
            person.c.withdrawn_at,
            person.c.changes_at,
            account.c.anchor,
            account.c.gone_at,
            _granted("group"),
            _granted("license"),
        )
        .join(person, person.c.id == pair.c.person)
        .outerjoin(
            account, and_(account.c.person == pair.c.person, account.c.target == pair.c.target)
        )
        .where(or_(pair.c.look_at <= until, pair.c.due.is_not(None)))
        .order_by(person.c.id)
    )
    listed = [list(pairs) for _, pairs in groupby(rows, key=attrgetter("id"))]
    events: list[Event] = []
    for own in listed:
        records: list[Record] = []
        if own[0].changes_at is not None:
            records = people.live_records(connection, own[0].id)
        events += _of_person(own, records, policy, now, until)
    return sorted(events)


def _of_person(
    rows: list[Any], records: list[Record], policy: People, now: float, until: float
) -> list[Event]:
    first = rows[0]
    facts = json.loads(first.facts)
    stored = people.episodes_from(first.episodes)
    life_at = course(records, stored, first.withdrawn_at, policy)
    changes = [(change.at, change.facts) for record in records for change in record.ahead]
    overdue = [row.look_at for row in rows if row.look_at is not None and row.look_at <= now]
    turns = _turns(life_at, min([now, *(at - 1 for at in overdue)]), until)
    zone = zone_of(stored[life_at(now).episode], policy) if stored else zone_of(_NOBODY, policy)
    name, key = display_name(facts), facts.get("employeeNumber") or facts.get("workerId")
    events = []
    for row in rows:
        said = [
            (at, what, after.reason)
            for at, before, after in turns
            if (what := _what(before, after, row))
        ]
        said += [
            (at, "changes", ", ".join(sorted(changed.keys() - ABOUT_THE_PUSH)))
            for at, changed in changes
            if at <= until
        ]
        look, known = row.look_at, {at for at, _, _ in (*turns, *said)}
        if look is not None and look <= until and all(abs(at - look) >= 1 for at in known):
            said.append((look, "looks again", life_at(look).reason))
        for at, what, why in said:
            if row.held:
                what += " (held)"
            local = to_datetime(at).astimezone(zone)
            events.append(Event(at, name, row.target, str(key or ""), what, why, row.id, local))
    return events


_NOBODY = Episode("", {})


def _turns(
    life_at: Callable[[float], Lifecycle], start: float, until: float
) -> list[tuple[float, Lifecycle, Lifecycle]]:
    """Every instant up to `until` at which the life turns out differently."""
    found: list[tuple[float, Lifecycle, Lifecycle]] = []
    before = life_at(start)
    for at, after in turns_of(life_at, start, until):
        if (after.stage, after.enabled, after.due) != (before.stage, before.enabled, before.due):
            found.append((at, before, after))
        before = after
    return found


def _what(before: Lifecycle, after: Lifecycle, row: Any) -> str:
    """The turn in the words of somebody who looks after accounts; "" when it is none to them."""
    has_account = bool(row.anchor) and row.gone_at is None
    if after.left and not before.left:
        return "leaves"
    if after.left:
        has = {"groups": row.group, "licenses": row.license, "move": True, "delete": True}
        steps = [step for step in _STEPS if step in after.due - before.due and has[step]]
        return ", ".join(_STEPS[step] for step in steps) if has_account else ""
    if after.enabled and not before.enabled:
        return "enabled" if before.exists or has_account else "account created and enabled"
    if after.exists and not before.exists and not has_account:
        return "account created"
    return f"becomes {after.stage}"


def _granted(kind: str) -> Any:
    """Whether a rule gave something of this kind to the account."""
    found = exists().where(
        grant.c.person == pair.c.person, grant.c.target == pair.c.target, grant.c.kind == kind
    )
    return found.label(kind)


_STEPS = {
    "groups": "loses groups",
    "move": "moved to the leavers",
    "licenses": "loses licences",
    "delete": "account deleted",
}


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
