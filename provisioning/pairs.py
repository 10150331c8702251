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
from typing import Any, Literal

from sqlalchemy import (
    Connection,
    Select,
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
        {"person": person, "target": target, "asked": 1, "due": now, "lane": int(lane)}
        for target in dict.fromkeys(targets)
    ]
    if not rows:
        return
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    tx.execute(
        insert(pair)
        .values(rows)
        .on_conflict_do_update(index_elements=["person", "target"], set_=_asked_again(lane, now))
    )
    notify(tx)


def resolved(tx: Connection, edge: str, now: float) -> int:
    """Ask again for every pair that waits on `edge`; how many those were."""
    statement = update(pair).where(pair.c.waits_on == edge)
    count = tx.execute(statement.values(_asked_again(Lane.CHANGE, now))).rowcount
    if count:
        notify(tx)
    return count


def tick(db: Database, business_now: float, now: float) -> int:
    """Ask for every pair whose `look_at` has come; how many those were.

    Dates that passed while no worker ran are still stored, so they count too.
    """
    come = pair.c.look_at <= business_now
    with db.read() as connection:
        if connection.execute(select(pair.c.person).where(come).limit(1)).first() is None:
            return 0
    statement = update(pair).where(come).values(_asked_again(Lane.CHANGE, now), look_at=None)

    def work(tx: Connection) -> int:
        count = tx.execute(statement).rowcount
        if count:
            notify(tx)
        return count

    return db.write(work, isolation=_SINGLE)


def _asked_again(lane: Lane, now: float) -> dict[str, Any]:
    # A pair that is due already keeps its place in the line and its lane if that is
    # better; the lane of a reason that was dealt with is history.
    keeps = and_(pair.c.due.is_not(None), pair.c.lane < int(lane))
    return {
        "asked": pair.c.asked + 1,
        "due": case((pair.c.due < now, pair.c.due), else_=now),
        "lane": case((keeps, pair.c.lane), else_=int(lane)),
        "attempts": 0,
    }


# -- claiming ----------------------------------------------------------------------------

_now: Any = bindparam("now")
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
    return select(targets.c.target, lanes.c.lane, head.label("due")).where(
        targets.c.target.is_not(None)
    )


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
        row = db.write(lambda tx, v=values: tx.execute(_CLAIM, v).first(), isolation=_SINGLE)  # type: ignore[misc]
        if row is not None:
            return Claim(row.person, row.target, row.asked, token, row.attempts, row.lane)
    return None


def renew(db: Database, claim: Claim, now: float, lease: float = LEASE) -> bool:
    """Make the lease last `lease` seconds from now; False when it is somebody else's."""
    statement = update(pair).where(_ours(claim)).values(lease_until=now + lease)
    return db.write(lambda tx: tx.execute(statement).rowcount == 1, isolation=_SINGLE)


def holds(db: Database, claim: Claim, now: float) -> bool:
    """Whether the pair is still leased to this claim."""
    statement = select(pair.c.person).where(_ours(claim), pair.c.lease_until > now)
    with db.read() as connection:
        return connection.execute(statement).first() is not None


def free_leases(db: Database) -> int:
    """End all leases at once. Only for a worker that knows it is the only one."""
    statement = update(pair).where(pair.c.lease_token.is_not(None))
    return db.write(
        lambda tx: tx.execute(statement.values(lease_until=None, lease_token=None)).rowcount
    )


def _ours(claim: Claim) -> Any:
    return and_(
        pair.c.person == claim.person,
        pair.c.target == claim.target,
        pair.c.lease_token == claim.token,
    )


# -- finishing ---------------------------------------------------------------------------


def finish(db: Database, claim: Claim, result: Result, now: float) -> bool:
    """Store what the look came to and end the lease.

    False, and nothing stored, when the lease has gone to somebody else. A pair that was
    asked again since the claim stays due, whatever the result.
    """
    statement = update(pair).where(_ours(claim))
    released = {"lease_until": None, "lease_token": None}
    if result.kind == "retry":
        values = _retry(claim, result, now)
        return db.write(
            lambda tx: tx.execute(statement.values(released | values)).rowcount == 1,
            isolation=_SINGLE,
        )

    def work(tx: Connection) -> bool:
        resolved_meanwhile = (
            result.waits_on is not None
            and result.still_waiting is not None
            and not result.still_waiting(tx)
        )
        asked_meanwhile = pair.c.asked > claim.noted
        values = {
            "seen": claim.noted,
            "due": now if resolved_meanwhile else case((asked_meanwhile, now), else_=None),
            "look_at": result.look_at,
            "held": result.held,
            "waits_on": result.waits_on,
            "problem": result.problem,
            "attempts": 0,
            "looked": now,
        }
        if result.state is not None:
            values["state"] = result.state
        return tx.execute(statement.values(released | values)).rowcount == 1

    # Reading the edge and storing the wait must not pass a resolver by: serializable.
    return db.write(work, isolation="SERIALIZABLE" if result.still_waiting else _SINGLE)


def _retry(claim: Claim, result: Result, now: float) -> dict[str, Any]:
    if result.target_down:
        return {"problem": result.problem}
    asked_meanwhile = pair.c.asked > claim.noted
    first, later = (
        now + max(pause(attempts), result.retry_after or 0.0) for attempts in (0, claim.attempts)
    )
    return {
        "due": case((asked_meanwhile, first), else_=later),
        "attempts": case((asked_meanwhile, 1), else_=claim.attempts + 1),
        "problem": result.problem,
    }


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
