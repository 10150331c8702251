"""Keys, tokens and certificates as others would make them."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())


def private_pem(key: PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def jwk(key: PrivateKey, kid: str, **more: Any) -> dict[str, Any]:
    """The public half, as a key set has it."""
    algorithm: Any = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key())
    return {**json.loads(made), "kid": kid, "use": "sig", **more}


def signed(key: Any, claims: dict[str, Any], algorithm: str = "ES256", **headers: Any) -> str:
    """A token; a header of None is left out."""
    return jwt.encode(claims, key, algorithm, headers=headers or None)


def part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def forged(header: Any, body: Any, key: bytes = b"") -> str:
    """A token with a header of one's own; sealed by `key`, or not at all."""
    unsealed = f"{part(header)}.{part(body)}"
    seal = hmac.new(key, unsealed.encode(), hashlib.sha256).digest() if key else b""
    return f"{unsealed}.{part(seal)}"


class Authority:
    """Who signs client certificates."""

    def __init__(self, name: str = "Norhaven CA") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        self.certificate = self._made(self.name, self.key, 0, 365)

    def issue(
        self, subject: str, begins: float = 0, days: float = 365, server: str = ""
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        """A certificate that begins that many days after 1 January 2026, and its key.
        `server` is the name of one that answers under it."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._made(_name(subject), key, begins, days, server), key

    def _made(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        begins: float,
        days: float,
        server: str = "",
    ) -> x509.Certificate:
        start = datetime.datetime(2026, 1, 1) + datetime.timedelta(days=begins)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=subject == self.name, path_length=None), True)
        )
        if server:
            names = x509.SubjectAlternativeName([x509.DNSName(server)])
            builder = builder.add_extension(names, False)
        return builder.sign(self.key, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Norhaven, Optics & Söhne"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common),
        ]
    )
