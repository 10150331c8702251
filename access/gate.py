"""The gate: a request becomes a caller, or is turned away.

What was proved is remembered for `CACHE_SECONDS`, so that a request costs no look into the
database; a revoked credential is let in no longer than that. What reads signed tokens and
certificates takes 9 MiB in each process, and is loaded when the first of them comes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from access.callers import (
    CHALLENGE,
    BadToken,
    Caller,
    Denied,
    KeysAway,
    invalid,
    later,
    too_narrow,
)
from access.limits import Limits
from access.notes import Notes
from access.proxies import TRUSTED
from access_settings import SCOPES, Access, Issuer
from store import credentials, setting
from store.credentials import Credential
from store.database import Database

if TYPE_CHECKING:
    from access.keysets import KeySet

CACHE_SECONDS = 2.0
LONGEST_HEADER = 16_384
FAILURES, FAILURES_SECONDS = 60, 60.0
"""So many failures of one client at one address are answered 401, then 429; in so long. A
conformance suite has some thirty; what they guess at are secrets of 256 random bits."""
NOTHING = "no credential"
"""Reason of turning somebody away who did not even try: a probe, a client's first attempt.
It is noted, and nobody has to wait for it."""
SIGNING_KEY = "access_tokens"
"""Name of the setting that holds what signs tokens of /oauth/token."""

_BEARER = re.compile(r"[A-Za-z0-9\-._~+/]+=*\Z")
_KNOWN = "muster.caller"
_MOST_KNOWN = 10_000


class Gate:
    """Lets callers in. Safe to share between threads; make it after a fork.

    `base_url` is the public address, without a slash at the end; `folder` is where limits
    are kept that hold for all processes of this machine; `signing_key` gives what signs
    access tokens (None: a key in the database); `now` and `business_now` are the two clocks.
    """

    def __init__(
        self,
        db: Database,
        access: Access | None = None,
        *,
        base_url: str = "",
        folder: Path | None = None,
        signing_key: Callable[[], str] | None = None,
        now: Callable[[], float],
        business_now: Callable[[], float] | None = None,
        cache_seconds: float = CACHE_SECONDS,
    ) -> None:
        self.settings = access or Access()
        self.base_url = base_url
        self.audience = f"{base_url}/scim/v2"
        self.db = db
        self.now = now
        self.notes = Notes(db, now, business_now or now)
        self._limits = Limits(folder / "limits.callers" if folder else None)
        self._failures = Limits(folder / "limits.failures" if folder else None)
        self._certificate = _variable(self.settings.certificate_header)
        self._verified = _variable(self.settings.verified_header)
        self._issuers: dict[str, tuple[Issuer, KeySet]] = {}
        if self.settings.issuers:
            from access.keysets import KeySet

            for one in self.settings.issuers:
                self._issuers[one.issuer] = (one, KeySet(one.jwks, one.ca_file))
        self._signing_key = signing_key
        self._key: tuple[float, bytes] | None = None
        self._cache_seconds = cache_seconds
        self._monotonic = time.monotonic
        self._cache: dict[bytes, tuple[float, Caller]] = {}

    def admit(self, environ: dict[str, Any], scope: str | None = None) -> Caller:
        """Who sent the request, if they may do what `scope` stands for (None: anything).

        Judged once for each request, however often it is asked. Raises Denied 401, 403, 429.
        """
        known = environ.get(_KNOWN)
        if known is None:
            known = environ[_KNOWN] = self._judge(environ)
        if isinstance(known, Denied):
            raise known
        caller: Caller = known
        if scope is not None and scope not in caller.scopes:
            denied = too_narrow(scope)
            self.notes.failed(denied.reason, caller.name, environ.get("REMOTE_ADDR") or "")
            raise denied
        return caller

    def is_stranger(self, environ: Mapping[str, Any]) -> bool:
        """Whether a request came without any credential."""
        return not environ.get("HTTP_AUTHORIZATION") and not environ.get(self._certificate)

    def failed(self, denied: Denied, address: str) -> Denied:
        """Note a failure; what is to be answered, which may be "not so often"."""
        self.notes.failed(denied.reason, denied.client, address)
        who = f"{denied.client}@{address}"
        wait = self._failures.take(who, FAILURES / FAILURES_SECONDS, FAILURES)
        if wait and denied.status == 401:
            # Who has the right secret is let in all the same: nobody can be locked out.
            return later(wait, "Too many failures; try again later.", denied.reason)
        return denied

    def limit(self, credential: str) -> None:
        """Count a request of a credential. Raises Denied 429."""
        wait = self._limits.take(credential, self.settings.requests_per_second, self.settings.burst)
        if wait:
            raise later(wait, "Too many requests with this credential; slow down.", "rate")

    # Tokens of our own

    def token_for(self, found: Credential, scopes: frozenset[str]) -> tuple[str, float]:
        """An access token for a client, and for how many seconds it is good."""
        from access.jwts import issue

        now = self.now()
        until = now + self.settings.token_seconds
        if found.expires is not None:
            until = min(until, found.expires)
        claims = {
            "sub": found.handle,
            "client_id": found.handle,
            "cid": found.id,
            "scope": " ".join(scope for scope in SCOPES if scope in scopes),
        }
        token = issue(self._secret(), self.base_url, self.audience, claims, now, until)
        return token, int(until - now)

    def _secret(self) -> bytes:
        if self._signing_key is not None:
            return hashlib.sha256(self._signing_key().encode()).digest()
        kept = self._key
        if kept is None or self._monotonic() - kept[0] > CACHE_SECONDS:
            with self.db.read() as conn:
                found = setting.get(conn, SIGNING_KEY)
            # As rarely as it is made, it may be asked for again and again.
            key = (
                bytes.fromhex(found)
                if found
                else self.db.write(lambda tx: setting.key(tx, SIGNING_KEY))
            )
            self._key = kept = (self._monotonic(), key)
        return kept[1]

    # Judging

    def _judge(self, environ: Mapping[str, Any]) -> Caller | Denied:
        try:
            caller = self._known(environ)
            self.limit(caller.credential)
        except Denied as denied:
            address = environ.get("REMOTE_ADDR") or ""
            if denied.reason == NOTHING:
                self.notes.failed(denied.reason, "", address)  # there is nothing to be guessed
            elif denied.status == 401:
                return self.failed(denied, address)
            return denied
        self.notes.used(caller.credential, self.now())
        return caller

    def _known(self, environ: Mapping[str, Any]) -> Caller:
        header = environ.get("HTTP_AUTHORIZATION")
        kind = "authorization"
        if not header and environ.get(self._certificate):
            kind, header = "certificate", environ[self._certificate]
            if not environ.get(TRUSTED):
                raise invalid("certificate header from a peer that is no trusted proxy")
            if environ.get(self._verified) != "SUCCESS":
                # Its names are worth as much as the signature below them.
                raise invalid("certificate that the proxy did not verify")
        if not header:
            challenge = {"WWW-Authenticate": CHALLENGE}
            raise Denied(401, "A credential is required.", challenge, reason=NOTHING)
        if len(header) > LONGEST_HEADER:
            raise invalid("credential too long")
        key = hashlib.sha256(f"{kind} {header}".encode("utf-8", "surrogatepass")).digest()
        cached = self._cache.get(key)
        if cached is not None and cached[0] > self._monotonic():
            caller = cached[1]
            if caller.expires is None or caller.expires > self.now():
                return caller
        caller = self._prove(kind, header)
        if len(self._cache) >= _MOST_KNOWN:
            self._cache.clear()
        self._cache[key] = (self._monotonic() + self._cache_seconds, caller)
        return caller

    def _prove(self, kind: str, header: str) -> Caller:
        if kind == "certificate":
            return self._by_certificate(header)
        scheme, _, proof = header.partition(" ")
        proof = proof.strip(" ")
        if scheme.lower() == "basic":
            return self._by_password(proof)
        if scheme.lower() != "bearer" or not _BEARER.match(proof):
            raise invalid("malformed header")
        if proof.startswith(credentials.PREFIX) or proof.count(".") != 2:
            return self._by_token(proof)
        return self._by_jwt(proof)

    def _by_token(self, token: str) -> Caller:
        with self.db.moment() as conn:
            found = credentials.find(conn, token, self.now())
        if found is None or not hmac.compare_digest(
            found.digest or "", credentials.digest_of(token)
        ):
            with self.db.read() as conn:
                source = credentials.named_in(conn, token)
            raise invalid("unknown, expired or revoked token", source or "")
        return _caller(found, found.source)

    def _by_password(self, proof: str) -> Caller:
        try:
            text = base64.b64decode(proof, validate=True).decode()
        except (binascii.Error, ValueError):
            raise invalid("malformed header", scheme="Basic") from None
        user, colon, password = text.partition(":")
        found = self.client(user, password) if colon else None
        if found is None:
            raise invalid("wrong user name or password", user, "Basic")
        return _caller(found, user)

    def client(self, handle: str, secret: str) -> Credential | None:
        """The client of that id, if the secret is its."""
        with self.db.moment() as conn:
            several = credentials.by_handle(conn, "client", handle, self.now())
        digest = credentials.digest_of(secret)
        right = [one for one in several if hmac.compare_digest(one.digest or "", digest)]
        return right[0] if right else None

    def _by_jwt(self, token: str) -> Caller:
        from access.jwts import peek

        claims: dict[str, Any] = {}
        try:
            header, claims = peek(token)
            if claims.get("iss") == self.base_url and "cid" in claims:
                return self._by_own(token)
            outside = self._issuers.get(str(claims.get("iss")))
            if outside is None:
                raise BadToken("unknown issuer")
            return self._by_outside(token, header, *outside)
        except BadToken as bad:
            raise invalid(f"JWT: {bad}", str(claims.get("sub", ""))) from None
        except KeysAway:
            raise later(5, "The issuer's keys cannot be had just now.", "keys away") from None

    def _by_own(self, token: str) -> Caller:
        from access.jwts import read_own

        now = self.now()
        claims = read_own(token, self._secret(), self.base_url, self.audience, now)
        with self.db.moment() as conn:
            found = credentials.by_id(conn, str(claims.get("cid")), now)
        if found is None:
            raise BadToken("its client has been revoked")
        scopes = found.scopes & frozenset(str(claims.get("scope", "")).split())
        return _caller(found, str(found.handle), scopes, float(claims["exp"]))

    def _by_outside(
        self, token: str, header: Mapping[str, Any], issuer: Issuer, keys: KeySet
    ) -> Caller:
        from access.jwts import read_outside

        now = self.now()
        claims = read_outside(token, header, issuer, keys, now)
        client = claims.get(issuer.client_claim)
        if not isinstance(client, str) or not client:
            raise BadToken(f"without {issuer.client_claim}")
        with self.db.moment() as conn:
            several = credentials.by_handle(conn, "jwt", f"{issuer.issuer}\n{client}", now)
        if not several:
            raise BadToken("nobody we know")
        scopes = several[0].scopes
        if issuer.scope_claim is not None:
            scopes &= _meant(claims.get(issuer.scope_claim), issuer.scopes)
        return _caller(several[0], client, scopes, float(claims["exp"]))

    def _by_certificate(self, header: str) -> Caller:
        from access import certificates

        try:
            certificate = certificates.read(header)
            handle = certificates.handle(certificate)
        except ValueError:
            raise invalid("malformed certificate") from None
        now = self.now()
        name = handle.partition("\n")[0]
        if not certificates.is_current(certificate, now):
            raise invalid("certificate not current", name)
        with self.db.moment() as conn:
            several = credentials.by_handle(conn, "certificate", handle, now)
        if not several:
            raise invalid("unknown certificate", name)
        return _caller(several[0], name, until=certificate.not_valid_after_utc.timestamp())


def _variable(header: str) -> str:
    """Where WSGI keeps a header."""
    return "HTTP_" + header.upper().replace("-", "_")


def _caller(
    found: Credential,
    name: str,
    scopes: frozenset[str] | None = None,
    until: float | None = None,
) -> Caller:
    ends = [end for end in (found.expires, until) if end is not None]
    return Caller(
        credential=found.id,
        source=found.source,
        profile=found.profile,
        subject=found.subject,
        scopes=found.scopes if scopes is None else scopes,
        expires=min(ends) if ends else None,
        name=name,
    )


def _meant(said: object, meanings: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """What the values of a claim come to: a list, or text separated by blanks."""
    values = said.split() if isinstance(said, str) else said
    if not isinstance(values, list):
        return frozenset()
    found: set[str] = set()
    for value in values:
        found.update(meanings.get(str(value), ()) if meanings else _ours(str(value)))
    return frozenset(found)


def _ours(value: str) -> tuple[str, ...]:
    return SCOPES if value == "scim" else (value,) if value in SCOPES else ()
