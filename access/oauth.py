"""Our own token endpoint (RFC 6749 section 4.4, RFC 7523) and its metadata (RFC 8414).

A client proves who it is by its secret, in the header or in the form, or by an assertion
that it signs, and gets a token that is good for a while.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_plus

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import Connection, delete, insert
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from access.callers import REALM, BadToken, Denied
from access.gate import Gate
from access_settings import ALGORITHMS, SCOPES
from store import credentials
from store.credentials import Credential
from store.tables import assertion

TOKEN = "/oauth/token"
METADATA = "/.well-known/oauth-authorization-server"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
_LEEWAY = 120.0
_LONGEST = 65_536
_LATER = {"Retry-After": "5"}


class Refused(Exception):
    """An error of RFC 6749 section 5.2."""

    def __init__(self, status: int, error: str, detail: str, reason: str = "") -> None:
        super().__init__(detail)
        self.status, self.error, self.detail, self.reason = status, error, detail, reason
        self.client = ""
        self.headers: dict[str, str] = {}


def create_blueprint(gate: Gate) -> Blueprint:
    """`POST /oauth/token` and the metadata."""
    pages = Blueprint("oauth", __name__)
    endpoint = _Endpoint(gate)

    @pages.post(TOKEN)
    def token() -> Response:
        return endpoint.answer()

    @pages.get(METADATA)
    @pages.get(METADATA + "/<path:rest>")
    def metadata(rest: str = "") -> Response | tuple[Response, int]:
        # RFC 8414 section 3.1: the path of the issuer comes after the well-known part.
        path = gate.base_url.partition("//")[2].partition("/")[2]
        if rest not in ("", path):
            return jsonify(error="there is nothing at this address"), 404
        return jsonify(described(gate.base_url))

    return pages


def described(base_url: str) -> dict[str, Any]:
    """What a client has to know of this authorization server."""
    return {
        "issuer": base_url,
        "token_endpoint": base_url + TOKEN,
        "token_endpoint_auth_methods_supported": list(METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "grant_types_supported": ["client_credentials", JWT_BEARER],
        "response_types_supported": [],
        "scopes_supported": [*SCOPES, "scim"],
    }


class _Endpoint:
    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def answer(self) -> Response:
        """The answer to a request for a token; never raises."""
        try:
            return _closed(jsonify(self._token()))
        except Refused as refused:
            return self._refusal(refused)
        except Denied as denied:
            return _error(denied.status, "temporarily_unavailable", denied.detail, denied.headers)
        except HTTPException as error:
            return _error(error.code or 400, "invalid_request", error.description or "", {})
        except (OperationalError, PoolTimeout):
            said = "Too much to do at this moment; try again."
            return _error(429, "temporarily_unavailable", said, _LATER)

    def _refusal(self, refused: Refused) -> Response:
        if refused.error == "invalid_client":
            denied = Denied(
                refused.status, refused.detail, reason=refused.reason, client=refused.client
            )
            denied = self._gate.failed(denied, request.remote_addr or "")
            if denied.status != refused.status:
                said = denied.detail
                return _error(denied.status, "temporarily_unavailable", said, denied.headers)
        return _error(refused.status, refused.error, refused.detail, refused.headers)

    def _token(self) -> dict[str, Any]:
        if request.mimetype != "application/x-www-form-urlencoded":
            raise Refused(400, "invalid_request", "The body is to be a form.")
        if (request.content_length or 0) > _LONGEST:
            raise Refused(413, "invalid_request", "The form is too long.")
        form = {name: _once(name, request.form.getlist(name)) for name in request.form}
        grant = form.get("grant_type", "")
        if not grant:
            raise Refused(400, "invalid_request", "grant_type is missing.")
        if grant not in ("client_credentials", JWT_BEARER):
            raise Refused(400, "unsupported_grant_type", f"Use client_credentials or {JWT_BEARER}.")
        found = self._client(form, grant)
        self._gate.limit(found.id)
        self._gate.notes.used(found.id, self._gate.now())
        scopes = _scopes(form.get("scope", ""), found)
        token, seconds = self._gate.token_for(found, scopes)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": seconds,
            "scope": " ".join(scope for scope in SCOPES if scope in scopes),
        }

    def _client(self, form: dict[str, str], grant: str) -> Credential:
        header = request.headers.get("Authorization")
        asserted = form.get("client_assertion")
        if grant == JWT_BEARER and asserted is None:
            asserted = form.get("assertion")
            if not asserted:
                raise Refused(400, "invalid_request", "assertion is missing.")
        elif asserted is not None and form.get("client_assertion_type") != ASSERTION:
            raise Refused(400, "invalid_request", f"client_assertion_type is to be {ASSERTION}.")
        ways = [header, asserted, form.get("client_secret")]
        if sum(way is not None for way in ways) > 1:
            raise Refused(400, "invalid_request", "A client proves who it is in one way only.")
        if asserted is not None:
            return self._by_assertion(asserted, form.get("client_id"))
        if header is not None:
            handle, secret = _basic(header)
        else:
            handle, secret = form.get("client_id", ""), form.get("client_secret", "")
        found = self._gate.client(handle, secret) if handle and secret else None
        if found is None:
            raise _invalid_client("wrong client id or secret", handle, basic=header is not None)
        return found

    def _by_assertion(self, token: str, client_id: str | None) -> Credential:
        from access.jwts import peek, read_assertion

        gate, now = self._gate, self._gate.now()
        handle = ""
        try:
            _, claims = peek(token)
            handle = str(claims.get("iss", ""))
            if client_id is not None and client_id != handle:
                raise BadToken("issuer is not client_id")
            with gate.db.moment() as conn:
                several = credentials.by_handle(conn, "key", handle, now)
            keys = [one.public_key for one in several if one.public_key]
            audiences = (gate.base_url + TOKEN, gate.base_url, gate.audience)
            claims = read_assertion(token, keys, handle, audiences, now)
            self._spend(handle, claims, now)
        except BadToken as bad:
            raise _invalid_client(f"assertion: {bad}", handle) from None
        # Of two keys in an overlap the newer one lives longer; both are the same client.
        return max(several, key=lambda one: one.created)

    def _spend(self, handle: str, claims: dict[str, Any], now: float) -> None:
        """An assertion is good once, in whichever process. Raises BadToken."""
        digest = credentials.digest_of(f"{handle}\n{claims['jti']}")

        def work(tx: Connection) -> None:
            tx.execute(delete(assertion).where(assertion.c.until < now))
            # Remembered for longer than `read_assertion` forgives a clock that is wrong.
            until = float(claims["exp"]) + _LEEWAY
            tx.execute(insert(assertion).values(digest=digest, until=until))

        try:
            self._gate.db.write(work)
        except IntegrityError:
            raise BadToken("used before") from None


def _once(name: str, values: Sequence[str]) -> str:
    if len(values) != 1:
        raise Refused(400, "invalid_request", f"{name[:40]} is there twice.")
    return values[0]


def _basic(header: str) -> tuple[str, str]:
    """Id and secret of an Authorization header, decoded as RFC 6749 section 2.3.1 says."""
    scheme, _, proof = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError
        text = base64.b64decode(proof.strip(" "), validate=True).decode()
    except (binascii.Error, ValueError):
        raise _invalid_client("malformed header", basic=True) from None
    user, _, password = text.partition(":")
    return unquote_plus(user), unquote_plus(password)


def _scopes(asked: str, found: Credential) -> frozenset[str]:
    """What the token may do: what is asked for, or all that the client may."""
    wanted = asked.split()
    if not wanted or wanted == ["scim"]:
        return found.scopes
    if not found.scopes.issuperset(wanted):
        may = " ".join(scope for scope in SCOPES if scope in found.scopes)
        raise Refused(400, "invalid_scope", f"This client may ask for: {may}.")
    return frozenset(wanted)


def _invalid_client(reason: str, client: str = "", *, basic: bool = False) -> Refused:
    refused = Refused(401, "invalid_client", "The client could not prove who it is.", reason)
    refused.client = client
    refused.headers = {"WWW-Authenticate": f"Basic {REALM}"} if basic else {}
    return refused


def _error(status: int, error: str, detail: str, headers: dict[str, str]) -> Response:
    response = jsonify(error=error, error_description=detail)
    response.status_code = status
    response.headers.update(headers)
    return _closed(response)


def _closed(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response
