"""Filters as SQL: the part of a filter that columns and indexes can answer.

`translate` gives a condition that every match meets. Where it is exact, nothing else meets
it, and the database alone counts and pages; elsewhere `matching.py` judges what is left.
Conditions are two-valued: a missing value makes them false, never unknown.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, literal, not_, or_, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from scim.filters import And, Comparison, Each, Node, Not, Or, Present
from scim.paths import Path, join
from scim.schema import Attribute, ResourceType
from store import members
from store.resources import MAX_VALUE, place_of
from store.tables import member, resource, resource_value

Condition = ColumnElement[bool]

_ORDER: Mapping[str, Callable[[Any, Any], Any]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


class _Position(GenericFunction[int]):
    """Where a text begins in another, from 1; 0 when it is not there."""

    inherit_cache = True
    name = "muster_position"


@compiles(_Position, "sqlite")
def _instr(element: Any, compiler: Any, **more: Any) -> str:
    return f"instr({compiler.process(element.clauses, **more)})"


@compiles(_Position, "postgresql")
def _strpos(element: Any, compiler: Any, **more: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **more)})"


@dataclass(frozen=True)
class Part:
    """A condition that all matches meet; `exact`: and only they."""

    condition: Condition
    exact: bool = True


def translate(kind: ResourceType, source: str, node: Node) -> Part | None:
    """What a database can say of a filter on resources of `kind`; None: nothing."""
    return _Translator(kind, source).node(node)


class _Translator:
    def __init__(self, kind: ResourceType, source: str) -> None:
        self._kind = kind
        self._source = source
        self._paths = {lookup.path for lookup in kind.lookups if lookup.leaf.filterable}
        self._paths |= {
            lookup.path
            for lookup in kind.lookups
            if lookup.single and lookup.leaf.type in ("string", "reference")
        }

    def node(self, node: Node) -> Part | None:
        if isinstance(node, And):
            return _all([self.node(term) for term in node.terms])
        if isinstance(node, Or):
            return _any([self.node(term) for term in node.terms])
        if isinstance(node, Not):
            return _negated(self.node(node.term))
        if isinstance(node, Each):
            return self._each(node)
        path = node.path
        column = self._column(path)
        if column is not None:
            return _on_column(column, node)
        if path.text == "meta.resourceType" and isinstance(node, Comparison):
            return self._constant(node)
        if rows := self._rows(path):
            return self._on_rows(rows, path, node)
        if path.text in self._paths:
            return self._on_values(path.text, node)
        return None

    def _column(self, path: Path) -> Any:
        if path.extension is not None or path.attribute is None:
            return None
        if path.text == "id":
            return resource.c.id
        if path.text == "externalId":
            return resource.c.external_id
        if path.text == "meta.lastModified":
            return resource.c.modified
        return resource.c.user_key if path.attribute is self._kind.key else None

    def _constant(self, node: Comparison) -> Part | None:
        if node.operator not in ("eq", "ne") or node.value is None:
            return None
        same = node.value == self._kind.name
        return Part(true() if same == (node.operator == "eq") else false())

    # Values in the side table

    def _having(self, path: str, *conditions: Any) -> Condition:
        place = literal(place_of(self._source, self._kind.name, path))
        found = select(resource_value.c.seq).where(resource_value.c.place == place, *conditions)
        return resource.c.seq.in_(found)

    def _on_values(self, path: str, node: Comparison | Present) -> Part | None:
        column = resource_value.c.value
        if isinstance(node, Present):
            return Part(self._having(path, column != ""))
        if node.value is None:
            absent = not_(self._having(path))
            return Part(absent if node.operator == "eq" else self._having(path))
        part = _on_text(column, node.operator, str(node.value), MAX_VALUE)
        if part is None:
            return None
        found = self._having(path, part.condition)
        if node.operator == "ne":
            found = or_(found, not_(self._having(path)))
        return Part(found, part.exact)

    # Members of groups

    def _rows(self, path: Path) -> str | None:
        if path.extension is not None:
            return None
        if path.attribute is not None and path.attribute in (self._kind.members, self._kind.groups):
            return path.attribute.rows
        return None

    def _on_rows(self, rows: str, path: Path, node: Comparison | Present) -> Part | None:
        if isinstance(node, Present):
            if path.sub is not None and path.sub.name != "value":
                return None
            if rows == "members":
                return Part(resource.c.seq.in_(select(member.c.group)))
            return Part(resource.c.id.in_(select(member.c.member)))
        if node.operator != "eq" or path.sub is None or path.sub.name != "value":
            return None
        if node.value is None:
            return None
        # Ids are compared as they are written, whatever a schema says of case.
        named = str(node.literal)
        condition = members.in_group(named) if rows == "members" else members.everyone_in(named)
        return Part(condition)

    # Value paths

    def _each(self, node: Each) -> Part | None:
        if node.path.attribute is None:
            return None
        return self._inside(node.path.extension, node.path.attribute, node.term)

    def _inside(self, extension: str | None, attribute: Attribute, term: Node) -> Part | None:
        """What holds of a resource one of whose values meets `term`."""
        if isinstance(term, And):
            found = _all([self._inside(extension, attribute, one) for one in term.terms])
            return Part(found.condition, False) if found else None
        if isinstance(term, Or):
            return _any([self._inside(extension, attribute, one) for one in term.terms])
        if not isinstance(term, Comparison | Present) or term.path.attribute is None:
            return None
        sub = attribute.sub(term.path.attribute.name)
        path = Path(extension, attribute, sub)
        if isinstance(term, Comparison):
            if term.value is None or term.operator == "ne":
                return None
            inner: Comparison | Present = Comparison(path, term.operator, term.value, term.literal)
        else:
            inner = Present(path)
        if rows := self._rows(path):
            return self._on_rows(rows, path, inner)
        text = join(extension, attribute, sub)
        return self._on_values(text, inner) if text in self._paths else None


def _all(parts: list[Part | None]) -> Part | None:
    usable = [part for part in parts if part is not None]
    if not usable:
        return None
    exact = len(usable) == len(parts) and all(part.exact for part in usable)
    return Part(and_(*(part.condition for part in usable)), exact)


def _any(parts: list[Part | None]) -> Part | None:
    usable = [part for part in parts if part is not None]
    if len(usable) < len(parts):
        return None
    return Part(or_(*(part.condition for part in usable)), all(part.exact for part in usable))


def _negated(part: Part | None) -> Part | None:
    return Part(not_(part.condition)) if part is not None and part.exact else None


def _on_column(column: Any, node: Comparison | Present) -> Part | None:
    missing = column.is_(None)
    if isinstance(node, Present):
        has = column.is_not(None)
        return Part(has if column is resource.c.modified else and_(has, column != ""))
    if node.value is None:
        return Part(missing if node.operator == "eq" else column.is_not(None))
    if column is resource.c.modified:
        if not isinstance(node.value, float):
            return None
        compare = {"eq": operator.eq, "ne": operator.ne, **_ORDER}.get(node.operator)
        return Part(compare(column, literal(node.value))) if compare else None
    part = _on_text(column, node.operator, str(node.value), None)
    if part is None:
        return None
    if node.operator == "ne":
        return Part(or_(missing, part.condition), part.exact)
    return Part(and_(column.is_not(None), part.condition), part.exact)


def _on_text(column: Any, op: str, text: str, longest: int | None) -> Part | None:
    """A comparison with text of which only the first `longest` characters are stored."""
    cut = longest is not None and len(text) >= longest
    wanted = literal(text[:longest])
    if op == "eq":
        return Part(column == wanted, not cut)
    if cut:
        return None
    if op == "ne":
        return Part(column != wanted)
    if op in _ORDER:
        return Part(_ORDER[op](column, wanted))
    if op == "sw":
        begins = func.substr(column, 1, len(text)) == wanted
        end = _behind_all(text)
        bounds = [column >= wanted] + ([column < literal(end)] if end else [])
        return Part(and_(*bounds, begins))
    if op == "co":
        found: Condition = _Position(column, wanted) > 0
    else:
        length = func.length(column)
        tail = func.substr(column, length - len(text) + 1) == wanted
        found = and_(length >= len(text), tail)
    if longest is None:
        return Part(found)
    return Part(or_(found, func.length(column) >= longest), False)


def _behind_all(prefix: str) -> str | None:
    """The least text behind all that begin with `prefix`; None when there is none."""
    while prefix:
        last = ord(prefix[-1])
        if last < 0x10FFFF:
            return prefix[:-1] + chr(0xE000 if last == 0xD7FF else last + 1)
        prefix = prefix[:-1]
    return None
