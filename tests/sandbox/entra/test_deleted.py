"""The recycle bin: deleted users, restore, purge, thirty days."""

from __future__ import annotations

from pathlib import Path

from sandbox.entra import SandboxEntra
from tests.sandbox.entra.conftest import Client, said, user

DAY = 86_400.0


def deleted(client: Client, name: str = "ann.berg", **changes: str) -> str:
    made: str = client.user(name, **changes)["id"]
    assert client("DELETE", f"/users/{made}").status_code == 204
    return made


def test_a_deleted_user_gives_the_name_away(client: Client) -> None:
    made = deleted(client)
    assert client("GET", f"/users/{made}").status_code == 404
    assert client("GET", "/users/ann.berg@norhaven.example").status_code == 404
    assert client.get("/users")["value"] == []
    shown = client.get(f"/directory/deletedItems/{made}")
    assert shown["userPrincipalName"] == made.replace("-", "") + "ann.berg@norhaven.example"
    assert shown["@odata.type"] == "#microsoft.graph.user"
    for cast in ("graph.user", "microsoft.graph.user"):
        listed = client.get(f"/directory/deletedItems/{cast}")["value"]
        assert [u["id"] for u in listed] == [made]
        assert listed[0]["deletedDateTime"]
    assert client.user()["id"] != made


def test_a_restored_user_is_as_before(client: Client) -> None:
    made = deleted(client, jobTitle="Mate", mail="ann@norhaven.example")
    answer = client("POST", f"/directory/deletedItems/{made}/restore")
    assert answer.status_code == 200
    assert answer.json()["userPrincipalName"] == "ann.berg@norhaven.example"
    shown = client.get(f"/users/{made}", select="jobTitle,mail,deletedDateTime")
    assert (shown["jobTitle"], shown["mail"]) == ("Mate", "ann@norhaven.example")
    assert shown["deletedDateTime"] is None
    assert client("GET", f"/directory/deletedItems/{made}").status_code == 404


def test_a_name_taken_meanwhile_stops_the_restore(client: Client) -> None:
    made = deleted(client)
    client.user()
    restore = f"/directory/deletedItems/{made}/restore"
    assert said(client("POST", restore)) == (
        400,
        "Request_BadRequest",
        "Another object with the same value for property userPrincipalName already exists.",
    )
    wrong = client("POST", restore, {"newUserPrincipalName": "ann@elsewhere.example"})
    assert wrong.status_code == 400
    answer = client("POST", restore, {"newUserPrincipalName": "ann.2@norhaven.example"})
    assert answer.json()["userPrincipalName"] == "ann.2@norhaven.example"


def test_an_address_taken_meanwhile_stops_the_restore(client: Client) -> None:
    made = deleted(client, mail="deck@norhaven.example")
    client.user("bo.lind", mail="deck@norhaven.example")
    restore = f"/directory/deletedItems/{made}/restore"
    assert client("POST", restore).status_code == 400
    answer = client("POST", restore, {"autoReconcileProxyConflict": True})
    assert answer.status_code == 200
    assert client.get(f"/users/{made}", select="proxyAddresses")["proxyAddresses"] == []


def test_a_restore_checks_its_body(client: Client) -> None:
    made = deleted(client)
    restore = f"/directory/deletedItems/{made}/restore"
    for body in (
        {"newName": "x"},
        {"newUserPrincipalName": 7},
        [],
        {"autoReconcileProxyConflict": "yes"},
    ):
        assert client("POST", restore, body).status_code == 400


def test_purged_is_gone(client: Client) -> None:
    made = deleted(client)
    assert client("DELETE", f"/directory/deletedItems/{made}").status_code == 204
    assert client("DELETE", f"/directory/deletedItems/{made}").status_code == 404
    assert client("POST", f"/directory/deletedItems/{made}/restore").status_code == 404
    living = client.user()["id"]
    assert client("DELETE", f"/directory/deletedItems/{living}").status_code == 404


def test_after_thirty_days_of_business_time_it_is_gone(tmp_path: Path) -> None:
    today = [1_773_651_600.0]  # 2026-03-16T09:00:00Z
    with SandboxEntra(tmp_path, business=lambda: today[0]) as sandbox, Client(sandbox) as client:
        made = deleted(client)
        shown = client.get(f"/directory/deletedItems/{made}")
        assert (
            client.get(f"/directory/deletedItems/{made}", select="deletedDateTime,createdDateTime")[
                "deletedDateTime"
            ]
            == "2026-03-16T09:00:00Z"
        )
        assert shown["id"] == made
        today[0] += 29 * DAY
        assert client("GET", f"/directory/deletedItems/{made}").status_code == 200
        today[0] += 2 * DAY
        assert client("GET", f"/directory/deletedItems/{made}").status_code == 404


def test_on_order_the_deleted_hold_their_names(client: Client, sandbox: SandboxEntra) -> None:
    sandbox.configure(deleted_hold_names=True)
    made = deleted(client)
    assert said(client("POST", "/users", user()))[2] == (
        "Another object with the same value for property userPrincipalName already exists."
    )
    assert client("DELETE", f"/directory/deletedItems/{made}").status_code == 204
    client.user()
