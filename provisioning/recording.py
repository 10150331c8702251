"""What a look leaves behind in the store: journal entries, links, grants, what was applied.

Everything here is one statement or a few inside the caller's transaction. What a step
makes of an account is written as soon as the step is done where a crash must not forget
it (an account that was made, shut or deleted), and else together with the look's end. So is
an account that was made, if nothing more is asked of the target.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    Connection,
    String,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from adapters.target import Grant, Link, Outcome, Step
from provisioning import claims, names, obligations, pairs, people
from provisioning.claims import Claim
from provisioning.plan import Drift, concealed, plain
from provisioning.snapshot import account_edge
from provisioning.view import View
from store import journal
from store.clocks import machine_now
from store.json_text import canonical
from store.statement import Statement
from store.tables import account as account_table
from store.tables import grant as grant_table
from store.tables import pair as pair_table

AT_ONCE = frozenset({"create", "restore", "disable", "delete"})
"""Kinds of steps whose outcome is on disk before the next step begins."""

Work = Callable[[Connection], None]

_OURS = and_(
    account_table.c.person == bindparam("of_person"),
    account_table.c.target == bindparam("of_target"),
)
_LINKED = Statement(select(account_table.c.anchor, account_table.c.gone_at).where(_OURS))
_LINK_VALUES = ("anchor", "hint", "applied_at", "plan", "matched", "linked_at", "linked_by")
_LINK = Statement(
    insert(account_table).values(
        {name: bindparam(name) for name in ("person", "target", "gone_at", *_LINK_VALUES)}
    )
)
_APPLIED = Statement(update(account_table).where(_OURS).values(applied=bindparam("values")))
_WRITTEN = Statement(
    update(account_table)
    .where(_OURS)
    .values(
        plan=bindparam("by_plan"),
        applied_at=bindparam("at"),
        hint=func.coalesce(bindparam("new_hint", type_=String), account_table.c.hint),
    )
)


class Recorder:
    """For one claim, at business time `now`."""

    def __init__(self, claim: Claim, now: float, hold_days: float) -> None:
        self._claim = claim
        self._now = now
        self._hold = hold_days * 86400
        self._pending: list[Work] = []
        self._wrote: tuple[str, str | None] | None = None
        """During a flush: by which plan the account was written to, and its new hint."""
        self._whose = {"of_person": claim.person, "of_target": claim.target}

    def later(self, work: Work) -> None:
        """Keep `work` for the next transaction."""
        self._pending.append(work)

    @property
    def waiting(self) -> bool:
        """Whether something is kept."""
        return bool(self._pending)

    def flush(self, tx: Connection) -> None:
        """Write what was kept, in order. `tx` may run again: nothing is forgotten here."""
        self._write(tx, self._pending)

    def hand_over(self) -> Work:
        """What was kept, to be written by whoever ends the look. It is not kept any more: what
        holds each other in a circle stays in memory for long."""
        pending, self._pending = self._pending, []
        return lambda tx: self._write(tx, pending)

    def _write(self, tx: Connection, pending: Sequence[Work]) -> None:
        self._wrote = None
        for work in pending:
            work(tx)
        if self._wrote is not None:
            plan_id, hint = self._wrote
            written = {"by_plan": plan_id, "at": machine_now(), "new_hint": hint}
            _WRITTEN.count(tx, **self._whose, **written)

    def forget(self) -> None:
        """What was kept is on disk."""
        self._pending.clear()

    # -- journal ---------------------------------------------------------------------------

    def append(
        self,
        tx: Connection,
        kind: str,
        ref: str | None,
        body: Mapping[str, Any],
        values: Mapping[str, Any] | None = None,
    ) -> None:
        """An entry about this claim's account."""
        if kind not in ("operation", "drift"):  # these belong to the plan whose id they carry
            body = {**body, **claims.answers(self._claim)}
        journal.append(
            tx,
            kind=kind,
            person=self._claim.person,
            target=self._claim.target,
            ref=ref,
            body=body,
            values=values,
            now=machine_now(),
            business_now=self._now,
        )

    def plan(self, tx: Connection, view: View, plan_id: str) -> None:
        """The plan that is about to be carried out, with the rules behind its values."""
        steps = []
        for s in view.plan.steps:
            step: dict[str, Any] = {
                "kind": s.kind,
                "attributes": sorted(s.attributes),
                "attribute": s.attribute,
            }
            if s.given is not None:
                rule = view.rules.get(s.given) or view.snapshot.grants.get(s.given)
                step["given"] = {"kind": s.given.kind, "anchor": s.given.anchor, "rule": rule}
            steps.append(step)
        body = {"stage": view.life.stage, "reason": view.life.reason, "steps": steps}
        written = {a for s in view.plan.steps for a in s.attributes}
        values = {
            "steps": [plain(concealed(s, view.hidden)) for s in view.plan.steps],
            "why": {
                a: {"rule": o.rule, "expression": o.expression, "reads": o.reads}
                for a, o in view.origins.items()
                if a in written
            },
        }
        self.append(tx, "plan", plan_id, body, values)

    def step(
        self, view: View, plan_id: str, number: int, step: Step, outcome: Outcome, took: float
    ) -> None:
        """Keep what came of a step for the next transaction; it took `took` seconds."""

        def work(tx: Connection) -> None:
            self._operation(tx, plan_id, number, step, outcome, took)
            self._done(tx, view, plan_id, step, outcome)

        self.later(work)

    def _operation(
        self, tx: Connection, plan_id: str, number: int, step: Step, outcome: Outcome, took: float
    ) -> None:
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
        self.append(tx, "operation", plan_id, body, hint)

    # -- the account -----------------------------------------------------------------------

    def link(self, tx: Connection, link: Link, plan_id: str, matched: str) -> None:
        """This account is the person's, in the place of any other that was."""
        now = machine_now()
        self._wrote = None
        values = {
            "anchor": link.anchor,
            "hint": link.hint,
            "applied_at": now,
            "plan": plan_id,
            "matched": matched,
            "linked_at": now,
            "linked_by": None,
            "gone_at": None,
        }
        row = _LINKED.row(tx, **self._whose)
        before = row.anchor if row is not None else None
        if row is not None and row.gone_at is not None:
            self._ask_reports(tx, now)  # a link to what was deleted had vanished
        if before is None:
            _LINK.count(tx, person=self._claim.person, target=self._claim.target, **values)
        else:
            if before != link.anchor:
                values["applied"] = "{}"
                tx.execute(delete(grant_table).where(*self._of(grant_table)))
            tx.execute(update(account_table).where(*self._of(account_table)).values(**values))
        names.keep(tx, self._claim.person)
        pairs.resolved(tx, now, account_edge(self._claim.person, self._claim.target))

    def _ask_reports(self, tx: Connection, now: float) -> None:
        for report in people.reports(tx, self._claim.person):
            pairs.ask(tx, report, [self._claim.target], pairs.Lane.CHANGE, now)

    def _done(self, tx: Connection, view: View, plan_id: str, step: Step, outcome: Outcome) -> None:
        """What a step that took effect, or was refused, makes of what we know."""
        if step.given is not None:
            self._given(tx, step, outcome)
        if outcome.result != "applied":
            return
        if step.kind in ("create", "restore") and outcome.link is not None:
            self.link(tx, outcome.link, plan_id, f"{step.kind}d")
        else:
            hint = outcome.link.hint if outcome.link is not None else None
            self._wrote = plan_id, hint or (self._wrote[1] if self._wrote else None)
        if step.kind in ("create", "disable"):
            obligations.done(tx, self._claim.person, self._claim.target, machine_now())
        if step.kind == "delete":
            self.gone(tx)

    def _given(self, tx: Connection, step: Step, outcome: Outcome) -> None:
        """A grant is written down before it is given, and struck out when it was refused or
        taken away: whatever crashes in between, nothing of ours is forgotten."""
        grant = step.given
        taken = step.kind == "revoke" and outcome.result == "applied"
        if grant is not None and (taken or (step.kind == "grant" and outcome.result == "refused")):
            tx.execute(self._strike([grant]))

    def intend(self, tx: Connection, view: View) -> None:
        """Before the steps: what will be given, and what of ours is there no more."""
        now = machine_now()
        fresh = [s.given for s in view.plan.steps if s.kind == "grant" and s.given is not None]
        for grant in fresh:
            if grant not in view.snapshot.grants:
                tx.execute(
                    insert(grant_table).values(
                        person=self._claim.person,
                        target=self._claim.target,
                        kind=grant.kind,
                        value=grant.anchor,
                        rule=view.rules[grant],
                        granted=now,
                    )
                )

    def strike(self, tx: Connection, grants: Collection[Grant]) -> None:
        """These were ours, and somebody else has taken them away."""
        tx.execute(self._strike(grants))

    def _strike(self, grants: Collection[Grant]) -> Any:
        listed = [(g.kind, g.anchor) for g in grants]
        return delete(grant_table).where(
            *self._of(grant_table), tuple_(grant_table.c.kind, grant_table.c.value).in_(listed)
        )

    def gone(self, tx: Connection) -> None:
        """The account is deleted. Its names stay taken for a while (state.md 2)."""
        now = self._now
        tx.execute(
            update(account_table).where(*self._of(account_table)).values(gone_at=now, applied="{}")
        )
        tx.execute(delete(grant_table).where(*self._of(grant_table)))
        there = select(account_table.c.target).where(
            account_table.c.person == self._claim.person, account_table.c.gone_at.is_(None)
        )
        if tx.execute(there).first() is None:
            names.hold(tx, self._claim.person, now + self._hold)

    def outside(self, tx: Connection, is_outside: bool) -> None:
        """The person is out of the scope from now on, or back in it."""
        since = self._now if is_outside else None
        tx.execute(update(pair_table).where(*self._of(pair_table)).values(outside_since=since))

    def lose(self, tx: Connection) -> None:
        """The account cannot be brought back: nothing is linked any more."""
        tx.execute(delete(account_table).where(*self._of(account_table)))

    def back(self, tx: Connection) -> None:
        """Somebody brought the account back."""
        self._ask_reports(tx, machine_now())
        tx.execute(update(account_table).where(*self._of(account_table)).values(gone_at=None))
        names.keep(tx, self._claim.person)

    def applied(self, tx: Connection, values: Mapping[str, Any]) -> None:
        """What the account holds now is what was last applied."""
        text = canonical(values)
        _APPLIED.count(tx, **self._whose, values=text)

    def drift(
        self, tx: Connection, found: Collection[Drift], values: Mapping[str, Any], plan_id: str
    ) -> None:
        """What somebody else has changed, for `app.py drift`; `values` are personal."""
        listed = {one.attribute: one.what for one in found}
        text = json.dumps(listed, sort_keys=True) if listed else None
        tx.execute(update(pair_table).where(*self._of(pair_table)).values(drift=text))
        if listed:
            self.append(tx, "drift", plan_id, {"attributes": listed}, values)

    def _of(self, table: Any) -> tuple[Any, Any]:
        return (table.c.person == self._claim.person, table.c.target == self._claim.target)
