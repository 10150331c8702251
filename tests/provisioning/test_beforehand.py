"""Several looks at once: what is asked and reserved together beforehand changes no outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from provisioning import claims
from provisioning.beforehand import Prepared
from provisioning.claims import Result
from provisioning.worker import Lease
from store.clocks import machine_now
from store.database import Database
from store.tables import name
from tests.provisioning.directory import Directory
from tests.provisioning.house import House, worker

SCOPE = """
scope:
  outside: keep
  groups:
    - name: the first one
      clauses: [{ fact: workerId, operator: EQUALS, value: W1 }]
"""
ASKING = ("read", "carriers", "holder", "holders")


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, ("ad", "cloud"))


def look_together(house: House, target: str = "ad") -> Prepared | None:
    """Look at whatever is due in a target as a worker with a long line does."""
    skip = [other for other in house.directories if other != target]
    taken = claims.claim_some(house.database, machine_now(), 50, skip)
    prepared = house.converger.prepare(taken)
    leases = [Lease(house.database, claim) for claim in taken]
    if prepared is not None:
        ends = house.converger.look_together(taken, leases, prepared)
    else:
        ends = [house.converger.look(*one) for one in zip(taken, leases, strict=True)]
    for claim, result in zip(taken, ends, strict=True):
        assert isinstance(result, Result), result
        assert claims.finish(house.database, claim, result, machine_now())
    return prepared


def account_names(directory: Directory) -> dict[str, Any]:
    found = directory.accounts.values()
    return {str(a.attributes["employeeID"]): a.attributes.get("sAMAccountName") for a in found}


def reserved(house: House) -> set[str]:
    with house.database.read() as connection:
        return set(
            connection.execute(select(name.c.value).where(name.c.kind == "accountName")).scalars()
        )


def test_who_is_hired_together_is_asked_about_together(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        house.push(worker(f"W{number}", "Anna", f"Lindqvist{number % 3}"))
    asked: list[str] = []
    for word in ASKING:
        plain = getattr(Directory, word)

        def counted(self: Directory, *given: Any, word: str = word, plain: Any = plain) -> Any:
            asked.append(word)
            return plain(self, *given)

        monkeypatch.setattr(Directory, word, counted)
    look_together(house)
    together = [word for word in asked if word in ("carriers", "holders")]
    assert together == ["carriers", "carriers", "holders", "holders"]
    assert len(house.ad.accounts) == 8
    assert asked.count("read") == 8  # after each create, before it is enabled
    assert len(reserved(house)) == 8


def test_namesakes_who_are_hired_together_get_two_names(house: House) -> None:
    for number in range(3):
        house.push(worker(f"W{number}", "Anna", "Lindqvist"))
    look_together(house)
    names = account_names(house.ad)
    assert len(set(names.values())) == 3
    look_together(house, "cloud")
    assert account_names(house.directories["cloud"]) == names
    assert house.settle() == 0


def test_a_name_that_somebody_elses_account_has_is_not_given(house: House) -> None:
    house.directories["cloud"].put("Other", sAMAccountName="anna.lindqvist", employeeID="X1")
    house.directories["cloud"].put("Another", sAMAccountName="alindqvist", employeeID="X2")
    house.push(worker("W1", "Anna", "Lindqvist"))
    house.push(worker("W2", "Bo", "Berg"))
    look_together(house)
    taken = {"anna.lindqvist", "alindqvist"}
    assert not taken & set(account_names(house.ad).values())
    assert set(account_names(house.ad)) == {"W1", "W2"}


def test_an_account_that_is_there_is_adopted_with_its_name(house: House) -> None:
    anchor = house.ad.put("Anna", sAMAccountName="annal", employeeID="W1")
    house.directories["cloud"].put("Bo", sAMAccountName="bobo", employeeID="W2")
    house.push(worker("W1", "Anna", "Lindqvist"))
    house.push(worker("W2", "Bo", "Berg"))
    look_together(house)
    assert account_names(house.ad) == {"W1": "annal", "W2": "bobo"}
    assert house.ad.one(employeeID="W1").anchor == anchor


def test_a_key_that_two_accounts_carry_holds_one_person_alone(house: House) -> None:
    for _ in range(2):
        house.ad.put("Anna", employeeID="W1")
    house.push(worker("W1", "Anna", "Lindqvist"))
    house.push(worker("W2", "Bo", "Berg"))
    look_together(house)
    assert "carry the same key" in house.row(workerId="W1").held
    assert house.row(workerId="W2").held is None
    assert house.ad.one(employeeID="W2").enabled


def test_another_target_that_is_down_holds_nobody_up(house: House) -> None:
    house.directories["cloud"].down = True
    house.push(worker("W1", "Anna", "Lindqvist"))
    house.push(worker("W2", "Bo", "Berg"))
    assert look_together(house) is not None
    assert set(account_names(house.ad)) == {"W1", "W2"}


def test_each_look_says_so_when_the_target_is_down(house: House) -> None:
    house.ad.down = True
    house.push(worker("W1", "Anna", "Lindqvist"))
    house.push(worker("W2", "Bo", "Berg"))
    assert look_together(house) is None
    assert "nobody answers" in house.row(workerId="W1").problem
    assert reserved(house) == set()


def test_nobody_outside_the_scope_is_given_a_name(house: House) -> None:
    house.mapping(SCOPE)
    house.push(worker("W1", "Anna", "Lindqvist"))
    house.push(worker("W2", "Bo", "Berg"))
    look_together(house)
    assert set(account_names(house.ad)) == {"W1"}
    assert len(reserved(house)) == 1


def test_who_is_hired_together_is_written_down_together(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many they are: names, plans, what was made, and what is left to be kept."""
    plain, written = Database.write, list[int]()

    def counted(self: Database, *given: Any, **more: Any) -> Any:
        written.append(1)
        return plain(self, *given, **more)

    monkeypatch.setattr(Database, "write", counted)
    counts = []
    for several in (range(2), range(2, 12)):
        for number in several:
            house.push(worker(f"W{number}", "Anna", f"Lindqvist{number}"))
        taken = claims.claim_some(house.database, machine_now(), 50, ["cloud"])
        assert len(taken) == len(several)
        prepared = house.converger.prepare(taken)
        assert prepared is not None
        leases = [Lease(house.database, claim) for claim in taken]
        written.clear()
        ends = house.converger.look_together(taken, leases, prepared)
        counts.append(len(written))
        results = [end for end in ends if isinstance(end, Result)]
        pairs = list(zip(taken, results, strict=True))
        assert claims.finish_all(house.database, pairs, machine_now()) == [True] * len(several)
    assert counts == [2, 2]
    with house.database.read() as connection:
        shown = connection.execute(select(name.c.value).where(name.c.kind == "cn:ad")).scalars()
        assert len(list(shown)) == 12


def test_namesakes_who_are_hired_together_are_shown_under_two_names(house: House) -> None:
    for number in range(3):
        house.push(worker(f"W{number}", "Anna", "Lindqvist"))
    look_together(house)
    assert len({account.name for account in house.ad.accounts.values()}) == 3
