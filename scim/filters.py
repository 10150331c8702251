"""SCIM filters (RFC 7644 section 3.4.2.2): text becomes an immutable, schema-checked tree.

The grammar is scim2-filter-parser's, corrected (`grammar.py`); its tree is turned into ours
at once, and `matching.py` evaluates that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scim2_filter_parser import ast

from scim import grammar
from scim.errors import invalid_filter
from scim.folding import fold
from scim.paths import Path, PathError, resolve, sub_attribute
from scim.schema import UNKNOWN, Attribute, ResourceType
from store.clocks import parse_instant

_ORDERED = frozenset(("gt", "ge", "lt", "le"))
_PARTIAL = frozenset(("co", "sw", "ew"))

Literal = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class And:
    """All terms hold."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one term holds."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The term does not hold."""

    term: Node


@dataclass(frozen=True, slots=True)
class Present:
    """`pr`: there is a value."""

    path: Path


@dataclass(frozen=True, slots=True)
class Comparison:
    """One attribute against one literal. `operator` is lower case. `value` is ready to
    compare: folded unless caseExact, epoch seconds for instants; `literal` is as written."""

    path: Path
    operator: str
    value: Literal
    literal: Literal


@dataclass(frozen=True, slots=True)
class Each:
    """A value path: some value of `path` meets `term`, whose paths start at the value."""

    path: Path
    term: Node


Node = And | Or | Not | Present | Comparison | Each


@lru_cache(maxsize=1024)
def parse(
    kind: ResourceType, text: str, *, loosely: bool = False, undeclared: bool = False
) -> Node:
    """The tree of a filter on resources of `kind`.

    `loosely` lets undeclared attributes, booleans and words without quotes or in them, and
    `emails[0].value` pass; `undeclared` only attributes that no schema declares, as
    attributes without a value (section 3.4.2.1). Raises ScimError 400 invalidFilter.
    """
    reader = _Reader(kind, None, loosely, undeclared or loosely)
    return reader.node(grammar.tree(text, loosely=loosely))


@lru_cache(maxsize=1024)
def parse_value_filter(
    kind: ResourceType, attribute: Attribute, text: str, *, loosely: bool = False
) -> Node:
    """The tree of what stands in the brackets behind `attribute` in a PATCH path."""
    return _Reader(kind, attribute, loosely, loosely).node(grammar.tree(text, loosely=loosely))


@dataclass(frozen=True)
class _Reader:
    """Turns the library's tree into ours; `parent` is set inside a value path."""

    kind: ResourceType
    parent: Attribute | None
    loosely: bool
    undeclared: bool

    def node(self, node: Any) -> Node:
        if isinstance(node, ast.Filter):
            if node.namespace is not None:
                return self._each(node)
            inner = self.node(node.expr)
            return Not(inner) if node.negated else inner
        if isinstance(node, ast.LogExpr):
            join: type[And] | type[Or] = And if node.op.lower() == "and" else Or
            terms: list[Node] = []
            for side in (self.node(node.expr1), self.node(node.expr2)):
                terms.extend(side.terms if isinstance(side, join) else (side,))
            return join(tuple(terms))
        return self._expression(node)

    def _each(self, node: Any, *more: Node) -> Node:
        if self.parent is not None or isinstance(node.namespace.attr_name, ast.AST):
            raise invalid_filter("Value filters cannot be nested.")
        path = self._path(node.namespace)
        if path.attribute is None or path.sub is not None:
            raise invalid_filter(f"{path.text} cannot have a value filter.")
        inner = _Reader(self.kind, path.attribute, self.loosely, self.undeclared).node(node.expr)
        return Each(path, And((inner, *more)) if more else inner)

    def _expression(self, node: Any) -> Node:
        operator = node.value.lower()
        literal = node.comp_value.value if node.comp_value is not None else None
        target = node.attr_path
        if not isinstance(target.attr_name, ast.AST):
            return self._compare(self._path(target), operator, literal)
        # `emails[type eq "work"].value eq "x"` and `emails[type eq "work"] pr`
        value_path = target.attr_name
        namespace = value_path.namespace
        if isinstance(namespace.attr_name, ast.AST):
            raise invalid_filter("Value filters cannot be nested.")
        sub, namespace.sub_attr = namespace.sub_attr, None
        if sub is None and operator == "pr":
            return self._each(value_path)
        if sub is None and not self.loosely:
            raise invalid_filter("A value filter stands alone, or a sub-attribute follows it.")
        parent = self._path(namespace).attribute
        inner = _Reader(self.kind, parent, self.loosely, self.undeclared)
        name = ast.AttrPath(sub.value if sub else "value", None, None)
        return self._each(value_path, inner._compare(inner._path(name), operator, literal))

    def _path(self, node: Any) -> Path:
        name = node.attr_name
        sub = node.sub_attr.value if node.sub_attr else None
        try:
            if self.parent is None:
                text = f"{node.uri}:{name}" if node.uri else name
                text = f"{text}.{sub}" if sub else text
                return resolve(self.kind, text, keep_unknown=self.undeclared, loosely=self.loosely)
            if node.uri or sub:
                raise PathError(f"{name} in a value filter must be a sub-attribute")
            if self.parent.type not in ("complex", UNKNOWN) and name.lower() == "value":
                case_exact = self.parent.case_exact
                return Path(None, Attribute("value", self.parent.type, case_exact=case_exact))
            return Path(None, sub_attribute(self.parent, name, self.undeclared))
        except PathError as error:
            raise invalid_filter(f"Filter: {error}.") from None

    def _compare(self, path: Path, operator: str, literal: Literal) -> Node:
        leaf = path.leaf
        if leaf is not None and leaf.returned == "never":
            raise invalid_filter(f"{path.text} cannot be searched.")
        if operator == "pr":
            return Present(path)
        if leaf is not None and leaf.type == "complex":
            leaf = leaf.sub("value")
            path = Path(path.extension, path.attribute, leaf)
        if leaf is None:
            raise invalid_filter(f"{path.text} is not a single value: name a sub-attribute.")
        return Comparison(path, operator, self._literal(leaf, operator, literal), literal)

    def _literal(self, leaf: Attribute, operator: str, literal: Literal) -> Literal:
        if literal is None:
            if operator not in ("eq", "ne"):
                raise invalid_filter(f"{operator} cannot compare with null.")
            return None
        if self.loosely and leaf.type != UNKNOWN:
            literal = _loose(leaf, literal)
        fits, operators = _RULES[leaf.type]
        if operator not in operators:
            raise invalid_filter(f"{operator} is not for {leaf.type} attributes ({leaf.name}).")
        if leaf.type == "dateTime" and operator in _PARTIAL:
            fits = _is_text
        if not fits(literal):
            raise invalid_filter(f"{leaf.name} is a {leaf.type}; {literal!r:.80} is not.")
        if leaf.type == "dateTime" and operator not in _PARTIAL:
            return parse_instant(str(literal))
        if isinstance(literal, str) and not leaf.case_exact:
            return fold(literal)
        return literal


def _loose(leaf: Attribute, literal: Literal) -> Literal:
    if leaf.type == "boolean" and isinstance(literal, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(literal.lower(), literal)
    if leaf.type in ("integer", "decimal") and isinstance(literal, str):
        return int(literal) if re.fullmatch(r"-?[0-9]{1,15}", literal) else literal
    if leaf.type in ("string", "reference") and not isinstance(literal, str | bool):
        return str(literal)
    return literal


def _is_text(literal: Literal) -> bool:
    return isinstance(literal, str)


def _is_number(literal: Literal) -> bool:
    return isinstance(literal, int | float) and not isinstance(literal, bool)


def _is_instant(literal: Literal) -> bool:
    try:
        return isinstance(literal, str) and parse_instant(literal) is not None
    except (ValueError, OverflowError):
        return False


_EQUAL = frozenset(("eq", "ne"))
_ALL = _EQUAL | _ORDERED | _PARTIAL
_RULES: dict[str, tuple[Callable[[Literal], bool], frozenset[str]]] = {
    "string": (_is_text, _ALL),
    "reference": (_is_text, _ALL),
    "binary": (_is_text, _EQUAL | _PARTIAL),
    "boolean": (lambda literal: isinstance(literal, bool), _EQUAL),
    "integer": (_is_number, _EQUAL | _ORDERED),
    "decimal": (_is_number, _EQUAL | _ORDERED),
    "dateTime": (_is_instant, _ALL),
    UNKNOWN: (lambda literal: True, _ALL),
}


def sole_equality(node: Node) -> tuple[str, str] | None:
    """Attribute and text of a filter that says only that one core attribute equals a text."""
    if (
        isinstance(node, Comparison)
        and node.operator == "eq"
        and node.path.extension is None
        and node.path.sub is None
        and isinstance(node.value, str)
        and node.path.attribute is not None
    ):
        return node.path.attribute.name, node.value
    return None


def mentions(node: Node, attribute: Attribute) -> bool:
    """Whether a filter looks at that core attribute."""
    if isinstance(node, And | Or):
        return any(mentions(term, attribute) for term in node.terms)
    if isinstance(node, Not):
        return mentions(node.term, attribute)
    return node.path.attribute is attribute
