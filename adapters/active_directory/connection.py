"""A few verified LDAPS connections, lent to one thread at a time.

ldap3's SAFE_SYNC strategy never repeats a request by itself, which is what writes need:
an answer that does not come leaves the outcome unknown, and only a read-back may tell.
Its restartable strategies re-send writes. Schema is not loaded (get_info=NONE): values
arrive as bytes and `values.py` decodes them.
"""

from __future__ import annotations

import os
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import (
    LDAPCommunicationError,
    LDAPExceptionError,
    LDAPMaximumRetriesError,
    LDAPResponseTimeoutError,
)

from adapters.active_directory.config import Config
from adapters.target import Refusal, TargetDown, TargetRefused

IDLE_SECONDS = 300.0  # well below the 900 after which AD closes an idle connection
LOST = (LDAPCommunicationError, LDAPResponseTimeoutError, LDAPMaximumRetriesError, OSError)


class Lost(Exception):
    """The connection broke while an answer was due: a write may or may not have happened."""


@dataclass(frozen=True)
class Entry:
    """One search result: DN as sent and raw values by attribute as the server spells it."""

    dn: str
    values: Mapping[str, Sequence[bytes]]


@dataclass(frozen=True)
class Answer:
    """An LDAP result (RFC 4511 section 4.1.9)."""

    result: int
    message: str
    """diagnosticMessage. May hold personal values: for classification, not for display."""
    entries: tuple[Entry, ...] = ()

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

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.used = time.monotonic()
        self.reused = False
        self.dead = False

    def search(
        self,
        base: str,
        filter: str,
        scope: str,
        attributes: Sequence[str] = (),
        *,
        controls: Sequence[Any] = (),
        limit: int = 0,
    ) -> Answer:
        """Entries below `base`; `limit` 0 means no limit of ours. Raises Lost."""
        _, result, response, _ = self._ask(
            self._connection.search,
            base,
            filter,
            scope,
            attributes=list(attributes) or [ldap3.NO_ATTRIBUTES],
            controls=list(controls) or None,
            size_limit=limit,
            auto_escape=False,
        )
        entries = tuple(
            Entry(found["dn"], found["raw_attributes"])
            for found in response or ()
            if found["type"] == "searchResEntry"  # AD adds references to other partitions
        )
        return Answer(result["result"], result["message"], entries)

    def add(self, dn: str, values: Mapping[str, Sequence[bytes]]) -> Answer:
        """Add a user. Raises Lost."""
        return self._write(
            self._connection.add, dn, ["user"], {name: list(v) for name, v in values.items()}
        )

    def modify(
        self, dn: str, changes: Mapping[str, Sequence[tuple[str, Sequence[bytes]]]]
    ) -> Answer:
        """Apply changes of one entry, all or none. Raises Lost."""
        plain = {a: [(op, list(values)) for op, values in cs] for a, cs in changes.items()}
        return self._write(self._connection.modify, dn, plain)

    def modify_dn(self, dn: str, rdn: str, superior: str) -> Answer:
        """Rename and move in one. Raises Lost."""
        return self._write(self._connection.modify_dn, dn, rdn, new_superior=superior)

    def close(self) -> None:
        """Close the socket; nothing is waited for."""
        with suppress(LDAPExceptionError, OSError):
            self._connection.strategy.close()

    @property
    def usable(self) -> bool:
        """False when idle for long, or when the server has closed or spoken unasked."""
        if self.dead or time.monotonic() - self.used > IDLE_SECONDS:
            return False
        try:
            poller = select.poll()
            poller.register(self._connection.socket, select.POLLIN)
            return not poller.poll(0)
        except (AttributeError, OSError, TypeError, ValueError):
            return False

    def _write(self, method: Any, *arguments: Any, **options: Any) -> Answer:
        _, result, _, _ = self._ask(method, *arguments, **options)
        return Answer(result["result"], result["message"])

    def _ask(self, method: Any, *arguments: Any, **options: Any) -> Any:
        try:
            answer = method(*arguments, **options)
        except LOST:
            self.dead = True
            raise Lost from None  # ldap3's text names the socket, never the cause
        self.used = time.monotonic()
        return answer


class Pool:
    """Connections to one domain, at most `config.connections` at once. Thread-safe."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._places = threading.BoundedSemaphore(config.connections)
        self._lock = threading.Lock()
        self._idle: list[Session] = []
        self._owner = os.getpid()
        self._preferred = 0  # index of the URL that answered last

    @contextmanager
    def lend(self, *, fresh: bool = False) -> Iterator[Session]:
        """A bound session. It is dropped if anything is raised while it is lent.

        Raises TargetDown when no domain controller answers, TargetRefused when the
        certificate or the credentials are not accepted.
        """
        config = self._config
        if not self._places.acquire(timeout=config.connect_timeout + config.receive_timeout):
            raise TargetDown("all connections to the domain are busy", "raise `connections`")
        try:
            session = (None if fresh else self._take_idle()) or self._open_any()
            try:
                yield session
            except BaseException:
                session.dead = True
                raise
            finally:
                if session.dead:
                    session.close()
                else:
                    with self._lock:
                        self._idle.append(session)
        finally:
            self._places.release()

    def close(self) -> None:
        """Close the idle connections; lent ones stay until given back and reused."""
        with self._lock:
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()

    def _take_idle(self) -> Session | None:
        while True:
            with self._lock:
                if self._owner != os.getpid():  # a fork shares sockets: leave them to the parent
                    self._owner, self._idle = os.getpid(), []
                session = self._idle.pop() if self._idle else None
            if session is None:
                return None
            if session.usable:
                session.reused = True
                return session
            session.close()

    def _open_any(self) -> Session:
        """Connect to the preferred domain controller, else to the next that answers."""
        urls = self._config.urls
        failures: list[TargetDown] = []
        refusals: list[TargetRefused] = []
        for step in range(len(urls)):
            index = (self._preferred + step) % len(urls)
            try:
                session = self._open(urls[index])
            except TargetDown as error:
                failures.append(error)
            except TargetRefused as error:
                if error.refusal.code != "tls":  # asking others too would lock the account out
                    raise
                refusals.append(error)
            else:
                if index != self._preferred:  # stay with one, or reads miss what was just written
                    self._preferred = index
                    self.close()
                return session
        if failures:
            raise failures[0]
        raise refusals[0]

    def _open(self, url: str) -> Session:
        config = self._config
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 636
        where = f"{host}:{port}"
        try:
            tls = VerifyingTls(config)
        except (OSError, ssl.SSLError) as error:
            raise _untrusted(
                f"the certificate authority file cannot be read ({type(error).__name__})",
                f"set ca_file to a PEM file that this user may read, now {config.ca_file}",
            ) from None
        server = ldap3.Server(
            host,
            port=port,
            use_ssl=True,
            tls=tls,
            get_info=ldap3.NONE,
            connect_timeout=config.connect_timeout,
        )
        connection = ldap3.Connection(
            server,
            config.bind_dn,
            _password(config),
            client_strategy=ldap3.SAFE_SYNC,
            auto_referrals=False,
            auto_range=False,
            return_empty_attributes=False,
            check_names=False,
            raise_exceptions=False,
            receive_timeout=config.receive_timeout,
        )
        try:
            connection.open(read_server_info=False)
            _, result, _, _ = connection.bind(read_server_info=False)
        except LOST:
            with suppress(LDAPExceptionError, OSError):
                connection.strategy.close()
            if isinstance(tls.failure, ssl.SSLCertVerificationError):
                raise _untrusted(
                    f"the certificate of {where} is not accepted: {tls.failure.verify_message}",
                    "set ca_file to the authority that issued it, and use in `url` a host name "
                    "that the certificate holds",
                ) from None
            raise TargetDown(
                f"domain controller {where} does not answer",
                "check that it runs, that the name resolves and that LDAPS (636) is open",
            ) from None
        answer = Answer(result["result"], result["message"])
        if answer.result != 0:
            connection.strategy.close()
            raise _bind_error(answer, where)
        return Session(connection)


def _untrusted(message: str, remedy: str) -> TargetRefused:
    return TargetRefused(Refusal("config", "tls", message, remedy))


def _password(config: Config) -> str:
    try:
        password = config.password()
    except (OSError, LookupError, ValueError) as error:
        problem = type(error).__name__
    else:
        if password:
            return password
        problem = "it is empty"  # and an empty one would make an anonymous bind
    raise TargetRefused(
        Refusal(
            "config",
            "password",
            f"the service account's password cannot be had ({problem})",
            "check the password reference of this target",
        )
    )


BIND_DATA = {  # sub-codes of LDAP result 49, decimal-looking hex of win32 logon errors
    "525": "the account does not exist",
    "52e": "the name or the password is wrong",
    "530": "the account may not log on at this hour",
    "531": "the account may not log on from this machine",
    "532": "the password has expired",
    "533": "the account is disabled",
    "701": "the account has expired",
    "773": "the password must be changed first",
    "775": "the account is locked out",
}


def _bind_error(answer: Answer, where: str) -> Exception:
    """A failed bind, as TargetDown when waiting can help and TargetRefused when not."""
    if answer.result in (51, 52):
        return TargetDown(f"domain controller {where} is busy", "it is tried again by itself")
    if answer.result == 8:
        why = "it demands signing or another way to authenticate than a simple bind over TLS"
    else:
        found = re.search(r"data ([0-9a-f]+)", answer.message)
        why = BIND_DATA.get(found[1] if found else "", f"LDAP result {answer.result}")
    code = answer.code
    if answer.result == 49 and (found := re.search(r"data ([0-9a-f]+)", answer.message)):
        code = f"49/{found[1]}"
    return TargetRefused(
        Refusal(
            "config",
            code,
            f"{where} does not let the service account in: {why}",
            "correct bind_dn and password of this target; nothing is tried again until then",
        )
    )
