"""Attribute paths over SCIM documents (RFC 7644 section 3.10), read leniently.

`title`, `name.givenName`, `emails[type eq "work"].value`,
`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value`. Names
compare without case (RFC 7643 section 2.1). Where a source sends one object for a
list, or a plain text for `{"value": text}`, it is read as meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mappings.filters import Filter, FilterError, Member, parse_filter
from mappings.language.values import Scalar, Value, clean, truth

_CORE = "urn:ietf:params:scim:schemas:core:2.0:user"
_NAME = re.compile(r"[A-Za-z_$][\w$-]*")


class PathError(ValueError):
    """A path that cannot be read; the text says what and how to put it right."""


class Document:
    """A JSON document whose names are found without regard to case."""

    __slots__ = ("_folded", "chosen", "core")

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._folded: dict[int, dict[str, Any]] = {}
        self.core = self.folded(data)
        self.chosen: dict[str, list[Any]] = {}
        """What paths have found so far, by their `place`: many look into the same objects."""

    def folded(self, holder: Mapping[str, Any]) -> dict[str, Any]:
        """The members of an object of the document, by their names in lower case."""
        found = self._folded.get(id(holder))
        if found is None:
            found = self._folded[id(holder)] = {str(k).lower(): v for k, v in holder.items()}
        return found


@dataclass(frozen=True)
class Path:
    """One parsed path; all names are in lower case, `text` is as written."""

    text: str
    urn: str | None
    attribute: str
    filter: Filter | None = None
    sub: str | None = None

    def read(self, document: Document, several: bool = False) -> Value:
        """The value there.

        Of several matching objects the first counts, primary ones going first;
        with `several`, all of them. A list of plain values always counts whole.
        """
        items = self._items(document)
        if not several and items and is_object(items[0]):
            items = items[:1]
        found: list[Scalar] = []
        for item in items:
            leaf = self._leaf(document, item)
            for one in leaf if isinstance(leaf, list) else (leaf,):
                value = clean(one)
                if value is not None:
                    found.append(value)
        if len(found) > 1:
            return tuple(found)
        return found[0] if found else None

    def reading(self, several: bool = False) -> Callable[[Document], Value]:
        """`read`, with the shortest way to the one text that nearly every path finds."""
        read, urn, attribute = self.read, self.urn, self.attribute
        whole, leaf = self.sub in (None, "value"), self.sub or "value"
        if several:
            return lambda document: read(document, True)

        def plain(document: Document) -> Value:
            value: Any = document.core
            if urn is not None:
                value = value.get(urn)
                if value.__class__ is not dict:
                    return None if value is None else read(document)
                value = document.folded(value)
            value = value.get(attribute)
            if value.__class__ is dict:
                value = document.folded(value).get(leaf)
            elif not whole:
                return None if value is None else read(document)
            if value.__class__ is str:
                return value.strip() or None
            return value if value is None or value.__class__ is bool else read(document)

        def filtered(document: Document) -> Value:
            items = self._items(document)
            if not items:
                return None
            if items[0].__class__ is dict:
                value = document.folded(items[0]).get(leaf)
                if value.__class__ is str:
                    return value.strip() or None
                if value is None:
                    return None
            return read(document)

        return plain if self.filter is None else filtered

    def raw(self, document: Document) -> list[Any]:
        """The objects or plain values there as they are, primary ones first."""
        return list(self._items(document))

    @cached_property
    def place(self) -> str:
        """Where its objects are: the same for every path that reads a part of these."""
        return f"{self.urn}:{self.attribute}[{self.filter!r}]"

    def _items(self, document: Document) -> list[Any]:
        """The objects or plain values there; not to be changed."""
        found = document.chosen.get(self.place)
        if found is None:
            found = document.chosen[self.place] = self._chosen(document)
        return found

    def _chosen(self, document: Document) -> list[Any]:
        holder: Any = document.core
        if self.urn is not None:
            holder = holder.get(self.urn)
            holder = document.folded(holder) if is_object(holder) else {}
        value = holder.get(self.attribute)
        if value is None:
            return []
        items = list(value) if isinstance(value, (list, tuple)) else [value]
        if self.filter is not None:
            items = [item for item in items if self.filter.matches(_member(document, item))]
        if len(items) > 1:
            items.sort(
                key=lambda item: truth(clean(_member(document, item)("primary"))) is not True
            )
        return items

    def _leaf(self, document: Document, item: Any) -> Any:
        if is_object(item):
            return document.folded(item).get(self.sub or "value")
        return item if self.sub in (None, "value") else None

    def cleared_by(self, other: Path) -> bool:
        """Whether the source, emptying `other`, emptied what this path reads."""
        if other.text.lower() == self.urn:
            return True
        if (other.urn, other.attribute) != (self.urn, self.attribute):
            return False
        if None not in (other.sub, self.sub) and other.sub != self.sub:
            return False
        if other.filter is None or self.filter is None:
            return True
        example = other.filter.example()
        if example is None:
            return other.filter == self.filter
        return self.filter.matches(example.get)


def is_object(value: Any) -> bool:
    """A JSON object: nearly always a dict, and this is hot."""
    return value.__class__ is dict or isinstance(value, Mapping)


def _member(document: Document, item: Any) -> Member:
    """How a filter looks into `item`: a plain value is its own `value`."""
    if is_object(item):
        return document.folded(item).get
    return lambda name: item if name == "value" else None


def parse_path(text: str, prefixes: Mapping[str, str] | None = None) -> Path:
    """Parse a path; `prefixes` are short names for URNs (`worker:hireDate`).

    Raises :class:`PathError` when it is not one.
    """
    stripped = text.strip()
    head, found, tail = stripped.partition("[")
    condition: Filter | None = None
    sub: str | None = None
    if found:
        inside, closed, rest = tail.rpartition("]")
        if not closed:
            raise PathError(f"[{stripped}] has no closing bracket; add ]")
        if rest and not rest.startswith("."):
            raise PathError(f"unexpected {rest!r} behind the filter; write .name")
        try:
            condition = parse_filter(inside)
        except FilterError as error:
            raise PathError(str(error)) from error
        sub = rest[1:] if rest else None
    scheme, colon, name = head.rpartition(":")
    written = _urn(scheme, prefixes or {}) if colon else None
    if not found:
        name, dot, after = name.partition(".")
        sub = after if dot else None
    for part in (name, sub):
        if part is not None and not _NAME.fullmatch(part):
            raise PathError(
                f"[{stripped}] is not an attribute path; write name, name.part or"
                ' name[type eq "work"].part'
            )
    shown = stripped if written is None else written + stripped[len(scheme) :]
    urn = written.lower() if written else None
    if urn == _CORE:
        urn = None
    return Path(shown, urn, name.lower(), condition, sub and sub.lower())


def _urn(scheme: str, prefixes: Mapping[str, str]) -> str:
    """The URN a path begins with, short names spelled out."""
    if scheme.lower().startswith("urn:"):
        return scheme
    if scheme in prefixes:
        return prefixes[scheme]
    known = ", ".join(sorted(prefixes)) or "none"
    raise PathError(f"unknown schema prefix {scheme}: (known: {known}); write the full URN")
