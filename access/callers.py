"""Who calls, and the one way to turn somebody away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

REALM = 'realm="Muster SCIM"'
CHALLENGE = f'Bearer {REALM}, Basic {REALM}, charset="UTF-8"'
"""What may be sent, to somebody who sent nothing."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A source's client that has proved who it is, by the credential of that id.

    `profile` is "" where that of the source counts; `scopes` are of `store.credentials.SCOPES`;
    `expires` is the end of what it proved it with, in epoch seconds; `name` is for logs.
    """

    credential: str
    source: str
    profile: str
    subject: str | None
    scopes: frozenset[str]
    expires: float | None
    name: str


class Denied(Exception):
    """A request that is turned away.

    `status` is the HTTP status, `detail` a sentence for whoever calls, which does not tell
    more than they know; `headers` go with the answer. `reason` is for the log and journal;
    `client` is who they said they were.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        *,
        reason: str = "",
        client: str = "",
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.reason = reason
        self.client = client


class BadToken(Exception):
    """A signed token that is not good; the text says why, for the log."""


class KeysAway(Exception):
    """The keys by which a token could be judged cannot be had just now."""


def invalid(reason: str, client: str = "", scheme: str = "Bearer") -> Denied:
    """401, in the same words whatever is wrong with what was sent."""
    if scheme == "Basic":
        said, challenge = "The user name or password is not valid.", f"Basic {REALM}"
    else:
        said, challenge = "The token is not valid.", f'Bearer {REALM}, error="invalid_token"'
    return Denied(401, said, {"WWW-Authenticate": challenge}, reason=reason, client=client)


def too_narrow(scope: str) -> Denied:
    """403 that names the scope that is missing (RFC 6750 section 3.1)."""
    challenge = f'Bearer {REALM}, error="insufficient_scope", scope="{scope}"'
    detail = f"This credential may not do that: it lacks the scope {scope!r}."
    return Denied(403, detail, {"WWW-Authenticate": challenge}, reason=f"scope {scope}")


def later(seconds: float, detail: str, reason: str = "") -> Denied:
    """429: the same request may go through after `seconds`."""
    wait = str(max(1, int(seconds + 0.999)))
    return Denied(429, detail, {"Retry-After": wait}, reason=reason)
