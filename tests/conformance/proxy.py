"""A TCP relay that loses answers on order, to make the outcome of a write unknown."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Literal

Fault = Literal["drop_after", "drop_before", "hang_after"]


class Relay:
    """Relays localhost:port to a server. TLS passes through unread.

    `after(n, fault)`: let n more requests and answers pass on each connection, then
    drop_before  close without passing the request on
    drop_after   pass the request on, wait for the answer, close without giving it
    hang_after   pass the request on, wait for the answer, say nothing
    """

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._fault: Fault | None = None
        self._passing = 0
        self.accepted = 0
        self.answered = threading.Event()  # set when a swallowed answer has arrived
        threading.Thread(target=self._accept, daemon=True).start()

    def after(self, requests: int, fault: Fault) -> None:
        self._passing, self._fault = requests, fault
        self.answered.clear()

    def heal(self) -> None:
        """Relay everything again."""
        self._fault = None

    def cut(self) -> None:
        """Close all connections, as a restarting server or an idle time-out does."""
        opened, self._open = self._open, []
        for each in opened:
            _close(each)

    def close(self) -> None:
        """Refuse connections from now on."""
        _close(self._listener)
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.accepted += 1
                server = socket.create_connection(self._server)
                self._open += [client, server]
                for source, sink, asks in ((client, server, True), (server, client, False)):
                    threading.Thread(
                        target=self._pump, args=(source, sink, asks), daemon=True
                    ).start()

    def _pump(self, source: socket.socket, sink: socket.socket, asks: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if asks and self._fault:
                    self._passing -= 1
                    if self._passing < 0 and self._fault == "drop_before":
                        break
                if not asks and self._fault and self._passing < 0:
                    self.answered.set()
                    if self._fault == "drop_after":
                        break
                    continue
                sink.sendall(data)
        _close(source)
        _close(sink)


def _close(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
