"""LDAP answers from bytes (RFC 4511), as far as they come with every look: entries and results.

ldap3 reads any message into a tree, element by element, and then makes its dictionaries of
that; what is not read here is left to it.
"""

from __future__ import annotations

from typing import Any

_ENTRY = 0x64
_RESULTS = frozenset({0x65, 0x67, 0x69, 0x6B, 0x6D})
"""SearchResultDone and what modify, add, delete and modify DN are answered."""


def size(data: bytes) -> int | None:
    """Bytes of the message that begins here; None as long as that cannot be told."""
    if len(data) < 2:
        return None
    length = data[1]
    if length < 0x80:
        return 2 + length
    count = length & 0x7F
    if len(data) < 2 + count:
        return None
    return 2 + count + int.from_bytes(data[2 : 2 + count], "big")


def read(message: bytes) -> tuple[int, dict[str, Any] | None]:
    """The number of a whole message, and what it says in the words of ldap3; None: ask that.

    Raises IndexError or ValueError when the bytes are none.
    """
    _, start, end = _at(message, 0)
    _, start, after = _at(message, start)
    number = int.from_bytes(message[start:after], "big")
    tag, start, after = _at(message, after)
    if tag == _ENTRY:
        return number, _entry(message, start)
    if tag in _RESULTS and after == end:  # no controls come with it
        return number, _result(message, start)
    return number, None


def _at(data: bytes, position: int) -> tuple[int, int, int]:
    """An element's tag, and where its content begins and ends."""
    length, start = data[position + 1], position + 2
    if length >= 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[position + 2 : start], "big")
    return data[position], start, start + length


def _entry(data: bytes, position: int) -> dict[str, Any]:
    _, start, end = _at(data, position)
    dn = data[start:end].decode()
    found: dict[str, list[bytes]] = {}
    _, position, last = _at(data, end)
    while position < last:
        _, start, position = _at(data, position)
        _, start, end = _at(data, start)
        name = data[start:end].decode()
        _, value, end = _at(data, end)
        found[name] = values = []
        while value < end:
            _, start, value = _at(data, value)
            values.append(data[start:value])
    return {"type": "searchResEntry", "dn": dn, "raw_attributes": found}


def _result(data: bytes, position: int) -> dict[str, Any]:
    _, start, end = _at(data, position)
    code = int.from_bytes(data[start:end], "big")
    _, _, end = _at(data, end)  # matchedDN
    _, start, end = _at(data, end)
    return {"type": "result", "result": code, "message": data[start:end].decode()}
