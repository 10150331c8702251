"""Where a person stands on a given day: pure, and knows when to look again (P5, P6, P7, P8).

Dates are whole days in the worker's time zone: enabled from hireDate 00:00, disabled
after the last day 24:00. An end before hireDate is history. What HR says about
`active` is read together with the dates that were ahead when HR said it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
"""Facts that only make sense together: they are taken from one source as a whole."""

END_DATES = ("terminationDate", "contractEndDate")
SAID_AT = "lifecycleSaidAt"
"""Fact added by intake: the business instant at which the block last changed."""

Stage = Literal["ahead", "prehire", "active", "leave", "leaver"]


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


def lifecycle(
    facts: Mapping[str, Any], asserted: bool, pre_hire_days: int, default_zone: str, now: float
) -> Lifecycle:
    """Stage of a person with these facts at business time `now` (epoch seconds)."""
    zone = _zone(facts.get("timezone"), default_zone)
    hired = _day(facts.get("hireDate"))
    starts = _midnight(hired, zone) if hired else None
    ends = _end(facts, hired, zone)
    said_at = _instant(facts.get(SAID_AT), now)
    boundaries: list[float] = []

    def ahead(instant: float | None, at: float = now) -> bool:
        """Is `instant` still to come? Remembered, so that we look again when it comes."""
        if instant is None or instant <= at:
            return False
        if at == now:
            boundaries.append(instant)
        return True

    def result(stage: Stage, exists: bool, enabled: bool, reason: str) -> Lifecycle:
        return Lifecycle(stage, exists, enabled, reason, ends, min(boundaries, default=None))

    if not asserted:
        return result("leaver", False, False, "no source asserts this person any more")
    if facts.get("hireRescinded") is True or facts.get("status") == "rescinded":
        return result("leaver", False, False, "the hire was rescinded")
    leaving = facts.get("active") is False or facts.get("status") in ("terminated", "retired")
    if facts.get("involuntary") is True and (ends is not None or leaving):
        return result("leaver", False, False, "involuntary termination acts at once")
    if ends is not None and not ahead(ends):
        return result("leaver", False, False, "the last day has passed")
    if hired is not None and ahead(starts):
        if ahead(_midnight(hired - timedelta(days=pre_hire_days), zone)):
            return result("ahead", False, False, f"hired in more than {pre_hire_days} days")
        return result("prehire", True, False, "the first day is still ahead")
    explained = ahead(ends, said_at) or ahead(starts, said_at)
    if facts.get("active") is False and not explained:
        return result("leaver", False, False, "the source says active=false")
    if leaving and facts.get("active") is None and not explained:
        return result("leaver", False, False, f"the source says status={facts['status']}")
    if facts.get("onLeave") is True:
        return result("leave", True, True, "on leave")
    return result("active", True, True, "employed")


def _end(facts: Mapping[str, Any], hired: date | None, zone: ZoneInfo) -> float | None:
    """The instant after the earliest last day that is not history."""
    days = [day for key in END_DATES if (day := _day(facts.get(key)))]
    current = [day for day in days if hired is None or day >= hired]
    return _midnight(min(current) + timedelta(days=1), zone) if current else None


def _midnight(day: date, zone: ZoneInfo) -> float:
    return datetime.combine(day, time(0), zone).astimezone(UTC).timestamp()


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _instant(text: object, default: float) -> float:
    try:
        return parse_instant(text) if isinstance(text, str) else default
    except ValueError:
        return default


def _zone(name: object, default: str) -> ZoneInfo:
    try:
        return ZoneInfo(name if isinstance(name, str) and name else default)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(default)
