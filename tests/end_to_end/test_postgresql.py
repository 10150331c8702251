"""The whole gateway on PostgreSQL: web server and worker, a working life, and kill -9."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.samba import SambaDomain
from tests.end_to_end.gateway import Gateway, wait_for
from tests.provisioning.house import worker
from tests.samba import Administrator, Ous

SCHEMAS = ["urn:ietf:params:scim:schemas:core:2.0:User"]


@pytest.fixture
def gateway(samba: SambaDomain, samba_ous: Ous, postgres: str) -> Iterator[Gateway]:
    folder = Path(tempfile.mkdtemp(prefix="muster-"))
    running = Gateway(folder, samba, samba_ous, postgres)
    running.start()
    yield running
    running.kill()
    running.database.close()
    shutil.rmtree(folder)


def body(number: str, **more: Any) -> dict[str, Any]:
    return {"schemas": SCHEMAS, "userName": number, **worker(number, **more)}


def test_a_working_life(gateway: Gateway, samba_admin: Administrator) -> None:
    def account(number: str) -> tuple[str, bool]:
        entry = samba_admin.entry(f"(employeeID={number})")
        return str(entry["title"][0]), not int(entry["userAccountControl"][0]) & 2

    ids = {}
    for number in ("P1", "P2", "P3"):
        answer = gateway.call("POST", "/Users", body(number, title="Cook"))
        assert answer.status_code == 201
        assert answer.headers["Muster-Receipt"]
        ids[number] = answer.json()["id"]
    assert gateway.call("POST", "/Users", body("P1")).status_code == 409
    gateway.settle()
    assert account("P1") == ("Cook", True)

    for victim in ("muster worker", "muster web"):
        os.kill(gateway.pids()[victim], signal.SIGKILL)
    wait_for(gateway._answers, 30, "the web process did not come back")
    changed = gateway.call("PUT", f"/Users/{ids['P1']}", body("P1", title="Chief"))
    assert changed.status_code == 200
    left = gateway.call("PUT", f"/Users/{ids['P2']}", body("P2", title="Cook", active=False))
    assert left.status_code == 200
    assert gateway.call("DELETE", f"/Users/{ids['P3']}").status_code == 204
    gateway.settle(60)
    assert account("P1") == ("Chief", True)
    assert account("P2") == ("Cook", False)
    assert account("P3") == ("Cook", False)

    found = gateway.call("GET", '/Users?filter=title eq "Chief"').json()
    assert [one["id"] for one in found["Resources"]] == [ids["P1"]]
    assert gateway.command("journal", "--verify").returncode == 0
    shown = gateway.command("plan", "--all", "--summary")
    assert shown.stdout.startswith("ad: 3 people, 0 would change"), shown.stdout + shown.stderr
    assert "Cook" not in gateway.log()
