"""Groups and licences, in Graph's own words."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.entra_id import EntraId
from adapters.target import Account, Ambiguous, Grant, Link, Outcome, Step, TargetRefused
from tests.adapters.entra_id.wire import ANA, BEN, DENIED, SYNCED, Wire, missing, problem, user

NURSES = "77777777-8888-4777-8666-555555555555"
E3 = "6fd2c87f-b296-42f0-b197-1e91e994b900"
SKUS = {
    "value": [
        {"skuId": E3.upper(), "skuPartNumber": "ENTERPRISEPACK", "appliesTo": "User"},
        {"skuId": BEN, "skuPartNumber": "COMPANY_WIDE", "appliesTo": "Company"},
    ]
}
ADDED = problem(
    "One or more added object references already exist for the following modified properties: "
    "'members'."
)


def group(id: str = NURSES, **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "displayName": "Nurses",
        "groupTypes": [],
        "mailEnabled": False,
        "securityEnabled": True,
        "onPremisesSyncEnabled": None,
        "isAssignableToRole": None,
        **more,
    }


@pytest.fixture
def account(entra: EntraId, wire: Wire) -> Account:
    wire.answer("GET", f"/users/{ANA}", user())
    found = entra.read(Link(ANA), None)
    assert found is not None
    return found


def test_a_group_by_id_or_name(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", f"/groups/{NURSES}", group(NURSES.upper()))
    assert entra.find_grant("group", NURSES) == Grant("group", NURSES)
    wire.answer("GET", "displayName eq 'O''Neil''s'", {"value": [group()]})
    assert entra.find_grant("group", "O'Neil's") == Grant("group", NURSES)
    wire.answer("GET", f"/groups/{BEN}", missing(BEN), 404)
    assert entra.find_grant("group", BEN) is None


def test_two_groups_of_one_name_are_ambiguous(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "/groups", {"value": [group(), group(BEN, groupTypes=["Unified"])]})
    with pytest.raises(Ambiguous) as caught:
        entra.find_grant("group", "Nurses")
    assert caught.value.hints == (NURSES, BEN)


@pytest.mark.parametrize(
    ("facts", "taken"),
    [
        ({}, True),
        ({"groupTypes": ["Unified"], "mailEnabled": True, "securityEnabled": False}, True),
        ({"groupTypes": ["DynamicMembership"]}, False),
        ({"groupTypes": ["Unified", "DynamicMembership"], "mailEnabled": True}, False),
        ({"onPremisesSyncEnabled": True}, False),
        ({"isAssignableToRole": True}, False),
        ({"mailEnabled": True}, False),
        ({"mailEnabled": True, "securityEnabled": False}, False),
    ],
)
def test_which_groups_take_members(
    entra: EntraId, wire: Wire, facts: dict[str, Any], taken: bool
) -> None:
    wire.answer("GET", "/groups", {"value": [group(**facts)]})
    assert entra.find_grant("group", "Nurses") == (Grant("group", NURSES) if taken else None)


def test_licences_are_asked_for_once(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "^/subscribedSkus$", SKUS)
    for name in ("ENTERPRISEPACK", " enterprisepack", E3, E3.upper()):
        assert entra.find_grant("license", name) == Grant("license", E3)
    for name in ("EMS", BEN, "COMPANY_WIDE", ""):
        assert entra.find_grant("license", name) is None


def test_without_the_right_to_look_the_permission_is_named(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "subscribedSkus", DENIED, 403)
    with pytest.raises(TargetRefused) as caught:
        entra.find_grant("license", "EMS")
    assert caught.value.refusal.kind == "rights"


def test_what_is_given_directly(entra: EntraId, wire: Wire, account: Account) -> None:
    kind = "#microsoft.graph."
    memberships = [
        {"@odata.type": kind + "group", "id": NURSES.upper(), "groupTypes": []},
        {"@odata.type": kind + "group", "id": BEN, "groupTypes": ["DynamicMembership"]},
        {"@odata.type": kind + "directoryRole", "id": BEN},
        {"@odata.type": kind + "administrativeUnit", "id": BEN},
    ]
    states = [
        {"skuId": E3.upper(), "assignedByGroup": None, "state": "Active"},
        {"skuId": BEN, "assignedByGroup": NURSES, "state": "Active"},
    ]
    wire.answer("GET", f"/users/{ANA}/memberOf", {"value": memberships})
    wire.answer("GET", "licenseAssignmentStates", {"id": ANA, "licenseAssignmentStates": states})
    assert entra.grants(account) == {Grant("group", NURSES), Grant("license", E3)}
    assert wire.batches == [2]


def test_a_member_is_added_and_removed_by_reference(
    entra: EntraId, wire: Wire, account: Account
) -> None:
    """Without `$ref`, a DELETE would delete the user."""
    wire.answer("POST", f"/groups/{NURSES}/members/", status=204)
    wire.answer("DELETE", f"/groups/{NURSES}/members/", status=204)
    given = Grant("group", NURSES)
    for kind in ("grant", "revoke"):
        assert entra.apply(account, Step(kind, given=given)) == Outcome("applied")  # type: ignore[arg-type]
    link = f"https://graph.microsoft.com/v1.0/directoryObjects/{ANA}"
    assert wire.writes == [
        ("POST", f"/groups/{NURSES}/members/$ref", {"@odata.id": link}),
        ("DELETE", f"/groups/{NURSES}/members/{ANA}/$ref", None),
    ]


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (ADDED, 400, None),
        (missing(NURSES), 404, "reference"),
        (SYNCED, 400, "protected"),
        (problem("Cannot Update a mail-enabled security groups and or distribution list."), 400,
         "config"),
        (DENIED, 403, "rights"),
        (problem("Not a valid reference update."), 400, "reference"),
        (problem("Error due to concurrent requests.", "Directory_ConcurrencyViolation"), 409,
         "stale"),
    ],
)  # fmt: skip
def test_why_a_group_takes_nobody(
    entra: EntraId, wire: Wire, account: Account, body: Any, status: int, kind: str | None
) -> None:
    wire.answer("POST", f"/groups/{NURSES}/members/", body, status)
    if status == 404:
        wire.answer("GET", f"/users/{ANA}", user())
    outcome = entra.apply(account, Step("grant", given=Grant("group", NURSES)))
    assert [r.kind for r in outcome.refusals] == ([kind] if kind else [])
    assert all(r.message and r.remedy for r in outcome.refusals)
    if kind == "rights":
        assert "GroupMember.ReadWrite.All" in outcome.refusals[0].remedy


@pytest.mark.parametrize(
    ("message", "kind", "attribute"),
    [
        ("License assignment cannot be done for user with invalid usage location.", "value",
         "usageLocation"),
        (f"Subscription with SKU {E3} does not have any available licenses.", "seats", None),
        (f"License {E3} does not correspond to a valid company License.", "reference", None),
        ("License assignment failed because service plans 1 and 2 are mutually exclusive: "
         "conflicting service plans.", "config", None),
        ("License assignment failed because service plan 1 depends on the service plan(s) 2",
         "config", None),
    ],
)  # fmt: skip
def test_why_a_licence_is_not_given(
    entra: EntraId, wire: Wire, account: Account, message: str, kind: str, attribute: str | None
) -> None:
    wire.answer("GET", "licenseAssignmentStates", {"id": ANA, "licenseAssignmentStates": []})
    wire.answer("POST", f"/users/{ANA}/assignLicense", problem(message), 400)
    outcome = entra.apply(account, Step("grant", given=Grant("license", E3)))
    assert [(r.kind, r.attribute) for r in outcome.refusals] == [(kind, attribute)]
    assert E3 not in outcome.refusals[0].message + outcome.refusals[0].remedy


def test_a_licence_that_is_there_is_not_given_again(
    entra: EntraId, wire: Wire, account: Account
) -> None:
    """It would switch on the services that somebody has switched off in it."""
    states = [{"skuId": E3, "assignedByGroup": None, "disabledPlans": [BEN]}]
    wire.answer("GET", "licenseAssignmentStates", {"id": ANA, "licenseAssignmentStates": states})
    assert entra.apply(account, Step("grant", given=Grant("license", E3))) == Outcome("applied")
    assert wire.writes == []


def test_a_licence_of_a_group_is_not_ours_to_take(
    entra: EntraId, wire: Wire, account: Account
) -> None:
    states = [{"skuId": E3, "assignedByGroup": NURSES}]
    wire.answer("GET", "licenseAssignmentStates", {"id": ANA, "licenseAssignmentStates": states})
    assert entra.apply(account, Step("revoke", given=Grant("license", E3))) == Outcome("applied")
    assert wire.writes == []


@pytest.mark.parametrize(
    "message",
    [
        "User does not have a corresponding license.",
        "User license is inherited from a group membership and it cannot be removed directly "
        "from the user.",
    ],
)
def test_a_licence_that_went_meanwhile_is_taken(
    entra: EntraId, wire: Wire, account: Account, message: str
) -> None:
    states = [{"skuId": E3, "assignedByGroup": None}]
    wire.answer("GET", "licenseAssignmentStates", {"id": ANA, "licenseAssignmentStates": states})
    wire.answer("POST", "assignLicense", problem(message), 400)
    assert entra.apply(account, Step("revoke", given=Grant("license", E3))) == Outcome("applied")
    assert wire.writes[0][2] == {"addLicenses": [], "removeLicenses": [E3]}


def test_the_licence_permission_is_named(entra: EntraId, wire: Wire, account: Account) -> None:
    wire.answer("GET", "licenseAssignmentStates", {"id": ANA, "licenseAssignmentStates": []})
    wire.answer("POST", "assignLicense", DENIED, 403)
    outcome = entra.apply(account, Step("grant", given=Grant("license", E3)))
    assert outcome.refusals[0].kind == "rights"
    assert "LicenseAssignment.ReadWrite.All" in outcome.refusals[0].remedy


def test_an_administrator_is_not_deleted(entra: EntraId, wire: Wire, account: Account) -> None:
    role = {"@odata.type": "#microsoft.graph.directoryRole", "id": BEN}
    wire.answer("DELETE", f"/users/{ANA}$", DENIED, 403)
    wire.answer("GET", "memberOf", {"value": [role]})
    outcome = entra.apply(account, Step("delete"))
    assert [r.kind for r in outcome.refusals] == ["protected"]


def test_nothing_is_restored_where_entra_connect_rules(
    entra: EntraId, wire: Wire, config: Any
) -> None:
    from dataclasses import replace

    hybrid = EntraId(replace(config, hybrid=True))
    outcome = hybrid.apply(None, Step("restore", anchor=ANA))
    hybrid.close()
    assert [r.kind for r in outcome.refusals] == ["config"]
