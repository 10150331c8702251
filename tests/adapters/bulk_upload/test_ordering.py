"""auditLogs/provisioning with $orderby: what came first or last, on every page."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.bulk_upload import ordering
from tests.adapters.bulk_upload.conftest import Client, World, message, record

LOG = "/v1.0/auditLogs/provisioning"


@pytest.fixture
def mixed(world: World, client: Client) -> Client:
    """Pushes of which the earlier ones are dealt with later, in one target or in both."""
    client.upload(record("E1"), record("E2"))
    world.house.settle(skip=("entra",))
    client.upload(record("E3"), {"userName": "nobody"}, {"userName": "nobody else"})
    client.upload(record("E1", title="Lead"))
    world.house.settle(skip=("ad",))
    client.send("POST", "/scim/v2/Users", record("E4"), {"Content-Type": "application/scim+json"})
    world.house.settle()
    client.upload(record("E1", title="Lead"), record("E5"))
    world.house.settle()
    return client


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a long journal: the places of entries differ, and a page ends before its end."""
    monkeypatch.setattr(ordering, "_SLACK", 5)
    monkeypatch.setattr(ordering, "_CHUNK", 3)
    monkeypatch.setattr(ordering, "MOST_WALKED", 7)


def all_pages(client: Client, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    path = f"{LOG}?{query}"
    for _ in range(200):
        answer = client.send("GET", path).get_json()
        found += answer["value"]
        if "@odata.nextLink" not in answer:
            return found
        path = answer["@odata.nextLink"].partition("norhaven.example")[2]
    raise AssertionError("the pages do not end")


def times(found: list[dict[str, Any]]) -> list[str]:
    return [one["activityDateTime"] for one in found]


@pytest.mark.parametrize("top", [1, 2, 100])
@pytest.mark.parametrize("order", ["desc", "asc", ""])
def test_entries_come_in_the_order_of_their_activity(mixed: Client, order: str, top: int) -> None:
    whole = {one["id"] for one in mixed.log()}
    found = all_pages(mixed, f"$orderby=activityDateTime {order}&$top={top}")
    assert times(found) == sorted(times(found), reverse=order == "desc")
    assert sorted(one["id"] for one in found) == sorted(whole)
    assert times(mixed.log()) != sorted(times(mixed.log()), reverse=True)  # else this says nothing


def test_as_the_web_client_asks(mixed: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "MOST_WALKED", 3000)
    principal = mixed.jobs.split("/")[3]
    wanted = f"activityDateTime ge 2020-01-01T00:00:00Z and servicePrincipal/id eq '{principal}'"
    found = mixed.log(filter=wanted, top="100", orderby="activityDateTime desc")
    assert len(found) == len(mixed.log())
    assert times(found) == sorted(times(found), reverse=True)


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_what_is_new_between_two_pages_shifts_nothing(
    world: World, mixed: Client, order: str
) -> None:
    before = [one["id"] for one in all_pages(mixed, f"$orderby=activityDateTime {order}")]
    path, seen = f"{LOG}?$top=3&$orderby=ACTIVITYDATETIME {order.upper()}", []
    for number in range(40):
        answer = mixed.send("GET", path).get_json()
        seen += [one["id"] for one in answer["value"]]
        if number < 2:
            mixed.upload(record(f"N{number}"))
            world.house.settle()
        if "@odata.nextLink" not in answer:
            break
        path = answer["@odata.nextLink"].partition("norhaven.example")[2]
    assert len(set(seen)) == len(seen)
    assert [id for id in seen if id in before] == before


@pytest.mark.parametrize(
    "wanted",
    [
        "contains(sourceIdentity/id,'E1')",
        "contains(jobId,'API2AAD')",
        "sourceIdentity/id eq 'E1'",
        "statusInfo/status eq 'failure'",
        "cycleId eq '{cycle}'",
        "changeId eq '{change}'",
    ],
)
def test_an_order_goes_with_every_filter(mixed: Client, wanted: str) -> None:
    one = mixed.log(filter="sourceIdentity/id eq 'E1' and provisioningAction eq 'create'")[0]
    wanted = wanted.format(cycle=one["cycleId"], change=one["changeId"])
    plain = {one["id"] for one in mixed.log(filter=wanted)}
    assert plain
    for order in ("asc", "desc"):
        found = all_pages(mixed, f"$filter={wanted}&$orderby=activityDateTime {order}&$top=1")
        assert sorted(one["id"] for one in found) == sorted(plain)
        assert times(found) == sorted(times(found), reverse=order == "desc")


def test_contains_finds_a_part(mixed: Client) -> None:
    found = mixed.log(filter="contains(sourceIdentity/id,'4') and contains(jobId,'API2AAD')")
    assert {one["sourceIdentity"]["id"] for one in found} == {"E4"}


@pytest.mark.parametrize(
    "query",
    [
        "$orderby=jobId",
        "$orderby=activityDateTime up",
        "$orderby=activityDateTime desc,id",
        "$orderby=activityDateTime&$skiptoken=12",
        "$orderby=activityDateTime&$skiptoken=x",
    ],
)
def test_an_order_that_is_none_is_400(client: Client, query: str) -> None:
    said = message(client.send("GET", f"{LOG}?{query}"), 400, "Request_UnsupportedQuery")
    assert "orderby" in said
