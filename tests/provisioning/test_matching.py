"""Finding existing accounts by several keys, choosing unique values, and what a mapping says
about the account being on."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from store.tables import journal_values
from tests.provisioning.house import House, worker

KEYS = "match: [employeeID, mail, [sn, givenName]]\n"
CHOSEN = """
attributes:
  extensionAttribute1:
    value: 'SelectUniqueValue(Join("", "x-", [familyName]), Join("", "x-", [workerId]))'
    hold: seed
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def anna(house: House, **more: object) -> None:
    emails = [{"value": "anna@norhaven.example", "type": "work"}]
    house.push(worker("E1", emails=emails, **more))
    house.settle()


def test_the_best_key_that_anything_carries_counts(house: House) -> None:
    house.mapping(KEYS)
    by_name = house.ad.put(sAMAccountName="al", sn="Lindqvist", givenName="Anna")
    by_mail = house.ad.put(sAMAccountName="anna", mail="anna@norhaven.example")
    anna(house)
    assert house.ad.one(employeeID="E1").anchor == by_mail
    assert by_name != by_mail
    assert len(house.ad.accounts) == 2


def test_a_key_of_several_parts_wants_all_of_them(house: House) -> None:
    house.mapping(KEYS)
    other = house.ad.put(sAMAccountName="bl", sn="Lindqvist", givenName="Berit")
    own = house.ad.put(sAMAccountName="al", sn="Lindqvist", givenName="Anna")
    anna(house)
    assert house.ad.one(employeeID="E1").anchor == own != other
    assert house.ad.one(employeeID="E1").attributes["sAMAccountName"] == "al"


def test_an_account_with_another_number_is_somebody_elses(house: House) -> None:
    house.mapping(KEYS)
    house.ad.put(sAMAccountName="anna", mail="anna@norhaven.example", employeeID="E7")
    anna(house)
    assert house.row(workerId="E1").held == (
        "the account found by mail carries another employeeID; correct it there, or link the "
        "right one"
    )
    assert house.ad.writes == []


def test_two_of_one_name_are_a_case(house: House) -> None:
    house.mapping(KEYS)
    for name in ("al", "al2"):
        house.ad.put(sAMAccountName=name, sn="Lindqvist", givenName="Anna")
    anna(house)
    assert "2 accounts carry the same key" in house.row(workerId="E1").held
    assert house.ad.writes == []


def test_a_chosen_value_is_free_in_the_directory_and_stays(house: House) -> None:
    house.mapping(CHOSEN)
    house.ad.put(sAMAccountName="old", extensionAttribute1="x-Lindqvist")
    anna(house, title="Cook")
    assert house.ad.one(employeeID="E1").attributes["extensionAttribute1"] == "x-E1"
    house.push(worker("E2"))
    house.push(worker("E3", family="Öberg"))
    house.settle()
    assert house.ad.one(employeeID="E2").attributes["extensionAttribute1"] == "x-E2"
    assert house.ad.one(employeeID="E3").attributes["extensionAttribute1"] == "x-Öberg"
    house.ad.writes.clear()
    house.ask()
    house.settle()
    assert house.ad.writes == []


def test_two_people_do_not_choose_the_same(house: House) -> None:
    house.mapping(CHOSEN)
    for number in range(6):
        house.push(worker(f"E{number}"))
    house.settle()
    values = [a.attributes["extensionAttribute1"] for a in house.ad.accounts.values()]
    assert len(set(values)) == 6


def test_an_adopted_account_keeps_the_value_it_has(house: House) -> None:
    house.mapping(CHOSEN.replace("hold: seed", "hold: own"))
    house.ad.put(employeeID="E1", sAMAccountName="anna", extensionAttribute1="x-mine")
    anna(house)
    assert house.ad.one(employeeID="E1").attributes["extensionAttribute1"] == "x-mine"


def test_nothing_left_to_choose_holds(house: House) -> None:
    house.mapping(CHOSEN.replace(', Join("", "x-", [workerId])', ', Join("", "y-", [familyName])'))
    for number in range(3):
        house.push(worker(f"E{number}"))
    house.settle()
    held = [house.row(workerId=f"E{n}").held for n in range(3)]
    assert held.count(None) == 2
    assert "no free extensionAttribute1:ad" in "".join(filter(None, held))


def test_what_is_drawn_is_the_same_at_every_look_and_differs_between_people(house: House) -> None:
    rule = "attributes:\n  extensionAttribute2: 'RandomString(12, 2, 2, 0, 2)'\n"
    house.mapping(rule)
    for number in ("E1", "E2"):
        house.push(worker(number))
    house.settle()
    drawn = {house.ad.one(employeeID=n).attributes["extensionAttribute2"] for n in ("E1", "E2")}
    assert len(drawn) == 2
    house.ad.writes.clear()
    house.reopen()
    house.ask()
    house.settle()
    assert house.ad.writes == []


def test_a_mapping_can_keep_an_account_off_and_never_turns_a_leavers_on(house: House) -> None:
    house.mapping("enabled: '[title] <> \"Phantom\"'\n")
    id = house.push(worker("E1", title="Phantom"))
    house.settle()
    assert not house.ad.one(employeeID="E1").enabled
    house.push(worker("E1", title="Cook"), id=id)
    house.settle()
    assert house.ad.one(employeeID="E1").enabled
    house.push(worker("E1", title="Cook", active=False), id=id)
    house.settle()
    assert not house.ad.one(employeeID="E1").enabled


def test_a_rule_about_being_on_that_fails_leaves_it_as_it_is(house: House) -> None:
    id = house.push(worker("E1", title="2020-01-01"))
    house.settle()
    house.mapping("enabled: 'CDate([title]) < Now()'\n")
    house.push(worker("E1", title="Cook"), id=id)
    house.settle()
    assert house.ad.one(employeeID="E1").enabled
    assert house.row(workerId="E1").problem
    house.push(worker("E2", title="Cook"))
    house.settle()
    assert not house.ad.one(employeeID="E2").enabled


def test_an_instant_in_a_rule_brings_the_next_look(house: House) -> None:
    house.mapping(
        'attributes:\n  title: \'IIF(CDate("2026-04-01T00:00:00Z") <= Now(), "here", "soon")\'\n'
    )
    house.push(worker("E1"))
    house.settle()
    assert house.ad.one(employeeID="E1").attributes["title"] == "soon"
    house.day("2026-04-01T00:00:00Z")
    house.settle()
    assert house.ad.one(employeeID="E1").attributes["title"] == "here"


def test_a_hidden_value_is_in_no_journal_and_no_plan(house: House) -> None:
    house.mapping("attributes:\n  title: 'Redact([title])'\n  description:\n")
    house.push(worker("E1", title="Vorstand-geheim"))
    house.settle()
    assert house.ad.one(employeeID="E1").attributes["title"] == "Vorstand-geheim"
    with house.database.read() as connection:
        bodies = "".join(connection.execute(select(journal_values.c.body)).scalars())
    assert "[Redact]" in bodies
    assert "geheim" not in bodies
