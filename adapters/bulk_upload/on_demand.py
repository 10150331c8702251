"""provisionOnDemand: one person looked at now, and what came of it, step by step.

Asks for the look and waits for it: the worker does what it always does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from adapters.bulk_upload import demanded
from adapters.bulk_upload.demanded import Look
from provisioning import pairs
from store import journal
from store.clocks import machine_now
from store.database import Database
from store.tables import pair, resource

PATIENCE = 25.0
"""Seconds that a caller waits at most; Entra says "less than 30"."""
MOST = 5
"""People of one request."""
_POLL = 0.05
_PIECE = 200
"""People who are asked for in one transaction."""


class NotASubject(ValueError):
    """The request names nobody here; the text says what to change."""


def subjects(body: Mapping[str, Any]) -> list[str]:
    """The ids that a request names. Raises NotASubject."""
    found = []
    for parameter in _objects(body, "parameters"):
        for subject in _objects(parameter, "subjects"):
            id = _folded(subject).get("objectid")
            if not isinstance(id, str) or not id.strip():
                raise NotASubject("subjects: an objectId is expected, a worker's externalId or id.")
            found.append(id.strip())
    if not 0 < len(found) <= MOST:
        raise NotASubject(f"parameters: one to {MOST} subjects are expected.")
    return list(dict.fromkeys(found))


def _objects(holder: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = _folded(holder).get(key)
    found = [found] if isinstance(found, dict) else found
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise NotASubject(f"{key}: a list of objects is expected.")
    return found


def _folded(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key.lower(): value for key, value in mapping.items()}


def provision(
    db: Database, source: str, ids: Sequence[str], targets: Sequence[str], patience: float
) -> dict[str, str]:
    """Have the source's people of these ids looked at; the stringKeyStringValuePair of what
    came of it, in `targets` in their order. Raises NotASubject before anything is asked."""
    with db.read() as connection:
        people = [_person(connection, source, id) for id in ids]
        began, _ = journal.head(connection)

    def ask(tx: Connection) -> dict[tuple[str, str], int]:
        now, lane = machine_now(), pairs.Lane.JOINER
        return {
            (person, target): count
            for person in people
            for target, count in pairs.ask(tx, person, targets, lane, now)["asked"].items()
        }

    since = machine_now()
    asked = db.write(ask)
    give_up = time.monotonic() + patience
    while True:
        with db.read() as connection:
            rows = {key: _pair(connection, *key) for key in asked}
            over = all(row is not None and row.seen >= asked[key] for key, row in rows.items())
            if over or time.monotonic() >= give_up:
                looks = [
                    [_look(id, person, target, rows, asked) for target in targets]
                    for id, person in zip(ids, people, strict=True)
                ]
                now = machine_now()
                return demanded.pair_of_texts(connection, source, looks, began, since, now)
        time.sleep(_POLL)


def _look(
    id: str,
    person: str,
    target: str,
    rows: Mapping[tuple[str, str], Row[Any] | None],
    asked: Mapping[tuple[str, str], int],
) -> Look:
    row = rows[person, target]
    is_over = row is not None and row.seen >= asked[person, target]
    return Look(id, person, target, row, is_over)


def ask_everybody(db: Database, source: str, targets: Sequence[str]) -> None:
    """A reason to look at everyone of whom the source speaks, in pieces: others write too."""
    mine = (resource.c.source == source, resource.c.deleted.is_(None))
    people = select(resource.c.person).where(*mine, resource.c.person.is_not(None)).distinct()
    with db.read() as connection:
        found = list(connection.execute(people).scalars())

    def ask(tx: Connection, piece: Sequence[str]) -> None:
        for person in piece:
            pairs.ask(tx, person, targets, pairs.Lane.BULK, machine_now())

    for begin in range(0, len(found), _PIECE):
        db.write(partial(ask, piece=found[begin : begin + _PIECE]))


def _person(connection: Connection, source: str, id: str) -> str:
    mine = (
        resource.c.source == source,
        resource.c.type == "User",
        resource.c.deleted.is_(None),
        or_(resource.c.external_id == id, resource.c.id == id),
    )
    found = connection.execute(select(resource.c.person).where(*mine)).scalars().first()
    if found is None:
        raise NotASubject(f"objectId: nobody whom this source pushed has {id[:80]!r}.")
    return str(found)


def _pair(connection: Connection, person: str, target: str) -> Row[Any] | None:
    mine = (pair.c.person == person, pair.c.target == target)
    return connection.execute(select(pair).where(*mine)).one_or_none()
