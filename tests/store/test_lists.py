"""store/lists.py on SQLite and PostgreSQL: pages at any depth, orders, counts."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import select

from store import lists, resources
from store.database import Database
from store.lists import After, Order
from store.resources import Resource
from store.tables import resource, tally
from tests.store.test_resources import ids, made, one, store


def fill(db: Database, number: int, **values: object) -> list[str]:
    names = [f"{position:04d}" for position in range(number)]
    store(db, *(made(name, **values) for name in names))
    return names


def test_deep_pages_are_the_right_ones(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """With stretches of eight, so that a few rows make many of them."""
    monkeypatch.setattr(lists, "BUCKET", 8)
    monkeypatch.setattr(resources, "BUCKET", 8)
    names = fill(db, 60)
    chance = random.Random(7)
    for name in chance.sample(names, 25):
        here = one(db, name)
        db.write(lambda tx, here=here: resources.withdraw(tx, here, 9.0))  # type: ignore[misc]
        names.remove(name)
    with db.read() as conn:
        assert lists.count(conn, "workday", "User") == 35
        for offset in range(0, 40):
            for limit in (0, 1, 7, 50):
                page = lists.page(conn, "workday", "User", offset, limit)
                assert ids(page) == names[offset : offset + limit], (offset, limit)


def test_what_is_counted_is_what_is_there(db: Database) -> None:
    fill(db, 5)
    db.write(lambda tx: resources.withdraw(tx, one(db, "0001"), 9.0)) if db.is_sqlite else None
    with db.read() as conn:
        counted = lists.count(conn, "workday", "User")
        here = conn.execute(select(resource.c.id).where(resource.c.deleted.is_(None))).all()
        assert counted == len(here)
        assert conn.execute(select(tally.c.type).distinct()).scalars().all() == ["User"]


def shuffled() -> list[Resource]:
    keys = ["Zoe", "anna", "Émile", "bob", None, "ü", "Anna", None, "z", "ß", "a b", "\U0001f600"]
    return [
        made(f"{number:02d}", user_key=key, modified=float(number % 4))
        for number, key in enumerate(keys)
    ]


@pytest.mark.parametrize("by", ["userKey", "id", "externalId", "modified", "seq"])
@pytest.mark.parametrize("descending", [False, True])
def test_every_order_pages_by_number_and_by_key(db: Database, by: str, descending: bool) -> None:
    rows = shuffled()
    store(db, *rows)
    attribute = {"userKey": "user_key", "externalId": "external_id"}.get(by, by)
    order = Order(by, descending)

    def value(row: Resource) -> object:
        return getattr(row, attribute)

    with db.read() as conn:
        whole = lists.page(conn, "workday", "User", 0, 100, None, order)
        valued = [row for row in whole if value(row) is not None]
        empty = [row for row in whole if value(row) is None]
        assert [value(row) for row in valued] == sorted(map(value, valued), reverse=descending)  # type: ignore[type-var]
        assert whole == (empty + valued if descending else valued + empty)
        for start in range(0, 12, 3):
            assert lists.page(conn, "workday", "User", start, 3, None, order) == whole[start:][:3]
        collected: list[Resource] = []
        mark = None
        while page := lists.after(conn, "workday", "User", mark, 5, None, order):
            collected += page
            mark = After(value(page[-1]), page[-1].seq)
        assert collected == whole


def test_rows_of_numbers_come_in_the_order_asked_for(db: Database) -> None:
    fill(db, 5)
    with db.read() as conn:
        assert ids(lists.of(conn, [4, 2, 99, 3])) == ["0003", "0001", "0002"]
        assert lists.of(conn, []) == []


def test_a_condition_narrows(db: Database) -> None:
    fill(db, 30)
    condition = resource.c.id > "0019"
    with db.read() as conn:
        assert lists.count(conn, "workday", "User", condition) == 10
        page = lists.page(conn, "workday", "User", 8, 5, condition)
        assert ids(page) == ["0028", "0029"]
        assert len(list(lists.scan(conn, "workday", "User", condition))) == 10
