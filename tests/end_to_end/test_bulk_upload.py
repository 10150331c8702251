"""A sandbox as a newcomer starts it: an upload by a script, and a company with a past."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.adapters.bulk_upload.conftest import bulk, record
from tests.end_to_end.gateway import ROOT
from tests.end_to_end.sandbox_gateway import SandboxGateway

SCIM = "application/scim+json"


@pytest.fixture(scope="module")
def gateway() -> Iterator[SandboxGateway]:
    if (ROOT / "muster.yaml").exists():
        pytest.skip("there is a muster.yaml: this is no first run")
    running = SandboxGateway()
    running.start()
    running.settle()
    running.reset()
    yield running
    running.end()


def graph(gateway: SandboxGateway, method: str, path: str, **more: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {gateway.about['tokens']['generic']}"}
    headers |= more.pop("headers", {})
    return requests.request(method, gateway.base + path, headers=headers, timeout=60, **more)


def test_as_a_script_of_microsofts_does_it(gateway: SandboxGateway) -> None:
    told = gateway.about["bulkUpload"]["generic"]
    found = graph(gateway, "GET", f"/v1.0/servicePrincipals?$filter=appId eq '{told['appId']}'")
    (principal,) = found.json()["value"]
    jobs = f"/beta/servicePrincipals/{principal['id']}/synchronization/jobs"
    (job,) = graph(gateway, "GET", jobs).json()["value"]
    assert job["id"] == told["jobId"]
    people = [record(f"G{number}") for number in range(50)]
    answer = graph(
        gateway,
        "POST",
        f"{jobs}/{job['id']}/bulkUpload",
        json=bulk(*people),
        headers={"Content-Type": SCIM},
    )
    assert (answer.status_code, answer.content) == (202, b"")
    gateway.settle()
    assert {u.get("employeeId") for u in gateway.accounts()["entra"]} == {
        one["externalId"] for one in people
    }
    log = answer.headers["Location"].replace("http://127.0.0.1:8080", gateway.base)
    entries = graph(gateway, "GET", log.removeprefix(gateway.base)).json()["value"]
    assert len(entries) == 100
    assert {one["provisioningStatusInfo"]["status"] for one in entries} == {"success"}
    subject = {"objectId": "G7", "objectTypeName": "User"}
    now = graph(
        gateway,
        "POST",
        f"{jobs}/{job['id']}/provisionOnDemand",
        json={"parameters": [{"subjects": [subject]}]},
    )
    assert json.loads(now.json()["key"])["details"]["errorCode"] == "RedundantExport"
    assert json.loads(now.json()["value"])["targetSystem"]["name"] == "entra"


def test_a_company_with_a_past_is_right_in_both_directories(gateway: SandboxGateway) -> None:
    gateway.reset()
    words = ("sandbox", "people", "--workers", "30", "--months", "3", "--seed", "5")
    config = {"MUSTER_CONFIG": str(gateway.folder / "data" / "sandbox.yaml")}
    told = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), *words],
        env={**gateway.environ, **config, "MUSTER_PORT": str(gateway.port)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    answer = gateway.settle()
    assert answer["held"] == answer["waiting"] == []
    found = gateway.accounts()
    assert len(found["ad"]) == len(found["entra"]) == 33
    numbers = {user["employeeId"] for user in found["entra"]}
    assert all(number.startswith("P005") for number in numbers)
    assert sum(user["manager"] is None for user in found["entra"]) == 1
    assert any(not user["accountEnabled"] for user in found["entra"])
