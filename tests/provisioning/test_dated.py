"""Changes that are said ahead of their day, corrected, rescinded and back-dated (P5, P10)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from store import journal
from store.tables import resource
from tests.provisioning.house import House, worker

APRIL = "2026-04-01"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def hired(house: House, **more: Any) -> str:
    id = house.push(worker("E1", title="Engineer", **more))
    house.settle()
    return id


def title(house: House) -> Any:
    return house.ad.one(employeeID="E1").attributes.get("title")


def say(house: House, id: str, title: str, **more: Any) -> None:
    house.push(worker("E1", title=title, **more), id=id)
    house.settle()


def day(house: House, instant: str) -> None:
    house.day(instant)
    house.settle()


def test_a_change_that_is_said_ahead_waits_for_its_day_where_the_worker_is(house: House) -> None:
    house.policy(locations={"tyo": "Asia/Tokyo"})
    id = hired(house, locationCode="TYO")
    say(house, id, "Director", effectiveDate=APRIL, locationCode="TYO")
    assert title(house) == "Engineer"
    day(house, "2026-03-31T14:59:00Z")
    assert title(house) == "Engineer"
    day(house, "2026-03-31T15:00:00Z")
    assert title(house) == "Director"
    with house.database.read() as connection:
        assert connection.execute(select(resource.c.ahead)).scalars().all() == ["[]"]


def test_a_day_that_came_while_nothing_ran_counts(house: House) -> None:
    id = hired(house)
    say(house, id, "Director", effectiveDate=APRIL)
    day(house, "2026-09-01T00:00:00Z")
    assert title(house) == "Director"


def test_what_changes_meanwhile_is_not_undone_by_it(house: House) -> None:
    id = hired(house, userName="anna")
    say(house, id, "Director", effectiveDate=APRIL, userName="anna")
    house.push(worker("E1", "Anna", "Berg", title="Engineer", userName="anna"), id=id)
    house.settle()
    assert title(house) == "Engineer"
    day(house, f"{APRIL}T00:00:00Z")
    account = house.ad.one(employeeID="E1")
    assert (account.attributes["title"], account.attributes["sn"]) == ("Director", "Berg")


def test_said_again_for_the_same_day_it_is_corrected(house: House) -> None:
    id = hired(house)
    say(house, id, "Director", effectiveDate=APRIL)
    say(house, id, "Deputy", effectiveDate=APRIL)
    day(house, f"{APRIL}T00:00:00Z")
    assert title(house) == "Deputy"


def test_said_to_stay_as_it_is_it_is_rescinded(house: House) -> None:
    id = hired(house)
    say(house, id, "Director", effectiveDate=APRIL)
    say(house, id, "Engineer", effectiveDate=APRIL)
    with house.database.read() as connection:
        assert connection.execute(select(resource.c.ahead)).scalars().all() == [None]
    day(house, "2026-05-01T00:00:00Z")
    assert title(house) == "Engineer"


def test_several_days_come_one_after_another(house: House) -> None:
    id = hired(house)
    say(house, id, "Director", effectiveDate="2026-06-01")
    say(house, id, "Deputy", effectiveDate=APRIL)
    day(house, f"{APRIL}T00:00:00Z")
    assert title(house) == "Deputy"
    day(house, "2026-06-01T00:00:00Z")
    assert title(house) == "Director"


def test_a_future_conversion_leaves_today_alone(house: House) -> None:
    """Entra's connector overwrites today's values; here the contract goes on to its end."""
    id = hired(house, workerType="Contingent", contractEndDate="2026-03-31")
    employee = worker(
        "E1", title="Specialist", workerType="Employee", hireDate=APRIL, effectiveDate=APRIL
    )
    house.push(employee, id=id)
    house.settle()
    account = house.ad.one(employeeID="E1")
    assert (account.enabled, account.attributes["employeeType"]) == (True, "Contingent")
    day(house, "2026-03-31T12:00:00Z")
    assert house.ad.one(employeeID="E1").enabled
    day(house, f"{APRIL}T00:00:00Z")
    account = house.ad.one(employeeID="E1")
    assert (account.enabled, account.attributes["employeeType"]) == (True, "Employee")
    assert "accountExpires" not in account.attributes
    assert [s.kind for s in house.ad.writes].count("disable") == 0


def test_an_end_that_is_said_ahead_is_known_at_once(house: House) -> None:
    id = hired(house)
    say(
        house,
        id,
        "Engineer",
        effectiveDate="2026-04-30",
        terminationDate="2026-04-30",
        active=False,
    )
    account = house.ad.one(employeeID="E1")
    assert account.enabled
    assert account.attributes["accountExpires"]
    day(house, "2026-04-30T12:00:00Z")
    assert house.ad.one(employeeID="E1").enabled
    day(house, "2026-05-01T00:00:00Z")
    assert not house.ad.one(employeeID="E1").enabled


def test_a_dismissal_waits_for_no_day(house: House) -> None:
    id = hired(house)
    say(house, id, "Engineer", effectiveDate=APRIL, active=False, involuntary=True)
    assert not house.ad.one(employeeID="E1").enabled


OLD_MARK = {"involuntary": True, "originalHireDate": "2019-02-01", "terminationDate": "2024-05-31"}


def test_the_mark_of_an_old_dismissal_brings_no_date_forward(house: House) -> None:
    again = {**OLD_MARK, "hireDate": "2026-03-02"}
    id = hired(house, **again)
    say(house, id, "Director", effectiveDate=APRIL, **again)
    assert title(house) == "Engineer"
    day(house, f"{APRIL}T00:00:00Z")
    assert title(house) == "Director"


def test_somebody_dismissed_is_in_again_by_a_new_first_day(house: House) -> None:
    """The mark stays in the record, and the last day it was of."""
    gone = {"involuntary": True, "terminationDate": "2026-03-10"}
    id = hired(house, hireDate="2021-04-01")
    say(house, id, "Engineer", hireDate="2021-04-01", active=False, **gone)
    assert not house.ad.one(employeeID="E1").enabled
    ends = {"hireDate": "2026-03-16", "contractEndDate": "2026-12-31"}
    say(house, id, "Engineer", **gone, **ends)
    assert house.ad.one(employeeID="E1").enabled
    day(house, "2027-01-01T00:00:00Z")
    assert not house.ad.one(employeeID="E1").enabled


def test_somebody_once_dismissed_is_prepared_and_begins(house: House) -> None:
    gone = {**OLD_MARK, "active": False, "hireDate": "2019-02-01"}
    id = hired(house, **gone)
    say(house, id, "Engineer", **gone | {"hireDate": "2026-03-23"})
    assert not house.ad.one(employeeID="E1").enabled
    day(house, "2026-03-23T00:00:00Z")
    assert house.ad.one(employeeID="E1").enabled


def test_who_is_said_to_be_out_is_out_though_an_old_date_stands_in_the_record(
    house: House,
) -> None:
    id = hired(house)
    say(house, id, "Director", effectiveDate=APRIL)
    say(house, id, "Director", effectiveDate=APRIL, active=False)
    assert not house.ad.one(employeeID="E1").enabled


def test_a_record_of_somebody_who_has_not_begun_is_how_they_begin(house: House) -> None:
    id = house.push(worker("E1", title="Trainee", hireDate=APRIL, effectiveDate=APRIL))
    house.settle()
    assert title(house) == "Trainee"
    say(house, id, "Engineer", hireDate=APRIL, effectiveDate=APRIL)
    assert title(house) == "Engineer"


def test_a_hire_that_is_put_off_and_brought_forward(house: House) -> None:
    id = house.push(worker("E1", hireDate="2026-03-20"))
    house.settle()
    say(house, id, "Engineer", hireDate=APRIL)
    day(house, "2026-03-21T00:00:00Z")
    assert not house.ad.one(employeeID="E1").enabled
    say(house, id, "Engineer", hireDate="2026-03-21")
    assert house.ad.one(employeeID="E1").enabled


def test_an_end_that_is_moved_and_taken_back(house: House) -> None:
    id = hired(house, terminationDate="2026-03-31")
    say(house, id, "Engineer", terminationDate="2026-04-30")
    day(house, f"{APRIL}T00:00:00Z")
    assert house.ad.one(employeeID="E1").enabled
    say(house, id, "Engineer")
    day(house, "2026-05-01T00:00:00Z")
    account = house.ad.one(employeeID="E1")
    assert (account.enabled, account.attributes.get("accountExpires")) == (True, None)


def test_a_back_dated_end_acts_at_once(house: House) -> None:
    id = hired(house)
    say(house, id, "Engineer", terminationDate="2026-02-28")
    assert not house.ad.one(employeeID="E1").enabled


def test_a_stale_record_moves_no_date(house: House) -> None:
    id = hired(house, sourceModifiedAt="2026-03-10T00:00:00Z")
    newer = {"effectiveDate": APRIL, "sourceModifiedAt": "2026-03-12T00:00:00Z"}
    say(house, id, "Director", **newer)
    say(house, id, "Cook", effectiveDate=APRIL, sourceModifiedAt="2026-03-11T00:00:00Z")
    day(house, f"{APRIL}T00:00:00Z")
    assert title(house) == "Director"


def test_a_switch_between_two_unseen_days_ends_sessions(tmp_path: Path) -> None:
    """Out on one dated change and in again on the next, and nobody looked in between."""
    house = House(tmp_path, ("ad", "entra"), kinds={"entra": "entra_id"})
    id = house.push(worker("E1"))
    house.settle()
    house.push(worker("E1", active=False, effectiveDate="2026-03-20"), id=id)
    house.settle()
    house.push(worker("E1", effectiveDate="2026-03-25"), id=id)
    house.settle()
    house.directories["entra"].writes.clear()
    house.day("2026-03-26T00:00:00Z")
    house.push(worker("E1", title="Chief"), id=id)
    house.settle()
    assert [s.kind for s in house.directories["entra"].writes].count("disable") == 1
    assert house.directories["entra"].one(employeeID="E1").enabled


def test_the_journal_says_what_is_dated_without_saying_it(house: House) -> None:
    id = hired(house)
    say(house, id, "Director", effectiveDate=APRIL)
    with house.database.read() as connection:
        (entry, *_) = journal.newest(connection, limit=100)
        found = [
            e.body["ahead"] for e in journal.newest(connection, limit=100) if "ahead" in e.body
        ]
    assert entry
    assert found == [[["2026-04-01T00:00:00.000Z", ["title"]]]]
    assert "Director" not in json.dumps(found)


def test_the_end_of_now_is_known_at_once_also_with_a_new_employment_ahead(house: House) -> None:
    id = hired(house, hireDate="2021-04-01")
    again = {"hireDate": "2026-05-01", "effectiveDate": "2026-05-01"}
    say(house, id, "Engineer", terminationDate="2026-03-31", **again)
    assert house.ad.one(employeeID="E1").enabled
    day(house, "2026-04-01T00:00:00Z")
    assert not house.ad.one(employeeID="E1").enabled
    day(house, "2026-05-01T00:00:00Z")
    account = house.ad.one(employeeID="E1")
    assert account.enabled
    assert "accountExpires" not in account.attributes


def test_somebody_who_goes_and_returns_by_one_record_is_not_out_before(house: House) -> None:
    id = hired(house, hireDate="2021-04-01", originalHireDate="2021-04-01")
    again = {"hireDate": "2026-05-01", "originalHireDate": "2021-04-01"}
    say(house, id, "Engineer", terminationDate="2026-03-31", **again)
    account = house.ad.one(employeeID="E1")
    assert (account.enabled, [s.kind for s in house.ad.writes].count("disable")) == (True, 0)
    day(house, "2026-04-01T00:00:00Z")
    assert not house.ad.one(employeeID="E1").enabled
    day(house, "2026-05-01T00:00:00Z")
    assert house.ad.one(employeeID="E1").enabled


def test_a_day_that_cannot_be_read_in_what_is_said_ahead_is_told_now(house: House) -> None:
    id = hired(house)
    say(house, id, "Director", effectiveDate=APRIL, terminationDate="soon")
    assert "terminationDate cannot be read" in house.row(workerId="E1").problem
    say(house, id, "Director", effectiveDate=APRIL)
    assert house.row(workerId="E1").problem is None
    day(house, f"{APRIL}T00:00:00Z")
    assert title(house) == "Director"


OUT_NOW = {"active": False, "hireDate": "2021-04-01"}


@pytest.mark.parametrize("ahead", [{}, {"effectiveDate": APRIL}])
def test_who_is_out_by_word_is_not_let_in_by_a_last_day_that_is_told_later(
    house: House, ahead: dict[str, str]
) -> None:
    """The urgent word comes first, the whole record with the end of the contract after it."""
    id = hired(house, hireDate="2021-04-01")
    say(house, id, "Engineer", **OUT_NOW)
    assert not house.ad.one(employeeID="E1").enabled
    for last in ("2026-04-30", "2026-06-30", "2026-06-30"):
        say(house, id, "Engineer", terminationDate=last, **OUT_NOW, **ahead)
        assert not house.ad.one(employeeID="E1").enabled
    day(house, "2026-04-15T00:00:00Z")
    assert not house.ad.one(employeeID="E1").enabled
    say(house, id, "Engineer", terminationDate="2026-06-30", hireDate="2021-04-01")
    assert house.ad.one(employeeID="E1").enabled
    say(house, id, "Engineer", terminationDate="2026-06-30", **OUT_NOW)
    assert house.ad.one(employeeID="E1").enabled


def test_who_was_out_by_word_returns_on_a_first_day_that_is_told_later(house: House) -> None:
    id = hired(house, hireDate="2021-04-01")
    say(house, id, "Engineer", **OUT_NOW)
    say(house, id, "Engineer", terminationDate="2026-03-16", **OUT_NOW)
    say(house, id, "Engineer", active=False, hireDate=APRIL)
    assert not house.ad.one(employeeID="E1").enabled
    day(house, f"{APRIL}T00:00:00Z")
    assert house.ad.one(employeeID="E1").enabled
