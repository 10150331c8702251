"""`mappings eval` and `mappings test` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.mapping_commands import create_mappings_group
from mappings.entra.schema import read_schema


@pytest.fixture
def run(tmp_path):
    def call(*arguments: str) -> Result:
        return CliRunner().invoke(create_mappings_group(lambda: [tmp_path]), list(arguments))

    return call


def test_one_expression(run, tmp_path):
    given = tmp_path / "given.json"
    given.write_text('{"name.givenName": "Zoë", "tags": ["a", "b"]}', encoding="utf-8")
    result = run("eval", "ToUpper([name.givenName])", "--input", str(given))
    assert (result.exit_code, result.output) == (0, '{"value": "ZOË"}\n')
    result = run("eval", "[tags]", "--input", str(given))
    assert json.loads(result.output) == {"value": ["a", "b"]}
    result = run("eval", "Now()", "--now", "2021-07-02T15:33:38Z")
    assert json.loads(result.output) == {"value": "7/2/2021 3:33:38 PM"}
    result = run("eval", "Nwo()")
    assert result.exit_code == 1
    assert "did you mean Not?" in result.output or "there is no function Nwo" in result.output
    given.write_text("{", encoding="utf-8")
    result = run("eval", "[a]", "--input", str(given))
    assert result.exit_code == 1
    assert "the input is not JSON" in result.output
    assert run("eval").exit_code == 2


def test_a_batch_answers_line_by_line(run, tmp_path):
    lines = [
        '{"expression": "Join(\\"@\\", [a], DefaultDomain())", "input": {"a": "x"}, '
        '"settings": {"default_domain": "norhaven.example"}}',
        '{"expression": "[a]", "input": {"a": null}}',
        '{"expression": "IgnoreFlowIfNullOrEmpty([a])"}',
        '{"expression": "Guid()", "guids": ["one"]}',
        '{"expression": "SelectUniqueValue(\\"A\\", \\"b\\")", "unique_taken": ["a"]}',
        '{"expression": "Left(\\"a\\")"}',
        '{"expression": "DateAdd(\\"d\\", 1, Now())", "now": "2026-03-16T09:00:00Z"}',
        '{"expression": "[a]", "now": "yesterday"}',
        '{"expression": "[a]", "input": []}',
        '{"expression": "[a]", "input": [1]}',
        '{"expression": "[a]", "settings": 1}',
        '{"expression": "[a]", "guids": "x"}',
        "[]",
        "{",
    ]
    batch = tmp_path / "batch.jsonl"
    batch.write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    result = run("eval", "--batch", str(batch))
    assert result.exit_code == 0
    answers = [json.loads(line) for line in result.output.splitlines()]
    assert answers[:5] == [
        {"value": "x@norhaven.example"},
        {"value": None},
        {"flow": "skip"},
        {"value": "one"},
        {"value": "b"},
    ]
    assert answers[6] == {"value": "3/17/2026 9:00:00 AM"}
    assert answers[8] == {"value": None}
    assert [list(answer) for answer in (answers[5], *answers[7:8], *answers[9:])] == [["error"]] * 7
    assert len(answers) == len(lines)


def test_tests_beside_the_mappings(run, tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "own.yaml").write_text("facts: {title: '[title]'}\n")
    file = tmp_path / "tests" / "own.yaml"
    file.write_text(
        "inbound: own\ntests:\n  - {name: cook, resource: {title: Cook}, facts: {title: Chef}}\n"
        "  - {name: none, unsaid: [title]}\n"
    )
    result = run("test")
    assert result.exit_code == 1
    assert result.output.splitlines()[:5] == [
        f"FAIL {file}:3 cook",
        "  fact title",
        "    expected  Chef",
        "    found     Cook",
        f"    from      {tmp_path}/own.yaml:1 title: [title]",
    ]
    assert result.output.splitlines()[-1].endswith("passed, 1 failed")
    file.write_text(file.read_text().replace("Chef", "Cook"))
    result = run("test", "--verbose", str(file))
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        f"ok   {file}:3 cook",
        f"ok   {file}:4 none",
        "2 passed, 0 failed",
    ]


SCHEMA = Path(__file__).parents[1] / "data" / "entra-schemas" / "workday-to-ad.json"


def test_a_schema_comes_in_and_goes_out(run, tmp_path):
    result = run("import", str(SCHEMA), "--name", "nor")
    assert result.exit_code == 0
    assert "Needs a hand" in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "nor.entra.json",
        "nor.report.md",
        "nor_in.yaml",
        "nor_out.yaml",
    ]
    assert "BadgeNumber" in (tmp_path / "nor.report.md").read_text()
    result = run("import", str(SCHEMA), "--name", "nor")
    assert result.exit_code == 1
    assert "already; give another --name" in result.output
    assert run("import", str(SCHEMA), "--name", "nor", "--force").exit_code == 0
    out = tmp_path / "back.json"
    result = run("export", "nor_in", "nor_out", "--output", str(out))
    assert result.exit_code == 0
    assert read_schema(out.read_text()) == read_schema(SCHEMA.read_text())
    result = run("import", str(out), "--rule", "USER_INBOUND_USER", "--into", str(tmp_path / "b"))
    assert result.exit_code == 0
    assert (tmp_path / "b" / "back_out.yaml").read_text().replace("back", "nor") == (
        tmp_path / "nor_out.yaml"
    ).read_text()


def test_ours_go_out_too_and_mistakes_are_told(run, tmp_path):
    result = run("export", "workday", "active_directory", "--output", str(tmp_path / "x.json"))
    assert result.exit_code == 0
    assert "sAMAccountName: Entra has no AccountName" in result.output
    result = run("export", "generic", "entra_id", "--output", str(tmp_path / "y.json"))
    assert "Azure Active Directory" in (tmp_path / "y.json").read_text()
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    result = run("import", str(bad))
    assert result.exit_code == 1
    assert "there are no synchronizationRules" in result.output
