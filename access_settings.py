"""Settings of who may call and from where: proxies, limits, tokens, issuers, sign-in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

SCOPES = ("read", "write", "bulk")
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""Signatures that an outside issuer or a client may make: by key pairs, never by a shared
secret, and never none."""

Network = IPv4Network | IPv6Network
DEFAULT_PORT = 8080


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own alone."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Issuer:
    """Somebody outside whose tokens are believed (RFC 7519, RFC 9068)."""

    issuer: str
    audience: tuple[str, ...]
    jwks: str
    """URL of its keys."""
    ca_file: str | None = None
    """PEM of who may have signed the certificate of `jwks`; none: whom the machine trusts."""
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256")
    client_claim: str = "sub"
    """Which claim says who calls."""
    scope_claim: str | None = None
    """Which claim says what they may do; none: what their credential says."""
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What a value of that claim means, where it is not one of ours."""


@dataclass(frozen=True)
class Proxies:
    """The reverse proxies in front, and the address by which the world knows this server."""

    base_url: str = ""
    """Scheme, host and path prefix, without a slash at the end."""
    trusted: tuple[Network, ...] = ()
    """From where forwarding headers and client certificates are believed."""
    hops: int = 1
    """How many proxies in a row add to X-Forwarded-For."""

    @property
    def prefix(self) -> str:
        """The path before /scim/v2, such as `/muster`."""
        return urlsplit(self.base_url).path

    @property
    def any(self) -> bool:
        """Whether a proxy stands in front, by what is configured."""
        return bool(self.trusted) or not is_loopback(urlsplit(self.base_url).hostname or "::1")

    def trusts(self, address: str | None) -> bool:
        """Whether a peer is one of the proxies."""
        try:
            found = ip_address(address or "")
        except ValueError:
            return False
        # On a socket for both an IPv4 peer looks like this: ::ffff:10.0.0.7.
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self.trusted)


@dataclass(frozen=True)
class Access:
    """Who may call: limits, tokens of our own, those of others, certificates."""

    requests_per_second: float = 5_000.0
    """Of one credential, over a while; 0: no limit."""
    burst: float = 20_000.0
    """That many at once."""
    token_seconds: float = 3600.0
    """How long a token of /oauth/token lives."""
    signing_key: str | None = None
    """Reference to what signs those; none: a key in the database."""
    certificate_header: str = "X-SSL-Client-Cert"
    """In which a trusted proxy passes a client's certificate on ..."""
    verified_header: str = "X-SSL-Client-Verify"
    """... and in which it says SUCCESS if it has checked who signed it."""
    issuers: tuple[Issuer, ...] = ()


@dataclass(frozen=True)
class SignIn:
    """How long an operator stays signed in, in minutes."""

    idle_minutes: float = 20.0
    longest_minutes: float = 720.0


def _https(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValidationError("is not an https:// URL|Keys are fetched over TLS only.")


def _base(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValidationError(
            "is not the address of a server|Give scheme, host and path: https://host/prefix."
        )
    if parts.path.rstrip("/").lower().endswith("/scim/v2"):
        raise ValidationError("ends with /scim/v2|Leave that out: it is added to the address.")


def _network(text: str) -> None:
    try:
        ip_network(text)
    except ValueError:
        raise ValidationError(
            f"{text} is no network|Give addresses such as 10.0.0.7 or 10.0.0.0/24."
        ) from None


_header = validate.Regexp(r"^[A-Za-z0-9-]{1,60}$")


class ServerSchema(Schema):
    host = fields.String(load_default="127.0.0.1")
    port = fields.Integer(strict=True, load_default=DEFAULT_PORT, validate=validate.Range(1, 65535))
    base_url = fields.String(load_default=None, allow_none=True, validate=_base)
    trusted_proxies = fields.List(fields.String(validate=_network), load_default=list)
    proxy_hops = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, 10))


class _IssuerSchema(Schema):
    audience = fields.List(fields.String(), required=True, validate=validate.Length(min=1))
    jwks = fields.String(required=True, validate=_https)
    ca_file = fields.String(load_default=None, allow_none=True)
    algorithms = fields.List(
        fields.String(validate=validate.OneOf(ALGORITHMS)),
        load_default=lambda: ["RS256", "PS256", "ES256"],
        validate=validate.Length(min=1),
    )
    client_claim = fields.String(load_default="sub")
    scope_claim = fields.String(load_default=None, allow_none=True)
    scopes = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String(validate=validate.OneOf(SCOPES))),
        load_default=dict,
    )


class AccessSchema(Schema):
    """What is not given is as in `Access`."""

    requests_per_second = fields.Float(validate=validate.Range(min=0))
    burst = fields.Float(validate=validate.Range(min=1))
    token_seconds = fields.Float(validate=validate.Range(60, 86_400))
    signing_key = fields.String(allow_none=True)
    certificate_header = fields.String(validate=_header)
    verified_header = fields.String(validate=_header)
    issuers = fields.Dict(
        keys=fields.String(), values=fields.Nested(_IssuerSchema), load_default=dict
    )

    @validates_schema
    def _reference(self, data: Mapping[str, Any], **_: Any) -> None:
        key = data.get("signing_key")
        if key is not None and not key.startswith(("env:", "file:")):
            raise ValidationError(
                {"signing_key": ["is a secret, not a reference to one|Give env:NAME or file:PATH."]}
            )


class SignInSchema(Schema):
    """What is not given is as in `SignIn`."""

    idle_minutes = fields.Float(validate=validate.Range(1, 1440))
    longest_minutes = fields.Float(validate=validate.Range(1, 10_080))


def proxies_from(raw: Mapping[str, Any]) -> Proxies:
    """The proxies in the checked section `server`."""
    networks = tuple(ip_network(text) for text in raw["trusted_proxies"])
    return Proxies((raw["base_url"] or "").rstrip("/"), networks, raw["proxy_hops"])


def access_from(raw: Mapping[str, Any], here: Path) -> Access:
    """The checked section `access`; paths are relative to `here`."""
    issuers = []
    for name, value in raw["issuers"].items():
        ca_file = str(here / value["ca_file"]) if value["ca_file"] else None
        issuers.append(
            Issuer(
                name,
                tuple(value["audience"]),
                value["jwks"],
                ca_file,
                tuple(value["algorithms"]),
                value["client_claim"],
                value["scope_claim"],
                {said: tuple(meant) for said, meant in value["scopes"].items()},
            )
        )
    return Access(**{**raw, "issuers": tuple(issuers)})
