"""Dates as HR sends them: whole days, never moved by a time zone (P5, P13)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?:[01]\d|2[0-4]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)?"
    r"(?:Z|[+-](?:0\d|1[0-4]):?[0-5]\d)?"
)
_MICROSOFT_JSON = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def calendar_date(source: str) -> str | None:
    """The day written, as `YYYY-MM-DD`; None when it is not a date.

    Reads an ISO 8601 date or date-time and OData v2's `/Date(milliseconds)/`. An
    offset is not applied: `2026-03-16-08:00` is the 16th wherever it is read.
    """
    match = _ISO.fullmatch(source)
    if match:
        try:
            return date.fromisoformat(match[1]).isoformat()
        except ValueError:
            return None
    moment = _from_json_date(source)
    return moment.date().isoformat() if moment else None


def instant(source: str) -> datetime | None:
    """An instant (ISO 8601, without offset UTC; or `/Date(...)/`), or None."""
    moment = _from_json_date(source)
    if moment is not None:
        return moment
    if not _ISO.fullmatch(source):
        return None
    try:
        moment = datetime.fromisoformat(source)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def iso_instant(moment: datetime) -> str | None:
    """As `2026-03-16T08:30:00.000Z`, the form of SCIM's `meta`; None beyond year 9999."""
    try:
        moved = moment.astimezone(UTC)
    except OverflowError:
        return None
    return moved.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def filetime(moment: datetime) -> int:
    """100 ns since 1601-01-01 UTC (MS-DTYP 2.3.3)."""
    return (moment - _FILETIME_EPOCH) // timedelta(microseconds=1) * 10


def _from_json_date(source: str) -> datetime | None:
    match = _MICROSOFT_JSON.fullmatch(source)
    if match is None:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=int(match[1]))
    except OverflowError:
        return None
