"""docs/bulk-upload.md: its curl examples in their order, and what it says of every address."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from adapters.bulk_upload.principal import job_id, principal_id
from settings import load
from tests.adapters.bulk_upload.conftest import World

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "bulk-upload.md").read_text("utf-8")
WORDS = {
    "TOKEN": "",
    "BASE": "/v1.0",
    "PRINCIPAL": principal_id("workday"),
    "JOB": job_id("workday"),
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.house.database.close()


def test_the_examples_work(world: World) -> None:
    client = world.client("workday")
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE, re.S)
    answers = []
    for command in re.split(r"^curl ", block, flags=re.M)[1:]:
        for name, value in {**WORDS, "TOKEN": client.token}.items():
            command = command.replace(f"${name}", value)
        words = shlex.split(command)
        headers = dict(
            words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H"
        )
        method = words[words.index("-X") + 1] if "-X" in words else "GET"
        body = words[words.index("-d") + 1] if "-d" in words else None
        (url,) = [word for word in words if word.startswith("/v1.0")]
        answer = world.app.test_client().open(url, method=method, data=body, headers=headers)
        assert answer.status_code == 200, answer.text
        answers.append(answer.get_json())
    principals, jobs, verdict, log = answers
    assert principals["value"][0]["id"] == WORDS["PRINCIPAL"]
    assert jobs["value"][0]["id"] == WORDS["JOB"]
    assert (verdict["dryRun"], verdict["Operations"][0]["result"]) == (True, "created")
    assert log["value"] == []


@pytest.mark.parametrize(
    "address",
    [
        "pause", "start", "restart", "validateCredentials", "provisionOnDemand", "schema",
        "schema/functions", "schema/filterOperators", "schema/parseExpression", "bulkUpload",
    ],
)  # fmt: skip
def test_every_address_is_described_and_there(world: World, address: str) -> None:
    assert f"`{address}`" in PAGE or f"/{address}" in PAGE
    client = world.client("workday")
    answer = world.app.test_client().options(f"{client.job}/{address}")
    assert answer.status_code == 204


def test_nulls_is_a_setting(tmp_path: Path) -> None:
    example = (ROOT / "muster.example.yaml").read_text("utf-8")
    assert yaml.safe_load(example)["sources"]["workday"]["nulls"] == "keep"
    file = tmp_path / "muster.yaml"
    file.write_text(example.replace("nulls: keep", "nulls: clear"))
    sources = load(file, {}).sources
    assert (sources["workday"].nulls, sources["successfactors"].nulls) == ("clear", "keep")
