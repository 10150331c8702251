"""Where a person stands on a given day: pure, and knows when to look again (P5, P6, P7, P8).

A person's life is read from *episodes*: what each HR record says of one employment. Dates
are whole days in the worker's time zone: enabled from hireDate 00:00, disabled after the
last day 24:00. An end before hireDate is history. What HR says about `active` is read
together with the dates that were ahead when HR said it. Where several episodes speak of
one person, whoever works by any of them works; but of one employment that two sources
know, the stronger source decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import MINYEAR, UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policy_settings import People
from store.clocks import parse_instant

BLOCK = (
    "active",
    "status",
    "hireDate",
    "contractEndDate",
    "terminationDate",
    "lastDayOfWork",
    "involuntary",
    "onLeave",
    "hireRescinded",
)
"""Facts that only make sense together: an episode is what one record says of them."""

PLACE = ("timezone", "locationCode", "location")
"""Facts of a record that tell in which time zone its days are meant, the best first."""
ORIGIN = "originalHireDate"
"""Fact that tells whether there was an employment before the one that `hireDate` begins."""

END_DATES = ("terminationDate", "contractEndDate")
_MARKED = ("terminationDate", "lastDayOfWork")
"""Facts that tell of which employment `involuntary` is said."""
SAID_AT = "lifecycleSaidAt"
"""Fact added by intake: the business instant at which the block last changed."""
UNREAD = "lifecycleUnread"
"""Fact added by intake: the names of facts of the block that were said and could not be read."""

OUT = "lifecycleOut"
"""Fact added by intake: true since HR said, without any date, that somebody is not active, and
as long as it says so of that employment."""

Stage = Literal["future", "prehire", "active", "leave", "leaving", "disabled", "grace", "deleted"]
"""future: no account yet. leaving: works, the end is known. disabled: left, nothing further
is to come. grace: left, and licences or the account itself will be taken later. deleted:
left so long ago that there is no account any more."""

LEFT: frozenset[Stage] = frozenset({"disabled", "grace", "deleted"})


@dataclass(frozen=True)
class Episode:
    """What one record of `source` says of one employment: facts of BLOCK and PLACE, ORIGIN,
    UNREAD and OUT."""

    source: str
    facts: Mapping[str, Any]
    said_at: float | None = None
    """The business instant at which the block last changed; None: unknown."""


@dataclass(frozen=True)
class Lifecycle:
    """What the dates and flags amount to at one instant."""

    stage: Stage
    exists: bool
    """An account is made when there is none."""
    enabled: bool
    reason: str
    """For people to read; holds no personal value beyond dates."""
    ends_at: float | None
    """Business instant after which the account is to be unusable, if one is known."""
    valid_until: float | None
    """The earliest instant at which this would turn out differently, or None."""
    left_at: float | None = None
    """The business instant from which the offsets of a leaver's steps count."""
    due: frozenset[str] = frozenset()
    """A leaver's steps whose time has come: groups, move, licenses, delete."""
    urgent: bool = False
    """Left by the source's word, not by a date that was known before."""
    episode: int = 0
    """Which of the episodes decides."""
    problems: tuple[str, ...] = ()
    unsure: str | None = None
    """Why it cannot be told whether the person works."""

    @property
    def left(self) -> bool:
        """Whether this is a leaver."""
        return self.stage in LEFT


@dataclass(frozen=True)
class _Turn:
    """One episode at one instant."""

    stage: Stage
    enabled: bool
    reason: str
    starts: float | None
    ends: float | None
    left_at: float | None = None
    by_word: bool = False
    dismissed: bool = False
    unsure: str | None = None
    boundaries: tuple[float, ...] = ()


def lifecycle(
    episodes: Sequence[Episode], withdrawn_at: float | None, policy: People, now: float
) -> Lifecycle:
    """Stage of a person at business time `now` (epoch seconds).

    episodes      from the strongest source down; none: nothing is said of any employment
    withdrawn_at  since when no source asserts this person; None: one does
    """
    problems: list[str] = []
    turns = [_turn(one, policy, now, problems) for one in episodes] or [
        _Turn("active", True, "employed", None, None)
    ]
    kept = _undismissed(turns, _employments(episodes, turns, now) or range(len(turns)))
    chosen = _chosen(turns, kept, now)
    turn = turns[chosen]
    if withdrawn_at is not None:
        why = "no source asserts this person any more"
        turn = _Turn("disabled", False, why, turn.starts, turn.ends, withdrawn_at, True)
    boundaries = [b for one in turns for b in one.boundaries] if withdrawn_at is None else []
    stage, due = turn.stage, frozenset[str]()
    if stage == "disabled":
        stage, due, ahead = _after(turn.left_at, policy, now)
        boundaries += ahead
    return Lifecycle(
        stage=stage,
        exists=stage in ("prehire", "active", "leave", "leaving"),
        enabled=turn.enabled,
        reason=turn.reason,
        ends_at=turn.ends
        if withdrawn_at is not None
        else _end_of_all([turns[n] for n in kept], turn),
        valid_until=min(boundaries, default=None),
        left_at=turn.left_at,
        due=due,
        urgent=turn.by_word,
        episode=chosen,
        problems=tuple(dict.fromkeys(problems)),
        unsure=turn.unsure,
    )


def _employments(episodes: Sequence[Episode], turns: Sequence[_Turn], now: float) -> list[int]:
    """The episodes that speak for themselves. What a weaker source says of an employment
    that a stronger one knows, and that has begun, is not asked for; it is another one when
    it began later."""
    kept: list[int] = []
    for number, turn in enumerate(turns if episodes else ()):
        own, starts = episodes[number].source, turn.starts
        known = [turns[other].starts for other in kept if episodes[other].source != own]
        same = any(
            (start is None or start <= now) and (starts is None or start is None or starts <= start)
            for start in known
        )
        if not same or turn.dismissed:
            kept.append(number)
    return kept


def _undismissed(turns: Sequence[_Turn], kept: Sequence[int]) -> list[int]:
    """The dismissals among them, and what they do not end: an employment that begins after the
    last day of somebody dismissed is another one, as it is in one record."""
    dismissals = [turns[number] for number in kept if turns[number].dismissed]

    def begins_after(turn: _Turn, dismissal: _Turn) -> bool:
        if turn.starts is None or dismissal.ends is None:
            return False  # it cannot be told: the dismissal counts
        return turn.starts >= dismissal.ends

    return [
        number
        for number in kept
        if turns[number].dismissed or all(begins_after(turns[number], one) for one in dismissals)
    ]


def _chosen(turns: Sequence[_Turn], kept: Sequence[int], now: float) -> int:
    """The episode that decides: a dismissal, then one that works, that is to begin, and of
    what is over the latest. Among equals the first. A dismissal whose last day has passed is
    over when there is an employment after it."""
    returns = not all(turns[number].dismissed for number in kept)

    def weight(number: int) -> tuple[int, float, int]:
        turn = turns[number]
        is_over = returns and turn.ends is not None and turn.ends <= now
        if turn.dismissed and not is_over:
            return 0, 0.0, number
        if turn.enabled or turn.stage == "leave":
            return 1, 0.0 if turn.enabled else 1.0, number
        if turn.stage in ("prehire", "future"):
            return 2, turn.starts or 0.0, number
        return 3, -(turn.left_at or 0.0), number

    return min(kept, key=weight)


def _end_of_all(turns: Sequence[_Turn], turn: _Turn) -> float | None:
    """The end of `turn`, or of what goes on without a gap after it."""
    end = turn.ends
    if turn.left_at is not None:
        return end
    others = [one for one in turns if one.left_at is None]
    while end is not None:
        later = [
            one.ends
            for one in others
            if (one.starts is None or one.starts <= end) and (one.ends is None or one.ends > end)
        ]
        if not later:
            return end
        end = None if None in later else max(e for e in later if e is not None)
    return None


def _after(
    left_at: float | None, policy: People, now: float
) -> tuple[Stage, frozenset[str], list[float]]:
    """What of a leaver is due by now, and the instants of what is ahead."""
    since = now if left_at is None else left_at
    offsets = policy.leavers.offsets()
    due = frozenset(step for step, offset in offsets.items() if since + offset <= now)
    ahead = [since + offset for step, offset in offsets.items() if step not in due]
    if "delete" in due:
        return "deleted", due, []
    later = {"licenses", "delete"} & offsets.keys() - due
    return ("grace" if later else "disabled"), due, ahead


def _turn(episode: Episode, policy: People, now: float, problems: list[str]) -> _Turn:
    facts = episode.facts
    zone = zone_of(episode, policy, problems)
    unread = facts.get(UNREAD) or ()
    problems.extend(f"{name} cannot be read; what was known before counts" for name in unread)
    hired = _day(facts.get("hireDate"))
    starts = _midnight(hired, zone) if hired else None
    ends = _end(facts, hired, zone)
    said_at = now if episode.said_at is None else episode.said_at
    boundaries: list[float] = []

    def ahead(instant: float | None, at: float = now) -> bool:
        """Is `instant` still to come? Remembered, so that we look again when it comes."""
        if instant is None or instant <= at:
            return False
        if at == now:
            boundaries.append(instant)
        return True

    def stands(stage: Stage, enabled: bool, reason: str) -> _Turn:
        lost = enabled and hired is None and "hireDate" in unread
        unsure = "the first day cannot be read, and none is known" if lost else None
        return _Turn(
            stage, enabled, reason, starts, ends, unsure=unsure, boundaries=tuple(boundaries)
        )

    def left(reason: str, at: float, by_word: bool = True, dismissed: bool = False) -> _Turn:
        # What is learned late counts from then on: nobody is deleted for being told of late.
        since = at if episode.said_at is None else min(max(at, said_at), now)
        return _Turn(
            *("disabled", False, reason, starts, ends, since, by_word, dismissed),
            boundaries=tuple(boundaries),
        )

    if facts.get("hireRescinded") is True or facts.get("status") == "rescinded":
        return left("the hire was rescinded", said_at)
    leaving = facts.get("active") is False or facts.get("status") in ("terminated", "retired")
    if facts.get("involuntary") is True:
        marked = [day for key in _MARKED if (day := _day(facts.get(key)))]
        earlier = [day for day in marked if hired is not None and day < hired]
        explained = earlier and not any(key in unread for key in _MARKED)
        goes = leaving and facts.get("active") is not True
        # The mark stands until HR takes it away. An end before the first day explains it, and
        # then it is history, unless that end is to come or somebody was sent away since.
        if (
            len(marked) > len(earlier)
            or (not explained and (leaving or ends is not None))
            or (goes and (starts is None or starts <= said_at))
            or (earlier and ahead(_midnight(max(earlier) + timedelta(days=1), zone)))
        ):
            ahead(ends)  # it is over then, for whoever begins again
            return left("involuntary termination acts at once", said_at, dismissed=True)
    if ends is not None and not ahead(ends):
        return left("the last day has passed", ends, by_word=facts.get("active") is False)
    if ahead(before := _end_before(facts, hired, zone)):
        ends = before
    elif hired is not None and ahead(starts):
        if ahead(_midnight(hired - timedelta(days=policy.pre_hire_days), zone)):
            return stands("future", False, f"hired in more than {policy.pre_hire_days} days")
        return stands("prehire", False, "the first day is still ahead")
    if hired is None and facts.get("status") == "preHire" and not leaving:
        return stands("prehire", False, "a pre-hire whose first day is not known")
    explained = not facts.get(OUT) and (ahead(ends, said_at) or ahead(starts, said_at))
    if facts.get("active") is False and not explained:
        return left("the source says active=false", said_at)
    if leaving and facts.get("active") is None and not explained:
        return left(f"the source says status={facts['status']}", said_at)
    if facts.get("onLeave") is True:
        return stands("leave", policy.on_leave == "enabled", "on leave")
    if ends is not None:
        return stands("leaving", True, "employed, and the last day is known")
    return stands("active", True, "employed")


def is_out(episode: Episode, policy: People) -> bool:
    """Whether HR said, without any date, that somebody whose first day had come is not active."""
    facts, said_at = episode.facts, episode.said_at
    if facts.get("active") is not False or said_at is None:
        return False
    zone, hired = zone_of(episode, policy), _day(facts.get("hireDate"))
    begun = hired is None or _midnight(hired, zone) <= said_at
    return begun and _end(facts, hired, zone) is None


def is_dismissal(facts: Mapping[str, Any], source: str, policy: People, now: float) -> bool:
    """Whether a record that says this at business time `now` dismisses somebody."""
    return _turn(Episode(source, facts, now), policy, now, []).dismissed


def zone_of(episode: Episode, policy: People, problems: list[str] | None = None) -> ZoneInfo:
    """The time zone in which the episode's days are meant: the person's, else the
    location's, else the source's, else everybody's. A zone that is none is reported."""
    facts = episode.facts
    own = facts.get("timezone")
    if isinstance(own, str) and own.strip():
        try:
            return ZoneInfo(own.strip())
        except (ZoneInfoNotFoundError, ValueError, OSError):
            if problems is not None:
                problems.append("the time zone of the record is none that is known")
    places = [str(facts[name]).strip().casefold() for name in PLACE[1:] if facts.get(name)]
    known = [policy.locations[place] for place in places if place in policy.locations]
    return ZoneInfo((known and known[0]) or policy.sources.get(episode.source) or policy.timezone)


def midnight_of(text: object, zone: ZoneInfo) -> float | None:
    """The instant at which that calendar day (`YYYY-MM-DD`) begins there; None for no day."""
    day = _day(text)
    return None if day is None else _midnight(day, zone)


def said_at(facts: Mapping[str, Any]) -> float | None:
    """When a record's block last changed, by intake's own fact."""
    text = facts.get(SAID_AT)
    try:
        return parse_instant(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _end(facts: Mapping[str, Any], hired: date | None, zone: ZoneInfo) -> float | None:
    """The instant after the earliest last day that is not history."""
    days = [day for key in END_DATES if (day := _day(facts.get(key)))]
    current = [day for day in days if (hired is None or day >= hired) and day < date.max]
    return _midnight(min(current) + timedelta(days=1), zone) if current else None


def _end_before(facts: Mapping[str, Any], hired: date | None, zone: ZoneInfo) -> float | None:
    """The instant after the last day of the employment before the one that begins on `hired`,
    where the record speaks of both: of somebody who works, and was hired before."""
    first = _day(facts.get(ORIGIN))
    if hired is None or first is None or facts.get("involuntary") is True:
        return None
    if facts.get("active") is False or facts.get("status") in ("preHire", "terminated", "retired"):
        return None
    days = [day for key in END_DATES if (day := _day(facts.get(key)))]
    earlier = [day for day in days if first <= day < hired]
    return _midnight(min(earlier) + timedelta(days=1), zone) if earlier else None


def _midnight(day: date, zone: ZoneInfo) -> float:
    return datetime.combine(day, time(0), zone).astimezone(UTC).timestamp()


def _day(text: object) -> date | None:
    """A calendar day, but for those of year 1, which means that none is known, and which no
    zone has room for: from before mappings refused it one may be stored."""
    try:
        day = date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return day if day is None or day.year > MINYEAR else None
