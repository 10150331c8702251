"""The console answers a browser on this machine, and nobody else."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

pytestmark = [
    pytest.mark.usefixtures("busy"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Host": "localhost"},
        {"X-Forwarded-Prefix": "/"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "127.0.0.1"},
        {"Host": "attacker.example"},
        {"Host": "localhost.attacker.example"},
        {"Host": "127.0.0.1@attacker.example"},
        {"Host": "192.0.2.1:8080"},
        {"Host": "[::1"},
        {"Host": ""},
    ],
)
def test_refused_to_anyone_else(client: FlaskClient, headers: dict[str, str]) -> None:
    for path in ("/", "/people.json", "/person/p-right", "/console/console.css"):
        with client.get(path, headers=headers) as answer:
            assert answer.status_code in (400, 403), path
            assert "Müller" not in answer.text


@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", "::ffff:192.0.2.7", "", "unix"])
def test_refused_from_other_machines(client: FlaskClient, address: str) -> None:
    answer = client.get("/", environ_overrides={"REMOTE_ADDR": address})
    assert answer.status_code == 403


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "127.8.9.1:80", "[::1]:8080"])
def test_answered_on_this_machine(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


def test_headers(client: FlaskClient) -> None:
    for path in ("/", "/people.json", "/person/p-right", "/person/none", "/console/console.js"):
        with client.get(path) as answer:
            headers = answer.headers
        assert "default-src 'none'" in headers["Content-Security-Policy"], path
        assert "unsafe-inline" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
