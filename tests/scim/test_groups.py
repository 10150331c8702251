"""Groups: members in rows of their own, `user.groups` true, nothing rewritten for one member."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, select

from scim import service, writes
from store.tables import member
from tests.scim.conftest import BASE, CORE, PATCH_OP, Client, Server, accepted, refused

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
UNKNOWN = "2819c223-7f76-453a-919d-413861904646"


def group(client: Client, name: str = "Tour Guides", *ids: str, **more: Any) -> dict[str, Any]:
    body = {"schemas": [GROUP], "displayName": name, "members": [{"value": id} for id in ids]}
    answer = client.send("POST", "/Groups", {**body, **more})
    assert answer.status_code == 201, answer.text
    return answer.get_json(force=True)  # type: ignore[no-any-return]


def users(client: Client, number: int) -> list[str]:
    return [str(client.create(userName=f"u{n}")["id"]) for n in range(number)]


def patch(client: Client, id: str, *operations: dict[str, Any], query: str = "") -> Any:
    body = {"schemas": [PATCH_OP], "Operations": list(operations)}
    return client.send("PATCH", f"/Groups/{id}{query}", body)


def ids_of(body: dict[str, Any], name: str = "members") -> list[str]:
    return [one["value"] for one in body.get(name, [])]


def test_members_have_references_and_types(strict: Client) -> None:
    [user] = users(strict, 1)
    inner = group(strict, "Inner")
    made = group(strict, "Outer", user, inner["id"], externalId="G1")
    assert made == {
        "schemas": [GROUP],
        "id": made["id"],
        "externalId": "G1",
        "displayName": "Outer",
        "members": [
            {"value": user, "$ref": f"{BASE}/scim/v2/Users/{user}", "type": "User"},
            {
                "value": inner["id"],
                "$ref": f"{BASE}/scim/v2/Groups/{inner['id']}",
                "type": "Group",
            },
        ],
        "meta": made["meta"],
    }
    assert accepted(strict.get(f"/Groups/{made['id']}")) == made
    assert "members" not in inner


def test_display_name_is_required_and_not_unique(strict: Client) -> None:
    for name in ({}, {"displayName": ""}, {"displayName": " "}):
        body = {"schemas": [GROUP], **name}
        refused(strict.send("POST", "/Groups", body), 400, "invalidValue")
    made = group(strict)
    empty = {"op": "replace", "path": "displayName", "value": ""}
    refused(patch(strict, made["id"], empty), 400, "invalidValue")
    assert group(strict)["id"] != group(strict)["id"]


@pytest.mark.parametrize(
    "members", ["x", [{"display": "x"}], [{"value": 5}], [{"value": ""}], [{"value": "x" * 600}]]
)
def test_a_member_is_an_id(strict: Client, members: Any) -> None:
    body = {"schemas": [GROUP], "displayName": "g", "members": members}
    refused(strict.send("POST", "/Groups", body), 400, "invalidValue")


def test_the_same_member_twice_is_one(strict: Client) -> None:
    [user] = users(strict, 1)
    assert ids_of(group(strict, "g", user, user)) == [user]


def test_a_user_shows_its_groups_direct_and_indirect(strict: Client) -> None:
    one, other = users(strict, 2)
    inner = group(strict, "Inner", one)
    outer = group(strict, "Outer", inner["id"])
    before = strict.get(f"/Users/{one}")
    body = accepted(before)
    where = f"{BASE}/scim/v2/Groups"
    assert body["groups"] == [
        {
            "value": inner["id"],
            "$ref": f"{where}/{inner['id']}",
            "display": "Inner",
            "type": "direct",
        },
        {
            "value": outer["id"],
            "$ref": f"{where}/{outer['id']}",
            "display": "Outer",
            "type": "indirect",
        },
    ]
    assert body["meta"]["version"] == before.headers["ETag"] == 'W/"1"'
    assert "groups" not in accepted(strict.get(f"/Users/{other}"))
    found = accepted(strict.get("/Users?attributes=groups.display"))["Resources"]
    assert [one.get("groups") for one in found] == [
        [{"display": "Inner"}, {"display": "Outer"}],
        None,
    ]
    assert "groups" not in accepted(strict.get(f"/Users/{one}?excludedAttributes=groups"))


def test_groups_of_a_user_are_read_only(strict: Client) -> None:
    one = users(strict, 1)[0]
    made = group(strict, "g", one)
    body = {"schemas": [CORE], "userName": "u0", "groups": [{"value": "other"}]}
    assert ids_of(accepted(strict.put(one, body)), "groups") == [made["id"]]
    operation = {"op": "add", "path": "groups", "value": [{"value": "other"}]}
    refused(strict.patch(one, operation), 400, "mutability")


class TestPatch:
    """RFC 7644 sections 3.5.2.1 to 3.5.2.3, on members."""

    def test_add_remove_replace(self, strict: Client) -> None:
        a, b, c = users(strict, 3)
        id = group(strict, "g", a)["id"]
        add = {"op": "add", "path": "members", "value": [{"value": b}, {"value": c}]}
        assert ids_of(accepted(patch(strict, id, add))) == [a, b, c]
        remove = {"op": "remove", "path": f'members[value eq "{b}"]'}
        assert ids_of(accepted(patch(strict, id, remove))) == [a, c]
        replace = {"op": "replace", "path": "members", "value": [{"value": c}, {"value": b}]}
        assert ids_of(accepted(patch(strict, id, replace))) == [c, b]
        named = {"op": "remove", "path": "members", "value": [{"value": c}, {"value": a}]}
        assert ids_of(accepted(patch(strict, id, named))) == [b]
        assert ids_of(accepted(patch(strict, id, {"op": "remove", "path": "members"}))) == []

    def test_one_value_without_a_list(self, strict: Client) -> None:
        [a] = users(strict, 1)
        id = group(strict)["id"]
        add = {"op": "add", "path": "members", "value": {"value": a}}
        assert ids_of(accepted(patch(strict, id, add))) == [a]

    def test_without_a_path(self, strict: Client) -> None:
        a, b = users(strict, 2)
        id = group(strict, "g", a)["id"]
        value = {"displayName": "h", "members": [{"value": b}]}
        body = accepted(patch(strict, id, {"op": "add", "value": value}))
        assert (body["displayName"], ids_of(body)) == ("h", [a, b])
        body = accepted(patch(strict, id, {"op": "replace", "value": value}))
        assert ids_of(body) == [b]

    def test_operations_see_what_those_before_them_did(self, strict: Client) -> None:
        a, b = users(strict, 2)
        id = group(strict, "g", a)["id"]
        body = patch(
            strict,
            id,
            {"op": "remove", "path": "members"},
            {"op": "add", "path": "members", "value": [{"value": b}]},
            {"op": "add", "path": "members", "value": [{"value": a}]},
            {"op": "remove", "path": f'members[value eq "{b}"]'},
            {"op": "replace", "path": "displayName", "value": "h"},
        )
        assert (accepted(body)["displayName"], ids_of(accepted(body))) == ("h", [a])

    def test_other_filters_look_at_the_members(self, strict: Client) -> None:
        a, b = users(strict, 2)
        inner = group(strict, "Inner")["id"]
        id = group(strict, "g", a, inner, b)["id"]
        operation = {"op": "remove", "path": 'members[type eq "User"]'}
        assert ids_of(accepted(patch(strict, id, operation))) == [inner]
        operation = {"op": "remove", "path": 'members[type eq "User"]'}
        refused(patch(strict, id, operation), 400, "noTarget")

    def test_a_member_can_be_named_but_not_become_another(self, strict: Client) -> None:
        a, b = users(strict, 2)
        id = group(strict, "g", a, b)["id"]
        path = f'members[value eq "{a}"]'
        body = patch(strict, id, {"op": "add", "path": f"{path}.display", "value": "Alice"})
        shown = {one["value"]: one.get("display") for one in accepted(body)["members"]}
        assert shown == {a: "Alice", b: None}
        operation = {"op": "replace", "path": f"{path}.value", "value": UNKNOWN}
        refused(patch(strict, id, operation), 400, "mutability")

    def test_what_changes_nothing_is_no_new_version(self, server: Server, strict: Client) -> None:
        a, b = users(strict, 2)
        made = group(strict, "g", a)
        server.listener.calls.clear()
        server.clock.time += 60
        for operation in (
            {"op": "add", "path": "members", "value": [{"value": a}]},
            {"op": "remove", "path": f'members[value eq "{b}"]'},
            {"op": "replace", "path": "members", "value": [{"value": a}]},
        ):
            assert accepted(patch(strict, made["id"], operation)) == made
        assert server.listener.calls == []

    def test_a_change_of_members_is_a_new_version(self, server: Server, strict: Client) -> None:
        a, b = users(strict, 2)
        made = group(strict, "g", a)
        server.clock.time += 60
        add = {"op": "add", "path": "members", "value": [{"value": b}]}
        body = accepted(patch(strict, made["id"], add))
        assert body["meta"]["version"] == 'W/"2"'
        assert body["meta"]["lastModified"] > made["meta"]["lastModified"]

    def test_all_or_nothing(self, strict: Client) -> None:
        a, b = users(strict, 2)
        made = group(strict, "g", a)
        add = {"op": "add", "path": "members", "value": [{"value": b}]}
        bad = {"op": "replace", "path": "bogus", "value": 1}
        refused(patch(strict, made["id"], add, bad), 400, "invalidPath")
        taken = {"op": "remove", "path": "displayName"}
        refused(patch(strict, made["id"], add, taken), 400, "mutability")
        assert accepted(strict.get(f"/Groups/{made['id']}")) == made

    def test_large_groups_are_answered_briefly(
        self, strict: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writes, "SHOWN_MEMBERS", 2)
        ids = users(strict, 3)
        made = group(strict, "g", *ids[:2])
        add = {"op": "add", "path": "members", "value": [{"value": ids[2]}]}
        answer = patch(strict, made["id"], add)
        assert (answer.status_code, answer.data) == (204, b"")
        assert answer.headers["ETag"] == 'W/"2"'
        assert answer.headers["Location"] == made["meta"]["location"]
        answer = patch(strict, made["id"], add, query="?attributes=displayName")
        assert accepted(answer) == {"schemas": [GROUP], "id": made["id"], "displayName": "g"}


def test_put_says_who_all_members_are(strict: Client) -> None:
    a, b, c = users(strict, 3)
    made = group(strict, "g", a, b)
    body = {"schemas": [GROUP], "displayName": "g", "members": [{"value": b}, {"value": c}]}
    answer = strict.send("PUT", f"/Groups/{made['id']}", body)
    assert ids_of(accepted(answer)) == [b, c]
    del body["members"]
    assert ids_of(accepted(strict.send("PUT", f"/Groups/{made['id']}", body))) == []


def test_a_deleted_user_leaves_its_groups(server: Server, strict: Client) -> None:
    a, b = users(strict, 2)
    made = group(strict, "g", a, b)
    server.clock.time += 60
    strict.send("DELETE", f"/Users/{a}")
    body = accepted(strict.get(f"/Groups/{made['id']}"))
    assert ids_of(body) == [b]
    assert body["meta"]["version"] == 'W/"2"'
    assert body["meta"]["lastModified"] > made["meta"]["lastModified"]
    answer = strict.get(f"/Groups/{made['id']}", If_None_Match='W/"1"')
    assert answer.status_code == 200


def test_a_deleted_group_is_nobodys(server: Server, strict: Client) -> None:
    [a] = users(strict, 1)
    inner = group(strict, "Inner", a)
    outer = group(strict, "Outer", inner["id"])
    strict.send("DELETE", f"/Groups/{inner['id']}")
    assert "groups" not in accepted(strict.get(f"/Users/{a}"))
    assert ids_of(accepted(strict.get(f"/Groups/{outer['id']}"))) == []
    with server.db.read() as conn:
        assert conn.execute(select(member)).all() == []


@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}, {"If-Match": 'W/"2"'}])
def test_a_group_that_is_in_itself_can_be_deleted(strict: Client, headers: dict[str, str]) -> None:
    [user] = users(strict, 1)
    own, outer = group(strict, "Own")["id"], group(strict, "Outer")["id"]
    there = {"schemas": [GROUP], "displayName": "Own", "members": [{"value": own}, {"value": user}]}
    accepted(strict.send("PUT", f"/Groups/{own}", there))
    accepted(patch(strict, outer, {"op": "add", "path": "members", "value": [{"value": own}]}))
    assert strict.send("DELETE", f"/Groups/{own}", headers=headers).status_code == 204
    left = accepted(strict.get(f"/Groups/{outer}"))
    assert (ids_of(left), left["meta"]["version"]) == ([], 'W/"3"')
    assert "groups" not in accepted(strict.get(f"/Users/{user}"))


def test_who_is_not_there_can_be_named(strict: Client) -> None:
    made = group(strict, "g", UNKNOWN)
    assert made["members"] == [{"value": UNKNOWN}]


def test_members_of_another_source_are_strangers(server: Server) -> None:
    one, other = server.client("one", "strict"), server.client("other", "strict")
    theirs = users(other, 1)[0]
    assert group(one, "g", theirs)["members"] == [{"value": theirs}]


def test_members_are_filtered_by_index(server: Server, strict: Client) -> None:
    a, b = users(strict, 2)
    with_a, with_b = group(strict, "a", a)["id"], group(strict, "b", b)["id"]

    def found(filter: str, kind: str = "Groups") -> list[str]:
        answer = strict.http.get(
            f"/scim/v2/{kind}",
            query_string={"filter": filter},
            headers={"Authorization": f"Bearer {strict.token}"},
        )
        return [one["id"] for one in accepted(answer)["Resources"]]

    assert found(f'members.value eq "{a}"') == [with_a]
    assert found(f'members[value eq "{b}"]') == [with_b]
    assert found(f'members eq "{b}" or displayName eq "A"') == [with_a, with_b]
    assert found(f'groups.value eq "{with_a}"', "Users") == [a]
    assert found('groups[display eq "B"]', "Users") == [b]


def test_groups_without_members_are_read_without_them(server: Server, strict: Client) -> None:
    """`excludedAttributes=members`, as Entra asks: the rows are not even looked at."""
    made = group(strict, "g", *users(strict, 2))
    sent: list[str] = []
    with server.db.read() as conn:
        conn.connection.dbapi_connection.set_trace_callback(sent.append)  # type: ignore[union-attr]
    for query in ("excludedAttributes=members", "attributes=displayName"):
        assert "members" not in accepted(strict.get(f"/Groups/{made['id']}?{query}"))
        assert "members" not in accepted(strict.get(f"/Groups?{query}"))["Resources"][0]
    assert not any("FROM member" in statement for statement in sent if "EXISTS" not in statement)


def test_a_page_holds_so_many_members(strict: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_ROWS_TEXT", 1000)
    for number in range(3):
        group(strict, f"g{number}", *(f"member {n}" for n in range(20)))
    refused(strict.get("/Groups"), 400, "tooMany")
    assert accepted(strict.get("/Groups?count=1"))["itemsPerPage"] == 1
    assert accepted(strict.get("/Groups?excludedAttributes=members"))["itemsPerPage"] == 3


class TestTold:
    """The listener is told who joins and who leaves, not who stays."""

    def test_of_changes(self, server: Server, strict: Client) -> None:
        a, b = users(strict, 2)
        server.listener.calls.clear()
        id = group(strict, "g", a)["id"]
        source, kind, told, before, after, _ = server.listener.calls[-1]
        assert (source, kind, told, before) == ("conformance", "Group", id, None)
        assert ids_of(after) == [a]
        patch(strict, id, {"op": "add", "path": "members", "value": [{"value": b}]})
        before, after = server.listener.calls[-1][3:5]
        assert (ids_of(before), ids_of(after)) == ([], [b])
        patch(strict, id, {"op": "remove", "path": f'members[value eq "{a}"]'})
        before, after = server.listener.calls[-1][3:5]
        assert (ids_of(before), ids_of(after)) == ([a], [])
        strict.send("DELETE", f"/Groups/{id}")
        before, after = server.listener.calls[-1][3:5]
        assert (ids_of(before), after) == ([b], None)


def test_one_member_more_in_ten_thousand_is_little_work(server: Server, strict: Client) -> None:
    members = [f"00000000-0000-4000-8000-{n:012d}" for n in range(10_000)]
    id = group(strict, "all", *members)["id"]
    one = users(strict, 1)[0]
    rows = [0]

    def count(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        rows[0] += 1

    sent: list[str] = []
    event.listen(server.db.engine, "after_cursor_execute", count)
    with server.db.read() as conn:
        conn.connection.dbapi_connection.set_trace_callback(sent.append)  # type: ignore[union-attr]
    add = {"op": "add", "path": "members", "value": [{"value": one}]}
    assert patch(strict, id, add).status_code == 204
    remove = {"op": "remove", "path": f'members[value eq "{members[5000]}"]'}
    assert patch(strict, id, remove).status_code == 204
    event.remove(server.db.engine, "after_cursor_execute", count)
    assert rows[0] + len(sent) < 60
    whole = accepted(strict.get(f"/Groups/{id}"))
    assert len(whole["members"]) == 10_000
    assert ids_of(accepted(strict.get(f"/Users/{one}")), "groups") == [id]


def test_groups_work_on_each_database(server_on_each: Server) -> None:
    client = server_on_each.client("conformance", "strict")
    a, b = users(client, 2)
    inner = group(client, "Inner", a)["id"]
    outer = group(client, "Outer", inner, b)["id"]
    assert ids_of(accepted(client.get(f"/Users/{a}")), "groups") == [inner, outer]
    patch(client, outer, {"op": "remove", "path": f'members[value eq "{inner}"]'})
    assert ids_of(accepted(client.get(f"/Users/{a}")), "groups") == [inner]
    client.send("DELETE", f"/Users/{b}")
    assert ids_of(accepted(client.get(f"/Groups/{outer}"))) == []
    assert accepted(client.get(f'/Groups?filter=members.value eq "{a}"'))["totalResults"] == 1
