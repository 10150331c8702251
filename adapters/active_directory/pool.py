"""A few connections to a domain, each lent to one thread at a time."""

from __future__ import annotations

import os
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPExceptionError

from adapters.active_directory.config import Config
from adapters.active_directory.connection import LOST, Answer, Session, VerifyingTls
from adapters.active_directory.requests import Strategy
from adapters.target import Refusal, TargetDown, TargetRefused


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

    @contextmanager
    def separate(self) -> Iterator[Session]:
        """A bound session of its own, for work that takes long: it waits for none of the
        others and none for it. Raises as `lend`."""
        session = self._open_any()
        try:
            yield session
        finally:
            session.close()

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
        strategy = Strategy.of(connection)
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
        return Session(connection, strategy)


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
