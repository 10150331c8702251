"""Signed tokens: short-lived ones of our own, those of outside issuers, and assertions by
which OAuth clients prove who they are (RFC 7519, 7523, 9068).

PyJWT reads and checks signatures; which algorithm may come with which key is said here, so
that a public key never serves as a shared secret. Times are checked against our own clock.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from access.algorithms import algorithms_for
from access.callers import BadToken
from access.keysets import Key, KeySet
from access_settings import Issuer

OWN = "HS256"
LEEWAY = 60.0
"""Seconds by which somebody else's clock may be wrong."""
LONGEST_ASSERTION = 3600.0
"""Seconds for which an assertion may be good."""
_TYPES = ("at+jwt", "application/at+jwt", "jwt")
_UNCHECKED: Any = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
_UNSIGNED: Any = {**_UNCHECKED, "verify_signature": False}


def peek(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, believed by nobody yet. Raises BadToken."""
    try:
        said = jwt.decode_complete(token, options=_UNSIGNED)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise BadToken("malformed") from None
    return said["header"], said["payload"]


def issue(
    key: bytes, issuer: str, audience: str, claims: Mapping[str, Any], now: float, until: float
) -> str:
    """A token of our own."""
    said = {"iss": issuer, "aud": audience, "iat": int(now), "exp": int(until)}
    said |= {"jti": str(uuid.uuid4()), **claims}
    return jwt.encode(said, key, OWN, headers={"typ": "at+jwt"})


def read_own(token: str, key: bytes, issuer: str, audience: str, now: float) -> dict[str, Any]:
    """The claims of a token that `issue` made. Raises BadToken."""
    claims = _verified(token, [Key(key, (OWN,))])
    _check(claims, issuer, [audience], now, 0.0)
    return claims


def read_outside(
    token: str, header: Mapping[str, Any], issuer: Issuer, keys: KeySet, now: float
) -> dict[str, Any]:
    """The claims of an issuer's token with that header. Raises BadToken, and KeysAway."""
    if str(header.get("typ", "JWT")).lower() not in _TYPES:
        raise BadToken("not an access token")
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise BadToken("malformed")
    claims = _verified(token, keys.keys(kid), issuer.algorithms)
    _check(claims, issuer.issuer, issuer.audience, now, LEEWAY)
    return claims


def read_assertion(
    token: str, public_keys: Iterable[str], client: str, audiences: Sequence[str], now: float
) -> dict[str, Any]:
    """The claims by which `client` proves who it is (RFC 7523 section 3). Raises BadToken."""
    found = [load_pem_public_key(pem.encode()) for pem in public_keys]
    claims = _verified(token, [Key(public, algorithms_for(public)) for public in found])
    _check(claims, client, audiences, now, LEEWAY)
    if claims.get("sub") != client:
        raise BadToken("subject")
    if claims["exp"] > now + LONGEST_ASSERTION + LEEWAY:
        raise BadToken("good for too long")
    if not isinstance(claims.get("jti"), str) or not 0 < len(claims["jti"]) <= 255:
        raise BadToken("without jti")
    return claims


def _verified(
    token: str, keys: Iterable[Key], algorithms: Sequence[str] | None = None
) -> dict[str, Any]:
    """The claims, if one of the keys signed them by an algorithm that goes with it and, if
    `algorithms` are given, is one of them."""
    for key in keys:
        allowed = [name for name in key.algorithms if algorithms is None or name in algorithms]
        try:
            found: dict[str, Any] = jwt.decode(
                token, key.public, algorithms=allowed, options=_UNCHECKED
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            continue
        return found
    raise BadToken("signature")


def _check(
    claims: Mapping[str, Any], issuer: str, audiences: Sequence[str], now: float, leeway: float
) -> None:
    if claims.get("iss") != issuer:
        raise BadToken("issuer")
    said = claims.get("aud")
    named = said if isinstance(said, list) else [said]
    if not any(isinstance(one, str) and one in audiences for one in named):
        raise BadToken("audience")
    until = claims.get("exp")
    if not _is_number(until) or until <= now - leeway:  # type: ignore[operator]
        raise BadToken("expired")
    for name in ("nbf", "iat"):
        begins = claims.get(name)
        if begins is not None and (not _is_number(begins) or begins > now + leeway + 1):
            raise BadToken("not good yet")


def _is_number(value: object) -> bool:
    """Whether it is a time: JSON as Python reads it has NaN and numbers without end too."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12
