"""Writes: what is sent, what a refusal becomes, and that nothing is sent twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from adapters.entra_id import EntraId
from adapters.entra_id.writing import password
from adapters.target import Account, Link, Outcome, Step, TargetDown, Value
from tests.adapters.entra_id.wire import (
    ANA,
    BEN,
    DENIED,
    SYNCED,
    Wire,
    conflict,
    missing,
    problem,
    user,
)

NEW: dict[str, Value] = {
    "displayName": "Ana Sørensen",
    "mailNickname": "ana",
    "userPrincipalName": "ana@norhaven.example",
    "employeeId": "1001",
}


def account(
    attributes: Mapping[str, Value] = NEW, synced: bool = False, enabled: bool = True
) -> Account:
    return Account(
        ANA, "ana@norhaven.example", enabled, {**NEW, **attributes}, state={"synced": synced}
    )


def empty_bin(wire: Wire) -> Wire:
    return wire.answer("GET", "deletedItems", {"value": []})


def create(**more: Value) -> Step:
    return Step("create", {**NEW, **more}, required=frozenset({"employeeId"}))


def kinds(outcome: Outcome) -> list[tuple[str, str | None]]:
    return [(r.kind, r.attribute) for r in outcome.refusals]


# -- create ----------------------------------------------------------------------


def test_a_new_account_is_disabled_with_a_password_nobody_knows(entra: EntraId, wire: Wire) -> None:
    empty_bin(wire).answer("POST", "^/users$", user(ANA.upper()), 201)
    step = create(businessPhones=("+45 1",), **{"employeeOrgData.division": "Sales"})
    assert entra.apply(None, step) == Outcome("applied", (), Link(ANA, "ana@norhaven.example"))
    ((_, _, body),) = wire.writes
    secret = body.pop("passwordProfile")
    assert secret["forceChangePasswordNextSignIn"] is True
    assert len(secret["password"]) == 44
    assert body == {
        **NEW,
        "accountEnabled": False,
        "businessPhones": ["+45 1"],
        "employeeOrgData": {"division": "Sales", "costCenter": None},
    }


def test_steps_of_several_accounts_are_one_request_and_several_answers(
    entra: EntraId, wire: Wire
) -> None:
    wire.answer("PATCH", ANA, {}, 204)
    wire.answer("PATCH", BEN, problem("Request_BadRequest", "jobTitle is no good"), 400)
    other = replace(account(), anchor=BEN, hint="ben@norhaven.example")
    step = Step("modify", {"jobTitle": "Nurse"})
    found = entra.apply_together([(account(), step), (other, step), (None, Step("enable"))])
    ends = [end for end, _ in found]
    assert all(isinstance(end, Outcome) for end in ends)
    assert [end.result for end in ends if isinstance(end, Outcome)] == [
        "applied",
        "refused",
        "refused",
    ]
    assert all(0 <= took < 60 for _, took in found)


def test_a_new_account_that_is_to_be_enabled_is_made_so_in_one_write(
    entra: EntraId, wire: Wire
) -> None:
    empty_bin(wire).answer("POST", "^/users$", user(ANA), 201)
    outcome = entra.apply(None, replace(create(), enabled=True))
    assert outcome.account is not None
    assert outcome.account.enabled
    ((_, _, body),) = wire.writes
    assert body["accountEnabled"] is True


def test_a_recycle_bin_that_was_just_looked_into_is_not_looked_into_again(
    entra: EntraId, wire: Wire
) -> None:
    nothing: dict[str, Any] = {"value": []}
    wire.answer("GET", "users.*employeeId eq '1001' or employeeId eq '1002'", nothing)
    wire.answer("GET", "deletedItems.*employeeId eq '1001' or employeeId eq '1002'", nothing)
    wire.answer("GET", "users.*userPrincipalName eq 'ana@norhaven.example'", nothing)
    empty_bin(wire).answer("POST", "^/users$", user(ANA), 201)
    assert entra.carriers([{"employeeId": "1001"}, {"employeeId": "1002"}]) == [(), ()]
    assert entra.holders([("userPrincipalName", "ana@norhaven.example")]) == [None]
    assert entra.apply(None, create()).result == "applied"
    empty_bin(wire).answer("POST", "^/users$", user(BEN), 201)
    assert entra.apply(None, create()).result == "applied"  # once, and no more


def test_passwords_pass_any_complexity_rule_and_differ() -> None:
    made = {password() for _ in range(50)}
    assert len(made) == 50
    for text in made:
        assert any(c.islower() for c in text)
        assert any(c.isupper() for c in text)
        assert any(c.isdigit() for c in text)
        assert any(not c.isalnum() for c in text)


def test_a_lost_answer_to_a_create_is_unknown_and_never_repeated(
    entra: EntraId, wire: Wire
) -> None:
    for answer in (
        {"error": httpx.ReadTimeout("silent")},
        {"error": httpx.RemoteProtocolError("dropped")},
        {"status": 504, "body": problem("The request timed out.")},
        {"status": 500, "body": "<html>"},
        {"status": 503, "body": problem("Service is temporarily unavailable.")},
    ):
        empty_bin(wire).answer("POST", "^/users$", **answer)
        assert entra.apply(None, create()) == Outcome("unknown")
        wire.finish()


def test_a_create_that_was_never_sent_is_down(entra: EntraId, wire: Wire) -> None:
    for answer, after in (
        ({"error": httpx.ConnectError("refused")}, None),
        ({"status": 503, "body": problem("busy"), "headers": {"Retry-After": "0"}}, 0.0),
        ({"status": 429, "body": problem("busy"), "headers": {"Retry-After": "0.0"}}, 0.0),
    ):
        empty_bin(wire).answer("POST", "^/users$", **answer)
        with pytest.raises(TargetDown) as down:
            entra.apply(None, create())
        assert down.value.retry_after == after
        wire.finish()


def test_adopting_writes_only_what_differs_what_the_lost_one_made(
    entra: EntraId, wire: Wire
) -> None:
    empty_bin(wire).answer("POST", "^/users$", conflict("userPrincipalName"), 400)
    wire.answer("GET", "^/users/ana@norhaven.example", user(jobTitle="Clerk"))
    wire.answer("GET", "employeeId eq '1001'", {"value": []})
    wire.answer("PATCH", f"/users/{ANA}", status=204)
    outcome = entra.apply(None, create(jobTitle="Buyer"))
    assert outcome == Outcome("applied", (), Link(ANA, "ana@norhaven.example"))
    assert wire.writes[-1] == ("PATCH", f"/users/{ANA}", {"jobTitle": "Buyer"})


def test_an_account_of_this_person_under_another_name_is_adopted(
    entra: EntraId, wire: Wire
) -> None:
    empty_bin(wire).answer("POST", "^/users$", conflict("proxyAddresses"), 400)
    wire.answer("GET", "^/users/ana@", missing("ana"), 404)
    wire.answer("GET", "employeeId eq", {"value": [user(userPrincipalName="old@norhaven.example")]})
    wire.answer("PATCH", f"/users/{ANA}", status=204)
    outcome = entra.apply(None, create())
    assert outcome.link == Link(ANA, "ana@norhaven.example")
    assert wire.writes[-1][2] == {"userPrincipalName": "ana@norhaven.example"}


@pytest.mark.parametrize("theirs", ["1002", None])
def test_somebody_elses_name_is_burnt(entra: EntraId, wire: Wire, theirs: str | None) -> None:
    empty_bin(wire).answer("POST", "^/users$", conflict("userPrincipalName"), 400)
    wire.answer("GET", "^/users/ana@", user(BEN, employeeId=theirs))
    wire.answer("GET", "employeeId eq", {"value": []})
    outcome = entra.apply(None, create())
    assert outcome.result == "refused"
    assert kinds(outcome) == [("name", "userPrincipalName")]
    assert "ana" not in str(outcome)


def test_an_address_somebody_else_has_is_left_out(entra: EntraId, wire: Wire) -> None:
    empty_bin(wire).answer("POST", "^/users$", conflict("proxyAddresses"), 400)
    wire.answer("GET", "^/users/ana@", missing("ana"), 404)
    wire.answer("GET", "employeeId eq", {"value": []})
    wire.answer("POST", "^/users$", user(), 201)
    outcome = entra.apply(None, create(mail="info@norhaven.example"))
    assert outcome.result == "applied"
    assert kinds(outcome) == [("name", "mail")]
    assert "mail" not in wire.writes[-1][2]


def test_a_value_graph_names_is_left_out(entra: EntraId, wire: Wire) -> None:
    no = problem("Invalid value specified for property 'usageLocation' of resource 'User'.")
    empty_bin(wire).answer("POST", "^/users$", no, 400).answer("POST", "^/users$", user(), 201)
    outcome = entra.apply(None, create(usageLocation="ZZ"))
    assert (outcome.result, kinds(outcome)) == ("applied", [("value", "usageLocation")])


def test_a_value_graph_does_not_name_is_found_after_the_account_is_made(
    entra: EntraId, wire: Wire
) -> None:
    vague = problem("Bad request.")
    empty_bin(wire).answer("POST", "^/users$", vague, 400).answer("POST", "^/users$", user(), 201)
    wire.answer("PATCH", ANA, vague, 400)  # city and state together
    wire.answer("PATCH", ANA, vague, 400)  # city
    wire.answer("PATCH", ANA, status=204)  # state
    outcome = entra.apply(None, create(city="\ud7ff", state="Zealand"))
    assert outcome.result == "applied"
    assert kinds(outcome) == [("value", "city")]
    assert outcome.link == Link(ANA, "ana@norhaven.example")
    assert wire.writes[-1][2] == {"state": "Zealand"}


@pytest.mark.parametrize(
    ("status", "body", "kind", "attribute", "remedy"),
    [
        (403, DENIED, "rights", None, "User.ReadWrite.All"),
        (
            403,
            problem("The directory object quota limit ...", "Directory_QuotaExceeded"),
            "config",
            None,
            "quota",
        ),
        (
            400,
            problem(
                "The domain portion of the userPrincipalName property is invalid. You must use "
                "one of the verified domain names in your organization."
            ),
            "config",
            "userPrincipalName",
            "Verify the domain",
        ),
        (
            400,
            problem(
                "Property userPrincipalName is invalid.",
                "Request_BadRequest",
                ("InvalidValue", "userPrincipalName"),
            ),
            "value",
            "userPrincipalName",
            "",
        ),
        (
            400,
            problem(
                "The specified password does not comply with password complexity requirements. "
                "Please provide a different password."
            ),
            "config",
            None,
            "password policy",
        ),
        (
            409,
            problem("Error due to concurrent requests.", "Directory_ConcurrencyViolation"),
            "stale",
            None,
            "",
        ),
    ],
)
def test_refused_creates(
    entra: EntraId,
    wire: Wire,
    status: int,
    body: Any,
    kind: str,
    attribute: str | None,
    remedy: str,
) -> None:
    empty_bin(wire).answer("POST", "^/users$", body, status)
    outcome = entra.apply(None, Step("create", NEW, required=frozenset(NEW)))
    assert outcome.result == "refused"
    assert kinds(outcome) == [(kind, attribute)]
    assert remedy in outcome.refusals[0].remedy


def test_a_create_without_what_graph_needs_is_a_mapping_error(entra: EntraId) -> None:
    outcome = entra.apply(None, Step("create", {"displayName": "Ana", "mailNickname": "ana"}))
    assert kinds(outcome) == [("bug", "userPrincipalName")]


# -- the recycle bin -------------------------------------------------------------


def mangled(id: str, key: str = "1001") -> dict[str, Any]:
    name = id.replace("-", "") + "ana@norhaven.example"
    return {"id": id, "userPrincipalName": name, "employeeId": key}


def test_a_deleted_account_of_the_same_person_is_restored_disabled(
    entra: EntraId, wire: Wire
) -> None:
    wire.answer("GET", "deletedItems.*employeeId eq '1001' or ", {"value": [mangled(ANA)]})
    wire.answer("POST", f"/directory/deletedItems/{ANA}/restore", user())
    wire.answer("GET", f"/users/{ANA}", missing(ANA), 404)  # not on this replica yet
    wire.answer("GET", f"/directory/deletedItems/{ANA}", missing(ANA), 404)
    wire.answer("GET", f"/users/{ANA}", user(jobTitle="Clerk"))
    wire.answer("PATCH", f"/users/{ANA}", status=204)
    outcome = entra.apply(None, create(jobTitle="Buyer"))
    assert outcome == Outcome("applied", (), Link(ANA, "ana@norhaven.example"))
    assert wire.writes == [
        ("POST", f"/directory/deletedItems/{ANA}/restore", {"autoReconcileProxyConflict": True}),
        ("PATCH", f"/users/{ANA}", {"accountEnabled": False, "jobTitle": "Buyer"}),
    ]


def test_restored_under_a_new_name_when_the_old_one_is_taken(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "deletedItems.*employeeId", {"value": [mangled(ANA)]})
    wire.answer("POST", "restore", conflict("userPrincipalName"), 400)
    wire.answer("POST", "restore", user())
    wire.answer("GET", f"/users/{ANA}", user(accountEnabled=False))
    assert entra.apply(None, create()).result == "applied"
    assert wire.writes[1][2]["newUserPrincipalName"] == "ana@norhaven.example"


def test_the_name_of_somebody_elses_deleted_account_is_burnt(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "deletedItems.*endsWith", {"value": [mangled(BEN, "1002")]})
    outcome = entra.apply(None, create())
    assert (outcome.result, kinds(outcome)) == ("refused", [("name", "userPrincipalName")])


def test_several_deleted_accounts_are_a_case_for_a_person(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "deletedItems.*employeeId", {"value": [mangled(ANA), mangled(BEN)]})
    outcome = entra.apply(None, create())
    assert (outcome.result, kinds(outcome)) == ("refused", [("config", None)])


def test_restoring_needs_a_right(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "deletedItems.*employeeId", {"value": [mangled(ANA)]})
    wire.answer("POST", "restore", DENIED, 403)
    outcome = entra.apply(None, create())
    assert kinds(outcome) == [("rights", "restore")]
    assert "User.DeleteRestore.All" in outcome.refusals[0].remedy


def test_trouble_after_the_restore_is_unknown(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "deletedItems.*employeeId", {"value": [mangled(ANA)]})
    wire.answer("POST", "restore", user())
    wire.answer("GET", f"/users/{ANA}", problem("busy"), 429, {"Retry-After": "0"})
    assert entra.apply(None, create()) == Outcome("unknown")


# -- not visible yet -------------------------------------------------------------


def test_a_new_account_may_be_invisible_for_a_while(entra: EntraId, wire: Wire) -> None:
    empty_bin(wire).answer("POST", "^/users$", user(), 201)
    link = entra.apply(None, create()).link
    assert link is not None
    binned = f"/directory/deletedItems/{ANA}"
    wire.answer("GET", f"/users/{ANA}", missing(ANA), 404).answer("GET", f"/users/{ANA}", user())
    wire.answer("GET", binned, missing(ANA), 404)
    read = entra.read(link, None)
    assert read is not None
    wire.answer("PATCH", ANA, missing(ANA), 404).answer("PATCH", ANA, status=204)
    wire.answer("GET", binned, missing(ANA), 404)
    assert entra.apply(read, Step("modify", {"city": "Aarhus"})) == Outcome("applied")
    for _ in range(2):
        wire.answer("GET", f"/users/{ANA}", missing(ANA), 404)
        wire.answer("GET", binned, missing(ANA), 404)
    wire.answer("GET", f"/users/{ANA}", missing(ANA), 404)
    with pytest.raises(TargetDown, match="not show a new account"):
        entra.read(link, {"employeeId": "1001"})


def test_a_new_account_that_was_deleted_is_gone(entra: EntraId, wire: Wire) -> None:
    empty_bin(wire).answer("POST", "^/users$", user(), 201)
    link = entra.apply(None, create()).link
    wire.answer("GET", f"/users/{ANA}", missing(ANA), 404)
    wire.answer("GET", f"/directory/deletedItems/{ANA}", {"id": ANA})
    assert entra.read(link, None) is None


def test_a_manager_who_is_not_there_is_not_waited_for(entra: EntraId, wire: Wire) -> None:
    empty_bin(wire).answer("POST", "^/users$", user(), 201)
    entra.apply(None, create())
    wire.answer("PUT", "manager", missing(BEN), 404)
    step = Step("refer", attribute="manager", anchor=BEN)
    assert kinds(entra.apply(account(), step)) == [("reference", "manager")]


def test_an_old_account_that_is_not_found_is_gone(entra: EntraId, wire: Wire) -> None:
    wire.answer("PATCH", ANA, missing(ANA), 404)
    outcome = entra.apply(account(), Step("modify", {"city": "Aarhus"}))
    assert (outcome.result, kinds(outcome)) == ("refused", [("gone", None)])


# -- modify ----------------------------------------------------------------------


def test_a_patch_as_graph_wants_it(entra: EntraId, wire: Wire) -> None:
    wire.answer("PATCH", f"/users/{ANA}", status=204)
    now = account(
        {
            "jobTitle": "Clerk",
            "city": "Aarhus",
            "businessPhones": ("+45 1",),
            "employeeOrgData.division": "Sales",
            "employeeOrgData.costCenter": "K1",
            "onPremisesExtensionAttributes.extensionAttribute2": "x",
        }
    )
    step = Step(
        "modify",
        {
            "city": "Odense",
            "jobTitle": None,
            "businessPhones": None,
            "employeeHireDate": "2026-03-16",
            "employeeOrgData.division": "Legal",
            "onPremisesExtensionAttributes.extensionAttribute2": None,
        },
    )
    assert entra.apply(now, step) == Outcome("applied")
    assert wire.writes == [
        (
            "PATCH",
            f"/users/{ANA}",
            {
                "city": "Odense",
                "jobTitle": None,
                "businessPhones": [],
                "employeeHireDate": "2026-03-16T00:00:00Z",
                "employeeOrgData": {"division": "Legal", "costCenter": "K1"},
                "onPremisesExtensionAttributes": {"extensionAttribute2": None},
            },
        )
    ]


def test_nothing_to_write_is_no_request(entra: EntraId, wire: Wire) -> None:
    assert entra.apply(account(), Step("modify", {})) == Outcome("applied")
    assert wire.requests == []


def test_a_named_refusal_leaves_one_attribute_out(entra: EntraId, wire: Wire) -> None:
    no = problem("Invalid value specified for property 'city' of resource 'User'.")
    wire.answer("PATCH", ANA, no, 400).answer("PATCH", ANA, status=204)
    outcome = entra.apply(account(), Step("modify", {"city": "x", "state": "y"}))
    assert (outcome.result, kinds(outcome)) == ("applied", [("value", "city")])
    assert wire.writes[-1][2] == {"state": "y"}


def test_a_refused_key_refuses_the_whole_step(entra: EntraId, wire: Wire) -> None:
    wire.answer("PATCH", ANA, conflict("userPrincipalName"), 400)
    step = Step(
        "modify",
        {"userPrincipalName": "ben@norhaven.example", "city": "x"},
        required=frozenset({"userPrincipalName"}),
    )
    outcome = entra.apply(account(), step)
    assert (outcome.result, kinds(outcome)) == ("refused", [("name", "userPrincipalName")])


def test_an_unnamed_refusal_tries_what_is_required_first(entra: EntraId, wire: Wire) -> None:
    vague = problem("Bad request.")
    wire.answer("PATCH", ANA, vague, 400).answer("PATCH", ANA, vague, 400)
    step = Step("modify", {"city": "x", "employeeId": "1"}, required=frozenset({"employeeId"}))
    outcome = entra.apply(account(), step)
    assert (outcome.result, kinds(outcome)) == ("refused", [("value", "employeeId")])
    assert [body for _, _, body in wire.writes] == [
        {"city": "x", "employeeId": "1"},
        {"employeeId": "1"},
    ]


def test_read_only_properties_are_the_mappings_fault(entra: EntraId, wire: Wire) -> None:
    no = problem("Property 'proxyAddresses' is read-only and cannot be set.")
    wire.answer("PATCH", ANA, no, 400)
    outcome = entra.apply(account(), Step("modify", {"proxyAddresses": ("SMTP:a@b",)}))
    assert (outcome.result, kinds(outcome)) == ("refused", [("bug", "proxyAddresses")])


def test_a_lost_answer_to_a_patch_is_unknown(entra: EntraId, wire: Wire) -> None:
    wire.answer("PATCH", ANA, error=httpx.ReadError("reset"))
    assert entra.apply(account(), Step("modify", {"city": "x"})) == Outcome("unknown")


def test_sensitive_attributes_of_an_administrator(entra: EntraId, wire: Wire) -> None:
    wire.answer("PATCH", ANA, DENIED, 403)  # all of it
    wire.answer("PATCH", ANA, DENIED, 403)  # mobilePhone
    roles = [{"id": BEN, "@odata.type": "#microsoft.graph.directoryRole"}]
    wire.answer("GET", "memberOf", {"value": roles})
    wire.answer("PATCH", ANA, status=204)  # city
    outcome = entra.apply(account(), Step("modify", {"mobilePhone": "+45 1", "city": "x"}))
    assert (outcome.result, kinds(outcome)) == ("applied", [("protected", "mobilePhone")])
    assert "administrator role" in outcome.refusals[0].message
    assert wire.writes[-1][2] == {"city": "x"}


def test_a_right_that_is_missing_is_named(entra: EntraId, wire: Wire) -> None:
    wire.answer("PATCH", ANA, DENIED, 403)
    wire.answer("GET", "memberOf", DENIED, 403)
    outcome = entra.apply(account(enabled=False), Step("enable"))
    assert (outcome.result, kinds(outcome)) == ("refused", [("rights", "accountEnabled")])
    assert "User.EnableDisableAccount.All" in outcome.refusals[0].remedy


def test_entra_connect_owns_all_but_a_little(entra: EntraId, wire: Wire) -> None:
    wire.answer("PATCH", ANA, status=204)
    step = Step("modify", {"usageLocation": "DK", "city": "x", "jobTitle": "y"})
    outcome = entra.apply(account(synced=True), step)
    assert outcome.result == "applied"
    assert kinds(outcome) == [("protected", "city"), ("protected", "jobTitle")]
    assert "Active Directory" in outcome.refusals[0].message
    assert wire.writes[0][2] == {"usageLocation": "DK"}


def test_a_protected_account_is_not_touched(entra: EntraId, wire: Wire) -> None:
    protected = Account(ANA, "ana", True, NEW, protected="Entra Connect", state={"synced": True})
    for step in (Step("disable"), Step("enable"), Step("modify", {"usageLocation": "DK"})):
        outcome = entra.apply(protected, step)
        assert (outcome.result, kinds(outcome)) == ("refused", [("protected", None)])
    assert wire.requests == []


def test_what_is_no_text_is_not_sent(entra: EntraId, wire: Wire) -> None:
    step = Step("modify", {"city": "\ud800"})
    assert kinds(entra.apply(account(), step)) == [("value", "city")]
    empty_bin(wire).answer("POST", "^/users$", user(), 201)
    assert kinds(entra.apply(None, create(city="a\0b"))) == [("value", "city")]
    assert "city" not in wire.writes[0][2]
    refused = entra.apply(None, create(employeeId="\ud800"))
    assert (refused.result, kinds(refused)) == ("refused", [("value", "employeeId")])
    assert entra.holder("mail", "\ud800") is None
    assert entra.read(None, {"employeeId": "\ud800"}) is None


def test_what_graph_never_empties_is_not_asked_for(entra: EntraId, wire: Wire) -> None:
    outcome = entra.apply(account(), Step("modify", {"usageLocation": None}))
    assert (outcome.result, kinds(outcome)) == ("refused", [("value", "usageLocation")])
    assert wire.requests == []


def test_graphs_own_refusal_for_synced_users(entra: EntraId, wire: Wire) -> None:
    wire.answer("PATCH", ANA, SYNCED, 400)
    outcome = entra.apply(account(synced=True), Step("disable"))
    assert (outcome.result, kinds(outcome)) == ("refused", [("protected", "accountEnabled")])


# -- manager, disable, enable ----------------------------------------------------


def test_the_manager_is_a_reference(entra: EntraId, wire: Wire) -> None:
    wire.answer("PUT", rf"/users/{ANA}/manager/\$ref", status=204)
    step = Step("refer", attribute="manager", anchor=BEN)
    assert entra.apply(account(), step) == Outcome("applied")
    assert wire.writes[0][2] == {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{BEN}"}


def test_removing_a_manager_who_is_not_there(entra: EntraId, wire: Wire) -> None:
    managed = Account(ANA, "ana", True, NEW, references={"manager": BEN})
    wire.answer("DELETE", rf"/users/{ANA}/manager/\$ref", missing(ANA), 404)
    wire.answer("GET", f"/users/{ANA}", user())
    assert entra.apply(managed, Step("refer", attribute="manager")) == Outcome("applied")
    wire.answer("DELETE", "manager", missing(ANA), 404).answer("GET", ANA, missing(ANA), 404)
    outcome = entra.apply(managed, Step("refer", attribute="manager"))
    assert (outcome.result, kinds(outcome)) == ("refused", [("gone", "manager")])


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (missing(BEN), 404, "reference"),
        (missing(ANA), 404, "gone"),
        (problem("Not a valid reference update."), 400, "reference"),
        (DENIED, 403, "rights"),
        (SYNCED, 400, "protected"),
    ],
)
def test_refused_managers(entra: EntraId, wire: Wire, body: Any, status: int, kind: str) -> None:
    wire.answer("PUT", "manager", body, status)
    outcome = entra.apply(account(), Step("refer", attribute="manager", anchor=BEN))
    assert (outcome.result, kinds(outcome)) == ("refused", [(kind, "manager")])


def test_disable_ends_sessions(entra: EntraId, wire: Wire) -> None:
    wire.answer("PATCH", ANA, status=204)
    wire.answer("POST", f"/users/{ANA}/revokeSignInSessions", {"value": True})
    assert entra.apply(account(), Step("disable")) == Outcome("applied")
    assert [(m, b) for m, _, b in wire.writes] == [
        ("PATCH", {"accountEnabled": False}),
        ("POST", None),
    ]


def test_ending_sessions_is_tried_again_and_may_be_refused(entra: EntraId, wire: Wire) -> None:
    wire.answer("PATCH", ANA, status=204)
    wire.answer("POST", "revoke", error=httpx.ReadError("reset"))
    wire.answer("POST", "revoke", DENIED, 403)
    outcome = entra.apply(account(), Step("disable"))
    assert (outcome.result, kinds(outcome)) == ("applied", [("rights", "signInSessions")])
    assert "User.RevokeSessions.All" in outcome.refusals[0].remedy


def test_sessions_that_cannot_be_ended_make_the_disable_unknown(entra: EntraId, wire: Wire) -> None:
    wire.answer("PATCH", ANA, status=204)
    for _ in range(3):
        wire.answer("POST", "revoke", problem("busy"), 503, {"Retry-After": "0"})
    assert entra.apply(account(), Step("disable")) == Outcome("unknown")


def test_enable(entra: EntraId, wire: Wire) -> None:
    wire.answer("PATCH", ANA, status=204)
    assert entra.apply(account(enabled=False), Step("enable")) == Outcome("applied")
    assert wire.writes[0][2] == {"accountEnabled": True}


def test_there_is_nothing_to_move(entra: EntraId, wire: Wire) -> None:
    step = Step("move", name="Ana", container="OU=People")
    assert entra.apply(account(), step) == Outcome("applied")
    assert wire.requests == []
