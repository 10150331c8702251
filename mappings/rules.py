"""One rule: an expression with its place in a document, evaluated without ever raising."""

from __future__ import annotations

from dataclasses import dataclass

from mappings.expression import Scope
from mappings.parser import Expression
from mappings.paths import Document, Path
from mappings.results import Origin, Problem
from mappings.values import Value


@dataclass(frozen=True)
class Rule:
    """`file` and `line` are where its value is written, `name` the fact or attribute."""

    file: str
    line: int
    name: str
    expression: Expression

    @property
    def place(self) -> str:
        """`mappings/workday.yaml:12 department`"""
        return f"{self.file}:{self.line} {self.name}"

    def run(self, document: Document, several: bool = False) -> Result:
        """Evaluate; what goes wrong is in the result's problems."""
        scope = Scope(document)
        try:
            value = self.expression.root.evaluate(scope, several)
        except Exception as error:  # a rule must never stop a person, whatever it meets
            value = None
            scope.problem(f"the rule failed ({type(error).__name__})")
        return Result(self, value, scope)


@dataclass(frozen=True)
class Result:
    """What a rule gave."""

    rule: Rule
    value: Value
    scope: Scope

    @property
    def reads(self) -> list[Path]:
        return list(self.scope.reads.values())

    @property
    def origin(self) -> Origin:
        return Origin(self.rule.place, self.rule.expression.text, tuple(self.scope.reads))

    @property
    def problems(self) -> list[Problem]:
        return [Problem(self.rule.place, message) for message in self.scope.problems]
