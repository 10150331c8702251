"""What is done once a day, by whichever worker comes first: forgetting what is old.

How long the journal and the personal values in it are kept is policy (`journal:` in
muster.yaml).
"""

from __future__ import annotations

from sqlalchemy import Connection

from policy_settings import Retention
from store import deferred, journal, setting
from store.database import Database

_LAST = "housekeeping"
_DAY = 86400.0
RESULTS_DAYS = 7.0
"""For so long the results of writes that were answered 202 can be asked for."""


def keep_house(database: Database, retention: Retention, now: float, business_now: float) -> bool:
    """Drop and forget what is old, unless that was done within the last day; whether it was
    done. `now` is machine time: a sandbox that lets years pass keeps its journal."""
    with database.read() as connection:
        if not _is_time(connection, now):
            return False

    def work(tx: Connection) -> bool:
        if not _is_time(tx, now):
            return False
        setting.put(tx, _LAST, repr(now))
        deferred.prune(tx, now - RESULTS_DAYS * _DAY)
        if retention.values_days is not None:
            journal.forget_values(tx, now - retention.values_days * _DAY)
        if retention.keep_days is not None:
            journal.prune(tx, now - retention.keep_days * _DAY, now, business_now)
        return True

    return database.write(work)


def _is_time(connection: Connection, now: float) -> bool:
    last = setting.get(connection, _LAST)
    return last is None or not now - _DAY < float(last) <= now
