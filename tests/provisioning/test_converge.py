"""From a push to a right account, with every way a directory can answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from adapters.target import Refusal, Step
from provisioning import claims, pairs
from provisioning.converge import forget_link
from provisioning.worker import Lease
from scim.errors import ScimError
from store import journal
from store.clocks import machine_now
from store.tables import pair
from tests.provisioning.directory import Fault
from tests.provisioning.house import House, worker


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def kinds(house: House) -> list[str]:
    return [step.kind for step in house.ad.writes]


def test_a_hire_gets_an_account(house: House) -> None:
    house.push(worker("E1", title="Engineer"))
    house.settle()
    account = house.ad.one(employeeID="E1")
    assert account.enabled
    assert account.attributes["sAMAccountName"] == "alindqvist"
    assert account.attributes["userPrincipalName"] == "alindqvist@norhaven.example"
    assert account.attributes["title"] == "Engineer"
    assert (account.name, account.container) == ("Anna Lindqvist", "OU=People")
    assert kinds(house) == ["create", "enable"]


def test_an_account_is_made_enabled_where_the_target_can(house: House) -> None:
    house.ad.at_once = True
    house.push(worker("E2", "Max", "Boss"))
    house.settle()
    house.ad.writes.clear()
    house.push(worker("E1", manager="E2"))
    house.settle()
    account, boss = house.ad.one(employeeID="E1"), house.ad.one(employeeID="E2")
    assert (account.enabled, account.references) == (True, {"manager": boss.anchor})
    assert kinds(house) == ["create", "refer"]
    with house.database.read() as connection:
        entries = journal.entries(connection, kind="operation")[-3:]
    done = [(e.body["step"], e.body["kind"], e.body["result"]) for e in entries]
    assert done == [(0, "create", "applied"), (1, "refer", "applied"), (2, "enable", "applied")]
    house.ad.writes.clear()
    house.ask()
    house.settle()
    assert kinds(house) == []


def test_a_second_look_writes_nothing(house: House) -> None:
    id = house.push(worker("E1"))
    house.settle()
    house.ad.writes.clear()
    house.push(worker("E1"), id=id)
    assert house.settle() == 1
    assert house.ad.writes == []


def test_many_pushes_are_one_look(house: House) -> None:
    id = house.push(worker("E1"))
    for title in ("a", "b", "c"):
        house.push(worker("E1", title=title), id=id)
    assert house.settle() == 1
    assert house.ad.one(employeeID="E1").attributes["title"] == "c"


def test_people_of_one_name_get_numbered_names(house: House) -> None:
    for number in ("E1", "E2", "E3"):
        house.push(worker(number, "John", "Smith"))
    house.settle()
    names = {
        a.attributes["employeeID"]: (a.attributes["sAMAccountName"], a.name)
        for a in house.ad.accounts.values()
    }
    assert sorted(names.values()) == [
        ("jsmith", "John Smith"),
        ("jsmith2", "John Smith (jsmith2)"),
        ("jsmith3", "John Smith (jsmith3)"),
    ]


def test_a_name_held_by_somebody_elses_account_is_passed_over(house: House) -> None:
    house.ad.put("Service", sAMAccountName="alindqvist")
    house.push(worker("E1"))
    house.settle()
    assert house.ad.one(employeeID="E1").attributes["sAMAccountName"] == "alindqvist2"


def test_a_name_that_only_the_write_finds_taken_is_burnt(house: House) -> None:
    taken = Refusal("name", "68/00000524", "taken", "", "sAMAccountName")
    house.ad.fault = lambda step: (
        taken if step.attributes.get("sAMAccountName") == "alindqvist" else None
    )
    house.push(worker("E1"))
    house.settle()
    assert house.ad.one(employeeID="E1").attributes["sAMAccountName"] == "alindqvist2"


def test_a_name_in_use_in_another_target_is_not_burnt(tmp_path: Path) -> None:
    house = House(tmp_path, targets=("ad", "branch"))
    branch = house.directories["branch"]
    taken = Refusal("name", "68/00000524", "taken", "", "sAMAccountName")
    branch.fault = lambda step: taken if step.kind == "create" else None
    branch.down = True
    house.push(worker("E1"))
    for _ in range(2):
        claim = claims.claim(house.database, machine_now(), ())
        assert claim is not None
        result = house.converger.look(claim, Lease(house.database, claim))
        claims.finish(house.database, claim, result, machine_now())
    branch.down = False
    house.database.write(lambda tx: tx.execute(update(pair).values(due=machine_now())))
    house.settle()
    assert house.ad.one(employeeID="E1").attributes["sAMAccountName"] == "alindqvist"
    assert branch.accounts == {}
    assert "taken" in house.row("branch", workerId="E1").held


def test_a_cn_that_the_directory_finds_taken_gets_the_account_name(house: House) -> None:
    house.ad.put("Anna Lindqvist", sAMAccountName="other")
    house.push(worker("E1"))
    house.settle()
    assert house.ad.one(employeeID="E1").name == "Anna Lindqvist (alindqvist)"


def test_an_account_with_the_same_number_is_adopted_with_its_name(house: House) -> None:
    anchor = house.ad.put("Anna", employeeID="E1", sAMAccountName="anna.l")
    house.push(worker("E1"))
    house.settle()
    account = house.ad.accounts[anchor]
    assert len(house.ad.accounts) == 1
    assert account.attributes["sAMAccountName"] == "anna.l"
    assert account.attributes["displayName"] == "Anna Lindqvist"


def test_an_account_with_another_number_is_never_adopted(house: House) -> None:
    anchor = house.ad.put(
        "Anna Lindqvist", employeeID="E9", sAMAccountName="alindqvist", mail="a@norhaven.example"
    )
    house.push(worker("E1"))
    house.settle()
    assert house.ad.accounts[anchor].attributes["employeeID"] == "E9"
    assert len(house.ad.accounts) == 2


def test_two_accounts_with_one_number_are_a_case_for_a_human(house: House) -> None:
    house.ad.put("A", employeeID="E1")
    house.ad.put("B", employeeID="E1")
    house.push(worker("E1"))
    house.settle()
    assert "2 accounts carry the same key" in house.row(workerId="E1").held
    assert house.ad.writes == []


def test_a_manager_hired_later_is_linked_without_another_push(house: House) -> None:
    house.push(worker("E1", manager="E2"))
    house.settle()
    assert house.ad.one(employeeID="E1").references == {}
    assert house.row(workerId="E1").waits_on == "manager-ref:workday:e2"
    house.push(worker("E2", "Mia", "Boss"))
    house.settle()
    boss = house.ad.one(employeeID="E2")
    assert house.ad.one(employeeID="E1").references == {"manager": boss.anchor}
    assert house.row(workerId="E1").waits_on is None


def test_a_manager_may_be_named_by_user_name(house: House) -> None:
    house.push(worker("E1", manager="M.Boss"))
    house.push(worker("E2", "Max", "Late", manager="M.Chief"))
    boss = house.push(worker("E9", "Mia", "Boss", userName="m.boss"))
    house.settle()
    first = house.ad.one(employeeID="E9")
    assert house.ad.one(employeeID="E1").references == {"manager": first.anchor}
    assert house.row(workerId="E2").waits_on == "manager-ref:workday:m.chief"
    house.push(worker("E9", "Mia", "Boss", userName="m.chief"), id=boss)
    house.settle()
    assert house.ad.one(employeeID="E2").references == {"manager": first.anchor}
    assert house.row(workerId="E2").waits_on is None


def test_a_number_means_who_has_it_and_not_who_is_called_so(house: House) -> None:
    house.push(worker("E2", "Mia", "Boss", userName="m.boss"))
    house.push(worker("E3", "Max", "Other", userName="e2"))
    house.push(worker("E1", manager="E2"))
    house.settle()
    boss = house.ad.one(employeeID="E2")
    assert house.ad.one(employeeID="E1").references == {"manager": boss.anchor}


def test_a_manager_known_but_without_an_account_is_waited_for(house: House) -> None:
    house.push(worker("E2", "Mia", "Boss", hireDate="2026-09-01"))
    house.push(worker("E1", manager="E2"))
    house.settle()
    assert str(house.row(workerId="E1").waits_on).startswith("manager:")
    house.day("2026-08-10T00:00:00Z")
    house.settle()
    boss = house.ad.one(employeeID="E2")
    assert not boss.enabled
    assert house.ad.one(employeeID="E1").references == {"manager": boss.anchor}


def test_managers_in_a_circle_and_ones_own_manager(house: House) -> None:
    house.push(worker("E1", manager="E2"))
    house.push(worker("E2", "Mia", "Boss", manager="E1"))
    house.push(worker("E3", "Max", "Self", manager="E3"))
    house.settle()
    one, two = house.ad.one(employeeID="E1"), house.ad.one(employeeID="E2")
    assert one.references == {"manager": two.anchor}
    assert two.references == {"manager": one.anchor}
    assert house.ad.one(employeeID="E3").references == {}


def test_a_manager_who_is_taken_away_is_unlinked(house: House) -> None:
    house.push(worker("E2", "Mia", "Boss"))
    id = house.push(worker("E1", manager="E2"))
    house.settle()
    house.push(worker("E1"), id=id)
    house.settle()
    assert house.ad.one(employeeID="E1").references == {}


def test_a_rename_keeps_the_account_name(house: House) -> None:
    id = house.push(worker("E1"))
    house.settle()
    house.push(worker("E1", "Anna", "Björk-Øst"), id=id)
    house.settle()
    account = house.ad.one(employeeID="E1")
    assert account.attributes["sn"] == "Björk-Øst"
    assert account.name == "Anna Björk-Øst"
    assert account.attributes["sAMAccountName"] == "alindqvist"


def test_what_a_full_put_leaves_out_is_cleared_but_active_is_not(house: House) -> None:
    document = worker("E1", title="Engineer")
    id = house.push(document)
    house.settle()
    del document["title"], document["active"]
    house.push(document, id=id)
    house.settle()
    account = house.ad.one(employeeID="E1")
    assert "title" not in account.attributes
    assert account.enabled


def test_a_value_that_cannot_be_read_keeps_the_last_one(house: House) -> None:
    document = worker("E1", terminationDate="2026-04-30")
    id = house.push(document)
    house.settle()
    before = house.ad.one(employeeID="E1").attributes["accountExpires"]
    house.push(worker("E1", terminationDate="the thirtieth"), id=id)
    house.settle()
    assert house.ad.one(employeeID="E1").attributes["accountExpires"] == before
    assert "terminationDate cannot be read" in house.row(workerId="E1").problem
    house.push(document, id=id)
    house.settle()
    assert house.row(workerId="E1").problem is None


def test_who_works_from_a_day_that_cannot_be_read_is_held(house: House) -> None:
    id = house.push(worker("E1", hireDate="first of May"))
    house.settle()
    assert "first day cannot be read" in house.row(workerId="E1").held
    assert house.ad.writes == []
    house.push(worker("E1", hireDate="2026-04-06"), id=id)
    house.settle()
    assert not house.ad.one(employeeID="E1").enabled


def test_who_has_left_is_out_whatever_the_first_day(house: House) -> None:
    id = house.push(worker("E1", hireDate="2021-04-01"))
    house.settle()
    house.push(worker("E1", hireDate="first of May", active=False), id=id)
    house.settle()
    assert not house.ad.one(employeeID="E1").enabled


def test_an_account_that_is_there_is_left_alone_while_the_first_day_is_unreadable(
    house: House,
) -> None:
    house.ad.put("Anna", employeeID="E1")
    house.push(worker("E1", hireDate="first of May"))
    house.settle()
    assert (house.ad.writes, house.ad.one(employeeID="E1").enabled) == ([], True)


def test_a_leaver_is_disabled_first_then_moved(house: House) -> None:
    id = house.push(worker("E1"))
    house.settle()
    house.ad.writes.clear()
    house.push(worker("E1", active=False), id=id)
    house.settle()
    assert kinds(house) == ["disable", "move"]
    assert house.ad.one(employeeID="E1").container == "OU=Leavers"


def test_a_leaver_on_a_date_leaves_without_another_push(house: House) -> None:
    house.push(worker("E1", terminationDate="2026-04-30"))
    house.settle()
    house.day("2026-04-30T23:59:59Z")
    assert house.settle() == 0
    house.day("2026-05-01T00:00:00Z")
    house.settle()
    assert not house.ad.one(employeeID="E1").enabled


def test_deleted_and_hired_again_is_the_same_account(house: House) -> None:
    id = house.push(worker("E1", terminationDate="2026-04-30"))
    house.settle()
    house.withdraw(id)
    house.settle()
    account = house.ad.one(employeeID="E1")
    assert not account.enabled
    house.push(worker("E1"))
    house.settle()
    again = house.ad.one(employeeID="E1")
    assert (again.anchor, again.enabled, again.container) == (account.anchor, True, "OU=People")
    assert "accountExpires" not in again.attributes


def test_an_old_end_date_is_gone_even_if_nobody_looks_between_two_pushes(house: House) -> None:
    id = house.push(worker("E1", terminationDate="2026-04-30"))
    house.settle()
    house.withdraw(id)
    house.settle()
    id = house.push(worker("E1"))
    house.push(worker("E1", title="Engineer"), id=id)
    house.settle()
    assert "accountExpires" not in house.ad.one(employeeID="E1").attributes


def test_an_end_date_goes_with_the_source_that_gave_it(tmp_path: Path) -> None:
    house = House(tmp_path, shared_keys=("employeeNumber",))
    first = house.push(worker("E1", terminationDate="2026-04-30"))
    house.push(worker("E1"), source="generic")
    house.settle()
    assert "accountExpires" in house.ad.one(employeeID="E1").attributes
    house.withdraw(first)
    house.settle()
    assert "accountExpires" not in house.ad.one(employeeID="E1").attributes


def test_an_end_date_goes_when_a_stronger_source_says_who_works_here(tmp_path: Path) -> None:
    house = House(tmp_path, shared_keys=("employeeNumber",))
    house.push(worker("E1", terminationDate="2026-04-30"), source="generic")
    house.settle()
    house.push(worker("E1"))
    house.settle()
    assert "accountExpires" not in house.ad.one(employeeID="E1").attributes


def test_a_manager_who_arrives_through_another_source_is_linked(tmp_path: Path) -> None:
    house = House(tmp_path, shared_keys=("employeeNumber",))
    house.push(worker("E1", manager="E2"))
    house.settle()
    house.push(worker("E2", "Mia", "Boss"), source="generic")
    house.settle()
    boss = house.ad.one(employeeID="E2")
    assert house.ad.one(employeeID="E1").references == {"manager": boss.anchor}


@pytest.mark.parametrize("noticed", [False, True])
def test_who_was_kept_on_after_the_last_day_passed_unseen_is_signed_out(
    house: House, noticed: bool
) -> None:
    house.settings.targets["ad"] = replace(house.settings.targets["ad"], kind="entra_id")  # type: ignore[index]
    house.reopen()
    id = house.push(worker("E1", terminationDate="2026-04-30"))
    house.settle()
    house.ad.writes.clear()
    house.day("2026-05-02T08:00:00Z")
    if noticed:
        pairs.tick(house.database, house.now, machine_now())
    house.push(worker("E1", terminationDate="2026-12-31"), id=id)
    house.settle()
    assert kinds(house) == ["disable", "modify", "enable"]


def test_who_returns_was_signed_out_already(house: House) -> None:
    house.settings.targets["ad"] = replace(house.settings.targets["ad"], kind="entra_id")  # type: ignore[index]
    house.reopen()
    id = house.push(worker("E1"))
    house.settle()
    house.push(worker("E1", active=False), id=id)
    house.settle()
    house.ad.writes.clear()
    house.push(worker("E1"), id=id)
    house.settle()
    assert kinds(house) == ["move", "enable"]


def test_a_person_who_left_before_we_met_gets_no_account(house: House) -> None:
    house.push(worker("E1", active=False))
    house.settle()
    assert house.ad.accounts == {}


def test_an_account_of_somebody_who_left_before_we_met_is_disabled(house: House) -> None:
    house.ad.put("Anna", employeeID="E1", sAMAccountName="anna.l")
    house.push(worker("E1", active=False))
    house.settle()
    assert not house.ad.one(employeeID="E1").enabled


def privileged(house: House) -> str:
    anchor = house.ad.put("Anna", employeeID="E1", sAMAccountName="anna.l")
    house.ad.accounts[anchor] = replace(house.ad.accounts[anchor], protected="adminCount=1")
    return anchor


def test_a_privileged_account_is_reported_and_not_touched(house: House) -> None:
    anchor = privileged(house)
    house.push(worker("E1", active=False))
    house.settle()
    assert "adminCount=1" in house.row(workerId="E1").held
    assert house.ad.accounts[anchor].enabled


def test_a_privileged_leaver_is_disabled_and_nothing_else_if_we_may(house: House) -> None:
    anchor = privileged(house)
    house.settings.targets["ad"].options["privileged"] = "disable"  # type: ignore[index]
    id = house.push(worker("E1", title="Admin"))
    house.settle()
    assert "adminCount=1" in house.row(workerId="E1").held
    house.push(worker("E1", active=False), id=id)
    house.settle()
    assert kinds(house) == ["disable"]
    assert not house.ad.accounts[anchor].enabled
    assert "otherwise untouched" in house.row(workerId="E1").problem


def test_a_held_person_is_looked_at_again_when_a_day_comes(house: House) -> None:
    anchor = privileged(house)
    house.settings.targets["ad"].options["privileged"] = "disable"  # type: ignore[index]
    house.push(worker("E1", terminationDate="2026-04-30"))
    house.settle()
    assert "adminCount=1" in house.row(workerId="E1").held
    house.day("2026-05-01T00:00:00Z")
    house.settle()
    assert not house.ad.accounts[anchor].enabled


def test_one_bad_value_does_not_hold_the_rest(house: House) -> None:
    id = house.push(worker("E1"))
    house.settle()
    bad = Refusal("value", "19", "this value is not taken", "correct it in HR", "title")
    house.ad.fault = lambda step: bad if step.kind == "modify" else None
    house.push(worker("E1", title="?", active=False), id=id)
    house.settle()
    assert not house.ad.one(employeeID="E1").enabled
    assert house.row(workerId="E1").problem == "title: this value is not taken. correct it in HR"


def test_a_target_that_is_down_keeps_the_pair_due_and_says_so(house: House) -> None:
    house.ad.down = True
    house.push(worker("E1"))
    claim = claims.claim(house.database, machine_now(), ())
    assert claim is not None
    result = house.converger.look(claim, Lease(house.database, claim))
    assert (result.kind, result.target_down) == ("retry", True)
    assert result.problem == "nobody answers. start it"
    claims.finish(house.database, claim, result, machine_now())
    house.ad.down = False
    house.database.write(lambda tx: tx.execute(update(pair).values(due=machine_now())))
    house.settle()
    assert house.ad.one(employeeID="E1").enabled


@pytest.mark.parametrize("kind", ["create", "modify", "move", "disable", "enable", "refer"])
@pytest.mark.parametrize("fault", ["before", "after"])
def test_a_lost_answer_is_read_back_and_nothing_is_done_twice(
    house: House, kind: str, fault: Fault
) -> None:
    struck: list[Step] = []

    def once(step: Step) -> Fault | None:
        if step.kind != kind or struck:
            return None
        struck.append(step)
        return fault

    house.push(worker("E2", "Mia", "Boss"))
    house.settle()
    house.ad.fault = once
    id = house.push(worker("E1", manager="E2"))
    house.settle()
    house.push(worker("E1", "Anna", "Berg", title="Chief", manager="E2"), id=id)
    house.settle()
    house.push(worker("E1", "Anna", "Berg", title="Chief", manager="E2", active=False), id=id)
    house.settle()
    assert struck, f"no {kind} was planned"
    account = house.ad.one(employeeID="E1")
    assert (account.enabled, account.name, account.container) == (False, "Anna Berg", "OU=Leavers")
    assert len(house.ad.accounts) == 2
    assert [s.kind for s in house.ad.writes].count("create") == 2


def test_a_deleted_account_is_held_and_made_again_only_on_order(house: House) -> None:
    id = house.push(worker("E1"))
    house.settle()
    house.ad.accounts.clear()
    house.push(worker("E1", title="Engineer"), id=id)
    house.settle()
    row = house.row(workerId="E1")
    assert "deleted in the directory" in row.held
    assert house.ad.accounts == {}

    def again(tx: object) -> None:
        forget_link(tx, row.person, "ad")  # type: ignore[arg-type]
        pairs.ask(tx, row.person, ["ad"], pairs.Lane.CHANGE, machine_now())  # type: ignore[arg-type]

    house.database.write(again)
    house.settle()
    assert house.ad.one(employeeID="E1").attributes["sAMAccountName"] == "alindqvist"


def test_a_second_resource_of_one_person_in_one_source_is_refused(house: House) -> None:
    house.push(worker("E1"))
    twin = worker("E1")
    twin["externalId"] = "other"
    with pytest.raises(ScimError) as refusal:
        house.push(twin)
    assert (refusal.value.status, refusal.value.scim_type) == (409, "uniqueness")


def test_keys_of_two_people_in_one_record_are_a_case(house: House) -> None:
    one = house.push(worker("E1"))
    two = house.push(worker("E2", "Mia", "Boss"))
    house.withdraw(one)
    house.withdraw(two)
    mixed = worker("E1")
    mixed["externalId"] = "E2"
    house.push(mixed)
    house.settle()
    with house.database.read() as connection:
        cases = journal.entries(connection, kind="case")
    assert any("different people" in str(case.body) for case in cases)
    assert not any(a.enabled for a in house.ad.accounts.values())


def test_an_older_version_is_not_applied(house: House) -> None:
    id = house.push(worker("E1", title="New", sourceModifiedAt="2026-03-16T08:00:00Z"))
    house.push(worker("E1", title="Old", sourceModifiedAt="2026-03-15T08:00:00Z"), id=id)
    house.settle()
    assert house.ad.one(employeeID="E1").attributes["title"] == "New"


def test_a_stamp_of_some_far_day_does_not_silence_a_source_for_ever(house: House) -> None:
    id = house.push(worker("E1", sourceModifiedAt="9999-12-31T00:00:00Z"))
    house.push(worker("E1", active=False, sourceModifiedAt="2026-03-16T08:00:00Z"), id=id)
    house.settle()
    assert not any(account.enabled for account in house.ad.accounts.values())
    house.push(worker("E1", sourceModifiedAt="2026-03-15T08:00:00Z"), id=id)
    house.settle()
    assert not any(account.enabled for account in house.ad.accounts.values())


def test_two_sources_one_person(tmp_path: Path) -> None:
    house = House(tmp_path, shared_keys=("employeeNumber",))
    first = house.push(worker("E1", title="Engineer"))
    second = house.push(worker("E1"), source="generic")
    house.settle()
    assert len(house.ad.accounts) == 1
    house.withdraw(first)
    house.settle()
    assert house.ad.one(employeeID="E1").enabled
    house.withdraw(second)
    house.settle()
    assert not house.ad.one(employeeID="E1").enabled


def test_sources_that_do_not_number_alike_are_not_joined(house: House) -> None:
    house.push(worker("E1"))
    house.push(worker("E1"), source="generic")
    house.settle()
    assert len(house.ad.accounts) == 1
    with house.database.read() as connection:
        held = connection.execute(pair.select().where(pair.c.held.is_not(None))).all()
    assert ["already belongs to another person" in row.held for row in held] == [True]


def test_one_target_down_does_not_hold_the_other(tmp_path: Path) -> None:
    house = House(tmp_path, targets=("ad", "branch"))
    house.directories["branch"].down = True
    house.push(worker("E1"))
    for _ in range(2):
        claim = claims.claim(house.database, machine_now(), ())
        assert claim is not None
        result = house.converger.look(claim, Lease(house.database, claim))
        claims.finish(house.database, claim, result, machine_now())
    assert house.directories["ad"].one(employeeID="E1").enabled


def test_the_journal_tells_the_story_without_personal_values(house: House) -> None:
    house.push(worker("E1", "Anna", "Lindqvist", title="Engineer"))
    house.settle()
    with house.database.read() as connection:
        entries = journal.entries(connection)
        assert journal.verify(connection) is None
    assert [e.kind for e in entries] == ["intake", "plan", "operation", "operation"]
    bodies = " ".join(str(e.body) for e in entries)
    assert "Lindqvist" not in bodies
    plan = entries[1]
    assert "Lindqvist" in str(plan.values)
    assert "active_directory.yaml" in str(plan.values)
