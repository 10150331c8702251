"""One row of attributeMappings: its expression, and how it flows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mappings.entra.report import Report
from mappings.entra.schema import listed
from mappings.language.expression import FUNCTIONS
from mappings.language.grammar import ExpressionError, parse
from mappings.language.syntax import (
    Attribute,
    Call,
    Node,
    Omitted,
    Pair,
    Text,
    quoted,
    walk,
    written,
)
from mappings.results import Hold

_HOLDS: dict[str, Hold] = {"Always": "own", "ObjectAddOnly": "seed", "AttributeAddOnly": "default"}


@dataclass(frozen=True)
class Row:
    """What flows into one target attribute."""

    target: str
    expression: str
    has_source: bool
    default: str | None
    priority: int
    flow: str

    @property
    def hold(self) -> Hold | None:
        """None for what only adds values. A default alone fills what is empty."""
        return _HOLDS.get(self.flow) if self.has_source else "default"

    @property
    def kind(self) -> str:
        return self.hold or "adds"

    @property
    def shown(self) -> str:
        return f"{self.target} = {' '.join(self.expression.split())}"


def read_row(written_row: Mapping[str, Any], report: Report) -> Row | None:
    """The row, or None with a line in the report when it cannot be used."""
    target = str(written_row.get("targetAttributeName") or "")
    source, default = written_row.get("source"), written_row.get("defaultValue")
    default = None if default in (None, "") else str(default)
    if not target:
        report.add("hand", "a row without a target attribute", "nothing can be made of it")
        return None
    if isinstance(source, Mapping):
        expression = expression_of(source)
    else:
        expression = None if default is None else quoted(default)
    if not expression:
        report.add("hand", target, "it has neither a source nor a default value")
        return None
    problem = _problem(expression)
    if problem is not None:
        report.add("hand", f"{target} = {' '.join(expression.split())}", problem)
        return None
    if isinstance(source, Mapping):
        _cross_check(target, source, parse(expression), report)
    priority = written_row.get("matchingPriority")
    return Row(
        target,
        expression,
        isinstance(source, Mapping),
        default,
        priority if isinstance(priority, int) else 0,
        str(written_row.get("flowType") or "Always"),
    )


def expression_of(source: Mapping[str, Any]) -> str | None:
    """The expression of a source; made from its parts where the text is missing."""
    written_expression = source.get("expression")
    kind = str(source.get("type") or "").lower()
    if isinstance(written_expression, str) and written_expression.strip():
        if kind == "constant" and not written_expression.lstrip().startswith('"'):
            return quoted(written_expression)
        return written_expression.strip()
    name = source.get("name")
    if not isinstance(name, str) or not name:
        return None
    if kind == "constant":
        return quoted(name)
    if kind == "function":
        return f"{name}({', '.join(_arguments(name, source))})"
    return f"[{name}]"


def _arguments(name: str, source: Mapping[str, Any]) -> list[str]:
    """The arguments of a function in their places: what is left out of a call is missing in
    the tree, so the keys say where the others stand."""
    keys = [key.lower() for key in _keys(name)]
    placed: dict[int, str] = {}
    for parameter in listed(source, "parameters"):
        key = str(parameter.get("key")).lower()
        key = _ALSO.get(key, key)
        place = max(placed, default=-1) + 1
        if key in keys and keys.index(key) not in placed:
            place = keys.index(key)
        elif key == _SWITCHED.lower():
            place = max(place, len(keys))
        placed[place] = expression_of(parameter.get("value") or {}) or ""
    return [placed.get(place, "") for place in range(max(placed, default=-1) + 1)]


def _problem(expression: str) -> str | None:
    """Why an expression cannot be used here; None when it can."""
    try:
        node = parse(expression)
    except ExpressionError as error:
        return str(error)
    for part in walk(node):
        if isinstance(part, Call) and part.name.lower() not in FUNCTIONS:
            return f"there is no function {part.name} here"
        if isinstance(part, Attribute) and part.name.strip() in (
            "IsSoftDeleted",
            "appRoleAssignments",
        ):
            return f"[{part.name}] is Entra's own; no HR system says it"
    return None


def _cross_check(target: str, source: Mapping[str, Any], node: Node, report: Report) -> None:
    """The tree of parameters beside the text should read the same attributes."""
    if not listed(source, "parameters") or any(isinstance(part, Pair) for part in walk(node)):
        return  # how a tree writes a comparison is documented nowhere
    said = {part.name.strip() for part in walk(node) if isinstance(part, Attribute)}
    tree = set(_tree_attributes(source))
    if said != tree:
        odd = ", ".join(sorted(said ^ tree))
        why = f"its parameters and its expression differ in {odd}; the expression counts"
        report.add("changed", target, why)


def _tree_attributes(source: Mapping[str, Any]) -> list[str]:
    if str(source.get("type") or "").lower() == "attribute":
        return [str(source.get("name"))]
    return [
        name
        for parameter in listed(source, "parameters")
        for name in _tree_attributes(parameter.get("value") or {})
    ]


_KEYS: dict[str, list[str]] = {
    "switch": ["source", "defaultValue"],
    "replace": ["source", "Find", "regexPattern", "regexGroupName", "Replacement",
                "replacementAttributeName", "template"],
    "mid": ["source", "start", "length"],
    "append": ["source", "suffix"],
    "join": ["separator", "source"],
}  # fmt: skip
"""Keys of the tree of parameters, as Entra writes them; for what its examples do not show,
the names of its function reference."""
_ALSO = {"oldvalue": "find", "replacementvalue": "replacement"}
"""Names of the function reference that somebody may have taken for keys -> the key."""
_SWITCHED = "switchValue"
"""The key of all that `Switch` compares and gives, one after the other."""


def source_of(node: Node) -> dict[str, Any]:
    """A source object, with its tree of parameters, as Entra writes it."""
    if isinstance(node, Attribute):
        name = node.name.strip()
        return {"expression": f"[{name}]", "name": name, "parameters": [], "type": "Attribute"}
    if isinstance(node, Text):
        return {
            "expression": quoted(node.value),
            "name": node.value,
            "parameters": [],
            "type": "Constant",
        }
    if isinstance(node, Call):
        return {
            "expression": written(node),
            "name": node.name,
            "parameters": [
                {"key": _key(node.name, index), "value": source_of(argument)}
                for index, argument in enumerate(node.arguments)
                if not isinstance(argument, Omitted)
            ],
            "type": "Function",
        }
    text = written(node)
    return {"expression": text, "name": text, "parameters": [], "type": "Constant"}


def _keys(function: str) -> list[str]:
    """The keys of the arguments of a function; of those that repeat, the first one's."""
    if (keys := _KEYS.get(function.lower())) is not None:
        return keys
    known = FUNCTIONS.get(function.lower())
    return ["source", *(one.name for one in known.parameters[1:])] if known else ["source"]


def _key(function: str, index: int) -> str:
    keys = _keys(function)
    if index < len(keys):
        return keys[index]
    if function.lower() == "switch":
        return _SWITCHED
    return FUNCTIONS[function.lower()].parameter(index).name
