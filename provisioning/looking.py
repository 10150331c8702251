"""One claim on its way from due to its result: look, plan, apply, judge.

What it writes and the steps at the target are done by `course.py`. A crash at any point is
healed by looking again: what a lost create left behind is found by its key and linked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection, select

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
from provisioning import breakers, names, obligations, people, rivals
from provisioning.beforehand import Prepared
from provisioning.claims import Claim, Result
from provisioning.course import Applied, Apply, Course, Write
from provisioning.names import ACCOUNT_NAME
from provisioning.plan import Plan, came_along, digest, known_of, remembered, with_all_that_follows
from provisioning.recording import AT_ONCE, Recorder
from provisioning.snapshot import Unknown, is_known, read_snapshot, waits_on
from provisioning.view import Held, View, Viewer
from provisioning.worker import Lease
from settings import Settings
from store.clocks import machine_now
from store.database import Database
from store.ids import new_id
from store.tables import account as account_table

T = TypeVar("T")

_LOOKS = 6
"""Looks within one claim: each burnt name, lost answer or race needs another one."""

_CONFIG_RETRY = 60.0
"""Seconds until we ask again after a refusal that only an operator can resolve."""


class Moved(Exception):
    """The plan is not any more the one that was approved: nothing was written."""


class _Again(Exception):
    """The world changed under us: look again before anything else is written."""


class _Stop(Exception):
    """No further step of this plan; `result` says what becomes of the pair."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.kind)
        self.result = result


class Look:
    """One claim on its way from due to its result."""

    def __init__(
        self,
        database: Database,
        target: Target,
        viewer: Viewer,
        claim: Claim,
        lease: Lease,
        settings: Settings,
        now: float,
        approved: str | None = None,
        prepared: Prepared | None = None,
    ) -> None:
        """At business time `now`. `approved` is the digest of the one plan that may be
        carried out; `prepared` holds what was read beforehand."""
        self._database = database
        self._target = target
        self._settings = settings
        self._now = now
        self._viewer = viewer
        self._sessions = claim.target in obligations.with_sessions(settings)
        self._claim = claim
        self._lease = lease
        self._approved = approved
        self._prepared = prepared
        self.recorder = Recorder(claim, now, settings.hold_days)
        """What is to be written together with the end of the look."""

    def _is_contested(self) -> bool:
        """Whether somebody else may be given an account with this person's key just now."""
        person, target = self._claim.person, self._claim.target
        if self._prepared is not None and self._prepared.is_settled(person):
            return False
        sources = self._settings.sources
        found = rivals.contested(self._database, target, [person], sources, machine_now())
        return found.get(person, False)

    def _view(self) -> View:
        """The account as it is and should be; what was read beforehand counts once."""
        prepared, self._prepared = self._prepared, None
        if prepared is not None:
            view = prepared.view(self._viewer, self._claim, self._target)
            if view is not None:
                return view
        return self._viewer.view(
            self._claim.person, self._claim.target, self._now, settings=self._settings
        )

    def result(self) -> Course[Result]:
        """What comes of it. Raises LeaseLost, and Moved for another plan than the approved."""
        stage: str | None = None
        until: float | None = None
        try:
            for _ in range(_LOOKS):
                if self._is_contested():
                    return Result("retry", problem=rivals.WHY, retry_after=rivals.PAUSE)
                view = self._view()
                stage, until = view.life.stage, view.life.valid_until
                try:
                    return (yield from self._converge(view))
                except _Again:
                    continue
                except _Stop as stop:
                    return replace(stop.result, look_at=until)
            why = "the account kept changing while we looked"
            return Result("retry", problem=why, state=stage, look_at=until)
        except Unknown:
            return Result("finish")
        except Held as held:
            self._refuse(approved=None)
            return self._held(str(held), held.life.stage, held.life.valid_until)
        except TargetDown as down:
            return Result(
                "retry",
                problem=_sentence(str(down), down.remedy),
                retry_after=down.retry_after,
                target_down=True,
                state=stage,
                look_at=until,
            )
        except TargetRefused as refused:
            return Result(
                "retry",
                problem=_sentence(refused.refusal.message, refused.refusal.remedy),
                retry_after=_CONFIG_RETRY,
                target_down=refused.refusal.kind in ("config", "rights"),
                state=stage,
                look_at=until,
            )

    def _converge(self, view: View) -> Course[Result]:
        plan_id = new_id()
        if self._approved is not None:
            self._refuse(digest(view.plan.steps))
        yield from self._notice(view, plan_id)
        problems = list(view.problems)
        wished = view.plan
        held: str | None = None
        done: list[tuple[Step, frozenset[str]]] = []
        if wished.steps:
            self._lease.check()
            view, held = yield from self._decide(view, plan_id)
            done = yield from self._carry_out(view, plan_id, problems)
        self._remember(view, wished, done, plan_id)
        if watched := [d.attribute for d in wished.drift if d.what == "watched"]:
            problems.append("differs but is only watched: " + ", ".join(watched))
        edge = view.waits_on if view.desired.exists or view.actual else None
        look_at = view.life.valid_until
        if held is not None:
            problems.insert(0, held)
            after = self._now + view.limits.window  # by then fewer may be counted
            look_at = after if look_at is None else min(look_at, after)
        return Result(
            "finish" if held is None else "hold",
            look_at=look_at,
            waits_on=edge,
            held=held,
            still_waiting=self._still(edge) if edge else None,
            problem="; ".join(dict.fromkeys(problems)) or None,
            state=view.life.stage,
        )

    def _refuse(self, approved: str | None) -> None:
        """Raises Moved unless the plan found is the one that was approved, if any was."""
        if self._approved is not None and self._approved != approved:
            raise Moved

    def _still(self, edge: str) -> Callable[[Connection], bool]:
        policy, now = self._settings.people, self._now

        def still_waiting(connection: Connection) -> bool:
            whose = (self._claim.person, self._claim.target)
            snapshot = read_snapshot(connection, *whose, policy, now)
            return waits_on(snapshot, self._claim.target) == edge

        return still_waiting

    # -- before the first step -------------------------------------------------------------

    def _notice(self, view: View, plan_id: str) -> Course[None]:
        """What the look found out about the person and the account, before any step."""
        snapshot, actual, recorder = view.snapshot, view.actual, self.recorder
        if snapshot.outdated:
            policy, now = self._settings.people, self._now
            yield from self.write(lambda tx: people.refresh(tx, self._claim.person, policy, now))
        if view.is_outside != (snapshot.outside_since is not None) and snapshot.link is not None:
            recorder.later(lambda tx: recorder.outside(tx, view.is_outside))
        if view.vanished:
            recorder.later(recorder.gone)
            body = {"what": "gone", "stage": view.life.stage}
            recorder.later(lambda tx: recorder.append(tx, "outcome", plan_id, body))
        if actual is None:
            return
        if snapshot.link is None or snapshot.link.anchor != actual.anchor:
            yield from self._adopt(actual, view.found_by, plan_id)
        elif snapshot.gone_at is not None and view.life.exists:
            recorder.later(recorder.back)
        lost = frozenset(snapshot.grants) - view.given.actual if view.grants_read else frozenset()
        if lost := lost - view.desired.grants:
            recorder.later(lambda tx: recorder.strike(tx, lost))

    def _adopt(self, actual: Account, found_by: str | None, plan_id: str) -> Course[None]:
        """An account with this person's key is there already: link it, do not duplicate it."""
        link, recorder = Link(actual.anchor, actual.hint), self.recorder

        def work(tx: Connection) -> None:
            recorder.link(tx, link, plan_id, f"found by {found_by}")
            body = {"what": "linked"}
            recorder.append(tx, "outcome", plan_id, body, {"hint": actual.hint})

        yield from self.write(work)

    def _decide(self, view: View, plan_id: str) -> Course[tuple[View, str | None]]:
        """What the breakers let through, journaled and counted; and why the rest is held."""
        recorder, target = self.recorder, self._claim.target

        def work(tx: Connection) -> tuple[View, str | None]:
            now = self._now
            judged = breakers.weigh(tx, view, target, now)
            breakers.record(tx, judged, self._claim.person, target, now)
            allowed = view
            if judged.plan.steps != view.plan.steps:
                allowed = replace(view, plan=replace(view.plan, steps=judged.plan.steps))
            if judged.why is not None:
                body = {"why": judged.why, "stage": view.life.stage, "breaker": judged.held}
                recorder.append(tx, "case", plan_id, body)
            if allowed.plan.steps:
                recorder.plan(tx, allowed, plan_id)
                recorder.intend(tx, allowed)
                if self._sessions and any(s.kind == "disable" for s in allowed.plan.steps):
                    obligations.owe(tx, self._claim.person, [target], now)
            return allowed, judged.why

        return (yield from self.write(work))

    # -- the steps ---------------------------------------------------------------------------

    def _carry_out(
        self, view: View, plan_id: str, problems: list[str]
    ) -> Course[list[tuple[Step, frozenset[str]]]]:
        """The steps that took effect, each with the attributes that were refused."""
        account, recorder = view.actual, self.recorder
        done: list[tuple[Step, frozenset[str]]] = []
        steps = view.plan.steps
        for number, step in enumerate(steps):
            took = 0.0
            if steps[0].kind == "create" and number > 0 and came_along(step, account):
                outcome = Outcome("applied")
            else:
                asked = with_all_that_follows(steps) if step.kind == "create" else step
                applied: Applied = yield Apply(account, asked, self._lease)
                outcome, took = applied.outcome, applied.took
            recorder.step(view, plan_id, number, step, outcome, took)
            if outcome.result != "refused":
                self._approved = None  # what was approved has begun
            rest = steps[number + 1 :]
            if outcome.result == "unknown" or (step.kind in AT_ONCE and not _is_all(outcome, rest)):
                yield from self.write(lambda tx: None)
            problems.extend((yield from self._judge(view, step, outcome)))
            if outcome.result == "applied":
                refused = frozenset(r.attribute for r in outcome.refusals if r.attribute)
                done.append((step, refused))
            if step.kind in ("restore", "delete"):
                raise _Again  # the account is another one now, or none
            if outcome.link is not None or step.kind in ("disable", "enable"):
                link = outcome.link or (Link(account.anchor) if account else None)
                if number + 1 < len(view.plan.steps):
                    account = outcome.account or self._target.read(link, None)
                    if account is None:
                        raise _Again
        return done

    def _judge(self, view: View, step: Step, outcome: Outcome) -> Course[list[str]]:
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
        if step.kind == "restore" and kind == "gone":
            # It cannot be brought back: a new one is made.
            yield from self.write(self.recorder.lose)
            raise _Again
        if kind == "name" and refusal is not None:
            yield from self._burn(view, step, refusal)
            raise _Again
        if kind in ("gone", "stale"):
            raise _Again
        if kind == "protected":
            raise _Stop(self._held(text, stage, view.life.valid_until))
        if kind == "reference" and step.kind == "grant" and step.given is not None:
            self._viewer.catalogue.forget(step.given)
            raise _Again  # a group was made anew under its name, or there is none now
        if step.kind in ("grant", "revoke"):
            return said  # somebody without a group can still work, and be shut out
        if kind in ("value", "reference") and step.kind in ("modify", "refer"):
            return said  # one attribute less; the rest of the plan goes on
        raise _Stop(Result("retry", problem=text, retry_after=_CONFIG_RETRY, state=stage))

    def _burn(self, view: View, step: Step, refusal: Refusal) -> Course[None]:
        """The target says a name is taken: nobody of ours gets it, and we look again."""
        attribute = (refusal.attribute or "cn").casefold()
        if attribute in ("samaccountname", "userprincipalname", "mailnickname"):
            kind, value = ACCOUNT_NAME, view.snapshot.names.get(ACCOUNT_NAME)
            if value is None:
                taken = step.attributes.get("sAMAccountName") or step.attributes.get("mailNickname")
                value = taken if isinstance(taken, str) else None
            if self._has_account():
                value = None  # a name in use, here or in another target, is kept: a case
        elif attribute in ("mail", "proxyaddresses"):
            kind, value = names.MAIL, view.snapshot.facts.get("mail")
        else:
            kind, value = names.cn_kind(self._claim.target), step.name
        if not value:
            why = f"{refusal.attribute or 'name'}: {refusal.message}"
            raise _Stop(self._held(why, view.life.stage, view.life.valid_until))
        yield from self.write(lambda tx: names.burn(tx, kind, str(value)))

    def _has_account(self) -> bool:
        with self._database.read() as connection:
            found = connection.execute(
                select(account_table.c.target).where(
                    account_table.c.person == self._claim.person, account_table.c.gone_at.is_(None)
                )
            )
            return found.first() is not None

    # -- afterwards ----------------------------------------------------------------------------

    def _remember(
        self,
        view: View,
        wished: Plan,
        done: list[tuple[Step, frozenset[str]]],
        plan_id: str,
    ) -> None:
        """What the account holds now, and what somebody else had changed."""
        snapshot, actual, recorder = view.snapshot, view.actual, self.recorder
        if actual is None and not done:
            return
        linked = snapshot.link is not None and (
            actual is None or actual.anchor == snapshot.link.anchor
        )
        before = snapshot.applied if linked and snapshot.gone_at is None else {}
        applied = remembered(view.desired, actual, wished.steps, done, before)
        if applied != dict(snapshot.applied):
            recorder.later(lambda tx: recorder.applied(tx, applied))
        listed = {one.attribute: one.what for one in wished.drift}
        if listed != dict(snapshot.drift):
            values = _drifted(view, actual, listed) if actual is not None else {}
            drift = wished.drift
            recorder.later(lambda tx: recorder.drift(tx, drift, values, plan_id))

    def _held(self, why: str, stage: str, until: float | None) -> Result:
        # A day that comes, such as the last one, is a reason to look again all the same.
        body = {"why": why, "stage": stage}
        self.recorder.later(lambda tx: self.recorder.append(tx, "case", None, body))
        return Result("hold", held=why, problem=why, state=stage, look_at=until)

    def write(self, work: Callable[[Connection], T]) -> Course[T]:
        """In one transaction, after all that was kept. Raises Unknown when the person was
        forgotten during the look: what a look began before a sandbox was emptied leaves no
        trace in the new world."""

        def guarded(tx: Connection) -> T:
            if not is_known(tx, self._claim.person):
                raise Unknown(self._claim.person)
            self.recorder.flush(tx)
            return work(tx)

        found: T = yield Write(guarded)
        self.recorder.forget()
        return found

    def hand_over(self) -> Callable[[Connection], None]:
        """What was kept, to be written together with the end of the look."""
        person, work = self._claim.person, self.recorder.hand_over()

        def record(tx: Connection) -> None:
            if is_known(tx, person):
                work(tx)

        return record


def _is_all(outcome: Outcome, rest: Sequence[Step]) -> bool:
    """Whether nothing more is asked of the target after this: the look is at its end, and what
    came of it is written along with that. Who is shut out or deleted is written down before."""
    return outcome.account is not None and all(came_along(s, outcome.account) for s in rest)


def _drifted(
    view: View, actual: Account, listed: Mapping[str, str]
) -> dict[str, dict[str, object]]:
    """What was found where something else had been written."""
    listed = {name: what for name, what in listed.items() if name not in view.hidden}
    now = {**actual.attributes, **{k[1:]: v for k, v in known_of(actual).items()}}
    was = {k.removeprefix("@"): v for k, v in view.snapshot.applied.items()}
    return {name: {"found": now.get(name), "written": was.get(name)} for name in listed}


def _sentence(message: str, remedy: str) -> str:
    return f"{message}. {remedy}".strip() if remedy else message
