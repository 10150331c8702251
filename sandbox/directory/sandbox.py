"""The directory as its owner holds it: start, stop, settings, reset, put, dump, faults."""

from __future__ import annotations

import os
import secrets
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sandbox import certificates
from sandbox.directory import contents, seed
from sandbox.directory.domain import Domain
from sandbox.directory.listener import Listener
from sandbox.directory.service import Service
from sandbox.faults import Fault, Faults
from store.clocks import machine_now

REALM = "norhaven.example"


class SandboxDirectory:
    """An AD domain, `DC=norhaven,DC=example`, on a loopback port.

    folder   where it keeps its file, certificates and the service account's password
    port     0 takes a free one at the start
    tls      where the certificates lie, for two servers to share; `folder`/tls by default
    clock    epoch seconds, for whenCreated and accountExpires; by default real time

    Every method may be called from any thread. Raises OSError when the folder cannot
    be written, sqlite3.Error when its file cannot.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        tls: Path | None = None,
        clock: Callable[[], float] = machine_now,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._certificates = certificates.ensure(tls or folder / "tls", machine_now())
        self._password_file = folder / "directory.password"
        self._password = _kept(self._password_file)
        self._domain = Domain(folder / "directory.sqlite", REALM, clock)
        if self._domain.empty:
            seed.sow(self._domain, self._password)
        self._faults = Faults("ad")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificates.certificate, self._certificates.key)
        self._listener = Listener(Service(self._domain, self._lock), self._faults, context)
        self._port = port

    def start(self) -> None:
        """Serve. Returns when the port is open. Raises OSError when it is taken."""
        self._listener.start(self._port)
        self._port = self._listener.port

    def stop(self) -> None:
        """Stop serving and close the file; the object is of no use afterwards."""
        self._listener.stop()
        with self._lock:
            self._domain.close()

    @property
    def base_dn(self) -> str:
        """DN of the domain."""
        return self._domain.base_dn

    def administrator(self) -> dict[str, str]:
        """`bind_dn` and `password_file` of an account that may do everything: the same one."""
        settings = self.settings()
        return {name: settings[name] for name in ("bind_dn", "password_file")}

    def settings(self) -> dict[str, str]:
        """What a client needs: url, domain, base_dn, bind_dn, password, password_file, ca_file,
        people_ou, leavers_ou."""
        base = self._domain.base_dn
        return {
            "url": f"ldaps://localhost:{self._port}",
            "domain": self._domain.realm,
            "base_dn": base,
            "bind_dn": f"CN={seed.SERVICE_ACCOUNT},OU=Service Accounts,{base}",
            "password": self._password,
            "password_file": str(self._password_file),
            "ca_file": str(self._certificates.ca),
            "people_ou": f"OU={seed.PEOPLE},{base}",
            "leavers_ou": f"OU={seed.LEAVERS},{base}",
        }

    def reset(self) -> None:
        """Back to the empty company. Port, password, certificates and binds stay."""
        with self._lock:
            self._domain.clear()
            seed.sow(self._domain, self._password)

    def put(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Put entries as if they had always been there, see :func:`contents.put`.

        Raises ValueError with the DN and the reason; entries before it stay.
        """
        with self._lock:
            contents.put(self._domain, entries)

    def dump(self) -> list[dict[str, Any]]:
        """Every user, contact and group that did not come with the domain.

        `[{"dn", "attributes"}]`, see :func:`contents.dump`.
        """
        with self._lock:
            return contents.dump(self._domain, machine_now())

    def set_faults(self, faults: Iterable[Fault]) -> None:
        """These faults from now on, as far as they are for `ad`; none clears."""
        self._faults.replace(faults)
        self._listener.follow_faults()


def _kept(file: Path) -> str:
    """The secret in `file`, made at first; only its owner may read it."""
    try:
        return file.read_text()
    except FileNotFoundError:
        secret = f"Sandbox-{secrets.token_urlsafe(18)}"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secret)
        return secret
