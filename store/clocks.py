"""The two clocks. No other module of Muster asks the operating system for the time.

Machine time drives leases, back-off, pacing and time-outs and cannot be set.
Business time decides what is desired and when a date has come; tests and the
sandbox set it, and it then stands still (`BusinessClock` reads it from the store,
so that every process agrees).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


def machine_now() -> float:
    """Seconds since 1970-01-01 UTC by the machine's clock."""
    return time.time()


def to_datetime(seconds: float) -> datetime:
    """Epoch seconds as an aware datetime in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def iso(seconds: float) -> str:
    """Epoch seconds as `2026-03-16T09:00:00.000Z`, the form SCIM's `meta` uses."""
    return to_datetime(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_instant(text: str) -> float:
    """An ISO 8601 instant (`Z` or an offset; without one, UTC) as epoch seconds.

    Raises ValueError when the text is not an instant.
    """
    moment = datetime.fromisoformat(text.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


class BusinessClock:
    """Business time: real unless `fixed` returns an instant (epoch seconds)."""

    def __init__(self, fixed: Callable[[], float | None] = lambda: None) -> None:
        self._fixed = fixed

    def now(self) -> float:
        """Epoch seconds of the business day we are in."""
        fixed = self._fixed()
        return machine_now() if fixed is None else fixed
