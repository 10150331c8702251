"""The nodes of a parsed expression, and what evaluating them leaves behind.

Evaluation is lazy: a branch that is not taken is not looked at. It never raises;
what goes wrong is noted in the :class:`Scope` and gives nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mappings.paths import Document, Path
from mappings.values import Value, empty, first, number, text, truth


@dataclass
class Scope:
    """One evaluation: the document, the paths it read, and what went wrong."""

    document: Document
    reads: dict[str, Path] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def problem(self, message: str) -> None:
        """Note what went wrong, in words that hold no personal value."""
        self.problems.append(message)


class Node:
    """A part of an expression."""

    def evaluate(self, scope: Scope, several: bool = False) -> Value:
        """The value; with `several`, all values of multi-valued attributes."""
        raise NotImplementedError


@dataclass(frozen=True)
class Constant(Node):
    """A text or number as written."""

    value: str | int | float

    def evaluate(self, scope: Scope, several: bool = False) -> Value:
        return self.value


@dataclass(frozen=True)
class Omitted(Node):
    """An argument left empty: `Switch([x], , "a", "b")`."""

    def evaluate(self, scope: Scope, several: bool = False) -> Value:
        return None


@dataclass(frozen=True)
class Attribute(Node):
    """`[path]`"""

    path: Path

    def evaluate(self, scope: Scope, several: bool = False) -> Value:
        scope.reads[self.path.text] = self.path
        return self.path.read(scope.document, several)


@dataclass(frozen=True)
class Function:
    """What a name stands for.

    `lazy` functions get the nodes and evaluate what they need:
    `call(nodes, scope, several)`; the others get values: `call(scope, *values)`.
    `blank` are the positions (from 0) below `least` that may be left empty.
    `check` looks at the written arguments once, at load, and returns a complaint.
    """

    name: str
    least: int
    most: int | None
    call: Callable[..., Value]
    lazy: bool = False
    blank: frozenset[int] = frozenset()
    check: Callable[[tuple[Node, ...]], str | None] | None = None


@dataclass(frozen=True)
class Call(Node):
    """`Name(argument, ...)`"""

    function: Function
    arguments: tuple[Node, ...]

    def evaluate(self, scope: Scope, several: bool = False) -> Value:
        if self.function.lazy:
            return self.function.call(self.arguments, scope, several)
        values = [argument.evaluate(scope) for argument in self.arguments]
        return self.function.call(scope, *values)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Comparison(Node):
    """`left = right` and the like, only inside a condition.

    A boolean compares by truth, a number with numeric text by value, all else as
    case-sensitive text. Nothing equals an empty text and is in no order to anything.
    """

    operator: str
    left: Node
    right: Node

    def evaluate(self, scope: Scope, several: bool = False) -> Value:
        left, right = first(self.left.evaluate(scope)), first(self.right.evaluate(scope))
        if self.operator in _ORDER:
            if empty(left) or empty(right):
                return False
            pair = _comparable(left, right)
            return False if pair is None else _ORDER[self.operator](*pair)
        pair = _comparable(left, right)
        return (pair is not None and pair[0] == pair[1]) == (self.operator == "=")


def _comparable(left: Value, right: Value) -> tuple[Any, Any] | None:
    """Both sides as things of one kind, or None when they have none in common."""
    if isinstance(left, bool) or isinstance(right, bool):
        return truth(left), truth(right)
    if isinstance(left, (int, float)) or isinstance(right, (int, float)):
        numbers = number(left), number(right)
        return None if None in numbers else numbers
    return text(left) or "", text(right) or ""
