"""Values, filters and DNs: there and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.active_directory import values
from adapters.active_directory.config import Config
from tests.samba import Administrator

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


@given(TEXT)
def test_text_there_and_back(text: str) -> None:
    assert values.decode("title", values.encode("title", text)) == text


@given(st.lists(TEXT, min_size=1, unique=True))
def test_multi_values_there_and_back(texts: list[str]) -> None:
    written = values.encode("proxyAddresses", tuple(texts))
    assert values.decode("proxyAddresses", written[::-1]) == tuple(sorted(texts))


def test_single_and_multiple() -> None:
    assert values.decode("title", [b"x"]) == "x"
    assert values.decode("PROXYADDRESSES", [b"x"]) == ("x",)
    assert values.decode("description", [b"x"]) == "x"
    assert values.decode("title", []) is None
    assert values.decode("thumbnailPhoto", [b"\xff\xd8\xff"]) is None


def test_numbers_and_truths() -> None:
    assert values.decode("countryCode", [b"276"]) == 276
    assert values.decode("countryCode", [b"0"]) is None
    assert values.decode("accountExpires", [b"0"]) is None
    assert values.decode("accountExpires", [b"9223372036854775807"]) is None
    assert values.decode("accountExpires", [b"133500000000000000"]) == 133500000000000000
    assert values.decode("msExchHideFromAddressLists", [b"TRUE"]) is True
    assert values.encode("msExchHideFromAddressLists", False) == [b"FALSE"]
    assert values.encode("countryCode", 276) == [b"276"]


def test_removal() -> None:
    for nothing in (None, "", ()):
        assert values.encode("title", nothing) == []
        assert values.encode("countryCode", nothing) == [b"0"]
        assert values.decode("accountExpires", values.encode("accountExpires", nothing)) is None


@pytest.mark.parametrize("bad", ["\ud800", "a\0b"])
def test_what_cannot_be_written(bad: str) -> None:
    with pytest.raises(values.Unwritable):
        values.encode("title", bad)
    with pytest.raises(values.Unwritable):
        values.equals("title", bad)
    with pytest.raises(values.Unwritable):
        values.common_name(bad)


def test_empty_names_cannot_be_written() -> None:
    for empty in ("", " ", "   "):
        with pytest.raises(values.Unwritable):
            values.common_name(empty)


@given(
    TEXT.map(lambda t: t[:30]).filter(str.strip),
    st.sampled_from(["OU=People,DC=x", "CN=a\\,b,DC=x", "DC=x"]),
)
def test_parent_of_any_name(name: str, container: str) -> None:
    assert values.parent(f"{values.common_name(name)},{container}") == container


def test_extended_dn() -> None:
    guid = "ff1d5d6f-3696-4418-ae79-b1528f070f08"
    dn = "CN=a\\,b,OU=People,DC=x"
    assert values.extended_dn(f"<GUID={guid.upper()}>;<SID=S-1-5-21-1>;{dn}") == (guid, dn)
    assert values.extended_dn(f"<GUID={guid}>;{dn}") == (guid, dn)
    assert values.extended_dn(dn) == (None, dn)


def test_guid_is_little_endian_in_front() -> None:
    raw = bytes.fromhex("6f5d1dff96361844ae79b1528f070f08")
    assert values.guid(raw) == "ff1d5d6f-3696-4418-ae79-b1528f070f08"


def test_tables_agree_with_the_schema_of_a_real_domain(samba_admin: Administrator) -> None:
    """Every attribute we know a type for has that type, and every default one is known rightly."""
    base = f"CN=Schema,CN=Configuration,{samba_admin.domain.base_dn}"
    wanted = ("lDAPDisplayName", "isSingleValued", "attributeSyntax")
    samba_admin.connection.search(base, "(objectClass=attributeSchema)", attributes=list(wanted))
    schema = {
        found["lDAPDisplayName"][0].decode().lower(): (
            found["isSingleValued"][0] == b"TRUE",
            found["attributeSyntax"][0].decode(),
        )
        for found in (entry["raw_attributes"] for entry in samba_admin.connection.response)
        if "lDAPDisplayName" in found
    }
    integer, large, boolean = "2.5.5.9", "2.5.5.16", "2.5.5.8"
    for name in values.MULTI_VALUED:
        assert not schema[name][0], name
    for name in values.INTEGERS:
        assert schema[name][1] in (integer, large), name
    for name in values.BOOLEANS & schema.keys():  # Exchange adds some
        assert schema[name][1] == boolean, name
    mapped = Config("ldaps://x", "", str, "DC=x", "OU=People,DC=x").attributes
    for name in (attribute.lower() for attribute in mapped):
        single, syntax = schema[name]
        assert (syntax in (integer, large)) == (name in values.INTEGERS), name
        assert (syntax == boolean) == (name in values.BOOLEANS), name
        assert (not single) == (name in values.MULTI_VALUED) or name == "description", name


@pytest.mark.parametrize(
    ("base_dn", "domain_dn"),
    [
        ("DC=norhaven,DC=example", "DC=norhaven,DC=example"),
        ("OU=People,DC=norhaven,DC=example", "DC=norhaven,DC=example"),
        ("ou=People, dc=norhaven, dc=example", "dc=norhaven, dc=example"),
        ("OU=a\\,DC=b,DC=norhaven,DC=example", "DC=norhaven,DC=example"),
    ],
)
def test_the_domain_of_a_base(base_dn: str, domain_dn: str) -> None:
    config = Config("ldaps://dc1.norhaven.example", "CN=x", str, base_dn, "OU=x")
    assert config.domain_dn == domain_dn
