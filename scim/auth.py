"""Who calls: the Authorization header becomes a client (RFC 6750, RFC 7644 section 2)."""

from __future__ import annotations

from collections.abc import Mapping

from scim.errors import ScimError
from scim.profiles import PROFILES, STRICT
from scim.service import Client
from store import credentials
from store.database import Database

_REALM = 'Bearer realm="Muster SCIM"'


def authenticate(
    db: Database, header: str | None, profiles: Mapping[str, str], now: float
) -> Client:
    """The client behind a bearer token.

    A token made for a profile goes by that; the others by that of their source, which
    `profiles` names. Raises ScimError 401, in the same words whatever is wrong with a token.
    """
    if not header:
        raise ScimError(401, "A bearer token is required.", headers={"WWW-Authenticate": _REALM})
    scheme, _, token = header.strip().partition(" ")
    found = None
    if scheme.lower() == "bearer":
        with db.moment() as conn:
            found = credentials.find(conn, token.strip(), now)
    if found is None:
        raise ScimError(
            401,
            "The token is not valid.",
            headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'},
        )
    profile = found.profile or profiles.get(found.source, "")
    return Client(found.source, PROFILES.get(profile, STRICT), found.subject)
