"""`app.py run` without a configuration: directories embedded, or a Samba domain for AD."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from sandbox.samba import SambaDomain
from tests.end_to_end.gateway import ROOT, free_port, operated, processes_of, wait_for


class SandboxGateway:
    """A gateway as a newcomer starts it, used through SCIM and the sandbox's HTTP contract."""

    def __init__(self, *, samba: bool = False, mappings: Mapping[str, str] | None = None) -> None:
        self.samba = samba
        self.folder = Path(tempfile.mkdtemp(prefix="muster-"))
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self._words = ["run", "--port", str(self.port), *(["--samba"] if samba else [])]
        self._http = requests.Session()
        folder = self.folder / "data" / "mappings"
        folder.mkdir(parents=True)
        for name, text in (mappings or {}).items():
            (folder / name).write_text(text)
        self.process: subprocess.Popen[bytes] | None = None
        self.about: dict[str, Any] = {}

    @property
    def environ(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MUSTER_")}
        return {**kept, "MUSTER_DATA": str(self.folder / "data")}

    def start(self) -> float:
        """Start; the seconds until the first page is served."""
        began = time.monotonic()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "app.py"), *self._words],
                env=self.environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self._serves, 90, "no page is served")
        took = time.monotonic() - began
        wait_for(self._tells, 30, "the sandbox does not answer")
        self.about = self.get("/sandbox")
        return took

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`python app.py WORDS` as the operator of this gateway."""
        return operated(words, self.environ, self.folder)

    def _serves(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            return self._http.get(self.base + "/", timeout=10).ok
        except requests.RequestException:
            return False

    def _tells(self) -> bool:
        return self._http.get(self.base + "/sandbox/accounts", timeout=10).ok

    def stop(self) -> None:
        """SIGTERM, and wait until the server is gone."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)

    def end(self) -> None:
        """Stop, and remove the data."""
        self.stop()
        self._http.close()
        shutil.rmtree(self.folder)

    def pid(self, name: str) -> int:
        """The process that `ps` shows under this name."""
        assert self.process is not None
        return dict(processes_of(self.process))[name]

    def get(self, path: str) -> Any:
        answer = self._http.get(self.base + path, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = self._http.request(method, self.base + path, json=body, timeout=330)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def scim(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        source: str = "workday",
    ) -> requests.Response:
        """One SCIM request as the client of `source`."""
        return self._http.request(
            method,
            self.about["scim"] + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.about['tokens'][source]}",
                "Content-Type": "application/scim+json",
            },
            timeout=30,
        )

    def once(
        self, source: str, method: str, path: str, body: Mapping[str, Any]
    ) -> requests.Response:
        """One SCIM request over a connection of its own: for several threads at once."""
        return requests.request(
            method,
            self.about["scim"] + path,
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.about['tokens'][source]}",
                "Content-Type": "application/scim+json",
            },
            timeout=60,
        )

    def ask(self, path: str, headers: Mapping[str, str]) -> Any:
        answer = self._http.get(self.base + path, headers=dict(headers), timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def clock(self, instant: str | None) -> None:
        self.send("PUT", "/sandbox/clock", {"now": instant})

    def settle(self, timeout: int = 60) -> dict[str, Any]:
        """Wait until nothing is to be done; fails the test when that takes too long."""
        told: dict[str, Any] = self.send("POST", "/sandbox/settle", {"timeout": timeout})
        assert told["settled"], told
        return told

    def reset(self) -> None:
        self.send("POST", "/sandbox/reset")

    def faults(self, *faults: Mapping[str, Any]) -> None:
        self.send("POST", "/sandbox/faults", {"faults": list(faults)})

    def accounts(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = self.get("/sandbox/accounts")
        return found

    def entra(self, number: str) -> dict[str, Any]:
        """The only Entra user with this employee number."""
        (found,) = [u for u in self.accounts()["entra"] if u.get("employeeId") == number]
        return found

    def purge(self, id: str) -> None:
        """Remove a user from Entra's recycle bin, as its administrator."""
        place = self.about["entra"]
        login = {
            "grant_type": "client_credentials",
            "client_id": place["client_id"],
            "client_secret": place["client_secret"],
            "scope": "https://graph.microsoft.com/.default",
        }
        tokens = f"{place['authority']}/{place['tenant_id']}/oauth2/v2.0/token"
        told = self._http.post(tokens, data=login, verify=place["ca_file"], timeout=30)
        bin = f"{place['graph']}/directory/deletedItems/{id}"
        headers = {"Authorization": f"Bearer {told.json()['access_token']}"}
        answer = self._http.delete(bin, headers=headers, verify=place["ca_file"], timeout=30)
        assert answer.status_code == 204, answer.text

    def ad(self, number: str) -> dict[str, Any]:
        """The only embedded AD account with this employee number: `{"dn", "attributes"}`."""
        (found,) = [u for u in self.accounts()["ad"] if u["attributes"].get("employeeID") == number]
        return found


class Domain:
    """The gateway's AD domain, for tests.samba.Administrator to look at by itself."""

    def __init__(self, gateway: SandboxGateway) -> None:
        self._place = gateway.about["ad"]
        self.base_dn: str = self._place["base_dn"]
        self._samba = gateway.folder / "data" / "samba" if gateway.samba else None
        self._password = gateway.folder / "ad.password"
        self._password.write_text(self._place["password"])

    def settings(self) -> Mapping[str, Any]:
        return dict(self._place)

    def administrator(self) -> Mapping[str, str]:
        if self._samba:
            return SambaDomain(self._samba).administrator()
        return {"bind_dn": self._place["bind_dn"], "password_file": str(self._password)}
