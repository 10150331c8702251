"""The wiring of the SDK: where tokens go, how fast writes leave, what is logged."""

from __future__ import annotations

import asyncio
import base64
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken

from adapters.entra_id import Config, EntraId
from adapters.entra_id.client import Credential, Graph, Pace
from adapters.entra_id.errors import GraphError
from adapters.entra_id.users import Users
from tests.adapters.entra_id.conftest import SignedIn
from tests.adapters.entra_id.wire import ANA, Wire, user


def test_the_token_goes_to_graph_and_nowhere_else(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Credential, "_make", lambda self: SignedIn())
    seen: dict[str, str | None] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        seen[request.url.host] = request.headers.get("authorization")
        return httpx.Response(200, json={})

    async def work() -> None:
        graph = Graph(config, httpx.MockTransport(answer))
        for host in ("graph.microsoft.com", "graph.microsoft.com.evil.example"):
            page = graph.client.users.with_url(f"https://{host}/v1.0/users?$skiptoken=x")
            await graph.send(page.to_get_request_information())
        await graph.close()

    asyncio.run(work())
    assert seen["graph.microsoft.com"] is not None
    assert seen["graph.microsoft.com.evil.example"] is None


def test_graph_may_want_to_hear_more_of_us_in_the_token(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Continuous access evaluation: a 401 that names claims is answered with such a token."""
    asked: list[str | None] = []
    sent: list[str] = []

    class Challenged(SignedIn):
        async def get_token(self, *scopes: str, **details: Any) -> Any:
            asked.append(details["claims"])
            return AccessToken(f"token-{len(asked)}", 4_000_000_000)

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["authorization"])
        if len(sent) > 1:
            return httpx.Response(204)
        claims = base64.b64encode(b'{"access_token":{"nbf":{"essential":true}}}').decode()
        challenge = f'Bearer error="insufficient_claims", claims="{claims.rstrip("=")}"'
        return httpx.Response(401, headers={"WWW-Authenticate": challenge})

    async def work() -> None:
        graph = Graph(config, httpx.MockTransport(answer))
        await Users(graph).patch(ANA, {"givenName": "Ana"})
        await Users(graph).patch(ANA, {"givenName": "Ana"})
        await graph.close()

    monkeypatch.setattr(Credential, "_make", lambda self: Challenged())
    asyncio.run(work())
    assert asked == [None, '{"access_token":{"nbf":{"essential":true}}}']
    assert sent == ["Bearer token-1", "Bearer token-2", "Bearer token-2"]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>no</html>",
        b'"no"',
        b"[]",
        b'{"error": "no"}',
        b'{"error": {"code": 7, "message": null, "details": ["no", {"code": null}]}}',
    ],
)
def test_a_refusal_that_is_not_graphs_own_is_one_all_the_same(
    config: Config, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(Credential, "_make", lambda self: SignedIn())

    async def work() -> None:
        answer = httpx.MockTransport(lambda request: httpx.Response(400, content=body))
        graph = Graph(config, answer)
        with pytest.raises(GraphError) as caught:
            await Users(graph).patch(ANA, {"givenName": "Ana"})
        assert caught.value.status == 400
        await graph.close()

    asyncio.run(work())


def test_bodies_go_out_as_they_are(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Credential, "_make", lambda self: SignedIn())
    sent: list[bytes] = []
    body = {
        "mobilePhone": None,
        "businessPhones": [],
        "accountEnabled": False,
        "employeeOrgData": {"division": "Søg \U0001f642", "costCenter": None},
        "otherMails": ["a@norhaven.example"],
        "extension_0_level": 7,
        "employeeHireDate": "2026-03-16T00:00:00Z",
    }

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(204)

    async def work() -> None:
        graph = Graph(config, httpx.MockTransport(answer))
        await Users(graph).patch(ANA, body)
        await graph.close()

    asyncio.run(work())
    assert httpx.Response(200, content=sent[0]).json() == body


def test_writes_leave_at_the_pace_graph_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(round(seconds, 6))

    async def work(rate: float, turns: int) -> list[float]:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 1000.0)
        pace = Pace(rate)
        waits.clear()
        for _ in range(turns):
            await pace.turn()
        return list(waits)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    assert asyncio.run(work(50, 100)) == []  # a burst of two seconds' worth
    assert asyncio.run(work(50, 105)) == [0.02, 0.04, 0.06, 0.08, 0.1]
    assert asyncio.run(work(0, 1000)) == []


def test_nobody_is_named_in_the_logs(
    entra: EntraId, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    wire.answer("GET", "userPrincipalName eq 'ana@", {"value": [user()]})
    wire.answer("GET", "deletedItems", {"value": []})
    with caplog.at_level(logging.DEBUG):
        assert entra.holder("userPrincipalName", "ana@norhaven.example") == ANA
    assert "norhaven" not in caplog.text


def test_secrets_are_not_shown(config: Config) -> None:
    assert "secret" not in repr(config)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tenant_id": ""}, "tenant_id"),
        ({"client_secret": None}, "either"),
        ({"certificate": Path("app.pem")}, "either"),
        ({"graph": "http://graph.microsoft.com"}, "graph must be"),
        ({"graph": "https://user@graph.microsoft.com"}, "graph must be"),
        ({"authority": "login.microsoftonline.com"}, "authority must be"),
        ({"answer_timeout": 0.0}, "answer_timeout"),
    ],
)
def test_settings_that_cannot_work(changes: dict[str, Any], said: str) -> None:
    given = {"tenant_id": "t", "client_id": "c", "client_secret": str, **changes}
    with pytest.raises(ValueError, match=said):
        Config(**given)


@pytest.mark.parametrize(
    ("graph", "base", "scope"),
    [
        (
            "https://graph.microsoft.com",
            "https://graph.microsoft.com/v1.0",
            "https://graph.microsoft.com/.default",
        ),
        (
            "https://graph.microsoft.us/v1.0/",
            "https://graph.microsoft.us/v1.0",
            "https://graph.microsoft.us/.default",
        ),
        (
            "https://localhost:8444/v1.0",
            "https://localhost:8444/v1.0",
            "https://graph.microsoft.com/.default",
        ),
    ],
)
def test_clouds(graph: str, base: str, scope: str) -> None:
    config = Config("t", "c", client_secret=lambda: "s", graph=graph)
    assert (config.base_url, config.token_scope) == (base, scope)
