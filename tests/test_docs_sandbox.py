"""The curl examples of docs/sandbox.md, in their order, against a house at work."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from sandbox.faults import Fault
from settings import override
from store.database import Database
from tests.sandbox.house import House

DOCS = Path(__file__).parents[1] / "docs" / "sandbox.md"


def commands() -> list[tuple[str, str, str]]:
    """Method, order and body of every example."""
    (block,) = re.findall(r"```sh\n(.*?)```", DOCS.read_text("utf-8"), re.S)
    found = []
    for command in re.split(r"^curl ", block, flags=re.M)[1:]:
        words = shlex.split(command)
        method = words[words.index("-X") + 1] if "-X" in words else "GET"
        body = words[words.index("-d") + 1] if "-d" in words else ""
        (url,) = [word for word in words if word.startswith("$BASE/sandbox")]
        found.append((method, url.removeprefix("$BASE/sandbox").strip("/"), body))
    return found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_examples_work(db: Database, tmp_path: Path) -> None:
    house = House(db, tmp_path)
    answers = []
    with house.working():
        for method, order, body in commands():
            answer = house.ask(method, order, body.encode())
            assert answer.status_code == 200, (order, answer.text)
            answers.append((order, answer.get_json()))
    assert [order for order, _ in answers] == [
        "", "clock", "settings", "directory", "faults", "settle", "accounts", "faults", "reset",
    ]  # fmt: skip
    assert answers[3][1] == {"put": {"ad": 1, "entra": 2}}
    assert answers[5][1]["settled"]


def test_every_order_policy_and_fault_is_described() -> None:
    text = DOCS.read_text("utf-8")
    for name in Fault.__dataclass_fields__:
        assert f"`{name}`" in text
    for order in ("settle", "reset", "settings", "directory", "faults", "accounts", "clock"):
        assert f"/sandbox/{order}" in text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_can_be_overridden_is_as_described(db: Database, tmp_path: Path) -> None:
    settings = House(db, tmp_path).settings
    example = next(json.loads(body) for _, order, body in commands() if order == "settings")
    assert override(settings, example).people.pre_hire_days == 14
    wider = {
        "people": {"timezone": "Europe/Berlin"},
        "names": {"account_name": []},
        "sources": {"workday": {"shared_keys": ["workerId"]}},
    }
    assert override(settings, wider) != settings
