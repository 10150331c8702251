"""What uWSGI needs from us beside `wsgi.ini`: sound, whole requests and a bounded stop.

`WholeRequests` refuses what uWSGI's forgiving parser let through and two servers in a row
could read differently, makes chunked bodies reach Flask and reads each body to its end,
because uWSGI resets a connection on which bytes were left unread and the client then never
sees our answer. `see_web_out` is the deadline that uWSGI's own graceful stop lacks.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import time
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from werkzeug.exceptions import ClientDisconnected

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

HEADERS_LIMIT = 32_768
"""Bytes of all header lines of a request; beyond uWSGI's `buffer-size` it is cut off unanswered."""
_ROOM = 60_000
"""Bytes of headers, and of the address twice, as uWSGI keeps it. In a fuller buffer a header
such as If-Match may have found no room, which uWSGI passes over."""

_PIECE = 65536
_DRAIN = 8
"""A body is read on to this many times the limit before the client is cut off."""
_BODY_SECONDS = 60.0

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}\Z")
_NO_NAME = re.compile(r"[^!#$%&'*+.^_`|~0-9A-Z-]")
_NO_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FORWARDING = ("HTTP_X_FORWARDED_", "HTTP_FORWARDED", "HTTP_X_REAL_IP")
_DIGITS = re.compile(r"[0-9]{1,18}\Z")

Refusal = tuple[int, str]
"""HTTP status, and a sentence that repeats nothing of the request."""


class _Broken(io.RawIOBase):
    """A body that never arrived whole: reading it answers 400 through the app's handlers."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> NoReturn:
        raise ClientDisconnected("the request body did not arrive completely")


class WholeRequests:
    """WSGI middleware: the app gets only sound requests, and reads every body from memory,
    whole and of known length.

    `limit` is in bytes. A longer body is discarded and shown to the app by its
    CONTENT_LENGTH alone, so that Flask's MAX_CONTENT_LENGTH answers 413. What is refused
    here is answered as a SCIM error: 400, 414, 431. `trusted` is in the environment of a
    request whose forwarding headers were believed; the log says where there are others.
    Does nothing under servers other than uWSGI.
    """

    def __init__(self, app: WSGIApplication, limit: int, trusted: str) -> None:
        self._app = app
        self._limit = limit
        self._trusted = trusted

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if "uwsgi.version" in environ:
            refused = unsound(environ)
            _log(environ, refused, believed=self._trusted in environ)
            if refused and refused[0] == HTTPStatus.BAD_REQUEST:
                return _refuse(refused, start_response)  # nobody knows where its body ends
            chunked = "HTTP_TRANSFER_ENCODING" in environ
            if chunked or environ.get("CONTENT_LENGTH", "") not in ("", "0"):
                self._take(environ, chunked)
            if refused:
                return _refuse(refused, start_response)
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


def unsound(environ: WSGIEnvironment) -> Refusal | None:
    """Why a request as uWSGI parsed it is not to be answered; None when all is well.

    Refused is what RFC 9112 section 6.1 and RFC 9110 section 5.5 let a server refuse: where
    a body ends said twice or oddly, control characters, names that are none. uWSGI joins
    repeated headers with a comma.
    """
    names = [key for key in environ if key.startswith("HTTP_")]
    values = [environ[name] for name in names]
    length = environ.get("CONTENT_LENGTH", "")
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    address, path = environ.get("REQUEST_URI", ""), environ.get("PATH_INFO", "")
    if not _TOKEN.match(environ.get("REQUEST_METHOD", "")):
        return 400, "This is not an HTTP request."
    if environ.get("SERVER_PROTOCOL") not in ("HTTP/1.1", "HTTP/1.0"):
        return 400, "HTTP/1.1 is spoken here."
    if not path.startswith("/"):
        return 400, "The address is to begin with a slash."
    if _NO_NAME.search("".join(names)) or _NO_VALUE.search("".join(values)):
        return 400, "A header is malformed."
    if _NO_VALUE.search(address):
        return 400, "The address is malformed."
    if "," in environ.get("HTTP_HOST", ""):
        return 400, "Host is there twice."
    if length and not _DIGITS.match(length):
        return 400, "Content-Length is not one number."
    if coding is not None and (length or coding.lower() != "chunked"):
        return 400, "Transfer-Encoding is chunked, or the body has a Content-Length; not both."
    if address.partition("?")[2] and not environ.get("QUERY_STRING"):
        # uWSGI leaves out what does not fit its buffer; a list must not lose its filter.
        return 414, "The address is too long."
    size = sum(map(len, names)) + sum(map(len, values))
    if size > HEADERS_LIMIT or size + 2 * len(address) > _ROOM:
        return 431, f"The headers, or they and the address, are longer than {HEADERS_LIMIT} bytes."
    return None


def _refuse(refused: Refusal, start_response: StartResponse) -> Iterable[bytes]:
    status, detail = refused
    error = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": str(status),
        "detail": detail,
    }
    body = json.dumps(error).encode()
    headers = [("Content-Type", "application/scim+json"), ("Content-Length", str(len(body)))]
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return [body]


def _log(environ: WSGIEnvironment, refused: Refusal | None, *, believed: bool) -> None:
    """What the line of `log-format` says: uWSGI's own %(method) is whatever was sent, and a
    line break in it would write a line of its own."""
    import uwsgi

    method = environ.get("REQUEST_METHOD", "")
    what = method if _TOKEN.match(method) else "-"
    if refused:
        what += f" ({refused[1]})"
    elif not believed and any(key.startswith(_FORWARDING) for key in environ):
        what += " (forwarding headers not believed)"
    uwsgi.set_logvar("what", what)


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
