"""Answers as the sandbox writes them, read as ldap3 reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.utils.asn1 import decode_message_fast

from adapters.active_directory import answers
from sandbox.directory import messages

TEXT = st.text(st.characters(codec="utf-8"), max_size=200)
NUMBERS = st.integers(0, 2**31 - 1)
VALUES = st.dictionaries(TEXT, st.lists(st.binary(max_size=300), max_size=4), max_size=5)
REQUESTS = st.sampled_from(
    [
        messages.Search("", 0, 0, False, messages.Present("cn"), ()),
        messages.Add("", ()),
        messages.Modify("", ()),
        messages.Delete(""),
    ]
)


@given(NUMBERS, TEXT, VALUES)
def test_entries(number: int, dn: str, values: dict[str, list[bytes]]) -> None:
    message = messages.write_entry(number, dn, values.items())
    entry = {"type": "searchResEntry", "dn": dn, "raw_attributes": values}
    assert answers.read(message) == (number, entry)
    assert answers.size(message) == len(message)
    assert decode_message_fast(message)["messageID"] == number


@given(NUMBERS, REQUESTS, st.integers(0, 120), TEXT, TEXT)
def test_results(
    number: int, request: messages.Operation, code: int, matched: str, text: str
) -> None:
    message = messages.write_result(number, request, messages.Result(code, matched, text))
    assert answers.read(message) == (number, {"type": "result", "result": code, "message": text})


def test_what_is_rare_is_left_to_ldap3() -> None:
    reference = messages.write_reference(7, "ldap://elsewhere")
    notice = messages.write_disconnection(2, "over")
    page = messages.Control("1.2.840.113556.1.4.319", False, b"\x30\x05\x02\x01\x00\x04\x00")
    search = messages.Search("", 0, 0, False, messages.Present("cn"), ())
    paged = messages.write_result(7, search, messages.Result(0, controls=(page,)))
    assert [answers.read(m) for m in (reference, notice, paged)] == [
        (7, None),
        (0, None),
        (7, None),
    ]


@given(NUMBERS, VALUES, st.data())
def test_the_size_is_known_from_the_first_bytes(
    number: int, values: dict[str, list[bytes]], data: st.DataObject
) -> None:
    message = messages.write_entry(number, "CN=a", values.items())
    part = message[: data.draw(st.integers(0, len(message)))]
    assert answers.size(part) in (None, len(message))
    assert answers.size(message + b"more") == len(message)


@pytest.mark.parametrize("message", [b"", b"\x30", b"\x30\x03\x02\x01\x07", b"\x30\x84\x00"])
def test_what_is_no_message_is_told(message: bytes) -> None:
    with pytest.raises((IndexError, ValueError)):
        answers.read(message)
