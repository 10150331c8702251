"""LDAP requests as bytes (RFC 4511), and the one call that sends them over ldap3's connection.

ldap3 connects, verifies, binds and reads what is rare. It makes requests through pyasn1,
which takes ten times what all else on our side of a request does; so they are made here:
Basic Encoding Rules, definite lengths, and nothing but what this adapter says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ldap3.core.exceptions import (
    LDAPSessionTerminatedByServerError,
    LDAPSocketOpenError,
    LDAPSocketReceiveError,
    LDAPSocketSendError,
)
from ldap3.strategy.safeSync import SafeSyncStrategy
from ldap3.utils.asn1 import decode_message_fast

from adapters.active_directory import answers

Filter: TypeAlias = bytes
"""An encoded search filter (RFC 4511 section 4.5.1.7)."""

_BOOLEAN, _INTEGER, _OCTETS, _ENUMERATED, _SEQUENCE, _SET = 0x01, 0x02, 0x04, 0x0A, 0x30, 0x31
_SEARCH, _MODIFY, _ADD, _DELETE, _MODIFY_DN = 0x63, 0x66, 0x68, 0x4A, 0x6C
_CONTROLS = 0xA0
_AND, _OR, _EQUAL, _PRESENT = 0xA0, 0xA1, 0xA3, 0x87
_NEW_SUPERIOR = 0x80

BASE, LEVEL, SUBTREE = 0, 1, 2
"""Scopes of a search."""
INSERT, REMOVE, REPLACE = 0, 1, 2
"""What a modify does with values."""

_BORROWED = ("open", "send", "get_response", "post_send_single_response", "post_send_search")
"""What ldap3's connection has of its strategy."""

_MORE = frozenset({"searchResEntry", "searchResRef", "intermediateResponse"})
"""What comes before a request's result."""

Change: TypeAlias = tuple[int, Sequence[bytes]]


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _text(value: str, tag: int = _OCTETS) -> bytes:
    return _element(tag, value.encode())


def _number(value: int, tag: int = _INTEGER) -> bytes:
    return _element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _truth(value: bool) -> bytes:
    return b"\x01\x01\xff" if value else b"\x01\x01\x00"


def _values(name: str, values: Iterable[bytes]) -> bytes:
    listed = b"".join([_element(_OCTETS, value) for value in values])
    return _element(_SEQUENCE, _text(name) + _element(_SET, listed))


# -- filters


def equals(attribute: str, value: bytes) -> Filter:
    """`(attribute=value)`; nothing needs escaping."""
    return _element(_EQUAL, _text(attribute) + _element(_OCTETS, value))


def present(attribute: str) -> Filter:
    """`(attribute=*)`."""
    return _text(attribute, _PRESENT)


def both(*filters: Filter) -> Filter:
    """`(&...)`: all of them."""
    return _element(_AND, b"".join(filters))


def either(*filters: Filter) -> Filter:
    """`(|...)`: at least one of them."""
    return _element(_OR, b"".join(filters))


# -- controls


def control(oid: str, value: bytes | None = None) -> bytes:
    """A critical control: who does not know it shall refuse."""
    content = _text(oid) + _truth(True)
    return _element(_SEQUENCE, content if value is None else content + _element(_OCTETS, value))


EXTENDED_DN = control("1.2.840.113556.1.4.529", _element(_SEQUENCE, _number(1)))
"""DNs come as `<GUID=...>;<SID=...>;DN` (MS-ADTS 3.1.1.3.4.1.5)."""
SHOW_DELETED = control("1.2.840.113556.1.4.417")
"""Deleted objects are seen, too (MS-ADTS 3.1.1.3.4.1.14)."""
PAGED = "1.2.840.113556.1.4.319"


def page(size: int, cookie: bytes) -> bytes:
    """At most so many entries, after those that gave the cookie (RFC 2696)."""
    return control(PAGED, _element(_SEQUENCE, _number(size) + _element(_OCTETS, cookie)))


# -- requests


def search(
    base: str, scope: int, condition: Filter, attributes: Sequence[str], limit: int
) -> bytes:
    """A search without aliases or a time limit of ours."""
    names = b"".join([_text(name) for name in attributes])
    return _element(
        _SEARCH,
        b"".join(
            (
                _text(base),
                _number(scope, _ENUMERATED),
                _number(0, _ENUMERATED),
                _number(limit),
                _number(0),
                _truth(False),
                condition,
                _element(_SEQUENCE, names),
            )
        ),
    )


def add(dn: str, values: Mapping[str, Sequence[bytes]]) -> bytes:
    """A new entry."""
    listed = b"".join([_values(name, found) for name, found in values.items()])
    return _element(_ADD, _text(dn) + _element(_SEQUENCE, listed))


def modify(dn: str, changes: Mapping[str, Sequence[Change]]) -> bytes:
    """Changes of one entry, in this order."""
    listed = b"".join(
        [
            _element(_SEQUENCE, _number(how, _ENUMERATED) + _values(name, values))
            for name, several in changes.items()
            for how, values in several
        ]
    )
    return _element(_MODIFY, _text(dn) + _element(_SEQUENCE, listed))


def modify_dn(dn: str, rdn: str, superior: str) -> bytes:
    """Another name, another place; the old name goes."""
    return _element(
        _MODIFY_DN, _text(dn) + _text(rdn) + _truth(True) + _text(superior, _NEW_SUPERIOR)
    )


def delete(dn: str) -> bytes:
    """The entry goes."""
    return _text(dn, _DELETE)


def message(number: int, request: bytes, controls: Iterable[bytes] = ()) -> bytes:
    """All that is sent for one request (RFC 4511 section 4.1.1)."""
    listed = b"".join(controls)
    content = _number(number) + request + (_element(_CONTROLS, listed) if listed else b"")
    return _element(_SEQUENCE, content)


class Strategy(SafeSyncStrategy):
    """ldap3's SAFE_SYNC for requests that are bytes already."""

    _outstanding: dict[int, dict[str, Any]]
    """ldap3's own: the requests that are not answered yet."""
    unread = b""
    """What has come of the messages after the last one that was read."""

    @classmethod
    def of(cls, connection: Any) -> Strategy:
        """Made the connection's strategy, before it is opened."""
        connection.strategy = strategy = cls(connection)
        strategy.socket_size = 16 * 1024  # one TLS record
        for borrowed in _BORROWED:
            setattr(connection, borrowed, getattr(strategy, borrowed))
        return strategy

    def ask(self, request: bytes, controls: Iterable[bytes] = ()) -> list[dict[str, Any]]:
        """Sends, and waits for all of the answer: its entries, its result last.

        Raises ldap3's exceptions for a connection that breaks.
        """
        connection = self.connection
        if not connection.listening:
            raise LDAPSocketOpenError("socket is not open")
        number = connection.server.next_message_id()
        self._outstanding[number] = {}
        try:
            connection.socket.sendall(message(number, request, controls))
        except OSError as error:
            self._outstanding.pop(number, None)
            raise LDAPSocketSendError(type(error).__name__) from None
        found: list[dict[str, Any]] = []
        while not found or found[-1]["type"] in _MORE:
            found.append(self._next(number))
        del self._outstanding[number]
        return found

    def _next(self, number: int) -> dict[str, Any]:
        """The next message, which answers the request of this number."""
        data = self.unread
        while (size := answers.size(data)) is None or len(data) < size:
            try:
                piece = self.connection.socket.recv(self.socket_size)
            except OSError as error:
                raise LDAPSocketReceiveError(type(error).__name__) from None
            if not piece:
                raise LDAPSessionTerminatedByServerError("closed")
            data += piece
        message, self.unread = data[:size], data[size:]
        try:
            found, answer = answers.read(message)
            if answer is None:
                answer = self.decode_response_fast(decode_message_fast(message))  # type: ignore[no-untyped-call]
        except (IndexError, ValueError) as error:
            raise LDAPSocketReceiveError(type(error).__name__) from None
        if found != number:  # 0: a notice of disconnection
            raise LDAPSessionTerminatedByServerError("not the answer")
        return answer
