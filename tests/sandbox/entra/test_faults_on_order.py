"""Faults on order: what the client sees, and what has happened in the tenant."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from typing import Any

import pytest
import requests

from sandbox.entra import SandboxEntra
from sandbox.faults import Fault
from tests.sandbox.entra.conftest import Client, said, user


def order(
    sandbox: SandboxEntra, operation: str, effect: Any, value: Any = None, **more: Any
) -> None:
    sandbox.set_faults([Fault("entra", operation, effect, value, **more)])


@pytest.mark.parametrize(
    ("effect", "done"),
    [("drop_before", False), ("drop_after", True), ("refuse", False)],
)
def test_lost_connections(client: Client, sandbox: SandboxEntra, effect: str, done: bool) -> None:
    order(sandbox, "POST /users$", effect, count=1)
    with pytest.raises(requests.ConnectionError):
        client("POST", "/users", user())
    assert (len(sandbox.dump()) == 1) is done
    assert client("GET", "/users").status_code == 200


@pytest.mark.parametrize(("effect", "reset"), [("refuse", True), ("drop_before", False)])
def test_refusal_is_a_reset_a_drop_is_not(
    client: Client, sandbox: SandboxEntra, effect: str, reset: bool
) -> None:
    order(sandbox, "GET .*", effect)
    port = int(client.settings["authority"].rpartition(":")[2])
    trust = ssl.create_default_context(cafile=client.settings["ca_file"])
    tcp = socket.create_connection(("127.0.0.1", port), 5)
    with trust.wrap_socket(tcp, server_hostname="localhost") as secure:
        secure.sendall(b"GET /v1.0/users HTTP/1.1\r\nHost: localhost\r\n\r\n")
        # Below TLS, for Python shows a reset there as a mere end.
        with socket.socket(fileno=secure.detach()) as raw:
            raw.settimeout(5)
            try:
                while raw.recv(4096):
                    pass
                seen = False
            except ConnectionResetError:
                seen = True
    assert seen is reset


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/users/{id}", {"accountEnabled": False}),
        ("PUT", "/users/{id}/manager/$ref", {"@odata.id": "{graph}/users/{boss}"}),
        ("POST", "/users/{id}/revokeSignInSessions", None),
        ("DELETE", "/users/{id}", None),
    ],
)
@pytest.mark.parametrize("effect", ["drop_before", "drop_after"])
def test_each_write_is_done_or_not_done(
    client: Client, sandbox: SandboxEntra, method: str, path: str, body: Any, effect: str
) -> None:
    id, boss = client.user()["id"], client.user("bo.lind")["id"]
    graph = client.settings["graph"]
    if body and "@odata.id" in body:
        body = {"@odata.id": f"{graph}/users/{boss}"}
    before = sandbox.dump()
    time.sleep(1.05)  # stamps have whole seconds
    order(sandbox, f"{method} .*", effect, count=1)
    with pytest.raises(requests.ConnectionError):
        client(method, path.format(id=id), body)
    assert (sandbox.dump() != before) is (effect == "drop_after")


def test_delay(client: Client, sandbox: SandboxEntra) -> None:
    order(sandbox, "GET /users$", "delay", 0.3, count=1)
    begun = time.monotonic()
    assert client("GET", "/users").status_code == 200
    assert time.monotonic() - begun >= 0.3


def test_hang_ends_with_the_faults(client: Client, sandbox: SandboxEntra) -> None:
    order(sandbox, "GET /users$", "hang")
    with pytest.raises(requests.ReadTimeout):
        client("GET", "/users", timeout=0.3)
    threading.Timer(0.3, sandbox.set_faults, [[]]).start()
    begun = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        client("GET", "/users", timeout=10)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("429/7", "TooManyRequests"),
        ({"status": 429, "retryAfter": 7}, "TooManyRequests"),
        (503, "ServiceUnavailable"),
        (504, "GatewayTimeout"),
        (500, "InternalServerError"),
        (409, "Directory_ConcurrencyViolation"),
        (403, "Authorization_RequestDenied"),
        (418, "UnknownError"),
    ],
)
def test_errors(client: Client, sandbox: SandboxEntra, value: Any, code: str) -> None:
    fault = Fault("entra", "PATCH /users/", "error", value)
    sandbox.set_faults([fault])
    made = client.user()["id"]
    answer = client("PATCH", f"/users/{made}", {"jobTitle": "Mate"})
    assert said(answer)[:2] == (fault.code, code)
    assert answer.headers.get("Retry-After") == fault.detail
    assert client.get(f"/users/{made}")["jobTitle"] is None
    assert sandbox.faults.fired == 1


def test_a_gateway_speaks_html(client: Client, sandbox: SandboxEntra) -> None:
    order(sandbox, "GET .*", "error", 502)
    answer = client("GET", "/users")
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html")
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


def test_the_token_endpoint_fails_in_its_own_words(client: Client, sandbox: SandboxEntra) -> None:
    order(sandbox, "POST /token$", "error", "503/3")
    answer = client.token()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
    assert answer.json()["error"] == "temporarily_unavailable"


def test_a_new_user_is_not_seen_for_a_while(client: Client, sandbox: SandboxEntra) -> None:
    order(sandbox, "POST /users$", "lag", 1.0, count=1)
    made = client.user()["id"]
    boss = client.user("bo.lind")["id"]
    graph = client.settings["graph"]
    reference = {"@odata.id": f"{graph}/users/{boss}"}
    assert client("GET", f"/users/{made}").status_code == 404
    assert client("GET", "/users/ann.berg@norhaven.example").status_code == 404
    assert client("PATCH", f"/users/{made}", {"jobTitle": "Mate"}).status_code == 404
    assert client("PUT", f"/users/{made}/manager/$ref", reference).status_code == 404
    assert [u["id"] for u in client.get("/users")["value"]] == [boss]
    assert (
        client.get("/users", filter="userPrincipalName eq 'ann.berg@norhaven.example'")["value"]
        == []
    )
    ours = {"@odata.id": f"{graph}/users/{made}"}
    assert said(client("PUT", f"/users/{boss}/manager/$ref", ours)) == (
        400,
        "Request_BadRequest",
        "Not a valid reference update.",
    )
    assert client("POST", "/users", user()).status_code == 400  # the name is taken at once
    time.sleep(1.0)
    assert client("GET", f"/users/{made}").status_code == 200
    assert client("PUT", f"/users/{made}/manager/$ref", reference).status_code == 204


def test_a_change_is_not_seen_for_a_while(client: Client, sandbox: SandboxEntra) -> None:
    made = client.user(employeeId="1")["id"]
    boss = client.user("bo.lind")["id"]
    sandbox.set_faults(
        [Fault("entra", "PATCH .*", "lag", 1.0), Fault("entra", "PUT .*", "lag", 1.0)]
    )
    assert client("PATCH", f"/users/{made}", {"employeeId": "2"}).status_code == 204
    assert client.get(f"/users/{made}", select="employeeId")["employeeId"] == "1"
    old = client.get("/users", filter="employeeId eq '1'")["value"]
    assert [u["id"] for u in old] == [made]
    assert client.get("/users", filter="employeeId eq '2'")["value"] == []
    reference = {"@odata.id": f"{client.settings['graph']}/users/{made}"}
    assert client("PUT", f"/users/{boss}/manager/$ref", reference).status_code == 204
    assert client("GET", f"/users/{boss}/manager").status_code == 404
    assert client.get(f"/users/{made}/directReports")["value"] == []
    time.sleep(1.05)
    assert client.get(f"/users/{made}", select="employeeId")["employeeId"] == "2"
    assert client.get(f"/users/{boss}/manager")["id"] == made


def test_a_deleted_user_is_seen_for_a_while(client: Client, sandbox: SandboxEntra) -> None:
    made = client.user()["id"]
    order(sandbox, "DELETE .*", "lag", 0.5)
    assert client("DELETE", f"/users/{made}").status_code == 204
    assert client("GET", f"/users/{made}").status_code == 200
    time.sleep(0.55)
    assert client("GET", f"/users/{made}").status_code == 404


def test_a_target_that_is_down_has_no_port(client: Client, sandbox: SandboxEntra) -> None:
    port = int(client.settings["authority"].rpartition(":")[2])
    sandbox.set_faults([Fault("entra", "*", "refuse")])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 2)
    with pytest.raises(requests.ConnectionError):
        client("GET", "/users")
    sandbox.set_faults([])
    assert client("GET", "/users").status_code == 200
    sandbox.set_faults([Fault("entra", "*", "refuse")])
    sandbox.reset()
    assert client("GET", "/users").status_code == 200


def test_faults_of_the_other_target_do_not_concern_it(
    client: Client, sandbox: SandboxEntra
) -> None:
    sandbox.set_faults([Fault("ad", "*", "refuse"), Fault("ad", "search", "hang")])
    assert client("GET", "/users").status_code == 200
