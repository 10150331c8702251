"""SAP's Identity Directory and Master Data Integration: who has a number, and keeps it (1.3)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hr.gate import Gate, created
from tests.hr.ips import (
    BETTER,
    ODM,
    SAP,
    SF,
    SFSF,
    SHIPPED,
    Ips,
    bare,
    guid,
    identity_directory,
    master_data,
    odata,
    scim_api,
)
from tests.scim.conftest import CORE, ENTERPRISE, WORKER, Client, accepted


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


class TestDays:
    """A day of year 1 is how some systems say that they know of none."""

    @pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Kiritimati", "America/Adak"])
    @pytest.mark.parametrize("name", ["validFrom", "validTo"])
    def test_a_day_of_year_one_is_reported_and_does_no_harm(
        self, gate: Gate, ips: Ips, zone: str, name: str
    ) -> None:
        user = identity_directory(200001, timezone=zone)
        ips.provision(user)
        gate.settle()
        wrong = {**user, SAP: {**user[SAP], name: "0001-01-01T00:00:00Z"}}
        ips.provision(wrong)
        gate.settle()
        assert gate.accounts()["200001"].enabled  # by what was known before
        fact = {"validFrom": "hireDate", "validTo": "terminationDate"}[name]
        assert gate.problems() == [f"{fact} cannot be read; what was known before counts"]
        ips.provision(user)
        gate.settle()
        assert gate.problems() == []
        ips.provision(wrong)
        ips.gone(wrong)
        gate.settle()
        assert not gate.accounts()["200001"].enabled

    def test_of_a_newcomer_too(self, gate: Gate, ips: Ips) -> None:
        user = identity_directory(200001, **{SAP: {"validFrom": "0001-01-01T00:00:00Z"}})
        ips.provision(user)
        gate.settle()
        assert gate.accounts() == {}
        assert gate.problems() == ["the first day cannot be read, and none is known"]
        ips.provision({**user, SAP: {**user[SAP], "validFrom": "1600-01-01T00:00:00Z"}})
        gate.settle()
        assert gate.accounts()["200001"].enabled

    @pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Kiritimati", "Etc/GMT+12"])
    @pytest.mark.parametrize("ends", ["9999-12-30", "9999-12-31"])
    def test_the_last_days_there_are(self, gate: Gate, ips: Ips, zone: str, ends: str) -> None:
        validity = {"validFrom": "1900-01-01T00:00:00Z", "validTo": f"{ends}T23:59:59.999Z"}
        ips.provision(identity_directory(200001, timezone=zone, **{SAP: validity}))
        gate.settle()
        assert gate.accounts()["200001"].enabled
        ips.provision(
            identity_directory(
                200002, "Eva Lund", timezone=zone, **{SAP: {"validFrom": "9999-12-31T00:00:00Z"}}
            )
        )
        gate.settle()
        assert list(gate.accounts()) == ["200001"]
        assert gate.problems() == []


class TestWithoutANumber:
    """1.3, 1.5: master data has none, and of users without one not everybody is a person."""

    TECHNICAL = identity_directory(1, "V Admin", userName="v4admin", **{ODM: None})
    REASON = "there is no value for employeeID to match by: required, but the facts give no value"

    @pytest.mark.parametrize("mappings", [SHIPPED, BETTER])
    def test_of_master_data_it_is_said_that_there_is_none(
        self, gate: Gate, client: Client, mappings: list[dict[str, Any]]
    ) -> None:
        job = Ips(client, mappings, "externalId")
        id = job.provision(master_data(200001))
        gate.settle()
        assert gate.accounts() == {}
        assert gate.problems() == [self.REASON]
        # As the guide says: mapped in IPS, to the number of the enterprise extension.
        body = {**job.body(master_data(200001), id), ENTERPRISE: {"employeeNumber": "200001"}}
        accepted(client.put(id, body))
        gate.settle()
        assert list(gate.accounts()) == ["200001"]
        assert gate.problems() == []

    @pytest.mark.parametrize(
        "spelled", [guid(3), bare(guid(3)), "{" + guid(3) + "}", f" {guid(3).upper()} "]
    )
    def test_a_guid_is_no_number_however_it_is_spelled(
        self, gate: Gate, ips: Ips, spelled: str
    ) -> None:
        ips.provision(identity_directory(200001, externalId=spelled))
        ips.provision(scim_api(200002, "Eva Lund", externalId=spelled + "0", **{SF: None}))
        gate.settle()
        assert "200001" in gate.accounts()
        assert len(gate.accounts()) == 1  # the other one has a number, too long for the target

    @pytest.mark.parametrize("mappings", [SHIPPED, BETTER])
    @pytest.mark.parametrize("validity", [{}, {"validFrom": None, "validTo": None}])
    def test_a_technical_user_gets_no_account(
        self,
        gate: Gate,
        client: Client,
        mappings: list[dict[str, Any]],
        validity: dict[str, Any],
    ) -> None:
        user = {**self.TECHNICAL, SAP: {**self.TECHNICAL[SAP], **validity}}
        job = Ips(client, mappings)
        job.provision(user)
        job.provision(user)
        gate.settle()
        assert gate.accounts() == {}
        assert gate.problems() == [self.REASON]

    @pytest.mark.parametrize(
        "evidence",
        [
            {SF: {"perPersonUuid": bare(guid(200001))}},
            {SFSF: {"personGUID": guid(200001)}},
            {WORKER: {"sourceId": guid(200001)}},
            {WORKER: {"hireDate": "2026-03-16"}},
        ],
    )
    def test_who_is_said_to_be_a_person_goes_by_the_id_of_the_user(
        self, gate: Gate, ips: Ips, evidence: dict[str, Any]
    ) -> None:
        ips.provision(identity_directory(200001, **{ODM: None, **evidence}))
        gate.settle()
        assert gate.accounts()["P200001"].enabled
        assert gate.problems() == []
