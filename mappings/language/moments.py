"""Dates and instants: as HR sends them, as Entra's functions read them, as AD counts them.

A date that HR means as a whole day is never moved by a time zone (P5, P13); what Entra
calls a date is an instant, and an offset is applied.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from mappings.language.running import Fail
from mappings.language.values import Value, first

_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?:[01]\d|2[0-4]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)?"
    r"(?:Z|[+-](?:0\d|1[0-4]):?[0-5]\d)?"
)
_COMPACT = re.compile(r"\d{8}")
_DOTTED = re.compile(
    r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,? +(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?)?"
)
_MILLISECONDS = re.compile(r"\d{12,13}")
_MICROSOFT_JSON = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
FIRST_YEAR = 1583
"""Of the calendar we count by: no day before it is one of anybody's work. Systems that write
`0001-01-01` mean that they know of none, and no zone can move it."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

_TIME = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_NAME = r"(?P<name>[A-Za-z]{3,9})\.?"
_LONG = re.compile(
    r"\s*(?:[A-Za-z]{3,9},\s*)?"
    r"(?:(?P<y1>\d{4})[-/](?P<m1>\d{1,2})[-/](?P<d1>\d{1,2})"
    r"|(?P<m2>\d{1,2})/(?P<d2>\d{1,2})/(?P<y2>\d{4})"
    rf"|(?P<d3>\d{{1,2}})[ -]{_NAME}[ -](?P<y3>\d{{4}})"
    rf"|{_NAME.replace('name', 'name4')}\s+(?P<d4>\d{{1,2}}),?\s+(?P<y4>\d{{4}}))"
    rf"(?:(?:[T,]\s*|\s+){_TIME})?"
    r"\s*(?P<zone>Z|GMT|UTC|[+-](?:0?\d|1[0-4])(?::?[0-5]\d)?)?\s*"
)


# --- whole days and instants, as HR sends them -----------------------------------------


def calendar_date(source: str) -> str | None:
    """The day written, as `YYYY-MM-DD`; None when it is not a date.

    Reads an ISO 8601 date or date-time, also `20260316`, OData v2's `/Date(milliseconds)/`
    and milliseconds since 1970 alone; and what can be read in one way only: `2026/3/16`,
    `16.3.2026`, `16-Mar-2026`, `March 16, 2026`. `03/04/2026` is not read: it is another day
    in the US than elsewhere. An offset is not applied: `2026-03-16-08:00` is the 16th
    wherever it is read. A day before 1583 is none.
    """
    try:
        day = _day(source)
    except ValueError:
        return None
    return day.isoformat() if day is not None and day.year >= FIRST_YEAR else None


def _day(source: str) -> date | None:
    """The day written. Raises ValueError for one that the calendar does not have."""
    match = _ISO.fullmatch(source)
    if match or _COMPACT.fullmatch(source):
        return date.fromisoformat(match[1] if match else source)
    alone = _MILLISECONDS.fullmatch(source)
    found = _from_json_date(f"/Date({source})/" if alone else source)
    return found.date() if found else _one_way_only(source)


def _one_way_only(source: str) -> date | None:
    dotted, match = _DOTTED.fullmatch(source), _LONG.fullmatch(source)
    if dotted:
        return date(int(dotted[3]), int(dotted[2]), int(dotted[1]))
    return _as_written(match).date() if match and not match["m2"] else None


def instant(source: str) -> datetime | None:
    """An instant (ISO 8601, without offset UTC; or `/Date(...)/`), or None, as for one
    before 1583."""
    found = _from_json_date(source)
    if found is None and _ISO.fullmatch(source):
        try:
            found = datetime.fromisoformat(source)
        except ValueError:
            return None
    if found is None or found.year < FIRST_YEAR:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def iso_instant(moment: datetime) -> str | None:
    """As `2026-03-16T08:30:00.000Z`, the form of SCIM's `meta`; None beyond year 9999."""
    try:
        moved = moment.astimezone(UTC)
    except OverflowError:
        return None
    return moved.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _from_json_date(source: str) -> datetime | None:
    match = _MICROSOFT_JSON.fullmatch(source)
    if match is None:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=int(match[1]))
    except OverflowError:
        return None


# --- instants, as Entra's functions take them ------------------------------------------


def maybe_moment(value: Value) -> datetime | None:
    """An instant in UTC, or None for what is none.

    ISO 8601 with `T` or a blank, a bare date with or without offset, month/day/year,
    and names of months in English; what has no offset is UTC.
    """
    one = first(value)
    if isinstance(one, datetime):
        return one
    if not isinstance(one, str):
        return None
    found = _from_json_date(one)
    match = _LONG.fullmatch(one)
    if match is None:
        return found
    try:
        return _as_written(match).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _as_written(match: re.Match[str]) -> datetime:
    """What a match of `_LONG` says. Raises ValueError for a day or an hour that is none."""
    got = match.groupdict()
    year = got["y1"] or got["y2"] or got["y3"] or got["y4"]
    named = got["name"] or got["name4"]
    month = _MONTHS.index(named[:3].lower()) + 1 if named else int(got["m1"] or got["m2"])
    day = got["d1"] or got["d2"] or got["d3"] or got["d4"]
    fraction = int((got["fraction"] or "0").ljust(6, "0")[:6])
    minute, second = int(got["minute"] or 0), int(got["second"] or 0)
    zone = _zone(got["zone"])
    return datetime(int(year), month, int(day), _hour(got), minute, second, fraction, zone)


def _hour(got: dict[str, Any]) -> int:
    hour = int(got["hour"] or 0)
    if got["half"] is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError
    return hour % 12 + (12 if got["half"] in "Pp" else 0)


def _zone(written: str | None) -> timezone:
    if written is None or written[0] not in "+-":
        return UTC
    digits = written[1:].replace(":", "")
    hours, minutes = (digits, "0") if len(digits) < 3 else (digits[:-2], digits[-2:])
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if written[0] == "-" else offset)


def moment(value: Value, what: str) -> datetime | None:
    """As :func:`maybe_moment`, but a :class:`Fail` for what is no date; None for nothing."""
    one = first(value)
    if one is None or one == "":
        return None
    found = maybe_moment(one)
    if found is None:
        raise Fail(f"{what} is not a date")
    return found


INTERVALS = ("yyyy", "m", "d", "ww", "h", "n", "s")
_SECONDS = {"d": 86400, "h": 3600, "n": 60, "s": 1}


def added(interval: str, count: int, moment: datetime) -> datetime:
    """`count` intervals later. Months and years keep the day, or take the month's last.

    Raises :class:`Fail` beyond the years 1 to 9999.
    """
    try:
        if interval in ("yyyy", "m"):
            months = moment.year * 12 + moment.month - 1 + count * (12 if interval == "yyyy" else 1)
            year, month = divmod(months, 12)
            day = min(moment.day, calendar.monthrange(year, month + 1)[1])
            return moment.replace(year=year, month=month + 1, day=day)
        seconds = 7 * 86400 if interval == "ww" else _SECONDS[interval]
        return moment + timedelta(seconds=count * seconds)
    except (ValueError, OverflowError) as error:
        raise Fail("DateAdd: the result is beyond year 9999") from error


def difference(interval: str, earlier: datetime, later: datetime) -> int:
    """Whole intervals from one instant to the other, as Visual Basic counts them.

    Days, hours, minutes and seconds are cut toward zero; weeks begin on Sunday, and they,
    months and years are counted by the calendar.
    """
    if interval == "yyyy":
        return later.year - earlier.year
    if interval == "m":
        return (later.year - earlier.year) * 12 + later.month - earlier.month
    if interval == "ww":
        return (_sunday(later) - _sunday(earlier)).days // 7
    microseconds = (later - earlier) // timedelta(microseconds=1)
    whole = abs(microseconds) // (_SECONDS[interval] * 1_000_000)
    return whole if microseconds >= 0 else -whole


def _sunday(moment: datetime) -> date:
    day = moment.date()
    return day - timedelta(days=day.isoweekday() % 7)


def filetime(moment: datetime) -> int:
    """100 ns since 1601-01-01 UTC (MS-DTYP 2.3.3)."""
    return (moment - _FILETIME_EPOCH) // timedelta(microseconds=1) * 10


def from_filetime(count: int) -> datetime:
    """The instant of a FILETIME. Raises :class:`Fail` when there is none."""
    try:
        return _FILETIME_EPOCH + timedelta(microseconds=count // 10)
    except OverflowError as error:
        raise Fail("DateFromNum: the value is beyond year 9999") from error


# --- days in a time zone ---------------------------------------------------------------


def zone(name: str, what: str) -> ZoneInfo:
    """The time zone (IANA). Raises :class:`Fail`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise Fail(f"{what} is not a time zone (write for example Europe/Berlin)") from error


def start_of_day(day: str, where: ZoneInfo) -> datetime:
    """The instant at which a day (`YYYY-MM-DD`, of 1583 or later) begins in a time zone."""
    begins = datetime.combine(date.fromisoformat(day), datetime.min.time(), where)
    return begins.astimezone(UTC)


def day_in(moment: datetime, where: ZoneInfo) -> str:
    """The day it is at an instant in a time zone, as `YYYY-MM-DD`. Raises :class:`Fail` where
    it is of no year from 1 to 9999."""
    try:
        return moment.astimezone(where).date().isoformat()
    except OverflowError as error:
        raise Fail("DayIn: the day is beyond year 9999") from error
