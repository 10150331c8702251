"""The sandbox process: an AD domain and an Entra tenant on loopback, and a desk for orders.

`prepare` runs before anything is started and says how both will be reached; `serve` is the
process itself.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandbox import control, desk
from sandbox.directory import SandboxDirectory
from sandbox.entra import SandboxEntra
from store.clocks import machine_now


@dataclass(frozen=True)
class Ports:
    """Where the three listen. Kept, so that a URL somebody wrote down stays true."""

    directory: int
    entra: int
    control: int


def prepare(folder: Path) -> dict[str, Any]:
    """Make both directories unless they are there; `{"ad": {...}, "entra": {...}}`.

    Raises OSError when `folder` cannot be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ports = _ports(folder / "ports.json")
    desk.write_file(folder / control.CONTROL, ports.control, secrets.token_bytes(32))
    ad, entra = _open(folder, ports, machine_now)
    try:
        return {"ad": dict(ad.settings()), "entra": dict(entra.settings())}
    finally:
        ad.stop()
        entra.stop()


def serve(folder: Path, business: Callable[[], float], stop: threading.Event) -> None:
    """Both directories and the desk, until `stop`. `business` is business time.

    Raises OSError when a port was taken since `prepare`.
    """
    ad, entra = _open(folder, _ports(folder / "ports.json", keep=True), business)
    desk.Desk(ad, entra, folder / control.CONTROL).open()
    stop.wait()
    ad.stop()
    entra.stop()


def _open(
    folder: Path, ports: Ports, business: Callable[[], float]
) -> tuple[SandboxDirectory, SandboxEntra]:
    tls = folder / "tls"
    ad = SandboxDirectory(folder, ports.directory, tls=tls, clock=business)
    entra = SandboxEntra(folder, ports.entra, business=business, tls=tls)
    ad.start()
    entra.start()
    return ad, entra


def _ports(file: Path, keep: bool = False) -> Ports:
    """The kept ports; with `keep=False` those that somebody else took are chosen anew."""
    kept: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError):
        kept = json.loads(file.read_text())
    ports = Ports(
        *(
            kept[name] if name in kept and (keep or _is_free(kept[name])) else _free()
            for name in ("directory", "entra", "control")
        )
    )
    file.write_text(json.dumps(asdict(ports)))
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((control.HOST, port))
        except OSError:
            return False
    return True


def _free() -> int:
    with socket.socket() as probe:
        probe.bind((control.HOST, 0))
        return int(probe.getsockname()[1])
