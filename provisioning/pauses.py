"""Targets that are down: left alone for a while, then tried with a single pair."""

from __future__ import annotations

import threading
from dataclasses import dataclass

_FIRST, _LAST = 1.0, 30.0


@dataclass
class _Pause:
    until: float
    length: float
    probing: bool = False


class Pauses:
    """Which targets to leave alone. Kept in memory, per process; safe between threads.

    A target that is down is paused for 1, 2, 4 .. 30 s (longer when it asked for more).
    After each pause one claim may try it; the others wait for what that one finds.
    Times are machine time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pauses: dict[str, _Pause] = {}

    def enter(self, now: float) -> tuple[frozenset[str], frozenset[str]]:
        """(targets to skip, targets that this caller alone may try now).

        The caller gives back what it did not use with `leave`, and reports the others
        with `down` or `up`.
        """
        with self._lock:
            trying = {
                target
                for target, pause in self._pauses.items()
                if pause.until <= now and not pause.probing
            }
            skip = self._pauses.keys() - trying
            for target in trying:
                self._pauses[target].probing = True
            return frozenset(skip), frozenset(trying)

    def leave(self, targets: frozenset[str]) -> None:
        """These were not tried after all."""
        with self._lock:
            for target in targets:
                if pause := self._pauses.get(target):
                    pause.probing = False

    def down(self, target: str, now: float, probe: bool, retry_after: float | None) -> bool:
        """The target could not be asked; whether that is news. Only a probe lengthens the
        pause: looks that were under way when it went down all report the same outage."""
        with self._lock:
            pause = self._pauses.get(target)
            if pause is None:
                length = _FIRST
            elif probe:
                length = min(pause.length * 2, _LAST)
            else:
                return False
            self._pauses[target] = _Pause(now + max(length, retry_after or 0.0), length)
            return True

    def up(self, target: str) -> bool:
        """The target answered; whether it had been paused."""
        with self._lock:
            return self._pauses.pop(target, None) is not None

    def forget(self) -> None:
        """No target is known to be down."""
        with self._lock:
            self._pauses.clear()

    def paused(self) -> dict[str, float]:
        """Paused targets, and until when."""
        with self._lock:
            return {target: pause.until for target, pause in self._pauses.items()}
