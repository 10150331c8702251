"""`links`: the table of who is who, and an operator's word."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from console.links import links
from store import journal
from store.tables import pair, resource
from tests.console.rooms import run
from tests.provisioning.house import House, worker


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def do(house: House, *arguments: str) -> str:
    result = run(house, links, *arguments)
    assert result.exit_code == 0, result.output
    house.settle()
    return str(result.output)


def refused(house: House, *arguments: str) -> str:
    result = run(house, links, *arguments)
    assert result.exit_code != 0
    return str(result.output).strip()


def record(house: House, number: str) -> str:
    with house.database.read() as connection:
        query = select(resource.c.id).where(resource.c.external_id == number)
        return str(connection.execute(query).scalar_one())


def words(house: House) -> list[Any]:
    with house.database.read() as connection:
        assert journal.verify(connection) is None
        return [(e.body["what"], e.body["by"]) for e in journal.entries(connection, kind="console")]


def test_the_table_says_how_each_account_was_found(house: House) -> None:
    house.ad.put("Old Boss", employeeID="E2", sAMAccountName="mboss")
    house.push(worker("E1"))
    house.push(worker("E2", "Mia", "Boss"))
    house.settle()
    shown = do(house)
    assert "Anna Lindqvist (E1)" in shown
    assert ", created at " in shown
    assert ", found by employeeID at " in shown
    assert "E1" not in do(house, "--person", "E2")
    rows = list(csv.DictReader(io.StringIO(do(house, "--export", "csv"))))
    assert {row["key"]: row["matched"] for row in rows} == {
        "E1": "created",
        "E2": "found by employeeID",
    }
    lines = [json.loads(line) for line in do(house, "--export", "json").splitlines()]
    assert {line["anchor"] for line in lines} == set(house.ad.accounts)


def test_an_account_is_linked_by_hand(house: House) -> None:
    anchor = house.ad.put("A. Lindqvist", sAMAccountName="anna", title="Chief")
    house.ad.down = True
    house.push(worker("E1", title="Engineer"))
    house.ad.down = False
    said = do(house, "set", "E1", "ad", anchor, "--by", "Mia Boss")
    assert said == "ad: CN=A. Lindqvist,OU=People is linked to Anna Lindqvist (E1)\n"
    account = house.ad.one(employeeID="E1")
    assert (account.anchor, account.attributes["title"]) == (anchor, "Engineer")
    assert len(house.ad.accounts) == 1
    assert "linked by hand" in do(house)
    assert "by Mia Boss" in do(house)
    assert words(house) == [("linked", "Mia Boss")]


def test_an_account_with_another_number_is_taken_only_by_force(house: House) -> None:
    other = house.ad.put("Somebody", employeeID="E9", sAMAccountName="some")
    house.push(worker("E1"))
    house.settle()
    said = refused(house, "set", "E1", "ad", other, "--by", "Mia")
    assert said == (
        "Error: the account carries another employeeID; when that is to be overwritten, say --force"
    )
    do(house, "set", "E1", "ad", other, "--by", "Mia", "--force")
    assert house.ad.accounts[other].attributes["employeeID"] == "E1"


def test_an_account_of_somebody_else_or_of_nobody_is_not_linked(house: House) -> None:
    house.push(worker("E1"))
    house.push(worker("E2", "Mia", "Boss"))
    house.settle()
    anchor = house.ad.one(employeeID="E2").anchor
    said = refused(house, "set", "E1", "ad", anchor, "--by", "Mia", "--force")
    assert "is linked to person" in said
    assert "there is no account" in refused(house, "set", "E1", "ad", "nowhere", "--by", "Mia")
    assert "there is no target moon" in refused(house, "set", "E1", "moon", anchor, "--by", "Mia")
    assert "is empty" in refused(house, "set", "E1", "ad", anchor, "--by", " ")
    assert words(house) == []


def test_a_link_that_was_taken_away_stays_away(house: House) -> None:
    id = house.push(worker("E1"))
    house.settle()
    do(house, "remove", "E1", "ad", "--by", "Mia")
    house.withdraw(id)
    house.settle()
    assert house.ad.one(employeeID="E1").enabled, "nothing is done to it any more"
    assert house.row().held == "the link was taken away by Mia"
    assert "left alone: the link was taken away by Mia" in do(house, "--cases")
    do(house, "match", "E1", "ad", "--by", "Mia")
    assert not house.ad.one(employeeID="E1").enabled
    assert house.row().held is None
    assert words(house) == [("unlinked", "Mia"), ("let look again", "Mia")]
    assert "is not left alone" in refused(house, "match", "E1", "ad", "--by", "Mia")
    assert "nobody is known by E9" in refused(house, "remove", "E9", "ad", "--by", "Mia")


def test_a_doubtful_record_is_accepted(house: House) -> None:
    id = house.push(worker("E1"))
    house.settle()
    house.push(worker("E2", title="Chief"), id=id)
    house.settle()
    assert "case: every number" in do(house, "--cases")
    do(house, "accept", "E1", "--by", "Mia")
    account = house.ad.one(employeeID="E2")
    assert account.attributes["title"] == "Chief"
    assert do(house, "--cases") == ""
    house.push(worker("E2", title="Cook"), id=id)
    house.settle()
    assert house.ad.one(employeeID="E2").attributes["title"] == "Cook"
    assert "no record of this person is in doubt" in refused(house, "accept", "E2", "--by", "Mia")


def test_a_record_is_moved_to_the_person_it_belongs_to(house: House) -> None:
    """Somebody returned under another number, and HR has no lifelong id."""
    old = house.push(worker("E1", userName="anna"))
    house.settle()
    anchor = house.ad.one(employeeID="E1").anchor
    house.withdraw(old)
    house.settle()
    house.directories["ad"].down = True
    house.push(worker("E7", title="Chief"))
    house.directories["ad"].down = False
    do(house, "move", record(house, "E7"), "E1", "--by", "Mia")
    back = house.ad.one(employeeID="E7")
    assert (back.anchor, back.enabled, back.attributes["title"]) == (anchor, True, "Chief")
    assert len(house.ad.accounts) == 1


def test_a_record_is_split_off_to_a_person_of_its_own(tmp_path: Path) -> None:
    """Two systems gave one number to two people."""
    house = House(tmp_path, shared_keys=("employeeNumber",))
    house.push(worker("E1"))
    id = house.push(worker("E1", "Mia", "Boss"), source="generic")
    house.settle()
    do(house, "move", id, "new", "--by", "Mia")
    with house.database.read() as connection:
        held = [row.held for row in connection.execute(select(pair)) if row.held]
    assert held == ["the matching account already belongs to another person"]
    assert house.ad.one(employeeID="E1").attributes["givenName"] == "Anna"
    house.push(worker("E2", "Mia", "Boss"), source="generic", id=id)
    do(house, "accept", id, "--by", "Mia")
    assert house.ad.one(employeeID="E2").attributes["givenName"] == "Mia"


def test_what_cannot_be_moved_is_said(house: House) -> None:
    id = house.push(worker("E1"))
    assert "is this person's already" in refused(house, "move", id, "E1", "--by", "Mia")
    assert "there is no record nothing" in refused(house, "move", "nothing", "new", "--by", "Mia")
    house.withdraw(id)
    assert "HR has taken this record back" in refused(house, "move", id, "new", "--by", "Mia")
