"""What Entra's functions take over from .NET: date formats, patterns, title case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import cache

_MONTHS = [
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
]  # fmt: skip
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_TOKEN = re.compile(
    r"y{1,5}|M{1,4}|d{1,4}|H{1,2}|h{1,2}|m{1,2}|s{1,2}|f{1,7}|F{1,7}|t{1,2}|z{1,3}|K"
    r"|'[^']*'|\"[^\"]*\"|\\.|."
)


class FormatError(ValueError):
    """A format or pattern .NET would refuse."""


@cache
def _tokens(form: str) -> tuple[str, ...]:
    if not form:
        raise FormatError("the date format is empty")
    return tuple(_TOKEN.findall(form))


_READ = {
    "yyyy": r"(?P<year>\d{4})",
    "yy": r"(?P<year>\d{2})",
    "MMMM": rf"(?P<month>{'|'.join(_MONTHS)})",
    "MMM": rf"(?P<month>{'|'.join(name[:3] for name in _MONTHS)})",
    "MM": r"(?P<month>\d{2})",
    "M": r"(?P<month>\d{1,2})",
    "dddd": rf"(?:{'|'.join(_DAYS)})",
    "ddd": rf"(?:{'|'.join(name[:3] for name in _DAYS)})",
    "dd": r"(?P<day>\d{2})",
    "d": r"(?P<day>\d{1,2})",
    "HH": r"(?P<hour>\d{2})",
    "H": r"(?P<hour>\d{1,2})",
    "hh": r"(?P<hour12>\d{2})",
    "h": r"(?P<hour12>\d{1,2})",
    "mm": r"(?P<minute>\d{2})",
    "m": r"(?P<minute>\d{1,2})",
    "ss": r"(?P<second>\d{2})",
    "s": r"(?P<second>\d{1,2})",
    "tt": r"(?P<half>AM|PM)",
    "t": r"(?P<half>A|P)",
    "zzz": r"(?P<zone>[+-]\d{2}:\d{2})",
    "zz": r"(?P<zone>[+-]\d{2})",
    "z": r"(?P<zone>[+-]\d{1,2})",
    "K": r"(?P<zone>Z|[+-]\d{2}:\d{2}|)",
}


def _literal(token: str) -> str:
    if len(token) > 1 and token[0] in "'\"":
        return token[1:-1]
    return token[1:] if len(token) > 1 and token[0] == "\\" else token


@cache
def _reader(form: str) -> re.Pattern[str]:
    parts = []
    for token in _tokens(form):
        if token[0] == "f":
            parts.append(rf"(?P<fraction>\d{{{len(token)}}})")
        elif token[0] == "F":
            parts.append(rf"(?P<fraction>\d{{0,{len(token)}}})")
        else:
            parts.append(_READ.get(token) or re.escape(_literal(token)))
    try:
        return re.compile("".join(parts), re.IGNORECASE)
    except re.error as error:
        raise FormatError("the date format names a part twice") from error


def check_format(form: str) -> None:
    """Raises :class:`FormatError` when dates cannot be read by this format."""
    _reader(form)


def read_date(source: str, form: str) -> datetime | None:
    """Parse strictly by a .NET custom format; None when the text does not fit.

    An offset stays with the result and is not applied.
    """
    match = _reader(form).fullmatch(source.strip())
    if match is None:
        return None
    got = {name: value for name, value in match.groupdict().items() if value is not None}
    try:
        return datetime(
            _year(got.get("year", "0001")),
            _month(got.get("month", "1")),
            int(got.get("day", "1")),
            _hour(got),
            int(got.get("minute", "0")),
            int(got.get("second", "0")),
            int(got.get("fraction", "").ljust(6, "0")[:6]),
            _zone(got.get("zone", "")),
        )
    except ValueError:
        return None


def _year(digits: str) -> int:
    if len(digits) == 4:
        return int(digits)
    return int(digits) + (2000 if int(digits) < 50 else 1900)  # .NET's two-digit year: 1950-2049


def _month(name: str) -> int:
    if name.isdigit():
        return int(name)
    return [month[:3].lower() for month in _MONTHS].index(name[:3].lower()) + 1


def _hour(got: dict[str, str]) -> int:
    if "hour12" not in got:
        return int(got.get("hour", "0"))
    hour = int(got["hour12"])
    if not 1 <= hour <= 12:
        raise ValueError
    return hour % 12 + (12 if got.get("half", "A").upper().startswith("P") else 0)


def _zone(written: str) -> timezone | None:
    if not written:
        return None
    if written in "Zz":
        return UTC
    hours, _, minutes = written[1:].partition(":")
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-offset if written[0] == "-" else offset)


def _offset(moment: datetime) -> str:
    written = moment.strftime("%z") or "+0000"
    return f"{written[:3]}:{written[3:5]}"


_WRITE: dict[str, Callable[[datetime], str]] = {
    "yyyy": lambda m: f"{m.year:04}",
    "yy": lambda m: f"{m.year % 100:02}",
    "MMMM": lambda m: _MONTHS[m.month - 1],
    "MMM": lambda m: _MONTHS[m.month - 1][:3],
    "MM": lambda m: f"{m.month:02}",
    "M": lambda m: str(m.month),
    "dddd": lambda m: _DAYS[m.weekday()],
    "ddd": lambda m: _DAYS[m.weekday()][:3],
    "dd": lambda m: f"{m.day:02}",
    "d": lambda m: str(m.day),
    "HH": lambda m: f"{m.hour:02}",
    "H": lambda m: str(m.hour),
    "hh": lambda m: f"{(m.hour + 11) % 12 + 1:02}",
    "h": lambda m: str((m.hour + 11) % 12 + 1),
    "mm": lambda m: f"{m.minute:02}",
    "m": lambda m: str(m.minute),
    "ss": lambda m: f"{m.second:02}",
    "s": lambda m: str(m.second),
    "tt": lambda m: "PM" if m.hour >= 12 else "AM",
    "t": lambda m: "P" if m.hour >= 12 else "A",
    "zzz": _offset,
    "zz": lambda m: _offset(m)[:3],
    "z": lambda m: f"{_offset(m)[0]}{int(_offset(m)[1:3])}",
    "K": lambda m: "" if m.tzinfo is None else "Z" if m.tzinfo is UTC else _offset(m),
}


def write_date(moment: datetime, form: str) -> str:
    """Print by a .NET custom format, invariant (English) names."""
    parts = []
    for token in _tokens(form):
        digits = f"{moment.microsecond:06}0"[: len(token)]
        if token[0] == "f":
            parts.append(digits)
        elif token[0] == "F":
            parts.append(digits.rstrip("0"))
        else:
            write = _WRITE.get(token)
            parts.append(write(moment) if write else _literal(token))
    return "".join(parts)


def title_case(source: str, separators: str | None = None) -> str:
    """First letter of each word upper case, the rest lower.

    Without `separators`, words end where .NET's ToTitleCase ends them: at anything
    but letters, digits, marks and an apostrophe inside a word.
    """
    result: list[str] = []
    inside = False
    for character in source.lower():
        if separators is not None:
            part = character not in separators
        else:
            part = unicodedata.category(character)[0] in "LNM" or (inside and character in "'’")
        result.append(character if inside or not part else character.upper())
        inside = part
    return "".join(result)
