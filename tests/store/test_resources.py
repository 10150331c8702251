"""store/resources.py on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, select
from sqlalchemy.exc import IntegrityError

from store import resources
from store.database import Database
from store.resources import Resource
from store.tables import metadata, resource


def made(id: str, **values: object) -> Resource:
    row = Resource(
        id=id,
        source="workday",
        type="User",
        external_id=None,
        user_key=None,
        document=f'{{"id":"{id}","name":"Zoë"}}',
        version=1,
        cleared=frozenset(),
        created=1.5,
        modified=1.5,
    )
    return replace(row, **values)  # type: ignore[arg-type]


def store(db: Database, *rows: Resource) -> None:
    def work(tx: Connection) -> None:
        for row in rows:
            resources.insert_new(tx, row)

    db.write(work)


def ids(found: list[Resource]) -> list[str]:
    return [row.id for row in found]


def test_what_is_stored_is_read_back(db: Database) -> None:
    new = made("a", external_id="E1", user_key="zoë", cleared=frozenset({"title", "nickName"}))
    store(db, new)
    with db.read() as conn:
        assert resources.get(conn, "workday", "User", "a") == new


def test_another_source_or_type_does_not_see_it(db: Database) -> None:
    store(db, made("a", external_id="E1"))
    with db.read() as conn:
        assert resources.get(conn, "other", "User", "a") is None
        assert resources.get(conn, "workday", "Group", "a") is None
        assert resources.count(conn, "other", "User", {}) == 0
        assert resources.page(conn, "other", "User", {}, 0, 10) == []
        assert list(resources.scan(conn, "other", "User", {"externalId": "E1"})) == []
        assert resources.taken(conn, "other", "User", "E1", None) is None


@pytest.mark.parametrize("key", ["external_id", "user_key"])
def test_keys_are_unique_in_a_source(db: Database, key: str) -> None:
    store(db, made("a", **{key: "x"}))
    store(db, made("b", source="other", **{key: "x"}), made("c", type="Group", **{key: "x"}))
    with pytest.raises(IntegrityError):
        store(db, made("d", **{key: "x"}))
    with db.read() as conn:
        assert resources.get(conn, "workday", "User", "d") is None


def test_no_key_is_no_clash(db: Database) -> None:
    store(db, made("a"), made("b"))
    with db.read() as conn:
        assert resources.taken(conn, "workday", "User", None, None) is None
        assert resources.count(conn, "workday", "User", {}) == 2


def test_taken_says_which_key(db: Database) -> None:
    store(db, made("a", external_id="E1", user_key="anna"))
    with db.read() as conn:

        def taken(external: str, user: str | None, besides: str | None = None) -> str | None:
            return resources.taken(conn, "workday", "User", external, user, besides=besides)

        assert taken("E1", None) == "external_id"
        assert taken("E2", "anna") == "user_key"
        assert taken("E2", "bob") is None
        assert taken("E1", "anna", besides="a") is None


def test_replace_checks_the_version(db: Database) -> None:
    old = made("a", external_id="E1")
    store(db, old)
    new = replace(old, version=2, document='{"id":"a"}', external_id="E2", modified=3.0)
    assert db.write(lambda tx: resources.replace(tx, new, 1)) is True
    late = replace(old, version=2, document='{"late":true}')
    assert db.write(lambda tx: resources.replace(tx, late, 1)) is False
    with db.read() as conn:
        assert resources.get(conn, "workday", "User", "a") == new


def test_a_withdrawn_resource_is_gone_and_its_keys_are_free(db: Database) -> None:
    store(db, made("a", external_id="E1", user_key="anna"))
    assert db.write(lambda tx: resources.withdraw(tx, "a", 2, 9.0)) is False
    assert db.write(lambda tx: resources.withdraw(tx, "a", 1, 9.0)) is True
    assert db.write(lambda tx: resources.withdraw(tx, "a", 1, 9.0)) is False
    assert db.write(lambda tx: resources.replace(tx, made("a"), 1)) is False
    store(db, made("b", external_id="E1", user_key="anna"))
    with db.read() as conn:
        assert resources.get(conn, "workday", "User", "a") is None
        assert ids(resources.page(conn, "workday", "User", {}, 0, 10)) == ["b"]
        deleted = conn.execute(select(resource.c.deleted).where(resource.c.id == "a")).scalar()
    assert deleted == 9.0


def test_pages_are_in_order_of_creation(db: Database) -> None:
    names = [f"{number:03d}" for number in range(25)]
    for name in reversed(names):
        store(db, made(name))
    with db.read() as conn:
        assert resources.count(conn, "workday", "User", {}) == 25
        assert ids(resources.page(conn, "workday", "User", {}, 0, 3)) == ["024", "023", "022"]
        assert ids(resources.page(conn, "workday", "User", {}, 23, 3)) == ["001", "000"]
        assert resources.page(conn, "workday", "User", {}, 25, 3) == []


def test_a_scan_sees_each_row_once(db: Database) -> None:
    names = [f"{number:03d}" for number in range(405)]  # more than two steps of the scan
    store(db, *(made(name) for name in names))
    with db.read() as conn:
        assert ids(list(resources.scan(conn, "workday", "User", {}))) == names


def test_keys_narrow_lists(db: Database) -> None:
    store(db, made("a", external_id="E1", user_key="anna"), made("b", external_id="E2"))
    with db.read() as conn:
        for keys in ({"externalId": "E1"}, {"userKey": "anna"}, {"id": "a"}):
            assert resources.count(conn, "workday", "User", keys) == 1
            assert ids(resources.page(conn, "workday", "User", keys, 0, 10)) == ["a"]
            assert ids(list(resources.scan(conn, "workday", "User", keys))) == ["a"]
        both = {"externalId": "E2", "userKey": "anna"}
        assert resources.count(conn, "workday", "User", both) == 0


def test_concurrent_inserts_all_get_a_place(db: Database) -> None:
    failures: list[BaseException] = []

    def run(prefix: str) -> None:
        try:
            for number in range(10):
                store(db, made(f"{prefix}{number}", external_id=f"{prefix}{number}"))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(prefix,)) for prefix in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with db.read() as conn:
        assert resources.count(conn, "workday", "User", {}) == 40
        places = conn.execute(select(resource.c.seq)).scalars().all()
    assert len(set(places)) == 40


def test_keys_are_found_by_their_indexes(tmp_path: Path) -> None:
    """SQLite shows its plan; reading every row of a source would grow with the company."""
    db = Database(f"sqlite:///{tmp_path}/muster.db")
    metadata.create_all(db.engine)
    sent: list[tuple[str, object]] = []

    def note(_conn: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        if statement.startswith("SELECT"):
            sent.append((statement, values))

    with db.read() as conn:
        event.listen(db.engine, "before_cursor_execute", note)
        resources.get(conn, "s", "User", "x")
        resources.taken(conn, "s", "User", "e", "u")
        for keys in ({"id": "x"}, {"externalId": "e"}, {"userKey": "u"}):
            resources.count(conn, "s", "User", keys)
            resources.page(conn, "s", "User", keys, 0, 10)
            list(resources.scan(conn, "s", "User", keys))
        event.remove(db.engine, "before_cursor_execute", note)
        steps = [
            str(row[3])
            for statement, values in sent
            for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)  # type: ignore[arg-type]
        ]
    db.close()
    assert len(sent) == 11
    searches = [step for step in steps if "resource" in step]
    assert len(searches) == 12
    for step in searches:
        assert any(f"{name}=?)" in step for name in ("id", "external_id", "user_key")), step
