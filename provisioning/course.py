"""What a look waits for, and who does it: for one look alone, or for several in step.

A look is a generator. It asks for a write to the store or for a step at the target, and
goes on with the answer. Looks in step share their transactions, and what they ask of the
target at the same moment is asked together where the target can do that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from sqlalchemy import Connection

from adapters.target import Account, Outcome, Step, Target, TargetDown, Together
from store.database import Database, is_undone

T = TypeVar("T")


class Permit(Protocol):
    """The right to write to a target: a lease."""

    def check(self) -> None:
        """Raises when the right is gone."""
        ...


@dataclass(frozen=True)
class Write:
    """In one transaction; the answer is what `work` returns. It may run more than once."""

    work: Callable[[Connection], Any]


@dataclass(frozen=True)
class Apply:
    """At the target, if `permit` still allows it; the answer is an `Applied`."""

    account: Account | None
    step: Step
    permit: Permit


@dataclass(frozen=True)
class Applied:
    """What came of a step, and how many seconds that took."""

    outcome: Outcome
    took: float


Course: TypeAlias = Generator[Write | Apply, Any, T]
"""What goes wrong with what was asked for is raised where it was asked."""

_Answers: TypeAlias = Iterator[tuple[int, Any | Exception]]


def alone(course: Course[T], database: Database, target: Target) -> T:
    """What the course comes to; raises what it raises."""
    (end,) = in_step([course], database, target)
    if isinstance(end, Exception):
        raise end
    return end


def in_step(
    courses: Sequence[Course[T]], database: Database, target: Target
) -> list[T | Exception]:
    """What each course comes to, or what it raises. All ask what they ask next; then all of
    that is done, and they go on."""
    ends: dict[int, T | Exception] = {}
    asked: dict[int, Write | Apply] = {}

    def go_on(number: int, answer: Any) -> None:
        course = courses[number]
        try:
            if isinstance(answer, Exception):
                asked[number] = course.throw(answer)
            else:
                asked[number] = course.send(answer)
        except StopIteration as stop:
            ends[number] = stop.value
        except Exception as error:
            ends[number] = error

    for number in range(len(courses)):
        go_on(number, None)
    while asked:
        now, asked = asked, {}
        writes = {n: one for n, one in now.items() if isinstance(one, Write)}
        steps = {n: one for n, one in now.items() if isinstance(one, Apply)}
        for number, answer in (*_write(database, writes), *_apply(target, steps)):
            go_on(number, answer)
    return [ends[number] for number in range(len(courses))]


def _write(database: Database, asked: Mapping[int, Write]) -> _Answers:
    """All in one transaction; if that is undone, each in one of its own."""
    if len(asked) > 1:
        try:
            found = database.write(lambda tx: [one.work(tx) for one in asked.values()])
        except Exception as error:
            if not is_undone(error):  # to write again might be to write twice
                yield from dict.fromkeys(asked, error).items()
                return
        else:
            yield from zip(asked, found, strict=True)
            return
    for number, one in asked.items():
        try:
            yield number, database.write(one.work)
        except Exception as error:
            yield number, error


def _apply(target: Target, asked: Mapping[int, Apply]) -> _Answers:
    """All together where the target can, else one after the other. Where it is down, nothing
    more is sent: each would wait for as long."""
    if len(asked) > 1 and isinstance(target, Together):
        yield from _apply_together(target, asked)
        return
    down: TargetDown | None = None
    for number, one in asked.items():
        began = time.monotonic()
        try:
            if down is not None:
                raise down
            one.permit.check()
            outcome = target.apply(one.account, one.step)
        except Exception as error:
            if isinstance(error, TargetDown):
                down = error
            yield number, error
        else:
            yield number, Applied(outcome, time.monotonic() - began)


def _apply_together(target: Together, asked: Mapping[int, Apply]) -> _Answers:
    may: dict[int, Apply] = {}
    for number, one in asked.items():
        try:
            one.permit.check()
        except Exception as error:
            yield number, error
        else:
            may[number] = one
    found: list[tuple[Outcome | Exception, float]]
    try:
        found = target.apply_together([(one.account, one.step) for one in may.values()])
    except Exception as error:
        found = [(error, 0.0)] * len(may)
    for number, (end, took) in zip(may, found, strict=True):
        yield number, end if isinstance(end, Exception) else Applied(end, took)
