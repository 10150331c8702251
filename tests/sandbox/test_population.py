"""The fictional company: the same every time, whole at every moment, and pushed over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sandbox.company import people as small_company
from sandbox.offices import DEPARTMENTS, PLACES
from sandbox.populate import create_people
from sandbox.population import KINDS, Company, company
from sandbox.story import Place
from sandbox.workday import Worker
from store.clocks import parse_instant, to_datetime
from tests.sandbox.gateway import Gateway

UNTIL = date(2026, 3, 16)
NOW = "2026-03-16T12:00:00.000Z"


@pytest.fixture(scope="module")
def large() -> Company:
    return company(800, 12, 7, UNTIL)


def test_the_same_seed_makes_the_same_company(large: Company) -> None:
    again = company(800, 12, 7, UNTIL)
    assert again == large
    assert again.workers == large.workers
    other = company(800, 12, 8, UNTIL)
    assert other != large
    assert other.workers.keys().isdisjoint(large.workers)


def test_it_has_countries_departments_and_dates(large: Company) -> None:
    assert len(large.founders) == 800
    assert {one.office.country for one in large.founders} == {p.office.country for p in PLACES}
    assert {one.department for one in large.founders} == set(DEPARTMENTS)
    assert all(one.hired < large.begins for one in large.founders)
    assert [month.day for month in large.months][:2] == [date(2025, 3, 16), date(2025, 4, 16)]
    assert large.months[-1].day == date(2026, 2, 16)


def test_every_kind_of_event_happens(large: Company) -> None:
    for size, months in ((800, 12), (30, 6)):
        found = company(size, months, 7, UNTIL)
        counted = Counter(event.kind for month in found.months for event in month.events)
        assert set(counted) == set(KINDS)
    assert len(large.workers) == 800 + sum(
        event.kind == "hire" for month in large.months for event in month.events
    )


def played(found: Company) -> Iterator[tuple[date, dict[str, Worker], list[str]]]:
    """Everybody as they are after each month, and whom the month touched."""
    now = {one.number: one for one in found.founders}
    for month in found.months:
        for event in month.events:
            now[event.worker.number] = event.worker
        yield month.day, now, [event.kind for event in month.events]


def test_nobody_has_a_manager_who_left_and_nobody_is_their_own(large: Company) -> None:
    for _, now, _ in played(large):
        assert [one.number for one in now.values() if one.manager is None] == [
            large.founders[0].number
        ]
        for one in now.values():
            if one.ended is None:
                above, seen = one.manager, {one.number}
                while above is not None:
                    assert above not in seen
                    assert now[above].ended is None
                    seen.add(above)
                    above = now[above].manager
    assert now == large.workers


def test_events_are_what_they_are_called(large: Company) -> None:
    now = {one.number: one for one in large.founders}
    for month in large.months:
        for event in month.events:
            before, after = now.get(event.worker.number), event.worker
            match event.kind:
                case "hire":
                    assert before is None
                    assert month.day < after.hired < month.day + timedelta(days=27)
                case "rename":
                    assert before is not None
                    assert before.family != after.family
                case "move":
                    assert before is not None
                    assert before.department != after.department
                case "manager":
                    assert before is not None
                    assert before.manager != after.manager
                case "leave" | "back":
                    assert after.on_leave == (event.kind == "leave")
                case "termination":
                    assert after.ended is not None
                    assert month.day < after.ended
                case "return":
                    assert before is not None
                    assert before.ended is not None
                    assert before.ended < month.day < after.hired
                    assert after.ended is None
            now[after.number] = after


def test_names_want_transliteration_and_clash(large: Company) -> None:
    names = [one.name for one in large.founders]
    assert any(not name.isascii() for name in names)
    assert len(set(names)) < len(names)
    numbers = {one.number for one in small_company(UNTIL)}
    assert numbers.isdisjoint(large.workers)
    assert all(len(number) <= 16 for number in large.workers)


# -- over HTTP -----------------------------------------------------------------------------------


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    served = Gateway(tmp_path)
    with served.serve():
        served.clock = NOW
        served.house.now = parse_instant(NOW)
        yield served


def push(gateway: Gateway, *words: str) -> Result:
    command = create_people(lambda: Place(gateway.url, gateway.tokens))
    return CliRunner().invoke(command, list(words))


WORDS = ("--workers", "24", "--months", "3", "--seed", "7")


def test_both_directories_hold_the_company(gateway: Gateway) -> None:
    told = push(gateway, *WORDS)
    assert told.exit_code == 0, told.output
    assert "2025-12-16  24 workers" in told.output
    found = company(24, 3, 7, UNTIL)
    for directory in gateway.house.directories.values():
        accounts = {str(a.attributes["employeeID"]): a for a in directory.accounts.values()}
        assert set(accounts) == set(found.workers)
        for number, worker in found.workers.items():
            account = accounts[number]
            works = worker.hired <= UNTIL and (worker.ended is None or worker.ended >= UNTIL)
            assert account.enabled == works, worker
            assert account.attributes["displayName"] == worker.name
            if works:
                assert account.attributes["department"] == worker.department
                anchor = account.references.get("manager")
                boss = directory.accounts[anchor].attributes["employeeID"] if anchor else None
                assert boss == worker.manager
    assert f"{len(found.workers)} people" in told.output


def test_the_clock_walks_and_is_put_back(gateway: Gateway) -> None:
    push(gateway, *WORDS)
    walked = [parse_instant(text) for text in gateway.clocks if text]
    assert walked == sorted(walked)
    assert [to_datetime(at).date().isoformat() for at in walked] == [
        "2025-12-16", "2025-12-16", "2026-01-16", "2026-02-16", "2026-03-16",
    ]  # fmt: skip
    assert gateway.clock == NOW


def test_twice_makes_nobody_twice(gateway: Gateway) -> None:
    first = push(gateway, *WORDS)
    before = {
        str(a.attributes["employeeID"]): (a.anchor, a.attributes["sAMAccountName"], a.enabled)
        for a in gateway.house.ad.accounts.values()
    }
    second = push(gateway, *WORDS)
    assert second.exit_code == 0, second.output
    assert (
        second.output.splitlines()[-1].partition(" s (")[2].partition("): ")[2]
        == (first.output.splitlines()[-1].partition(" s (")[2].partition("): ")[2])
    )
    after = {
        str(a.attributes["employeeID"]): (a.anchor, a.attributes["sAMAccountName"], a.enabled)
        for a in gateway.house.ad.accounts.values()
    }
    assert after == before


def test_without_months_everybody_is_simply_there(gateway: Gateway) -> None:
    told = push(gateway, "--workers", "10", "--months", "0", "--seed", "3")
    assert told.exit_code == 0, told.output
    assert len(gateway.house.ad.accounts) == 10


def test_a_future_is_no_past(gateway: Gateway) -> None:
    told = push(gateway, *WORDS, "--until", "2027-01-01")
    assert told.exit_code == 1
    assert "is not here yet" in told.output
    assert gateway.clocks == []


@pytest.mark.parametrize("words", [("--workers", "0"), ("--months", "-1"), ("--seed", "x")])
def test_numbers_that_are_none(gateway: Gateway, words: tuple[str, str]) -> None:
    assert push(gateway, *words).exit_code == 2


def test_what_is_no_sandbox_is_left_alone(gateway: Gateway) -> None:
    gateway.is_sandbox = False
    told = push(gateway, *WORDS)
    assert told.exit_code == 1
    assert "is no sandbox" in told.output
    assert gateway.house.ad.accounts == {}


def test_what_does_not_come_to_rest_is_said(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.rests = 1
    told = push(gateway, *WORDS)
    assert told.exit_code == 1
    assert "not everything came to rest" in told.output
    assert gateway.clock == NOW
