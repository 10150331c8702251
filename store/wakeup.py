"""Noticing that another thread or process has committed something.

SQLite counts foreign commits per connection (`PRAGMA data_version`, some microseconds),
so it is polled; PostgreSQL sends a notification with the commit that asks for work.
Neither is a promise: whoever waits here also looks by itself from time to time.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any, Protocol

from sqlalchemy import Connection

from store.database import Database

_CHANNEL = "muster_pair"
_POLL = 0.02
"""Seconds between two looks at SQLite's counter: half of it is the usual delay of a push."""


def notify(tx: Connection) -> None:
    """Wake the workers when `tx` commits."""
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql(f"NOTIFY {_CHANNEL}")


class Changes(Protocol):
    """Commits by others since the last call. For one thread; make it there."""

    def wait(self, timeout: float) -> bool:
        """True as soon as something was committed, False after `timeout` seconds."""
        ...

    def close(self) -> None: ...


def changes(db: Database) -> Changes:
    """What notices commits to `db`."""
    return _Polled(db) if db.is_sqlite else _Notified(db)


class _Polled:
    def __init__(self, db: Database) -> None:
        # A bare connection: this runs fifty times a second for ever.
        self._connection = sqlite3.connect(str(db.file), isolation_level=None)
        self._version = self._read()

    def _read(self) -> int:
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def wait(self, timeout: float) -> bool:
        for _ in range(max(1, round(timeout / _POLL))):
            version = self._read()
            if version != self._version:
                self._version = version
                return True
            time.sleep(_POLL)
        return False

    def close(self) -> None:
        self._connection.close()


class _Notified:
    def __init__(self, db: Database) -> None:
        connection = db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql(f"LISTEN {_CHANNEL}")
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection

    def wait(self, timeout: float) -> bool:
        woken = False
        for _ in self._driver.notifies(timeout=timeout, stop_after=1):
            woken = True
        return woken

    def close(self) -> None:
        self._connection.invalidate()  # a pooled connection must not go on listening
        self._connection.close()
