"""One database behind two verbs: read, and write durably.

SQLite by default (WAL, `synchronous=FULL`: one fsync per commit, and what is
committed survives a power cut), PostgreSQL when outgrown. Statements are the same
SQLAlchemy Core on both.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from store.commits import GroupCommit
from store.statement import say

T = TypeVar("T")

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=15000",
    "PRAGMA cache_size=-4000",  # KiB per connection: the processes are small on purpose
    "PRAGMA wal_autocheckpoint=8000",  # pages: what is written again and again is moved once
)
_TRIES = 12
_PAUSE = 0.002  # seconds before the second try; doubles, up to _LONGEST_PAUSE
_LONGEST_PAUSE = 0.25


class Database:
    """Connections to one database. Safe to share between threads; make it after a fork.

    `url` is a SQLAlchemy URL: `sqlite:////abs/path/muster.db` or
    `postgresql+psycopg://user@host/name`.
    """

    def __init__(self, url: str) -> None:
        # Parameters are people's data: errors, which end up in logs, do not show them.
        self.engine: Engine = create_engine(
            url, pool_size=16, max_overflow=16, hide_parameters=True
        )
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._commits: GroupCommit | None = None
        self._writers: list[Connection] = []
        """The SQLite connection to write with, while nobody does."""
        self._readers: list[Connection] = []
        """SQLite connections that nobody reads from now."""
        if self.is_sqlite:
            event.listen(self.engine, "connect", _sqlite_connect)
            event.listen(self.engine, "begin", _sqlite_begin)
            self._commits = GroupCommit(Path(self.engine.url.database or ""), self._writing)

    @property
    def file(self) -> Path | None:
        """The SQLite file, or None on PostgreSQL."""
        return Path(self.engine.url.database or "") if self.is_sqlite else None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent snapshot to read from. Nothing written in it is kept."""
        with self._reader("REPEATABLE READ") as connection:
            connection.begin()  # at once: a `Statement` does not begin by itself
            yield connection
            connection.rollback()

    @contextmanager
    def moment(self) -> Iterator[Connection]:
        """For a `Statement` or two, each of which sees the moment in which it runs: outside
        any transaction, which costs less than `read`. Reads only."""
        with self._reader("AUTOCOMMIT") as connection:
            yield connection

    @contextmanager
    def _reader(self, isolation: str) -> Iterator[Connection]:
        """A connection to read from. On SQLite those that are not in use are kept: to fetch
        one from the pool and give it back takes longer than most look-ups."""
        if not self.is_sqlite:
            with self.engine.connect() as connection:
                yield connection.execution_options(isolation_level=isolation)
            return
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self.engine.connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if connection.in_transaction():
            connection.rollback()
        self._readers.append(connection)

    def write(self, work: Callable[[Connection], T], *, isolation: str = "SERIALIZABLE") -> T:
        """Run `work` in one transaction; when this returns, its changes are on disk.

        `isolation` is for PostgreSQL: a single statement that checks what it needs
        in its own WHERE runs as well, and without retries, under READ COMMITTED.

        `work` may run again from the start when PostgreSQL asks for a retry
        (serialization failure, deadlock), and on SQLite, where it may be in another thread, when
        work beside it failed halfway: it must not act outside the database. Exceptions from
        `work` undo it and pass through.
        """
        if self._commits is not None:
            done: T = self._commits.run(work)
            return done
        for attempt in range(1, _TRIES + 1):
            try:
                with self.engine.connect() as connection:
                    connection = connection.execution_options(isolation_level=isolation)
                    with connection.begin():
                        return work(connection)
            except OperationalError as error:
                if not _is_collision(error) or attempt == _TRIES:
                    raise
                # At random, so that those who collided do not meet again.
                time.sleep(random.uniform(0, min(_PAUSE * 2**attempt, _LONGEST_PAUSE)))
        raise AssertionError("unreachable")

    def give_way(self) -> None:
        """To be called before a piece of computing for a write to come: lets one that is at
        work in this process get done first."""
        if self._commits is not None:
            self._commits.give_way()

    @property
    def crowded(self) -> bool:
        """Whether many are writing in this moment, in any process, so that what can wait should
        (SQLite, which takes one writer at a time; never on PostgreSQL)."""
        return self._commits is not None and self._commits.crowded

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        # One writes at a time: the connection is kept, which costs less than to fetch it.
        try:
            connection = self._writers.pop()
        except IndexError:
            connection = self.engine.connect().execution_options(muster_write=True)
            # What a savepoint may have to undo, a copy of each page that is changed, stays in
            # memory. By default it goes to a file: most of what a Bulk request would write.
            say(connection, "PRAGMA temp_store=MEMORY")
        try:
            with connection.begin():
                yield connection
        except BaseException as error:
            if isinstance(error, SQLAlchemyError) or connection.in_transaction():
                connection.invalidate()  # who knows what state it is in
                connection.close()
            else:
                self._writers.append(connection)
            raise
        self._writers.append(connection)

    def close(self) -> None:
        """Give all connections back to the operating system."""
        with suppress(IndexError):  # a connection in use is another thread's
            while True:
                connection = self._writers.pop()
                connection.invalidate()  # nobody else is to read with its settings
                connection.close()
        with suppress(IndexError):
            while True:
                self._readers.pop().close()
        self.engine.dispose()
        if self._commits is not None:
            self._commits.close()


def is_undone(error: Exception) -> bool:
    """Whether nothing of a transaction that raised this can have been kept. When a connection
    breaks at the commit, nobody knows."""
    if isinstance(error, SQLAlchemyError):
        return isinstance(error, IntegrityError) or _is_collision(error)
    return True


def _is_collision(error: Exception) -> bool:
    """Serialization failure or deadlock (PostgreSQL, class 40)."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) in ("40001", "40P01")


def _sqlite_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: _sqlite_begin does
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _sqlite_begin(connection: Connection) -> None:
    # A writer takes the lock at once: upgrading later can fail with SQLITE_BUSY at
    # commit, which the busy time-out does not cover.
    writing = connection.get_execution_options().get("muster_write", False)
    say(connection, "BEGIN IMMEDIATE" if writing else "BEGIN")
