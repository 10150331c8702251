"""What a mapping is given for one person: facts, names, the calendar, and circumstances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from adapters.target import Account
from mappings.documents import Outbound
from mappings.language.running import Given
from provisioning.lifecycle import END_DATES, Lifecycle, zone_of
from provisioning.names import ACCOUNT_NAME, cn_kind
from provisioning.naming import Naming
from provisioning.snapshot import Snapshot, manager_fact
from settings import Settings
from store.clocks import iso


def circumstances(
    snapshot: Snapshot, settings: Settings, target: str, life: Lifecycle, now: float, seed: str
) -> Given:
    """What an evaluation is given beside the facts; `seed` is this installation's own."""
    zone = settings.people.timezone
    if snapshot.episodes:
        zone = zone_of(snapshot.episodes[life.episode], settings.people).key
    return Given(
        now=datetime.fromtimestamp(now, UTC),
        seed=f"{seed}{snapshot.person}",
        default_domain=settings.targets[target].domain,
        timezone=zone,
    )


def known_of(
    snapshot: Snapshot, settings: Settings, target: str, life: Lifecycle
) -> dict[str, Any]:
    """Facts, and what can be said of names before any is reserved."""
    known: dict[str, Any] = dict(snapshot.facts)
    name = snapshot.names.get(ACCOUNT_NAME)
    if name is not None:
        known["accountName"] = name
        known["userPrincipalName"] = f"{name}@{settings.targets[target].domain}"
    if cn_kind(target) in snapshot.names:
        known["cn"] = snapshot.names[cn_kind(target)]
    known["enabled"] = life.enabled
    if life.ends_at is not None:
        known["endsAt"] = iso(life.ends_at)
    return known


def context_of(
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


def with_chosen(
    naming: Naming,
    outbound: Outbound,
    context: Mapping[str, Any],
    given: Given,
    actual: Account | None,
) -> Given:
    """With the values that `SelectUniqueValue` has chosen for this person. An attribute that
    is written at creation only is left alone in an account that is there."""
    chosen = {}
    for attribute in outbound.chosen:
        if actual is None or not outbound.is_seed(attribute):
            candidates = outbound.candidates(attribute, context, given)
            if candidates:
                chosen[attribute] = naming.chosen(attribute, candidates)
    return replace(given, reserved=chosen) if chosen else given
