"""One verified LDAPS connection and what it answers.

ldap3's SAFE_SYNC strategy never repeats a request by itself, which is what writes need:
an answer that does not come leaves the outcome unknown, and only a read-back may tell.
Its restartable strategies re-send writes. Schema is not loaded (get_info=NONE): values
arrive as bytes and `values.py` decodes them.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import ldap3
from ldap3.core.exceptions import (
    LDAPCommunicationError,
    LDAPExceptionError,
    LDAPMaximumRetriesError,
    LDAPResponseTimeoutError,
)

from adapters.active_directory import requests
from adapters.active_directory.config import Config
from adapters.active_directory.requests import Change, Filter, Strategy
from adapters.target import Refusal, TargetRefused

NO_ATTRIBUTES = ("1.1",)  # RFC 4511 section 4.5.1.8
IDLE_SECONDS = 300.0  # well below the 900 after which AD closes an idle connection
LOST = (LDAPCommunicationError, LDAPResponseTimeoutError, LDAPMaximumRetriesError, OSError)


class Lost(Exception):
    """The connection broke while an answer was due: a write may or may not have happened."""


@dataclass(frozen=True)
class Entry:
    """One search result: DN as sent and raw values by attribute as the server spells it."""

    dn: str
    values: Mapping[str, Sequence[bytes]]

    def all(self, name: str) -> list[bytes]:
        """The values of an attribute, however the server spells its name."""
        found = self.values.get(name)
        if found is None:
            folded = name.lower()
            found = next((v for n, v in self.values.items() if n.lower() == folded), ())
        return list(found)

    def first(self, name: str) -> bytes:
        """The first value of an attribute that every account has.

        Raises TargetRefused when it is not there: then we may not read it.
        """
        for value in self.all(name):
            return value
        raise TargetRefused(
            Refusal(
                "rights",
                "read",
                f"the service account may not read {name}",
                "grant it 'Read all properties' on the users below base_dn",
                name,
            )
        )


@dataclass(frozen=True)
class Answer:
    """An LDAP result (RFC 4511 section 4.1.9)."""

    result: int
    message: str
    """diagnosticMessage. May hold personal values: for classification, not for display."""
    entries: tuple[Entry, ...] = ()
    cookie: bytes = b""
    """Where a paged search goes on (RFC 2696); empty after the last page."""

    @property
    def win32(self) -> int | None:
        """The Windows error code AD and Samba put in front of the message."""
        found = re.match(r"\s*([0-9A-Fa-f]{8}):", self.message)
        return int(found[1], 16) if found else None

    @property
    def code(self) -> str:
        """`68/00000524`, or `68` when there is no Windows code."""
        return str(self.result) if self.win32 is None else f"{self.result}/{self.win32:08X}"


class VerifyingTls(ldap3.Tls):
    """TLS with chain and host name checked by OpenSSL itself.

    ldap3's own host check ignores IP addresses in certificates on Python 3.12 and later,
    sends no SNI and leaves Nagle's algorithm on, which costs 45 ms per bind.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._timeouts = (config.connect_timeout, config.receive_timeout)
        self._context = ssl.create_default_context(cafile=config.ca_file)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.failure: ssl.SSLError | None = None

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        plain: socket.socket = connection.socket
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(self._timeouts[0])
        try:
            connection.socket = self._context.wrap_socket(
                plain, server_hostname=connection.server.host
            )
        except ssl.SSLError as error:
            self.failure = error
            raise
        connection.socket.settimeout(self._timeouts[1])


class Session:
    """One bound connection, used by one thread at a time."""

    def __init__(self, connection: Any, strategy: Strategy) -> None:
        self._connection = connection
        self._strategy = strategy
        self.used = time.monotonic()
        self.reused = False
        self.dead = False

    def search(
        self,
        base: str,
        condition: Filter,
        scope: int,
        attributes: Sequence[str] = (),
        *,
        controls: Sequence[bytes] = (),
        limit: int = 0,
        page: tuple[int, bytes] | None = None,
    ) -> Answer:
        """Entries below `base`; `limit` 0 means no limit of ours. `page`: how many, and the
        cookie of the page before, which this very connection gave. Raises Lost."""
        if page is not None:
            controls = (*controls, requests.page(*page))
        request = requests.search(base, scope, condition, attributes or NO_ATTRIBUTES, limit)
        *found, result = self._ask(request, controls)
        entries = tuple(
            Entry(one["dn"], one["raw_attributes"])
            for one in found
            if one["type"] == "searchResEntry"  # AD adds references to other partitions
        )
        paged = (result.get("controls") or {}).get(requests.PAGED, {})
        cookie = (paged.get("value") or {}).get("cookie") or b""
        return Answer(result["result"], result["message"], entries, cookie)

    def add(self, dn: str, values: Mapping[str, Sequence[bytes]]) -> Answer:
        """Add a user. Raises Lost."""
        return self._write(requests.add(dn, {"objectClass": [b"user"], **values}))

    def modify(
        self, dn: str, changes: Mapping[str, Sequence[Change]], controls: Sequence[bytes] = ()
    ) -> Answer:
        """Apply changes of one entry, all or none. Raises Lost."""
        return self._write(requests.modify(dn, changes), controls)

    def delete(self, dn: str) -> Answer:
        """Delete an entry that has none below it. Raises Lost."""
        return self._write(requests.delete(dn))

    def modify_dn(self, dn: str, rdn: str, superior: str) -> Answer:
        """Rename and move in one. Raises Lost."""
        return self._write(requests.modify_dn(dn, rdn, superior))

    def close(self) -> None:
        """Close the socket; nothing is waited for."""
        with suppress(LDAPExceptionError, OSError):
            self._connection.strategy.close()

    @property
    def usable(self) -> bool:
        """False when idle for long, or when the server has closed or spoken unasked."""
        if self.dead or self._strategy.unread or time.monotonic() - self.used > IDLE_SECONDS:
            return False
        try:
            poller = select.poll()
            poller.register(self._connection.socket, select.POLLIN)
            return not poller.poll(0)
        except (AttributeError, OSError, TypeError, ValueError):
            return False

    def _write(self, request: bytes, controls: Sequence[bytes] = ()) -> Answer:
        result = self._ask(request, controls)[-1]
        return Answer(result["result"], result["message"])

    def _ask(self, request: bytes, controls: Sequence[bytes]) -> list[dict[str, Any]]:
        try:
            answer = self._strategy.ask(request, controls)
        except LOST:
            self.dead = True
            raise Lost from None  # ldap3's text names the socket, never the cause
        self.used = time.monotonic()
        return answer
