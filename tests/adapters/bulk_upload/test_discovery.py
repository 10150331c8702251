"""How Microsoft's clients find their job, and what they may do with it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from adapters.bulk_upload.principal import about, app_id, job_id, principal_id
from store import emptying, uploads
from store.tables import upload
from tests.adapters.bulk_upload.conftest import Client, World, bulk, message, record

GENERIC = principal_id("generic")
PRINCIPALS = "/v1.0/servicePrincipals"


def test_a_source_is_found_by_its_app_id(client: Client) -> None:
    found = client.get(PRINCIPALS, **{"$filter": f"appId eq '{app_id('generic')}'"})
    assert found["@odata.context"].endswith("/v1.0/$metadata#servicePrincipals")
    (one,) = found["value"]
    assert (one["id"], one["appId"]) == (GENERIC, app_id("generic"))
    assert one["displayName"] == "generic"
    named = client.get("/beta/servicePrincipals", **{"$filter": "displayName eq 'Generic'"})
    assert [one["id"] for one in named["value"]] == [GENERIC]
    for wanted, count in (("startswith(displayName,'Gen')", 1), ("startswith(displayName,'x')", 0)):
        assert len(client.get(PRINCIPALS, **{"$filter": wanted})["value"]) == count


def test_a_token_sees_its_own_source_alone(client: Client) -> None:
    other = client.get(PRINCIPALS, **{"$filter": f"appId eq '{app_id('workday')}'"})
    assert other["value"] == []
    assert [one["id"] for one in client.get(PRINCIPALS)["value"]] == [GENERIC]


@pytest.mark.parametrize(
    "address",
    [
        f"/v1.0/servicePrincipals/{GENERIC}",
        f"/beta/servicePrincipals/{GENERIC.upper()}",
        f"/v1.0/serviceprincipals/{app_id('generic')}",
        f"/v1.0/servicePrincipals(appId='{app_id('generic')}')",
        f"/v1.0/servicePrincipals('{GENERIC}')",
        f"/beta/serviceprincipals(ID='{GENERIC}')",
    ],
)
def test_a_service_principal_and_its_one_job(client: Client, address: str) -> None:
    assert client.get(address)["id"] == GENERIC
    (job,) = client.get(f"{address}/synchronization/jobs")["value"]
    assert job["id"] == job_id("generic")
    assert client.get(f"{address}/synchronization/jobs/{job['id']}")["id"] == job["id"]


@pytest.mark.parametrize("version", ["v1.0", "beta"])
@pytest.mark.parametrize("principal", ["/{}", "('{}')", "(id='{}')"])
@pytest.mark.parametrize("key", ["('{}')", "%28%27{}%27%29"])
def test_keys_in_brackets_are_keys_behind_a_slash(
    client: Client, version: str, principal: str, key: str
) -> None:
    whose = f"/{version}/servicePrincipals{principal.format(GENERIC)}/synchronization"
    job = f"{whose}/jobs{key.format(job_id('generic'))}"
    assert client.get(job)["id"] == job_id("generic")
    assert client.get(f"{job}/schema")["id"] == job_id("generic")
    assert client.get(f"{job}/schema/filterOperators()")["value"]
    scim = {"Content-Type": "application/scim+json"}
    uploaded = client.send("POST", f"{job}/bulkUpload", bulk(record("E1")), scim)
    assert uploaded.status_code == 202
    for action in ("pause", "microsoft.graph.start"):
        assert client.send("POST", f"{job}/{action}").status_code == 204
    assert client.user("E1")


@pytest.mark.parametrize(
    "address",
    ["servicePrincipals('x')", "servicePrincipals({id})", "servicePrincipals('{id}'", "me('{id}')"],
)
def test_brackets_that_hold_no_key_of_ours_are_404(client: Client, address: str) -> None:
    answer = client.send("GET", f"/v1.0/{address.format(id=GENERIC)}")
    message(answer, 404, "Request_ResourceNotFound")


def test_another_sources_job_in_brackets_is_403(client: Client) -> None:
    answer = client.send("GET", f"{client.jobs}('{job_id('workday')}')")
    message(answer, 403, "Authorization_RequestDenied")


def test_two_sources_have_nothing_in_common_and_ids_never_change() -> None:
    ids = {make(s) for make in (principal_id, app_id, job_id) for s in ("workday", "generic")}
    assert len(ids) == 6
    assert principal_id("workday") == "5d421b44-931b-5563-94f4-3e6943780048"


def test_what_a_script_is_told(client: Client) -> None:
    told = about("generic", "http://127.0.0.1:8080/")
    assert told["bulkUpload"] == f"http://127.0.0.1:8080{client.job}/bulkUpload"
    assert told["servicePrincipalId"] == GENERIC


def test_the_job_says_how_many_and_what_came_last(client: Client) -> None:
    job = client.get(client.job)
    assert job["status"]["code"] == "Active"
    assert job["status"]["lastExecution"] is None
    client.upload(record("E1"), record("E2"), {"userName": "nobody"})
    job = client.get(client.job)
    last = job["status"]["lastExecution"]
    assert (last["countImported"], last["countEscrowed"]) == (2, 1)
    assert last["state"] == "EntryLevelErrors"
    assert job["status"]["synchronizedEntryCountByType"] == [{"key": "User", "value": 2}]
    client.upload(record("E1"))
    status = client.get(client.job)["status"]
    assert status["lastSuccessfulExecution"]["state"] == "Succeeded"


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("appId", "operator"),
        ("appId eq", "value"),
        ("appId like 'x'", "like"),
        ("length(appId) eq 3", "eq"),
        ("startswith(appId 'x')", "name,"),
        ("startswith(appId, x)", "text"),
        ("contains(appId, 'x'", "bracket"),
        ("(appId eq 'x'", "bracket"),
        ("appId eq 'x' appId", "end"),
        ("not " * 60 + "appId eq 'x'", "deep"),
        ("appId eq '" + "x" * 3000 + "'", "longer"),
    ],
)
def test_a_filter_that_is_none_is_400(client: Client, wanted: str, why: str) -> None:
    answer = client.send("GET", f"{PRINCIPALS}?$filter={wanted}")
    said = message(answer, 400, "Request_UnsupportedQuery")
    assert any(word in said for word in why.split("|")), said


def test_a_browser_of_another_origin_may_call(world: World, client: Client) -> None:
    http = world.app.test_client()
    asked = http.options(
        f"{client.job}/bulkUpload",
        headers={
            "Origin": "https://client.norhaven.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type",
        },
    )
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert asked.headers["Access-Control-Allow-Headers"] == "authorization, content-type"
    answer = client.upload(record("E1"), Origin="https://client.norhaven.example")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Location" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


# -- start, pause, restart -----------------------------------------------------------------------


def test_a_paused_job_keeps_what_comes_until_it_is_started(world: World, client: Client) -> None:
    client.upload(record("E1", title="a"))
    world.house.settle()
    assert client.send("POST", f"{client.job}/pause").status_code == 204
    assert client.get(client.job)["status"]["code"] == "Paused"
    assert client.get(client.job)["schedule"]["state"] == "Paused"
    assert client.upload(record("E1", title="b"), record("E2")).status_code == 202
    assert client.upload(record("E1", title="c")).status_code == 202
    assert world.house.settle() == 0
    assert client.user("E1")["title"] == "a"
    assert {one["sourceIdentity"]["id"] for one in client.log()} == {"E1"}
    assert client.send("POST", f"{client.job}/start").status_code == 204
    assert client.get(client.job)["status"]["code"] == "Active"
    assert client.user("E1")["title"] == "c"
    assert client.user("E2")
    assert client.send("POST", f"{client.job}/start").status_code == 204


def test_a_paused_job_tells_what_would_come_of_an_upload_now(client: Client) -> None:
    client.send("POST", f"{client.job}/pause")
    answer = client.upload(record("E1"), Prefer="return=representation")
    body = answer.get_json()
    assert (answer.status_code, body["waiting"]) == (202, True)
    assert body["Operations"][0]["result"] == "created"
    assert "location" not in body["Operations"][0]


def test_as_csv2scim_restarts_a_service(world: World, client: Client) -> None:
    """Pause, upload in pieces, start."""
    client.send("POST", f"{client.job}/pause")
    for piece in range(3):
        client.upload(*(record(f"E{piece * 50 + n}") for n in range(50)))
    client.send("POST", f"{client.job}/start")
    assert client.get(client.job)["status"]["synchronizedEntryCountByType"][0]["value"] == 150


@pytest.mark.parametrize("action", ["PAUSE", "microsoft.graph.pause"])
def test_an_action_is_known_in_every_form_of_its_name(client: Client, action: str) -> None:
    assert client.send("POST", f"{client.job}/{action}").status_code == 204
    assert client.get(client.job)["status"]["code"] == "Paused"


def test_another_source_goes_on(world: World, client: Client) -> None:
    client.send("POST", f"{client.job}/pause")
    other = world.client("workday")
    other.upload(record("W1"))
    assert other.user("W1")


def test_a_restart_throws_away_what_waits(world: World, client: Client) -> None:
    client.upload(record("E1"))
    client.send("POST", f"{client.job}/pause")
    client.upload(record("E2"))
    assert client.send("POST", f"{client.job}/restart").status_code == 204
    assert client.get(client.job)["status"]["code"] == "Active"
    assert client.user("E1")
    with pytest.raises(ValueError, match="unpack"):
        client.user("E2")


def test_a_full_restart_looks_at_everybody_again(world: World, client: Client) -> None:
    client.upload(record("E1"), record("E2"))
    world.house.settle()
    body = {"criteria": {"resetScope": "Watermark, Escrows"}}
    assert client.send("POST", f"{client.job}/restart", body).status_code == 204
    assert world.house.settle() == 4
    assert client.send("POST", f"{client.job}/restart", {"criteria": {}}).status_code == 204
    assert world.house.settle() == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"criteria": {"resetScope": "Everything"}}, 400, "BadRequest"),
        ({"criteria": {"resetScope": "ForceDeletes"}}, 403, "Authorization_RequestDenied"),
        ({"criteria": [1]}, 400, "BadRequest"),
        ("{", 400, "BadRequest"),
    ],
)
def test_a_restart_that_is_none_changes_nothing(
    client: Client, body: Any, status: int, code: str
) -> None:
    client.send("POST", f"{client.job}/pause")
    client.upload(record("E1"))
    message(client.send("POST", f"{client.job}/restart", body), status, code)
    assert client.get(client.job)["status"]["code"] == "Paused"
    client.send("POST", f"{client.job}/start")
    assert client.user("E1")


def test_an_upload_is_taken_in_once_whoever_starts(world: World, client: Client) -> None:
    client.send("POST", f"{client.job}/pause")
    client.upload(record("E1"))
    database = world.house.database
    with database.read() as connection:
        waiting = uploads.oldest(connection, "generic")
    assert waiting is not None
    assert database.write(lambda tx: uploads.done(tx, waiting.seq))
    assert not database.write(lambda tx: uploads.done(tx, waiting.seq))


def test_a_new_start_of_the_sandbox_forgets_jobs(world: World, client: Client) -> None:
    client.send("POST", f"{client.job}/pause")
    client.upload(record("E1"))
    world.house.database.write(emptying.empty)
    assert client.get(client.job)["status"]["code"] == "Active"
    with world.house.database.read() as connection:
        assert connection.execute(select(upload)).all() == []


# -- validateCredentials --------------------------------------------------------------------------


def test_credentials_are_validated(world: World, client: Client) -> None:
    url = f"{client.job}/validateCredentials"
    assert client.send("POST", url, {"useSavedCredentials": True}).status_code == 204
    for token, status in ((client.token, 204), ("muster_x", 400)):
        body = {"credentials": [{"key": "SecretToken", "value": token}]}
        assert client.send("POST", url, body).status_code == status
    other = world.client("workday").token
    body = {"credentials": [{"key": "SecretToken", "value": other}]}
    message(client.send("POST", url, body), 400, "InvalidCredentials")


def test_given_credentials_do_not_count_beside_those_that_are_saved(client: Client) -> None:
    url = f"{client.job}/validateCredentials"
    bad = {"credentials": [{"key": "SecretToken", "value": "bad"}]}
    assert client.send("POST", url, bad | {"useSavedCredentials": True}).status_code == 204
    answer = client.send("POST", url, bad | {"useSavedCredentials": False})
    message(answer, 400, "InvalidCredentials")
