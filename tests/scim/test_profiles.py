"""What Entra ID, Okta and SAP's Identity Provisioning send, each under its own profile."""

from __future__ import annotations

from typing import Any

import pytest

from scim.profiles import HR, PROFILES, RIPPLING, SAP_IPS, STRICT
from scim_settings import PROFILES as NAMES
from tests.scim.conftest import CORE, ENTERPRISE, PATCH_OP, Client, Server, accepted, refused

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def patch(client: Client, path: str, *operations: Any) -> Any:
    return client.send("PATCH", path, {"schemas": [PATCH_OP], "Operations": list(operations)})


def test_settings_know_the_profiles() -> None:
    assert set(NAMES) == set(PROFILES)
    switches = {name: value for name, value in vars(STRICT).items() if name != "name"}
    assert not any(switches.values())
    assert {**vars(SAP_IPS), "name": "hr", "unique_groups": False} == vars(HR)
    assert {**vars(RIPPLING), "name": "hr"} == vars(HR)


class TestEntra:
    """reference: Entra's SCIM client as a caller, and its validator's rules."""

    @pytest.fixture
    def entra(self, server: Server) -> Client:
        return server.client("entra", "entra")

    @pytest.fixture
    def id(self, entra: Client) -> str:
        made = entra.create(
            userName="a@norhaven.example",
            externalId="a",
            active=True,
            emails=[{"value": "a@norhaven.example", "type": "work", "primary": True}],
        )
        return str(made["id"])

    def test_a_post_as_it_sends_it(self, entra: Client) -> None:
        body = {
            "schemas": [CORE, f"{ENTERPRISE[:-5]}User"],
            "externalId": "jyoung",
            "userName": "Test_User",
            "active": "True",
            "displayName": None,
            "emails": [{"type": "work", "value": "j@x.example", "primary": "true"}],
            "meta": {"resourceType": "User"},
            "roles": [],
            "bogus": {"x": 1},
            "name": {"formatted": "g f", "nick": "x"},
            f"{ENTERPRISE[:-5]}User": {"department": "Optics", "manager": "M1"},
        }
        answer = entra.send("POST", "/Users", body)
        made = answer.get_json(force=True)
        assert answer.status_code == 201, answer.text
        assert made["active"] is True
        assert made["emails"][0]["primary"] is True
        assert made[ENTERPRISE] == {"department": "Optics", "manager": {"value": "M1"}}
        assert made["name"] == {"formatted": "g f"}
        assert "bogus" not in made
        assert "roles" not in made
        refused(entra.send("POST", "/Users", body), 409, "uniqueness")

    def test_user_name_is_required(self, entra: Client) -> None:
        refused(entra.send("POST", "/Users", {"externalId": "x"}), 400, "invalidValue")

    def test_operations_of_the_old_form(self, entra: Client, id: str) -> None:
        body = accepted(
            patch(
                entra,
                f"/Users/{id}",
                {"op": "Replace", "path": "active", "value": "False"},
                {"op": "Add", "path": 'addresses[type eq "work"].locality', "value": "Berlin"},
                {"op": "Add", "path": 'addresses[type eq "work"].country', "value": "DE"},
                {"op": "Replace", "path": 'phoneNumbers[type eq "mobile"].value', "value": "1"},
                {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "M1"},
                {"op": "Add", "path": 'roles[primary eq "True"].value', "value": "r"},
                {"op": "Replace", "path": "bogus", "value": "x"},
                {"op": "Replace", "path": "urn:x:1.0:User:bogus", "value": "x"},
            )
        )
        assert body["active"] is False
        assert body["addresses"] == [{"type": "work", "locality": "Berlin", "country": "DE"}]
        assert body["phoneNumbers"] == [{"type": "mobile", "value": "1"}]
        assert body[ENTERPRISE]["manager"] == {"value": "M1"}
        assert body["roles"] == [{"primary": True, "value": "r"}]
        assert not {"bogus", "urn:x:1.0:User"} & body.keys()

    def test_values_wrapped_as_if_they_were_references(self, entra: Client, id: str) -> None:
        """Jobs of the form of 2017 send every value as a list of one object."""

        def wrapped(path: str, value: Any) -> dict[str, Any]:
            return {"op": "Replace", "path": path, "value": [{"$ref": None, "value": value}]}

        body = accepted(
            entra.patch(id, wrapped("active", "False"), wrapped("displayName", "Zoe"),
                        wrapped(f"{ENTERPRISE}:department", "Optics"))
        )  # fmt: skip
        assert (body["active"], body["displayName"]) == (False, "Zoe")
        assert body[ENTERPRISE]["department"] == "Optics"
        assert "displayName" not in accepted(entra.patch(id, wrapped("displayName", "")))
        more = {"op": "Replace", "path": "title", "value": {"value": "x", "type": "y"}}
        refused(entra.patch(id, more), 400, "invalidValue")

    def test_one_operation_of_many_paths(self, entra: Client, id: str) -> None:
        """The form of `aadOptscim062020`."""
        value = {
            "displayName": "Bjfe",
            "name.givenName": "Kiera",
            "name.formatted": "Kiera F",
            f"{ENTERPRISE}:department": "Optics",
        }
        body = accepted(patch(entra, f"/Users/{id}", {"op": "replace", "value": value}))
        assert body["name"] == {"givenName": "Kiera", "formatted": "Kiera F"}
        assert body[ENTERPRISE] == {"department": "Optics"}

    @pytest.mark.parametrize("value", [{"value": ""}, "", None])
    def test_no_manager(self, entra: Client, id: str, value: Any) -> None:
        path = f"{ENTERPRISE}:manager"
        patch(entra, f"/Users/{id}", {"op": "Add", "path": path, "value": "M1"})
        operation = {"op": "Replace", "path": path, "value": value}
        assert ENTERPRISE not in accepted(patch(entra, f"/Users/{id}", operation))

    def test_filters(self, entra: Client, id: str) -> None:
        for filter in (
            "externalId eq a",
            'userName eq "A@norhaven.example"',
            f"id eq {id} and active eq true",
            'emails[type eq "work"].value eq "a@norhaven.example"',
        ):
            found = accepted(entra.find(filter))
            assert [one["id"] for one in found["Resources"]] == [id], filter
        nobody = accepted(entra.find('userName eq "2819c223-7f76-453a-919d-413861904646"'))
        assert (nobody["totalResults"], nobody["Resources"]) == (0, [])
        assert accepted(entra.find('bogus eq "x"'))["totalResults"] == 0
        patch(entra, f"/Users/{id}", {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "M"})
        manager = f'id eq "{id}" and {ENTERPRISE}:manager eq "M"'
        assert accepted(entra.find(manager, attributes="id"))["totalResults"] == 1

    def test_disabled_users_stay_visible(self, entra: Client, id: str) -> None:
        patch(entra, f"/Users/{id}", {"op": "Replace", "path": "active", "value": "False"})
        assert accepted(entra.get(f"/Users/{id}"))["active"] is False
        assert accepted(entra.find('externalId eq "a"'))["totalResults"] == 1

    def test_groups(self, entra: Client, id: str) -> None:
        body = {
            "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
            "externalId": "g1",
            "displayName": "Tour Guides",
            "meta": {"resourceType": "Group"},
        }  # fmt: skip
        made = entra.send("POST", "/Groups", body)
        assert made.status_code == 201
        refused(entra.send("POST", "/Groups", {**body, "externalId": "g2"}), 409, "uniqueness")
        where = f"/Groups/{made.get_json(force=True)['id']}"
        add = {"op": "Add", "path": "members", "value": [{"$ref": None, "value": id}]}
        answer = patch(entra, where, add)
        assert (answer.status_code, answer.data) == (204, b"")
        assert len(accepted(entra.get(where))["members"]) == 1
        brief = accepted(entra.get(f"{where}?excludedAttributes=members"))
        assert "members" not in brief
        found = accepted(
            entra.get('/Groups?excludedAttributes=members&filter=displayName eq "tour guides"')
        )
        assert [one.get("members") for one in found["Resources"]] == [None]
        remove = {"op": "Remove", "path": "members", "value": [{"value": id}]}
        assert patch(entra, where, remove).status_code == 204
        assert "members" not in accepted(entra.get(where))
        rename = {"op": "Replace", "path": "displayName", "value": "Guides"}
        assert patch(entra, where, rename).status_code == 204

    def test_removing_one_of_two_members_keeps_the_other(self, entra: Client, id: str) -> None:
        other = entra.create(userName="b")["id"]
        body = {"displayName": "g", "members": [{"value": id}, {"value": other}]}
        where = f"/Groups/{entra.send('POST', '/Groups', body).get_json(force=True)['id']}"
        patch(entra, where, {"op": "Remove", "path": "members", "value": [{"value": id}]})
        assert [one["value"] for one in accepted(entra.get(where))["members"]] == [other]


class TestOkta:
    @pytest.fixture
    def okta(self, server: Server) -> Client:
        return server.client("okta", "okta")

    def test_its_life_of_a_user(self, okta: Client) -> None:
        assert accepted(okta.find('userName eq "a@x.example"', startIndex="1", count="100"))[
            "totalResults"
        ] == 0  # fmt: skip
        body = {
            "schemas": [CORE],
            "userName": "a@x.example",
            "name": {"givenName": "A", "familyName": "B"},
            "emails": [{"primary": True, "value": "a@x.example", "type": "work"}],
            "displayName": "A B",
            "locale": "en-US",
            "externalId": "00ujl29u0le5T6Aj10h7",
            "groups": [],
            "password": "1mz050nq",
            "active": True,
        }
        made = okta.send("POST", "/Users", body).get_json(force=True)
        assert "password" not in made
        where = f"/Users/{made['id']}"
        put = accepted(okta.send("PUT", where, {**made, "nickName": "x", "shoeSize": 4}))
        assert put["nickName"] == "x"
        assert "shoeSize" not in put
        off = {"op": "replace", "value": {"active": False}}
        assert accepted(patch(okta, where, off))["active"] is False
        refused(okta.send("POST", "/Users", body), 409, "uniqueness")
        refused(okta.get("/Users/2819c223-7f76-453a-919d-413861904646"), 404)

    def test_its_pushed_groups(self, okta: Client) -> None:
        user = okta.create(userName="a")["id"]
        body = {"schemas": [GROUP], "displayName": "g", "members": []}
        id = okta.send("POST", "/Groups", body).get_json(force=True)["id"]
        rename = {"op": "replace", "value": {"id": id, "displayName": "h"}}
        assert accepted(patch(okta, f"/Groups/{id}", rename))["displayName"] == "h"
        members = {"op": "replace", "path": "members", "value": [{"value": user, "display": "a"}]}
        assert len(accepted(patch(okta, f"/Groups/{id}", members))["members"]) == 1
        assert okta.send("POST", "/Groups", {**body, "displayName": "h"}).status_code == 201


class TestIdentityProvisioning:
    """SAP IPS: POST, on 409 filter and PUT; groups; any If-Match."""

    def test_conflict_and_replace(self, server: Server) -> None:
        ips = server.client("successfactors", "sap-ips")
        any_match = {"If-Match": "*"}
        made = ips.create(userName="w", externalId="1", active=True)
        refused(ips.send("POST", "/Users", {"userName": "w"}), 409, "uniqueness")
        found = accepted(ips.find('emails[0].value eq "x" or userName eq "w"'))["Resources"]
        put = {"id": found[0]["id"], "active": False}
        answer = ips.send("PUT", f"/Users/{made['id']}", put, any_match)
        assert accepted(answer)["userName"] == "w"
        group = {"displayName": "g", "members": [{"value": made["id"]}]}
        id = ips.send("POST", "/Groups", group).get_json(force=True)["id"]
        changed = ips.send("PUT", f"/Groups/{id}", {"displayName": "g", "members": []}, any_match)
        assert "members" not in accepted(changed)


def test_a_typo_in_a_urn_means_the_real_one_in_paths_too(server: Server) -> None:
    entra = server.client("entra", "entra")
    id = entra.create(userName="a")["id"]
    path = f"{ENTERPRISE[:-5]}User:department"
    body = accepted(patch(entra, f"/Users/{id}", {"op": "Add", "path": path, "value": "Optics"}))
    assert body[ENTERPRISE] == {"department": "Optics"}
