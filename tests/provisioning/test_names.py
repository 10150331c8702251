"""Names: one per person, whoever asks first, and nobody else's."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from provisioning import names
from provisioning.names import ACCOUNT_NAME, MAIL, NoNameLeft, folded, numbered, reserve
from store.database import Database
from store.tables import metadata, name, person


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path / 'names.db'}")
    metadata.create_all(made.engine)
    made.write(
        lambda tx: tx.execute(
            person.insert(), [{"id": p, "created": 0, "asserted": True} for p in ("p1", "p2")]
        )
    )
    return made


NOW = 1000.0


def free(_name: str) -> bool:
    return False


def current(database: Database, who: str) -> dict[str, str]:
    with database.read() as connection:
        rows = connection.execute(select(name.c.kind, name.c.value, name.c.person, name.c.current))
        return {row.kind: row.value for row in rows if row.person == who and row.current}


def test_numbers_follow_within_the_limit() -> None:
    candidates = numbered(["maximiliane.featherst"])
    assert [next(candidates) for _ in range(3)] == [
        "maximiliane.feathers",
        "maximiliane.feather2",
        "maximiliane.feather3",
    ]


def test_names_compare_as_active_directory_compares() -> None:
    assert folded("Björn") == folded("BJORN")


def test_two_people_never_share_a_name(database: Database) -> None:
    assert reserve(database, "p1", ACCOUNT_NAME, ["jsmith", "jsmith2"], free, NOW) == "jsmith"
    assert reserve(database, "p2", ACCOUNT_NAME, ["jsmith", "jsmith2"], free, NOW) == "jsmith2"
    with pytest.raises(NoNameLeft):
        reserve(database, "p2", ACCOUNT_NAME, ["JSMITH"], free, NOW)


def test_a_foreign_name_is_burnt_for_everybody(database: Database) -> None:
    foreign = {"jsmith"}
    assert (
        reserve(database, "p1", ACCOUNT_NAME, ["jsmith", "js"], foreign.__contains__, NOW) == "js"
    )
    assert reserve(database, "p2", ACCOUNT_NAME, ["jsmith", "js2"], free, NOW) == "js2"


def test_a_dry_run_reserves_nothing(database: Database) -> None:
    assert reserve(database, "p1", ACCOUNT_NAME, ["jsmith"], free, NOW, keep=False) == "jsmith"
    assert reserve(database, "p2", ACCOUNT_NAME, ["jsmith"], free, NOW) == "jsmith"


@pytest.mark.parametrize("is_foreign", [False, True])
@pytest.mark.parametrize(("kind", "once"), [(ACCOUNT_NAME, True), (MAIL, False)])
def test_a_name_that_another_look_reserves_while_we_ask_the_targets(
    database: Database, kind: str, once: bool, is_foreign: bool
) -> None:
    """Both targets' looks at one person run at once; the other one may even have made the
    account that we then find holding the name."""

    def meanwhile(name: str) -> bool:
        assert reserve(database, "p1", kind, [name], free, NOW, once=once) == name
        return is_foreign

    found = reserve(database, "p1", kind, ["jsmith", "jsmith2"], meanwhile, NOW, once=once)
    assert found == "jsmith"
    assert current(database, "p1") == {kind: "jsmith"}


def test_many_looks_at_one_person_agree(database: Database) -> None:
    found: list[str] = []

    def look(first: str) -> None:
        found.append(reserve(database, "p1", ACCOUNT_NAME, [first, "b", "c"], free, NOW, once=True))

    threads = [threading.Thread(target=look, args=(first,)) for first in "xyzw"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1


def test_the_name_of_somebody_gone_is_free_when_it_was_held_long_enough(database: Database) -> None:
    reserve(database, "p1", ACCOUNT_NAME, ["jsmith"], free, NOW)
    database.write(lambda tx: names.hold(tx, "p1", NOW + 100))
    with pytest.raises(NoNameLeft):
        reserve(database, "p2", ACCOUNT_NAME, ["JSmith"], free, NOW + 99)
    assert reserve(database, "p2", ACCOUNT_NAME, ["JSmith"], free, NOW + 100) == "JSmith"
    assert current(database, "p1") == {}
    with pytest.raises(NoNameLeft):
        reserve(database, "p1", ACCOUNT_NAME, ["jsmith"], free, NOW + 200)


def test_the_name_of_who_came_back_in_time_is_theirs(database: Database) -> None:
    reserve(database, "p1", ACCOUNT_NAME, ["jsmith"], free, NOW)
    database.write(lambda tx: names.hold(tx, "p1", NOW + 100))
    database.write(lambda tx: names.keep(tx, "p1"))
    with pytest.raises(NoNameLeft):
        reserve(database, "p2", ACCOUNT_NAME, ["jsmith"], free, NOW + 1000)


def test_a_held_name_that_somebody_elses_account_has_taken_is_burnt(database: Database) -> None:
    reserve(database, "p1", ACCOUNT_NAME, ["jsmith"], free, NOW)
    database.write(lambda tx: names.hold(tx, "p1", NOW))
    taken = {"jsmith"}
    found = reserve(database, "p2", ACCOUNT_NAME, ["jsmith", "js"], taken.__contains__, NOW + 1)
    assert found == "js"
    assert current(database, "p1") == {}
