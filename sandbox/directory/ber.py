"""The Basic Encoding Rules as far as LDAP uses them (RFC 4511 section 5.1).

Definite lengths and single-byte tags only. ldap3's pyasn1 definitions were tried
first: they do not read back ldap3's own nested filters, and take 2 ms of processor
time for each small request and each entry of an answer, of which a run of twenty
thousand people makes some hundred thousand.
"""

from __future__ import annotations

BOOLEAN = 0x01
INTEGER = 0x02
OCTETS = 0x04
ENUMERATED = 0x0A
SEQUENCE = 0x30
SET = 0x31


class Malformed(ValueError):
    """The bytes are not what the protocol says."""


def element(tag: int, body: bytes, *more: bytes) -> bytes:
    """One element: tag, length, content."""
    if more:
        body = body + b"".join(more)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def integer(value: int, tag: int = INTEGER) -> bytes:
    """An INTEGER or ENUMERATED in the fewest bytes."""
    return element(
        tag, value.to_bytes((value + (value < 0)).bit_length() // 8 + 1, "big", signed=True)
    )


def octets(value: bytes, tag: int = OCTETS) -> bytes:
    """An OCTET STRING."""
    size = len(value)
    return bytes((tag, size)) + value if size < 0x80 else element(tag, value)


def text(value: str, tag: int = OCTETS) -> bytes:
    """An LDAPString: UTF-8 in an OCTET STRING."""
    return element(tag, value.encode())


class Reader:
    """Reads elements one after another from a piece of bytes.

    Every method raises :class:`Malformed` when the next element is another one or
    does not fit.
    """

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._position = start
        self._end = len(data) if end is None else end

    def more(self) -> bool:
        """Whether anything is left."""
        return self._position < self._end

    def peek(self) -> int | None:
        """The tag of the next element, None at the end."""
        return self._data[self._position] if self._position < self._end else None

    def next(self) -> tuple[int, Reader]:
        """The tag of the next element and a reader of its content."""
        tag, start, end = self._skip()
        return tag, Reader(self._data, start, end)

    def _skip(self) -> tuple[int, int, int]:
        """Goes past the next element: its tag, and where its content begins and ends."""
        data, position, end = self._data, self._position, self._end
        if position + 2 > end:
            raise Malformed("element cut short")
        tag = data[position]
        if tag & 0x1F == 0x1F:
            raise Malformed("tag of more than one byte")
        size = data[position + 1]
        position += 2
        if size & 0x80:
            count = size & 0x7F
            if not 1 <= count <= 4 or position + count > end:
                raise Malformed("length not definite")
            size = int.from_bytes(data[position : position + count], "big")
            position += count
        if position + size > end:
            raise Malformed("element longer than what holds it")
        self._position = size = position + size
        return tag, position, size

    def enter(self, tag: int) -> Reader:
        """A reader of the next element, which must have this tag."""
        found, inside = self.next()
        if found != tag:
            raise Malformed(f"tag {found:#04x} where {tag:#04x} belongs")
        return inside

    def _content(self, tag: int) -> bytes:
        found, start, end = self._skip()
        if found != tag:
            raise Malformed(f"tag {found:#04x} where {tag:#04x} belongs")
        return self._data[start:end]

    def rest(self) -> bytes:
        """The content as it is."""
        return self._data[self._position : self._end]

    def octets(self, tag: int = OCTETS) -> bytes:
        """The next element as bytes."""
        return self._content(tag)

    def text(self, tag: int = OCTETS) -> str:
        """The next element as text."""
        try:
            return self._content(tag).decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("text that is not UTF-8") from None

    def integer(self, tag: int = INTEGER) -> int:
        """The next element as a number of at most 64 bits."""
        content = self._content(tag)
        if not 1 <= len(content) <= 8:
            raise Malformed("number of a wrong size")
        return int.from_bytes(content, "big", signed=True)

    def boolean(self, tag: int = BOOLEAN) -> bool:
        """The next element as a truth value."""
        content = self._content(tag)
        if len(content) != 1:
            raise Malformed("truth value of a wrong size")
        return content != b"\x00"
