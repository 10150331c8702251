"""Lists: `$filter`, `$select`, `$search`, `$orderby`, `$count` and pages."""

from __future__ import annotations

import pytest

from sandbox.entra import SandboxEntra
from tests.sandbox.entra.conftest import Client, said

EVENTUAL = {"ConsistencyLevel": "eventual"}


@pytest.fixture(autouse=True)
def crew(sandbox: SandboxEntra) -> None:
    sandbox.put(
        [
            {
                "userPrincipalName": f"{name}@norhaven.example",
                "displayName": display,
                "employeeId": number,
                "department": department,
                "accountEnabled": enabled,
                "employeeHireDate": hired,
                "mail": f"{name}@norhaven.example",
                "onPremisesExtensionAttributes": {"extensionAttribute1": number},
            }
            for name, display, number, department, enabled, hired in [
                ("ann.berg", "Ann Berg", "1001", "Deck", True, "2020-01-01T00:00:00Z"),
                ("bo.lind", "Bo Lind", "1002", "Engine", True, "2021-01-01T00:00:00Z"),
                ("siobhan.oneil", "Siobhan O'Neil", "1003", "deck", False, "2022-01-01T00:00:00Z"),
                ("asa.oberg", "Åsa Öberg", "1004", None, True, "2023-01-01T00:00:00Z"),
            ]
        ]
    )


def names(client: Client, filter: str, *, eventual: bool = False) -> list[str]:
    query = {"$filter": filter} | ({"$count": "true"} if eventual else {})
    answer = client("GET", "/users", params=query, headers=EVENTUAL if eventual else {})
    assert answer.status_code == 200, answer.text
    return [u["displayName"].split()[0] for u in answer.json()["value"]]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("employeeId eq '1002'", ["Bo"]),
        ("employeeId eq '9'", []),
        ("userPrincipalName eq 'ANN.BERG@norhaven.example'", ["Ann"]),
        ("displayName eq 'siobhan o''neil'", ["Siobhan"]),
        ("department eq 'Deck'", ["Ann", "Siobhan"]),
        ("department eq null", ["Åsa"]),
        ("accountEnabled eq false", ["Siobhan"]),
        ("accountEnabled eq true and department eq 'deck'", ["Ann"]),
        ("employeeId eq '1001' or employeeId eq '1004'", ["Ann", "Åsa"]),
        ("employeeId eq '1001' or employeeId eq '1002' and department eq 'x'", ["Ann"]),
        ("(employeeId eq '1001' or employeeId eq '1002') and department eq 'Engine'", ["Bo"]),
        ("employeeId in ('1001', '1003')", ["Ann", "Siobhan"]),
        ("startsWith(displayName,'a')", ["Ann"]),
        ("startswith(displayName, 'å')", ["Åsa"]),
        ("employeeHireDate ge 2022-01-01T00:00:00Z", ["Siobhan", "Åsa"]),
        ("employeeHireDate lt 2021-01-01T01:00:00+01:00", ["Ann"]),
        ("employeeHireDate gt 2021-01-01", ["Siobhan", "Åsa"]),
        ("proxyAddresses/any(p:p eq 'smtp:BO.LIND@norhaven.example')", ["Bo"]),
        ("proxyAddresses/any(p:startsWith(p,'smtp:ann'))", ["Ann"]),
    ],
)
def test_filters(client: Client, filter: str, found: list[str]) -> None:
    assert names(client, filter) == found


@pytest.mark.parametrize(
    ("filter", "operator", "found"),
    [
        ("department ne 'Deck'", "ne", ["Bo", "Åsa"]),
        ("not(department eq 'Deck')", "not", ["Bo", "Åsa"]),
        ("endsWith(mail,'berg@norhaven.example')", "endsWith", ["Ann", "Åsa"]),
        ("onPremisesExtensionAttributes/extensionAttribute1 eq '1003'", "eq", ["Siobhan"]),
        ("proxyAddresses/$count eq 1", "$count", ["Ann", "Bo", "Siobhan", "Åsa"]),
    ],
)
def test_advanced_filters_want_the_header_and_the_count(
    client: Client, filter: str, operator: str, found: list[str]
) -> None:
    assert names(client, filter, eventual=True) == found
    refused = (
        400,
        "Request_UnsupportedQuery",
        f"Operator '{operator}' is not supported because the required parameters might be missing. "
        "Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to "
        "https://aka.ms/graph-docs/advanced-queries for more information",
    )
    assert said(client("GET", "/users", params={"$filter": filter})) == refused
    half = client("GET", "/users", params={"$filter": filter}, headers=EVENTUAL)
    assert said(half) == refused


@pytest.mark.parametrize(
    ("filter", "code", "text"),
    [
        ("shoeSize eq '4'", "BadRequest", "Could not find a property named 'shoeSize' on type"),
        ("employeeId eq", "BadRequest", "Syntax error at position 13 in 'employeeId eq'"),
        ("employeeId like 'x'", "BadRequest", "Syntax error"),
        ("employeeId eq 'x", "BadRequest", "Syntax error"),
        ("employeeId eq 'x')", "BadRequest", "Syntax error"),
        ("(employeeId eq 'x'", "BadRequest", "Syntax error"),
        ("accountEnabled eq 'true'", "BadRequest", "incompatible types was detected"),
        ("employeeId eq 1002", "BadRequest", "incompatible types was detected"),
        ("proxyAddresses eq 'x'", "BadRequest", "single value"),
        ("contains(displayName,'x')", "Request_UnsupportedQuery", "property 'displayName' of"),
        ("endsWith(displayName,'x')", "Request_UnsupportedQuery", "property 'displayName' of"),
        ("aboutMe eq 'x'", "Request_UnsupportedQuery", "property 'aboutMe' of resource 'User'."),
        ("(" * 5000 + "x", "BadRequest", "node count limit"),
        ("not " * 700 + "accountEnabled", "BadRequest", "filter clause"),
    ],
)
def test_filters_that_are_none(client: Client, filter: str, code: str, text: str) -> None:
    status, said_code, message = said(client("GET", "/users", params={"$filter": filter}))
    assert (status, said_code) == (400, code)
    assert text in message


def test_pages(client: Client) -> None:
    seen: list[str] = []
    first = client.get("/users", top="3", select="displayName", filter="accountEnabled eq true")
    assert "@odata.nextLink" not in first
    page = client.get("/users", top="2", select="displayName")
    while True:
        assert all(set(u) == {"displayName"} for u in page["value"])
        seen += [u["displayName"] for u in page["value"]]
        if "@odata.nextLink" not in page:
            break
        assert page["@odata.nextLink"].startswith(client.settings["graph"] + "/users?")
        page = client("GET", page["@odata.nextLink"]).json()
    assert seen == ["Ann Berg", "Bo Lind", "Siobhan O'Neil", "Åsa Öberg"]


@pytest.mark.parametrize("top", [1, 2, 3, 4, 5])
def test_pages_hold_everybody_once(client: Client, top: int) -> None:
    page = client.get("/users", top=str(top), select="id")
    sizes = [len(page["value"])]
    while "@odata.nextLink" in page and len(sizes) < 9:
        page = client("GET", page["@odata.nextLink"]).json()
        sizes.append(len(page["value"]))
    assert sizes == {1: [1] * 4, 2: [2, 2], 3: [3, 1], 4: [4], 5: [4]}[top]


def test_pages_in_an_order(client: Client) -> None:
    first = client.get("/users", top="3", orderby="displayName desc")
    second = client("GET", first["@odata.nextLink"]).json()
    shown = [u["displayName"] for u in first["value"] + second["value"]]
    assert shown == ["Åsa Öberg", "Siobhan O'Neil", "Bo Lind", "Ann Berg"]


def test_a_new_user_between_two_pages_does_not_shift_them(client: Client) -> None:
    first = client.get("/users", top="2")
    client("DELETE", f"/users/{first['value'][0]['id']}")
    client.user("new.comer")
    second = client("GET", first["@odata.nextLink"]).json()
    assert [u["displayName"] for u in second["value"]] == ["Siobhan O'Neil", "Åsa Öberg"]


@pytest.mark.parametrize("top", ["0", "1000", "-1"])
def test_page_sizes(client: Client, top: str) -> None:
    assert said(client("GET", "/users", params={"$top": top})) == (
        400,
        "Request_UnsupportedQuery",
        f"Invalid page size specified: '{top}'. Must be between 1 and 999 inclusive.",
    )


@pytest.mark.parametrize(
    ("query", "code", "text"),
    [
        ({"$top": "many"}, "BadRequest", "Invalid value 'many' for $top"),
        ({"$skip": "5"}, "Request_UnsupportedQuery", "'$skip' is not supported by the service."),
        ({"$skiptoken": "x"}, "Directory_ExpiredPageToken", "page token"),
        ({"$skiptoken": "bXVzdGVyOi0x"}, "Directory_ExpiredPageToken", "page token"),
        ({"$select": "shoeSize"}, "BadRequest", "Could not find a property named 'shoeSize'"),
        ({"$expand": "shoes"}, "BadRequest", "Could not find a property named 'shoes'"),
        ({"$orderby": "city"}, "Request_UnsupportedQuery", "Sorting not supported"),
        ({"$orderby": "displayName up"}, "BadRequest", "Syntax error"),
        ({"$apply": "x"}, "BadRequest", "'$apply' is not supported"),
        (
            {"$search": '"displayName:ann"'},
            "Request_UnsupportedQuery",
            "ConsistencyLevel: eventual",
        ),
    ],
)
def test_wrong_options(client: Client, query: dict[str, str], code: str, text: str) -> None:
    status, said_code, message = said(client("GET", "/users", params=query))
    assert (status, said_code) == (400, code)
    assert text in message


def test_sorting_what_is_filtered_is_advanced(client: Client) -> None:
    query = {"$filter": "accountEnabled eq true", "$orderby": "displayName"}
    assert client("GET", "/users", params=query).status_code == 400
    answer = client("GET", "/users", params=query | {"$count": "true"}, headers=EVENTUAL)
    assert answer.json()["@odata.count"] == 3


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ('"displayName:ber"', ["Ann"]),
        ('"displayName:an be"', ["Ann"]),
        ('"displayName:ann" OR "mail:bo"', ["Ann", "Bo"]),
        ('"displayName:ann" AND "mail:bo"', []),
        ('"displayName:erg"', []),
    ],
)
def test_search(client: Client, search: str, found: list[str]) -> None:
    answer = client("GET", "/users", params={"$search": search}, headers=EVENTUAL)
    assert [u["displayName"].split()[0] for u in answer.json()["value"]] == found


def test_counts(client: Client) -> None:
    answer = client("GET", "/users/$count", headers=EVENTUAL)
    assert (answer.text, answer.headers["Content-Type"]) == ("4", "text/plain")
    assert client("GET", "/users/$count").status_code == 400
    only = client(
        "GET", "/users/$count", params={"$filter": "department ne 'Deck'"}, headers=EVENTUAL
    )
    assert only.text == "2"
    listed = client("GET", "/users", params={"$count": "true", "$top": "1"}, headers=EVENTUAL)
    assert listed.json()["@odata.count"] == 4
    assert "@odata.count" not in client.get("/users", count="true")


def test_the_tenant_tells_its_domains(client: Client) -> None:
    assert [d["id"] for d in client.get("/domains")["value"]] == ["norhaven.example"]
    assert client.get("/organization")["value"][0]["id"] == client.settings["tenant_id"]
