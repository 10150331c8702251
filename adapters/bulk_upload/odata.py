"""The small part of OData's $filter that Microsoft's provisioning clients use.

`jobid eq 'x' and (activityDateTime ge 2026-03-16T09:00:00Z or status ne 'success')`: paths,
texts in single quotes, instants, `eq ne gt ge lt le`, `and or not`, brackets, and
`contains(sourceIdentity/id,'x')`, `startswith`, `endswith`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MAX_LENGTH = 2000
_MAX_DEPTH = 20
_TOKEN = re.compile(r"\s*(?:([(),])|'((?:[^']|'')*)'|([^\s(),']+))")
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "gt": lambda a, b: bool(a > b),
    "ge": lambda a, b: bool(a >= b),
    "lt": lambda a, b: bool(a < b),
    "le": lambda a, b: bool(a <= b),
}

_FUNCTIONS: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda a, b: b in a,
    "startswith": lambda a, b: a.startswith(b),
    "endswith": lambda a, b: a.endswith(b),
}

Condition = Callable[[Mapping[str, Any]], bool]


class FilterError(ValueError):
    """A filter that is none; the text says where."""


@dataclass(frozen=True)
class Filter:
    """A condition on a resource, and the values to which it pins attributes: those that
    every resource that meets it has. Names of attributes are in lower case."""

    meets: Condition
    pinned: Mapping[str, str]


EVERYTHING = Filter(lambda one: True, {})


def parse(text: str) -> Filter:
    """Read a filter. Raises FilterError."""
    if len(text) > MAX_LENGTH:
        raise FilterError(f"The filter is longer than {MAX_LENGTH} characters.")
    reader = _Reader(list(_tokens(text)))
    found = reader.either(0)
    if reader.at < len(reader.tokens):
        raise FilterError(
            f"The filter goes on behind its end: {reader.tokens[reader.at][1][:40]!r}"
        )
    return found


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise FilterError(f"The filter is not understood at character {at + 1}.")
        at = match.end()
        if match[1]:
            yield "bracket", match[1]
        elif match[2] is not None:
            yield "text", match[2].replace("''", "'")
        else:
            yield "word", match[3]


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0

    def either(self, depth: int) -> Filter:
        found = [self._both(depth)]
        while self._word("or"):
            found.append(self._both(depth))
        if len(found) == 1:
            return found[0]
        return Filter(lambda one: any(part.meets(one) for part in found), {})

    def _both(self, depth: int) -> Filter:
        found = [self._term(depth)]
        while self._word("and"):
            found.append(self._term(depth))
        if len(found) == 1:
            return found[0]
        pinned = {name: value for part in found for name, value in part.pinned.items()}
        return Filter(lambda one: all(part.meets(one) for part in found), pinned)

    def _term(self, depth: int) -> Filter:
        if depth > _MAX_DEPTH:
            raise FilterError("The filter is nested too deeply.")
        if self._word("not"):
            inner = self._term(depth + 1)
            return Filter(lambda one: not inner.meets(one), {})
        if self._take("bracket", "("):
            found = self.either(depth + 1)
            if not self._take("bracket", ")"):
                raise FilterError("A bracket of the filter is not closed.")
            return found
        following = self.tokens[self.at + 1 : self.at + 2]
        if following == [("bracket", "(")] and self.tokens[self.at][1].lower() in _FUNCTIONS:
            return self._function()
        return self._comparison()

    def _function(self) -> Filter:
        compare = _FUNCTIONS[self._next("a name")[1].lower()]
        self._take("bracket", "(")
        path = self._next("a name")
        comma = self._take("bracket", ",")
        literal = self._next("a text")
        if path[0] != "word" or not comma or literal[0] != "text":
            raise FilterError("A function of the filter takes a name and a text: (name,'text').")
        if not self._take("bracket", ")"):
            raise FilterError("A bracket of the filter is not closed.")
        steps, wanted = path[1].lower().split("/"), literal[1].lower()

        def meets(one: Mapping[str, Any]) -> bool:
            value = _value(one, steps)
            return isinstance(value, str) and compare(value.lower(), wanted)

        return Filter(meets, {})

    def _comparison(self) -> Filter:
        path, operator, literal = (
            self._next("a name"),
            self._next("an operator"),
            self._next("a value"),
        )
        compare = _OPERATORS.get(operator[1].lower())
        if path[0] != "word" or operator[0] != "word" or compare is None:
            raise FilterError(
                f"The filter has {operator[1][:40]!r} where eq, ne, gt, ge, lt or le belongs."
            )
        if literal[0] == "bracket":
            raise FilterError("The filter compares with a bracket.")
        steps, wanted = path[1].lower().split("/"), literal[1]
        quoted = literal[0] == "text"

        def meets(one: Mapping[str, Any]) -> bool:
            try:
                return compare(*_comparable(_value(one, steps), wanted, quoted))
            except TypeError:
                return False

        pins = {path[1].lower(): wanted} if operator[1].lower() == "eq" else {}
        return Filter(meets, pins)

    def _next(self, what: str) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise FilterError(f"The filter ends where {what} is expected.")
        self.at += 1
        return self.tokens[self.at - 1]

    def _take(self, kind: str, text: str) -> bool:
        there = self.at < len(self.tokens) and self.tokens[self.at] == (kind, text)
        self.at += there
        return there

    def _word(self, text: str) -> bool:
        there = self.at < len(self.tokens) and self.tokens[self.at][0] == "word"
        there = there and self.tokens[self.at][1].lower() == text
        self.at += there
        return there


def _value(one: Any, steps: list[str]) -> Any:
    for step in steps:
        if not isinstance(one, Mapping):
            return None
        one = next((value for key, value in one.items() if key.lower() == step), None)
    return one


def _comparable(value: Any, wanted: str, quoted: bool) -> tuple[Any, Any]:
    """Both sides as what the value is: text without regard to case, an instant, a truth."""
    if not quoted and wanted.lower() == "null":
        return value, None
    if isinstance(value, bool):
        return value, {"true": True, "false": False}.get(wanted.lower())
    if isinstance(value, int | float):
        try:
            return value, float(wanted)
        except ValueError:
            return value, None
    text = None if value is None else str(value)
    left, right = _instant(text), _instant(wanted)
    if left is not None and right is not None:
        return left, right
    return (None if text is None else text.lower()), wanted.lower()


def _instant(text: str | None) -> datetime | None:
    if text is None or len(text) < 10 or text[4:5] != "-":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
