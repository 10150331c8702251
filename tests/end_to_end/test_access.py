"""Who may call, and how not to, through the real web server."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from cryptography.hazmat.primitives.serialization import Encoding

from console.operators import first_password_file
from tests.access.door import basic
from tests.access.keys import Authority
from tests.access.test_certificates import pem
from tests.end_to_end.gateway import SCIM_TYPE, wait_for
from tests.end_to_end.plain import Plain

USER = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "anna"}
GRANT = "client_credentials"


@pytest.fixture(scope="module")
def plain() -> Iterator[Plain]:
    """A running gateway on loopback."""
    made = Plain()
    made.start()
    yield made
    made.end()


def raw(plain: Plain, request: bytes, wait: float = 15) -> bytes:
    """All that is answered to these bytes, until the server closes."""
    answer = b""
    with socket.create_connection(("127.0.0.1", plain.port), timeout=wait) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(request)
        with contextlib.suppress(OSError):
            while piece := connection.recv(65536):
                answer += piece
    return answer


def get(plain: Plain, *headers: str) -> bytes:
    """The answer to a GET with these header lines."""
    lines = ["GET /scim/v2/Users HTTP/1.1", "Host: x", *headers, "", ""]
    return raw(plain, "\r\n".join(lines).encode("latin-1"))


def status(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.[01] (\d+)", answer)
    return int(found[1]) if found else 0


def users(plain: Plain) -> int:
    return int(plain.call("GET", "/Users").json()["totalResults"])


def test_tokens_passwords_and_oauth_clients(plain: Plain) -> None:
    assert plain.call("GET", "/Users").status_code == 200
    said = plain.made("token", "create", "workday", "--client", "--scope", "read")
    user, secret = re.findall(r": (\S+)", said)
    url = f"{plain.base}/scim/v2/Users"
    assert requests.get(url, auth=(user, secret), timeout=10).status_code == 200
    with OAuth2Session(user, secret) as session:
        session.fetch_token(f"{plain.base}/oauth/token", grant_type=GRANT)
        # Whichever of the two processes answers, it knows the token.
        assert {session.get(url).status_code for _ in range(12)} == {200}
        assert session.post(url, json=USER).status_code == 403


def test_a_revoked_token_is_out_in_every_process(plain: Plain) -> None:
    token = plain.made("token", "create", "other")
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{plain.base}/scim/v2/Users"
    assert {requests.get(url, headers=headers, timeout=10).status_code for _ in range(8)} == {200}
    plain.made("token", "revoke", plain.listed()[-1]["id"])
    time.sleep(2.1)
    assert {requests.get(url, headers=headers, timeout=10).status_code for _ in range(8)} == {401}


def test_failures_and_changes_reach_the_journal_and_no_secret_does(plain: Plain) -> None:
    token = plain.made("token", "create", "other")
    wrong = token[:-2] + "zz"
    url = f"{plain.base}/scim/v2/Users"
    for login in (f"Bearer {wrong}", basic("ghost", "hunter2hunter2")):
        assert requests.get(url, headers={"Authorization": login}, timeout=10).status_code == 401

    def told() -> str:
        return plain.made("journal", "export", "-", "--values")

    wait_for(lambda: "ghost" in told() and "unknown, expired" in told(), 10, "nothing is noted")
    assert "credential created" in told()
    assert "the chain is whole" in plain.made("journal", "verify")
    secret = token.removeprefix("muster_other_")
    for text in (told(), plain.log()):
        assert secret[:8] not in text
        assert "hunter2" not in text


def test_two_authorization_headers_are_no_credential(plain: Plain) -> None:
    good = f"Authorization: Bearer {plain.token('workday')}"
    bad = "Authorization: Bearer muster_workday_x"
    assert status(get(plain, good)) == 200
    for lines in ((good, bad), (bad, good), (good, good), (good, "authorization: Basic eDp5")):
        answer = get(plain, *lines)
        assert status(answer) in (400, 401), answer


def test_line_breaks_and_other_signs_in_headers(plain: Plain) -> None:
    token = plain.token("workday")
    for value in (
        f"Bearer {token}\x00",
        f"Bearer {token}\x0b",
        f"Bearer\r\n {token}x",
        f"Bearer {token}\rX: y",
        f"Bearer {token}é",
        "Bearer \x7f",
        f"Bearer {token}%0d%0aX: y",
    ):
        answer = get(plain, f"Authorization: {value}")
        assert status(answer) in (0, 400, 401), (value, answer)
    answer = requests.get(
        f"{plain.base}/scim/v2/Users/%0d%0aSet-Cookie:%20x=y",
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    assert answer.status_code == 404
    assert "Set-Cookie" not in answer.headers


def test_huge_headers_are_refused(plain: Plain) -> None:
    for size in (17_000, 60_000, 70_000, 1_000_000):
        answer = get(plain, "Authorization: Bearer " + "x" * size)
        assert status(answer) in (0, 400, 401, 413, 431), (size, answer[:200])
    assert plain.call("GET", "/Users").status_code == 200


def smuggled(token: str) -> bytes:
    body = json.dumps({**USER, "userName": "smuggled"}).encode()
    return (
        f"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {SCIM_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def test_no_request_hides_behind_another(plain: Plain) -> None:
    token = plain.token("workday")
    hidden = smuggled(token)
    before = users(plain)
    start = (
        "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: {SCIM_TYPE}\r\n"
    ).encode()
    probes = (
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + hidden,
        b"Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\n{}" + hidden,
        b"Transfer-Encoding : chunked\r\nContent-Length: 2\r\n\r\n{}" + hidden,
        b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + hidden,
        b"Content-Length: 2\r\nContent-Length: 0\r\n\r\n{}" + hidden,
        b"Content-Length: 0\r\nContent-Length: 2\r\n\r\n{}" + hidden,
        b"Content-Length: +2\r\n\r\n{}" + hidden,
        b"Content-Length: -1\r\n\r\n" + hidden,
        b"Content-Length: 2, 2\r\n\r\n{}" + hidden,
        b"\r\n" + hidden,
    )
    for probe in probes:
        answer = raw(plain, start + probe)
        assert answer.count(b"HTTP/1.1 ") <= 1, (probe, answer)
        assert b" 500 " not in answer.split(b"\r\n")[0]
        assert users(plain) == before, probe
    assert plain.call("GET", "/Users").status_code == 200


def test_a_forged_certificate_from_anybody_is_nothing(plain: Plain) -> None:
    certificate, _ = Authority().issue("ips.norhaven.example")
    file = plain.folder / "ips.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    plain.made("token", "create", "other", "--certificate", str(file))
    headers = {
        "X-SSL-Client-Cert": pem(certificate),
        "X-SSL-Client-Verify": "SUCCESS",
        "X-Forwarded-For": "127.0.0.1",
    }
    answer = requests.get(f"{plain.base}/scim/v2/Users", headers=headers, timeout=10)
    assert answer.status_code == 401
    assert plain.call("GET", "/Users", headers=headers).status_code == 200  # it is passed over


def test_the_limit_of_a_credential_holds_for_all_processes() -> None:
    slow = Plain(access={"requests_per_second": 5, "burst": 10})
    slow.start()
    try:
        answers = [slow.call("GET", "/Users") for _ in range(30)]
        counted = [answer.status_code for answer in answers].count(200)
        assert 10 <= counted <= 25  # those of the burst, and what came back meanwhile
        late = next(answer for answer in answers if answer.status_code == 429)
        assert int(late.headers["Retry-After"]) >= 1
        assert late.json()["status"] == "429"
        assert slow.call("GET", "/Users", source="other").status_code == 200
    finally:
        slow.end()


def test_25_requests_a_second_are_never_too_many(plain: Plain) -> None:
    assert {plain.call("GET", "/Users").status_code for _ in range(100)} == {200}


def test_an_accepted_write_survives_kill_9() -> None:
    crashing = Plain()
    crashing.start()
    try:
        made: list[Any] = []
        for round in range(3):
            for number in range(15):
                user = {**USER, "userName": f"r{round}u{number}"}
                headers = {"Prefer": "respond-async"}
                answer = crashing.call("POST", "/Users", user, headers=headers)
                assert answer.status_code == 202, answer.text
                made.append(answer.headers["Location"])
            crashing.kill()
            crashing.start()
        headers = {"Authorization": f"Bearer {crashing.token('workday')}"}

        def finished(where: str) -> bool:
            return requests.get(where, headers=headers, timeout=10).status_code == 200

        for where in made:
            wait_for(lambda where=where: finished(where), 60, f"{where} is never done")
            answer = requests.get(where, headers=headers, timeout=10).json()
            assert [one["status"] for one in answer["Operations"]] == ["201"]
        assert users(crashing) == 45
    finally:
        crashing.end()


def test_the_console_asks_who_it_is_where_others_can_reach_it() -> None:
    base = "https://muster.norhaven.example"
    open_one = Plain(server={"base_url": base, "trusted_proxies": ["10.0.0.1"]})
    open_one.start()
    try:
        said = "Sign in as admin with the password in"
        wait_for(lambda: said in open_one.log(), 20, "nobody says how to sign in")
        first = first_password_file(open_one.folder / "data")
        assert first.stat().st_mode & 0o077 == 0
        assert first.read_text().strip() not in open_one.log()
        with requests.Session() as browser:
            answer = browser.get(open_one.base + "/", timeout=10)
            assert answer.url == open_one.base + "/sign-in"
            login = {"name": "admin", "password": first.read_text().strip()}
            answer = browser.post(open_one.base + "/sign-in", data=login, timeout=10)
            assert answer.url == open_one.base + "/password"
        made = open_one.call("POST", "/Users", USER)
        assert made.headers["Location"].startswith(f"{base}/scim/v2/Users/")
    finally:
        open_one.end()


def test_one_process_that_dies_takes_no_accepted_write_along(plain: Plain) -> None:
    for number in range(10):
        user = {**USER, "userName": f"alone{number}"}
        answer = plain.call("POST", "/Users", user, headers={"Prefer": "respond-async"})
        assert answer.status_code == 202
    name, pid = next((n, p) for n, p in plain.processes() if n == "muster web")
    assert name
    os.kill(pid, signal.SIGKILL)
    headers = {"Authorization": f"Bearer {plain.token('workday')}"}

    def done() -> bool:
        with contextlib.suppress(requests.ConnectionError):
            where = answer.headers["Location"]
            return requests.get(where, headers=headers, timeout=10).status_code == 200
        return False

    wait_for(done, 60, "nobody goes on with it")


def test_a_failure_is_noted_though_the_server_stops_at_once() -> None:
    stopping = Plain()
    stopping.start()
    try:
        headers = {"Authorization": basic("ghost", "x")}
        requests.get(f"{stopping.base}/scim/v2/Users", headers=headers, timeout=10)
        stopping.stop()
        assert "ghost" in stopping.made("journal", "export", "-", "--values")
    finally:
        stopping.end()
