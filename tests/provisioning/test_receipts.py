"""Whoever pushed can read what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from adapters.target import Refusal, Step
from provisioning import claims, pairs
from provisioning.converge import forget_link
from provisioning.receipts import receipt
from store import journal
from store.clocks import machine_now, parse_instant
from store.tables import pair
from tests.provisioning.house import House, worker


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def last(house: House) -> str:
    """The receipt of the newest push."""
    with house.database.read() as connection:
        found = journal.entries(connection, kind="intake", limit=1000)
    return str(found[-1].ref)


def push(house: House, *args: Any, **more: Any) -> tuple[str, str]:
    """Push; the resource id and the receipt."""
    resource = house.push(*args, **more)
    return resource, last(house)


def read(house: House, id: str) -> dict[str, Any]:
    with house.database.read() as connection:
        found = receipt(connection, id, machine_now())
    assert found is not None
    return found


def ad(house: House, id: str) -> dict[str, Any]:
    return read(house, id)["targets"]["ad"]  # type: ignore[no-any-return]


def test_a_hire_is_due_and_then_applied(house: House) -> None:
    resource, id = push(house, worker("E1", title="Engineer"))
    assert ad(house, id) == {"result": "due", "why": None, "plans": []}
    house.settle()
    whole = read(house, id)
    assert (whole["what"], whole["source"], whole["resource"]) == ("created", "workday", resource)
    assert {"title", "givenName"} <= set(whole["changed"])
    assert whole["person"] == house.row(employeeNumber="E1").person
    said = whole["targets"]["ad"]
    assert (said["result"], said["why"], said["state"]) == ("applied", None, "active")
    (plan,) = said["plans"]
    assert [(s["kind"], s["result"]) for s in plan["steps"]] == [
        ("create", "applied"),
        ("enable", "applied"),
    ]
    assert all(step["ms"] >= 0 for step in plan["steps"])
    assert said["afterMs"] > 0
    assert "Engineer" not in str(whole)
    assert "Anna" not in str(whole)


def test_a_change_names_its_attribute_and_nothing_else(house: House) -> None:
    resource, first = push(house, worker("E1", title="a"))
    house.settle()
    _, second = push(house, worker("E1", title="b"), id=resource)
    house.settle()
    assert read(house, second)["changed"] == ["title"]
    (plan,) = ad(house, second)["plans"]
    assert [(s["kind"], s["attributes"]) for s in plan["steps"]] == [("modify", ["title"])]
    (plan,) = ad(house, first)["plans"]
    assert plan["steps"][0]["kind"] == "create"


def test_pushes_looked_at_together_name_the_last(house: House) -> None:
    resource, first = push(house, worker("E1", title="a"))
    _, second = push(house, worker("E1", title="b"), id=resource)
    _, third = push(house, worker("E1", title="c"), id=resource)
    house.settle()
    for id in (first, second):
        assert ad(house, id) == {"result": "superseded", "supersededBy": third, "plans": []}
    assert ad(house, third)["result"] == "applied"


def test_what_was_right_already_stays_nothing_to_do(house: House) -> None:
    resource, _ = push(house, worker("E1", title="a"))
    house.settle()
    _, same = push(house, worker("E1", title="a"), id=resource)
    house.settle()
    assert ad(house, same)["result"] == "nothing to do"
    push(house, worker("E1", title="b"), id=resource)
    house.settle()
    assert ad(house, same) == {"result": "nothing to do", "why": None, "plans": []}


def test_what_a_date_did_later_is_not_the_pushes_doing(house: House) -> None:
    _, id = push(house, worker("E1", hireDate="2027-01-04"))
    house.settle()
    said = ad(house, id)
    assert (said["result"], said["state"]) == ("nothing to do", "future")
    house.day(said["looksAgain"])
    house.settle()
    assert house.ad.one(employeeID="E1")
    assert (ad(house, id)["result"], ad(house, id)["plans"]) == ("nothing to do", [])


def test_a_push_during_a_look_does_not_take_its_plan(house: House) -> None:
    """The look had noted the first push only: the plan is the first one's."""
    resource, first = push(house, worker("E1", title="a"))
    second = ""

    def meanwhile(step: Step) -> None:
        nonlocal second
        if not second:
            second = "now"
            _, second = push(house, worker("E1", title="b"), id=resource)

    house.ad.fault = meanwhile
    house.settle()
    assert [s["kind"] for s in ad(house, first)["plans"][0]["steps"]] == ["create", "enable"]
    assert [s["kind"] for s in ad(house, second)["plans"][0]["steps"]] == ["modify"]


def test_a_target_that_is_down_is_said(house: House) -> None:
    _, id = push(house, worker("E1"))
    house.ad.down = True
    claim = claims.claim(house.database, machine_now())
    assert claim is not None
    assert ad(house, id)["result"] == "working"
    result = claims.Result("retry", problem="nobody answers", retry_after=60)
    claims.finish(house.database, claim, result, machine_now())
    assert (ad(house, id)["result"], ad(house, id)["why"]) == ("back-off", "nobody answers")


def test_a_held_person_says_why_and_goes_on_with_the_release(house: House) -> None:
    twins = [house.ad.put(employeeID="E1") for _ in range(2)]
    _, id = push(house, worker("E1"))
    house.settle()
    said = ad(house, id)
    assert said["result"] == "held"
    assert "remove the key" in said["why"]
    for anchor in twins:
        del house.ad.accounts[anchor]

    def release(tx: Any) -> None:
        pairs.ask(tx, house.row().person, ["ad"], pairs.Lane.CHANGE, machine_now())

    house.database.write(release)
    house.settle()
    assert ad(house, id)["result"] == "applied"
    assert ad(house, id)["plans"][0]["steps"][0]["kind"] == "create"


def test_a_look_that_held_a_part_is_held_and_shows_the_rest(house: House) -> None:
    """A breaker holds some steps of a plan; the same look applies the others."""
    resource, _ = push(house, worker("E1", title="a"))
    house.settle()
    _, id = push(house, worker("E1", title="b"), id=resource)
    row = house.row()

    def held(tx: Any) -> None:
        body = {"why": "breaker", "seen": row.seen, "noted": row.asked}
        common = {"person": row.person, "target": "ad", "now": 1.0, "business_now": 1.0}
        journal.append(tx, kind="case", body=body, **common)

    house.database.write(held)
    house.settle()
    said = ad(house, id)
    assert (said["result"], said["why"]) == ("held", "breaker")
    assert [s["kind"] for s in said["plans"][0]["steps"]] == ["modify"]


def test_a_refused_attribute_is_named_without_its_value(house: House) -> None:
    resource, _ = push(house, worker("E1", title="a"))
    house.settle()
    house.ad.fault = lambda step: Refusal("value", "19", "too long: b", "Shorten it.", "title")
    _, id = push(house, worker("E1", title="b"), id=resource)
    house.settle()
    said = ad(house, id)
    assert said["result"] == "applied in part"
    (step,) = said["plans"][0]["steps"]
    assert step["refusals"] == [
        {"kind": "value", "code": "19", "remedy": "Shorten it.", "attribute": "title"}
    ]


def test_an_account_that_was_there_is_linked(house: House) -> None:
    """Adopted and changed: the plan is there. Adopted and right: the link alone is said."""
    resource = house.push(worker("E1"))
    house.settle()
    house.database.write(lambda tx: forget_link(tx, house.row().person, "ad"))
    _, id = push(house, worker("E1"), id=resource)
    house.settle()
    said = ad(house, id)
    assert (said["result"], said["plans"]) == ("nothing to do", [])
    assert "linked" in said["why"]


def test_a_stale_push_is_said_to_be(house: House) -> None:
    stamp = {"sourceModifiedAt": "2026-03-16T08:00:00Z"}
    resource = house.push(worker("E1", **stamp))
    _, id = push(house, worker("E1", sourceModifiedAt="2026-03-15T08:00:00Z"), id=resource)
    assert (read(house, id)["what"], read(house, id)["targets"]) == ("stale", {})


def test_a_withdrawal_has_one_too(house: House) -> None:
    resource = house.push(worker("E1"))
    house.settle()
    house.withdraw(resource)
    house.settle()
    id = last(house)
    assert (read(house, id)["what"], read(house, id)["changed"]) == ("withdrawn", [])
    assert "disable" in [s["kind"] for s in ad(house, id)["plans"][0]["steps"]]


def test_a_target_without_a_pair_is_gone(house: House) -> None:
    _, id = push(house, worker("E1"))
    house.database.write(lambda tx: tx.execute(update(pair).values(target="other")))
    assert ad(house, id)["result"] == "gone"


@pytest.mark.parametrize("id", ["", "x", "\0", "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_id_is_nothing(house: House, id: str) -> None:
    push(house, worker("E1"))
    with house.database.read() as connection:
        assert receipt(connection, id, parse_instant("2026-03-16")) is None
