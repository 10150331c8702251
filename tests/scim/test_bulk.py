"""Bulk (RFC 7644 section 3.7): references, errors, limits, and how many commits it takes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from scim.discovery import Limits
from scim.errors import ScimError
from tests.scim.conftest import BASE, CORE, PATCH_OP, Client, Server, accepted, refused

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


def post(bulk_id: str | None, path: str = "/Users", **data: Any) -> dict[str, Any]:
    schemas = [GROUP if path == "/Groups" else CORE]
    made = {"method": "POST", "path": path, "data": {"schemas": schemas, **data}}
    return made if bulk_id is None else {**made, "bulkId": bulk_id}


def bulk(client: Client, *operations: Any, **more: Any) -> list[dict[str, Any]]:
    body = accepted(
        client.send("POST", "/Bulk", {"schemas": [REQUEST], "Operations": operations, **more})
    )
    assert body["schemas"] == [RESPONSE]
    return list(body["Operations"])


def statuses(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["status"] for entry in entries]


def id_of(entry: dict[str, Any]) -> str:
    return str(entry["location"].rpartition("/")[2])


def test_each_operation_has_its_own_outcome(strict: Client) -> None:
    kept, gone = strict.create(userName="kept"), strict.create(userName="gone")
    entries = bulk(
        strict,
        post("a", userName="a"),
        {
            "method": "PUT",
            "path": f"/Users/{kept['id']}",
            "version": 'W/"1"',
            "data": {"schemas": [CORE], "userName": "kept", "title": "x"},
        },
        {
            "method": "PATCH",
            "path": f"/Users/{kept['id']}",
            "version": 'W/"1"',
            "data": {"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": "title"}]},
        },
        {"method": "DELETE", "path": f"/Users/{gone['id']}"},
        post("b", userName="A"),
        {"method": "DELETE", "path": "/Users/2819c223-7f76-453a-919d-413861904646"},
    )
    where = f"{BASE}/scim/v2/Users"
    assert entries[0] == {
        "method": "POST",
        "bulkId": "a",
        "version": 'W/"1"',
        "location": f"{where}/{id_of(entries[0])}",
        "status": "201",
    }
    assert entries[1] == {
        "method": "PUT",
        "version": 'W/"2"',
        "location": f"{where}/{kept['id']}",
        "status": "200",
    }
    assert statuses(entries) == ["201", "200", "412", "204", "409", "404"]
    assert entries[4]["response"]["scimType"] == "uniqueness"
    assert "location" not in entries[4]
    assert entries[5]["response"]["status"] == "404"
    assert accepted(strict.get(f"/Users/{kept['id']}"))["title"] == "x"
    refused(strict.get(f"/Users/{gone['id']}"), 404)


class TestReferences:
    """Sections 3.7.1 and 3.7.2."""

    def members(self, client: Client, entry: dict[str, Any]) -> list[str]:
        body = accepted(client.get(f"/Groups/{id_of(entry)}"))
        assert all("$ref" in one and "type" in one for one in body["members"])
        return [one["value"] for one in body["members"]]

    @pytest.mark.parametrize("forward", [False, True])
    def test_backward_and_forward(self, strict: Client, forward: bool) -> None:
        user = post("qwerty", userName="Alice")
        named = post("ytrewq", "/Groups", displayName="g", members=[{"value": "bulkId:qwerty"}])
        entries = bulk(strict, *((named, user) if forward else (user, named)))
        assert statuses(entries) == ["201", "201"]
        assert [entry["bulkId"] for entry in entries] == (
            ["ytrewq", "qwerty"] if forward else ["qwerty", "ytrewq"]
        )
        by_id = {entry["bulkId"]: entry for entry in entries}
        assert self.members(strict, by_id["ytrewq"]) == [id_of(by_id["qwerty"])]

    def test_in_a_circle(self, strict: Client) -> None:
        entries = bulk(
            strict,
            post("a", "/Groups", displayName="A", members=[{"value": "bulkId:b"}]),
            post("b", "/Groups", displayName="B", members=[{"value": "bulkId:a"}]),
            post("self", "/Groups", displayName="S", members=[{"value": "bulkId:self"}]),
        )
        assert statuses(entries) == ["201", "201", "201"]
        a, b, own = (id_of(entry) for entry in entries)
        assert self.members(strict, entries[0]) == [b]
        assert self.members(strict, entries[1]) == [a]
        assert self.members(strict, entries[2]) == [own]

    def test_in_paths_and_filters(self, strict: Client) -> None:
        made = accepted(strict.get("/Users"))["totalResults"]
        entries = bulk(
            strict,
            post("u", userName="u"),
            post("v", userName="v"),
            post("g", "/Groups", displayName="g", members=[{"value": "bulkId:u"}]),
            {
                "method": "PATCH",
                "path": "/Groups/bulkId:g",
                "data": {
                    "schemas": [PATCH_OP],
                    "Operations": [
                        {"op": "add", "path": "members", "value": [{"value": "bulkId:v"}]},
                        {"op": "remove", "path": 'members[value eq "bulkId:u"]'},
                    ],
                },
            },
            {"method": "DELETE", "path": "/Users/bulkId:u"},
        )
        assert statuses(entries) == ["201", "201", "201", "200", "204"]
        assert id_of(entries[3]) == id_of(entries[2])
        assert self.members(strict, entries[2]) == [id_of(entries[1])]
        assert accepted(strict.get("/Users"))["totalResults"] == made + 1

    def test_to_what_failed_or_is_not_there(self, strict: Client) -> None:
        strict.create(userName="taken")
        entries = bulk(
            strict,
            post("g", "/Groups", displayName="g", members=[{"value": "bulkId:u"}]),
            post("u", userName="Taken"),
            post("h", "/Groups", displayName="h", members=[{"value": "bulkId:none"}]),
            {"method": "DELETE", "path": "/Users/bulkId:none"},
            post("ok", userName="ok"),
        )
        assert statuses(entries) == ["409", "409", "409", "409", "201"]
        assert accepted(strict.get("/Groups"))["totalResults"] == 0

    def test_a_circle_fails_as_one(self, strict: Client) -> None:
        entries = bulk(
            strict,
            post("a", "/Groups", displayName="A", members=[{"value": "bulkId:b"}]),
            post("b", "/Groups", members=[{"value": "bulkId:a"}]),
            post("c", "/Groups", displayName="C", members=[{"value": "bulkId:a"}]),
        )
        assert statuses(entries) == ["409", "400", "409"]
        assert accepted(strict.get("/Groups"))["totalResults"] == 0

    def test_text_that_only_speaks_of_one_stays(self, strict: Client) -> None:
        entries = bulk(strict, post("u", userName="u", title="see bulkId:u"))
        assert accepted(strict.get(f"/Users/{id_of(entries[0])}"))["title"] == "see bulkId:u"

    def test_a_long_chain(self, strict: Client) -> None:
        chain = [
            post(f"g{n}", "/Groups", displayName=f"{n}", members=[{"value": f"bulkId:g{n + 1}"}])
            for n in range(400)
        ]
        entries = bulk(strict, *chain, post("g400", "/Groups", displayName="last"))
        assert set(statuses(entries)) == {"201"}


class TestErrors:
    def test_fail_on_errors(self, strict: Client) -> None:
        wrong = [post(f"w{n}") for n in range(3)]  # no userName
        right = [post(f"r{n}", userName=f"r{n}") for n in range(3)]
        mixed = [one for pair in zip(right, wrong, strict=True) for one in pair]
        assert statuses(bulk(strict, *mixed)) == ["201", "400"] * 3
        for one in right:
            one["data"]["userName"] += "x"
        entries = bulk(strict, *mixed, failOnErrors=2)
        assert statuses(entries) == ["201", "400", "201", "400"]
        assert statuses(bulk(strict, wrong[0], wrong[1], failOnErrors=1)) == ["400"]

    @pytest.mark.parametrize(
        ("operation", "status"),
        [
            ("x", "400"),
            ({}, "400"),
            ({"method": "GET", "path": "/Users"}, "400"),
            ({"method": "POST", "path": "/Users", "data": {}}, "400"),  # no bulkId
            (post("", userName="no name"), "400"),
            ({"method": "POST", "path": "/Users", "bulkId": "a"}, "400"),
            ({"method": "POST", "path": "/Users/x", "bulkId": "a", "data": {}}, "400"),
            ({"method": "POST", "bulkId": "a", "data": {}}, "400"),
            ({"method": "PUT", "path": "/Users", "data": {}}, "400"),
            ({"method": "POST", "path": "/Nothing", "bulkId": "a", "data": {}}, "404"),
            ({"method": "DELETE", "path": "/Users/a/b"}, "404"),
            ({"method": "POST", "path": "/Bulk", "bulkId": "a", "data": {}}, "404"),
        ],
    )
    def test_a_wrong_operation_is_only_that(
        self, strict: Client, operation: Any, status: str
    ) -> None:
        entries = bulk(strict, operation, post("z", userName="z"))
        assert statuses(entries) == [status, "201"]
        assert entries[0]["response"]["status"] == status

    def test_a_bulk_id_twice(self, strict: Client) -> None:
        entries = bulk(strict, post("a", userName="a"), post("a", userName="b"))
        assert statuses(entries) == ["201", "400"]

    @pytest.mark.parametrize(
        "body",
        [
            {"Operations": []},
            {"schemas": [REQUEST]},
            {"schemas": [CORE], "Operations": []},
            {"schemas": [REQUEST], "Operations": {}},
        ],
    )
    def test_what_is_no_bulk_request(self, strict: Client, body: Any) -> None:
        refused(strict.send("POST", "/Bulk", body), 400, "invalidSyntax")

    def test_fail_on_errors_is_a_number(self, strict: Client) -> None:
        body = {"schemas": [REQUEST], "Operations": [], "failOnErrors": "x"}
        refused(strict.send("POST", "/Bulk", body), 400, "invalidValue")

    def test_what_a_listener_did_for_a_refused_operation_is_undone(
        self, server: Server, strict: Client
    ) -> None:
        from tests.scim.test_listener import notes

        def act(tx: Any) -> None:
            name = server.listener.calls[-1][4]["userName"]
            tx.exec_driver_sql(f"INSERT INTO setting VALUES ('{name}', '')")
            if name == "u1":
                raise ScimError(409, "This person is here already.", "uniqueness")

        server.listener.act = act
        entries = bulk(strict, *(post(f"u{n}", userName=f"u{n}") for n in range(3)))
        assert statuses(entries) == ["201", "409", "201"]
        assert notes(server) == 2


class TestLimits:
    """Section 3.7.4."""

    def test_operations(self, server: Server) -> None:
        client = server.again(limits=Limits(max_operations=2)).client("conformance", "strict")
        operations = [post(f"u{n}", userName=f"u{n}") for n in range(3)]
        answer = client.send("POST", "/Bulk", {"schemas": [REQUEST], "Operations": operations})
        assert "maxOperations (2)" in refused(answer, 413)
        assert accepted(client.get("/Users"))["totalResults"] == 0
        assert statuses(bulk(client, *operations[:2])) == ["201", "201"]

    def test_bytes(self, server: Server) -> None:
        client = server.again(limits=Limits(max_payload=100_000)).client("conformance", "strict")
        answer = client.send("POST", "/Bulk", " " * 100_001)
        assert "maxPayloadSize (100000)" in refused(answer, 413)


def test_fifty_creates_are_one_commit(server: Server, strict: Client) -> None:
    commits = [0]
    event.listen(server.db.engine, "commit", lambda conn: commits.__setitem__(0, commits[0] + 1))
    entries = bulk(strict, *(post(f"u{n}", userName=f"u{n}") for n in range(50)))
    assert set(statuses(entries)) == {"201"}
    assert commits[0] == 1
    entries = bulk(strict, *(post(f"v{n}", userName=f"v{n}") for n in range(250)))
    assert commits[0] == 4


def test_hr_clients_are_read_loosely(hr: Client) -> None:
    body = {"Operations": [post(None, "/users", userName="a"), post("a", userName="b")]}
    entries = accepted(hr.send("POST", "/Bulk", body))["Operations"]
    assert statuses(entries) == ["201", "201"]


def test_bulk_works_on_each_database(server_on_each: Server) -> None:
    client = server_on_each.client("conformance", "strict")
    entries = bulk(
        client,
        post("a", userName="a"),
        post("b", userName="A"),
        post("g", "/Groups", displayName="g", members=[{"value": "bulkId:a"}]),
        post("h", "/Groups", displayName="h", members=[{"value": "bulkId:b"}]),
    )
    assert statuses(entries) == ["201", "409", "201", "409"]
    assert accepted(client.get("/Users"))["totalResults"] == 1
    assert accepted(client.get("/Groups"))["totalResults"] == 1
