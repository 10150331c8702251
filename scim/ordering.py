"""Sorting (RFC 7644 section 3.4.2.3): by what attribute, which way, and what has no value.

Text that is not caseExact is compared without regard to case. A multi-valued attribute
counts by its primary value, else by its first. What has no value comes last, or first when
the order is descending.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim.errors import ScimError, invalid_value
from scim.folding import fold
from scim.paths import PathError, container, elements, member, resolve
from scim.schema import UNKNOWN, Attribute, ResourceType
from store.clocks import parse_instant
from store.lists import Order

_COLUMNS = {"id": "id", "externalId": "externalId", "meta.lastModified": "modified"}
Rank = tuple[int, Any, Any]


@dataclass(frozen=True)
class Sorting:
    """An order over resources. `by` is an attribute path as the client wrote it."""

    by: str
    descending: bool = False

    def by_index(self, kind: ResourceType) -> bool:
        """Whether a column of the database has this order."""
        return self._column(kind) is not None

    def order(self, kind: ResourceType) -> Order:
        """The order as the database's, where `by_index`."""
        return Order(self._column(kind) or "seq", self.descending)

    def _column(self, kind: ResourceType) -> str | None:
        try:
            text = resolve(kind, self.by, keep_unknown=False).text
        except PathError:
            return None
        if kind.key is not None and text == kind.key.name:
            return "userKey"
        return _COLUMNS.get(text)

    def key(self, kind: ResourceType, document: Mapping[str, Any]) -> Any:
        """The value by which a document is sorted, JSON-able, None when it has none."""
        try:
            path = resolve(kind, self.by, keep_unknown=True)
        except PathError:
            return None
        if path.attribute is None or path.leaf is None:
            return None
        found = list(elements(member(container(document, path.extension), path.attribute)))
        first = next((one for one in found if _is_primary(one)), found[0] if found else None)
        leaf = path.leaf
        if path.sub is not None:
            first = member(first, path.sub)
        elif isinstance(first, Mapping):
            leaf = path.attribute.sub("value") or Attribute("value", UNKNOWN)
            first = member(first, leaf)
        return _comparable(leaf, next(elements(first), None))

    def rank(self, key: Any) -> Rank:
        """A key in a form that Python can order; without a value it comes last."""
        if key is None:
            return (9, 0, 0)
        if isinstance(key, bool):
            return (1, int(key), 0)
        if isinstance(key, int | float):
            return (2, key, 0)
        return (3, str(key), 0)

    def behind(self, keys: Sequence[tuple[Any, int, int]], mark: Sequence[Any]) -> int:
        """The position in sorted `keys` of the first behind `mark`, one of them once."""
        value, position, seq = mark
        there = (self.rank(value), (position, seq))
        for at, (key, of, number) in enumerate(keys):
            here = self.rank(key)
            further = here < there[0] if self.descending else here > there[0]
            if further or (here == there[0] and (of, number) > there[1]):
                return at
        return len(keys)


def read(kinds: Sequence[ResourceType], by: str, order: str | None) -> Sorting:
    """The parameters sortBy and sortOrder. Raises ScimError 400 for what is neither."""
    word = (order or "ascending").lower()
    if word not in ("ascending", "descending"):
        raise invalid_value("sortOrder: ascending or descending is expected.")
    for kind in kinds:
        try:
            path = resolve(kind, by.strip(), keep_unknown=False)
        except PathError:
            continue
        leaf = path.leaf
        if leaf is None or (leaf.type == "complex" and leaf.sub("value") is None):
            raise ScimError(400, f"sortBy: name a sub-attribute of {by[:80]}.", "invalidPath")
        if leaf.returned == "never":
            raise ScimError(400, f"sortBy: {by[:80]} cannot be looked at.", "invalidPath")
        return Sorting(by.strip(), word == "descending")
    raise ScimError(400, f"sortBy: there is no attribute {by[:80]!r}.", "invalidPath")


def _is_primary(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("primary") is True


def _comparable(leaf: Attribute, value: Any) -> Any:
    if isinstance(value, str):
        if leaf.type == "dateTime":
            try:
                return parse_instant(value)
            except (ValueError, OverflowError):
                return value
        return value if leaf.case_exact else fold(value)
    return value if isinstance(value, bool | int | float) else None
