"""Group commit for SQLite: writes that wait anyway share one transaction and one fsync.

SQLite takes one writer at a time and lets the others sleep and try again, which starves
some of them for seconds. Here they queue. Within a process the first in the queue carries
out the work of those behind it, each standing or falling for itself; between processes a lock
file keeps the order, which the kernel frees when its holder dies.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from store.clocks import machine_now
from store.statement import Halfway, carefully, savepoint

_MOST = 64
"""Pieces of work in one transaction."""
_LONGEST = 0.025
"""Seconds after which no further work joins a transaction."""

_CROWD = 6
"""Pieces of work in one transaction that show a crowd of writers: more than a worker's threads."""
_MOMENT = 0.2
"""Seconds for which a crowd is believed to be there."""

Work = Callable[[Connection], Any]


class _Job:
    """One piece of work: done, or told to lead the next transaction."""

    __slots__ = ("_asleep", "done", "error", "leads", "result", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        # A plain lock costs a fraction of an Event: there is one for every write.
        self._asleep = threading.Lock()
        self._asleep.acquire()
        self.leads = False
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None

    def sleep(self) -> None:
        """Until somebody calls `wake`, which is done once."""
        self._asleep.acquire()

    def wake(self) -> None:
        self._asleep.release()

    def run(self, connection: Connection) -> None:
        self.error = None
        self.result = self.work(connection)


class GroupCommit:
    """Runs work in transactions on one SQLite file. `begin` gives a connection in a write
    transaction that commits at its end. Safe to share between threads."""

    def __init__(self, file: Path, begin: Callable[[], Any]) -> None:
        self._file = file.with_name(file.name + ".lock")
        self._begin = begin
        self._mutex = threading.Lock()
        self._queue: deque[_Job] = deque()
        self._led = False
        self._descriptor: int | None = None
        self._inside = threading.local()
        self._idle = threading.Event()
        self._idle.set()

    def run(self, work: Work) -> Any:
        """What `work` returns, once it is on disk; what it raises, once it is undone."""
        if getattr(self._inside, "now", False):
            raise RuntimeError("a write within a write would wait for itself")
        job = _Job(work)
        with self._mutex:
            self._queue.append(job)
            if not self._led:
                self._led = job.leads = True
        if not job.leads:
            job.sleep()
        if not job.done:
            self._lead()
        if job.error is not None:
            raise job.error
        return job.result

    def give_way(self) -> None:
        """Wait while this process is at work in a transaction, a little while at most. Who
        computes beside it takes the interpreter from it, and all who write wait for that."""
        if not self._idle.is_set() and not getattr(self._inside, "now", False):
            self._idle.wait(_LONGEST)

    @property
    def crowded(self) -> bool:
        """Whether so many wrote at once a moment ago, in any process, that others had better
        wait."""
        try:
            return machine_now() - self._file.stat().st_mtime < _MOMENT
        except OSError:
            return False  # nobody has written yet

    def close(self) -> None:
        """Let go of the lock file."""
        with self._mutex:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _lead(self) -> None:
        """Do what waits, then hand over to the next in the queue."""
        taken: list[_Job] = []
        self._inside.now = True
        try:
            with self._alone():
                self._transact(taken)
                if len(taken) >= _CROWD:
                    with suppress(OSError):  # what is done is done
                        os.utime(self._file)  # seen by all processes
        except BaseException as error:
            taken = taken or self._take(1)
            for job in taken:
                job.error = job.error or error
        finally:
            self._inside.now = False
            for job in taken:
                job.done = True
            with self._mutex:
                following = self._queue[0] if self._queue else None
                self._led = following is not None
            if following is not None:
                following.leads = True
                following.wake()
            for job in taken:
                if not job.leads:
                    job.wake()

    def _transact(self, taken: list[_Job]) -> None:
        try:
            self._together(taken)
        except Halfway:
            with self._mutex:  # back to where they came from
                self._queue.extendleft(reversed(taken))
            taken.clear()
            self._together(taken, careful=True)

    def _together(self, taken: list[_Job], *, careful: bool = False) -> None:
        """Do what waits in one transaction."""
        until = time.monotonic() + _LONGEST
        with self._begin() as connection:
            self._idle.clear()
            try:
                carefully(connection, careful)
                while len(taken) < _MOST and (found := self._take(1)):
                    taken += found
                    if len(taken) == 1 and not self._queue:
                        # Alone: an error undoes the transaction itself.
                        found[0].run(connection)
                    else:
                        _within(connection, found[0])
                    if time.monotonic() > until:
                        break
            finally:
                self._idle.set()

    def _take(self, number: int) -> list[_Job]:
        with self._mutex:
            return [self._queue.popleft() for _ in range(min(number, len(self._queue)))]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._descriptor is None:
            self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)


def _within(connection: Connection, job: _Job) -> None:
    """Work whose own error undoes it alone. One that has ended the transaction (a full disk
    does) is everybody's."""
    try:
        with savepoint(connection):
            job.run(connection)
    except Exception as error:
        driver: Any = connection.connection.dbapi_connection
        if not driver.in_transaction:
            raise
        job.error = error
