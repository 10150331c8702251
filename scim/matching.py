"""Whether a document meets a filter: the in-memory evaluation of `filters.py`'s tree.

A missing attribute is null (RFC 7643 section 2.5): it equals null and differs from all
else. Of a multi-valued attribute one value has to meet the comparison (RFC 7644 3.4.2.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scim.filters import And, Comparison, Each, Literal, Node, Not, Or, Present
from scim.folding import fold
from scim.paths import Path, elements, member, values
from scim.schema import UNKNOWN, Attribute
from store.clocks import parse_instant


def matches(node: Node, document: Any) -> bool:
    """Whether `document` (a resource, or inside a value path one value) meets `node`."""
    if isinstance(node, Comparison):
        return _comparison(node, document)
    if isinstance(node, And):
        return all(matches(term, document) for term in node.terms)
    if isinstance(node, Or):
        return any(matches(term, document) for term in node.terms)
    if isinstance(node, Not):
        return not matches(node.term, document)
    if isinstance(node, Present):
        return any(_holds_something(value) for value in _values(document, node.path))
    assert isinstance(node, Each)
    return any(matches(node.term, value) for value in values(document, node.path))


def _values(document: Any, path: Path) -> list[Any]:
    if isinstance(document, Mapping):
        return list(values(document, path))
    # A plain value of a list, such as a text: its only sub-attribute is itself, `value`.
    attribute = path.attribute
    return [document] if attribute is not None and attribute.name.lower() == "value" else []


def _compared(document: Any, path: Path) -> list[Any]:
    """The values at a path; that an element is primary is false where it is not said
    (RFC 7643 section 2.4)."""
    leaf = path.leaf
    if leaf is None or leaf.name != "primary" or leaf.type != "boolean":
        return [value for value in _values(document, path) if value is not None]
    whole = Path(path.extension, path.attribute)
    items = [document] if path.sub is None else values(document, whole)
    found = [member(item, leaf) for item in items if isinstance(item, Mapping)]
    return [False if value is None else value for value in found]


def _holds_something(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_something(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_holds_something(inner) for inner in value)
    return value is not None and value != ""


def _comparison(node: Comparison, document: Any) -> bool:
    if node.value is None:
        held = any(value is not None for value in _values(document, node.path))
        return held == (node.operator == "ne")
    found = _compared(document, node.path)
    leaf = node.path.leaf
    assert leaf is not None
    if leaf.type == UNKNOWN:
        found = [_plain(value) for value in found]
    if not found:
        return node.operator == "ne"
    return any(_compare(leaf, node.operator, value, node.value) for value in found)


def _plain(value: Any) -> Any:
    """An undeclared complex value compares by its `value`."""
    if not isinstance(value, Mapping):
        return value
    return next(elements(member(value, Attribute("value", UNKNOWN))), "")


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda found, wanted: found == wanted,
    "ne": lambda found, wanted: found != wanted,
    "co": lambda found, wanted: wanted in found,
    "sw": lambda found, wanted: found.startswith(wanted),
    "ew": lambda found, wanted: found.endswith(wanted),
    "gt": lambda found, wanted: found > wanted,
    "ge": lambda found, wanted: found >= wanted,
    "lt": lambda found, wanted: found < wanted,
    "le": lambda found, wanted: found <= wanted,
}


def _compare(leaf: Attribute, operator: str, found: Any, wanted: Literal) -> bool:
    if leaf.type == "dateTime" and isinstance(wanted, float):
        try:
            found = parse_instant(found)
        except (ValueError, OverflowError, AttributeError):
            return operator == "ne"
    elif isinstance(found, str) and not leaf.case_exact:
        found = fold(found)
    if _kind(found) is not _kind(wanted):
        return operator == "ne"
    if operator not in ("eq", "ne") and _kind(found) is bool:
        return False
    if operator in ("co", "sw", "ew") and _kind(found) is not str:
        return False
    return _OPERATORS[operator](found, wanted)


def _kind(value: Any) -> type:
    if isinstance(value, bool):
        return bool
    return float if isinstance(value, int | float) else type(value)
