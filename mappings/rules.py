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

    def origin(self) -> Origin:
        return Traceable(self.rule, self.document, self.given)

    @property
    def problems(self) -> list[Problem]:
        return [] if self.problem is None else [Problem(self.rule.place, self.problem)]

    def fail(self, message: str) -> None:
        """Note what is wrong with the value, in words that hold no personal value."""
        self.problem = message


class Traceable(Origin):
    """An origin that can be asked what was read, and for the value of every part.

    Evaluation is pure, so it is done again when somebody asks, and costs nothing before.
    """

    def __init__(self, rule: Rule, document: Any, given: Given) -> None:
        self.__dict__["asked"] = rule, document, given

    @property
    def rule(self) -> str:
        return self._asked[0].place

    @property
    def expression(self) -> str:
        return self._asked[0].expression.text

    @property
    def reads(self) -> tuple[str, ...]:
        rule, document, given = self._asked
        return tuple(dict.fromkeys([one.text for one in rule.run(document, given).reads]))

    @property
    def redacted(self) -> bool:
        return self._asked[0].expression.redacted

    def trace(self) -> Step:
        rule, document, given = self._asked
        return rule.expression.trace(document, given, rule.name)

    @property
    def _asked(self) -> tuple[Rule, Any, Given]:
        asked: tuple[Rule, Any, Given] = self.__dict__["asked"]
        return asked


class Reserved(Traceable):
    """Of a value that was reserved before: nothing was read for it."""

    @property
    def reads(self) -> tuple[str, ...]:
        return ()


class Origins(Mapping[str, Origin]):
    """Why each value is what it is; each origin is made when somebody asks for it."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.rules: dict[str, Rule] = {}
        """What gave each value."""

    def __getitem__(self, name: str) -> Origin:
        return Traceable(self.rules[name], self.document, NOTHING_GIVEN)

    def __iter__(self) -> Iterator[str]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)
