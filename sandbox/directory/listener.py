"""LDAP over TLS on a loopback port: connections and faults. One event loop, one thread."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import threading
from collections.abc import Iterable, Iterator

from sandbox.directory import errors, messages
from sandbox.directory.ber import Malformed
from sandbox.directory.messages import Message, Result
from sandbox.directory.service import Service, Session
from sandbox.faults import Fault, Faults

_log = logging.getLogger(__name__)

_MAX_MESSAGE = 10 * 1024 * 1024
_LOOK_EVERY = 0.2  # seconds between looks whether the client of a hung answer is still there

_NAMES: dict[type, str] = {
    messages.Bind: "bind",
    messages.Search: "search",
    messages.CompareRequest: "search",
    messages.Add: "add",
    messages.Modify: "modify",
    messages.ModifyDN: "modify_dn",
    messages.Delete: "delete",
}


class _Cut(Exception):
    """The connection is to be dropped."""


class Listener:
    """The port. Runs its event loop in a thread of its own."""

    def __init__(self, service: Service, faults: Faults, context: ssl.SSLContext) -> None:
        self._service = service
        self._faults = faults
        self._context = context
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._server: asyncio.Server | None = None
        self._talks: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self.port = 0

    def start(self, port: int) -> None:
        """Listen on 127.0.0.1. `port` 0 takes a free one. Raises OSError when it is taken."""
        self._loop = asyncio.new_event_loop()
        self.port = port
        try:
            self._loop.run_until_complete(self._open())
        except OSError:
            self._loop.close()
            raise
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="sandbox-directory", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection."""
        if self._loop is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._loop = self._thread = None

    def follow_faults(self) -> None:
        """Close or open the port as the faults in force ask for. Raises OSError."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._follow(), self._loop).result(10)

    async def _follow(self) -> None:
        if self._faults.refusing and self._server is not None:
            await self._close()
        elif not self._faults.refusing and self._server is None:
            await self._open()

    async def _open(self) -> None:
        self._server = await asyncio.start_server(
            self._converse, "127.0.0.1", self.port, ssl=self._context, ssl_handshake_timeout=10
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        talks = dict(self._talks)
        for writer, task in talks.items():
            writer.transport.abort()
            if task is not None:
                task.cancel()
        await asyncio.gather(*filter(None, talks.values()), return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:  # shaking hands while the port was being closed
            writer.transport.abort()
            return
        session = Session()
        self._talks[writer] = asyncio.current_task()
        try:
            while True:
                message = messages.read_message(await _read(reader))
                if isinstance(message.operation, messages.Unbind):
                    break
                if isinstance(message.operation, messages.Abandon):
                    continue
                for chunk in _chunks(await self._respond(message, session, writer)):
                    writer.write(chunk)
                    await writer.drain()
        except Malformed:
            refusal = errors.comment(2, 0x57, "Error decoding ldap message")
            with contextlib.suppress(OSError):
                writer.write(messages.write_disconnection(refusal.code, refusal.text))
                await writer.drain()
        except _Cut:
            writer.transport.abort()
        except (asyncio.IncompleteReadError, OSError):
            pass  # the client is gone
        except asyncio.CancelledError:
            pass  # the port was closed; asyncio would print this one
        except Exception:
            # Never expected; the connection is lost, the others go on.
            _log.exception("the sandbox directory failed on a request")
        finally:
            del self._talks[writer]
            writer.close()

    async def _respond(
        self, message: Message, session: Session, writer: asyncio.StreamWriter
    ) -> list[bytes]:
        operation = _NAMES.get(type(message.operation))
        fault = self._faults.match(operation) if operation else None
        if fault is None:
            return self._service.answer(message, session)
        if fault.effect == "delay":
            await asyncio.sleep(fault.seconds)
        elif fault.effect == "hang":
            await _hang(fault.seconds, writer)
            raise _Cut
        elif fault.effect in ("refuse", "drop_before"):
            raise _Cut
        elif fault.effect == "error":
            result = Result(fault.code, text=_fault_text(fault))
            return [messages.write_result(message.id, message.operation, result)]
        lag = fault.seconds if fault.effect == "lag" else 0
        answer = self._service.answer(message, session, lag)
        if fault.effect == "drop_after":
            raise _Cut
        return answer


async def _hang(seconds: float, writer: asyncio.StreamWriter) -> None:
    """Say nothing for so long, or until the client gives up."""
    while seconds > 0 and not writer.is_closing():
        await asyncio.sleep(min(seconds, _LOOK_EVERY))
        seconds -= _LOOK_EVERY


def _fault_text(fault: Fault) -> str:
    win32 = (fault.detail or "").removeprefix("0x").rjust(8, "0").upper()
    if not fault.detail:
        return ""
    return f"{win32}: SvcErr: DSID-03190000, problem 5012 (DIR_ERROR), data 0\n\0"


async def _read(reader: asyncio.StreamReader) -> bytes:
    """One whole message. Raises Malformed and IncompleteReadError."""
    head = await reader.readexactly(2)
    if head[0] != 0x30:
        raise Malformed("not a message")
    size = head[1]
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4:
            raise Malformed("length not definite")
        more = await reader.readexactly(count)
        head += more
        size = int.from_bytes(more, "big")
    if size > _MAX_MESSAGE:
        raise Malformed("message too long")
    return head + await reader.readexactly(size)


def _chunks(answer: Iterable[bytes], size: int = 64 * 1024) -> Iterator[bytes]:
    """The messages joined into pieces of a fair size: one write for a small answer."""
    waiting: list[bytes] = []
    length = 0
    for part in answer:
        waiting.append(part)
        length += len(part)
        if length >= size:
            yield b"".join(waiting)
            waiting, length = [], 0
    if waiting:
        yield b"".join(waiting)
