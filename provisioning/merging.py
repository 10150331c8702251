"""What the records of one person say together, on a given day: pure.

A record holds the facts that its source says now and those that are dated ahead. Sources
have an order, which authority may change for single facts, for ever or until a date. So
what all of them say together may turn out differently as time passes.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from policy_settings import LIFECYCLE, People
from provisioning.lifecycle import (
    BLOCK,
    END_DATES,
    ORIGIN,
    OUT,
    PLACE,
    SAID_AT,
    UNREAD,
    Episode,
    Lifecycle,
    lifecycle,
    midnight_of,
    said_at,
    zone_of,
)

_OF_BLOCK = frozenset({*BLOCK, SAID_AT, UNREAD, OUT})
_DECIDING = frozenset({*BLOCK, UNREAD})
"""Facts by one of which a record speaks of an employment."""
_OF_EPISODE = (*BLOCK, *PLACE, ORIGIN, UNREAD, OUT)

Facts = Mapping[str, Any]
"""A value: said. None: said to be nothing. Missing: never said."""


@dataclass(frozen=True)
class Ahead:
    """What a record will say differently from the business instant `at` on."""

    at: float
    facts: Facts


@dataclass(frozen=True)
class Record:
    """One live HR record of a person."""

    source: str
    facts: Facts
    ahead: tuple[Ahead, ...] = ()
    """By instant."""

    def on(self, now: float) -> dict[str, Any]:
        """What it says at business time `now`."""
        said = dict(self.facts)
        for change in self.ahead:
            if change.at <= now:
                said |= change.facts
        return said


@dataclass(frozen=True)
class Merged:
    """The person as all records together describe them."""

    facts: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    """Fact -> source."""
    episodes: tuple[Episode, ...] = ()
    changes_at: float | None = None
    """The earliest business instant at which this may turn out differently."""


def merge(
    records: Sequence[Record], policy: People, now: float, before: Facts | None = None
) -> Merged:
    """Facts, origins and episodes at business time `now`; `before` are the facts so far.

    A value beats an explicit nothing, which beats silence. Facts of the life cycle are
    taken whole from the record that decides it. An end date that was once known must not
    outlive its record: not in who returns, nor when another source now says who works
    here. It becomes nothing, even if nobody has looked at it since.
    """
    until = [change.at for record in records for change in record.ahead if change.at > now]
    said = _ordered([(r.source, r.on(now)) for r in records], policy, now)
    deciding = [
        one for one in said if not _DECIDING.isdisjoint(one[1]) and _may_decide(one[0], policy)
    ]
    episodes = tuple(_episode(*one) for one in deciding)
    chosen = 0
    if len(records) > 1:
        life = lifecycle(episodes, None, policy, now)
        chosen = life.episode
        if life.valid_until is not None:
            until.append(life.valid_until)  # then another record may decide
    facts: dict[str, Any] = {}
    origins: dict[str, str] = {}
    if deciding:
        source, own = deciding[chosen]
        facts = {name: own[name] for name in own if name in _OF_BLOCK}
        origins = dict.fromkeys(facts, source)
    names = dict.fromkeys(chain.from_iterable(own for _, own in said))
    if len(said) == 1 and not policy.authority:  # as most people's: nothing is to be weighed
        source, own = said[0]
        facts |= {name: value for name, value in own.items() if name not in _OF_BLOCK}
        origins, names = dict.fromkeys(facts, source), {}
    for name in names:
        if name in _OF_BLOCK:
            continue
        ranked = said
        if name in policy.authority:
            zone = zone_of(episodes[chosen] if episodes else Episode("", {}), policy)
            ranked = _by_authority(name, said, policy, facts, zone, now, until)
        for source, own in ranked:
            if name in own and (name not in facts or (facts[name] is None is not own[name])):
                facts[name], origins[name] = own[name], source
    for name in END_DATES:
        if before and name in before:
            facts.setdefault(name, None)
    return Merged(facts, origins, episodes, min(until, default=None))


def course(
    records: Sequence[Record],
    episodes: Sequence[Episode],
    withdrawn_at: float | None,
    policy: People,
) -> Callable[[float], Lifecycle]:
    """A person's life as a function of the business instant, by what is known now.

    `episodes` count where no records are given, because they say the same on any day.
    """

    def life_at(instant: float) -> Lifecycle:
        if not records or withdrawn_at is not None:
            return lifecycle(episodes, withdrawn_at, policy, instant)
        merged = merge(records, policy, instant)
        life = lifecycle(merged.episodes, None, policy, instant)
        until = [at for at in (life.valid_until, merged.changes_at) if at is not None]
        return replace(life, valid_until=min(until, default=None))

    return life_at


_MOST_TURNS = 50
"""Turns of one life that are followed; a life has fewer."""


def turns(
    life_at: Callable[[float], Lifecycle], since: float, until: float
) -> Iterator[tuple[float, Lifecycle]]:
    """Every instant after `since`, up to `until`, at which a life may turn out differently."""
    at: float | None = life_at(since).valid_until
    for _ in range(_MOST_TURNS):
        if at is None or at > until:
            return
        life = life_at(at)
        yield at, life
        at = life.valid_until


def was_out(life_at: Callable[[float], Lifecycle], since: float | None, now: float) -> bool:
    """Whether somebody who worked at business time `since` did not at some instant up to
    `now`: what was signed in then must not live on (state.md 5)."""
    if since is None or since >= now or not life_at(since).enabled:
        return False
    return any(not life.enabled for _, life in turns(life_at, since, now))


def authority_problem(policy: People, facts: Collection[str]) -> tuple[str, str, str] | None:
    """What is wrong with `people.authority`, given the facts that inbound mappings know:
    (fact, problem, remedy) of the first mistake."""
    for fact, words in policy.authority.items():
        if fact == LIFECYCLE:
            if any(word.until is not None for word in words):
                return fact, "has an end", f"{LIFECYCLE} takes source names only."
            continue
        if fact in BLOCK:
            return fact, f"is a part of {LIFECYCLE}", f"Give the sources under {LIFECYCLE}."
        if fact not in facts:
            near = difflib.get_close_matches(fact, facts, 1)
            said = f"Did you mean {near[0]}?" if near else "See docs/mappings.md."
            return fact, "is no fact that a mapping knows", said
        for word in words:
            known = word.until is None or word.until in facts or midnight_of(word.until, UTC)
            if not known:
                return fact, f"has the end {word.until}", "Give a day, YYYY-MM-DD, or a date fact."
    return None


UTC = ZoneInfo("UTC")


def _ordered(
    said: Sequence[tuple[str, Facts]], policy: People, now: float
) -> list[tuple[str, Facts]]:
    """The strongest source first; of one source the record that decides, then the others by
    their first day, the latest first."""
    if len(said) == 1:
        return list(said)
    rank = {source: place for place, source in enumerate(policy.sources)}
    kept: list[tuple[str, Facts]] = []
    sources = dict.fromkeys(source for source, _ in said)
    for source in sorted(sources, key=lambda name: rank.get(name, len(rank))):
        own = [one for one in said if one[0] == source]
        own.sort(key=lambda one: str(one[1].get("hireDate") or ""), reverse=True)
        life = lifecycle([_episode(*one) for one in own], None, policy, now)
        kept += [own[life.episode], *own[: life.episode], *own[life.episode + 1 :]]
    return kept


def _may_decide(source: str, policy: People) -> bool:
    words = policy.authority.get(LIFECYCLE)
    return words is None or any(word.source == source for word in words)


def _episode(source: str, facts: Facts) -> Episode:
    told = {name: facts[name] for name in _OF_EPISODE if facts.get(name) is not None}
    return Episode(source, told, said_at(facts))


def _by_authority(
    name: str,
    said: Sequence[tuple[str, Facts]],
    policy: People,
    block: Facts,
    zone: Any,
    now: float,
    until: list[float],
) -> list[tuple[str, Facts]]:
    """`said`, those first that have the first say in the fact `name`; ends go into `until`."""
    first: list[str] = []
    for word in policy.authority.get(name, ()):
        if word.until is not None:
            end = midnight_of(block.get(word.until, word.until), zone)
            if end is None or end <= now:
                continue
            until.append(end)
        first.append(word.source)
    if not first:
        return list(said)
    rank = {source: place for place, source in enumerate(dict.fromkeys(first))}
    return sorted(said, key=lambda one: rank.get(one[0], len(rank)))
