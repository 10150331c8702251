"""The table of functions, and how one is declared.

    @function("Left(text: str, count: whole)")
    def left(text: str, count: int) -> str:
        \"\"\"The first `count` characters.

        Left("Puppy", 3) → Pup
        \"\"\"

The signature gives names, order and kinds of the arguments: `?` behind a name means that
it may be left empty, `...` that there may be more of them. Before a call, arguments are
read as their kind, so a function gets plain Python values. The docstring is what
`docs/mappings.md` says of the function; its `→` lines are examples that a test runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from mappings.language.compiling import Builder, Code
    from mappings.language.syntax import Call

Kind: TypeAlias = Literal["any", "text", "str", "whole", "number", "date", "bool", "list"]
"""any: as it is. text: a text or None. str: a text, "" for nothing. whole, number: of the
same, a failure when it is none. date: an instant or None. bool: a condition. list: a tuple
of all values."""

FUNCTIONS: dict[str, Function] = {}
"""By lower-case name; filled by the modules in `functions/`."""

Check: TypeAlias = "Callable[[Builder, Call], str | None]"
"""Looks at the written arguments once and returns a complaint, if there is one."""
Build: TypeAlias = "Callable[[Builder, Call, bool], Code]"

_PARAMETER = re.compile(r"\s*(\w+)(\?)?(\.\.\.)?(?::\s*(\w+))?\s*")


@dataclass(frozen=True)
class Parameter:
    """One argument. `repeats`: this one and all behind it may come again and again."""

    name: str
    kind: Kind
    optional: bool
    repeats: bool


@dataclass(frozen=True)
class Function:
    """What a name stands for: `call` gets values, or `build` compiles the call itself."""

    name: str
    parameters: tuple[Parameter, ...]
    call: Callable[..., Any] | None
    build: Build | None
    gives: Kind
    doc: str
    family: str
    """The module it stands in."""
    entra: bool
    least: int
    most: int | None
    needs_run: bool
    """`call` gets the evaluation as its first argument; such a call is never done ahead."""
    follows_now: bool
    """With an argument that moves with the time of day, the result moves too."""
    check: Check | None

    @property
    def signature(self) -> str:
        """As people read it: `Mid(source, start, length?)`."""
        shown = [
            p.name + ("?" if p.optional else "") + (", ..." if p.repeats else "")
            for p in self.parameters
        ]
        return f"{self.name}({', '.join(shown)})"

    def parameter(self, index: int) -> Parameter:
        """The one that the argument at `index` is for."""
        return self.parameters[min(index, len(self.parameters) - 1)]


def function(
    signature: str,
    *,
    gives: Kind = "text",
    entra: bool = True,
    least: int | None = None,
    needs_run: bool = False,
    follows_now: bool = False,
    check: Check | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function, which gets its arguments as values."""

    def register(call: Callable[..., Any]) -> Callable[..., Any]:
        _register(signature, call, call, None, gives, entra, least, needs_run, follows_now, check)
        return call

    return register


def special(
    signature: str,
    *,
    gives: Kind = "any",
    entra: bool = True,
    least: int | None = None,
    check: Check | None = None,
) -> Callable[[Build], Build]:
    """Register a function that compiles its own calls, for instance to skip a branch."""

    def register(build: Build) -> Build:
        _register(signature, build, None, build, gives, entra, least, False, False, check)
        return build

    return register


def _register(
    signature: str,
    described: Any,
    call: Callable[..., Any] | None,
    build: Build | None,
    gives: Kind,
    entra: bool,
    least: int | None,
    needs_run: bool,
    follows_now: bool,
    check: Check | None,
) -> None:
    name, _, rest = signature.rstrip(")").partition("(")
    parameters = tuple(_parameter(part) for part in rest.split(",") if part.strip())
    required = [i for i, p in enumerate(parameters, 1) if not p.optional]
    FUNCTIONS[name.lower()] = Function(
        name=name,
        parameters=parameters,
        call=call,
        build=build,
        gives=gives,
        doc=described.__doc__ or "",
        family=described.__module__,
        entra=entra,
        least=max(required, default=0) if least is None else least,
        most=None if any(p.repeats for p in parameters) else len(parameters),
        needs_run=needs_run,
        follows_now=follows_now,
        check=check,
    )


def _parameter(written: str) -> Parameter:
    match = _PARAMETER.fullmatch(written)
    assert match is not None, written
    kind: Any = match[4] or "any"
    return Parameter(match[1], kind, bool(match[2]), bool(match[3]))
