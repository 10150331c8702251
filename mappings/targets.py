"""What is known of the accounts of each kind of target: limits, names, and what is not a rule's.

Lengths in AD are those its schema enforces (MS-ADA1..3, rangeUpper; sAMAccountName:
MS-SAMR 3.1.1.6), in Entra those of the Graph user resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of target. Names of attributes are as written; they compare without case."""

    name: str
    limits: Mapping[str, int]
    """Attribute -> the most UTF-16 units it takes."""
    others: frozenset[str]
    """Attributes without a known limit."""
    owned: Mapping[str, str]
    """Attributes that Muster decides itself -> what to write instead."""

    def limit(self, attribute: str) -> int | None:
        return {name.lower(): limit for name, limit in self.limits.items()}.get(attribute.lower())

    @property
    def attributes(self) -> frozenset[str]:
        return frozenset(self.limits) | self.others


_EXTENSIONS = {f"extensionAttribute{number}": 1024 for number in range(1, 16)}

ACTIVE_DIRECTORY = Kind(
    "active_directory",
    limits={
        "sAMAccountName": 20, "userPrincipalName": 1024, "mail": 256, "mailNickname": 64,
        "displayName": 256, "givenName": 64, "initials": 6, "middleName": 64, "sn": 64,
        "personalTitle": 64, "generationQualifier": 64, "title": 128, "department": 64,
        "division": 256, "company": 64, "description": 1024, "info": 1024, "employeeID": 16,
        "employeeNumber": 512, "employeeType": 256, "physicalDeliveryOfficeName": 128,
        "streetAddress": 1024, "l": 128, "st": 128, "postalCode": 40, "postOfficeBox": 40, "c": 3,
        "co": 128, "telephoneNumber": 64, "otherTelephone": 64, "mobile": 64, "homePhone": 64,
        "pager": 64, "facsimileTelephoneNumber": 64, "ipPhone": 64, "wWWHomePage": 2048,
        "url": 2048, "uid": 256, **_EXTENSIONS,
    },
    others=frozenset({
        "accountExpires", "adminDescription", "assistant", "businessCategory", "carLicense",
        "comment", "countryCode", "departmentNumber", "extensionName", "gecos", "gidNumber",
        "homeDirectory", "homeDrive", "homePostalAddress", "houseIdentifier", "labeledURI",
        "loginShell", "logonHours", "manager", "msDS-preferredDataLocation",
        "msExchHideFromAddressLists", "msExchPoliciesExcluded", "msRTCSIP-PrimaryUserAddress",
        "o", "otherFacsimileTelephoneNumber", "otherHomePhone", "otherIpPhone", "otherMailbox",
        "otherMobile", "otherPager", "ou", "postalAddress", "preferredLanguage", "profilePath",
        "proxyAddresses", "roomNumber", "scriptPath", "secretary", "seeAlso", "street",
        "targetAddress", "thumbnailPhoto", "uidNumber", "unixHomeDirectory", "userWorkstations",
    }) | {f"msDS-cloudExtensionAttribute{number}" for number in range(1, 21)},
    owned={
        "accountDisabled": "write enabled: with an expression",
        "userAccountControl": "write enabled: with an expression",
        "cn": "write names: cn: with candidates",
        "name": "write names: cn: with candidates",
        "distinguishedName": "write container: with an expression",
        "parentDistinguishedName": "write container: with an expression",
        "unicodePwd": "ask for one: password: 'NewPassword()'",
        "userPassword": "ask for one: password: 'NewPassword()'",
        "memberOf": "membership is not an attribute of the account",
        "objectGUID": "the directory makes it",
        "objectSid": "the directory makes it",
        "objectClass": "accounts are users",
    },
)  # fmt: skip

ENTRA_ID = Kind(
    "entra_id",
    limits={
        "userPrincipalName": 113, "mailNickname": 64, "mail": 113, "displayName": 256,
        "givenName": 64, "surname": 64, "jobTitle": 128, "department": 64, "companyName": 64,
        "employeeId": 16, "employeeType": 256, "officeLocation": 128, "streetAddress": 1024,
        "city": 128, "state": 128, "postalCode": 40, "country": 128, "usageLocation": 2,
        "mobilePhone": 64, "faxNumber": 64, "businessPhones": 64,
        "employeeOrgData.division": 256, "employeeOrgData.costCenter": 256,
        **{f"onPremisesExtensionAttributes.{name}": limit for name, limit in _EXTENSIONS.items()},
    },
    others=frozenset({
        "ageGroup", "consentProvidedForMinor", "employeeHireDate", "employeeLeaveDateTime",
        "manager", "onPremisesImmutableId", "otherMails", "preferredDataLocation",
        "preferredLanguage", "showInAddressList", "userType",
    }),
    owned={
        "accountEnabled": "write enabled: with an expression",
        "passwordProfile": "ask for one: password: 'NewPassword()'",
        "assignedLicenses": "licences are not attributes of the account",
        "memberOf": "membership is not an attribute of the account",
        "id": "Entra makes it",
    },
)  # fmt: skip

KINDS = {kind.name: kind for kind in (ACTIVE_DIRECTORY, ENTRA_ID)}
