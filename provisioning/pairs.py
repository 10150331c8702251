"""The pair: one row per (person, target) that says whether, when and why to look.

Nothing else queues work. Whatever gives a reason to look bumps `asked` in the
transaction that made the reason; a worker claims the pair, notes `asked`, looks, and
finishes. When `asked` has moved on meanwhile, the pair stays due: no reason to look is
ever lost, and any number of them collapse into one look.

`now` is machine time, `business_now` business time, both in epoch seconds. Single
statements run under READ COMMITTED on PostgreSQL: each checks what it relies on itself.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, partial
from typing import Any, Literal

from sqlalchemy import (
    Boolean,
    Connection,
    Double,
    Executable,
    Integer,
    Row,
    Select,
    String,
    Text,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from store.database import Database
from store.tables import pair
from store.wakeup import notify

LEASE = 30.0
"""Seconds a claim lasts unless renewed."""

_FIRST_RETRY, _LAST_RETRY = 1.0, 300.0
_SINGLE = "READ COMMITTED"


class Lane(IntEnum):
    """Who goes first. A pair keeps its most urgent lane until it is looked at."""

    LEAVER = 0
    JOINER = 1
    CHANGE = 2
    BULK = 3


@dataclass(frozen=True)
class Claim:
    """The right to look at a pair until the lease ends. `noted` is `asked` at that moment."""

    person: str
    target: str
    noted: int
    token: str
    attempts: int
    lane: int


@dataclass(frozen=True)
class Result:
    """What a look came to.

    finish  done; look again at `look_at` (business time), or when somebody asks
    retry   could not be done now: again after a growing pause, at least `retry_after` s
    wait    cannot be done before the edge `waits_on` (`manager:<person>`) is resolved
    hold    waits for a human; `held` says why

    A finished look may also wait or be held: the account is there, the manager is not.
    `still_waiting` is asked in the transaction that stores `waits_on`; False means that
    the edge was resolved since the look, and the pair stays due. It must run where a
    resolver's changes are seen or conflict, so it may only read through its connection.
    `target_down` marks a retry that is the target's fault: the pair keeps its place and
    its attempts, the worker pauses the target.
    """

    kind: Literal["finish", "retry", "wait", "hold"]
    look_at: float | None = None
    waits_on: str | None = None
    held: str | None = None
    problem: str | None = None
    retry_after: float | None = None
    target_down: bool = False
    state: str | None = None
    still_waiting: Callable[[Connection], bool] | None = None

    def __post_init__(self) -> None:
        if self.kind == "wait" and not self.waits_on:
            raise ValueError("a result that waits must name the edge it waits on")
        if self.kind == "hold" and not self.held:
            raise ValueError("a result that holds must say why")
        if self.target_down and self.kind != "retry":
            raise ValueError("only a retry can be blamed on the target")


@dataclass(frozen=True)
class Counts:
    """How many pairs are in which condition. One pair may be both held and waiting."""

    pairs: int
    due: int
    backing_off: int
    leased: int
    held: int
    waiting: int

    @property
    def settled(self) -> bool:
        """Nothing is left to do until somebody asks or a date comes."""
        return not (self.due or self.backing_off or self.leased)


# -- giving a reason to look ------------------------------------------------------------


def ask(tx: Connection, person: str, targets: Iterable[str], lane: Lane, now: float) -> None:
    """Give these pairs a reason to be looked at now; makes the pairs that are missing.

    Ends a back-off, and wakes a pair that is held or waits.
    """
    rows = [
        {"to_person": person, "to_target": target, "at": now, "urgency": int(lane)}
        for target in dict.fromkeys(targets)
    ]
    if rows:
        tx.execute(_asking(tx.dialect.name), rows)
        notify(tx)


def counters(tx: Connection, person: str, targets: Iterable[str]) -> dict[str, dict[str, int]]:
    """`asked` and `seen` of the person's pairs in `targets`, each by target. For the journal."""
    ours = and_(pair.c.person == person, pair.c.target.in_(list(targets)))
    rows = tx.execute(select(pair.c.target, pair.c.asked, pair.c.seen).where(ours)).all()
    return {
        "asked": {row.target: row.asked for row in rows},
        "seen": {row.target: row.seen for row in rows},
    }


def answers(tx: Connection, claim: Claim) -> dict[str, int]:
    """Which reasons to look the look under `claim` deals with: those counted above `seen`,
    up to `noted`. For the journal."""
    seen = tx.execute(
        select(pair.c.seen).where(pair.c.person == claim.person, pair.c.target == claim.target)
    ).scalar_one()
    return {"seen": int(seen), "noted": claim.noted}


def resolved(tx: Connection, edge: str, now: float) -> int:
    """Ask again for every pair that waits on `edge`; how many those were."""
    count = tx.execute(_RESOLVED, {"edge": edge, "at": now, "urgency": Lane.CHANGE}).rowcount
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
    with db.read() as connection:
        if connection.execute(_COMING, {"business_now": business_now}).first() is None:
            return 0
    values = {"business_now": business_now, "at": now, "urgency": Lane.CHANGE}

    def work(tx: Connection) -> int:
        count = tx.execute(_TICK, values).rowcount
        if count:
            notify(tx)
        return count

    return db.write(work, isolation=_SINGLE)


def unseen(connection: Connection, person: str, business_now: float) -> set[str]:
    """The targets of this person that were not looked at since there was last a reason to:
    a look is due, or a date has come and was not noticed yet."""
    come = or_(pair.c.due.is_not(None), pair.c.look_at <= business_now)
    query = select(pair.c.target).where(pair.c.person == person, come)
    return set(connection.execute(query).scalars())


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
}
_COME = pair.c.look_at <= bindparam("business_now")
_COMING = select(pair.c.person).where(_COME).limit(1)
_TICK = update(pair).where(_COME).values(_ASKED_AGAIN | {"look_at": None})
_ASK_ALL = update(pair).values(_ASKED_AGAIN)
_RESOLVED = update(pair).where(pair.c.waits_on == bindparam("edge")).values(_ASKED_AGAIN)


@cache
def _asking(dialect: str) -> Executable:
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    new: dict[str, Any] = {"person": bindparam("to_person"), "target": bindparam("to_target")}
    new |= {"asked": literal(1), "due": _at, "lane": _urgency}
    return (
        insert(pair)
        .values(new)
        .on_conflict_do_update(index_elements=["person", "target"], set_=_ASKED_AGAIN)
    )


# -- claiming ----------------------------------------------------------------------------

_now: Any = bindparam("now", type_=Double)
_free = or_(pair.c.lease_until.is_(None), pair.c.lease_until <= _now)


def _heads() -> Select[Any]:
    """Per target and lane, the `due` of the pair that is next (none: nothing to do).

    Written as a few index seeks (targets by hopping along the index, then one seek per
    lane), so that the backlog of a paused target costs nothing.
    """
    pending = select(func.min(pair.c.target).label("target")).where(pair.c.due.is_not(None))
    targets = pending.cte("targets", recursive=True)
    following = pending.where(pair.c.target > targets.c.target).scalar_subquery()
    targets = targets.union_all(select(following).where(targets.c.target.is_not(None)))
    lanes = union_all(*(select(literal(int(lane)).label("lane")) for lane in Lane)).subquery()
    head = (
        select(pair.c.due)
        .where(pair.c.target == targets.c.target, pair.c.lane == lanes.c.lane)
        .where(pair.c.due <= _now, _free)
        .order_by(pair.c.due)
        .limit(1)
        .correlate(targets, lanes)
        .scalar_subquery()
    )
    both = targets.join(lanes, targets.c.target.is_not(None))
    return select(targets.c.target, lanes.c.lane, head.label("due")).select_from(both)


_HEADS = _heads()
_NEXT = (
    select(pair.c.person)
    .where(pair.c.target == bindparam("head_target"), pair.c.lane == bindparam("head_lane"))
    .where(pair.c.due <= _now, _free)
    .order_by(pair.c.due)
    .limit(1)
    .with_for_update(skip_locked=True)  # SQLite has one writer at a time and leaves this out
)
_CLAIM = (
    update(pair)
    .where(pair.c.target == bindparam("head_target"))
    .where(pair.c.person == _NEXT.scalar_subquery())
    .values(lease_until=bindparam("until"), lease_token=bindparam("token"))
    .returning(pair.c.person, pair.c.target, pair.c.asked, pair.c.attempts, pair.c.lane)
)


def claim(
    db: Database, now: float, skip_targets: Collection[str] = (), lease: float = LEASE
) -> Claim | None:
    """Lease the next due pair (by lane, then by due), or None when there is none.

    Looks before it writes, so that an idle worker never takes SQLite's write lock.
    """
    with db.read() as connection:
        heads = [
            (row.lane, row.due, row.target)
            for row in connection.execute(_HEADS, {"now": now})
            if row.due is not None and row.target not in skip_targets
        ]
    for lane, _due, target in sorted(heads):
        token = secrets.token_hex(16)
        values = {"now": now, "head_target": target, "head_lane": lane}
        values |= {"until": now + lease, "token": token}
        row = db.write(partial(_take, values), isolation=_SINGLE)
        if row is not None:
            return Claim(row.person, row.target, row.asked, token, row.attempts, row.lane)
    return None


def _take(values: dict[str, Any], tx: Connection) -> Row[Any] | None:
    return tx.execute(_CLAIM, values).first()


def renew(db: Database, claim: Claim, now: float, lease: float = LEASE) -> bool:
    """Make the lease last `lease` seconds from now; False when it is somebody else's."""
    values = _whose(claim) | {"until": now + lease}
    return db.write(lambda tx: tx.execute(_RENEW, values).rowcount == 1, isolation=_SINGLE)


def holds(db: Database, claim: Claim, now: float) -> bool:
    """Whether the pair is still leased to this claim."""
    with db.read() as connection:
        return connection.execute(_HOLDS, _whose(claim) | {"now": now}).first() is not None


def release(db: Database, claim: Claim) -> None:
    """Give back a lease that was lost, if nobody has taken it over: the look is given up."""
    _fenced(db, _END_LEASE, _whose(claim))


def free_leases(db: Database) -> int:
    """End all leases at once. Only for a worker that knows it is the only one."""
    statement = update(pair).where(pair.c.lease_token.is_not(None))
    return db.write(
        lambda tx: tx.execute(statement.values(lease_until=None, lease_token=None)).rowcount
    )


_OURS = and_(
    pair.c.person == bindparam("of_person"),
    pair.c.target == bindparam("of_target"),
    pair.c.lease_token == bindparam("of_token"),
)
_RENEW = update(pair).where(_OURS).values(lease_until=bindparam("until"))
_HOLDS = select(pair.c.person).where(_OURS, pair.c.lease_until > _now)


def _whose(claim: Claim) -> dict[str, Any]:
    return {"of_person": claim.person, "of_target": claim.target, "of_token": claim.token}


# -- finishing ---------------------------------------------------------------------------


def finish(db: Database, claim: Claim, result: Result, now: float) -> bool:
    """Store what the look came to and end the lease.

    False, and nothing stored, when the lease has gone to somebody else. A pair that was
    asked again since the claim stays due, whatever the result.
    """
    values = _whose(claim) | {"noted": claim.noted, "now": now, "why": result.problem}
    if result.kind == "retry":
        if result.target_down:
            return _fenced(db, _GIVE_BACK, values)
        least = result.retry_after or 0.0
        values |= {
            "first": now + max(pause(0), least),
            "later": now + max(pause(claim.attempts), least),
            "tries": claim.attempts + 1,
        }
        return _fenced(db, _RETRY, values)
    values |= {
        "next_look": result.look_at,
        "hold": result.held,
        "edge": result.waits_on,
        "stage": result.state,
        "resolved": False,
    }
    still_waiting = result.still_waiting
    if result.waits_on is None or still_waiting is None:
        return _fenced(db, _FINISH, values)

    def work(tx: Connection) -> bool:
        values["resolved"] = not still_waiting(tx)
        return tx.execute(_FINISH, values).rowcount == 1

    return db.write(work)  # serializable: a resolver and this must not miss each other


def _fenced(db: Database, statement: Executable, values: dict[str, Any]) -> bool:
    return db.write(lambda tx: tx.execute(statement, values).rowcount == 1, isolation=_SINGLE)


_END_LEASE = update(pair).where(_OURS).values(lease_until=None, lease_token=None)
_release = _END_LEASE.values(looks=pair.c.looks + 1)
_asked_meanwhile = pair.c.asked > bindparam("noted")
_why = bindparam("why", type_=Text)
_GIVE_BACK = _release.values(problem=_why)
_RETRY = _release.values(
    due=case(
        (_asked_meanwhile, bindparam("first", type_=Double)),
        else_=bindparam("later", type_=Double),
    ),
    attempts=case((_asked_meanwhile, 1), else_=bindparam("tries", type_=Integer)),
    problem=_why,
)
_FINISH = _release.values(
    seen=bindparam("noted"),
    due=case(
        (or_(_asked_meanwhile, bindparam("resolved", type_=Boolean)), _now),
        else_=None,
    ),
    look_at=bindparam("next_look"),
    held=bindparam("hold"),
    waits_on=bindparam("edge"),
    problem=_why,
    attempts=0,
    state=func.coalesce(bindparam("stage", type_=String), pair.c.state),
    looked=_now,
)


def pause(attempts: int) -> float:
    """Seconds to wait after this many failed attempts: 1 s doubling up to 5 min, with
    jitter upwards from half of it so that what failed together does not return together."""
    longest = min(_FIRST_RETRY * 2.0 ** min(attempts + 1, 30), _LAST_RETRY)
    return random.uniform(max(longest / 2, _FIRST_RETRY), longest)


def counts(connection: Connection, now: float, target: str | None = None) -> Counts:
    """How many pairs (of one target) are due, backing off, leased, held and waiting."""
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
    ).select_from(pair)
    if target is not None:
        statement = statement.where(pair.c.target == target)
    return Counts(*(int(number) for number in connection.execute(statement).one()))
