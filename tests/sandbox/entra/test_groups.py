"""Groups and their members."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.entra import SandboxEntra
from tests.sandbox.entra.conftest import Client, said

NOBODY = "00000000-0000-4000-8000-000000000000"


def body(name: str = "Deck crew", **changes: Any) -> dict[str, Any]:
    return {
        "displayName": name,
        "mailEnabled": False,
        "mailNickname": "deck",
        "securityEnabled": True,
    } | changes


def group(client: Client, name: str = "Deck crew", **changes: Any) -> str:
    answer = client("POST", "/groups", body(name, **changes))
    assert answer.status_code == 201, answer.text
    id: str = answer.json()["id"]
    return id


def url(client: Client, id: str) -> str:
    return f"{client.settings['graph']}/directoryObjects/{id}"


def add(client: Client, to: str, id: str) -> Any:
    return client("POST", f"/groups/{to}/members/$ref", {"@odata.id": url(client, id)})


def members(client: Client, of: str) -> list[str]:
    return [m["id"] for m in client.get(f"/groups/{of}/members")["value"]]


def test_members_come_and_go(client: Client) -> None:
    deck, ann = group(client), client.user()["id"]
    assert add(client, deck, ann).status_code == 204
    assert said(add(client, deck, ann)) == (
        400,
        "Request_BadRequest",
        "One or more added object references already exist for the following modified properties: "
        "'members'.",
    )
    assert said(add(client, deck, NOBODY))[0] == 404
    listed = client.get(f"/groups/{deck}/members")["value"]
    assert [(m["@odata.type"], m["id"]) for m in listed] == [("#microsoft.graph.user", ann)]
    assert [g["id"] for g in client.get(f"/users/{ann}/memberOf")["value"]] == [deck]
    assert ann in client.get(f"/groups/{deck}/members/$ref")["value"][0]["@odata.id"]
    assert client("DELETE", f"/groups/{deck}/members/{ann}/$ref").status_code == 204
    assert client("DELETE", f"/groups/{deck}/members/{ann}/$ref").status_code == 404
    assert members(client, deck) == []


def test_up_to_twenty_at_once_all_or_none(client: Client) -> None:
    deck = group(client)
    crew = [client.user(f"mate.{n}")["id"] for n in range(21)]
    urls = [url(client, id) for id in crew]
    assert client("PATCH", f"/groups/{deck}", {"members@odata.bind": urls}).status_code == 400
    answer = client("PATCH", f"/groups/{deck}", {"members@odata.bind": urls[:20]})
    assert answer.status_code == 204
    assert len(members(client, deck)) == 20
    mixed = {"members@odata.bind": [urls[20], urls[0]]}
    assert client("PATCH", f"/groups/{deck}", mixed).status_code == 400
    assert len(members(client, deck)) == 20
    other = group(client, "Others", **{"members@odata.bind": urls[:2]})
    assert members(client, other) == crew[:2]


def test_members_come_in_pages(client: Client) -> None:
    deck = group(client)
    crew = [client.user(f"mate.{n}")["id"] for n in range(5)]
    for id in crew:
        add(client, deck, id)
    page = client.get(f"/groups/{deck}/members", top="2", select="id")
    pages = [[m["id"] for m in page["value"]]]
    while "@odata.nextLink" in page and len(pages) < 9:
        page = client("GET", page["@odata.nextLink"]).json()
        pages.append([m["id"] for m in page["value"]])
    assert pages == [crew[:2], crew[2:4], crew[4:]]


def test_members_cast_to_users_and_nested_groups(client: Client) -> None:
    deck, inner, ann = group(client), group(client, "Inner"), client.user()["id"]
    add(client, deck, inner)
    add(client, deck, ann)
    assert set(members(client, deck)) == {inner, ann}
    users = client.get(f"/groups/{deck}/members/microsoft.graph.user", select="id")["value"]
    assert users == [{"id": ann}]
    groups = client.get(f"/groups/{deck}/members/graph.group")["value"]
    assert [g["id"] for g in groups] == [inner]


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        (
            {"groupTypes": ["DynamicMembership"], "membershipRule": 'user.city -eq "Bodø"'},
            403,
            "Insufficient privileges to complete the operation.",
        ),
        (
            {"onPremisesSyncEnabled": True},
            400,
            "Unable to update the specified properties for on-premises mastered Directory Sync "
            "objects or objects currently undergoing migration.",
        ),
        (
            {"mailEnabled": True},
            400,
            "Cannot Update a mail-enabled security groups and or distribution list.",
        ),
    ],
)
def test_groups_that_take_no_members(
    client: Client, sandbox: SandboxEntra, changes: dict[str, Any], status: int, message: str
) -> None:
    ann = client.user()["id"]
    if "groupTypes" in changes:
        deck = group(client, **changes)
    else:
        # Such groups come from elsewhere: through the sandbox, not through Graph.
        made = {"displayName": "Deck crew"} | changes
        sandbox.put([{"userPrincipalName": "bo@norhaven.example", "groups": [made]}])
        deck = sandbox.dump()[-1]["groups"][0]["id"]
    answer = add(client, deck, ann)
    assert said(answer)[::2] == (status, message)


def test_what_a_group_needs(client: Client) -> None:
    for name in ("displayName", "mailEnabled", "mailNickname", "securityEnabled"):
        answer = client("POST", "/groups", {k: v for k, v in body().items() if k != name})
        assert said(answer)[2] == f"A value is required for property '{name}' of resource 'Group'."
    answer = client("POST", "/groups", body(mailEnabled=True))
    assert said(answer)[2] == (
        "Cannot Create a mail-enabled security groups and or distribution list."
    )
    assert client("POST", "/groups", body(isAssignableToRole=True)).status_code == 403
    assert client("POST", "/groups", body(shoeSize=4)).status_code == 400


def test_a_group_is_changed_and_found(client: Client) -> None:
    deck = group(client)
    assert (
        client("PATCH", f"/groups/{deck}", {"description": "Lines and anchors"}).status_code == 204
    )
    shown = client.get(f"/groups/{deck}", select="description,displayName")
    assert shown["description"] == "Lines and anchors"
    found = client.get("/groups", filter="displayName eq 'deck CREW'")["value"]
    assert [g["id"] for g in found] == [deck]


def test_a_security_group_is_gone_an_m365_group_comes_back(client: Client) -> None:
    deck = group(client)
    assert client("DELETE", f"/groups/{deck}").status_code == 204
    assert client("GET", f"/directory/deletedItems/{deck}").status_code == 404
    teams = group(client, "Teams", mailEnabled=True, groupTypes=["Unified"])
    assert client("DELETE", f"/groups/{teams}").status_code == 204
    assert client("GET", f"/groups/{teams}").status_code == 404
    assert client("POST", f"/directory/deletedItems/{teams}/restore").status_code == 200
    assert client.get(f"/groups/{teams}")["mail"] == "deck@norhaven.example"


def test_m365_groups_have_nicknames_of_their_own(client: Client) -> None:
    group(client, "Teams", mailEnabled=True, groupTypes=["Unified"])
    answer = client("POST", "/groups", body("More", mailEnabled=True, groupTypes=["Unified"]))
    assert said(answer)[2] == (
        "Another object with the same value for property mailNickname already exists."
    )
    group(client, "Plain")  # a security group may have the same nickname


def test_without_ref_the_member_itself_is_deleted(client: Client) -> None:
    """As Graph's documentation warns; our adapter must never do this."""
    deck, ann = group(client), client.user()["id"]
    add(client, deck, ann)
    assert client("DELETE", f"/groups/{deck}/members/{ann}").status_code == 204
    assert client("GET", f"/users/{ann}").status_code == 404


def test_a_deleted_user_is_no_member_until_restored(client: Client) -> None:
    deck, ann = group(client), client.user()["id"]
    add(client, deck, ann)
    client("DELETE", f"/users/{ann}")
    assert members(client, deck) == []
    client("POST", f"/directory/deletedItems/{ann}/restore")
    assert members(client, deck) == [ann]
