"""A whole gateway in its own processes, as an operator starts it, and HR's side of the wire."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from provisioning import pairs
from sandbox.samba import SambaDomain
from store.clocks import machine_now, parse_instant
from store.database import Database
from store.setting import business_clock, set_business_time
from store.tables import pair
from tests.samba import Ous

ROOT = Path(__file__).resolve().parents[2]
SCIM_TYPE = "application/scim+json"


class Gateway:
    """`app.py run` on a free port, with a data folder and settings of its own."""

    def __init__(
        self, folder: Path, domain: SambaDomain, ous: Ous, database: str | None = None
    ) -> None:
        """`database` is a URL; without it, SQLite in the data folder."""
        self.folder = folder
        self._prepare(database)
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.config = folder / "muster.yaml"
        place = domain.settings()
        self.settings: dict[str, Any] = {
            "data": "data",
            "database": self._url,
            "domain": place["domain"],
            "server": {"port": self.port},
            "sandbox": {"allow": True},
            "sources": {s: {"mapping": s} for s in ("workday", "successfactors", "generic")},
            "targets": {
                "ad": {
                    "kind": "active_directory",
                    "url": place["url"],
                    "base_dn": place["base_dn"],
                    "people_ou": ous.people,
                    "leavers_ou": ous.leavers,
                    "bind_dn": place["bind_dn"],
                    "password": f"file:{place['password_file']}",
                    "ca_file": place["ca_file"],
                    "connect_timeout": 2,
                }
            },
        }

    def _prepare(self, database: str | None = None) -> None:
        self._url = database or f"sqlite:///{self.folder / 'data' / 'muster.db'}"
        self.process: subprocess.Popen[bytes] | None = None
        self._database: Database | None = None
        self._session = requests.Session()

    @property
    def environ(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MUSTER_")}
        return {**kept, "MUSTER_CONFIG": str(self.config)}

    @property
    def database(self) -> Database:
        """The gateway's own database, read from outside."""
        if self._database is None:
            self._database = Database(self._url)
        return self._database

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.config.write_text(json.dumps(self.settings))
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "app.py"), "run"],
                env=self.environ,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self._answers, 60, "the gateway does not answer")

    def _answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"the gateway ended:\n{self.log()}")
        try:
            return self._session.get(f"{self.base}/scim/v2/Users", timeout=5).status_code == 401
        except (requests.ConnectionError, requests.Timeout):
            return False

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> float:
        """SIGTERM; the seconds until everything is gone."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL to every process of it at once."""
        if self.process is not None:
            for _, pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(timeout=10)

    def pids(self) -> dict[str, int]:
        """Process ids by the name `ps` shows; a child has its parent's until it is up."""
        return dict(self.processes())

    def processes(self) -> list[tuple[str, int]]:
        """Name and id of every process of this gateway."""
        assert self.process is not None
        return processes_of(self.process)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`python app.py WORDS` as the operator of this gateway."""
        return operated(words, self.environ, self.folder)

    def token(self, source: str) -> str:
        return (self.folder / "data" / "tokens" / source).read_text().strip()

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        source: str = "workday",
        **more: Any,
    ) -> requests.Response:
        """One SCIM request as the client of `source`."""
        headers = {
            "Authorization": f"Bearer {self.token(source)}",
            "Content-Type": SCIM_TYPE,
            **more.pop("headers", {}),
        }
        data = None if body is None else json.dumps(body).encode()
        return self._session.request(
            method, f"{self.base}/scim/v2{path}", data=data, headers=headers, timeout=30, **more
        )

    def clock(self, instant: str) -> None:
        """Let business time stand at `instant`."""
        seconds = parse_instant(instant)
        self.database.write(lambda tx: set_business_time(tx, seconds))

    def settle(self, timeout: float = 30) -> None:
        """Wait until nothing is due, leased or in back-off, and no date has come unnoticed."""
        wait_for(self._settled, timeout, "the gateway does not come to rest")

    def _settled(self) -> bool:
        now = business_clock(self.database).now()
        with self.database.read() as connection:
            dates = connection.execute(
                pair.select().where(pair.c.look_at.is_not(None), pair.c.look_at <= now)
            ).first()
            return dates is None and pairs.counts(connection, machine_now()).settled


def operated(
    words: Sequence[str], environ: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """`python app.py WORDS` in this folder."""
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py"), *words],
        env=environ,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def processes_of(leader: subprocess.Popen[bytes]) -> list[tuple[str, int]]:
    """Name, as `ps` shows it, and id of every process that runs in the session of `leader`. One
    that has ended and waits for its parent to notice does not."""
    shown = subprocess.run(
        ["ps", "-o", "pid=,stat=,args=", "-s", str(leader.pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    found = (line.split(maxsplit=2) for line in shown.splitlines() if line.strip())
    return [(args.strip(), int(pid)) for pid, stat, args in found if not stat.startswith("Z")]


def wait_for(condition: Callable[[], bool], timeout: float, complaint: str) -> None:
    """Poll until `condition`; fails the test after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(complaint)
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
