"""SCIM resources as rows: read, insert, update, withdraw, and look up by key.

A document is kept as JSON text that is ready to be sent but for `meta.location`, which
depends on the public address, and for what other rows say (`store/members.py`). Rows of
withdrawn resources stay; nothing here shows them. Lists are in `store/lists.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    String,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    union_all,
    update,
)

from store.statement import Statement
from store.tables import member, resource, resource_value, tally

BUCKET = 4096
"""So many numbers of `seq` are counted together."""
_SHARDS = 16
MAX_VALUE = 500
"""Characters of a value that are kept to look it up: more does not fit an index everywhere."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One row. Times are epoch seconds; `cleared` holds attribute paths said to be empty.

    `seq` is its place in the order of creation, 0 before it is stored; `grouped` says
    whether it is a member of a group; `twin` is its id when others may have its externalId,
    else "-". `dated`: what it says is dated ahead, or was until the day came.
    """

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
    seq: int = 0
    grouped: bool = False
    twin: str = "-"
    dated: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """A value to look a resource up by. `single`: no other resource may have it."""

    path: str
    value: str
    single: bool = False


_membership = member.alias("membership")  # a name of its own: lists may join members
COLUMNS = (
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
    resource.c.seq,
    exists().where(_membership.c.member == resource.c.id).label("grouped"),
    resource.c.twin,
    resource.c.ahead.is_not(None).label("dated"),
)
LIVE = resource.c.deleted.is_(None)
MINE = (
    resource.c.source == bindparam("the_source"),
    resource.c.type == bindparam("the_type"),
    LIVE,
)
_GET = Statement(select(*COLUMNS).where(resource.c.id == bindparam("the_id"), *MINE))
_TYPES_OF = select(resource.c.id, resource.c.type).where(
    resource.c.id.in_(bindparam("ids", expanding=True)),
    resource.c.source == bindparam("the_source"),
    LIVE,
)
_BY_KEY = {
    "id": _GET,
    "externalId": Statement(
        select(*COLUMNS).where(*MINE, resource.c.external_id == bindparam("the_id"))
    ),
    "userKey": Statement(select(*COLUMNS).where(*MINE, resource.c.user_key == bindparam("the_id"))),
}
_TAKEN_COLUMNS = (resource.c.id, resource.c.external_id, resource.c.user_key)
# Two selects, not one with OR: for that SQLite would read every row of the source.
_TAKEN = Statement(
    union_all(
        select(*_TAKEN_COLUMNS).where(
            *MINE, resource.c.external_id == bindparam("the_external_id", type_=String)
        ),
        select(*_TAKEN_COLUMNS).where(
            *MINE, resource.c.user_key == bindparam("the_user_key", type_=String)
        ),
    )
)
_VALUE_TAKEN = Statement(
    select(resource_value.c.seq).where(
        resource_value.c.place == bindparam("the_place"),
        resource_value.c.value == bindparam("the_value"),
        resource_value.c.seq != bindparam("the_seq"),
    )
)
_WRITTEN = (
    "external_id",
    "user_key",
    "document",
    "version",
    "cleared",
    "modified",
    "person",
    "facts",
    "twin",
)
_NEW: dict[str, Any] = {
    name: bindparam(name) for name in ("id", "source", "type", "created", *_WRITTEN)
}
# PostgreSQL counts by itself; SQLite's one writer at a time can take the next number.
_NEXT_SEQ = select(func.coalesce(func.max(resource.c.seq), 0) + 1).scalar_subquery()
_INSERT = {
    "sqlite": Statement(insert(resource).values(seq=_NEXT_SEQ, **_NEW).returning(resource.c.seq)),
    "postgresql": Statement(insert(resource).values(**_NEW).returning(resource.c.seq)),
}
_AT_VERSION = (
    resource.c.id == bindparam("the_id"),
    resource.c.version == bindparam("the_version"),
    LIVE,
)
_UPDATE = Statement(
    update(resource).where(*_AT_VERSION).values({name: bindparam(name) for name in _WRITTEN})
)
_WITHDRAW = Statement(
    update(resource)
    .where(*_AT_VERSION)
    .values(deleted=bindparam("deleted"), modified=bindparam("deleted"))
)
_COUNT = Statement(
    text(
        "INSERT INTO tally (source, type, bucket, shard, total) "
        "VALUES (:source, :type, :bucket, :shard, :change) "
        "ON CONFLICT (source, type, bucket, shard) "
        "DO UPDATE SET total = tally.total + excluded.total"
    )
)
_KEEP_VALUE = Statement(
    insert(resource_value).values(
        {name: bindparam(name) for name in ("place", "value", "seq", "single")}
    )
)
_DROP_VALUE = Statement(
    delete(resource_value).where(
        resource_value.c.place == bindparam("place"),
        resource_value.c.value == bindparam("value"),
        resource_value.c.seq == bindparam("seq"),
    )
)
_BUCKETS = Statement(
    select(tally.c.bucket, func.sum(tally.c.total))
    .where(tally.c.source == bindparam("the_source"), tally.c.type == bindparam("the_type"))
    .group_by(tally.c.bucket)
    .order_by(tally.c.bucket)
)


def get(conn: Connection, source: str, type: str, id: str) -> Resource | None:
    """The live resource of that source, type and id."""
    row = _GET.first(conn, the_id=id, the_source=source, the_type=type)
    return from_row(row) if row else None


def by_key(conn: Connection, source: str, type: str, key: str, value: str) -> Resource | None:
    """The live resource with that "id", "externalId" or "userKey" (folded)."""
    row = _BY_KEY[key].first(conn, the_id=value, the_source=source, the_type=type)
    return from_row(row) if row else None


def types_of(conn: Connection, source: str, ids: Sequence[str]) -> dict[str, str]:
    """The type of each live resource among `ids`."""
    found: dict[str, str] = {}
    for start in range(0, len(ids), 500):
        piece = list(ids[start : start + 500])
        rows = conn.execute(_TYPES_OF, {"ids": piece, "the_source": source})
        found.update((row.id, row.type) for row in rows)
    return found


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
    rows = _TAKEN.all(
        conn,
        the_source=source,
        the_type=type,
        the_external_id=external_id,
        the_user_key=user_key,
    )
    others = [row for row in rows if row[0] != besides]
    if user_key is not None and any(row[2] == user_key for row in others):
        return "user_key"
    return "external_id" if others else None


def taken_value(
    conn: Connection, source: str, type: str, values: Iterable[Value], besides: int = 0
) -> str | None:
    """The path of the first unique value of `values` that a resource other than the one
    with that `seq` has."""
    for wanted in values:
        if wanted.single:
            place = place_of(source, type, wanted.path)
            found = _VALUE_TAKEN.first(
                conn, the_place=place, the_value=wanted.value, the_seq=besides
            )
            if found is not None:
                return wanted.path
    return None


def place_of(source: str, type: str, path: str) -> str:
    """The key under which values of `path` are kept."""
    return f"{source} {type} {path}"


def insert_new(
    conn: Connection, new: Resource, values: Sequence[Value] = (), ahead: str | None = None
) -> int:
    """Store a resource, what it is looked up by, and what it says of days ahead; its `seq`.

    Raises sqlalchemy.exc.IntegrityError when a key or a unique value was taken meanwhile.
    """
    statement = _INSERT[conn.dialect.name]
    seq = int(
        statement.value(
            conn,
            id=new.id,
            source=new.source,
            type=new.type,
            created=new.created,
            **_written(new),
        )
    )
    if ahead is not None:  # seldom: it took the place of another one
        conn.execute(update(resource).where(resource.c.seq == seq).values(ahead=ahead))
    keep_values(conn, new.source, new.type, seq, values)
    _tally(conn, new.source, new.type, seq, 1)
    return seq


def replace(
    conn: Connection,
    new: Resource,
    expected: int,
    values: Sequence[Value] = (),
    before: Sequence[Value] = (),
) -> bool:
    """Store a new state over version `expected`; False when that is no longer the version.

    `before` are the values kept so far, `values` those to keep from now on.
    """
    if _UPDATE.count(conn, the_id=new.id, the_version=expected, **_written(new)) != 1:
        return False
    old, fresh = set(before), set(values)
    _drop_values(conn, new, old - fresh)
    keep_values(conn, new.source, new.type, new.seq, fresh - old)
    return True


def withdraw(conn: Connection, old: Resource, now: float, values: Iterable[Value] = ()) -> bool:
    """Mark a resource as withdrawn by its source, and let go of the `values` kept for it;
    False when `old` is not its version."""
    done = _WITHDRAW.count(conn, the_id=old.id, the_version=old.version, deleted=now)
    if done != 1:
        return False
    _drop_values(conn, old, values)
    _tally(conn, old.source, old.type, old.seq, -1)
    return True


def keep_values(
    conn: Connection, source: str, type: str, seq: int, values: Iterable[Value]
) -> None:
    """Keep more values by which the resource of that `seq` is looked up."""
    rows = [
        {
            "place": place_of(source, type, kept.path),
            "value": kept.value,
            "seq": seq,
            "single": kept.single,
        }
        for kept in values
    ]
    if rows:
        _KEEP_VALUE.many(conn, rows)


def _drop_values(conn: Connection, one: Resource, values: Iterable[Value]) -> None:
    rows = [
        {"place": place_of(one.source, one.type, v.path), "value": v.value, "seq": one.seq}
        for v in values
    ]
    if rows:
        _DROP_VALUE.many(conn, rows)


def buckets(conn: Connection, source: str, type: str) -> list[tuple[int, int]]:
    """How many live resources each stretch of `BUCKET` numbers of seq holds, in order."""
    return [
        (int(bucket), int(total))
        for bucket, total in _BUCKETS.all(conn, the_source=source, the_type=type)
    ]


def from_row(row: Sequence[Any]) -> Resource:
    """The resource in a row of `COLUMNS`."""
    values = list(row)
    values[7] = frozenset(json.loads(values[7])) if values[7] != "[]" else frozenset()
    values[13], values[15] = bool(values[13]), bool(values[15])
    return Resource(*values)


def _tally(conn: Connection, source: str, type: str, seq: int, change: int) -> None:
    shard = 0
    if conn.dialect.name == "postgresql":
        # Writers at the same moment are to count in different rows.
        driver: Any = conn.connection.dbapi_connection
        shard = driver.info.backend_pid % _SHARDS
    _COUNT.count(conn, source=source, type=type, bucket=seq // BUCKET, shard=shard, change=change)


def _written(new: Resource) -> dict[str, Any]:
    return {
        "external_id": new.external_id,
        "user_key": new.user_key,
        "document": new.document,
        "version": new.version,
        "cleared": json.dumps(sorted(new.cleared), ensure_ascii=False) if new.cleared else "[]",
        "modified": new.modified,
        "person": new.person,
        "facts": new.facts,
        "twin": new.twin,
    }
