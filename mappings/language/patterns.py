"""Regular expressions as .NET writes them, with a limit to the time they may take.

The `regex` package reads .NET's named groups as they are and can be told when to give
up; it is loaded only where a mapping has a pattern.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

PATIENCE = 0.25
"""Seconds one pattern may take on one value."""
LONGEST_RESULT = 1_000_000
"""Characters. No rule needs more, and nested ones must not fill the memory."""
_REFERENCE = re.compile(r"\$(?:([$&`'+_])|\{(\w+)\}|(\d+))")
_NUMBERED = re.compile(r"(?<!\\)(?:\\\\)*\\([1-9])")
_SUBTRACTION = re.compile(r"(?<!\\)(?:\\\\)*\[[^\]]*-\[")


class PatternError(ValueError):
    """A pattern that cannot be used."""


class TooLong(Exception):
    """A result longer than :data:`LONGEST_RESULT`."""


class TooSlow(Exception):
    """A pattern that took longer than :data:`PATIENCE`."""


@lru_cache(1000)
def compiled(pattern: str) -> Any:
    """The pattern, compiled once. Raises :class:`PatternError`."""
    import regex

    if _SUBTRACTION.search(pattern):
        raise PatternError("the pattern subtracts one class from another, which is not known here")
    try:
        found = regex.compile(pattern)
    except regex.error as error:
        raise PatternError(f"the pattern cannot be used: {error.msg}") from error
    if found.groupindex and len(found.groupindex) < found.groups and _NUMBERED.search(pattern):
        # .NET counts groups without a name first, and so means another group by \1
        raise PatternError("the pattern mixes named groups with a back-reference by number")
    return found


def matches(source: str, pattern: str) -> bool:
    """Whether the pattern is found anywhere in the text. Raises TooSlow, PatternError."""
    try:
        return compiled(pattern).search(source, timeout=PATIENCE) is not None
    except TimeoutError as error:
        raise TooSlow from error


def replace_all(source: str, pattern: str, replacement: str) -> str:
    """Every match by `replacement`, in which `${name}`, `$1`, `$&` and `$$` have .NET's meaning.

    Raises TooSlow, TooLong, PatternError.
    """
    expression = compiled(pattern)
    room = LONGEST_RESULT - len(source)
    numbers = _dotnet_numbers(expression)

    def expand(match: Any) -> str:
        nonlocal room
        expanded = _REFERENCE.sub(lambda reference: group(match, reference), replacement)
        room -= len(expanded)
        if room < 0:
            raise TooLong
        return expanded

    def group(match: Any, reference: re.Match[str]) -> str:
        sign, name = reference[1], reference[2] or reference[3]
        if sign is not None:
            return _special(sign, match, source)
        if name in expression.groupindex:
            return match[name] or ""
        if name.isdigit() and int(name) in numbers:
            return match[numbers[int(name)]] or ""
        return reference[0]

    try:
        return str(expression.sub(expand, source, timeout=PATIENCE))
    except TimeoutError as error:
        raise TooSlow from error


def _special(sign: str, match: Any, source: str) -> str:
    if sign == "$":
        return "$"
    if sign == "&":
        return str(match[0])
    if sign == "`":
        return source[: match.start()]
    if sign == "'":
        return source[match.end() :]
    return source if sign == "_" else str(match[match.lastindex or 0] or "")


@lru_cache(1000)
def _dotnet_numbers(expression: Any) -> dict[int, int]:
    """.NET's number of each group: those without a name first, then the named ones."""
    named = sorted(expression.groupindex.values())
    order = [0, *(i for i in range(1, expression.groups + 1) if i not in named), *named]
    return dict(enumerate(order))


def replace_group(source: str, pattern: str, group: str, replacement: str) -> str:
    """Only what `group` caught, in every match. Raises as :func:`replace_all`."""
    result: list[str] = []
    done, room = 0, LONGEST_RESULT - len(source)
    try:
        for match in compiled(pattern).finditer(source, timeout=PATIENCE):
            start, end = match.span(_group(match.re, group))
            if start >= done:
                result += [source[done:start], replacement]
                done = end
                room -= len(replacement)
                if room < 0:
                    raise TooLong
    except TimeoutError as error:
        raise TooSlow from error
    return "".join(result) + source[done:]


def extract_group(source: str, pattern: str, group: str) -> str | None:
    """What `group` caught in the first match, or None. Raises as :func:`replace_all`."""
    try:
        match = compiled(pattern).search(source, timeout=PATIENCE)
    except TimeoutError as error:
        raise TooSlow from error
    return match[_group(match.re, group)] if match else None


def has_group(pattern: str, group: str) -> bool:
    """Whether the pattern has a group of that name or number. Raises PatternError."""
    expression = compiled(pattern)
    return group in expression.groupindex or (
        group.isdigit() and int(group) in _dotnet_numbers(expression)
    )


def _group(expression: Any, group: str) -> str | int:
    if group in expression.groupindex:
        return group
    numbers = _dotnet_numbers(expression)
    if not group.isdigit() or int(group) not in numbers:
        raise PatternError("the pattern has no group of that name")
    return numbers[int(group)]
