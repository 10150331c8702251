"""Credentials of sources: what proves who calls, and what the caller may do.

Kinds: `bearer`, a token; `client`, an id with a secret (HTTP Basic, or OAuth); `key`, an
OAuth client that signs assertions; `jwt`, somebody of an outside issuer; `certificate`, a
client certificate by subject and issuer. Tokens and secrets are 256 random bits, of which
only the SHA-256 digest is kept: a slow hash would protect a guessable secret, and these
cannot be guessed. Every change is an entry of the journal, in the same transaction.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, literal, or_, select, update
from sqlalchemy.sql import ColumnElement

from access_settings import SCOPES
from store import journal
from store.database import Database
from store.statement import Statement
from store.tables import credential

PREFIX = "muster_"
_SOURCE = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?\Z", re.I)
_MAX_TOKEN = 256
_LEAST_ID = 4


class NoCredential(Exception):
    """There is no such credential, or it cannot be dealt with so; the text says why."""


@dataclass(frozen=True, slots=True)
class Credential:
    """Who calls: a source, dealt with under a client profile ("": that of the source).

    `scopes` of `SCOPES`; `subject` is the SCIM id that /Me stands for; `handle` is the
    client id, or of `jwt` and `certificate` subject and issuer; times in epoch seconds.
    """

    id: str
    source: str
    kind: str
    handle: str | None
    profile: str
    scopes: frozenset[str]
    subject: str | None
    created: float
    expires: float | None
    digest: str | None
    public_key: str | None


_COLUMNS = (
    credential.c.id,
    credential.c.source,
    credential.c.kind,
    credential.c.handle,
    credential.c.profile,
    credential.c.scopes,
    credential.c.subject,
    credential.c.created,
    credential.c.expires,
    credential.c.digest,
    credential.c.public_key,
)


def _good(*where: ColumnElement[bool]) -> Statement:
    return Statement(
        select(*_COLUMNS).where(
            *where,
            credential.c.revoked.is_(None),
            or_(credential.c.expires.is_(None), credential.c.expires > bindparam("the_now")),
        )
    )


_FIND = _good(
    credential.c.digest == bindparam("the_digest"), credential.c.kind == literal("bearer")
)
_BY_ID = _good(credential.c.id == bindparam("the_id"))
_BY_HANDLE = _good(
    credential.c.kind == bindparam("the_kind"), credential.c.handle == bindparam("the_handle")
)


def find(conn: Connection, token: str, now: float) -> Credential | None:
    """The credential of a bearer token that is neither revoked nor expired."""
    if len(token) > _MAX_TOKEN or not token.startswith(PREFIX):
        return None
    row = _FIND.first(conn, the_digest=digest_of(token), the_now=now)
    return _credential(row) if row else None


def by_id(conn: Connection, id: str, now: float) -> Credential | None:
    """The credential of that id, if it is good."""
    row = _BY_ID.first(conn, the_id=id, the_now=now)
    return _credential(row) if row else None


def by_handle(conn: Connection, kind: str, handle: str, now: float) -> list[Credential]:
    """Those of that kind and handle that are good: while one is rotated there are two."""
    if "\0" in handle or not _is_text(handle):  # no database takes it, so none has it
        return []
    rows = _BY_HANDLE.all(conn, the_kind=kind, the_handle=handle, the_now=now)
    return [_credential(row) for row in rows]


def _credential(row: Sequence[Any]) -> Credential:
    found = list(row)
    found[5] = frozenset(found[5].split())
    return Credential(*found)


def create(
    db: Database,
    source: str,
    now: float,
    expires: float | None = None,
    profile: str = "",
    subject: str | None = None,
    scopes: Sequence[str] = SCOPES,
) -> str:
    """Make a bearer token for `source` and return its text, which is shown only this once.

    Raises ValueError when `source` is not a name of letters, digits, `-` and `_`.
    """
    token = _token(source)
    row = _row(source, "bearer", now, expires, profile, subject, scopes)
    _insert(db, {**row, "digest": digest_of(token)})
    return token


def create_client(
    db: Database,
    source: str,
    now: float,
    expires: float | None = None,
    profile: str = "",
    subject: str | None = None,
    scopes: Sequence[str] = SCOPES,
) -> tuple[str, str]:
    """Make a client of `source`: its id, and its secret, which is shown only this once.

    Raises ValueError as `create` does.
    """
    secret = secrets.token_urlsafe(32)
    row = _row(source, "client", now, expires, profile, subject, scopes)
    handle = f"{source}-{secrets.token_hex(4)}"
    _insert(db, {**row, "handle": handle, "digest": digest_of(secret)})
    return handle, secret


def register(
    db: Database,
    kind: str,
    source: str,
    now: float,
    *,
    handle: str | None = None,
    public_key: str | None = None,
    expires: float | None = None,
    profile: str = "",
    subject: str | None = None,
    scopes: Sequence[str] = SCOPES,
) -> str:
    """Make a credential without a secret of ours (key, jwt, certificate); its handle.

    Raises ValueError as `create` does, and NoCredential when the handle is given already.
    """
    row = _row(source, kind, now, expires, profile, subject, scopes)
    handle = handle or f"{source}-{secrets.token_hex(4)}"
    row |= {"handle": handle, "public_key": public_key}

    def work(tx: Connection) -> None:
        if by_handle(tx, kind, handle, now):
            raise NoCredential(f"there is a {kind} credential for {handle!r} already")
        _store(tx, row)

    db.write(work)
    return handle


def rotate(
    db: Database, id: str, now: float, overlap: float, public_key: str | None = None
) -> tuple[str, str | None]:
    """Put a new secret in a credential's place, with all else as it was; handle and secret.

    The old one ends after `overlap` seconds; the new one is good for as long as the old one
    was made for. `key` takes a new `public_key` and has no secret (None). Raises
    NoCredential.
    """
    made: list[tuple[str, str | None]] = []

    def work(tx: Connection) -> None:
        old = tx.execute(_whole(tx, id)).one()._mapping
        expires = old["expires"]
        if old["revoked"] is not None or (expires is not None and expires <= now):
            raise NoCredential(f"credential {old['id']} has ended; make a new one")
        if tx.execute(select(credential.c.id).where(credential.c.replaces == old["id"])).first():
            raise NoCredential(f"credential {old['id']} has been rotated already")
        if old["kind"] in ("jwt", "certificate"):
            raise NoCredential(f"a {old['kind']} has no secret here that could be rotated")
        if (public_key is not None) != (old["kind"] == "key"):
            raise NoCredential("a key is rotated with a new public key, and nothing else is")
        secret = None
        if old["kind"] == "bearer":
            secret = _token(old["source"])
        elif old["kind"] == "client":
            secret = secrets.token_urlsafe(32)
        row = {
            **old,
            "id": str(uuid.uuid4()),
            "digest": digest_of(secret) if secret else None,
            "public_key": public_key,
            "created": now,
            "expires": None if expires is None else now + expires - old["created"],
            "replaces": old["id"],
            "last_used": None,
        }
        end = now + overlap if expires is None else min(expires, now + overlap)
        this = credential.c.id == old["id"]
        tx.execute(update(credential).where(this).values(expires=end))
        _store(tx, row, "rotated")
        made[:] = [(old["handle"] or "", secret)]

    db.write(work)
    return made[0]


def revoke(db: Database, id: str, now: float) -> bool:
    """End a credential at once; False when there is none, or it has ended before."""
    statement = (
        update(credential)
        .where(credential.c.id == id, credential.c.revoked.is_(None))
        .values(revoked=now)
    )

    def work(tx: Connection) -> bool:
        if tx.execute(statement).rowcount != 1:
            return False
        row = tx.execute(select(credential).where(credential.c.id == id)).mappings().one()
        _journal(tx, "revoked", dict(row), now)
        return True

    return db.write(work)


def listed(conn: Connection, source: str | None = None) -> list[dict[str, Any]]:
    """Every credential, or those of `source`, oldest first: the columns of the table but
    for the digest."""
    statement = select(credential).order_by(credential.c.created, credential.c.id)
    if source is not None:
        statement = statement.where(credential.c.source == source)
    shown = [dict(row._mapping) for row in conn.execute(statement)]
    for row in shown:
        del row["digest"]
    return shown


def whole_id(conn: Connection, beginning: str) -> str:
    """The id of the one credential that begins so. Raises NoCredential."""
    found: str = conn.execute(_whole(conn, beginning)).one()._mapping["id"]
    return found


def any_for(conn: Connection, source: str) -> bool:
    """Whether `source` was ever given a credential, be it revoked since."""
    statement = select(credential.c.id).where(credential.c.source == source)
    return conn.execute(statement.limit(1)).first() is not None


def named_in(conn: Connection, token: str) -> str | None:
    """The source that a token which is not good was made for, if it says one that we know.

    Asked of the database: where the name ends and the secret begins cannot be seen from
    the text, and the secret is for no log.
    """
    known = conn.execute(select(credential.c.source).distinct()).scalars()
    return max((one for one in known if token.startswith(f"{PREFIX}{one}_")), key=len, default=None)


def used(tx: Connection, times: Mapping[str, float]) -> None:
    """Remember when credentials, by id, were used last."""
    for id, at in times.items():
        tx.execute(update(credential).where(credential.c.id == id).values(last_used=at))


def digest_of(secret: str) -> str:
    """What is kept of a token or secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _token(source: str) -> str:
    return f"{PREFIX}{source}_{secrets.token_urlsafe(32)}"


def _row(
    source: str,
    kind: str,
    now: float,
    expires: float | None,
    profile: str,
    subject: str | None,
    scopes: Sequence[str],
) -> dict[str, Any]:
    if not _SOURCE.match(source):
        raise ValueError(f"{source!r} is no source name: use letters, digits, - and _, at most 64")
    return {
        "id": str(uuid.uuid4()),
        "source": source,
        "kind": kind,
        "profile": profile,
        "scopes": " ".join(scope for scope in SCOPES if scope in scopes),
        "created": now,
        "expires": expires,
        "subject": subject,
    }


def _insert(db: Database, row: Mapping[str, Any]) -> None:
    db.write(lambda tx: _store(tx, row))


def _store(tx: Connection, row: Mapping[str, Any], what: str = "created") -> None:
    tx.execute(insert(credential), dict(row))
    _journal(tx, what, row, row["created"])


def _journal(tx: Connection, what: str, row: Mapping[str, Any], now: float) -> None:
    said = {"credential": row["id"], "of": row["kind"], "source": row["source"]}
    body = {"what": f"credential {what}", **said, "scopes": row["scopes"]}
    if what != "revoked":
        body |= {"expires": row["expires"], "replaces": row.get("replaces")}
    journal.append(tx, kind="access", body=body, now=now, business_now=now)


def _whole(conn: Connection, beginning: str) -> Any:
    """A statement for the one row whose id begins so."""
    like = credential.c.id.startswith(beginning, autoescape=True)
    found = conn.execute(select(credential.c.id).where(like).limit(2)).scalars().all()
    if len(beginning) < _LEAST_ID or len(found) != 1:
        how = "more than one credential begins" if len(found) > 1 else "there is no credential"
        raise NoCredential(f"{how} {beginning!r}; see `token list`")
    return select(credential).where(credential.c.id == found[0])
