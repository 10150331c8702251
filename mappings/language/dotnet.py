"""What Entra's functions take over from .NET: date formats, patterns, title case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

_MONTHS = [
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
]  # fmt: skip
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_TOKEN = re.compile(
    r"y{1,5}|M{1,4}|d{1,4}|H{1,2}|h{1,2}|m{1,2}|s{1,2}|f{1,7}|F{1,7}|t{1,2}|z{1,3}|K"
    r"|'[^']*'|\"[^\"]*\"|\\.|%|."
)


class FormatError(ValueError):
    """A format or pattern .NET would refuse."""


@lru_cache(1000)
def _tokens(form: str) -> tuple[str, ...]:
    if not form:
        raise FormatError("the date format is empty")
    tokens = tuple(token for token in _TOKEN.findall(form) if token != "%")
    for token in tokens:
        if token[0] in "yMdHhmstzgK" and token not in _READ:
            raise FormatError(f"{token} is no part of a date format")
    return tokens


_READ = {
    "yyyyy": r"(?P<year>\d{5})",
    "yyyy": r"(?P<year>\d{4})",
    "yyy": r"(?P<year>\d{3,4})",
    "yy": r"(?P<year>\d{2})",
    "y": r"(?P<year>\d{1,2})",
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


@lru_cache(1000)
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


STYLES = {
    "none": frozenset(),
    "allowleadingwhite": frozenset({"leading"}),
    "allowtrailingwhite": frozenset({"trailing"}),
    "allowinnerwhite": frozenset({"inner"}),
    "allowwhitespaces": frozenset({"leading", "trailing", "inner"}),
    "nocurrentdatedefault": frozenset(),
    "adjusttouniversal": frozenset({"utc"}),
    "assumelocal": frozenset(),
    "assumeuniversal": frozenset(),
    "roundtripkind": frozenset(),
}
"""By lower-case name, what a DateTimeStyles value changes here: servers' local time is UTC."""
_DEFAULT_STYLES = frozenset({"leading", "trailing"})


def styles(written: str | None) -> frozenset[str]:
    """DateTimeStyles separated by commas, with or without `DateTimeStyles.` before them.

    Raises :class:`FormatError`.
    """
    result: frozenset[str] = frozenset()
    words = [word.strip() for word in (written or "").split(",") if word.strip()]
    for word in words:
        found = STYLES.get(word.rpartition(".")[2].lower())
        if found is None:
            raise FormatError(f"there is no date-time style {word}")
        result |= found
    return result if words else _DEFAULT_STYLES


def read_date(source: str, form: str, style: frozenset[str] = _DEFAULT_STYLES) -> datetime | None:
    """Parse strictly by a .NET custom format; None when the text does not fit.

    An offset stays with the result and is not applied, unless the style says so.
    """
    if "inner" in style:
        source, form = "".join(source.split()), "".join(form.split())
    source = source.lstrip() if "leading" in style else source
    source = source.rstrip() if "trailing" in style else source
    match = _reader(form).fullmatch(source)
    if match is None:
        return None
    got = {name: value for name, value in match.groupdict().items() if value is not None}
    try:
        moment = datetime(
            _year(got.get("year", "0001")),
            _month(got.get("month", "1")),
            int(got.get("day", "1")),
            _hour(got),
            int(got.get("minute", "0")),
            int(got.get("second", "0")),
            int(got.get("fraction", "").ljust(6, "0")[:6]),
            _zone(got.get("zone", "")),
        )
        return moment.astimezone(UTC) if "utc" in style and moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None


def _year(digits: str) -> int:
    if len(digits) > 2:
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
    "yyyyy": lambda m: f"{m.year:05}",
    "yyyy": lambda m: f"{m.year:04}",
    "yyy": lambda m: f"{m.year:03}",
    "yy": lambda m: f"{m.year % 100:02}",
    "y": lambda m: str(m.year % 100),
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

    Without `separators`, words begin with a letter and end where .NET's ToTitleCase ends
    them: at white space, punctuation and symbols, but not at an apostrophe.
    """
    result: list[str] = []
    inside = False
    for character in lower(source):
        kind = unicodedata.category(character)[0]
        if separators is not None:
            starts = part = character not in separators
        else:
            starts, part = kind == "L", kind in "LNM" or character == "'"
        if inside:
            inside = part
            result.append(character)
        else:
            inside = starts
            result.append(_one(character, character.title()) if starts else character)
    return "".join(result)


def upper(source: str, turkic: bool = False) -> str:
    """Letter by letter as .NET does: `ß` has no upper case of one letter and stays."""
    if source.isascii() and not turkic:
        return source.upper()
    if turkic:
        source = source.replace("i", "İ").replace("ı", "I")
    return "".join(_one(c, c.upper()) if c != "ı" else c for c in source)


def lower(source: str, turkic: bool = False) -> str:
    """Letter by letter as .NET does; without a Turkish culture `İ` stays."""
    if source.isascii() and not turkic:
        return source.lower()
    if turkic:
        source = source.replace("I", "ı").replace("İ", "i")
    return "".join(_one(c, c.lower()) if c != "İ" else c for c in source)


def _one(character: str, changed: str) -> str:
    return changed if len(changed) == 1 else character
