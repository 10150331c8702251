"""An authority of its own that gives client certificates, as HR systems show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from store.clocks import machine_now, to_datetime


@dataclass(frozen=True)
class Shown:
    """Files of a client certificate, PEM."""

    certificate: Path
    key: Path


class Authority:
    """Signs client certificates; `file` is its own certificate, PEM."""

    def __init__(self, folder: Path, name: str = "Client Authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self.file = folder / "authority.pem"
        certificate = (
            _begun(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def give(self, common_name: str) -> Shown:
        """A new key and certificate for `common_name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        certificate = (
            _begun(_named(common_name), self._name, key.public_key())
            .add_extension(usage, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        shown = Shown(self._folder / "client.pem", self._folder / "client.key")
        shown.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        shown.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return shown


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = to_datetime(machine_now())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
    )
