"""The parts of an expression as written, each with its place in the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """A part of an expression; `start` is the index of its first character."""

    start: int

    @property
    def parts(self) -> tuple[Node, ...]:
        """What it is made of, in the order written."""
        return ()


@dataclass(frozen=True)
class Text(Node):
    """`"text"`, its escapes resolved."""

    value: str


@dataclass(frozen=True)
class Number(Node):
    """`42`, `-10`, `42568.75`; `&HF` is 15."""

    value: int | float


@dataclass(frozen=True)
class Omitted(Node):
    """An argument left empty: `Switch([x], , "a", "b")`."""


@dataclass(frozen=True)
class Word(Node):
    """A bare word: `vbTextCompare`, `UTF8`, `IgnoreAttributeFlow`."""

    name: str


@dataclass(frozen=True)
class Attribute(Node):
    """`[name]`, the name as written."""

    name: str


@dataclass(frozen=True)
class Call(Node):
    """`Name(argument, ...)`"""

    name: str
    arguments: tuple[Node, ...]

    @property
    def parts(self) -> tuple[Node, ...]:
        return self.arguments


@dataclass(frozen=True)
class Pair(Node):
    """`left = right` and the other comparisons; `left & right`."""

    operator: str
    left: Node
    right: Node

    @property
    def parts(self) -> tuple[Node, ...]:
        return (self.left, self.right)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything in it, outer before inner, in the order written."""
    yield node
    for part in node.parts:
        yield from walk(part)


def written(node: Node) -> str:
    """The node as text, in one line; parsed again it is the same."""
    if isinstance(node, Text):
        return quoted(node.value)
    if isinstance(node, Number):
        return repr(node.value) if isinstance(node.value, int) else format(node.value, ".15g")
    if isinstance(node, Word):
        return node.name
    if isinstance(node, Attribute):
        return f"[{node.name}]"
    if isinstance(node, Call):
        return f"{node.name}({', '.join(map(written, node.arguments))})"
    if isinstance(node, Pair):
        return f"{written(node.left)} {node.operator} {written(node.right)}"
    return ""


def quoted(value: str) -> str:
    """A text as a constant of the language."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
