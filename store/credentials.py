"""Bearer tokens of sources: 256 random bits, of which only the SHA-256 digest is kept.

A slow hash would protect a guessable secret; these cannot be guessed.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, literal, or_, select, update

from store.database import Database
from store.statement import Statement
from store.tables import credential

PREFIX = "muster_"
_SOURCE = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?\Z", re.I)
_MAX_TOKEN = 256

_FIND = Statement(
    select(
        credential.c.id,
        credential.c.source,
        credential.c.profile,
        credential.c.expires,
        credential.c.subject,
    ).where(
        credential.c.digest == bindparam("the_digest"),
        credential.c.kind == literal("bearer"),
        credential.c.revoked.is_(None),
        or_(credential.c.expires.is_(None), credential.c.expires > bindparam("the_now")),
    )
)


@dataclass(frozen=True, slots=True)
class Credential:
    """Who calls: a source, dealt with under a client profile ("": that of the source).
    `expires` in epoch seconds; `subject` is the SCIM id that /Me stands for."""

    id: str
    source: str
    profile: str
    expires: float | None
    subject: str | None


def create(
    db: Database,
    source: str,
    now: float,
    expires: float | None = None,
    profile: str = "",
    subject: str | None = None,
) -> str:
    """Make a token for `source` and return its text, which is shown only this once.

    Raises ValueError when `source` is not a name of letters, digits, `-` and `_`.
    """
    if not _SOURCE.match(source):
        raise ValueError(f"{source!r} is no source name: use letters, digits, - and _, at most 64")
    token = f"{PREFIX}{source}_{secrets.token_urlsafe(32)}"
    row = {
        "id": str(uuid.uuid4()),
        "source": source,
        "kind": "bearer",
        "digest": _digest(token),
        "profile": profile,
        "created": now,
        "expires": expires,
        "subject": subject,
    }
    db.write(lambda conn: conn.execute(insert(credential), row).close())
    return token


def find(conn: Connection, token: str, now: float) -> Credential | None:
    """The credential of a token that is neither revoked nor expired."""
    if len(token) > _MAX_TOKEN or not token.startswith(PREFIX):
        return None
    row = _FIND.first(conn, the_digest=_digest(token), the_now=now)
    return Credential(*row) if row else None


def any_for(conn: Connection, source: str) -> bool:
    """Whether `source` was ever given a token that has not been revoked."""
    statement = select(credential.c.id).where(
        credential.c.source == source, credential.c.revoked.is_(None)
    )
    return conn.execute(statement.limit(1)).first() is not None


def revoke(db: Database, id: str, now: float) -> bool:
    """End a credential at once; False when there is none, or it has ended before."""
    statement = (
        update(credential)
        .where(credential.c.id == id, credential.c.revoked.is_(None))
        .values(revoked=now)
    )
    return db.write(lambda conn: conn.execute(statement).rowcount == 1)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
