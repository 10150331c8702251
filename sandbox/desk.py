"""Where the sandbox process takes orders; `sandbox/control.py` is the other side."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from sandbox import control
from sandbox.certificates import write_private
from sandbox.directory import SandboxDirectory
from sandbox.entra import SandboxEntra
from sandbox.faults import Fault


def write_file(file: Path, port: int, key: bytes) -> None:
    """Where the process listens, for everyone who may read the file."""
    write_private(file, json.dumps({"port": port, "key": key.hex()}).encode())


class Desk:
    """The sandbox process's side: takes orders until the process ends."""

    def __init__(self, ad: SandboxDirectory, entra: SandboxEntra, file: Path) -> None:
        self._ad = ad
        self._entra = entra
        port, key = control.read_file(file)
        self._listener = Listener((control.HOST, port), authkey=key)

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
