"""One rule: an expression with its place in a document, evaluated without ever raising."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mappings.language.expression import Expression, Given, Run, Step
from mappings.language.running import NOTHING_GIVEN
from mappings.results import Origin, Problem


@dataclass(frozen=True)
class Rule:
    """`file` and `line` are where its value is written, `name` the fact or attribute."""

    file: str
    line: int
    name: str
    expression: Expression
    locate: Callable[[int], tuple[int, int]] = field(
        default=lambda index: (0, 0), compare=False, repr=False
    )
    """Line and column of a character of the expression; reads the file again."""

    @property
    def place(self) -> str:
        """`mappings/workday.yaml:12 department`"""
        return f"{self.file}:{self.line} {self.name}"

    def run(self, document: Any, given: Given = NOTHING_GIVEN) -> Result:
        """Evaluate; what goes wrong is in the result's problems."""
        result = Result(document, given, self.name)
        result.rule = self
        result.finish(self.expression.evaluate)
        return result


class Result(Run):
    """What a rule gave."""

    __slots__ = ("rule",)
    rule: Rule

    @property
    def origin(self) -> Origin:
        return Traceable(self)

    @property
    def problems(self) -> list[Problem]:
        return [] if self.problem is None else [Problem(self.rule.place, self.problem)]

    def fail(self, message: str) -> None:
        """Note what is wrong with the value, in words that hold no personal value."""
        self.problem = message


class Traceable(Origin):
    """An origin that can be asked for the value of every part of its expression.

    Evaluation is pure, so it is done again when somebody asks, and costs nothing before.
    """

    def __init__(self, result: Result) -> None:
        self.__dict__["result"] = result

    @property
    def rule(self) -> str:
        return self._result.rule.place

    @property
    def expression(self) -> str:
        return self._result.rule.expression.text

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([reader.text for reader in self._result.reads]))

    @property
    def redacted(self) -> bool:
        return self._result.rule.expression.redacted

    def trace(self) -> Step:
        result = self._result
        return result.rule.expression.trace(result.document, result.given, result.name)

    @property
    def _result(self) -> Result:
        result: Result = self.__dict__["result"]
        return result


class Origins(Mapping[str, Origin]):
    """Where the values that rules without anything given find in a document come from.

    A rule is evaluated again when somebody asks for its origin.
    """

    def __init__(self, document: Any) -> None:
        self.document = document
        self.rules: dict[str, Rule] = {}
        """What gave each value, by its name."""

    def __getitem__(self, name: str) -> Origin:
        return self.rules[name].run(self.document).origin

    def __iter__(self) -> Iterator[str]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)
