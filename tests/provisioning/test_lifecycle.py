"""P5-P8: where a person stands, and when that changes."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from provisioning.lifecycle import SAID_AT, Lifecycle, lifecycle
from store.clocks import iso, parse_instant

NOW = parse_instant("2026-03-16T09:00:00Z")


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def stand(
    facts: dict[str, object], now: float = NOW, asserted: bool = True, days: int = 30
) -> Lifecycle:
    return lifecycle({"active": True, **facts}, asserted, days, "UTC", now)


def test_who_works_is_enabled_and_needs_no_second_look() -> None:
    life = stand({"hireDate": "2021-04-01"})
    assert (life.stage, life.enabled, life.valid_until) == ("active", True, None)


def test_nothing_said_about_active_or_dates_never_disables() -> None:
    life = lifecycle({}, True, 30, "UTC", NOW)
    assert (life.stage, life.exists, life.enabled) == ("active", True, True)


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [("Europe/Berlin", "2026-03-15T23:00:00Z"), ("America/Los_Angeles", "2026-03-16T07:00:00Z")],
)
def test_the_first_day_begins_at_midnight_where_the_worker_is(zone: str, midnight: str) -> None:
    facts = {"hireDate": "2026-03-16", "timezone": zone}
    first = parse_instant(midnight)
    before = stand(facts, first - 1)
    assert (before.stage, before.exists, before.enabled) == ("prehire", True, False)
    assert before.valid_until == first
    assert stand(facts, first).stage == "active"


def test_a_hire_far_ahead_has_no_account_yet_and_is_looked_at_in_time() -> None:
    facts = {"hireDate": "2026-06-01"}
    life = stand(facts)
    assert (life.stage, life.exists, life.enabled) == ("ahead", False, False)
    assert life.valid_until == at("2026-05-02T00:00:00")
    assert life.valid_until is not None
    assert stand(facts, life.valid_until).stage == "prehire"


def test_the_last_day_is_worked_to_its_end() -> None:
    facts = {"hireDate": "2021-04-01", "terminationDate": "2026-04-30", "timezone": "Europe/London"}
    end = at("2026-05-01T00:00:00", "Europe/London")
    life = stand(facts)
    assert (life.stage, life.ends_at, life.valid_until) == ("active", end, end)
    assert stand(facts, end - 1).enabled
    assert stand(facts, end).stage == "leaver"


def test_the_earlier_of_two_ends_counts() -> None:
    life = stand({"contractEndDate": "2026-12-31", "terminationDate": "2026-04-30"})
    assert life.ends_at == at("2026-05-01T00:00:00")


def test_an_end_before_the_hire_date_is_history() -> None:
    life = stand({"hireDate": "2026-03-01", "terminationDate": "2024-12-31"})
    assert (life.stage, life.ends_at) == ("active", None)


def test_a_second_look_finds_the_same_when_nothing_was_crossed() -> None:
    facts = {"hireDate": "2026-04-06", "terminationDate": "2026-12-31"}
    life = stand(facts)
    assert life.valid_until is not None
    assert stand(facts, life.valid_until - 1) == life


def test_active_false_alone_acts_at_once() -> None:
    life = stand({"active": False})
    assert (life.stage, life.exists, life.enabled) == ("leaver", False, False)


def test_active_false_with_an_end_still_ahead_waits_for_it() -> None:
    facts = {"active": False, "terminationDate": "2026-03-20", SAID_AT: iso(NOW)}
    assert stand(facts).stage == "active"
    assert stand(facts, at("2026-03-21T00:00:00")).stage == "leaver"


def test_active_false_said_before_the_first_day_does_not_block_it() -> None:
    facts = {"active": False, "hireDate": "2026-04-06", SAID_AT: iso(NOW)}
    assert stand(facts).stage == "prehire"
    assert stand(facts, at("2026-04-06T00:00:00")).stage == "active"


def test_active_false_said_after_the_first_day_is_meant() -> None:
    facts = {"active": False, "hireDate": "2026-03-01", SAID_AT: iso(NOW)}
    assert stand(facts).stage == "leaver"


def test_involuntary_does_not_wait_for_the_last_day() -> None:
    assert stand({"involuntary": True, "terminationDate": "2026-04-30"}).stage == "leaver"


def test_involuntary_of_an_earlier_employment_is_history() -> None:
    facts = {"involuntary": True, "hireDate": "2026-03-01", "terminationDate": "2024-12-31"}
    assert stand(facts).stage == "active"


def test_leave_stays_enabled() -> None:
    life = stand({"onLeave": True})
    assert (life.stage, life.enabled) == ("leave", True)


def test_whom_no_source_asserts_leaves() -> None:
    assert stand({}, asserted=False).stage == "leaver"


@pytest.mark.parametrize("said", [{"hireRescinded": True}, {"status": "rescinded"}])
def test_a_rescinded_hire_never_starts(said: dict[str, object]) -> None:
    facts = {"hireDate": "2026-04-06", **said}
    assert stand(facts).stage == "leaver"
    assert not stand(facts, at("2026-04-07T00:00:00")).exists


def test_a_status_without_active_is_believed() -> None:
    assert lifecycle({"status": "terminated"}, True, 30, "UTC", NOW).stage == "leaver"
    assert stand({"status": "terminated", "active": True}).stage == "active"


def test_unusable_dates_and_zones_are_as_if_unsaid() -> None:
    life = stand({"hireDate": "soon", "timezone": "Mars/Olympus", "terminationDate": 7})
    assert (life.stage, life.ends_at) == ("active", None)
