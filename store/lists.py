"""Lists of live resources: pages by number or by key, counts, and scans in steps.

A page at any depth costs about the same: `tally` leads to the stretch of numbers that it
begins in, an index counts off the rest, and only the documents of the page are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    false,
    func,
    literal,
    or_,
    select,
)

from store import resources
from store.resources import BUCKET, COLUMNS, LIVE, MINE, Resource, from_row
from store.statement import Statement
from store.tables import resource

_STEP = 200  # rows held in memory while a filter is evaluated

Condition = ColumnElement[bool]

ORDERS: Mapping[str, Any] = {
    "seq": resource.c.seq,
    "id": resource.c.id,
    "externalId": resource.c.external_id,
    "userKey": resource.c.user_key,
    "modified": resource.c.modified,
}


@dataclass(frozen=True, slots=True)
class Order:
    """By which column of `ORDERS` a list goes. Resources without a value come last, or
    first where it is `descending`; those of equal value in order of creation."""

    by: str = "seq"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class After:
    """Behind which resource a page begins: its value in the order, and its seq."""

    value: Any
    seq: int


BY_CREATION = Order()
_seq = resource.c.seq
_deep = (
    select(_seq)
    .where(*MINE, _seq >= bindparam("the_base"))
    .order_by(_seq)
    .limit(bindparam("the_limit"))
    .offset(bindparam("the_offset"))
    .subquery()
)
_DEEP = Statement(select(*COLUMNS).join(_deep, _seq == _deep.c.seq).order_by(_seq))
_NEXT = Statement(
    select(*COLUMNS)
    .where(*MINE, _seq > bindparam("the_seq"))
    .order_by(_seq)
    .limit(bindparam("the_limit"))
)


def count(conn: Connection, source: str, type: str, condition: Condition | None = None) -> int:
    """How many live resources there are, of those that meet `condition`."""
    if condition is None:
        return sum(total for _, total in resources.buckets(conn, source, type))
    statement = select(func.count()).select_from(resource)
    return int(conn.execute(_mine(statement, source, type, condition)).scalar_one())


def page(
    conn: Connection,
    source: str,
    type: str,
    offset: int,
    limit: int,
    condition: Condition | None = None,
    order: Order = BY_CREATION,
) -> list[Resource]:
    """At most `limit` resources in `order`, from the `offset`-th on."""
    if condition is None and order == BY_CREATION:
        return _deep_page(conn, source, type, offset, limit)
    chosen = _ordered(_mine(select(_seq), source, type, condition), order)
    inner = chosen.limit(limit).offset(offset).subquery()
    statement = select(*COLUMNS).join(inner, _seq == inner.c.seq)
    return [from_row(row) for row in conn.execute(_ordered(statement, order))]


def after(
    conn: Connection,
    source: str,
    type: str,
    mark: After | None,
    limit: int,
    condition: Condition | None = None,
    order: Order = BY_CREATION,
) -> list[Resource]:
    """At most `limit` resources in `order`, behind `mark` (None: from the beginning)."""
    if condition is None and order == BY_CREATION:
        rows = _NEXT.all(
            conn,
            the_source=source,
            the_type=type,
            the_seq=mark.seq if mark else 0,
            the_limit=limit,
        )
        return [from_row(row) for row in rows]
    statement = _mine(select(*COLUMNS), source, type, condition)
    if mark is not None:
        statement = statement.where(_behind(order, mark))
    return [from_row(row) for row in conn.execute(_ordered(statement, order).limit(limit))]


def scan(
    conn: Connection,
    source: str,
    type: str,
    condition: Condition | None = None,
    mark: After | None = None,
) -> Iterator[Resource]:
    """All that meet `condition` in order of creation, a few at a time."""
    while True:
        rows = after(conn, source, type, mark, _STEP, condition)
        yield from rows
        if len(rows) < _STEP:
            return
        mark = After(None, rows[-1].seq)


def of(conn: Connection, seqs: Sequence[int]) -> list[Resource]:
    """The resources of those numbers, in that order."""
    if not seqs:
        return []
    rows = conn.execute(select(*COLUMNS).where(_seq.in_(seqs), LIVE))
    found = {row.seq: from_row(row) for row in rows}
    return [found[seq] for seq in seqs if seq in found]


def _deep_page(conn: Connection, source: str, type: str, offset: int, limit: int) -> list[Resource]:
    base = 0
    if offset >= BUCKET:
        for bucket, total in resources.buckets(conn, source, type):
            base = bucket * BUCKET
            if offset < total:
                break
            offset -= total
        else:
            return []
    rows = _DEEP.all(
        conn,
        the_source=source,
        the_type=type,
        the_base=base,
        the_limit=limit,
        the_offset=offset,
    )
    return [from_row(row) for row in rows]


def _mine(
    statement: Select[Any], source: str, type: str, condition: Condition | None
) -> Select[Any]:
    statement = statement.where(resource.c.source == source, resource.c.type == type, LIVE)
    return statement if condition is None else statement.where(condition)


def _ordered(statement: Select[Any], order: Order) -> Select[Any]:
    column = ORDERS[order.by]
    if order.by == "seq":
        return statement.order_by(column.desc() if order.descending else column)
    first = column.desc().nulls_first() if order.descending else column.asc().nulls_last()
    return statement.order_by(first, _seq)


def _behind(order: Order, mark: After) -> Condition:
    """What comes after `mark` in `order`."""
    column = ORDERS[order.by]
    if order.by == "seq":
        return _seq < mark.seq if order.descending else _seq > mark.seq
    if mark.value is None:
        rest = column.is_not(None) if order.descending else false()
        return or_(and_(column.is_(None), _seq > mark.seq), rest)
    value = literal(mark.value)
    tie = and_(column == value, _seq > mark.seq)
    if order.descending:
        return or_(column < value, tie)
    return or_(column > value, tie, column.is_(None))
