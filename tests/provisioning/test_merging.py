"""What several records say together: order of sources, authority, and until when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from policy_settings import People, Word
from provisioning.lifecycle import SAID_AT
from provisioning.merging import Ahead, Merged, Record, merge
from store.clocks import iso, parse_instant

NOW = parse_instant("2026-03-16T09:00:00Z")
POLICY = People(sources={"workday": None, "phones": None, "recruiting": "Europe/Berlin"})
WORKS = {"active": True, "hireDate": "2021-04-01"}


def together(
    *records: tuple[str, dict[str, Any]], policy: People = POLICY, now: float = NOW
) -> Merged:
    return merge([Record(source, facts) for source, facts in records], policy, now)


def test_the_first_source_that_says_something_of_a_fact_says_it() -> None:
    found = together(
        ("phones", {"phone": "1", "title": "Cook", "mail": "c@x.example"}),
        ("workday", {"title": "Chief", "phone": None, "office": None}),
    )
    assert found.facts == {
        "title": "Chief",
        "phone": "1",  # a value beats nothing
        "mail": "c@x.example",
        "office": None,  # and nothing beats silence
    }
    assert found.origins["title"] == "workday"
    assert found.origins["phone"] == "phones"


def test_authority_changes_the_order_for_one_fact() -> None:
    policy = replace(POLICY, authority={"phone": (Word("phones"),)})
    said = (("workday", {"phone": "1", "title": "Chief"}), ("phones", {"phone": "2", "title": "X"}))
    found = together(*said, policy=policy)
    assert (found.facts["phone"], found.facts["title"]) == ("2", "Chief")
    assert together(said[0], policy=policy).facts["phone"] == "1", "the others come after"


def test_a_source_owns_a_fact_until_a_date() -> None:
    policy = replace(POLICY, authority={"title": (Word("recruiting", "2026-04-01"),)})
    said = (("workday", {**WORKS, "title": "Chief"}), ("recruiting", {"title": "Candidate"}))
    before = together(*said, policy=policy)
    ends = parse_instant("2026-04-01T00:00:00Z")
    assert (before.facts["title"], before.changes_at) == ("Candidate", ends)
    after = together(*said, policy=policy, now=ends)
    assert (after.facts["title"], after.changes_at) == ("Chief", None)


def test_a_source_owns_a_fact_until_the_first_day_where_the_worker_is() -> None:
    policy = replace(POLICY, authority={"title": (Word("recruiting", "hireDate"),)})
    begins = {"active": True, "hireDate": "2026-04-01", "timezone": "Asia/Tokyo"}
    said = (("workday", {**begins, "title": "Chief"}), ("recruiting", {"title": "Candidate"}))
    found = together(*said, policy=policy)
    ends = parse_instant("2026-03-31T15:00:00Z")
    assert (found.facts["title"], found.changes_at) == ("Candidate", ends)
    assert together(*said, policy=policy, now=ends).facts["title"] == "Chief"


def test_until_a_day_that_is_not_known_a_source_owns_nothing() -> None:
    policy = replace(POLICY, authority={"title": (Word("recruiting", "hireDate"),)})
    found = together(("workday", {"title": "Chief"}), ("recruiting", {"title": "X"}), policy=policy)
    assert found.facts["title"] == "Chief"


def test_only_who_may_says_who_works_here() -> None:
    policy = replace(POLICY, authority={"lifecycle": (Word("workday"),)})
    gone = {**WORKS, "active": False, SAID_AT: iso(NOW)}
    found = together(("phones", WORKS), ("workday", gone), policy=policy)
    assert [e.source for e in found.episodes] == ["workday"]
    assert found.facts["active"] is False
    alone = together(("phones", {**WORKS, "phone": "1"}), policy=policy)
    assert alone.episodes == ()
    assert alone.facts == {"phone": "1"}


def test_the_life_cycle_is_that_of_the_record_that_decides() -> None:
    contract = {"active": True, "hireDate": "2025-01-01", "contractEndDate": "2026-03-31"}
    employee = {"active": True, "hireDate": "2026-04-01"}
    said = (("workday", employee), ("recruiting", contract))
    assert together(*said).facts["hireDate"] == "2025-01-01"
    assert (
        together(*said, now=parse_instant("2026-04-01T00:00:00Z")).facts["hireDate"] == "2026-04-01"
    )


def test_of_two_records_of_one_source_the_one_that_decides_speaks_first() -> None:
    old = {
        "active": True,
        "hireDate": "2025-01-01",
        "contractEndDate": "2026-03-31",
        "workerId": "C1",
    }
    new = {"active": True, "hireDate": "2026-04-01", "workerId": "E1"}
    for said in ((("workday", old), ("workday", new)), (("workday", new), ("workday", old))):
        found = together(*said)
        ends = parse_instant("2026-04-01T00:00:00Z")
        assert (found.facts["workerId"], found.changes_at) == ("C1", ends)
        assert together(*said, now=ends).facts["workerId"] == "E1"


def test_dated_changes_are_said_from_their_day_on() -> None:
    april, may = parse_instant("2026-04-01"), parse_instant("2026-05-01")
    record = Record(
        "workday", {"title": "A"}, (Ahead(april, {"title": "B"}), Ahead(may, {"title": "C"}))
    )
    seen = [
        (m.facts["title"], m.changes_at)
        for at in (NOW, april, may)
        if (m := merge([record], POLICY, at))
    ]
    assert seen == [("A", april), ("B", may), ("C", None)]


def test_an_end_once_known_does_not_outlive_its_record() -> None:
    found = merge([Record("workday", WORKS)], POLICY, NOW, {"terminationDate": "2026-04-30"})
    assert found.facts["terminationDate"] is None
    assert "contractEndDate" not in found.facts


def test_nothing_said_is_nothing() -> None:
    assert merge([], POLICY, NOW) == Merged()
