"""Entra ID's SCIM client as a pusher: what it sends, in its order, and what it has to be told.

Each pair is a request and the answer that keeps Entra's job out of quarantine. `{name}` is
the id that an earlier 201 gave under that name.
"""

from __future__ import annotations

import re
from typing import Any

from tests.hr.gate import Gate
from tests.scim.conftest import CORE, ENTERPRISE, PATCH_OP

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ADSCIM = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
TYPO = f"{ENTERPRISE[:-5]}User"
NOBODY = "2819c223-7f76-453a-919d-413861904646"
YOUNG: dict[str, Any] = {
    "schemas": [CORE, ENTERPRISE],
    "externalId": "jyoung",
    "userName": "Test_User_j@norhaven.example",
    "active": True,
    "displayName": "Joy Young",
    "emails": [{"type": "work", "value": "jyoung@norhaven.example", "primary": True}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "Joy Young", "familyName": "Young", "givenName": "Joy"},
    "roles": [],
    "title": None,
    ENTERPRISE: {"employeeNumber": "E1", "department": "Optics"},
}
BOSS: dict[str, Any] = {  # as sent before 2018's flags: text for booleans, a typo in the URN
    "schemas": [CORE],
    "externalId": "mboss",
    "userName": "mboss@norhaven.example",
    "active": "True",
    "name": {"familyName": "Boss", "givenName": "Mia"},
    "emails": [{"type": "work", "value": "mboss@norhaven.example", "primary": "true"}],
    "phoneNumbers": None,
    TYPO: {"employeeNumber": "E9", "department": None},
}
TEAM: dict[str, Any] = {
    "schemas": [GROUP, ADSCIM],
    "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
    "displayName": "Tour Guides",
    "meta": {"resourceType": "Group"},
}


def find(filter: str, more: str = "", type: str = "Users") -> tuple[str, str]:
    return "GET", f"/{type}?{more}filter={filter}"


def patch(*operations: dict[str, Any], what: str = "/Users/{young}") -> tuple[str, str, Any]:
    return "PATCH", what, {"schemas": [PATCH_OP], "Operations": list(operations)}


def op(name: str, path: str | None, value: Any = None) -> dict[str, Any]:
    made: dict[str, Any] = {"op": name}
    if path:
        made["path"] = path
    return made if value is None else {**made, "value": value}


def members(*operations: dict[str, Any]) -> tuple[str, str, Any]:
    return patch(*operations, what="/Groups/{team}")


NONE = {"totalResults": 0, "Resources": []}
ONE = {"totalResults": 1}
WORK = 'addresses[type eq "work"]'
PAIRS: list[tuple[tuple[Any, ...], int, dict[str, Any]]] = [
    # Test connection
    (find(f'userName eq "{NOBODY}"'), 200, NONE),
    (find(f'displayName eq "{NOBODY}"', "excludedAttributes=members&", "Groups"), 200, NONE),
    (find("externalId eq jyoung"), 200, NONE),
    (find('bogus eq "x"'), 200, NONE),
    (("GET", f"/Users/{NOBODY}"), 404, {"status": "404"}),
    (("GET", "/ServiceProviderConfig"), 200, {"patch": {"supported": True}}),
    (("GET", "/Schemas"), 200, {}),
    (("GET", "/ResourceTypes"), 200, {}),
    (("GET", f'/Users?aadOptscim062020&filter=userName eq "{NOBODY}"'), 200, NONE),
    (("GET", f'/?aadOptscim062020/Users?filter=userName eq "{NOBODY}"'), 200, NONE),
    (("GET", f"/?AzureAdScimPatch2017/Users/{NOBODY}"), 404, {"status": "404"}),
    (("GET", "/?aadOptscim062020/%E2%82%AC"), 404, {"status": "404"}),
    (("GET", "/users?startIndex=1&count=1"), 200, NONE),
    # Creating, and finding what is there
    (("POST", "/Users", YOUNG, "young"), 201, {"userName": YOUNG["userName"], "active": True}),
    (("POST", "/Users", YOUNG), 409, {"scimType": "uniqueness", "status": "409"}),
    (
        ("POST", "/Users", {**YOUNG, "externalId": "x", "userName": YOUNG["userName"].upper()}),
        409,
        {"scimType": "uniqueness"},
    ),
    (("POST", "/Users", {**YOUNG, "externalId": "y", "userName": None}), 400, {"status": "400"}),
    (("POST", "/Users?aadOptscim062020", BOSS, "boss"), 201, {"active": True}),
    (find('userName eq "TEST_USER_J@norhaven.example"'), 200, ONE),
    (find('externalId eq "jyoung"'), 200, ONE),
    (find("externalId eq jyoung"), 200, ONE),
    (find('emails[type eq "work"].value eq "jyoung@norhaven.example"'), 200, ONE),
    (find(f'{ENTERPRISE}:employeeNumber eq "E9"'), 200, ONE),
    (find('userName eq "mboss@norhaven.example" and active eq true'), 200, ONE),
    (find('id eq "{young}"', "attributes=id,userName&"), 200, ONE),
    (("GET", "/Users/{young}"), 200, {"id": "{young}", "title": None, "roles": None}),
    (("GET", "/Users/{boss}"), 200, {ENTERPRISE: {"employeeNumber": "E9"}}),
    # Changing, in the old form
    (patch(op("Replace", "displayName", "J. Young")), 200, {"displayName": "J. Young"}),
    (patch(op("Replace", "active", "False")), 200, {"active": False}),
    (("GET", "/Users/{young}"), 200, {"active": False}),
    (find('externalId eq "jyoung"'), 200, ONE),
    (patch(op("Replace", "active", "True")), 200, {"active": True}),
    (patch(op("Replace", "active", False)), 200, {"active": False}),
    (patch(op("Add", "active", True)), 200, {"active": True}),
    (
        patch(op("Add", 'phoneNumbers[type eq "mobile"].value', "+1 555 0100")),
        200,
        {"phoneNumbers": [{"type": "mobile", "value": "+1 555 0100"}]},
    ),
    (
        patch(op("Replace", 'phoneNumbers[type eq "mobile"].value', "(555) 01 01")),
        200,
        {"phoneNumbers": [{"type": "mobile", "value": "(555) 01 01"}]},
    ),
    (
        patch(op("Add", f"{WORK}.locality", "Berlin"), op("Add", f"{WORK}.country", "DE")),
        200,
        {"addresses": [{"type": "work", "locality": "Berlin", "country": "DE"}]},
    ),
    (
        patch(op("Replace", 'emails[type eq "work"].value', "joy@norhaven.example")),
        200,
        {"emails": [{"type": "work", "value": "joy@norhaven.example", "primary": True}]},
    ),
    (patch(op("Replace", "name.familyName", "Old")), 200, {"name": {"familyName": "Old"}}),
    (patch(op("Add", "title", "Clerk")), 200, {"title": "Clerk"}),
    (patch(op("Remove", "title")), 200, {"title": None}),
    (
        patch(op("Replace", f"{ENTERPRISE}:department", "Lenses")),
        200,
        {ENTERPRISE: {"department": "Lenses", "employeeNumber": "E1"}},
    ),
    (
        patch(op("Replace", f"{TYPO}:department", "Optics")),
        200,
        {ENTERPRISE: {"department": "Optics"}},
    ),
    (patch(op("Add", 'roles[primary eq "True"].value', "r")), 200, {"roles": [{"value": "r"}]}),
    (
        patch(op("Replace", "roles", [{"value": '{"id":"1","value":"a"}'}])),
        200,
        {"roles": [{"value": '{"id":"1","value":"a"}'}]},
    ),
    (patch(op("Replace", "bogus", "x")), 200, {"bogus": None}),
    (patch(op("Add", "urn:x:2.0:User:bogus", "x")), 200, {"urn:x:2.0:User": None}),
    (patch(op("Replace", "active", "True"), what=f"/Users/{NOBODY}"), 404, {"status": "404"}),
    # The manager, in every form
    (
        patch(op("Add", f"{ENTERPRISE}:manager", "{boss}")),
        200,
        {ENTERPRISE: {"manager": {"value": "{boss}"}}},
    ),
    (find('id eq "{young}" and manager eq "{boss}"', "attributes=id&"), 200, ONE),
    (find(f'id eq "{{young}}" and {ENTERPRISE}:manager eq "{{boss}}"'), 200, ONE),
    (find(f'id eq "{{young}}" and manager eq "{NOBODY}"', "attributes=id&"), 200, NONE),
    (patch(op("Remove", f"{ENTERPRISE}:manager")), 200, {ENTERPRISE: {"manager": None}}),
    (
        patch(op("Add", "manager", [{"$ref": "Users/{boss}", "value": "{boss}"}])),
        200,
        {ENTERPRISE: {"manager": {"value": "{boss}"}}, "manager": None},
    ),
    (
        patch(op("Replace", f"{ENTERPRISE}:manager", {"value": ""})),
        200,
        {ENTERPRISE: {"manager": None}},
    ),
    # The form of aadOptscim062020: one operation of many paths beside filtered ones
    (
        patch(
            op(
                "replace",
                None,
                {
                    "displayName": "Joy Old",
                    "name.givenName": "Joy",
                    "active": True,
                    f"{ENTERPRISE}:manager": "{boss}",
                    f"{ENTERPRISE}:costCenter": "4101",
                },
            ),
            op("replace", 'emails[type eq "work"].value', "jold@norhaven.example"),
        ),
        200,
        {
            "displayName": "Joy Old",
            "name": {"givenName": "Joy", "familyName": "Old"},
            ENTERPRISE: {"manager": {"value": "{boss}"}, "costCenter": "4101"},
        },
    ),
    # Groups
    (("POST", "/Groups", TEAM, "team"), 201, {"displayName": "Tour Guides", "members": None}),
    (("POST", "/Groups", {**TEAM, "externalId": "z"}), 409, {"scimType": "uniqueness"}),
    (find('displayName eq "tour guides"', "excludedAttributes=members&", "Groups"), 200, ONE),
    (("GET", "/Groups/{team}?excludedAttributes=members"), 200, {"members": None}),
    (members(op("Add", "members", [{"$ref": None, "value": "{young}"}])), 204, {}),
    (members(op("Add", "members", [{"$ref": None, "value": "{boss}"}])), 204, {}),
    (find('id eq "{team}" and members eq "{young}"', "", "Groups"), 200, ONE),
    (members(op("Remove", "members", [{"$ref": None, "value": "{young}"}])), 204, {}),
    (("GET", "/Groups/{team}"), 200, {"members": [{"value": "{boss}"}]}),
    (members(op("remove", 'members[value eq "{boss}"]')), 204, {}),
    (("GET", "/Groups/{team}"), 200, {"members": None}),
    (members(op("Replace", "displayName", "Guides")), 204, {}),
    (("DELETE", "/Groups/{team}"), 204, {}),
    (("GET", "/Groups/{team}"), 404, {"status": "404"}),
    # Leaving
    (patch(op("Replace", "active", "False"), what="/Users/{boss}"), 200, {"active": False}),
    (("DELETE", "/?aadOptscim062020/Users/{boss}"), 204, {}),
    (("GET", "/Users/{boss}"), 404, {"status": "404"}),
    (("DELETE", "/Users/{boss}"), 404, {"status": "404"}),
    (find('externalId eq "mboss"'), 200, NONE),
]


def test_there_are_sixty() -> None:
    assert len(PAIRS) >= 60


def test_every_request_is_answered_as_entra_needs_it(gate: Gate) -> None:
    client = gate.client("entra")
    ids: dict[str, str] = {}
    for number, (request, status, wanted) in enumerate(PAIRS):
        method, path, *rest = filled(request, ids)
        answer = client.send(method, path.replace(" ", "%20"), rest[0] if rest else None)
        shown = f"{number}: {method} {path}: {answer.text[:600]}"
        assert answer.status_code == status, shown
        body = answer.get_json(force=True) if answer.data else {}
        assert holds(body, filled(wanted, ids)), shown
        if status == 201:
            assert body["id"]
            if len(rest) > 1:
                ids[rest[1]] = body["id"]
        if number == HALF:
            gate.settle()
            assert gate.manager("E1") == "E9"
    gate.settle()
    young, boss = gate.accounts()["E1"], gate.accounts()["E9"]
    assert (young.enabled, boss.enabled) == (True, False)
    wanted_account = {"displayName": "Joy Old", "sn": "Old", "mail": "jold@norhaven.example",
                      "sAMAccountName": "test_user_j", "mobile": "(555) 01 01"}  # fmt: skip
    assert wanted_account.items() <= young.attributes.items()


HALF = next(n for n, (request, _, _) in enumerate(PAIRS) if request[:2] == ("POST", "/Groups")) - 1


def filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda m: ids.get(m[1], m[0]), value)
    if isinstance(value, dict):
        return {key: filled(one, ids) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(filled(one, ids) for one in value)
    return value


def holds(body: Any, wanted: Any) -> bool:
    """Whether all that is wanted is in `body`; None: it is not there."""
    if isinstance(wanted, dict):
        return isinstance(body, dict) and all(holds(body.get(k), v) for k, v in wanted.items())
    if isinstance(wanted, list):
        same = isinstance(body, list) and len(body) == len(wanted)
        return same and all(map(holds, body, wanted))
    return bool(body == wanted)
