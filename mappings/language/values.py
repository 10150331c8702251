"""The values expressions work on, and how one kind is read as another.

Texts, numbers, booleans, instants, tuples of those (multi-valued) and None (nothing
there). The lenient readings are those of HR systems: `"1"` and `"True"` are true.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias

Scalar: TypeAlias = str | int | float | bool | datetime
Value: TypeAlias = Scalar | tuple[Scalar, ...] | None

_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0"})
_NUMBER = re.compile(r"\s*[-+]?[0-9]{1,30}(?:\.[0-9]{1,30})?\s*")


def clean(raw: Any) -> Scalar | None:
    """A JSON value as HR meant it: text without blanks around it, empty text as nothing."""
    if isinstance(raw, str):
        return raw.strip() or None
    if isinstance(raw, float) and not math.isfinite(raw):
        return None
    return raw if isinstance(raw, (bool, int, float)) else None


def first(value: Value) -> Scalar | None:
    """The one value where one is wanted: the first of several."""
    if isinstance(value, tuple):
        return value[0] if value else None
    return value


def many(value: Value) -> tuple[Scalar, ...]:
    """All values; none for nothing."""
    if isinstance(value, tuple):
        return value
    return () if value is None else (value,)


def text(value: Value) -> str | None:
    """As text: booleans `True`/`False`, numbers in plain decimals, instants as Entra does."""
    if value.__class__ is str:
        return value  # nearly always so, and this is hot
    one = first(value)
    if one is None or isinstance(one, str):
        return one
    if isinstance(one, datetime):
        return shown(one)
    if isinstance(one, float):
        return str(int(one)) if one.is_integer() else format(Decimal(repr(one)), "f")
    return str(one)


def shown(moment: datetime) -> str:
    """`M/d/yyyy h:mm:ss tt` in UTC, as Entra prints dates."""
    utc = moment.astimezone(UTC)
    half = "PM" if utc.hour >= 12 else "AM"
    hour = (utc.hour + 11) % 12 + 1
    return f"{utc.month}/{utc.day}/{utc.year:04} {hour}:{utc:%M:%S} {half}"


def number(value: Value) -> int | float | None:
    """As a number; text is read in plain decimal notation, anything else is None."""
    one = first(value)
    if isinstance(one, bool):
        return int(one)
    if isinstance(one, str):
        if not _NUMBER.fullmatch(one):
            return None
        return float(one) if "." in one else int(one)
    return None if isinstance(one, datetime) else one


def truth(value: Value) -> bool | None:
    """As a boolean: true/false in any spelling HR systems use, numbers by being zero."""
    one = first(value)
    if isinstance(one, bool):
        return one
    if isinstance(one, str):
        folded = one.strip().lower()
        if folded in _TRUE or folded in _FALSE:
            return folded in _TRUE
        numeric = number(one)
        return None if numeric is None else numeric != 0
    return None if one is None else bool(one)


def empty(value: Value) -> bool:
    """Nothing there, or an empty text."""
    return first(value) in (None, "")


def each(value: Value, change: Callable[[str], str]) -> Value:
    """Change a text, every text of a multi-valued one, and leave nothing as nothing."""
    if isinstance(value, tuple):
        return tuple(change(text(item) or "") for item in value)
    one = text(value)
    return None if one is None else change(one)
