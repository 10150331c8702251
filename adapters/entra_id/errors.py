"""What Graph says no with, and what that means for a plan.

Classified by status, `error.code` and `details[].code/target`; messages come last, since
they have been reworded before. Own words go on: Graph's messages may quote a value.
(https://learn.microsoft.com/graph/errors, /graph/resolve-auth-errors)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from adapters.target import Refusal, RefusalKind

_CONFLICTS = frozenset(
    {"ObjectConflict", "ConflictingObjects", "Request_MultipleObjectsWithSameKeyValue"}
)
_NAMES = frozenset({"userPrincipalName", "mailNickname", "mail", "proxyAddresses"})
_SYNCED = ("on-premises mastered", "originated within an external service")
_PROPERTY = re.compile(
    r"[Pp]roperty '(\w+)'|for property (\w+)|Property (\w+) is|the (\w+) property is"
)

SENSITIVE = frozenset(
    {
        "accountEnabled",
        "businessPhones",
        "mobilePhone",
        "onPremisesImmutableId",
        "otherMails",
        "passwordProfile",
        "userPrincipalName",
    }
)
"""Refused for accounts with an administrator role unless the application has a higher one."""

_PERMISSIONS = {
    "accountEnabled": "User.EnableDisableAccount.All",
    "businessPhones": "User-Phone.ReadWrite.All",
    "mobilePhone": "User-Phone.ReadWrite.All",
    "otherMails": "User-Mail.ReadWrite.All",
    "employeeLeaveDateTime": "User-LifeCycleInfo.ReadWrite.All",
    "signInSessions": "User.RevokeSessions.All",
    "restore": "User.DeleteRestore.All",
    "delete": "User.DeleteRestore.All",
    "members": "GroupMember.ReadWrite.All",
    "licenses": "LicenseAssignment.ReadWrite.All",
    "read": "User.Read.All",
}


class Lost(Exception):
    """A write was sent and its answer never came: it may have happened."""


@dataclass
class GraphError(Exception):
    """A definite no from Graph: nothing was written."""

    status: int
    code: str = ""
    message: str = ""
    """As Graph worded it: for classifying only, never to be shown or logged."""
    details: tuple[tuple[str, str], ...] = ()
    """`(code, target)` of each entry of `error.details`."""

    def __str__(self) -> str:
        return f"{self.status}/{self.code or 'no code'}"

    @property
    def conflict(self) -> bool:
        """Another object holds the value."""
        codes = {self.code, *(code for code, _ in self.details)}
        return bool(codes & _CONFLICTS) or "Another object with the same value" in self.message

    @property
    def bad_reference(self) -> bool:
        """What a link points to is not there, or not yet."""
        return self.status == 400 and "Not a valid reference update" in self.message

    @property
    def already_member(self) -> bool:
        """The link that was to be added is there."""
        return "added object references already exist" in self.message

    @property
    def no_such_license(self) -> bool:
        """There is no licence of the user's own to take: none at all, or a group's."""
        return any(
            text in self.message
            for text in ("does not have a corresponding license", "inherited from a group")
        )

    @property
    def property(self) -> str | None:
        """The user property it is about, when Graph says so."""
        for _, target in self.details:
            if target:
                return target
        found = _PROPERTY.search(self.message)
        return next(name for name in found.groups() if name) if found else None


def refusal(error: GraphError, attribute: str | None = None, privileged: bool = False) -> Refusal:
    """What `error` means. `attribute`: the one being written, where Graph names none.

    `privileged`: the account is known to hold an administrator role.
    """
    named = error.property or attribute
    kind, message, remedy = _meaning(error, named, privileged)
    return Refusal(kind, str(error), message, remedy, named)


def _meaning(
    error: GraphError, named: str | None, privileged: bool
) -> tuple[RefusalKind, str, str]:
    if error.conflict:
        if named in _NAMES or named is None:
            return "name", "another object holds this name", "The next free name is taken."
        return "value", "another object holds this value", "Look for a duplicate in the tenant."
    if error.status == 403:
        return _forbidden(error, named, privileged)
    if error.status == 404:
        return "gone", "the account is no longer there", "Nothing to do: Muster looks again."
    if error.status in (409, 412):
        return "stale", "somebody else was writing to it", "Nothing to do: Muster looks again."
    if any(text in error.message for text in _SYNCED):
        return "protected", *SYNCED
    if error.bad_reference:
        return "reference", ABSENT_REFERENCE["message"], ABSENT_REFERENCE["remedy"]
    if "read-only" in error.message:
        return "bug", "Graph does not let anyone write it", "Take it out of the mapping."
    if "verified domain" in error.message:
        return (
            "config",
            "its domain is not a verified domain of the tenant",
            "Verify the domain in Entra or correct the domain of the target.",
        )
    if "password" in error.message.lower():
        return (
            "config",
            "the tenant's password policy refuses a random password of 44 characters",
            "Look at the tenant's password policy.",
        )
    if named is not None:
        return "value", "Entra ID does not take this value", "Correct it in HR or in the mapping."
    return "bug", "Graph does not understand the request", "Look at the mapping."


def member_refusal(error: GraphError) -> Refusal:
    """Why a group does not take or give up a member."""
    code = str(error)
    if error.status == 404 or error.bad_reference:
        message, remedy = "the group is not there", "Correct the mapping, or make the group."
        return Refusal("reference", code, message, remedy)
    if "mail-enabled security" in error.message:
        return Refusal(
            "config",
            code,
            "Exchange keeps the members of this group",
            "Take the group out of the mapping, or use one that is not mail-enabled.",
        )
    if any(text in error.message for text in _SYNCED):
        message = "the group is mastered in Active Directory (onPremisesSyncEnabled)"
        return Refusal("protected", code, message, "Give the group in AD.")
    no = refusal(error, "members")
    if error.status == 403:
        remedy = f"{no.remedy} A group with a rule of its own or with roles takes no members."
        return Refusal(no.kind, code, no.message, remedy)
    return Refusal(no.kind, code, no.message, no.remedy)


def license_refusal(error: GraphError) -> Refusal:
    """Why an account does not get a licence, or keeps it."""
    code, message = str(error), error.message
    if "invalid usage location" in message:
        return Refusal(
            "value",
            code,
            "a licence needs a country of use that it is sold in",
            "Map usageLocation: a two-letter country.",
            "usageLocation",
        )
    if "does not have any available licenses" in message:
        return Refusal(
            "seats", code, "no seat of the licence is left", "Buy seats, or take some back."
        )
    if "does not correspond to a valid company License" in message:
        return Refusal("reference", code, "the tenant has no such licence", "Correct the mapping.")
    if any(text in message for text in ("conflicting service plans", "depends on")):
        return Refusal(
            "config",
            code,
            "the licence does not go together with the account's others",
            "Look at its service plans in Entra's licence pages.",
        )
    no = refusal(error, "licenses" if error.status == 403 else None)
    return Refusal(no.kind, code, no.message, no.remedy)


ABSENT_REFERENCE = {
    "message": "the referenced account is not there",
    "remedy": "It is linked as soon as the other account is there.",
}

SYNCED = (
    "the account is mastered in Active Directory (onPremisesSyncEnabled)",
    "Change it in AD; Entra Connect brings it here.",
)
"""Message and remedy for what Entra Connect owns."""


def _forbidden(
    error: GraphError, named: str | None, privileged: bool
) -> tuple[RefusalKind, str, str]:
    if error.code == "Directory_QuotaExceeded":
        return (
            "config",
            "the tenant is full",
            "Raise its object quota (a verified domain does) or purge deleted objects.",
        )
    if privileged:
        return (
            "protected",
            "the account holds an administrator role",
            "Do it by hand, or give the application's service principal a higher role "
            "(Privileged Authentication Administrator).",
        )
    permission = _PERMISSIONS.get(named or "", "User.ReadWrite.All")
    alternative = "" if permission == "User.ReadWrite.All" else " (or User.ReadWrite.All)"
    if named in ("signInSessions", "restore", "members", "licenses"):
        alternative = ""
    return (
        "rights",
        "the application may not do this",
        f"Grant it the Graph application permission {permission}{alternative} with admin consent.",
    )


_SIGN_IN = {
    "AADSTS7000215": ("the client secret is wrong", "Give the secret's value, not its id."),
    "AADSTS7000222": ("the client secret has expired", "Make a new one in the app registration."),
    "AADSTS700027": (
        "the certificate is not accepted",
        "Upload it to the app registration; it may have expired.",
    ),
    "AADSTS700016": ("the application is not known in this tenant", "Check client_id."),
    "AADSTS90002": ("the tenant does not exist", "Check tenant_id and authority."),
}


def sign_in_refusal(message: str) -> Refusal:
    """What Entra's token endpoint said no with (`AADSTS` codes)."""
    found = re.search(r"AADSTS\d+", message)
    code = found[0] if found else "no code"
    meaning, remedy = _SIGN_IN.get(
        code,
        (
            "Entra ID does not let the application sign in",
            "Check tenant_id, client_id and the secret or certificate.",
        ),
    )
    return Refusal("config", f"401/{code}", meaning, remedy)


CERTIFICATE = Refusal(
    "config",
    "tls",
    "the server's certificate is not from an authority we trust",
    "Set ca_file to the CA of the proxy or server in between.",
)
"""TLS came up with a stranger."""


STRANGE_LINK = Refusal(
    "config",
    "nextLink",
    "the next page lies on another server, which shall not have our token",
    "Check graph's URL and the proxy: a relay must rewrite the links in Graph's answers.",
)
"""A page of a list leads elsewhere."""


UNREADABLE = Refusal(
    "config",
    "unreadable",
    "ca_file, certificate or client_secret cannot be read",
    "Check the paths and references of this target.",
)
"""What the configuration points to is not there, or not what it should be."""


def read_refusal(error: GraphError) -> Refusal:
    """What a refused read means: rights, or a request no tenant would take."""
    if error.status == 401:
        return Refusal(
            "config",
            str(error),
            "Graph does not accept our token",
            "Check that graph, authority and scope belong to the same cloud.",
        )
    if error.status == 403:
        return refusal(GraphError(403, error.code), "read")
    return Refusal(
        "config",
        str(error),
        "Graph does not answer this read",
        "Check graph's URL and version, the match attribute and the further attributes.",
    )
