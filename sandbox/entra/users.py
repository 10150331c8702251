"""`/users`: create, read, list, update, delete, manager, reports, memberships, sessions.

Source: the user resource type and its methods, Microsoft Graph v1.0.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sandbox.entra import errors, rules, schema
from sandbox.entra.directory import Answer, Call, Directory
from sandbox.entra.listing import (
    answer_count,
    answer_created,
    answer_one,
    answer_page,
    member,
    show,
)
from sandbox.entra.query import Filter
from sandbox.entra.tenant import Entry, address, fold

_WRITE_ALL = frozenset({"User.ReadWrite.All", "Directory.ReadWrite.All"})
_LIFECYCLE = "User-LifeCycleInfo.ReadWrite.All"


def create(directory: Directory, call: Call) -> Answer:
    """POST /users: 201 with the default properties, or why not."""
    body = dict(call.body) if isinstance(call.body, dict) else call.body
    bound = body.pop("manager@odata.bind", None) if isinstance(body, dict) else None
    body = schema.checked("User", body)
    rules.check_required(body, "User", rules.USER_REQUIRED)
    _check(directory, call, body, body.get("passwordPolicies"), create=True)
    manager = directory.referenced({"@odata.id": bound}) if bound is not None else None
    now = directory.stamp()
    upn = body["userPrincipalName"]
    document: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "createdDateTime": now,
        "lastPasswordChangeDateTime": now,
        "signInSessionsValidFromDateTime": now,
        "userType": "Member",
        "identities": _identities(directory, upn),
    }
    _merge(document, body)
    _check_unique(directory, document, document["id"])
    entry = directory.save(Entry(document["id"], "user", document), call)
    if manager is not None:
        directory.tenant.link(entry.id, "manager", [manager.id])
    return answer_created(directory, entry)


def read(directory: Directory, call: Call, key: str) -> Answer:
    """GET /users/{id or userPrincipalName}."""
    return answer_one(directory, call, directory.user(key), expander(directory))


def page(directory: Directory, call: Call) -> Answer:
    """GET /users."""
    expand = expander(directory)
    return answer_page(
        directory,
        call,
        "user",
        lambda found, after: _candidates(directory, found, after),
        lambda entry, wanted: show(entry, wanted, expand),
        "users",
    )


def count(directory: Directory, call: Call) -> Answer:
    """GET /users/$count."""
    return answer_count(call, "user", _candidates(directory, None, 0))


def update(directory: Directory, call: Call, key: str) -> Answer:
    """PATCH /users/{id}: null clears; what is not named stays."""
    entry = directory.user(key, write=True)
    body = schema.checked("User", call.body)
    if not call.roles & _WRITE_ALL and set(body) - {"accountEnabled"}:
        raise errors.denied()  # User.EnableDisableAccount.All is for the one bit
    policies = body.get("passwordPolicies", entry.document.get("passwordPolicies"))
    _check(directory, call, body, policies, create=False)
    _refuse_synced(entry, set(body))
    if entry.roles and set(body) & rules.SENSITIVE:
        raise errors.denied()
    document = dict(entry.document)
    _merge(document, body)
    if "userPrincipalName" in body:
        document["identities"] = _identities(directory, body["userPrincipalName"])
    if (body.get("passwordProfile") or {}).get("password"):
        document["lastPasswordChangeDateTime"] = directory.stamp()
        document["signInSessionsValidFromDateTime"] = directory.stamp()
    _check_unique(directory, document, entry.id)
    directory.save(replace(entry, document=document), call)
    return Answer(204)


def delete(directory: Directory, call: Call, key: str) -> Answer:
    """DELETE /users/{id}: into the recycle bin; the user name is free at once."""
    entry = directory.user(key, write=True)
    if entry.roles:
        raise errors.denied()
    document = dict(entry.document)
    document["deletedDateTime"] = directory.stamp()
    if not directory.options.deleted_hold_names:
        mark = entry.id.replace("-", "")
        document["userPrincipalName"] = mark + document["userPrincipalName"]
    directory.save(replace(entry, document=document, deleted=directory.today()), call)
    return Answer(204)


def manager(directory: Directory, call: Call, key: str) -> Answer:
    """GET /users/{id}/manager: 404 when there is none."""
    entry = _manager(directory, directory.user(key))
    answer = answer_one(directory, call, entry)
    head = {
        "@odata.context": f"{directory.base}/$metadata#directoryObjects/$entity",
        "@odata.type": "#microsoft.graph.user",
    }
    return Answer(200, head | {k: v for k, v in answer.body.items() if k != "@odata.context"})


def manager_ref(directory: Directory, call: Call, key: str) -> Answer:
    """GET /users/{id}/manager/$ref."""
    entry = _manager(directory, directory.user(key))
    base = f"{directory.base}/directoryObjects"
    body = {
        "@odata.context": f"{directory.base}/$metadata#$ref",
        "@odata.id": f"{base}/{entry.id}/Microsoft.DirectoryServices.User",
    }
    return Answer(200, body)


def set_manager(directory: Directory, call: Call, key: str) -> Answer:
    """PUT /users/{id}/manager/$ref: 204; again with the same manager, too."""
    entry = directory.user(key, write=True)
    _refuse_synced(entry, {"manager"})
    target = directory.referenced(call.body)
    with directory.lagging(entry.id, call):
        directory.tenant.unlink(entry.id, "manager")
        directory.tenant.link(entry.id, "manager", [target.id])
    return Answer(204)


def unset_manager(directory: Directory, call: Call, key: str) -> Answer:
    """DELETE /users/{id}/manager/$ref: 404 when there is none."""
    entry = directory.user(key, write=True)
    _refuse_synced(entry, {"manager"})
    if not directory.tenant.targets(entry.id, "manager"):
        raise errors.not_found("manager")
    with directory.lagging(entry.id, call):
        directory.tenant.unlink(entry.id, "manager")
    return Answer(204)


def reports(directory: Directory, call: Call, key: str) -> Answer:
    """GET /users/{id}/directReports."""
    found = directory.replica.sources(directory.user(key).id, "manager")
    return _directory_objects(directory, call, found)


def memberships(directory: Directory, call: Call, key: str) -> Answer:
    """GET /users/{id}/memberOf: groups, and directory roles for who has some."""
    entry = directory.user(key)
    answer = answer_page(
        directory,
        call,
        "group",
        lambda _found, _after: directory.replica.sources(entry.id, "member"),
        lambda group, wanted: member(group, wanted.select),
        "directoryObjects",
    )
    roles = [_role(name) for name in entry.roles] if "$skiptoken" not in call.query else []
    return Answer(200, answer.body | {"value": roles + answer.body["value"]})


def revoke_sessions(directory: Directory, call: Call, key: str) -> Answer:
    """POST /users/{id}/revokeSignInSessions: whoever signed in before now must do so again."""
    entry = directory.user(key, write=True)
    document = dict(entry.document) | {"signInSessionsValidFromDateTime": directory.stamp()}
    directory.save(replace(entry, document=document), call)
    return Answer(200, {"@odata.context": f"{directory.base}/$metadata#Edm.Boolean", "value": True})


def expander(directory: Directory) -> Any:
    """How `$expand` gets the relations of a user."""

    def expand(entry: Entry, name: str, select: tuple[str, ...] | None) -> Any:
        found = directory.replica
        if name == "manager":
            managers = found.targets(entry.id, "manager")
            return member(managers[0], select) if managers else None
        if name == "directReports":
            return [member(e, select) for e in found.sources(entry.id, "manager")]
        if name == "memberOf":
            groups = [member(e) for e in found.sources(entry.id, "member")]
            return [_role(role) for role in entry.roles] + groups
        return None

    return expand


def _candidates(directory: Directory, found: Filter | None, after: int) -> Iterable[Entry]:
    """Live users; only those with the wanted value where an index knows them."""
    entries: Iterable[Entry]
    if found is not None and found.indexed is not None:
        entries = directory.replica.among("user", found.indexed)
    else:
        entries = directory.replica.each("user", after)
    return (entry for entry in entries if entry.deleted is None)


def _check(
    directory: Directory, call: Call, body: dict[str, Any], policies: str | None, *, create: bool
) -> None:
    rules.check_values(body, "User", rules.USER_READ_ONLY)
    if "userPrincipalName" in body:
        rules.check_upn(body["userPrincipalName"], directory.options.domains)
    if "passwordProfile" in body:
        rules.check_password(body["passwordProfile"], policies, create=create)
    if "employeeLeaveDateTime" in body and _LIFECYCLE not in call.roles:
        raise errors.denied()


def _check_unique(directory: Directory, document: dict[str, Any], id: str) -> None:
    upn = document["userPrincipalName"]
    if directory.holder(["user"], "userPrincipalName", upn, id):
        raise errors.conflict("userPrincipalName")
    directory.check_proxies(document, id)
    if immutable := document.get("onPremisesImmutableId"):
        other = directory.holder(["user"], "onPremisesImmutableId", immutable, id)
        if other is not None:
            raise errors.conflict("onPremisesImmutableId", f"User_{other.id}")


def _refuse_synced(entry: Entry, names: set[str]) -> None:
    synced = entry.document.get("onPremisesSyncEnabled")
    if synced and names - rules.CLOUD_OWNED:
        raise errors.bad_request(errors.SYNCED)
    if synced is False and "onPremisesExtensionAttributes" in names:
        raise errors.bad_request(errors.ONCE_SYNCED)


def _merge(document: dict[str, Any], body: dict[str, Any]) -> None:
    """Write `body` over `document`: null removes; extension attributes merge one by one,
    other complex values are replaced; passwords are not kept."""
    for name, value in body.items():
        if name == "passwordProfile":
            value = {**(document.get(name) or {}), **value, "password": None}
        elif name == "onPremisesExtensionAttributes" and value is not None:
            value = {
                **(
                    document.get(name)
                    or dict.fromkeys(schema.fields("OnPremisesExtensionAttributes"))
                ),
                **value,
            }
        elif isinstance(value, dict) and (found := schema.field("User", name)) is not None:
            value = {**dict.fromkeys(schema.fields(found.type)), **value}
        if name == "mail":
            _move_address(document, value)
        if value is None:
            document.pop(name, None)
        else:
            document[name] = value


def _move_address(document: dict[str, Any], mail: str | None) -> None:
    """Setting `mail` makes it the primary SMTP address; the former one stays as an alias."""
    if mail is None:
        return
    others = [p for p in document.get("proxyAddresses") or [] if fold(address(p)) != fold(mail)]
    aliases = ["smtp:" + p[5:] if p.startswith("SMTP:") else p for p in others]
    document["proxyAddresses"] = [f"SMTP:{mail}", *aliases]


def _identities(directory: Directory, upn: str) -> list[dict[str, str]]:
    return [
        {
            "signInType": "userPrincipalName",
            "issuer": directory.options.domains[0],
            "issuerAssignedId": upn,
        }
    ]


def _manager(directory: Directory, entry: Entry) -> Entry:
    found = directory.replica.targets(entry.id, "manager")
    if not found:
        raise errors.not_found("manager")
    return found[0]


def _directory_objects(directory: Directory, call: Call, found: list[Entry]) -> Answer:
    return answer_page(
        directory,
        call,
        "user",
        lambda _found, _after: found,
        lambda entry, wanted: member(entry, wanted.select),
        "directoryObjects",
    )


def _role(name: str) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.directoryRole",
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
        "displayName": name,
    }
