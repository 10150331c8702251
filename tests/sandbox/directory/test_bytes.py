"""BER, distinguished names and values: what is written reads back, what is broken is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandbox.directory import ber, messages, names, values

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(st.integers(-(2**63), 2**63 - 1))
def test_numbers_read_back(number: int) -> None:
    assert ber.Reader(ber.integer(number)).integer() == number


def test_numbers_take_the_fewest_bytes() -> None:
    sizes = {0: 1, 127: 1, 128: 2, -128: 1, -129: 2, 255: 2, 32767: 2, 32768: 3}
    assert {n: len(ber.integer(n)) - 2 for n in sizes} == sizes


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 70_000])
def test_lengths_read_back(size: int) -> None:
    assert ber.Reader(ber.octets(b"x" * size)).octets() == b"x" * size


@pytest.mark.parametrize(
    "broken",
    [b"", b"\x04", b"\x04\x05abc", b"\x04\x80abc", b"\x04\x85\x01\x01\x01\x01\x01", b"\x1f\x01a"],
)
def test_broken_elements_are_refused(broken: bytes) -> None:
    with pytest.raises(ber.Malformed):
        ber.Reader(broken).octets()


@given(st.binary(max_size=200))
@example(b"0\x0c\x02\x01\x01\x63\x07")
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    with contextlib.suppress(ber.Malformed):
        messages.read_message(data)


def test_a_filter_deeper_than_any_person_writes_is_refused() -> None:
    deep = b"\x87\x01a"
    for _ in range(500):
        deep = ber.element(0xA2, deep)
    search = ber.element(
        0x63,
        ber.text(""),
        ber.integer(0, ber.ENUMERATED),
        ber.integer(0, ber.ENUMERATED),
        ber.integer(0),
        ber.integer(0),
        ber.element(ber.BOOLEAN, b"\x00"),
        deep,
        ber.element(ber.SEQUENCE, b""),
    )
    with pytest.raises(ber.Malformed, match="deep"):
        messages.read_message(ber.element(ber.SEQUENCE, ber.integer(1), search))


@given(st.lists(TEXT, min_size=1, max_size=4))
@example(["#a", " b ", "c\\,d", 'e"+<>;=', "\n", "張偉 🙂"])
def test_names_read_back(parts: list[str]) -> None:
    name = tuple(("CN", part) for part in parts)
    assert names.parse(names.write(name)) == name


@pytest.mark.parametrize(
    "dn",
    ["x", "=x", "CN=", "CN=a,", "CN=a,,DC=b", "CN=a\\", "CN=a\\zz", 'CN="a"', "CN=a+SN=b", "CN=<a>",
     "CN=#0403", "C N=a", "CN=a\\C3", "CN=\ud800"],
)  # fmt: skip
def test_what_is_no_name_is_refused(dn: str) -> None:
    with pytest.raises(names.BadName):
        names.parse(dn)


def test_names_with_blanks_and_hex() -> None:
    assert names.parse("cn = Ada\\2C B\\C3\\B6rg , DC=x") == (("cn", "Ada, Börg"), ("DC", "x"))


def test_accents_case_and_width_do_not_count() -> None:
    assert values.fold("Björn") == values.fold("BJORN") == values.fold("bjo\u0308rn")
    assert values.fold("ＡＢＣ") == "abc"
    assert values.fold("Łukasz") != values.fold("Lukasz")


def test_guids_sids_and_times_read_back() -> None:
    guid = "0f8fad5b-d9cb-469f-a165-70867728950e"
    assert values.guid_text(values.guid_bytes(guid)) == guid
    sid = "S-1-5-21-1004336348-1177238915-682003330-512"
    assert values.sid_text(values.sid_bytes(sid)) == sid
    assert values.seconds_of(values.filetime(1_773_651_600.0)) == 1_773_651_600.0
    assert values.generalized_time(1_773_651_600.0) == b"20260316090000.0Z"
    assert values.time_key(b"20260316100000.0+0100") == values.time_key(b"20260316090000Z")


@pytest.mark.parametrize("sid", ["S-1", "S-2-5-1", "S-1-5-99999999999", "S-1-x", "S-", ""])
def test_what_is_no_sid_is_refused(sid: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        values.sid_bytes(sid)
