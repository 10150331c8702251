"""Requests as bytes, as the sandbox reads them, and as ldap3 would have written them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from ldap3.operation.add import add_operation
from ldap3.operation.delete import delete_operation
from ldap3.operation.modify import modify_operation
from ldap3.operation.modifyDn import modify_dn_operation
from ldap3.operation.search import search_operation
from ldap3.protocol.rfc4511 import LDAPMessage, MessageID, ProtocolOp
from ldap3.utils.asn1 import encode
from pyasn1.codec.ber import decoder

from adapters.active_directory import requests
from sandbox.directory import messages

TEXT = st.text(st.characters(codec="utf-8"), max_size=200)
BYTES = st.binary(max_size=200)
VALUES = st.dictionaries(TEXT, st.lists(BYTES, max_size=4), max_size=5)
NUMBERS = st.integers(0, 2**31 - 1)


def read(number: int, request: bytes, *controls: bytes) -> messages.Message:
    """The request as the sandbox reads it."""
    found = messages.read_message(requests.message(number, request, controls))
    assert found.id == number
    return found


@given(NUMBERS, TEXT, st.sampled_from([0, 1, 2]), st.lists(TEXT, max_size=6), NUMBERS, TEXT, BYTES)
def test_searches(
    number: int, base: str, scope: int, names: list[str], limit: int, attribute: str, value: bytes
) -> None:
    condition = requests.both(
        requests.present(attribute),
        requests.either(requests.equals(attribute, value), requests.equals("cn", b"*)(")),
    )
    found = read(number, requests.search(base, scope, condition, names, limit))
    first = messages.Present(attribute)
    one, other = messages.Compare("=", attribute, value), messages.Compare("=", "cn", b"*)(")
    wanted = messages.And((first, messages.Or((one, other))))
    assert found.operation == messages.Search(base, scope, limit, False, wanted, tuple(names))


@given(NUMBERS, TEXT, VALUES)
def test_adds(number: int, dn: str, values: dict[str, list[bytes]]) -> None:
    listed = tuple((name, tuple(found)) for name, found in values.items())
    assert read(number, requests.add(dn, values)).operation == messages.Add(dn, listed)


@given(NUMBERS, TEXT, VALUES, st.sampled_from([0, 1, 2]))
def test_modifies(number: int, dn: str, values: dict[str, list[bytes]], how: int) -> None:
    changes: dict[str, Any] = {name: [(how, v), (2, [])] for name, v in values.items()}
    wanted = tuple(
        messages.Change(kind, name, tuple(found))
        for name, several in changes.items()
        for kind, found in several
    )
    assert read(number, requests.modify(dn, changes)).operation == messages.Modify(dn, wanted)


@given(NUMBERS, TEXT, TEXT, TEXT)
def test_moves_and_deletes(number: int, dn: str, rdn: str, superior: str) -> None:
    found = read(number, requests.modify_dn(dn, rdn, superior)).operation
    assert found == messages.ModifyDN(dn, rdn, True, superior)
    assert read(number, requests.delete(dn)).operation == messages.Delete(dn)


@given(NUMBERS, BYTES)
def test_controls(size: int, cookie: bytes) -> None:
    controls = (requests.EXTENDED_DN, requests.SHOW_DELETED, requests.page(size, cookie))
    found = read(1, requests.delete("DC=x"), *controls).controls
    assert [control.critical for control in found.values()] == [True, True, True]
    assert list(found) == ["1.2.840.113556.1.4.529", "1.2.840.113556.1.4.417", requests.PAGED]
    paged, rest = decoder.decode(found[requests.PAGED].value)
    assert (int(paged[0]), bytes(paged[1]), rest) == (size, cookie, b"")


def by_ldap3(kind: str, operation: Any) -> bytes:
    whole = LDAPMessage()
    whole["messageID"] = MessageID(7)
    whole["protocolOp"] = ProtocolOp().setComponentByName(kind, operation)
    return bytes(encode(whole))


def test_the_bytes_are_those_that_ldap3_writes() -> None:
    dn, names = "CN=Zoë,OU=People,DC=norhaven,DC=example", ["cn", "objectGUID"]
    condition = requests.both(
        requests.present("objectClass"),
        requests.either(requests.equals("cn", "Zoë".encode()), requests.equals("sn", b"a(b)")),
    )
    text = "(&(objectClass=*)(|(cn=Zoë)(sn=a\\28b\\29)))"
    values = {"objectClass": [b"user"], "title": [b"x", b"y" * 300]}
    changes = {"title": [(1, [b"a"]), (0, [b"b"])], "mail": [(2, [])]}
    named = ("MODIFY_ADD", "MODIFY_DELETE", "MODIFY_REPLACE")
    theirs = {a: [(named[how], v) for how, v in several] for a, several in changes.items()}
    pairs = [
        (
            requests.search(dn, requests.SUBTREE, condition, names, 10),
            "searchRequest",
            search_operation(
                dn, text, "SUBTREE", "NEVER", names, 10, 0, False, False, None, None, None, False
            ),
        ),
        (requests.add(dn, values), "addRequest", add_operation(dn, values, False)),
        (
            requests.modify(dn, changes),
            "modifyRequest",
            modify_operation(dn, theirs, False),
        ),
        (
            requests.modify_dn(dn, "CN=x", "DC=y"),
            "modDNRequest",
            modify_dn_operation(dn, "CN=x", True, "DC=y"),
        ),
        (requests.delete(dn), "delRequest", delete_operation(dn)),
    ]
    for ours, kind, operation in pairs:
        assert requests.message(7, ours) == by_ldap3(kind, operation), kind
