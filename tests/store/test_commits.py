"""store/commits.py: writes that wait share a transaction, and none of them notices."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, insert, select
from sqlalchemy.exc import OperationalError

from store.database import Database
from store.statement import savepoint
from store.tables import metadata, setting


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/muster.db")
    metadata.create_all(made.engine)
    yield made
    made.close()


def names(db: Database) -> set[str]:
    with db.read() as conn:
        return set(conn.execute(select(setting.c.name)).scalars())


def put(tx: Connection, name: str) -> None:
    tx.execute(insert(setting).values(name=name, value=""))


class Crowd:
    """Threads that write while another holds the pen, so that they have to queue."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.results: dict[int, object] = {}
        self.writing, self.go = threading.Event(), threading.Event()

    def hold(self, tx: Connection) -> None:
        self.writing.set()
        assert self.go.wait(10)

    def attempt(self, number: int) -> None:
        def work(tx: Connection) -> int:
            put(tx, f"n{number}")
            if number % 3 == 0:
                raise KeyError(number)
            return number

        try:
            self.results[number] = self.db.write(work)
        except Exception as error:
            self.results[number] = error

    def run(self, size: int) -> None:
        def keep_others_waiting() -> None:
            with suppress(OperationalError):  # it shares what becomes of those behind it
                self.db.write(self.hold)

        first = threading.Thread(target=keep_others_waiting)
        first.start()
        assert self.writing.wait(10)
        rest = [threading.Thread(target=self.attempt, args=(n,)) for n in range(size)]
        for thread in rest:
            thread.start()
        self.go.set()
        for thread in [first, *rest]:
            thread.join(30)


def test_each_has_its_own_outcome(db: Database) -> None:
    crowd = Crowd(db)
    crowd.run(40)
    for number, result in crowd.results.items():
        if number % 3 == 0:
            assert isinstance(result, KeyError)
            assert result.args == (number,)
        else:
            assert result == number
    assert names(db) == {f"n{number}" for number in range(40) if number % 3}


def test_what_failed_halfway_is_undone_alone(db: Database) -> None:
    """Work in parts, as a Bulk request is: who fails before it changed anything costs nothing,
    and who fails later has everything done again, each part behind a savepoint."""
    runs: list[str] = []

    def work(tx: Connection) -> list[str]:
        runs.append("whole")
        failed = []
        for name in ("a", "early", "b", "late", "c"):
            try:
                with savepoint(tx):
                    if name == "early":
                        raise KeyError(name)
                    put(tx, name)
                    with savepoint(tx):  # one within the other
                        put(tx, name + "2")
                        if name == "late":
                            raise KeyError(name)
            except KeyError:
                failed.append(name)
        return failed

    assert db.write(work) == ["early", "late"]
    assert len(runs) == 2
    assert names(db) == {"a", "a2", "b", "b2", "c", "c2"}

    def refused(tx: Connection) -> None:
        runs.append("refused")
        with suppress(KeyError), savepoint(tx):
            raise KeyError

    runs.clear()
    db.write(refused)
    assert runs == ["refused"]


def test_who_waits_shares_commits(db: Database) -> None:
    commits = [0]
    event.listen(db.engine, "commit", lambda conn: commits.__setitem__(0, commits[0] + 1))
    Crowd(db).run(40)
    assert commits[0] < 30


def test_a_commit_that_fails_fails_for_all_of_it(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(connection: Connection) -> None:
        raise OperationalError("COMMIT", {}, Exception("disk I/O error"))

    event.listen(db.engine, "commit", broken)
    crowd = Crowd(db)
    first = threading.Thread(target=crowd.attempt, args=(1,))
    first.start()
    first.join(10)
    assert isinstance(crowd.results[1], OperationalError)
    event.remove(db.engine, "commit", broken)
    crowd.attempt(2)
    assert names(db) == {"n2"}


def test_an_error_that_ends_the_transaction_is_everybodys(db: Database) -> None:
    """As a full disk does: SQLite rolls all of it back, and nobody may be told otherwise."""
    crowd = Crowd(db)

    def attempt(number: int) -> None:
        def work(tx: Connection) -> None:
            put(tx, f"n{number}")
            if number == 5:
                driver = tx.connection.dbapi_connection
                driver.execute("ROLLBACK")  # type: ignore[union-attr]
                raise KeyError("the disk is full")

        try:
            crowd.results[number] = db.write(work)
        except Exception as error:
            crowd.results[number] = error

    crowd.attempt = attempt  # type: ignore[method-assign]
    crowd.run(12)
    taken = {f"n{n}" for n, result in crowd.results.items() if not isinstance(result, Exception)}
    assert isinstance(crowd.results[5], Exception)
    assert names(db) == taken


def test_a_write_in_a_write_is_said_at_once(db: Database) -> None:
    with pytest.raises(RuntimeError, match="within a write"):
        db.write(lambda tx: db.write(lambda inner: None))
    db.write(lambda tx: put(tx, "after"))
    assert names(db) == {"after"}


def test_two_processes_take_turns(db: Database, tmp_path: Path) -> None:
    """Two databases on one file stand for two processes: the lock is the file's."""
    other = Database(f"sqlite:///{tmp_path}/muster.db")

    def fill(mine: Database, prefix: int) -> None:
        for number in range(20):
            name = f"{prefix}-{number}"
            mine.write(lambda tx, name=name: put(tx, name))  # type: ignore[misc]

    threads = [
        threading.Thread(target=fill, args=(mine, prefix))
        for prefix, mine in enumerate((db, other, db, other))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(names(db)) == 80
    other.close()


def test_who_computes_waits_for_the_one_who_writes(db: Database) -> None:
    began, go, passed = threading.Event(), threading.Event(), threading.Event()

    def work(tx: Connection) -> None:
        for _ in range(1000):  # who writes does not wait for itself
            db.give_way()
        began.set()
        assert go.wait(10)

    writer = threading.Thread(target=db.write, args=(work,))

    def compute() -> None:
        for _ in range(1000):  # each of these waits a little while at most
            db.give_way()
            if go.is_set():
                break
        passed.set()

    db.give_way()  # nobody writes
    writer.start()
    assert began.wait(10), "the writer waited for itself"
    other = threading.Thread(target=compute)
    other.start()
    assert not passed.wait(0.2)
    go.set()
    for thread in (writer, other):
        thread.join(10)
    assert passed.is_set()


def test_a_crowd_is_seen_by_other_processes(db: Database, tmp_path: Path) -> None:
    other = Database(f"sqlite:///{tmp_path}/muster.db")
    assert not other.crowded
    db.write(partial(put, name="one"))
    wait_until_lonely(other)  # the lock file is new
    for number in range(20):
        db.write(partial(put, name=f"one-{number}"))
        assert not other.crowded  # one after the other
    Crowd(db).run(40)
    assert other.crowded
    wait_until_lonely(other)
    other.close()


def wait_until_lonely(db: Database) -> None:
    deadline = time.monotonic() + 10
    while db.crowded:
        assert time.monotonic() < deadline, "a crowd that has gone is still seen"
        time.sleep(0.02)
