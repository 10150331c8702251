"""What can be known of an expression without running it: branches never taken, traps, length."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mappings.language import dotnet
from mappings.language.expression import FUNCTIONS, Expression
from mappings.language.syntax import Attribute, Call, Node, Number, Omitted, Pair, Text, walk
from mappings.language.values import empty, text, truth

_BLANK_IN_GROUP = re.compile(r"\(\?<(\w+)>[^()]* \)")


@dataclass(frozen=True)
class Remark:
    """Something that is probably not meant; `position` is the index of its first character."""

    position: int
    problem: str
    remedy: str


def remarks(expression: Expression) -> Iterator[Remark]:
    """Everything that is odd about it, in the order written."""
    for node in walk(expression.root):
        if isinstance(node, Call):
            name = FUNCTIONS[node.name.lower()].name
            if name != node.name:
                yield Remark(node.start, f"{node.name} is spelt {name}", f"write {name}")
            yield from _JUDGES.get(name, _nothing)(node)
        elif isinstance(node, Pair):
            yield from _counted_days(node)


def _nothing(call: Call) -> Iterator[Remark]:
    yield from ()


def _constant(node: Node) -> str | None:
    """The text of a constant, "" for an empty place; None for what varies."""
    if isinstance(node, Omitted):
        return ""
    return text(node.value) if isinstance(node, (Text, Number)) else None


def _switch(call: Call) -> Iterator[Remark]:
    source, keys = call.arguments[0], call.arguments[2::2]
    fixed = _constant(source)
    if fixed is not None:
        yield Remark(source.start, "Switch on a text that never varies", "put [ ] around a name")
    seen: set[str] = set()
    for key in keys:
        wanted = _constant(key)
        if wanted is None:
            continue
        if wanted in seen:
            problem = f'the key "{wanted}" stands there twice; the second is never reached'
            yield Remark(key.start, problem, "remove one of them")
        elif _never(source, wanted):
            problem = f'the key "{wanted}" is never reached: {written_name(source)} cannot give it'
            yield Remark(key.start, problem, "correct the key")
        seen.add(wanted)


def written_name(node: Node) -> str:
    """What the node is, in a word."""
    if isinstance(node, Call):
        return FUNCTIONS[node.name.lower()].name
    return f"[{node.name}]" if isinstance(node, Attribute) else "the source"


def _never(source: Node, wanted: str) -> bool:
    """Whether the source can never be that text."""
    if isinstance(source, Pair) and source.operator != "&":
        return wanted not in ("True", "False")
    if not isinstance(source, Call):
        return False
    function = FUNCTIONS[source.name.lower()]
    if function.gives == "bool":
        return wanted not in ("True", "False", "")
    changes: dict[str, Callable[[str], str]] = {
        "ToLower": dotnet.lower,
        "ToUpper": dotnet.upper,
        "StripSpaces": lambda value: value.replace(" ", ""),
        "Trim": str.strip,
        "AccountName": str.lower,
    }
    change = changes.get(function.name)
    return change is not None and change(wanted) != wanted


def _iif(call: Call) -> Iterator[Remark]:
    condition = call.arguments[0]
    fixed = _constant(condition)
    if isinstance(condition, Pair):
        left, right = _constant(condition.left), _constant(condition.right)
        if left is None or right is None:
            return
        yield Remark(condition.start, "a comparison of two constants", "put [ ] around a name")
    elif fixed is not None:
        branch = "second" if truth(fixed) else "first"
        problem = f"the condition never varies, so the {branch} branch is never taken"
        yield Remark(condition.start, problem, "put [ ] around a name")


def _coalesce(call: Call) -> Iterator[Remark]:
    *before, _ = call.arguments
    for index, node in enumerate(before):
        if not empty(_constant(node)):
            yield Remark(
                call.arguments[index + 1].start,
                "never reached: a constant before it is always there",
                "put the constant last",
            )
            return
        if _may_be_empty_text(node):
            yield Remark(
                node.start,
                'this may give "", which Coalesce takes for a value',
                "use FirstOf, which passes over it",
            )


def _may_be_empty_text(node: Node) -> bool:
    if isinstance(node, Text):
        return node.value == ""
    if not isinstance(node, Call):
        return False
    name = FUNCTIONS[node.name.lower()].name
    if name == "IIF":
        return any(map(_may_be_empty_text, node.arguments[1:]))
    if name == "Switch":
        return any(map(_may_be_empty_text, (node.arguments[1], *node.arguments[3::2])))
    return name in ("Join", "Append", "Left", "Mid", "Word")


def _not(call: Call) -> Iterator[Remark]:
    if isinstance(call.arguments[0], Attribute):
        yield Remark(
            call.start,
            "Not is True when nothing is there",
            f"write IIF(IsPresent([{call.arguments[0].name}]), Not(...), ) if that is not meant",
        )


def _replace(call: Call) -> Iterator[Remark]:
    pattern = call.arguments[2] if len(call.arguments) > 2 else None
    match = _BLANK_IN_GROUP.search(pattern.value) if isinstance(pattern, Text) else None
    if pattern is not None and match is not None:
        problem = f"the group {match[1]} catches a blank at its end"
        yield Remark(pattern.start, problem, "put the blank behind the group, or wrap it in Trim")


def _counted_days(pair: Pair) -> Iterator[Remark]:
    """`DateDiff("d", Now(), x) >= 0` begins up to a day early."""
    for side, other in ((pair.left, pair.right), (pair.right, pair.left)):
        if (
            isinstance(side, Call)
            and side.name.lower() == "datediff"
            and _constant(side.arguments[0]) == "d"
            and _constant(other) == "0"
            and any(isinstance(n, Call) and n.name.lower() == "now" for n in walk(side))
        ):
            yield Remark(
                side.start,
                "days are cut toward zero: this turns up to 24 hours before the date",
                "compare the date itself: DayIn(Now(), [timezone]) >= [hireDate]",
            )


_JUDGES: dict[str, Callable[[Call], Iterator[Remark]]] = {
    "Switch": _switch,
    "IIF": _iif,
    "Coalesce": _coalesce,
    "Not": _not,
    "Replace": _replace,
}


# --- length ----------------------------------------------------------------------------

_FIXED = {"Guid": 36, "Date": 10, "DayIn": 10, "GuidKey": 36, "Not": 5, "Now": 22, "CDate": 22,
          "DateAdd": 22, "DateFromNum": 22, "NumFromDate": 19, "DateDiff": 19, "Len": 10,
          "InStr": 10, "Count": 10, "Contains": 10, "BitAnd": 19}  # fmt: skip
_SAME = ("ToLower", "ToUpper", "Trim", "StripSpaces", "PCase", "Redact", "CStr", "CRef",
         "IgnoreFlowIfNullOrEmpty")  # fmt: skip


def longest(node: Node, known: Mapping[str, int]) -> int | None:
    """The most characters that the expression can give; None when nothing limits it.

    `known` says it of attributes, by lower-case name.
    """
    if isinstance(node, (Text, Number)):
        return len(_constant(node) or "")
    if isinstance(node, Omitted):
        return 0
    if isinstance(node, Pair):
        return _sum((node.left, node.right), known) if node.operator == "&" else 5
    if isinstance(node, Attribute):
        return known.get(node.name.strip().lower())
    if not isinstance(node, Call):
        return 0
    name = FUNCTIONS[node.name.lower()].name
    arguments = node.arguments
    if name in _FIXED:
        return _FIXED[name]
    if FUNCTIONS[name.lower()].gives == "bool":
        return 5
    if name in _SAME:
        return longest(arguments[0], known)
    if name == "IIF":
        return _most(arguments[1:], known)
    if name == "Switch":
        return _most((arguments[1], *arguments[3::2]), known)
    if name in ("Coalesce", "FirstOf", "SelectUniqueValue"):
        return _most(arguments, known)
    if name == "Append":
        return _sum(arguments, known)
    if name == "Join":
        parts = _sum(arguments[1:], known)
        glue = longest(arguments[0], known)
        return None if parts is None or glue is None else parts + glue * (len(arguments) - 2)
    if name in ("Left", "Mid", "RandomString", "AccountName"):
        return _cut(name, arguments, known)
    if name == "Country":
        return {"alpha2": 2, "alpha3": 3, "numeric": 3}.get(_constant(arguments[1]) or "")
    return None


def _cut(name: str, arguments: tuple[Node, ...], known: Mapping[str, int]) -> int | None:
    index = {"Left": 1, "Mid": 2, "RandomString": 0, "AccountName": 1}[name]
    written = _constant(arguments[index]) if len(arguments) > index else None
    count = int(written) if written and written.isdigit() else None
    if name == "AccountName" and len(arguments) == 1:
        return 20
    inner = longest(arguments[0], known) if name in ("Left", "Mid") else None
    return min((length for length in (count, inner) if length is not None), default=None)


def _most(nodes: tuple[Node, ...], known: Mapping[str, int]) -> int | None:
    lengths = [longest(node, known) for node in nodes]
    return None if None in lengths else max(length or 0 for length in lengths)


def _sum(nodes: tuple[Node, ...], known: Mapping[str, int]) -> int | None:
    lengths = [longest(node, known) for node in nodes]
    return None if None in lengths else sum(length or 0 for length in lengths)
