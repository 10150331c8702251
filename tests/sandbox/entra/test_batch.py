"""`$batch`: up to twenty calls in one."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.entra import SandboxEntra
from sandbox.faults import Fault
from tests.sandbox.entra.conftest import Client, said, user

JSON = {"Content-Type": "application/json"}


def item(id: str, method: str, url: str, body: Any = None, **more: Any) -> dict[str, Any]:
    made = {"id": id, "method": method, "url": url} | more
    return made | ({"body": body, "headers": JSON} if body is not None else {})


def batch(client: Client, *items: dict[str, Any]) -> dict[str, dict[str, Any]]:
    answer = client("POST", "/$batch", {"requests": list(items)})
    assert answer.status_code == 200, answer.text
    responses = answer.json()["responses"]
    assert len(responses) == len(items)
    return {response["id"]: response for response in responses}


def test_each_item_has_its_own_answer(client: Client) -> None:
    ann = client.user()["id"]
    answers = batch(
        client,
        item("1", "POST", "/users", user("bo.lind")),
        item("2", "POST", "/users", user("ann.berg")),
        item("3", "PATCH", f"/users/{ann}", {"jobTitle": "Mate"}),
        item("4", "GET", "/users?$filter=employeeId eq 'x'&$select=id"),
        item("5", "GET", "users/nobody@norhaven.example"),
        item("6", "GET", "/users/$count", headers={"ConsistencyLevel": "eventual"}),
    )
    assert {id: a["status"] for id, a in answers.items()} == {
        "1": 201,
        "2": 400,
        "3": 204,
        "4": 200,
        "5": 404,
        "6": 200,
    }
    assert answers["1"]["headers"]["Location"].endswith(answers["1"]["body"]["id"])
    assert answers["2"]["body"]["error"]["details"][0]["code"] == "ObjectConflict"
    assert "body" not in answers["3"]
    assert answers["4"]["body"]["value"] == []
    assert client.get(f"/users/{ann}", select="jobTitle")["jobTitle"] == "Mate"


def test_answers_come_in_any_order(client: Client) -> None:
    orders = set()
    for _ in range(20):
        items = [item(str(n), "GET", "/domains") for n in range(8)]
        answer = client("POST", "/$batch", {"requests": items}).json()
        orders.add(tuple(r["id"] for r in answer["responses"]))
    assert len(orders) > 1


def test_what_depends_on_a_failure_is_not_done(client: Client) -> None:
    answers = batch(
        client,
        item("3", "POST", "/users", user("new.comer"), dependsOn=["2"]),
        item("2", "PATCH", "/users/nobody", {"jobTitle": "x"}, dependsOn=["1"]),
        item("1", "POST", "/users", user("bo.lind")),
    )
    assert [answers[id]["status"] for id in ("1", "2", "3")] == [201, 404, 424]
    assert [u["userPrincipalName"] for u in client.get("/users")["value"]] == [
        "bo.lind@norhaven.example"
    ]


@pytest.mark.parametrize(
    "items",
    [
        [],
        [item("1", "GET", "/domains"), item("1", "GET", "/domains")],
        [item("a", "GET", "/domains"), item("A", "GET", "/domains")],
        [item("1", "GET", "https://localhost/v1.0/users")],
        [item("1", "GET", "/domains", dependsOn=["2"])],
        [
            item("1", "GET", "/domains", dependsOn=["2"]),
            item("2", "GET", "/domains", dependsOn=["1"]),
        ],
        [item("1", "BREW", "/domains")],
        [item("1", "POST", "/$batch", {"requests": []})],
        [{"id": 1, "method": "GET", "url": "/domains"}],
        [{"method": "GET", "url": "/domains"}],
        ["GET /domains"],
        [item("1", "GET", "/domains", headers=[])],
        [item("1", "GET", "/domains", dependsOn="2")],
    ],
)
def test_a_malformed_batch_is_refused_as_a_whole(client: Client, items: list[Any]) -> None:
    answer = client("POST", "/$batch", {"requests": items})
    assert said(answer) == (400, "BadRequest", "Invalid batch payload format.")


def test_more_than_twenty(client: Client) -> None:
    items = [item(str(n), "GET", "/domains") for n in range(21)]
    assert said(client("POST", "/$batch", {"requests": items})) == (
        400,
        "MaximumValueExceeded",
        "Number of batch request steps exceeds the maximum value of 20.",
    )


def test_a_body_needs_its_type(client: Client) -> None:
    bare = {"id": "7", "method": "POST", "url": "/users", "body": user()}
    assert said(client("POST", "/$batch", {"requests": [bare]})) == (
        400,
        "BadRequest",
        "Write request id : 7 does not contain Content-Type header or body.",
    )


def test_a_url_with_the_version_is_not_found(client: Client) -> None:
    answers = batch(client, item("1", "GET", "/v1.0/users"))
    assert answers["1"]["body"]["error"]["message"] == (
        "Resource not found for the segment 'v1.0'."
    )


def test_faults_and_quotas_count_for_each_item(client: Client, sandbox: SandboxEntra) -> None:
    sandbox.set_faults([Fault("entra", "POST /v1.0/users$", "error", "429/2", count=1)])
    items = [item(str(n), "POST", "/users", user(f"mate.{n}")) for n in range(4)]
    answers = batch(client, *items)
    assert sorted(a["status"] for a in answers.values()) == [201, 201, 201, 429]
    refused = next(a for a in answers.values() if a["status"] == 429)
    assert refused["headers"]["Retry-After"] == "2"
    sandbox.set_faults([])
    sandbox.configure(throttle=2 / 3000)
    items = [item(str(n), "POST", "/users", user(f"pilot.{n}")) for n in range(4)]
    answers = batch(client, *items)
    assert sorted(a["status"] for a in answers.values()) == [201, 201, 429, 429]


def test_a_batch_needs_a_token(client: Client) -> None:
    body = {"requests": [item("1", "GET", "/domains")]}
    answer = client("POST", "/$batch", body, headers={"Authorization": ""})
    assert answer.status_code == 401
    assert client("GET", "/$batch").status_code == 405
