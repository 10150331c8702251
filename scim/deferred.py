"""`Prefer: respond-async` (RFC 9967, RFC 7240): a write is kept on disk, answered 202, and
carried out behind the answer, in the order in which its source sent them.

A thread of the web process does the work, and only while there is some. Which of several
processes does is decided in the database, and one that dies is taken over from.
"""

from __future__ import annotations

import logging
import threading
import traceback
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from flask import Response
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.http import parse_list_header

from scim.bodies import encode
from scim.bulk import REQUEST_URN, RESPONSE_URN, Bulk
from scim.errors import ScimError
from scim.messages import Reply, empty, respond
from scim.profiles import profile_of
from scim.service import Client
from store import deferred
from store.database import Database
from store.deferred import Accepted, LeaseLost

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

RESULTS = ".results"
"""Below /scim/v2: where results are asked for. A dot, as in .search, is in no type's name."""
MOST_WAITING = 1000
"""Requests of one source that may wait."""
_PAUSE = 1.0
_IDS = uuid.UUID("6fb3f9ad-37a5-4b8e-9f9b-0d2f5f7f6f0e")

_log = logging.getLogger("muster.scim")

MakeBulk = Callable[[Client, "_Progress"], Bulk]


def is_preferred(environ: WSGIEnvironment) -> bool:
    """Whether a request asks not to wait."""
    if "HTTP_PREFER" not in environ:
        return False
    said = parse_list_header(environ["HTTP_PREFER"])
    return any(part.partition(";")[0].strip().lower() == "respond-async" for part in said)


class Deferred:
    """Accepts writes and carries them out. `make` gives what carries out a client's Bulk
    request; `base` is the public address of /scim/v2; `joined` as in `profile_of`, by source."""

    def __init__(
        self,
        db: Database,
        base: str,
        now: Callable[[], float],
        make: MakeBulk,
        joined: Collection[str],
    ) -> None:
        self._db = db
        self._base = base
        self._now = now
        self._make = make
        self._joined = joined
        self._work = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def resume(self) -> None:
        """Go on with what was left behind, if anything was."""
        with self._db.read() as conn:
            left = deferred.any_open(conn)
        if left:
            self._wake()

    def accept(self, client: Client, body: Mapping[str, Any], *, single: bool) -> Reply:
        """202 for a BulkRequest, once it is on disk. Raises ScimError 429."""
        id = self._db.write(
            lambda tx: deferred.accept(
                tx,
                source=client.source,
                profile=client.profile.name,
                subject=client.subject,
                single=single,
                body=body,
                now=self._now(),
                most=MOST_WAITING,
            )
        )
        if id is None:
            said = f"{MOST_WAITING} requests of this source are waiting already; try again."
            raise ScimError(429, said, headers={"Retry-After": "5"})
        self._wake()
        return Reply(
            202,
            None,
            {
                "Location": f"{self._base}/{RESULTS}/{id}",
                "Preference-Applied": "respond-async",
                "Set-Txn": id,
            },
        )

    def accept_one(
        self, environ: WSGIEnvironment, client: Client, path: str, data: Mapping[str, Any] | None
    ) -> Reply | None:
        """`accept` for a write that is no Bulk request; `path` is below /scim/v2. None where
        it is to be done at once: nobody asked for anything else, or an operation of a Bulk
        request would mean another thing."""
        if not is_preferred(environ) or "HTTP_IF_NONE_MATCH" in environ:
            return None
        method = environ["REQUEST_METHOD"]
        operation = {"method": method, "path": path, "data": data, "bulkId": str(uuid.uuid4())}
        if "bulkId:" in path or "bulkId:" in encode(data):
            return None
        if version := environ.get("HTTP_IF_MATCH"):
            operation["version"] = version
        body = {"schemas": [REQUEST_URN], "Operations": [operation]}
        return self.accept(client, body, single=True)

    def result(self, client: Client, id: str) -> Response:
        """What came of a request: 202 while it is not done, then a BulkResponse. Raises
        ScimError 404."""
        with self._db.read() as conn:
            found = deferred.result(conn, client.source, id) if "\0" not in id else None
        if found is None:
            raise ScimError(404, "There is no such result.")
        if not found.is_finished:
            return empty(202, {"Retry-After": "1", "Set-Txn": id})
        hidden = {"bulkId"} if found.single else set()  # the client gave none
        entries = [
            {key: value for key, value in found.outcomes[at].items() if key not in hidden}
            for at in sorted(found.outcomes)
        ]
        body = {"schemas": [RESPONSE_URN], "Operations": entries}
        return respond(200, encode(body), {"Set-Txn": id})

    # Doing

    def _wake(self) -> None:
        with self._lock:
            self._work.set()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="deferred", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._work.clear()
            try:
                while (accepted := deferred.claim(self._db, self._now())) is not None:
                    self._carry_out(accepted)
                with self._db.read() as conn:
                    left = deferred.any_open(conn)
            except Exception as error:  # a database that is busy or away, most likely
                _log.warning("deferred writes wait: %s", type(error).__name__)
                left = True
            if left:  # in other hands, which may let it fall
                self._work.wait(_PAUSE)
                continue
            with self._lock:
                if not self._work.is_set():
                    self._thread = None
                    return

    def _carry_out(self, accepted: Accepted) -> None:
        progress = _Progress(accepted, self._now)
        profile = profile_of(accepted.profile, joined=accepted.source in self._joined)
        client = Client(accepted.source, profile, accepted.subject)
        try:
            self._make(client, progress).run(accepted.body)
            self._finish(accepted, {})
        except LeaseLost:
            _log.warning("deferred write %s: another process goes on with it", accepted.id)
        except ScimError as error:
            self._finish(accepted, {0: {"status": str(error.status), "response": error.body()}})
        except (OperationalError, PoolTimeout):
            deferred.release(self._db, accepted)
            raise
        except Exception as error:
            # The message may hold personal data; where it happened does not.
            where = "".join(traceback.format_tb(error.__traceback__))
            _log.error("deferred write %s: %s\n%s", accepted.id, type(error).__name__, where)
            failed = ScimError(500, "Something failed here; it is in the log.").body()
            entry = {"status": "500", "response": failed}
            self._finish(accepted, dict.fromkeys(range(_count(accepted.body)), entry))

    def _finish(self, accepted: Accepted, entries: Mapping[int, Mapping[str, Any]]) -> None:
        self._db.write(
            lambda tx: deferred.record(tx, accepted, entries, self._now(), finished=True)
        )


class _Progress:
    """What came of one accepted request, as `Bulk` remembers it."""

    def __init__(self, accepted: Accepted, now: Callable[[], float]) -> None:
        self._accepted = accepted
        self._now = now
        self.done: dict[int, Mapping[str, Any]] = dict(accepted.outcomes)

    def id_of(self, position: int) -> str:
        return str(uuid.uuid5(_IDS, f"{self._accepted.id}:{position}"))

    def record(self, tx: Connection, entries: Mapping[int, Mapping[str, Any]]) -> None:
        deferred.record(tx, self._accepted, entries, self._now(), finished=False)


def _count(body: Mapping[str, Any]) -> int:
    listed = {key.lower(): value for key, value in body.items()}.get("operations")
    return len(listed) if isinstance(listed, list) else 1
