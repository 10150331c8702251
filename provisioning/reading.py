"""A record as it is read, before its transaction where that can be: what it says, and what the
person is by it alone.

What was read before holds as long as it would be read the same way of what is stored; that
nobody else speaks of the person is for the transaction to see.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from mappings.documents import Inbound
from mappings.results import Facts
from policy_settings import People
from provisioning import dated, people
from provisioning.dated import Push
from provisioning.lifecycle import SAID_AT
from provisioning.merging import Record, merge
from provisioning.people import Key
from store.clocks import iso, parse_instant

_FAR = 366 * 86400.0
"""Seconds by which no clock of an HR system is wrong."""


class Terms(NamedTuple):
    """On what terms the records of a source are read."""

    source: str
    inbound: Inbound
    policy: People
    shared: Collection[str]
    """Kinds of keys that are the same in other sources."""


@dataclass(frozen=True)
class Reading:
    """What a push at business time `now` makes of a record."""

    terms: Terms
    now: float
    facts_before: str | None
    ahead_before: str | None
    """The record until now, as it is stored; none of a new one."""
    stored: Record
    """The same, read."""
    derived: Facts
    push: Push
    keys: list[Key]
    is_first: bool
    """Nothing was said until now."""
    is_stale: bool
    """Older than what we have (P10): it says nothing."""
    facts: str
    ahead: str | None
    """The record from now on, as it is stored."""
    changed: list[str]
    """The names of the facts that are others now."""

    def holds(self, terms: Terms, facts: str | None, ahead: str | None) -> bool:
        """Whether it would be read like this on these terms, of what is stored."""
        return (self.facts_before, self.ahead_before, self.terms) == (facts, ahead, terms)

    @property
    def is_the_same(self) -> bool:
        """Whether it says what is stored, for every day."""
        same_ahead = self.ahead == people.ahead_text(self.stored.ahead)
        return self.facts == self.facts_before and same_ahead

    @property
    def has_news(self) -> bool:
        """Whether anything is said of the person that was not said before."""
        return not dated.ABOUT_THE_PUSH.issuperset(self.changed)

    @cached_property
    def alone(self) -> Mapping[str, Any]:
        """What is stored of the person, where this record alone speaks and has spoken."""
        said = self.push.record
        merged = merge([said], self.terms.policy, self.now, self.stored.facts)
        text = self.facts if merged.facts == said.facts else None
        return people.row_of(merged, text)

    def told(self) -> dict[str, Any]:
        """What the journal is told; nothing personal."""
        told: dict[str, Any] = {
            "changed": self.changed,
            "problems": [f"{p.rule}: {p.message}" for p in self.derived.problems],
        }
        if ahead := self.push.record.ahead:
            told["ahead"] = [[iso(one.at), sorted(one.facts.keys() - {SAID_AT})] for one in ahead]
        return told


def read(
    terms: Terms,
    derived: Facts,
    external_id: str | None,
    facts: str | None,
    ahead: str | None,
    now: float,
    spoken: Callable[[], Mapping[str, Any]] | None = None,
) -> Reading:
    """What `derived` makes of the record that is stored with these `facts` and what is `ahead`:
    with neither if it is new. `spoken` as in `dated.take`."""
    stored = people.record(terms.source, facts, ahead)
    known = stored.on(now)
    derived = _numbered(derived, known)
    push = dated.take(stored, derived, terms.policy, now, spoken)
    said = push.record
    return Reading(
        terms=terms,
        now=now,
        facts_before=facts,
        ahead_before=ahead,
        stored=stored,
        derived=derived,
        push=push,
        keys=people.keys_of(terms.source, external_id, push.newest, terms.shared),
        is_first=not known,
        is_stale=_is_stale(derived.values, stored.facts, now),
        facts=people.facts_text(said.facts),
        ahead=people.ahead_text(said.ahead),
        changed=sorted(name for name, value in said.facts.items() if known.get(name) != value),
    )


def _numbered(derived: Facts, known: Mapping[str, Any]) -> Facts:
    """A GUID that stands where others have the number does not take the place of a number that
    is known: like a key that is not said (state.md 6)."""
    values = derived.values
    others = [
        name
        for name in ("workerId", "employeeNumber")
        if values.get(name) and known.get(name) and values[name] != known[name]
    ]
    if not others:
        return derived
    guids = {people.fold(values.get(name)) for name in ("sourceGuid", "universalId")}
    kept = {name: known[name] for name in others if people.fold(values[name]) in guids}
    return replace(derived, values=values | kept)


def _is_stale(facts: Mapping[str, Any], known: Mapping[str, Any], now: float) -> bool:
    """Without a stamp on both sides the last one wins; a known one of some far day is a
    mistake, and would make everything stale that HR ever says again."""
    stamp, earlier = facts.get("sourceModifiedAt"), known.get("sourceModifiedAt")
    if not isinstance(stamp, str) or not isinstance(earlier, str):
        return False
    try:
        latest = parse_instant(earlier)
        return latest < now + _FAR and parse_instant(stamp) < latest
    except ValueError:
        return False
