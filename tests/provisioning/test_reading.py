"""A record that was read before its transaction comes to the same as one read in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mappings.documents import load_inbound
from policy_settings import LIFECYCLE, Word
from provisioning.intake import Intake
from provisioning.pairs import Lane
from store.tables import pair, person, person_key, resource
from tests.provisioning.house import House, worker


def push(
    house: House,
    document: dict[str, Any],
    source: str = "workday",
    *,
    ahead: bool,
    meanwhile: Callable[[], None] = lambda: None,
) -> str:
    """Create; `ahead`: read before the transaction begins, after which `meanwhile` happens."""
    ready = house.intake.ready(source, "User", document, frozenset(), None) if ahead else None
    meanwhile()
    return house.push(document, source, ready=ready)


def stored(house: House) -> list[Any]:
    """What is stored of everybody, but for ids and instants of the machine."""
    named = ("facts", "origins", "episodes", "changes_at", "asserted", "withdrawn_at", "problem")
    keyed = ("scope", "kind", "value")
    with house.database.read() as connection:
        people = [
            tuple(getattr(row, name) for name in named)
            for row in connection.execute(select(person).order_by(person.c.facts))
        ]
        keys = sorted(
            tuple(getattr(row, name) for name in keyed)
            for row in connection.execute(select(person_key))
        )
        pairs = sorted((r.target, r.lane, r.asked) for r in connection.execute(select(pair)))
        records = sorted(str(f) for f in connection.execute(select(resource.c.facts)).scalars())
    return [people, keys, pairs, records]


def stored_facts(house: House) -> str | None:
    """The facts of the only record."""
    with house.database.read() as connection:
        found: str | None = connection.execute(select(resource.c.facts)).scalar_one()
    return found


DOCUMENTS = {
    "works": worker("E1", title="Cook"),
    "begins later": worker("E1", hireDate="2026-05-04"),
    "has left": worker("E1", active=False, terminationDate="2026-01-31"),
    "leaves": worker("E1", contractEndDate="2026-12-31", timezone="Europe/Berlin"),
    "with a manager": worker("E1", manager="E9"),
    "without a key": {"active": True, "name": {"givenName": "Zoe", "familyName": "Berg"}},
    "of a later day": worker("E1", effectiveDate="2026-06-01"),
}


@pytest.fixture
def houses(tmp_path: Path) -> tuple[House, House]:
    made = []
    for name in ("ahead", "within"):
        (tmp_path / name).mkdir()
        made.append(House(tmp_path / name, shared_keys=("employeeNumber",)))
    return made[0], made[1]


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_somebody_new(houses: tuple[House, House], document: dict[str, Any]) -> None:
    one, other = houses
    push(one, document, ahead=True)
    push(other, document, ahead=False)
    assert stored(one) == stored(other)
    one.settle()
    other.settle()
    assert [a.attributes for a in one.ad.accounts.values()] == [
        a.attributes for a in other.ad.accounts.values()
    ]


def test_somebody_whom_another_source_knows(houses: tuple[House, House]) -> None:
    for house in houses:
        push(house, worker("E1", title="Cook"), ahead=False)
        ahead = house is houses[0]
        push(house, worker("E1", title="Chef", active=False), "generic", ahead=ahead)
    assert stored(houses[0]) == stored(houses[1])


def test_somebody_who_returns(houses: tuple[House, House]) -> None:
    for house in houses:
        house.withdraw(push(house, worker("E1", contractEndDate="2026-12-31"), ahead=False))
        push(house, worker("E1", title="Chef"), ahead=house is houses[0])
    assert stored(houses[0]) == stored(houses[1])


def test_another_mapping_in_the_meantime_counts(houses: tuple[House, House]) -> None:
    house, _ = houses
    full = load_inbound("workday")
    fewer = replace(full, rules=tuple(r for r in full.rules if r.rule.name != "title"))

    def remap() -> None:
        inbounds = {"workday": fewer}
        house.intake = Intake(lambda: house.settings, lambda: inbounds, house.business)

    push(house, worker("E1", title="Cook"), ahead=True, meanwhile=remap)
    with house.database.read() as connection:
        told = json.loads(connection.execute(select(resource.c.facts)).scalar_one())
    assert told["employeeNumber"] == "E1"
    assert "title" not in told


def test_a_change_that_was_read_under_another_mapping_is_read_anew(tmp_path: Path) -> None:
    house = House(tmp_path)
    id = house.push(worker("E1", title="Cook"))
    changed = worker("E1", title="Chef")
    ready = house.intake.ready("workday", "User", changed, frozenset(), stored_facts(house))
    assert ready is not None
    other = replace(load_inbound("workday"), digest="other")
    terms = ready.terms._replace(inbound=other)
    wrong = replace(ready, terms=terms, derived=other.facts({"title": "Nobody"}))
    house.push(changed, id=id, ready=wrong)
    house.settle()
    assert [a.attributes["title"] for a in house.ad.accounts.values()] == ["Chef"]


def test_a_change_is_taken_as_it_was_read_before(tmp_path: Path) -> None:
    house = House(tmp_path)
    id = house.push(worker("E1", title="Cook"))
    changed = worker("E1", title="Chef")
    ready = house.intake.ready("workday", "User", changed, frozenset(), stored_facts(house))
    house.push(changed, id=id, ready=ready)
    house.settle()
    assert [a.attributes["title"] for a in house.ad.accounts.values()] == ["Chef"]


def change(
    house: House,
    id: str,
    document: dict[str, Any],
    source: str = "workday",
    *,
    ahead: bool,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Replace; `ahead`: read before the transaction begins, after which `meanwhile` happens."""
    with house.database.read() as connection:
        facts = connection.execute(select(resource.c.facts).where(resource.c.id == id)).scalar()
    ready = house.intake.ready(source, "User", document, frozenset(), facts) if ahead else None
    meanwhile()
    house.push(document, source, id=id, ready=ready)


CHANGES = {
    "another title": worker("E1", title="Chef"),
    "another name": worker("E1", family="Berg"),
    "the same again": worker("E1", title="Cook"),
    "leaves": worker("E1", title="Cook", active=False),
    "leaves later": worker("E1", title="Cook", contractEndDate="2026-12-31"),
    "another first day": worker("E1", title="Cook", hireDate="2026-05-04"),
    "of a later day": worker("E1", title="Chef", effectiveDate="2026-06-01"),
    "another number": worker("E2", title="Cook"),
    "a date that cannot be read": worker("E1", title="Cook", terminationDate="soon"),
}


def change_in_both(
    houses: tuple[House, House],
    first: dict[str, Any],
    then: dict[str, Any],
    meanwhile: Callable[[House, str], object] = lambda house, id: None,
) -> None:
    """The same record is replaced in each house; `meanwhile` gets the house and its id."""
    for house in houses:
        id = push(house, first, ahead=False)
        happens = partial(meanwhile, house, id)
        change(house, id, then, ahead=house is houses[0], meanwhile=happens)


@pytest.mark.parametrize("document", CHANGES.values(), ids=CHANGES)
def test_a_change(houses: tuple[House, House], document: dict[str, Any]) -> None:
    change_in_both(houses, worker("E1", title="Cook"), document)
    assert stored(houses[0]) == stored(houses[1])


def test_a_change_of_somebody_of_whom_another_source_speaks_meanwhile(
    houses: tuple[House, House],
) -> None:
    def other(house: House, _: str) -> None:
        push(house, worker("E1", title="Boss", active=False), "generic", ahead=False)

    change_in_both(houses, worker("E1", title="Cook"), worker("E1", department="Ice"), other)
    assert stored(houses[0]) == stored(houses[1])


def test_a_change_of_a_record_that_is_changed_meanwhile(houses: tuple[House, House]) -> None:
    def other(house: House, id: str) -> None:
        ending = worker("E1", title="Cook", contractEndDate="2026-12-31", jobCode="7")
        change(house, id, ending, ahead=False)

    first = worker("E1", title="Cook", locationCode="B1")
    change_in_both(houses, first, worker("E1", title="Chef", locationCode="B1"), other)
    assert stored(houses[0]) == stored(houses[1])


def test_a_change_of_a_record_of_which_something_is_dated_ahead_meanwhile(
    houses: tuple[House, House],
) -> None:
    def other(house: House, id: str) -> None:
        later = worker("E1", title="Chef", effectiveDate="2026-06-01")
        change(house, id, later, ahead=False)

    change_in_both(houses, worker("E1", title="Cook"), worker("E1", title="Boss"), other)
    for house in houses:
        house.day("2026-06-02T09:00:00Z")
        house.settle()
    assert stored(houses[0]) == stored(houses[1])
    assert [one.ad.accounts.popitem()[1].attributes["title"] for one in houses] == ["Chef"] * 2


def test_a_change_under_another_policy_than_it_was_read_under(
    houses: tuple[House, House],
) -> None:
    def other(house: House, _: str) -> None:
        house.policy(pre_hire_days=1, timezone="America/New_York")

    first = worker("E1", hireDate="2026-04-01")
    dated = worker("E1", hireDate="2026-04-01", effectiveDate="2026-03-17")
    change_in_both(houses, first, dated, other)
    assert stored(houses[0]) == stored(houses[1])


def test_a_report_that_waits_for_a_manager_is_asked_when_the_manager_is_read_ahead(
    tmp_path: Path,
) -> None:
    house = House(tmp_path)
    push(house, worker("E2", manager="E1"), ahead=True)
    house.settle()
    assert house.row(employeeNumber="E2").waits_on == "manager-ref:workday:e1"
    push(house, worker("E1"), ahead=True)
    assert house.row(employeeNumber="E2").due is not None


def test_what_another_source_says_shows_where_a_record_says_it_no_more(
    houses: tuple[House, House],
) -> None:
    for house in houses:
        house.policy(authority={LIFECYCLE: (Word("workday"),)})
        id = push(house, worker("E1", title="Cook"), ahead=False)
        push(house, worker("E1", title="Cook"), "generic", ahead=False)
        change(house, id, worker("E1"), ahead=house is houses[0])
        with house.database.read() as connection:
            assert json.loads(connection.execute(select(person.c.facts)).scalar_one())["title"]
    assert stored(houses[0]) == stored(houses[1])


def test_an_end_that_another_source_told_stays_nothing(houses: tuple[House, House]) -> None:
    for house in houses:
        other = push(house, worker("E1", contractEndDate="2026-12-31"), "generic", ahead=False)
        id = push(house, worker("E1", title="Cook"), ahead=False)
        house.withdraw(other)
        change(house, id, worker("E1", title="Chef"), ahead=house is houses[0])
        with house.database.read() as connection:
            facts = json.loads(connection.execute(select(person.c.facts)).scalar_one())
        assert (facts["title"], facts["contractEndDate"]) == ("Chef", None)


def test_who_leaves_by_a_change_that_was_read_ahead_goes_first(tmp_path: Path) -> None:
    house = House(tmp_path)
    id = push(house, worker("E1"), ahead=True)
    house.settle()
    change(house, id, worker("E1", title="Cook"), ahead=True)
    assert house.row().lane == Lane.CHANGE
    change(house, id, worker("E1", title="Cook", active=False), ahead=True)
    assert house.row().lane == Lane.LEAVER
