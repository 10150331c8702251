"""How an outbound rule reads facts: flat, by plain names, without regard to case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mappings.language.registry import Kind as Gives
from mappings.language.values import Value, clean
from mappings.vocabulary import COMPUTED, FACTS, NAMES, Kind

_MISSING: Any = object()
_GIVES: dict[Kind, Gives] = {"text": "text", "bool": "bool", "date": "text", "instant": "text",
                             "list": "list"}  # fmt: skip


class Context:
    """Facts, reserved names and computed facts of one person, names in lower case."""

    __slots__ = ("values",)

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.values = {key.lower(): value for key, value in data.items()}

    def has_null(self, key: str) -> bool:
        """Whether `key` (lower case) is said to be nothing."""
        return self.values.get(key, _MISSING) is None


@dataclass(frozen=True)
class Fact:
    """One fact as a rule reads it; `key` is its name in lower case."""

    text: str
    key: str
    gives: Gives = "any"

    def read(self, document: Context, several: bool = False) -> Value:
        """The fact: text without blanks around it, an empty one as nothing, lists as tuples."""
        value = document.values.get(self.key)
        if value.__class__ is str:
            return value.strip() or None
        if isinstance(value, (list, tuple)):
            found = tuple(one for one in map(clean, value) if one is not None)
            return found or None
        return clean(value)

    def reading(self, several: bool = False) -> Callable[[Context], Value]:
        """`read`, with the shortest way to a text: most facts are one."""
        key, read = self.key, self.read

        def quick(document: Context) -> Value:
            value = document.values.get(key)
            if value.__class__ is str:
                return value.strip() or None
            return None if value is None else read(document, several)

        return quick

    def raw(self, document: Context) -> list[Any]:
        """The values as they are."""
        value = document.values.get(self.key)
        if value is None:
            return []
        return list(value) if isinstance(value, (list, tuple)) else [value]


_KINDS = {known.lower(): kind for known, kind in FACTS.items()}


def fact(name: str) -> Fact:
    """How the fact of that name is read."""
    kind = _KINDS.get(name.lower())
    gives: Gives = _GIVES[kind] if kind is not None else "any"
    return Fact(name, name.lower(), "bool" if name.lower() == "enabled" else gives)


WORDS = (*FACTS, *NAMES, *COMPUTED)
"""What every outbound rule may read."""
