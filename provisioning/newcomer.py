"""A record, read before its transaction: what it says, and of a new one what the person is
by it alone. That holds where nobody else speaks of them, which only the transaction can
tell."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mappings.documents import Inbound
from mappings.results import Facts
from policy_settings import People
from provisioning import dated, people
from provisioning.dated import Push
from provisioning.lifecycle import lifecycle
from provisioning.merging import Record, merge


@dataclass(frozen=True)
class Reading:
    """What a record says, read by `inbound`."""

    inbound: Inbound
    derived: Facts


@dataclass(frozen=True)
class Newcomer(Reading):
    """Somebody new under `policy` at business time `now`."""

    policy: People
    now: float
    push: Push
    facts: str
    """What the record says, as it is stored."""
    row: Mapping[str, Any]
    """What is stored of the person."""
    works: bool


def read(
    inbound: Inbound,
    source: str,
    document: Mapping[str, Any],
    cleared: Collection[str],
    policy: People,
    now: float,
) -> Newcomer:
    """What the document says of somebody new."""
    derived = inbound.facts(document, cleared)
    push = dated.take(Record(source, {}), derived, policy, now)
    merged = merge([push.record], policy, now)
    works = lifecycle(merged.episodes, None, policy, now).enabled
    facts = people.facts_text(push.record.facts)
    return Newcomer(inbound, derived, policy, now, push, facts, people.row_of(merged), works)
