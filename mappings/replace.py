"""The five ways of Entra's `Replace`.

Patterns are .NET's. The `regex` package reads their named groups as they are and
can be told when to give up; it is loaded only where a mapping has a pattern.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

PATIENCE = 0.25
"""Seconds one pattern may take on one value."""
_REFERENCE = re.compile(r"\$(?:\$|\{(\w+)\}|(\d+))")


class PatternError(ValueError):
    """A pattern that cannot be used."""


@cache
def compiled(pattern: str) -> Any:
    """The pattern, compiled once. Raises :class:`PatternError`."""
    import regex

    try:
        return regex.compile(pattern)
    except regex.error as error:
        raise PatternError(f"the pattern cannot be used: {error.msg}") from error


def replace_all(source: str, pattern: str, replacement: str) -> str:
    """Every match by `replacement`, in which `${name}`, `$1` and `$$` have .NET's meaning.

    Raises TimeoutError when the pattern takes too long, PatternError.
    """
    expression = compiled(pattern)

    def expand(match: Any) -> str:
        def group(reference: re.Match[str]) -> str:
            if reference[0] == "$$":
                return "$"
            name: str | int = reference[1] or int(reference[2])
            known = name in match.re.groupindex or str(name).isdigit()
            if not known or (str(name).isdigit() and int(name) > match.re.groups):
                return reference[0]
            return match[int(name) if str(name).isdigit() else name] or ""

        return _REFERENCE.sub(group, replacement)

    return str(expression.sub(expand, source, timeout=PATIENCE))


def replace_group(source: str, pattern: str, group: str, replacement: str) -> str:
    """Only what `group` caught, in every match. Raises as :func:`replace_all`."""
    result: list[str] = []
    done = 0
    for match in compiled(pattern).finditer(source, timeout=PATIENCE):
        start, end = match.span(_group(match, group))
        if start >= done:
            result += [source[done:start], replacement]
            done = end
    return "".join(result) + source[done:]


def extract_group(source: str, pattern: str, group: str) -> str | None:
    """What `group` caught in the first match, or None. Raises as :func:`replace_all`."""
    match = compiled(pattern).search(source, timeout=PATIENCE)
    return match[_group(match, group)] if match else None


def _group(match: Any, group: str) -> str | int:
    name: str | int = int(group) if group.isdigit() else group
    if name not in match.re.groupindex and not (isinstance(name, int) and name <= match.re.groups):
        raise PatternError("the pattern has no group of that name")
    return name
