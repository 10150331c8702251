"""bulkUpload on the wire: the rows of Microsoft's contract, and what is lenient and what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from adapters.bulk_upload.principal import job_id, principal_id
from store import journal
from store.tables import resource
from tests.adapters.bulk_upload.conftest import (
    BASE,
    BULK,
    CORE,
    ENTERPRISE,
    Client,
    World,
    bulk,
    message,
    record,
)

REFUSED = "Invalid Data Format"
SCIM = {"Content-Type": "application/scim+json"}


def stored(world: World) -> int:
    with world.house.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(resource)).scalar_one())


# -- 202 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1.0", "beta"])
def test_an_upload_is_staged_with_202_and_an_empty_body(client: Client, version: str) -> None:
    path = client.job.replace("v1.0", version)
    answer = client.send(
        "POST", f"{path}/bulkUpload", bulk(record("E1")), {**SCIM, "client-request-id": "abc-1"}
    )
    assert (answer.status_code, answer.data) == (202, b"")
    assert answer.headers["Content-Length"] == "0"
    assert answer.headers["client-request-id"] == "abc-1"
    assert len(answer.headers["request-id"]) == 36
    job = job_id("generic")
    assert answer.headers["Location"] == (
        f"{BASE}/{version}/auditLogs/provisioning/?$filter=jobid%20eq%20'{job}'"
    )


def test_what_was_staged_becomes_an_account_in_every_target(world: World, client: Client) -> None:
    client.upload(record("E1"), record("E2"))
    world.house.settle()
    for directory in world.house.directories.values():
        numbers = {a.attributes["employeeID"] for a in directory.accounts.values()}
        assert numbers == {"E1", "E2"}


def test_a_manager_is_named_by_external_id_before_or_after_the_report(
    world: World, client: Client
) -> None:
    under = {ENTERPRISE: {"employeeNumber": "E2", "manager": {"value": "E1"}}}
    client.upload(record("E2", **under), record("E1"))
    world.house.settle()
    for directory in world.house.directories.values():
        boss, report = (directory.one(employeeID=number) for number in ("E1", "E2"))
        assert report.references["manager"] == boss.anchor


def test_the_job_id_has_the_form_of_microsofts(client: Client) -> None:
    kind, tenant, own = job_id("generic").split(".")
    assert kind == "API2AAD"
    assert len(tenant) == 32
    assert len(own) == 36


def test_fifty_operations_are_taken(world: World, client: Client) -> None:
    assert client.upload(*(record(f"E{n}") for n in range(50))).status_code == 202
    assert stored(world) == 50


def test_a_media_type_with_a_charset_is_the_media_type(client: Client) -> None:
    kind = {"Content-Type": "application/scim+json; charset=utf-8"}
    answer = client.send("POST", f"{client.job}/bulkUpload", bulk(record("E1")), kind)
    assert answer.status_code == 202


def test_a_partial_record_is_an_update(client: Client) -> None:
    client.upload(record("E1", title="Polisher"))
    client.upload({"externalId": "E1", "active": True, ENTERPRISE: {"department": "IT"}})
    user = client.user("E1")
    assert (user["title"], user["userName"]) == ("Polisher", "ue1@norhaven.example")
    assert user[ENTERPRISE] == {"employeeNumber": "E1", "department": "IT"}


# -- 400 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/xml", ""])
def test_another_content_type_is_400(world: World, client: Client, kind: str) -> None:
    answer = client.send(
        "POST", f"{client.job}/bulkUpload", bulk(record("E1")), {"Content-Type": kind}
    )
    said = message(answer, 400, "BadRequest")
    assert said.startswith(REFUSED)
    assert "application/scim+json" in said
    assert stored(world) == 0


BROKEN: list[tuple[Any, str]] = [
    (b"", "empty"),
    (b"{", "not JSON"),
    (b"[]", "not an object"),
    (b'{"Operations": NaN}', "NaN"),
    ("Zoë".encode("latin-1"), "UTF-8"),
    (json.dumps({"Operations": []}).encode("utf-16"), "UTF-8"),
    (b'{"Operations":' + b"[" * 90_000, "nested"),
    ({"schemas": [BULK]}, "Operations"),
    ({"schemas": [BULK], "Operations": []}, "Operations"),
    ({"schemas": [BULK], "Operations": "x"}, "Operations"),
    ({"schemas": [BULK], "Operations": [3]}, "Operations[0]"),
    ({**bulk(record("E1")), "schemas": ["urn:other"]}, "schemas"),
    ({**bulk(record("E1")), "schemas": 3}, "schemas"),
]


@pytest.mark.parametrize(("body", "why"), BROKEN, ids=[str(n) for n in range(len(BROKEN))])
def test_a_body_that_is_no_upload_is_400(world: World, client: Client, body: Any, why: str) -> None:
    answer = client.send("POST", f"{client.job}/bulkUpload", body, SCIM)
    said = message(answer, 400, "BadRequest")
    assert said.startswith(REFUSED)
    assert why in said
    assert stored(world) == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"method": "DELETE"}, "method"),
        ({"method": "PATCH"}, "method"),
        ({"method": "PUT"}, "method"),
        ({"method": None}, "method"),
        ({"path": "/Groups"}, "path"),
        ({"path": "/Users/1"}, "path"),
        ({"path": None}, "path"),
        ({"data": None}, "data"),
        ({"data": []}, "data"),
        ({"data": {}}, "data"),
        ({"bulkId": {}}, "bulkId"),
    ],
)
def test_one_wrong_operation_refuses_all_of_them(
    world: World, client: Client, change: dict[str, Any], why: str
) -> None:
    whole = bulk(record("E1"), record("E2"))
    whole["Operations"][1] |= change
    answer = client.send("POST", f"{client.job}/bulkUpload", whole, SCIM)
    assert f"Operations[1].{why}" in message(answer, 400, "BadRequest")
    assert stored(world) == 0


def test_fifty_one_operations_are_refused_whole(world: World, client: Client) -> None:
    answer = client.upload(*(record(f"E{n}") for n in range(51)))
    assert "51" in message(answer, 400, "BadRequest")
    assert stored(world) == 0


def test_a_body_that_is_too_large_is_413(world: World, client: Client) -> None:
    answer = client.upload(record("E1", title="x" * (1 << 20)))
    assert message(answer, 413, "RequestEntityTooLarge")
    assert stored(world) == 0


# -- 401, 403, 404, 405 --------------------------------------------------------------------------


def test_no_token_and_a_wrong_one_are_401(world: World, client: Client) -> None:
    url = f"{client.job}/bulkUpload"
    none = world.app.test_client().post(url, json=bulk(record("E1")))
    assert message(none, 401, "InvalidAuthenticationToken") == "Access token is empty."
    assert none.headers["WWW-Authenticate"].startswith("Bearer")
    wrong = client.send("POST", url, bulk(record("E1")), {"Authorization": "Bearer muster_x"})
    expired = "Access token has expired or is not yet valid."
    assert message(wrong, 401, "InvalidAuthenticationToken") == expired
    assert stored(world) == 0


def test_another_sources_token_is_403(world: World, client: Client) -> None:
    other = world.client("workday")
    answer = other.send("POST", f"{client.job}/bulkUpload", bulk(record("E1")), SCIM)
    assert "Insufficient privileges" in message(answer, 403, "Authorization_RequestDenied")
    wrong_job = f"{client.jobs}/{job_id('workday')}/bulkUpload"
    answer = client.send("POST", wrong_job, bulk(record("E1")), SCIM)
    message(answer, 403, "Authorization_RequestDenied")
    assert stored(world) == 0


@pytest.mark.parametrize(
    "path",
    [
        "/v1.0",
        "/beta/",
        "/v1.0/me",
        "/v1.0/servicePrincipals/00000000-0000-0000-0000-000000000000",
        "/v1.0/servicePrincipals/{id}/synchronization",
        "/v1.0/servicePrincipals/{id}/synchronization/jobs/API2AAD.x.y",
        "/v1.0/servicePrincipals/{id}/synchronization/jobs/{job}/stop",
        "/v1.0/servicePrincipals/{id}/synchronization/jobs/{job}/schema/x",
        "/v1.0/auditLogs/signIns",
    ],
)
def test_what_is_not_there_is_404(client: Client, path: str) -> None:
    url = path.format(id=principal_id("generic"), job=job_id("generic"))
    message(client.send("GET", url), 404, "Request_ResourceNotFound")


def test_another_version_is_nothing_of_ours(client: Client) -> None:
    assert client.world.app.test_client().get("/v2.0/servicePrincipals").status_code == 404


@pytest.mark.parametrize(("method", "call"), [("GET", "bulkUpload"), ("PATCH", "schema")])
def test_another_method_is_405_and_says_which(client: Client, method: str, call: str) -> None:
    answer = client.send(method, f"{client.job}/{call}")
    message(answer, 405, "Request_BadRequest")
    assert "POST" in answer.headers["Allow"] or "PUT" in answer.headers["Allow"]


# -- 429, 500 ------------------------------------------------------------------------------------


def test_a_busy_database_is_429_with_retry_after(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any) -> None:
        raise OperationalError("", None, Exception("database is locked"))

    monkeypatch.setattr(world.house.database, "write", busy)
    answer = client.upload(record("E1"))
    message(answer, 429, "TooManyRequests")
    assert int(answer.headers["Retry-After"]) > 0


def test_hundreds_of_calls_in_a_row_meet_no_quota(client: Client) -> None:
    assert {client.upload(record("E1")).status_code for _ in range(60)} == {202}


def test_a_full_bucket_is_500_in_microsofts_words(world: World) -> None:
    world.open(most_waiting=2)
    client = world.client()
    client.send("POST", f"{client.job}/pause")
    assert [client.upload(record(f"E{n}")).status_code for n in range(3)] == [202, 202, 500]
    answer = client.upload(record("E4"))
    assert message(answer, 500, "InternalServerError") == (
        "The bucket that stores the ingested data is full, please wait for the synchronization "
        "service to process the ingested data and retry this request."
    )
    assert "Retry-After" in answer.headers


def test_what_fails_here_is_not_shown(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("Anna Lindqvist")

    monkeypatch.setattr(world.house.database, "write", fail)
    assert "Anna" not in message(client.upload(record("E1")), 500, "InternalServerError")


# -- leniency ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/Users", "/users", "Users", "/Users/", "/USERS"])
def test_the_path_is_read_in_any_form_of_the_samples(client: Client, path: str) -> None:
    whole = bulk(record("E1"))
    whole["Operations"][0]["path"] = path
    answer = client.send("POST", f"{client.job}/bulkUpload", whole, SCIM)
    assert answer.status_code == 202
    assert client.user("E1")


def test_what_the_samples_send_is_read(client: Client) -> None:
    """No URN of the message, `operations`, `username`, `id`, `resourceType`, `$ref`, a repeated
    bulkId, an extension that `schemas` leaves out, an offset that is not Z."""
    one = {
        "id": "1",
        "resourceType": "User",
        "externalId": "E1",
        "username": "anna@norhaven.example",
        "active": True,
        ENTERPRISE: {"manager": {"value": "E2", "$ref": "../Users/E2", "displayName": "Bo"}},
        "urn:contoso:employee": {"HireDate": "2024-05-12T00:00:00-07:00"},
    }
    operations = [
        {"method": "post", "bulkId": "x", "path": "/Users", "data": one},
        {"method": "POST", "bulkId": "x", "path": "/Users", "data": {"externalId": "E2"}},
        {"method": "POST", "path": "/Users", "data": {"externalId": "E3", "userName": "e3"}},
    ]
    answer = client.send("POST", f"{client.job}/bulkUpload", {"operations": operations}, SCIM)
    assert answer.status_code == 202
    user = client.user("E1")
    assert user["userName"] == "anna@norhaven.example"
    assert user["id"] != "1"
    assert user["urn:contoso:employee"] == {"HireDate": "2024-05-12T00:00:00-07:00"}
    assert user[ENTERPRISE]["manager"]["value"] == "E2"
    assert client.user("E2")
    assert client.user("E3")


def test_a_row_as_csv2scim_sends_it(world: World, client: Client) -> None:
    """A missing column is null, an empty cell "", all else text; the whole row once more under
    the URN of -ScimSchemaNamespace."""
    urn = "urn:ietf:params:scim:schemas:extension:csv:1.0:User"
    row = {"WorkerID": "10001", "FirstName": "Bo", "Hire Date": "2024-05-12", "Fax": ""}
    one = {
        "schemas": [CORE, ENTERPRISE, urn],
        "externalId": "10001",
        "userName": "bo@norhaven.example",
        "active": "TRUE",
        "name": {"givenName": "Bo", "familyName": "Lind", "formatted": None},
        "displayName": "Bo Lind",
        "nickName": "",
        "title": "Polisher",
        "addresses": [{"type": "work", "streetAddress": "Lindenallee 5", "locality": "Berlin",
                       "postalCode": None, "country": ""}],
        "phoneNumbers": [{"type": "work", "value": ""}],
        ENTERPRISE: {"employeeNumber": "10001", "costCenter": None, "manager": {"value": "10000"}},
        urn: row,
    }  # fmt: skip
    boss = {"externalId": "10000", "userName": "ann@norhaven.example", "active": "TRUE"}
    assert client.upload(one, boss).status_code == 202
    user = client.user("10001")
    assert user["active"] is True
    assert user["name"] == {"givenName": "Bo", "familyName": "Lind"}
    address = {"type": "work", "streetAddress": "Lindenallee 5", "locality": "Berlin"}
    assert user["addresses"] == [address]
    assert user[ENTERPRISE] == {"employeeNumber": "10001", "manager": {"value": "10000"}}
    assert user[urn]["Hire Date"] == "2024-05-12"
    assert {"nickName", "phoneNumbers"}.isdisjoint(user)
    assert [one["result"] for one in client.told(one)] == ["unchanged"]


def test_a_leaver_as_csv2scim_sends_one(world: World, client: Client) -> None:
    client.upload(record("E1"))
    world.house.settle()
    client.upload({"externalId": "E1", "userName": "ue1@norhaven.example", "active": "False"})
    world.house.settle()
    assert not world.house.ad.one(employeeID="E1").enabled


def test_one_operation_without_a_list_around_it_is_one(client: Client) -> None:
    whole = bulk(record("E1"))
    whole["Operations"] = whole["Operations"][0]
    assert client.send("POST", f"{client.job}/bulkUpload", whole, SCIM).status_code == 202
    assert client.user("E1")


def test_a_byte_order_mark_is_read_over(client: Client) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(bulk(record("E1"))).encode()
    assert client.send("POST", f"{client.job}/bulkUpload", body, SCIM).status_code == 202


@pytest.mark.parametrize(
    "urn",
    [
        "urn:contoso:employee",
        "urn:ietf:params:scim:schemas:extension:contoso:1.0:User",
        "urn:ietf:params:scim:schemas:extension:csv:1.0:User",
        "urn:ietf:params:scim:schemas:extension:sap:2.0:User",
    ],
)
def test_extensions_of_ones_own_are_kept(client: Client, urn: str) -> None:
    client.upload(record("E1", **{urn: {"JobCode": "A-1", "Grade": "7"}}))
    assert client.user("E1")[urn] == {"JobCode": "A-1", "Grade": "7"}


@pytest.mark.parametrize("types", [("work", "home"), ("mobile", "pager", "x")])
def test_every_type_of_a_value_is_kept(client: Client, types: tuple[str, ...]) -> None:
    numbers = [{"type": kind, "value": f"+49 30 {at}"} for at, kind in enumerate(types)]
    client.upload(record("E1", phoneNumbers=numbers))
    assert client.user("E1")["phoneNumbers"] == numbers


# -- missing, null, empty ------------------------------------------------------------------------


def test_a_missing_active_disables_nobody(world: World, client: Client) -> None:
    client.upload(record("E1"))
    world.house.settle()
    for value in ({}, {"active": None}, {"active": ""}):
        client.upload({"externalId": "E1", "title": f"T{len(value)}", **value})
        world.house.settle()
    assert all(a.enabled for a in world.house.ad.accounts.values())
    client.upload({"externalId": "E1", "active": False})
    world.house.settle()
    assert not any(a.enabled for a in world.house.ad.accounts.values())


def test_null_and_empty_say_nothing_unless_the_source_says_so(world: World) -> None:
    client = world.client()
    client.upload(record("E1", title="Polisher", nickName="Ann"))
    client.upload({"externalId": "E1", "title": None, "nickName": ""})
    assert (client.user("E1")["title"], client.user("E1")["nickName"]) == ("Polisher", "Ann")
    world.open(clearing=frozenset({"generic"}))
    client.upload({"externalId": "E1", "title": None, "nickName": "", "active": None})
    user = client.user("E1")
    assert {"title", "nickName"}.isdisjoint(user)
    assert user["active"] is True


def test_who_is_sent_again_every_night_is_written_to_no_target(
    world: World, client: Client
) -> None:
    everybody = [record(f"E{n}") for n in range(20)]
    client.upload(*everybody)
    world.house.settle()
    writes = {name: len(d.writes) for name, d in world.house.directories.items()}
    with world.house.database.read() as connection:
        before, _ = journal.head(connection)
    for _ in range(3):
        assert client.upload(*everybody).status_code == 202
        assert world.house.settle() == 0
    assert {name: len(d.writes) for name, d in world.house.directories.items()} == writes
    with world.house.database.read() as connection:
        assert {e.kind for e in journal.entries(connection, after=before)} == {"upload"}


def test_two_records_of_one_worker_are_taken_in_their_order(client: Client) -> None:
    told = client.told(record("E1", title="a"), record("E1", title="b"))
    assert [one["result"] for one in told] == ["created", "changed"]
    assert client.user("E1")["title"] == "b"


def test_a_source_that_only_stores_can_be_uploaded_to(world: World) -> None:
    client = world.client("conformance")
    (told,) = client.told({"schemas": [CORE], "externalId": "E1"})
    assert (told["status"], told["receipt"]) == ("201", None)
