"""What HR clients are forgiven, and what they can and cannot empty (design P10-P13)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scim.conftest import CORE, ENTERPRISE, WORKER, Client, Server, accepted, refused

SUCCESSFACTORS = "urn:ietf:params:scim:schemas:extension:successfactors:2.0:User"
OTHER = "urn:other:scim:schemas:extension:badge:2.0:User"


class TestKeys:
    def test_one_key_is_enough(self, hr: Client) -> None:
        assert "userName" not in hr.create(externalId="E1")
        assert "externalId" not in hr.create(userName="a")

    @pytest.mark.parametrize("keys", [{}, {"userName": " "}, {"externalId": "", "userName": None}])
    def test_without_any_key_there_is_no_user(self, hr: Client, keys: dict[str, Any]) -> None:
        detail = refused(hr.send("POST", "/Users", {"title": "x", **keys}), 400, "invalidValue")
        assert "userName or externalId" in detail

    def test_the_strict_profile_requires_user_name(self, strict: Client) -> None:
        body = {"schemas": [CORE], "externalId": "E1"}
        assert "userName" in refused(strict.send("POST", "/Users", body), 400, "invalidValue")

    def test_schemas_may_be_missing_or_say_more(self, hr: Client) -> None:
        assert hr.send("POST", "/Users", {"userName": "a"}).status_code == 201
        body = {"schemas": [CORE, ENTERPRISE, "urn:other"], "userName": "b"}
        answer = hr.send("POST", "/Users", body)
        assert answer.get_json(force=True)["schemas"] == [CORE]

    def test_the_enterprise_extension_misspelled_as_by_entra_is_that_extension(
        self, hr: Client
    ) -> None:
        wrong = ENTERPRISE.replace(":User", "User")
        made = hr.create(userName="a", **{wrong: {"department": "Optics"}})
        assert made[ENTERPRISE] == {"department": "Optics"}

    def test_the_strict_profile_wants_schemas(self, strict: Client) -> None:
        for schemas in (None, [], "x", [1], [ENTERPRISE], [CORE, "urn:other"]):
            body = {"schemas": schemas, "userName": "a"}
            refused(strict.send("POST", "/Users", body), 400, "invalidSyntax")
        refused(strict.send("POST", "/Users", {"userName": "a"}), 400, "invalidSyntax")


class TestLooseReading:
    @pytest.mark.parametrize(
        ("sent", "read"),
        [("1", True), (" TRUE ", True), ("True", True), (1, True), ("0", False), ("False", False)],
    )
    def test_booleans(self, hr: Client, sent: Any, read: bool) -> None:
        assert hr.create(userName="a", active=sent)["active"] is read

    @pytest.mark.parametrize("sent", ["yes", 2, [True, False], {"value": True}])
    def test_what_is_no_boolean_is_refused(self, hr: Client, sent: Any) -> None:
        answer = hr.send("POST", "/Users", {"userName": "a", "active": sent})
        assert "active" in refused(answer, 400, "invalidValue")

    def test_text_is_trimmed_and_numbers_pass_for_text(self, hr: Client) -> None:
        made = hr.create(
            userName=" a ", title="Optics  ", **{ENTERPRISE: {"employeeNumber": 200100}}
        )
        assert (made["userName"], made["title"]) == ("a", "Optics")
        assert made[ENTERPRISE] == {"employeeNumber": "200100"}

    @pytest.mark.parametrize(("sent", "read"), [("1", 1), ("0.5", 0.5), (0.5, 0.5), (" 1.0 ", 1)])
    def test_decimals(self, hr: Client, sent: Any, read: float) -> None:
        assert hr.create(userName="a", **{WORKER: {"fte": sent}})[WORKER]["fte"] == read

    def test_one_object_is_a_list_of_one(self, hr: Client) -> None:
        made = hr.create(
            userName="a",
            emails={"value": " a@norhaven.example ", "type": "Work", "primary": "true"},
            phoneNumbers="+49 30 5550 0001",
            **{WORKER: {"provisioningGroups": "Optics"}},
        )
        assert made["emails"] == [{"value": "a@norhaven.example", "type": "work", "primary": True}]
        assert made["phoneNumbers"] == [{"value": "+49 30 5550 0001"}]
        assert made[WORKER] == {"provisioningGroups": ["Optics"]}

    def test_a_list_of_one_is_one_object(self, hr: Client) -> None:
        made = hr.create(userName="a", title=["x"], **{ENTERPRISE: {"manager": [{"value": "E1"}]}})
        assert made["title"] == "x"
        assert made[ENTERPRISE] == {"manager": {"value": "E1"}}

    def test_a_manager_may_be_plain_text(self, hr: Client) -> None:
        made = hr.create(userName="a", **{ENTERPRISE: {"manager": "E10001"}})
        assert made[ENTERPRISE] == {"manager": {"value": "E10001"}}

    @pytest.mark.parametrize(
        "sent",
        ["2026-03-16-08:00", "2026-03-16Z", "2026-03-16", "2026-03-16T23:30:00-08:00",
         " 2026-03-16+01:00 "],
    )  # fmt: skip
    def test_days_lose_their_offset_and_never_shift(self, hr: Client, sent: str) -> None:
        made = hr.create(userName="a", **{WORKER: {"hireDate": sent}})
        assert made[WORKER]["hireDate"] == "2026-03-16"

    def test_an_instant_keeps_its_time(self, hr: Client) -> None:
        sent = "2026-03-16T08:30:00-08:00"
        made = hr.create(userName="a", **{WORKER: {"sourceModifiedAt": sent}})
        assert made[WORKER]["sourceModifiedAt"] == sent

    @pytest.mark.parametrize(
        "sent",
        ["/Date(1773651600000)/", "/Date(1773651600000+0000)/", "1773651600000", 1773651600000],
    )
    def test_an_instant_may_be_written_as_odata_does(self, hr: Client, sent: Any) -> None:
        made = hr.create(userName="a", **{WORKER: {"sourceModifiedAt": sent}})
        assert made[WORKER]["sourceModifiedAt"] == "2026-03-16T09:00:00.000Z"

    @pytest.mark.parametrize("sent", ["soon", "/Date(999999999999999)/", "1773651600", 5, True])
    def test_an_instant_that_is_none_is_refused(self, hr: Client, sent: Any) -> None:
        body = {"userName": "a", WORKER: {"sourceModifiedAt": sent}}
        detail = refused(hr.send("POST", "/Users", body), 400, "invalidValue")
        assert f"{WORKER}:sourceModifiedAt" in detail

    def test_canonical_values_get_their_case(self, hr: Client) -> None:
        made = hr.create(userName="a", **{WORKER: {"status": "PREHIRE", "workerType": "employee"}})
        assert made[WORKER] == {"status": "preHire", "workerType": "Employee"}

    def test_only_the_first_primary_counts(self, hr: Client) -> None:
        made = hr.create(
            userName="a",
            emails=[{"value": "a@x.example", "primary": 1}, {"value": "b@x.example", "primary": 1}],
        )
        assert [email["primary"] for email in made["emails"]] == [True, False]

    def test_equal_values_collapse(self, hr: Client) -> None:
        one = {"value": "a@norhaven.example", "type": "work"}
        made = hr.create(userName="a", emails=[one, one, {**one, "display": "again"}])
        assert made["emails"] == [one]

    def test_unknown_attributes_and_extensions_are_kept(self, hr: Client) -> None:
        extension = {"badge": "200001", "doors": [{"code": " 41 "}]}
        made = hr.create(userName="a", shoeSize=44, name={"nick": "Zoë"}, **{OTHER: extension})
        assert made["shoeSize"] == 44
        assert made["name"] == {"nick": "Zoë"}
        assert made[OTHER] == {"badge": "200001", "doors": [{"code": "41"}]}
        assert made["schemas"] == [CORE, OTHER]

    def test_one_and_true_are_two_things_where_no_schema_says_so(self, hr: Client) -> None:
        id = hr.create(userName="a", flag=1)["id"]
        assert accepted(hr.put(id, {"userName": "a", "flag": True}))["flag"] is True

    def test_the_strict_profile_reads_nothing_loosely(self, strict: Client) -> None:
        for wrong, scim_type in (
            ({"active": "true"}, "invalidValue"),
            ({"active": 1}, "invalidValue"),
            ({"title": 5}, "invalidValue"),
            ({"title": ["x"]}, "invalidValue"),
            ({"emails": {"value": "x"}}, "invalidValue"),
            ({"emails": ["x"]}, "invalidValue"),
            ({"name": "x"}, "invalidValue"),
            ({"x509Certificates": [{"value": "no base64!"}]}, "invalidValue"),
            ({"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]},
             "invalidValue"),
            ({"shoeSize": 44}, "invalidSyntax"),
            ({"name": {"nick": "x"}}, "invalidSyntax"),
            ({OTHER: {}}, "invalidSyntax"),
            ({ENTERPRISE: {"x": 1}}, "invalidSyntax"),
            ({ENTERPRISE: "x"}, "invalidValue"),
            ({"name.familyName": "x"}, "invalidSyntax"),
            ({f"{ENTERPRISE}:department": "x"}, "invalidSyntax"),
            ({WORKER: {"fte": "1"}}, "invalidValue"),
        ):  # fmt: skip
            body = {"schemas": [CORE], "userName": "a", **wrong}
            refused(strict.send("POST", "/Users", body), 400, scim_type)
        assert strict.create(userName=" a ", title="")["title"] == ""


class TestPut:
    def full(self) -> dict[str, Any]:
        return {
            "userName": "a",
            "externalId": "E1",
            "active": True,
            "title": "Engineer",
            ENTERPRISE: {"employeeNumber": "E1", "department": "Optics"},
            WORKER: {"workerId": "E1", "sourceId": "9f", "hireDate": "2026-03-16"},
        }

    def test_a_full_put_replaces_but_keeps_keys_and_active(self, hr: Client) -> None:
        made = hr.create(**self.full())
        body = accepted(hr.put(made["id"], {"displayName": "Zoë Smith"}))
        assert not {"title"} & body.keys()
        assert (body["userName"], body["externalId"], body["active"]) == ("a", "E1", True)
        assert body["displayName"] == "Zoë Smith"
        assert body[ENTERPRISE] == {"employeeNumber": "E1"}
        assert body[WORKER] == {"workerId": "E1", "sourceId": "9f"}

    def test_keys_and_active_can_change_by_put(self, hr: Client) -> None:
        made = hr.create(**self.full())
        changed = {"externalId": "E2", "active": False, "title": "x", WORKER: {"workerId": "E2"}}
        body = accepted(hr.put(made["id"], changed))
        assert (body["externalId"], body["active"], body["userName"]) == ("E2", False, "a")
        assert body[WORKER] == {"workerId": "E2", "sourceId": "9f"}

    def test_null_and_nothing_empty_neither_keys_nor_active(
        self, server: Server, hr: Client
    ) -> None:
        made = hr.create(**self.full())
        nothing: dict[str, Any] = {
            "externalId": None,
            "active": "",
            "userName": [],
            "title": "Engineer",
        }
        body = accepted(hr.put(made["id"], {**nothing, WORKER: {"workerId": ""}}))
        assert (body["userName"], body["externalId"], body["active"]) == ("a", "E1", True)
        assert body[WORKER]["workerId"] == "E1"
        assert server.listener.cleared == set()

    @pytest.mark.parametrize(
        "body",
        [
            {"active": False},
            {"schemas": [CORE], "active": "false"},
            {"id": "x", "externalId": "E1", "userName": "a", "active": False, "meta": {}},
            {
                "active": False,
                WORKER: {"workerId": "E1"},
                ENTERPRISE.upper(): {"EmployeeNumber": "E1"},
            },
        ],
    )
    def test_a_sparse_put_changes_only_the_state(self, hr: Client, body: dict[str, Any]) -> None:
        made = hr.create(**self.full())
        changed = accepted(hr.send("PUT", f"/Users/{made['id']}", body))
        assert changed.pop("active") is False
        del made["active"], made["meta"], changed["meta"]
        assert changed == made

    @pytest.mark.parametrize(
        "more",
        [
            {"groups": [{"value": "g"}], "meta": {}},
            {"password": "x"},
            {ENTERPRISE: {}},
            {ENTERPRISE: {"manager": {}, "employeeNumber": "E1"}},
            {"name": {}, "emails.nothing": {}, WORKER: {"sourceId": "9f"}},
        ],
    )
    def test_what_says_nothing_makes_no_full_put_of_a_state(
        self, server: Server, hr: Client, more: dict[str, Any]
    ) -> None:
        made = hr.create(**self.full(), name={"givenName": "Zoë"})
        changed = accepted(hr.send("PUT", f"/Users/{made['id']}", {"active": False, **more}))
        assert {**changed, "meta": None} == {**made, "active": False, "meta": None}
        assert server.listener.cleared == set()

    @pytest.mark.parametrize("nothing", [None, "", []])
    def test_what_a_state_says_to_be_empty_is_emptied_and_nothing_else(
        self, server: Server, hr: Client, nothing: Any
    ) -> None:
        made = hr.create(**self.full(), name={"givenName": "Zoë"})
        body = {"active": False, "title": nothing, ENTERPRISE: {"department": nothing}}
        changed = accepted(hr.send("PUT", f"/Users/{made['id']}", body))
        del made["title"], made[ENTERPRISE]["department"]
        assert {**changed, "meta": None} == {**made, "active": False, "meta": None}
        assert server.listener.cleared == {"title", f"{ENTERPRISE}:department"}

    def test_a_group_keeps_its_name_where_its_members_are_said_to_be_none(self, hr: Client) -> None:
        user = hr.create(userName="a")["id"]
        body = {"displayName": "Optics", "externalId": "G1", "members": [{"value": user}]}
        id = hr.send("POST", "/Groups", body).get_json(force=True)["id"]
        kept = accepted(hr.send("PUT", f"/Groups/{id}", {"externalId": "G2"}))
        assert [one["value"] for one in kept["members"]] == [user]
        left = accepted(hr.send("PUT", f"/Groups/{id}", {"externalId": "G2", "members": []}))
        assert (left["displayName"], left.get("members")) == ("Optics", None)

    def test_an_empty_put_empties_nothing(self, hr: Client) -> None:
        made = hr.create(**self.full())
        assert accepted(hr.send("PUT", f"/Users/{made['id']}", {"schemas": [CORE]})) == made

    def test_the_strict_profile_knows_no_sparse_put(self, strict: Client) -> None:
        made = strict.create(userName="a", title="x")
        body = accepted(strict.put(made["id"], {"userName": "a", "active": False}))
        assert "title" not in body

    def test_patch_cannot_take_keys_or_active_away(self, server: Server, hr: Client) -> None:
        made = hr.create(**self.full())
        paths = ("active", "externalId", "userName", f"{WORKER}:workerId")
        body = accepted(hr.patch(made["id"], *({"op": "remove", "path": path} for path in paths)))
        assert body == made
        kept = accepted(hr.patch(made["id"], {"op": "remove", "path": WORKER}))
        assert kept[WORKER] == {"workerId": "E1", "sourceId": "9f"}


class TestCleared:
    """Not said and said to be empty differ (state.md 6)."""

    def test_what_is_not_said_is_not_cleared(self, server: Server, hr: Client) -> None:
        made = hr.create(userName="a", title="x")
        assert server.listener.cleared == set()
        hr.put(made["id"], {"displayName": "Zoë"})
        assert server.listener.cleared == set()

    def test_null_nothing_and_empty_lists_clear(self, server: Server, hr: Client) -> None:
        hr.create(
            userName="a",
            title=None,
            nickName="",
            emails=[],
            name={"middleName": " ", "givenName": "Zoë"},
            **{ENTERPRISE: {"manager": None, "department": "Optics"}, WORKER: {}},
        )
        assert server.listener.cleared == {
            "title",
            "nickName",
            "emails",
            "name.middleName",
            f"{ENTERPRISE}:manager",
            WORKER,
        }

    def test_a_strict_client_empties_by_null_but_not_by_empty_text(
        self, server: Server, strict: Client
    ) -> None:
        strict.create(userName="a", title=None, nickName="", emails=[])
        assert server.listener.cleared == {"title", "emails"}

    def test_a_manager_without_a_value_is_none(self, server: Server, hr: Client) -> None:
        made = hr.create(userName="a", **{ENTERPRISE: {"manager": {"value": ""}}})
        assert ENTERPRISE not in made
        assert server.listener.cleared == {
            f"{ENTERPRISE}:manager",
            f"{ENTERPRISE}:manager.value",
        }

    def test_an_address_of_a_kind_can_be_emptied(self, server: Server, hr: Client) -> None:
        made = hr.create(
            userName="a",
            emails=[{"type": "work", "value": ""}, {"type": "home", "value": "h@x.example"}],
        )
        assert made["emails"] == [{"type": "home", "value": "h@x.example"}]
        assert server.listener.cleared == {'emails[type eq "work"].value'}
        op = {"op": "remove", "path": 'emails[type eq "home"]'}
        hr.patch(made["id"], op)
        assert 'emails[type eq "home"]' in server.listener.cleared

    def test_cleared_paths_stay_until_a_value_comes(self, server: Server, hr: Client) -> None:
        id = hr.create(userName="a", title=None, nickName=None)["id"]
        hr.put(id, {"displayName": "Zoë"})
        assert server.listener.cleared == {"title", "nickName"}
        hr.patch(id, {"op": "add", "path": "title", "value": "Engineer"})
        assert server.listener.cleared == {"nickName"}
        hr.patch(id, {"op": "remove", "path": "title"})
        assert server.listener.cleared == {"nickName", "title"}

    def test_clearing_what_was_never_there_is_told_but_is_no_new_version(
        self, server: Server, hr: Client
    ) -> None:
        made = hr.create(userName="a")
        assert accepted(hr.patch(made["id"], {"op": "remove", "path": "title"})) == made
        assert server.listener.cleared == {"title"}
        calls = len(server.listener.calls)
        hr.patch(made["id"], {"op": "remove", "path": "title"})
        assert len(server.listener.calls) == calls

    def test_names_that_are_no_paths_are_not_remembered(self, server: Server, hr: Client) -> None:
        hr.create(userName="a", **{"no path [": None, "x" * 600: None, "odd": {"a.b": None}})
        assert server.listener.cleared == {"odd"}
