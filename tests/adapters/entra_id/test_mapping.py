"""`mappings/entra_id.yaml` and the adapter speak of the same attributes."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.entra_id import EntraId
from adapters.entra_id.attributes import READ, top
from adapters.target import Link, Step
from mappings.documents import Outbound, load_outbound
from tests.adapters.entra_id.wire import ANA, Wire, user

FACTS: dict[str, Any] = {
    "endsAt": "2026-04-30T23:00:00.000Z",
    "accountName": "ana",
    "userPrincipalName": "ana@norhaven.example",
    "mail": "ana.sorensen@norhaven.example",
    "workerId": "1001",
    "givenName": "Ana",
    "familyName": "Sørensen",
    "displayName": "Ana Sørensen",
    "title": "Buyer",
    "department": "Purchasing",
    "company": "Norhaven A/S",
    "workerType": "Employee",
    "division": "Supply",
    "costCenter": "K-7",
    "hireDate": "2026-03-16",
    "office": "B 7",
    "street": "Havnegade 1",
    "city": "Aarhus",
    "region": "Midtjylland",
    "postalCode": "8000",
    "country": "DNK",
    "phone": "+45 33 12 34 56",
    "mobile": "+45 20 12 34 56",
    "fax": "+45 33 12 34 57",
    "preferredLanguage": "da-DK",
    "managerPerson": "22222222-2222-4333-8444-555555555555",
}


@pytest.fixture(scope="module")
def outbound() -> Outbound:
    return load_outbound("entra_id")


def names(outbound: Outbound) -> set[str]:
    return {rule.rule.name for rule in outbound.attributes}


def test_everything_written_is_also_read(outbound: Outbound) -> None:
    assert len(names(outbound)) == 26
    assert {top(name) for name in names(outbound)} - {"employeeLeaveDateTime"} <= set(READ)
    assert outbound.identifier == "employeeId"


def test_what_was_written_is_what_is_read(outbound: Outbound, entra: EntraId, wire: Wire) -> None:
    """Or a plan would never come to an end."""
    evaluation = outbound.evaluate(FACTS)
    assert evaluation.problems == []
    wanted = {name: wish.value for name, wish in evaluation.wishes.items()}
    assert len(wanted) == 26
    wire.answer("GET", "deletedItems", {"value": []}).answer("POST", "/users", user(), 201)
    assert entra.apply(None, Step("create", wanted)).refusals == ()
    stored = {"id": ANA, **wire.writes[0][2]}
    stored["employeeHireDate"] = "2026-03-16T00:00:00.0000000Z"
    wire.answer("GET", "/users", stored)
    account = entra.read(Link(ANA), None)
    assert account is not None
    assert {name: account.attributes.get(name) for name in wanted} == wanted
    assert evaluation.references["manager"].value == FACTS["managerPerson"]


def test_cleared_facts_empty_all_but_what_identifies(outbound: Outbound) -> None:
    kept = ("accountName", "userPrincipalName", "workerId", "displayName")
    facts = {name: value if name in kept else None for name, value in FACTS.items()}
    wishes = outbound.evaluate(facts).wishes
    cleared = {name for name, wish in wishes.items() if wish.cleared}
    assert cleared == names(outbound) - {
        "employeeId",
        "mailNickname",
        "userPrincipalName",
        "displayName",
    }


def test_there_is_always_a_display_name(outbound: Outbound) -> None:
    facts = {k: FACTS[k] for k in ("accountName", "userPrincipalName", "workerId")}
    assert outbound.evaluate(facts).wishes["displayName"].value == "ana"
    facts |= {"givenName": "Ana", "familyName": "Sørensen"}
    assert outbound.evaluate(facts).wishes["displayName"].value == "Ana Sørensen"


def test_account_names_are_those_of_active_directory(outbound: Outbound) -> None:
    other = load_outbound("active_directory")
    for facts in (FACTS, {"workerId": "1001"}, {"loginName": "Ana.S@norhaven.example"}):
        name = outbound.candidates("accountName", facts)
        assert name
        assert name == other.candidates("accountName", facts)
    assert outbound.candidates("cn", FACTS) == []
