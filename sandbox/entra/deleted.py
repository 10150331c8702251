"""`/directory/deletedItems`: the recycle bin, restore and purge.

Source: deleted items (directory objects), Microsoft Graph v1.0.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sandbox.entra import errors, rules, schema
from sandbox.entra.directory import Answer, Call, Directory
from sandbox.entra.listing import Shape, answer_one, answer_page, context, member, show
from sandbox.entra.query import Filter
from sandbox.entra.tenant import Entry, Kind, address

_RESTORE = {
    "autoReconcileProxyConflict": schema.Field("bool"),
    "newUserPrincipalName": schema.Field("str"),
}


def page(directory: Directory, call: Call, cast: str) -> Answer:
    """GET /directory/deletedItems/microsoft.graph.user."""
    kind: Kind = "group" if cast.endswith("group") else "user"
    tenant = directory.tenant

    def source(found: Filter | None, _after: int) -> list[Entry]:
        wanted = found.among if found is not None else None
        entries = tenant.deleted() if wanted is None else tenant.deleted_among(wanted)
        return [entry for entry in entries if entry.kind == kind]

    return answer_page(
        directory,
        call,
        kind,
        source,
        lambda entry, wanted: _shown(entry, wanted),
        f"{kind}s",
    )


def read(directory: Directory, call: Call, id: str) -> Answer:
    """GET /directory/deletedItems/{id}."""
    entry = _deleted(directory, id)
    body: dict[str, Any] = answer_one(directory, call, entry).body
    head = {
        "@odata.context": f"{directory.base}/$metadata#directoryObjects/$entity",
        "@odata.type": f"#microsoft.graph.{entry.kind}",
    }
    return Answer(200, body | head)


def purge(directory: Directory, call: Call, id: str) -> Answer:
    """DELETE /directory/deletedItems/{id}: for good."""
    entry = _deleted(directory, id)
    if entry.roles:
        raise errors.denied()
    directory.tenant.purge(entry.id)
    return Answer(204)


def restore(directory: Directory, call: Call, id: str) -> Answer:
    """POST /directory/deletedItems/{id}/restore: the object as it was, with all its links.

    400 when its user name or an address has been taken meanwhile, unless the body gives
    `newUserPrincipalName` or asks to drop taken addresses (`autoReconcileProxyConflict`).
    """
    entry = _deleted(directory, id)
    if entry.roles:
        raise errors.denied()
    wanted = _wishes(call.body)
    document = dict(entry.document)
    document.pop("deletedDateTime", None)
    if entry.kind == "user":
        own = document["userPrincipalName"].removeprefix(entry.id.replace("-", ""))
        document["userPrincipalName"] = wanted.get("newUserPrincipalName") or own
        rules.check_upn(document["userPrincipalName"], directory.options.domains)
        upn = document["userPrincipalName"]
        if directory.holder(["user"], "userPrincipalName", upn, entry.id):
            raise errors.conflict("userPrincipalName")
    if wanted.get("autoReconcileProxyConflict"):
        document["proxyAddresses"] = [
            proxy
            for proxy in document.get("proxyAddresses") or []
            if not directory.holder(("user", "group"), "proxyAddresses", address(proxy), entry.id)
        ]
    directory.check_proxies(document, entry.id)
    restored = directory.save(replace(entry, document=document, deleted=None), call)
    head = {"@odata.context": context(directory, "directoryObjects", Shape(None), one=True)}
    return Answer(200, head | member(restored))


def _wishes(body: Any) -> dict[str, Any]:
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise errors.malformed("Unable to read JSON request payload.")
    for name, value in body.items():
        known = _RESTORE.get(name)
        if "@odata." in name:
            continue
        if known is None:
            raise errors.malformed(
                f"The parameter '{name}' in the request payload is not a valid parameter for the "
                "operation 'restore'."
            )
        if value is not None and not isinstance(value, bool if known.kind == "bool" else str):
            raise errors.malformed(
                f"Cannot convert a primitive value to the expected type '{known.edm}'. "
                "See the inner exception for more details."
            )
    return body


def _deleted(directory: Directory, id: str) -> Entry:
    entry = directory.replica.get(id)
    if entry is None or entry.deleted is None:
        raise errors.not_found(id)
    return entry


def _shown(entry: Entry, wanted: Shape) -> dict[str, Any]:
    shown = show(entry, wanted)
    if wanted.select is None:
        shown["deletedDateTime"] = entry.document.get("deletedDateTime")
    return shown
