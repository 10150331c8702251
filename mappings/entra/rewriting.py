"""Our expressions in Entra's words: facts as source attributes, our own functions spelled out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mappings.language.expression import FUNCTIONS
from mappings.language.grammar import LONGEST
from mappings.language.syntax import Attribute, Call, Node, Number, Omitted, Pair, Text, written

_CONDITIONS = {"iif": 1, "cbool": 1, "not": 1}
"""Functions of Entra whose first argument may be a comparison."""


class NotExportable(Exception):
    """Entra cannot say this; the text says what."""


class Rewriter:
    """Rewrites nodes; `attribute` says what a fact is in Entra (raises NotExportable). With
    `ours` the functions stay that Entra does not have."""

    def __init__(self, attribute: Callable[[str], Node], *, ours: bool = False) -> None:
        self._attribute = attribute
        self._ours = ours

    def node(self, node: Node) -> Node:
        """The node in Entra's words. Raises :class:`NotExportable`."""
        if isinstance(node, Attribute):
            return self._attribute(node.name.strip())
        if isinstance(node, Pair):
            if node.operator == "&":
                return Call(0, "Append", (self.node(node.left), self.node(node.right)))
            return self._branch(node, Text(0, "True"), Text(0, "False"))
        if not isinstance(node, Call):
            return node
        name = node.name.lower()
        if name in ("and", "or", "in"):
            return self._branch(node, Text(0, "True"), Text(0, "False"))
        if name == "firstof":
            return self._first_of([self.node(argument) for argument in node.arguments])
        if name == "iif":
            condition, then, otherwise = node.arguments
            return self._branch(condition, self.node(then), self.node(otherwise))
        function = FUNCTIONS[name]
        if not function.entra and not self._ours:
            raise NotExportable(f"Entra has no {function.name}")
        return Call(0, function.name, tuple(map(self._argument_of(name), node.arguments)))

    def _argument_of(self, name: str) -> Callable[[Node], Node]:
        if name in _CONDITIONS:
            return self._comparable
        return self.node

    def _comparable(self, node: Node) -> Node:
        """Where Entra takes a comparison as it is."""
        if isinstance(node, Pair) and node.operator != "&":
            return Pair(0, node.operator, self.node(node.left), self.node(node.right))
        return self.node(node)

    def _branch(self, condition: Node, then: Node, otherwise: Node) -> Node:
        """`then` where the condition holds; And, Or, In and Not as nested IIF."""
        name = condition.name.lower() if isinstance(condition, Call) else ""
        parts = condition.parts
        if name == "and":
            for part in reversed(parts):
                then = self._branch(part, then, otherwise)
            return then
        if name == "or":
            for part in reversed(parts):
                otherwise = self._branch(part, then, otherwise)
            return otherwise
        if name == "in":
            source, *values = parts
            equal = tuple(Pair(0, "=", source, value) for value in values)
            there = Call(0, "IsPresent", (source,))  # nothing is in no list, but equals nothing
            return self._branch(Call(0, "And", (there, Call(0, "Or", equal))), then, otherwise)
        if name == "not" and isinstance(parts[0], (Pair, Call)) and _logical(parts[0]):
            return self._branch(parts[0], otherwise, then)
        return Call(0, "IIF", (self._comparable(condition), then, otherwise))

    def _first_of(self, sources: Sequence[Node]) -> Node:
        *before, result = sources
        for source in reversed(before):
            result = Call(0, "Switch", (source, source, Text(0, ""), result))
        return result


def _logical(node: Node) -> bool:
    if isinstance(node, Pair):
        return node.operator != "&"
    return isinstance(node, Call) and node.name.lower() in ("and", "or", "in")


def short_enough(node: Node) -> Node:
    """The node, if Entra takes an expression that long. Raises :class:`NotExportable`."""
    if _length(node, {}) > LONGEST:
        raise NotExportable(f"longer than {LONGEST} characters once spelled out")
    return node


def _length(node: Node, known: dict[int, int]) -> int:
    """Of the written node. Branches that stand in several places are measured once: there
    may be more of them than could ever be written."""
    if id(node) not in known:
        inside = sum(_length(part, known) + 2 for part in node.parts)
        own = len(node.name) if isinstance(node, Call) else 3
        known[id(node)] = inside + own if node.parts else len(written(node))
    return known[id(node)]


def same(one: str, other: str, parse: Callable[[str], Node]) -> bool:
    """Whether two expressions differ in nothing but white space and the case of names."""
    return _folded(parse(one)) == _folded(parse(other))


def _folded(node: Node) -> str:
    if isinstance(node, Call):
        arguments = list(node.arguments)
        function = FUNCTIONS.get(node.name.lower())
        least = function.least if function is not None else 0
        while len(arguments) > least and isinstance(arguments[-1], Omitted):
            arguments.pop()
        return f"{node.name.lower()}({','.join(map(_folded, arguments))})"
    if isinstance(node, Pair):
        return f"{_folded(node.left)}{node.operator}{_folded(node.right)}"
    if isinstance(node, Attribute):
        return f"[{node.name.strip()}]"
    return written(node) if not isinstance(node, Number) else repr(node.value)
