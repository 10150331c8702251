"""A formatted name follows the parts it was put together from (RFC 7643 section 4.1.1)."""

from __future__ import annotations

from typing import Any

import pytest

from scim import schema
from scim.batch import carry_out
from scim.names import follow
from scim.profiles import HR
from scim.service import Client as Caller
from scim.service import Service
from scim.upsert import Record, storing
from tests.scim.conftest import BASE, CORE, Client, Server, accepted

LENIENT = ["hr", "sap-ips", "rippling", "entra", "okta"]
ZOE = {"givenName": "Zoë", "familyName": "Smith", "formatted": "Zoë Smith"}
FULL = {
    "givenName": "Zoë",
    "middleName": "Ann",
    "familyName": "Smith",
    "honorificPrefix": "Dr.",
    "honorificSuffix": "III",
}


def replace(path: str | None, value: Any) -> dict[str, Any]:
    said = {"op": "Replace", "value": value}
    return said if path is None else {**said, "path": path}


def remove(path: str) -> dict[str, Any]:
    return {"op": "remove", "path": path}


def after(client: Client, name: dict[str, Any], *operations: dict[str, Any]) -> Any:
    """The name that operations make of `name`."""
    id = client.create(userName="zoe", displayName="Zoë", name=name)["id"]
    body = accepted(client.patch(id, *operations))
    assert body == accepted(client.get(f"/Users/{id}"))
    assert body["displayName"] == "Zoë"
    return body.get("name")


@pytest.mark.parametrize("profile", LENIENT)
def test_microsofts_documented_exchange(server: Server, profile: str) -> None:
    """learn.microsoft.com, "Develop a SCIM endpoint": "Create User", then "Update User
    [Single-valued properties]", whose answer shows the formatted name."""
    client = server.client(profile, profile)
    id = client.create(
        externalId="0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        userName="Test_User_ab6490ee-1e48-479e-a20b-2d77186b5dd1",
        active=True,
        emails=[{"primary": True, "type": "work", "value": "Test_User@testuser.com"}],
        meta={"resourceType": "User"},
        name={
            "formatted": "givenName familyName",
            "familyName": "familyName",
            "givenName": "givenName",
        },
        roles=[],
    )["id"]
    body = accepted(client.patch(id, replace("name.familyName", "updatedFamilyName")))
    assert body["name"] == {
        "formatted": "givenName updatedFamilyName",
        "familyName": "updatedFamilyName",
        "givenName": "givenName",
    }


def test_what_a_strict_client_said_stays_as_it_was_said(strict: Client) -> None:
    name = after(strict, ZOE, replace("name.familyName", "Brandt"))
    assert name == {**ZOE, "familyName": "Brandt"}


@pytest.mark.parametrize(
    ("held", "then"),
    [
        ("Zoë Smith", "Mia Brandt"),
        ("Zoë Ann Smith", "Mia Ann Brandt"),
        ("Smith Zoë", "Brandt Mia"),
        ("Smith, Zoë", "Brandt, Mia"),
        ("Dr. Zoë Smith", "Dr. Mia Brandt"),
        ("Dr. Smith, Zoë", "Dr. Brandt, Mia"),
        ("Zoë Smith III", "Mia Brandt III"),
        ("Dr. Zoë Ann Smith, III", "Dr. Mia Ann Brandt, III"),
        # Only their owners know how these are to be written now.
        ("Zoë S.", "Zoë S."),
        ("zoë smith", "zoë smith"),
        ("Zoë A. Smith", "Zoë A. Smith"),
        ("Zoë Smith (Optics)", "Zoë Smith (Optics)"),
    ],
)
def test_it_stays_the_same_composition(held: str, then: str) -> None:
    before = {"name": {**FULL, "formatted": held}}
    content = {"name": {**before["name"], "givenName": "Mia", "familyName": "Brandt"}}
    emptied: set[str] = set()
    follow(before, content, emptied)
    assert content["name"]["formatted"] == then
    assert not emptied


@pytest.mark.parametrize(
    ("operations", "formatted"),
    [
        ([replace("name", {"FAMILYNAME": "Brandt"})], "Zoë Brandt"),
        ([replace(None, {"name": {"familyName": "Brandt"}})], "Zoë Brandt"),
        ([replace(None, {"name.familyName": "Brandt", "title": "x"})], "Zoë Brandt"),
        ([replace(f"{CORE}:name.familyName", "Brandt")], "Zoë Brandt"),
        ([replace("name.givenName", "Mia"), replace("name.familyName", "Brandt")], "Mia Brandt"),
        ([remove("name.givenName")], "Smith"),
        ([replace("name.givenName", "")], "Smith"),
        # There was no middle name and no title, so the composition has none.
        ([replace("name.middleName", "Ann"), replace("name.honorificPrefix", "Dr.")], "Zoë Smith"),
        ([replace("title", "Boss")], "Zoë Smith"),
        # Who says it means it, in whatever order and words.
        ([replace("name.formatted", "Z"), replace("name.familyName", "Brandt")], "Z"),
        ([replace("name.familyName", "Brandt"), replace("name.formatted", "Z S")], "Z S"),
        ([replace("name", {"familyName": "Brandt", "Formatted": "Zoë Smith"})], "Zoë Smith"),
        ([replace(None, {"name.familyName": "B", "name.formatted": "Zoë Smith"})], "Zoë Smith"),
        ([replace("name", [{"familyName": "B", "formatted": "Zoë Smith"}])], "Zoë Smith"),
        (
            [
                replace("name.familyName", "B"),
                replace('name[givenName eq "Zoë"].formatted', "Zoë Smith"),
            ],
            "Zoë Smith",
        ),
        ([remove("name.formatted"), replace("name.familyName", "Brandt")], None),
        ([replace("name.familyName", "Brandt"), replace("name.formatted", "")], None),
        ([remove("name"), replace("name.familyName", "Brandt")], None),
    ],
)
def test_by_whatever_operations(
    hr: Client, operations: list[dict[str, Any]], formatted: str | None
) -> None:
    assert after(hr, ZOE, *operations).get("formatted") == formatted


def test_where_no_part_is_left_it_goes_and_is_said_to_be_empty(server: Server, hr: Client) -> None:
    gone = [remove("name.givenName"), replace("name.familyName", None)]
    assert after(hr, {**ZOE, "honorificPrefix": "Dr."}, *gone) == {"honorificPrefix": "Dr."}
    assert server.listener.cleared == {"name.givenName", "name.familyName", "name.formatted"}
    after_it = server.listener.calls[-1][4]
    id = after_it["id"]
    assert "name" not in accepted(hr.patch(id, remove("name.honorificPrefix")))
    accepted(hr.patch(id, replace("name.formatted", "Zoë")))
    assert "name.formatted" not in server.listener.cleared


def test_what_changes_nothing_makes_no_new_version(hr: Client) -> None:
    id = hr.create(userName="zoe", name=ZOE)["id"]
    same = accepted(hr.patch(id, replace("name.familyName", "Smith")))
    assert same["meta"]["version"] == 'W/"1"'


def test_a_put_says_all_there_is(hr: Client) -> None:
    id = hr.create(userName="zoe", name=ZOE)["id"]
    other = {**ZOE, "familyName": "Brandt"}
    assert accepted(hr.put(id, {"name": other}))["name"] == other
    del other["formatted"]
    assert accepted(hr.put(id, {"name": other}))["name"] == other


def test_values_that_are_no_text_are_refused_as_ever(hr: Client) -> None:
    id = hr.create(userName="zoe", name=ZOE)["id"]
    assert hr.patch(id, replace("name.familyName", {"a": 1})).status_code == 400


@pytest.mark.parametrize("clear", [False, True])
@pytest.mark.parametrize(
    ("said", "held"),
    [
        ({"familyName": "Brandt"}, {**ZOE, "familyName": "Brandt", "formatted": "Zoë Brandt"}),
        ({"familyName": "Brandt", "formatted": ZOE["formatted"]}, {**ZOE, "familyName": "Brandt"}),
        ({"nick": "Z"}, {**ZOE, "nick": "Z"}),
    ],
)
def test_a_whole_record_of_what_is_known(
    server: Server, hr: Client, said: dict[str, Any], held: dict[str, Any], clear: bool
) -> None:
    kind = schema.load().types["/Users"]
    service = Service(server.db, schema.load(), server.listener, server.clock, BASE + "/scim/v2")
    id = hr.create(externalId="E1", name=ZOE)["id"]
    record = {"externalId": "E1", "name": said}
    read = Record(kind, HR, record, clear=clear)
    work = storing(service, Caller("workday", HR), read)
    carry_out(service, [work], lambda tx, found: None, rehearse=False)
    assert accepted(hr.get(f"/Users/{id}"))["name"] == held
    assert record["name"] == said
