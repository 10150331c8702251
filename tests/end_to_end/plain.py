"""A gateway of store-only sources and no directory: `app.py run` as it is, without a domain."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tests.end_to_end.gateway import Gateway, free_port


class Plain(Gateway):
    """`more` is added to the settings, `server` to that section."""

    def __init__(self, *, server: dict[str, Any] | None = None, **more: Any) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="muster-"))
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.config = self.folder / "muster.yaml"
        self.settings = {
            "data": "data",
            "domain": "norhaven.example",
            "server": {"port": self.port, **(server or {})},
            "sources": {"workday": {"profile": "hr"}, "other": {}},
            "targets": {},
            **more,
        }
        self._prepare()

    def made(self, *words: str) -> str:
        """What `app.py WORDS` prints; it has to succeed."""
        done = self.command(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def listed(self) -> list[dict[str, Any]]:
        """All credentials."""
        found: list[dict[str, Any]] = json.loads(self.made("token", "list", "--json"))
        return found

    def end(self) -> None:
        """Kill it, and remove the data."""
        self.kill()
        self.database.close()
        shutil.rmtree(self.folder)
