"""The calendar says beforehand what the dates then do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from console.calendar import Event, calendar, show_calendar
from console.commands import Rooms
from store.clocks import iso
from store.tables import pair
from tests.provisioning.house import House, worker


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Business time stands at 2026-03-16T09:00:00Z; accounts are made 14 days ahead."""
    return House(tmp_path)


def listed(house: House, days: float = 14) -> list[Event]:
    with house.database.read() as connection:
        return calendar(connection, house.settings.people, house.now, days)


def told(house: House, days: float = 14) -> list[tuple[str, str, str]]:
    return [(iso(e.at)[:16], e.key, e.what) for e in listed(house, days)]


def run(house: House, *arguments: str) -> Any:
    rooms = Rooms(house.settings, house.database, house.converger, house.business)
    return CliRunner().invoke(show_calendar, arguments, obj=lambda: rooms)


def test_hires_and_leavers_in_the_order_of_their_instants(house: House) -> None:
    house.push(worker("E1", hireDate="2026-03-23") | {"timezone": "Europe/Berlin"})
    house.push(worker("E2", given="Bo", terminationDate="2026-03-20") | {"timezone": "Asia/Tokyo"})
    house.push(worker("E3", given="Cy"))
    house.settle()
    assert told(house) == [
        ("2026-03-20T15:00", "E2", "leaves"),
        ("2026-03-22T23:00", "E1", "enabled"),
    ]
    assert [e.what for e in listed(house, 5)] == ["leaves"]


def test_a_life_is_played_forward_beyond_the_first_date(house: House) -> None:
    days = house.settings.people.pre_hire_days
    house.push(
        worker("E1", hireDate="2026-04-20", terminationDate="2026-04-30") | {"timezone": "UTC"}
    )
    house.settle()
    assert [e.what for e in listed(house, 90)] == ["account created", "enabled", "leaves"]
    created, enabled, leaves = (e.at for e in listed(house, 90))
    assert enabled - created == days * 86400
    assert (iso(enabled), iso(leaves)) == ("2026-04-20T00:00:00.000Z", "2026-05-01T00:00:00.000Z")


def test_what_it_says_is_what_happens(house: House) -> None:
    house.push(worker("E1", hireDate="2026-04-20", terminationDate="2026-04-30"))
    house.settle()
    for event in listed(house, 90):
        before = [a.enabled for a in house.ad.accounts.values()]
        house.day(iso(event.at - 1))
        house.settle()
        assert [a.enabled for a in house.ad.accounts.values()] == before
        house.day(iso(event.at))
        house.settle()
        after = {"account created": [False], "enabled": [True], "leaves": [False]}
        assert [a.enabled for a in house.ad.accounts.values()] == after[event.what]
    assert listed(house, 90) == []


def test_the_night_the_clocks_change(house: House) -> None:
    """29 March 2026 has 23 hours in Berlin."""
    house.push(worker("E1", terminationDate="2026-03-28") | {"timezone": "Europe/Berlin"})
    house.push(
        worker("E2", given="Bo", terminationDate="2026-03-29") | {"timezone": "Europe/Berlin"}
    )
    house.settle()
    first, second = listed(house)
    assert second.at - first.at == 23 * 3600
    assert [e.local.strftime("%d %H:%M %Z") for e in (first, second)] == [
        "29 00:00 CET",
        "30 00:00 CEST",
    ]


def test_what_nobody_has_looked_at_yet_is_listed_too(house: House) -> None:
    house.push(worker("E1", terminationDate="2026-03-20") | {"timezone": "UTC"})
    assert told(house) == [("2026-03-21T00:00", "E1", "leaves")]


def test_overdue_dates_come_first(house: House) -> None:
    house.push(worker("E1", terminationDate="2026-03-20") | {"timezone": "UTC"})
    house.settle()
    house.day("2026-03-25T09:00:00Z")
    assert told(house) == [("2026-03-21T00:00", "E1", "leaves")]
    assert "overdue: leaves" in run(house).output


def test_an_unexplained_look_is_listed_as_such(house: House) -> None:
    house.push(worker("E1"))
    house.settle()
    at = house.now + 3600
    house.database.write(lambda tx: tx.execute(update(pair).values(look_at=at)))
    assert told(house) == [("2026-03-16T10:00", "E1", "looks again")]


def test_every_target_has_its_line(tmp_path: Path) -> None:
    house = House(tmp_path, targets=("ad", "other"))
    house.push(worker("E1", terminationDate="2026-03-20"))
    house.settle()
    assert [e.target for e in listed(house)] == ["ad", "other"]


def test_the_command_shows_both_times(house: House) -> None:
    house.push(worker("E2", terminationDate="2026-03-20") | {"timezone": "Asia/Tokyo"})
    house.settle()
    shown = run(house, "--days", "7")
    assert shown.exit_code == 0
    assert shown.output == (
        "2026-03-21 00:00 JST  2026-03-20T15:00:00.000Z  ad  Anna Lindqvist (E2)  "
        "leaves: the last day has passed\n"
    )


def test_an_empty_calendar_says_so(house: House) -> None:
    assert run(house).output == "nothing is due in the 14 days from 2026-03-16T09:00:00.000Z\n"
    assert run(house, "--days", "-1").exit_code == 2
