"""What is remembered of jobs, on both databases."""

from __future__ import annotations

from store import uploads
from store.database import Database


def test_a_job_that_was_never_changed_runs(db: Database) -> None:
    with db.read() as connection:
        assert uploads.job(connection, "workday") == uploads.Job()


def test_what_is_noted_of_a_job_does_not_touch_the_rest(db: Database) -> None:
    db.write(lambda tx: uploads.note(tx, "workday", {"state": "Succeeded"}))
    db.write(lambda tx: uploads.pause(tx, "workday", paused=True))
    db.write(lambda tx: uploads.keep_attributes(tx, "workday", [{"name": "a"}]))
    with db.read() as connection:
        job = uploads.job(connection, "workday")
        assert uploads.job(connection, "generic") == uploads.Job()
    assert (job.paused, job.last, job.attributes) == (True, {"state": "Succeeded"}, [{"name": "a"}])
    db.write(lambda tx: uploads.keep_attributes(tx, "workday", None))
    with db.read() as connection:
        assert uploads.job(connection, "workday").attributes == []


def test_uploads_wait_in_their_order(db: Database) -> None:
    for number in range(3):
        db.write(
            lambda tx, n=number: uploads.wait(tx, "workday", f"c{n}", [{"data": {"é": n}}], 1.0)
        )
    db.write(lambda tx: uploads.wait(tx, "generic", "other", [], 1.0))
    seen = []
    while True:
        with db.read() as connection:
            one = uploads.oldest(connection, "workday")
        if one is None:
            break
        seen.append((one.cycle, one.operations))
        assert db.write(lambda tx, seq=one.seq: uploads.done(tx, seq))
        assert not db.write(lambda tx, seq=one.seq: uploads.done(tx, seq))
    assert seen == [(f"c{n}", [{"data": {"é": n}}]) for n in range(3)]
    with db.read() as connection:
        assert uploads.waiting(connection, "workday") == 0
        assert uploads.waiting(connection, "generic") == 1
    assert db.write(lambda tx: uploads.purge(tx, "generic")) == 1
