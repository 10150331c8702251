"""SAP's Identity Directory and Master Data Integration: who has a number, and keeps it (1.3)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hr.gate import Gate, created
from tests.hr.ips import ODM, SFSF, Ips, identity_directory, odata
from tests.scim.conftest import CORE, Client, accepted


@pytest.fixture
def client(gate: Gate) -> Client:
    return gate.client("successfactors")


@pytest.fixture
def ips(client: Client) -> Ips:
    """With what SAP ships."""
    return Ips(client)


class TestKeys:
    """state.md 6: a key absent, anywhere: keep; never clears."""

    @pytest.mark.parametrize(
        "work",
        [
            None,
            {},
            {"costCenter": "4102"},
            {"workforcePersonId": None, "costCenter": "4102"},
            {"workforcePersonId": "", "costCenter": "4102"},
        ],
    )
    def test_a_full_put_without_the_number_keeps_it(
        self, gate: Gate, ips: Ips, client: Client, work: dict[str, Any] | None
    ) -> None:
        user = identity_directory(200001)
        id = ips.provision(user)
        gate.settle()
        body = {**ips.body(user, id), "displayName": "W. Müllenbach"}
        del body[ODM]
        body |= {} if work is None else {ODM: work}
        held = accepted(ips.send("PUT", f"/Users/{id}", body))
        assert held[ODM]["workforcePersonId"] == "200001"
        assert held[ODM].get("costCenter") == (work or {}).get("costCenter")
        gate.settle()
        assert list(gate.accounts()) == ["200001"]
        assert gate.accounts()["200001"].attributes["displayName"] == "W. Müllenbach"
        assert gate.problems() == []

    def test_words_of_odata_make_no_other_number_of_it(self, gate: Gate, client: Client) -> None:
        id = Ips(client).provision(identity_directory(200001))
        gate.settle()
        user = odata(200001, **{SFSF: {"userSysID": "u77"}})
        assert Ips(client).provision(user) == id
        gate.settle()
        assert list(gate.accounts()) == ["200001"]
        assert gate.problems() == []

    def test_a_state_beside_the_number_is_a_state(self, gate: Gate, ips: Ips) -> None:
        id = ips.provision(identity_directory(200001))
        gate.settle()
        before = gate.accounts()["200001"].attributes
        body = {"id": id, "active": False, ODM: {"workforcePersonId": "200001"}}
        accepted(ips.send("PUT", f"/Users/{id}", body))
        gate.settle()
        assert not gate.accounts()["200001"].enabled
        assert gate.accounts()["200001"].attributes == before

    def test_the_number_alone_is_enough_of_a_key(self, gate: Gate, client: Client) -> None:
        name = {"givenName": "Wiebke", "familyName": "Müllenbach"}
        body = {"schemas": [CORE, ODM], "name": name, ODM: {"workforcePersonId": "200001"}}
        created(client.send("POST", "/Users", body))
        gate.settle()
        assert gate.accounts()["200001"].attributes["sAMAccountName"] == "wmuellenbach"

    def test_its_schema_is_shown(self, client: Client) -> None:
        shown = accepted(client.get(f"/Schemas/{ODM}"))
        assert [one["name"] for one in shown["attributes"]] == ["workforcePersonId"]
        kind = accepted(client.get("/ResourceTypes/User"))
        assert {"schema": ODM, "required": False} in kind["schemaExtensions"]
