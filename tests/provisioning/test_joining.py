"""Which person a record belongs to: numbers, lifelong ids, and what is a case (P1)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from provisioning.joining import IN_TURN
from scim.errors import ScimError
from store.tables import journal, person, resource
from tests.provisioning.house import House, worker


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, shared_keys=("employeeNumber", "universalId"))


def life(number: str, universal: str, **more: Any) -> dict[str, Any]:
    return worker(number, universalId=universal, **more)


def persons(house: House) -> int:
    with house.database.read() as connection:
        return len(connection.execute(select(person.c.id)).all())


def case(house: House) -> Any:
    with house.database.read() as connection:
        return [p for p in connection.execute(select(person.c.problem)).scalars() if p]


def test_who_returns_under_another_number_gets_the_same_account(house: House) -> None:
    id = house.push(life("E1", "U1", userName="anna"))
    house.settle()
    anchor = house.ad.one(employeeID="E1").anchor
    house.withdraw(id)
    house.settle()
    house.push(life("E77", "U1", userName="anna", title="Chief"))
    house.settle()
    back = house.ad.one(employeeID="E77")
    assert (back.anchor, back.enabled, back.attributes["sAMAccountName"]) == (anchor, True, "anna")
    assert persons(house) == 1


def test_a_conversion_shows_both_records_until_the_day(house: House) -> None:
    """Workday lists contract and employment side by side; the account changes on the day."""
    house.push(
        life(
            "C1", "U1", hireDate="2025-09-01", contractEndDate="2026-03-31", workerType="Contingent"
        )
    )
    house.settle()
    house.push(life("E1", "U1", hireDate="2026-04-01", workerType="Employee"))
    house.settle()
    now = house.ad.one(employeeID="C1")
    assert (now.enabled, now.attributes["employeeType"]) == (True, "Contingent")
    assert "accountExpires" not in now.attributes, "the employment goes on"
    house.day("2026-04-01T00:00:00Z")
    house.settle()
    then = house.ad.one(employeeID="E1")
    assert (then.anchor, then.enabled, then.attributes["employeeType"]) == (
        now.anchor,
        True,
        "Employee",
    )
    assert [s.kind for s in house.ad.writes].count("disable") == 0
    assert len(house.ad.accounts) == 1


def test_the_old_record_may_go_while_the_new_one_stands(house: House) -> None:
    old = house.push(life("C1", "U1"))
    house.push(life("E1", "U1"))
    house.withdraw(old)
    house.settle()
    assert house.ad.one(employeeID="E1").enabled


def test_another_number_and_no_lifelong_id_is_another_person(house: House) -> None:
    id = house.push(worker("E1", userName="anna"))
    house.settle()
    house.withdraw(id)
    house.settle()
    house.push(worker("E2", userName="anna"))
    house.settle()
    assert house.ad.one(employeeID="E2").attributes["sAMAccountName"] == "anna2"
    assert not house.ad.one(employeeID="E1").enabled


def test_one_number_twice_in_one_source_is_refused(house: House) -> None:
    house.push(life("E1", "U1"))
    with pytest.raises(ScimError, match="same person key"):
        house.push(life("E1", "U1"))


def test_a_guid_that_a_live_record_has_is_refused(house: House) -> None:
    house.push(worker("E1", sourceId="127b1c760d0af306e341429faaa81922"))
    with pytest.raises(ScimError, match="same person key"):
        house.push(worker("E2", sourceId="127B1C76-0D0A-F306-E341-429FAAA81922"))


def test_a_renumbered_record_with_its_lifelong_id_is_the_same_person(house: House) -> None:
    id = house.push(life("E1", "U1"))
    house.settle()
    house.push(life("E2", "U1"), id=id)
    house.settle()
    assert (case(house), persons(house)) == ([], 1)
    assert house.ad.one(employeeID="E2").enabled


def test_a_record_whose_every_number_changed_is_a_case(house: House) -> None:
    id = house.push(worker("E1"))
    house.settle()
    house.push(worker("E2"), id=id)
    house.settle()
    assert case(house) == ["every number by which this person was known has changed"]
    assert house.ad.one(employeeID="E1").enabled, "held: nothing is touched"
    house.push(worker("E1", title="Chief"), id=id)
    house.settle()
    assert case(house) == []
    assert house.ad.one(employeeID="E1").attributes["title"] == "Chief"


def test_a_number_given_to_somebody_else_is_a_case(house: House) -> None:
    id = house.push(life("E1", "U1"))
    house.settle()
    house.withdraw(id)
    house.settle()
    house.push(life("E1", "U2", given="Mia", family="Boss"))
    house.settle()
    assert case(house) == ["this number belongs to somebody with another lifelong id"]
    assert not house.ad.one(employeeID="E1").enabled, "nobody gets the account of another"


def test_a_lifelong_id_with_quite_another_name_is_a_case(house: House) -> None:
    house.push(life("E1", "U1"))
    house.settle()
    house.push(life("E2", "U1", given="Mia", family="Boss"))
    house.settle()
    assert case(house) == ["this record has the lifelong id of somebody with another name"]
    assert len(house.ad.accounts) == 1


def test_who_married_meanwhile_is_still_the_same(house: House) -> None:
    house.push(life("E1", "U1"))
    house.push(life("E2", "U1", family="Berg"))
    assert (case(house), persons(house)) == ([], 1)


def test_a_lifelong_id_joins_across_sources_that_share_it(house: House) -> None:
    house.push(life("E1", "U1"))
    house.push(life("X9", "U1"), source="generic")
    assert persons(house) == 1


def test_a_case_of_one_record_is_not_settled_by_another(house: House) -> None:
    first = house.push(worker("E1"))
    house.push(worker("E1"), source="generic")
    house.settle()
    house.push(worker("E9"), id=first)
    house.push(worker("E1", title="Chief"), source="generic", id=_record(house, "generic"))
    assert case(house) == ["every number by which this person was known has changed"]
    house.withdraw(first)
    assert case(house) == []


def test_two_users_that_write_one_record_in_turn_are_remarked_on_and_nothing_waits(
    house: House,
) -> None:
    """By IPS with a number as externalId: the second employment is PUT over the first."""
    first, second = ({"sourceId": f"{n}" * 32, "title": f"Job {n}"} for n in (1, 2))
    id = house.push(life("E1", "U1", **first))
    house.push(life("E1", "U1", **second), id=id)  # a GUID may change, once
    house.settle()
    assert remarks(house) == []
    for job in (first, second):
        house.push(life("E1", "U1", **job), id=id)
    house.settle()
    assert remarks(house) == [IN_TURN, IN_TURN]
    assert case(house) == []
    assert house.ad.one(employeeID="E1").attributes["title"] == "Job 2"


def test_the_guid_of_the_person_in_place_of_the_users_is_no_other_user(house: House) -> None:
    """The flavours of IPS give one or the other."""
    own, person = "1" * 32, "2" * 32
    id = house.push(life("E1", person, sourceId=own))
    for guid in (person, own, person):
        house.push(life("E1", person, sourceId=guid), id=id)
    assert remarks(house) == []


def remarks(house: House) -> list[str]:
    with house.database.read() as connection:
        bodies = connection.execute(
            select(journal.c.body).where(journal.c.kind == "intake").order_by(journal.c.seq)
        ).scalars()
        return [problem for body in bodies for problem in json.loads(body)["problems"]]


def _record(house: House, source: str) -> str:
    with house.database.read() as connection:
        found = connection.execute(select(resource.c.id).where(resource.c.source == source))
        return str(found.scalar_one())
