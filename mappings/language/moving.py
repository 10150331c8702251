"""Values that move with the time of day, and when a comparison of one turns out differently.

`Now()` and what dates make of it are kept as functions of the instant until something
asks for the value. A comparison then knows not only how it turns out, but until when:
that is what lets a person be looked at again on the right day and not every day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from mappings.language.running import Fail, Run
from mappings.language.values import Value

_END = datetime(9000, 1, 1, tzinfo=UTC)
"""As far as anybody looks ahead; short of year 9999, so that days can still be added."""
_TICK = timedelta(microseconds=1)


class Moving:
    """A value that is `at(instant)`. What is asked of it grows or falls, never back and forth."""

    __slots__ = ("at",)

    def __init__(self, at: Callable[[datetime], Any]) -> None:
        self.at = at


def next_change(seen: Callable[[datetime], object], now: datetime) -> datetime | None:
    """The first instant after `now` at which `seen` gives something else; None for never.

    What it gives may change to several other values, but not back.
    """
    if now >= _END:
        return None
    before = seen(now)
    try:
        if seen(_END) == before:
            return None
    except Fail:
        return next_midnight(now)  # too far to be computed: look again tomorrow
    low, high = 0, (_END - now) // _TICK
    while high - low > 1:
        middle = (low + high) // 2
        if seen(now + middle * _TICK) == before:
            low = middle
        else:
            high = middle
    return now + high * _TICK


def next_midnight(now: datetime) -> datetime:
    """When the next day begins, in UTC."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=1)


def settled(value: Any, run: Run) -> Value:
    """The value now, of one that may move; the evaluation notes until when it holds.

    A number of days holds until it changes. An instant changes all the time: `Now()` used
    as a value means a look a day.
    """
    if not isinstance(value, Moving):
        return value  # type: ignore[no-any-return]
    now = run.now()
    settled_value: Value = value.at(now)
    if isinstance(settled_value, (datetime, type(None))):
        run.changes(next_midnight(now))
    else:
        change = next_change(value.at, now)
        if change is not None:
            run.changes(change)
    return settled_value


def compared(
    left: Any, right: Any, sign: Callable[[Value, Value], int | None], operator: str, run: Run
) -> int | None:
    """The sign of two values now, of which some move; notes when `operator` turns out otherwise."""
    now = run.now()
    if isinstance(left, Moving) and isinstance(right, Moving):
        return sign(settled(left, run), settled(right, run))

    def seen(instant: datetime) -> int | None:
        return sign(
            left.at(instant) if isinstance(left, Moving) else left,
            right.at(instant) if isinstance(right, Moving) else right,
        )

    current = seen(now)
    if operator in ("=", "<>") and current != 0:
        change = next_change(seen, now)
        if change is not None and seen(change) == 0:
            run.changes(change)
    else:
        change = next_change(lambda instant: _TURNS[operator](seen(instant)), now)
        if change is not None:
            run.changes(change)
    return current


_TURNS: dict[str, Callable[[int | None], bool]] = {
    "=": lambda sign: sign == 0,
    "<>": lambda sign: sign != 0,
    ">": lambda sign: sign is not None and sign > 0,
    ">=": lambda sign: sign is not None and sign >= 0,
    "<": lambda sign: sign is not None and sign < 0,
    "<=": lambda sign: sign is not None and sign <= 0,
}


def holds(operator: str, sign: int | None) -> bool:
    """Whether a comparison is true. No sign (None): the two cannot be ordered."""
    return _TURNS[operator](sign)
