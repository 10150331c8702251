"""From what a push says to what its record says from then on, and from a later day on: pure.

A push that names an `effectiveDate` still to come holds from that day: what differs waits
as a dated change of the record. Said again for the same day it is corrected; said to be as
it is now it is rescinded. What cannot wait does not: a dismissal, and the end dates of the
present employment, which are dated themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mappings.results import Facts
from mappings.vocabulary import LAST_DAYS, NEVER_NULL
from policy_settings import People
from provisioning.lifecycle import (
    BLOCK,
    OUT,
    SAID_AT,
    UNREAD,
    Episode,
    is_dismissal,
    is_out,
    midnight_of,
    said_at,
    zone_of,
)
from provisioning.merging import Ahead, Record
from store.clocks import iso

EFFECTIVE = "effectiveDate"
_AT_ONCE = frozenset({"sourceModifiedAt", EFFECTIVE})
_ADDED = frozenset({SAID_AT, UNREAD, OUT})
ABOUT_THE_PUSH = _AT_ONCE | _ADDED
"""Facts about a push, not about the person."""


@dataclass(frozen=True)
class Push:
    """What a push makes of its record."""

    record: Record
    newest: Mapping[str, Any]
    """Everything it says, for whatever day."""


def take(
    stored: Record,
    derived: Facts,
    policy: People,
    now: float,
    spoken: Callable[[], Mapping[str, Any]] | None = None,
) -> Push:
    """What the record says after a push at business time `now`. `stored` is what it said
    before, without facts for a new one. `spoken` gives the facts that the push says by itself,
    where it leaves the rest of the document as it was; without it the push says everything.

    A fact that is not said goes on as it did, now and on every day that is ahead. So does
    `effectiveDate`: it is about the push that said it, and about no other.
    """
    known = stored.on(now)
    ahead = tuple(change for change in stored.ahead if change.at > now)
    effective = _effective(stored.source, known, derived, ahead, policy, now)
    stored = Record(stored.source, known, ahead)
    if spoken is None or not known or not (ahead or effective is not None):
        return _said(stored, derived, policy, now, effective, None)
    named = frozenset(n for n, value in spoken().items() if derived.values.get(n) == value)
    news = _off_course(stored, derived)
    if EFFECTIVE in named | news:
        return _said(stored, derived, policy, now, effective, named | news)
    # What the push itself does not say the document says of the day that still stands in it.
    waiting = frozenset(
        name
        for name in news - named
        if effective is not None
        and (name not in known or any(name in change.facts for change in ahead))
    )
    push = _said(stored, derived, policy, now, None, (named | news) - waiting)
    if waiting:
        push = _said(push.record, derived, policy, now, effective, waiting)
    return push


def _said(
    stored: Record,
    derived: Facts,
    policy: People,
    now: float,
    effective: float | None,
    names: frozenset[str] | None,
) -> Push:
    """What a record that says this today says when these facts, or all, are said from the
    instant `effective` on; None: at once."""
    known, ahead = stored.facts, stored.ahead
    if effective is None:
        facts = _whole(_only(names, derived, known), known, iso(now))
        if _stays_out(stored.source, known, facts, policy):
            facts[OUT] = True
        return Push(Record(stored.source, facts, ahead), facts)
    others = [change for change in ahead if change.at != effective]
    base = Record(stored.source, known, tuple(others)).on(effective)
    newest = _whole(_only(names, derived, stored.on(effective)), base, iso(effective))
    if _stays_out(stored.source, base, newest, policy):
        newest[OUT] = True
    facts = {name: value for name, value in known.items() if name != UNREAD}
    facts |= {name: newest[name] for name in (*_AT_ONCE, UNREAD) if name in newest}
    at_once = _ends(newest, known)
    if names is not None:
        at_once = {name: day for name, day in at_once.items() if name in names}
    if at_once:
        facts |= at_once
        facts[SAID_AT] = _said_at(facts, known, iso(now))
        if _stays_out(stored.source, known, facts, policy):
            facts[OUT] = True
    changes = {
        name: value
        for name, value in newest.items()
        if name not in ABOUT_THE_PUSH and name not in LAST_DAYS and base.get(name) != value
    }
    changes |= {name: newest[name] for name in LAST_DAYS if facts.get(name) != newest.get(name)}
    if base.get(OUT) and not newest.get(OUT):
        changes[OUT] = None
    if any(name in changes for name in BLOCK):
        changes[SAID_AT] = newest[SAID_AT]
    dated = [*others, Ahead(effective, changes)] if changes else others
    dated.sort(key=lambda change: change.at)
    return Push(Record(stored.source, facts, tuple(dated)), newest)


def _off_course(stored: Record, derived: Facts) -> frozenset[str]:
    """The facts that are said to be what they are neither today nor on a day that is ahead."""
    unread = _unread(derived)
    known = stored.facts
    silent = [name for name in known if name not in NEVER_NULL and name not in unread]

    def is_off(name: str) -> bool:
        value = derived.values.get(name)
        course = [known, *(one.facts for one in stored.ahead if name in one.facts)]
        return all(said.get(name) != value for said in course)

    return frozenset(n for n in {*derived.values, *silent} - _ADDED if is_off(n))


def _only(names: frozenset[str] | None, derived: Facts, base: Mapping[str, Any]) -> Facts:
    """What is derived of these facts, and of the others what they are in `base`."""
    if names is None:
        return derived
    values = {
        name: value
        for name, value in base.items()
        if name not in names and name not in _ADDED and _asks(derived, name)
    }
    values |= {name: value for name, value in derived.values.items() if name in names}
    return replace(derived, values=values)


def _asks(derived: Facts, name: str) -> bool:
    return derived.asked is None or name in derived.asked


def _unread(derived: Facts) -> set[str]:
    """The facts of which something was said that could not be read."""
    return {problem.rule.rpartition(" ")[2] for problem in derived.problems}


def _ends(newest: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of the end of the employment that is known, also by who begins another."""
    said = {name: newest[name] for name in LAST_DAYS if name in newest}
    begun, again = known.get("hireDate"), newest.get("hireDate")
    if begun == again:
        return said
    if again is None:
        return {}
    return {name: day for name, day in said.items() if day and (begun or "") <= day < again}


def _effective(
    source: str,
    known: Mapping[str, Any],
    derived: Facts,
    ahead: Sequence[Ahead],
    policy: People,
    now: float,
) -> float | None:
    """The instant from which a push holds; None: at once."""
    said = derived.values
    if not known or said.get(EFFECTIVE) is None:
        return None
    zone = zone_of(Episode(source, {**known, **said}), policy)
    day = midnight_of(said.get(EFFECTIVE), zone)
    if day is None or day <= now:
        return None
    begins = midnight_of(known.get("hireDate"), zone)
    if begins is not None and begins > now:
        return None  # who has not begun yet: this is how they will begin
    if is_dismissal(_whole(derived, known, iso(now)), source, policy, now):
        return None
    repeated = known.get(EFFECTIVE) == said.get(EFFECTIVE)
    active = known.get("active")
    for change in ahead:
        active = change.facts.get("active", active)
    if repeated and active is not False and said.get("active") is False:
        return None  # the date stands there from before; that somebody is out is new
    return day


def _whole(derived: Facts, known: Mapping[str, Any], now: str) -> dict[str, Any]:
    """What was there before and is not in the document was taken away; but a key, or a
    value that could not be read, never is. A fact that the mapping does not ask for any
    more is not said any more."""
    facts: dict[str, Any] = dict(derived.values)
    unread = _unread(derived)
    for name, value in known.items():
        if name not in _ADDED and _asks(derived, name):
            kept = name in NEVER_NULL or name in unread
            facts.setdefault(name, value if kept else None)
    facts[SAID_AT] = _said_at(facts, known, now)
    if lost := [name for name in BLOCK if name in unread]:
        facts[UNREAD] = lost
    return facts


def _stays_out(
    source: str, known: Mapping[str, Any], facts: Mapping[str, Any], policy: People
) -> bool:
    """Whoever is out by HR's word is not let in again by a last day that is told later: only by
    word that they are active, or by another first day."""
    if facts.get("active") is not False or facts.get("hireDate") != known.get("hireDate"):
        return False
    if known.get("active") is not False:
        return False
    return bool(known.get(OUT)) or is_out(Episode(source, known, said_at(known)), policy)


def _said_at(facts: Mapping[str, Any], known: Mapping[str, Any], now: str) -> str:
    earlier = known.get(SAID_AT)
    same = all(facts.get(name) == known.get(name) for name in BLOCK)
    return earlier if same and isinstance(earlier, str) else now
