"""Conversions"""

from __future__ import annotations

import base64
import binascii
import re

from mappings.language.compiling import Builder
from mappings.language.registry import function
from mappings.language.running import Fail
from mappings.language.syntax import Call
from mappings.language.values import Scalar, Value, each, many
from mappings.language.values import text as as_text

_ENCODINGS = {"unicode": "utf-16-le", "ascii": "ascii", "utf8": "utf-8"}


@function("CStr(value: any)")
def cstr(value: Value) -> str | None:
    """A number, reference or boolean as text; booleans read `True` and `False`.

    CStr([active] = "1") → True
    """
    return as_text(value)


@function("ConvertToBase64(source: any)")
def to_base64(source: Value) -> str | None:
    """The text in UTF-16 (little endian), in Base64; of several numbers, their bytes.

    ConvertToBase64("Hello") → SABlAGwAbABvAA==
    """
    if source is None:
        return None
    numbers = many(source)
    if isinstance(source, tuple) and all(type(n) is int and 0 <= n < 256 for n in numbers):
        return base64.b64encode(bytes(n for n in numbers if type(n) is int)).decode()
    return base64.b64encode((as_text(source) or "").encode("utf-16-le", "surrogatepass")).decode()


def _check_encoding(build: Builder, call: Call) -> str | None:
    encoding = build.constant(call, 1)
    if encoding is not None and encoding.lower() not in _ENCODINGS:
        return "the encoding is one of Unicode, ASCII, UTF8"
    return None


@function("ConvertFromBase64(source: text, encoding?: text)", check=_check_encoding)
def from_base64(source: str | None, encoding: str | None = None) -> str | None:
    """The text that Base64 holds, in `Unicode` (UTF-16) unless `ASCII` or `UTF8` is said.

    ConvertFromBase64("Wm/Dqw==", UTF8) → Zoë
    """
    if source is None:
        return None
    known = _ENCODINGS.get((encoding or "Unicode").lower())
    if known is None:
        raise Fail("ConvertFromBase64: the encoding is one of Unicode, ASCII, UTF8")
    try:
        return base64.b64decode(source, validate=True).decode(known)
    except (binascii.Error, ValueError) as error:
        raise Fail("ConvertFromBase64: not Base64 of such a text") from error


@function("ConvertToUTF8Hex(source: any)")
def to_utf8_hex(source: Value) -> Value:
    """The bytes of the text in UTF-8, in hexadecimal.

    ConvertToUTF8Hex("Hello") → 48656C6C6F
    """
    return each(source, lambda value: value.encode("utf-8", "surrogatepass").hex().upper())


@function("CRef(text: text)")
def cref(text: str | None) -> str | None:
    """A text as a reference: what `DNComponent` takes apart.

    CRef("cn=Joe,dc=norhaven,dc=example") → cn=Joe,dc=norhaven,dc=example
    """
    return text


@function("DNComponent(dn: text, number: whole)")
def dn_component(dn: str | None, number: int) -> str | None:
    r"""The value of the `number`-th part of a distinguished name, counted from the left.

    DNComponent(CRef("cn=Doe\, Joe,ou=Sales,dc=norhaven"), 1) → Doe, Joe
    """
    if not dn:
        return None
    parts = [part.strip() for part in re.split(r"(?<!\\)(?:\\\\)*[,+]", dn)]
    if not 1 <= number <= len(parts):
        raise Fail(f"DNComponent: there is no part number {number}")
    value = parts[number - 1].partition("=")[2].strip()
    return re.sub(r"\\(?:([0-9A-Fa-f]{2})|(.))", lambda m: m[2] or chr(int(m[1], 16)), value)


@function("StringFromSid(sid: list)")
def string_from_sid(sid: tuple[Scalar, ...]) -> str | None:
    """A security identifier as `S-1-5-...`, from bytes in Base64 or hexadecimal, or numbers.

    StringFromSid("AQEAAAAAAAUSAAAA") → S-1-5-18
    """
    if not sid:
        return None
    written = as_text(sid) or ""
    try:
        if len(sid) > 1:
            raw = bytes(int(as_text(byte) or "") for byte in sid)
        elif written.upper().startswith("S-1-"):
            return written.upper()
        elif re.fullmatch(r"(?:0x)?(?:[0-9A-Fa-f]{2})+", written) and not written.startswith("AQ"):
            raw = bytes.fromhex(written.removeprefix("0x"))
        else:
            raw = base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Fail("StringFromSid: not the bytes of a security identifier") from error
    if len(raw) < 8 or raw[0] != 1 or len(raw) != 8 + 4 * raw[1]:
        raise Fail("StringFromSid: not the bytes of a security identifier")
    authority = int.from_bytes(raw[2:8], "big")
    rest = [int.from_bytes(raw[i : i + 4], "little") for i in range(8, len(raw), 4)]
    return "-".join(map(str, ["S-1", authority, *rest]))
