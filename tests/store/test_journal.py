from __future__ import annotations

import hashlib
import json
import threading
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from store import journal, setting
from store.database import Database
from store.tables import journal as table
from store.tables import journal_values

ADA = {"displayName": "Ada Ångström", "mail": "ada@norhaven.example"}


def add(db: Database, **options: Any) -> int:
    said: dict[str, Any] = {"kind": "plan", "body": {"steps": 2}, "now": 10, "business_now": 20}
    return db.write(lambda tx: journal.append(tx, **(said | options)))


def verify(db: Database) -> int | None:
    with db.read() as connection:
        return journal.verify(connection)


def entries(db: Database, **options: Any) -> list[journal.Entry]:
    with db.read() as connection:
        return journal.entries(connection, **options)


@pytest.fixture
def chain(db: Database) -> list[int]:
    """Five entries, three of them with values."""
    return [
        add(db, kind="intake", person="p1", ref="r1", values=ADA),
        add(db, person="p1", target="ad", ref="plan1", values={"cn": "Ada"}),
        add(db, kind="operation", person="p1", target="ad", ref="plan1"),
        add(db, kind="intake", person="p2", ref="r2", values={"displayName": "Bo"}),
        add(db, kind="start", body={}),
    ]


def test_entries_come_back_as_they_were_written(db: Database, chain: list[int]) -> None:
    assert chain == sorted(chain)
    assert verify(db) is None
    first = entries(db)[0]
    assert (first.seq, first.kind, first.person, first.target, first.ref) == (
        chain[0],
        "intake",
        "p1",
        None,
        "r1",
    )
    assert (first.body, first.values, first.erased) == ({"steps": 2}, ADA, False)
    assert (first.at, first.at_business) == (10, 20)
    last = entries(db)[-1]
    assert (last.body, last.values, last.erased) == ({}, None, False)


def test_entries_are_chosen_by_what_ties_them(db: Database, chain: list[int]) -> None:
    def chosen(**options: Any) -> list[int]:
        return [entry.seq for entry in entries(db, **options)]

    assert chosen(person="p1") == chain[:3]
    assert chosen(ref="plan1", kind="operation") == [chain[2]]
    assert chosen(target="ad", after=chain[1]) == [chain[2]]
    assert chosen(limit=2) == chain[:2]
    assert chosen(after=chain[1], limit=2) == chain[2:4]
    assert chosen(person="nobody") == []


def test_an_empty_journal_verifies(db: Database) -> None:
    assert verify(db) is None
    with db.read() as connection:
        assert journal.head(connection) == (0, "")


def test_the_head_names_the_newest_entry(db: Database, chain: list[int]) -> None:
    with db.read() as connection:
        assert journal.head(connection) == (chain[-1], entries(db)[-1].hash)


@pytest.mark.parametrize(
    "change",
    [
        {"at": 11.0},
        {"at_business": 21.0},
        {"kind": "case"},
        {"person": "p2"},
        {"target": None},
        {"ref": "plan2"},
        {"body": '{"steps":3}'},
        {"hash": hashlib.sha256(b"").hexdigest()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_entry_is_found(db: Database, chain: list[int], change: dict[str, Any]) -> None:
    db.write(lambda tx: tx.execute(update(table).where(table.c.seq == chain[1]).values(change)))
    assert verify(db) == chain[1]


def test_a_removed_entry_is_found_at_its_successor(db: Database, chain: list[int]) -> None:
    db.write(lambda tx: tx.execute(delete(table).where(table.c.seq == chain[2])))
    assert verify(db) == chain[3]


def test_a_removed_beginning_is_found(db: Database, chain: list[int]) -> None:
    def work(tx: Connection) -> None:
        tx.execute(delete(journal_values).where(journal_values.c.seq == chain[0]))
        tx.execute(delete(table).where(table.c.seq == chain[0]))

    db.write(work)
    assert verify(db) == chain[1]


def test_an_entry_slipped_in_is_found(db: Database, chain: list[int]) -> None:
    last = {"at": 1, "at_business": 1, "kind": "case", "body": "{}"}
    last |= {"hash": entries(db)[-1].hash, "seq": chain[-1] + 7}
    db.write(lambda tx: tx.execute(insert(table).values(last)))
    assert verify(db) == chain[-1] + 7


@pytest.mark.parametrize("column", ["body", "salt"])
def test_altered_values_are_found(db: Database, chain: list[int], column: str) -> None:
    forged = {column: '{"displayName":"Bob"}'}
    where = journal_values.c.seq == chain[3]
    db.write(lambda tx: tx.execute(update(journal_values).where(where).values(forged)))
    assert verify(db) == chain[3]


def test_values_added_to_an_entry_that_had_none_are_found(db: Database, chain: list[int]) -> None:
    forged = {"seq": chain[2], "person": "p1", "salt": "00", "body": "{}"}
    db.write(lambda tx: tx.execute(insert(journal_values), forged))
    assert verify(db) == chain[2]


def test_a_person_is_forgotten_and_the_chain_holds(db: Database, chain: list[int]) -> None:
    assert db.write(lambda tx: journal.erase(tx, "p1", 30, 40)) == 2
    assert verify(db) is None
    mine = entries(db, person="p1")
    assert [(entry.values, entry.erased) for entry in mine] == [
        (None, True),
        (None, True),
        (None, False),
        (None, False),
    ]
    assert (mine[-1].kind, mine[-1].body) == ("erase", {"entries": 2})
    assert entries(db, person="p2")[0].values == {"displayName": "Bo"}
    with db.read() as connection:
        kept = str(connection.execute(select(table)).all())
        kept += str(connection.execute(select(journal_values)).all())
    assert "Ångström" not in kept
    assert "norhaven" not in kept


def test_values_leave_no_trace_that_could_be_guessed(db: Database) -> None:
    for _ in range(2):
        add(db, person="p1", values={"active": False})
    with db.read() as connection:
        first, second = connection.execute(select(table.c.body)).scalars()
    assert first != second, "the same value twice gives different salted hashes"
    assert "active" not in first


def test_what_is_rolled_back_never_was(db: Database, chain: list[int]) -> None:
    def work(tx: Connection) -> None:
        journal.append(tx, kind="plan", body={}, now=1, business_now=1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        db.write(work)
    after = add(db)
    assert verify(db) is None
    assert [entry.seq for entry in entries(db)] == [*chain, after]


def test_a_savepoint_takes_its_entries_back(db: Database, chain: list[int]) -> None:
    def work(tx: Connection) -> None:
        journal.append(tx, kind="plan", body={"kept": 1}, now=1, business_now=1)
        with tx.begin_nested() as savepoint:
            journal.append(tx, kind="plan", body={"kept": 0}, now=1, business_now=1)
            savepoint.rollback()
        journal.append(tx, kind="plan", body={"kept": 2}, now=1, business_now=1)

    db.write(work)
    assert verify(db) is None
    assert [entry.body.get("kept") for entry in entries(db)[-2:]] == [1, 2]


@pytest.mark.parametrize(
    "options",
    [
        {"body": {"valuesHash": "x"}},
        {"body": {"count": 2**70}},
        {"values": {"x": "half of a pair: \ud83d"}},
    ],
)
def test_what_cannot_be_chained_is_refused(db: Database, options: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError), match=r"valuesHash|64-bit|UTF-8"):
        add(db, **options)
    assert entries(db) == []


def test_many_writers_make_one_chain(db: Database) -> None:
    """Each transaction reads first, so that on PostgreSQL its snapshot is older than
    what it has to chain to, and appends twice."""
    failures: list[BaseException] = []

    def work(tx: Connection, who: int, step: int) -> None:
        tx.execute(select(journal_values.c.seq).limit(1)).first()
        for part in range(2):
            body = {"who": who, "step": step, "part": part}
            journal.append(tx, kind="plan", body=body, now=1, business_now=1, person=f"p{who}")

    def writer(who: int) -> None:
        try:
            for step in range(25):
                db.write(lambda tx, s=step: work(tx, who, s))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=writer, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert verify(db) is None
    said = [entry.body for entry in entries(db, limit=1000)]
    assert len(said) == 400
    pairs = list(zip(said[::2], said[1::2], strict=True))
    assert all(a["who"] == b["who"] and a["step"] == b["step"] for a, b in pairs)


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_an_export_verifies_without_muster(db: Database, chain: list[int]) -> None:
    """As its description says, from the lines alone."""
    add(db, now=1773651600.123456, business_now=0.1, body={"ä": [1, None, {"b": 2.5}]})
    with db.read() as connection:
        lines = [json.loads(json.dumps(line)) for line in journal.export(connection, values=True)]
        newest = journal.head(connection)
    assert [line["seq"] for line in lines[:-1]] == chain
    previous = ""
    columns = ("at", "at_business", "kind", "person", "target", "ref")
    for line in lines:
        said = {name: line[name] for name in columns} | {"body": canonical(line["body"])}
        previous = hashlib.sha256((previous + canonical(said)).encode()).hexdigest()
        assert line["hash"] == previous
        if "values" in line:
            sealed = hashlib.sha256((line["salt"] + canonical(line["values"])).encode())
            assert line["body"]["valuesHash"] == sealed.hexdigest()
    assert (lines[-1]["seq"], previous) == newest
    assert lines[0]["values"] == ADA


def test_an_export_holds_no_personal_values_unless_asked(db: Database, chain: list[int]) -> None:
    with db.read() as connection:
        assert "Ada" not in json.dumps(list(journal.export(connection)))
        assert "salt" not in json.dumps(list(journal.export(connection)))
        of_one = list(journal.export(connection, person="p1", values=True))
    assert [line["seq"] for line in of_one] == chain[:3]
    db.write(lambda tx: journal.erase(tx, "p1", 1, 1))
    with db.read() as connection:
        lines = list(journal.export(connection, values=True))
    assert "Ada" not in json.dumps(lines)
    assert [line["seq"] for line in lines if "values" in line] == [chain[3]]


# -- dropping what is old ------------------------------------------------------------------


def prune(db: Database, before: float) -> int:
    return db.write(lambda tx: journal.prune(tx, before, 1000, 1000))


@pytest.fixture
def aged(db: Database) -> list[int]:
    """Four entries, made at 10, 20, 30 and 40."""
    return [add(db, person="p1", now=at, values=ADA) for at in (10, 20, 30, 40)]


def test_old_entries_are_dropped_and_the_chain_holds(db: Database, aged: list[int]) -> None:
    assert prune(db, 30) == 2
    assert [e.seq for e in entries(db)][:2] == aged[2:]
    assert entries(db)[-1].body["through"] == aged[1]
    assert verify(db) is None
    assert prune(db, 30) == 0
    assert prune(db, 40) == 1
    assert verify(db) is None
    add(db)
    assert verify(db) is None


def test_when_all_are_dropped_the_chain_goes_on(db: Database, aged: list[int]) -> None:
    assert prune(db, 999) == 4
    assert [e.kind for e in entries(db)] == ["start"]
    add(db)
    assert verify(db) is None


def test_more_than_was_said_is_found_missing(db: Database, aged: list[int]) -> None:
    prune(db, 30)
    db.write(lambda tx: tx.execute(delete(journal_values)).close())
    db.write(lambda tx: tx.execute(delete(table).where(table.c.seq == aged[2])).close())
    assert verify(db) == aged[3]


def test_a_beginning_that_nobody_dropped_is_found_out(db: Database, aged: list[int]) -> None:
    """Whoever removes entries and says that they were dropped has to forge an entry too."""
    hash = entries(db)[1].hash
    db.write(lambda tx: tx.execute(delete(journal_values)).close())
    db.write(lambda tx: tx.execute(delete(table).where(table.c.seq <= aged[1])).close())
    forged = json.dumps([aged[1], hash])
    db.write(lambda tx: setting.put(tx, "journal_dropped", forged))
    assert verify(db) == aged[1]


def test_old_values_are_forgotten_and_the_entries_stay(db: Database, aged: list[int]) -> None:
    assert db.write(lambda tx: journal.forget_values(tx, 30)) == 2
    assert [e.erased for e in entries(db)] == [True, True, False, False]
    assert verify(db) is None
