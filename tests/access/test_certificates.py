"""Client certificates, as a trusted proxy passes them on, and headers that others forge."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from access import certificates
from store import credentials
from tests.access.door import PROXY, Door
from tests.access.keys import Authority

FORWARDED = {"X_Forwarded_For": "198.51.100.4", "X_Forwarded_Proto": "https"}
AUTHORITY = Authority()


def pem(certificate: x509.Certificate) -> str:
    """As nginx has it in $ssl_client_escaped_cert."""
    return quote(certificate.public_bytes(Encoding.PEM).decode())


def register(door: Door, certificate: x509.Certificate) -> None:
    handle = certificates.handle(certificate)
    credentials.register(door.db, "certificate", "sap", door.time, handle=handle)


def status(door: Door, header: str, peer: str = PROXY, verify: str = "SUCCESS", **more: str) -> int:
    return door.ask(
        peer=peer, X_SSL_Client_Cert=header, X_SSL_Client_Verify=verify, **FORWARDED, **more
    ).status_code


def test_a_renewed_certificate_is_the_same_caller(door: Door) -> None:
    first, _ = AUTHORITY.issue("ips.norhaven.example", days=90)
    register(door, first)
    assert status(door, pem(first)) == 200
    renewed, _ = AUTHORITY.issue("ips.norhaven.example", begins=60)
    assert renewed.fingerprint != first.fingerprint
    assert status(door, pem(renewed)) == 200
    field = base64.b64encode(renewed.public_bytes(Encoding.DER)).decode()
    assert status(door, f":{field}:") == 200  # RFC 9440


def test_another_subject_or_issuer_is_nobody(door: Door) -> None:
    first, _ = AUTHORITY.issue("ips.norhaven.example")
    register(door, first)
    other, _ = AUTHORITY.issue("ips.attacker.example")
    impostor, _ = Authority("Another CA").issue("ips.norhaven.example")
    assert status(door, pem(other)) == 401
    assert status(door, pem(impostor)) == 401


def test_a_certificate_has_its_time(door: Door) -> None:
    certificate, _ = AUTHORITY.issue("ips.norhaven.example", begins=30, days=60)
    register(door, certificate)
    begins = certificate.not_valid_before_utc.timestamp()
    ends = certificate.not_valid_after_utc.timestamp()
    for moment, expected in ((begins - 1, 401), (begins, 200), (ends, 200), (ends + 1, 401)):
        door.time = moment
        assert status(door, pem(certificate)) == expected


def test_nobody_but_a_trusted_proxy_is_believed(door: Door) -> None:
    certificate, _ = AUTHORITY.issue("ips.norhaven.example")
    register(door, certificate)
    for peer in ("203.0.113.9", "127.0.0.1", "", "10.1.0.8", "not an address"):
        assert status(door, pem(certificate), peer) == 401
    # Not even when it claims to be the proxy, or to have been forwarded by it.
    forged = {"X_Real_IP": PROXY, "X_Muster_Trusted_Proxy": "1"}
    assert status(door, pem(certificate), "203.0.113.9", **forged) == 401
    assert "no trusted proxy" in str(door.noted())
    assert status(door, pem(certificate), f"::ffff:{PROXY}") == 200


@pytest.mark.parametrize("verify", ["", "NONE", "FAILED:self-signed certificate", "success"])
def test_a_certificate_that_the_proxy_did_not_verify_is_none(door: Door, verify: str) -> None:
    certificate, _ = AUTHORITY.issue("ips.norhaven.example")
    register(door, certificate)
    assert status(door, pem(certificate), verify=verify) == 401
    assert "did not verify" in str(door.noted())


@pytest.mark.parametrize(
    "header",
    ["x", "%", "::", ":!:", ":AAAA:", "-----BEGIN CERTIFICATE-----", "%00", "x" * 20_000, "\xff"],
)
def test_what_is_no_certificate_is_refused(door: Door, header: str) -> None:
    assert status(door, header) == 401


def test_addresses_are_those_that_a_trusted_proxy_says(door: Door) -> None:
    door.ask(peer=PROXY, Authorization="Bearer muster_x_y", **FORWARDED)
    door.ask(peer="203.0.113.9", Authorization="Bearer muster_x_y", X_Forwarded_For="8.8.8.8")
    named = {one["address"] for one in door.noted()[-1]["from"]}
    assert named == {"198.51.100.4", "203.0.113.9"}


def test_host_and_forwarded_host_are_never_believed(door: Door) -> None:
    token = door.bearer()
    made = door.ask(
        "POST",
        body={"userName": "anna"},
        peer=PROXY,
        Authorization=token,
        Host="attacker.example",
        X_Forwarded_Host="attacker.example",
        X_Forwarded_Prefix="/evil",
        X_Forwarded_Proto="gopher",
        Forwarded="host=attacker.example",
    )
    assert made.status_code == 201
    assert made.headers["Location"].startswith("https://muster.norhaven.example/scim/v2/Users/")
    assert "attacker" not in made.text + str(made.headers)
