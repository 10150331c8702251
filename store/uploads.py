"""The job of a source that pushes by bulkUpload: whether it is paused, what waits meanwhile,
what its newest upload came to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from store.tables import upload, upload_job

_JOB = select(upload_job)
_WAITING = select(func.count()).select_from(upload)


@dataclass(frozen=True)
class Job:
    """What is remembered; `last` and `attributes` are as they were put."""

    paused: bool = False
    last: Mapping[str, Any] | None = None
    attributes: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Waiting:
    """An upload that has not been taken in yet."""

    seq: int
    cycle: str
    operations: Sequence[Mapping[str, Any]]


def job(connection: Connection, source: str) -> Job:
    """The source's job; one that was never changed is running."""
    row = connection.execute(_JOB.where(upload_job.c.source == source)).one_or_none()
    if row is None:
        return Job()
    last = json.loads(row.last) if row.last else None
    return Job(row.paused, last, json.loads(row.attributes or "[]"))


def pause(tx: Connection, source: str, paused: bool) -> None:
    """Hold the job, or let it go on."""
    _put(tx, source, paused=paused)


def note(tx: Connection, source: str, last: Mapping[str, Any]) -> None:
    """Remember what the newest upload came to."""
    _put(tx, source, last=json.dumps(last))


def keep_attributes(
    tx: Connection, source: str, attributes: Sequence[Mapping[str, Any]] | None
) -> None:
    """Remember these definitions of attributes in place of those before; None: none."""
    _put(tx, source, attributes=json.dumps(attributes) if attributes else None)


def wait(
    tx: Connection, source: str, cycle: str, operations: Sequence[Mapping[str, Any]], now: float
) -> None:
    """Keep an upload until the job goes on."""
    body = json.dumps(operations, ensure_ascii=False)
    tx.execute(insert(upload).values(source=source, cycle=cycle, at=now, body=body))


def waiting(connection: Connection, source: str) -> int:
    """How many uploads wait."""
    return int(connection.execute(_WAITING.where(upload.c.source == source)).scalar_one())


def oldest(connection: Connection, source: str) -> Waiting | None:
    """The upload that has waited longest."""
    statement = select(upload).where(upload.c.source == source).order_by(upload.c.seq).limit(1)
    row = connection.execute(statement).one_or_none()
    return None if row is None else Waiting(row.seq, row.cycle, json.loads(row.body))


def done(tx: Connection, seq: int) -> bool:
    """This upload is taken in; False when somebody else has done it."""
    return tx.execute(delete(upload).where(upload.c.seq == seq)).rowcount == 1


def purge(tx: Connection, source: str) -> int:
    """Throw away what waits; how many uploads that were."""
    return tx.execute(delete(upload).where(upload.c.source == source)).rowcount


def _put(tx: Connection, source: str, **values: Any) -> None:
    into = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    tx.execute(
        into(upload_job)
        .values(**{"source": source, "paused": False, **values})
        .on_conflict_do_update(index_elements=["source"], set_=values)
    )
