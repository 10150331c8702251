"""Reads: what is asked of Graph, and what its answers become."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from adapters.entra_id import EntraId
from adapters.target import Ambiguous, Link, TargetDown, TargetRefused
from tests.adapters.entra_id.wire import ANA, BEN, DENIED, Wire, missing, problem, user


def test_an_account_as_the_planner_wants_it(entra: EntraId, wire: Wire) -> None:
    wire.answer(
        "GET",
        f"/users/{ANA}",
        user(
            ANA.upper(),
            businessPhones=["+45 33 12 34 56"],
            employeeOrgData={"@odata.type": "x", "division": "Sales", "costCenter": None},
            employeeHireDate="2026-03-16T00:00:00.0000000Z",
            onPremisesExtensionAttributes={"extensionAttribute1": "R-7"},
            otherMails=["b@norhaven.example", "a@norhaven.example"],
            mobilePhone="",
            signInSessionsValidFromDateTime="2026-03-01T00:00:00Z",
            manager={"@odata.type": "#microsoft.graph.user", "id": BEN.upper()},
        ),
    )
    account = entra.read(Link(ANA), None)
    assert account is not None
    assert (account.anchor, account.hint, account.enabled) == (ANA, "ana@norhaven.example", True)
    assert (account.name, account.container, account.protected) == (None, None, None)
    assert account.references == {"manager": BEN}
    assert account.state == {"synced": False, "sessionsValidFrom": "2026-03-01T00:00:00Z"}
    assert account.attributes == {
        "userPrincipalName": "ana@norhaven.example",
        "mailNickname": "ana",
        "displayName": "Ana Sørensen",
        "employeeId": "1001",
        "businessPhones": ("+45 33 12 34 56",),
        "employeeOrgData.division": "Sales",
        "employeeHireDate": "2026-03-16T00:00:00Z",
        "onPremisesExtensionAttributes.extensionAttribute1": "R-7",
        "otherMails": ("a@norhaven.example", "b@norhaven.example"),
    }
    assert "$expand=manager($select=id)" in wire.requests[0].path
    assert wire.requests[0].headers["authorization"] == "Bearer token-1"


def test_a_link_that_is_gone_falls_back_to_the_key(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", f"/users/{BEN}", missing(BEN), 404)
    wire.answer("GET", r"/users\?.*employeeId eq '10''01'", {"value": [user()]})
    account = entra.read(Link(BEN), {"employeeId": "10'01"})
    assert account is not None
    assert account.anchor == ANA
    assert "consistencylevel" not in wire.requests[1].headers


def test_extension_attributes_need_the_eventual_index(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "onPremisesExtensionAttributes/extensionAttribute3 eq 'x'", {"value": []})
    assert entra.read(None, {"onPremisesExtensionAttributes.extensionAttribute3": "x"}) is None
    assert wire.requests[0].headers["consistencylevel"] == "eventual"
    assert "$count=true" in wire.requests[0].path


def test_two_accounts_with_one_key_are_never_guessed_between(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "/users", {"value": [user(), user(BEN, userPrincipalName="ben@x")]})
    with pytest.raises(Ambiguous) as several:
        entra.read(None, {"employeeId": "1001"})
    assert several.value.hints == ("ana@norhaven.example", "ben@x")


def test_accounts_under_entra_connect_are_protected(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "/users/", user(onPremisesSyncEnabled=True))
    account = entra.read(Link(ANA), None)
    assert account is not None
    assert "Entra Connect" in str(account.protected)
    assert account.state["synced"] is True


@pytest.mark.parametrize(
    ("kind", "live", "deleted"),
    [
        ("accountName", ["mailNickname eq 'ana'"], ["mailNickname eq 'ana'"]),
        ("userPrincipalName", ["userPrincipalName eq 'ana'"], ["endsWith(userPrincipalName,'ana'"]),
        (
            "mail",
            ["mail eq 'ana'", "proxyAddresses/any(p:p eq 'smtp:ana')"],
            ["mail eq 'ana'", "proxyAddresses/any(p:p eq 'smtp:ana')"],
        ),
    ],
)
def test_who_holds_a_name(
    entra: EntraId, wire: Wire, kind: Any, live: list[str], deleted: list[str]
) -> None:
    wire.answer("GET", "^/users", {"value": []})
    wire.answer("GET", "^/directory/deletedItems", {"value": []})
    assert entra.holder(kind, "ana") is None
    assert wire.batches == [2]
    asked = [r.path for r in wire.requests]
    for part in live:
        assert any(part in path for path in asked if path.startswith("/users"))
    for part in deleted:
        assert any(part in path for path in asked if path.startswith("/directory/deletedItems"))


def test_a_deleted_account_holds_the_name_it_had(entra: EntraId, wire: Wire) -> None:
    mangled = BEN.replace("-", "") + "ana@norhaven.example"
    other = ANA.replace("-", "") + "dana@norhaven.example"
    found = [{"id": ANA, "userPrincipalName": other}, {"id": BEN, "userPrincipalName": mangled}]
    wire.answer("GET", "^/users", {"value": []})
    wire.answer("GET", "deletedItems", {"value": found})
    assert entra.holder("userPrincipalName", "ana@norhaven.example") == BEN


def test_entra_has_no_common_names(entra: EntraId) -> None:
    assert entra.holder("cn", "Ana") is None


@pytest.mark.parametrize(
    ("status", "headers", "after"),
    [
        (429, {"Retry-After": "7"}, 7.0),
        (429, {"Retry-After": "2.128"}, 2.128),
        (429, {}, None),
        (503, {"Retry-After": "3"}, 3.0),
        (500, {}, None),
        (502, {}, None),
        (504, {}, None),
    ],
)
def test_a_busy_graph_is_down(
    entra: EntraId, wire: Wire, status: int, headers: dict[str, str], after: float | None
) -> None:
    wire.answer(
        "GET", "/users/", "<html>", status, headers={"Content-Type": "text/html", **headers}
    )
    with pytest.raises(TargetDown) as down:
        entra.read(Link(ANA), None)
    assert down.value.retry_after == after


def test_nobody_calls_before_retry_after_is_over(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "/users/", problem("Too many requests."), 429, {"Retry-After": "30"})
    for _ in range(2):
        with pytest.raises(TargetDown) as down:
            entra.read(Link(ANA), None)
        assert 29 < (down.value.retry_after or 0) <= 30
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("silent"),
        httpx.RemoteProtocolError("dropped"),
    ],
)
def test_a_broken_wire_is_down(entra: EntraId, wire: Wire, error: Exception) -> None:
    wire.answer("GET", "/users/", error=error)
    with pytest.raises(TargetDown, match=r"cannot be reached|does not answer"):
        entra.read(Link(ANA), None)


def test_what_is_no_json_is_not_graph(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "/users/", "<html>sign in to the guest network</html>")
    with pytest.raises(TargetDown):
        entra.read(Link(ANA), None)


def test_a_redirect_is_not_followed_and_no_success(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "/users/", None, 302, headers={"Location": "https://evil.example/"})
    with pytest.raises(TargetDown, match="302"):
        entra.read(Link(ANA), None)


def test_missing_rights_name_the_permission(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "/users/", DENIED, 403)
    with pytest.raises(TargetRefused) as refused:
        entra.read(Link(ANA), None)
    assert refused.value.refusal.kind == "rights"
    assert "User.Read.All" in refused.value.refusal.remedy


def test_a_token_taken_back_is_fetched_anew_once(entra: EntraId, wire: Wire) -> None:
    expired = problem("Lifetime validation failed.", "InvalidAuthenticationToken")
    wire.answer("GET", "/users/", expired, 401).answer("GET", "/users/", user())
    assert entra.read(Link(ANA), None) is not None
    assert [r.headers["authorization"] for r in wire.requests] == [
        "Bearer token-1",
        "Bearer token-2",
    ]


def test_a_token_refused_twice_is_a_setting(entra: EntraId, wire: Wire) -> None:
    expired = problem("Invalid audience.", "InvalidAuthenticationToken")
    wire.answer("GET", "/users/", expired, 401).answer("GET", "/users/", expired, 401)
    with pytest.raises(TargetRefused) as refused:
        entra.read(Link(ANA), None)
    assert refused.value.refusal.kind == "config"
