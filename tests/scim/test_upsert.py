"""A whole record under its externalId: what is said replaces, what is not said stays."""

from __future__ import annotations

from typing import Any

import pytest

from scim import schema
from scim.batch import Verdict, carry_out
from scim.errors import ScimError
from scim.profiles import HR
from scim.service import Client, Service
from scim.upsert import Record, storing
from tests.scim.conftest import BASE, CORE, ENTERPRISE, Server

KIND = schema.load().type_named("User")
ME = Client("workday", HR)
CONTOSO = "urn:contoso:employee"
WHOLE: dict[str, Any] = {
    "schemas": [CORE],
    "externalId": "E1",
    "userName": "zoe",
    "active": True,
    "name": {"givenName": "Zoë", "familyName": "O'Neil"},
    "title": "Clerk",
    "emails": [
        {"type": "work", "value": "zoe@norhaven.example", "primary": True},
        {"type": "home", "value": "zoe@mail.example"},
    ],
    "addresses": [{"type": "work", "locality": "Lyon", "country": "FRA"}],
    ENTERPRISE: {"department": "Optics", "manager": {"value": "E9", "$ref": "../Users/E9"}},
    CONTOSO: {"Job Code": "A-1", "Grade": "7"},
}


class House:
    """A service, and what `storing` makes of records."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.service = Service(
            server.db, schema.load(), server.listener, server.clock, BASE + "/scim/v2"
        )

    def store(self, *records: dict[str, Any] | ScimError, **more: Any) -> list[Verdict]:
        assert KIND is not None
        clear, rehearse = more.pop("clear", False), more.pop("rehearse", False)
        works = []
        for record in records:
            try:
                assert not isinstance(record, ScimError)
                said = Record(KIND, ME.profile, record, clear=clear)
                works.append(storing(self.service, ME, said))
            except ScimError as error:
                works.append(error)  # type: ignore[arg-type]
        return carry_out(self.service, works, lambda tx, found: None, rehearse=rehearse)

    def content(self, key: str = "E1") -> dict[str, Any]:
        client = self.server.client()
        found = client.find(f'externalId eq "{key}"').get_json(force=True)["Resources"]
        (one,) = found
        return {k: v for k, v in one.items() if k not in ("schemas", "id", "meta")}


@pytest.fixture
def house(server: Server) -> House:
    house = House(server)
    (made,) = house.store(WHOLE)
    assert (made.result, made.status) == ("created", 201)
    return house


def test_a_new_record_is_created_as_a_post_would(house: House) -> None:
    assert house.content() == {k: v for k, v in WHOLE.items() if k != "schemas"}


def test_the_same_again_changes_nothing(house: House) -> None:
    (again,) = house.store(WHOLE)
    assert (again.result, again.status) == ("unchanged", 200)
    assert again.written is not None
    assert again.written.receipt is None
    assert again.written.resource.version == 1
    assert len(house.server.listener.calls) == 1


def test_what_is_not_said_is_kept(house: House) -> None:
    (changed,) = house.store({"externalId": "E1", "active": False, ENTERPRISE: {"division": "X"}})
    assert changed.result == "changed"
    wanted = {k: v for k, v in WHOLE.items() if k != "schemas"} | {"active": False}
    assert house.content() == wanted | {ENTERPRISE: {**WHOLE[ENTERPRISE], "division": "X"}}


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_null_says_nothing(house: House, nothing: Any) -> None:
    (same,) = house.store(
        {
            "externalId": "E1",
            "title": nothing,
            "active": nothing,
            "name": {"givenName": nothing, "familyName": nothing},
            "emails": [{"type": "work", "value": nothing}],
            "addresses": [{"type": "work", "locality": nothing}],
            ENTERPRISE: {"department": nothing, "manager": {"value": nothing}},
            CONTOSO: {"Grade": nothing},
        }
    )
    assert same.result == "unchanged"


def test_null_clears_where_the_source_says_so_but_never_keys_or_active(house: House) -> None:
    house.store(
        {
            "externalId": "E1",
            "userName": None,
            "active": None,
            "title": None,
            "name": {"givenName": "Zoë", "familyName": None},
            "addresses": [{"type": "work", "locality": "", "country": "FRA"}],
            ENTERPRISE: {"department": None, "manager": {"value": None}, "employeeNumber": None},
        },
        clear=True,
    )
    content = house.content()
    assert "title" not in content
    assert content["name"] == {"givenName": "Zoë"}
    assert content["addresses"] == [{"type": "work", "country": "FRA"}]
    assert ENTERPRISE not in content
    assert (content["userName"], content["active"]) == ("zoe", True)
    assert house.server.listener.cleared == {
        "title",
        "name.familyName",
        'addresses[type eq "work"].locality',
        f"{ENTERPRISE}:department",
        f"{ENTERPRISE}:manager",
        f"{ENTERPRISE}:manager.value",
    }


def test_values_of_a_type_replace_those_of_that_type(house: House) -> None:
    house.store(
        {
            "externalId": "E1",
            "emails": [{"type": "HOME", "value": "new@mail.example"}],
            "addresses": [{"type": "work", "locality": "Paris"}, {"type": "home", "locality": "X"}],
            "phoneNumbers": {"type": "mobile", "value": "1"},
        }
    )
    content = house.content()
    assert content["emails"] == [
        WHOLE["emails"][0],
        {"type": "home", "value": "new@mail.example"},
    ]
    assert content["addresses"] == [
        {"type": "work", "locality": "Paris", "country": "FRA"},
        {"type": "home", "locality": "X"},
    ]
    assert content["phoneNumbers"] == [{"type": "mobile", "value": "1"}]


def test_several_values_of_one_type_take_the_place_of_all_of_it(house: House) -> None:
    numbers = [{"type": "work", "value": "1"}, {"type": "work", "value": "2"}]
    house.store({"externalId": "E1", "phoneNumbers": [*numbers, {"type": "fax", "value": "3"}]})
    house.store({"externalId": "E1", "phoneNumbers": [{"type": "work", "value": "2"}]})
    assert house.content()["phoneNumbers"] == [
        {"type": "work", "value": "2"},
        {"type": "fax", "value": "3"},
    ]


def test_a_new_primary_value_takes_over(house: House) -> None:
    house.store(
        {"externalId": "E1", "emails": [{"type": "home", "value": "h@x.example", "primary": True}]}
    )
    assert [(e["type"], e.get("primary")) for e in house.content()["emails"]] == [
        ("work", False),
        ("home", True),
    ]


def test_what_was_said_of_another_manager_is_gone(house: House) -> None:
    house.store({"externalId": "E1", ENTERPRISE: {"manager": {"value": "E8"}}})
    assert house.content()[ENTERPRISE]["manager"] == {"value": "E8"}
    house.store({"externalId": "E1", ENTERPRISE: {"manager": "E7"}})
    assert house.content()[ENTERPRISE]["manager"] == {"value": "E7"}


def test_names_are_found_in_any_case_and_unknown_extensions_grow(house: House) -> None:
    house.store({"EXTERNALID": "E1", "TITLE": "Boss", CONTOSO: {"job code": "B-2", "Start": "x"}})
    content = house.content()
    assert content["title"] == "Boss"
    assert content[CONTOSO] == {"Job Code": "B-2", "Grade": "7", "Start": "x"}


def test_a_record_without_a_key_is_refused_and_the_others_are_stored(house: House) -> None:
    first, second, third = house.store(
        {"externalId": "E2", "userName": "bo"}, {"userName": "nobody"}, {"externalId": "E3"}
    )
    assert [one.result for one in (first, second, third)] == ["created", "refused", "created"]
    assert second.error is not None
    assert (second.status, second.error.scim_type) == (400, "invalidValue")
    assert "externalId" in second.error.detail


def test_a_taken_user_name_refuses_one_record_only(house: House) -> None:
    first, second = house.store({"externalId": "E2", "userName": "ZOE"}, {"externalId": "E3"})
    assert (first.status, second.status) == (409, 201)
    assert first.error is not None
    assert "userName" in first.error.detail
    with pytest.raises(ValueError, match="unpack"):
        house.content("E2")


def test_two_records_of_one_key_are_taken_in_order(house: House) -> None:
    first, second = house.store(
        {"externalId": "E5", "title": "a"}, {"externalId": "E5", "title": "b"}
    )
    assert [first.result, second.result] == ["created", "changed"]
    assert house.content("E5")["title"] == "b"


def test_a_rehearsal_leaves_nothing_behind(house: House) -> None:
    first, second = house.store(
        {"externalId": "E1", "title": "Boss"}, {"externalId": "E2"}, rehearse=True
    )
    assert [first.result, second.result] == ["changed", "created"]
    assert house.content()["title"] == "Clerk"
    with pytest.raises(ValueError, match="unpack"):
        house.content("E2")


def test_after_a_delete_the_key_makes_a_new_resource(house: House) -> None:
    client = house.server.client()
    id = client.find('externalId eq "E1"').get_json(force=True)["Resources"][0]["id"]
    client.send("DELETE", f"/Users/{id}")
    (made,) = house.store({"externalId": "E1", "title": "Back"})
    assert made.result == "created"
    assert house.content() == {"externalId": "E1", "title": "Back"}
