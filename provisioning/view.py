"""One look at a person and an account: what is stored, what the target holds, what should be.

:class:`Viewer` gathers a snapshot, reserves the names that are needed, evaluates the
mapping and hands the difference to the planner. It never writes to a target; a dry
run is a view that is not applied.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select

from adapters.target import Account, Ambiguous, Grant, GrantKind, Link, Target
from mappings.documents import Outbound
from mappings.results import Origin
from policy_settings import Breakers
from provisioning import obligations
from provisioning.giving import Catalogue
from provisioning.lifecycle import END_DATES, LEFT, Lifecycle, lifecycle
from provisioning.names import NoNameLeft
from provisioning.naming import Naming
from provisioning.plan import Desired, Given, Plan, Wanted, diff
from provisioning.snapshot import Snapshot, manager_fact, read_snapshot, waits_on
from settings import Settings, TargetSettings
from store.clocks import iso
from store.database import Database
from store.tables import account as account_table

Read = Callable[[Link | None, tuple[str, str] | None], Account | None]
"""`Target.read`, or what stands in for it where many were read at once."""


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
        self._settings = settings
        self.targets = targets
        self._outbounds = outbounds
        self.catalogue = Catalogue(targets)

    @property
    def settings(self) -> Settings:
        """Those in force now."""
        return self._settings()

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
        settings = settings or self._settings()
        with self._database.read() as connection:
            snapshot = read_snapshot(connection, person, target, settings.people, now)
        return self.view_of(
            snapshot, settings, target, now, self.targets[target].read, keep_names=keep_names
        )

    def view_of(
        self,
        snapshot: Snapshot,
        settings: Settings,
        target: str,
        now: float,
        read: Read,
        *,
        keep_names: bool,
    ) -> View:
        """The same with what was read of the person already; `read` answers for the account."""
        life = lifecycle(snapshot.episodes, snapshot.withdrawn_at, settings.people, now)
        if snapshot.changes_at is not None:
            until = min(life.valid_until or snapshot.changes_at, snapshot.changes_at)
            life = replace(life, valid_until=until)
        why = snapshot.problem or snapshot.parked
        if why:
            raise Held(why, life)
        try:
            actual = self._actual(snapshot, settings, target, life, read)
            if actual is None and not life.exists:
                nothing = Desired(exists=False, enabled=False)
                vanished = snapshot.link is not None and snapshot.gone_at is None
                return View(snapshot, life, None, nothing, Plan(()), None, (), vanished=vanished)
            return self._compare(snapshot, settings, target, life, actual, now, keep_names)
        except NoNameLeft as none:
            raise Held(f"no free {none.kind}: nothing to make a name from", life) from None
        except Ambiguous as several:
            raise Held(f"{several}; remove the key from all but one", life) from None

    def _actual(
        self,
        snapshot: Snapshot,
        settings: Settings,
        target: str,
        life: Lifecycle,
        read: Read,
    ) -> Account | None:
        outbound, link = self._outbounds[target], snapshot.link
        key = outbound.match(snapshot.facts)
        if key is None and link is None:
            raise Held(f"there is no value for {outbound.match_attribute} to match by", life)
        match = None if key is None else (outbound.match_attribute, key)
        actual = read(link, match)
        # Who had left when we last looked may have been deleted by somebody meanwhile.
        if link is None or snapshot.gone_at is not None or snapshot.state in LEFT:
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
        may_disable = _may_disable(settings.targets[target], life)
        if actual is not None and actual.protected and not may_disable:
            raise Held(f"protected account ({actual.protected}): reported, not touched", life)
        return actual

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
        snapshot: Snapshot,
        settings: Settings,
        target: str,
        life: Lifecycle,
        actual: Account | None,
        now: float,
        keep: bool,
    ) -> View:
        problems: list[str] = list(life.problems)
        outbound = self._outbounds[target]
        naming = Naming(
            self._database,
            settings,
            self.targets,
            self._outbounds,
            snapshot,
            target,
            actual,
            now,
            keep=keep,
        )
        context = _context(naming, snapshot, settings, target, life, problems)
        evaluation = outbound.evaluate(context)
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
        given = Given()
        if actual is not None and grants_read:
            given = Given(self.targets[target].grants(actual), frozenset(snapshot.grants))
        deleted = "delete" in life.due and snapshot.gone_at is None
        if actual is not None and life.stage == "deleted" and not deleted:
            problems.append("deleted once and brought back by somebody: kept, and disabled")
        has_sessions = target in obligations.with_sessions(settings)
        desired = Desired(
            exists=life.exists,
            enabled=life.enabled,
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
        plan = diff(desired, actual, snapshot.applied, given)
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
            given=given,
            grants_read=grants_read,
            limits=settings.breakers,
        )

    def _in_bin(self, snapshot: Snapshot, target: str) -> str | None:
        """The account that this person had, if it can be brought back."""
        link = snapshot.link
        if link is None or not self.targets[target].in_bin(link):
            return None
        return link.anchor

    def match_attribute(self, target: str) -> str:
        """The attribute by which accounts of a target are found."""
        return self._outbounds[target].match_attribute

    def match_key(self, target: str, facts: Mapping[str, Any]) -> str | None:
        """The value of it that a person with these facts has."""
        return self._outbounds[target].match(facts)


def _context(
    naming: Naming,
    snapshot: Snapshot,
    settings: Settings,
    target: str,
    life: Lifecycle,
    problems: list[str],
) -> dict[str, Any]:
    """Facts, the reserved names and what the calendar adds, for the mapping to use."""
    context: dict[str, Any] = dict(snapshot.facts)
    account_name = naming.account_name()
    context["accountName"] = account_name
    context["userPrincipalName"] = f"{account_name}@{settings.targets[target].domain}"
    if context.get("mail") and naming.mail() is None:
        del context["mail"]
        problems.append("mail: the address already belongs to somebody else; left out")
    cn = naming.cn(context)
    if cn is not None:
        context["cn"] = cn
    if life.ends_at is not None:
        context["endsAt"] = iso(life.ends_at)
    elif any(day in snapshot.facts for day in END_DATES):
        context["endsAt"] = None  # an end that no longer holds must not stay in the account
    context["enabled"] = life.enabled
    default_location = settings.targets[target].options.get("usage_location")
    if default_location:
        context["usageLocation"] = default_location
    context.update(manager_fact(snapshot))
    return context


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
