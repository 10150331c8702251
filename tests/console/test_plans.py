"""`plan` for many, `apply`, `drift`, `replay` and `erase`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from adapters.target import Refusal
from console.commands import replay
from console.journals import erase, journal
from console.plans import apply, drift, plan
from policy_settings import Breakers, Leavers
from provisioning import claims
from provisioning.lifecycle import LEFT
from provisioning.worker import Lease
from store import journal as store_journal
from store.clocks import machine_now
from store.tables import pair, person, resource
from tests.console.rooms import run
from tests.provisioning.house import House, outbound_rule, worker

DAY = 86400.0


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path, ("ad", "other"))
    for number, title in (("E1", "Engineer"), ("E2", "Cook"), ("E3", "Cook")):
        made.push(worker(number, f"Anna{number}", title=title))
    made.settle()
    for directory in made.directories.values():
        directory.writes.clear()
    return made


def shout(house: House) -> None:
    """Another mapping: the title is in capitals."""
    rules = tuple(
        replace(r, rule=outbound_rule("title", "ToUpper([title])")) if r.rule.name == "title" else r
        for r in house.outbound.attributes
    )
    house.outbound = replace(house.outbound, attributes=rules)
    house.reopen()


def change(house: House, target: str = "ad", number: str = "E1", **attributes: str) -> None:
    """Somebody edits an account."""
    directory = house.directories[target]
    account = directory.one(employeeID=number)
    changed = replace(account, attributes={**account.attributes, **attributes})
    directory.accounts[account.anchor] = changed


def titles(house: House, target: str = "ad") -> list[Any]:
    return sorted(a.attributes["title"] for a in house.directories[target].accounts.values())


def writes(house: House) -> int:
    return sum(len(d.writes) for d in house.directories.values())


# -- plan -----------------------------------------------------------------------------------


def test_everybody_is_planned_and_nothing_is_done(house: House) -> None:
    shout(house)
    shown = run(house, plan, "--all").output
    assert "ad  AnnaE1 Lindqvist (E1): modify title" in shown
    assert "ad: 3 people, 3 would change, 0 held, 0 waiting\n  steps: modify 3\n" in shown
    assert "  attributes: title 3\n" in shown
    assert "other: 3 people, 3 would change" in shown
    assert writes(house) == 0
    assert "Cook" not in shown, "a summary shows no values"


def test_when_all_is_right_there_is_nothing_to_say(house: House) -> None:
    assert run(house, plan, "--all", "--target", "ad").output == (
        "ad: 3 people, 0 would change, 0 held, 0 waiting\n"
    )


def test_a_summary_counts_what_the_breakers_would_hold(house: House) -> None:
    house.settings = replace(house.settings, breakers=Breakers(count=1, percent=0))
    with house.database.read() as connection:
        ids = list(connection.execute(select(resource.c.id)).scalars())
    for id in ids[:2]:
        house.withdraw(id)
    shown = run(house, plan, "--all", "--target", "ad", "--summary").output
    assert "  steps: disable 2, move 2\n" in shown
    assert "  into OU=Leavers: 2 from OU=People\n" in shown
    assert "breaker: disable would be 2 accounts, the limit is 1: the rest would be held" in shown
    assert "AnnaE1" not in shown


def test_people_of_one_source_are_planned(house: House) -> None:
    house.push(worker("E9", "Zoe"), source="generic")
    shown = run(house, plan, "--source", "generic", "--target", "ad").output
    assert "ad: 1 people, 1 would change" in shown
    assert "create" in shown
    assert "into OU=People: 1\n" in shown
    assert "there is no source moon" in run(house, plan, "--source", "moon").output


def test_who_is_held_is_listed_with_the_reason(house: House) -> None:
    house.ad.accounts.clear()
    shown = run(house, plan, "--all", "--target", "ad").output
    assert "ad  AnnaE1 Lindqvist (E1): held: the account was deleted in the directory" in shown
    assert "ad: 3 people, 0 would change, 3 held" in shown


def test_a_target_that_is_down_is_one_clear_line(house: House) -> None:
    house.ad.down = True
    result = run(house, plan, "--all")
    assert result.exit_code == 1
    assert result.output == "Error: ad cannot be asked: nobody answers. start it\n"


@pytest.mark.parametrize("arguments", [(), ("E1", "--all"), ("--all", "--source", "workday")])
def test_what_to_plan_has_to_be_said_once(house: House, arguments: tuple[str, ...]) -> None:
    result = run(house, plan, *arguments)
    said = "give a PERSON, --source NAME, --all or --mapping FILE" in result.output
    assert (result.exit_code, said) == (2, True)


# -- apply ------------------------------------------------------------------------------------


def made(house: House, tmp_path: Path, *arguments: str) -> Path:
    file = tmp_path / "plan.jsonl"
    result = run(house, plan, *(arguments or ("--all",)), "--out", str(file), "--summary")
    assert result.exit_code == 0, result.output
    return file


def test_an_approved_plan_is_carried_out(house: House, tmp_path: Path) -> None:
    shout(house)
    file = made(house, tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "COOK" not in file.read_text()
    result = run(house, apply, str(file), "--by", "Mia")
    assert (result.exit_code, result.output) == (0, "6 done\n")
    assert titles(house) == titles(house, "other") == ["COOK", "COOK", "ENGINEER"]
    with house.database.read() as connection:
        (entry,) = store_journal.entries(connection, kind="console")
        assert entry.body == {"what": "plans applied", "by": "Mia", "plans": 6}
        assert store_journal.verify(connection) is None
    assert run(house, plan, "--all", "--target", "ad").output.startswith("ad: 3 people, 0 would")


def test_one_persons_plan_can_be_carried_out(house: House, tmp_path: Path) -> None:
    shout(house)
    file = made(house, tmp_path, "E1", "--target", "other")
    assert run(house, apply, str(file), "--by", "Mia").output == "1 done\n"
    assert titles(house, "other") == ["Cook", "Cook", "ENGINEER"]
    assert titles(house) == ["Cook", "Cook", "Engineer"]


def test_when_a_directory_moved_nothing_is_done(house: House, tmp_path: Path) -> None:
    shout(house)
    file = made(house, tmp_path)
    change(house, number="E2", title="COOK")
    result = run(house, apply, str(file), "--by", "Mia")
    assert result.exit_code == 1
    assert "nothing was done: 1 of 6 plans are not needed any more as they stand" in result.output
    assert "AnnaE2 Lindqvist (E2)" in result.output
    assert writes(house) == 0


def test_when_hr_moved_nothing_is_done(house: House, tmp_path: Path) -> None:
    shout(house)
    file = made(house, tmp_path)
    with house.database.read() as connection:
        id = connection.execute(
            select(resource.c.id).where(resource.c.external_id == "E3")
        ).scalar_one()
    house.push(worker("E3", "AnnaE3", title="Chief"), id=id)
    assert "nothing was done: 2 of 6" in run(house, apply, str(file), "--by", "Mia").output


def test_what_moves_in_the_last_moment_is_left_alone(house: House, tmp_path: Path) -> None:
    shout(house)
    file = made(house, tmp_path, "--all", "--target", "ad")
    several = house.ad.several

    def then_somebody_edits(anchors: Any) -> Any:
        found = several(anchors)
        change(house, number="E2", title="COOK")
        return found

    house.ad.several = then_somebody_edits  # type: ignore[method-assign]
    result = run(house, apply, str(file), "--by", "Mia")
    assert result.exit_code == 1
    assert "AnnaE2 Lindqvist (E2): not done: another plan is needed by now" in result.output
    assert "2 done" in result.output
    with house.database.read() as connection:
        leases = connection.execute(select(pair.c.lease_token)).scalars().all()
    assert set(leases) == {None}


def test_what_the_worker_has_in_hand_is_left_to_it(house: House, tmp_path: Path) -> None:
    shout(house)
    file = made(house, tmp_path, "E1", "--target", "ad")
    house.ask()
    while (claim := claims.claim(house.database, machine_now(), ("other",))) is not None:
        assert claim.target == "ad"
    result = run(house, apply, str(file), "--by", "Mia")
    assert "not done: the worker is looking at it" in result.output
    assert writes(house) == 0


def test_breakers_hold_an_approved_plan_all_the_same(house: House, tmp_path: Path) -> None:
    house.settings = replace(house.settings, breakers=Breakers(count=0, percent=0, urgent_floor=0))
    with house.database.read() as connection:
        id = connection.execute(select(resource.c.id)).scalars().first()
    house.withdraw(str(id))
    house.database.write(lambda tx: tx.execute(update(pair).values(due=None)) and None)
    file = made(house, tmp_path, "--all", "--target", "ad")
    result = run(house, apply, str(file), "--by", "Mia")
    assert "held: breaker: more than 0 accounts of ad would be disabled" in result.output
    assert writes(house) == 0


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"muster-plan": 99}', "\xff", '{"muster-plan": 1}\n{"person": 1}']
)
def test_what_is_no_plan_is_refused(house: House, tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad"
    file.write_text(text, encoding="latin-1")
    result = run(house, apply, str(file), "--by", "Mia")
    assert result.exit_code == 1
    assert "is no plan of this version" in result.output
    assert "cannot be read" in run(house, apply, str(tmp_path / "none"), "--by", "Mia").output


# -- drift ------------------------------------------------------------------------------------


def test_what_somebody_changed_is_put_back_and_told(house: House) -> None:
    change(house, title="Boss")
    assert run(house, drift).output == "", "nobody has looked yet"
    shown = run(house, drift, "--look").output
    assert shown == "ad  AnnaE1 Lindqvist (E1): title put back\n"
    assert "Boss" in titles(house), "looking changes nothing"
    assert run(house, drift, "--look", "--repair").output.endswith("1 accounts will be looked at\n")
    house.settle()
    assert titles(house) == ["Cook", "Cook", "Engineer"]
    with house.database.read() as connection:
        (entry,) = store_journal.entries(connection, kind="drift")
    assert entry.body == {"attributes": {"title": "put back"}}
    assert entry.values == {"title": {"found": "Boss", "written": "Engineer"}}


def test_what_was_given_once_is_theirs_to_change(house: House) -> None:
    change(house, description="my own words")
    house.ask()
    house.settle()
    shown = run(house, drift).output
    assert shown.startswith("ad  AnnaE1 Lindqvist (E1): description kept  (seen ")
    assert house.ad.one(employeeID="E1").attributes["description"] == "my own words"
    change(house, description="Engineer")
    house.ask()
    house.settle()
    assert run(house, drift).output == ""


def test_what_hr_changed_is_no_drift(house: House) -> None:
    with house.database.read() as connection:
        id = connection.execute(
            select(resource.c.id).where(resource.c.external_id == "E1")
        ).scalar_one()
    house.push(worker("E1", "AnnaE1", title="Chief"), id=id)
    house.settle()
    with house.database.read() as connection:
        assert store_journal.entries(connection, kind="drift") == []


def test_an_account_that_was_moved_renamed_or_disabled_by_hand_is_drift(house: House) -> None:
    account = house.ad.one(employeeID="E1")
    moved = replace(account, enabled=False, container="OU=Elsewhere", name="A. L.")
    house.ad.accounts[account.anchor] = moved
    shown = run(house, drift, "--look").output
    assert "container put back; enabled put back; name put back" in shown


def test_what_an_account_held_before_it_was_found_is_no_drift(house: House) -> None:
    house.ad.put("Old", employeeID="E7", sAMAccountName="old", title="Something")
    house.push(worker("E7", "Otto", title="Clerk"))
    house.settle()
    with house.database.read() as connection:
        assert store_journal.entries(connection, kind="drift") == []
    change(house, number="E7", title="Other")
    assert "title put back" in run(house, drift, "--look").output


def test_accounts_of_nobody_are_listed(house: House) -> None:
    house.ad.put("Service", False)
    assert run(house, drift, "--nobodys").output == "ad  CN=Service,OU=People  disabled\n"


# -- giving up -----------------------------------------------------------------------------------


def test_after_a_day_of_failures_nobody_tries_until_somebody_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    no = Refusal("container", "32", "there is no such OU", "make it")
    house.ad.fault = lambda step: no if step.kind == "create" else None
    house.push(worker("E9", "Zoe", hireDate="2026-03-20"))
    house.settle()
    row = house.row(workerId="E9")
    assert (row.attempts, row.given_up, row.failing_since is not None) == (1, None, True)
    house.database.write(
        lambda tx: (
            tx.execute(
                update(pair)
                .where(pair.c.failing_since.is_not(None))
                .values(failing_since=machine_now() - claims.GIVE_UP - 1, due=machine_now())
            )
            and None
        )
    )
    house.settle()
    row = house.row(workerId="E9")
    assert (row.due, row.given_up is not None) == (None, True)
    assert "given up after a day of failures: there is no such OU" in row.problem
    shown = run(house, replay).output
    assert "ad  Zoe Lindqvist (E9)  since " in shown
    assert "1 given up; try all again with: replay --all" in shown
    assert run(house, replay, "--all", "--target", "other").output == "0 will be tried again\n"
    house.ad.fault = lambda step: None
    assert run(house, replay, "E9").output == "1 will be tried again\n"
    house.settle()
    assert not house.ad.one(employeeID="E9").enabled
    assert run(house, replay).output == "0 given up\n"
    house.day("2026-03-20T00:00:00Z")
    house.settle()
    assert house.ad.one(employeeID="E9").enabled


def test_a_day_that_comes_ends_giving_up(house: House) -> None:
    no = Refusal("container", "32", "there is no such OU", "make it")
    house.ad.fault = lambda step: no if step.kind == "create" else None
    house.push(worker("E9", "Zoe", hireDate="2026-03-20"))
    house.settle()
    late = {"failing_since": machine_now() - claims.GIVE_UP - 1, "due": machine_now()}
    house.database.write(
        lambda tx: (
            tx.execute(update(pair).where(pair.c.failing_since.is_not(None)).values(**late))
            and None
        )
    )
    house.settle()
    house.ad.fault = lambda step: None
    house.day("2026-03-20T00:00:00Z")
    house.settle()
    assert house.ad.one(employeeID="E9").enabled


def test_a_target_that_is_down_for_days_gives_nobody_up(house: House) -> None:
    house.ask()
    house.ad.down = True
    claim = claims.claim(house.database, machine_now(), ("other",))
    assert claim is not None
    old = replace(claim, failing_since=machine_now() - 10 * DAY)
    result = house.converger.look(old, Lease(house.database, old))
    assert (result.kind, result.target_down) == ("retry", True)


# -- forgetting ------------------------------------------------------------------------------------


def test_who_is_gone_is_forgotten_and_the_chain_holds(house: House) -> None:
    house.policy(leavers=Leavers(delete_after_days=0))
    with house.database.read() as connection:
        row = connection.execute(
            select(resource.c.id, resource.c.person).where(resource.c.external_id == "E1")
        ).one()
    still = run(house, erase, "E1", "--by", "Mia", "--yes")
    assert (still.exit_code, "HR still speaks of them" in still.output) == (1, True)
    house.withdraw(row.id)
    there = run(house, erase, "E1", "--by", "Mia", "--yes").output
    assert "there is an account in ad; let it be deleted" in there
    house.settle()
    assert house.row(workerId="E1").state in LEFT
    assert "forgotten; " in run(house, erase, "E1", "--by", "Mia", "--yes").output
    with house.database.read() as connection:
        assert store_journal.verify(connection) is None
        told = store_journal.entries(connection, person=row.person, limit=1000)
        facts = connection.execute(select(person.c.facts).where(person.c.id == row.person)).scalar()
    assert facts == "{}"
    assert all(e.values is None for e in told)
    assert told[-1].kind == "erase"
    assert "AnnaE1" not in json.dumps([dict(e.body) for e in told])
    assert "nobody is known by E1" in run(house, plan, "E1").output
    assert run(house, journal, "verify").output.startswith("the chain is whole")
    house.push(worker("E9", "AnnaE1"))
    house.settle()
    assert house.ad.one(employeeID="E9").attributes["sAMAccountName"] != "alindqvist"


def test_forgetting_has_to_be_confirmed(house: House) -> None:
    result = run(house, erase, "E1", "--by", "Mia")
    assert (result.exit_code, "forget AnnaE1 Lindqvist (E1) for good?" in result.output) == (
        1,
        True,
    )
