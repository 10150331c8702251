"""What a rule wishes when it gives nothing, and what an evaluation needs beside values."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mappings.documents import load_outbound
from mappings.language.running import Given
from mappings.outbound import Outbound
from mappings.results import Need

NOW = datetime(2026, 3, 16, 9, tzinfo=UTC)


def outbound(folder: Path, body: str, match: str = "id") -> Outbound:
    text = f"match: {match}\nattributes:\n  id: '[workerId]'\n" + body
    (folder / "t.yaml").write_text(text, encoding="utf-8")
    return load_outbound("t", [folder])


SAID, EMPTIED, SILENT = {"title": "Cook"}, {"title": None}, {}


@pytest.mark.parametrize(
    ("absent", "emptied", "silent"),
    [
        ("", "cleared", "kept"),
        (", absent: keep", "kept", "kept"),
        (", absent: clear", "cleared", "cleared"),
        (", absent: {default: '\"none\"'}", ("none", "own"), ("none", "own")),
        (", absent: {default: '\"none\"', hold: seed}", ("none", "seed"), ("none", "seed")),
        (", absent: {default: '[division]'}", "kept", "kept"),
        (", required: true, absent: clear", "kept", "kept"),
    ],
)
def test_what_absence_means(tmp_path, absent, emptied, silent):
    document = outbound(tmp_path, f"  x: {{value: '[title]'{absent}}}\n")
    for context, expected in ((SAID, ("Cook", "own")), (EMPTIED, emptied), (SILENT, silent)):
        evaluation = document.evaluate({"workerId": "1", **context})
        wish = evaluation.wishes.get("x")
        if expected == "kept":
            assert wish is None
            assert evaluation.kept["x"].reads
        elif expected == "cleared":
            assert wish is not None
            assert (wish.value, wish.cleared) == (None, True)
        else:
            assert wish is not None
            assert (wish.value, wish.hold, wish.cleared) == (*expected, False)


def test_a_failure_is_a_problem_and_keeps_the_attribute(tmp_path):
    document = outbound(
        tmp_path,
        "  x: {value: 'CDate([title])', absent: clear}\n"
        "  y: {value: 'Error(\"not today\")', absent: {default: '\"d\"'}}\n"
        "  z: '[division]'\n",
    )
    evaluation = document.evaluate({"workerId": "1", "title": "Cook", "division": "D"})
    assert set(evaluation.wishes) == {"id", "z"}
    assert [p.message for p in evaluation.problems] == [
        "CDate: expression is not a date",
        "not today",
    ]


def test_what_leaves_the_flow_is_kept_even_when_it_should_be_cleared(tmp_path):
    document = outbound(
        tmp_path, "  x: {value: 'IgnoreFlowIfNullOrEmpty([title])', absent: clear}\n"
    )
    evaluation = document.evaluate({"title": None})
    assert "x" not in evaluation.wishes
    assert evaluation.problems == []
    assert evaluation.kept["x"].expression == "IgnoreFlowIfNullOrEmpty([title])"


def test_needs_are_symbols(tmp_path):
    document = outbound(
        tmp_path,
        '  upn: {value: \'SelectUniqueValue(Join(".", [givenName], [familyName]), [nick], '
        'Join(".", [givenName], [familyName]), [familyName])\', hold: seed, max: 8, '
        "required: true}\n"
        "  password: 'NewPassword()'\n"
        "own_facts: [nick]\n"
        "references:\n  manager: '[managerPerson]'\n",
    )
    context = {"workerId": "1", "givenName": "Zoë", "familyName": "Berg", "managerPerson": "p-7"}
    evaluation = document.evaluate(context)
    assert evaluation.needs == (
        Need("unique", "upn", ("Zoë.Berg", "Berg")),
        Need("password", "password"),
        Need("reference", "manager", person="p-7"),
    )
    assert set(evaluation.wishes) == {"id"}
    assert document.candidates("upn", context) == ["Zoë.Berg", "Berg"]
    held = document.evaluate(context, Given(reserved={"upn": "zberg"}))
    assert (held.wishes["upn"].value, held.wishes["upn"].hold) == ("zberg", "seed")
    assert [need.kind for need in held.needs] == ["password", "reference"]
    nothing = document.evaluate({"workerId": "1"})
    assert [p.message for p in nothing.problems] == ["no rule gives a value"]
    assert [need.kind for need in nothing.needs] == ["password"]


def test_random_values_come_from_the_persons_seed(tmp_path):
    document = outbound(tmp_path, "  a: {value: 'Guid()', hold: seed}\n  b: 'Guid()'\n")
    without = document.evaluate({"workerId": "1"})
    assert {p.message for p in without.problems} == {
        "Guid: this is evaluated without the person's own random seed"
    }
    one, again, two = (
        document.evaluate({"workerId": "1"}, Given(seed=seed)).wishes for seed in ("p1", "p1", "p2")
    )
    assert one["a"].value == again["a"].value != two["a"].value
    assert one["a"].value != one["b"].value


def test_it_is_known_when_to_look_again(tmp_path):
    document = outbound(
        tmp_path,
        '  a: \'IIF(CDate([hireDate]) <= Now(), "here", "soon")\'\n'
        '  b: \'IIF(DayIn(Now(), [timezone]) > [terminationDate], "gone", "here")\'\n'
        "enabled: 'DayIn(Now(), [timezone]) >= [hireDate]'\n",
    )
    context = {"hireDate": "2026-04-01", "timezone": "Europe/Berlin"}
    evaluation = document.evaluate(context, Given(now=NOW))
    assert evaluation.wishes["a"].value == "soon"
    assert evaluation.enabled is False
    assert evaluation.valid_until == datetime(2026, 3, 31, 22, tzinfo=UTC)
    later = document.evaluate(context, Given(now=evaluation.valid_until))
    assert (later.enabled, later.wishes["a"].value) == (True, "soon")
    assert later.valid_until == datetime(2026, 4, 1, tzinfo=UTC)
    last = document.evaluate(context, Given(now=later.valid_until))
    assert (last.wishes["a"].value, last.valid_until) == ("here", None)
    gone = document.evaluate({**context, "terminationDate": "2026-05-31"}, Given(now=last_day()))
    assert gone.valid_until == datetime(2026, 5, 31, 22, tzinfo=UTC)
    timeless = document.evaluate(context)
    assert timeless.valid_until is None
    assert {p.message for p in timeless.problems} == {"Now: this is evaluated without a time"}


def last_day() -> datetime:
    return datetime(2026, 5, 31, 12, tzinfo=UTC)


def test_enabled_is_left_to_the_dates_unless_it_is_said(tmp_path):
    assert outbound(tmp_path, "").evaluate({"active": True}).enabled is None
    document = outbound(tmp_path, "enabled: 'Not([active])'\n")
    assert document.evaluate({"active": False}).enabled is True
    odd = outbound(tmp_path, "enabled: '[title]'\n")
    assert odd.evaluate({}).enabled is None
    evaluation = odd.evaluate({"title": "Cook"})
    assert evaluation.enabled is None
    assert [p.message for p in evaluation.problems] == ["neither true nor false"]


@pytest.mark.parametrize(
    ("match", "context", "keys"),
    [
        ("id", {"workerId": "1"}, [{"id": "1"}]),
        ("[id, x]", {"workerId": "1", "title": "Cook"}, [{"id": "1"}, {"x": "Cook"}]),
        ("[id, x]", {"title": "Cook"}, [{"x": "Cook"}]),
        ("[id, [x, y]]", {"title": "Cook", "company": "N"}, [{"x": "Cook", "y": "N"}]),
        ("[id, [x, y]]", {"workerId": "1", "title": "Cook"}, [{"id": "1"}]),
        ("[[x, y], id]", {"workerId": "1", "title": "C", "company": "N"},
         [{"x": "C", "y": "N"}, {"id": "1"}]),
        ("[[x, y]]", {"title": "C"}, []),
    ],
)  # fmt: skip
def test_accounts_are_matched_by_keys_in_order(tmp_path, match, context, keys):
    document = outbound(tmp_path, "  x: '[title]'\n  y: '[company]'\n", match)
    assert document.matches(context) == keys


def test_a_key_is_never_cut_down_to_one_that_fits(tmp_path):
    body = "  x: {value: '[title]', max: 3, long: refuse}\n"
    document = outbound(tmp_path, body, "[x, id]")
    assert document.matches({"workerId": "1", "title": "Cook"}) == [{"id": "1"}]


def test_control_characters_go_from_what_is_shown_and_stay_in_keys(tmp_path):
    document = outbound(
        tmp_path, "  x: '[title]'\n  y: '[street]'\n  z: {value: '[city]', long: refuse}\n"
    )
    said = {"title": "Head\x0bof \x07Optics\x00", "street": "Mill 1\r\n\tRear", "city": "E\x0b1"}
    wishes = document.evaluate(said).wishes
    assert [wishes[name].value for name in "xyz"] == [
        "Head of  Optics", "Mill 1\r\n\tRear", "E\x0b1"
    ]  # fmt: skip


def test_a_trace_shows_every_part_that_was_looked_at(tmp_path):
    document = outbound(
        tmp_path,
        '  x: \'IIF([country] = "FR", Join(" ", ToUpper([city]), "!"), Left([title], 3))\'\n'
        "  y: 'Redact(Left([title], 2))'\n"
        "  z: '\"fixed\"'\n",
    )
    context = {"country": "FR", "city": "Lyon", "title": "Cook"}
    wishes = document.evaluate(context).wishes
    origin = wishes["x"].origin
    assert set(asdict(origin)) == {"rule", "expression", "reads"}
    step = origin.trace()
    assert step is not None
    assert shown(step) == (
        'IIF([country] = "FR", Join(" ", ToUpper([city]), "!"), Left([title], 3))', "LYON !",
        [
            ('[country] = "FR"', True, [("[country]", "FR", [])]),
            ('Join(" ", ToUpper([city]), "!")', "LYON !",
             [("ToUpper([city])", "LYON", [("[city]", "Lyon", [])])]),
        ],
    )  # fmt: skip
    assert wishes["y"].redacted
    assert (wishes["y"].value, wishes["x"].redacted) == ("Co", False)
    assert shown(wishes["y"].origin.trace()) == (
        "Redact(Left([title], 2))", "[Redact]",
        [("Left([title], 2)", "[Redact]", [("[title]", "[Redact]", [])])],
    )  # fmt: skip
    assert shown(wishes["z"].origin.trace()) == ('"fixed"', "fixed", [])


def test_a_trace_ends_where_it_fails_and_knows_the_time(tmp_path):
    document = outbound(
        tmp_path, '  x: \'IIF(DateDiff("d", Now(), CDate([title])) > 1, "a", "b")\'\n'
    )
    evaluation = document.evaluate({"title": "Cook"}, Given(now=NOW))
    step = evaluation.kept["x"].trace()
    assert step is not None
    failed = step.parts[0].parts[0]
    assert failed.expression == 'DateDiff("d", Now(), CDate([title]))'
    assert failed.failed == "CDate: expression is not a date"
    assert [part.value for part in failed.parts] == [NOW, None]
    good = document.evaluate({"title": "2026-03-20"}, Given(now=NOW)).wishes["x"]
    traced: Any = good.origin.trace()
    assert (traced.value, traced.parts[0].parts[0].value) == ("a", 3)


def shown(step: Any) -> Any:
    return (step.expression, step.value, [shown(part) for part in step.parts])
