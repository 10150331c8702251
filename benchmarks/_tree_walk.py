"""The language evaluated the plain way: a walk over the tree at every evaluation.

What `mappings/language/compiling.py` is measured against, and its oracle in tests: no
closures, nothing done ahead, names looked up each time.
"""

from __future__ import annotations

from typing import Any

from mappings.language import comparing
from mappings.language.compiling import Names, converter
from mappings.language.expression import FUNCTIONS
from mappings.language.moving import holds
from mappings.language.running import Fail, Run, Skip
from mappings.language.syntax import Attribute, Call, Node, Number, Omitted, Pair, Text, Word
from mappings.language.values import empty, text, truth

_WORDS = {"vbbinarycompare": 0, "vbtextcompare": 1}


def walk(node: Node, names: Names, run: Run, several: bool = False) -> Any:
    """The value of the node. Raises Fail and Skip, as compiled expressions do inside."""
    if isinstance(node, (Text, Number)):
        return node.value
    if isinstance(node, Omitted):
        return None
    if isinstance(node, Attribute):
        reader = names.attribute(node.name)
        run.reads.append(reader)
        return reader.read(run.document, several)
    if isinstance(node, Word):
        if node.name.lower() == "ignoreattributeflow":
            raise Skip
        return _WORDS.get(node.name.lower(), node.name)
    if isinstance(node, Pair):
        left, right = walk(node.left, names, run), walk(node.right, names, run)
        if node.operator == "&":
            return (text(left) or "") + (text(right) or "")
        sign = comparing.order if node.operator in comparing.ORDERING else comparing.equality
        return holds(node.operator, sign(left, right))
    assert isinstance(node, Call)
    return _call(node, names, run, several)


def _call(node: Call, names: Names, run: Run, several: bool) -> Any:
    function = FUNCTIONS[node.name.lower()]
    special = _SPECIAL.get(function.name)
    arguments = list(node.arguments)
    while len(arguments) > function.least and isinstance(arguments[-1], Omitted):
        arguments.pop()
    if special is not None:
        return special(arguments, names, run, several)
    values = []
    for index, argument in enumerate(arguments):
        parameter = function.parameter(index)
        if isinstance(argument, Omitted):
            values.append(None)
            continue
        value = walk(argument, names, run, parameter.kind == "list")
        values.append(converter(parameter.kind, f"{function.name}: {parameter.name}")(value))
    if function.call is None:
        raise Fail(f"{function.name} is not part of this measurement")
    return function.call(run, *values) if function.needs_run else function.call(*values)


def _iif(nodes: list[Node], names: Names, run: Run, several: bool) -> Any:
    taken = nodes[1] if truth(walk(nodes[0], names, run)) else nodes[2]
    return walk(taken, names, run, several)


def _switch(nodes: list[Node], names: Names, run: Run, several: bool) -> Any:
    source = text(walk(nodes[0], names, run)) or ""
    for key, value in zip(nodes[2::2], nodes[3::2], strict=True):
        if (text(walk(key, names, run)) or "") == source:
            return walk(value, names, run, several)
    return walk(nodes[1], names, run, several)


def _coalesce(nodes: list[Node], names: Names, run: Run, several: bool) -> Any:
    values = (walk(node, names, run, several) for node in nodes)
    return next((value for value in values if value is not None and value != ()), None)


def _first_of(nodes: list[Node], names: Names, run: Run, several: bool) -> Any:
    values = (walk(node, names, run, several) for node in nodes)
    return next((value for value in values if not empty(value)), None)


def _both(nodes: list[Node], names: Names, run: Run, several: bool) -> Any:
    return all(truth(walk(node, names, run)) for node in nodes)


def _either(nodes: list[Node], names: Names, run: Run, several: bool) -> Any:
    return any(truth(walk(node, names, run)) for node in nodes)


_SPECIAL: dict[str, Any] = {
    "IIF": _iif,
    "Switch": _switch,
    "Coalesce": _coalesce,
    "FirstOf": _first_of,
    "And": _both,
    "Or": _either,
}
