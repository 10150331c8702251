"""What both directories hold of some people, as a table for a terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Accounts: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
"""The answer of `GET /sandbox/accounts`."""

COLUMNS = ("", "name", "account", "state", "title", "department", "manager", "OU")
_DISABLED = 0x2  # userAccountControl, MS-ADTS 2.2.16 ADS_UF_ACCOUNTDISABLE
_RDN_END = re.compile(r"(?<!\\),")


def sheet(accounts: Accounts, numbers: Sequence[str]) -> list[str]:
    """A heading and two lines, AD and Entra, for each person in `numbers` (employee ids).

    Columns are as wide as what they hold.
    """
    rows: list[tuple[str, ...]] = [COLUMNS]
    for number in numbers:
        rows.append(_ad(accounts.get("ad", ()), number))
        rows.append(_entra(accounts.get("entra", ()), number))
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _ad(entries: Sequence[Mapping[str, Any]], number: str) -> tuple[str, ...]:
    for entry in entries:
        found = entry.get("attributes") or {}
        if _text(found.get("employeeID")) != number:
            continue
        control = _text(found.get("userAccountControl"))
        enabled = control.isdigit() and not int(control) & _DISABLED
        return (
            "AD",
            _text(found.get("displayName")),
            _text(found.get("sAMAccountName")),
            "enabled" if enabled else "disabled",
            _text(found.get("title")),
            _text(found.get("department")),
            _first_name(_text(found.get("manager"))) or "none",
            _first_name(_above(str(entry.get("dn", "")))),
        )
    return _nothing("AD")


def _entra(users: Sequence[Mapping[str, Any]], number: str) -> tuple[str, ...]:
    for user in users:
        if _text(user.get("employeeId")) != number:
            continue
        return (
            "Entra",
            _text(user.get("displayName")),
            _text(user.get("mailNickname")),
            "enabled" if user.get("accountEnabled") else "disabled",
            _text(user.get("jobTitle")),
            _text(user.get("department")),
            _text((user.get("manager") or {}).get("displayName")) or "none",
            "",
        )
    return _nothing("Entra")


def _nothing(where: str) -> tuple[str, ...]:
    return (where, "no account", *("" for _ in COLUMNS[2:]))


def _text(value: Any) -> str:
    """One line of text, also of a list with one value in it."""
    if isinstance(value, list):
        value = value[0] if value else None
    return "" if value is None else str(value)


def _above(dn: str) -> str:
    parts = _RDN_END.split(dn, maxsplit=1)
    return parts[1] if len(parts) > 1 else ""


def _first_name(dn: str) -> str:
    """The value of a DN's first part, without its escapes (RFC 4514 section 2.4)."""
    value = _RDN_END.split(dn, maxsplit=1)[0].partition("=")[2]
    return re.sub(r"\\([^0-9A-Fa-f])", r"\1", value)
