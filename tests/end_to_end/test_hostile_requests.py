"""Requests that nobody sends by mistake, to Muster directly and through nginx."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from tests.end_to_end.gateway import free_port, wait_for
from tests.end_to_end.nginx import PREFIX, Nginx, nginx
from tests.end_to_end.running import Running, running

TARGETS = ("direct", "nginx")
SECRET = "sought-by-nobody"
WAITS = {"client_header_timeout 15s": "client_header_timeout 2s",
         "client_body_timeout   30s": "client_body_timeout 2s"}  # fmt: skip


@dataclass
class Doors:
    """Both ways in, and a token."""

    gateway: Running
    front: Nginx
    token: str

    def path(self, way: str) -> str:
        return "/scim/v2" if way == "direct" else PREFIX + "/scim/v2"

    def connect(self, way: str) -> socket.socket:
        port = self.gateway.port if way == "direct" else self.front.port
        plain = socket.create_connection(("127.0.0.1", port), timeout=20)
        if way == "direct":
            return plain
        return self.front.trust.wrap_socket(plain, server_hostname="localhost")

    def raw(self, way: str, request: bytes) -> bytes:
        """Everything that is answered until the connection is closed from there."""
        request = request.replace(b"<base>", self.path(way).encode())
        request = request.replace(b"<token>", self.token.encode())
        said = b""
        with self.connect(way) as connection:
            connection.sendall(request)
            connection.settimeout(2 if way == "nginx" else 20)
            try:
                while piece := connection.recv(65_536):
                    said += piece
            except (TimeoutError, ConnectionResetError, ssl.SSLError):
                pass  # nginx keeps the connection; a reset comes after the answer
        return said

    def users(self) -> int:
        headers = {"Authorization": f"Bearer {self.token}"}
        listed = requests.get(f"{self.gateway.direct}/Users", headers=headers, timeout=30)
        return int(listed.json()["totalResults"])


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    with nginx(behind := free_port(), WAITS) as front:
        server = {
            "port": behind,
            "base_url": front.base + PREFIX,
            "trusted_proxies": ["127.0.0.1"],
        }
        with running(more={"server": server}) as gateway:
            yield Doors(gateway, front, gateway.token("hostile", "strict"))


class SlowClient:
    """Begins a body and then says nothing, while the other tests run."""

    def __init__(self, doors: Doors) -> None:
        self.said, self.took = b"", 0.0
        self._doors = doors
        self.thread = threading.Thread(target=self._go)
        self.thread.start()

    def _go(self) -> None:
        began = time.monotonic()
        self.said = self._doors.raw("direct", POST + b"Content-Length: 1000\r\n\r\n{")
        self.took = time.monotonic() - began


@pytest.fixture(scope="module", autouse=True)
def slow(doors: Doors) -> SlowClient:
    return SlowClient(doors)


def answers(said: bytes) -> list[int]:
    """The status of every answer in what came back."""
    return [int(status) for status in re.findall(rb"HTTP/\d\.\d (\d{3}) ", said)]


POST = (
    b"POST <base>/Users HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer <token>\r\n"
    b"Content-Type: application/scim+json\r\n"
)
CLOSING = POST + b"Connection: close\r\n"
USER = b'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"smuggled"}'
HIDDEN = CLOSING + b"Content-Length: %d\r\n\r\n" % len(USER) + USER
"""A whole request that must never be seen as one."""
PROBES = {
    "length and chunks": POST
    + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (5 + len(HIDDEN))
    + HIDDEN,
    "chunks and length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n%x\r\n" % len(HIDDEN)
    + HIDDEN
    + b"\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "a list of lengths": POST + b"Content-Length: 0, 0\r\n\r\n" + HIDDEN,
    "a length with a sign": POST + b"Content-Length: +0\r\n\r\n" + HIDDEN,
    "a length in hex": POST + b"Content-Length: 0x0\r\n\r\n" + HIDDEN,
    "a blank before the colon": POST + b"Content-Length : %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "chunked, blank before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two codings": POST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"
    + HIDDEN,
    "a null byte in a header": POST + b"X-A: 1\x00\r\n\r\n",
    "two hosts": POST + b"Host: evil.example\r\nContent-Length: 0\r\n\r\n",
    "no method": b"\x16\x03\x01\x02\r\n\r\n",
    "a version of its own": POST.replace(b"HTTP/1.1", b"HTTP/7.7") + b"\r\n",
}


@pytest.mark.parametrize("way", TARGETS)
@pytest.mark.parametrize("probe", PROBES)
def test_nothing_is_smuggled(doors: Doors, way: str, probe: str) -> None:
    before = doors.users()
    said = doors.raw(way, PROBES[probe])
    assert answers(said) == [400], said
    assert doors.users() == before
    assert json.loads(said.partition(b"\r\n\r\n")[2])["status"] == "400"


def test_a_line_feed_ends_no_header_here(doors: Doors) -> None:
    """nginx takes it for the end of a line, as RFC 9112 section 2.2 allows, and so never
    passes one on. What follows is then a request of its own, by whoever sent it."""
    request = CLOSING + b"X-A: 1\nContent-Length: 0\r\n\r\n"
    assert answers(doors.raw("direct", request + HIDDEN)) == [400]
    assert answers(doors.raw("nginx", request)) == [400]  # an empty body


@pytest.mark.parametrize("way", TARGETS)
def test_line_breaks_make_no_header_and_no_log_line(doors: Doors, way: str) -> None:
    for path in ("%0d%0aX-Injected:%201", "%0d%0a%0d%0a<html>", "a%00b"):
        get = (
            f"GET <base>/Users/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".encode()
        )
        said = doors.raw(way, get + b"Authorization: Bearer <token>\r\n\r\n")
        assert answers(said) in ([404], [400]), said  # 400: nginx, of a null byte
        assert b"x-injected" not in said.partition(b"\r\n\r\n")[0].lower()
    body = USER.replace(b"smuggled", rb"x\r\nX-Injected: " + way.encode())
    said = doors.raw(way, CLOSING + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert answers(said) == [201]  # in a value they are text
    assert b"\r\nx-injected" not in said.lower()
    forged = b"\n26/Nov/2026:00:00:00 +0000 DELETE 204 FORGED"
    quoted = forged.replace(b" ", b"%20").replace(b"\n", b"%0a")
    for line in (b"GET" + forged + b" /x", b"GET /x" + quoted):
        doors.raw(way, line + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    time.sleep(0.5)  # until it is written
    written = doors.gateway.said() + doors.front.logs()
    assert "FORGED" not in doors.gateway.said()
    assert not any(line.startswith("26/Nov/2026:00:00:00") for line in written.splitlines())


@pytest.mark.parametrize("way", TARGETS)
def test_limits_are_said_in_scim(doors: Doors, way: str) -> None:
    def asked(request: bytes) -> tuple[int, dict[str, str]]:
        said = doors.raw(way, request)
        return answers(said)[0], json.loads(said.partition(b"\r\n\r\n")[2])

    get = b"GET <base>/Users HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    status, error = asked(get + b"X-A: %s\r\n\r\n" % (b"a" * 33_000))
    assert (status, error["status"]) == (431, "431")
    several = b"".join(b"X-A%d: %s\r\n" % (n, b"a" * 9_000) for n in range(4))
    status, error = asked(get + several + b"\r\n")
    assert (status, error["status"]) == (431, "431")
    both = get.replace(b"/Users", b"/Users?count=" + b"0" * 17_000) + b"X-A: %s\r\n" % (
        b"a" * 23_000
    )
    status, error = asked(both + b"X-B: %s\r\nIf-Match: 1\r\n\r\n" % (b"a" * 3_500))
    assert (status, error["status"]) == (431, "431")
    status, error = asked(get.replace(b"/Users", b"/Users?filter=" + b"a" * 40_000) + b"\r\n")
    assert (status, error["status"]) == (414, "414")
    large = b" " * ((1 << 20) + 1)
    status, error = asked(CLOSING + b"Content-Length: %d\r\n\r\n" % len(large) + large)
    assert (status, error["status"]) == (413, "413")
    if way == "nginx":
        status, error = asked(CLOSING + b"Content-Length: %d\r\n\r\n" % (17 << 20))
        assert (status, error["status"]) == (413, "413")


def test_beyond_the_buffer_the_connection_is_cut(doors: Doors) -> None:
    get = b"GET <base>/Users HTTP/1.1\r\nHost: localhost\r\n"
    assert answers(doors.raw("direct", get + b"X-A: %s\r\n\r\n" % (b"a" * 70_000))) == []
    assert answers(doors.raw("direct", get.replace(b"Users", b"a" * 40_000) + b"\r\n")) == []
    wait_for(lambda: "invalid HTTP request size" in doors.gateway.said(), 10, "no log line")
    assert doors.users() >= 0  # it still serves


def test_slow_clients_of_nginx_hold_no_thread_and_are_seen_out(
    doors: Doors, slow: SlowClient
) -> None:
    """Three times as many as Muster has threads, half with a slow head, half with a slow body."""
    slow.thread.join(20)  # it writes a line of the kind that is counted
    before = doors.gateway.said().count(" POST ")
    many = [doors.connect("nginx") for _ in range(48)]
    for number, connection in enumerate(many):
        head = POST if number % 2 else POST + b"Content-Length: 1000\r\n\r\n{"
        head = head.replace(b"<base>", doors.path("nginx").encode())
        connection.sendall(head.replace(b"<token>", doors.token.encode()))
    through = requests.get(
        f"{doors.front.base}{PREFIX}/scim/v2/Users", verify=str(doors.front.ca), timeout=30
    )
    assert through.status_code == 401
    for connection in many:
        connection.settimeout(10)
        with contextlib.suppress(ConnectionResetError, ssl.SSLError):
            assert connection.recv(100) == b""  # seen out, without a word
        connection.close()
    wait_for(lambda: doors.front.access_log().count(" 408 ") >= 48, 10, "no log lines")
    time.sleep(0.5)
    assert doors.gateway.said().count(" POST ") == before  # none of it ever came here


def test_a_slow_client_of_muster_itself_is_answered_400(slow: SlowClient) -> None:
    slow.thread.join(20)
    assert answers(slow.said) == [400]
    assert 9 < slow.took < 20  # socket-timeout is 10


def test_logs_hold_neither_tokens_nor_what_was_sought(doors: Doors) -> None:
    for way in TARGETS:
        get = f'GET <base>/Users?filter=userName%20eq%20"{SECRET}" HTTP/1.1\r\nHost: localhost\r\n'
        login = b"Connection: close\r\nAuthorization: Bearer <token>\r\n"
        assert answers(doors.raw(way, get.encode() + login + b"\r\n")) == [200]
        assert answers(doors.raw(way, get.encode() + login + b"Host: b\r\n\r\n")) == [400]
    refused = "GET (Host is there twice.) 400"
    wait_for(lambda: refused in doors.gateway.said(), 10, "no log line")
    written = doors.gateway.said() + doors.front.logs()
    assert SECRET not in written
    assert doors.token not in written
    assert f"GET {PREFIX}/scim/v2/Users 200" in doors.front.access_log()
