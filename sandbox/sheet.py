"""What both directories hold of some people, as a table for a terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Accounts: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
"""The answer of `GET /sandbox/accounts`."""

COLUMNS = ("", "name", "account", "state", "title", "department", "manager", "OU")
_DISABLED = 0x2  # userAccountControl, MS-ADTS 2.2.16 ADS_UF_ACCOUNTDISABLE
_PART = re.compile(r"(?:\\.|[^,\\])+", re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)


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
    names = {str(one.get("dn")): _text(one["attributes"].get("displayName")) for one in entries}
    for entry in entries:
        found = entry["attributes"]
        if _text(found.get("employeeID")) != number:
            continue
        control = _text(found.get("userAccountControl"))
        manager = _text(found.get("manager"))
        enabled = control.isdigit() and not int(control) & _DISABLED
        return (
            "AD",
            _text(found.get("displayName")),
            _text(found.get("sAMAccountName")),
            "enabled" if enabled else "disabled",
            _text(found.get("title")),
            _text(found.get("department")),
            names.get(manager) or _part(manager, 0) or "none",
            _part(str(entry.get("dn", "")), 1),
        )
    return _nothing("AD", entries)


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
    return _nothing("Entra", users)


def _nothing(where: str, others: Sequence[object]) -> tuple[str, ...]:
    """A real directory beside a sandboxed one shows nobody at all."""
    said = "no account" if others else "nobody to be seen"
    return (where, said, *("" for _ in COLUMNS[2:]))


def _text(value: Any) -> str:
    """One line of text, also of a list with one value in it."""
    if isinstance(value, list):
        value = value[0] if value else None
    return "" if value is None else str(value)


def _part(dn: str, place: int) -> str:
    """The value of one part of a DN, without its escapes (RFC 4514 section 2.4)."""
    parts = _PART.findall(dn)
    value = parts[place].partition("=")[2] if place < len(parts) else ""
    return _ESCAPED.sub(_plain, value.encode()).decode(errors="replace")


def _plain(escaped: re.Match[bytes]) -> bytes:
    inner = escaped[1]
    return bytes.fromhex(inner.decode()) if len(inner) == 2 else inner
