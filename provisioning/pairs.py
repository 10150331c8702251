"""The pair: one row per (person, target) that says whether, when and why to look.

Nothing else queues work. Whatever gives a reason to look bumps `asked` in the
transaction that made the reason; a worker claims the pair, notes `asked`, looks, and
finishes (`claims.py`). When `asked` has moved on meanwhile, the pair stays due: no
reason to look is ever lost, and any number of them collapse into one look.

`now` is machine time, `business_now` business time, both in epoch seconds. Single
statements run under READ COMMITTED on PostgreSQL: each checks what it relies on itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Double,
    Integer,
    and_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from store.database import Database
from store.statement import Statement
from store.tables import pair
from store.wakeup import notify

SINGLE = "READ COMMITTED"
"""The isolation of a single statement on PostgreSQL."""


class Lane(IntEnum):
    """Who goes first. A pair keeps its most urgent lane until it is looked at."""

    LEAVER = 0
    JOINER = 1
    CHANGE = 2
    BULK = 3


@dataclass(frozen=True)
class Counts:
    """How many pairs are in which condition. One pair may be both held and waiting."""

    pairs: int
    due: int
    backing_off: int
    leased: int
    held: int
    waiting: int
    given_up: int = 0

    @property
    def settled(self) -> bool:
        """Nothing is left to do until somebody asks or a date comes."""
        return not (self.due or self.backing_off or self.leased)


# -- giving a reason to look ------------------------------------------------------------


Counters = dict[str, dict[str, int]]
"""`asked` and `seen` of a person's pairs, each by target. For the journal."""


@dataclass(frozen=True)
class Asked:
    """Pairs of one person that were asked."""

    counters: Counters
    looked: dict[str, float | None]
    """Business time of the last look, by target."""


def ask(tx: Connection, person: str, targets: Iterable[str], lane: Lane, now: float) -> Counters:
    """Give these pairs a reason to be looked at now; makes the pairs that are missing.

    Ends a back-off, and wakes a pair that is held, waits or was given up.
    """
    return ask_and_tell(tx, person, targets, lane, now).counters


def ask_and_tell(
    tx: Connection, person: str, targets: Iterable[str], lane: Lane, now: float
) -> Asked:
    """`ask`, and when these pairs were looked at."""
    named = {f"to_target{n}": target for n, target in enumerate(dict.fromkeys(targets))}
    asked: dict[str, int] = {}
    seen: dict[str, int] = {}
    looked: dict[str, float | None] = {}
    if named:
        asking = _asking(tx.dialect.name, len(named))
        rows = asking.all(tx, to_person=person, at=now, urgency=int(lane), **named)
        for target, new, dealt_with, at in rows:
            asked[target], seen[target], looked[target] = new, dealt_with, at
        notify(tx)
    return Asked({"asked": asked, "seen": seen}, looked)


def resolved(tx: Connection, now: float, *edges: str) -> int:
    """Ask again for every pair that waits on one of these edges; how many those were."""
    count = sum(
        _RESOLVED.count(tx, edge=edge, at=now, urgency=int(Lane.CHANGE))
        for edge in dict.fromkeys(edges)
    )
    if count:
        notify(tx)
    return count


def ask_all(tx: Connection, now: float) -> int:
    """Ask again for every pair: what is wanted of all of them may have changed."""
    count = tx.execute(_ASK_ALL, {"at": now, "urgency": Lane.BULK}).rowcount
    if count:
        notify(tx)
    return count


def tick(db: Database, business_now: float, now: float) -> int:
    """Ask for every pair whose `look_at` has come; how many those were.

    Dates that passed while no worker ran are still stored, so they count too.
    """
    with db.moment() as connection:
        if _COMING.first(connection, business_now=business_now) is None:
            return 0
    values = {"business_now": business_now, "at": now, "urgency": Lane.CHANGE}

    def work(tx: Connection) -> int:
        count = tx.execute(_TICK, values).rowcount
        if count:
            notify(tx)
        return count

    return db.write(work, isolation=SINGLE)


def given_up(connection: Connection) -> Sequence[Any]:
    """Pairs (person, target, given_up, problem) that nobody tries any more, the oldest first."""
    columns = (pair.c.person, pair.c.target, pair.c.given_up, pair.c.problem)
    found = select(*columns).where(pair.c.given_up.is_not(None))
    return connection.execute(found.order_by(pair.c.given_up, pair.c.person)).all()


_at: Any = bindparam("at", type_=Double)
_urgency: Any = bindparam("urgency", type_=Integer)
# A pair that is due already keeps its place in the line, and its lane if that is better;
# the lane of a reason that was dealt with is history.
_ASKED_AGAIN: dict[str, Any] = {
    "asked": pair.c.asked + 1,
    "due": case((pair.c.due < _at, pair.c.due), else_=_at),
    "lane": case(
        (and_(pair.c.due.is_not(None), pair.c.lane < _urgency), pair.c.lane), else_=_urgency
    ),
    "attempts": 0,
    "failing_since": null(),
    "given_up": null(),
}
_COME = pair.c.look_at <= bindparam("business_now")
_COMING = Statement(select(pair.c.person).where(_COME).limit(literal_column("1")))
# A date makes a leaver of who is leaving: that goes first.
_urgency_of_date = case((pair.c.state == "leaving", int(Lane.LEAVER)), else_=_urgency)
_lane_of_date = case(
    (and_(pair.c.due.is_not(None), pair.c.lane < _urgency_of_date), pair.c.lane),
    else_=_urgency_of_date,
)
_TICK = update(pair).where(_COME).values(_ASKED_AGAIN | {"look_at": None, "lane": _lane_of_date})
_ASK_ALL = update(pair).values(_ASKED_AGAIN)
_RESOLVED = Statement(update(pair).where(pair.c.waits_on == bindparam("edge")).values(_ASKED_AGAIN))


@cache
def _asking(dialect: str, number: int) -> Statement:
    """Asks for so many targets at once."""
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    new: dict[str, Any] = {"person": bindparam("to_person"), "asked": literal(1)}
    new |= {"due": _at, "lane": _urgency}
    rows = [new | {"target": bindparam(f"to_target{n}")} for n in range(number)]
    return Statement(
        insert(pair)
        .values(rows)
        .on_conflict_do_update(index_elements=["person", "target"], set_=_ASKED_AGAIN)
        .returning(pair.c.target, pair.c.asked, pair.c.seen, pair.c.looked_business)
    )


def counts(connection: Connection, now: float, target: str | None = None) -> Counts:
    """How many pairs (of one target) are due, backing off, leased, held, waiting, given up."""
    leased = and_(pair.c.lease_token.is_not(None), pair.c.lease_until > now)
    idle = and_(pair.c.due.is_(None), pair.c.lease_token.is_(None))

    def number(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    statement = select(
        func.count(),
        number(and_(pair.c.due <= now, ~func.coalesce(leased, False))),
        number(and_(pair.c.due > now, ~func.coalesce(leased, False))),
        number(leased),
        number(and_(idle, pair.c.held.is_not(None))),
        number(and_(idle, pair.c.waits_on.is_not(None))),
        number(pair.c.given_up.is_not(None)),
    ).select_from(pair)
    if target is not None:
        statement = statement.where(pair.c.target == target)
    return Counts(*(int(number) for number in connection.execute(statement).one()))
