"""Operators of the console and their sessions. Passwords are argon2 hashes made elsewhere,
of a session's cookie only a digest is kept. Every change is an entry of the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from store import journal
from store.tables import operator, session


@dataclass(frozen=True)
class Operator:
    """Who may see the console. Without a password they sign in elsewhere; with a
    `provisional` one they have to change it first."""

    name: str
    password: str | None
    provisional: bool


@dataclass(frozen=True)
class Session:
    """An operator who is signed in. `way` is how: password. Times in epoch seconds."""

    operator: str
    way: str
    provisional: bool
    created: float
    seen: float


def find(conn: Connection, name: str) -> Operator | None:
    """The operator of that name."""
    row = conn.execute(
        select(operator.c.name, operator.c.password, operator.c.provisional).where(
            operator.c.name == name
        )
    ).first()
    return Operator(*row) if row else None


def names(conn: Connection) -> list[str]:
    """Of all operators."""
    return list(conn.execute(select(operator.c.name).order_by(operator.c.name)).scalars())


def set_password(
    tx: Connection, name: str, password: str, now: float, *, provisional: bool = False
) -> None:
    """Give an operator, who may be new, a password; whoever is signed in as them is not any
    more."""
    values = {"password": password, "provisional": provisional, "changed": now}
    known = tx.execute(update(operator).where(operator.c.name == name).values(values)).rowcount
    if not known:
        tx.execute(insert(operator).values(name=name, created=now, **values))
    tx.execute(delete(session).where(session.c.operator == name))
    what = "operator password set" if known else "operator created"
    _journal(tx, what, {"operator": name, "provisional": provisional}, now)


def remove(tx: Connection, name: str, now: float) -> bool:
    """Take an operator away, with their sessions; False when there is none."""
    tx.execute(delete(session).where(session.c.operator == name))
    if not tx.execute(delete(operator).where(operator.c.name == name)).rowcount:
        return False
    _journal(tx, "operator removed", {"operator": name}, now)
    return True


def begin(
    tx: Connection, digest: str, name: str, way: str, now: float, oldest: float, idle: float
) -> None:
    """An operator has signed in. Sessions that began before `oldest`, or in which nobody
    was seen since `idle`, are cleared away."""
    tx.execute(delete(session).where((session.c.created < oldest) | (session.c.seen < idle)))
    tx.execute(insert(session).values(digest=digest, operator=name, way=way, created=now, seen=now))
    _journal(tx, "operator signed in", {"operator": name, "way": way}, now)


def session_of(conn: Connection, digest: str) -> Session | None:
    """The session with that digest of its cookie, be it over or not."""
    row = conn.execute(
        select(
            session.c.operator,
            session.c.way,
            operator.c.provisional,
            session.c.created,
            session.c.seen,
        )
        .join(operator, operator.c.name == session.c.operator)
        .where(session.c.digest == digest)
    ).first()
    return Session(*row) if row else None


def seen(tx: Connection, digest: str, now: float) -> None:
    """Somebody did something in a session."""
    tx.execute(update(session).where(session.c.digest == digest).values(seen=now))


def end(tx: Connection, digest: str, now: float) -> None:
    """An operator has signed out."""
    found = session_of(tx, digest)
    if found is not None:
        tx.execute(delete(session).where(session.c.digest == digest))
        _journal(tx, "operator signed out", {"operator": found.operator}, now)


def _journal(tx: Connection, what: str, said: Mapping[str, Any], now: float) -> None:
    journal.append(tx, kind="access", body={"what": what, **said}, now=now, business_now=now)
