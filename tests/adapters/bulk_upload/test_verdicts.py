"""What theirs lacks: a verdict on every operation, and a dry run."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from adapters.bulk_upload.principal import job_id
from provisioning.receipts import receipt
from store import journal
from store.clocks import machine_now
from store.tables import pair, resource
from tests.adapters.bulk_upload.conftest import BASE, Client, World, message, record

RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


def counts(world: World) -> tuple[int, ...]:
    with world.house.database.read() as connection:
        return (
            *(
                int(connection.execute(select(func.count()).select_from(table)).scalar_one())
                for table in (resource, pair)
            ),
            journal.head(connection)[0],
        )


def test_each_operation_has_a_verdict(world: World, client: Client) -> None:
    client.upload(record("E1"))
    answer = client.upload(
        record("E1", title="Polisher"),
        record("E1", title="Polisher"),
        record("E2"),
        record("E3", userName="UE1@norhaven.example"),
        {"userName": "nobody"},
        {"externalId": "E4", "emails": "x", "name": "y"},
        Prefer='respond-async, return="representation"',
    )
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "return=representation"
    assert job_id("generic") in answer.headers["Location"]
    body = answer.get_json()
    assert body["schemas"] == [RESPONSE]
    changed, same, created, taken, keyless, wrong = body["Operations"]
    assert (changed["status"], changed["result"]) == ("200", "changed")
    assert changed["changed"] == ["title"]
    assert changed["version"] == 'W/"2"'
    assert (same["status"], same["result"], same["receipt"]) == ("200", "unchanged", None)
    assert (created["status"], created["result"]) == ("201", "created")
    assert created["location"] == f"{BASE}/scim/v2/Users/{client.user('E2')['id']}"
    assert (taken["status"], taken["response"]["scimType"]) == ("409", "uniqueness")
    assert "userName" in taken["response"]["detail"]
    assert (keyless["status"], keyless["response"]["scimType"]) == ("400", "invalidValue")
    assert "externalId" in keyless["response"]["detail"]
    assert wrong["status"] == "400"
    assert [one["bulkId"] for one in body["Operations"]] == [f"b{n}" for n in range(6)]


def test_a_receipt_says_what_became_of_it(world: World, client: Client) -> None:
    (told,) = client.told(record("E1"))
    world.house.settle()
    with world.house.database.read() as connection:
        found = receipt(connection, told["receipt"], machine_now())
    assert found is not None
    assert {said["result"] for said in found["targets"].values()} == {"applied"}


def test_one_person_under_two_keys_is_refused(client: Client) -> None:
    client.upload(record("E1"))
    worker = "urn:muster:scim:schemas:extension:worker:1.0:User"
    (told,) = client.told(record("E9", **{worker: {"workerId": "E1"}}))
    assert (told["status"], told["response"]["scimType"]) == ("409", "uniqueness")
    assert "person key" in told["response"]["detail"]


def test_a_change_dated_ahead_is_said(world: World, client: Client) -> None:
    client.upload(record("E1"))
    worker = "urn:muster:scim:schemas:extension:worker:1.0:User"
    later = {"externalId": "E1", "title": "Lead", worker: {"effectiveDate": "2026-05-01"}}
    (told,) = client.told(later)
    assert told["changed"] == []
    assert told["dated"] == [{"from": "2026-05-01T00:00:00.000Z", "changes": ["title"]}]


def test_a_dry_run_says_the_same_and_leaves_nothing_behind(world: World, client: Client) -> None:
    client.upload(record("E1"))
    world.house.settle()
    before = counts(world)
    records = [record("E1", title="Lead"), record("E2"), {"userName": "nobody"}]
    answer = client.upload(*records, query="?dryRun=true")
    assert answer.status_code == 200
    body = answer.get_json()
    assert body["dryRun"] is True
    changed, created, keyless = body["Operations"]
    assert (changed["result"], changed["changed"]) == ("changed", ["title"])
    assert created["result"] == "created"
    assert "location" not in created
    assert "receipt" not in created
    assert keyless["status"] == "400"
    assert counts(world) == before
    assert world.house.settle() == 0
    assert [one["result"] for one in client.told(*records)] == ["changed", "created", "refused"]


def test_a_dry_run_is_asked_for_plainly(client: Client) -> None:
    answer = client.upload(record("E1"), query="?dryRun=maybe")
    assert "dryRun" in message(answer, 400, "BadRequest")
    assert client.upload(record("E1"), query="?dryRun=false").status_code == 202


@pytest.mark.parametrize(
    "prefer", ["return=minimal", "respond-async", "", "x=return=representation"]
)
def test_who_does_not_ask_gets_no_body(client: Client, prefer: str) -> None:
    answer = client.upload(record("E1"), Prefer=prefer)
    assert (answer.status_code, answer.data) == (202, b"")


def test_one_refused_record_refuses_no_other(world: World, client: Client) -> None:
    records: list[dict[str, Any]] = [record(f"E{n}") for n in range(49)]
    records.insert(20, {"userName": "nobody"})
    told = client.told(*records)
    assert [one["result"] for one in told].count("created") == 49
    assert told[20]["result"] == "refused"
