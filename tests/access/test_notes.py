"""What is remembered of callers, and that nothing of it is lost to a busy database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from access.notes import Notes
from store import journal
from store.database import Database

NOW = 1_773_651_600.0


@pytest.fixture
def notes(db: Database, monkeypatch: pytest.MonkeyPatch) -> Notes:
    monkeypatch.setattr(Notes, "_soon", lambda self, seconds: None)  # written when asked to
    return Notes(db, lambda: NOW, lambda: NOW)


def entries(db: Database) -> list[dict[str, Any]]:
    with db.read() as conn:
        found = journal.entries(conn, kind="access")
    return [{**entry.body, **(entry.values or {})} for entry in found]


def test_one_entry_for_what_came_together(db: Database, notes: Notes) -> None:
    for _ in range(3):
        notes.failed("expired", "workday", "203.0.113.9")
    for number in range(30):
        notes.failed("unknown", "", f"198.51.100.{number}")
    notes.flush()
    (entry,) = entries(db)
    assert (entry["count"], entry["reasons"]) == (33, {"expired": 3, "unknown": 19})
    assert entry["unnamed"] == 11
    first = {"reason": "expired", "client": "workday", "address": "203.0.113.9", "count": 3}
    assert entry["from"][0] == first
    notes.flush()
    assert len(entries(db)) == 1
    with db.read() as conn:
        assert journal.verify(conn) is None


def test_a_busy_database_gets_it_later(
    db: Database, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(work: Callable[..., Any]) -> None:
        raise OperationalError("x", {}, Exception())

    notes.failed("expired", "workday", "203.0.113.9")
    with monkeypatch.context() as patch:
        patch.setattr(db, "write", busy)
        notes.flush()
    notes.failed("expired", "workday", "203.0.113.9")
    notes.flush()
    assert [entry["count"] for entry in entries(db)] == [2]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a\r\nrefused: nobody client=x", "a??refused:?nobody?client=x"),
        ("x" * 500, "x" * 80),
        ("\x1b[31mred\ud800", "?[31mred?"),
    ],
)
def test_nobody_writes_lines_of_their_own(
    db: Database, notes: Notes, caplog: pytest.LogCaptureFixture, said: str, shown: str
) -> None:
    notes.failed("expired", said, said)
    notes.flush()
    (one,) = entries(db)[0]["from"]
    assert (one["client"], one["address"]) == (shown, shown)
    assert caplog.messages == [f"refused: expired client={shown} address={shown}"]
