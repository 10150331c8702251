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
from sandbox.entra.routes import lower

_log = logging.getLogger(__name__)
_HANDSHAKE_SECONDS = 10
_IDLE_SECONDS = 120
_LARGEST_BODY = 4 << 20
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
        return Request(self.command, parts.path, parts.query, lower(dict(self.headers)), body)

    def _body(self) -> bytes | None:
        """The body; None when it was refused and the answer is out."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        text = self.headers.get("Content-Length", "0")
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
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def version_string(self) -> str:
        return "muster-sandbox"

    def log_message(self, format: str, *args: Any) -> None:
        """Paths hold user names: nothing is logged."""
