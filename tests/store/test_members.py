"""store/members.py on SQLite and PostgreSQL: memberships, direct and through groups."""

from __future__ import annotations

from store import members, resources
from store.database import Database
from store.members import Member
from tests.store.test_resources import made, one, store


def group(db: Database, id: str, *ids: str, kind: str = "User") -> int:
    """A group with these members; its seq."""
    new = made(id, type="Group", document=f'{{"id":"{id}"}}')

    def work(tx: object) -> int:
        seq = resources.insert_new(tx, new)  # type: ignore[arg-type]
        members.add(tx, seq, [Member(one, kind) for one in ids], 1)  # type: ignore[arg-type]
        return seq

    return db.write(work)


def test_members_come_in_their_order_and_go(db: Database) -> None:
    seq = group(db, "g", "c", "a", "b")
    with db.read() as conn:
        assert [m.id for m in members.of(conn, seq)] == ["c", "a", "b"]
        assert members.present(conn, seq, ["a", "x", "b"]) == {"a", "b"}
        assert members.more_than(conn, seq, 2)
        assert not members.more_than(conn, seq, 3)
    db.write(lambda tx: members.remove(tx, seq, ["a", "x"]))
    db.write(lambda tx: members.add(tx, seq, [Member("d", None, "Dora")], 100))
    with db.read() as conn:
        assert members.of(conn, seq) == [
            Member("c", "User"), Member("b", "User"), Member("d", None, "Dora")
        ]  # fmt: skip
    db.write(lambda tx: members.appear(tx, "d", "User"))
    db.write(lambda tx: members.leave(tx, "c"))
    with db.read() as conn:
        assert members.of(conn, seq) == [Member("b", "User"), Member("d", "User", "Dora")]
    db.write(lambda tx: members.disband(tx, seq))
    with db.read() as conn:
        assert members.of(conn, seq) == []


def test_who_is_a_member_knows(db: Database) -> None:
    store(db, made("a"), made("b"))
    group(db, "g", "a")
    assert one(db, "a").grouped is True
    assert one(db, "b").grouped is False


def test_groups_in_groups_are_followed(db: Database) -> None:
    store(db, made("a"))
    group(db, "inner", "a")
    group(db, "middle", "inner", kind="Group")
    group(db, "outer", "middle", "a", kind="Group")
    with db.read() as conn:
        found = [(id, direct) for id, _, direct in members.groups_of(conn, "a")]
    assert found == [("inner", True), ("outer", True), ("middle", False)]


def test_a_circle_ends(db: Database) -> None:
    store(db, made("a"))
    group(db, "one", "two", "a", kind="Group")
    group(db, "two", "one", kind="Group")
    with db.read() as conn:
        assert [id for id, _, _ in members.groups_of(conn, "a")] == ["one", "two"]
        assert [id for id, _, _ in members.groups_of(conn, "one")] == ["two"]
