"""Whether the house is at rest: no pair has anything left to do until something happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from store import setting
from store.tables import pair

_COUNTED = "looks_counted"
_AT_REST = and_(pair.c.due.is_(None), pair.c.lease_token.is_(None))


@dataclass(frozen=True)
class Stuck:
    """A pair that goes no further by itself. `why` holds no personal values."""

    person: str
    target: str
    why: str


def busy(connection: Connection, business_now: float) -> bool:
    """Whether a pair is due, in back-off or leased, or its date has come by business time
    even if nobody has noticed yet. Two index seeks: a leased pair stays due to its end."""
    due = select(pair.c.person).where(pair.c.due.is_not(None)).limit(1)
    come = select(pair.c.person).where(pair.c.look_at <= business_now).limit(1)
    return any(connection.execute(query).first() is not None for query in (due, come))


def count_looks(tx: Connection) -> int:
    """How many looks have come to an end since this was last asked; retries count as well."""
    counted = int(tx.execute(select(func.coalesce(func.sum(pair.c.looks), 0))).scalar_one())
    before = int(setting.get(tx, _COUNTED) or 0)
    setting.put(tx, _COUNTED, str(counted))
    return counted - before


def forget_looks(tx: Connection) -> None:
    """Count from nothing: all pairs are gone."""
    setting.forget(tx, _COUNTED)


def held(connection: Connection) -> list[Stuck]:
    """Pairs at rest that wait for a human."""
    return _stuck(connection, pair.c.held, and_(_AT_REST, pair.c.held.is_not(None)))


def waiting(connection: Connection) -> list[Stuck]:
    """Pairs at rest that wait for an edge, such as a manager who is not there yet."""
    return _stuck(connection, pair.c.waits_on, and_(_AT_REST, pair.c.waits_on.is_not(None)))


def unsettled(connection: Connection, business_now: float) -> list[Stuck]:
    """Pairs that are not at rest, with what went wrong at their last look."""
    condition = or_(pair.c.due.is_not(None), pair.c.look_at <= business_now)
    return _stuck(connection, func.coalesce(pair.c.problem, "due"), condition)


def _stuck(connection: Connection, why: Any, condition: ColumnElement[bool]) -> list[Stuck]:
    query = select(pair.c.person, pair.c.target, why).where(condition)
    return [Stuck(*row) for row in connection.execute(query.order_by(pair.c.person, pair.c.target))]
