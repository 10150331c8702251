"""What only the real web server can get wrong: bodies, long addresses, logs, the stop."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator

from tests.end_to_end.gateway import SCIM_TYPE, Gateway, wait_for
from tests.provisioning.house import worker

LIMIT = 1 << 20


def body(number: str) -> bytes:
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]
    return json.dumps({"schemas": schemas, "userName": number, **worker(number)}).encode()


def post(gateway: Gateway, content: bytes | Iterator[bytes], token: str | None = None) -> int:
    """Status of a POST to /Users; an iterator is sent chunked."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    headers = {
        "Authorization": f"Bearer {token or gateway.token('workday')}",
        "Content-Type": SCIM_TYPE,
    }
    try:
        connection.request("POST", "/scim/v2/Users", content, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    yield from (content[start : start + size] for start in range(0, len(content), size))


def raw(gateway: Gateway, request: bytes) -> bytes:
    """The first bytes of the answer to `request`, after which nothing more is sent."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(64)


def test_bodies_arrive_however_they_are_sent(gateway: Gateway) -> None:
    assert post(gateway, body("C1")) == 201
    assert post(gateway, pieces(body("C2"), 40)) == 201
    for number in ("C1", "C2"):
        found = gateway.call("GET", f'/Users?filter=externalId eq "{number}"').json()
        assert found["totalResults"] == 1


def test_an_answer_comes_even_if_nobody_reads_the_body(gateway: Gateway) -> None:
    for size in (LIMIT + 1, 4 * LIMIT):
        assert post(gateway, b"x" * size) == 413
        assert post(gateway, pieces(b"x" * size, 60_000)) == 413
        assert post(gateway, b"x" * size, token="wrong") in (401, 413)
        assert post(gateway, pieces(b"x" * size, 60_000), token="wrong") in (401, 413)


def test_half_a_body_is_not_a_body(gateway: Gateway) -> None:
    head = (
        "POST /scim/v2/Users HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: {SCIM_TYPE}\r\nAuthorization: Bearer {gateway.token('workday')}\r\n"
    )
    for rest in (
        b"Content-Length: 999\r\n\r\n" + body("S1"),
        b"Content-Length: many\r\n\r\n" + body("S1"),
        b"Transfer-Encoding: chunked\r\n\r\nfff\r\n" + body("S1"),
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + body("S1") + b"\r\n0\r\n\r\n",
    ):
        assert raw(gateway, head.encode() + rest).startswith(b"HTTP/1.1 400"), rest[:40]
    assert gateway.call("GET", "/Users").json()["totalResults"] == 0


def test_a_long_query_is_answered_whole_or_refused_and_never_logged(gateway: Gateway) -> None:
    assert gateway.call("GET", f'/Users?filter=userName eq "{"a" * 20_000}"').status_code < 500
    assert gateway.call("GET", f'/Users?filter=userName eq "{"a" * 40_000}"').status_code == 414
    gateway.stop()
    assert "aaaa" not in gateway.log()
    assert "GET (The address is too long.) 414" in gateway.log()


def test_sigterm_lets_the_request_under_way_finish(gateway: Gateway) -> None:
    began, statuses = threading.Event(), []

    def slowly() -> Iterator[bytes]:
        for piece in pieces(body("T1"), 100):
            yield piece
            began.set()
            time.sleep(0.2)

    client = threading.Thread(target=lambda: statuses.append(post(gateway, slowly())))
    client.start()
    assert began.wait(10)
    assert gateway.stop() < 10
    client.join()
    assert statuses == [201]
    assert not gateway.pids()


def test_a_client_that_never_ends_does_not_hold_up_the_stop(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(b"POST /scim/v2/Users HTTP/1.1\r\nContent-Length: 100\r\n\r\nx")
        time.sleep(0.3)
        assert gateway.stop() < 10


def test_processes_have_names_and_come_back(gateway: Gateway) -> None:
    names = ["muster", "muster web", "muster web", "muster worker"]

    def pids() -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for name, pid in gateway.processes():
            found.setdefault(name, set()).add(pid)
        return found

    def all_up() -> bool:
        return sorted(name for name, _ in gateway.processes()) == names

    wait_for(all_up, 20, f"ps shows {gateway.processes()}")
    before = pids()
    killed = {min(before["muster web"]), *before["muster worker"]}
    for pid in killed:
        os.kill(pid, signal.SIGKILL)

    def back() -> bool:
        return all_up() and not killed & {pid for _, pid in gateway.processes()}

    wait_for(back, 20, "web or worker did not come back")
    assert pids()["muster"] == before["muster"]
    assert pids()["muster web"] > before["muster web"] - killed
    [master] = before["muster"]
    os.kill(master, signal.SIGKILL)
    assert gateway.process is not None
    gateway.process.wait(timeout=10)
    wait_for(lambda: not gateway.pids(), 10, "processes outlived their master")


def test_a_stop_while_one_process_still_loads_is_no_waiting(gateway: Gateway) -> None:
    """The first process answers while the second one loads."""
    assert gateway.stop() < 10
    assert not gateway.pids()
