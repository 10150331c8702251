"""An expression: read, checked and compiled; evaluated any number of times.

expression = Expression('Join(" ", [name.givenName], [name.familyName])', names)
result = expression.run(document, Given(now=...))
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import mappings.language.functions  # noqa: F401  (registers the functions)
from mappings.language.compiling import Code, Evaluate, Names, compiled
from mappings.language.grammar import ExpressionError, parse
from mappings.language.registry import FUNCTIONS
from mappings.language.running import NOTHING_GIVEN, Given, Reader, Run, Step
from mappings.language.syntax import Attribute, Call, Node, walk
from mappings.language.values import Value

__all__ = ["FUNCTIONS", "Expression", "ExpressionError", "Given", "Names", "Run", "Step"]


class Expression:
    """Immutable, safe to share between threads. Raises :class:`ExpressionError` when made."""

    def __init__(self, source: str, names: Names, *, several: bool = False) -> None:
        """`several`: the value may be multi-valued."""
        self.source = source
        self.text = " ".join(source.split())
        """In one line, as it is shown."""
        self.root: Node = parse(source)
        self._names = names
        self._several = several
        self._code: Code = compiled(self.root, names, several=several)
        self.evaluate: Evaluate = self._code.evaluate
        """Raises `Fail` and `Skip`; for who has a :class:`Run` already."""
        self.gives = self._code.gives
        self.constant = self._code.constant

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    @cached_property
    def attributes(self) -> tuple[Attribute, ...]:
        """Every attribute that it may read, in the order written."""
        return tuple(node for node in walk(self.root) if isinstance(node, Attribute))

    @property
    def readers(self) -> list[tuple[Attribute, Reader]]:
        """What reads each of them."""
        return [(node, self._names.attribute(node.name)) for node in self.attributes]

    @cached_property
    def calls(self) -> frozenset[str]:
        """The functions it calls."""
        return frozenset(
            FUNCTIONS[node.name.lower()].name for node in walk(self.root) if isinstance(node, Call)
        )

    @cached_property
    def redacted(self) -> bool:
        """Its values are not to be shown."""
        return "Redact" in self.calls

    def run(self, document: Any, given: Given = NOTHING_GIVEN, name: str = "") -> Run:
        """Evaluate; never raises. `name` is the rule's, for what is drawn at random."""
        run = Run(document, given, name)
        run.finish(self.evaluate)
        return run

    @cached_property
    def _candidates(self) -> tuple[Evaluate, ...]:
        assert isinstance(self.root, Call)
        return tuple(compiled(node, self._names).evaluate for node in self.root.arguments)

    @cached_property
    def symbolic(self) -> bool:
        """It asks for something instead of giving a value."""
        return self.selects or self.asks_for_password

    @property
    def selects(self) -> bool:
        """Whether it is a `SelectUniqueValue`."""
        return isinstance(self.root, Call) and self.root.name.lower() == "selectuniquevalue"

    @property
    def asks_for_password(self) -> bool:
        """Whether it is a `NewPassword`."""
        return isinstance(self.root, Call) and self.root.name.lower() == "newpassword"

    def candidates(
        self, document: Any, given: Given = NOTHING_GIVEN, name: str = ""
    ) -> list[Value]:
        """What each rule of a `SelectUniqueValue` gives, in their order."""
        run = Run(document, given, name)  # one for all: no two of them draw the same
        found: list[Value] = []
        for evaluate in self._candidates:
            run.value = None
            run.finish(evaluate)
            found.append(run.value)
        return found

    @cached_property
    def _traced(self) -> Evaluate:
        return compiled(self.root, self._names, several=self._several, traced=True).evaluate

    def trace(self, document: Any, given: Given = NOTHING_GIVEN, name: str = "") -> Step:
        """Evaluate, keeping the value of every part that was looked at.

        Where the rule calls `Redact`, every value reads `[Redact]`.
        """
        run = Run(document, given, name)
        run.steps = []
        run.finish(self._traced)
        step = run.steps[0] if run.steps else Step(self.text, run.value, run.problem)
        return step.hidden() if self.redacted else step
