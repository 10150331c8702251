"""A gateway without targets, as an operator starts it; alone, or behind Debian's nginx."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.end_to_end.gateway import ROOT, free_port, processes_of, wait_for


class Running:
    """`app.py run` with no targets, its address and tokens. `more` are further settings."""

    def __init__(
        self,
        folder: Path,
        schemas: Path | None = None,
        more: Mapping[str, Any] | None = None,
        words: tuple[str, ...] = (),
    ) -> None:
        settings = dict(more or {})
        server = {"port": free_port(), **settings.pop("server", {})}
        self.port: int = server["port"]
        self.direct = f"http://127.0.0.1:{self.port}/scim/v2"
        self.base = self.direct
        self.folder = folder
        self.config = folder / "muster.yaml"
        self.settings: dict[str, Any] = {
            "domain": "norhaven.example",
            "server": server,
            "sources": {"workday": {"mapping": "workday"}},
            "targets": {},
            **settings,
        }
        self.save()
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MUSTER_")}
        self.environ = {**kept, "MUSTER_CONFIG": str(self.config)}
        if schemas:
            self.environ["MUSTER_SCHEMAS"] = str(schemas)
        self.log = folder / "log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "app.py"), "run", *words],
                env=self.environ,
                cwd=folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self._answers, 60, "the gateway does not answer")

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return requests.get(f"{self.direct}/Users", timeout=5).status_code == 401
        except requests.RequestException:
            return False

    def save(self) -> None:
        """Write the settings, for the next start or reload."""
        self.config.write_text(json.dumps(self.settings))

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "app.py"), *words],
            env=self.environ, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def token(self, name: str, profile: str) -> str:
        made = self.command("token", "create", name, "--profile", profile)
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def processes(self) -> list[tuple[str, int]]:
        return processes_of(self.process)

    def said(self) -> str:
        """Everything on its log so far."""
        return self.log.read_text(errors="replace")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)


@contextmanager
def running(
    schemas: Path | None = None,
    more: Mapping[str, Any] | None = None,
    words: tuple[str, ...] = (),
) -> Iterator[Running]:
    """A gateway in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="muster-"))
    found = Running(folder, schemas, more, words)
    try:
        yield found
    finally:
        found.stop()
        shutil.rmtree(folder)
