"""Two people of two sources with one number, hired at the same moment: one account, and a
human hears of the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from adapters.target import Account
from provisioning import claims
from provisioning.beforehand import Prepared
from provisioning.claims import Claim, Result
from provisioning.people import search
from provisioning.rivals import WHY, contested
from provisioning.worker import Lease
from store.clocks import machine_now
from store.tables import pair, person
from tests.provisioning.directory import Directory
from tests.provisioning.house import House, worker

SOURCES = ("workday", "generic")


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Its two sources number people each for itself."""
    return House(tmp_path)


def hire(house: House) -> None:
    house.push(worker("E1", "Anna", "Lindqvist"))
    house.push(worker("E1", "Bo", "Berg", userName="bo.berg"), "generic")


def look(house: House, claim: Claim, prepared: Prepared | None = None) -> Result:
    lease = Lease(house.database, claim)
    if prepared is None:
        return house.converger.look(claim, lease)
    [result] = house.converger.look_together([claim], [lease], prepared)
    assert isinstance(result, Result), result
    return result


def finish(house: House, claim: Claim, result: Result, wait: float = 0.0) -> None:
    assert claims.finish(house.database, claim, result, machine_now() + wait)


def carriers(house: House) -> list[Account]:
    return [a for a in house.ad.accounts.values() if a.attributes["employeeID"] == "E1"]


def test_in_one_line_each_waits_for_the_other_and_then_the_second_is_held(house: House) -> None:
    hire(house)
    house.push(worker("E2", "Cleo", "Dahl"))
    taken = claims.claim_some(house.database, machine_now(), 50)
    prepared = house.converger.prepare(taken)
    results = [look(house, claim, prepared) for claim in taken]
    assert sorted(result.kind for result in results) == ["finish", "retry", "retry"]
    assert [r.problem for r in results if r.kind == "retry"] == [WHY, WHY]
    assert [a.attributes["employeeID"] for a in house.ad.accounts.values()] == ["E2"]
    for claim, result in zip(taken, results, strict=True):
        finish(house, claim, result)
    later = machine_now() + 3600
    for _ in range(2):
        claim = claims.claim(house.database, later)
        assert claim is not None
        finish(house, claim, look(house, claim))
    [account] = carriers(house)
    assert account.enabled
    with house.database.read() as connection:
        held = connection.execute(select(pair.c.held).where(pair.c.held.is_not(None))).scalars()
        assert list(held) == ["the matching account already belongs to another person"]


def test_what_was_asked_before_the_first_was_made_counts_for_nothing(house: House) -> None:
    hire(house)
    one = claims.claim_some(house.database, machine_now(), 1)
    [first] = one
    asked_early = house.converger.prepare(one)
    finish(house, first, look(house, first, asked_early))
    [second] = claims.claim_some(house.database, machine_now(), 1)
    result = look(house, second, asked_early)
    assert result.held == "the matching account already belongs to another person"
    assert len(carriers(house)) == 1


def test_who_is_looked_at_meanwhile_comes_first(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(house)
    [first] = claims.claim_some(house.database, machine_now(), 1)
    plain = Directory.apply
    seen: list[Result] = []

    def apply(self: Directory, *given: Any) -> Any:
        if not seen:  # the first is about to be made: the second is looked at
            [second] = claims.claim_some(house.database, machine_now(), 1)
            seen.append(look(house, second))
        return plain(self, *given)

    monkeypatch.setattr(Directory, "apply", apply)
    assert look(house, first).kind == "finish"
    assert (seen[0].kind, seen[0].problem) == ("retry", WHY)
    assert len(carriers(house)) == 1


def test_nobody_waits_whose_numbers_are_their_own_or_who_has_an_account(house: House) -> None:
    house.push(worker("E1", "Anna", "Lindqvist"))
    house.settle()
    house.push(worker("E1", "Bo", "Berg", userName="bo.berg"), "generic")
    house.push(worker("E2", "Cleo", "Dahl"))
    with house.database.read() as connection:
        [bo] = search(connection, "bo.berg")
        people = list(connection.execute(select(person.c.id)).scalars())
    found = contested(house.database, "ad", people, SOURCES, machine_now())
    assert found == {bo: False}
    [claim] = [
        one for one in claims.claim_some(house.database, machine_now(), 50) if one.person == bo
    ]
    assert look(house, claim).kind == "hold"
