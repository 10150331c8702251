"""Comparisons: what `=`, `<>`, `>`, `>=`, `<` and `<=` make of two values.

A boolean compares by truth, a number with numeric text by value, an instant with a text
that says one by time, all else as case-sensitive text. Nothing equals an empty text and
is in no order to anything.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mappings.language import moments
from mappings.language.moving import Moving, compared, holds
from mappings.language.running import Run
from mappings.language.values import Value, empty, first, number, text, truth

if TYPE_CHECKING:
    from mappings.language.compiling import Code

ORDERING = frozenset({">", ">=", "<", "<="})


def comparison(operator: str, left: Code, right: Code) -> Callable[[Run], bool]:
    """A closure that compares what two closures give."""
    one, other = left.evaluate, right.evaluate
    sign = order if operator in ORDERING else equality
    if left.moves or right.moves:

        def evaluate_moving(run: Run) -> bool:
            a, b = one(run), other(run)
            if isinstance(a, Moving) or isinstance(b, Moving):
                return holds(operator, compared(a, b, sign, operator, run))
            return holds(operator, sign(a, b))

        return evaluate_moving
    if operator == "=":
        return lambda run: equality(one(run), other(run)) == 0
    if operator == "<>":
        return lambda run: equality(one(run), other(run)) != 0
    return lambda run: holds(operator, order(one(run), other(run)))


def equality(left: Value, right: Value) -> int | None:
    """0 for equal; otherwise the sign of their order, or None when they have none."""
    a, b = first(left), first(right)
    if a.__class__ is str and b.__class__ is str:
        return _sign(a, b)
    pair = _pair(a, b)
    return None if pair is None else _sign(*pair)


def order(left: Value, right: Value) -> int | None:
    """-1, 0 or 1; None when they are in no order. Two numeric texts compare as numbers."""
    a, b = first(left), first(right)
    if empty(a) or empty(b):
        return None
    if isinstance(a, str) and isinstance(b, str):
        numbers = number(a), number(b)
        if None not in numbers:
            return _sign(*numbers)
    pair = _pair(a, b)
    return None if pair is None else _sign(*pair)


def _sign(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


def _pair(left: Value, right: Value) -> tuple[Any, Any] | None:
    """Both sides as things of one kind, or None when they have none in common."""
    if isinstance(left, bool) or isinstance(right, bool):
        truths = truth(left), truth(right)
        return None if None in truths else truths
    if isinstance(left, datetime) or isinstance(right, datetime):
        instants = moments.maybe_moment(left), moments.maybe_moment(right)
        return None if None in instants else instants
    if isinstance(left, (int, float)) or isinstance(right, (int, float)):
        numbers = number(left), number(right)
        return None if None in numbers else numbers
    return text(left) or "", text(right) or ""
