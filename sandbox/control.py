"""Orders to the sandbox process: one authenticated request at a time over loopback.

The web process shows, resets and breaks the two directories through :class:`Remote`; the
sandbox process answers in :class:`Desk`. Port and key lie in one file, mode 0600.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from sandbox.certificates import write_private
from sandbox.directory import SandboxDirectory
from sandbox.entra import SandboxEntra
from sandbox.faults import Fault

HOST = "127.0.0.1"
_PATIENCE = 30.0


class SandboxDown(Exception):
    """The sandbox process cannot be reached."""


def write_file(file: Path, port: int, key: bytes) -> None:
    """Where the process listens, for everyone who may read the file."""
    write_private(file, json.dumps({"port": port, "key": key.hex()}).encode())


def read_file(file: Path) -> tuple[int, bytes]:
    """Port and key. Raises SandboxDown when there is no such file yet."""
    try:
        kept = json.loads(file.read_text())
        return int(kept["port"]), bytes.fromhex(kept["key"])
    except (OSError, ValueError, KeyError):
        raise SandboxDown(f"{file} cannot be read") from None


class Remote:
    """The sandbox process, from another process. `file` is its control file.

    Every method raises SandboxDown when the process does not answer, and ValueError with
    the reason when the order was wrong.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def settings(self) -> dict[str, Any]:
        """`{"ad": {...}, "entra": {...}}`: how to reach both."""
        return dict(self._ask("settings"))

    def reset(self) -> None:
        """Both directories empty, faults gone."""
        self._ask("reset")

    def put(self, ad: Iterable[Mapping[str, Any]], entra: Iterable[Mapping[str, Any]]) -> None:
        """Put accounts that exist already."""
        self._ask("put", list(ad), list(entra))

    def dump(self) -> dict[str, Any]:
        """`{"ad": [{"dn", "attributes"}], "entra": [Graph user with manager and groups]}`."""
        return dict(self._ask("dump"))

    def set_faults(self, faults: Iterable[Mapping[str, Any]]) -> None:
        """These faults and no others."""
        self._ask("set_faults", list(faults))

    def _ask(self, order: str, *arguments: Any) -> Any:
        port, key = read_file(self._file)
        try:
            with Client((HOST, port), authkey=key) as connection:
                connection.send((order, arguments))
                if not connection.poll(_PATIENCE):
                    raise SandboxDown("the sandbox process does not answer")
                verdict, answer = connection.recv()
        except (OSError, EOFError, AuthenticationError) as error:
            raise SandboxDown(f"the sandbox process cannot be reached ({error})") from None
        if verdict == "wrong":
            raise ValueError(answer)
        if verdict != "done":
            raise SandboxDown(f"the sandbox process failed ({answer})")
        return answer


class Desk:
    """The sandbox process's side: takes orders until the process ends."""

    def __init__(self, ad: SandboxDirectory, entra: SandboxEntra, file: Path) -> None:
        self._ad = ad
        self._entra = entra
        port, key = read_file(file)
        self._listener = Listener((HOST, port), authkey=key)

    def open(self) -> None:
        """Answer in a thread of its own."""
        threading.Thread(target=self._serve, name="orders", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                with self._listener.accept() as connection:
                    self._answer(connection)
            except (OSError, EOFError, AuthenticationError):
                continue  # a client that went away, or one without the key

    def _answer(self, connection: Connection[Any, Any]) -> None:
        order, arguments = connection.recv()
        try:
            connection.send(("done", getattr(self, f"_{order}")(*arguments)))
        except ValueError as error:
            connection.send(("wrong", str(error)))
        except Exception as error:
            connection.send(("failed", type(error).__name__))

    def _settings(self) -> dict[str, Any]:
        return {"ad": dict(self._ad.settings()), "entra": dict(self._entra.settings())}

    def _reset(self) -> None:
        self._set_faults([])
        self._ad.reset()
        self._entra.reset()

    def _put(self, ad: list[Mapping[str, Any]], entra: list[Mapping[str, Any]]) -> None:
        self._ad.put(ad)
        self._entra.put(entra)

    def _dump(self) -> dict[str, Any]:
        return {"ad": self._ad.dump(), "entra": self._entra.dump()}

    def _set_faults(self, wanted: list[Mapping[str, Any]]) -> None:
        faults = [Fault.parse(rule) for rule in wanted]
        self._ad.set_faults(faults)
        self._entra.set_faults(faults)
