"""Third-party conformance suites, and what only HTTP shows, against a running gateway.

The gateway is started as an operator does, with a source that is not configured and so
only stores, under the strict profile.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.end_to_end.gateway import ROOT, SCIM_TYPE, free_port, wait_for

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
SCHEMAS = ROOT / "tests" / "data" / "schemas"


class Running:
    """`app.py run` with no targets, its address and tokens."""

    def __init__(self, folder: Path, schemas: Path | None = None) -> None:
        port = free_port()
        self.base = f"http://127.0.0.1:{port}/scim/v2"
        config = folder / "muster.yaml"
        settings = {
            "domain": "norhaven.example",
            "server": {"port": port},
            "sources": {"workday": {"mapping": "workday"}},
            "targets": {},
        }
        config.write_text(json.dumps(settings))
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MUSTER_")}
        self.environ = {**kept, "MUSTER_CONFIG": str(config)}
        if schemas:
            self.environ["MUSTER_SCHEMAS"] = str(schemas)
        self.log = folder / "log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "app.py"), "run"],
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
            return requests.get(f"{self.base}/Users", timeout=5).status_code == 401
        except requests.RequestException:
            return False

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "app.py"), *words],
            env=self.environ, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def token(self, name: str, profile: str) -> str:
        made = self.command("token", "create", name, "--profile", profile)
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def running_in(schemas: Path | None) -> Iterator[Running]:
    folder = Path(tempfile.mkdtemp(prefix="muster-"))
    running = Running(folder, schemas)
    yield running
    running.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def plain() -> Iterator[Running]:
    """With the schemas that ship."""
    yield from running_in(None)


@pytest.fixture(scope="module")
def extended() -> Iterator[Running]:
    """With the test resource in its folder of schemas."""
    yield from running_in(SCHEMAS)


@pytest.mark.filterwarnings("ignore")
def test_scim2_tester_finds_no_failure(plain: Running) -> None:
    import httpx2
    from scim2_client.engines.httpx2 import SyncSCIMClient
    from scim2_tester import Status, check_server

    headers = {"Authorization": f"Bearer {plain.token('tester', 'strict')}"}
    with httpx2.Client(base_url=plain.base, headers=headers, timeout=60) as http:
        client = SyncSCIMClient(http)
        client.discover()
        results = check_server(client)
    wrong = [f"{one.title}: {one.reason}" for one in results if one.status is not Status.SUCCESS]
    assert wrong == []
    assert Counter(one.status for one in results)[Status.SUCCESS] >= 130


def test_scim_sanity_gives_full_marks(plain: Running) -> None:
    program = Path(sys.executable).with_name("scim-sanity")
    words = ["probe", plain.base, "--token", plain.token("sanity", "strict"), "--strict"]
    done = subprocess.run(
        [str(program), *words, "--i-accept-side-effects", "--json-output"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    text = json.dumps(report)
    assert report["summary"]["failed"] == 0, text
    assert report["summary"]["passed"] >= 28, text


def test_a_folder_of_schemas_is_served(extended: Running) -> None:
    token = extended.token("conformance", "strict")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": SCIM_TYPE}
    test = "urn:ietf:params:scim:schemas:test:2.0:TestResource"
    extension = "urn:ietf:params:scim:schemas:extension:test:2.0:TestResource"
    body = {"schemas": [test, extension], "identifier": "t", extension: {"extRequired": "x"}}
    where = f"{extended.base}/TestResources"
    made = requests.post(where, json=body, headers=headers, timeout=30)
    assert made.status_code == 201
    assert made.headers["Content-Type"] == SCIM_TYPE
    assert requests.post(where, json=body, headers=headers, timeout=30).status_code == 409
    found = requests.get(f'{where}?filter=identifier eq "T"', headers=headers, timeout=30).json()
    assert [one["id"] for one in found["Resources"]] == [made.json()["id"]]
    kinds = requests.get(f"{extended.base}/ResourceTypes", headers=headers, timeout=30).json()
    assert {one["name"] for one in kinds["Resources"]} == {"User", "Group", "TestResource"}


def test_what_the_command_line_refuses(plain: Running) -> None:
    assert "there is no source typo" in plain.command("token", "create", "typo").stderr
    wrong = plain.command("token", "create", "a b", "--profile", "strict")
    assert wrong.returncode != 0
    assert "no source name" in wrong.stderr
    assert plain.command("token", "create", "x", "--profile", "lax").returncode == 2


def test_a_wrong_folder_of_schemas_is_said(plain: Running, tmp_path: Path) -> None:
    environ = dict(plain.environ)
    for folder, words in ((tmp_path / "none", "no such folder"), (tmp_path, "not JSON")):
        (tmp_path / "x.json").write_text("{")
        environ["MUSTER_SCHEMAS"] = str(folder)
        done = subprocess.run(
            [sys.executable, str(ROOT / "app.py"), "check", "--offline"],
            env=environ, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 1
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_both_processes_serve_one_truth(plain: Running) -> None:
    """Each request may go to another process: what one has written the other must show."""
    headers = {
        "Authorization": f"Bearer {plain.token('both', 'strict')}",
        "Content-Type": SCIM_TYPE,
    }
    for number in range(30):
        body = {"schemas": [CORE], "userName": f"u{number}"}
        made = requests.post(f"{plain.base}/Users", json=body, headers=headers, timeout=30)
        where = made.headers["Location"]
        assert requests.get(where, headers=headers, timeout=30).json() == made.json()
    page = f"{plain.base}/Users?count=7&cursor="
    names, cursor = [], ""
    while cursor is not None:
        found = requests.get(page + cursor, headers=headers, timeout=30).json()
        names += [one["userName"] for one in found["Resources"]]
        cursor = found.get("nextCursor")
    assert names == [f"u{number}" for number in range(30)]


def test_head_and_options(plain: Running) -> None:
    headers = {"Authorization": f"Bearer {plain.token('head', 'strict')}"}
    head = requests.head(f"{plain.base}/Users", headers=headers, timeout=30)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == SCIM_TYPE
    options = requests.options(f"{plain.base}/Users", headers=headers, timeout=30)
    assert options.status_code == 204
    assert "POST" in options.headers["Allow"]
