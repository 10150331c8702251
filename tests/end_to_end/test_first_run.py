"""The first minutes: no configuration, one command, and the curl that it prints."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import requests

from sandbox.samba import SambaDomain
from tests.end_to_end.gateway import ROOT, free_port, wait_for


def test_a_newcomer_sees_somebody_become_an_account(samba: SambaDomain) -> None:
    # `samba` only makes sure that this machine can carry a domain.
    if (ROOT / "muster.yaml").exists():
        pytest.skip("there is a muster.yaml: this is no first run")
    folder = Path(tempfile.mkdtemp(prefix="muster-"))
    port = free_port()
    environ = {k: v for k, v in os.environ.items() if not k.startswith("MUSTER_")}
    environ |= {"MUSTER_DATA": str(folder / "data"), "MUSTER_PORT": str(port)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py"), "run"],
            env=environ,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        page = f"http://127.0.0.1:{port}/"

        def served() -> bool:
            try:
                return requests.get(page, timeout=10).ok
            except requests.RequestException:
                assert process.poll() is None, (folder / "log").read_text()
                return False

        wait_for(served, 90, "no page is served")
        printed = (folder / "log").read_text()
        found = re.search(r"^  (curl .*?}')$", printed, re.DOTALL | re.MULTILINE)
        assert found, printed
        hired = subprocess.run(["sh", "-c", found[1]], capture_output=True, text=True, check=True)
        assert '"userName":"anna.lindqvist"' in hired.stdout
        wait_for(
            lambda: "CN=Anna Lindqvist,OU=People" in requests.get(page, timeout=10).text,
            30,
            "the page does not show the account",
        )
        modes = {p.name: p.stat().st_mode & 0o777 for p in (folder / "data" / "tokens").iterdir()}
        assert modes == dict.fromkeys(("workday", "successfactors", "generic"), 0o600)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
    sandbox = subprocess.run(
        ["pgrep", "-f", str(folder)], capture_output=True, text=True, check=False
    )
    assert sandbox.stdout == "", "the sandbox outlived the gateway"
    shutil.rmtree(folder)
