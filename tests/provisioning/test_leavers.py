"""What becomes of a leaver's account step by step, and of who returns (P7, state.md 2)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from adapters.target import Refusal, Step
from policy_settings import Leavers
from store.clocks import iso, parse_instant
from store.tables import account, grant, name
from tests.provisioning.directory import refused
from tests.provisioning.house import START, House, worker

DAY = 86400.0


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    made.ad.offer("group", "staff")
    made.ad.offer("group", "optics")
    made.ad.offer("license", "E5")
    made.gives(
        {"staff": '[workerType] = "Employee"', "optics": '[department] = "Optics"'},
        {"E5": "[enabled]"},
    )
    return made


def optician(number: str = "E1", **more: Any) -> dict[str, Any]:
    document = worker(number, workerType="Employee", **more)
    next(v for k, v in document.items() if "enterprise" in k)["department"] = "Optics"
    return document


def given(house: House, number: str = "E1") -> list[str]:
    """Names of what the account has."""
    anchor = house.ad.one(employeeID=number).anchor
    names = {g: name for (_, name), g in house.ad.known.items()}
    return sorted(names[g] for g in house.ad.given.get(anchor, ()))


def grants(house: House) -> int:
    with house.database.read() as connection:
        return len(connection.execute(select(grant)).all())


def later(house: House, days: float) -> None:
    house.day(iso(parse_instant(START) + days * DAY))
    house.settle()


def kinds(house: House) -> list[str]:
    done = [step.kind for step in house.ad.writes]
    house.ad.writes.clear()
    return done


def row(house: House) -> Any:
    with house.database.read() as connection:
        return connection.execute(select(account)).one()


# -- giving --------------------------------------------------------------------------------


def test_a_hire_is_given_what_the_rules_give(house: House) -> None:
    house.push(optician())
    house.settle()
    assert given(house) == ["e5", "optics", "staff"]
    assert kinds(house) == ["create", "grant", "grant", "grant", "enable"]
    assert grants(house) == 3


def test_nobody_is_enabled_before_the_groups_are_given(house: House) -> None:
    house.ad.at_once = True
    house.push(optician())
    house.settle()
    assert kinds(house) == ["create", "grant", "grant", "grant", "enable"]


def test_a_mover_loses_what_a_rule_gave_and_nothing_else(house: House) -> None:
    id = house.push(optician())
    house.settle()
    anchor = house.ad.one(employeeID="E1").anchor
    by_hand = house.ad.offer("group", "chess")
    house.ad.given[anchor] |= {by_hand}
    house.push(worker("E1", workerType="Employee"), id=id)
    house.settle()
    assert given(house) == ["chess", "e5", "staff"]
    assert grants(house) == 2


def test_what_somebody_else_gave_before_us_is_not_ours_to_take(house: House) -> None:
    anchor = house.ad.put(employeeID="E1", sAMAccountName="anna")
    house.ad.given[anchor] = frozenset({house.ad.offer("group", "optics")})
    id = house.push(optician())
    house.settle()
    house.push(worker("E1", workerType="Employee"), id=id)
    house.settle()
    assert given(house) == ["e5", "optics", "staff"]


def test_what_somebody_took_away_is_given_again_while_the_rule_holds(house: House) -> None:
    id = house.push(optician())
    house.settle()
    house.ad.given.clear()
    house.push(optician(title="Chief"), id=id)
    house.settle()
    assert given(house) == ["e5", "optics", "staff"]


def test_a_group_that_cannot_be_found_takes_nothing_away(house: House) -> None:
    id = house.push(optician())
    house.settle()
    house.gives({"staff": '[workerType] = "Employee"', "renamed": '[department] = "Optics"'})
    house.push(optician(title="Chief"), id=id)
    house.settle()
    assert given(house) == ["optics", "staff"], "unsure about groups, sure about the licence"
    assert "there is no group renamed" in house.row().problem


def test_a_refused_group_stops_nobody_from_working(house: House) -> None:
    no = Refusal("rights", "50", "may not write the group", "delegate it", "member")
    house.ad.fault = lambda step: no if step.kind == "grant" else None
    house.push(optician())
    house.settle()
    assert house.ad.one(employeeID="E1").enabled
    assert "may not write the group" in house.row().problem
    assert grants(house) == 0, "what was refused is not ours"


def test_a_lost_answer_leaves_nothing_forgotten(house: House) -> None:
    id = house.push(optician())
    lost: list[Step] = []

    def once(step: Step) -> Any:
        if step.kind == "grant" and not lost:
            lost.append(step)
            return "after"
        return None

    house.ad.fault = once
    house.settle()
    assert lost
    house.withdraw(id)
    house.settle()
    assert given(house) == ["e5"], "what was given before the answer was lost is ours to take"


# -- leaving ---------------------------------------------------------------------------------


def test_a_leaver_is_disabled_stripped_and_moved_in_this_order(house: House) -> None:
    id = house.push(optician())
    house.settle()
    kinds(house)
    house.withdraw(id)
    house.settle()
    assert kinds(house) == ["disable", "revoke", "revoke", "move"]
    left = house.ad.one(employeeID="E1")
    assert (left.enabled, left.container, given(house)) == (False, "OU=Leavers", ["e5"])
    assert house.row().state == "grace"
    later(house, 30)
    assert (kinds(house), given(house), house.row().state) == (["revoke"], [], "disabled")
    assert house.row().look_at is None
    later(house, 3650)
    assert kinds(house) == [], "nothing is deleted unless muster.yaml says so"


def test_each_step_has_its_own_day(house: House) -> None:
    house.policy(
        leavers=Leavers(
            groups_after_days=1,
            move_after_days=2,
            licenses_after_days=None,
            delete_after_days=5,
        )
    )
    house.push(optician(terminationDate="2026-03-20"))
    house.settle()
    kinds(house)
    house.day("2026-03-21T00:00:00Z")
    house.settle()
    assert (kinds(house), house.row().state) == (["disable"], "grace")
    house.day("2026-03-22T00:00:00Z")
    house.settle()
    assert kinds(house) == ["revoke", "revoke"]
    house.day("2026-03-23T00:00:00Z")
    house.settle()
    assert kinds(house) == ["move"]
    house.day("2026-03-26T00:00:00Z")
    house.settle()
    assert (kinds(house), house.row().state) == (["delete"], "deleted")
    assert house.ad.accounts == {}
    assert row(house).gone_at == parse_instant("2026-03-26T00:00:00Z")
    assert grants(house) == 0
    house.settle()
    assert kinds(house) == []


def test_days_that_passed_while_nothing_ran_are_made_up_for(house: House) -> None:
    house.policy(leavers=Leavers(delete_after_days=90))
    house.push(optician(terminationDate="2026-03-20"))
    house.settle()
    kinds(house)
    house.day("2026-12-31T00:00:00Z")
    house.settle()
    assert kinds(house) == ["disable", "delete"]


def test_a_leaver_who_is_enabled_by_hand_is_disabled_again_at_the_next_look(house: House) -> None:
    id = house.push(optician())
    house.settle()
    house.withdraw(id)
    house.settle()
    anchor = house.ad.one(employeeID="E1").anchor
    house.ad.accounts[anchor] = replace(house.ad.accounts[anchor], enabled=True)
    later(house, 30)
    assert not house.ad.accounts[anchor].enabled


def test_a_refused_deletion_is_said_and_tried_again(house: House) -> None:
    house.policy(leavers=Leavers(delete_after_days=0))
    id = house.push(optician())
    house.settle()
    has_children = Refusal("config", "66/00002015", "the account has objects below it", "move them")
    house.ad.fault = lambda step: has_children if step.kind == "delete" else None
    house.withdraw(id)
    house.settle()
    assert not house.ad.one(employeeID="E1").enabled
    assert "has objects below it" in house.row().problem
    assert house.row().due is not None


# -- returning: {same key} x {live, disabled, in the recycle bin, gone} --------------------------


def leave(house: House, *, delete: bool) -> str:
    """Somebody is hired and leaves; the anchor of the account."""
    days = 0.0 if delete else None
    house.policy(leavers=Leavers(licenses_after_days=0, delete_after_days=days))
    id = house.push(optician(userName="anna"))
    house.settle()
    anchor = house.ad.one(employeeID="E1").anchor
    house.withdraw(id)
    house.settle()
    kinds(house)
    return anchor


def test_who_returns_to_a_disabled_account_gets_it_back_as_it_was(house: House) -> None:
    anchor = leave(house, delete=False)
    house.push(optician(userName="anna", title="Chief"))
    house.settle()
    back = house.ad.one(employeeID="E1")
    assert (back.anchor, back.enabled, back.container) == (anchor, True, "OU=People")
    assert given(house) == ["e5", "optics", "staff"]
    assert kinds(house) == ["move", "modify", "grant", "grant", "grant", "enable"]


def test_who_returns_gets_back_only_what_the_rules_still_give(house: House) -> None:
    leave(house, delete=False)
    house.push(worker("E1", workerType="Contingent"))
    house.settle()
    assert given(house) == ["e5"]


def test_a_deleted_account_is_brought_back_from_the_recycle_bin(house: House) -> None:
    anchor = leave(house, delete=True)
    assert list(house.ad.bin) == [anchor]
    house.policy(leavers=Leavers())
    house.push(optician(userName="anna", title="Chief"))
    house.settle()
    back = house.ad.one(employeeID="E1")
    assert (back.anchor, back.enabled, back.attributes["title"]) == (anchor, True, "Chief")
    assert back.attributes["sAMAccountName"] == "anna"
    assert kinds(house)[0] == "restore"
    assert row(house).gone_at is None
    assert row(house).matched == "restored"


def test_an_account_that_is_gone_for_good_is_made_anew_under_the_same_name(house: House) -> None:
    anchor = leave(house, delete=True)
    house.ad.bin.clear()
    house.push(optician(userName="anna"))
    house.settle()
    back = house.ad.one(employeeID="E1")
    assert back.anchor != anchor
    assert (back.enabled, back.attributes["sAMAccountName"]) == (True, "anna")
    assert (row(house).anchor, row(house).matched) == (back.anchor, "created")


def test_what_cannot_be_restored_after_all_is_made_anew(house: House) -> None:
    anchor = leave(house, delete=True)
    house.ad.fault = lambda step: refused("gone").refusals[0] if step.kind == "restore" else None
    house.push(optician(userName="anna"))
    house.settle()
    assert house.ad.one(employeeID="E1").anchor != anchor


def test_somebody_elses_account_with_the_key_is_taken_over_when_ours_is_gone(house: House) -> None:
    anchor = leave(house, delete=True)
    other = house.ad.put("Anna Lindqvist", employeeID="E1", sAMAccountName="anna9")
    house.push(optician(userName="anna"))
    house.settle()
    assert house.ad.one(employeeID="E1").anchor == other
    assert other != anchor
    assert row(house).anchor == other


def test_who_never_left_and_is_said_again_keeps_the_account(house: House) -> None:
    id = house.push(optician())
    house.settle()
    kinds(house)
    house.push(optician(), id=id)
    house.settle()
    assert kinds(house) == []


def test_a_leaver_deleted_by_an_administrator_comes_back_all_the_same(house: House) -> None:
    anchor = leave(house, delete=False)
    del house.ad.accounts[anchor]
    later(house, 31)
    house.push(optician(userName="anna"))
    house.settle()
    assert house.ad.one(employeeID="E1").enabled
    assert house.row().held is None


def test_who_works_and_was_deleted_by_somebody_is_held(house: House) -> None:
    id = house.push(optician())
    house.settle()
    house.ad.accounts.clear()
    house.push(optician(title="Chief"), id=id)
    house.settle()
    assert "deleted in the directory" in house.row().held
    house.withdraw(id)
    house.settle()
    assert house.row().held is None, "who has left needs no account"


def test_a_deleted_leaver_whom_somebody_brings_back_is_kept_and_stays_disabled(
    house: House,
) -> None:
    anchor = leave(house, delete=True)
    house.ad.accounts[anchor] = replace(house.ad.bin.pop(anchor), enabled=True)
    house.ask()
    house.settle()
    assert not house.ad.accounts[anchor].enabled
    assert "brought back" in house.row().problem


# -- names ------------------------------------------------------------------------------------


def test_a_leavers_name_is_nobody_elses_while_the_account_is_there(house: House) -> None:
    leave(house, delete=False)
    later(house, 3650)
    house.push(optician("E2", userName="anna"))
    house.settle()
    assert house.ad.one(employeeID="E2").attributes["sAMAccountName"] == "anna2"


def test_the_name_of_a_deleted_account_is_free_after_a_year(house: House) -> None:
    leave(house, delete=True)
    later(house, 364)
    house.push(optician("E2", userName="anna"))
    house.settle()
    assert house.ad.one(employeeID="E2").attributes["sAMAccountName"] == "anna2"
    later(house, 365)
    house.push(optician("E3", userName="anna@norhaven.example"))
    house.settle()
    assert house.ad.one(employeeID="E3").attributes["sAMAccountName"] == "anna"


def test_names_are_held_until_the_last_account_is_gone(tmp_path: Path) -> None:
    house = House(tmp_path, ("ad", "other"))
    house.policy(leavers=Leavers(delete_after_days=0))
    id = house.push(worker("E1"))
    house.settle()
    house.withdraw(id)
    house.settle(skip=("other",))

    def held() -> set[Any]:
        with house.database.read() as connection:
            return set(connection.execute(select(name.c.held_until)).scalars())

    assert held() == {None}
    house.settle()
    assert held() == {house.now + 365 * DAY}


def test_reports_find_their_manager_again_after_the_managers_return(house: House) -> None:
    house.policy(leavers=Leavers(delete_after_days=0))
    id = house.push(optician(userName="anna"))
    house.push(worker("E2", "Mia", "Boss", manager="e1"))
    house.settle()
    house.withdraw(id)
    house.settle()
    assert house.ad.one(employeeID="E2").references == {}
    house.policy(leavers=Leavers())
    house.push(optician(userName="anna"))
    house.settle()
    assert house.ad.one(employeeID="E2").references == {
        "manager": house.ad.one(employeeID="E1").anchor
    }


def test_a_group_made_anew_under_its_name_is_found_again(house: House) -> None:
    house.push(optician())
    house.settle()
    old = house.ad.known.pop(("group", "optics"))
    house.ad.fault = lambda step: (
        Refusal("reference", "32", "there is no such group", "make it")
        if step.kind == "grant" and step.given == old
        else None
    )
    house.ad.offer("group", "optics")
    house.push(optician("E2", given="Zoe"))
    house.settle()
    assert given(house, "E2") == ["e5", "optics", "staff"]
