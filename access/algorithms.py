"""Which signatures go with which public key."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey


def algorithms_for(key: Any) -> tuple[str, ...]:
    """What may be signed with the other half of a public key. Raises ValueError for a key
    that is not one of ours to use."""
    if isinstance(key, RSAPublicKey):
        if key.key_size < 2048:
            raise ValueError("an RSA key has at least 2048 bits")
        return ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
    if isinstance(key, EllipticCurvePublicKey):
        curves = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
        if key.curve.name in curves:
            return (curves[key.curve.name],)
    if isinstance(key, Ed25519PublicKey):
        return ("EdDSA",)
    raise ValueError("keys are RSA, EC (P-256, P-384, P-521) or Ed25519")
