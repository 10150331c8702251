"""Whatever a client sends: an answer in SCIM's words, never a 500, never half a change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from store.database import Database
from store.tables import metadata
from tests.scim.conftest import CORE, ENTERPRISE, PATCH_OP, WORKER, Client, Server

names = st.sampled_from(
    ["userName", "USERNAME", "externalId", "active", "name", "name.givenName", "emails", "id",
     "emails.value", 'emails[type eq "work"].value', 'emails[type eq "x"]', "title", "groups",
     "meta", "schemas", "password", "x509Certificates", "addresses", "roles", "unknown", "",
     "unknown.sub", "a b", "urn:x", "urn:x:1.0:User", "urn:x:1.0:User:y", CORE, ENTERPRISE, WORKER,
     f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager.value", f"{WORKER}:hireDate",
     f"{WORKER}:provisioningGroups", f'{WORKER}:provisioningGroups[value eq "a"]',
     f"{CORE}:userName", "$ref", "emails[", "emails[]", "[", ".", ":", "value", "type", "primary",
     "givenName", "manager", "workerId", "hireDate", "fte", "department"]
)  # fmt: skip
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["true", "1", "", " ", "a", "2026-03-16-08:00", "2026-13-45", "\x00", "E1"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)
resources = st.dictionaries(names, values, max_size=6).map(
    lambda body: {"schemas": [CORE], "userName": "fuzz", **body}
)
operations = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Replace", "remove", "move"])},
    optional={"path": names | st.text(max_size=6) | scalars, "value": values},
)
patches = st.lists(operations, max_size=4).map(
    lambda listed: {"schemas": [PATCH_OP], "Operations": listed}
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("fuzz")
    db = Database(f"sqlite:///{folder}/muster.db")
    metadata.create_all(db.engine)
    yield Server(db)
    db.close()


@pytest.fixture(scope="module")
def clients(fuzzed: Server) -> list[Client]:
    return [fuzzed.client("workday", "hr"), fuzzed.client("other", "strict")]


budget = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def everything(client: Client) -> Any:
    answer = client.get("/Users?count=1000")
    assert answer.status_code == 200
    return answer.get_json(force=True)["Resources"]


def kept_promise(client: Client, method: str, path: str, body: Any) -> None:
    """Send it; a refusal changes nothing, and what is taken can be read and sent again."""
    before = everything(client)
    sent = body if isinstance(body, bytes) else json.dumps(body)
    answer = client.send(method, path, sent)  # checks that it is no 500 and in SCIM's words
    after = everything(client)
    if answer.status_code >= 400:
        assert after == before
        return
    resource = answer.get_json(force=True)
    assert resource in after
    back = client.send("PUT", f"/Users/{resource['id']}", resource)
    assert back.status_code == 200, back.text
    assert back.get_json(force=True) == resource
    for other in after:
        if len(after) > 3 or method == "POST":
            client.send("DELETE", f"/Users/{other['id']}")


@budget
@given(body=resources | values)
def test_create(clients: list[Client], body: Any) -> None:
    for client in clients:
        kept_promise(client, "POST", "/Users", body)


@budget
@given(first=resources, body=resources | values)
def test_put(clients: list[Client], first: Any, body: Any) -> None:
    for client in clients:
        id = a_user(client, first)
        kept_promise(client, "PUT", f"/Users/{id}", body)


@budget
@given(first=resources, body=patches)
def test_patch(clients: list[Client], first: Any, body: Any) -> None:
    for client in clients:
        id = a_user(client, first)
        kept_promise(client, "PATCH", f"/Users/{id}", body)


@budget
@given(
    body=st.binary(max_size=40) | st.text(st.sampled_from('{}[]":,\\ untrue019.e-'), max_size=40)
)
def test_bytes(clients: list[Client], body: Any) -> None:
    raw = body if isinstance(body, bytes) else body.encode()
    for client in clients:
        kept_promise(client, "POST", "/Users", raw)


@budget
@given(
    filter=st.text(max_size=20) | st.none(),
    query=st.dictionaries(
        st.sampled_from(["startIndex", "count", "attributes", "excludedAttributes", "sortBy"]),
        st.text(max_size=6) | names | st.integers().map(str),
        max_size=3,
    ),
)
def test_queries(clients: list[Client], filter: str | None, query: dict[str, str]) -> None:
    for client in clients:
        a_user(client, {"title": "x"})
        answer = client.find(filter, **query) if filter is not None else client.find("id pr")
        assert answer.status_code in (200, 400)


@budget
@example(headers={"If-Match": ""}, method="HEAD")
@given(
    headers=st.dictionaries(
        st.sampled_from(["If-Match", "If-None-Match", "Content-Type", "Accept", "Range"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"),
                max_size=12),
        max_size=3,
    ),
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
)  # fmt: skip
def test_headers(clients: list[Client], headers: dict[str, str], method: str) -> None:
    for client in clients:
        id = a_user(client, {})
        client.send(method, f"/Users/{id}", {"schemas": [CORE], "userName": "b"}, headers)


def a_user(client: Client, body: Any) -> str:
    """The id of some user, as near to `body` as the server takes it."""
    for other in everything(client):
        client.send("DELETE", f"/Users/{other['id']}")
    answer = client.send("POST", "/Users", json.dumps(body))
    if answer.status_code != 201:
        answer = client.send("POST", "/Users", {"schemas": [CORE], "userName": "plain"})
    return str(answer.get_json(force=True)["id"])
