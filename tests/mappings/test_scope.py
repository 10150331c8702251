"""Who is in scope: Entra's operators and grouping, and dates, lists and expressions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mappings.documents import MappingError, load_outbound
from mappings.language.running import Given
from mappings.outbound import Outbound
from mappings.results import Outside, Verdict

NOW = datetime(2026, 3, 16, 9, tzinfo=UTC)
FACTS = {"workerId": "1000017", "department": "Sales", "groups": ["a", "b"], "active": True,
         "hireDate": "2026-03-30", "timezone": "Europe/Berlin", "country": "FR"}  # fmt: skip


def outbound(folder: Path, scope: str) -> Outbound:
    text = f"match: id\nattributes:\n  id: '[workerId]'\nscope:\n  outside: disable\n{scope}"
    (folder / "t.yaml").write_text(text, encoding="utf-8")
    return load_outbound("t", [folder])


def verdict(folder: Path, scope: str, now: datetime = NOW, **facts: Any) -> Verdict:
    found = outbound(folder, scope).evaluate({**FACTS, **facts}, Given(now=now)).scope
    assert found is not None
    return found


def clause(fact: str, operator: str, value: str = "") -> str:
    given = f", value: {value}" if value else ""
    body = f"{{fact: {fact}, operator: '{operator}'{given}}}"
    return f"  groups:\n    - name: g\n      clauses:\n        - {body}\n"


@pytest.mark.parametrize(
    ("fact", "operator", "value", "inside"),
    [
        ("department", "EQUALS", "Sales", True),
        ("department", "EQUALS", "sales", False),
        ("department", "NOT EQUALS", "sales", True),
        ("department", "NOT EQUALS", "Sales", False),
        ("title", "NOT EQUALS", "Sales", False),
        ("title", "EQUALS", "''", False),
        ("department", "IS NOT NULL", "", True),
        ("department", "IS NULL", "", False),
        ("title", "IS NULL", "", True),
        ("title", "IS NOT NULL", "", False),
        ("active", "IS TRUE", "", True),
        ("active", "IS FALSE", "", False),
        ("title", "IS FALSE", "", False),
        ("active", "EQUALS", "'True'", True),
        ("workerId", "REGEX MATCH", "'(1[0-9][0-9][0-9][0-9][0-9][0-9])'", True),
        ("department", "REGEX MATCH", "'^sal'", False),
        ("department", "NOT REGEX MATCH", "'^sal'", True),
        ("title", "NOT REGEX MATCH", "x", False),
        ("workerId", "Greater_Than", "1000000", True),
        ("workerId", "GREATER_THAN", "1000017", False),
        ("workerId", "Greater_Than_OR_EQUALS", "1000017", True),
        ("workerId", "LESS THAN", "1000017", False),
        ("workerId", "LESS_THAN_OR_EQUALS", "1000017", True),
        ("department", "GREATER THAN", "1", False),
        ("department", "Includes", "ale", True),
        ("department", "INCLUDES", "ALE", False),
        ("department", "ENDS_WITH", "les", True),
        ("department", "STARTS WITH", "les", False),
        ("country", "&", "'FR;DE'", True),
        ("country", "!&", "'FR;DE'", False),
        ("title", "!&", "'FR;DE'", False),
        ("country", "IN", "[DE, FR]", True),
        ("country", "NOT IN", "[DE, AT]", True),
        ("title", "NOT IN", "[DE, AT]", False),
        ("groups", "EQUALS", "b", True),
        ("groups", "IN", "[c, b]", True),
        ("groups", "REGEX MATCH", "'^b$'", True),
        ("groups", "NOT EQUALS", "b", False),
        ("hireDate", "BEFORE", "2026-03-30", False),
        ("hireDate", "ON OR BEFORE", "2026-03-30", True),
        ("hireDate", "AFTER", "2026-03-29", True),
        ("hireDate", "ON OR AFTER", "2026-03-31", False),
        ("hireDate", "ON OR BEFORE", "today+14", True),
        ("hireDate", "BEFORE", "today+14", False),
        ("hireDate", "AFTER", "today", True),
        ("hireDate", "AFTER", "today-30", True),
        ("terminationDate", "BEFORE", "today", False),
    ],
)
def test_a_clause(tmp_path, fact, operator, value, inside):
    assert verdict(tmp_path, clause(fact, operator, value)).inside is inside


def test_groups_are_alternatives_of_clauses_that_all_hold(tmp_path):
    scope = """\
  groups:
    - name: sales in France
      clauses:
        - {fact: department, operator: EQUALS, value: Sales}
        - {fact: country, operator: EQUALS, value: FR}
    - clauses: [{fact: workerId, operator: STARTS WITH, value: '9'}]
      when: ['Or([country] = "DE", In("x", [groups]))']
"""
    assert verdict(tmp_path, scope) == Verdict(True, "sales in France", Outside("disable"))
    found = verdict(tmp_path, scope, country="DE")
    assert found.inside is False
    assert found.why == "sales in France: country EQUALS; group 2: workerId STARTS WITH"
    assert verdict(tmp_path, scope, country="DE", workerId="9").why == "group 2"
    assert verdict(tmp_path, scope, country="AT", workerId="9", groups=["x"]).inside is True
    assert verdict(tmp_path, scope, country="AT", workerId="9").why.endswith(
        'group 2: Or([country] = "DE", In("x", [groups]))'
    )


def test_the_day_is_the_persons_own(tmp_path):
    document = outbound(tmp_path, clause("hireDate", "ON OR BEFORE", "today"))
    evaluation = document.evaluate(FACTS, Given(now=NOW))
    assert evaluation.scope is not None
    assert evaluation.scope.inside is False
    assert evaluation.valid_until == datetime(2026, 3, 29, 22, tzinfo=UTC)
    later = document.evaluate(FACTS, Given(now=evaluation.valid_until))
    assert later.scope is not None
    assert (later.scope.inside, later.valid_until) == (True, None)
    nowhere = {**FACTS, "timezone": None}
    there = document.evaluate(nowhere, Given(now=NOW, timezone="Pacific/Auckland"))
    assert there.valid_until == datetime(2026, 3, 29, 11, tzinfo=UTC)


def test_an_expression_tells_when_it_turns(tmp_path):
    scope = "  groups: [{when: ['DateDiff(\"d\", Now(), CDate([hireDate])) <= 7']}]\n"
    evaluation = outbound(tmp_path, scope).evaluate(FACTS, Given(now=NOW))
    assert evaluation.scope is not None
    assert evaluation.scope.inside is False
    assert str(evaluation.valid_until) == "2026-03-22 00:00:00.000001+00:00"


def test_the_object_filter_of_entra(tmp_path):
    scope = (
        '  object_filter: \'IIF(DateDiff("d", Now(), CDate([hireDate])) <= 14, "False", '
        "IgnoreObjectFlow)'\n"
    )
    assert verdict(tmp_path, scope).inside is True
    assert verdict(tmp_path, scope, hireDate="2026-05-01").inside is False
    both = scope + clause("country", "EQUALS", "DE")
    assert verdict(tmp_path, both).inside is False
    assert verdict(tmp_path, both, country="DE").inside is True


@pytest.mark.parametrize(
    ("scope", "facts", "problem"),
    [
        (clause("hireDate", "BEFORE", "today"), {"hireDate": "soon"}, "hireDate is not a date"),
        (clause("hireDate", "BEFORE", "today"), {"timezone": "Mars"}, "is not a time zone"),
        (clause("department", "REGEX MATCH", "'(a|a)*(a|aa)+$'"), {"department": "a" * 40 + "!"},
         "the pattern takes too long"),
        ("  groups: [{when: ['CDate([title]) < Now()']}]\n", {"title": "x"}, "is not a date"),
        ("  object_filter: 'Error(\"unclear\")'\n", {}, "unclear"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_left_open(tmp_path, scope, facts, problem):
    evaluation = outbound(tmp_path, scope).evaluate({**FACTS, **facts}, Given(now=NOW))
    assert evaluation.scope is not None
    assert evaluation.scope.inside is None
    assert problem in evaluation.scope.why
    assert [p for p in evaluation.problems if problem in p.message]


def test_without_a_time_today_is_open(tmp_path):
    evaluation = outbound(tmp_path, clause("hireDate", "AFTER", "today")).evaluate(FACTS)
    assert evaluation.scope is not None
    assert evaluation.scope.inside is None


@pytest.mark.parametrize(
    ("outside", "expected"),
    [
        ("keep", Outside("keep")),
        ("disable", Outside("disable")),
        ("disable_and_move", Outside("disable_and_move")),
        ("{delete_after_days: 30}", Outside("delete", 30)),
    ],
)
def test_what_becomes_of_who_is_outside(tmp_path, outside, expected):
    text = (
        f"match: id\nattributes: {{id: '[workerId]'}}\nscope:\n  outside: {outside}\n"
        "  groups: [{when: ['\"0\"']}]\n"
    )
    (tmp_path / "t.yaml").write_text(text, encoding="utf-8")
    found = load_outbound("t", [tmp_path]).evaluate({}).scope
    assert found == Verdict(False, 'group 1: "0"', expected)


def test_without_a_scope_everybody_is_in(tmp_path):
    (tmp_path / "t.yaml").write_text("match: id\nattributes: {id: '[workerId]'}\n")
    assert load_outbound("t", [tmp_path]).evaluate({}).scope is None


@pytest.mark.parametrize(
    ("scope", "line", "problem"),
    [
        ("scope: {groups: []}\n", 3, "outside"),
        ("scope: {outside: disable}\n", 3, "scope lets nobody in"),
        ("scope:\n  outside: drop\n", 4, "Write keep, disable"),
        ("scope:\n  outside: {delete_after_days: soon}\n", 4, "integer"),
        ("scope:\n  outside: keep\n  groups: [{name: g}]\n", 5, "the group has no clauses"),
        (f"scope:\n  outside: keep\n{clause('title', 'LIKE', 'x')}", 8, "no operator LIKE"),
        (f"scope:\n  outside: keep\n{clause('titel', 'EQUALS', 'x')}", 8, "unknown fact [titel]"),
        (f"scope:\n  outside: keep\n{clause('title', 'EQUALS')}", 8, "EQUALS wants one value"),
        (f"scope:\n  outside: keep\n{clause('title', 'EQUALS', '[a, b]')}", 8, "wants one value"),
        (f"scope:\n  outside: keep\n{clause('title', 'IN')}", 8, "IN wants a list of values"),
        (f"scope:\n  outside: keep\n{clause('title', 'IS NULL', 'x')}", 8, "takes no value"),
        (f"scope:\n  outside: keep\n{clause('title', 'REGEX MATCH', '(')}", 8, "cannot be used"),
        (f"scope:\n  outside: keep\n{clause('title', 'GREATER THAN', 'x')}", 8, "wants a number"),
        (f"scope:\n  outside: keep\n{clause('title', 'BEFORE', 'today+x')}", 8, "wants a date"),
        (f"scope:\n  outside: keep\n{clause('title', 'AFTER', '16.3.2026')}", 8, "wants a date"),
        ("scope:\n  outside: keep\n  groups: [{when: ['Oops([title])']}]\n", 5, "function Oops"),
        ("scope:\n  outside: keep\n  object_filter: '[titel]'\n", 5, "unknown fact [titel]"),
    ],
)  # fmt: skip
def test_a_scope_that_is_not_understood_says_where(tmp_path, scope, line, problem):
    path = tmp_path / "t.yaml"
    path.write_text("match: id\nattributes: {id: '[workerId]'}\n" + scope, encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        load_outbound("t", [tmp_path])
    error = caught.value
    assert problem in error.problem
    assert (error.file, error.line) == (str(path), line)
    assert error.column
    assert error.remedy
