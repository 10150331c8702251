"""The members of a JSON object have no order (RFC 8259 section 1): what a whole resource says,
and whether it is taken, is the same whichever comes first."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim import schema
from scim.errors import ScimError
from scim.profiles import PROFILES
from scim.shape import Shaper
from tests.scim.conftest import CORE, ENTERPRISE, WORKER, Server, accepted, refused

KIND = schema.load().types["/Users"]
LENIENT = sorted(set(PROFILES) - {"strict"})
ODM = "urn:ietf:params:scim:schemas:extension:sap.odm:2.0:User"

# Several ways to say the same few things, some of which disagree.
MEMBERS: dict[str, list[Any]] = {
    "userName": ["a", "b"],
    "USERNAME": ["a", " a ", None],
    f"{CORE}:userName": ["a"],
    "name": [{"givenName": "A"}, {"FAMILYNAME": "B", "givenName": ""}, {"nick": "x"}, None, {}],
    "NAME": [{"familyName": "B"}, [{"givenName": "A", "familyName": "C"}]],
    "name.givenName": ["A", "D", ""],
    f"{CORE}:name.familyName": ["B", None],
    "emails": [[{"value": "a@x.example", "type": "work"}], [], ["a@x.example"]],
    "Emails": [{"type": "work", "value": "a@x.example"}],
    "manager": ["x", "y", "", {"value": "x"}, {"$ref": "../Users/x"}],
    "manager.value": ["x", None],
    "organization": ["Contoso"],
    ENTERPRISE: [{"costCenter": "1"}, {"manager": {"value": "x"}}, {"department": "Y"}, {}, None],
    ENTERPRISE.upper(): [{"division": "Z", "Department": "X"}],
    ENTERPRISE.replace(":User", "User"): [{"costCenter": 1, "organization": "Contoso"}],
    f"{ENTERPRISE}:department": ["X", None],
    f"{ENTERPRISE}:manager.value": ["x"],
    WORKER: [{"hireDate": "2026-03-16", "fte": 1}, {"fte": True}],
    f"{WORKER}:hireDate": ["2026-03-16-08:00", "2026-03-17"],
    f"{WORKER}:fte": ["1", 0.5],
    ODM: [{"job": {"code": "1"}, "on": 1}, {"job": "1"}, {"job": {"code": "1", "name": "n"}}],
    f"{ODM}:job": [{"name": "n"}, "1", None],
    f"{ODM}:job.code": ["1", "2"],
    f"{ODM}:on": [1, True],
    "shoeSize": [44],
}
bodies = st.lists(st.sampled_from(sorted(MEMBERS)), min_size=2, max_size=6, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: st.sampled_from(MEMBERS[name]) for name in names})
)


def read(profile: str, body: dict[str, Any]) -> Any:
    """What is understood, or that it is refused."""
    shaper = Shaper(KIND, PROFILES[profile])
    try:
        content = shaper.document(body)
    except ScimError as error:
        return error.status
    return json.dumps(content, sort_keys=True), shaper.emptied, shaper.named


@given(data=st.data(), profile=st.sampled_from(LENIENT), body=bodies)
def test_every_order_says_the_same(data: st.DataObject, profile: str, body: dict[str, Any]) -> None:
    other = dict(data.draw(st.permutations(list(body.items()))))
    asked = json.dumps(body)
    assert read(profile, other) == read(profile, body)
    assert json.dumps(body) == asked, "what was sent is left as it is"


def test_a_strict_client_names_its_schemas_once() -> None:
    for body in permutations([("schemas", [CORE]), ("SCHEMAS", ["urn:x"]), ("userName", "a")]):
        assert read("strict", dict(body)) == 400


@pytest.mark.parametrize("profile", ["hr", "entra", "okta"])
@pytest.mark.parametrize(
    ("said", "held"),
    [
        # Microsoft's Logic App for API-driven provisioning sends the first of these.
        (
            {"organization": "Contoso", ENTERPRISE: {"department": "Optics"}},
            {ENTERPRISE: {"organization": "Contoso", "department": "Optics"}},
        ),
        (
            {"manager": "x", ENTERPRISE: {"costCenter": "1"}, f"{ENTERPRISE}:division": "D"},
            {ENTERPRISE: {"manager": {"value": "x"}, "costCenter": "1", "division": "D"}},
        ),
        (
            {f"{ENTERPRISE}:department": "X", ENTERPRISE: {"costCenter": "1"}},
            {ENTERPRISE: {"department": "X", "costCenter": "1"}},
        ),
        (
            {"name.givenName": "A", "name": {"familyName": "B"}, f"{CORE}:name.middleName": "C"},
            {"name": {"givenName": "A", "familyName": "B", "middleName": "C"}},
        ),
        (
            {"manager.value": "x", ENTERPRISE: {"manager": {"$ref": "../Users/x"}}},
            {ENTERPRISE: {"manager": {"value": "x", "$ref": "../Users/x"}}},
        ),
        (
            {f"{ENTERPRISE}:department": "X", ENTERPRISE: {"Department": " X "}},
            {ENTERPRISE: {"department": "X"}},
        ),
        (
            {"name.givenName": "A", "name": {"givenName": None}},
            {"name": {"givenName": "A"}},
        ),
    ],
)
def test_it_is_one_resource_in_every_order(
    server: Server, profile: str, said: dict[str, Any], held: dict[str, Any]
) -> None:
    client = server.client(profile, profile)
    id = client.create(userName="first")["id"]
    for number, body in enumerate(permutations(said.items())):
        made = client.create(userName=f"a{number}", **dict(body))
        for answer in (made, accepted(client.put(id, {"userName": "first", **dict(body)}))):
            kept = {k: v for k, v in answer.items() if k not in ("schemas", "id", "meta")}
            assert kept == {"userName": answer["userName"], **held}
    version = accepted(client.get(f"/Users/{id}"))["meta"]["version"]
    assert version == 'W/"2"', "another order is no change"


@pytest.mark.parametrize("profile", ["hr", "entra", "okta"])
@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"userName": "a", "USERNAME": "b"}, "userName"),
        ({"manager": "x", ENTERPRISE: {"manager": "y"}}, f"{ENTERPRISE}:manager.value"),
        (
            {f"{ENTERPRISE}:department": "X", ENTERPRISE: {"department": "Y"}},
            f"{ENTERPRISE}:department",
        ),
        ({"name.givenName": "A", "name": {"givenName": "B", "familyName": "C"}}, "name.givenName"),
        ({"emails": ["a@x.example"], "EMAILS": ["b@x.example"]}, "emails"),
    ],
)
def test_two_values_for_one_attribute_are_refused_in_every_order(
    server: Server, profile: str, said: dict[str, Any], what: str
) -> None:
    client = server.client(profile, profile)
    for body in permutations({"externalId": "E1", **said}.items()):
        detail = refused(client.send("POST", "/Users", dict(body)), 400, "invalidSyntax")
        assert detail == f"{what} is there twice."


def test_extensions_that_nobody_declared_are_put_together_too(server: Server) -> None:
    hr = server.client()
    said = {ODM: {"job": {"code": "1"}, "id": "7"}, f"{ODM}:job": {"name": "n"}, f"{ODM}:job.x": 1}
    for number, body in enumerate(permutations(said.items())):
        made = hr.create(userName=f"a{number}", **dict(body))
        assert made[ODM] == {"job": {"code": "1", "name": "n", "x": 1}, "id": "7"}
