"""Operators sign in: passwords, sessions, and what a page needs against forged requests.

A way to sign in proves who an operator is and then asks for a session; whoever comes with
another proof than a password (an OpenID provider) does the same by `begin`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from access.callers import Denied, later
from access.limits import Limits
from access.notes import Notes
from access_settings import SignIn
from store import operators
from store.database import Database
from store.operators import Session

SHORTEST, LONGEST = 12, 1024
"""Characters of a password."""
ATTEMPTS, ATTEMPTS_SECONDS = 10, 60.0
"""So many passwords may be tried for one name from one address, in so long."""
_SEEN_SECONDS = 60.0

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_one_at_a_time = threading.Lock()
"""A hash takes 19 MiB and a core: strangers do not get more of them than one."""


class BadPassword(Exception):
    """A new password that will not do; the text says why."""


class Desk:
    """Where operators sign in. Safe to share between threads; make it after a fork.

    `folder` is where limits are kept that hold for all processes of this machine;
    `first_password` the file with the first password, which goes when that is changed.
    """

    def __init__(
        self,
        db: Database,
        settings: SignIn,
        notes: Notes,
        *,
        now: Callable[[], float],
        folder: Path | None = None,
        first_password: Path | None = None,
    ) -> None:
        self._db = db
        self._notes = notes
        self._now = now
        self._idle = settings.idle_minutes * 60
        self._longest = settings.longest_minutes * 60
        self._limits = Limits(folder / "limits.sign_in" if folder else None)
        self._first_password = first_password
        self._nobody = hashed(secrets.token_urlsafe())

    def sign_in(self, name: str, password: str, address: str) -> str:
        """What the cookie is to hold, for who knows the password. Raises Denied 401, 429."""
        return self.begin(self._proved(name, password, address), "password")

    def _proved(self, name: str, password: str, address: str) -> str:
        wait = self._limits.take(f"{name}@{address}", ATTEMPTS / ATTEMPTS_SECONDS, ATTEMPTS)
        if wait:
            raise later(wait, "Too many attempts; try again later.", "sign-in attempts")
        found = None
        if "\0" not in name:  # PostgreSQL does not take it
            with self._db.read() as conn:
                found = operators.find(conn, name)
        kept = found.password if found is not None else None
        # As long for a name that is none: nobody learns which there are.
        right = _fits(kept or self._nobody, password)
        if found is None or kept is None or not right:
            # What was typed as a name may be a password: only names that are there are noted.
            known = found.name if found is not None else ""
            self._notes.failed("wrong name or password at sign-in", known, address)
            raise Denied(401, "The name or the password is not right.", reason="sign-in")
        return found.name

    def begin(self, name: str, way: str) -> str:
        """What the cookie is to hold, for an operator who has proved who they are."""
        secret, now = secrets.token_urlsafe(32), self._now()
        oldest, idle = now - self._longest, now - self._idle
        self._db.write(
            lambda tx: operators.begin(tx, _digest(secret), name, way, now, oldest, idle)
        )
        return secret

    def session(self, secret: str, *, active: bool) -> Session | None:
        """Whose cookie it is. `active`: a human asked, not a page that refreshes itself."""
        if not secret:
            return None
        now, digest = self._now(), _digest(secret)
        with self._db.read() as conn:
            found = operators.session_of(conn, digest)
        if found is None or now - found.seen > self._idle or now - found.created > self._longest:
            return None
        if active and now - found.seen >= min(_SEEN_SECONDS, self._idle / 4):
            self._db.write(lambda tx: operators.seen(tx, digest, now))
        return found

    def end(self, secret: str) -> None:
        """Sign out."""
        self._db.write(lambda tx: operators.end(tx, _digest(secret), self._now()))

    def change_password(self, name: str, old: str, new: str, address: str) -> str:
        """A new password for who knows the old one, and a new session: all others end.
        Raises Denied 401, 429, and BadPassword."""
        self._proved(name, old, address)
        if hmac.compare_digest(old.encode(), new.encode()):
            raise BadPassword("That is the old password.")
        kept = hashed(checked(new, name))
        self._db.write(lambda tx: operators.set_password(tx, name, kept, self._now()))
        if self._first_password is not None:
            with suppress(OSError):  # it is of no use any more, wherever it is
                self._first_password.unlink(missing_ok=True)
        return self.begin(name, "password")


def checked(password: str, name: str) -> str:
    """A password that may be one. Raises BadPassword."""
    if len(password) < SHORTEST:
        raise BadPassword(f"A password has at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise BadPassword(f"A password has at most {LONGEST} characters.")
    if len(set(password)) < 5 or name.casefold() in password.casefold():
        raise BadPassword("That is too easy to guess.")
    return password


def hashed(password: str) -> str:
    """What is kept of a password: argon2id."""
    with _one_at_a_time:
        return _hasher.hash(password.encode("utf-8", "surrogatepass"))


def form_token(secret: str) -> str:
    """What a form of that session carries: no other site can know it (CSRF)."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def _fits(kept: str, password: str) -> bool:
    if len(password) > LONGEST:
        return False
    try:
        with _one_at_a_time:
            return _hasher.verify(kept, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
