"""The examples of RFC 7644, section by section, as a client would send them.

What the RFC cuts short for print ("...") is written out, ids are those of real resources.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.scim.conftest import BASE, CORE, ENTERPRISE, PATCH_OP, Client, Server, accepted, refused

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
GONE = "2819c223-7f76-453a-919d-413861904646"

BJENSEN: dict[str, Any] = {
    "schemas": [CORE],
    "userName": "bjensen",
    "externalId": "bjensen",
    "name": {
        "formatted": "Ms. Barbara J Jensen III",
        "familyName": "Jensen",
        "givenName": "Barbara",
    },
}


@pytest.fixture
def bjensen(strict: Client) -> dict[str, Any]:
    return strict.create(
        **{k: v for k, v in BJENSEN.items() if k != "schemas"},
        title="Tour Guide",
        userType="Employee",
        emails=[
            {"value": "bjensen@example.com", "type": "work", "primary": True},
            {"value": "babs@jensen.org", "type": "home"},
        ],
        addresses=[{"type": "work", "streetAddress": "100 Universal City Plaza"}],
    )


@pytest.fixture
def jsmith(strict: Client) -> dict[str, Any]:
    return strict.create(userName="jsmith", displayName="Smith, James")


@pytest.fixture
def guides(strict: Client, bjensen: dict[str, Any]) -> dict[str, Any]:
    body = {
        "schemas": [GROUP],
        "displayName": "Tour Guides",
        "members": [{"value": bjensen["id"], "display": "Babs Jensen"}],
    }
    return strict.send("POST", "/Groups", body).get_json(force=True)  # type: ignore[no-any-return]


def patch(client: Client, path: str, *operations: Any, **headers: str) -> Any:
    body = {"schemas": [PATCH_OP], "Operations": list(operations)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.send("PATCH", path, body, named)


def ids(body: dict[str, Any], name: str = "Resources", key: str = "id") -> list[str]:
    return [one[key] for one in body.get(name, [])]


def test_3_3_creating_a_resource(strict: Client) -> None:
    answer = strict.send("POST", "/Users", BJENSEN)
    assert answer.status_code == 201
    body = answer.get_json(force=True)
    where = f"{BASE}/scim/v2/Users/{body['id']}"
    assert answer.headers["Location"] == where == body["meta"]["location"]
    assert answer.headers["ETag"] == body["meta"]["version"]
    assert body["meta"]["created"] == body["meta"]["lastModified"]
    assert body["meta"]["resourceType"] == "User"
    assert {k: body[k] for k in BJENSEN} == BJENSEN


def test_3_4_1_retrieving_a_known_resource(strict: Client, bjensen: dict[str, Any]) -> None:
    answer = strict.get(f"/Users/{bjensen['id']}")
    assert accepted(answer) == bjensen
    assert answer.headers["ETag"] == bjensen["meta"]["version"]


def test_3_4_2_the_user_names_of_all_users(
    strict: Client, bjensen: dict[str, Any], jsmith: dict[str, Any]
) -> None:
    body = accepted(strict.get("/Users?attributes=userName"))
    assert (body["schemas"], body["totalResults"]) == ([LIST], 2)
    assert body["Resources"] == [
        {"schemas": [CORE], "id": bjensen["id"], "userName": "bjensen"},
        {"schemas": [CORE], "id": jsmith["id"], "userName": "jsmith"},
    ]


def test_3_4_2_1_one_type_of_all(strict: Client, guides: dict[str, Any]) -> None:
    filter = '(meta.resourceType eq "User") or (meta.resourceType eq "Group")'
    body = {"schemas": [SEARCH], "filter": filter}
    assert accepted(strict.send("POST", "/.search", body))["totalResults"] == 2
    body["filter"] = 'meta.resourceType eq "Group"'
    assert ids(accepted(strict.send("POST", "/.search", body))) == [guides["id"]]


def test_3_4_2_1_words_without_quotes_as_entra_and_the_rfc_write_them(server: Server) -> None:
    entra = server.client("entra", "entra")
    entra.create(userName="a")
    filter = "(meta.resourceType eq User) or (meta.resourceType eq Group)"
    body = {"schemas": [SEARCH], "filter": filter}
    assert accepted(entra.send("POST", "/.search", body))["totalResults"] == 1


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ('userName eq "bjensen"', True),
        ('userName Eq "john"', False),
        ('Username eq "bjensen"', True),
        ('name.familyName co "O\'Malley"', False),
        ('userName sw "J"', False),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"', False),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName sw "B"', True),
        ("title pr", True),
        ('meta.lastModified gt "2011-05-13T04:42:34Z"', True),
        ('meta.lastModified ge "2011-05-13T04:42:34Z"', True),
        ('meta.lastModified lt "2011-05-13T04:42:34Z"', False),
        ('meta.lastModified le "2011-05-13T04:42:34Z"', False),
        ('title pr and userType eq "Employee"', True),
        ('title pr or userType eq "Intern"', True),
        (f'schemas eq "{ENTERPRISE}"', False),
        ('userType eq "Employee" and (emails co "example.com" or emails.value co "x.org")', True),
        ('userType ne "Employee" and not (emails co "e.com" or emails.value co "x.org")', False),
        ('userType eq "Employee" and (emails.type eq "work")', True),
        ('userType eq "Employee" and emails[type eq "work" and value co "@example.com"]', True),
        ('emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and '
         'value co "@foo.com"]', True),
    ],
)  # fmt: skip
def test_3_4_2_2_filters(strict: Client, bjensen: dict[str, Any], filter: str, found: bool) -> None:
    assert ids(accepted(strict.find(filter))) == ([bjensen["id"]] if found else [])


def test_3_4_2_2_an_operator_that_is_none(strict: Client) -> None:
    refused(strict.find('userName regex ".*"'), 400, "invalidFilter")


def test_3_4_2_3_sorting(strict: Client, bjensen: dict[str, Any], jsmith: dict[str, Any]) -> None:
    body = accepted(strict.get("/Users?sortBy=name.givenName&sortOrder=descending"))
    assert ids(body) == [jsmith["id"], bjensen["id"]]  # who has none comes first


def test_3_4_2_4_pages(strict: Client) -> None:
    made = [strict.create(userName=f"u{number:03d}")["id"] for number in range(25)]
    body = accepted(strict.get("/Users?startIndex=1&count=10"))
    assert (body["totalResults"], body["itemsPerPage"], body["startIndex"]) == (25, 10, 1)
    assert ids(body) == made[:10]
    assert ids(accepted(strict.get("/Users?startIndex=11&count=10"))) == made[10:20]


def test_3_4_3_querying_by_post(
    strict: Client, bjensen: dict[str, Any], jsmith: dict[str, Any]
) -> None:
    group = strict.send("POST", "/Groups", {"schemas": [GROUP], "displayName": "Smith Family"})
    body = {
        "schemas": [SEARCH],
        "attributes": ["displayName", "userName"],
        "filter": 'displayName sw "smith"',
        "startIndex": 1,
        "count": 10,
    }
    found = accepted(strict.send("POST", "/.search", body))
    assert found["totalResults"] == 2
    assert {one["id"]: one for one in found["Resources"]} == {
        jsmith["id"]: {
            "schemas": [CORE],
            "id": jsmith["id"],
            "userName": "jsmith",
            "displayName": "Smith, James",
        },
        group.get_json(force=True)["id"]: {
            "schemas": [GROUP],
            "id": group.get_json(force=True)["id"],
            "displayName": "Smith Family",
        },
    }


def test_3_5_1_replacing_with_put(strict: Client, bjensen: dict[str, Any]) -> None:
    body = {
        **BJENSEN,
        "id": bjensen["id"],
        "name": {**BJENSEN["name"], "middleName": "Jane"},
        "roles": [],
        "emails": [{"value": "bjensen@example.com"}, {"value": "babs@jensen.org"}],
    }
    answer = strict.put(bjensen["id"], body, If_Match=bjensen["meta"]["version"])
    found = accepted(answer)
    assert found["emails"] == body["emails"]
    assert found["name"]["middleName"] == "Jane"
    assert not {"title", "roles", "addresses"} & found.keys()
    assert answer.headers["ETag"] == found["meta"]["version"] != bjensen["meta"]["version"]


class TestPatch:
    @pytest.mark.parametrize(
        "path",
        [
            "members",
            "name.familyName",
            'addresses[type eq "work"]',
            'members[value eq "2819c223-7f76-453a-919d-413861904646"]',
            'members[value eq "2819c223-7f76-453a-919d-413861904646"].displayName',
        ],
    )
    def test_3_5_2_paths(
        self, strict: Client, bjensen: dict[str, Any], guides: dict[str, Any], path: str
    ) -> None:
        """Each is a path, if not always to something (figure 8)."""
        where = (
            f"/Groups/{guides['id']}" if path.startswith("members") else f"/Users/{bjensen['id']}"
        )
        answer = patch(strict, where, {"op": "remove", "path": path})
        expected = (400, "invalidPath") if path.endswith("displayName") else (200, None)
        assert (answer.status_code, answer.get_json(force=True).get("scimType")) == expected

    def test_3_5_2_a_urn_adds_its_schema(self, strict: Client, bjensen: dict[str, Any]) -> None:
        operation = {"op": "add", "path": f"{ENTERPRISE}:employeeNumber", "value": "701984"}
        body = accepted(patch(strict, f"/Users/{bjensen['id']}", operation))
        assert body["schemas"] == [CORE, ENTERPRISE]

    def test_3_5_2_1_adding_a_member(
        self, strict: Client, guides: dict[str, Any], jsmith: dict[str, Any]
    ) -> None:
        value = {
            "display": "James Smith",
            "$ref": f"https://example.com/v2/Users/{jsmith['id']}",
            "value": jsmith["id"],
        }
        operation = {"op": "add", "path": "members", "value": [value]}
        where = f"/Groups/{guides['id']}"
        body = accepted(patch(strict, where, operation, If_Match=guides["meta"]["version"]))
        added = body["members"][1]
        assert (added["value"], added["display"], added["type"]) == (
            jsmith["id"], "James Smith", "User",
        )  # fmt: skip
        again = patch(strict, where, operation)
        assert accepted(again) == body

    def test_3_5_2_1_adding_without_a_path(self, strict: Client, bjensen: dict[str, Any]) -> None:
        value = {"emails": [{"value": "b@jensen.org", "type": "home"}], "nickname": "Babs"}
        operation = {"op": "add", "value": value}
        body = accepted(patch(strict, f"/Users/{bjensen['id']}", operation))
        assert body["emails"] == [*bjensen["emails"], value["emails"][0]]  # type: ignore[index]
        assert body["nickName"] == "Babs"

    def test_3_5_2_2_removing_one_member(
        self, strict: Client, guides: dict[str, Any], bjensen: dict[str, Any]
    ) -> None:
        where = f"/Groups/{guides['id']}"
        operation = {"op": "remove", "path": f'members[value eq "{bjensen["id"]}"]'}
        assert "members" not in accepted(patch(strict, where, operation))
        # "If the user was not a member of this group, no changes should be made"
        answer = patch(strict, where, operation)
        assert accepted(answer)["meta"]["version"] == 'W/"2"'

    def test_3_5_2_2_removing_all_members(self, strict: Client, guides: dict[str, Any]) -> None:
        operation = {"op": "remove", "path": "members"}
        assert "members" not in accepted(patch(strict, f"/Groups/{guides['id']}", operation))

    def test_3_5_2_2_removing_a_value(self, strict: Client, bjensen: dict[str, Any]) -> None:
        path = 'emails[type eq "work" and value ew "example.com"]'
        body = accepted(patch(strict, f"/Users/{bjensen['id']}", {"op": "remove", "path": path}))
        assert ids(body, "emails", "value") == ["babs@jensen.org"]

    def test_3_5_2_2_removing_and_adding(
        self,
        strict: Client,
        guides: dict[str, Any],
        bjensen: dict[str, Any],
        jsmith: dict[str, Any],
    ) -> None:
        """The RFC writes this filter without a blank behind `eq`."""
        operations = (
            {"op": "remove", "path": f'members[value eq"{bjensen["id"]}"]'},
            {"op": "add", "path": "members", "value": [{"value": jsmith["id"]}]},
        )
        body = accepted(patch(strict, f"/Groups/{guides['id']}", *operations))
        assert ids(body, "members", "value") == [jsmith["id"]]

    @pytest.mark.parametrize("op", ["replace", "remove and add"])
    def test_3_5_2_replacing_all_members(
        self,
        strict: Client,
        guides: dict[str, Any],
        bjensen: dict[str, Any],
        jsmith: dict[str, Any],
        op: str,
    ) -> None:
        value = [{"value": jsmith["id"]}, {"value": bjensen["id"], "display": "Babs Jensen"}]
        operations = [{"op": "replace", "path": "members", "value": value}]
        if op != "replace":
            operations = [
                {"op": "remove", "path": "members"},
                {"op": "add", "path": "members", "value": value},
            ]
        body = accepted(patch(strict, f"/Groups/{guides['id']}", *operations))
        assert set(ids(body, "members", "value")) == {jsmith["id"], bjensen["id"]}

    def test_3_5_2_3_replacing_an_address(self, strict: Client, bjensen: dict[str, Any]) -> None:
        value = {
            "type": "work",
            "streetAddress": "911 Universal City Plaza",
            "locality": "Hollywood",
            "region": "CA",
            "postalCode": "91608",
            "country": "US",
            "formatted": "911 Universal City Plaza\nHollywood, CA 91608 US",
            "primary": True,
        }
        operation = {"op": "replace", "path": 'addresses[type eq "work"]', "value": value}
        body = accepted(patch(strict, f"/Users/{bjensen['id']}", operation))
        assert body["addresses"] == [value]

    def test_3_5_2_3_replacing_a_part_of_it(self, strict: Client, bjensen: dict[str, Any]) -> None:
        path = 'addresses[type eq "work"].streetAddress'
        operation = {"op": "replace", "path": path, "value": "1010 Broadway Ave"}
        body = accepted(patch(strict, f"/Users/{bjensen['id']}", operation))
        assert body["addresses"] == [{"type": "work", "streetAddress": "1010 Broadway Ave"}]

    def test_3_5_2_3_replacing_without_a_path(
        self, strict: Client, bjensen: dict[str, Any]
    ) -> None:
        emails = [
            {"value": "bjensen@example.com", "type": "work", "primary": True},
            {"value": "babs@jensen.org", "type": "home"},
        ]
        operation = {"op": "replace", "value": {"emails": emails, "nickname": "Babs"}}
        body = accepted(patch(strict, f"/Users/{bjensen['id']}", operation))
        assert (body["emails"], body["nickName"]) == (emails, "Babs")


def test_3_6_deleting(strict: Client, bjensen: dict[str, Any]) -> None:
    where = f"/Users/{bjensen['id']}"
    answer = strict.send("DELETE", where, headers={"If-Match": bjensen["meta"]["version"]})
    assert (answer.status_code, answer.data) == (204, b"")
    refused(strict.get(where), 404)
    assert strict.send("POST", "/Users", BJENSEN).status_code == 201  # its userName is free


class TestBulk:
    def send(self, client: Client, *operations: Any, **more: Any) -> list[dict[str, Any]]:
        body = {"schemas": [BULK], "Operations": list(operations), **more}
        return list(accepted(client.send("POST", "/Bulk", body))["Operations"])

    def group(self, bulk_id: str, name: str, **member: Any) -> dict[str, Any]:
        data = {"schemas": [GROUP], "displayName": name, "members": [member]}
        return {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data}

    def test_3_7_1_circular_references(self, strict: Client) -> None:
        entries = self.send(
            strict,
            self.group("qwerty", "Group A", type="Group", value="bulkId:ytrewq"),
            self.group("ytrewq", "Group B", type="Group", value="bulkId:qwerty"),
        )
        assert [entry["status"] for entry in entries] == ["201", "201"]
        a, b = (entry["location"].rpartition("/")[2] for entry in entries)
        for one, other in ((a, b), (b, a)):
            assert accepted(strict.get(f"/Groups/{one}"))["members"] == [
                {"value": other, "$ref": f"{BASE}/scim/v2/Groups/{other}", "type": "Group"}
            ]

    def test_3_7_2_a_user_and_a_group_with_it(self, strict: Client) -> None:
        alice = {"schemas": [CORE], "userName": "Alice"}
        entries = self.send(
            strict,
            {"method": "POST", "path": "/Users", "bulkId": "qwerty", "data": alice},
            self.group("ytrewq", "Tour Guides", type="User", value="bulkId:qwerty"),
        )
        assert [(one["bulkId"], one["status"]) for one in entries] == [
            ("qwerty", "201"), ("ytrewq", "201"),
        ]  # fmt: skip
        user = entries[0]["location"].rpartition("/")[2]
        group = accepted(strict.get(f"/Groups/{entries[1]['location'].rpartition('/')[2]}"))
        assert ids(group, "members", "value") == [user]

    def test_3_7_2_a_reference_to_a_manager(self, strict: Client) -> None:
        entries = self.send(
            strict,
            {"method": "POST", "path": "/Users", "bulkId": "1",
             "data": {"schemas": [CORE], "userName": "boss"}},
            {"method": "POST", "path": "/Users", "bulkId": "2",
             "data": {"schemas": [CORE, ENTERPRISE], "userName": "x",
                      ENTERPRISE: {"manager": {"value": "bulkId:1"}}}},
        )  # fmt: skip
        user = accepted(strict.get(f"/Users/{entries[1]['location'].rpartition('/')[2]}"))
        assert user[ENTERPRISE]["manager"]["value"] == entries[0]["location"].rpartition("/")[2]

    def four(self, strict: Client) -> list[dict[str, Any]]:
        bob, dave = strict.create(userName="Bob"), strict.create(userName="Dave")
        kim = strict.create(userName="Kim")
        return [
            {"method": "POST", "path": "/Users", "bulkId": "qwerty",
             "data": {"schemas": [CORE], "userName": "Alice"}},
            {"method": "PUT", "path": f"/Users/{bob['id']}", "version": bob["meta"]["version"],
             "data": {"schemas": [CORE], "id": bob["id"], "userName": "Robert"}},
            {"method": "PATCH", "path": f"/Users/{dave['id']}", "version": 'W/"1"',
             "data": {"schemas": [PATCH_OP], "Operations": [
                 {"op": "remove", "path": "nickName"},
                 {"op": "add", "path": "userName", "value": "Dave2"}]}},
            {"method": "DELETE", "path": f"/Users/{kim['id']}", "version": kim["meta"]["version"]},
        ]  # fmt: skip

    def test_3_7_3_multiple_operations(self, strict: Client) -> None:
        entries = self.send(strict, *self.four(strict), failOnErrors=1)
        assert [(one["method"], one["status"]) for one in entries] == [
            ("POST", "201"), ("PUT", "200"), ("PATCH", "200"), ("DELETE", "204"),
        ]  # fmt: skip
        assert all(one["location"].startswith(f"{BASE}/scim/v2/Users/") for one in entries)
        assert entries[0]["bulkId"] == "qwerty"
        assert [one.get("version") for one in entries] == ['W/"1"', 'W/"2"', 'W/"2"', None]

    @pytest.mark.parametrize("wrapped", [False, True])
    def test_3_7_3_a_patch_as_the_example_has_it(
        self, strict: Client, bjensen: dict[str, Any], wrapped: bool
    ) -> None:
        """Only the list of operations, with or without what it is called."""
        listed = [
            {"op": "remove", "path": "nickName"},
            {"op": "add", "path": "title", "value": "x"},
        ]
        operation = {"method": "PATCH", "path": f"/Users/{bjensen['id']}"}
        [entry] = self.send(
            strict, {**operation, "data": {"Operations": listed} if wrapped else listed}
        )
        assert entry["status"] == "200"
        assert accepted(strict.get(f"/Users/{bjensen['id']}"))["title"] == "x"
        for wrong in ({"schemas": [CORE], "Operations": listed}, [], {}, "x"):
            [entry] = self.send(strict, {**operation, "data": wrong})
            assert entry["status"] == "400"

    def test_3_7_3_an_error_ends_it(self, strict: Client) -> None:
        operations = self.four(strict)
        operations[0]["data"]["userName"] = ""
        entries = self.send(strict, *operations, failOnErrors=1)
        assert len(entries) == 1
        assert entries[0]["status"] == "400"
        assert entries[0]["response"]["scimType"] == "invalidValue"

    def test_3_7_3_errors_beside_successes(self, strict: Client) -> None:
        operations = self.four(strict)
        operations[0]["data"]["userName"] = ""
        operations[1]["version"] = 'W/"7"'
        operations[3]["path"] = f"/Users/{GONE}"
        entries = self.send(strict, *operations)
        assert [one["status"] for one in entries] == ["400", "412", "200", "404"]
        for entry in entries:
            if entry["status"] != "200":
                assert entry["response"]["status"] == entry["status"]

    def test_3_7_4_too_large(self, strict: Client) -> None:
        answer = strict.send("POST", "/Bulk", b" " * ((1 << 20) + 1))
        assert "maxPayloadSize (1048576)" in refused(answer, 413)


def test_3_8_a_format_in_the_address(strict: Client, bjensen: dict[str, Any]) -> None:
    assert accepted(strict.get(f"/Users/{bjensen['id']}.scim")) == bjensen


@pytest.mark.parametrize("accept", ["application/scim+json", "application/json", "*/*"])
def test_3_8_formats(strict: Client, bjensen: dict[str, Any], accept: str) -> None:
    assert accepted(strict.get(f"/Users/{bjensen['id']}", Accept=accept)) == bjensen


def test_3_9_one_attribute(strict: Client, bjensen: dict[str, Any]) -> None:
    answer = strict.get(f"/Users/{bjensen['id']}?attributes=userName")
    assert accepted(answer) == {"schemas": [CORE], "id": bjensen["id"], "userName": "bjensen"}
    assert answer.headers["Location"] == bjensen["meta"]["location"]
    assert answer.headers["ETag"] == bjensen["meta"]["version"]


def test_3_10_names_with_their_schema(strict: Client, bjensen: dict[str, Any]) -> None:
    wanted = f"{CORE}:userName,{CORE.upper()}:NAME.GivenName"
    body = accepted(strict.get(f"/Users/{bjensen['id']}?attributes={wanted}"))
    assert (body["userName"], body["name"]) == ("bjensen", {"givenName": "Barbara"})


def test_3_11_me(server: Server, strict: Client, bjensen: dict[str, Any]) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        refused(strict.send(method, "/Me", {}), 501)
    me = server.client("conformance", "strict", subject=bjensen["id"])
    answer = me.get("/Me")
    assert accepted(answer) == bjensen
    assert answer.headers["Location"] == bjensen["meta"]["location"]
    assert accepted(me.get("/Me?attributes=title")).keys() == {"schemas", "id", "title"}
    operation = {"op": "add", "path": "nickName", "value": "Babs"}
    assert accepted(patch(me, "/Me", operation))["nickName"] == "Babs"
    body = accepted(me.send("PUT", "/Me", BJENSEN))
    assert "nickName" not in body
    refused(me.send("POST", "/Me", BJENSEN), 409, "uniqueness")
    assert me.send("DELETE", "/Me").status_code == 204
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):  # section 3.6: as at its own address
        refused(me.send(method, "/Me", BJENSEN), 404)


def test_3_12_errors(strict: Client, bjensen: dict[str, Any]) -> None:
    assert strict.get(f"/Users/{GONE}").get_json(force=True) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "404",
        "detail": f"User '{GONE}' is not here.",
    }
    operation = {"op": "replace", "path": "id", "value": "x"}
    refused(patch(strict, f"/Users/{bjensen['id']}", operation), 400, "mutability")


def test_3_14_versions(strict: Client) -> None:
    answer = strict.send("POST", "/Users", BJENSEN)
    tag, body = answer.headers["ETag"], answer.get_json(force=True)
    assert body["meta"]["version"] == tag
    where = f"/Users/{body['id']}"
    unchanged = strict.get(f"{where}?attributes=displayName", If_None_Match=tag)
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert unchanged.headers["ETag"] == tag
    changed = strict.put(body["id"], {**BJENSEN, "title": "x"}, If_Match=tag)
    assert changed.headers["ETag"] != tag
    assert strict.get(where, If_None_Match=tag).status_code == 200
    refused(strict.put(body["id"], BJENSEN, If_Match=tag), 412)
    refused(strict.put(body["id"], BJENSEN, If_None_Match="*"), 412)
    refused(strict.get(where, If_Match=tag), 412)
    assert accepted(strict.get(where, If_Match=changed.headers["ETag"]))["title"] == "x"


def test_4_the_resource_types(strict: Client) -> None:
    body = accepted(strict.get("/ResourceTypes"))
    assert body["schemas"] == [LIST]
    by_id = {one["id"]: one for one in body["Resources"]}
    assert by_id["User"]["schemaExtensions"] == [{"schema": ENTERPRISE, "required": False}]
    assert by_id["Group"]["endpoint"] == "/Groups"
    assert by_id["Group"]["meta"] == {
        "location": f"{BASE}/scim/v2/ResourceTypes/Group",
        "resourceType": "ResourceType",
    }
    refused(strict.get("/ResourceTypes?filter=id%20pr"), 403)
