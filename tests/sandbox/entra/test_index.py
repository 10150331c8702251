"""Where a filter is looked up in an index, it finds what a look at everything finds."""

from __future__ import annotations

import itertools

import pytest

from sandbox.entra import SandboxEntra
from sandbox.entra.query import parse_filter
from sandbox.entra.tenant import Clue
from tests.sandbox.entra.conftest import Client

FILTERS = [
    "mail eq 'ANN@norhaven.example'",
    "mail eq 'ann@norhaven.example' or proxyAddresses/any(p:p eq 'smtp:bo@norhaven.example')",
    "proxyAddresses/any(p:p eq 'smtp:ann@norhaven.example')",
    "proxyAddresses/any(p:p eq 'SMTP:alias@norhaven.example' or p eq 'smtp:none')",
    "proxyAddresses/any(p:startsWith(p,'smtp:'))",
    "not (mail eq 'ann@norhaven.example')",
    "mail eq 'ann@norhaven.example' and accountEnabled eq false",
    "accountEnabled eq false and (employeeId eq '1' or employeeId eq '2')",
    "employeeId eq '1' or startsWith(displayName,'b')",
    "employeeId eq '1' or employeeId eq '2' or employeeId eq '1'",
    "mail eq null or employeeId eq '2'",
    "displayName eq 'nobody' or mailNickname eq 'bo'",
]


@pytest.mark.parametrize("text", FILTERS)
def test_the_index_changes_nothing(client: Client, sandbox: SandboxEntra, text: str) -> None:
    sandbox.put(
        [
            {
                "userPrincipalName": "ann@norhaven.example",
                "mail": "ann@norhaven.example",
                "proxyAddresses": ["SMTP:ann@norhaven.example", "smtp:alias@norhaven.example"],
                "employeeId": "1",
                "accountEnabled": False,
            },
            {"userPrincipalName": "bo@norhaven.example", "employeeId": "2"},
            {"userPrincipalName": "cy@norhaven.example", "mail": "bo@norhaven.example"},
        ]
    )
    test = parse_filter(text, "User").test
    wanted = [user["userPrincipalName"] for user in sandbox.dump() if test(user)]
    query = {"filter": text, "select": "userPrincipalName", "count": "true"}
    answer = client(
        "GET",
        "/users",
        params={f"${name}": value for name, value in query.items()},
        headers={"ConsistencyLevel": "eventual"},
    )
    assert [user["userPrincipalName"] for user in answer.json()["value"]] == wanted


IN_BIN = [
    "endsWith(userPrincipalName,'ann@norhaven.example')",
    "endsWith(userPrincipalName,'nn@norhaven.example') or employeeId eq '2'",
    "employeeId eq '1' and endsWith(userPrincipalName,'bo@norhaven.example')",
    "mailNickname eq 'BO'",
    "not (endsWith(userPrincipalName,'bo@norhaven.example'))",
    "endsWith(mail,'@norhaven.example')",
    "employeeId eq '9'",
    "proxyAddresses/any(p:p eq 'smtp:bo@norhaven.example')",
    "proxyAddresses/any(p:endsWith(p,'bo@norhaven.example'))",
    "endsWith(userPrincipalName,'@norhaven.example')",
]


@pytest.mark.parametrize("text", IN_BIN)
def test_the_index_of_the_bin_changes_nothing(client: Client, text: str) -> None:
    for number, name in enumerate(("ann", "bo", "joann", "cy"), 1):
        mail = f"{name}@norhaven.example"
        id = client.user(name, employeeId=str(number), mail=mail)["id"]
        if name != "cy":
            client("DELETE", f"/users/{id}")
    path, more = "/directory/deletedItems/microsoft.graph.user", {"ConsistencyLevel": "eventual"}
    names = "id,userPrincipalName,employeeId,mailNickname,mail,proxyAddresses"
    everyone = client("GET", path, params={"$select": names}).json()["value"]
    assert len(everyone) == 3
    test = parse_filter(text, "User").test
    query = {"$filter": text, "$select": names, "$count": "true"}
    answer = client("GET", path, params=query, headers=more)
    assert answer.json()["value"] == [user for user in everyone if test(user)]


def test_what_an_adapter_asks_is_looked_up() -> None:
    def among(text: str) -> object:
        return parse_filter(text, "User").among

    assert among("employeeId eq '7'") == (Clue("employeeId", "7"),)
    assert among("mail eq 'x' or proxyAddresses/any(p:p eq 'smtp:x')") == (
        Clue("mail", "x"),
        Clue("proxyAddresses", "x"),
    )
    in_bin = "employeeId eq '7' or endsWith(userPrincipalName,'x')"
    assert among(in_bin) == (Clue("employeeId", "7"), Clue("userPrincipalName", "x", True))
    assert parse_filter(in_bin, "User").indexed is None
    assert among("employeeId eq '7' or jobTitle eq 'x'") is None
    assert among("businessPhones/any(p:p eq 'x')") is None


def test_what_is_kept_in_memory_follows_every_change(client: Client, sandbox: SandboxEntra) -> None:
    """Written, refused, deleted, restored, purged: readers see what is stored."""
    ids = [client.user(f"user{number}")["id"] for number in range(3)]
    for id, title in itertools.product(ids, ("one", "two")):
        client("PATCH", f"/users/{id}", {"jobTitle": title})
        assert client.get(f"/users/{id}", select="jobTitle")["jobTitle"] == title
    refused = client("PATCH", f"/users/{ids[0]}", {"userPrincipalName": "user1@norhaven.example"})
    assert refused.status_code == 400
    assert client.get(f"/users/{ids[0]}")["userPrincipalName"] == "user0@norhaven.example"
    client("DELETE", f"/users/{ids[0]}")
    assert client("GET", f"/users/{ids[0]}").status_code == 404
    assert len(client.get("/directory/deletedItems/microsoft.graph.user")["value"]) == 1
    client("POST", f"/directory/deletedItems/{ids[0]}/restore")
    assert client.get("/directory/deletedItems/microsoft.graph.user")["value"] == []
    assert client.get(f"/users/{ids[0]}")["userPrincipalName"] == "user0@norhaven.example"
    with pytest.raises(ValueError, match="held by another"):
        sandbox.put(
            [
                {"userPrincipalName": "user1@norhaven.example", "jobTitle": "never"},
                {"id": ids[0], "userPrincipalName": "user2@norhaven.example"},
            ]
        )
    assert client.get(f"/users/{ids[1]}", select="jobTitle")["jobTitle"] == "two"
