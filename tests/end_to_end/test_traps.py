"""The traps of uWSGI, each shown closed on the server as `app.py run` starts it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
import requests

from tests.end_to_end.gateway import ROOT, SCIM_TYPE, wait_for
from tests.end_to_end.running import Running, running

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
MANY = 40
"""Connections: more than the 16 threads."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[Running]:
    with running(more={"access": {"requests_per_second": 0}}) as found:  # no limit
        yield found


def call(
    gateway: Running, token: str, method: str, path: str, body: bytes | Iterator[bytes] | None
) -> tuple[int, bytes]:
    """One request over a connection of its own; an iterator is sent in chunks."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": SCIM_TYPE}
    try:
        connection.request(method, "/scim/v2" + path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def user(name: str) -> bytes:
    return json.dumps({"schemas": [CORE], "userName": name}).encode()


def test_a_chunked_body_is_no_empty_body(gateway: Running) -> None:
    token = gateway.token("chunks", "strict")
    body = user("in-chunks")
    pieces = iter([body[:7], body[7:8], body[8:]])
    status, made = call(gateway, token, "POST", "/Users", pieces)
    assert status == 201
    assert json.loads(made)["userName"] == "in-chunks"
    status, refused = call(gateway, token, "POST", "/Users", iter([b"x" * 65_536] * 17))
    assert status == 413
    assert json.loads(refused)["status"] == "413"


def test_idle_keep_alive_connections_hold_no_thread(gateway: Running) -> None:
    idle = [http.client.HTTPConnection("127.0.0.1", gateway.port) for _ in range(MANY)]
    sockets = []
    for connection in idle:
        connection.request("GET", "/scim/v2/Users", headers={"Connection": "keep-alive"})
        sockets.append(connection.sock)  # kept open on this side, whatever is answered
        answer = connection.getresponse()
        answer.read()
        assert answer.getheader("Connection") == "close"  # and it says so
    began = time.monotonic()
    assert requests.get(f"{gateway.base}/Users", timeout=30).status_code == 401
    assert time.monotonic() - began < 8  # socket-timeout is 10
    for connection in idle:
        connection.close()


def test_connections_that_say_nothing_hold_no_thread(gateway: Running) -> None:
    silent = [http.client.HTTPConnection("127.0.0.1", gateway.port) for _ in range(MANY)]
    for connection in silent:
        connection.connect()
    began = time.monotonic()
    assert requests.get(f"{gateway.base}/Users", timeout=30).status_code == 401
    assert time.monotonic() - began < 8  # socket-timeout is 10
    for connection in silent:
        connection.close()


class Load:
    """Reads and writes without pause, from several clients."""

    def __init__(self, gateway: Running, token: str) -> None:
        self.answers: Counter[object] = Counter()
        self.made: list[str] = []
        self._gateway, self._token = gateway, token
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._go, args=(n,)) for n in range(4)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _go(self, number: int) -> None:
        count = 0
        while not self._over.is_set():
            count += 1
            name = f"load-{number}-{count}"
            asked = (
                ("POST", "/Users", user(name)) if number % 2 else ("GET", "/Users?count=1", None)
            )
            try:
                answer: object = call(self._gateway, self._token, *asked)[0]
            except (OSError, http.client.HTTPException) as error:
                answer = repr(error)
            self.answers[answer] += 1
            if answer == 201:
                self.made.append(name)


def webs(gateway: Running) -> set[int]:
    return {pid for name, pid in gateway.processes() if name == "muster web"}


def test_a_reload_takes_up_settings_and_loses_no_request(gateway: Running) -> None:
    token = gateway.token("load", "strict")
    before, master = webs(gateway), dict(gateway.processes())["muster"]
    with Load(gateway, token) as load:
        gateway.settings["scim"] = {"page_size": 9}
        gateway.save()
        told = gateway.command("reload")
        assert told.returncode == 0, told.stderr
        wait_for(lambda: "chain reloading complete" in gateway.said(), 60, "no reload")
    assert set(load.answers) == {200, 201}, load.answers
    assert load.answers[201] > 10
    assert not before & webs(gateway)
    assert dict(gateway.processes())["muster"] == master
    for _ in range(6):  # whichever process answers
        _, listed = call(gateway, token, "GET", "/Users", None)
        assert json.loads(listed)["itemsPerPage"] == 9
        assert json.loads(listed)["totalResults"] == len(load.made)
    wait_for(lambda: gateway.said().count("worker begins") == 2, 10, "not the worker")


def test_a_reload_with_wrong_settings_changes_nothing(gateway: Running) -> None:
    before = webs(gateway)
    whole = gateway.config.read_text()
    gateway.config.write_text(whole.replace('"mapping"', '"maping"'))
    refused = gateway.command("reload")
    gateway.config.write_text(whole)
    assert refused.returncode == 1
    assert "maping is not a setting" in refused.stderr
    time.sleep(1.5)
    assert webs(gateway) == before


def test_killed_processes_come_back_and_none_outlives_its_master(gateway: Running) -> None:
    """The last test of this gateway."""
    names = ["muster", "muster web", "muster web", "muster worker"]

    def all_up() -> bool:
        return sorted(name for name, _ in gateway.processes()) == names

    wait_for(all_up, 20, f"ps shows {gateway.processes()}")
    before = gateway.processes()
    killed = {pid for name, pid in before if name != "muster"}
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    wait_for(
        lambda: all_up() and not killed & {pid for _, pid in gateway.processes()},
        30, "web or mule did not come back",
    )  # fmt: skip
    assert requests.get(f"{gateway.base}/Users", timeout=30).status_code == 401
    os.kill(dict(before)["muster"], signal.SIGKILL)
    gateway.process.wait(10)
    wait_for(lambda: not gateway.processes(), 10, "processes outlived their master")


@pytest.fixture(scope="module")
def apart() -> Iterator[Running]:
    """The web alone, which needs no secret of a directory."""
    ad = {
        "kind": "active_directory",
        "url": "ldaps://127.0.0.1:1",
        "base_dn": "DC=norhaven,DC=example",
        "people_ou": "OU=People,DC=norhaven,DC=example",
        "bind_dn": "CN=svc-muster,DC=norhaven,DC=example",
        "password": "env:KNOWN_ELSEWHERE",
    }
    with running(more={"targets": {"ad": ad}}, words=("--no-worker",)) as found:
        yield found


def test_web_and_worker_run_apart_and_are_reloaded_together(apart: Running) -> None:
    said = apart.folder / "worker.log"
    with said.open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py"), "worker"],
            env=apart.environ, cwd=apart.folder, stderr=log,
        )  # fmt: skip
    try:
        wait_for(lambda: said.read_text().count("worker begins") == 1, 30, "no worker")
        wait_for(lambda: len(webs(apart)) == 2, 20, "no web")
        before = webs(apart)
        assert "muster worker" not in dict(apart.processes())
        assert apart.command("reload").returncode == 0
        wait_for(lambda: said.read_text().count("worker begins") == 2, 20, "not the worker")
        wait_for(lambda: len(webs(apart) - before) == 2, 30, "not the web")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    finally:
        worker.kill()


def test_the_web_alone_is_seen_out_too(apart: Running) -> None:
    """The last test of this gateway."""
    with socket.create_connection(("127.0.0.1", apart.port)) as endless:
        endless.sendall(b"POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx")
        time.sleep(0.3)
        began = time.monotonic()
        apart.stop()
        assert time.monotonic() - began < 10
    assert not apart.processes()
