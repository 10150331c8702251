"""What is remembered of callers: failures in the journal, and when credentials were used.

Neither costs a request its time: a thread of its own writes, at most every few seconds.
Every failure is counted in the journal, but a stranger cannot fill it: an entry names some
of who failed and counts the rest, and entries come the more rarely the longer it goes on.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from store import credentials, journal
from store.database import Database

FIRST, LONGEST = 1.0, 60.0
"""Seconds from a failure to its entry: in quiet times, and when there is no end of them."""
MOST = 20
"""Who failed, in one entry."""
USED_SECONDS = 60.0
"""A credential's last use is remembered to this many seconds."""

_log = logging.getLogger("muster.access")


class Notes:
    """Collects, and writes now and then. `now` and `business_now` are the two clocks."""

    def __init__(
        self, db: Database, now: Callable[[], float], business_now: Callable[[], float]
    ) -> None:
        self._db = db
        self._now = now
        self._business_now = business_now
        self._lock = threading.Lock()
        self._failures: dict[tuple[str, str, str], int] = {}
        self._unnamed = 0
        self._used: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._pause = FIRST
        self._timer: threading.Timer | None = None
        self._registered = False

    def failed(self, reason: str, client: str, address: str) -> None:
        """Somebody was turned away. `client` is who they said they were, if at all."""
        client, address = _plain(client), _plain(address)
        # One line for each, as for every request; who reads the log cannot be fooled by it.
        _log.warning("refused: %s client=%s address=%s", reason, client or "-", address or "-")
        with self._lock:
            key = (reason, client, address)
            if key in self._failures or len(self._failures) < MOST:
                self._failures[key] = self._failures.get(key, 0) + 1
            else:
                self._unnamed += 1
            self._soon(self._pause)

    def used(self, credential: str, at: float) -> None:
        """A credential, by id, has let somebody in."""
        seen = self._seen.get(credential, float("-inf"))
        if not seen <= at < seen + USED_SECONDS:
            self._seen[credential] = at
            with self._lock:
                self._used[credential] = at
                self._soon(FIRST)

    def flush(self) -> None:
        """Write what there is to write."""
        with self._lock:
            failures, unnamed, used = self._failures, self._unnamed, self._used
            self._failures, self._unnamed, self._used = {}, 0, {}
            self._timer = None
            # Quiet for as long as the pause was: begin anew; else be slower.
            self._pause = min(self._pause * 2, LONGEST) if failures else FIRST
            if failures:
                self._soon(self._pause)
        if not failures and not used:
            return

        def work(tx: Connection) -> None:
            credentials.used(tx, used)
            if failures:
                self._append(tx, failures, unnamed)

        try:
            self._db.write(work)
        except Exception as error:  # whatever it is: this is a thread's outermost frame
            _log.error("failures could not be noted yet: %s", type(error).__name__)
            self._again(failures, unnamed)

    def _again(self, failures: dict[tuple[str, str, str], int], unnamed: int) -> None:
        """What could not be written is for the next entry."""
        with self._lock:
            for key, count in failures.items():
                self._failures[key] = self._failures.get(key, 0) + count
            self._unnamed += unnamed

    def _append(
        self, tx: Connection, failures: dict[tuple[str, str, str], int], unnamed: int
    ) -> None:
        reasons: dict[str, int] = {}
        for (reason, _, _), count in failures.items():
            reasons[reason] = reasons.get(reason, 0) + count
        count = sum(failures.values()) + unnamed
        body: dict[str, Any] = {"what": "refused", "count": count, "reasons": reasons}
        if unnamed:
            body["unnamed"] = unnamed
        named = [
            {"reason": reason, "client": client or None, "address": address, "count": count}
            for (reason, client, address), count in failures.items()
        ]
        journal.append(
            tx,
            kind="access",
            body=body,
            values={"from": named},  # an address may be a person's
            now=self._now(),
            business_now=self._business_now(),
        )

    def _soon(self, seconds: float) -> None:
        """See to it that `flush` runs; with the lock held."""
        if self._timer is not None:
            return
        if not self._registered:
            self._registered = True
            atexit.register(self.flush)
        self._timer = threading.Timer(seconds, self.flush)
        self._timer.daemon = True
        self._timer.start()


def _plain(text: str) -> str:
    """One short line of text, whatever was sent."""
    return "".join(c if c.isprintable() and c != " " else "?" for c in text[:80])
