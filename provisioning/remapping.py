"""What another mapping would make of the people who are there. Nothing is written.

Only people for whom it says something else than the mapping in force are looked at: those
whose records an inbound mapping reads differently, and those of whose account an outbound
mapping wants something else.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, bindparam, select

from mappings.documents import Inbound, Outbound
from mappings.results import Evaluation
from policy_settings import People
from provisioning import dated, people
from provisioning.dated import ABOUT_THE_PUSH
from provisioning.intake import with_groups
from provisioning.merging import Record
from provisioning.names import ACCOUNT_NAME
from provisioning.snapshot import read_snapshots
from provisioning.survey import AT_ONCE, Finding, look_at
from provisioning.view import Viewer
from store.database import Database
from store.json_text import parse
from store.tables import resource

_ids: Any = bindparam("ids", expanding=True)
_RECORDS = (
    select(
        resource.c.id,
        resource.c.person,
        resource.c.source,
        resource.c.document,
        resource.c.cleared,
        resource.c.facts,
        resource.c.ahead,
    )
    .where(resource.c.person.in_(_ids), resource.c.type == "User", resource.c.deleted.is_(None))
    .order_by(resource.c.seq)
)


def chunks(persons: Sequence[str]) -> Iterator[list[str]]:
    """Some hundred at a time."""
    rest = iter(persons)
    while chunk := list(islice(rest, AT_ONCE)):
        yield chunk


def read_anew(
    connection: Connection,
    persons: Collection[str],
    inbounds: Mapping[str, Inbound],
    policy: People,
    now: float,
) -> dict[str, list[Record]]:
    """The records, oldest first, of those of these persons of whom they would say something
    else if the inbound mapping of their source were the one given."""
    found: dict[str, list[Record]] = {}
    differing: set[str] = set()
    for row, said, differs in _anew(connection, persons, inbounds, policy, now):
        found.setdefault(row.person, []).append(said)
        if differs:
            differing.add(row.person)
    return {person: records for person, records in found.items() if person in differing}


def affected(
    connection: Connection,
    persons: Collection[str],
    inbounds: Mapping[str, Inbound],
    policy: People,
    now: float,
) -> list[Any]:
    """Rows (id, person, source, document, cleared) of the records that make the difference."""
    anew = _anew(connection, persons, inbounds, policy, now)
    return [row for row, _, differs in anew if differs]


def _anew(
    connection: Connection,
    persons: Collection[str],
    inbounds: Mapping[str, Inbound],
    policy: People,
    now: float,
) -> Iterator[tuple[Any, Record, bool]]:
    """Every record of these persons, read anew, and whether it says something else then."""
    for row in connection.execute(_RECORDS, {"ids": list(persons)}):
        said = stored = people.record(row.source, row.facts, row.ahead)
        if row.source in inbounds:
            inbound = inbounds[row.source]
            document = with_groups(connection, inbound, row.source, row.id, parse(row.document))
            derived = inbound.facts(document, json.loads(row.cleared))
            said = dated.take(stored, derived, policy, now, dict).record
        yield row, said, _says(said) != _says(stored)


def _says(record: Record) -> tuple[Any, ...]:
    facts = {k: v for k, v in record.facts.items() if k not in ABOUT_THE_PUSH}
    return facts, record.ahead


def differing(
    database: Database,
    viewer: Viewer,
    other: Outbound,
    persons: Sequence[str],
    target: str,
    now: float,
) -> Iterator[list[str]]:
    """Those of these persons of whose account `other` wants something else, some at a time."""
    settings = viewer.settings
    for chunk in chunks(persons):
        with database.read() as connection:
            snapshots = read_snapshots(connection, chunk, target, settings.people, now)
        wanted = []
        for id, snapshot in snapshots.items():
            context, given = viewer.context(snapshot, settings, target, now)
            in_force = viewer.outbound(target)
            named = ACCOUNT_NAME in snapshot.names
            if _gist(in_force, context, given, named) != _gist(other, context, given, named):
                wanted.append(id)
        if wanted:
            yield wanted


def _gist(outbound: Outbound, context: Mapping[str, Any], given: Any, named: bool) -> Any:
    """Everything a mapping says of an account, in a form that compares."""
    found: Evaluation = outbound.evaluate(context, given)
    return (
        {a: (w.value, w.cleared, w.hold) for a, w in found.wishes.items()},
        {a: w.value for a, w in found.references.items()},
        found.container and found.container.value,
        found.enabled,
        found.scope and (found.scope.inside, found.scope.outside),
        {(gift.kind, gift.name) for gift in found.gifts},
        {(need.kind, need.attribute, need.candidates) for need in found.needs},
        outbound.matches(context, given),
        outbound.candidates("cn", context, given),
        None if named else outbound.candidates(ACCOUNT_NAME, context, given),
    )


def findings(
    database: Database,
    viewer: Viewer,
    persons: Sequence[str],
    target: str,
    now: float,
    inbounds: Mapping[str, Inbound],
) -> Iterator[Finding]:
    """What would be done in a target for those whose records would say something else."""
    for chunk in chunks(persons):
        with database.read() as connection:
            anew = read_anew(connection, chunk, inbounds, viewer.settings.people, now)
        yield from look_at(database, viewer, list(anew), target, now, anew)
