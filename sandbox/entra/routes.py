"""Which handler answers which path of Graph, and the permissions it asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.entra import deleted, groups, licenses, users
from sandbox.entra.directory import Answer, Call, Directory
from sandbox.entra.errors import GraphError, malformed

Handler = Callable[..., Answer]

_USER_READ = frozenset({"User.Read.All", "User.ReadWrite.All", "Directory.Read.All"})
_USER_WRITE = frozenset({"User.ReadWrite.All", "Directory.ReadWrite.All"})
_USER_ENABLE = _USER_WRITE | {"User.EnableDisableAccount.All"}
_USER_DELETE = frozenset({"User.ReadWrite.All", "User.DeleteRestore.All"})
_REVOKE = frozenset({"User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"})
_GROUP_READ = frozenset(
    {"Group.Read.All", "Group.ReadWrite.All", "GroupMember.Read.All", "GroupMember.ReadWrite.All"}
)
_GROUP_WRITE = frozenset({"Group.ReadWrite.All", "Directory.ReadWrite.All"})
_MEMBER_WRITE = frozenset({"GroupMember.ReadWrite.All", "Group.ReadWrite.All"})
_DOMAINS = frozenset({"Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All"})
_LICENSE_READ = frozenset(
    {"LicenseAssignment.Read.All", "LicenseAssignment.ReadWrite.All", "Organization.Read.All"}
    | {"Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
)
_LICENSE_WRITE = frozenset(
    {"LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"}
)
_ORGANIZATION = (
    frozenset({"Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"})
    | _USER_READ
)


def organization(directory: Directory, call: Call) -> Answer:
    """GET /organization."""
    domains = directory.options.domains
    verified = [
        {"name": name, "type": "Managed", "isDefault": name == domains[0], "isInitial": False}
        for name in domains
    ]
    value = {
        "id": directory.tenant.identity.tenant_id,
        "displayName": domains[0].partition(".")[0].title(),
        "verifiedDomains": verified,
    }
    head = f"{directory.base}/$metadata#organization"
    return Answer(200, {"@odata.context": head, "value": [value]})


def domains(directory: Directory, call: Call) -> Answer:
    """GET /domains."""
    value = [
        {
            "id": name,
            "authenticationType": "Managed",
            "isDefault": name == directory.options.domains[0],
            "isInitial": False,
            "isVerified": True,
        }
        for name in directory.options.domains
    ]
    return Answer(200, {"@odata.context": f"{directory.base}/$metadata#domains", "value": value})


@dataclass(frozen=True)
class Route:
    """`pattern`: literal segments, and `*` for a value that is passed to the handler."""

    method: str
    pattern: tuple[str, ...]
    handler: Handler
    roles: frozenset[str]
    """The caller needs one of these application permissions."""


def _route(method: str, path: str, handler: Handler, roles: frozenset[str]) -> Route:
    return Route(method, tuple(path.split("/")), handler, roles)


_CAST = ("graph.user", "microsoft.graph.user", "graph.group", "microsoft.graph.group")

_ROUTES = [
    _route("GET", "users", users.page, _USER_READ),
    _route("POST", "users", users.create, _USER_WRITE),
    _route("GET", "users/$count", users.count, _USER_READ),
    _route("GET", "users/*", users.read, _USER_READ),
    _route("PATCH", "users/*", users.update, _USER_ENABLE),
    _route("DELETE", "users/*", users.delete, _USER_DELETE),
    _route("GET", "users/*/manager", users.manager, _USER_READ),
    _route("GET", "users/*/manager/$ref", users.manager_ref, _USER_READ),
    _route("PUT", "users/*/manager/$ref", users.set_manager, _USER_WRITE),
    _route("DELETE", "users/*/manager/$ref", users.unset_manager, _USER_WRITE),
    _route("GET", "users/*/directReports", users.reports, _USER_READ),
    _route("GET", "users/*/memberOf", users.memberships, _USER_READ | _GROUP_READ),
    _route("POST", "users/*/revokeSignInSessions", users.revoke_sessions, _REVOKE),
    _route("POST", "users/*/microsoft.graph.revokeSignInSessions", users.revoke_sessions, _REVOKE),
    _route("POST", "users/*/assignLicense", licenses.assign, _LICENSE_WRITE),
    _route("POST", "users/*/microsoft.graph.assignLicense", licenses.assign, _LICENSE_WRITE),
    _route("GET", "subscribedSkus", licenses.page, _LICENSE_READ),
    _route("GET", "groups", groups.page, _GROUP_READ),
    _route("POST", "groups", groups.create, _GROUP_WRITE),
    _route("GET", "groups/$count", groups.count, _GROUP_READ),
    _route("GET", "groups/*", groups.read, _GROUP_READ),
    _route("PATCH", "groups/*", groups.update, _GROUP_WRITE | _MEMBER_WRITE),
    _route("DELETE", "groups/*", groups.delete, _GROUP_WRITE),
    _route("GET", "groups/*/members", groups.members, _GROUP_READ),
    _route("GET", "groups/*/members/$ref", groups.member_refs, _GROUP_READ),
    _route("POST", "groups/*/members/$ref", groups.add_member, _MEMBER_WRITE),
    _route("DELETE", "groups/*/members/*/$ref", groups.remove_member, _MEMBER_WRITE),
    _route("DELETE", "groups/*/members/*", groups.delete_member, _USER_DELETE),
    _route("GET", "directory/deletedItems/*", deleted.read, _USER_READ),
    _route("DELETE", "directory/deletedItems/*", deleted.purge, _USER_DELETE),
    _route("POST", "directory/deletedItems/*/restore", deleted.restore, _USER_DELETE),
    _route("GET", "organization", organization, _ORGANIZATION),
    _route("GET", "domains", domains, _DOMAINS),
]
_FIRST = frozenset(route.pattern[0] for route in _ROUTES)
_BY_SHAPE: dict[tuple[str, int], list[Route]] = {}
for _one in _ROUTES:
    _BY_SHAPE.setdefault((_one.pattern[0], len(_one.pattern)), []).append(_one)


def find(method: str, segments: tuple[str, ...]) -> tuple[Route, tuple[str, ...]]:
    """The route for a path and the values in it.

    Raises GraphError 400 for a segment that is not there, 405 for a method that is not.
    """
    if segments[:2] == ("directory", "deletedItems") and segments[2:] in {(c,) for c in _CAST}:
        if method != "GET":
            raise not_allowed()
        return _route("GET", "", deleted.page, _USER_READ | _GROUP_READ), segments[2:]
    if segments[2:3] == ("members",) and len(segments) == 4 and segments[3] in _CAST:
        if method != "GET":
            raise not_allowed()
        return _route("GET", "", groups.members, _GROUP_READ), (segments[1], segments[3])
    alike = _BY_SHAPE.get((segments[0] if segments else "", len(segments)), ())
    fitting = [
        (route, values) for route in alike if (values := _values(route, segments)) is not None
    ]
    for route, values in fitting:
        if route.method == method:
            return route, values
    if fitting:
        raise not_allowed()
    unknown = (
        segments[0] if segments and segments[0] not in _FIRST else segments[-1] if segments else ""
    )
    raise malformed(f"Resource not found for the segment '{unknown}'.")


def _values(route: Route, segments: tuple[str, ...]) -> tuple[str, ...] | None:
    values: list[str] = []
    for wanted, given in zip(route.pattern, segments, strict=True):
        if wanted == "*":
            if given.startswith("$"):
                return None
            values.append(given)
        elif wanted != given:
            return None
    return tuple(values)


def not_allowed() -> GraphError:
    """405."""
    return GraphError(
        405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target."
    )


def lower(headers: Mapping[str, Any]) -> dict[str, str]:
    """Headers by lower-case name."""
    return {name.lower(): str(value) for name, value in headers.items()}
