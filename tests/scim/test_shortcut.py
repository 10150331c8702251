"""scim/shortcut.py: what is answered before Flask is answered as Flask would have."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from scim import endpoints, messages
from scim.discovery import Limits
from tests.scim.conftest import CORE, PATCH_OP, Client, Server, accepted

LONG = Limits(max_payload=20_000)
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
BY_FLASK = {"Prefer": "handling=lenient"}
"""A preference that says nothing here, but is none of the plain requests."""


@pytest.fixture
def client(server: Server) -> Client:
    return server.again(limits=LONG).client("conformance", "strict")


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods of the writes that Flask has not seen."""
    seen: list[str] = []
    answer = endpoints._Door.plain

    def noted(door: Any, environ: dict[str, Any], *rest: Any) -> Any:
        seen.append(environ["REQUEST_METHOD"])
        return answer(door, environ, *rest)

    monkeypatch.setattr(endpoints._Door, "plain", noted)
    return seen


def user(name: str, **more: Any) -> dict[str, Any]:
    return {"schemas": [CORE], "userName": name, **more}


def created(client: Client, body: dict[str, Any]) -> str:
    answer = client.send("POST", "/Users", body)
    assert answer.status_code == 201
    return str(answer.get_json(force=True)["id"])


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": path, "value": value}]}


def told(answer: TestResponse) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body, but for what differs from one resource to the next."""
    headers = {name: _ID.sub("ID", value) for name, value in answer.headers.items()}
    text = _ID.sub("ID", answer.get_data(as_text=True))
    text = re.sub(r"(plain|flask)\d?", "NAME", text)
    return answer.status_code, headers, json.loads(text) if text else None


Send = Callable[[dict[str, str]], TestResponse]


def requests(client: Client, kind: str) -> dict[str, Send]:
    """Requests by what they are about; each for a user of its own, named after `kind`."""
    ids = [created(client, user(f"{kind}{n}")) for n in range(4)]

    def send(method: str, path: str, body: Any, **own: str) -> Send:
        return lambda headers: client.send(method, path, body, {**own, **headers})

    somebody, other = f"/Users/{ids[0]}", f"/Users/{ids[1]}"
    stranger = "/Users/00000000-0000-7000-8000-000000000000"
    large = user("x", title="x" * 30_000)
    return {
        "created": send("POST", "/Users", user(f"{kind}9", title="Köchin")),
        "group": send("POST", "/Groups", {"displayName": kind, "members": [{"value": ids[2]}]}),
        "taken": send("POST", "/Users", user(f"{kind}0")),
        "no json": send("POST", "/Users", "{"),
        "not this": send("POST", "/Users", {"schemas": [CORE]}),
        "too large": send("POST", "/Users", large),
        "other type": send("POST", "/Users", "a=b", **{"Content-Type": "text/plain"}),
        "stranger": send("POST", "/Users", user("x"), Authorization="Bearer wrong"),
        "patched": send("PATCH", somebody, replace("title", "Dr.")),
        "patched again": send("PATCH", somebody, replace("title", "Dr.")),
        "stale": send("PATCH", somebody, replace("title", "x"), **{"If-Match": 'W/"77"'}),
        "no path": send("PATCH", somebody, replace("emails[", "x")),
        "nobody": send("PATCH", stranger, replace("title", "x")),
        "put": send("PUT", other, user(f"{kind}1", displayName="One")),
        "put nobody": send("PUT", stranger, user("x")),
        "put stale": send("PUT", other, user(f"{kind}1"), **{"If-Match": 'W/"77"'}),
    }


def test_plain_writes_are_answered_as_flask_answers(client: Client, plain: list[str]) -> None:
    ours, flasks = requests(client, "plain"), requests(client, "flask")
    plain.clear()
    for name, ask in ours.items():
        here = told(ask({}))
        assert len(plain) == 1, name
        there = told(flasks[name](BY_FLASK))
        assert len(plain) == 1, name
        assert here == there, name
        plain.clear()


def test_what_is_asked_otherwise_is_flasks(client: Client, plain: list[str]) -> None:
    id = created(client, user("a"))
    plain.clear()
    shown = client.send("POST", "/Users?attributes=userName", user("b"))
    assert shown.status_code == 201
    assert client.send("POST", "/Users", user("c"), {"Prefer": "respond-async"}).status_code == 202
    accepted(client.send("PATCH", f"/Users/{id}?attributes=title", replace("title", "x")))
    assert client.send("PATCH", "/Users", replace("title", "x")).status_code == 405
    assert client.send("PATCH", "/Users/none", replace("title", "x")).status_code == 404
    assert client.send("POST", "/Bulk", {"Operations": []}).status_code == 400
    assert plain == []


def test_what_nobody_expected_is_told_to_the_log_alone(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise LookupError("Annelie Köhlermann")

    monkeypatch.setattr(messages, "body", broken)
    headers = {"Authorization": f"Bearer {client.token}"}
    answer = client.http.post("/scim/v2/Users", json=user("a"), headers=headers)
    assert answer.status_code == 500
    assert answer.get_json(force=True)["detail"] == "Something failed here; it is in the log."
