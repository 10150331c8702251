"""`/groups`: create, read, list, update, delete, and who is a member.

Source: the group resource type and its methods, Microsoft Graph v1.0.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sandbox.entra import errors, rules, schema, users
from sandbox.entra.directory import Answer, Call, Directory
from sandbox.entra.errors import bad_request, denied
from sandbox.entra.listing import (
    Shape,
    answer_count,
    answer_created,
    answer_one,
    answer_page,
    member,
    show,
)
from sandbox.entra.query import Filter
from sandbox.entra.tenant import Entry, Kind

_MOST_AT_ONCE = 20
_MAIL_ENABLED = "Cannot {} a mail-enabled security groups and or distribution list."
_ADDED = (
    "One or more added object references already exist for the following modified properties: "
    "'members'."
)


def create(directory: Directory, call: Call) -> Answer:
    """POST /groups: 201 with the group; `members@odata.bind` up to 20."""
    body, targets = _bound(directory, call.body)
    body = schema.checked("Group", body)
    rules.check_required(body, "Group", rules.GROUP_REQUIRED)
    rules.check_values(body, "Group", rules.GROUP_READ_ONLY)
    types = body.get("groupTypes") or []
    if body["mailEnabled"] and "Unified" not in types:
        raise bad_request(_MAIL_ENABLED.format("Create"))
    if body.get("isAssignableToRole"):
        raise denied()  # RoleManagement.ReadWrite.Directory
    if "DynamicMembership" in types and not body.get("membershipRule"):
        raise errors.required("membershipRule", "Group")
    document: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "createdDateTime": directory.stamp(),
        "renewedDateTime": directory.stamp(),
    }
    document |= {name: value for name, value in body.items() if value is not None}
    if "Unified" in types:
        document["mail"] = f"{body['mailNickname']}@{directory.options.domains[0]}"
        document["proxyAddresses"] = [f"SMTP:{document['mail']}"]
    _check_unique(directory, document, document["id"])
    entry = directory.save(Entry(document["id"], "group", document), call)
    directory.tenant.link(entry.id, "member", [target.id for target in targets])
    return answer_created(directory, entry)


def read(directory: Directory, call: Call, id: str) -> Answer:
    """GET /groups/{id}."""
    return answer_one(directory, call, directory.group(id), _expander(directory))


def page(directory: Directory, call: Call) -> Answer:
    """GET /groups."""
    expand = _expander(directory)
    return answer_page(
        directory,
        call,
        "group",
        lambda found, after: _candidates(directory, found, after),
        lambda entry, wanted: show(entry, wanted, expand),
        "groups",
    )


def count(directory: Directory, call: Call) -> Answer:
    """GET /groups/$count."""
    return answer_count(call, "group", _candidates(directory, None, 0))


def update(directory: Directory, call: Call, id: str) -> Answer:
    """PATCH /groups/{id}; with `members@odata.bind` up to 20 members are added, all or none."""
    entry = directory.group(id, write=True)
    body, targets = _bound(directory, call.body)
    body = schema.checked("Group", body)
    rules.check_values(body, "Group", rules.GROUP_READ_ONLY)
    if entry.document.get("onPremisesSyncEnabled"):
        raise bad_request(errors.SYNCED)
    if targets:
        _writable_members(entry)
        _link(directory, call, entry, targets)
    if body:
        document = {k: v for k, v in {**entry.document, **body}.items() if v is not None}
        _check_unique(directory, document, entry.id)
        directory.save(replace(entry, document=document), call)
    return Answer(204)


def delete(directory: Directory, call: Call, id: str) -> Answer:
    """DELETE /groups/{id}: Microsoft 365 groups go to the recycle bin, others are gone."""
    entry = directory.group(id, write=True)
    if "Unified" in (entry.document.get("groupTypes") or []):
        document = dict(entry.document) | {"deletedDateTime": directory.stamp()}
        directory.save(replace(entry, document=document, deleted=directory.today()), call)
    else:
        directory.tenant.purge(entry.id)
    return Answer(204)


def members(directory: Directory, call: Call, id: str, cast: str = "") -> Answer:
    """GET /groups/{id}/members, also cast to users or groups."""
    group = directory.group(id)
    kind: Kind = "group" if cast.endswith("group") else "user"

    def found(_filter: Filter | None, _after: int) -> Iterable[Entry]:
        entries = directory.replica.targets(group.id, "member")
        return [entry for entry in entries if not cast or entry.kind == kind]

    def render(entry: Entry, wanted: Shape) -> dict[str, Any]:
        return show(entry, wanted) if cast else member(entry, wanted.select)

    return answer_page(
        directory, call, kind, found, render, f"{kind}s" if cast else "directoryObjects"
    )


def member_refs(directory: Directory, call: Call, id: str) -> Answer:
    """GET /groups/{id}/members/$ref: only where the members are."""
    group = directory.group(id)
    base = f"{directory.base}/directoryObjects"
    return answer_page(
        directory,
        call,
        "user",
        lambda _filter, _after: directory.replica.targets(group.id, "member"),
        lambda entry, _shape: {"@odata.id": f"{base}/{entry.id}/Microsoft.DirectoryServices.User"},
        "$ref",
    )


def add_member(directory: Directory, call: Call, id: str) -> Answer:
    """POST /groups/{id}/members/$ref: 400 when already a member."""
    group = directory.group(id, write=True)
    _writable_members(group)
    _link(directory, call, group, [directory.referenced(call.body)])
    return Answer(204)


def remove_member(directory: Directory, call: Call, id: str, member_id: str) -> Answer:
    """DELETE /groups/{id}/members/{id}/$ref: 404 when not a member."""
    group = directory.group(id, write=True)
    _writable_members(group)
    if not directory.tenant.linked(group.id, "member", member_id.lower()):
        raise errors.not_found(member_id)
    with directory.lagging(group.id, call):
        directory.tenant.unlink(group.id, "member", member_id.lower())
    return Answer(204)


def delete_member(directory: Directory, call: Call, id: str, member_id: str) -> Answer:
    """DELETE /groups/{id}/members/{id} *without* `/$ref` deletes the member itself, as
    Graph's documentation warns."""
    group = directory.group(id)
    if not directory.tenant.linked(group.id, "member", member_id.lower()):
        raise errors.not_found(member_id)
    found = directory.object(member_id)
    if found is None:
        raise errors.not_found(member_id)
    erase = users.delete if found.kind == "user" else delete
    return erase(directory, call, found.id)


def _bound(directory: Directory, body: Any) -> tuple[Any, list[Entry]]:
    """The body without `members@odata.bind`, and the members it names."""
    if not isinstance(body, dict) or "members@odata.bind" not in body:
        return body, []
    rest = {k: v for k, v in body.items() if k != "members@odata.bind"}
    urls = body["members@odata.bind"]
    if not isinstance(urls, list):
        raise bad_request("Invalid URL format specified in @odata.id.")
    if len(urls) > _MOST_AT_ONCE:
        raise bad_request(
            "The number of references being added in the request exceeds the limit of "
            f"{_MOST_AT_ONCE}."
        )
    return rest, [directory.referenced({"@odata.id": url}) for url in urls]


def _writable_members(group: Entry) -> None:
    """Raise GraphError when this kind of group does not take members from the app."""
    document = group.document
    types = document.get("groupTypes") or []
    if document.get("onPremisesSyncEnabled"):
        raise bad_request(errors.SYNCED)
    if "DynamicMembership" in types or document.get("isAssignableToRole"):
        raise denied()
    if document.get("mailEnabled") and "Unified" not in types:
        raise bad_request(_MAIL_ENABLED.format("Update"))


def _link(directory: Directory, call: Call, group: Entry, targets: list[Entry]) -> None:
    if any(directory.tenant.linked(group.id, "member", target.id) for target in targets):
        raise bad_request(_ADDED)
    with directory.lagging(group.id, call):
        directory.tenant.link(group.id, "member", [target.id for target in targets])


def _check_unique(directory: Directory, document: dict[str, Any], id: str) -> None:
    """Mail nicknames are unique among Microsoft 365 groups, addresses among all."""
    if "Unified" in (document.get("groupTypes") or []):
        other = directory.holder(["group"], "mailNickname", document["mailNickname"], id)
        if other is not None and "Unified" in (other.document.get("groupTypes") or []):
            raise errors.conflict("mailNickname")
    directory.check_proxies(document, id)


def _candidates(directory: Directory, found: Filter | None, after: int) -> Iterable[Entry]:
    entries: Iterable[Entry]
    if found is not None and found.indexed is not None:
        entries = directory.replica.among("group", found.indexed)
    else:
        entries = directory.replica.each("group", after)
    return (entry for entry in entries if entry.deleted is None)


def _expander(directory: Directory) -> Any:
    def expand(entry: Entry, name: str, select: tuple[str, ...] | None) -> Any:
        if name == "members":
            return [member(e, select) for e in directory.replica.targets(entry.id, "member")]
        return None

    return expand
