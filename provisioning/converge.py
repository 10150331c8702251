"""Converge one pair: look, journal the plan, apply it step by step, journal each outcome.

The only place that calls `Target.apply`. A crash at any point is healed by looking
again: what a lost create left behind is found by its key and linked.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, TypeVar

from sqlalchemy import Connection, delete, insert, select, update

from adapters.target import (
    Account,
    Link,
    Outcome,
    Refusal,
    Step,
    Target,
    TargetDown,
    TargetRefused,
)
from mappings.documents import Outbound
from provisioning import breakers, names, obligations, pairs
from provisioning.lifecycle import Lifecycle
from provisioning.names import ACCOUNT_NAME
from provisioning.pairs import Claim, Result
from provisioning.snapshot import (
    Unknown,
    account_edge,
    is_known,
    read_snapshot,
    waits_on,
)
from provisioning.view import Held, View, Viewer
from provisioning.worker import Lease
from settings import Settings
from store import journal
from store.clocks import BusinessClock, machine_now
from store.database import Database
from store.tables import account as account_table

T = TypeVar("T")

_LOOKS = 6
"""Looks within one claim: each burnt name, lost answer or race needs another one."""

_CONFIG_RETRY = 60.0
"""Seconds until we ask again after a refusal that only an operator can resolve."""


class _Again(Exception):
    """The world changed under us: look again before anything else is written."""


class _Stop(Exception):
    """No further step of this plan; `result` says what becomes of the pair."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.kind)
        self.result = result


class Converger:
    """Brings pairs to rest. Safe to use from several threads."""

    def __init__(
        self,
        database: Database,
        settings: Callable[[], Settings],
        targets: Mapping[str, Target],
        outbounds: Mapping[str, Outbound],
        business: BusinessClock,
    ) -> None:
        self._database = database
        self._targets = targets
        self._outbounds = outbounds
        self._business = business
        self._with_sessions = obligations.with_sessions(settings())
        self.viewer = Viewer(database, settings, targets, outbounds)

    def look(self, claim: Claim, lease: Lease) -> Result:
        """One claimed pair from due to finished, retried, waiting or held."""
        stage: str | None = None
        try:
            for _ in range(_LOOKS):
                view = self.viewer.view(claim.person, claim.target, self._business.now())
                stage = view.life.stage
                try:
                    return self._converge(claim, lease, view)
                except _Again:
                    continue
                except _Stop as stop:
                    return stop.result
            return Result("retry", problem="the account kept changing while we looked", state=stage)
        except Unknown:
            return Result("finish")
        except Held as held:
            return self._held(claim, str(held), held.life)
        except TargetDown as down:
            return Result(
                "retry",
                problem=_sentence(str(down), down.remedy),
                retry_after=down.retry_after,
                target_down=True,
                state=stage,
            )
        except TargetRefused as refused:
            return Result(
                "retry",
                problem=_sentence(refused.refusal.message, refused.refusal.remedy),
                retry_after=_CONFIG_RETRY,
                target_down=refused.refusal.kind in ("config", "rights"),
                state=stage,
            )

    def _converge(self, claim: Claim, lease: Lease, view: View) -> Result:
        plan_id = str(uuid.uuid4())
        if view.actual is not None and view.snapshot.link is None:
            self._link(claim, view.actual, plan_id)
        problems = list(view.problems)
        held: str | None = None
        if view.plan.steps:
            lease.check()
            view, held = self._decide(claim, view, plan_id)
            account = view.actual
            for number, step in enumerate(view.plan.steps):
                lease.check()
                began = time.monotonic()
                outcome = self._targets[claim.target].apply(account, step)
                took = time.monotonic() - began
                self._write(
                    claim,
                    lambda tx, n=number, s=step, o=outcome, t=took: self._record(  # type: ignore[misc]
                        tx, claim, view, plan_id, n, s, o, t
                    ),
                )
                problems.extend(self._judge(claim, view, step, outcome))
                if outcome.link is not None or step.kind in ("disable", "enable"):
                    link = outcome.link or (Link(account.anchor) if account else None)
                    account = self._targets[claim.target].read(link, None)
                    if account is None:
                        raise _Again
        if view.plan.watched:
            problems.append(
                "differs but is only watched: " + ", ".join(d.attribute for d in view.plan.watched)
            )
        edge = view.waits_on if view.desired.exists or view.actual else None

        def still_waiting(connection: Connection) -> bool:
            snapshot = read_snapshot(connection, claim.person, claim.target)
            return waits_on(snapshot, claim.target) == edge

        look_at = view.life.valid_until
        if held is not None:
            problems.insert(0, held)
            after = self._business.now() + view.limits.window  # by then fewer may be counted
            look_at = after if look_at is None else min(look_at, after)
        return Result(
            "finish" if held is None else "hold",
            look_at=look_at,
            waits_on=edge,
            held=held,
            still_waiting=still_waiting if edge else None,
            problem="; ".join(dict.fromkeys(problems)) or None,
            state=view.life.stage,
        )

    def _judge(self, claim: Claim, view: View, step: Step, outcome: Outcome) -> list[str]:
        """What an outcome means for the rest of the plan: problems to report, or a stop."""
        said = [
            _sentence(f"{r.attribute}: {r.message}" if r.attribute else r.message, r.remedy)
            for r in outcome.refusals
        ]
        if outcome.result == "applied":
            return said
        if outcome.result == "unknown":
            raise _Again
        refusal = outcome.refusals[0] if outcome.refusals else None
        kind = refusal.kind if refusal else "bug"
        text = "; ".join(said) or "the target refused without saying why"
        stage = view.life.stage
        if kind == "name" and refusal is not None:
            self._burn(claim, view, step, refusal)
            raise _Again
        if kind in ("gone", "stale"):
            raise _Again
        if kind == "protected":
            raise _Stop(self._held(claim, text, view.life))
        if kind in ("value", "reference") and step.kind in ("modify", "refer"):
            return said  # one attribute less; the rest of the plan goes on
        raise _Stop(Result("retry", problem=text, retry_after=_CONFIG_RETRY, state=stage))

    def _burn(self, claim: Claim, view: View, step: Step, refusal: Refusal) -> None:
        """The target says a name is taken: nobody of ours gets it, and we look again."""
        attribute = (refusal.attribute or "cn").casefold()
        if attribute in ("samaccountname", "userprincipalname", "mailnickname"):
            kind, value = ACCOUNT_NAME, view.snapshot.names.get(ACCOUNT_NAME)
            if value is None:
                taken = step.attributes.get("sAMAccountName") or step.attributes.get("mailNickname")
                value = taken if isinstance(taken, str) else None
            if self._has_account(claim.person):
                value = None  # a name in use, here or in another target, is kept: a case
        elif attribute in ("mail", "proxyaddresses"):
            kind, value = names.MAIL, view.snapshot.facts.get("mail")
        else:
            kind, value = names.cn_kind(claim.target), step.name
        if not value:
            why = f"{refusal.attribute or 'name'}: {refusal.message}"
            raise _Stop(self._held(claim, why, view.life))
        self._write(claim, lambda tx: names.burn(tx, kind, str(value)))

    def _has_account(self, person: str) -> bool:
        with self._database.read() as connection:
            found = connection.execute(
                select(account_table.c.target).where(account_table.c.person == person)
            )
            return found.first() is not None

    def _link(self, claim: Claim, actual: Account, plan_id: str) -> None:
        """An account with this person's key is there already: link it, do not duplicate it."""

        def work(tx: Connection) -> None:
            _insert_account(tx, claim, Link(actual.anchor, actual.hint), plan_id)
            self._append(tx, "outcome", claim, plan_id, {"what": "linked"}, {"hint": actual.hint})
            pairs.resolved(tx, account_edge(claim.person, claim.target), machine_now())

        self._write(claim, work)

    def _decide(self, claim: Claim, view: View, plan_id: str) -> tuple[View, str | None]:
        """What the breakers let through, journaled and counted; and why the rest is held."""

        def work(tx: Connection) -> tuple[View, str | None]:
            now = self._business.now()
            judged = breakers.weigh(tx, view, claim.target, now)
            breakers.record(tx, judged, claim.person, claim.target, now)
            allowed = replace(view, plan=judged.plan)
            if judged.why is not None:
                body = {"why": judged.why, "stage": view.life.stage, "breaker": judged.held}
                self._append(tx, "case", claim, plan_id, body, None)
            if allowed.plan.steps:
                self._journal_plan(tx, claim, allowed, plan_id)
            return allowed, judged.why

        return self._write(claim, work)

    def _journal_plan(self, tx: Connection, claim: Claim, view: View, plan_id: str) -> None:
        steps = [
            {"kind": s.kind, "attributes": sorted(s.attributes), "attribute": s.attribute}
            for s in view.plan.steps
        ]
        body = {"stage": view.life.stage, "reason": view.life.reason, "steps": steps}
        written = {a for s in view.plan.steps for a in s.attributes}
        values = {
            "steps": [_plain(s) for s in view.plan.steps],
            "why": {a: asdict(o) for a, o in view.origins.items() if a in written},
        }
        self._append(tx, "plan", claim, plan_id, body, values)
        if claim.target in self._with_sessions and any(
            s.kind == "disable" for s in view.plan.steps
        ):
            obligations.owe(tx, claim.person, [claim.target], self._business.now())

    def _record(
        self,
        tx: Connection,
        claim: Claim,
        view: View,
        plan_id: str,
        number: int,
        step: Step,
        outcome: Outcome,
        took: float,
    ) -> None:
        """The outcome of one step, which took `took` seconds, and what it makes of the link,
        in one transaction."""
        now = machine_now()
        if step.kind == "create" and outcome.result == "applied" and outcome.link is not None:
            _insert_account(tx, claim, outcome.link, plan_id)
            pairs.resolved(tx, account_edge(claim.person, claim.target), now)
        if outcome.result == "applied" and step.kind in ("create", "disable"):
            obligations.done(tx, claim.person, claim.target, now)
        if outcome.result == "applied":
            changes: dict[str, Any] = {"plan": plan_id, "applied_at": now}
            if outcome.link is not None and outcome.link.hint:
                changes["hint"] = outcome.link.hint
            if step.kind in ("create", "modify"):
                refused = {r.attribute for r in outcome.refusals}
                applied = dict(view.snapshot.applied)
                applied.update({a: v for a, v in step.attributes.items() if a not in refused})
                kept = {a: v for a, v in applied.items() if v is not None}
                changes["applied"] = json.dumps(kept, ensure_ascii=False, sort_keys=True)
            tx.execute(
                update(account_table)
                .where(
                    account_table.c.person == claim.person,
                    account_table.c.target == claim.target,
                )
                .values(**changes)
            )
        body = {
            "step": number,
            "kind": step.kind,
            "result": outcome.result,
            "ms": round(took * 1000, 1),
            "refusals": [
                {k: v for k, v in asdict(r).items() if k != "message"} for r in outcome.refusals
            ],
        }
        hint = {"hint": outcome.link.hint} if outcome.link else None
        self._append(tx, "operation", claim, plan_id, body, hint)

    def _held(self, claim: Claim, why: str, life: Lifecycle) -> Result:
        body = {"why": why, "stage": life.stage}
        try:
            self._write(claim, lambda tx: self._append(tx, "case", claim, None, body, None))
        except Unknown:
            return Result("finish")
        # A day that comes, such as the last one, is a reason to look again all the same.
        return Result("hold", held=why, problem=why, state=life.stage, look_at=life.valid_until)

    def _write(self, claim: Claim, work: Callable[[Connection], T]) -> T:
        """In one transaction. Raises Unknown when the person was forgotten during the look:
        what a look began before a sandbox was emptied leaves no trace in the new world."""

        def guarded(tx: Connection) -> T:
            if not is_known(tx, claim.person):
                raise Unknown(claim.person)
            return work(tx)

        return self._database.write(guarded)

    def _append(
        self,
        tx: Connection,
        kind: str,
        claim: Claim,
        ref: str | None,
        body: Mapping[str, Any],
        values: Mapping[str, Any] | None,
    ) -> None:
        if kind != "operation":  # an operation belongs to the plan whose id it carries
            body = {**body, **pairs.answers(tx, claim)}
        journal.append(
            tx,
            kind=kind,
            person=claim.person,
            target=claim.target,
            ref=ref,
            body=body,
            values=values,
            now=machine_now(),
            business_now=self._business.now(),
        )


def forget_link(tx: Connection, person: str, target: str) -> None:
    """`provision --recreate`: the account is gone for good and a new one may be made."""
    tx.execute(
        delete(account_table).where(
            account_table.c.person == person, account_table.c.target == target
        )
    )


def _insert_account(tx: Connection, claim: Claim, link: Link, plan_id: str) -> None:
    tx.execute(
        insert(account_table).values(
            person=claim.person,
            target=claim.target,
            anchor=link.anchor,
            hint=link.hint,
            applied_at=machine_now(),
            plan=plan_id,
        )
    )


def _plain(step: Step) -> dict[str, Any]:
    """A step as JSON, without what is not set."""
    fields = {
        "kind": step.kind,
        "name": step.name,
        "container": step.container,
        "attributes": dict(step.attributes),
        "attribute": step.attribute,
        "anchor": step.anchor,
    }
    return {k: v for k, v in fields.items() if v not in (None, {})}


def _sentence(message: str, remedy: str) -> str:
    return f"{message}. {remedy}".strip() if remedy else message
