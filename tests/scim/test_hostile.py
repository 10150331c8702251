"""Hostile messages of every kind: never a 500, never a changed database after a refusal,
never long. Beside `test_fuzz.py`, which looks at users; this looks at all the rest."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.database import Database
from store.tables import metadata
from tests.scim.conftest import CORE, PATCH_OP, Client, Server
from tests.scim.test_fuzz import names, operations, values

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
TEST = "urn:ietf:params:scim:schemas:test:2.0:TestResource"
FOLDER = Path(__file__).parents[1] / "data" / "schemas"
BOUND = 4.0
"""Seconds of processor time that no single request may take, on any machine."""

budget = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    db = Database(f"sqlite:///{tmp_path_factory.mktemp('hostile')}/muster.db")
    metadata.create_all(db.engine)
    yield Server(db, (FOLDER,))
    db.close()


@pytest.fixture(scope="module")
def clients(server: Server) -> list[Client]:
    return [server.client(name, name) for name in ("strict", "hr", "entra", "okta", "sap-ips")]


def everything(client: Client) -> Any:
    answer = client.get("/?count=1000")
    assert answer.status_code == 200
    return answer.get_json(force=True)["Resources"]


def send(client: Client, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """Send it; a refusal must leave everything as it was."""
    before = everything(client)
    began = time.process_time()
    answer = client.send(method, path, json.dumps(body) if body is not None else None, headers)
    assert time.process_time() - began < BOUND, (method, path[:100])
    if answer.status_code >= 400:
        assert everything(client) == before
    return answer


def a_group(client: Client) -> str:
    for one in everything(client):
        client.send("DELETE", f"/{one['meta']['resourceType']}s/{one['id']}")
    body = {"schemas": [GROUP], "displayName": "g", "members": [{"value": "m"}]}
    return str(client.send("POST", "/Groups", body).get_json(force=True)["id"])


group_names = names | st.sampled_from(
    ["displayName", "members", 'members[value eq "m"]', "members.value", 'members[type eq "User"]',
     'members[value eq "m"].display', "members[]", f"{GROUP}:members", "MEMBERS"]
)  # fmt: skip
group_operations = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Replace", "remove"])},
    optional={
        "path": group_names,
        "value": values | st.lists(st.fixed_dictionaries({"value": st.text(max_size=4)})),
    },
)


@budget
@given(body=st.dictionaries(group_names, values, max_size=4), changes=st.lists(group_operations))
def test_groups(clients: list[Client], body: Any, changes: Any) -> None:
    for client in clients:
        id = a_group(client)
        send(client, "POST", "/Groups", {"schemas": [GROUP], "displayName": "h", **body})
        send(client, "PUT", f"/Groups/{id}", {"schemas": [GROUP], "displayName": "h", **body})
        send(client, "PATCH", f"/Groups/{id}", {"schemas": [PATCH_OP], "Operations": changes})


bulk_operations = st.fixed_dictionaries(
    {},
    optional={
        "method": st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "post", "GET", 5, None]),
        "path": st.sampled_from(
            [
                "/Users",
                "/Groups",
                "/Users/bulkId:a",
                "/Groups/bulkId:b",
                "/Users/x",
                "Users",
                "/",
                "",
                "/Bulk",
                "/Users/a/b",
                "bulkId:a",
                5,
            ]
        ),
        "bulkId": st.sampled_from(["a", "b", "c", "", "a b", 5]),
        "version": st.sampled_from(['W/"1"', "*", "x", 5]),
        "data": values
        | st.sampled_from(
            [
                {"schemas": [CORE], "userName": "x"},
                {"schemas": [GROUP], "displayName": "g", "members": [{"value": "bulkId:a"}]},
                {"schemas": [GROUP], "displayName": "g", "members": [{"value": "bulkId:b"}]},
                {"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": "title"}]},
            ]
        ),
    },
)


@budget
@given(
    listed=st.lists(bulk_operations | values, max_size=6),
    more=st.dictionaries(st.sampled_from(["failOnErrors", "schemas"]), values, max_size=1),
)
def test_bulk(clients: list[Client], listed: Any, more: Any) -> None:
    for client in clients:
        a_group(client)
        answer = send(client, "POST", "/Bulk", {"schemas": [BULK], "Operations": listed, **more})
        if answer.status_code == 200:
            for entry in answer.get_json(force=True)["Operations"]:
                assert entry["status"] != "500"
                assert (int(entry["status"]) >= 400) == ("response" in entry)


@budget
@given(
    body=st.dictionaries(
        st.sampled_from(
            [
                "filter",
                "sortBy",
                "sortOrder",
                "startIndex",
                "count",
                "cursor",
                "attributes",
                "excludedAttributes",
                "schemas",
                "FILTER",
            ]
        ),
        values | names | st.sampled_from(["descending", "id pr", "", "members.value pr"]),
        max_size=4,
    ),
    path=st.sampled_from(
        ["/.search", "/Users/.search", "/Groups/.search", "/TestResources/.search"]
    ),
)
def test_searches(clients: list[Client], body: Any, path: str) -> None:
    for client in clients:
        answer = send(client, "POST", path, {"schemas": [SEARCH], **body})
        assert answer.status_code in (200, 400)


attributes = st.sampled_from(
    [
        *("identifier", "caseExactString", "integerAttr", "decimalAttr", "booleanAttr"),
        *("dateTimeAttr", "binaryAttr", "referenceAttr", "immutableAttr", "writeOnlyAttr"),
        *("multiStrings", "complexAttr", "multiComplex", "uniqueString", "readOnlyAttr"),
    ]
)


@budget
@given(
    body=st.dictionaries(attributes, values, max_size=6), changes=st.lists(operations, max_size=3)
)
def test_the_test_resource(clients: list[Client], body: Any, changes: Any) -> None:
    extension = "urn:ietf:params:scim:schemas:extension:test:2.0:TestResource"
    plain = {"schemas": [TEST, extension], "identifier": "t", extension: {"extRequired": "x"}}
    for client in clients:
        a_group(client)
        made = send(client, "POST", "/TestResources", {**plain, **body})
        if made.status_code != 201:
            made = client.send("POST", "/TestResources", plain)
        where = f"/TestResources/{made.get_json(force=True)['id']}"
        send(client, "PUT", where, {**plain, **body})
        send(client, "PATCH", where, {"schemas": [PATCH_OP], "Operations": changes})


def nested(opening: str, inside: str, closing: str, depth: int) -> str:
    return opening * depth + inside + closing * depth


LONG = 100_000
FILTERS = [
    "title pr" + " or title pr" * (LONG // 12),
    nested("(", "title pr", ")", LONG // 2),
    nested("not (", "title pr", ")", LONG // 6),
    "emails[" * (LONG // 7),
    'title eq "' + "\\u00e9" * (LONG // 6) + '"',
    'title eq "' + "\\" * LONG,
    "a" * LONG,
    "a." * (LONG // 2),
    ":" * LONG,
    "urn:" * (LONG // 4),
    "1" * LONG,
    '"' * LONG,
    " " * LONG,
    "\t" * LONG,
    "title eq " + "9" * LONG,
    "title eq 1" + "e" * LONG,
    ("title co " + '"a" and ') * (LONG // 17),
    "\x00" * 1000,
]


@pytest.mark.parametrize("filter", FILTERS, ids=lambda text: text[:12].encode("unicode_escape"))
def test_long_filters_take_no_time(clients: list[Client], filter: str) -> None:
    for client in clients:
        for path in ("/Users/.search", "/.search"):
            answer = send(client, "POST", path, {"schemas": [SEARCH], "filter": filter})
            assert answer.status_code == 400, answer.text[:200]
        body = {"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": filter}]}
        assert send(client, "PATCH", f"/Groups/{a_group(client)}", body).status_code >= 400


def test_long_texts_everywhere(clients: list[Client]) -> None:
    long = "x" * 900_000
    for client in clients:
        for body in (
            {"schemas": [CORE], "userName": long},
            {"schemas": [CORE], "userName": "a", "externalId": long},
            {"schemas": [CORE], "userName": "a", long: 1},
            {"schemas": [long], "userName": "a", "active": "x"},
        ):
            send(client, "POST", "/Users", body)
        made = send(client, "POST", "/Users", {"schemas": [CORE], "userName": "z", "title": long})
        assert made.status_code == 201
        where = f"/Users/{made.get_json(force=True)['id']}"
        mails = [{"value": f"{number}@x.example"} for number in range(20_000)]
        assert send(client, "PUT", where, {"schemas": [CORE], "userName": "z", "emails": mails})
        change = {"op": "add", "path": "emails", "value": mails[:200]}
        send(client, "PATCH", where, {"schemas": [PATCH_OP], "Operations": [change]})
        send(client, "DELETE", where)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":' * 50_000, b"[" * 500_000, b'{"userName":"\xed\xa0\x80"}', b'{"a":NaN}',
        b'{"userName":"a","userName":"b"}', b'{"a":"\\ud800"}', b'{"a":"\\u0000"}', b"\xff\xfe{}",
        b'{"a":' + b"1" * 900_000 + b"}", b'{"a":1e' + b"9" * 10_000 + b"}", b"{}" * 100_000,
        b'{"schemas":' + b"[" * 40 + b"]" * 40 + b"}", b"\x00", b'"\\', b"{" + b'"a":1,' * 100_000,
    ],
    ids=lambda raw: raw[:12],
)  # fmt: skip
def test_bytes_that_are_no_message(clients: list[Client], raw: bytes) -> None:
    for client in clients:
        id = a_group(client)
        for method, path in (
            ("POST", "/Users"),
            ("PUT", f"/Groups/{id}"),
            ("PATCH", f"/Groups/{id}"),
            ("POST", "/Bulk"),
            ("POST", "/.search"),
        ):
            before = everything(client)
            began = time.process_time()
            answer = client.send(method, path, raw)
            assert time.process_time() - began < BOUND
            assert answer.status_code == 400, answer.text[:200]
            assert everything(client) == before


@budget
@given(
    query=st.text(st.sampled_from("filterscounta=&%+\"' ()[].:;,0123é\\<>{}"), max_size=60),
    path=st.sampled_from(["/Users", "/Groups", "/", "/Schemas", "/Users/x", "/ResourceTypes"]),
)
def test_any_address(clients: list[Client], query: str, path: str) -> None:
    for client in clients:
        answer = client.http.get(
            f"/scim/v2{path}",
            query_string=query,
            headers={"Authorization": f"Bearer {client.token}"},
        )
        assert answer.status_code in (200, 400, 403, 404), answer.text
