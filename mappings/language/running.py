"""One evaluation: what it is given, what it notes, and how it may end without a value."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from mappings.language.values import Value, text


class Fail(Exception):
    """The expression cannot give a value. The text holds no personal value."""


class Skip(Exception):
    """The expression asks to be left out of the flow; `whole`: the person with it."""

    def __init__(self, whole: bool = False) -> None:
        super().__init__("left out of the flow")
        self.whole = whole


@dataclass(frozen=True)
class Given:
    """What an evaluation is given beside its document. Nothing in the language has it otherwise."""

    now: datetime | None = None
    """Business time, with a time zone. Without it, `Now()` fails."""
    seed: str | None = None
    """Random text of this person's own, kept for good: `Guid()` and `RandomString()` are drawn
    from it, so that they give the same at every look. Without it, they fail."""
    default_domain: str | None = None
    timezone: str = "UTC"
    """Of people whose record names none."""
    taken: frozenset[str] = frozenset()
    """Lower case: what `SelectUniqueValue` finds used."""
    guids: Sequence[str] = ()
    """What `Guid()` gives in turn, instead of drawing."""
    reserved: Mapping[str, str] = field(default_factory=dict)
    """Attribute -> the value of its `SelectUniqueValue` that this person holds."""


NOTHING_GIVEN = Given()


class Reader(Protocol):
    """How an attribute is read from a document."""

    @property
    def text(self) -> str:
        """The attribute, as it is shown."""
        ...

    def read(self, document: Any, several: bool = False) -> Value: ...

    def reading(self, several: bool = False) -> Callable[[Any], Value]:
        """`read` made ready for many documents."""
        ...

    def raw(self, document: Any) -> list[Any]:
        """The objects there as they are, for functions that look into them."""
        ...


@dataclass
class Step:
    """One part of an expression as it was evaluated. A branch not taken is not there."""

    expression: str
    value: Value = None
    failed: str | None = None
    """Why there is no value."""
    parts: list[Step] = field(default_factory=list)

    def hidden(self) -> Step:
        """The same without the values."""
        return Step(self.expression, "[Redact]", self.failed, [p.hidden() for p in self.parts])

    def as_json(self) -> dict[str, Any]:
        """`{"expression", "value" or "failed", "parts"}`; values as `mappings eval` shows them."""
        found: dict[str, Any] = {"expression": self.expression}
        if self.failed is not None:
            found["failed"] = self.failed
        elif isinstance(self.value, tuple):
            found["value"] = [text(one) for one in self.value]
        else:
            found["value"] = text(self.value)
        if self.parts:
            found["parts"] = [part.as_json() for part in self.parts]
        return found


class Run:
    """One evaluation: what it works with, and what it gives.

    A plain class, because there are dozens for every person.
    """

    __slots__ = (
        "document",
        "drawn",
        "given",
        "guids",
        "name",
        "problem",
        "reads",
        "skipped",
        "steps",
        "until",
        "value",
        "whole",
    )

    def __init__(self, document: Any, given: Given = NOTHING_GIVEN, name: str = "") -> None:
        self.document = document
        self.given = given
        self.name = name
        """Of the rule: two rules do not draw the same random values."""
        self.reads: list[Reader] = []
        """Attributes that were looked at, in order, with repeats."""
        self.until: datetime | None = None
        """The earliest instant at which a comparison with now turns out differently."""
        self.value: Value = None
        self.problem: str | None = None
        """Why there is no value, in words that hold no personal value."""
        self.skipped = False
        """The attribute is to be left as it is; `whole`: the person with it."""
        self.whole = False
        self.drawn = 0
        self.guids = 0
        """How many of those given are used up."""
        self.steps: list[Step] | None = None
        """Where a trace is under way: the step being evaluated, its parents before it."""

    def finish(self, evaluate: Callable[[Run], Any]) -> None:
        """Take over how the evaluation ends; never raises."""
        try:
            self.value = evaluate(self)
        except Fail as failure:
            self.problem = str(failure)
        except Skip as skip:
            self.skipped, self.whole = True, skip.whole
        except Exception as error:  # a rule must never stop a person, whatever it meets
            self.problem = f"the rule failed ({type(error).__name__})"

    def changes(self, instant: datetime) -> None:
        """Note that a comparison turns out differently from `instant` on."""
        if self.until is None or instant < self.until:
            self.until = instant

    def now(self) -> datetime:
        """Raises :class:`Fail` when no time was given."""
        if self.given.now is None:
            raise Fail("Now: this is evaluated without a time")
        return self.given.now

    def next_guid(self) -> str | None:
        """The next of those given; None when none is left."""
        self.guids += 1
        return self.given.guids[self.guids - 1] if self.guids <= len(self.given.guids) else None

    def draw(self, what: str) -> bytes:
        """64 bytes: the next of this person's own random values, the same every time."""
        if self.given.seed is None:
            raise Fail(f"{what}: this is evaluated without the person's own random seed")
        self.drawn += 1
        parts = (self.given.seed, self.name, what, str(self.drawn))
        return hashlib.blake2b("\0".join(parts).encode()).digest()
