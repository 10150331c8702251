"""Turns the nodes of an expression into closures, once, and checks what can be known before.

A closure takes the :class:`Run` and gives the value. Arguments are read as the kind the
function wants; a call of constants is done at once, so that what can never work is found
when the mapping is loaded. `several` asks for all values of a multi-valued attribute.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from mappings.language import comparing, moments
from mappings.language.grammar import ExpressionError
from mappings.language.moving import Moving, settled
from mappings.language.registry import FUNCTIONS, Function, Kind
from mappings.language.running import Fail, Reader, Run, Skip, Step
from mappings.language.syntax import (
    Attribute,
    Call,
    Node,
    Number,
    Omitted,
    Pair,
    Text,
    Word,
    written,
)
from mappings.language.values import many, number, text, truth

Evaluate = Callable[[Run], Any]
Table = Mapping[str, Mapping[str, str]]
"""A look-up table: key -> column -> value; a table of one column calls it `value`."""

VARIES: Any = object()
"""No constant."""


class Code(NamedTuple):
    """A compiled node."""

    evaluate: Evaluate
    gives: Kind = "any"
    constant: Any = VARIES
    moves: bool = False
    """May give a :class:`Moving`, which only some functions take."""


@dataclass(frozen=True)
class Names:
    """What the words of an expression stand for in its document.

    `attribute` raises ValueError (`problem; remedy`) for a name that it does not know.
    """

    attribute: Callable[[str], Reader]
    tables: Mapping[str, Table]


_WORDS: dict[str, Any] = {
    "vbbinarycompare": 0, "vbtextcompare": 1, "casesensitive": 0, "caseinsensitive": 1,
    "unicode": "Unicode", "ascii": "ASCII", "utf8": "UTF8",
}  # fmt: skip
_FLOW = {"ignoreattributeflow": False, "ignoreobjectflow": True}
_NEVER = {
    ("bool", "whole"), ("bool", "number"), ("bool", "date"), ("whole", "date"), ("number", "date"),
    ("date", "whole"), ("date", "number"),
}  # fmt: skip
_SAYS = {"whole": "a number", "number": "a number", "date": "a date", "bool": "True or False"}


def compiled(node: Node, names: Names, *, several: bool = False, traced: bool = False) -> Code:
    """The whole expression. Raises :class:`ExpressionError`."""
    code = Builder(names, traced, node).code(node, several)
    return Code(_settling(code), code.gives, code.constant)


class Builder:
    """Compiles one expression; functions that compile themselves get it."""

    def __init__(self, names: Names, traced: bool, root: Node) -> None:
        self.names = names
        self.traced = traced
        self.root = root

    def value(self, node: Node, several: bool = False) -> Evaluate:
        """A closure that gives a plain value."""
        return _settling(self.code(node, several))

    def text(self, node: Node) -> Callable[[Run], str | None]:
        """A closure that gives one text, or None."""
        return self.argument(node, "text", "")

    def condition(self, node: Node) -> Callable[[Run], bool | None]:
        """A closure that gives True or False, or None for neither."""
        return self.argument(node, "bool", "")

    def code(self, node: Node, several: bool = False) -> Code:
        """The node compiled. Raises :class:`ExpressionError`."""
        code = self._code(node, several)
        if self.traced and not isinstance(node, (Text, Number, Omitted, Word)):
            return code._replace(evaluate=_traced(code.evaluate, written(node)), constant=VARIES)
        return code

    def argument(self, node: Node, kind: Kind, what: str) -> Evaluate:
        """A closure that gives the node's value as `kind`; a failure calls it `what`."""
        code = self.code(node, several=kind == "list")
        self._refuse(node, code.gives, kind, what)
        return self._read(node, code, kind, what)

    def constant(self, call: Call, index: int) -> str | None:
        """The text written at a position, or None when it is not a plain text."""
        node = call.arguments[index] if index < len(call.arguments) else None
        return node.value if isinstance(node, Text) else None

    def error(self, node: Node, problem: str, remedy: str) -> ExpressionError:
        return ExpressionError(problem, remedy, node.start)

    # --- the nodes ---------------------------------------------------------------------

    def _code(self, node: Node, several: bool) -> Code:
        if isinstance(node, (Text, Number)):
            constant = node.value
            kind: Kind = "text" if isinstance(node, Text) else "number"
            return Code(lambda run: constant, kind, constant)
        if isinstance(node, Omitted):
            return Code(lambda run: None, "any", None)
        if isinstance(node, Attribute):
            return self._attribute(node, several)
        if isinstance(node, Word):
            return self._word(node)
        if isinstance(node, Pair):
            return self._pair(node)
        assert isinstance(node, Call)
        return self._call(node, several)

    def _attribute(self, node: Attribute, several: bool) -> Code:
        try:
            reader = self.names.attribute(node.name)
        except ValueError as error:
            problem, _, remedy = str(error).rpartition("; ")
            raise self.error(node, problem, remedy) from error
        read = reader.reading(several)

        def evaluate(run: Run) -> Any:
            run.reads.append(reader)
            return read(run.document)

        return Code(evaluate, getattr(reader, "gives", "any"))

    def _word(self, node: Word) -> Code:
        word = node.name.lower()
        if word in _FLOW:
            whole = _FLOW[word]

            def leave(run: Run) -> Any:
                raise Skip(whole)

            return Code(leave)
        if word in _WORDS:
            constant = _WORDS[word]
            return Code(lambda run: constant, "any", constant)
        if word in FUNCTIONS:
            raise self.error(node, f"{node.name} is not called", f"write {node.name}(...)")
        raise self.error(
            node,
            f"{node.name} is neither a call nor an attribute",
            f'write [{node.name}] for the attribute, "{node.name}" for the text',
        )

    def _pair(self, node: Pair) -> Code:
        if node.operator == "&":
            left, right = self.text(node.left), self.text(node.right)
            return Code(lambda run: (left(run) or "") + (right(run) or ""), "text")
        one, other = self.code(node.left), self.code(node.right)
        return Code(comparing.comparison(node.operator, one, other), "bool")

    def _call(self, node: Call, several: bool) -> Code:
        function = FUNCTIONS.get(node.name.lower())
        if function is None:
            known = {f.name.lower(): f.name for f in FUNCTIONS.values()}
            near = difflib.get_close_matches(node.name.lower(), known, 1)
            remedy = f"did you mean {known[near[0]]}?" if near else "see docs/mappings.md"
            raise self.error(node, f"there is no function {node.name}", remedy)
        call = Call(node.start, function.name, _trimmed(node.arguments, function))
        self._check(function, call)
        if function.build is not None:
            code = function.build(self, call, several)
            return code if code.gives != "any" else code._replace(gives=function.gives)
        return self._plain(function, call)

    def _check(self, function: Function, call: Call) -> None:
        count = len(call.arguments)
        least, most = function.least, function.most
        if count < least or (most is not None and count > most):
            wanted = f"{least}" if most == least else f"{least} to {most}" if most else f"{least}+"
            raise self.error(call, f"{function.name} has {count} arguments", f"it takes {wanted}")
        for index, argument in enumerate(call.arguments):
            if isinstance(argument, Omitted) and not function.parameter(index).optional:
                raise self.error(
                    argument,
                    f"argument {index + 1} of {function.name} is empty",
                    "it cannot be left out",
                )
        complaint = function.check(self, call) if function.check else None
        if complaint:
            raise self.error(call, f"{function.name}: {complaint}", "see docs/mappings.md")

    def _plain(self, function: Function, call: Call) -> Code:
        """A call of a function that gets values."""
        apply = function.call
        assert apply is not None
        codes: list[Code] = []
        readers: list[Evaluate] = []
        moves = False
        for index, node in enumerate(call.arguments):
            parameter = function.parameter(index)
            if isinstance(node, Omitted):
                readers.append(lambda run: None)
                codes.append(Code(readers[-1], constant=None))
                continue
            code = self.code(node, several=parameter.kind == "list")
            what = f"{function.name}: {parameter.name}"
            self._refuse(node, code.gives, parameter.kind, what)
            codes.append(code)
            moves = moves or (code.moves and function.follows_now)
            readers.append(self._read(node, code, parameter.kind, what))
        if function.needs_run:
            return Code(lambda run: apply(run, *[read(run) for read in readers]), function.gives)
        if moves:
            return Code(_following(function, codes), function.gives, moves=True)
        evaluate = _calling(apply, readers, [code.constant is VARIES for code in codes])
        if self.traced or any(code.constant is VARIES for code in codes):
            return Code(evaluate, function.gives)
        return self._ahead(call, evaluate, function.gives)

    def _ahead(self, node: Node, evaluate: Evaluate, gives: Kind) -> Code:
        """A call of constants, done once and for all."""
        try:
            constant = evaluate(Run(None))
        except Fail as failure:
            raise self.error(node, str(failure), "this can never give a value") from failure
        return Code(lambda run: constant, gives, constant)

    # --- arguments ---------------------------------------------------------------------

    def _refuse(self, node: Node, gives: Kind, kind: Kind, what: str) -> None:
        if (gives, kind) in _NEVER:
            raise self.error(
                node,
                f"{what} is {_SAYS[gives]}, not {_SAYS[kind]}",
                f"give it {_SAYS[kind]}, or a text that says one",
            )

    def _read(self, node: Node, code: Code, kind: Kind, what: str) -> Evaluate:
        if kind == "any":
            return _settling(code)
        convert = converter(kind, what)
        if code.constant is not VARIES:
            try:
                constant = convert(code.constant)
            except Fail as failure:
                raise self.error(node, str(failure), "this can never give a value") from failure
            return lambda run: constant
        evaluate = _settling(code)
        return lambda run: convert(evaluate(run))


def converter(kind: Kind, what: str) -> Callable[[Any], Any]:
    """How a value is read as `kind`. The result raises :class:`Fail` when it is none."""
    if kind == "text":
        return text
    if kind == "str":
        return lambda value: text(value) or ""
    if kind == "bool":
        return truth
    if kind == "list":
        return many
    if kind == "date":
        return lambda value: moments.moment(value, what)
    if kind == "any":
        return lambda value: value

    def numeric(value: Any) -> Any:
        found = number(value)
        if found is None:
            raise Fail(f"{what} is not a number")
        return int(found) if kind == "whole" else found

    return numeric


def _trimmed(arguments: tuple[Node, ...], function: Function) -> tuple[Node, ...]:
    """Without what is left empty at the end and need not be there."""
    count = len(arguments)
    while count > function.least and isinstance(arguments[count - 1], Omitted):
        count -= 1
    return arguments[:count]


def _settling(code: Code) -> Evaluate:
    if not code.moves:
        return code.evaluate
    evaluate = code.evaluate
    return lambda run: settled(evaluate(run), run)


def _calling(apply: Callable[..., Any], readers: list[Evaluate], varies: list[bool]) -> Evaluate:
    """The common numbers of arguments without the cost of a list."""
    if len(readers) == 1:
        (one,) = readers
        return lambda run: apply(one(run))
    if len(readers) == 2:
        one, two = readers
        return lambda run: apply(one(run), two(run))
    if len(readers) == 3:
        one, two, three = readers
        return lambda run: apply(one(run), two(run), three(run))
    if readers and not any(varies[1:]):
        one = readers[0]
        rest = [read(Run(None)) for read in readers[1:]]
        return lambda run: apply(one(run), *rest)
    return lambda run: apply(*[read(run) for read in readers])


def _following(function: Function, codes: list[Code]) -> Evaluate:
    """A call whose result moves with the time of day when an argument does."""
    apply = function.call
    assert apply is not None
    converters = [
        converter(function.parameter(i).kind, f"{function.name}: {function.parameter(i).name}")
        for i in range(len(codes))
    ]

    def at(values: list[Any], instant: datetime) -> Any:
        plain = [value.at(instant) if isinstance(value, Moving) else value for value in values]
        return called(plain)

    def called(values: list[Any]) -> Any:
        return apply(*[convert(v) for convert, v in zip(converters, values, strict=True)])

    def evaluate(run: Run) -> Any:
        values = [code.evaluate(run) for code in codes]
        if any(isinstance(value, Moving) for value in values):
            return Moving(lambda instant: at(values, instant))
        return called(values)

    return evaluate


def _traced(evaluate: Evaluate, expression: str) -> Evaluate:
    """The same, leaving a :class:`Step` in the evaluation."""

    def trace(run: Run) -> Any:
        step, steps = Step(expression), run.steps
        assert steps is not None
        if steps:
            steps[-1].parts.append(step)
        steps.append(step)
        try:
            value = evaluate(run)
            step.value = value.at(run.now()) if isinstance(value, Moving) else value
            return value
        except Fail as failure:
            step.failed = str(failure)
            raise
        except Skip:
            step.failed = "left out of the flow"
            raise
        finally:
            if len(steps) > 1:
                steps.pop()

    return trace
