"""One event loop in one thread per process, for callers that are not async.

The SDK's connections belong to the loop they were opened on, so a loop per call
breaks them. Threads do not survive a fork: a child makes its own on first use.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as Overdue
from typing import Any, TypeVar

T = TypeVar("T")


class EventLoop:
    """A running event loop; :func:`event_loop` gives the process's own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="graph", daemon=True).start()

    def run(self, work: Coroutine[Any, Any, T], deadline: float) -> T:
        """The result of `work`; TimeoutError when it takes longer than `deadline` seconds."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(deadline)
        except Overdue:
            future.cancel()
            raise TimeoutError from None


_lock = threading.Lock()
_loops: dict[int, EventLoop] = {}


def event_loop() -> EventLoop:
    """This process's loop, started on first use."""
    with _lock:
        pid = os.getpid()
        if pid not in _loops:
            _loops.clear()
            _loops[pid] = EventLoop()
        return _loops[pid]


def _after_fork() -> None:
    """A thread of the parent may have held the lock at the fork; nobody would release it here."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
