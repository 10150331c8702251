"""SuccessFactors through Identity Provisioning: every source, every habit (hr-sources 1.2-1.5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hr.gate import Gate, created
from tests.hr.ips import (
    BETTER,
    CUSTOM,
    NUMBERED,
    ODM,
    SAP,
    SF,
    SFSF,
    SHIPPED,
    Ips,
    Make,
    bare,
    guid,
    identity_directory,
    master_data,
    odata,
    scim_api,
)
from tests.scim.conftest import CORE, ENTERPRISE, PATCH_OP, Client, accepted, refused


class TestBodies:
    """1.3: what arrives from each source after the transformation that SAP ships."""

    @pytest.mark.parametrize("make", NUMBERED)
    def test_makes_an_account(self, gate: Gate, ips: Ips, make: Make) -> None:
        ips.provision(make(200001))
        gate.settle()
        account = gate.accounts()["200001"]
        assert account.enabled
        wanted = {"sAMAccountName": "wmuellenbach", "displayName": "Wiebke Müllenbach",
                  "mail": "wmuellenbach@norhaven.example", "employeeType": "Employee"}  # fmt: skip
        assert wanted.items() <= account.attributes.items()
        assert gate.problems() == []

    def test_the_scim_api_gives_most(self, gate: Gate, ips: Ips) -> None:
        ips.provision(scim_api(200001))
        gate.settle()
        attributes = gate.accounts()["200001"].attributes
        assert attributes["title"] == "Specialist, Optics"
        assert attributes["telephoneNumber"] == "+49 30 5550 0001"
        assert attributes["preferredLanguage"] == "de-DE"
        assert "department" not in attributes  # SAP's transformation takes it away

    def test_the_identity_directory_gives_addresses_and_dates_but_no_title(
        self, gate: Gate, ips: Ips
    ) -> None:
        ips.provision(identity_directory(200001, **{SAP: {"validTo": "2026-04-30T23:59:59Z"}}))
        gate.settle()
        attributes = gate.accounts()["200001"].attributes
        assert (attributes["l"], attributes["c"]) == ("Berlin", "DE")
        assert attributes["accountExpires"] is not None
        assert "title" not in attributes
        gate.day("2026-05-01T12:00:00Z")
        gate.settle()
        assert not gate.accounts()["200001"].enabled

    def test_validity_that_has_not_begun_is_a_first_day(self, gate: Gate, ips: Ips) -> None:
        ips.provision(identity_directory(200001, **{SAP: {"validFrom": "2026-04-01T00:00:00Z"}}))
        gate.settle()
        assert not gate.accounts()["200001"].enabled
        gate.day("2026-04-01T12:00:00Z")
        gate.settle()
        assert gate.accounts()["200001"].enabled

    def test_master_data_has_no_number_so_the_person_waits_for_one(
        self, gate: Gate, ips: Ips, client: Client
    ) -> None:
        id = ips.provision(master_data(200001))
        gate.settle()
        assert gate.accounts() == {}
        (why,) = gate.problems()
        assert "employeeID" in why
        ips.provision(master_data(200001, **{ENTERPRISE: {"employeeNumber": "200001"}}))
        assert SFSF in accepted(client.get(f"/Users/{id}"))
        richer = {ENTERPRISE: {"employeeNumber": "200001"}, "active": True}
        accepted(client.put(id, {**ips.body(master_data(200001), id), **richer}))
        gate.settle()
        assert gate.accounts()["200001"].enabled
        assert gate.problems() == []

    @pytest.mark.parametrize("make", NUMBERED)
    def test_a_user_name_is_optional(self, gate: Gate, client: Client, make: Make) -> None:
        job = Ips(client, BETTER, "externalId")
        user = make(200001, userName=None)
        id = job.provision(user)
        gate.settle()
        assert gate.accounts()["200001"].attributes["sAMAccountName"] == "wmuellenbach"
        again = Ips(client, BETTER, "externalId")
        assert again.provision(user) == id

    @pytest.mark.parametrize("make", [identity_directory, master_data])
    def test_without_any_name_or_external_id(self, gate: Gate, ips: Ips, make: Make) -> None:
        ips.provision(make(200001, userName=None))
        gate.settle()
        assert (make is identity_directory) == ("200001" in gate.accounts())

    @pytest.mark.parametrize("make", [*NUMBERED, master_data])
    def test_everything_sap_is_kept(self, ips: Ips, client: Client, make: Make) -> None:
        user = make(200001)
        id = ips.provision(user)
        ips.provision(user)
        held = accepted(client.get(f"/Users/{id}"))
        for urn in (SF, SAP, SFSF, CUSTOM, ODM):
            assert held.get(urn) == user.get(urn)
        assert ENTERPRISE not in held
        assert "groups" not in held  # those of SuccessFactors say nothing here

    def test_an_onboardee_has_an_account_that_is_not_on_yet(self, gate: Gate, ips: Ips) -> None:
        user = scim_api(200001, userType="ONBOARDEE")
        ips.provision(user)
        gate.settle()
        assert not gate.accounts()["200001"].enabled
        ips.provision({**user, "userType": "EMPLOYEE"})
        gate.settle()
        assert gate.accounts()["200001"].enabled

    def test_one_value_may_stand_where_a_list_belongs(self, gate: Gate, ips: Ips) -> None:
        user = scim_api(200001)
        for name in ("emails", "phoneNumbers"):
            (user[name],) = user[name]
        user["emails"]["primary"] = "true"
        answer = ips.send("POST", "/Users", {k: v for k, v in user.items() if k != "id"})
        created(answer)
        gate.settle()
        assert gate.accounts()["200001"].attributes["mail"] == "wmuellenbach@norhaven.example"

    @pytest.mark.parametrize("make", [*NUMBERED, master_data])
    def test_nobody_is_found_by_an_address(self, gate: Gate, ips: Ips, make: Make) -> None:
        """SuccessFactors lets two users have one address."""
        shared = {"emails": [{"value": "optics@norhaven.example", "type": "work"}]}
        ids = {
            ips.provision(make(200001, "Ada Berg", **shared)),
            ips.provision(make(200002, "Eva Lund", **shared)),
        }
        gate.settle()
        assert len(ids) == 2
        names = {account.attributes["sAMAccountName"] for account in gate.accounts().values()}
        assert make is master_data or names == {"aberg", "elund"}


class TestConflict:
    """1.2: POST -> 409 -> filter -> PUT."""

    @pytest.mark.parametrize("make", NUMBERED)
    @pytest.mark.parametrize("unique", ["userName", "emails[0].value", "userName,emails[0].value"])
    def test_finds_what_is_there_already(
        self, gate: Gate, client: Client, make: Make, unique: str
    ) -> None:
        id = Ips(client).provision(make(200001))
        again = Ips(client, unique=unique)
        assert again.provision(make(200001, displayName="W. Müllenbach")) == id
        assert again.log == ["POST 409", "GET 200", "PUT 200"]
        gate.settle()
        assert gate.accounts()["200001"].attributes["displayName"] == "W. Müllenbach"

    @pytest.mark.parametrize("unique", ["externalId", "userName,externalId"])
    def test_by_external_id_where_it_is_sent(self, client: Client, unique: str) -> None:
        id = Ips(client, BETTER).provision(scim_api(200001))
        again = Ips(client, BETTER, unique)
        assert again.provision(scim_api(200001)) == id

    def test_a_new_login_name_is_found_by_external_id_only(self, client: Client) -> None:
        id = Ips(client, BETTER).provision(scim_api(200001))
        renamed = scim_api(200001, userName="wberg")
        with pytest.raises(LookupError, match="taken"):
            Ips(client, BETTER).provision(renamed)
        assert Ips(client, BETTER, "externalId").provision(renamed) == id

    def test_a_post_repeated_after_a_timeout_makes_nobody_twice(
        self, gate: Gate, ips: Ips, client: Client
    ) -> None:
        created(ips.send("POST", "/Users", ips.body(scim_api(200001))))
        ips.provision(scim_api(200001))
        assert ips.log == ["POST 201", "POST 409", "GET 200", "PUT 200"]
        gate.settle()
        assert len(gate.accounts()) == 1

    @pytest.mark.parametrize(
        "filter",
        [
            'userName eq "wmuellenbach"',
            'externalId eq "200001"',
            'emails.value eq "wmuellenbach@norhaven.example"',
            'emails eq "wmuellenbach@norhaven.example"',
            'emails[0].value eq "wmuellenbach@norhaven.example"',
            '(userName sw "wmue" and active eq true) or externalId eq "x"',
            f'{SF}:personIdExternal eq "200001"',
            f'{ENTERPRISE}:employeeNumber eq "200001"',
            'meta.lastModified gt "2020-01-01T00:00:00Z"',
        ],
    )
    def test_filters_as_sap_writes_them(self, better: Ips, filter: str) -> None:
        id = better.provision(scim_api(200001))
        found = accepted(better.client.find(filter))["Resources"]
        assert [one["id"] for one in found] == [id]

    def test_properties_that_change_the_wire(self, gate: Gate, client: Client) -> None:
        """scim.content.type, scim.include.if.match.wildcard.header, scim.csrf.token.path."""
        job = Ips(client, content_type="application/json", **{"If-Match": "*"})
        fetched = client.get("/ServiceProviderConfig", X_CSRF_Token="Fetch")
        assert fetched.status_code == 200
        user = scim_api(200001)
        job.provision(user)
        job.provision(user)
        job.gone(user)
        assert job.log == ["POST 201", "PUT 200", "DELETE 204"]


class TestLeaving:
    """1.5"""

    @pytest.mark.parametrize(
        "state",
        [
            {},
            {"schemas": [CORE]},
            {"userName": "wmuellenbach"},
            {"externalId": "200001"},
            {"externalId": "200001", SF: {"personIdExternal": "200001"}},
            {"groups": []},
            {"groups": [{"value": "sf-group-1"}]},
            {"password": "of no use here"},
            {SAP: {}},
            {ENTERPRISE: {}},
            {ENTERPRISE: {"manager": {}}},
            {"name": {}},
            {SF: {"personIdExternal": "200001"}, ENTERPRISE: {}, "groups": [], "meta": {}},
        ],
    )
    def test_a_sparse_put_is_a_change_of_state(
        self, gate: Gate, better: Ips, client: Client, state: dict[str, Any]
    ) -> None:
        id = better.provision(scim_api(200001))
        gate.settle()
        before = accepted(client.get(f"/Users/{id}"))
        attributes = gate.accounts()["200001"].attributes
        accepted(better.send("PUT", f"/Users/{id}", {**state, "id": id, "active": False}))
        gate.settle()
        after = accepted(client.get(f"/Users/{id}"))
        assert {**after, "meta": None} == {**before, "active": False, "meta": None}
        assert not gate.accounts()["200001"].enabled
        assert gate.accounts()["200001"].attributes == attributes

    def test_delete_entity_mappings_disable(self, gate: Gate, better: Ips) -> None:
        user = scim_api(200001)
        id = better.provision(user)
        gate.settle()
        better.gone(user)
        gate.settle()
        assert better.log == ["POST 201", "PUT 200"]
        account = gate.accounts()["200001"]
        assert not account.enabled
        assert account.attributes["department"] == "Optics"
        assert better.provision(user) == id
        gate.settle()
        assert gate.accounts()["200001"].enabled

    @pytest.mark.parametrize("make", NUMBERED)
    def test_a_delete_has_no_date_and_acts_at_once(self, gate: Gate, ips: Ips, make: Make) -> None:
        user = make(200001)
        ips.provision(user)
        gate.settle()
        (account,) = gate.ad.accounts.values()
        ips.gone(user)
        gate.settle()
        assert not gate.accounts()["200001"].enabled
        ips.provision(user)  # rescinded, or hired again: IPS has forgotten the user
        gate.settle()
        assert ips.log == ["POST 201", "DELETE 204", "POST 201"]
        (again,) = gate.ad.accounts.values()
        assert again.enabled
        assert again.anchor == account.anchor

    @pytest.mark.parametrize(
        "operations",
        [
            [{"op": "replace", "path": "active", "value": False}],
            [{"op": "replace", "value": {"active": False}}],
            [{"op": "add", "path": "active", "value": "false"}],
        ],
    )
    def test_with_patch_switched_on(
        self, gate: Gate, ips: Ips, operations: list[dict[str, Any]]
    ) -> None:
        id = ips.provision(scim_api(200001))
        gate.settle()
        body = {"schemas": [PATCH_OP], "Operations": operations}
        accepted(ips.send("PATCH", f"/Users/{id}", body))
        gate.settle()
        assert not gate.accounts()["200001"].enabled

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "replace", "path": f"{SF}:loginMethod", "value": "PWD"},
            {"op": "replace", "path": SF, "value": {"loginMethod": "PWD"}},
            {"op": "add", "value": {SF: {"loginMethod": "PWD"}}},
            {"op": "replace", "value": {f"{SF}:loginMethod": "PWD"}},
        ],
    )
    def test_patches_of_an_extension(self, ips: Ips, operation: dict[str, Any]) -> None:
        id = ips.provision(scim_api(200001))
        body = {"schemas": [PATCH_OP], "Operations": [operation]}
        held = accepted(ips.send("PATCH", f"/Users/{id}", body))
        assert held[SF] == {**scim_api(200001)[SF], "loginMethod": "PWD"}


class TestOnePersonSeveralIds:
    def test_a_second_user_id_of_one_person_is_refused(
        self, gate: Gate, ips: Ips, client: Client
    ) -> None:
        """Global assignment, concurrent employment: own userName, one personIdExternal."""
        ips.provision(scim_api(200001))
        second = scim_api(200001, id="another", userName="wmuellenbach2")
        with pytest.raises(LookupError, match="person key"):
            ips.provision(second)
        gate.settle()
        assert list(gate.accounts()) == ["200001"]

    def test_by_odata_both_stand_and_are_one_person(self, gate: Gate, ips: Ips) -> None:
        first = odata(200001)
        ips.provision(first)
        second = odata(
            200001, id="another", userName="wmuellenbach2", **{SFSF: {"userSysID": "300001"}}
        )
        ips.provision(second)
        gate.settle()
        (account,) = gate.ad.accounts.values()
        assert account.attributes["employeeID"] == "200001"
        ips.gone(first)
        gate.settle()
        (account,) = gate.ad.accounts.values()
        assert account.enabled  # the second employment goes on

    def test_who_returns_with_a_new_user_id_gets_the_same_account(
        self, gate: Gate, ips: Ips
    ) -> None:
        first = odata(200001)
        ips.provision(first)
        gate.settle()
        ips.gone(first)
        gate.settle()
        back = odata(200001, id="another", **{SFSF: {"userSysID": "300001"}})
        ips.provision(back)
        gate.settle()
        (account,) = gate.ad.accounts.values()
        assert account.enabled


class TestManagers:
    """0.11: five forms, and none of them fails a hire."""

    def report(self, manager: Any) -> dict[str, Any]:
        return {
            "userName": "report",
            "name": {"givenName": "Ada", "familyName": "Berg"},
            SF: {"personIdExternal": "200002"},
            ENTERPRISE: {"manager": manager},
        }

    @pytest.mark.parametrize("form", ["number", "gateway", "guid with $ref", "bare guid", "text"])
    def test_known(self, gate: Gate, client: Client, form: str) -> None:
        id = Ips(client).provision(scim_api(200001))
        manager: Any = {
            "number": {"value": "200001"},
            "gateway": {"value": id},
            "guid with $ref": {
                "value": guid(200001),
                "$ref": f"https://api.sf.example/rest/iam/scim/v2/Users/{guid(200001)}",
                "displayName": "Wiebke Müllenbach",
            },
            "bare guid": {"value": bare(guid(200001))},
            "text": "200001",
        }[form]
        created(client.send("POST", "/Users", self.report(manager)))
        gate.settle()
        assert gate.manager("200002") == "200001"

    @pytest.mark.parametrize("number", [200001, 900001])
    def test_by_the_guid_of_the_person_or_of_the_user(
        self, gate: Gate, client: Client, number: int
    ) -> None:
        Ips(client).provision(scim_api(200001, **{SAP: {"userUuid": guid(900001)}}))
        created(client.send("POST", "/Users", self.report({"value": guid(number)})))
        gate.settle()
        assert gate.manager("200002") == "200001"

    @pytest.mark.parametrize("nobody", ["NO_MANAGER", "no_manager", "", None])
    def test_nobody(self, gate: Gate, client: Client, nobody: Any) -> None:
        Ips(client).provision(scim_api(200001))
        id = created(client.send("POST", "/Users", self.report({"value": "200001"})))
        gate.settle()
        accepted(client.put(id, self.report({"value": nobody})))
        gate.settle()
        assert gate.manager("200002") is None
        assert gate.problems() == []

    @pytest.mark.parametrize("form", ["200001", guid(200001)])
    def test_late(self, gate: Gate, client: Client, form: str) -> None:
        created(client.send("POST", "/Users", self.report({"value": form})))
        gate.settle()
        assert gate.accounts()["200002"].enabled
        assert gate.manager("200002") is None
        Ips(client).provision(scim_api(200001))
        gate.settle()
        assert gate.manager("200002") == "200001"

    def test_oneself_is_nobody(self, gate: Gate, client: Client) -> None:
        created(client.send("POST", "/Users", self.report({"value": "200002"})))
        gate.settle()
        assert gate.manager("200002") is None


class TestTechnicalUsers:
    """v4admin and the like come along, with no person behind them."""

    TECHNICAL = (
        scim_api(1, "V Admin", userName="v4admin", **{
            SF: {"perPersonUuid": None, "personIdExternal": None, "customFields": None},
            SAP: None, "phoneNumbers": None, "emails": None}),
        odata(1, "V Admin", userName="v4admin", emails=None, **{
            SFSF: {"personGUID": None, "userSysID": "v4admin"},
            ENTERPRISE: {"employeeNumber": None}}),
    )  # fmt: skip

    @pytest.mark.parametrize("user", TECHNICAL)
    @pytest.mark.parametrize("mappings", [SHIPPED, BETTER])
    def test_gets_no_account_and_it_is_said_why(
        self, gate: Gate, client: Client, user: dict[str, Any], mappings: list[dict[str, Any]]
    ) -> None:
        job = Ips(client, mappings)
        job.provision(user)
        job.provision(user)
        gate.settle()
        assert gate.accounts() == {}
        assert gate.problems() == [
            "this record has no usable key (externalId, worker id or employee number)"
        ]


class TestReset:
    """After "reset system" everybody is POSTed again, also in the words of another source."""

    COMPANY = ("Ada Berg", "Eva Lund", "Jan Vos", "Mia Holm")

    @pytest.mark.parametrize("make", NUMBERED)
    def test_the_same_again_writes_nothing(self, gate: Gate, ips: Ips, make: Make) -> None:
        company = [make(200001 + at, name) for at, name in enumerate(self.COMPANY)]
        ids = [ips.provision(user) for user in company]
        gate.settle()
        assert gate.writes() > 0
        ips.reset()
        assert [ips.provision(user) for user in company] == ids
        assert ips.log[-3:] == ["POST 409", "GET 200", "PUT 200"]
        gate.settle()
        assert gate.writes() == 0

    @pytest.mark.parametrize(
        ("before", "after"),
        [(odata, scim_api), (scim_api, odata), (identity_directory, scim_api),
         (odata, identity_directory), (scim_api, identity_directory)],
    )  # fmt: skip
    @pytest.mark.parametrize("mappings", [SHIPPED, BETTER])
    def test_another_source_or_a_better_transformation_is_the_same_people(
        self,
        gate: Gate,
        client: Client,
        before: Make,
        after: Make,
        mappings: list[dict[str, Any]],
    ) -> None:
        old, new = Ips(client), Ips(client, mappings)
        ids, numbers = [], [str(200001 + at) for at in range(len(self.COMPANY))]
        for at, name in enumerate(self.COMPANY):
            own = {SFSF: {"userSysID": f"u{at}"}} if before is odata else {}
            ids.append(old.provision(before(200001 + at, name, **own)))
        gate.settle()
        anchors = set(gate.ad.accounts)
        assert [
            new.provision(after(200001 + n, name)) for n, name in enumerate(self.COMPANY)
        ] == ids
        gate.settle()
        assert set(gate.ad.accounts) == anchors
        assert sorted(gate.accounts()) == numbers
        assert all(account.enabled for account in gate.accounts().values())
        assert gate.problems() == []

    def test_groups_are_found_by_their_names(self, ips: Ips) -> None:
        """scim.group.unique.attribute=displayName: else who has left would stay in the old one."""
        one, other = ips.provision(scim_api(200001)), ips.provision(scim_api(200002, "Eva Lund"))
        body = {"displayName": "Optics", "members": [{"value": one}, {"value": other}]}
        id = created(ips.send("POST", "/Groups", body))
        refused(ips.send("POST", "/Groups", body), 409, "uniqueness")
        found = accepted(ips.client.get('/Groups?filter=displayName eq "optics"'))["Resources"]
        assert [group["id"] for group in found] == [id]
        left = {"id": id, "displayName": "Optics", "members": {"value": other}}
        held = accepted(ips.send("PUT", f"/Groups/{id}", left))
        assert [member["value"] for member in held["members"]] == [other]


class TestRecommended:
    """1.4: the transformation that we ship."""

    def test_gives_department_number_and_manager(self, gate: Gate, better: Ips) -> None:
        better.provision(scim_api(200900, "Ansgar Böttinger"))
        better.provision(
            scim_api(
                200001,
                **{ENTERPRISE: {"manager": {"value": guid(200900), "displayName": "A B"}}},
            )
        )
        gate.settle()
        attributes = gate.accounts()["200001"].attributes
        assert (attributes["department"], attributes["division"]) == ("Optics", "Engineering")
        assert attributes["employeeNumber"] == "200001"
        assert gate.manager("200001") == "200900"
        held = accepted(better.client.find('externalId eq "200001"'))["Resources"][0]
        assert held[ENTERPRISE]["manager"] == {"value": better.known[guid(200900)]}

    def test_a_manager_read_later_comes_with_the_second_run(self, gate: Gate, better: Ips) -> None:
        report = scim_api(200001, **{ENTERPRISE: {"manager": {"value": guid(200900)}}})
        better.provision(report)
        better.provision(scim_api(200900, "Ansgar Böttinger"))
        gate.settle()
        assert gate.manager("200001") is None
        better.provision(report)
        gate.settle()
        assert gate.manager("200001") == "200900"

    @pytest.mark.parametrize("make", [*NUMBERED, master_data])
    def test_works_with_every_source(self, better: Ips, make: Make) -> None:
        id = better.provision(make(200001))
        held = accepted(better.client.get(f"/Users/{id}"))
        assert held["externalId"] == (guid(200001) if make is master_data else "200001")
