"""provisionOnDemand: people looked at now, told in the shape of Graph's examples."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.bulk_upload import on_demand
from adapters.bulk_upload.principal import app_id
from adapters.target import Refusal
from store.clocks import parse_instant
from tests.adapters.bulk_upload.conftest import Client, World, message, record

SUMMARY = {
    "action", "changeId", "startTime", "endTime", "reportableIdentifier", "modifiedProperties",
    "provisioningSteps", "statusInfo", "sourceIdentity", "sourceSystem", "targetIdentity",
    "targetSystem",
}  # fmt: skip
STEP = {"name", "type", "status", "description", "timestamp", "details"}
STATUS = {
    "status", "errorCode", "reason", "additionalDetails", "errorCategory", "recommendedAction",
}  # fmt: skip


def demand(*ids: Any) -> dict[str, Any]:
    subjects = [{"objectId": id, "objectTypeName": "User"} for id in ids]
    return {"parameters": [{"ruleId": "x", "subjects": subjects}]}


@pytest.fixture(autouse=True)
def worker(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_demand.time, "sleep", lambda _: world.house.settle())  # type: ignore[attr-defined]


def ask(client: Client, *ids: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The key and the value of the answer, read."""
    answer = client.send("POST", f"{client.job}/provisionOnDemand", demand(*ids))
    assert answer.status_code == 200, answer.text
    told = answer.get_json()
    assert told["@odata.context"].endswith("$metadata#microsoft.graph.stringKeyStringValuePair")
    assert set(told) == {"@odata.context", "key", "value"}
    key, value = json.loads(told["key"]), json.loads(told["value"])
    assert set(key) == {"result", "details"}
    assert key["result"] in ("Success", "Skipped", "Failure")
    for subject in (value, *value.get("furtherSubjects", ())):
        for one in (subject, *subject["furtherTargets"]):
            check(one)
    return key, value


def check(one: dict[str, Any]) -> None:
    """What every summary has."""
    assert set(one) >= SUMMARY
    assert parse_instant(one["startTime"]) <= parse_instant(one["endTime"])
    assert set(one["statusInfo"]) == STATUS
    assert one["provisioningSteps"][0]["name"] == "EntryImport"
    for step in one["provisioningSteps"]:
        assert set(step) == STEP
        assert parse_instant(step["timestamp"])
        assert step["status"] in ("Success", "Skipped", "Failure")
    assert one["sourceSystem"] == {"id": app_id("generic"), "name": "generic", "details": {}}


def test_a_person_is_provisioned_on_demand(world: World, client: Client) -> None:
    client.upload(record("E1"))
    key, ad = ask(client, "E1")
    assert key == {"result": "Success", "details": {}}
    (entra,) = ad["furtherTargets"]
    assert (ad["targetSystem"]["name"], entra["targetSystem"]["name"]) == ("ad", "entra")
    assert "furtherSubjects" not in ad
    assert ad["action"] == "Create"
    names = [step["name"] for step in ad["provisioningSteps"]]
    assert names[:2] == ["EntryImport", "EntryExportCreate"]
    assert ad["provisioningSteps"][1]["type"] == "Export"
    assert ad["statusInfo"]["status"] == "Success"
    assert ad["sourceIdentity"]["id"] == ad["reportableIdentifier"] == "E1"
    assert ad["targetIdentity"]["id"] in world.house.ad.accounts
    properties = {one["displayName"]: one["newValue"] for one in ad["modifiedProperties"]}
    assert "sAMAccountName" in properties
    assert set(properties.values()) == {None}
    assert world.house.ad.one(employeeID="E1").enabled


def test_who_is_right_already_is_skipped(client: Client) -> None:
    client.upload(record("E1"))
    ask(client, "E1")
    key, value = ask(client, client.user("E1")["id"])
    assert key["result"] == "Skipped"
    assert key["details"]["errorCode"] == "RedundantExport"
    assert "nothing to do" in key["details"]["errorMessage"]
    assert value["action"] == "Other"
    last = value["provisioningSteps"][-1]
    assert (last["name"], last["status"]) == ("EntrySynchronizationSkip", "Skipped")
    assert last["details"] == {"SkipReason": "RedundantExport"}
    assert value["statusInfo"]["status"] == "Skipped"
    assert "nothing to do" in value["statusInfo"]["reason"]


def test_what_fails_in_one_target_is_the_result(world: World, client: Client) -> None:
    client.upload(record("E1"))
    no = Refusal("value", "19", "no", "Shorten it.", None)
    world.house.directories["entra"].fault = lambda step: no
    key, value = ask(client, "E1")
    assert key["result"] == "Failure"
    assert key["details"]["errorCode"]
    assert key["details"]["errorMessage"]
    assert value["statusInfo"]["status"] == "Success"
    (entra,) = value["furtherTargets"]
    assert entra["statusInfo"]["status"] == "Failure"
    assert entra["statusInfo"]["errorCode"] == key["details"]["errorCode"]


def test_what_is_right_in_one_target_and_done_in_another_is_a_success(
    world: World, client: Client
) -> None:
    client.upload(record("E1"))
    world.house.settle(skip=("entra",))
    key, value = ask(client, "E1")
    assert key == {"result": "Success", "details": {}}
    assert value["statusInfo"]["status"] == "Skipped"


def test_entra_is_told_first(world: World) -> None:
    world.open(
        outbounds=lambda: {
            "ad": (world.house.outbound, "active_directory"),
            "entra": (world.house.outbound, "entra_id"),
        }
    )
    client = world.client()
    client.upload(record("E1"))
    _, value = ask(client, "E1")
    assert value["targetSystem"]["name"] == "entra"
    assert [one["targetSystem"]["name"] for one in value["furtherTargets"]] == ["ad"]


def test_several_people_stand_beside_the_first(client: Client) -> None:
    client.upload(record("E1"), record("E2"), record("E3"))
    _, value = ask(client, "E1", "E2", "E3")
    assert value["sourceIdentity"]["id"] == "E1"
    others = value["furtherSubjects"]
    assert [one["sourceIdentity"]["id"] for one in others] == ["E2", "E3"]
    assert all(len(one["furtherTargets"]) == 1 for one in others)


def test_nobody_looks_and_the_answer_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    world.open(patience=0.1)
    client = world.client()
    client.upload(record("E1"))
    key, value = ask(client, "E1")
    assert (key["result"], key["details"]["errorCode"]) == ("Skipped", "InProgress")
    assert "auditLogs/provisioning" in value["statusInfo"]["reason"]


def test_without_a_target_there_is_nothing_to_tell(world: World) -> None:
    world.open(targets=())
    client = world.client()
    client.upload(record("E1"))
    answer = client.send("POST", f"{client.job}/provisionOnDemand", demand("E1")).get_json()
    assert (json.loads(answer["key"])["result"], answer["value"]) == ("Success", "{}")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"parameters": []},
        {"parameters": [{"subjects": "x"}]},
        {"parameters": [{"subjects": [{"objectId": 3}]}]},
        demand("E1", "E2", "E3", "E4", "E5", "E6"),
        demand("nobody"),
    ],
)
def test_who_is_not_there_is_not_provisioned(client: Client, body: dict[str, Any]) -> None:
    client.upload(record("E1"))
    message(client.send("POST", f"{client.job}/provisionOnDemand", body), 400, "BadRequest")


def test_another_sources_people_are_not_provisioned(world: World, client: Client) -> None:
    world.client("workday").upload(record("W1"))
    answer = client.send("POST", f"{client.job}/provisionOnDemand", demand("W1"))
    message(answer, 400, "BadRequest")
