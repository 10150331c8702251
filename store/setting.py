"""The `setting` table: the little that is process-wide and must survive a restart."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from store.clocks import BusinessClock
from store.database import Database
from store.statement import Statement
from store.tables import setting
from store.wakeup import notify

_BUSINESS_NOW = "business_now"
_MAPPING_PROBLEM = "mapping_problem"


_GET = Statement(select(setting.c.value).where(setting.c.name == bindparam("the_name")))


def get(connection: Connection, name: str) -> str | None:
    """The value kept under `name`, or None."""
    found: str | None = _GET.value(connection, the_name=name)
    return found


def put(tx: Connection, name: str, value: str) -> None:
    """Keep `value` under `name`, in place of what was there."""
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    tx.execute(
        insert(setting)
        .values(name=name, value=value)
        .on_conflict_do_update(index_elements=["name"], set_={"value": value})
    )


def forget(tx: Connection, name: str) -> None:
    """Drop what is kept under `name`, if anything."""
    tx.execute(delete(setting).where(setting.c.name == name))


def key(tx: Connection, name: str) -> bytes:
    """The 32 random bytes kept under `name`, made at the first call."""
    kept = get(tx, name)
    if kept is None:
        kept = secrets.token_hex(32)
        put(tx, name, kept)
    return bytes.fromhex(kept)


def set_business_time(tx: Connection, seconds: float | None) -> None:
    """Let business time stand still at `seconds`, or be real again (None)."""
    if seconds is None:
        forget(tx, _BUSINESS_NOW)
    else:
        put(tx, _BUSINESS_NOW, repr(float(seconds)))
    notify(tx)


def business_clock(db: Database) -> BusinessClock:
    """Business time as every process on `db` agrees on it, read anew at each call."""

    def fixed() -> float | None:
        with db.moment() as connection:
            kept = get(connection, _BUSINESS_NOW)
        return None if kept is None else float(kept)

    return BusinessClock(fixed)


def keep_problem(tx: Connection, problem: str | None) -> None:
    """What is wrong with a mapping file that was changed while the worker runs, or nothing."""
    if problem is None:
        forget(tx, _MAPPING_PROBLEM)
    else:
        put(tx, _MAPPING_PROBLEM, problem)


def mapping_problem(connection: Connection) -> str | None:
    """Why the worker keeps the mappings it had, if it does."""
    return get(connection, _MAPPING_PROBLEM)
