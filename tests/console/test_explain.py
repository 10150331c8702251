"""`explain`: down to the value of every part of the rules behind an attribute."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

from console.commands import Rooms
from console.explain import explain
from mappings.documents import load_outbound
from provisioning.converge import Converger
from tests.provisioning.house import House, worker


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.settings = replace(house.settings, mapping_folders=(tmp_path / "mappings",))
    house.push({**worker("E1", "Zoë", "O'Neil"), "title": "Clerk"})
    house.push(worker("E2"))
    house.settle()
    return house


def run(house: House, *arguments: str, outbound: Path | None = None) -> Result:
    folders = [outbound] if outbound else []
    converger = Converger(
        house.database,
        lambda: house.settings,
        cast("Any", house.directories),
        {"ad": load_outbound("active_directory", folders)},
        house.business,
    )
    rooms = Rooms(house.settings, house.database, converger, house.business)
    return CliRunner().invoke(explain, arguments, obj=lambda: rooms)


def test_everything_at_a_glance(house):
    output = run(house, "E1").output
    assert "title = Clerk  <- workday" in output
    assert "  sn = O'Neil\n      mappings/active_directory.yaml:" in output


def test_one_attribute_part_by_part(house):
    result = run(house, "E1", "--attribute", "employeeID")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "ad: employeeID = E1"
    assert lines[1].startswith("  mappings/active_directory.yaml:")
    assert lines[2:4] == [
        '    Coalesce([workerId], [employeeNumber]) = "E1"',
        '      [workerId] = "E1"',
    ]
    assert lines[4] == "  fact workerId from workday"
    assert lines[5].startswith("    mappings/generic.yaml:")
    assert lines[6].startswith("      Coalesce([worker:workerId], ")
    assert lines[7] == '        [worker:workerId] = "E1"'
    assert len(lines) == 8


def test_as_json(house):
    found = json.loads(run(house, "E1", "--json", "--target", "ad").output)
    title = found["targets"]["ad"]["attributes"]["title"]
    assert title["value"] == "Clerk"
    assert title["reads"] == ["title"]
    assert title["trace"] == {"expression": "[title]", "value": "Clerk"}
    assert found["facts"]["workday"]["displayName"]["trace"]["parts"][0]["value"] == "Zoë O'Neil"
    one = json.loads(run(house, "E1", "--json", "--attribute", "title").output)
    assert list(one["targets"]["ad"]["attributes"]) == ["title"]


def test_what_is_not_to_be_shown_is_not(house, tmp_path):
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "active_directory.yaml").write_text(
        "extends: active_directory\nattributes:\n  title: 'Redact([title])'\n"
    )
    for more in ([], ["--json"]):
        output = run(house, "E1", "--attribute", "title", *more, outbound=folder).output
        attribute = output.partition('"facts"' if more else "fact title")[0]
        assert "[Redact]" in attribute
        assert "Clerk" not in attribute
    assert "title = [Redact]" in run(house, "E1", outbound=folder).output


def test_mistakes_are_told(house):
    result = run(house, "E1", "--target", "entra")
    assert (result.exit_code, result.output) == (1, "Error: there is no target entra; known: ad\n")
    result = run(house, "E1", "--attribute", "titel")
    assert result.exit_code == 1
    assert "there is no rule for titel here" in result.output
    result = run(house, "nobody", "--json")
    assert result.exit_code == 1


def test_a_held_person_says_why(house):
    house.directories["ad"].down = True
    result = run(house, "E1", "--attribute", "title")
    assert result.output.startswith("ad: ")
