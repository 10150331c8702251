"""Values as nearly all of them come, read without asking every question.

`shape.py` knows all that may be said; most of what is said is text, a number, or true or false,
once, under a name spelled as its schema spells it. For these alone there is a short way here:
a reader for each attribute, made once. What it does not know is read with all questions asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from scim.schema import UNKNOWN, Attribute, ResourceType, Schema

DAY_WITH_OFFSET = re.compile(r"(\d{4}-\d{2}-\d{2})(?:Z|[+-]\d{2}:\d{2})\Z")
DAY_WITH_MORE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ].*|Z|[+-]\d{2}:\d{2})\Z")

_OTHERWISE: Any = object()
"""What a reader gives for a value that it does not know."""
Reader = Callable[[Any], Any]

_NUMBERS = ("integer", "decimal")
_SCALARS = (str, bool, int)


def take(
    holder: ResourceType | Schema | Attribute,
    loosely: bool,
    values: Mapping[str, Any],
    content: dict[str, Any],
) -> Iterator[tuple[str, Any]]:
    """Put into `content` what is ordinary among the attributes of `holder`; gives what is not,
    each in its turn."""
    ordinary = _readers(holder, loosely)
    for key, value in values.items():
        reader = ordinary.get(key)
        shaped = _OTHERWISE if reader is None else reader(value)
        if shaped is _OTHERWISE or key in content:
            yield key, value
        else:
            content[key] = shaped


@cache
def _readers(holder: ResourceType | Schema | Attribute, loosely: bool) -> Mapping[str, Reader]:
    """A reader for each attribute (a type's are those of its core) that may have one, by its
    name as the schema spells it."""
    if isinstance(holder, ResourceType):
        attributes = holder.core
    else:
        attributes = holder.attributes if isinstance(holder, Schema) else holder.subs
    return MappingProxyType(
        {
            one.name: _reader(one, loosely)
            for one in attributes.values()
            if not one.multi_valued
            and one.type not in ("complex", UNKNOWN)
            and one.mutability != "readOnly"
            and one.returned != "request"
            and not (loosely and one.type == "dateTime")
        }
    )


def _reader(attribute: Attribute, loosely: bool) -> Reader:
    if not loosely:
        return _scalar
    if attribute.type == "boolean":
        return _boolean
    if attribute.type in _NUMBERS:
        return _integer
    if not attribute.canonical_values:
        return _text
    known: dict[str, str] = {}
    for canonical in attribute.canonical_values:
        known.setdefault(canonical.lower(), canonical)

    def chosen(value: Any) -> Any:
        text = _text(value)
        return text if text is _OTHERWISE else known.get(text.lower(), text)

    return chosen


def _text(value: Any) -> Any:
    if value.__class__ is not str:
        return _OTHERWISE
    text = value.strip()
    # Nothing but blanks, or perhaps a day with more behind it.
    return _OTHERWISE if not text or (len(text) > 10 and text[4] == "-") else text


def _boolean(value: Any) -> Any:
    return value if value is True or value is False else _OTHERWISE


def _integer(value: Any) -> Any:
    return value if value.__class__ is int else _OTHERWISE


def _scalar(value: Any) -> Any:
    return value if value.__class__ in _SCALARS else _OTHERWISE
