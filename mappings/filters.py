"""The filter inside a path (`emails[type eq "work"]`): RFC 7644 section 3.4.2.2, in small.

`eq ne co sw ew pr`, `and`, `or`, `not ( )` and brackets, on the members of one
object. Text compares without case, as canonical types do.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from mappings.language.values import clean, text, truth

Member: TypeAlias = Callable[[str], Any]
"""Gives the value of a member by its lower-case name, or None."""

_TOKEN = re.compile(r'\s*(?:([()])|"((?:[^"\\]|\\.)*)"|([^\s()"]+))')
_DEPTH = 20
_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "co": operator.contains,
    "sw": str.startswith,
    "ew": str.endswith,
}


class FilterError(ValueError):
    """A filter that cannot be read; the text says what and how to put it right."""


@dataclass(frozen=True)
class Filter:
    """A node: `and`/`or` with two parts, `not` with one, or a comparison of `name`."""

    operator: str
    name: str = ""
    value: str | bool | None = None
    parts: tuple[Filter, ...] = ()

    @cached_property
    def matches(self) -> Callable[[Member], bool]:
        """Says whether an object with these members passes; made ready for many objects."""
        if self.operator in ("and", "or", "not"):
            return self._joined()
        name, value, equals = self.name, self.value, self.operator == "eq"
        if self.operator == "pr":
            return lambda member: clean(member(name)) is not None
        if isinstance(value, bool):
            return lambda member: (truth(clean(member(name))) == value) == equals
        want, compare = value or "", _COMPARISONS[self.operator]

        def passes(member: Member) -> bool:
            found = member(name)
            if found.__class__ is str:  # nearly always, and this is hot
                return compare(found.strip().lower(), want)
            return compare((text(clean(found)) or "").lower(), want)

        return passes

    def _joined(self) -> Callable[[Member], bool]:
        one = self.parts[0].matches
        if self.operator == "not":
            return lambda member: not one(member)
        other = self.parts[1].matches
        if self.operator == "and":
            return lambda member: one(member) and other(member)
        return lambda member: one(member) or other(member)

    def example(self) -> dict[str, Any] | None:
        """An object that passes, when the filter is made of `eq` and `and` only."""
        if self.operator == "eq":
            return {self.name: self.value}
        if self.operator != "and":
            return None
        result: dict[str, Any] = {}
        for part in self.parts:
            example = part.example()
            if example is None:
                return None
            result.update(example)
        return result


def parse_filter(source: str) -> Filter:
    """Parse the text between the brackets. Raises :class:`FilterError`."""
    return _Parser(source).parse()


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens: list[tuple[str, str]] = []
        position = 0
        body = source.rstrip()
        while position < len(body):
            match = _TOKEN.match(body, position)
            if match is None:
                raise self._error("an open quotation mark")
            position = match.end()
            bracket, quoted, word = match.groups()
            if bracket:
                self.tokens.append(("bracket", bracket))
            elif quoted is not None:
                self.tokens.append(("text", re.sub(r"\\(.)", r"\1", quoted)))
            else:
                self.tokens.append(("word", word))
        self.tokens.append(("end", ""))
        self.position = 0

    def parse(self) -> Filter:
        result = self._or(0)
        if self._peek()[0] != "end":
            raise self._error(f"unexpected {self._peek()[1]!r}")
        return result

    def _or(self, depth: int) -> Filter:
        left = self._and(depth)
        while self._word("or"):
            left = Filter("or", parts=(left, self._and(depth)))
        return left

    def _and(self, depth: int) -> Filter:
        left = self._term(depth)
        while self._word("and"):
            left = Filter("and", parts=(left, self._term(depth)))
        return left

    def _term(self, depth: int) -> Filter:
        if depth > _DEPTH:
            raise self._error("brackets nested too deeply")
        if self._word("not"):
            return Filter("not", parts=(self._group(depth),))
        if self._peek() == ("bracket", "("):
            return self._group(depth)
        kind, name = self._next()
        if kind != "word":
            raise self._error("an attribute name is missing")
        operator = self._next()[1].lower()
        if operator == "pr":
            return Filter("pr", name.lower())
        if operator not in ("eq", "ne", "co", "sw", "ew"):
            raise self._error(f"unknown operator {operator!r}")
        kind, value = self._next()
        if kind == "text":
            return Filter(operator, name.lower(), value.strip().lower())
        folded = value.lower()
        if kind == "word" and folded in ("true", "false") and operator in ("eq", "ne"):
            return Filter(operator, name.lower(), folded == "true")
        if kind == "word" and re.fullmatch(r"-?[0-9.]+", value):
            return Filter(operator, name.lower(), value)
        raise self._error("the value is not a quoted text, a number, true or false")

    def _group(self, depth: int) -> Filter:
        if self._next() != ("bracket", "("):
            raise self._error("a bracket is missing behind not")
        result = self._or(depth + 1)
        if self._next() != ("bracket", ")"):
            raise self._error("a closing bracket is missing")
        return result

    def _peek(self) -> tuple[str, str]:
        return self.tokens[self.position]

    def _next(self) -> tuple[str, str]:
        token = self.tokens[self.position]
        self.position = min(self.position + 1, len(self.tokens) - 1)
        return token

    def _word(self, word: str) -> bool:
        kind, value = self._peek()
        if kind == "word" and value.lower() == word:
            self.position += 1
            return True
        return False

    def _error(self, problem: str) -> FilterError:
        return FilterError(f'filter [{self.source}]: {problem}; write for example [type eq "work"]')
