"""The sandbox as a whole: restarts, put, dump, reset, its own process, many at once."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.entra import Options, SandboxEntra
from sandbox.faults import Fault
from tests.sandbox.entra.conftest import Client, user

ROOT = Path(__file__).parents[3]


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    with SandboxEntra(tmp_path) as first, Client(first) as client:
        before = first.settings()
        ann, bo = client.user(jobTitle="Mate")["id"], client.user("bo.lind")["id"]
        client("PUT", f"/users/{ann}/manager/$ref", {"@odata.id": f"{before['graph']}/users/{bo}"})
        gone = client.user("gone.girl")["id"]
        client("DELETE", f"/users/{gone}")
        people = first.dump()
        token = client.session.headers["Authorization"]
    port = int(before["authority"].rpartition(":")[2])
    with SandboxEntra(tmp_path, port) as second, Client(second) as client:
        assert second.settings() == before
        assert second.dump() == people
        assert client("GET", f"/users/{ann}", headers={"Authorization": str(token)}).ok
        assert client.get(f"/users/{ann}/manager")["id"] == bo
        assert client("GET", f"/directory/deletedItems/{gone}").ok


def test_secrets_lie_in_files_of_the_owner(tmp_path: Path) -> None:
    with SandboxEntra(tmp_path):
        for file in (tmp_path / "entra.sqlite", tmp_path / "tls" / "server.key"):
            assert stat.S_IMODE(os.stat(file).st_mode) == 0o600


def test_a_taken_port_is_an_os_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        sandbox = SandboxEntra(tmp_path, taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            sandbox.start()
    sandbox.start()
    sandbox.stop()
    sandbox.stop()


def test_put_and_dump_are_each_others_inverse(sandbox: SandboxEntra, client: Client) -> None:
    sandbox.put(
        [
            {
                "userPrincipalName": "ann.berg@norhaven.example",
                "displayName": "Ann Berg",
                "employeeId": "1001",
                "mail": "ann.berg@norhaven.example",
                "onPremisesSyncEnabled": True,
                "onPremisesImmutableId": "q83vEjRWeJA=",
                "manager": "bo.lind@norhaven.example",
                "groups": ["Deck crew", {"displayName": "Readers"}],
                "accountEnabled": False,
            },
            {"userPrincipalName": "bo.lind@norhaven.example", "roles": ["User Administrator"]},
        ]
    )
    shown = sandbox.dump()
    ann, bo = shown
    assert ann["manager"] == {
        "id": bo["id"],
        "displayName": "bo.lind",
        "userPrincipalName": "bo.lind@norhaven.example",
    }
    assert [g["displayName"] for g in ann["groups"]] == ["Deck crew", "Readers"]
    assert ann["proxyAddresses"] == ["SMTP:ann.berg@norhaven.example"]
    assert (ann["accountEnabled"], bo["accountEnabled"]) == (False, True)
    assert (bo["roles"], bo["manager"], bo["groups"]) == (["User Administrator"], None, [])
    groups = client.get("/groups")["value"]
    assert [g["displayName"] for g in groups] == ["Deck crew", "Readers"]
    sandbox.put(shown)
    assert sandbox.dump() == shown
    sandbox.reset()
    assert sandbox.dump() == []
    sandbox.put(shown)
    again = sandbox.dump()
    for person in shown + again:
        for group in person["groups"]:
            del group["id"]
    assert again == shown


@pytest.mark.parametrize(
    ("person", "text"),
    [
        ({"displayName": "Ann"}, "userPrincipalName"),
        ({"userPrincipalName": "ann@elsewhere.example"}, "domain portion"),
        ({"userPrincipalName": "ann@norhaven.example", "shoeSize": "4"}, "shoeSize"),
        ({"userPrincipalName": "ann@norhaven.example", "accountEnabled": "no"}, "Edm.Boolean"),
        ({"userPrincipalName": "ann@norhaven.example", "manager": "no@one"}, "manager"),
        ({"userPrincipalName": "ann@norhaven.example", "groups": [7]}, "groups"),
        ({"userPrincipalName": "ann@norhaven.example", "roles": "all"}, "roles"),
        ({"userPrincipalName": "ann@norhaven.example", "id": "7"}, "GUID"),
        ({"userPrincipalName": "ann@norhaven.example", "mail": "bo@norhaven.example"}, "proxyAdd"),
    ],
)
def test_a_wrong_put_puts_nothing(sandbox: SandboxEntra, person: dict[str, Any], text: str) -> None:
    bo = {"userPrincipalName": "bo@norhaven.example", "mail": "bo@norhaven.example"}
    with pytest.raises(ValueError, match=text):
        sandbox.put([bo, person])
    assert sandbox.dump() == []


def test_a_reset_restores_options_and_faults_and_is_quick(tmp_path: Path) -> None:
    with SandboxEntra(tmp_path, options=Options(domains=("a.example", "b.example"))) as sandbox:
        sandbox.put({"userPrincipalName": f"user{n}@b.example"} for n in range(2000))
        sandbox.configure(throttle=0.01, domains=("c.example",))
        sandbox.set_faults([Fault("entra", "*", "refuse")])
        secret = sandbox.settings()["client_secret"]
        begun = time.monotonic()
        sandbox.reset()
        assert time.monotonic() - begun < 2
        assert sandbox.options == Options(domains=("a.example", "b.example"))
        assert (sandbox.dump(), sandbox.settings()["client_secret"]) == ([], secret)
        with Client(sandbox) as client:
            assert client("GET", "/users").ok


@pytest.mark.parametrize(
    "wrong", [{"domains": ()}, {"domains": ("A.example",)}, {"throttle": -1}, {"token_seconds": 0}]
)
def test_wrong_options(sandbox: SandboxEntra, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        sandbox.configure(**wrong)


def test_the_same_name_asked_for_by_many_at_once(sandbox: SandboxEntra) -> None:
    statuses: list[int] = []
    clients = [Client(sandbox) for _ in range(8)]

    def ask(client: Client) -> None:
        statuses.append(client("POST", "/users", user()).status_code)

    threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.session.close()
    assert sorted(statuses) == [201] + [400] * 7
    assert len(sandbox.dump()) == 1


def test_http_odds_and_ends(sandbox: SandboxEntra, client: Client) -> None:
    """A chunked body, one connection for many requests, sizes and lengths that are wrong."""
    host, port = "localhost", int(client.settings["authority"].rpartition(":")[2])
    raw = json.dumps(user()).encode()
    headers = {"Content-Type": "application/json"}
    halves = (part for part in (raw[:20], raw[20:]))
    assert client("POST", "/users", data=halves, headers=headers).status_code == 201
    large = b'{"jobTitle": "' + b"x" * (5 << 20) + b'"}'
    try:
        status = client("POST", "/users", data=large, headers=headers).status_code
    except requests.ConnectionError:
        status = 413  # cut while the client was still sending
    assert status == 413
    with socket.create_connection((host, port), 5) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            received = plain.recv(100)
        except ConnectionResetError:
            received = b""
        assert received == b""  # no TLS, no answer
    text = client("POST", "/users", data=b"a=b", headers={"Content-Type": "text/plain"})
    assert text.status_code == 400


def test_in_a_process_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox.entra", str(tmp_path), "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        shown = json.loads(process.stdout.readline())
        assert "client_secret" not in shown
        settings = json.loads((tmp_path / "entra.json").read_text())
        assert stat.S_IMODE(os.stat(tmp_path / "entra.json").st_mode) == 0o600
        assert shown.items() <= settings.items()
        url = f"{settings['authority']}/{settings['tenant_id']}/oauth2/v2.0/token"
        form = {
            "grant_type": "client_credentials",
            "client_id": settings["client_id"],
            "client_secret": settings["client_secret"],
            "scope": "https://graph.microsoft.com/.default",
        }
        with requests.Session() as session:
            session.trust_env, session.verify = False, settings["ca_file"]
            token = session.post(url, data=form, timeout=10).json()["access_token"]
            session.headers["Authorization"] = f"Bearer {token}"
            assert session.post(f"{settings['graph']}/users", json=user(), timeout=10).ok
        status = Path(f"/proc/{process.pid}/status").read_text()
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        assert int(resident.split()[1]) < 60 * 1024
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_the_sdk_is_read_but_never_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from sandbox.entra import schema\n"
        "assert schema.fields('User')['employeeOrgData'].type == 'EmployeeOrgData'\n"
        "assert schema.fields('User')['id'].kind == 'str'\n"
        "assert schema.fields('Group')['members'].relation\n"
        "assert not [m for m in sys.modules if m.startswith(('msgraph', 'kiota', 'azure'))]\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
