"""The right to look at a pair, for as long as a lease lasts, and what the look came to.

`now` is machine time, in epoch seconds. Single statements run under READ COMMITTED on
PostgreSQL: each checks what it relies on itself.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from sqlalchemy import (
    Boolean,
    Connection,
    Double,
    Integer,
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

from provisioning.pairs import SINGLE, Lane
from store.database import Database
from store.statement import Statement
from store.tables import pair

LEASE = 30.0
"""Seconds a claim lasts unless renewed."""

_FIRST_RETRY, _LAST_RETRY = 1.0, 3600.0
GIVE_UP = 24 * 3600.0
"""Seconds (machine time) of failures in a row after which nobody tries any more by itself."""


@dataclass(frozen=True)
class Claim:
    """The right to look at a pair until the lease ends. `noted` is `asked` at that moment."""

    person: str
    target: str
    noted: int
    token: str
    attempts: int
    lane: int
    failing_since: float | None = None
    """Machine time of the first failure since the pair was last asked or right."""
    seen: int = 0
    """Up to which count of `asked` the pair had been looked at by then."""


@dataclass(frozen=True)
class Result:
    """What a look came to.

    finish  done; look again at `look_at` (business time), or when somebody asks
    retry   could not be done now: again after a growing pause, at least `retry_after` s
    give up could not be done for a day: nobody tries any more until somebody asks
    wait    cannot be done before the edge `waits_on` (`manager:<person>`) is resolved
    hold    waits for a human; `held` says why

    A finished look may also wait or be held: the account is there, the manager is not.
    `still_waiting` is asked in the transaction that stores `waits_on`; False means that
    the edge was resolved since the look, and the pair stays due. It must run where a
    resolver's changes are seen or conflict, so it may only read through its connection.
    `target_down` marks a retry that is the target's fault: the pair keeps its place and
    its attempts, the worker pauses the target. `record` is written in the same transaction,
    even if the lease was lost: it tells what has happened.
    """

    kind: Literal["finish", "retry", "give up", "wait", "hold"]
    look_at: float | None = None
    waits_on: str | None = None
    held: str | None = None
    problem: str | None = None
    retry_after: float | None = None
    target_down: bool = False
    state: str | None = None
    still_waiting: Callable[[Connection], bool] | None = None
    record: Callable[[Connection], None] | None = None
    at_business: float | None = None
    """Business time of the look."""

    def __post_init__(self) -> None:
        if self.kind == "wait" and not self.waits_on:
            raise ValueError("a result that waits must name the edge it waits on")
        if self.kind == "hold" and not self.held:
            raise ValueError("a result that holds must say why")
        if self.target_down and self.kind != "retry":
            raise ValueError("only a retry can be blamed on the target")


def answers(claim: Claim) -> dict[str, int]:
    """Which reasons to look the look under `claim` deals with: those counted above `seen`,
    up to `noted`. For the journal."""
    return {"seen": claim.seen, "noted": claim.noted}


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


_HEADS = Statement(_heads())
_NEXT = (
    select(pair.c.person)
    .where(pair.c.target == bindparam("head_target"), pair.c.lane == bindparam("head_lane"))
    .where(pair.c.due <= _now, _free)
    .order_by(pair.c.due)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)  # SQLite has one writer at a time and leaves this out
)
_CLAIM = Statement(
    update(pair)
    .where(pair.c.target == bindparam("head_target"))
    # A table expression, because PostgreSQL may work out a plain subquery several times.
    .where(pair.c.person.in_(select(_NEXT.cte("next").c.person)))
    .values(lease_until=bindparam("until"), lease_token=bindparam("token"))
    .returning(
        pair.c.person,
        pair.c.target,
        pair.c.asked,
        pair.c.attempts,
        pair.c.lane,
        pair.c.failing_since,
        pair.c.seen,
    )
)


def claim(
    db: Database, now: float, skip_targets: Collection[str] = (), lease: float = LEASE
) -> Claim | None:
    """Lease the next due pair (by lane, then by due), or None when there is none."""
    found = claim_some(db, now, 1, skip_targets, lease=lease)
    return found[0] if found else None


def claim_some(
    db: Database,
    now: float,
    most: int,
    skip_targets: Collection[str] = (),
    one_of: Collection[str] = (),
    lease: float = LEASE,
    last: Lane = Lane.BULK,
) -> list[Claim]:
    """Lease up to `most` of the next due pairs of one target and lane; of a target in
    `one_of` a single one. Lanes behind `last` wait.

    Looks before it writes, so that an idle worker never takes SQLite's write lock.
    """
    with db.moment() as connection:
        heads = [
            (row.lane, row.due, row.target)
            for row in _HEADS.rows(connection, now=now)
            if row.due is not None and row.lane <= last and row.target not in skip_targets
        ]
    for lane, _due, target in sorted(heads):
        token = secrets.token_hex(16)
        values = {"now": now, "head_target": target, "head_lane": lane}
        values |= {"until": now + lease, "token": token}
        values |= {"most": 1 if target in one_of else most}
        rows = db.write(partial(_take, values), isolation=SINGLE)
        if rows:
            return [
                Claim(
                    row.person,
                    row.target,
                    row.asked,
                    token,
                    row.attempts,
                    row.lane,
                    row.failing_since,
                    row.seen,
                )
                for row in rows
            ]
    return []


def claim_one(
    db: Database, person: str, target: str, now: float, lease: float = LEASE
) -> Claim | None:
    """Lease this very pair, due or not; None while somebody else has it, or there is none."""
    token = secrets.token_hex(16)
    statement = (
        update(pair)
        .where(pair.c.person == person, pair.c.target == target, _free)
        .values(lease_until=now + lease, lease_token=token)
        .returning(pair.c.asked, pair.c.attempts, pair.c.lane, pair.c.failing_since, pair.c.seen)
    )
    row = db.write(lambda tx: tx.execute(statement, {"now": now}).first(), isolation=SINGLE)
    if row is None:
        return None
    return Claim(person, target, row.asked, token, *row[1:])


def _take(values: dict[str, Any], tx: Connection) -> list[Any]:
    return _CLAIM.rows(tx, **values)


def renew(db: Database, claim: Claim, now: float, lease: float = LEASE) -> bool:
    """Make the lease last `lease` seconds from now; False when it is somebody else's."""
    return _fenced(db, _RENEW, _whose(claim) | {"until": now + lease})


def holds(db: Database, claim: Claim, now: float) -> bool:
    """Whether the pair is still leased to this claim."""
    with db.moment() as connection:
        return _HOLDS.first(connection, **_whose(claim), now=now) is not None


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
_RENEW = Statement(update(pair).where(_OURS).values(lease_until=bindparam("until")))
_HOLDS = Statement(select(pair.c.person).where(_OURS, pair.c.lease_until > _now))


def _whose(claim: Claim) -> dict[str, Any]:
    return {"of_person": claim.person, "of_target": claim.target, "of_token": claim.token}


# -- finishing ---------------------------------------------------------------------------


def finish(db: Database, claim: Claim, result: Result, now: float) -> bool:
    """Store what the look came to and end the lease.

    False, and nothing stored but `result.record`, when the lease has gone to somebody else.
    A pair that was asked again since the claim stays due, whatever the result.
    """
    return finish_all(db, [(claim, result)], now)[0]


def finish_all(db: Database, ended: Sequence[tuple[Claim, Result]], now: float) -> list[bool]:
    """The same for several looks in one transaction."""

    def work(tx: Connection) -> list[bool]:
        return [_finish(tx, claim, result, now) for claim, result in ended]

    if any(result.record or (result.waits_on and result.still_waiting) for _, result in ended):
        return db.write(work)  # serializable: a resolver and this must not miss each other
    return db.write(work, isolation=SINGLE)


def _finish(tx: Connection, claim: Claim, result: Result, now: float) -> bool:
    values = _whose(claim) | {"noted": claim.noted, "now": now, "why": result.problem}
    statement = _FINISH
    if result.kind == "retry":
        least = result.retry_after or 0.0
        statement = _GIVE_BACK if result.target_down else _RETRY
        values |= {
            "first": now + max(pause(0), least),
            "later": now + max(pause(claim.attempts), least),
            "tries": claim.attempts + 1,
        }
    elif result.kind == "give up":
        statement = _GIVE_UP
        values |= {"next_look": result.look_at}
    else:
        values |= {
            "next_look": result.look_at,
            "hold": result.held,
            "edge": result.waits_on,
            "stage": result.state,
            "resolved": False,
            "business": result.at_business,
        }
    if result.record is not None:
        result.record(tx)
    if result.waits_on is not None and result.still_waiting is not None:
        values["resolved"] = not result.still_waiting(tx)
    return statement.count(tx, **values) == 1


def _fenced(db: Database, statement: Statement, values: dict[str, Any]) -> bool:
    return db.write(lambda tx: statement.count(tx, **values) == 1, isolation=SINGLE)


_ended = update(pair).where(_OURS).values(lease_until=None, lease_token=None)
_END_LEASE = Statement(_ended)
_release = _ended.values(looks=pair.c.looks + 1)
_asked_meanwhile = pair.c.asked > bindparam("noted")
_why = bindparam("why", type_=Text)
_GIVE_BACK = Statement(_release.values(problem=_why))
_RETRY = Statement(
    _release.values(
        due=case(
            (_asked_meanwhile, bindparam("first", type_=Double)),
            else_=bindparam("later", type_=Double),
        ),
        attempts=case((_asked_meanwhile, 1), else_=bindparam("tries", type_=Integer)),
        failing_since=case(
            (_asked_meanwhile, _now), else_=func.coalesce(pair.c.failing_since, _now)
        ),
        problem=_why,
    )
)
_GIVE_UP = Statement(
    _release.values(
        seen=bindparam("noted"),
        due=case((_asked_meanwhile, _now), else_=None),
        given_up=case((_asked_meanwhile, None), else_=_now),
        look_at=bindparam("next_look"),
        failing_since=None,
        attempts=0,
        problem=_why,
        looked=_now,
    )
)
_FINISH = Statement(
    _release.values(
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
        failing_since=None,
        given_up=None,
        state=func.coalesce(bindparam("stage", type_=String), pair.c.state),
        looked=_now,
        looked_business=func.coalesce(bindparam("business", type_=Double), pair.c.looked_business),
    )
)


def pause(attempts: int) -> float:
    """Seconds to wait after this many failed attempts: 1 s doubling up to 1 h, with
    jitter upwards from half of it so that what failed together does not return together."""
    longest = min(_FIRST_RETRY * 2.0 ** min(attempts + 1, 30), _LAST_RETRY)
    return random.uniform(max(longest / 2, _FIRST_RETRY), longest)
