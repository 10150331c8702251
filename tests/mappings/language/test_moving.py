"""Until when a comparison with now holds: exact to the instant, and never too late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.language.expression import Expression, Given, Names, Run
from mappings.paths import Document, parse_path

NAMES = Names(parse_path, {})
NOW = datetime(2026, 3, 16, 9, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def look(source: str, document: dict[str, Any], now: datetime = NOW) -> Run:
    return Expression(source, NAMES).run(Document(document), Given(now=now))


@pytest.mark.parametrize(
    ("condition", "value", "until"),
    [
        # less than 24 h ahead is 0 days, so 14 days before begins a moment after 15 days before
        ('DateDiff("d", Now(), CDate("2026-04-20")) <= 14', "n", "2026-04-05T00:00:00.000001Z"),
        ('DateDiff("d", Now(), CDate("2026-03-20")) <= 14', "y", None),
        ('DateDiff("d", CDate("2026-03-20"), Now()) >= 0', "n", "2026-03-19T00:00:00.000001Z"),
        ('DateDiff("d", CDate("2026-03-20"), Now()) >= 1', "n", "2026-03-21T00:00:00Z"),
        ('DateDiff("d", CDate("2026-03-10"), Now()) = 6', "y", "2026-03-17T00:00:00Z"),
        ('DateDiff("d", CDate("2026-03-20"), Now()) = 6', "n", "2026-03-26T00:00:00Z"),
        ('DateDiff("d", CDate("2026-03-01"), Now()) = 6', "n", None),
        ('DateDiff("d", CDate("2026-03-10"), Now()) <> 6', "n", "2026-03-17T00:00:00Z"),
        ('DateDiff("m", Now(), CDate("2026-06-30")) < 2', "n", "2026-05-01T00:00:00Z"),
        ('DateDiff("ww", CDate("2026-03-16"), Now()) > 0', "n", "2026-03-22T00:00:00Z"),
        ("CDate([hire]) <= Now()", "n", "2026-04-20T00:00:00Z"),
        ("CDate([hire]) < Now()", "n", "2026-04-20T00:00:00.000001Z"),
        ('Now() < DateAdd("d", -5, [hire])', "y", "2026-04-15T00:00:00Z"),
        ('DateAdd("h", "9", Now()) >= CDate([hire])', "n", "2026-04-19T15:00:00Z"),
        ('StartOfDay([hire], "Europe/Berlin") <= Now()', "n", "2026-04-19T22:00:00Z"),
        ('DayIn(Now(), "Europe/Berlin") >= [hire]', "n", "2026-04-19T22:00:00Z"),
        ('DayIn(Now(), "Pacific/Auckland") = "2026-03-16"', "y", "2026-03-16T11:00:00Z"),
        ('And([hire] = "no", CDate([hire]) <= Now())', "n", None),
        ('Or(CDate("2026-05-01") <= Now(), CDate([hire]) <= Now())', "n", "2026-04-20T00:00:00Z"),
        ('In(DateDiff("d", Now(), [hire]), 3, 4)', "n", "2026-03-17T00:00:00.000001Z"),
        ("Now() > [never]", "n", None),
        ('Now() > "no date"', "n", None),
    ],
)
def test_a_condition_holds_until(condition, value, until):
    outcome = look(f'IIF({condition}, "y", "n")', {"hire": "2026-04-20"})
    assert (outcome.value, outcome.problem) == (value, None)
    assert outcome.until == (datetime.fromisoformat(until) if until else None)


@pytest.mark.parametrize(
    ("source", "until"),
    [
        ("Now()", "2026-03-17T00:00:00Z"),
        ('FormatDateTime(Now(), , "M/d/yyyy h:mm:ss tt", "yyyy-MM-dd")', "2026-03-17T00:00:00Z"),
        ('Join("-", "x", DateAdd("d", 1, Now()))', "2026-03-17T00:00:00Z"),
        ('DateDiff("h", CDate("2026-03-01"), Now())', "2026-03-16T10:00:00Z"),
        ('Switch(DateDiff("d", CDate("2026-03-01T08:00:00Z"), Now()), "", "1", "x")',
         "2026-03-17T08:00:00Z"),
        ('IIF("1" = "1", Now(), "x")', "2026-03-17T00:00:00Z"),
        ('Coalesce([none], DayIn(Now(), "Europe/Berlin"))', "2026-03-16T23:00:00Z"),
        ('IIF("1" = "2", Now(), "x")', None),
        ('"x"', None),
    ],
)  # fmt: skip
def test_now_as_a_value_means_a_look_when_it_changes(source, until):
    outcome = look(source, {})
    assert outcome.problem is None
    assert outcome.until == (datetime.fromisoformat(until) if until else None)


_INTERVALS = st.sampled_from(["d", "h", "n", "ww", "m", "yyyy"])
_DATES = st.datetimes(datetime(2020, 1, 1), datetime(2032, 1, 1)).map(
    lambda d: d.replace(microsecond=0).isoformat() + "Z"
)
_CONDITIONS = st.one_of(
    st.builds(
        'DateDiff("{}", Now(), CDate("{}")) {} {}'.format,
        _INTERVALS, _DATES, st.sampled_from(["<", "<=", ">", ">=", "=", "<>"]),
        st.integers(-40, 40),
    ),
    st.builds(
        'DateDiff("{}", DateAdd("h", {}, "{}"), Now()) {} {}'.format,
        _INTERVALS, st.integers(-99, 99), _DATES, st.sampled_from(["<", ">=", "="]),
        st.integers(-40, 40),
    ),
    st.builds(
        'DateAdd("{}", {}, Now()) {} CDate("{}")'.format,
        _INTERVALS, st.integers(-99, 99), st.sampled_from(["<", "<=", ">", ">="]), _DATES,
    ),
    st.builds(
        'DayIn(Now(), "{}") {} "{}"'.format,
        st.sampled_from(["Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles"]),
        st.sampled_from(["<", "<=", "=", ">"]), _DATES.map(lambda d: d[:10]),
    ),
)  # fmt: skip


@settings(deadline=None)
@given(
    st.lists(_CONDITIONS, min_size=1, max_size=3),
    st.datetimes(datetime(2020, 1, 1), datetime(2032, 1, 1)),
    st.lists(st.floats(0, 1), min_size=5, max_size=5),
)
def test_nothing_turns_out_differently_before(conditions, now, fractions):
    now = now.replace(tzinfo=UTC)
    source = f'IIF(Or({", ".join(conditions)}), "y", "n")'
    outcome = look(source, {}, now)
    end = outcome.until or now + timedelta(days=20_000)
    assert end > now
    for fraction in fractions:
        between = now + (end - now - TICK) * fraction
        assert look(source, {}, between).value == outcome.value
    assert look(source, {}, end - TICK).value == outcome.value
    if outcome.until is not None and len(conditions) == 1:
        assert look(source, {}, end).value != outcome.value
