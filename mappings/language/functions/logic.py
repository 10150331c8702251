"""Conditions and choices"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mappings.language.comparing import equality
from mappings.language.compiling import VARIES, Builder, Code
from mappings.language.registry import function, special
from mappings.language.running import Fail, Run
from mappings.language.syntax import Call
from mappings.language.values import Scalar, Value, empty, first, text, truth


@special("IIF(condition, then?, otherwise?)", least=3)
def iif(build: Builder, call: Call, several: bool) -> Code:
    """`then` or `otherwise`; the other one is not looked at.

    Nothing and `""` as a condition are false.

    IIF([title] = "Clerk", "yes", "no") → yes
    IIF([nickName] = "", "none", [nickName]) → none
    """
    condition = build.condition(call.arguments[0])
    then, otherwise = (build.code(node, several) for node in call.arguments[1:3])
    one, other = then.evaluate, otherwise.evaluate
    gives = then.gives if then.gives == otherwise.gives else "any"
    return Code(
        lambda run: one(run) if condition(run) else other(run),
        gives,
        moves=then.moves or otherwise.moves,
    )


def _check_switch(build: Builder, call: Call) -> str | None:
    if len(call.arguments) % 2:
        return "a key without a value (write source, default, key, value, ...)"
    return None


@special("Switch(source, default?, key?, value?...)", least=4, check=_check_switch)
def switch(build: Builder, call: Call, several: bool) -> Code:
    """The value of the first key that equals `source`, else `default`, else nothing.

    Compares as text, with case. The key `""` meets nothing as well. Values that are not
    taken are not looked at.

    Switch([title], "other", "Clerk", "office") → office
    Switch([nickName], "known", "", "unknown") → unknown
    """
    source = build.text(call.arguments[0])
    default = build.code(call.arguments[1], several)
    keys = [build.code(node) for node in call.arguments[2::2]]
    values = [build.code(node, several) for node in call.arguments[3::2]]
    moves = any(code.moves for code in (default, *values))
    otherwise = default.evaluate
    if all(key.constant is not VARIES for key in keys):
        table: dict[str, Callable[[Run], Any]] = {}
        for key, value in zip(keys, values, strict=True):
            table.setdefault(text(key.constant) or "", value.evaluate)
        return Code(lambda run: table.get(source(run) or "", otherwise)(run), moves=moves)
    written = [build.text(node) for node in call.arguments[2::2]]

    def evaluate(run: Run) -> Any:
        wanted = source(run) or ""
        for key, value in zip(written, values, strict=True):
            if (key(run) or "") == wanted:
                return value.evaluate(run)
        return otherwise(run)

    return Code(evaluate, moves=moves)


@special("Coalesce(source...)")
def coalesce(build: Builder, call: Call, several: bool) -> Code:
    """The first source that is there; the last may be a default. `""` counts as there.

    Coalesce([nickName], [name.givenName]) → Zoë
    """
    codes = [build.code(node, several) for node in call.arguments]
    sources = [code.evaluate for code in codes]

    def evaluate(run: Run) -> Any:
        for source in sources:
            value = source(run)
            if value is not None and value != ():
                return value
        return None

    return Code(evaluate, moves=any(code.moves for code in codes))


@special("FirstOf(source...)", entra=False)
def first_of(build: Builder, call: Call, several: bool) -> Code:
    """The first source that is neither nothing nor an empty text.

    FirstOf([nickName], "", "there") → there
    """
    sources = [build.value(node, several) for node in call.arguments]

    def evaluate(run: Run) -> Any:
        for source in sources:
            value = source(run)
            if not empty(value):
                return value
        return None

    return Code(evaluate)


@special("And(condition...)", gives="bool", entra=False)
def both(build: Builder, call: Call, several: bool) -> Code:
    """True when every condition is; what stands behind a false one is not looked at.

    And([title] = "Clerk", IsPresent([roles])) → True
    """
    conditions = [build.condition(node) for node in call.arguments]
    return Code(lambda run: all(condition(run) for condition in conditions), "bool")


@special("Or(condition...)", gives="bool", entra=False)
def either(build: Builder, call: Call, several: bool) -> Code:
    """True when one condition is; what stands behind a true one is not looked at.

    Or([title] = "Clerk", [title] = "Cook") → True
    """
    conditions = [build.condition(node) for node in call.arguments]
    return Code(lambda run: any(condition(run) for condition in conditions), "bool")


@function("In(source: list, value...: list)", gives="bool", entra=False)
def is_in(source: tuple[Scalar, ...], *values: tuple[Scalar, ...]) -> bool:
    """True when `source`, or one value of it, equals one of the values, compared as `=` does.

    In([roles], "writer", "editor") → True
    """
    return any(equality(one, other) == 0 for one in source for value in values for other in value)


@function("Not(source: any)", gives="bool")
def negated(source: Value) -> bool:
    """False for true, True for everything else, nothing included.

    Not([active] = "1") → False
    Not([nickName]) → True
    """
    one = first(source)
    return one.strip().lower() != "true" if isinstance(one, str) else one is not True


@function("CBool(expression: any)", gives="bool")
def cbool(expression: Value) -> bool | None:
    """False for zero, True for other numbers; reads true and false. Nothing stays nothing.

    CBool([title] = "Clerk") → True
    CBool(0) → False
    """
    if empty(expression):
        return None
    result = truth(expression)
    if result is None:
        raise Fail("CBool: neither true nor false")
    return result


@function("BitAnd(a: whole, b: whole)", gives="whole")
def bit_and(a: int, b: int) -> int:
    """The bits that both numbers have.

    BitAnd(&HF, &HF7) → 7
    """
    return a & b


@function("IsNull(expression: any)", gives="bool")
def is_null(expression: Value) -> bool:
    """True when nothing is there.

    IsNull([nickName]) → True
    """
    return first(expression) is None


@function("IsNullOrEmpty(expression: any)", gives="bool")
def is_null_or_empty(expression: Value) -> bool:
    """True when nothing is there, or an empty text.

    IsNullOrEmpty([title]) → False
    """
    return empty(expression)


@function("IsPresent(expression: any)", gives="bool")
def is_present(expression: Value) -> bool:
    """The opposite of `IsNullOrEmpty`.

    IsPresent([title]) → True
    """
    return not empty(expression)


@function("IsString(expression: any)", gives="bool")
def is_string(expression: Value) -> bool:
    """True for a text; not for a number, True, False, a date or nothing.

    IsString([title]) → True
    IsString(7) → False
    """
    return isinstance(first(expression), str)
