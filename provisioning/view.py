"""One look at a person and an account: what is stored, what the target holds, what should be.

:class:`Viewer` gathers a snapshot, reserves the names that are needed, evaluates the
mapping and hands the difference to the planner. It never writes to a target; a dry
run is a view that is not applied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from adapters.target import Account, Ambiguous, Target
from breaker_settings import Breakers
from mappings.documents import Outbound
from mappings.results import Origin
from provisioning.lifecycle import END_DATES, Lifecycle, lifecycle
from provisioning.names import NoNameLeft
from provisioning.naming import Naming
from provisioning.plan import Desired, Plan, Wanted, diff
from provisioning.snapshot import Snapshot, manager_fact, read_snapshot, waits_on
from settings import Settings, TargetSettings
from store.clocks import iso
from store.database import Database
from store.tables import account as account_table


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
    limits: Breakers = field(default_factory=Breakers)
    """In force when this was looked at; `provisioning/breakers.py` applies them."""


class Viewer:
    """Looks at pairs. Keeps no state between looks."""

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
        self._targets = targets
        self._outbounds = outbounds

    @property
    def settings(self) -> Settings:
        """Those in force now."""
        return self._settings()

    def view(self, person: str, target: str, now: float, *, keep_names: bool = True) -> View:
        """The account as it is and should be at business time `now`.

        `keep_names=False` reserves nothing (dry run). Raises Held, Unknown, TargetDown and
        TargetRefused.
        """
        with self._database.read() as connection:
            snapshot = read_snapshot(connection, person, target)
        settings = self._settings()
        policy = settings.people
        life = lifecycle(
            snapshot.facts, snapshot.asserted, policy.pre_hire_days, policy.timezone, now
        )
        if snapshot.problem:
            raise Held(snapshot.problem, life)
        try:
            actual = self._actual(snapshot, settings, target, life)
            if actual is None and not life.exists:
                nothing = Desired(exists=False, enabled=False)
                return View(snapshot, life, None, nothing, Plan(()), None, ())
            return self._compare(snapshot, settings, target, life, actual, keep_names)
        except NoNameLeft as none:
            raise Held(f"no free {none.kind}: nothing to make a name from", life) from None
        except Ambiguous as several:
            raise Held(f"{several}; remove the key from all but one", life) from None

    def _actual(
        self, snapshot: Snapshot, settings: Settings, target: str, life: Lifecycle
    ) -> Account | None:
        outbound = self._outbounds[target]
        key = outbound.match(snapshot.facts)
        if key is None and snapshot.link is None:
            raise Held(f"there is no value for {outbound.match_attribute} to match by", life)
        match = None if key is None else (outbound.match_attribute, key)
        actual = self._targets[target].read(snapshot.link, match)
        if snapshot.link is not None:
            if actual is None and life.exists:
                raise Held(
                    "the account was deleted in the directory; restore it there, or run "
                    "`provision --recreate` to make a new one",
                    life,
                )
            if actual is not None and actual.anchor != snapshot.link.anchor:
                raise Held("the account was deleted and another one now carries its key", life)
        elif actual is not None:
            with self._database.read() as connection:
                owner = connection.execute(
                    select(account_table.c.person).where(
                        account_table.c.target == target, account_table.c.anchor == actual.anchor
                    )
                ).scalar()
            if owner not in (None, snapshot.person):
                raise Held("the matching account already belongs to another person", life)
        may_disable = _may_disable(settings.targets[target], life)
        if actual is not None and actual.protected and not may_disable:
            raise Held(f"protected account ({actual.protected}): reported, not touched", life)
        return actual

    def _compare(
        self,
        snapshot: Snapshot,
        settings: Settings,
        target: str,
        life: Lifecycle,
        actual: Account | None,
        keep: bool,
    ) -> View:
        problems: list[str] = []
        outbound = self._outbounds[target]
        context = self._context(snapshot, settings, target, life, actual, keep, problems)
        evaluation = outbound.evaluate(context)
        problems.extend(f"{p.rule}: {p.message}" for p in evaluation.problems)
        problems.extend(f"{a}: cut to fit" for a, w in evaluation.wishes.items() if w.cut)
        wanted = {
            attribute: Wanted(wish.value, wish.cleared, wish.hold, attribute in outbound.required)
            for attribute, wish in evaluation.wishes.items()
        }
        container = evaluation.container
        ruled = str(container.value) if container and container.value else None
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
            end_sessions=snapshot.end_sessions,
        )
        plan = diff(desired, actual)
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
            limits=settings.breakers,
        )

    def _context(
        self,
        snapshot: Snapshot,
        settings: Settings,
        target: str,
        life: Lifecycle,
        actual: Account | None,
        keep: bool,
        problems: list[str],
    ) -> dict[str, Any]:
        """Facts, the reserved names and what the calendar adds, for the mapping to use."""
        context: dict[str, Any] = dict(snapshot.facts)
        naming = Naming(
            self._database,
            settings,
            self._targets,
            self._outbounds,
            snapshot,
            target,
            actual,
            keep=keep,
        )
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
    return life.stage == "leaver" and target.options.get("privileged") == "disable"


def _container(target: TargetSettings, life: Lifecycle, ruled: str | None) -> str | None:
    if life.stage == "leaver":
        return target.options.get("leavers_ou")
    if life.stage == "ahead":
        return None
    return ruled or target.options.get("people_ou")
