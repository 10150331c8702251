from __future__ import annotations

import pytest

from store import setting
from store.clocks import machine_now
from store.database import Database


def test_values_are_kept_replaced_and_forgotten(db: Database) -> None:
    def kept(name: str) -> str | None:
        with db.read() as connection:
            return setting.get(connection, name)

    assert kept("a") is None
    db.write(lambda tx: setting.put(tx, "a", "1"))
    db.write(lambda tx: setting.put(tx, "a", "2"))
    assert kept("a") == "2"
    db.write(lambda tx: setting.forget(tx, "a"))
    db.write(lambda tx: setting.forget(tx, "a"))
    assert kept("a") is None


def test_a_key_is_made_once(db: Database) -> None:
    first = db.write(lambda tx: setting.key(tx, "receipts"))
    assert len(first) == 32
    assert db.write(lambda tx: setting.key(tx, "receipts")) == first
    assert db.write(lambda tx: setting.key(tx, "sessions")) != first


def test_business_time_stands_still_for_everybody_until_it_is_real_again(
    db: Database, database_url: str
) -> None:
    elsewhere = Database(database_url)
    clock, other = setting.business_clock(db), setting.business_clock(elsewhere)
    assert clock.now() == pytest.approx(machine_now(), abs=5)
    db.write(lambda tx: setting.set_business_time(tx, 1775001600.25))
    assert clock.now() == other.now() == 1775001600.25
    db.write(lambda tx: setting.set_business_time(tx, None))
    assert other.now() == pytest.approx(machine_now(), abs=5)
    elsewhere.close()
