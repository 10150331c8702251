"""Once a day, what is old is forgotten."""

from __future__ import annotations

from policy_settings import Retention
from provisioning.housekeeping import keep_house
from store import journal
from store.database import Database

DAY = 86400.0
NOW = 1000 * DAY


def told(db: Database) -> list[tuple[float, bool]]:
    """Age in days, and whether the personal values are there."""
    with db.read() as connection:
        assert journal.verify(connection) is None
        found = journal.entries(connection, kind="plan")
        return [((NOW - e.at) / DAY, not e.erased) for e in found]


def old(db: Database, *days: float) -> None:
    for age in days:
        db.write(
            lambda tx, at=NOW - age * DAY: journal.append(
                tx, kind="plan", body={}, now=at, business_now=at, values={"cn": "Ada"}
            )
        )


def test_entries_and_values_are_kept_as_long_as_is_said(db: Database) -> None:
    old(db, 400, 100, 10)
    assert keep_house(db, Retention(keep_days=365, values_days=30), NOW, NOW)
    assert told(db) == [(100, False), (10, True)]


def test_for_ever_is_for_ever(db: Database) -> None:
    old(db, 9000)
    assert keep_house(db, Retention(None, None), NOW, NOW)
    assert told(db) == [(9000, True)]


def test_it_is_done_once_a_day(db: Database) -> None:
    retention = Retention(keep_days=365)
    assert keep_house(db, retention, NOW, NOW)
    old(db, 400)
    assert not keep_house(db, retention, NOW + DAY - 1, NOW)
    assert len(told(db)) == 1
    assert keep_house(db, retention, NOW + DAY, NOW)
    assert told(db) == []


def test_a_clock_that_was_set_back_does_not_stop_it(db: Database) -> None:
    assert keep_house(db, Retention(), NOW, NOW)
    assert keep_house(db, Retention(), NOW - 10 * DAY, NOW)
