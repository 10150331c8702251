"""Okta and Rippling as pushers, each under its profile, down to the accounts."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from tests.hr.gate import Gate, created
from tests.scim.conftest import CORE, ENTERPRISE, PATCH_OP, Client, accepted, refused

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def patch(client: Client, path: str, *operations: Any) -> Any:
    return client.send("PATCH", path, {"schemas": [PATCH_OP], "Operations": list(operations)})


class TestOkta:
    """It looks a user up by name, makes it or takes it over, PUTs the whole of it, and says
    active=false for who is unassigned; it never deletes."""

    USER: ClassVar[dict[str, Any]] = {
        "schemas": [CORE, ENTERPRISE],
        "userName": "ada.berg@norhaven.example",
        "name": {"givenName": "Ada", "familyName": "Berg"},
        "emails": [{"primary": True, "value": "ada.berg@norhaven.example", "type": "work"}],
        "displayName": "Ada Berg",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
        ENTERPRISE: {"employeeNumber": "E1", "department": "Optics"},
    }

    @pytest.fixture
    def okta(self, gate: Gate) -> Client:
        return gate.client("okta")

    def test_a_working_life(self, gate: Gate, okta: Client) -> None:
        name = 'userName eq "ada.berg@norhaven.example"'
        assert accepted(okta.find(name, startIndex="1", count="100"))["totalResults"] == 0
        id = created(okta.send("POST", "/Users", self.USER))
        refused(okta.send("POST", "/Users", self.USER), 409, "uniqueness")
        gate.settle()
        account = gate.accounts()["E1"]
        assert account.enabled
        assert account.attributes["department"] == "Optics"
        assert "password" not in accepted(okta.get(f"/Users/{id}"))
        held = accepted(okta.get(f"/Users/{id}"))
        accepted(okta.send("PUT", f"/Users/{id}", {**held, "title": "Clerk"}))
        gate.settle()
        assert gate.accounts()["E1"].attributes["title"] == "Clerk"
        off = {"op": "replace", "value": {"active": False}}
        assert accepted(patch(okta, f"/Users/{id}", off))["active"] is False
        gate.settle()
        assert not gate.accounts()["E1"].enabled
        accepted(okta.send("PUT", f"/Users/{id}", {**held, "active": True}))
        gate.settle()
        assert gate.accounts()["E1"].enabled
        accepted(okta.send("PUT", f"/Users/{id}", {**held, "active": False}))
        gate.settle()
        assert not gate.accounts()["E1"].enabled

    def test_its_own_id_is_no_employee_number(self, gate: Gate, okta: Client) -> None:
        """20 characters do not fit: map employeeNumber."""
        body = {key: value for key, value in self.USER.items() if key != ENTERPRISE}
        created(okta.send("POST", "/Users", body))
        gate.settle()
        assert gate.accounts() == {}
        (why,) = gate.problems()
        assert "employeeID" in why

    def test_a_manager_by_number(self, gate: Gate, okta: Client) -> None:
        created(okta.send("POST", "/Users", self.USER))
        report = {
            **self.USER,
            "userName": "eva.lund@norhaven.example",
            "externalId": "00u2",
            "emails": [],
            ENTERPRISE: {"employeeNumber": "E2", "manager": {"value": "E1", "displayName": "Ada"}},
        }
        created(okta.send("POST", "/Users", report))
        gate.settle()
        assert gate.manager("E2") == "E1"

    def test_pushed_groups(self, gate: Gate, okta: Client) -> None:
        id = created(okta.send("POST", "/Users", self.USER))
        made = okta.send("POST", "/Groups", {"schemas": [GROUP], "displayName": "Optics"})
        where = f"/Groups/{created(made)}"
        member = {"op": "add", "path": "members", "value": [{"value": id, "display": "Ada"}]}
        assert len(accepted(patch(okta, where, member))["members"]) == 1
        assert accepted(okta.get(f"/Users/{id}"))["groups"][0]["display"] == "Optics"
        gone = {"op": "remove", "path": f'members[value eq "{id}"]'}
        assert "members" not in accepted(patch(okta, where, gone))
        assert okta.send("DELETE", where).status_code == 204


class TestRippling:
    """An HR system with a real SCIM client: base URL and bearer token are all it asks for."""

    @pytest.fixture
    def rippling(self, gate: Gate) -> Client:
        return gate.client("rippling")

    def test_a_working_life(self, gate: Gate, rippling: Client) -> None:
        body = {
            "schemas": [CORE, ENTERPRISE],
            "externalId": "5f9c0a1b",
            "userName": "ada.berg@norhaven.example",
            "active": True,
            "name": {"givenName": "Ada", "familyName": "Berg"},
            "emails": [{"value": "ada.berg@norhaven.example", "primary": True}],
            "unheardOf": {"kept": True},
            ENTERPRISE: {"employeeNumber": "17", "department": "Optics"},
        }
        assert accepted(rippling.find('userName eq "ada.berg@norhaven.example"'))["Resources"] == []
        id = created(rippling.send("POST", "/Users", body))
        gate.settle()
        account = gate.accounts()["17"]
        assert account.enabled
        assert account.attributes["mail"] == "ada.berg@norhaven.example"
        name = {"op": "replace", "path": "name.familyName", "value": "Lund"}
        accepted(patch(rippling, f"/Users/{id}", name))
        gate.settle()
        assert gate.accounts()["17"].attributes["sn"] == "Lund"
        accepted(rippling.send("PUT", f"/Users/{id}", {"active": False}))
        gate.settle()
        account = gate.accounts()["17"]
        assert not account.enabled
        assert account.attributes["department"] == "Optics"
        accepted(rippling.send("PUT", f"/Users/{id}", body))
        assert rippling.send("DELETE", f"/Users/{id}").status_code == 204
        gate.settle()
        assert not gate.accounts()["17"].enabled
        created(rippling.send("POST", "/Users", body))
        gate.settle()
        assert gate.accounts()["17"].enabled
        assert len(gate.ad.accounts) == 1

    def test_patched_groups(self, rippling: Client) -> None:
        id = created(rippling.send("POST", "/Users", {"userName": "a"}))
        group = {"displayName": "Optics", "members": [{"value": id}]}
        where = f"/Groups/{created(rippling.send('POST', '/Groups', group))}"
        rename = {"op": "replace", "path": "displayName", "value": "Lenses"}
        assert accepted(patch(rippling, where, rename))["displayName"] == "Lenses"
