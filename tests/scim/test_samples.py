"""The ten HR cases, as far as HTTP shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scim.conftest import ENTERPRISE, WORKER, Client, Server, accepted

FOLDER = Path(__file__).parents[1] / "data" / "hr-samples"
SAMPLES = sorted(FOLDER.glob("*.json"))


def play(client: Client, name: str) -> tuple[dict[str, str], list[Any]]:
    """Send what a sample sends; the ids it made, and the answers to its steps."""
    sample = json.loads((FOLDER / f"{name}.json").read_text())
    ids: dict[str, str] = {}

    def named(value: Any) -> Any:
        text = json.dumps(value)
        for key, id in ids.items():
            text = text.replace(f"{{{key}}}", id)
        return json.loads(text)

    answers = []
    for step in [*sample.get("setup", []), *sample["steps"]]:
        if "method" not in step:
            continue
        answer = client.send(step["method"], named(step["path"]), named(step.get("body")))
        assert answer.status_code in step["expect_status"], answer.text
        if answer.status_code == 201:
            ids[step["as"]] = answer.get_json(force=True)["id"]
        answers.append(answer)
    return ids, answers


def test_there_are_ten() -> None:
    assert len(SAMPLES) == 10


@pytest.mark.parametrize("name", [file.stem for file in SAMPLES])
def test_every_step_answers_as_it_should(server_on_each: Server, name: str) -> None:
    play(server_on_each.client("workday", "hr"), name)


def test_the_sparse_put_of_a_leaver_wipes_nothing(hr: Client) -> None:
    ids, _ = play(hr, "sf-22-termination-sparse-put")
    body = accepted(hr.get(f"/Users/{ids['200001']}"))
    assert body["active"] is False
    assert body["name"] == {"familyName": "Müllenbach", "givenName": "Wiebke"}
    assert body[ENTERPRISE]["manager"] == {"value": ids["200900"]}


def test_the_conflict_is_found_by_user_name(hr: Client) -> None:
    ids, answers = play(hr, "sf-09-conflict-resolution")
    found = next(a.get_json(force=True) for a in answers if "totalResults" in a.text)
    assert [resource["id"] for resource in found["Resources"]] == [ids["200001"]]


def test_xml_artefacts_are_read_as_meant(server: Server, hr: Client) -> None:
    ids, _ = play(hr, "wd-58-xml-to-json-artefacts")
    body = accepted(hr.get(f"/Users/{ids['E20100']}"))
    assert body["active"] is True
    assert body["emails"][0]["primary"] is True
    assert body["phoneNumbers"] == [{"value": "+33 4 5550 0100", "type": "work"}]
    assert body["title"] == "Specialist, Optics"
    assert body[WORKER]["hireDate"] == "2026-03-16"
    assert body[WORKER]["fte"] == 1
    assert server.listener.cleared == {"name.middleName", f"{WORKER}:leaveType", "nickName"}


def test_a_conversion_drops_the_end_of_the_contract(server: Server, hr: Client) -> None:
    ids, _ = play(hr, "wd-36-conversion-same-id")
    body = accepted(hr.get(f"/Users/{ids['C30001']}"))
    assert "contractEndDate" not in body[WORKER]
    assert body[WORKER]["sourceId"] == "aea46e731e130c28ad8343d96b6bd02a"
    before = server.listener.calls[-1][3]
    assert "contractEndDate" in before[WORKER]
