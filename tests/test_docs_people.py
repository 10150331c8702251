"""docs/people.md does what it says: its commands exist, its mappings load and give."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import click
import pytest

import cli
from mappings.documents import load_inbound, load_outbound
from provisioning.lifecycle import Stage

PAGE = (Path(__file__).parents[1] / "docs" / "people.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^python app\.py (.+?)(?:\s+#.*)?$", PAGE, re.MULTILINE)
BLOCKS = re.findall(r"```yaml (\S+)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("line", COMMANDS)
def test_command_is_there_with_its_options(line: str) -> None:
    words = re.findall(r'"[^"]*"|\S+', line)
    command: click.Command = cli.main
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    assert command is not cli.main, line
    if isinstance(command, click.Group) and words and not words[0].startswith("-"):
        command = command.commands["show"]  # journal PERSON
    given = {word for word in words if word.startswith("-")}
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    assert given <= known, line


@pytest.mark.parametrize(
    ("name", "body"), [block for block in BLOCKS if block[0] != "generic.yaml"]
)
def test_mapping_gives_groups_and_licences(name: str, body: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(body, encoding="utf-8")
    outbound = load_outbound(name.removesuffix(".yaml"), [tmp_path])
    context = {"department": "Optics", "workerType": "Employee", "employeeNumber": "E1"}
    everything, nothing = outbound.evaluate(context), outbound.evaluate({})
    assert len(everything.gifts) == len(outbound.grants)
    assert len(nothing.gifts) < len(everything.gifts)
    assert not everything.unsure


def test_a_mapping_may_read_scim_groups(tmp_path: Path) -> None:
    (tmp_path / "generic.yaml").write_text(dict(BLOCKS)["generic.yaml"], encoding="utf-8")
    inbound = load_inbound("generic", [tmp_path])
    assert inbound.reads_groups
    groups = [{"value": "1", "display": "Optics"}, {"value": "2", "display": "Lyon"}]
    assert inbound.facts({"groups": groups}).values["groups"] == ["Optics", "Lyon"]
    assert not load_inbound("generic").reads_groups


def test_every_state_is_explained() -> None:
    rows = set(re.findall(r"^\| (\w+) \|", PAGE, re.MULTILINE))
    assert set(get_args(Stage)) <= rows
