"""The authority: who the app is, which tokens it gets, and what a token is good for.

OAuth 2.0 client credentials with a secret (RFC 6749 section 4.4), the two metadata documents
that MSAL may ask for, and Graph's check of the token.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt

from sandbox.entra.directory import Answer
from sandbox.entra.errors import GraphError
from sandbox.entra.options import Options
from sandbox.entra.tenant import Identity
from store.clocks import to_datetime

GRAPH = "https://graph.microsoft.com"
_GRAPH_APP = "00000003-0000-0000-c000-000000000000"
_NO_CLIENT = (
    "Application with identifier '{0}' was not found in the directory '{1}'. This can happen if "
    "the application has not been installed by the administrator of the tenant or consented to "
    "by any user in the tenant. You may have sent your authentication request to the wrong tenant."
)
_BAD_SECRET = (
    "Invalid client secret provided. Ensure the secret being sent in the request is the client "
    "secret value, not the client secret ID, for a secret added to app '{0}'."
)
_NO_TENANT = (
    "Tenant '{0}' not found. Check to make sure you have the correct tenant ID and are signing "
    "into the correct cloud. Check with your subscription administrator, this may happen if there "
    "are no active subscriptions for the tenant."
)
_BAD_SCOPE = (
    "The provided value for scope {0} is not valid. Client credential flows must have a scope "
    "value with /.default suffixed to the resource identifier (application ID URI)."
)


class _Refused(Exception):
    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(text)
        self.status, self.error, self.number, self.text = status, error, number, text


def metadata(origin: str, tenant: str, identity: Identity, now: float) -> Answer:
    """GET /{tenant}/v2.0/.well-known/openid-configuration."""
    if tenant.lower() != identity.tenant_id:
        return _refusal(_Refused(400, "invalid_tenant", 90002, _NO_TENANT.format(tenant)), now)
    base = f"{origin}/{identity.tenant_id}"
    return Answer(
        200,
        {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "response_types_supported": ["code", "token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "tenant_region_scope": "EU",
        },
    )


def discovery(origin: str) -> Answer:
    """GET /common/discovery/instance."""
    host = urlsplit(origin).netloc
    return Answer(
        200,
        {
            "tenant_discovery_endpoint": f"{origin}/common/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [
                {"preferred_network": host, "preferred_cache": host, "aliases": [host]},
            ],
        },
    )


def issue(
    origin: str,
    tenant: str,
    body: bytes,
    basic: tuple[str, str] | None,
    identity: Identity,
    options: Options,
    now: float,
) -> Answer:
    """POST /{tenant}/oauth2/v2.0/token. `basic`: client id and secret of an Authorization
    header. `now`: epoch seconds by the machine's clock."""
    try:
        form = {k: v[-1] for k, v in parse_qs(body.decode("utf-8"), strict_parsing=False).items()}
    except UnicodeDecodeError:
        form = {}
    if basic is not None:
        form |= {"client_id": basic[0], "client_secret": basic[1]}
    try:
        audience = _granted(origin, tenant, form, identity)
    except _Refused as refused:
        return _refusal(refused, now)
    claims = {
        "aud": audience,
        "iss": f"{origin}/{identity.tenant_id}/v2.0",
        "iat": int(now),
        "nbf": int(now),
        "exp": int(now) + options.token_seconds,
        "appid": identity.client_id,
        "idtyp": "app",
        "oid": str(uuid.uuid5(uuid.NAMESPACE_OID, identity.client_id)),
        "roles": sorted(options.roles),
        "tid": identity.tenant_id,
        "ver": "1.0",
    }
    token = jwt.encode(claims, identity.signing_key, algorithm="HS256")
    seconds = options.token_seconds
    return Answer(
        200,
        {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token,
        },
        {"Cache-Control": "no-store", "Pragma": "no-cache"},
    )


def basic(header: str) -> tuple[str, str] | None:
    """Client id and secret of `Authorization: Basic` (RFC 6749 section 2.3.1), or None."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, secret = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote(user), unquote(secret)


def authorised(
    headers: Mapping[str, str], origin: str, identity: Identity, now: float
) -> frozenset[str]:
    """The application permissions in the request's token. Raises GraphError 401."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorised("Access token is empty.", origin)
    try:
        claims = _claims(token.strip(), identity.signing_key)
    except jwt.InvalidSignatureError:
        raise _unauthorised("Access token validation failure. Invalid signature.", origin) from None
    except jwt.InvalidTokenError:
        raise _unauthorised("IDX14100: JWT is not well formed.", origin) from None
    if claims["aud"] not in (GRAPH, _GRAPH_APP, origin):
        raise _unauthorised("Access token validation failure. Invalid audience.", origin)
    if claims["exp"] <= now:
        raise _unauthorised("Lifetime validation failed, the token is expired.", origin)
    return frozenset(claims.get("roles", ()))


@lru_cache(maxsize=64)
def _claims(token: str, key: str) -> dict[str, Any]:
    """What a token says, if it is ours: the same one comes with every request for an hour."""
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=["HS256"],
        # Time is ours to pass in, and two audiences are right.
        options={
            "verify_aud": False,
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
            "require": ["exp", "aud", "tid"],
        },
    )
    return claims


def _granted(origin: str, tenant: str, form: Mapping[str, str], identity: Identity) -> str:
    """The audience of the token to give."""
    if tenant.lower() != identity.tenant_id:
        raise _Refused(400, "invalid_request", 90002, _NO_TENANT.format(tenant))
    grant = form.get("grant_type")
    if grant is None:
        raise _Refused(
            400,
            "invalid_request",
            900144,
            "The request body must contain the following parameter: 'grant_type'.",
        )
    if grant != "client_credentials":
        raise _Refused(
            400,
            "unsupported_grant_type",
            70003,
            f"The app requested an unsupported grant type '{grant}'.",
        )
    client = form.get("client_id", "")
    if client.lower() != identity.client_id:
        raise _Refused(
            400, "unauthorized_client", 700016, _NO_CLIENT.format(client, identity.tenant_id)
        )
    secret = form.get("client_secret")
    if secret is None:
        raise _Refused(
            401,
            "invalid_client",
            7000216,
            "'client_assertion', 'client_secret' or 'request' is required for the "
            "'client_credentials' grant type.",
        )
    if not hmac.compare_digest(secret.encode(), identity.client_secret.encode()):
        raise _Refused(401, "invalid_client", 7000215, _BAD_SECRET.format(client))
    scope = form.get("scope", "")
    resource = scope.removesuffix("/.default")
    if resource == scope or resource.rstrip("/") not in (GRAPH, _GRAPH_APP, origin):
        raise _Refused(400, "invalid_scope", 1002012, _BAD_SCOPE.format(scope))
    return resource.rstrip("/")


def _refusal(refused: _Refused, now: float) -> Answer:
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    stamp = to_datetime(now).strftime("%Y-%m-%d %H:%M:%SZ")
    return Answer(
        refused.status,
        {
            "error": refused.error,
            "error_description": f"AADSTS{refused.number}: {refused.text} Trace ID: {trace} "
            f"Correlation ID: {correlation} Timestamp: {stamp}",
            "error_codes": [refused.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={refused.number}",
        },
    )


def _unauthorised(message: str, origin: str) -> GraphError:
    challenge = (
        f'Bearer realm="", authorization_uri="{origin}/common/oauth2/authorize", '
        f'client_id="{_GRAPH_APP}"'
    )
    return GraphError(
        401, "InvalidAuthenticationToken", message, headers={"WWW-Authenticate": challenge}
    )
