"""`accountDisabled` and `enabled` are opposites: an expression for one made into one for the other.

Going there and back gives the same expression. A rule that gives nothing gives nothing
either way, so that a missing `active` neither enables nor disables.
"""

from __future__ import annotations

from mappings.language.syntax import Attribute, Call, Node, Omitted, Text, quoted, written

_SWAP = {"True": "False", "False": "True", "true": "false", "false": "true",
         "TRUE": "FALSE", "FALSE": "TRUE"}  # fmt: skip


def flipped(node: Node) -> Node:
    """An expression that is True where `node` is False, and the other way round."""
    if isinstance(node, Call):
        name, arguments = node.name.lower(), node.arguments
        if name == "not" and isinstance(arguments[0], Attribute):
            return arguments[0]
        if name == "switch" and [written(a) for a in arguments[1:]] == _TURNED:
            return arguments[0]
    swapped = _swapped(node)
    if swapped is not None:
        return swapped
    return Call(0, "Not", (node,)) if isinstance(node, Attribute) else _turned(node)


_TURNED = ["", quoted("True"), quoted("False"), quoted("False"), quoted("True")]


def _turned(node: Node) -> Node:
    words = ("True", "False", "False", "True")
    return Call(0, "Switch", (node, Omitted(0), *(Text(0, word) for word in words)))


def _swapped(node: Node) -> Node | None:
    """The same with True and False changed over, when every result is one of the two."""
    if isinstance(node, Text):
        word = _SWAP.get(node.value)
        return None if word is None else Text(node.start, word)
    if not isinstance(node, Call):
        return None
    name, arguments = node.name.lower(), list(node.arguments)
    if name == "iif" and len(arguments) == 3:
        results = [1, 2]
    elif name == "switch" and len(arguments) >= 4 and written(arguments[1]) == "":
        results = list(range(3, len(arguments), 2))
    elif name == "switch" and len(arguments) >= 4:
        results = [1, *range(3, len(arguments), 2)]
    else:
        return None
    for index in results:
        swapped = _swapped(arguments[index])
        if swapped is None:
            return None
        arguments[index] = swapped
    return Call(node.start, node.name, tuple(arguments))
