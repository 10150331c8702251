"""The first minutes: no configuration, one command, the curl that it prints, and the story."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.end_to_end.gateway import ROOT, wait_for
from tests.end_to_end.sandbox_gateway import SandboxGateway


@pytest.fixture
def gateway() -> Iterator[SandboxGateway]:
    if (ROOT / "muster.yaml").exists():
        pytest.skip("there is a muster.yaml: this is no first run")
    running = SandboxGateway()
    running.start()
    yield running
    running.end()


def test_a_newcomer_sees_somebody_become_two_accounts(gateway: SandboxGateway) -> None:
    def printed() -> list[str]:
        text = (gateway.folder / "log").read_text()
        return re.findall(r"^  (curl .*?}')$", text, re.DOTALL | re.MULTILINE)

    wait_for(lambda: bool(printed()), 10, "no welcome is printed")  # the last thing of a start
    hired = subprocess.run(["sh", "-c", printed()[0]], capture_output=True, text=True, check=True)
    assert '"userName":"anna.lindqvist"' in hired.stdout
    gateway.settle()
    page = requests.get(gateway.base + "/?q=Lindqvist", timeout=10).text
    assert "CN=Anna Lindqvist,OU=People" in page
    assert "anna.lindqvist@norhaven.example" in page
    assert gateway.ad("E1001")["attributes"]["sAMAccountName"] == "anna.lindqvist"
    assert gateway.entra("E1001")["accountEnabled"]
    kept = gateway.folder / "data" / "tokens"
    modes = {file.name: file.stat().st_mode & 0o777 for file in kept.iterdir()}
    assert modes == dict.fromkeys(("workday", "successfactors", "generic"), 0o600)


def test_a_small_company_is_there_and_right(gateway: SandboxGateway) -> None:
    gateway.settle()
    people = json.loads(requests.get(gateway.base + "/people.json", timeout=10).text)
    assert people["counts"]["people"] == 12
    assert people["counts"]["remarks"] == people["counts"]["held"] == 0
    found = gateway.accounts()
    assert len(found["ad"]) == len(found["entra"]) == 12
    names = [sorted(u["attributes"]["sAMAccountName"] for u in found["ad"])]
    assert names == [sorted(u["mailNickname"] for u in found["entra"])]


def test_other_tools_read_the_directories_as_documented(gateway: SandboxGateway) -> None:
    if not shutil.which("ldapsearch"):
        assert os.environ.get("CI") != "true", "ldap-utils are missing in CI"
        pytest.skip("no ldapsearch here (Debian: ldap-utils)")
    gateway.settle()
    (commands,) = re.findall(
        r"```bash\n(.*?)```", (ROOT / "docs" / "sandbox.md").read_text(), re.DOTALL
    )
    shown = subprocess.run(
        ["bash", "-euc", f"BASE={gateway.base}\n{commands}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert shown.count("sAMAccountName: ") == 12
    assert "manager: CN=Henrike Sommerlath,OU=People,DC=norhaven,DC=example" in shown
    users = json.loads(shown[shown.index("{") :])
    assert len(users["value"]) == 12
    assert "W4001" in {user["employeeId"] for user in users["value"]}


def test_the_story_can_be_told_twice(gateway: SandboxGateway) -> None:
    for _ in range(2):
        told = subprocess.run(
            [sys.executable, str(ROOT / "app.py"), "sandbox", "story"],
            env={**gateway.environ, "MUSTER_PORT": str(gateway.port)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert told.returncode == 0, told.stdout + told.stderr
        assert told.stdout.count("right after") == 8
        assert "not right" not in told.stdout


def test_a_restart_keeps_everything_and_a_stop_leaves_nothing(gateway: SandboxGateway) -> None:
    gateway.settle()
    before = by_name(gateway.accounts())
    gateway.stop()
    left = subprocess.run(
        ["pgrep", "-f", str(gateway.folder)], capture_output=True, text=True, check=False
    )
    assert left.stdout == ""
    gateway.start()
    assert by_name(gateway.accounts()) == before


def by_name(found: dict[str, Any]) -> dict[str, Any]:
    """What is there, in an order of our own: a directory promises none, for values neither."""
    return {
        "ad": {
            entry["dn"]: {
                name: sorted(value) if isinstance(value, list) else value
                for name, value in entry["attributes"].items()
            }
            for entry in found["ad"]
        },
        "entra": {user["id"]: user for user in found["entra"]},
    }


def test_a_killed_sandbox_process_comes_back(gateway: SandboxGateway) -> None:
    gateway.settle()
    before = by_name(gateway.accounts())
    subprocess.run(["kill", "-9", str(gateway.pid("muster sandbox"))], check=True)

    def back() -> bool:
        answer = requests.get(gateway.base + "/sandbox/accounts", timeout=10)
        return answer.ok and by_name(answer.json()) == before

    wait_for(back, 30, "the sandbox did not come back as it was")
