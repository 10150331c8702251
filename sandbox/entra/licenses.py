"""`/subscribedSkus` and `/users/{id}/assignLicense`: what the tenant has bought, and who has it.

Source: subscribedSku and user: assignLicense, Microsoft Graph v1.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.entra import errors
from sandbox.entra.directory import Answer, Call, Directory
from sandbox.entra.errors import GraphError, bad_request
from sandbox.entra.listing import Shape, context, show
from sandbox.entra.tenant import Entry, Sku

_GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_NO_LOCATION = "License assignment cannot be done for user with invalid usage location."
_NOT_BOUGHT = "License {} does not correspond to a valid company License."
_NO_SEAT = "Subscription with SKU {} does not have any available licenses."
_NOT_HELD = "User does not have a corresponding license."
_INHERITED = (
    "User license is inherited from a group membership and it cannot be removed directly from "
    "the user."
)


def page(directory: Directory, _call: Call) -> Answer:
    """GET /subscribedSkus."""
    tenant = directory.tenant
    value = [_shown(sku, tenant.identity.tenant_id) for sku in tenant.skus()]
    head = f"{directory.base}/$metadata#subscribedSkus"
    return Answer(200, {"@odata.context": head, "value": value})


def assign(directory: Directory, call: Call, key: str) -> Answer:
    """POST /users/{id}/assignLicense: 200 with the user, or why not; all or nothing."""
    entry = directory.user(key, write=True)
    add, remove = _wishes(call.body)
    document = dict(entry.document)
    held = {str(one["skuId"]): one for one in document.get("assignedLicenses") or ()}
    states = list(document.get("licenseAssignmentStates") or ())
    for sku in remove:
        states = _removed(states, sku)
        if not any(state["skuId"] == sku for state in states):
            held.pop(sku, None)
    if add and not document.get("usageLocation"):
        raise bad_request(_NO_LOCATION)
    for sku, disabled in add.items():
        _check_seat(directory, sku, entry)
        held[sku] = {"skuId": sku, "disabledPlans": disabled}
        states = [s for s in states if s["skuId"] != sku or s.get("assignedByGroup")]
        states.append(state(sku, disabled, directory.stamp()))
    document["assignedLicenses"] = list(held.values())
    document["licenseAssignmentStates"] = states
    saved = directory.save(replace(entry, document=document), call)
    head = {"@odata.context": context(directory, "users", Shape(None), one=True)}
    return Answer(200, head | show(saved, Shape(None)))


def direct(document: Mapping[str, Any]) -> list[str]:
    """skuIds of the licences that a user has by itself, not through a group."""
    states = document.get("licenseAssignmentStates") or ()
    return [str(one["skuId"]) for one in states if not one.get("assignedByGroup")]


def state(sku: str, disabled: list[str], stamp: str, group: str | None = None) -> dict[str, Any]:
    """One of `licenseAssignmentStates`."""
    return {
        "skuId": sku,
        "disabledPlans": disabled,
        "assignedByGroup": group,
        "state": "Active",
        "error": "None",
        "lastUpdatedDateTime": stamp,
    }


def _removed(states: list[dict[str, Any]], sku: str) -> list[dict[str, Any]]:
    own = [one for one in states if one["skuId"] == sku]
    if not own:
        raise bad_request(_NOT_HELD)
    if all(one.get("assignedByGroup") for one in own):
        raise bad_request(_INHERITED)
    return [one for one in states if one["skuId"] != sku or one.get("assignedByGroup")]


def _check_seat(directory: Directory, sku: str, entry: Entry) -> None:
    found = directory.tenant.sku(sku)
    if found is None:
        raise bad_request(_NOT_BOUGHT.format(sku))
    has = any(str(one["skuId"]) == sku for one in entry.document.get("assignedLicenses") or ())
    if not has and found.consumed >= found.seats:
        raise bad_request(_NO_SEAT.format(sku))


def _wishes(body: Any) -> tuple[dict[str, list[str]], list[str]]:
    """What to add, with the service plans left out, and what to remove. Raises GraphError 400."""
    if not isinstance(body, dict):
        raise errors.malformed("Unable to read JSON request payload.")
    missing = [name for name in ("addLicenses", "removeLicenses") if body.get(name) is None]
    if missing:
        raise bad_request(
            "One or more parameters of the operation 'assignLicense' are missing from the request "
            f"payload. The missing parameters are: {', '.join(missing)}."
        )
    unknown = [n for n in body if n not in ("addLicenses", "removeLicenses") and "@odata" not in n]
    if unknown or not all(
        isinstance(value, list) for n, value in body.items() if "@odata" not in n
    ):
        raise errors.malformed("Unable to read JSON request payload.")
    add: dict[str, list[str]] = {}
    for one in body["addLicenses"]:
        if not isinstance(one, Mapping):
            raise errors.malformed("Unable to read JSON request payload.")
        disabled = one.get("disabledPlans") or []
        if not isinstance(disabled, list):
            raise errors.malformed("Unable to read JSON request payload.")
        add[_guid(one.get("skuId"))] = [_guid(plan) for plan in disabled]
    return add, [_guid(sku) for sku in body["removeLicenses"]]


def _guid(value: Any) -> str:
    if not isinstance(value, str) or not _GUID.fullmatch(value):
        raise _no_guid()
    return value.lower()


def _no_guid() -> GraphError:
    return bad_request(
        "Cannot convert a primitive value to the expected type 'Edm.Guid'. "
        "See the inner exception for more details."
    )


def _shown(sku: Sku, tenant: str) -> dict[str, Any]:
    return {
        "accountId": tenant,
        "appliesTo": "User",
        "capabilityStatus": "Enabled",
        "consumedUnits": sku.consumed,
        "id": f"{tenant}_{sku.id}",
        "prepaidUnits": {"enabled": sku.seats, "suspended": 0, "warning": 0, "lockedOut": 0},
        "servicePlans": [],
        "skuId": sku.id,
        "skuPartNumber": sku.name,
        "subscriptionIds": [],
    }
