"""HTTP/1.1 over TLS on the loopback: a thread per connection, kept alive, cut on order."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from sandbox.certificates import Certificates
from sandbox.entra.directory import Answer
from sandbox.entra.graph import Drop, Request

_log = logging.getLogger(__name__)
_HANDSHAKE_SECONDS = 10
_IDLE_SECONDS = 120
_LARGEST_BODY = 4 << 20
_LONGEST_LINE, _MOST_HEADERS = 65536, 100
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER, no time: closing sends RST


class Listener:
    """A port that can be closed and opened again. `answer` is called in many threads."""

    def __init__(
        self, certificates: Certificates, port: int, answer: Callable[[Request], Answer]
    ) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._tls.load_cert_chain(certificates.certificate, certificates.key)
        self._tls.set_alpn_protocols(["http/1.1"])
        self._answer = answer
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.port = port
        """The port; when 0 was asked for, the free one found at the first :meth:`open`."""

    @property
    def is_open(self) -> bool:
        return self._server is not None

    def open(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        if self._server is not None:
            return
        self._server = _Server(self.port, self._tls, self._answer)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="sandbox-entra",
            daemon=True,
        )
        self._thread.start()

    def close(self) -> None:
        """Refuse connections and cut those there are."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server.cut()
        self._thread.join()
        self._server = self._thread = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, tls: ssl.SSLContext, answer: Callable[[Request], Answer]) -> None:
        self.tls = tls
        self.answer = answer
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        # As the parent, but without its reverse look-up of the host name.
        socket.socket.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread: TLS, then requests until one side has enough."""
        request.settimeout(_HANDSHAKE_SECONDS)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open.add(request)
        try:
            secure = self.tls.wrap_socket(request, server_side=True)
        except OSError:  # no TLS, an old one, or a client that does not trust us
            return
        finally:
            with self._lock:
                self._open.discard(request)
        with self._lock:
            self._open.add(secure)
        try:
            _Handler(secure, client_address, self)
        except OSError:  # the client went away
            pass
        finally:
            with self._lock:
                self._open.discard(secure)
            secure.close()

    def cut(self) -> None:
        """Cut all connections."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing on the terminal: `_Handler` has answered 500 already."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    wbufsize = 1 << 16
    server: _Server
    raw_requestline: bytes
    fields: dict[str, str]
    """The request's headers by lower-case name."""

    def parse_request(self) -> bool:
        """As the parent (RFC 9112 sections 3 and 5), which would read headers as an e-mail's."""
        self.command = ""
        self.request_version, self.close_connection = "HTTP/1.1", True
        self.requestline = self.raw_requestline.decode("latin-1").rstrip("\r\n")
        words = self.requestline.split(" ")
        if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
            return self._no(400)
        self.command, self.path, self.request_version = words
        headers: dict[str, str] = {}
        while (line := self.rfile.readline(_LONGEST_LINE + 1)) not in (b"\r\n", b"\n", b""):
            name, colon, value = line.decode("latin-1").partition(":")
            if len(line) > _LONGEST_LINE or len(headers) >= _MOST_HEADERS:
                return self._no(431)
            if not colon or not name or name != name.strip():
                return self._no(400)
            headers[name.lower()] = value.strip()
        self.fields = headers
        connection = headers.get("connection", "").lower()
        self.close_connection = connection == "close" or (
            self.request_version == "HTTP/1.0" and connection != "keep-alive"
        )
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        return True

    def _no(self, status: int) -> bool:
        self._refuse(status)
        self.wfile.flush()
        return False

    def _serve(self) -> None:
        try:
            request = self._request()
            if request is None:
                return
            answer = self.server.answer(request)
        except Drop as drop:
            self.close_connection = True
            if drop.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            return
        except Exception as error:  # a mistake of ours: the client shall not wait for nothing
            _log.error("sandbox Entra failed with %s", type(error).__name__)
            answer = Answer(500)
        self._send(answer)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = _serve

    def _request(self) -> Request | None:
        body = self._body()
        if body is None:
            return None
        parts = urlsplit(self.path)
        return Request(self.command, parts.path, parts.query, self.fields, body)

    def _body(self) -> bytes | None:
        """The body; None when it was refused and the answer is out."""
        if self.fields.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        text = self.fields.get("content-length", "0")
        if not text.isdigit():
            return self._refuse(400)
        if int(text) > _LARGEST_BODY:
            return self._refuse(413)
        return self.rfile.read(int(text))

    def _chunks(self) -> bytes | None:
        """A chunked body (RFC 9112 section 7.1)."""
        body = b""
        while True:
            size_text = self.rfile.readline(1024).partition(b";")[0].strip()
            try:
                size = int(size_text, 16)
            except ValueError:
                return self._refuse(400)
            if size < 0 or len(body) + size > _LARGEST_BODY:
                return self._refuse(413)
            if size == 0:
                while self.rfile.readline(1024).strip():
                    pass
                return body
            body += self.rfile.read(size)
            self.rfile.readline(8)

    def _refuse(self, status: int) -> bytes | None:
        self.close_connection = True
        self._send(Answer(status))
        return None

    def _send(self, answer: Answer) -> None:
        headers = dict(answer.headers)
        if answer.body is None:
            content = b""
        elif isinstance(answer.body, bytes):
            content = answer.body
        else:
            content = json.dumps(answer.body, ensure_ascii=False).encode()
            headers.setdefault("Content-Type", "application/json; charset=utf-8")
        headers |= {"Server": self.version_string(), "Date": self.date_time_string()}
        if answer.status != 204:
            headers["Content-Length"] = str(len(content))
        if self.close_connection:
            headers["Connection"] = "close"
        phrase = self.responses[answer.status][0] if answer.status in self.responses else ""
        lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{n}: {v}" for n, v in headers.items())]
        head = "\r\n".join((*lines, "", "")).encode("latin-1", "replace")
        self.wfile.write(head if self.command == "HEAD" else head + content)

    def version_string(self) -> str:
        return "muster-sandbox"

    def log_message(self, format: str, *args: Any) -> None:
        """Paths hold user names: nothing is logged."""
