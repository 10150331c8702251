"""What uWSGI needs from us beside `wsgi.ini`: whole request bodies and a bounded stop.

`BodyInput` makes chunked bodies reach Flask and reads each body to its end, because
uWSGI resets a connection on which bytes were left unread and the client then never
sees our answer. `see_web_out` is the deadline that uWSGI's own graceful stop lacks.
"""

from __future__ import annotations

import io
import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from werkzeug.exceptions import ClientDisconnected, RequestURITooLarge

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

_PIECE = 65536
_DRAIN = 8
"""A body is read on to this many times the limit before the client is cut off."""
_BODY_SECONDS = 60.0


class _Broken(io.RawIOBase):
    """A body that never arrived whole: reading it answers 400 through the app's handlers."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> NoReturn:
        raise ClientDisconnected("the request body did not arrive completely")


class BodyInput:
    """WSGI middleware: the app reads every body from memory, whole and of known length.

    `limit` is in bytes. A longer body is discarded and shown to the app by its
    CONTENT_LENGTH alone, so that Flask's MAX_CONTENT_LENGTH answers 413. A request
    that lost its query on the way is answered 414.
    Does nothing under servers other than uWSGI.
    """

    def __init__(self, app: WSGIApplication, limit: int) -> None:
        self._app = app
        self._limit = limit

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if "uwsgi.version" in environ:
            if environ["REQUEST_URI"].partition("?")[2] and not environ.get("QUERY_STRING"):
                # uWSGI leaves out what does not fit its buffer; a list must not lose its filter.
                return RequestURITooLarge()(environ, start_response)
            chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
            if chunked or environ.get("CONTENT_LENGTH", "") not in ("", "0"):
                self._take(environ, chunked)
        return self._app(environ, start_response)

    def _take(self, environ: WSGIEnvironment, chunked: bool) -> None:
        body = bytearray()
        length = 0
        declared = environ.get("CONTENT_LENGTH", "")
        deadline = time.monotonic() + _BODY_SECONDS
        try:
            for piece in _chunks() if chunked else _counted(environ["wsgi.input"], int(declared)):
                length += len(piece)
                if length <= self._limit:
                    body += piece
                elif length > self._limit * _DRAIN:
                    break
                if time.monotonic() > deadline:
                    raise TimeoutError
            environ["wsgi.input"] = io.BytesIO(bytes(body))
            environ["CONTENT_LENGTH"] = str(length)
        except (OSError, EOFError, ValueError):
            environ["wsgi.input"] = _Broken()
            environ["CONTENT_LENGTH"] = "1"
        # Werkzeug ignores CONTENT_LENGTH beside a Transfer-Encoding; the body has one now.
        environ.pop("HTTP_TRANSFER_ENCODING", None)


def _chunks() -> Iterator[bytes]:
    import uwsgi

    while piece := uwsgi.chunked_read():
        yield piece


def _counted(stream: InputStream, length: int) -> Iterator[bytes]:
    while length > 0:
        piece = stream.read(min(length, _PIECE))
        if not piece:
            raise EOFError("the client went away")
        length -= len(piece)
        yield piece


def see_web_out(seconds: float) -> None:
    """Called by the mule last of all: ends web workers still busy after `seconds`.

    While it stops gracefully uWSGI's master waits for them without any time-out.
    Returns as soon as they are gone.
    """
    import uwsgi

    deadline = time.monotonic() + seconds
    left = [worker["pid"] for worker in uwsgi.workers() if worker["pid"] > 0]
    while (left := [pid for pid in left if _running(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in left:
        os.kill(pid, signal.SIGKILL)


def _running(pid: int) -> bool:
    """Whether `pid` is a process that has not ended (a zombie has)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"
