"""LDAP messages (RFC 4511 section 4): requests from bytes, answers to bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypeAlias

from sandbox.directory.ber import (
    ENUMERATED,
    INTEGER,
    OCTETS,
    SEQUENCE,
    SET,
    Malformed,
    Reader,
    element,
    integer,
    octets,
    text,
)

_FILTER_DEPTH = 60
_NOTICE_OF_DISCONNECTION = "1.3.6.1.4.1.1466.20036"


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Filter


@dataclass(frozen=True, slots=True)
class Compare:
    """`(attribute=value)`, `>=`, `<=`, `~=`."""

    how: Literal["=", ">=", "<=", "~="]
    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Present:
    attribute: str


@dataclass(frozen=True, slots=True)
class Substrings:
    attribute: str
    initial: bytes | None
    middle: tuple[bytes, ...]
    final: bytes | None


@dataclass(frozen=True, slots=True)
class Extensible:
    """`(attribute:rule:=value)`."""

    rule: str
    attribute: str
    value: bytes


Filter: TypeAlias = And | Or | Not | Compare | Present | Substrings | Extensible


@dataclass(frozen=True, slots=True)
class Bind:
    version: int
    name: str
    password: bytes | None
    """None when the client asks for SASL."""


@dataclass(frozen=True, slots=True)
class Unbind:
    pass


@dataclass(frozen=True, slots=True)
class Abandon:
    pass


@dataclass(frozen=True, slots=True)
class Search:
    base: str
    scope: int
    """0 base, 1 one level, 2 subtree."""
    size_limit: int
    types_only: bool
    filter: Filter
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    how: int
    """0 add, 1 delete, 2 replace."""
    attribute: str
    values: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Modify:
    dn: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Add:
    dn: str
    attributes: tuple[tuple[str, tuple[bytes, ...]], ...]


@dataclass(frozen=True, slots=True)
class Delete:
    dn: str


@dataclass(frozen=True, slots=True)
class ModifyDN:
    dn: str
    new_rdn: str
    delete_old_rdn: bool
    new_superior: str | None


@dataclass(frozen=True, slots=True)
class CompareRequest:
    dn: str
    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Extended:
    name: str


Operation: TypeAlias = (
    Bind | Unbind | Abandon | Search | Modify | Add | Delete | ModifyDN | CompareRequest | Extended
)


@dataclass(frozen=True, slots=True)
class Control:
    oid: str
    critical: bool = False
    value: bytes | None = None


@dataclass(frozen=True, slots=True)
class Message:
    id: int
    operation: Operation
    controls: dict[str, Control] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What every answer ends with."""

    code: int = 0
    matched: str = ""
    text: str = ""
    referral: str | None = None
    controls: tuple[Control, ...] = ()


def read_message(data: bytes) -> Message:
    """A request. Raises Malformed."""
    envelope = Reader(data).enter(SEQUENCE)
    number = envelope.integer()
    if number < 0 or number > 0x7FFFFFFF:
        raise Malformed("message number out of range")
    tag, body = envelope.next()
    parse = _OPERATIONS.get(tag)
    if parse is None:
        raise Malformed(f"unknown operation {tag:#04x}")
    operation = parse(body)
    controls: dict[str, Control] = {}
    if envelope.peek() == 0xA0:
        listed = envelope.enter(0xA0)
        while listed.more():
            one = listed.enter(SEQUENCE)
            oid = one.text()
            critical = one.boolean() if one.peek() == 0x01 else False
            value = one.octets() if one.peek() == OCTETS else None
            controls[oid] = Control(oid, critical, value)
    return Message(number, operation, controls)


def _bind(body: Reader) -> Operation:
    version = body.integer()
    name = body.text()
    tag, credentials = body.next()
    return Bind(version, name, credentials.rest() if tag == 0x80 else None)


def _search(body: Reader) -> Operation:
    base = body.text()
    scope = body.integer(ENUMERATED)
    if scope not in (0, 1, 2):
        raise Malformed("unknown scope")
    body.integer(ENUMERATED)  # aliases: AD has none
    size_limit = body.integer()
    body.integer()  # time limit: every search here ends in time
    types_only = body.boolean()
    condition = _filter(body)
    attributes = _names(body.octets(SEQUENCE))
    return Search(base, scope, size_limit, types_only, condition, attributes)


@lru_cache(maxsize=256)
def _names(listed: bytes) -> tuple[str, ...]:
    """The attributes that are asked for: a client asks for the same ones again and again."""
    names = Reader(listed)
    attributes = []
    while names.more():
        attributes.append(names.text())
    return tuple(attributes)


def _filter(body: Reader, depth: int = 0) -> Filter:
    if depth > _FILTER_DEPTH:
        raise Malformed("filter too deep")
    tag, inside = body.next()
    if tag in (0xA0, 0xA1):
        parts = []
        while inside.more():
            parts.append(_filter(inside, depth + 1))
        return And(tuple(parts)) if tag == 0xA0 else Or(tuple(parts))
    if tag == 0xA2:
        return Not(_filter(inside, depth + 1))
    if tag == 0xA3:
        return Compare("=", inside.text(), inside.octets())
    if tag == 0xA4:
        return _substrings(inside)
    if tag == 0xA5:
        return Compare(">=", inside.text(), inside.octets())
    if tag == 0xA6:
        return Compare("<=", inside.text(), inside.octets())
    if tag == 0x87:
        try:
            return Present(inside.rest().decode())
        except UnicodeDecodeError:
            raise Malformed("text that is not UTF-8") from None
    if tag == 0xA8:
        return Compare("~=", inside.text(), inside.octets())
    if tag == 0xA9:
        rule = inside.text(0x81) if inside.peek() == 0x81 else ""
        attribute = inside.text(0x82) if inside.peek() == 0x82 else ""
        return Extensible(rule, attribute, inside.octets(0x83))
    raise Malformed("unknown kind of filter")


def _substrings(inside: Reader) -> Filter:
    attribute = inside.text()
    initial: bytes | None = None
    final: bytes | None = None
    middle: list[bytes] = []
    pieces = inside.enter(SEQUENCE)
    while pieces.more():
        tag, piece = pieces.next()
        if tag == 0x80 and initial is None and not middle and final is None:
            initial = piece.rest()
        elif tag == 0x81 and final is None:
            middle.append(piece.rest())
        elif tag == 0x82 and final is None:
            final = piece.rest()
        else:
            raise Malformed("substrings in a wrong order")
    if initial is None and final is None and not middle:
        raise Malformed("substrings without any")
    return Substrings(attribute, initial, tuple(middle), final)


def _attribute(body: Reader) -> tuple[str, tuple[bytes, ...]]:
    one = body.enter(SEQUENCE)
    name = one.text()
    listed = one.enter(SET)
    values = []
    while listed.more():
        values.append(listed.octets())
    return name, tuple(values)


def _modify(body: Reader) -> Operation:
    dn = body.text()
    listed = body.enter(SEQUENCE)
    changes = []
    while listed.more():
        one = listed.enter(SEQUENCE)
        how = one.integer(ENUMERATED)
        if how not in (0, 1, 2):
            raise Malformed("unknown kind of change")
        changes.append(Change(how, *_attribute(one)))
    return Modify(dn, tuple(changes))


def _add(body: Reader) -> Operation:
    dn = body.text()
    listed = body.enter(SEQUENCE)
    attributes = []
    while listed.more():
        attributes.append(_attribute(listed))
    return Add(dn, tuple(attributes))


def _text_of(body: Reader) -> str:
    try:
        return body.rest().decode()
    except UnicodeDecodeError:
        raise Malformed("text that is not UTF-8") from None


def _modify_dn(body: Reader) -> Operation:
    dn, new_rdn, delete_old = body.text(), body.text(), body.boolean()
    superior = body.text(0x80) if body.peek() == 0x80 else None
    return ModifyDN(dn, new_rdn, delete_old, superior)


def _compare(body: Reader) -> Operation:
    dn = body.text()
    assertion = body.enter(SEQUENCE)
    return CompareRequest(dn, assertion.text(), assertion.octets())


_OPERATIONS: dict[int, Callable[[Reader], Operation]] = {
    0x60: _bind,
    0x42: lambda body: Unbind(),
    0x50: lambda body: Abandon(),
    0x63: _search,
    0x66: _modify,
    0x68: _add,
    0x4A: lambda body: Delete(_text_of(body)),
    0x6C: _modify_dn,
    0x6E: _compare,
    0x77: lambda body: Extended(body.text(0x80)),
}

_ANSWERS: dict[type, int] = {
    Bind: 0x61,
    Search: 0x65,
    Modify: 0x67,
    Add: 0x69,
    Delete: 0x6B,
    ModifyDN: 0x6D,
    CompareRequest: 0x6F,
    Extended: 0x78,
}


def write_result(number: int, request: Operation, result: Result, extra: bytes = b"") -> bytes:
    """The answer that ends `request`. `extra`: encoded fields after the common ones."""
    return _envelope(number, _answer(_ANSWERS[type(request)], result, extra), result.controls)


@lru_cache(maxsize=256)
def _answer(tag: int, result: Result, extra: bytes) -> bytes:
    """Most answers only say that it was done."""
    return element(tag, _result(result), extra)


def write_disconnection(code: int, why: str) -> bytes:
    """The unasked last word before the connection is closed (RFC 4511 section 4.4.1)."""
    body = _result(Result(code, "", why)) + text(_NOTICE_OF_DISCONNECTION, 0x8A)
    return _envelope(0, element(0x78, body), ())


def write_entry(number: int, dn: str, attributes: Iterable[tuple[str, Sequence[bytes]]]) -> bytes:
    """One entry of a search's answer."""
    listed = [
        element(SEQUENCE, _name(name) + element(SET, b"".join([octets(v) for v in values])))
        for name, values in attributes
    ]
    return _envelope(number, element(0x64, text(dn) + element(SEQUENCE, b"".join(listed))), ())


@lru_cache(maxsize=1024)
def _name(name: str) -> bytes:
    return text(name)


def write_reference(number: int, url: str) -> bytes:
    """A pointer to another part of the tree (RFC 4511 section 4.5.3)."""
    return _envelope(number, element(0x73, text(url)), ())


def _result(result: Result) -> bytes:
    parts = integer(result.code, ENUMERATED) + text(result.matched) + text(result.text)
    return parts + (element(0xA3, text(result.referral)) if result.referral else b"")


def _envelope(number: int, operation: bytes, controls: Sequence[Control]) -> bytes:
    if not controls:
        return element(SEQUENCE, integer(number, INTEGER), operation)
    listed = [
        element(
            SEQUENCE, text(control.oid), b"" if control.value is None else octets(control.value)
        )
        for control in controls
    ]
    return element(SEQUENCE, integer(number), operation, element(0xA0, b"".join(listed)))
