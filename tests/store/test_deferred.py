"""store/deferred.py on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest

from store import deferred
from store.database import Database
from store.deferred import Accepted, LeaseLost, Result

NOW = 1_773_651_600.0
BODY = {"Operations": [{"method": "POST"}]}


def accept(db: Database, source: str = "workday", most: int = 10, **more: Any) -> str | None:
    terms = {"profile": "hr", "subject": None, "single": False, "body": BODY, "now": NOW, **more}
    return db.write(lambda tx: deferred.accept(tx, source=source, most=most, **terms))


def record(db: Database, one: Accepted, *entries: int, finished: bool = False) -> None:
    said = {at: {"status": "201"} for at in entries}
    db.write(lambda tx: deferred.record(tx, one, said, NOW, finished=finished))


def result(db: Database, id: str, source: str = "workday") -> Result | None:
    with db.read() as conn:
        return deferred.result(conn, source, id)


def any_open(db: Database) -> bool:
    with db.read() as conn:
        return deferred.any_open(conn)


def claimed(db: Database, now: float = NOW) -> Accepted:
    found = deferred.claim(db, now)
    assert found is not None
    return found


def test_from_acceptance_to_result(db: Database) -> None:
    assert not any_open(db)
    id = accept(db, subject="me")
    assert id is not None
    assert any_open(db)
    one = claimed(db)
    assert (one.id, one.source, one.profile, one.subject) == (id, "workday", "hr", "me")
    assert (one.body, one.outcomes) == (BODY, {})
    record(db, one, 0)
    assert result(db, id) == Result(False, False, {0: {"status": "201"}})
    record(db, one, 1, finished=True)
    found = result(db, id)
    assert found is not None
    assert (found.is_finished, sorted(found.outcomes)) == (True, [0, 1])
    assert result(db, id, "other") is None
    assert not any_open(db)
    assert deferred.claim(db, NOW + 1000) is None


def test_one_at_a_time_of_a_source_and_sources_beside_each_other(db: Database) -> None:
    ids = [accept(db, source) for source in ("workday", "workday", "sap")]
    first, other = claimed(db), claimed(db)
    assert [first.id, other.id] == [ids[0], ids[2]]
    assert deferred.claim(db, NOW) is None
    record(db, first, finished=True)
    assert claimed(db).id == ids[1]


def test_who_is_not_heard_of_is_taken_over_from(db: Database) -> None:
    accept(db)
    slow = claimed(db)
    record(db, slow, 0)
    assert deferred.claim(db, NOW + deferred.LEASE - 0.1) is None
    quick = claimed(db, NOW + deferred.LEASE)
    assert quick.outcomes == {0: {"status": "201"}}
    with pytest.raises(LeaseLost):
        record(db, slow, 1)
    deferred.release(db, slow)
    assert deferred.claim(db, NOW + deferred.LEASE) is None
    deferred.release(db, quick)
    assert claimed(db, NOW).id == quick.id


def test_what_is_known_stays(db: Database) -> None:
    id = accept(db)
    one = claimed(db)
    record(db, one, 0)
    failed = {0: {"status": "500"}, 1: {"status": "500"}}
    db.write(lambda tx: deferred.record(tx, one, failed, NOW, finished=True))
    found = result(db, str(id))
    assert found is not None
    assert [found.outcomes[at]["status"] for at in (0, 1)] == ["201", "500"]


def test_no_more_than_that_may_wait(db: Database) -> None:
    assert accept(db, most=1) is not None
    assert accept(db, most=1) is None
    assert accept(db, "sap", most=1) is not None


def test_results_are_forgotten_and_what_is_open_is_not(db: Database) -> None:
    done, waiting = accept(db), accept(db)
    record(db, claimed(db), finished=True)
    db.write(lambda tx: deferred.prune(tx, NOW))
    assert result(db, str(done)) is not None
    db.write(lambda tx: deferred.prune(tx, NOW + 1))
    assert result(db, str(done)) is None
    assert result(db, str(waiting)) is not None
