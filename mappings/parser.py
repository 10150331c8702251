"""Reads expressions as Entra's attribute mappings write them.

    Join(" ", [name.givenName], [name.familyName])
    IIF([userType] = "Contingent", "extern", Coalesce([department], "none"))

`[path]`, `"text"` (with `\\"` and `\\\\`), numbers, calls, arguments left empty,
comparisons inside conditions, and `&` to join. White space is free.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mappings.expression import Attribute, Call, Comparison, Constant, Node, Omitted
from mappings.functions import FUNCTIONS
from mappings.paths import PathError, parse_path

LONGEST = 10_000
"""Characters; Entra's own limit."""
_DEPTH = 60
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?(?![\w.])")
_HEX = re.compile(r"&[Hh]([0-9A-Fa-f]{1,16})(?![\w.])")
_WORD = re.compile(r"[A-Za-z_]\w*")
_COMPARE = re.compile(r"<>|>=|<=|=|>|<")
_BARE = {"vbbinarycompare": 0, "vbtextcompare": 1}
_CONDITIONS = {"IIF", "CBool", "Not"}


class ExpressionError(ValueError):
    """An expression that cannot be read: what is wrong at which character, and the remedy."""

    def __init__(self, problem: str, remedy: str, position: int) -> None:
        super().__init__(f"{problem} (character {position + 1}); {remedy}")
        self.problem = f"{problem} (character {position + 1})"
        self.remedy = remedy


@dataclass(frozen=True)
class Expression:
    """A parsed expression and the text it came from."""

    text: str
    root: Node


def parse(source: str, prefixes: Mapping[str, str] | None = None) -> Expression:
    """Parse an expression; `prefixes` are short names for URNs in paths.

    Raises :class:`ExpressionError`.
    """
    if len(source) > LONGEST:
        raise ExpressionError(f"longer than {LONGEST} characters", "split the rule", LONGEST)
    return Expression(" ".join(source.split()), _Parser(source, prefixes or {}).parse())


def attributes(node: Node) -> list[Attribute]:
    """Every attribute an expression may read, in the order written."""
    if isinstance(node, Attribute):
        return [node]
    if isinstance(node, Call):
        return [found for argument in node.arguments for found in attributes(argument)]
    if isinstance(node, Comparison):
        return attributes(node.left) + attributes(node.right)
    return []


class _Parser:
    def __init__(self, source: str, prefixes: Mapping[str, str]) -> None:
        self.source = source
        self.prefixes = prefixes
        self.at = 0

    def parse(self) -> Node:
        node = self._joined(0)
        self._blanks()
        if self.at < len(self.source):
            if _COMPARE.match(self.source, self.at):
                raise self._error(
                    "a comparison outside a condition", "write IIF(a = b, value, other value)"
                )
            raise self._error(
                f"unexpected {self.source[self.at]!r}", "remove it, or put text in quotation marks"
            )
        return node

    def _joined(self, depth: int) -> Node:
        node = self._one(depth)
        while self._blanks() == "&" and not _HEX.match(self.source, self.at):
            self.at += 1
            node = Call(FUNCTIONS["append"], (node, self._one(depth)))
        return node

    def _one(self, depth: int) -> Node:
        if depth > _DEPTH:
            raise self._error("nested too deeply", "split the rule")
        character = self._blanks()
        if character == "[":
            return self._attribute()
        if character == '"':
            return Constant(self._text())
        for pattern in (_HEX, _NUMBER):
            match = pattern.match(self.source, self.at)
            if match:
                self.at = match.end()
                if pattern is _HEX:
                    return Constant(int(match[1], 16))
                return Constant(float(match[0]) if "." in match[0] else int(match[0]))
        match = _WORD.match(self.source, self.at)
        if match:
            return self._word(match, depth)
        if not character:
            raise self._error("the expression ends too early", "add what is missing")
        raise self._error(
            f"unexpected {character!r}", "expected [attribute], a quoted text, a number or a call"
        )

    def _attribute(self) -> Node:
        start = self.at
        depth, quoted = 0, False
        for position in range(start, len(self.source)):
            character = self.source[position]
            if character == '"' and self.source[position - 1] != "\\":
                quoted = not quoted
            elif not quoted and character == "[":
                depth += 1
            elif not quoted and character == "]":
                depth -= 1
                if depth == 0:
                    break
        else:
            raise self._error("this [ is never closed", "add the closing ]")
        self.at = position + 1
        try:
            return Attribute(parse_path(self.source[start + 1 : position], self.prefixes))
        except PathError as error:
            problem, _, remedy = str(error).rpartition("; ")
            self.at = start
            raise self._error(problem, remedy) from error

    def _text(self) -> str:
        start = self.at
        parts: list[str] = []
        position = start + 1
        while position < len(self.source):
            character = self.source[position]
            if character == '"':
                self.at = position + 1
                return "".join(parts)
            if character == "\\" and self.source[position + 1 : position + 2] in ('"', "\\"):
                position += 1
                character = self.source[position]
            parts.append(character)
            position += 1
        raise self._error("this text is never closed", 'add the closing " (write \\" inside)')

    def _word(self, match: re.Match[str], depth: int) -> Node:
        start, word = self.at, match[0]
        self.at = match.end()
        if self._blanks() != "(":
            if word.lower() in _BARE:
                return Constant(_BARE[word.lower()])
            self.at = start
            raise self._error(
                f"{word} is neither a call nor an attribute",
                f'write [{word}] for the attribute, "{word}" for the text',
            )
        function = FUNCTIONS.get(word.lower())
        if function is None:
            names = {known.name.lower(): known.name for known in FUNCTIONS.values()}
            near = difflib.get_close_matches(word.lower(), names, 1)
            remedy = f"did you mean {names[near[0]]}?" if near else "see docs/mappings.md"
            self.at = start
            raise self._error(f"there is no function {word}", remedy)
        self.at += 1
        arguments = self._arguments(depth, function.name in _CONDITIONS)
        end, self.at = self.at, start
        while len(arguments) > function.least and isinstance(arguments[-1], Omitted):
            arguments.pop()
        least, most = function.least, function.most
        wanted = f"{least}" if most == least else f"{least} to {most}" if most else f"{least}+"
        if len(arguments) < least or (most is not None and len(arguments) > most):
            raise self._error(
                f"{function.name} has {len(arguments)} arguments", f"it takes {wanted}"
            )
        for index, argument in enumerate(arguments[:least]):
            if isinstance(argument, Omitted) and index not in function.blank:
                raise self._error(
                    f"argument {index + 1} of {function.name} is empty", "it cannot be left out"
                )
        complaint = function.check and function.check(tuple(arguments))
        if complaint:
            raise self._error(f"{function.name}: {complaint}", "see docs/mappings.md")
        self.at = end
        return Call(function, tuple(arguments))

    def _arguments(self, depth: int, condition_first: bool) -> list[Node]:
        arguments: list[Node] = []
        if self._blanks() == ")":
            self.at += 1
            return arguments
        while True:
            if self._blanks() == "":
                raise self._error("a call is never closed", "add the closing )")
            if self._blanks() in (",", ")"):
                arguments.append(Omitted())
            else:
                arguments.append(self._argument(depth, condition_first and not arguments))
            character = self._blanks()
            if character not in (",", ")"):
                raise self._error(
                    f"unexpected {character!r}" if character else "a call is never closed",
                    "separate arguments with , and close the call with )",
                )
            self.at += 1
            if character == ")":
                return arguments

    def _argument(self, depth: int, condition: bool) -> Node:
        left = self._joined(depth + 1)
        self._blanks()
        match = _COMPARE.match(self.source, self.at)
        if match is None:
            return left
        if not condition:
            raise self._error(
                "a comparison outside a condition", "write IIF(a = b, value, other value)"
            )
        self.at = match.end()
        return Comparison(match[0], left, self._joined(depth + 1))

    def _blanks(self) -> str:
        """Skip white space; the character that follows, or an empty text at the end."""
        while self.at < len(self.source) and self.source[self.at].isspace():
            self.at += 1
        return self.source[self.at : self.at + 1]

    def _error(self, problem: str, remedy: str) -> ExpressionError:
        return ExpressionError(problem, remedy, self.at)
