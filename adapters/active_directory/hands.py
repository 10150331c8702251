"""Threads that write beside the caller's own, where the domain is slow to answer."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from adapters.target import TargetDown

A = TypeVar("A")
T = TypeVar("T")

_QUICK = 0.02
"""Seconds a call may take for the next one not to be worth a thread."""

Timed = tuple[T | Exception, float]
"""What a call returned or raised, and how many seconds it took."""


class Hands:
    """At most so many threads, made when they are needed. Safe to share between threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._owner = os.getpid()

    def each(self, call: Callable[[A], T], items: Sequence[A]) -> list[Timed[T]]:
        """`call` for each item: one after the other as long as that is quick, then at once.
        When one finds the target down, those that have not begun are not tried."""
        found: list[Timed[T]] = []
        for item in items:
            found.append(_timed(call, item))
            end, took = found[-1]
            if isinstance(end, TargetDown):
                return [*found, *[(end, 0.0)] * (len(items) - len(found))]
            if took > _QUICK:
                break
        if rest := items[len(found) :]:
            found.extend(self._ready().map(lambda item: _timed(call, item), rest))
        return found

    def close(self) -> None:
        """Let the threads end when they are done."""
        with self._lock:
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False)

    def _ready(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._threads is None or self._owner != os.getpid():  # no thread survives a fork
                self._threads = ThreadPoolExecutor(self._most, thread_name_prefix="ldap")
                self._owner = os.getpid()
            return self._threads


def _timed(call: Callable[[A], T], item: A) -> Timed[T]:
    began = time.monotonic()
    end: T | Exception
    try:
        end = call(item)
    except Exception as error:
        end = error
    return end, time.monotonic() - began
