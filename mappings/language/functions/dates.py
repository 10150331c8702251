"""Dates"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mappings.language import dotnet, moments
from mappings.language.compiling import Builder, Code
from mappings.language.moving import Moving
from mappings.language.registry import function, special
from mappings.language.running import Fail, Run
from mappings.language.syntax import Call
from mappings.language.values import Value, first, text


@special("Now()", gives="date", least=0)
def now(build: Builder, call: Call, several: bool) -> Code:
    """The instant of this look, in UTC. A comparison with it knows when to look again.

    IIF(DateDiff("yyyy", CDate("2020-01-01"), Now()) >= 5, "long", "short") → long
    """

    def evaluate(run: Run) -> Any:
        run.now()
        return Moving(lambda instant: instant)

    return Code(evaluate, "date", moves=True)


@function("CDate(expression: date)", gives="date", follows_now=True)
def cdate(expression: datetime | None) -> datetime | None:
    """A text as an instant in UTC; an offset is applied. As text it reads `M/d/yyyy h:mm:ss tt`.

    Takes ISO 8601 with `T` or a blank, a bare date with or without an offset,
    month/day/year, and English names of months. Nothing stays nothing.

    CDate("2026-03-16-07:00") → 3/16/2026 7:00:00 AM
    CDate("2026-04-01T00:30:00+02:00") → 3/31/2026 10:30:00 PM
    """
    return expression


def _interval(name: str, interval: str) -> str:
    found = interval.lower()
    if found not in moments.INTERVALS:
        raise Fail(f"{name}: the interval is one of {', '.join(moments.INTERVALS)}")
    return found


def _check_interval(build: Builder, call: Call) -> str | None:
    interval = build.constant(call, 0)
    if interval is not None and interval.lower() not in moments.INTERVALS:
        return f"the interval is one of {', '.join(moments.INTERVALS)}"
    return None


@function(
    "DateAdd(interval: str, value: whole, date: date)",
    gives="date",
    follows_now=True,
    check=_check_interval,
)
def date_add(interval: str, value: int, date: datetime | None) -> datetime | None:
    """`value` intervals later, or earlier when it is negative. Nothing stays nothing.

    Intervals: `yyyy` years, `m` months, `ww` weeks, `d` days, `h` hours, `n` minutes,
    `s` seconds. A day that the month does not have becomes its last.

    DateAdd("d", -10, CDate("2026-03-16-07:00")) → 3/6/2026 7:00:00 AM
    DateAdd("m", 1, CDate("2024-01-31")) → 2/29/2024 12:00:00 AM
    """
    return None if date is None else moments.added(_interval("DateAdd", interval), value, date)


@function(
    "DateDiff(interval: str, date1: date, date2: date)",
    gives="whole",
    follows_now=True,
    check=_check_interval,
)
def date_diff(interval: str, date1: datetime | None, date2: datetime | None) -> int:
    """How many intervals `date2` is later than `date1`.

    Days, hours, minutes and seconds are cut toward zero: less than 24 hours ahead or
    behind is 0 days. Weeks begin on Sunday; they, months and years are counted by the
    calendar. A missing date is a failure.

    DateDiff("d", CDate("2026-03-16T09:00:00Z"), CDate("2026-03-18T08:00:00Z")) → 1
    DateDiff("m", CDate("2026-01-31"), CDate("2026-02-01")) → 1
    """
    if date1 is None or date2 is None:
        raise Fail("DateDiff: there is no date")
    return moments.difference(_interval("DateDiff", interval), date1, date2)


@function("DateFromNum(value: whole)", gives="date")
def date_from_num(value: int) -> datetime:
    """A FILETIME (100 ns since 1601, as in AD) as an instant.

    DateFromNum(134220600000000000) → 4/30/2026 10:00:00 PM
    """
    return moments.from_filetime(value)


@function("NumFromDate(value: any)", gives="whole")
def num_from_date(value: Value) -> int | None:
    """An instant as a FILETIME, which AD's `accountExpires` is.

    A text has to be ISO 8601, with `T` or a blank. Nothing stays nothing; beyond year
    9999 in UTC is a failure.

    NumFromDate("2026-04-30T22:00:00Z") → 134220600000000000
    """
    one = first(value)
    if one is None or one == "":
        return None
    moment = one if isinstance(one, datetime) else moments.instant((text(one) or "").strip())
    if moment is None:
        raise Fail("NumFromDate: not an ISO 8601 date")
    if moments.iso_instant(moment) is None:
        raise Fail("NumFromDate: beyond year 9999 in UTC")
    return moments.filetime(moment)


def _check_formats(build: Builder, call: Call) -> str | None:
    try:
        if len(call.arguments) == 4:
            dotnet.styles(build.constant(call, 1))
        for index in (-2, -1):
            form = build.constant(call, len(call.arguments) + index)
            if form is not None:
                dotnet.check_format(form)
    except dotnet.FormatError as error:
        return str(error)
    return None


@function("FormatDateTime(source: any, styles?: text, input: text, output?: text)",
          least=3, check=_check_formats)  # fmt: skip
def format_date_time(
    source: Value, styles: str | None, input_format: str | None, output_format: str | None = None
) -> str | None:
    """A date read by one .NET format and written by another; `styles` may be left out.

    The text has to fit the format exactly: `hh` wants two digits. An offset stays and is
    not applied, unless the styles say `AdjustToUniversal`. What is an instant already, as
    from `Now()` or `CDate`, need not be read. Nothing stays nothing.

    FormatDateTime("20260430220000.0Z", , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd") → 2026-04-30
    FormatDateTime("4/30/2026", "M/d/yyyy", "yyyy-MM-dd") → 2026-04-30
    """
    if output_format is None:
        styles, input_format, output_format = None, styles, input_format
    one = first(source)
    if one is None or one == "":
        return None
    try:
        if isinstance(one, datetime):
            return dotnet.write_date(one, output_format or "")
        moment = dotnet.read_date(text(one) or "", input_format or "", dotnet.styles(styles))
        if moment is not None:
            return dotnet.write_date(moment, output_format or "")
    except dotnet.FormatError as error:
        raise Fail(f"FormatDateTime: {error}") from error
    raise Fail("FormatDateTime: the value does not fit the format")


@function("Date(source: text)", entra=False)
def date(source: str | None) -> str | None:
    """The calendar date written, whatever stands behind it; no time zone moves it. Also
    `20260316`, milliseconds since 1970, and `2026/3/16`, `16.3.2026`, `16-Mar-2026` and
    `March 16, 2026`. `03/04/2026` is not a date: it is one day in the US, another elsewhere.
    Nor is a day before 1583, such as the `0001-01-01` of systems that know of none.

    Date("2026-03-16T00:00:00.000-08:00") → 2026-03-16
    """
    if not source:
        return None
    day = moments.calendar_date(source.strip())
    if day is None:
        raise Fail("Date: not a date")
    return day


@function("StartOfDay(date: text, zone: text)", gives="date", entra=False, follows_now=True)
def start_of_day(date: str | None, zone: str | None) -> datetime | None:
    """The instant at which a calendar date begins in a time zone. Nothing stays nothing.

    StartOfDay("2026-03-16", "Europe/Berlin") → 3/15/2026 11:00:00 PM
    """
    if not date:
        return None
    day = moments.calendar_date(date.strip())
    if day is None:
        raise Fail("StartOfDay: not a date")
    return moments.start_of_day(day, moments.zone(zone or "", "StartOfDay: zone"))


@function("DayIn(date: date, zone: text)", entra=False, follows_now=True)
def day_in(date: datetime | None, zone: str | None) -> str | None:
    """The calendar date that it is at an instant in a time zone: `DayIn(Now(), [timezone])`.

    DayIn("2026-03-15T23:00:00Z", "Europe/Berlin") → 2026-03-16
    """
    if date is None:
        return None
    return moments.day_in(date, moments.zone(zone or "", "DayIn: zone"))
