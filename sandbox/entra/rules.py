"""What Graph accepts as values of a user or group, beyond their types.

Source: the property tables of the user and group resource types, Microsoft Graph v1.0.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from sandbox.entra import errors

USER_REQUIRED = (
    "accountEnabled",
    "displayName",
    "mailNickname",
    "passwordProfile",
    "userPrincipalName",
)
USER_READ_ONLY = frozenset(
    {
        "assignedLicenses",
        "assignedPlans",
        "createdDateTime",
        "creationType",
        "deletedDateTime",
        "externalUserState",
        "externalUserStateChangeDateTime",
        "id",
        "imAddresses",
        "isManagementRestricted",
        "lastPasswordChangeDateTime",
        "legalAgeGroupClassification",
        "licenseAssignmentStates",
        "onPremisesDistinguishedName",
        "onPremisesDomainName",
        "onPremisesLastSyncDateTime",
        "onPremisesProvisioningErrors",
        "onPremisesSamAccountName",
        "onPremisesSecurityIdentifier",
        "onPremisesSyncEnabled",
        "onPremisesUserPrincipalName",
        "provisionedPlans",
        "proxyAddresses",
        "securityIdentifier",
        "serviceProvisioningErrors",
        "signInActivity",
        "signInSessionsValidFromDateTime",
    }
)
GROUP_REQUIRED = ("displayName", "mailEnabled", "mailNickname", "securityEnabled")
GROUP_READ_ONLY = frozenset(
    {
        "createdDateTime",
        "deletedDateTime",
        "id",
        "mail",
        "onPremisesDomainName",
        "onPremisesLastSyncDateTime",
        "onPremisesNetBiosName",
        "onPremisesProvisioningErrors",
        "onPremisesSamAccountName",
        "onPremisesSecurityIdentifier",
        "onPremisesSyncEnabled",
        "proxyAddresses",
        "renewedDateTime",
        "securityIdentifier",
    }
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
"""Of a user with an administrator role these need a higher role than the app has."""

CLOUD_OWNED = frozenset({"usageLocation"})
"""What the cloud may write on a user that is synced from AD."""

_LENGTHS = {
    "city": 128,
    "companyName": 64,
    "country": 128,
    "department": 64,
    "displayName": 256,
    "employeeId": 16,
    "givenName": 64,
    "jobTitle": 128,
    "mailNickname": 64,
    "mobilePhone": 64,
    "officeLocation": 128,
    "postalCode": 40,
    "state": 128,
    "streetAddress": 1024,
    "surname": 64,
}
_NOT_NULL = frozenset(
    {
        "accountEnabled",
        "displayName",
        "mailEnabled",
        "mailNickname",
        "passwordProfile",
        "securityEnabled",
        "usageLocation",
        "userPrincipalName",
    }
)
_MAIL_NICKNAME = re.compile(r"[!#-'*+\-./0-9=?A-Z^_`a-z{|}~]+")
_UPN = re.compile(r"(?P<local>[A-Za-z0-9'._!#^~-]+)@(?P<domain>[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+)")
_MAIL = re.compile(r"[!-?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_COUNTRY = re.compile(r"[A-Z]{2}")
_POLICIES = frozenset({"None", "DisablePasswordExpiration", "DisableStrongPassword"})


def check_values(body: Mapping[str, Any], resource: str, read_only: Collection[str]) -> None:
    """Raise GraphError 400 for the first value Graph would not take.

    `resource`: `User` or `Group`, as errors name it. What needs a look at other objects
    (verified domains, uniqueness, members) is checked elsewhere.
    """
    for name, value in body.items():
        if name in read_only:
            raise errors.read_only(name)
        if value is None:
            if name in _NOT_NULL:
                raise errors.invalid_value(name, resource)
            continue
        if not _acceptable(name, value):
            raise errors.invalid_value(name, resource)


def check_required(body: Mapping[str, Any], resource: str, names: Collection[str]) -> None:
    """Raise GraphError 400 when a create lacks one of `names`."""
    for name in names:
        if body.get(name) is None:
            raise errors.required(name, resource)


def check_upn(upn: str, domains: Collection[str]) -> None:
    """Raise GraphError 400 unless `upn` is a user name in a verified domain.

    At most 64 characters before the @ and 48 after it, no accents, no dot before the @.
    """
    found = _UPN.fullmatch(upn)
    if not found or len(found["local"]) > 64 or len(found["domain"]) > 48:
        raise errors.invalid_upn()
    if found["local"].endswith("."):
        raise errors.invalid_upn()
    if found["domain"].lower() not in domains:
        raise errors.bad_request(errors.BAD_DOMAIN)


def check_password(profile: Mapping[str, Any], policies: str | None, *, create: bool) -> None:
    """Raise GraphError 400 unless the password is 8 to 256 characters of 3 of 4 classes."""
    password = profile.get("password")
    if password is None:
        if create:
            raise errors.required("password", "User")
        return
    classes = sum(
        bool(re.search(pattern, password))
        for pattern in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]")
    )
    strong = "DisableStrongPassword" not in (policies or "")
    if not 8 <= len(password) <= 256 or (strong and classes < 3):
        raise errors.bad_request(errors.WEAK_PASSWORD)


def _acceptable(name: str, value: Any) -> bool:
    if isinstance(value, str):
        return (
            value != "" and len(value) <= _LENGTHS.get(name, 1 << 20) and _well_formed(name, value)
        )
    if name == "businessPhones":
        return len(value) <= 1 and all(item != "" for item in value)
    if name == "otherMails":
        return len(value) <= 250 and all(
            len(item) <= 250 and _MAIL.fullmatch(item) for item in value
        )
    if name == "onPremisesExtensionAttributes":
        return all(item is None or 0 < len(item) <= 1024 for item in value.values())
    if isinstance(value, dict):
        return all(item != "" for item in value.values())
    return True


def _well_formed(name: str, value: str) -> bool:
    match name:
        case "mailNickname":
            return _MAIL_NICKNAME.fullmatch(value) is not None
        case "mail":
            return _MAIL.fullmatch(value) is not None
        case "preferredLanguage":
            return _LANGUAGE.fullmatch(value) is not None
        case "usageLocation":
            return _COUNTRY.fullmatch(value) is not None
        case "userType":
            return value in ("Member", "Guest")
        case "passwordPolicies":
            return {part.strip() for part in value.split(",")} <= _POLICIES
        case _:
            return True
