"""Canonical values: from bytes on the wire to `Value` and back.

Without the server's schema ldap3 returns lists of bytes. The tables below say what
deviates from "one text"; `tests/adapters/active_directory` checks them against a real
domain's schema.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

from ldap3.utils.dn import escape_rdn

from adapters.active_directory import requests
from adapters.active_directory.requests import Filter
from adapters.target import Value

_MULTI_VALUED = """
altSecurityIdentities businessCategory carLicense departmentNumber houseIdentifier
internationalISDNNumber labeledURI o otherFacsimileTelephoneNumber otherHomePhone
otherIpPhone otherLoginWorkstations otherMailbox otherMobile otherPager otherTelephone ou
postalAddress postOfficeBox proxyAddresses roomNumber serialNumber servicePrincipalName
uid url x121Address
"""
_INTEGERS = """
accountExpires adminCount codePage countryCode gidNumber localeID lockoutTime logonCount
msDS-GeoCoordinatesAltitude msDS-GeoCoordinatesLatitude msDS-GeoCoordinatesLongitude
msDS-HABSeniorityIndex msDS-SupportedEncryptionTypes primaryGroupID pwdLastSet shadowExpire
uidNumber userAccountControl
"""
_BOOLEANS = """
mAPIRecipient msExchHideFromAddressLists msNPAllowDialin msTSAllowLogon showInAdvancedViewOnly
"""

MULTI_VALUED = frozenset(_MULTI_VALUED.lower().split())
"""`description` is multi-valued in the schema, but SAM allows accounts one value."""
INTEGERS = frozenset(_INTEGERS.lower().split())
BOOLEANS = frozenset(_BOOLEANS.lower().split())

NEVER = 0x7FFFFFFFFFFFFFFF

MEANS_ABSENT: dict[str, frozenset[int]] = {
    "accountexpires": frozenset({0, NEVER}),  # both mean "never" (MS-ADA1, accountExpires)
    "countrycode": frozenset({0}),
}
WRITTEN_WHEN_ABSENT = {"accountexpires": NEVER, "countrycode": 0}
"""AD does not let these be removed from an account."""


LONGEST_CN = 64
LONGEST = {"samaccountname": 20}
"""In UTF-16 units. Windows enforces these beside the schema; Samba does not."""


class Unwritable(ValueError):
    """No AD takes this value (lone surrogates, NUL, a name that is empty or too long)."""


def decode(name: str, raw: Sequence[bytes]) -> Value | None:
    """Values of one attribute; None when they mean "absent" or are not text."""
    folded = name.lower()
    try:
        texts = [value.decode() for value in raw]
    except UnicodeDecodeError:
        return None
    if not texts:
        return None
    if folded in INTEGERS:
        number = int(texts[0])
        return None if number in MEANS_ABSENT.get(folded, ()) else number
    if folded in BOOLEANS:
        return texts[0].upper() == "TRUE"
    if folded in MULTI_VALUED or len(texts) > 1:
        return tuple(sorted(texts))
    return texts[0]


def encode(name: str, value: Value | None) -> list[bytes]:
    """What to write for `value`; an empty list removes the attribute. Raises Unwritable.

    An empty string is a removal: AD allows no empty values.
    """
    folded = name.lower()
    if value is None or value == "" or value == ():
        absent = WRITTEN_WHEN_ABSENT.get(folded)
        return [] if absent is None else [str(absent).encode()]
    values = value if isinstance(value, tuple) else (value,)
    encoded = [_bytes(v) for v in values]
    if folded in LONGEST and any(_units(str(v)) > LONGEST[folded] for v in values):
        raise Unwritable
    return encoded


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _bytes(value: str | int | bool) -> bytes:
    if isinstance(value, bool):
        return b"TRUE" if value else b"FALSE"
    text = str(value)
    if "\0" in text:
        raise Unwritable
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Unwritable from None


def equals(attribute: str, value: str) -> Filter:
    """The filter `(attribute=value)`. Raises Unwritable."""
    return requests.equals(attribute, _bytes(value))


def common_name(name: str) -> str:
    """The RDN `CN=name`, escaped (RFC 4514 section 2.4). Raises Unwritable."""
    _bytes(name)
    if not name.strip() or _units(name) > LONGEST_CN:
        raise Unwritable
    return f"CN={escape_rdn(name)}"


def dn(name: str, container: str) -> str:
    """The DN of what is called `name` there. Raises Unwritable."""
    _bytes(container)
    return f"{common_name(name)},{container}"


def guid(raw: bytes) -> str:
    """objectGUID as lower-case text with dashes (little-endian first three fields)."""
    return str(UUID(bytes_le=raw))


def by_guid(anchor: str) -> str:
    """An account's address: `<GUID=...>` (MS-ADTS 3.1.1.3.1.2.4). Raises Unwritable."""
    try:
        return f"<GUID={UUID(anchor)}>"
    except ValueError:
        raise Unwritable from None


def has_guid(anchor: str) -> Filter:
    """The filter `(objectGUID=...)`. Raises Unwritable."""
    try:
        return requests.equals("objectGUID", UUID(anchor).bytes_le)
    except ValueError:
        raise Unwritable from None


def extended_dn(text: str) -> tuple[str | None, str]:
    """(GUID, DN) of `<GUID=...>;<SID=...>;CN=...`, the form the extended-DN control asks for."""
    found = re.match(r"<GUID=([0-9A-Fa-f-]{36})>;(?:<SID=[^>]*>;)?(.*)", text, re.DOTALL)
    return (found[1].lower(), found[2]) if found else (None, text)


def parent(dn: str) -> str:
    """The DN without its first RDN; escaped commas do not count (RFC 4514)."""
    found = re.match(r"(?:[^\\,]|\\.)*,", dn, re.DOTALL)
    return dn[found.end() :] if found else ""


def same_dn(one: str, other: str) -> bool:
    """Whether two DNs, both spelled with commas without blanks around them, are the same."""
    return one.casefold() == other.casefold()
