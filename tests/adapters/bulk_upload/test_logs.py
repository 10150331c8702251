"""auditLogs/provisioning as scripts poll it."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from adapters.bulk_upload.principal import job_id, principal_id
from adapters.target import Refusal
from provisioning import claims
from store import journal
from store.clocks import machine_now
from tests.adapters.bulk_upload.conftest import Client, World, message, record

LOG = "/v1.0/auditLogs/provisioning"
JOB = f"jobid eq '{job_id('generic')}'"


@pytest.fixture
def pushed(world: World, client: Client) -> Client:
    """Two workers with accounts, a record without a key, and one that was sent again."""
    client.upload(record("E1"), record("E2"), {"userName": "nobody"})
    world.house.settle()
    client.upload(record("E1"))
    return client


def states(found: list[dict[str, Any]]) -> list[tuple[str | None, str, str]]:
    return sorted(
        (
            one["sourceIdentity"]["id"] or "",
            one["targetSystem"]["id"],
            one["provisioningStatusInfo"]["status"],
        )
        for one in found
    )


def test_the_address_of_the_202_leads_to_the_log(world: World, client: Client) -> None:
    answer = client.upload(record("E1"))
    world.house.settle()
    path = unquote(answer.headers["Location"]).partition("norhaven.example")[2]
    found = client.send("GET", path).get_json()["value"]
    assert states(found) == [("E1", "ad", "success"), ("E1", "entra", "success")]


def test_every_push_is_there_once_for_each_target(pushed: Client) -> None:
    assert states(pushed.log(filter=JOB)) == [
        ("", "", "failure"),
        ("E1", "", "skipped"),
        ("E1", "ad", "success"),
        ("E1", "entra", "success"),
        ("E2", "ad", "success"),
        ("E2", "entra", "success"),
    ]


def test_an_entry_says_what_was_done(world: World, pushed: Client) -> None:
    found = pushed.log(filter="sourceIdentity/id eq 'E1' and targetSystem/id eq 'ad'")
    (one,) = found
    assert one["jobId"] == job_id("generic")
    assert one["servicePrincipal"]["id"] == principal_id("generic")
    assert one["provisioningAction"] == "create"
    names = [changed["displayName"] for changed in one["modifiedProperties"]]
    assert {"displayName", "sAMAccountName"} <= set(names)
    assert {p["newValue"] for p in one["modifiedProperties"]} == {None}
    kinds = [step["provisioningStepType"] for step in one["provisioningSteps"]]
    assert kinds == ["import", "export", "export"]
    assert one["targetIdentity"]["id"] == next(
        anchor
        for anchor, a in world.house.ad.accounts.items()
        if a.attributes["employeeID"] == "E1"
    )
    assert one["activityDateTime"].endswith("Z")
    assert one["durationInMilliseconds"] > 0


def test_the_log_is_grouped_by_cycle_and_change(pushed: Client) -> None:
    found = pushed.log(filter=JOB)
    cycles = {one["cycleId"] for one in found}
    assert len(cycles) == 2
    for cycle in cycles:
        of_it = pushed.log(filter=f"cycleId eq '{cycle}'")
        assert {one["id"] for one in of_it} == {o["id"] for o in found if o["cycleId"] == cycle}
    change = next(one["changeId"] for one in found if one["targetSystem"]["id"] == "ad")
    assert len(pushed.log(filter=f"changeId eq '{change}'")) == 2


def test_only_failures_since_an_instant(pushed: Client) -> None:
    wanted = (
        f"{JOB} and statusInfo/status eq 'failure' and activityDateTime ge 2020-01-01T00:00:00Z"
    )
    (one,) = pushed.log(filter=wanted)
    information = one["provisioningStatusInfo"]["errorInformation"]
    assert "externalId" in information["reason"]
    assert information["errorCode"] == "InvalidValue"
    assert pushed.log(filter=wanted.replace("2020", "2099")) == []
    assert len(pushed.log(filter=f"{JOB} and not (statusInfo/status eq 'success')")) == 2


def test_what_has_not_been_looked_at_is_not_there_yet(world: World, client: Client) -> None:
    client.upload(record("E1"))
    assert client.log() == []
    world.house.settle()
    assert len(client.log()) == 2


def test_two_pushes_that_became_one_look(world: World, client: Client) -> None:
    client.upload(record("E1"))
    client.upload(record("E1", title="Lead"))
    world.house.settle()
    found = client.log(filter="targetSystem/id eq 'ad'")
    assert [one["provisioningStatusInfo"]["status"] for one in found] == ["success", "skipped"]
    assert found[0]["changeId"] in found[1]["provisioningSteps"][-1]["description"]


def test_a_refused_attribute_is_a_warning_with_a_remedy(world: World, client: Client) -> None:
    client.upload(record("E1"))
    world.house.settle()
    no = Refusal("value", "19", "no", "Shorten it.", "title")
    world.house.ad.fault = lambda step: no if "title" in step.attributes else None
    client.upload(record("E1", title="Lead", nickName="Ann", preferredLanguage="sv-SE"))
    world.house.settle()
    wanted = "provisioningAction eq 'update' and targetSystem/id eq 'ad'"
    (one,) = client.log(filter=wanted)
    assert one["provisioningStatusInfo"]["status"] == "warning"
    information = one["provisioningStatusInfo"]["errorInformation"]
    assert information["reason"] == "title refused (value)"
    assert information["recommendedAction"] == "Shorten it."


def test_a_target_that_is_down_is_a_failure_until_it_is_back(world: World, client: Client) -> None:
    client.upload(record("E1"))
    world.house.settle(skip=("ad",))
    claim = claims.claim(world.house.database, machine_now())
    assert claim is not None
    result = claims.Result("retry", problem="nobody answers", retry_after=60)
    claims.finish(world.house.database, claim, result, machine_now())
    (down,) = client.log(filter="targetSystem/id eq 'ad'")
    assert down["provisioningStatusInfo"]["status"] == "failure"
    information = down["provisioningStatusInfo"]["errorInformation"]
    assert (information["errorCode"], information["reason"]) == ("BackOff", "nobody answers")
    client.upload(record("E1", title="Lead"))
    world.house.settle()
    assert client.log(filter="statusInfo/status eq 'failure'") == []


def test_a_push_by_scim_is_in_the_log_too(world: World, client: Client) -> None:
    client.send("POST", "/scim/v2/Users", record("E7"), {"Content-Type": "application/scim+json"})
    world.house.settle()
    assert states(client.log()) == [("E7", "ad", "success"), ("E7", "entra", "success")]


def test_a_leaver_is_disabled_in_the_log(world: World, client: Client) -> None:
    client.upload(record("E1"))
    world.house.settle()
    client.upload({"externalId": "E1", "active": False})
    world.house.settle()
    found = client.log(filter="provisioningAction eq 'disable'")
    assert states(found) == [("E1", "ad", "success"), ("E1", "entra", "success")]


def test_another_sources_log_is_nobody_elses(world: World, pushed: Client) -> None:
    other = world.client("workday")
    assert other.log() == []
    answer = other.send("GET", f"{LOG}?$filter={JOB}")
    message(answer, 403, "Authorization_RequestDenied")
    change = pushed.log()[0]["changeId"]
    assert other.log(filter=f"changeId eq '{change}'") == []
    cycle = pushed.log()[0]["cycleId"]
    assert other.log(filter=f"cycleId eq '{cycle}'") == []
    assert other.log(filter="jobid eq 'API2AAD.x.y'") == []


@pytest.mark.parametrize("top", [1, 3, 4])
def test_pages_are_as_long_as_asked_and_follow_each_other(
    world: World, client: Client, top: int
) -> None:
    """Also where they end between the targets of a push, or within what was refused of an
    upload."""
    for number in range(6):
        client.upload(record(f"E{number}"))
    client.upload(*({"externalId": f"R{number}", "active": "who knows"} for number in range(3)))
    world.house.settle()
    whole = [one["id"] for one in client.log()]
    assert len(whole) == 15
    seen: list[str] = []
    path = f"{LOG}?$top={top}&$filter={JOB}"
    for _ in range(20):
        answer = client.send("GET", path).get_json()
        left = len(whole) - len(seen)
        assert len(answer["value"]) == min(top, left)
        seen += [one["id"] for one in answer["value"]]
        if "@odata.nextLink" not in answer:
            break
        path = answer["@odata.nextLink"].partition("norhaven.example")[2]
    assert seen == whole


def test_the_cycle_of_a_push_is_known_on_every_page(world: World, client: Client) -> None:
    client.upload(*(record(f"E{number}") for number in range(5)))
    world.house.settle()
    first = client.send("GET", f"{LOG}?$top=2").get_json()
    path = first["@odata.nextLink"].partition("norhaven.example")[2]
    second = client.send("GET", path).get_json()
    cycles = {one["cycleId"] for one in (*first["value"], *second["value"])}
    assert len(cycles) == 1


@pytest.mark.parametrize("query", ["$top=0", "$top=x", "$top=5000", "$skiptoken=-1"])
def test_a_page_that_is_none_is_400(client: Client, query: str) -> None:
    message(client.send("GET", f"{LOG}?{query}"), 400, "BadRequest")


def test_forgotten_values_leave_the_entry(world: World, pushed: Client) -> None:
    world.house.database.write(lambda tx: journal.forget_values(tx, 1e12))
    (one,) = pushed.log(filter="statusInfo/status eq 'failure'")
    assert one["sourceIdentity"]["id"] is None
    assert "forgotten" in one["provisioningStatusInfo"]["errorInformation"]["reason"]
