"""Certificates for the sandboxes' loopback ports: one small CA and one server key.

The CA's certificate is what a client trusts (`ca.pem`). Everything is made at the
first start and used again for as long as it is valid; an expiring server certificate
is renewed under the same CA, so that clients need no new file.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from store.clocks import to_datetime

_CA_DAYS = 3650
_SERVER_DAYS = 397
_RENEW_DAYS = 30


@dataclass(frozen=True)
class Certificates:
    """Where the PEM files lie. `key` and the CA's key have mode 0600."""

    ca: Path
    """The CA's certificate: what clients trust."""
    certificate: Path
    """The server's certificate, names `localhost`, 127.0.0.1 and the machine's own."""
    key: Path
    """The server's private key."""


def ensure(folder: Path, now: float, names: Sequence[str] | None = None) -> Certificates:
    """The certificates in `folder`, made or renewed where needed.

    `now`: epoch seconds. `names`: host names and addresses that the server answers to;
    by default `localhost`, 127.0.0.1 and this machine's name. Safe when several processes start at
    once. Raises OSError when the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    moment = to_datetime(now)
    wanted = _general_names(names or _own_names())
    with _locked(folder / ".lock"):
        ca_key, ca = _load(folder / "ca.key", found.ca, moment)
        if ca_key is None or ca is None:
            ca_key, ca = _new_ca(moment)
            _write(folder / "ca.key", _pem(ca_key))
            _write(found.ca, ca.public_bytes(serialization.Encoding.PEM), 0o644)
        key, certificate = _load(found.key, found.certificate, moment)
        if (
            key is None
            or certificate is None
            or not _signed_by(certificate, ca)
            or not _names(certificate).issuperset(wanted)
        ):
            key, certificate = _new_server(ca_key, ca, wanted, moment)
            _write(found.key, _pem(key))
            _write(found.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return found


def _load(
    key_file: Path, file: Path, moment: datetime
) -> tuple[ec.EllipticCurvePrivateKey | None, x509.Certificate | None]:
    """Key and certificate when both can be read, belong together and last long enough."""
    try:
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError, TypeError):
        return None, None
    lasts = certificate.not_valid_after_utc - moment > timedelta(days=_RENEW_DAYS)
    begun = certificate.not_valid_before_utc <= moment
    if (
        isinstance(key, ec.EllipticCurvePrivateKey)
        and key.public_key() == certificate.public_key()
        and lasts
        and begun
    ):
        return key, certificate
    return None, None


def _signed_by(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(ca)
    except Exception:  # InvalidSignature, ValueError, TypeError: in each case not ours
        return False
    return True


def write_private(file: Path, content: bytes) -> None:
    """Write a secret so that no other user could read it at any moment (mode 0600)."""
    _write(file, content)


def _own_names() -> list[str]:
    """The machine's own name is among them: OpenLDAP's clients check it for `localhost`."""
    names = ["localhost", "127.0.0.1", socket.gethostname()]
    return [name for name in dict.fromkeys(names) if name and name.isascii()]


def _general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _names(certificate: x509.Certificate) -> set[x509.GeneralName]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return set()
    return set(names.value)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Muster sandbox"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    moment: datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # An hour back, for a client whose clock is a little behind.
        .not_valid_before(moment - timedelta(hours=1))
        .not_valid_after(moment + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _new_ca(moment: datetime) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    # The serial in the name keeps two CAs of two folders apart in one trust store.
    name = _name(f"Muster sandbox CA {x509.random_serial_number() % 0xFFFFFF:06x}")
    certificate = (
        _builder(name, name, key.public_key(), moment, _CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def _new_server(
    ca_key: ec.EllipticCurvePrivateKey,
    ca: x509.Certificate,
    names: list[x509.GeneralName],
    moment: datetime,
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    days = min(_SERVER_DAYS, (ca.not_valid_after_utc - moment).days)
    certificate = (
        _builder(_name("localhost"), ca.subject, key.public_key(), moment, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    return key, certificate


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Put the file in place as a whole; it never exists with a wider mode."""
    fresh = file.with_name(file.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    fresh.replace(file)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
