"""store/database.py on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from store.database import Database
from store.statement import Statement
from store.tables import setting


def put(name: str, value: str) -> Callable[[Connection], None]:
    return lambda tx: tx.execute(insert(setting).values(name=name, value=value)).close()


def value_of(db: Database, name: str) -> str | None:
    with db.read() as conn:
        found = conn.execute(select(setting.c.value).where(setting.c.name == name)).scalar()
        return None if found is None else str(found)


def test_what_write_returns_is_there_for_a_new_connection(db: Database, database_url: str) -> None:
    db.write(put("a", "1"))
    other = Database(database_url)
    try:
        assert value_of(other, "a") == "1"
    finally:
        other.close()


def test_write_gives_back_what_work_returns(db: Database) -> None:
    assert db.write(lambda tx: 42) == 42


def test_an_exception_undoes_everything_and_passes_through(db: Database) -> None:
    def work(tx: Connection) -> None:
        put("a", "1")(tx)
        raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        db.write(work)
    assert value_of(db, "a") is None


def test_an_integrity_error_undoes_everything(db: Database) -> None:
    db.write(put("a", "1"))

    def work(tx: Connection) -> None:
        put("b", "2")(tx)
        put("a", "3")(tx)

    with pytest.raises(IntegrityError):
        db.write(work)
    assert (value_of(db, "a"), value_of(db, "b")) == ("1", None)


def test_nothing_written_while_reading_is_kept(db: Database) -> None:
    with db.read() as conn:
        put("a", "1")(conn)
    assert value_of(db, "a") is None


def test_a_read_is_one_snapshot(db: Database) -> None:
    db.write(put("a", "1"))
    statement = select(setting.c.value).where(setting.c.name == "a")
    with db.read() as conn:
        before = conn.execute(statement).scalar()
        db.write(lambda tx: tx.execute(update(setting).values(value="2")).close())
        assert (before, conn.execute(statement).scalar()) == ("1", "1")
    assert value_of(db, "a") == "2"


def test_a_read_is_one_snapshot_for_compiled_statements_too(db: Database) -> None:
    db.write(put("a", "1"))
    statement = Statement(select(setting.c.value).where(setting.c.name == bindparam("the_name")))
    with db.read() as conn:
        before = statement.value(conn, the_name="a")
        db.write(lambda tx: tx.execute(update(setting).values(value="2")).close())
        assert (before, statement.value(conn, the_name="a")) == ("1", "1")
    with db.moment() as conn:
        assert statement.value(conn, the_name="a") == "2"
        db.write(lambda tx: tx.execute(update(setting).values(value="3")).close())
        assert statement.value(conn, the_name="a") == "3"


def test_concurrent_increments_lose_nothing(db: Database) -> None:
    """Read, then write what was read plus one: only one order of all of them gives 40."""
    db.write(put("n", "0"))
    statement = select(setting.c.value).where(setting.c.name == "n")

    def increment(tx: Connection) -> None:
        number = int(tx.execute(statement).scalar_one())
        tx.execute(update(setting).where(setting.c.name == "n").values(value=str(number + 1)))

    failures: list[BaseException] = []

    def run() -> None:
        try:
            for _ in range(10):
                db.write(increment)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert value_of(db, "n") == "40"


def test_sqlite_is_durable_by_its_settings(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/muster.db")
    with db.read() as conn:
        pragma = {
            name: conn.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}  # 2 is FULL
    assert (db.is_sqlite, db.file) == (True, tmp_path / "muster.db")
    db.close()


def test_postgres_is_serializable(postgres: str) -> None:
    db = Database(postgres)
    shown = db.write(lambda tx: tx.exec_driver_sql("SHOW transaction_isolation").scalar())
    durable = db.write(lambda tx: tx.exec_driver_sql("SHOW synchronous_commit").scalar())
    assert (db.is_sqlite, db.file, shown, durable) == (False, None, "serializable", "on")
    db.close()


def test_personal_data_stays_out_of_database_errors(db: Database) -> None:
    db.write(put("wiebke.muellenbach", "1"))
    with pytest.raises(IntegrityError) as caught:
        db.write(put("wiebke.muellenbach", "secret value"))
    assert "secret value" not in str(caught.value)
