"""Breakers (P16, state.md 7): what would take too much away from a target waits for a human.

Counted are distinct accounts per target and kind within a window of business time: those
that passed, and those that are held now. Held ones count for as long as they are held, so
that a wrong filter upstream does not get through a few accounts a day; and whatever HR
puts right is not needed any more at the next look, and counts no longer.

What a plan needs is weighed and recorded in the transaction that journals the plan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select
from sqlalchemy import update as change

from adapters.target import Account, Step
from policy_settings import KINDS, Breakers
from provisioning import pairs
from provisioning.lifecycle import Lifecycle
from provisioning.plan import Plan, same_dn
from provisioning.view import View
from store import journal
from store.tables import account, breaker, pair

_PASSED, _HELD, _APPROVED = "passed", "held", "approved"
_PREFIX = "breaker: "
"""How the reason of every pair held here begins."""

_WITH_PAIR = breaker.join(
    pair, and_(pair.c.person == breaker.c.person, pair.c.target == breaker.c.target)
)

_VERBS = {
    "disable": "be disabled",
    "delete": "be deleted",
    "revoke": "lose groups or licences",
    "move": "be moved",
    "rename": "be renamed",
    "clear": "lose values",
}


@dataclass(frozen=True)
class Judgement:
    """What of a plan may be done now, and why the rest may not."""

    plan: Plan
    """The steps that may be taken."""
    waiting: tuple[Step, ...] = ()
    """The steps of which something waits."""
    held: tuple[str, ...] = ()
    """Kinds that wait for approval."""
    counted: tuple[str, ...] = ()
    """Kinds that pass and are to be counted from now on."""
    needed: tuple[str, ...] = ()
    why: str | None = None
    """For people: numbers and remedy; begins with `breaker:`. None when nothing is held."""
    urgent: bool = False


@dataclass(frozen=True)
class Standing:
    """How one breaker stands: `held` persons make it an open one."""

    target: str
    kind: str
    counted: int
    limit: int
    held: tuple[str, ...] = field(default=())


def weigh(connection: Connection, view: View, target: str, now: float) -> Judgement:
    """Whether the view's plan may be carried out at business time `now`. Writes nothing."""
    actual, limits = view.actual, view.limits
    kinds = needed(view.plan, actual)
    if actual is None or not kinds or not limits.enabled:
        return Judgement(view.plan, needed=kinds)
    person, urgent = view.snapshot.person, view.life.left and view.life.urgent
    held: list[str] = []
    counted: list[str] = []
    reasons: list[str] = []
    for kind in kinds:
        if _may_pass_again(connection, target, kind, person, limits, now):
            continue
        seen = _Seen(connection, target, kind, limits, now, besides=person)
        limit = limits.limit(kind, 0)
        if seen.reach(limit):
            limit = limits.limit(kind, accounts(connection, target))
        floor = urgent and seen.passed(urgent=True) < limits.urgent_floor
        if floor or not seen.reach(limit):
            counted.append(kind)
            continue
        held.append(kind)
        reasons.append(
            f"more than {limit} accounts of {target} would {_VERBS[kind]} within "
            f"{limits.window_hours:g} h ({seen.passed()} passed); when that is right, run "
            f"`python app.py release {target} {kind} --by NAME`"
        )
    allowed = _without(view.plan, actual, view.life, held)
    reached = needed(allowed, actual)  # a step behind a held one touches nothing yet
    return Judgement(
        plan=allowed,
        waiting=tuple(step for step in view.plan.steps if step not in allowed.steps),
        held=tuple(held),
        counted=tuple(kind for kind in counted if kind in reached),
        needed=kinds,
        why=_PREFIX + "; ".join(reasons) if reasons else None,
        urgent=urgent,
    )


def record(tx: Connection, judgement: Judgement, person: str, target: str, now: float) -> None:
    """Count what `judgement` lets pass, and remember what it holds."""
    if not judgement.needed:
        return
    fresh = [*judgement.counted, *judgement.held]
    ours = and_(breaker.c.target == target, breaker.c.person == person)
    tx.execute(delete(breaker).where(ours, or_(breaker.c.kind.in_(fresh), _is(_HELD))))
    for kind in fresh:
        tx.execute(
            insert(breaker).values(
                target=target,
                kind=kind,
                person=person,
                state=_HELD if kind in judgement.held else _PASSED,
                urgent=judgement.urgent,
                at_business=now,
            )
        )


def release(
    tx: Connection, target: str, kind: str, by: str, business_now: float, now: float
) -> list[str]:
    """Let through whom this breaker holds now; the persons. `by` is who answers for it.

    What was counted before weighs no more, what comes after is counted anew. The
    approval lasts for one window. `now` is machine time.
    """
    ours = and_(breaker.c.target == target, breaker.c.kind == kind)
    rows = _held(tx, target, kind, under_way=True)
    people = [row.person for row in rows]
    forgotten = tx.execute(delete(breaker).where(ours, _is(_PASSED))).rowcount
    for row in rows:
        tx.execute(
            change(breaker)
            .where(ours, breaker.c.person == row.person)
            .values(state=_APPROVED, at_business=business_now)
        )
        lane = pairs.Lane.LEAVER if row.urgent else pairs.Lane.CHANGE
        pairs.ask(tx, row.person, [target], lane, now)
    journal.append(
        tx,
        kind="console",
        target=target,
        body={
            "what": "breaker released",
            "breaker": kind,
            "by": by,
            "approved": len(people),
            "forgotten": forgotten,
        },
        now=now,
        business_now=business_now,
    )
    return people


def standings(
    connection: Connection, limits: Breakers, targets: Iterable[str], now: float
) -> list[Standing]:
    """Every breaker that counted or holds something at business time `now`."""
    found = []
    for target in targets:
        number = accounts(connection, target)
        for kind in KINDS:
            held = tuple(row.person for row in _held(connection, target, kind))
            counted = _Seen(connection, target, kind, limits, now).passed()
            if held or counted:
                found.append(Standing(target, kind, counted, limits.limit(kind, number), held))
    return found


def passed(connection: Connection, target: str, kind: str, limits: Breakers, now: float) -> int:
    """How many accounts this breaker has counted within the window."""
    return _Seen(connection, target, kind, limits, now).passed()


# -- what a plan needs ---------------------------------------------------------------------


def needed(plan: Plan, actual: Account | None) -> tuple[str, ...]:
    """The kinds of what a plan takes away from an account."""
    if actual is None:
        return ()
    kinds = {kind for step in plan.steps if (kind := _kind(step, plan, actual))}
    return tuple(kind for kind in KINDS if kind in kinds)


def _kind(step: Step, plan: Plan, actual: Account) -> str | None:
    """What a step takes away, if anything."""
    if step.kind == "disable":
        # Disabled and enabled again is a sign-out of somebody who goes on working.
        return None if _enables(plan) else "disable"
    if step.kind in ("delete", "revoke"):
        return step.kind
    if step.kind == "move":
        return "rename" if same_dn(step.container, actual.container) else "move"
    if step.kind == "modify" and None in step.attributes.values():
        return "clear"
    if step.kind == "refer" and step.anchor is None:
        return "clear"
    return None


def _enables(plan: Plan) -> bool:
    return any(step.kind == "enable" for step in plan.steps)


def _without(plan: Plan, actual: Account, life: Lifecycle, held: Collection[str]) -> Plan:
    """The plan without what is held and what must not be done before it.

    Nothing that follows a held disable is done, nor, for who leaves or returns, what
    follows a held move: such an account is stripped or enabled in order or not at all.
    """
    if not held:
        return plan
    in_order = life.left or (_enables(plan) and not actual.enabled)
    steps: list[Step] = []
    for step in plan.steps:
        kind = _kind(step, plan, actual)
        if kind not in held:
            steps.append(step)
        elif kind == "clear":
            kept = {a: v for a, v in step.attributes.items() if v is not None}
            if kept:
                steps.append(replace(step, attributes=kept, required=step.required & kept.keys()))
        elif kind == "disable" or in_order:
            break
    return replace(plan, steps=tuple(steps))


# -- what was counted ----------------------------------------------------------------------


def _is(state: str) -> ColumnElement[bool]:
    return breaker.c.state == state


def _recent(limits: Breakers, now: float) -> ColumnElement[bool]:
    # Both ways, because a sandbox's clock can be set back.
    return and_(
        breaker.c.at_business > now - limits.window, breaker.c.at_business < now + limits.window
    )


def _may_pass_again(
    connection: Connection, target: str, kind: str, person: str, limits: Breakers, now: float
) -> bool:
    """Whether this account is counted already, or approved: a step that is repeated after
    a crash is not another account."""
    found = select(breaker.c.state).where(
        breaker.c.target == target,
        breaker.c.kind == kind,
        breaker.c.person == person,
        or_(_is(_PASSED), _is(_APPROVED)),
        _recent(limits, now),
    )
    return connection.execute(found).first() is not None


class _Seen:
    """The accounts that one breaker has to do with now, but for the person `besides`."""

    def __init__(
        self,
        connection: Connection,
        target: str,
        kind: str,
        limits: Breakers,
        now: float,
        besides: str = "",
    ) -> None:
        self._connection = connection
        self._recent = _recent(limits, now)
        self._ours = and_(
            breaker.c.target == target, breaker.c.kind == kind, breaker.c.person != besides
        )

    def passed(self, urgent: bool = False) -> int:
        """How many passed within the window; of urgent leavers only, if wished."""
        found = select(func.count()).select_from(breaker)
        found = found.where(self._ours, _is(_PASSED), self._recent)
        if urgent:
            found = found.where(breaker.c.urgent)
        return int(self._connection.execute(found).scalar_one())

    def reach(self, limit: int) -> bool:
        """Whether those that passed and those that are held are as many as `limit`."""
        rest = limit - self.passed()
        if rest <= 0:
            return True
        # Not counted to the end: with half of a large company held, that would take long.
        found = select(breaker.c.person).select_from(_WITH_PAIR)
        found = found.where(self._ours, _is(_HELD), _held_here()).limit(rest)
        return len(self._connection.execute(found).all()) == rest


def _held(
    connection: Connection, target: str, kind: str, *, under_way: bool = False
) -> list[Row[tuple[str, bool]]]:
    """Persons (and whether urgent) whom a breaker holds; `under_way`: also those whose look
    is about to end so."""
    here = or_(_held_here(), pair.c.lease_token.is_not(None)) if under_way else _held_here()
    ours = (breaker.c.target == target, breaker.c.kind == kind)
    found = select(breaker.c.person, breaker.c.urgent).select_from(_WITH_PAIR)
    found = found.where(*ours, _is(_HELD), here)
    return list(connection.execute(found.order_by(breaker.c.at_business, breaker.c.person)))


def _held_here() -> ColumnElement[bool]:
    """A row that says held while its pair does not is history: HR has put it right."""
    return pair.c.held.startswith(_PREFIX)


def accounts(connection: Connection, target: str) -> int:
    """How many accounts of the target are linked and there: what a share is a share of."""
    found = select(func.count()).select_from(account)
    found = found.where(account.c.target == target, account.c.gone_at.is_(None))
    return int(connection.execute(found).scalar_one())
