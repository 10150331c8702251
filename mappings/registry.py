"""The table of functions: how one is registered, and what they share."""

from __future__ import annotations

from collections.abc import Callable

from mappings.expression import Constant, Function, Node, Scope
from mappings.values import Value, number

FUNCTIONS: dict[str, Function] = {}
"""By lower-case name; filled by `entra_functions` and `our_functions`."""

Check = Callable[[tuple[Node, ...]], str | None]


def function(
    name: str,
    least: int,
    most: int | None,
    *,
    lazy: bool = False,
    blank: tuple[int, ...] = (),
    check: Check | None = None,
) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Register the decorated function; see :class:`mappings.expression.Function`."""

    def register(call: Callable[..., Value]) -> Callable[..., Value]:
        FUNCTIONS[name.lower()] = Function(name, least, most, call, lazy, frozenset(blank), check)
        return call

    return register


def constant(nodes: tuple[Node, ...], index: int) -> str | None:
    """The text written at a position, or None when it is not a plain text."""
    node = nodes[index] if index < len(nodes) else None
    return node.value if isinstance(node, Constant) and isinstance(node.value, str) else None


def whole(scope: Scope, value: Value, name: str) -> int | None:
    """A whole number, or None with a problem that calls it `name`."""
    found = number(value)
    if found is None:
        scope.problem(f"{name} is not a number")
        return None
    return int(found)
