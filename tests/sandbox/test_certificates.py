"""Certificates of the sandboxes: what they say, when they are made anew."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.certificates import Certificates, ensure
from store.clocks import machine_now

DAY = 86_400.0


def serials(found: Certificates) -> tuple[int, int]:
    ca = x509.load_pem_x509_certificate(found.ca.read_bytes())
    server = x509.load_pem_x509_certificate(found.certificate.read_bytes())
    return ca.serial_number, server.serial_number


def test_names_key_identifiers_and_modes(tmp_path: Path) -> None:
    found = ensure(tmp_path / "tls", machine_now())
    ca = x509.load_pem_x509_certificate(found.ca.read_bytes())
    server = x509.load_pem_x509_certificate(found.certificate.read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    named = names.get_values_for_type(x509.DNSName)
    assert set(named) == {"localhost", socket.gethostname()}
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    subject = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = server.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert authority.key_identifier == subject.digest
    assert server.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    key = server.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    for secret in (found.key, tmp_path / "tls" / "ca.key"):
        assert stat.S_IMODE(os.stat(secret).st_mode) == 0o600


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_strict_client_accepts_the_chain(tmp_path: Path, name: str) -> None:
    found = ensure(tmp_path, machine_now())
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(found.certificate, found.key)
    client = ssl.create_default_context(cafile=str(found.ca))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()
    with ThreadPoolExecutor(1) as pool:
        accepted = pool.submit(server.wrap_socket, theirs, server_side=True)
        with client.wrap_socket(ours, server_hostname=name) as connection:
            assert connection.getpeercert()
        accepted.result().close()


def test_reused_renewed_and_replaced(tmp_path: Path) -> None:
    now = machine_now()
    first = serials(ensure(tmp_path, now))
    assert serials(ensure(tmp_path, now + 300 * DAY)) == first
    renewed = serials(ensure(tmp_path, now + 390 * DAY))
    assert renewed[0] == first[0]
    assert renewed[1] != first[1]
    replaced = serials(ensure(tmp_path, now + 3640 * DAY))
    assert replaced[0] != first[0]


def test_a_renamed_machine_gets_a_new_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = serials(ensure(tmp_path, machine_now()))
    monkeypatch.setattr(socket, "gethostname", lambda: "renamed")
    second = serials(ensure(tmp_path, machine_now()))
    assert (first[0] == second[0], first[1] == second[1]) == (True, False)


@pytest.mark.parametrize("broken", ["ca.pem", "ca.key", "server.pem", "server.key"])
def test_a_broken_file_is_made_anew(tmp_path: Path, broken: str) -> None:
    found = ensure(tmp_path, machine_now())
    (tmp_path / broken).write_text("not a certificate")
    ensure(tmp_path, machine_now())
    ca = x509.load_pem_x509_certificate(found.ca.read_bytes())
    server = x509.load_pem_x509_certificate(found.certificate.read_bytes())
    server.verify_directly_issued_by(ca)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(found.certificate, found.key)


def test_two_starts_at_once_agree(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    threads = [
        threading.Thread(target=lambda: seen.append(serials(ensure(tmp_path, machine_now()))))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 6
    assert len(set(seen)) == 1
