"""store/resources.py on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from store import lists, resources
from store.database import Database
from store.resources import Resource, Value
from store.tables import metadata, resource, resource_value


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


def one(db: Database, id: str) -> Resource:
    with db.read() as conn:
        found = resources.get(conn, "workday", "User", id)
    assert found is not None
    return found


def ids(found: list[Resource]) -> list[str]:
    return [row.id for row in found]


def test_what_is_stored_is_read_back(db: Database) -> None:
    new = made("a", external_id="E1", user_key="zoë", cleared=frozenset({"title", "nickName"}))
    store(db, new)
    with db.read() as conn:
        assert resources.get(conn, "workday", "User", "a") == replace(new, seq=1)


def test_another_source_or_type_does_not_see_it(db: Database) -> None:
    store(db, made("a", external_id="E1"))
    with db.read() as conn:
        assert resources.get(conn, "other", "User", "a") is None
        assert resources.get(conn, "workday", "Group", "a") is None
        assert resources.by_key(conn, "other", "User", "externalId", "E1") is None
        assert lists.count(conn, "other", "User") == 0
        assert lists.page(conn, "other", "User", 0, 10) == []
        assert list(lists.scan(conn, "other", "User")) == []
        assert resources.taken(conn, "other", "User", "E1", None) is None


@pytest.mark.parametrize("key", ["external_id", "user_key"])
def test_keys_are_unique_in_a_source(db: Database, key: str) -> None:
    store(db, made("a", **{key: "x"}))
    store(db, made("b", source="other", **{key: "x"}), made("c", type="Group", **{key: "x"}))
    with pytest.raises(IntegrityError):
        store(db, made("d", **{key: "x"}))
    with db.read() as conn:
        assert resources.get(conn, "workday", "User", "d") is None


def test_an_external_id_may_recur_where_it_is_said_so(db: Database) -> None:
    store(db, *(made(id, external_id="x", twin=id) for id in "ab"), made("c", external_id="x"))
    with pytest.raises(IntegrityError):
        store(db, made("d", external_id="x"))
    with db.read() as conn:
        for id, twin in zip("abc", "ab-", strict=True):
            found = resources.get(conn, "workday", "User", id)
            assert found is not None
            assert found.twin == twin


def test_no_key_is_no_clash(db: Database) -> None:
    store(db, made("a"), made("b"))
    with db.read() as conn:
        assert resources.taken(conn, "workday", "User", None, None) is None
        assert lists.count(conn, "workday", "User") == 2


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
        assert resources.get(conn, "workday", "User", "a") == replace(new, seq=1)


def test_a_withdrawn_resource_is_gone_and_its_keys_are_free(db: Database) -> None:
    store(db, made("a", external_id="E1", user_key="anna"))
    here = one(db, "a")
    assert db.write(lambda tx: resources.withdraw(tx, replace(here, version=2), 9.0)) is False
    assert db.write(lambda tx: resources.withdraw(tx, here, 9.0)) is True
    assert db.write(lambda tx: resources.withdraw(tx, here, 9.0)) is False
    assert db.write(lambda tx: resources.replace(tx, made("a"), 1)) is False
    store(db, made("b", external_id="E1", user_key="anna"))
    with db.read() as conn:
        assert resources.get(conn, "workday", "User", "a") is None
        assert ids(lists.page(conn, "workday", "User", 0, 10)) == ["b"]
        deleted = conn.execute(select(resource.c.deleted).where(resource.c.id == "a")).scalar()
    assert deleted == 9.0


def test_pages_are_in_order_of_creation(db: Database) -> None:
    names = [f"{number:03d}" for number in range(25)]
    for name in reversed(names):
        store(db, made(name))
    with db.read() as conn:
        assert lists.count(conn, "workday", "User") == 25
        assert ids(lists.page(conn, "workday", "User", 0, 3)) == ["024", "023", "022"]
        assert ids(lists.page(conn, "workday", "User", 23, 3)) == ["001", "000"]
        assert lists.page(conn, "workday", "User", 25, 3) == []


def test_a_scan_sees_each_row_once(db: Database) -> None:
    names = [f"{number:03d}" for number in range(405)]  # more than two steps of the scan
    store(db, *(made(name) for name in names))
    with db.read() as conn:
        assert ids(list(lists.scan(conn, "workday", "User"))) == names


def test_keys_find_one(db: Database) -> None:
    store(db, made("a", external_id="E1", user_key="anna"), made("b", external_id="E2"))
    with db.read() as conn:
        for key, value in (("externalId", "E1"), ("userKey", "anna"), ("id", "a")):
            found = resources.by_key(conn, "workday", "User", key, value)
            assert found is not None
            assert found.id == "a"
        assert resources.by_key(conn, "workday", "User", "userKey", "bob") is None


class TestValues:
    """What resources are looked up by, beside their keys."""

    def test_a_unique_value_is_anothers(self, db: Database) -> None:
        badge, mail = Value("badge", "1", single=True), Value("emails.value", "a@x.example")
        seq = db.write(lambda tx: resources.insert_new(tx, made("a"), [badge, mail]))
        with db.read() as conn:

            def taken(values: list[Value], besides: int = 0, source: str = "workday") -> str | None:
                return resources.taken_value(conn, source, "User", values, besides)

            assert taken([mail, badge]) == "badge"
            assert taken([mail]) is None
            assert taken([badge], besides=seq) is None
            assert taken([badge], source="other") is None
        with pytest.raises(IntegrityError):
            db.write(lambda tx: resources.insert_new(tx, made("b"), [badge]))
        db.write(lambda tx: resources.insert_new(tx, made("c"), [mail]))

    def test_they_change_and_go_with_the_resource(self, db: Database) -> None:
        old, new = Value("badge", "1", single=True), Value("badge", "2", single=True)
        db.write(lambda tx: resources.insert_new(tx, made("a"), [old]))
        here = one(db, "a")
        changed = replace(here, version=2)
        assert db.write(lambda tx: resources.replace(tx, changed, 1, [new], [old])) is True
        db.write(lambda tx: resources.insert_new(tx, made("b"), [old]))
        with pytest.raises(IntegrityError):
            db.write(lambda tx: resources.insert_new(tx, made("c"), [new]))
        db.write(lambda tx: resources.withdraw(tx, changed, 9.0, [new]))
        db.write(lambda tx: resources.insert_new(tx, made("d"), [new]))
        with db.read() as conn:
            rows = conn.execute(
                select(resource_value.c.value, resource.c.id).join(
                    resource, resource.c.seq == resource_value.c.seq
                )
            )
            assert sorted(map(tuple, rows)) == [("1", "b"), ("2", "d")]


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
        assert lists.count(conn, "workday", "User") == 40
        places = conn.execute(select(resource.c.seq)).scalars().all()
    assert len(set(places)) == 40


def test_keys_are_found_by_their_indexes(tmp_path: Path) -> None:
    """SQLite shows its plan; reading every row of a source would grow with the company."""
    db = Database(f"sqlite:///{tmp_path}/muster.db")
    metadata.create_all(db.engine)
    with db.read() as conn:
        driver = conn.connection.dbapi_connection
        sent: list[str] = []
        driver.set_trace_callback(sent.append)  # type: ignore[union-attr]
        resources.get(conn, "s", "User", "x")
        resources.taken(conn, "s", "User", "e", "u")
        resources.taken_value(conn, "s", "User", [Value("p", "v", single=True)])
        resources.types_of(conn, "s", ["x"])
        for key in ("id", "externalId", "userKey"):
            resources.by_key(conn, "s", "User", key, "v")
        lists.page(conn, "s", "User", 0, 10)
        lists.after(conn, "s", "User", None, 10)
        driver.set_trace_callback(None)  # type: ignore[union-attr]
        sent = [statement for statement in sent if statement.startswith("SELECT")]
        steps = [
            str(row[3])
            for statement in sent
            for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
        ]
    db.close()
    assert len(sent) == 9
    searches = [step for step in steps if "resource" in step]
    assert len(searches) >= 10
    columns = ("id", "external_id", "user_key", "type", "value", "seq")
    for step in searches:
        assert step.startswith("SEARCH"), step
        assert any(f"{name}=?" in step for name in columns), step
