"""Who is in a target's scope, and what becomes of the account of who is not any more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from store.clocks import iso, parse_instant
from tests.provisioning.house import START, House, worker

EMPLOYEES = """
scope:
  outside: %s
  groups:
    - name: employees
      clauses: [{ fact: workerType, operator: EQUALS, value: Employee }]
"""
UNTIL_NEXT_WEEK = """
scope:
  outside: disable
  groups:
    - name: hired a week ago or longer
      clauses: [{ fact: hireDate, operator: ON OR BEFORE, value: today-7 }]
"""
BROKEN = """
scope:
  outside: disable
  groups:
    - when: ['CDate([title]) < Now()']
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    (target,) = made.settings.targets.values()
    options = {**target.options, "leavers_ou": "OU=Leavers,DC=norhaven,DC=example"}
    made.settings = replace(made.settings, targets={"ad": replace(target, options=options)})
    return made


def steps(house: House) -> list[str]:
    done = [step.kind for step in house.ad.writes]
    house.ad.writes.clear()
    return done


def contractor(house: House, outside: str) -> str:
    """An employee with an account who becomes a contractor."""
    house.mapping(EMPLOYEES % outside)
    id = house.push(worker("E1", workerType="Employee", title="Cook"))
    house.settle()
    assert house.ad.one(employeeID="E1").enabled
    steps(house)
    house.push(worker("E1", workerType="Contingent", title="Chef"), id=id)
    house.settle()
    return id


def test_who_is_outside_gets_no_account_and_no_name(house: House) -> None:
    house.mapping(EMPLOYEES % "disable")
    house.push(worker("E1", workerType="Contingent"))
    house.settle()
    assert house.ad.accounts == {}
    assert house.row(workerId="E1").held is None
    house.push(worker("E2", workerType="Employee"))  # the same name, and it is free
    house.settle()
    assert house.ad.one(employeeID="E2").attributes["sAMAccountName"] == "alindqvist"


def test_an_account_of_somebody_outside_is_not_even_linked(house: House) -> None:
    house.ad.put(employeeID="E1", sAMAccountName="anna")
    house.mapping(EMPLOYEES % "disable")
    house.push(worker("E1", workerType="Contingent"))
    house.settle()
    assert (steps(house), house.links()) == ([], 0)
    assert house.ad.one(employeeID="E1").enabled


def test_keep_leaves_everything_as_it_is(house: House) -> None:
    contractor(house, "keep")
    assert steps(house) == []
    account = house.ad.one(employeeID="E1")
    assert (account.enabled, account.attributes["title"]) == (True, "Cook")


def test_keep_does_not_keep_a_leaver_on(house: House) -> None:
    id = contractor(house, "keep")
    house.push(worker("E1", workerType="Contingent", active=False), id=id)
    house.settle()
    assert steps(house) == ["disable"]
    assert not house.ad.one(employeeID="E1").enabled


def test_disable_writes_nothing_else_and_being_back_enables(house: House) -> None:
    id = contractor(house, "disable")
    assert steps(house) == ["disable"]
    assert house.ad.one(employeeID="E1").attributes["title"] == "Cook"
    house.ask()
    house.settle()
    assert steps(house) == []
    house.push(worker("E1", workerType="Employee", title="Chef"), id=id)
    house.settle()
    assert steps(house) == ["modify", "enable"]
    assert house.row(workerId="E1").outside_since is None


def test_disable_and_move(house: House) -> None:
    contractor(house, "disable_and_move")
    assert steps(house) == ["disable", "move"]
    assert house.ad.one(employeeID="E1").container == "OU=Leavers,DC=norhaven,DC=example"


def test_delete_counts_from_the_day_of_falling_out(house: House) -> None:
    contractor(house, "{ delete_after_days: 30 }")
    assert steps(house) == ["disable"]
    due = parse_instant(START) + 30 * 86400
    assert house.row(workerId="E1").look_at == due
    house.day(iso(due - 1))
    house.ask()
    house.settle()
    assert steps(house) == []
    house.day(iso(due))
    house.settle()
    assert steps(house) == ["delete"]
    assert house.ad.accounts == {}


def test_a_leaver_outside_is_deleted_by_whichever_comes_first(house: House) -> None:
    id = contractor(house, "{ delete_after_days: 30 }")
    house.push(worker("E1", workerType="Contingent", active=False), id=id)
    house.settle()
    house.day(iso(parse_instant(START) + 30 * 86400))
    house.settle()
    assert steps(house)[-1] == "delete"


def test_back_after_a_deletion_is_the_same_account(house: House) -> None:
    id = contractor(house, "{ delete_after_days: 0 }")
    assert steps(house) == ["disable", "delete"]
    (anchor,) = house.ad.bin
    house.push(worker("E1", workerType="Employee"), id=id)
    house.settle()
    assert house.ad.one(employeeID="E1").anchor == anchor
    assert house.ad.one(employeeID="E1").enabled


def test_a_day_that_comes_brings_somebody_in(house: House) -> None:
    house.mapping(UNTIL_NEXT_WEEK)
    house.push(worker("E1", hireDate="2026-03-12", timezone="America/New_York"))
    house.settle()
    assert house.ad.accounts == {}
    came = parse_instant("2026-03-19T04:00:00Z")  # midnight there
    assert house.row(workerId="E1").look_at == came
    house.day(iso(came))
    house.settle()
    assert house.ad.one(employeeID="E1").enabled


def test_a_scope_that_cannot_be_told_holds_and_still_lets_a_leaver_go(house: House) -> None:
    id = house.push(worker("E1", title="2020-01-01"))
    house.settle()
    house.mapping(BROKEN)
    house.push(worker("E1", title="Cook"), id=id)
    house.settle()
    assert "scope cannot be told" in house.row(workerId="E1").held
    assert house.ad.one(employeeID="E1").attributes["title"] == "2020-01-01"
    house.push(worker("E1", title="Cook", active=False), id=id)
    house.settle()
    assert not house.ad.one(employeeID="E1").enabled


def test_a_scope_that_loses_half_of_a_company_meets_the_breaker(house: House) -> None:
    for number in range(40):
        house.push(worker(f"E{number}", workerType="Employee"))
    house.settle()
    house.mapping(EMPLOYEES.replace("Employee }", "employee }") % "disable")
    house.ask()
    house.settle()
    enabled = [a for a in house.ad.accounts.values() if a.enabled]
    assert len(enabled) >= 30
    assert "disable" in house.row(workerId="E39").held
