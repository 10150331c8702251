"""Breakers: what would take too much away waits for a human, and nothing else does."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Connection, select, update

from adapters.target import Account, Step
from console import reports
from console.commands import COMMANDS, Rooms
from policy_settings import Breakers
from provisioning import breakers, claims, pairs
from provisioning.plan import Plan
from provisioning.worker import Lease
from store import journal
from store.clocks import machine_now
from store.database import Database
from store.tables import breaker, pair
from tests.provisioning.house import House, worker

COMPANY = 100
ON_DATABASES = ["sqlite"]  # a company is copied as a file; what is counted runs on both below
GIVEN = [a + b for a in "ABCDEFGHIJ" for b in ("na", "li", "or", "um", "es", "it", "ak", "ob")]
ENDED = {"terminationDate": "2026-03-15"}
"""An end of yesterday that HR gave in good time: an ordinary leaver, nobody urgent."""


class Company:
    """People with accounts, and the resources that assert them."""

    def __init__(self, folder: Path, size: int = COMPANY, **more: Any) -> None:
        self.house = House(folder)
        self.ids: dict[str, str] = {}
        for number in range(size):
            self.push(number, **more)
        self.house.settle(most=3 * size + 1)
        self.ad.writes.clear()

    @property
    def ad(self) -> Any:
        return self.house.ad

    def push(self, number: int, **changes: Any) -> None:
        key = f"E{number}"
        given, family = GIVEN[number % len(GIVEN)], f"Sample{number}"
        document = worker(key, changes.pop("given", given), family, **changes)
        self.ids[key] = self.house.push(document, id=self.ids.get(key, ""))

    def limits(self, **limits: Any) -> None:
        changed = replace(self.house.settings.breakers, **limits)
        self.house.settings = replace(self.house.settings, breakers=changed)

    def account(self, number: int) -> Account:
        found: Account = self.ad.one(employeeID=f"E{number}")
        return found

    def disabled(self) -> int:
        return sum(not a.enabled for a in self.ad.accounts.values())

    def in_ou(self, ou: str) -> int:
        return sum(a.container == ou for a in self.ad.accounts.values())

    def held(self) -> list[str]:
        with self.house.database.read() as connection:
            rows = connection.execute(select(pair.c.held).where(pair.c.held.is_not(None)))
            return [row.held for row in rows]

    def release(self, kind: str, target: str = "ad") -> list[str]:
        return self.house.database.write(
            lambda tx: breakers.release(tx, target, kind, "Mia Boss", self.house.now, machine_now())
        )

    def standings(self) -> dict[str, tuple[int, int, int]]:
        with self.house.database.read() as connection:
            found = breakers.standings(
                connection, self.house.settings.breakers, ["ad"], self.house.now
            )
        return {s.kind: (s.counted, s.limit, len(s.held)) for s in found}

    def kinds(self) -> Counter[str]:
        return Counter(step.kind for step in self.ad.writes)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return Company(tmp_path_factory.mktemp("founded"))


@pytest.fixture
def company(tmp_path: Path, founded: Company) -> Company:
    """A copy of the company that was founded once."""
    with sqlite3.connect(str(founded.house.database.file)) as connection:
        connection.execute("VACUUM INTO ?", [str(tmp_path / "muster.db")])
    connection.close()
    copied = Company(tmp_path, size=0)
    copied.ids = dict(founded.ids)
    copied.ad.accounts = dict(founded.ad.accounts)
    return copied


def test_a_mass_disable_is_held_after_the_limit_and_all_else_flows(company: Company) -> None:
    for number in range(40):
        company.push(number, **ENDED)
    for number in range(40, 60):
        company.push(number, title="Engineer")
    for number in range(COMPANY, COMPANY + 5):
        company.push(number)
    company.house.settle(most=400)
    assert company.disabled() == 10
    assert sum(a.attributes.get("title") == "Engineer" for a in company.ad.accounts.values()) == 20
    assert all(company.account(number).enabled for number in range(COMPANY, COMPANY + 5))
    held = company.held()
    assert len(held) == 30
    assert held[0].startswith("breaker: ")
    assert "more than 10 accounts of ad would be disabled within 24 h (10 passed)" in held[0]
    assert "python app.py release ad disable --by NAME" in held[0]
    assert company.standings()["disable"] == (10, 10, 30)


def test_who_may_not_be_disabled_is_not_moved_or_changed_either(company: Company) -> None:
    company.limits(count=0, percent=0)
    company.push(1, title="Gone", **ENDED)
    company.house.settle()
    account = company.account(1)
    assert (account.enabled, account.container) == (True, "OU=People")
    assert "title" not in account.attributes
    assert company.ad.writes == []


def test_a_release_lets_through_who_is_held_and_counts_anew(company: Company) -> None:
    for number in range(40):
        company.push(number, **ENDED)
    company.house.settle(most=400)
    assert len(company.release("disable")) == 30
    assert "disable" not in company.standings()
    assert len(company.release("move")) == 30
    company.house.settle(most=400)
    assert (company.disabled(), company.in_ou("OU=Leavers")) == (40, 40)
    assert company.held() == []
    for number in range(40, 60):
        company.push(number, **ENDED)
    company.house.settle(most=400)
    assert company.disabled() == 50
    assert len(company.held()) == 10


def test_a_released_disable_still_waits_to_be_moved(company: Company) -> None:
    for number in range(12):
        company.push(number, **ENDED)
    company.house.settle(most=400)
    company.release("disable")
    company.house.settle(most=400)
    assert (company.disabled(), company.in_ou("OU=Leavers")) == (12, 10)
    assert "python app.py release ad move --by NAME" in company.held()[0]


def test_what_stands_behind_a_held_step_is_not_counted(company: Company) -> None:
    company.limits(kinds={"disable": {"count": 0, "percent": 0}})
    for number in range(3):
        company.push(number, **ENDED)
    company.house.settle()
    assert company.standings() == {"disable": (0, 0, 3)}


def test_a_release_says_in_the_journal_who_did_it(company: Company) -> None:
    for number in range(12):
        company.push(number, **ENDED)
    company.house.settle(most=400)
    company.release("disable")
    with company.house.database.read() as connection:
        (entry,) = journal.entries(connection, kind="console")
        assert journal.verify(connection) is None
    assert entry.target == "ad"
    assert dict(entry.body) == {
        "what": "breaker released",
        "breaker": "disable",
        "by": "Mia Boss",
        "approved": 2,
        "forgotten": 10,
    }


def test_what_fits_flows_when_the_window_has_passed(company: Company) -> None:
    for number in range(12):
        company.push(number, **ENDED)
    company.house.settle(most=400)
    assert company.disabled() == 10
    company.house.now += 23 * 3600
    company.house.settle(most=400)
    assert company.disabled() == 10
    company.house.now += 2 * 3600
    company.house.settle(most=400)
    assert company.disabled() == 12
    assert company.held() == []


def test_a_mass_does_not_get_through_day_by_day(company: Company) -> None:
    for number in range(40):
        company.push(number, **ENDED)
    for _ in range(4):
        company.house.settle(most=400)
        company.house.now += 25 * 3600
    assert company.disabled() == 10
    assert len(company.held()) == 30


def test_what_hr_puts_right_is_not_held_any_more(company: Company) -> None:
    for number in range(40):
        company.push(number, **ENDED)
    company.house.settle(most=400)
    for number in range(40):
        company.push(number, terminationDate=None)
    company.house.settle(most=400)
    assert (company.disabled(), company.held()) == (0, [])
    company.house.now += 25 * 3600
    company.push(50, **ENDED)
    company.house.settle(most=400)
    assert company.disabled() == 1


def test_urgent_leavers_pass_below_their_floor(company: Company) -> None:
    company.limits(count=2, percent=0, urgent_floor=5)
    for number in range(4):
        company.push(number, **ENDED)
    company.house.settle(most=400)
    assert company.disabled() == 2
    company.push(50, active=False)
    company.push(51, involuntary=True, **ENDED)
    company.house.withdraw(company.ids["E52"])
    company.house.settle(most=400)
    assert company.disabled() == 5
    assert company.account(50).container == "OU=Leavers"
    for number in range(53, 60):
        company.push(number, active=False)
    company.house.settle(most=400)
    assert company.disabled() == 7
    assert len(company.held()) == 2 + 5


def test_a_crash_between_plan_and_apply_counts_once(company: Company) -> None:
    company.limits(count=2, percent=0, urgent_floor=0)
    house = company.house

    class Killed(BaseException):
        pass

    def kill(step: Step) -> None:
        raise Killed

    company.push(1, **ENDED)
    for _ in range(4):
        company.ad.fault = kill
        claim = claims.claim(house.database, machine_now())
        assert claim is not None
        with pytest.raises(Killed):
            house.converger.look(claim, Lease(house.database, claim))
        claims.free_leases(house.database)
        house.reopen()
        assert company.standings() == {"disable": (1, 2, 0), "move": (1, 2, 0)}
    company.ad.fault = lambda step: None
    company.push(2, **ENDED)
    company.push(3, **ENDED)
    house.settle()
    assert company.disabled() == 2
    assert len(company.held()) == 1


def test_the_same_account_twice_is_one_account(company: Company) -> None:
    company.limits(count=2, percent=0)
    for day in ("2026-03-15", None, "2026-03-15", None, "2026-03-15"):
        company.push(1, terminationDate=day)
        company.house.settle()
    assert company.disabled() == 1
    assert company.standings()["disable"] == (1, 2, 0)


def test_a_share_of_the_target_counts_when_it_is_more(company: Company) -> None:
    company.limits(count=1, percent=7)
    for number in range(10):
        company.push(number, **ENDED)
    company.house.settle(most=400)
    assert company.disabled() == 7


def test_renames_wait_and_the_attributes_of_the_same_people_flow(company: Company) -> None:
    for number in range(15):
        company.push(number, given="Renamed", title="Engineer")
    company.house.settle(most=400)
    assert company.kinds()["move"] == 10
    assert company.standings()["rename"] == (10, 10, 5)
    assert all(company.account(n).attributes["title"] == "Engineer" for n in range(15))
    assert all(company.account(n).attributes["givenName"] == "Renamed" for n in range(15))


def test_cleared_values_wait_and_new_ones_of_the_same_people_flow(tmp_path: Path) -> None:
    company = Company(tmp_path, size=20, title="Engineer")
    for number in range(15):
        company.push(number, location="Oslo", emails=[])
    company.house.settle(most=400)
    left = [company.account(n).attributes.get("title") for n in range(15)]
    assert left.count("Engineer") == 5
    assert company.standings()["clear"] == (10, 10, 5)
    company.release("clear")
    company.house.settle(most=400)
    assert not any(company.account(n).attributes.get("title") for n in range(15))
    assert company.held() == []


def test_managers_who_are_taken_away_count_as_cleared(tmp_path: Path) -> None:
    company = Company(tmp_path, size=20, manager="E0")
    assert company.account(15).references
    for number in range(1, 16):
        company.push(number)
    company.house.settle(most=400)
    assert sum(bool(company.account(n).references) for n in range(1, 16)) == 5


def test_who_returns_is_not_enabled_before_being_moved(company: Company) -> None:
    company.push(1, **ENDED)
    company.house.settle()
    company.limits(count=0, percent=0)
    company.house.now += 48 * 3600
    company.push(1, title="Engineer")
    company.house.settle()
    account = company.account(1)
    assert (account.enabled, account.container) == (False, "OU=Leavers")
    company.release("move")
    company.house.settle()
    account = company.account(1)
    assert (account.enabled, account.container) == (True, "OU=People")


def test_a_kind_may_have_limits_of_its_own(company: Company) -> None:
    company.limits(kinds={"disable": {"count": 3, "percent": 0}})
    for number in range(5):
        company.push(number, **ENDED)
    company.house.settle()
    assert company.disabled() == 3


def test_switched_off_they_hold_nothing(company: Company) -> None:
    company.limits(enabled=False)
    for number in range(40):
        company.push(number, **ENDED)
    company.house.settle(most=400)
    assert (company.disabled(), company.in_ou("OU=Leavers"), company.held()) == (40, 40, [])


def test_targets_are_counted_apart(tmp_path: Path) -> None:
    house = House(tmp_path, targets=("ad", "other"))
    house.settings = replace(house.settings, breakers=Breakers(count=1, percent=0))
    ids = [house.push(worker(f"E{n}", GIVEN[n], f"Sample{n}")) for n in range(3)]
    house.settle()
    house.directories["ad"].down = True
    for n, id in enumerate(ids):
        house.push(worker(f"E{n}", GIVEN[n], f"Sample{n}", **ENDED), id=id)
    for _ in range(3):
        claim = claims.claim(house.database, machine_now(), ("ad",))
        assert claim is not None
        result = house.converger.look(claim, Lease(house.database, claim))
        assert claims.finish(house.database, claim, result, machine_now())
    with house.database.read() as connection:
        counted = connection.execute(select(breaker.c.target, breaker.c.state)).all()
    assert {row.target for row in counted} == {"other"}
    assert sum(not a.enabled for a in house.directories["other"].accounts.values()) == 1


def test_a_dry_run_says_that_a_breaker_would_hold_it(company: Company) -> None:
    company.limits(count=0, percent=0)
    company.push(1, **ENDED)
    house = company.house
    who = house.row(workerId="E1").person
    text = reports.plan(house.database, house.converger.viewer, who, "ad", house.now)
    assert "would be held: breaker: more than 0 accounts of ad would be disabled" in text
    assert "waits: disable" in text
    with house.database.read() as connection:
        assert connection.execute(select(breaker)).all() == []


def test_the_operator_sees_who_is_held_and_the_remedy(company: Company) -> None:
    for number in range(12):
        company.push(number, **ENDED)
    house = company.house
    assert "nobody is held" in reports.breaker_standings(house.database, house.settings, house.now)
    house.settle(most=400)
    text = reports.breaker_standings(house.database, house.settings, house.now)
    assert "ad disable: open, 2 held; 10 accounts within 24 h, the limit is 10" in text
    assert "python app.py release ad disable --by NAME" in text
    assert "ad move: open, 2 held; 10 accounts" in text
    assert text.count("CN=") == 4


def test_a_held_plan_is_journaled_as_a_case(company: Company) -> None:
    company.limits(count=0, percent=0)
    company.push(1, **ENDED)
    company.house.settle()
    who = company.house.row(workerId="E1").person
    with company.house.database.read() as connection:
        (case,) = journal.entries(connection, person=who, kind="case")
    assert json.loads(json.dumps(dict(case.body)))["breaker"] == ["disable", "move"]


def test_the_commands(company: Company) -> None:
    for number in range(12):
        company.push(number, **ENDED)
    house = company.house
    house.settle(most=400)
    rooms = Rooms(house.settings, house.database, house.converger, house.business)

    def run(*words: str) -> Result:
        command = {c.name: c for c in COMMANDS}[words[0]]
        return CliRunner().invoke(command, list(words[1:]), obj=lambda: rooms)

    assert "ad disable: open, 2 held" in run("breakers").output
    for wrong in (
        ["release", "ad", "disable"],
        ["release", "ad", "disable", "--by", " "],
        ["release", "ad", "create", "--by", "Mia"],
        ["release", "da", "disable", "--by", "Mia"],
    ):
        assert run(*wrong).exit_code in (1, 2)
    assert "2 held" in run("breakers").output
    done = run("release", "ad", "disable", "--by", "Mia Boss")
    assert (done.exit_code, done.output) == (
        0,
        "released ad disable: 2 accounts that were held go through\n",
    )
    house.settle()
    assert company.disabled() == 12


def test_both_databases_count_and_release(db: Database, people: Callable[[int], list[str]]) -> None:
    passed, held, urgent = people(3)
    counted = breakers.Judgement(Plan(()), counted=("move",), needed=("move",))
    stopped = breakers.Judgement(Plan(()), held=("move",), needed=("move",), urgent=True)

    def work(tx: Connection) -> None:
        for who in (passed, held, urgent):
            pairs.ask(tx, who, ["ad"], pairs.Lane.CHANGE, 0.0)
        for _ in range(2):
            breakers.record(tx, counted, passed, "ad", 1000.0)
            breakers.record(tx, replace(stopped, urgent=False), held, "ad", 1000.0)
            breakers.record(tx, stopped, urgent, "ad", 1000.0)
        tx.execute(update(pair).where(pair.c.person != passed).values(held="breaker: x", due=None))

    def standings() -> list[breakers.Standing]:
        with db.read() as connection:
            return breakers.standings(connection, Breakers(), ["ad", "entra"], 2000.0)

    db.write(work)
    assert standings() == [breakers.Standing("ad", "move", 1, 10, (held, urgent))]
    released = db.write(lambda tx: breakers.release(tx, "ad", "move", "Mia", 2000.0, 5.0))
    assert released == [held, urgent]
    assert standings() == []
    with db.read() as connection:
        rows = connection.execute(select(pair.c.person, pair.c.lane))
        lanes = {row.person: row.lane for row in rows}
    assert (lanes[held], lanes[urgent]) == (pairs.Lane.CHANGE, pairs.Lane.LEAVER)
