"""One rule: an expression with its place in a document, evaluated without ever raising."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mappings.language.expression import Expression, Given, Outcome, Step
from mappings.language.running import NOTHING_GIVEN, Reader
from mappings.language.values import Value
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
        return Result(self, self.expression.run(document, given, self.name))


class Result:
    """What a rule gave."""

    __slots__ = ("outcome", "rule")

    def __init__(self, rule: Rule, outcome: Outcome) -> None:
        self.rule = rule
        self.outcome = outcome

    @property
    def value(self) -> Value:
        return self.outcome.value

    @property
    def reads(self) -> list[Reader]:
        """What was looked at, in order, with repeats."""
        return self.outcome.read

    @property
    def until(self) -> datetime | None:
        return self.outcome.until

    @property
    def origin(self) -> Origin:
        return Traceable(self)

    @property
    def problems(self) -> list[Problem]:
        problem = self.outcome.problem
        return [] if problem is None else [Problem(self.rule.place, problem)]

    def fail(self, message: str) -> None:
        """Note what is wrong with the value, in words that hold no personal value."""
        self.outcome.problem = message


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
        return tuple(dict.fromkeys([reader.text for reader in self._result.outcome.read]))

    @property
    def redacted(self) -> bool:
        return self._result.rule.expression.redacted

    def trace(self) -> Step:
        rule, run = self._result.rule, self._result.outcome.run
        return rule.expression.trace(run.document, run.given, rule.name)

    @property
    def _result(self) -> Result:
        result: Result = self.__dict__["result"]
        return result
