"""Distinguished names (RFC 4514) as AD reads and writes them.

A name is a tuple of (type, value), the entry's own part first. AD knows no RDN of
several values, so `+` is refused.
"""

from __future__ import annotations

import string
from functools import lru_cache
from typing import TypeAlias

Rdn: TypeAlias = tuple[str, str]
Name: TypeAlias = tuple[Rdn, ...]

_SPECIAL = frozenset(',+"\\<>;=')
_HEX = frozenset(string.hexdigits)
_TYPE = frozenset(string.ascii_letters + string.digits + "-.")


class BadName(ValueError):
    """The text is not a distinguished name."""


@lru_cache(maxsize=4096)
def parse(dn: str) -> Name:
    """The parts of a name; `()` for the empty one. Raises BadName."""
    parts: list[Rdn] = []
    position, size = 0, len(dn)
    if not dn.strip():
        return ()
    while True:
        equals = dn.find("=", position)
        kind = dn[position:equals].strip() if equals >= 0 else ""
        if not kind or not set(kind) <= _TYPE:
            raise BadName(dn)
        value, position = _value(dn, equals + 1, size)
        parts.append((kind, value))
        if position >= size:
            return tuple(parts)
        position += 1


def _value(dn: str, position: int, size: int) -> tuple[str, int]:
    """The value that begins here, and where it ends."""
    while position < size and dn[position] == " ":
        position += 1
    if position < size and dn[position] == "#":
        raise BadName(dn)
    found = bytearray()
    kept = 0  # length up to which trailing blanks are meant
    while position < size and dn[position] not in ",;":
        character = dn[position]
        if character == "\\":
            pair = dn[position + 1 : position + 3]
            if len(pair) == 2 and set(pair) <= _HEX:
                found.append(int(pair, 16))
                position += 3
            elif pair and (pair[0] in _SPECIAL or pair[0] in " #"):
                found += pair[0].encode()
                position += 2
            else:
                raise BadName(dn)
            kept = len(found)
            continue
        if character in '+"<>':
            raise BadName(dn)
        found += _bytes(character)
        if character != " ":
            kept = len(found)
        position += 1
    try:
        value = bytes(found[:kept]).decode()
    except UnicodeDecodeError:
        raise BadName(dn) from None
    if not value:
        raise BadName(dn)
    return value, position


def _bytes(character: str) -> bytes:
    try:
        return character.encode()
    except UnicodeEncodeError:
        raise BadName(character) from None


@lru_cache(maxsize=4096)
def escape(value: str) -> str:
    """A value as it stands in a name."""
    written = []
    last = len(value) - 1
    for place, character in enumerate(value):
        if character in _SPECIAL or (place == 0 and character in " #"):
            written.append("\\" + character)
        elif character == " " and place == last:
            written.append("\\ ")
        elif character < " ":
            written.append(f"\\{ord(character):02X}")
        else:
            written.append(character)
    return "".join(written)


def write(name: Name) -> str:
    """The text of a name."""
    return ",".join(f"{kind}={escape(value)}" for kind, value in name)
