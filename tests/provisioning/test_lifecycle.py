"""P5-P8: where a person stands, and when that changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from policy_settings import Leavers, People
from provisioning.lifecycle import UNREAD, Episode, Lifecycle, lifecycle
from store.clocks import parse_instant

NOW = parse_instant("2026-03-16T09:00:00Z")


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


SAID_AT = "said at"
"""Among the facts of these tests: when they were said."""
POLICY = People(sources={"hr": None, "agency": "Asia/Tokyo"})
DAY = 86400.0


def episode(facts: dict[str, object], source: str = "hr") -> Episode:
    said = facts.pop(SAID_AT, None)
    assert said is None or isinstance(said, float)
    return Episode(source, facts, said)


def stand(
    facts: dict[str, object], now: float = NOW, asserted: bool = True, policy: People = POLICY
) -> Lifecycle:
    withdrawn = None if asserted else now
    return lifecycle([episode({"active": True, **facts})], withdrawn, policy, now)


def test_who_works_is_enabled_and_needs_no_second_look() -> None:
    life = stand({"hireDate": "2021-04-01"})
    assert (life.stage, life.enabled, life.valid_until) == ("active", True, None)


def test_nothing_said_about_active_or_dates_never_disables() -> None:
    life = lifecycle([], None, POLICY, NOW)
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
    assert (life.stage, life.exists, life.enabled) == ("future", False, False)
    assert life.valid_until == at("2026-05-02T00:00:00")
    assert life.valid_until is not None
    assert stand(facts, life.valid_until).stage == "prehire"


def test_the_last_day_is_worked_to_its_end() -> None:
    facts = {"hireDate": "2021-04-01", "terminationDate": "2026-04-30", "timezone": "Europe/London"}
    end = at("2026-05-01T00:00:00", "Europe/London")
    life = stand(facts)
    assert (life.stage, life.ends_at, life.valid_until) == ("leaving", end, end)
    assert stand(facts, end - 1).enabled
    assert stand(facts, end).left


def test_the_earlier_of_two_ends_counts() -> None:
    life = stand({"contractEndDate": "2026-12-31", "terminationDate": "2026-04-30"})
    assert life.ends_at == at("2026-05-01T00:00:00")


def test_an_end_before_the_hire_date_is_history() -> None:
    life = stand({"hireDate": "2026-03-01", "terminationDate": "2024-12-31"})
    assert (life.stage, life.ends_at) == ("active", None)


AGAIN = {
    "originalHireDate": "2021-04-01",
    "terminationDate": "2026-03-31",
    "hireDate": "2026-05-01",
}
"""Somebody who goes on 31 March and has been hired again for May."""


def test_who_is_hired_again_ahead_works_until_the_last_day_of_now() -> None:
    life = stand({**AGAIN})
    end = at("2026-04-01T00:00:00")
    assert (life.stage, life.enabled, life.ends_at, life.valid_until) == ("leaving", True, end, end)
    between = stand({**AGAIN}, end)
    assert (between.stage, between.enabled) == ("prehire", False)
    life = stand({**AGAIN}, at("2026-05-01T00:00:00"))
    assert (life.stage, life.ends_at) == ("active", None)


def test_a_contract_that_becomes_an_employment_has_no_gap() -> None:
    facts = {**AGAIN, "hireDate": "2026-04-01"}
    assert stand(facts, at("2026-04-01T00:00:00") - 1).enabled
    assert stand(facts, at("2026-04-01T00:00:00")).enabled


@pytest.mark.parametrize(
    "said",
    [
        {"active": False},
        {"status": "preHire"},
        {"involuntary": True},
        {"originalHireDate": "2026-05-01"},
        {"originalHireDate": None},
        {"terminationDate": "2026-03-15"},
    ],
)
def test_who_does_not_clearly_work_now_waits_for_the_first_day(said: dict[str, object]) -> None:
    assert not stand({**AGAIN, **said}).enabled


def test_who_is_on_leave_before_a_new_employment_stays_on_leave() -> None:
    facts = {**AGAIN, "onLeave": True}
    assert stand(facts, policy=replace(POLICY, on_leave="disabled")).stage == "leave"


def test_a_second_look_finds_the_same_when_nothing_was_crossed() -> None:
    facts = {"hireDate": "2026-04-06", "terminationDate": "2026-12-31"}
    life = stand(facts)
    assert life.valid_until is not None
    assert stand(facts, life.valid_until - 1) == life


def test_active_false_alone_acts_at_once() -> None:
    life = stand({"active": False})
    assert (life.left, life.exists, life.enabled) == (True, False, False)


def test_active_false_with_an_end_still_ahead_waits_for_it() -> None:
    facts = {"active": False, "terminationDate": "2026-03-20", SAID_AT: NOW}
    assert stand(facts).stage == "leaving"
    assert stand(facts, at("2026-03-21T00:00:00")).left


def test_active_false_said_before_the_first_day_does_not_block_it() -> None:
    facts = {"active": False, "hireDate": "2026-04-06", SAID_AT: NOW}
    assert stand(facts).stage == "prehire"
    assert stand(facts, at("2026-04-06T00:00:00")).stage == "active"


def test_active_false_said_after_the_first_day_is_meant() -> None:
    facts = {"active": False, "hireDate": "2026-03-01", SAID_AT: NOW}
    assert stand(facts).left


def test_involuntary_does_not_wait_for_the_last_day() -> None:
    assert stand({"involuntary": True, "terminationDate": "2026-04-30"}).left


def test_involuntary_of_an_earlier_employment_is_history() -> None:
    facts = {"involuntary": True, "hireDate": "2026-03-01", "terminationDate": "2024-12-31"}
    assert stand(facts).stage == "active"


BEFORE = {"involuntary": True, "originalHireDate": "2019-02-01", "terminationDate": "2024-05-31"}
"""The mark of a dismissal, and the last day that it was of, as HR keeps them."""


def test_a_pre_hire_who_was_once_dismissed_begins_on_the_first_day() -> None:
    facts = {**BEFORE, "active": False, "hireDate": "2026-03-23", SAID_AT: NOW}
    first = at("2026-03-23T00:00:00")
    life = stand(dict(facts))
    assert (life.stage, life.exists, life.enabled, life.valid_until) == (
        *("prehire", True, False),
        first,
    )
    assert stand(dict(facts), first).enabled


@pytest.mark.parametrize("status", [None, "terminated"])
def test_who_was_once_dismissed_works_until_the_contract_ends(status: str | None) -> None:
    ends = {"hireDate": "2026-03-02", "contractEndDate": "2026-12-31", "status": status}
    life = stand({**BEFORE, **ends, SAID_AT: NOW})
    assert (life.stage, life.ends_at) == ("leaving", at("2027-01-01T00:00:00"))
    assert stand({**BEFORE, **ends}, at("2027-01-01T00:00:00")).left


@pytest.mark.parametrize(
    "said",
    [
        {"terminationDate": "2026-03-02"},
        {"terminationDate": "2026-04-30"},
        {"lastDayOfWork": "2026-03-16"},
        {"active": False},
        {"active": False, "contractEndDate": "2026-12-31"},
        {"active": None, "status": "terminated", "contractEndDate": "2026-12-31"},
        {"terminationDate": None, "contractEndDate": "2026-12-31"},
        {"terminationDate": None, "status": "terminated"},
        {"terminationDate": None, "active": False, "hireDate": "2026-04-06"},
        {"terminationDate": "2026-04-06", "hireDate": "2026-04-06"},
        {UNREAD: ["terminationDate"], "contractEndDate": "2026-12-31"},
    ],
)
def test_who_is_dismissed_from_this_employment_is_out_and_stays_out(
    said: dict[str, object],
) -> None:
    facts = {**BEFORE, "hireDate": "2026-03-02", SAID_AT: NOW, **said}
    for now in (NOW, at("2026-04-06T00:00:00"), at("2027-06-01T00:00:00")):
        life = stand(dict(facts), now)
        assert (life.left, life.urgent) == (True, True)


def test_who_is_dismissed_before_another_employment_is_out_now() -> None:
    facts = {**AGAIN, "involuntary": True, "active": False, SAID_AT: NOW}
    life = stand(dict(facts))
    assert (life.left, life.urgent) == (True, True)
    assert life.valid_until == at("2026-04-01T00:00:00")
    assert stand(dict(facts), at("2026-04-01T00:00:00")).stage == "prehire"
    assert stand(dict(facts), at("2026-05-01T00:00:00")).enabled


def test_leave_stays_enabled() -> None:
    life = stand({"onLeave": True})
    assert (life.stage, life.enabled) == ("leave", True)


def test_whom_no_source_asserts_leaves() -> None:
    assert stand({}, asserted=False).left


@pytest.mark.parametrize("said", [{"hireRescinded": True}, {"status": "rescinded"}])
def test_a_rescinded_hire_never_starts(said: dict[str, object]) -> None:
    facts = {"hireDate": "2026-04-06", **said}
    assert stand(facts).left
    assert not stand(facts, at("2026-04-07T00:00:00")).exists


def test_a_status_without_active_is_believed() -> None:
    assert lifecycle([Episode("hr", {"status": "terminated"})], None, POLICY, NOW).left
    assert stand({"status": "terminated", "active": True}).stage == "active"


def test_unusable_dates_are_as_if_unsaid() -> None:
    life = stand({"hireDate": "soon", "terminationDate": 7})
    assert (life.stage, life.ends_at, life.problems) == ("active", None, ())


# -- time zones ------------------------------------------------------------------------------


def test_the_zone_is_the_persons_else_the_locations_else_the_sources_else_everybodys() -> None:
    policy = replace(POLICY, timezone="America/Lima", locations={"ber": "Europe/Berlin"})
    facts: dict[str, object] = {"hireDate": "2026-04-06"}
    agency = Episode("agency", facts)
    for zone, one in (
        ("America/Lima", Episode("hr", facts)),
        ("Asia/Tokyo", agency),
        ("Europe/Berlin", replace(agency, facts=facts | {"locationCode": " BER "})),
        ("Europe/Berlin", replace(agency, facts=facts | {"location": "Ber"})),
        ("Asia/Tokyo", replace(agency, facts=facts | {"location": "Elsewhere"})),
        (
            "Asia/Kolkata",
            replace(agency, facts=facts | {"location": "BER", "timezone": "Asia/Kolkata"}),
        ),
    ):
        life = lifecycle([one], None, policy, NOW)
        assert life.valid_until == at("2026-04-06T00:00:00", zone), zone


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "W. Europe Standard Time", "../etc/passwd", "x\0"]
)
def test_an_unknown_zone_is_reported_and_the_next_best_taken(zone: str) -> None:
    facts = {"hireDate": "2026-04-06", "timezone": zone, "location": "BER"}
    life = stand(facts, policy=replace(POLICY, locations={"ber": "Europe/Berlin"}))
    assert life.valid_until == at("2026-04-06T00:00:00", "Europe/Berlin")
    assert life.problems == ("the time zone of the record is none that is known",)


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [
        # The clock skips midnight: the day begins at 01:00, which is 00:00 of the old time.
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z"),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"),
        # Midnight comes twice: the day begins with the first.
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"),
        # An hour is skipped or repeated later in the night: midnight is untouched.
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z"),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00Z"),
    ],
)
def test_a_day_begins_to_the_minute_in_nights_when_clocks_change(
    zone: str, day: str, instant: str
) -> None:
    facts = {"hireDate": day, "timezone": zone}
    first = parse_instant(instant)
    assert stand(facts, first - 60).stage == "prehire"
    assert stand(facts, first).stage == "active"
    last = {"hireDate": "2021-04-01", "terminationDate": before(day), "timezone": zone}
    assert stand(last, first - 60).enabled
    assert stand(last, first).left


def before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def test_the_29th_of_february_is_a_day_where_there_is_one() -> None:
    leap = {"hireDate": "2028-02-29", "terminationDate": "2028-02-29"}
    assert stand(leap, at("2028-02-29T00:00:00")).enabled
    assert stand(leap, at("2028-03-01T00:00:00")).left
    assert stand({"hireDate": "2026-02-29"}).stage == "active"


# -- several records of one person -----------------------------------------------------------


def both(first: dict[str, object], second: dict[str, object], now: float = NOW) -> Lifecycle:
    episodes = [episode({"active": True, **first}), episode({"active": True, **second}, "agency")]
    return lifecycle(episodes, None, replace(POLICY, sources={}), now)


def test_who_works_by_any_record_works() -> None:
    contract = {"hireDate": "2025-01-01", "contractEndDate": "2026-03-31"}
    employee = {"hireDate": "2026-04-01"}
    for order in ((contract, employee), (employee, contract)):
        life = both(*order)
        assert (life.enabled, life.ends_at) == (True, None), "the employment goes on without a gap"
        assert both(*order, at("2026-04-01T00:00:00")).stage == "active"


def test_a_gap_between_two_records_is_one() -> None:
    contract = {"hireDate": "2025-01-01", "contractEndDate": "2026-03-31"}
    employee = {"hireDate": "2026-04-15"}
    ends = at("2026-04-01T00:00:00")
    life = both(contract, employee)
    assert (life.stage, life.ends_at, life.valid_until) == ("leaving", ends, ends)
    between = both(contract, employee, ends)
    assert (between.stage, between.enabled) == ("prehire", False)
    assert both(contract, employee, at("2026-04-15T00:00:00")).stage == "active"


def test_of_an_employment_that_both_know_the_stronger_source_decides() -> None:
    known = {"hireDate": "2021-04-01"}
    assert both({**known, "active": False}, known).left
    assert both({"active": False}, {}).left, "without dates it is the same employment"
    ends = at("2026-05-01T00:00:00")
    assert both({**known, "terminationDate": "2026-04-30"}, known).ends_at == ends
    assert both(known, {**known, "active": False}).stage == "active"


def test_a_record_without_dates_counts_until_the_stronger_ones_first_day() -> None:
    assert both({"hireDate": "2026-04-01"}, {}).stage == "active"


def test_one_record_left_while_another_works_is_no_leaver() -> None:
    old, new = {"hireDate": "2025-01-01"}, {"hireDate": "2026-02-01"}
    assert both({**old, "active": False}, new).stage == "active"
    assert both(new, {**old, "active": False}).stage == "active"
    life = both({**old, "terminationDate": "2026-01-31"}, {**new, "onLeave": True})
    assert (life.stage, life.enabled) == ("leave", True)


def test_a_dismissal_counts_whatever_another_record_says() -> None:
    assert both({}, {"active": False, "involuntary": True}).left


def test_a_dismissal_that_has_passed_is_history_for_the_record_of_who_returns() -> None:
    gone = {"hireDate": "2019-02-01", "terminationDate": "2024-05-31", "involuntary": True}
    again = {"hireDate": "2026-03-02", "contractEndDate": "2026-12-31"}
    ahead = {"hireDate": "2026-03-23"}
    for order in ((gone, again), (again, gone)):
        life = both(*order)
        assert (life.stage, life.ends_at) == ("leaving", at("2027-01-01T00:00:00"))
    for order in ((gone, ahead), (ahead, gone)):
        assert both(*order).stage == "prehire"
        assert both(*order, at("2026-03-23T00:00:00")).enabled


def test_a_dismissal_ends_whatever_else_had_begun_by_the_last_day() -> None:
    gone = {"hireDate": "2019-02-01", "terminationDate": "2026-03-10", "involuntary": True}
    same = {"hireDate": "2026-03-02"}
    later = {"hireDate": "2026-05-01", "contractEndDate": "2026-12-31"}
    for one in (same, {}, {**gone, "terminationDate": None, "active": False}):
        assert both(gone, one).left
    assert both({**gone, "terminationDate": "2026-03-20"}, later).left, "it acts at once"
    episodes = [episode({"active": True, **one}) for one in (same, gone, later)]
    life = lifecycle(episodes, None, POLICY, at("2026-05-01T00:00:00"))
    assert (life.enabled, life.ends_at) == (True, at("2027-01-01T00:00:00"))


def test_who_left_by_both_left_with_the_later() -> None:
    first = {"hireDate": "2025-01-01", "terminationDate": "2026-01-31"}
    second = {"hireDate": "2026-02-01", "terminationDate": "2026-02-28"}
    assert both(first, second).left_at == at("2026-03-01T00:00:00")


# -- leave, and the steps of a leaver ----------------------------------------------------------


def test_a_rule_may_disable_who_is_on_leave() -> None:
    life = stand({"onLeave": True}, policy=replace(POLICY, on_leave="disabled"))
    assert (life.stage, life.exists, life.enabled, life.left) == ("leave", True, False, False)


def test_the_steps_of_a_leaver_come_due_one_by_one() -> None:
    leavers = Leavers(groups_after_days=1, licenses_after_days=30, delete_after_days=90)
    policy = replace(POLICY, leavers=leavers)
    facts = {"terminationDate": "2026-03-20", SAID_AT: NOW}
    left = at("2026-03-21T00:00:00")
    seen = []
    now = left
    while True:
        life = stand(dict(facts), now, policy=policy)
        assert life.left_at == left
        seen.append(((now - left) / DAY, life.stage, sorted(life.due)))
        if life.valid_until is None:
            break
        now = life.valid_until
    assert seen == [
        (0, "grace", ["move"]),
        (1, "grace", ["groups", "move"]),
        (30, "grace", ["groups", "licenses", "move"]),
        (90, "deleted", ["delete", "groups", "licenses", "move"]),
    ]


def test_nothing_is_deleted_by_default() -> None:
    life = stand({"active": False, SAID_AT: NOW}, NOW + 3650 * DAY)
    assert (life.stage, life.valid_until) == ("disabled", None)
    assert life.due == {"groups", "move", "licenses"}


def test_what_is_learned_late_counts_from_then_on() -> None:
    policy = replace(POLICY, leavers=Leavers(delete_after_days=90))
    facts = {"terminationDate": "2024-12-31", SAID_AT: NOW}
    assert stand(dict(facts), policy=policy).stage == "grace"
    assert stand(dict(facts), NOW + 90 * DAY, policy=policy).stage == "deleted"


def test_the_steps_of_who_was_withdrawn_count_from_then() -> None:
    policy = replace(POLICY, leavers=Leavers(licenses_after_days=None, delete_after_days=30))
    gone = lifecycle([episode({"active": True})], NOW, policy, NOW + 30 * DAY)
    assert (gone.stage, gone.urgent, gone.left_at) == ("deleted", True, NOW)


def test_a_clock_that_was_set_back_deletes_nobody() -> None:
    policy = replace(POLICY, leavers=Leavers(delete_after_days=1))
    life = stand({"active": False, SAID_AT: NOW + DAY}, NOW, policy=policy)
    assert (life.stage, life.left_at) == ("grace", NOW)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Europe/Berlin", "Etc/GMT+12"])
@pytest.mark.parametrize(
    "facts",
    [
        {"hireDate": "0001-01-01"},
        {"hireDate": "2021-04-01", "terminationDate": "9999-12-31"},
        {"hireDate": "2021-04-01", "contractEndDate": "9999-12-31"},
        {"terminationDate": "0001-01-01"},
    ],
)
def test_a_day_stored_from_before_that_no_zone_has_room_for_is_none(
    facts: dict[str, object], zone: str
) -> None:
    life = stand({**facts, "timezone": zone})
    assert (life.stage, life.enabled) == ("active", True)


def test_a_first_day_that_never_comes_is_awaited_still() -> None:
    assert not stand({"hireDate": "9999-12-31", "timezone": "Etc/GMT+12"}).enabled
