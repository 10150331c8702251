"""Licences: what was bought, who has it, and Graph's words when somebody does not get one."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.entra import SandboxEntra
from tests.sandbox.entra.conftest import Client, said

E3 = "6fd2c87f-b296-42f0-b197-1e91e994b900"
VISIO = "c5928f49-12ba-48f7-ada3-0d743a3601d5"
UNKNOWN = "11111111-2222-4333-8444-555555555555"


def assign(client: Client, user: str, add: Any = (), remove: Any = ()) -> Any:
    wanted = [sku if isinstance(sku, dict) else {"skuId": sku} for sku in add]
    body = {"addLicenses": wanted, "removeLicenses": list(remove)}
    return client("POST", f"/users/{user}/assignLicense", body)


def skus(client: Client) -> dict[str, tuple[int, int]]:
    return {
        sku["skuPartNumber"]: (sku["consumedUnits"], sku["prepaidUnits"]["enabled"])
        for sku in client.get("/subscribedSkus")["value"]
    }


def test_a_new_tenant_has_licences(client: Client) -> None:
    found = skus(client)
    assert {"ENTERPRISEPACK", "EMS", "VISIOCLIENT"} == set(found)
    assert all(consumed == 0 < seats for consumed, seats in found.values())


def test_a_licence_is_given_counted_and_taken(client: Client) -> None:
    id = client.user(usageLocation="NO")["id"]
    answer = assign(client, id, [{"skuId": E3.upper(), "disabledPlans": [UNKNOWN]}])
    assert answer.status_code == 200
    assert answer.json()["id"] == id
    shown = client.get(f"/users/{id}", select="assignedLicenses,licenseAssignmentStates")
    assert shown["assignedLicenses"] == [{"skuId": E3, "disabledPlans": [UNKNOWN]}]
    [state] = shown["licenseAssignmentStates"]
    assert (state["skuId"], state["assignedByGroup"], state["state"]) == (E3, None, "Active")
    assert skus(client)["ENTERPRISEPACK"][0] == 1
    assert assign(client, id, [E3]).status_code == 200
    assert skus(client)["ENTERPRISEPACK"][0] == 1
    assert assign(client, id, [], [E3]).status_code == 200
    assert skus(client)["ENTERPRISEPACK"][0] == 0
    assert client.get(f"/users/{id}", select="assignedLicenses")["assignedLicenses"] == []


def test_a_deleted_user_gives_its_seat_back(client: Client) -> None:
    id = client.user(usageLocation="NO")["id"]
    assign(client, id, [E3])
    client("DELETE", f"/users/{id}")
    assert skus(client)["ENTERPRISEPACK"][0] == 0
    client("POST", f"/directory/deletedItems/{id}/restore")
    assert skus(client)["ENTERPRISEPACK"][0] == 1
    client("DELETE", f"/users/{id}")
    client("DELETE", f"/directory/deletedItems/{id}")
    assert skus(client)["ENTERPRISEPACK"][0] == 0


def test_why_not(client: Client, sandbox: SandboxEntra) -> None:
    nowhere = client.user()["id"]
    message = "License assignment cannot be done for user with invalid usage location."
    assert said(assign(client, nowhere, [E3])) == (400, "Request_BadRequest", message)
    one = client.user("one", usageLocation="NO")["id"]
    other = client.user("other", usageLocation="NO")["id"]
    message = f"License {UNKNOWN} does not correspond to a valid company License."
    assert said(assign(client, one, [UNKNOWN])) == (400, "Request_BadRequest", message)
    sandbox.put([{"skuPartNumber": "VISIOCLIENT", "seats": 1}])
    assert assign(client, one, [VISIO]).status_code == 200
    message = f"Subscription with SKU {VISIO} does not have any available licenses."
    assert said(assign(client, other, [VISIO])) == (400, "Request_BadRequest", message)
    message = "User does not have a corresponding license."
    assert said(assign(client, other, [], [VISIO])) == (400, "Request_BadRequest", message)
    assert assign(client, UNKNOWN, [E3]).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"addLicenses": []},
        {"removeLicenses": []},
        {"addLicenses": [], "removeLicenses": ["x"]},
        {"addLicenses": ["x"], "removeLicenses": []},
        {"addLicenses": [{}], "removeLicenses": []},
        {"addLicenses": [{"skuId": E3, "disabledPlans": "x"}], "removeLicenses": []},
        {"addLicenses": {}, "removeLicenses": []},
        {"addLicenses": [], "removeLicenses": [], "more": 1},
    ],
)
def test_what_cannot_be_read(client: Client, body: Any) -> None:
    id = client.user(usageLocation="NO")["id"]
    assert client("POST", f"/users/{id}/assignLicense", body).status_code == 400


def test_a_licence_of_a_group_stays(client: Client, sandbox: SandboxEntra) -> None:
    state = {"skuId": E3, "assignedByGroup": UNKNOWN, "disabledPlans": [], "state": "Active"}
    sandbox.put(
        [
            {
                "userPrincipalName": "ann@norhaven.example",
                "usageLocation": "NO",
                "assignedLicenses": [{"skuId": E3, "disabledPlans": []}],
                "licenseAssignmentStates": [state],
            }
        ]
    )
    assert skus(client)["ENTERPRISEPACK"][0] == 1
    user = "ann@norhaven.example"
    message = (
        "User license is inherited from a group membership and it cannot be removed directly "
        "from the user."
    )
    assert said(assign(client, user, [], [E3])) == (400, "Request_BadRequest", message)
    assert assign(client, user, [E3]).status_code == 200
    assert assign(client, user, [], [E3]).status_code == 200
    shown = client.get(f"/users/{user}", select="assignedLicenses,licenseAssignmentStates")
    assert [s["assignedByGroup"] for s in shown["licenseAssignmentStates"]] == [UNKNOWN]
    assert len(shown["assignedLicenses"]) == 1


def test_it_takes_a_permission(client: Client, sandbox: SandboxEntra) -> None:
    id = client.user(usageLocation="NO")["id"]
    sandbox.configure(roles=frozenset({"User.Read.All"}))
    client.sign_in()
    assert assign(client, id, [E3]).status_code == 403
    assert client("GET", "/subscribedSkus").status_code == 403


def test_the_owner_gives_licences_and_sees_them(client: Client, sandbox: SandboxEntra) -> None:
    ann = {"userPrincipalName": "ann@norhaven.example", "licenses": ["EMS", "PROJECT"]}
    sandbox.put([ann, {"skuPartNumber": "PROJECT", "seats": 3, "skuId": UNKNOWN}])
    assert sorted(sandbox.dump()[0]["licenses"]) == ["EMS", "PROJECT"]
    assert skus(client)["PROJECT"] == (1, 3)
    before = sandbox.dump()
    sandbox.put(before)
    assert sandbox.dump() == before
    assert skus(client)["PROJECT"] == (1, 3)
    sandbox.reset()
    assert "PROJECT" not in skus(client)
    assert skus(client)["EMS"][0] == 0


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"userPrincipalName": "a@norhaven.example", "licenses": ["NONE"]}, "licenses"),
        ({"userPrincipalName": "a@norhaven.example", "licenses": "EMS"}, "licenses"),
        ({"skuPartNumber": "X", "seats": -1}, "seats"),
        ({"skuPartNumber": "X", "seats": "1"}, "seats"),
        ({"skuPartNumber": "", "seats": 1}, "skuPartNumber"),
        ({"skuPartNumber": "X", "seats": 1, "skuId": "x"}, "skuId"),
        ({"skuPartNumber": "X", "seats": 1, "more": 1}, "more"),
    ],
)
def test_put_says_what_is_wrong(sandbox: SandboxEntra, entry: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        sandbox.put([entry])
