"""The words between inbound and outbound documents, and what kind each one is."""

from __future__ import annotations

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["text", "bool", "date", "instant", "list"]
FactValue: TypeAlias = str | bool | list[str]
"""date: text `YYYY-MM-DD`; instant: ISO 8601 text in UTC with milliseconds."""

KINDS: tuple[Kind, ...] = ("text", "bool", "date", "instant", "list")

_TEXTS = [
    "workerId",
    "employeeNumber",
    "sourceGuid",
    "universalId",
    "loginName",
    "givenName",
    "familyName",
    "middleName",
    "honorificPrefix",
    "honorificSuffix",
    "nickName",
    "displayName",
    "title",
    "mail",
    "phone",
    "mobile",
    "fax",
    "department",
    "division",
    "businessUnit",
    "supervisoryOrganization",
    "company",
    "companyCode",
    "costCenter",
    "location",
    "locationCode",
    "office",
    "street",
    "city",
    "region",
    "postalCode",
    "country",
    "jobCode",
    "jobFamily",
    "managementLevel",
    "positionId",
    "workerType",
    "workerSubType",
    "timeType",
    "fte",
    "preferredLanguage",
    "timezone",
    "status",
    "manager",
]

_DATES = (
    "hireDate",
    "originalHireDate",
    "contractEndDate",
    "terminationDate",
    "lastDayOfWork",
    "effectiveDate",
)

FACTS: dict[str, Kind] = {
    **dict.fromkeys(_TEXTS, "text"),
    **dict.fromkeys(("active", "involuntary", "onLeave", "hireRescinded", "rehire"), "bool"),
    **dict.fromkeys(_DATES, "date"),
    "sourceModifiedAt": "instant",
    "groups": "list",
}

LAST_DAYS = frozenset({"contractEndDate", "terminationDate", "lastDayOfWork"})
"""After which somebody does not work any more."""
NO_END = "9999-12-31"
"""A last day that says there is none: no day comes after it."""
NEVER_NULL = frozenset({"workerId", "employeeNumber", "sourceGuid", "universalId", "active"})
"""Keys and `active`: what HR leaves out of these is kept, never cleared."""

NAMES = ("accountName", "userPrincipalName", "mail", "cn")
"""Reserved per person; in an outbound context they stand beside the facts."""

COMPUTED = ("endsAt", "enabled", "managerPerson", "usageLocation")
"""What provisioning adds: the instant the account ends, whether it is on, the manager,
and the target's default usage location."""

HOLDS = ("own", "seed", "default", "watch")

OUTSIDE = ("keep", "disable", "disable_and_move")
"""What may become of an account whose person is out of scope, beside being deleted."""
