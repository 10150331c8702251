"""PATCH (RFC 7644 section 3.5.2)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scim.conftest import (
    CORE,
    ENTERPRISE,
    PATCH_OP,
    WORKER,
    Client,
    Server,
    accepted,
    refused,
)

WORK = {"value": "w@norhaven.example", "type": "work", "primary": True}
HOME = {"value": "h@norhaven.example", "type": "home"}


def op(name: str, path: str | None = None, value: Any = ...) -> dict[str, Any]:
    made: dict[str, Any] = {"op": name}
    if path is not None:
        made["path"] = path
    if value is not ...:
        made["value"] = value
    return made


def content(answer: Any) -> dict[str, Any]:
    body = accepted(answer)
    return {k: v for k, v in body.items() if k not in ("schemas", "id", "meta", "userName")}


@pytest.fixture
def id(strict: Client) -> str:
    return str(
        strict.create(
            userName="a",
            title="Engineer",
            name={"givenName": "Zoë", "familyName": "Smith"},
            emails=[WORK, HOME],
            **{ENTERPRISE: {"department": "Optics", "manager": {"value": "m1"}}},
        )["id"]
    )


class TestAdd:
    def test_single_value(self, strict: Client, id: str) -> None:
        assert content(strict.patch(id, op("add", "nickName", "Z")))["nickName"] == "Z"
        assert content(strict.patch(id, op("add", "title", "Lead")))["title"] == "Lead"

    def test_sub_attribute_and_complex_merge(self, strict: Client, id: str) -> None:
        body = content(strict.patch(id, op("add", "name.middleName", "M")))
        assert body["name"] == {"givenName": "Zoë", "familyName": "Smith", "middleName": "M"}
        body = content(strict.patch(id, op("add", "name", {"givenName": "Zoe"})))
        assert body["name"] == {"givenName": "Zoe", "familyName": "Smith", "middleName": "M"}

    def test_values_are_appended_once(self, strict: Client, id: str) -> None:
        other = {"value": "o@norhaven.example", "type": "other"}
        body = content(strict.patch(id, op("add", "emails", [other, HOME])))
        assert body["emails"] == [WORK, HOME, other]

    def test_a_new_primary_takes_the_mark(self, strict: Client, id: str) -> None:
        other = {"value": "o@norhaven.example", "primary": True}
        body = content(strict.patch(id, op("add", "emails", [other])))
        assert [email.get("primary") for email in body["emails"]] == [False, None, True]

    def test_without_a_path(self, strict: Client, id: str) -> None:
        value = {
            "nickName": "Z",
            "emails": [{"value": "o@norhaven.example"}],
            ENTERPRISE: {"division": "Engineering"},
        }
        body = content(strict.patch(id, op("add", None, value)))
        assert body["nickName"] == "Z"
        assert len(body["emails"]) == 3
        assert body[ENTERPRISE]["division"] == "Engineering"
        assert body[ENTERPRISE]["department"] == "Optics"

    def test_extension_paths(self, strict: Client, id: str) -> None:
        body = content(
            strict.patch(
                id,
                op("add", f"{ENTERPRISE}:costCenter", "4101"),
                op("add", f"{ENTERPRISE.upper()}:MANAGER.VALUE", "m2"),
                op("add", WORKER, {"workerId": "E1"}),
                op("add", f"{CORE}:nickName", "Z"),
            )
        )
        assert body[ENTERPRISE]["costCenter"] == "4101"
        assert body[ENTERPRISE]["manager"] == {"value": "m2"}
        assert body[WORKER] == {"workerId": "E1"}
        assert body["nickName"] == "Z"

    def test_a_value_filter_that_selects_nothing_makes_the_element(
        self, strict: Client, id: str
    ) -> None:
        body = content(
            strict.patch(
                id,
                op("add", 'phoneNumbers[type eq "Fax"].value', "+49 30 1"),
                op("add", 'phoneNumbers[type eq "fax"].display', "Fax"),
            )
        )
        assert body["phoneNumbers"] == [{"type": "Fax", "value": "+49 30 1", "display": "Fax"}]

    def test_the_same_again_is_no_change(self, server: Server, strict: Client, id: str) -> None:
        server.listener.calls.clear()
        answer = strict.patch(id, op("add", "emails", [HOME]), op("add", "title", "Engineer"))
        assert accepted(answer)["meta"]["version"] == 'W/"1"'
        assert server.listener.calls == []


class TestReplace:
    def test_lists_are_replaced_whole(self, strict: Client, id: str) -> None:
        assert content(strict.patch(id, op("replace", "emails", [HOME])))["emails"] == [HOME]

    def test_sub_attributes_given_are_replaced(self, strict: Client, id: str) -> None:
        body = content(strict.patch(id, op("replace", "name", {"familyName": "Jones"})))
        assert body["name"] == {"givenName": "Zoë", "familyName": "Jones"}

    def test_a_missing_attribute_is_added(self, strict: Client, id: str) -> None:
        assert content(strict.patch(id, op("replace", "nickName", "Z")))["nickName"] == "Z"

    def test_null_removes(self, server: Server, strict: Client, id: str) -> None:
        body = content(
            strict.patch(
                id,
                op("replace", "title", None),
                op("replace", "name", {"givenName": None}),
                op("replace", None, {"emails": [], ENTERPRISE: {"manager": None}}),
            )
        )
        assert body == {"name": {"familyName": "Smith"}, ENTERPRISE: {"department": "Optics"}}
        assert server.listener.cleared == {
            "title",
            "name.givenName",
            "emails",
            f"{ENTERPRISE}:manager",
        }

    def test_selected_values(self, strict: Client, id: str) -> None:
        path = 'emails[type eq "WORK" and value sw "w@"]'
        body = content(strict.patch(id, op("replace", f"{path}.value", "w2@norhaven.example")))
        assert body["emails"] == [{**WORK, "value": "w2@norhaven.example"}, HOME]
        new = {"value": "w3@norhaven.example", "type": "work"}
        body = content(strict.patch(id, op("replace", 'emails[type eq "work"]', new)))
        assert body["emails"] == [new, HOME]

    def test_primary_flips(self, strict: Client, id: str) -> None:
        body = content(strict.patch(id, op("replace", 'emails[type eq "home"].primary', True)))
        assert [email["primary"] for email in body["emails"]] == [False, True]

    def test_a_value_filter_that_selects_nothing_is_no_target(
        self, strict: Client, id: str
    ) -> None:
        path = 'emails[type eq "other"].value'
        refused(strict.patch(id, op("replace", path, "x")), 400, "noTarget")

    def test_all_values_without_a_filter(self, strict: Client, id: str) -> None:
        body = content(strict.patch(id, op("replace", "emails.display", "x")))
        assert [email["display"] for email in body["emails"]] == ["x", "x"]


class TestRemove:
    def test_attributes(self, strict: Client, id: str) -> None:
        body = content(
            strict.patch(
                id,
                op("remove", "title"),
                op("remove", "name.givenName"),
                op("remove", f"{ENTERPRISE}:manager"),
                op("remove", "nickName"),
            )
        )
        assert body == {
            "name": {"familyName": "Smith"},
            "emails": [WORK, HOME],
            ENTERPRISE: {"department": "Optics"},
        }

    def test_the_last_part_takes_the_whole_with_it(self, strict: Client, id: str) -> None:
        answer = strict.patch(
            id,
            op("remove", "name.givenName"),
            op("remove", "name.familyName"),
            op("remove", f"{ENTERPRISE}:department"),
            op("remove", f"{ENTERPRISE}:manager.value"),
        )
        body = accepted(answer)
        assert "name" not in body
        assert body["schemas"] == [CORE]

    def test_a_whole_extension(self, strict: Client, id: str) -> None:
        assert ENTERPRISE not in content(strict.patch(id, op("remove", ENTERPRISE)))

    def test_selected_values(self, strict: Client, id: str) -> None:
        body = content(strict.patch(id, op("remove", 'emails[type eq "home"]')))
        assert body["emails"] == [WORK]
        body = content(strict.patch(id, op("remove", 'emails[type eq "work"].primary')))
        assert body["emails"] == [{"value": WORK["value"], "type": "work"}]
        assert "emails" not in content(strict.patch(id, op("remove", "emails[value pr]")))

    def test_a_value_says_which(self, strict: Client, id: str) -> None:
        assert content(strict.patch(id, op("remove", "emails", [HOME])))["emails"] == [WORK]
        assert content(strict.patch(id, op("remove", "emails", [HOME])))["emails"] == [WORK]
        assert "emails" not in content(strict.patch(id, op("remove", "emails", None)))
        strict.patch(id, op("replace", "emails", [WORK, HOME]))
        assert "emails" not in content(strict.patch(id, op("remove", "emails", [WORK, HOME])))
        assert "title" not in content(strict.patch(id, op("remove", "title", "other")))

    def test_nothing_selected_is_no_target(self, strict: Client, id: str) -> None:
        refused(strict.patch(id, op("remove", 'emails[type eq "other"]')), 400, "noTarget")

    def test_a_path_is_needed(self, strict: Client, id: str) -> None:
        refused(strict.patch(id, op("remove", None, "x")), 400, "noTarget")

    def test_a_required_attribute_stays(self, strict: Client, id: str) -> None:
        refused(strict.patch(id, op("remove", "userName")), 400, "mutability")


def test_a_value_filter_on_a_single_value(strict: Client, id: str) -> None:
    """Section 3.5.2 has filters for lists; what is no list is taken as one of one."""
    path = 'name[familyName eq "smith"]'
    body = content(strict.patch(id, op("replace", f"{path}.givenName", "Zoe")))
    assert body["name"] == {"familyName": "Smith", "givenName": "Zoe"}
    for name in ("add", "replace"):
        other = op(name, 'name[familyName eq "Jones"].givenName', "Zoe")
        refused(strict.patch(id, other), 400, "noTarget")
    assert "name" not in content(strict.patch(id, op("remove", path)))
    refused(strict.patch(id, op("replace", f"{path}.givenName", "Zoe")), 400, "noTarget")


@pytest.mark.parametrize("name", ["add", "replace", "remove"])
def test_a_value_filter_on_a_simple_value(strict: Client, id: str, name: str) -> None:
    """It has no sub-attributes that a filter could look at."""
    for path in ('userName[value eq "bjensen"]', 'name.familyName[value eq "Smith"]'):
        refused(strict.patch(id, op(name, path, "x")), 400, "invalidPath")


def test_values_that_become_one(strict: Client, id: str) -> None:
    """RFC 7643 section 2.4: no type and value twice."""
    home = 'emails[type eq "home"]'
    body = content(strict.patch(id, op("replace", home, {**WORK, "primary": False})))
    assert body["emails"] == [WORK]
    strict.patch(id, op("replace", "emails", [WORK, HOME]))
    both = op("replace", "emails[value pr].value", "x"), op("replace", "emails.type", "other")
    assert content(strict.patch(id, *both))["emails"] == [
        {"value": "x", "type": "other", "primary": True}
    ]


class TestSchemas:
    """RFC 7643 section 3, RFC 7644 section 3.5.2: `schemas` follows from what is held."""

    def test_what_is_known_may_be_named(self, strict: Client, id: str) -> None:
        before = accepted(strict.get(f"/Users/{id}"))
        for operation in (
            op("add", "schemas", [ENTERPRISE]),
            op("add", "schemas", ENTERPRISE),
            op("replace", "schemas", [CORE, ENTERPRISE]),
            op("remove", f'schemas[value eq "{ENTERPRISE}"]'),
            op("replace", None, {"schemas": [ENTERPRISE]}),
        ):
            assert accepted(strict.patch(id, operation)) == before

    def test_it_is_required(self, strict: Client, id: str) -> None:
        refused(strict.patch(id, op("remove", "schemas")), 400, "mutability")

    def test_it_is_ignored_from_others(self, hr: Client, server: Server) -> None:
        for client in (hr, server.client("entra", "entra")):
            id = client.create(userName="b")["id"]
            for operation in (op("remove", "schemas"), op("replace", "schemas", ["urn:x"])):
                assert accepted(client.patch(id, operation))["schemas"] == [CORE]


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        (op("add", "schemas", ["urn:none:1.0:User"]), "invalidSyntax"),
        (op("replace", "schemas", [ENTERPRISE]), "invalidSyntax"),
        (op("replace", "schemas", []), "invalidSyntax"),
        (op("replace", None, {"schemas": ["urn:none:1.0:User"]}), "invalidSyntax"),
        (op("add", "bogus", 1), "invalidPath"),
        (op("add", "name.bogus", 1), "invalidPath"),
        (op("add", "title.x", 1), "invalidPath"),
        (op("add", "urn:none:1.0:User:x", 1), "invalidPath"),
        (op("add", CORE, {}), "invalidPath"),
        (op("add", "emails[", 1), "invalidPath"),
        (op("add", 'emails[type eq "]', 1), "invalidPath"),
        (op("add", 'emails[type eq "x"]value', 1), "invalidPath"),
        (op("add", 'emails[type eq "x"].bogus', 1), "invalidPath"),
        (op("add", 'name.givenName[type eq "x"]', 1), "invalidPath"),
        (op("add", "emails[type is 1]", 1), "invalidFilter"),
        (op("add", "emails[bogus eq 1]", 1), "invalidFilter"),
        (op("add", " ", 1), "invalidPath"),
        (op("add", "a" * 5000, 1), "invalidPath"),
        (op("add", None, "x"), "invalidValue"),
        (op("add", None, {"bogus": 1}), "invalidPath"),
        (op("add", "title"), "invalidValue"),
        (op("add", "title", 5), "invalidValue"),
        (op("add", "active", "maybe"), "invalidValue"),
        (op("replace", "emails", "x"), "invalidValue"),
        (op("replace", 'emails[type eq "work"].value', {"x": 1}), "invalidValue"),
        (op("replace", "id", "x"), "mutability"),
        (op("replace", "meta.version", "x"), "mutability"),
        (op("replace", None, {"id": "x"}), "mutability"),
        (op("add", "groups", [{"value": "g"}]), "mutability"),
        (op("remove", f"{ENTERPRISE}:manager.displayName"), "mutability"),
        (op("move", "title", "x"), "invalidSyntax"),
        ({"path": "title", "value": "x"}, "invalidSyntax"),
        ({"op": 5, "path": "title"}, "invalidSyntax"),
        ("remove", "invalidSyntax"),
        ({"op": "add", "path": ["title"], "value": "x"}, "invalidPath"),
    ],
)
def test_a_wrong_operation_changes_nothing(
    strict: Client, id: str, operation: Any, scim_type: str
) -> None:
    before = accepted(strict.get(f"/Users/{id}"))
    refused(strict.patch(id, op("replace", "title", "Lead"), operation), 400, scim_type)
    assert accepted(strict.get(f"/Users/{id}")) == before


def test_a_message_is_a_patch(strict: Client, id: str) -> None:
    for body in (
        {"schemas": [PATCH_OP]},
        {"schemas": [PATCH_OP], "Operations": []},
        {"schemas": [PATCH_OP], "Operations": {}},
        {"schemas": [PATCH_OP], "Operations": [op("add", "title", "x")] * 1001},
        {"schemas": [CORE], "Operations": [op("add", "title", "x")]},
        {"Operations": [op("add", "title", "x")]},
    ):
        refused(strict.send("PATCH", f"/Users/{id}", body), 400, "invalidSyntax")
    body = {"SCHEMAS": [PATCH_OP], "operations": [{"OP": "ADD", "Path": "title", "VALUE": "x"}]}
    assert content(strict.send("PATCH", f"/Users/{id}", body))["title"] == "x"


class TestLenient:
    """What Entra, IPS and XML converters send, under the HR profile."""

    @pytest.fixture
    def id(self, hr: Client) -> str:
        made = hr.create(userName="a", active=True, name={"familyName": "Smith"}, emails=[WORK])
        return str(made["id"])

    def test_capital_operations_and_text_for_booleans(self, hr: Client, id: str) -> None:
        body = content(hr.patch(id, op("Replace", "active", "False")))
        assert body["active"] is False
        body = content(hr.patch(id, op("Add", None, {"active": "True"})))
        assert body["active"] is True

    def test_dotted_urn_and_filter_keys_without_a_path(self, hr: Client, id: str) -> None:
        value = {
            "name.familyName": "Jones",
            f"{ENTERPRISE}:department": "Optics",
            f"{ENTERPRISE}:manager": "m1",
            'emails[type eq "work"].value': "j@norhaven.example",
        }
        body = content(hr.patch(id, op("replace", None, value)))
        assert body["name"] == {"familyName": "Jones"}
        assert body[ENTERPRISE] == {"department": "Optics", "manager": {"value": "m1"}}
        assert body["emails"] == [{**WORK, "value": "j@norhaven.example"}]

    def test_a_manager_in_a_list_and_an_empty_one(self, hr: Client, id: str) -> None:
        path = f"{ENTERPRISE}:manager"
        body = content(hr.patch(id, op("Add", path, [{"$ref": "x", "value": "m1"}])))
        assert body[ENTERPRISE]["manager"] == {"$ref": "x", "value": "m1"}
        assert ENTERPRISE not in content(hr.patch(id, op("Replace", path, {"value": ""})))

    def test_replace_makes_what_its_filter_does_not_find(self, hr: Client, id: str) -> None:
        path = 'phoneNumbers[type eq "mobile" and primary eq "True"].value'
        body = content(hr.patch(id, op("Replace", path, "+49 151 1")))
        assert body["phoneNumbers"] == [{"type": "mobile", "primary": True, "value": "+49 151 1"}]

    def test_remove_by_value(self, hr: Client, id: str) -> None:
        body = content(hr.patch(id, op("Add", "emails", [HOME]), op("Remove", "emails", [HOME])))
        assert body["emails"] == [WORK]

    def test_removing_what_is_not_there_is_fine(self, hr: Client, id: str) -> None:
        path = 'emails[type eq "other"]'
        assert accepted(hr.patch(id, op("remove", path)))["meta"]["version"] == 'W/"1"'

    def test_read_only_attributes_are_ignored(self, hr: Client, id: str) -> None:
        body = hr.patch(id, op("replace", "id", "x"), op("add", "groups", [{"value": "g"}]))
        assert accepted(body)["meta"]["version"] == 'W/"1"'

    def test_unknown_attributes_are_kept_in_any_case(self, hr: Client, id: str) -> None:
        other = "urn:other:scim:schemas:extension:badge:2.0:User"
        body = content(
            hr.patch(
                id,
                op("add", f"{other}:door", "1"),
                op("add", "shoeSize", 44),
                op("replace", "SHOESIZE", 45),
                op("add", "badge.color", "red"),
                op("replace", "badge.COLOR", "blue"),
            )
        )
        assert body[other] == {"door": "1"}
        assert body["shoeSize"] == 45
        assert body["badge"] == {"color": "blue"}
        body = content(hr.patch(id, op("remove", other), op("remove", "badge.color")))
        assert other not in body
        assert "badge" not in body
