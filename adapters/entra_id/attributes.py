"""Users as Graph words them, and as the planner compares them.

A dot goes into a complex property: `employeeOrgData.division`,
`onPremisesExtensionAttributes.extensionAttribute1`. Instants are
`2026-03-16T00:00:00Z`; collections are sorted; null and `[]` are missing.
(https://learn.microsoft.com/graph/api/resources/user)
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.target import Account, Value

READ = (
    "businessPhones",
    "city",
    "companyName",
    "country",
    "department",
    "displayName",
    "employeeHireDate",
    "employeeId",
    "employeeOrgData",
    "employeeType",
    "faxNumber",
    "givenName",
    "jobTitle",
    "mail",
    "mailNickname",
    "mobilePhone",
    "officeLocation",
    "onPremisesExtensionAttributes",
    "onPremisesImmutableId",
    "otherMails",
    "postalCode",
    "preferredLanguage",
    "proxyAddresses",
    "state",
    "streetAddress",
    "surname",
    "usageLocation",
    "userPrincipalName",
    "userType",
)
"""What is read of every user; `Config.further` adds to it."""

_FACTS = (
    "id",
    "accountEnabled",
    "onPremisesSyncEnabled",
    "signInSessionsValidFromDateTime",
)
_COLLECTIONS = frozenset({"businessPhones", "otherMails"})
_INSTANTS = frozenset({"employeeHireDate", "employeeLeaveDateTime"})
_WHOLE = {"employeeOrgData": ("division", "costCenter")}
"""Complex properties of which Graph empties what a PATCH leaves out."""

KEPT = frozenset({"displayName", "mailNickname", "usageLocation", "userPrincipalName"})
"""What Graph lets nobody empty."""

CLOUD_OWNED = frozenset({"usageLocation"})
"""What may be written to an account under Entra Connect, beside directory extensions."""


def selection(further: Iterable[str]) -> list[str]:
    """The `$select` of every read."""
    return [*_FACTS, *READ, *(name for name in further if name not in READ)]


def top(attribute: str) -> str:
    """The user property that holds `attribute`."""
    return attribute.partition(".")[0]


def canonical(user: Mapping[str, Any]) -> dict[str, Value]:
    """Attributes of a user as Graph answered it."""
    values: dict[str, Value] = {}
    for name, raw in user.items():
        if "@" in name or name in _FACTS or name == "manager":
            continue
        parts = raw if isinstance(raw, dict) else {None: raw}
        for part, one in parts.items():
            value = _value(name, one)
            if value is not None and "@" not in (part or ""):
                values[name if part is None else f"{name}.{part}"] = value
    return values


def _value(name: str, raw: Any) -> Value | None:
    if isinstance(raw, list):
        return tuple(sorted(str(one) for one in raw)) or None
    if name in _INSTANTS and isinstance(raw, str):
        return _instant(raw)
    return raw if isinstance(raw, (str, int, bool)) and raw != "" else None


def _instant(text: str) -> str:
    """Any ISO date or instant as `2026-03-16T00:00:00Z`; what is none stays as it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def body(changes: Mapping[str, Value | None], now: Mapping[str, Value]) -> dict[str, Any]:
    """`changes` as Graph JSON. `now`: the account's values, for what Graph would empty."""
    json: dict[str, Any] = {}
    for attribute, value in changes.items():
        name, _, part = attribute.partition(".")
        if part:
            inside = json.setdefault(name, {})
            for other in _WHOLE.get(name, ()):
                inside.setdefault(other, now.get(f"{name}.{other}"))
            inside[part] = value
        elif name in _COLLECTIONS:
            several = value if isinstance(value, tuple) else (value,)
            json[name] = [one for one in several if one is not None]
        elif name in _INSTANTS and isinstance(value, str):
            json[name] = _instant(value)
        else:
            json[name] = list(value) if isinstance(value, tuple) else value
    return json


def account(user: Mapping[str, Any], hybrid: bool) -> Account:
    """A user as an :class:`Account`. In a hybrid tenant accounts from AD are no surprise."""
    synced = user.get("onPremisesSyncEnabled") is True
    manager = user.get("manager")
    return Account(
        anchor=str(user["id"]).lower(),
        hint=str(user.get("userPrincipalName") or ""),
        enabled=user.get("accountEnabled") is True,
        attributes=canonical(user),
        references={"manager": str(manager["id"]).lower()} if manager else {},
        protected="onPremisesSyncEnabled: Active Directory owns it, Entra Connect writes it"
        if synced and not hybrid
        else None,
        state={
            "synced": synced,
            "sessionsValidFrom": user.get("signInSessionsValidFromDateTime"),
        },
    )


def meant(prop: str | None, attributes: Iterable[str]) -> frozenset[str]:
    """Those of `attributes` that Graph means when it names the property `prop`."""
    if prop is None:
        return frozenset()
    found = {a for a in attributes if prop in (a, top(a), a.rpartition(".")[2])}
    if prop == "proxyAddresses" and not found:
        # Entra derives the addresses: from mail, else from userPrincipalName.
        found = {a for a in attributes if a == "mail"} or {
            a for a in attributes if a == "userPrincipalName"
        }
    return frozenset(found)


def is_text(value: Value | None) -> bool:
    """Whether all texts in `value` can be written as UTF-8 and hold no control characters."""
    texts = value if isinstance(value, tuple) else (value,)
    return not any(
        unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\r\t"
        for text in texts
        if isinstance(text, str)
        for character in text
    )
