"""Create, read, replace, delete (RFC 7644 sections 3.3, 3.4.1, 3.5.1, 3.6)."""

from __future__ import annotations

import pytest

from tests.scim.conftest import BASE, CORE, ENTERPRISE, Client, Server, accepted, refused

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


def test_create_answers_with_the_whole_resource(strict: Client) -> None:
    answer = strict.send(
        "POST",
        "/Users",
        {"schemas": [CORE], "userName": "akoehlermann", "name": {"familyName": "Köhlermann"}},
    )
    assert answer.status_code == 201
    body = answer.get_json(force=True)
    where = f"{BASE}/scim/v2/Users/{body['id']}"
    assert body == {
        "schemas": [CORE],
        "id": body["id"],
        "userName": "akoehlermann",
        "name": {"familyName": "Köhlermann"},
        "meta": {
            "resourceType": "User",
            "created": "2026-03-16T09:00:00.000Z",
            "lastModified": "2026-03-16T09:00:00.000Z",
            "version": 'W/"1"',
            "location": where,
        },
    }
    assert (answer.headers["Location"], answer.headers["ETag"]) == (where, 'W/"1"')


def test_read_gives_what_create_gave(strict: Client) -> None:
    made = strict.create(userName="a", emails=[{"value": "a@norhaven.example", "type": "work"}])
    answer = strict.get(f"/Users/{made['id']}")
    assert accepted(answer) == made
    assert (answer.headers["Location"], answer.headers["ETag"]) == (
        made["meta"]["location"],
        'W/"1"',
    )


def test_the_content_location_is_that_of_the_resource(strict: Client) -> None:
    """RFC 7643 section 3.1, meta.location."""
    made = strict.create(userName="a")
    where = f"/Users/{made['id']}"
    group = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "g"}
    body = {"schemas": [CORE], "userName": "b"}
    for answer in (
        strict.send("POST", "/Users", body),
        strict.get(where),
        strict.get(f"{where}?attributes=meta"),
        strict.put(made["id"], body | {"userName": "c"}),
        strict.patch(made["id"], {"op": "add", "path": "title", "value": "x"}),
        strict.send("POST", "/Groups", group),
        strict.get("/ServiceProviderConfig"),
        strict.get(f"/Schemas/{CORE}"),
        strict.get("/ResourceTypes/User"),
    ):
        found = answer.get_json(force=True)["meta"]["location"]
        assert answer.headers["Content-Location"] == found
    for answer in (strict.get("/Users"), strict.get("/Users/none")):
        assert "Content-Location" not in answer.headers


def test_head_is_get_without_a_body(strict: Client) -> None:
    made = strict.create(userName="a")
    answer = strict.http.head(
        f"/scim/v2/Users/{made['id']}", headers={"Authorization": f"Bearer {strict.token}"}
    )
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (200, b"", 'W/"1"')


def test_names_are_taken_in_any_case_and_stored_as_the_schema_writes_them(strict: Client) -> None:
    made = strict.create(
        USERNAME="a", Name={"GIVENNAME": "Zoë"}, **{ENTERPRISE.upper(): {"DEPARTMENT": "Optics"}}
    )
    assert made["userName"] == "a"
    assert made["name"] == {"givenName": "Zoë"}
    assert made[ENTERPRISE] == {"department": "Optics"}
    assert made["schemas"] == [CORE, ENTERPRISE]


def test_what_the_server_alone_says_is_ignored(strict: Client) -> None:
    made = strict.create(
        userName="a", id="mine", meta={"version": "x"}, groups=[{"value": "admins"}]
    )
    assert made["id"] != "mine"
    assert made["meta"]["version"] == 'W/"1"'
    assert "groups" not in made


def test_a_password_is_taken_but_neither_kept_nor_shown(server: Server, strict: Client) -> None:
    made = strict.create(userName="a", password="correct horse battery")
    assert "password" not in made
    put = strict.put(made["id"], {"userName": "a", "password": "staple"})
    patch = strict.patch(made["id"], {"op": "add", "path": "password", "value": "staple"})
    assert "password" not in accepted(put) | accepted(patch)
    with server.db.read() as conn:
        stored = str(conn.exec_driver_sql("SELECT * FROM resource").all())
    assert "correct horse" not in stored
    assert "staple" not in stored


def test_put_replaces_everything_under_the_strict_profile(server: Server, strict: Client) -> None:
    made = strict.create(userName="a", externalId="E1", title="Engineer", active=True)
    server.clock.time += 60
    body = accepted(strict.put(made["id"], {"userName": "b", "nickName": "Zoë"}))
    assert body["userName"] == "b"
    assert not {"externalId", "title", "active"} & body.keys()
    assert body["meta"]["version"] == 'W/"2"'
    assert body["meta"]["created"] == "2026-03-16T09:00:00.000Z"
    assert body["meta"]["lastModified"] == "2026-03-16T09:01:00.000Z"
    assert accepted(strict.get(f"/Users/{made['id']}")) == body


def test_put_of_the_same_is_no_new_version(server: Server, strict: Client) -> None:
    made = strict.create(userName="a", title="Engineer")
    server.listener.calls.clear()
    server.clock.time += 60
    answer = strict.put(made["id"], {"title": "Engineer", "userName": "a"})
    assert accepted(answer)["meta"] == made["meta"]
    assert server.listener.calls == []


def test_delete_then_nothing_is_there(strict: Client) -> None:
    made = strict.create(userName="a")
    assert strict.send("DELETE", f"/Users/{made['id']}").status_code == 204
    for method, body in (
        ("GET", None),
        ("DELETE", None),
        ("PUT", {"schemas": [CORE], "userName": "a"}),
        (
            "PATCH",
            {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "remove", "path": "title"}],
            },
        ),
    ):
        refused(strict.send(method, f"/Users/{made['id']}", body), 404)
    assert strict.find('userName eq "a"').get_json(force=True)["totalResults"] == 0


def test_after_a_delete_the_same_keys_make_a_new_resource(hr: Client) -> None:
    first = hr.create(userName="a", externalId="E1")
    hr.send("DELETE", f"/Users/{first['id']}")
    assert hr.create(userName="A", externalId="E1")["id"] != first["id"]


def test_an_unknown_id_is_404(strict: Client) -> None:
    for id in (UNKNOWN_ID, "1", "%00", "..", "é" * 50, "x" * 5000):
        refused(strict.get(f"/Users/{id}"), 404)


def test_user_names_are_unique_without_regard_to_case(strict: Client) -> None:
    strict.create(userName="AnnA", externalId="E1")
    detail = refused(
        strict.send("POST", "/Users", {"schemas": [CORE], "userName": "aNNa"}), 409, "uniqueness"
    )
    assert "userName" in detail
    assert "anna" not in detail.lower()


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("Ren\u00e9e", "rene\u0301e"),  # an accent apart from its letter
        ("rene\u0301e", "REN\u00c9E"),
        ("anna", "\uff21\uff2e\uff2e\uff21"),  # fullwidth
        ("Stra\u00dfe", "STRASSE"),
        (
            "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2",
            "\u03a3\u038a\u03a3\u03a5\u03a6\u039f\u03a3",
        ),
    ],
)
def test_user_names_are_prepared_before_they_are_compared(
    strict: Client, name: str, same: str
) -> None:
    """RFC 7644 section 5: case, width and composition make no other name."""
    made = strict.create(userName=name, nickName=name)
    assert made["userName"] == name
    body = {"schemas": [CORE], "userName": same}
    refused(strict.send("POST", "/Users", body), 409, "uniqueness")
    for filter in (f'userName eq "{same}"', f'userName sw "{same[:2]}"', f'nickName eq "{same}"'):
        assert [one["id"] for one in accepted(strict.find(filter))["Resources"]] == [made["id"]]
    assert accepted(strict.put(made["id"], {"userName": same}))["userName"] == same


def test_external_ids_are_unique_and_exact(hr: Client) -> None:
    hr.create(userName="a", externalId="e1")
    hr.create(userName="b", externalId="E1")
    body = {"schemas": [CORE], "userName": "c", "externalId": "E1"}
    assert "externalId" in refused(hr.send("POST", "/Users", body), 409, "uniqueness")


class TestSeveralOfOneExternalId:
    """RFC 7643 section 3.1: its uniqueness is the client's business."""

    def test_are_taken_and_found(self, strict: Client) -> None:
        ids = [strict.create(userName=name, externalId="E1")["id"] for name in "abc"]
        other = strict.create(userName="d", externalId="e1")["id"]
        strict.create(userName="e")
        assert accepted(strict.put(other, {"userName": "d", "externalId": "E1"}))
        add = {"op": "add", "path": "externalId", "value": "E1"}
        assert accepted(strict.patch(ids[0], add, {"op": "add", "path": "title", "value": "x"}))
        everybody = [*ids, other]
        for more in ({}, {"sortBy": "externalId"}, {"sortBy": "externalId", "cursor": ""}):
            found = accepted(strict.find('externalId eq "E1"', **more))
            assert [one["id"] for one in found["Resources"]] == everybody
        second = accepted(strict.find('externalId eq "E1"', startIndex="2", count="1"))
        assert (second["totalResults"], second["Resources"][0]["id"]) == (4, ids[1])
        search = {"schemas": [SEARCH], "filter": 'externalId eq "E1"'}
        assert accepted(strict.send("POST", "/.search", search))["totalResults"] == 4
        strict.send("DELETE", f"/Users/{ids[0]}")
        assert accepted(strict.find('externalId eq "E1"'))["totalResults"] == 3

    def test_in_a_bulk_request(self, strict: Client) -> None:
        data = {"schemas": [CORE], "externalId": "E1"}
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": n, "data": {**data, "userName": n}}
            for n in "abc"
        ]
        answer = strict.send("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
        assert [one["status"] for one in accepted(answer)["Operations"]] == ["201"] * 3

    def test_not_where_people_are_joined_by_it(self, server: Server) -> None:
        """A source that is configured, `strict` or not."""
        client = server.client("workday", "strict")
        client.create(userName="a", externalId="E1")
        body = {"schemas": [CORE], "userName": "b", "externalId": "E1"}
        refused(client.send("POST", "/Users", body), 409, "uniqueness")

    def test_another_profile_of_the_same_source_minds(self, server: Server) -> None:
        strict, hr = server.client("store", "strict"), server.client("store", "hr")
        one = hr.create(userName="a", externalId="E1")["id"]
        two = strict.create(userName="b", externalId="E1")["id"]
        body = {"userName": "c", "externalId": "E1"}
        refused(hr.send("POST", "/Users", body), 409, "uniqueness")
        for client, title in ((hr, "x"), (strict, "y")):  # whoever has it keeps it
            for id in (one, two):
                add = {"op": "add", "path": "title", "value": title}
                assert accepted(client.patch(id, add))["externalId"] == "E1"


def test_an_external_id_is_not_empty(strict: Client, hr: Client) -> None:
    """RFC 7643 section 3.1."""
    body = {"schemas": [CORE], "userName": "a", "externalId": ""}
    refused(strict.send("POST", "/Users", body), 400, "invalidValue")
    id = strict.create(userName="a", externalId="E1")["id"]
    emptied = {"op": "replace", "path": "externalId", "value": ""}
    refused(strict.patch(id, emptied), 400, "invalidValue")
    assert "externalId" not in hr.create(userName="a", externalId="")


def test_a_change_cannot_take_anothers_key(hr: Client) -> None:
    hr.create(userName="a", externalId="E1")
    made = hr.create(userName="b", externalId="E2")
    refused(hr.put(made["id"], {"userName": "A"}), 409, "uniqueness")
    refused(
        hr.patch(made["id"], {"op": "replace", "path": "externalId", "value": "E1"}),
        409,
        "uniqueness",
    )
    assert accepted(hr.get(f"/Users/{made['id']}")) == made


def test_a_source_is_its_clients_whole_world(server: Server) -> None:
    one, other = server.client("workday", "hr"), server.client("sap", "hr")
    mine = one.create(userName="a", externalId="E1")
    theirs = other.create(userName="a", externalId="E1")
    assert mine["id"] != theirs["id"]
    refused(other.get(f"/Users/{mine['id']}"), 404)
    refused(other.put(mine["id"], {"userName": "x"}), 404)
    refused(other.patch(mine["id"], {"op": "remove", "path": "title"}), 404)
    refused(other.send("DELETE", f"/Users/{mine['id']}"), 404)
    found = other.find('userName eq "a"').get_json(force=True)
    assert [r["id"] for r in found["Resources"]] == [theirs["id"]]
    assert other.get("/Users").get_json(force=True)["totalResults"] == 1


class TestVersions:
    """RFC 7644 section 3.14."""

    def test_if_match(self, strict: Client) -> None:
        id = strict.create(userName="a")["id"]
        refused(strict.put(id, {"userName": "b"}, If_Match='W/"2"'), 412)
        op = {"op": "add", "path": "title", "value": "x"}
        refused(strict.patch(id, op, If_Match='"7", "8"'), 412)
        refused(strict.patch(id, op, If_Match="nonsense"), 412)
        refused(strict.send("DELETE", f"/Users/{id}", headers={"If-Match": 'W/"9"'}), 412)
        assert accepted(strict.put(id, {"userName": "b"}, If_Match='W/"1"'))["userName"] == "b"
        assert accepted(strict.patch(id, op, If_Match='"1", W/"2"'))["title"] == "x"
        assert strict.send("DELETE", f"/Users/{id}", headers={"If-Match": "*"}).status_code == 204

    def test_if_none_match(self, strict: Client) -> None:
        id = strict.create(userName="a")["id"]
        answer = strict.get(f"/Users/{id}", If_None_Match='W/"1"')
        assert (answer.status_code, answer.headers["ETag"]) == (304, 'W/"1"')
        assert strict.get(f"/Users/{id}", If_None_Match='W/"2"').status_code == 200
        assert strict.get(f"/Users/{id}", If_None_Match="*").status_code == 304


class TestProjection:
    """RFC 7644 section 3.9."""

    def make(self, client: Client) -> dict[str, object]:
        return client.create(
            userName="a",
            name={"givenName": "Zoë", "familyName": "Smith"},
            emails=[{"value": "z@norhaven.example", "type": "work"}],
            **{ENTERPRISE: {"department": "Optics", "division": "Engineering"}},
        )

    def test_attributes(self, strict: Client) -> None:
        made = self.make(strict)
        wanted = f"USERNAME,name.givenName,emails.value,{ENTERPRISE}:department,bogus"
        body = accepted(strict.get(f"/Users/{made['id']}?attributes={wanted}"))
        assert body == {
            "schemas": made["schemas"],
            "id": made["id"],
            "userName": "a",
            "name": {"givenName": "Zoë"},
            "emails": [{"value": "z@norhaven.example"}],
            ENTERPRISE: {"department": "Optics"},
        }

    def test_excluded_attributes(self, strict: Client) -> None:
        made = self.make(strict)
        unwanted = f"id,userName,name.givenName,emails,meta,{ENTERPRISE}"
        body = accepted(strict.get(f"/Users/{made['id']}?excludedAttributes={unwanted}"))
        assert body == {
            "schemas": made["schemas"],
            "id": made["id"],
            "name": {"familyName": "Smith"},
        }

    def test_both_at_once_are_refused(self, strict: Client) -> None:
        refused(strict.get("/Users?attributes=a&excludedAttributes=b"), 400, "invalidValue")

    def test_on_every_operation(self, strict: Client) -> None:
        answer = strict.send(
            "POST", "/Users?attributes=title", {"schemas": [CORE], "userName": "a", "title": "x"}
        )
        made = answer.get_json(force=True)
        assert made == {"schemas": [CORE], "id": made["id"], "title": "x"}
        where = f"/Users/{made['id']}?attributes=title"
        put = accepted(strict.send("PUT", where, {"schemas": [CORE], "userName": "a"}))
        assert put == {"schemas": [CORE], "id": made["id"]}
        found = strict.find('userName eq "a"', attributes="userName").get_json(force=True)
        assert found["Resources"] == [{"schemas": [CORE], "id": made["id"], "userName": "a"}]
