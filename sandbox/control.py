"""Orders to the sandbox process: one authenticated request at a time over loopback.

The web process shows, resets and breaks the two directories through :class:`Remote`; the
sandbox process answers in `sandbox/desk.py`. Port and key lie in one file, mode 0600.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
CONTROL = "control.json"
_PATIENCE = 30.0


class SandboxDown(Exception):
    """The sandbox process cannot be reached."""


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
