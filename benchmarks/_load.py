"""A load generator that is light enough to share two cores with what it measures.

One thread, plain sockets, HTTP/1.1 with keep-alive where the server allows it. Requests are
made before the clock starts, as far as can be foreseen.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice

_PIECE = 1 << 18
_PATIENCE = 60
"""Seconds without any answer after which a measurement fails."""


@dataclass
class Result:
    """What a run came to. `seconds` is how long it took, `took` holds each answer's time."""

    seconds: float = 0.0
    took: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.took) / self.seconds if self.seconds else 0.0

    def quantile(self, share: float) -> float:
        """Milliseconds within which that share of the answers came."""
        ordered = sorted(self.took)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000

    def only(self, *expected: int) -> Result:
        """Itself; fails when another status came back."""
        wrong = {status: n for status, n in self.statuses.items() if status not in expected}
        assert not wrong, f"unexpected answers: {wrong}"
        return self


def request(method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["Content-Type: application/scim+json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


class _Connection:
    def __init__(self, port: int) -> None:
        self.port = port
        self.buffer = b""
        self.began = 0.0
        self.socket = self._open()

    def _open(self) -> socket.socket:
        # Without a timeout, which would have every call ask the kernel twice.
        opened = socket.socket()
        opened.connect(("127.0.0.1", self.port))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def send(self, data: bytes) -> None:
        self.buffer = b""
        self.began = time.perf_counter()
        self.socket.sendall(data)

    def reopen(self) -> None:
        self.socket.close()
        self.socket = self._open()

    @property
    def body(self) -> bytes:
        """The body of the answer that has come."""
        head, _, rest = self.buffer.partition(b"\r\n\r\n")
        if b"transfer-encoding: chunked" not in head.lower():
            return rest
        whole = b""
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            length = int(size, 16)
            whole, rest = whole + rest[:length], rest[length + 2 :]
        return whole

    def receive(self) -> tuple[int, bool] | None:
        """Status and whether the server closes, once an answer is whole."""
        piece = self.socket.recv(_PIECE)
        self.buffer = self.buffer + piece if self.buffer else piece
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            assert piece, "the server closed without an answer"
            return None
        lower = head.lower()
        closes = b"connection: close" in lower
        status = int(head[9:12])
        at = lower.find(b"content-length:")
        if at >= 0:
            length = int(lower[at + 15 :].split(b"\r\n", 1)[0])
            if len(rest) < length:
                return None
        elif b"transfer-encoding: chunked" in lower:
            if not rest.endswith(b"0\r\n\r\n"):
                return None
        elif status not in (204, 304):
            if piece:
                return None
            closes = True
        return status, closes


def run(
    port: int,
    requests: Iterator[bytes],
    *,
    connections: int = 16,
    seconds: float = 5.0,
    foreseen: int = 2000,
    seen: Callable[[int, bytes], None] | None = None,
) -> Result:
    """Send `requests` over that many connections for that long, or until there are no more.

    So many requests a second are `foreseen`: made before the clock starts. `seen` gets status
    and body of every answer.
    """
    result = Result()
    chooser = selectors.DefaultSelector()
    open_now: list[_Connection] = []
    requests = chain(list(islice(requests, int(foreseen * min(seconds, 10)))), requests)
    began = time.perf_counter()
    end = began + seconds

    def start(connection: _Connection) -> bool:
        data = next(requests, None) if time.perf_counter() < end else None
        if data is None:
            return False
        connection.send(data)
        return True

    for _ in range(connections):
        connection = _Connection(port)
        if not start(connection):
            connection.socket.close()
            break
        open_now.append(connection)
        chooser.register(connection.socket, selectors.EVENT_READ, connection)
    left = len(open_now)
    while left:
        ready = chooser.select(_PATIENCE)
        assert ready, f"no answer for {_PATIENCE} seconds"
        for key, _ in ready:
            connection = key.data
            answer = connection.receive()
            if answer is None:
                continue
            status, closes = answer
            result.took.append(time.perf_counter() - connection.began)
            result.statuses[status] = result.statuses.get(status, 0) + 1
            if seen is not None:
                seen(status, connection.body)
            if closes:
                chooser.unregister(connection.socket)
                connection.reopen()
                chooser.register(connection.socket, selectors.EVENT_READ, connection)
            if not start(connection):
                chooser.unregister(connection.socket)
                connection.socket.close()
                left -= 1
    result.seconds = time.perf_counter() - began
    return result
