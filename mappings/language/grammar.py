"""Reads expressions as Entra's attribute mappings write them: a Pratt parser.

    Join(" ", [name.givenName], [name.familyName])
    IIF([userType] = "Contingent", "extern", Coalesce([department], "none"))

`[name]`, `"text"` (with `\\"` and `\\\\`), numbers, calls, arguments left empty, bare
words, `&`, and comparisons, which bind less tightly. White space is free.
"""

from __future__ import annotations

import re

from mappings.language.syntax import Attribute, Call, Node, Number, Omitted, Pair, Text, Word

LONGEST = 10_000
"""Characters; Entra's own limit."""
_DEPTH = 120
_NUMBER = re.compile(r"-?[0-9]{1,25}(?:\.[0-9]{1,18})?(?![\w.])")
_HEX = re.compile(r"&[Hh]([0-9A-Fa-f]{1,16})(?![\w.])")
_WORD = re.compile(r"[A-Za-z_]\w*")
_OPERATOR = re.compile(r"<>|>=|<=|[=><&]")
_JOIN, _COMPARE = 2, 1
"""How tightly operators bind."""


class ExpressionError(ValueError):
    """An expression that cannot be used: what is wrong at which character, and the remedy."""

    def __init__(self, problem: str, remedy: str, position: int) -> None:
        super().__init__(f"{problem} (character {position + 1}); {remedy}")
        self.problem = problem
        self.remedy = remedy
        self.position = position
        """Index of the first character it is about."""


def parse(source: str) -> Node:
    """The syntax of an expression; names are not looked up. Raises :class:`ExpressionError`."""
    if len(source) > LONGEST:
        raise ExpressionError(f"longer than {LONGEST} characters", "split the rule", LONGEST)
    return _Parser(source).parse()


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.depth = 0

    def parse(self) -> Node:
        node = self._expression(0)
        if self._blanks():
            raise self._error(
                f"unexpected {self.source[self.at]!r}", "remove it, or put text in quotation marks"
            )
        return node

    def _expression(self, power: int) -> Node:
        """An operand and the operators behind it that bind more tightly than `power`."""
        left = self._operand()
        compared = False
        while self._blanks() and not _HEX.match(self.source, self.at):
            match = _OPERATOR.match(self.source, self.at)
            binding = _JOIN if match and match[0] == "&" else _COMPARE
            if match is None or binding <= power:
                break
            if compared and binding == _COMPARE:
                raise self._error("two comparisons in a row", "write And(a = b, b = c)")
            compared = compared or binding == _COMPARE
            self.at = match.end()
            left = Pair(left.start, match[0], left, self._expression(binding))
        return left

    def _operand(self) -> Node:
        character = self._blanks()
        start = self.at
        if character == "[":
            return Attribute(start, self._name())
        if character == '"':
            return Text(start, self._text())
        match = _HEX.match(self.source, start)
        if match:
            self.at = match.end()
            return Number(start, int(match[1], 16))
        match = _NUMBER.match(self.source, start)
        if match:
            self.at = match.end()
            return Number(start, float(match[0]) if "." in match[0] else int(match[0]))
        match = _WORD.match(self.source, start)
        if match:
            self.at = match.end()
            if self._blanks() != "(":
                return Word(start, match[0])
            self.at += 1
            return Call(start, match[0], self._arguments())
        if not character:
            raise self._error("the expression ends too early", "add what is missing")
        raise self._error(
            f"unexpected {character!r}", "expected [attribute], a quoted text, a number or a call"
        )

    def _name(self) -> str:
        """What stands between brackets; brackets inside nest, unless they are quoted."""
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
                    self.at = position + 1
                    return self.source[start + 1 : position]
        raise self._error("this [ is never closed", "add the closing ]")

    def _text(self) -> str:
        parts: list[str] = []
        position = self.at + 1
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

    def _arguments(self) -> tuple[Node, ...]:
        self.depth += 1
        if self.depth > _DEPTH:
            raise self._error("nested too deeply", "split the rule")
        arguments: list[Node] = []
        if self._blanks() == ")":
            self.at += 1
            self.depth -= 1
            return ()
        while True:
            character = self._blanks()
            if character in (",", ")"):
                arguments.append(Omitted(self.at))
            elif character:
                arguments.append(self._expression(0))
            character = self._blanks()
            if not character:
                raise self._error("a call is never closed", "add the closing )")
            if character not in (",", ")"):
                raise self._error(
                    f"unexpected {character!r}",
                    "separate arguments with , and close the call with )",
                )
            self.at += 1
            if character == ")":
                self.depth -= 1
                return tuple(arguments)

    def _blanks(self) -> str:
        """Skip white space; the character that follows, or an empty text at the end."""
        while self.at < len(self.source) and self.source[self.at].isspace():
            self.at += 1
        return self.source[self.at : self.at + 1]

    def _error(self, problem: str, remedy: str) -> ExpressionError:
        return ExpressionError(problem, remedy, self.at)
