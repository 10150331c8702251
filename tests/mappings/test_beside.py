"""Tests beside a mapping: ours pass, and a test that fails says what, how and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings.documents import MappingError
from mappings.sources import HOME
from mappings.testing import KEPT, NOT_SAID, case_files, read_cases

OURS = [case for file in case_files([]) for case in read_cases(file, [])]


@pytest.mark.parametrize("case", OURS, ids=[f"{case.file}: {case.name}" for case in OURS])
def test_ours_pass(case):
    assert case.run() == []


def test_every_shipped_mapping_carries_its_own():
    tested = {file.stem for file in case_files([])}
    assert tested == {path.stem for path in HOME.glob("*.yaml")}


MAPPINGS = {
    "in": "facts:\n  title: '[title]'\n  active: '[active]'\n  hireDate: 'Date([d])'\n",
    "out": "match: id\nattributes:\n  id: '[workerId]'\n  title: '[title]'\n"
    "  groups: {value: '[groups]', type: list}\n  x: 'CDate([division])'\n"
    "names: {accountName: ['AccountName([familyName])'], cn: ['[displayName]']}\n"
    "references: {manager: '[managerPerson]'}\ncontainer: 'Join(\"\", \"OU=\", [city])'\n"
    "enabled: 'CDate([hireDate]) <= Now()'\n"
    "scope: {outside: keep, groups: [{when: ['[city] = \"Lyon\"']}]}\n",
}


def differences(folder: Path, body: str) -> list[tuple[str, object, object]]:
    for name, text in MAPPINGS.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    file = folder / "tests" / "t.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("inbound: in\noutbound: out\ntests:\n" + body, encoding="utf-8")
    assert file in case_files([folder])
    (case,) = read_cases(file, [folder])
    assert (case.file, case.line, case.name) == (str(file), 4, "n")
    return [(d.what, d.expected, d.found) for d in case.run()]


ALL_RIGHT = """\
  - name: n
    now: 2026-03-16T00:00:00Z
    resource: {title: Cook, active: "1"}
    cleared: [d]
    given: {workerId: E1, familyName: Berg, city: Lyon, hireDate: 2026-03-16, groups: [b, a]}
    with: {managerPerson: p}
    facts: {title: Cook, active: true}
    unsaid: [office]
    account: {id: E1, title: Cook, groups: [a, b]}
    keeps: [x]
    references: {manager: p}
    candidates: {accountName: [berg], cn: []}
    container: OU=Lyon
    enabled: true
    scope: inside
"""


def test_what_is_as_expected(tmp_path):
    assert differences(tmp_path, ALL_RIGHT) == []


@pytest.mark.parametrize(
    ("right", "wrong", "what", "expected", "found"),
    [
        ("facts: {title: Cook", "facts: {title: Chef", "fact title", "Chef", "Cook"),
        ("active: true}", "active: true, office: B}", "fact office", "B", NOT_SAID),
        ("unsaid: [office]", "unsaid: [title]", "fact title", NOT_SAID, "Cook"),
        ("account: {id: E1", "account: {id: E2", "id", "E2", "E1"),
        ("account: {id: E1", "account: {id: null", "id", None, "E1"),
        ("account: {id: E1", "account: {x: now, id: E1", "x", "now", KEPT),
        ("groups: [a, b]}", "groups: [a]}", "groups", ["a"], ["a", "b"]),
        ("keeps: [x]", "keeps: [title]", "title", KEPT, "Cook"),
        ("references: {manager: p}", "references: {manager: q}", "manager", "q", "p"),
        ("accountName: [berg]", "accountName: [b]", "candidates accountName", ["b"], ["berg"]),
        ("container: OU=Lyon", "container: OU=Rome", "container", "OU=Rome", "OU=Lyon"),
        ("enabled: true", "enabled: false", "enabled", False, True),
        ("now: 2026-03-16", "now: 2026-03-15", "enabled", True, False),
        ("scope: inside", "scope: outside", "scope", "outside", "inside"),
    ],
)
def test_what_is_not_as_expected_is_told(tmp_path, right, wrong, what, expected, found):
    assert right in ALL_RIGHT
    body = ALL_RIGHT.replace(right, wrong)
    assert differences(tmp_path, body) == [(what, expected, found)]


def test_problems_are_expected_or_a_difference(tmp_path):
    body = ALL_RIGHT.replace("city: Lyon", "city: Lyon, division: soon")
    ((what, expected, found),) = differences(tmp_path, body)
    assert (what, expected) == ("problem", "none")
    assert str(found).endswith("CDate: expression is not a date")
    assert differences(tmp_path, body + "    problems: [is not a date]\n") == []
    assert differences(tmp_path, ALL_RIGHT + "    problems: [no such]\n") == [
        ("problem", "no such", "none like it")
    ]


@pytest.mark.parametrize(
    ("body", "line", "problem"),
    [
        ("tests: [{name: a, expects: {}}]\n", 1, "Unknown field"),
        ("tests:\n  - resource: {}\n", 2, "Missing data for required field"),
        ("inbound: [a]\ntests: []\n", 1, "Not a valid string"),
        ("- a\n", 1, "Missing data for required field"),
        ("tests: [\n", 2, "not YAML"),
        ("tests: [{name: a, now: soon}]\n", 1, "soon is no instant"),
        ("inbound: none\ntests: []\n", 0, "there is no mapping none"),
    ],
)
def test_a_test_file_that_is_not_understood_says_where(tmp_path, body, line, problem):
    file = tmp_path / "t.yaml"
    file.write_text(body, encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        read_cases(file, [])
    assert problem in caught.value.problem
    assert caught.value.line == line
