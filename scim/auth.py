"""Who calls: the Authorization header becomes a client (RFC 6750, RFC 7644 section 2)."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from scim.errors import ScimError
from scim.profiles import HR, PROFILES, STRICT
from scim.service import Client
from store import credentials
from store.database import Database

_REALM = 'Bearer realm="Muster SCIM"'


def authenticate(
    db: Database, header: str | None, profiles: Mapping[str, str], now: float
) -> Client:
    """The client behind a bearer token.

    A token made for a profile goes by that; the others by that of their source, which
    `profiles` names (hr for others). Raises ScimError 401, in the same words whatever is
    wrong with a token.
    """
    with db.moment() as conn:
        return authenticate_on(conn, header, profiles, now)


def authenticate_on(
    conn: Connection, header: str | None, profiles: Mapping[str, str], now: float
) -> Client:
    """`authenticate` on a connection that is there already."""
    if not header:
        raise ScimError(401, "A bearer token is required.", headers={"WWW-Authenticate": _REALM})
    scheme, _, token = header.strip().partition(" ")
    found = None
    if scheme.lower() == "bearer":
        found = credentials.find(conn, token.strip(), now)
    if found is None:
        raise ScimError(
            401,
            "The token is not valid.",
            headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'},
        )
    profile = found.profile or profiles.get(found.source, HR.name)
    return Client(found.source, PROFILES.get(profile, STRICT), found.subject)
