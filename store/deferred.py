"""Writes that were answered 202: kept until they are done, in the order of their source.

What came of an operation is stored in the transaction that carries it out, under a lease
that is checked there: whoever dies in between has done nothing, and another goes on.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from store.database import Database
from store.json_text import compact
from store.tables import deferred

LEASE = 15.0
"""Seconds after which another takes over from who is not heard of."""


class LeaseLost(Exception):
    """Somebody else carries it out now."""


@dataclass(frozen=True)
class Accepted:
    """One request. `body` is a BulkRequest; `single` if it was another one; `outcomes` are
    what came of its operations so far, by their position."""

    id: str
    source: str
    profile: str
    subject: str | None
    single: bool
    body: Mapping[str, Any]
    outcomes: Mapping[int, Mapping[str, Any]]
    token: str


@dataclass(frozen=True)
class Result:
    """How it stands with a request: finished, or what came of it so far."""

    is_finished: bool
    single: bool
    outcomes: Mapping[int, Mapping[str, Any]]


def accept(
    tx: Connection,
    *,
    source: str,
    profile: str,
    subject: str | None,
    single: bool,
    body: Mapping[str, Any],
    now: float,
    most: int,
) -> str | None:
    """Keep a request; its id. None when `most` of the source are waiting already."""
    waiting = select(func.count()).where(deferred.c.source == source, deferred.c.finished.is_(None))
    if tx.execute(waiting).scalar_one() >= most:
        return None
    id = str(uuid.uuid4())
    row = {"id": id, "source": source, "profile": profile, "subject": subject, "single": single}
    text = compact(body)
    tx.execute(insert(deferred).values(**row, body=text, accepted=now))
    return id


def any_open(conn: Connection) -> bool:
    """Whether there is one that is not done."""
    statement = select(deferred.c.seq).where(deferred.c.finished.is_(None)).limit(1)
    return conn.execute(statement).first() is not None


def claim(db: Database, now: float) -> Accepted | None:
    """The oldest request that nobody carries out, of a source of which nobody does."""
    first = select(func.min(deferred.c.seq)).where(deferred.c.finished.is_(None))
    free = or_(deferred.c.lease_until.is_(None), deferred.c.lease_until <= now)
    due = (
        select(deferred)
        .where(deferred.c.seq.in_(first.group_by(deferred.c.source)), free)
        .order_by(deferred.c.seq)
        .limit(1)
    )
    token = str(uuid.uuid4())

    def work(tx: Connection) -> Accepted | None:
        row = tx.execute(due).first()
        if row is None:
            return None
        values = {"lease_until": now + LEASE, "lease_token": token}
        tx.execute(update(deferred).where(deferred.c.seq == row.seq).values(values))
        outcomes = _outcomes(row.outcomes)
        body = json.loads(row.body)
        return Accepted(
            row.id, row.source, row.profile, row.subject, row.single, body, outcomes, token
        )

    return db.write(work)


def record(
    tx: Connection,
    accepted: Accepted,
    outcomes: Mapping[int, Mapping[str, Any]],
    now: float,
    *,
    finished: bool,
) -> None:
    """What came of operations, in the transaction that carried them out; with `finished`
    there will be no others. What is known already stays. Raises LeaseLost, which has to
    undo the transaction."""
    ours = (deferred.c.id == accepted.id, deferred.c.lease_token == accepted.token)
    row = tx.execute(select(deferred.c.outcomes).where(*ours)).first()
    if row is None:
        raise LeaseLost
    known = {**outcomes, **_outcomes(row.outcomes)}
    values: dict[str, Any] = {
        "outcomes": json.dumps({str(k): v for k, v in known.items()}, ensure_ascii=False),
        "lease_until": now + LEASE,
    }
    if finished:
        values |= {"finished": now, "body": None, "lease_until": None, "lease_token": None}
    tx.execute(update(deferred).where(*ours).values(values))


def release(db: Database, accepted: Accepted) -> None:
    """Give the lease back: it was not the moment."""
    statement = update(deferred).where(
        deferred.c.id == accepted.id, deferred.c.lease_token == accepted.token
    )
    values = {"lease_until": None, "lease_token": None}
    db.write(lambda tx: tx.execute(statement.values(values)).close())


def result(conn: Connection, source: str, id: str) -> Result | None:
    """How it stands with a request of `source`; None when it has none of that id."""
    row = conn.execute(
        select(deferred.c.finished, deferred.c.single, deferred.c.outcomes).where(
            deferred.c.id == id, deferred.c.source == source
        )
    ).first()
    if row is None:
        return None
    return Result(row.finished is not None, row.single, _outcomes(row.outcomes))


def prune(tx: Connection, before: float) -> None:
    """Forget what was finished before `before`."""
    tx.execute(delete(deferred).where(deferred.c.finished < before))


def _outcomes(text: str) -> dict[int, dict[str, Any]]:
    return {int(position): entry for position, entry in json.loads(text).items()}
