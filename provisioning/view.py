"""One look at a person and an account: what is stored, what the target holds, what should be.

:class:`Viewer` gathers a snapshot, reserves the names that are needed, evaluates the
mapping and hands the difference to the planner. It never writes to a target; a dry
run is a view that is not applied.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from sqlalchemy import select

from adapters.target import Account, Ambiguous, Grant, GrantKind, Target
from mappings.documents import Outbound
from mappings.language.running import Given as Circumstances
from mappings.results import Evaluation, Origin
from policy_settings import Breakers
from provisioning import obligations
from provisioning.context import circumstances, context_of, known_of, with_chosen
from provisioning.finding import Contradicted, Found, Read, contradiction, find, name_of
from provisioning.giving import Catalogue
from provisioning.lifecycle import LEFT, Lifecycle, lifecycle
from provisioning.names import NoNameLeft
from provisioning.naming import Naming
from provisioning.plan import Desired, Given, Plan, Wanted, diff
from provisioning.scoping import outside
from provisioning.snapshot import Snapshot, manager_fact, read_snapshot, waits_on
from provisioning.told import Told
from settings import Settings, TargetSettings
from store import setting
from store.database import Database
from store.tables import account as account_table

_SEED = "mapping_seed"
"""Setting: what `Guid()` and `RandomString()` are drawn from, together with the person."""


class Held(Exception):
    """Muster is not sure; a human has to look. The text says why, without personal values.

    `life` is where the person stands: a date that comes is a reason to look again.
    """

    def __init__(self, why: str, life: Lifecycle) -> None:
        super().__init__(why)
        self.life = life


@dataclass(frozen=True)
class View:
    """Everything a plan rests on, and the plan."""

    snapshot: Snapshot
    life: Lifecycle
    actual: Account | None
    desired: Desired
    plan: Plan
    waits_on: str | None
    problems: tuple[str, ...]
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """Attribute -> rule and inputs behind its value."""
    rules: Mapping[Grant, str] = field(default_factory=dict)
    """What is to be given -> the rule that gives it."""
    given: Given = field(default_factory=Given)
    grants_read: bool = False
    """Whether `given` says what the account has been given; it is not asked for nothing."""
    vanished: bool = False
    """The linked account is not there any more, and nobody minds: the person has left."""
    limits: Breakers = field(default_factory=Breakers)
    """In force when this was looked at; `provisioning/breakers.py` applies them."""
    found_by: str | None = None
    """The attributes by which an account was found that is not linked yet."""
    kept: Mapping[str, Origin] = field(default_factory=dict)
    """Attributes whose rule gives nothing now, so that they stay as they are."""
    hidden: frozenset[str] = frozenset()
    """Attributes whose values are not to be shown or written down."""
    is_outside: bool = False
    """The person is not in the scope of the target's mapping."""


class Viewer:
    """Looks at pairs. Keeps nothing between looks but the groups and licences it has found."""

    def __init__(
        self,
        database: Database,
        settings: Callable[[], Settings],
        targets: Mapping[str, Target],
        outbounds: Mapping[str, Outbound],
    ) -> None:
        """`settings` gives those in force now; it is asked once a view."""
        self._database = database
        self.live = settings
        self.targets = targets
        self._outbounds = outbounds
        self.catalogue = Catalogue(targets)

    @property
    def settings(self) -> Settings:
        """Those in force now."""
        return self.live()

    def view(
        self,
        person: str,
        target: str,
        now: float,
        *,
        keep_names: bool = True,
        settings: Settings | None = None,
    ) -> View:
        """The account as it is and should be at business time `now`.

        `keep_names=False` reserves nothing (dry run). Raises Held, Unknown, TargetDown and
        TargetRefused.
        """
        settings = settings or self.live()
        with self._database.read() as connection:
            snapshot = read_snapshot(connection, person, target, settings.people, now)
        look = self.begin(snapshot, settings, target, now, keep_names=keep_names)
        return self.view_of(look, self.targets[target].read)

    def begin(
        self,
        snapshot: Snapshot,
        settings: Settings,
        target: str,
        now: float,
        *,
        keep_names: bool,
        told: Told | None = None,
    ) -> Begun:
        """What can be said of a person without asking any target but through `told`."""
        life = lifecycle(snapshot.episodes, snapshot.withdrawn_at, settings.people, now)
        life = _until(life, snapshot.changes_at)
        given = circumstances(snapshot, settings, target, life, now, self._seed)
        known = known_of(snapshot, settings, target, life)
        outbound = self._outbounds[target]
        told = told or Told()
        return Begun(
            snapshot, settings, target, outbound, given, known, life, now, keep_names, told
        )

    def view_of(self, look: Begun, read: Read) -> View:
        """The same with what was read of the person already; `read` answers for the account."""
        look = replace(look, read=read)
        snapshot, settings, target, now = look.snapshot, look.settings, look.target, look.now
        outbound, given, known, life = look.outbound, look.given, look.known, look.life
        why = snapshot.problem or snapshot.parked or life.unsure
        if why:
            raise Held(why, life)
        doomed = is_outside = False
        if outbound.scope is not None:
            verdict, until = outbound.verdict(known, given)
            life = _until(life, until.timestamp() if until is not None else None)
            if verdict is not None and verdict.inside is None and not life.left:
                raise Held(f"the scope cannot be told: {verdict.why}", life)
            if verdict is not None and verdict.inside is False:
                since = snapshot.outside_since if snapshot.outside_since is not None else now
                what = verdict.outside
                desired, life = outside(what, since, settings.targets[target], life, now)
                if not life.left or what.action == "keep":
                    life = replace(life, reason=f"outside the scope ({verdict.why})")
                    return self._outside(look, life, desired)
                is_outside, doomed = True, desired is not None and desired.deleted
        try:
            actual, found_by = self._actual(look, life)
            if actual is None and not life.exists:
                return _nothing(snapshot, life)
            return self._compare(look, life, actual, doomed, is_outside, found_by)
        except NoNameLeft as none:
            raise Held(f"no free {none.kind}: nothing to make a name from", life) from None
        except Contradicted as other:
            raise Held(f"{other}; correct it there, or link the right one", life) from None
        except Ambiguous as several:
            raise Held(f"{several}; remove the key from all but one", life) from None

    def naming(self, look: Begun, actual: Account | None) -> Naming:
        """The names of a person whose account is `actual`."""
        return Naming(
            self._database,
            look.settings,
            self.targets,
            self._outbounds,
            look.snapshot,
            look.target,
            actual,
            look.now,
            look.given,
            keep=look.keep_names,
            told=look.told,
        )

    def outbound(self, target: str) -> Outbound:
        """The mapping in force."""
        return self._outbounds[target]

    def context(
        self, snapshot: Snapshot, settings: Settings, target: str, now: float
    ) -> tuple[dict[str, Any], Circumstances]:
        """What the mapping is given of a person before any name is reserved."""
        life = lifecycle(snapshot.episodes, snapshot.withdrawn_at, settings.people, now)
        given = circumstances(snapshot, settings, target, life, now, self._seed)
        known = known_of(snapshot, settings, target, life) | manager_fact(snapshot)
        return known, given

    @cached_property
    def _seed(self) -> str:
        with self._database.read() as connection:
            kept = setting.get(connection, _SEED)
        if kept is None:
            kept = self._database.write(lambda tx: setting.key(tx, _SEED)).hex()
        return kept

    def _outside(self, look: Begun, life: Lifecycle, desired: Desired | None) -> View:
        """An account that we made or linked, and whose person is not in scope (any more)."""
        link = look.snapshot.link
        actual = look.read(link, None) if link is not None else None
        if actual is None:
            return replace(_nothing(look.snapshot, life), is_outside=True)
        if actual.protected and not _may_disable(look.settings.targets[look.target], life):
            raise Held(f"protected account ({actual.protected}): reported, not touched", life)
        if desired is None:
            desired = Desired(exists=False, enabled=actual.enabled)
        else:
            desired = replace(desired, end_sessions=look.snapshot.end_sessions)
        plan = diff(desired, actual, {})
        limits = look.settings.breakers
        return View(
            look.snapshot, life, actual, desired, plan, None, (), limits=limits, is_outside=True
        )

    def _actual(self, look: Begun, life: Lifecycle) -> tuple[Account | None, str | None]:
        """The person's account, and what an unlinked one was found by."""
        outbound, snapshot, target = look.outbound, look.snapshot, look.target
        link = snapshot.link
        keys = look.keys
        if not keys and link is None:
            raise Held(outbound.keyless(look.known, look.given), life)
        found: Found | None = None
        actual = None
        if link is not None:
            actual = look.read(link, keys[0] if keys else None)
        # Who had left when we last looked may have been deleted by somebody meanwhile.
        if link is None or snapshot.gone_at is not None or snapshot.state in LEFT:
            if actual is None:
                found = find(look.read, keys)
                actual = found.account if found is not None else None
            if actual is not None and (link is None or actual.anchor != link.anchor):
                self._refuse_others(snapshot, target, actual, life)
        elif actual is None and life.exists:
            raise Held(
                "the account was deleted in the directory; restore it there, or run "
                "`provision --recreate` to make a new one",
                life,
            )
        elif actual is not None and actual.anchor != link.anchor:
            raise Held("the account was deleted and another one now carries its key", life)
        may_disable = _may_disable(look.settings.targets[target], life)
        if actual is not None and actual.protected and not may_disable:
            raise Held(f"protected account ({actual.protected}): reported, not touched", life)
        return actual, found.by if found is not None else name_of(keys[0]) if keys else None

    def _refuse_others(
        self, snapshot: Snapshot, target: str, actual: Account, life: Lifecycle
    ) -> None:
        with self._database.read() as connection:
            owner = connection.execute(
                select(account_table.c.person).where(
                    account_table.c.target == target, account_table.c.anchor == actual.anchor
                )
            ).scalar()
        if owner not in (None, snapshot.person):
            raise Held("the matching account already belongs to another person", life)

    def _compare(
        self,
        look: Begun,
        life: Lifecycle,
        actual: Account | None,
        doomed: bool,
        is_outside: bool,
        found_by: str | None,
    ) -> View:
        snapshot, settings, target = look.snapshot, look.settings, look.target
        problems: list[str] = list(life.problems)
        outbound = look.outbound
        naming = self.naming(look, actual)
        context = context_of(naming, snapshot, settings, target, life, problems)
        given = with_chosen(naming, outbound, context, look.given, actual)
        evaluation = outbound.evaluate(context, given)
        until = evaluation.valid_until
        life = _until(life, until.timestamp() if until is not None else None)
        problems.extend(f"{p.rule}: {p.message}" for p in evaluation.problems)
        problems.extend(f"{a}: cut to fit" for a, w in evaluation.wishes.items() if w.cut)
        wanted = {
            attribute: Wanted(wish.value, wish.cleared, wish.hold, attribute in outbound.required)
            for attribute, wish in evaluation.wishes.items()
        }
        container = evaluation.container
        ruled = str(container.value) if container and container.value else None
        unsure: set[GrantKind] = set(evaluation.unsure)
        rules = {}
        if not life.left:
            rules = self.catalogue.found(target, evaluation.gifts, problems, unsure)
        grants_read = actual is not None and bool(rules or snapshot.grants)
        held = Given()
        if actual is not None and grants_read:
            held = Given(self.targets[target].grants(actual), frozenset(snapshot.grants))
        deleted = (doomed or "delete" in life.due) and snapshot.gone_at is None
        if actual is not None and life.stage == "deleted" and not deleted:
            problems.append("deleted once and brought back by somebody: kept, and disabled")
        has_sessions = target in obligations.with_sessions(settings)
        desired = Desired(
            exists=life.exists,
            enabled=life.enabled and _is_on(outbound, evaluation, actual),
            attributes=wanted,
            references={
                a: None if wish.value is None else str(wish.value)
                for a, wish in evaluation.references.items()
            },
            name=context.get("cn"),
            container=_container(settings.targets[target], life, ruled),
            grants=frozenset(rules),
            keeps=_keeps(life, unsure),
            end_sessions=snapshot.end_sessions or (snapshot.was_out and has_sessions),
            deleted=deleted,
            restore=self._in_bin(snapshot, target) if actual is None else None,
        )
        plan = diff(desired, actual, snapshot.applied, held)
        if actual is not None and actual.protected:
            problems.append(f"protected ({actual.protected}): disabled, otherwise untouched")
            plan = Plan(tuple(step for step in plan.steps if step.kind == "disable"))
        return View(
            snapshot=snapshot,
            life=life,
            actual=actual,
            desired=desired,
            plan=plan,
            waits_on=waits_on(snapshot, target),
            problems=tuple(problems),
            origins={a: wish.origin for a, wish in evaluation.wishes.items()},
            rules=rules,
            given=held,
            grants_read=grants_read,
            limits=settings.breakers,
            found_by=found_by,
            is_outside=is_outside,
            kept=evaluation.kept,
            hidden=frozenset(a for a, wish in evaluation.wishes.items() if wish.redacted),
        )

    def _in_bin(self, snapshot: Snapshot, target: str) -> str | None:
        """The account that this person had, if it can be brought back."""
        link = snapshot.link
        if link is None or not self.targets[target].in_bin(link):
            return None
        return link.anchor

    def contradiction(self, target: str, facts: Mapping[str, Any], account: Account) -> str | None:
        """A key of which the account carries another value than a person with these facts."""
        return contradiction(account, self._outbounds[target].matches(facts))


@dataclass(frozen=True)
class Begun:
    """What one look works with."""

    snapshot: Snapshot
    settings: Settings
    target: str
    outbound: Outbound
    given: Circumstances
    known: Mapping[str, Any]
    """Facts and the names that the person has already."""
    life: Lifecycle
    now: float
    keep_names: bool
    told: Told
    read: Read = lambda _link, _key: None

    def named(self, found: Mapping[str, str]) -> Begun:
        """The same with names that were reserved since: kind -> name."""
        snapshot = replace(self.snapshot, names={**self.snapshot.names, **found})
        known = known_of(snapshot, self.settings, self.target, self.life)
        return replace(self, snapshot=snapshot, known=known)

    @cached_property
    def keys(self) -> list[dict[str, str]]:
        """What the account is found by, best first."""
        return self.outbound.matches(self.known, self.given)


def _until(life: Lifecycle, instant: float | None) -> Lifecycle:
    """What is known of the person turns out differently at this business time too."""
    if instant is None:
        return life
    if life.valid_until is not None and life.valid_until <= instant:
        return life
    return replace(life, valid_until=instant)


def _nothing(snapshot: Snapshot, life: Lifecycle) -> View:
    """There is no account, and none is to be made."""
    nothing = Desired(exists=False, enabled=False)
    vanished = snapshot.link is not None and snapshot.gone_at is None
    return View(snapshot, life, None, nothing, Plan(()), None, (), vanished=vanished)


def _is_on(outbound: Outbound, evaluation: Evaluation, actual: Account | None) -> bool:
    """What the mapping says of the account being on. It can keep one off, and never turns a
    leaver's on; when its rule fails, the account stays as it is."""
    if outbound.enabled is None or evaluation.enabled is not None:
        return evaluation.enabled is not False
    if any(problem.rule == outbound.enabled.place for problem in evaluation.problems):
        return actual is not None and actual.enabled
    return True


def _may_disable(target: TargetSettings, life: Lifecycle) -> bool:
    """`privileged: disable` lets leavers be disabled, and nothing else (P18)."""
    return life.left and target.options.get("privileged") == "disable"


def _keeps(life: Lifecycle, unsure: Collection[str]) -> frozenset[str]:
    """Kinds of grants of which nothing is taken away now."""
    if not life.left:
        return frozenset(unsure)
    steps = {"group": "groups", "license": "licenses"}
    return frozenset(kind for kind, step in steps.items() if step not in life.due)


def _container(target: TargetSettings, life: Lifecycle, ruled: str | None) -> str | None:
    if life.left:
        return target.options.get("leavers_ou") if "move" in life.due else None
    if life.stage == "future":
        return None
    return ruled or target.options.get("people_ou")
