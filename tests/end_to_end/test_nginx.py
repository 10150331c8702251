"""What deploy/nginx.conf passes on and what it answers by itself, with the real nginx."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
import requests
from cryptography import x509

from tests.end_to_end.client_certificates import Authority
from tests.end_to_end.gateway import free_port, wait_for
from tests.end_to_end.nginx import PREFIX, Nginx, nginx

FORGED = {
    "X-SSL-Client-Cert": "forged",
    "X_SSL_Client_Cert": "forged",
    "x-ssl-client-cert": "forged",
    "X-Forwarded-For": "198.51.100.66",
    "X-Forwarded-Host": "forged.example",
    "X-Forwarded-Prefix": "/forged",
    "X-Forwarded-Proto": "forged",
    "X-Forwarded-Port": "66",
    "X-Real-IP": "198.51.100.66",
    "Forwarded": "for=198.51.100.66;host=forged.example",
    "Proxy": "http://forged.example",
}


class Echo(ThreadingHTTPServer):
    """In Muster's place: notes every request that arrives, and when it has."""

    daemon_threads = True
    request_queue_size = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Noting)
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.waiting = threading.Event()

    @property
    def last(self) -> dict[str, str]:
        """Headers of the last request, by their names in lower case."""
        return self.seen[-1][1]


class _Noting(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            key = name.lower()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        assert isinstance(self.server, Echo)
        self.server.seen.append((self.path, headers, body))
        if self.path.endswith("/wait"):
            self.server.waiting.wait(20)
        if self.path.endswith("/large"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * (8 << 20))
            self.server.seen.append(("answered", {}, b""))
            return
        self.send_response(418 if self.path.endswith("/teapot") else 200)
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    server = Echo()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def front(echo: Echo) -> Iterator[Nginx]:
    with nginx(echo.server_address[1]) as found:
        yield found


@pytest.fixture
def session(front: Nginx) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False  # a bundle named in the environment would win
        session.verify = str(front.ca)
        yield session


def url(front: Nginx, path: str = "/Users") -> str:
    return f"{front.base}{PREFIX}/scim/v2{path}"


def test_only_what_nginx_itself_knows_is_passed_on(
    session: requests.Session, front: Nginx, echo: Echo
) -> None:
    assert session.get(url(front), headers=FORGED).status_code == 200
    assert "forged" not in json.dumps(echo.last)
    assert "66" not in "".join(v for k, v in echo.last.items() if k != "host")
    assert echo.last["x-forwarded-for"] == "127.0.0.1"
    assert echo.last["x-forwarded-proto"] == "https"
    assert "x-ssl-client-cert" not in echo.last
    assert echo.last["connection"] == "close"


def test_a_client_certificate_arrives_and_a_forged_one_beside_it_does_not(
    session: requests.Session, front: Nginx, echo: Echo
) -> None:
    shown = front.clients.give("workday.example")
    session.cert = (str(shown.certificate), str(shown.key))
    assert session.get(url(front), headers=FORGED).status_code == 200
    passed = unquote(echo.last["x-ssl-client-cert"]).encode()
    sent = x509.load_pem_x509_certificate(shown.certificate.read_bytes())
    assert x509.load_pem_x509_certificate(passed) == sent
    assert "forged" not in json.dumps(echo.last)


@pytest.mark.parametrize("name", ["Client Authority", "Somebody"])
def test_a_certificate_of_an_unknown_authority_is_refused(
    session: requests.Session, front: Nginx, echo: Echo, tmp_path: Path, name: str
) -> None:
    """By the name of the known one, too."""
    other = Authority(tmp_path, name).give("workday.example")
    session.cert = (str(other.certificate), str(other.key))
    before = len(echo.seen)
    answer = session.get(url(front))
    assert answer.status_code == 400
    assert answer.json()["status"] == "400"
    assert len(echo.seen) == before


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_is_new_enough(front: Nginx, version: ssl.TLSVersion) -> None:
    trust = front.trust
    trust.minimum_version = trust.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=10) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        assert secured.version() == version.name.replace("_", ".")
        cipher = secured.cipher()
        assert cipher is not None
        assert re.search("GCM|CHACHA20", cipher[0])


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_tls_is_refused(front: Nginx, version: ssl.TLSVersion) -> None:
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.load_verify_locations(str(front.ca))
    trust.set_ciphers("ALL:@SECLEVEL=0")
    trust.minimum_version = trust.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=10) as plain,
        pytest.raises(ssl.SSLError, match=r"(?i)alert"),
    ):
        trust.wrap_socket(plain, server_hostname="localhost")


def test_weak_ciphers_are_refused(front: Nginx) -> None:
    trust = front.trust
    trust.maximum_version = ssl.TLSVersion.TLSv1_2
    trust.set_ciphers("AES128-SHA:AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA")
    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=10) as plain,
        pytest.raises(ssl.SSLError, match=r"(?i)alert"),
    ):
        trust.wrap_socket(plain, server_hostname="localhost")


def test_a_body_comes_here_when_it_is_whole_and_no_sooner(front: Nginx, echo: Echo) -> None:
    before = len(echo.seen)
    head = (
        f"POST {PREFIX}/scim/v2/Users HTTP/1.1\r\nHost: localhost\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=10) as plain,
        front.trust.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        client.sendall(head.encode())
        for _ in range(5):
            client.sendall(b"3\r\nabc\r\n")
            time.sleep(0.1)
        assert len(echo.seen) == before
        client.sendall(b"0\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    _, headers, body = echo.seen[-1]
    assert body == b"abc" * 5
    assert headers["content-length"] == "15"
    assert "transfer-encoding" not in headers


def test_a_client_that_reads_slowly_holds_nobody_up(front: Nginx, echo: Echo) -> None:
    get = f"GET {PREFIX}/scim/v2/large HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=10) as plain,
        front.trust.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        client.sendall(get.encode())
        assert client.recv(10)
        time.sleep(1)
        assert echo.seen[-1][0] == "answered"  # 8 MB, of which the client has read 10 bytes


def test_addresses_are_passed_on_as_they_were_written(
    session: requests.Session, front: Nginx, echo: Echo
) -> None:
    for path in ("/Users/a%2Fb", "/Users?filter=userName%20eq%20%22a%2Bb%22", "/Users/%C3%A4"):
        session.get(url(front, path))
        assert echo.seen[-1][0] == f"{PREFIX}/scim/v2{path}"


def test_nothing_else_is_passed_on(session: requests.Session, front: Nginx, echo: Echo) -> None:
    before = len(echo.seen)
    for path in ("/", "/people.json", PREFIX + "/", PREFIX + "/people.json", "/scim/v2/Users",
                 PREFIX + "/sandbox/reset", PREFIX + "/scim/../people.json", "/.malformed",
                 "/.headers", PREFIX + "/scim/%2e%2e/people.json"):  # fmt: skip
        # requests would resolve the dots itself
        asked = requests.Request("GET", front.base).prepare()
        asked.url = front.base + path
        answer = session.send(asked)
        assert answer.status_code == 404, path
        assert answer.json()["status"] == "404"
    assert len(echo.seen) == before


def test_what_muster_refuses_is_not_reworded(
    session: requests.Session, front: Nginx, echo: Echo
) -> None:
    assert session.get(url(front, "/teapot")).status_code == 418


def test_while_muster_is_away_clients_are_told_to_come_again() -> None:
    with nginx(free_port()) as front:
        answer = requests.get(url(front), verify=str(front.ca), timeout=10)
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "5"
        assert answer.headers["Content-Type"] == "application/scim+json"
        assert answer.json()["status"] == "429"
        line = "GET /muster/scim/v2/Users 429"
        wait_for(lambda: line in front.access_log(), 10, "no log line")
        assert "from Muster 502" in front.access_log()


def test_too_many_at_once_are_told_to_come_again(front: Nginx, echo: Echo) -> None:
    """64 from one address, 100 from all; the rest waits nowhere."""
    answers: list[tuple[int, str | None]] = []

    def ask(address: str) -> None:
        get = f"GET {PREFIX}/scim/v2/wait HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        where = ("127.0.0.1", front.port)
        with (
            socket.create_connection(where, timeout=30, source_address=(address, 0)) as plain,
            front.trust.wrap_socket(plain, server_hostname="localhost") as client,
        ):
            client.sendall(get.encode())
            said = http.client.HTTPResponse(client)
            said.begin()
            answers.append((said.status, said.getheader("Retry-After")))

    def all_ask(address: str, number: int) -> list[threading.Thread]:
        threads = [threading.Thread(target=ask, args=(address,)) for _ in range(number)]
        for thread in threads:
            thread.start()
        return threads

    before = len(echo.seen)
    threads = all_ask("127.0.0.1", 70)
    wait_for(lambda: len(echo.seen) - before == 64 and len(answers) == 6, 30, "not 64")
    threads += all_ask("127.0.0.2", 50)
    wait_for(lambda: len(echo.seen) - before == 100 and len(answers) == 20, 30, "not 100")
    assert set(answers) == {(429, "5")}
    echo.waiting.set()
    for thread in threads:
        thread.join()
    assert answers.count((200, None)) == 100


def test_an_answer_that_does_not_come_is_said_to_be_unknown() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        waits = {"proxy_read_timeout 130s": "proxy_read_timeout 1s"}
        with nginx(deaf.getsockname()[1], waits) as front:
            answer = requests.get(url(front), verify=str(front.ca), timeout=10)
            assert answer.status_code == 504
            assert answer.json()["status"] == "504"
