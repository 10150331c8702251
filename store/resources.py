"""SCIM resources as rows: read, list, insert, update, withdraw.

A document is kept as JSON text that is ready to be sent but for `meta.location`, which
depends on the public address. Rows of withdrawn resources stay; nothing here shows them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    String,
    bindparam,
    func,
    insert,
    select,
    union_all,
    update,
)

from store.tables import resource

_SCAN = 200  # rows held in memory while a filter is evaluated


@dataclass(frozen=True, slots=True)
class Resource:
    """One row. Times are epoch seconds; `cleared` holds attribute paths said to be empty."""

    id: str
    source: str
    type: str
    external_id: str | None
    user_key: str | None
    document: str
    version: int
    cleared: frozenset[str]
    created: float
    modified: float
    person: str | None = None
    facts: str | None = None


_ROW = (
    resource.c.id,
    resource.c.source,
    resource.c.type,
    resource.c.external_id,
    resource.c.user_key,
    resource.c.document,
    resource.c.version,
    resource.c.cleared,
    resource.c.created,
    resource.c.modified,
    resource.c.person,
    resource.c.facts,
)
_KEYS = {
    "id": resource.c.id,
    "externalId": resource.c.external_id,
    "userKey": resource.c.user_key,
}
_LIVE = resource.c.deleted.is_(None)
_MINE = (
    resource.c.source == bindparam("the_source"),
    resource.c.type == bindparam("the_type"),
    _LIVE,
)
_GET = select(*_ROW).where(resource.c.id == bindparam("the_id"), *_MINE)
_TAKEN_COLUMNS = (resource.c.id, resource.c.external_id, resource.c.user_key)
# Two selects, not one with OR: for that SQLite would read every row of the source.
_TAKEN = union_all(
    select(*_TAKEN_COLUMNS).where(
        *_MINE, resource.c.external_id == bindparam("the_external_id", type_=String)
    ),
    select(*_TAKEN_COLUMNS).where(
        *_MINE, resource.c.user_key == bindparam("the_user_key", type_=String)
    ),
)
_NEXT_SEQ = select(func.coalesce(func.max(resource.c.seq), 0) + 1).scalar_subquery()
_INSERT_COUNTING = insert(resource).values(seq=_NEXT_SEQ)
_INSERT = insert(resource)
_UPDATE = (
    update(resource)
    .where(
        resource.c.id == bindparam("the_id"),
        resource.c.version == bindparam("the_version"),
        _LIVE,
    )
    .values(
        external_id=bindparam("external_id"),
        user_key=bindparam("user_key"),
        document=bindparam("document"),
        version=bindparam("version"),
        cleared=bindparam("cleared"),
        modified=bindparam("modified"),
        person=bindparam("person"),
        facts=bindparam("facts"),
    )
)
_WITHDRAW = (
    update(resource)
    .where(
        resource.c.id == bindparam("the_id"),
        resource.c.version == bindparam("the_version"),
        _LIVE,
    )
    .values(deleted=bindparam("deleted"), modified=bindparam("deleted"))
)


def get(conn: Connection, source: str, type: str, id: str) -> Resource | None:
    """The live resource of that source, type and id."""
    row = conn.execute(_GET, {"the_id": id, "the_source": source, "the_type": type}).one_or_none()
    return _resource(row) if row else None


def taken(
    conn: Connection,
    source: str,
    type: str,
    external_id: str | None,
    user_key: str | None,
    besides: str | None = None,
) -> str | None:
    """Which key another live resource has: "user_key", "external_id" or None.

    `besides` is the id of the resource that may have them.
    """
    rows = conn.execute(
        _TAKEN,
        {
            "the_source": source,
            "the_type": type,
            "the_external_id": external_id,
            "the_user_key": user_key,
        },
    )
    others = [row for row in rows if row.id != besides]
    if user_key is not None and any(row.user_key == user_key for row in others):
        return "user_key"
    return "external_id" if others else None


def insert_new(conn: Connection, new: Resource) -> None:
    """Store a resource. Raises sqlalchemy.exc.IntegrityError when a key was taken meanwhile."""
    statement = _INSERT_COUNTING if conn.dialect.name == "sqlite" else _INSERT
    conn.execute(statement, {"id": new.id, "source": new.source, "type": new.type, **_values(new)})


def replace(conn: Connection, new: Resource, expected: int) -> bool:
    """Store a new state over version `expected`; False when that is no longer the version."""
    values = {"the_id": new.id, "the_version": expected, **_values(new)}
    del values["created"]
    return conn.execute(_UPDATE, values).rowcount == 1


def withdraw(conn: Connection, id: str, expected: int, now: float) -> bool:
    """Mark a resource as withdrawn by its source; False when its version is not `expected`."""
    values = {"the_id": id, "the_version": expected, "deleted": now}
    return conn.execute(_WITHDRAW, values).rowcount == 1


def count(conn: Connection, source: str, type: str, keys: Mapping[str, str]) -> int:
    """How many live resources there are; `keys` as in `page`."""
    statement = _listing(select(func.count()).select_from(resource), source, type, keys)
    return int(conn.execute(statement).scalar_one())


def page(
    conn: Connection, source: str, type: str, keys: Mapping[str, str], offset: int, limit: int
) -> list[Resource]:
    """Live resources in order of creation, from the `offset`-th on.

    `keys` narrows by indexed columns: "id", "externalId", "userKey" (case-folded).
    """
    statement = _listing(select(*_ROW), source, type, keys).order_by(resource.c.seq)
    rows = conn.execute(statement.offset(offset).limit(limit))
    return [_resource(row) for row in rows]


def scan(conn: Connection, source: str, type: str, keys: Mapping[str, str]) -> Iterator[Resource]:
    """All live resources in order of creation, a few at a time; `keys` as in `page`."""
    after = 0
    while True:
        statement = (
            _listing(select(resource.c.seq, *_ROW), source, type, keys)
            .where(resource.c.seq > after)
            .order_by(resource.c.seq)
            .limit(_SCAN)
        )
        rows = conn.execute(statement).all()
        for row in rows:
            yield _resource(row[1:])
        if len(rows) < _SCAN:
            return
        after = rows[-1].seq


def _listing(
    statement: Select[Any], source: str, type: str, keys: Mapping[str, str]
) -> Select[Any]:
    statement = statement.where(resource.c.source == source, resource.c.type == type, _LIVE)
    for name, value in keys.items():
        statement = statement.where(_KEYS[name] == value)
    return statement


def _resource(row: Row[Any] | Sequence[Any]) -> Resource:
    values = list(row)
    values[7] = frozenset(json.loads(values[7]))
    return Resource(*values)


def _values(new: Resource) -> dict[str, Any]:
    return {
        "external_id": new.external_id,
        "user_key": new.user_key,
        "document": new.document,
        "version": new.version,
        "cleared": json.dumps(sorted(new.cleared), ensure_ascii=False),
        "created": new.created,
        "modified": new.modified,
        "person": new.person,
        "facts": new.facts,
    }
