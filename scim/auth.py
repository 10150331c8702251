"""Who calls: a caller that the gate let in becomes a SCIM client, under its profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from access import Caller, Denied, Gate
from scim.errors import ScimError
from scim.profiles import HR, profile_of
from scim.service import Client


def admit(
    gate: Gate, environ: dict[str, Any], profiles: Mapping[str, str], scope: str | None = None
) -> Client:
    """The client that sent the request of a WSGI environment, if it may do what `scope` says.

    A credential made for a profile goes by that; the others by that of their source, which
    `profiles` names (hr for others). Raises ScimError 401, 403, 429.
    """
    caller = permit(gate, environ, scope)
    name = caller.profile or profiles.get(caller.source, HR.name)
    profile = profile_of(name, joined=caller.source in profiles)
    return Client(caller.source, profile, caller.subject)


def permit(gate: Gate, environ: dict[str, Any], scope: str | None) -> Caller:
    """Who sent the request, if they may do what `scope` says. Raises as `admit` does."""
    try:
        return gate.admit(environ, scope)
    except Denied as denied:
        raise ScimError(denied.status, denied.detail, headers=denied.headers) from None
