"""A wire with a script: answers in order, and what was asked."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import httpx

from adapters.entra_id import EntraId

ANA = "11111111-2222-4333-8444-555555555555"
BEN = "99999999-8888-4777-8666-555555555555"


@dataclass
class Request:
    method: str
    path: str
    """Path and query below /v1.0, decoded."""
    body: Any
    headers: Mapping[str, str] = field(repr=False)


class Gate:
    """Holds back one answer: `reached` is set when it is asked for."""

    def __init__(self, method: str, path: str) -> None:
        self._method, self._path = method, path
        self._opened = threading.Event()
        self.reached = threading.Event()

    def is_for(self, request: httpx.Request) -> bool:
        """Whether it is this one's."""
        return request.method == self._method and self._path in unquote(str(request.url))

    async def pass_later(self, answer: httpx.Response) -> httpx.Response:
        """The answer, when the gate is open."""
        self.reached.set()
        while not self._opened.is_set():
            await asyncio.sleep(0.001)
        return answer

    def open(self) -> None:
        """Let the answer pass."""
        self._opened.set()


class Wire:
    """`answer(...)` says what comes next; an unexpected request fails the test."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.batches: list[int] = []
        """How many requests came together, for each `$batch`."""
        self._envelopes: list[tuple[str, str, httpx.Response | Exception]] = []
        self._gate: Gate | None = None
        self._script: list[tuple[str, str, httpx.Response | Exception]] = []

    def answer(
        self,
        method: str,
        path: str,
        body: Any = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        error: Exception | None = None,
        raw: bool = False,
    ) -> Wire:
        """Once, for the next request with this method whose decoded path matches `path`.
        `raw`: for the next `$batch` itself, not for one in it."""
        response = httpx.Response(
            status,
            headers=headers,
            **({"text": body} if isinstance(body, str) else {} if body is None else {"json": body}),
        )
        (self._envelopes if raw else self._script).append((method, path, error or response))
        return self

    def hold(self, method: str, path: str, body: Any) -> Gate:
        """As :meth:`answer`, but not before the gate is opened."""
        self.answer(method, path, body)
        self._gate = Gate(method, path)
        return self._gate

    def waiting(self, entra: EntraId, count: int) -> None:
        """Wait until so many requests of the adapter wait for a batch."""
        deadline = time.monotonic() + 5
        while (graph := entra._open.graph if entra._open else None) is not None:
            if len(graph._batches._waiting) == count:
                return
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def __call__(self, request: httpx.Request) -> httpx.Response | Awaitable[httpx.Response]:
        answer = self._answer(request)
        gate = self._gate
        if gate is not None and gate.is_for(request):
            self._gate = None
            return gate.pass_later(answer)
        return answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url).partition("/v1.0")[2]
        body = json.loads(request.content) if request.content else None
        if url == "/$batch" and self._envelopes:
            return _given(self._envelopes.pop(0)[2])
        if url != "/$batch":
            return self._next(request.method, url, body, request.headers)
        self.batches.append(len(body["requests"]))
        responses = [
            {
                "id": item["id"],
                "status": found.status_code,
                "headers": dict(found.headers),
                "body": found.json() if found.content else None,
            }
            for item in body["requests"]
            for found in [
                self._next(
                    item["method"],
                    item["url"],
                    item.get("body"),
                    dict(request.headers) | item.get("headers", {}),
                )
            ]
        ]
        return httpx.Response(200, json={"responses": responses[::-1]})

    def _next(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> httpx.Response:
        url = unquote(url)
        self.requests.append(Request(method, url, body, headers))
        for index, (wanted, path, answer) in enumerate(self._script):
            if wanted == method and re.search(path, url):
                del self._script[index]
                return _given(answer)
        raise AssertionError(f"unexpected {method} {url}")

    @property
    def writes(self) -> list[tuple[str, str, Any]]:
        return [(r.method, r.path, r.body) for r in self.requests if r.method != "GET"]

    def finish(self) -> None:
        """Everything scripted was asked for."""
        assert self._script == []
        assert self._envelopes == []


def _given(answer: httpx.Response | Exception) -> httpx.Response:
    if isinstance(answer, Exception):
        raise answer
    return answer


def problem(
    message: str, code: str = "Request_BadRequest", *details: tuple[str, str]
) -> dict[str, Any]:
    """An error body as Graph words it."""
    return {
        "error": {
            "code": code,
            "message": message,
            "details": [{"code": c, "message": message, "target": t} for c, t in details],
            "innerError": {
                "date": "2026-03-16T09:00:00",
                "request-id": "7d5cdd37-0b8b-4a8e-a1a4-fe6d1b4f8f70",
                "client-request-id": "7d5cdd37-0b8b-4a8e-a1a4-fe6d1b4f8f70",
            },
        }
    }


def conflict(prop: str) -> dict[str, Any]:
    """`Another object with the same value ...`."""
    return problem(
        f"Another object with the same value for property {prop} already exists.",
        "Request_BadRequest",
        ("ObjectConflict", prop),
    )


DENIED = problem(
    "Insufficient privileges to complete the operation.", "Authorization_RequestDenied"
)
SYNCED = problem(
    "Unable to update the specified properties for on-premises mastered Directory Sync objects "
    "or objects currently undergoing migration."
)


def missing(id: str) -> dict[str, Any]:
    """404's body."""
    return problem(
        f"Resource '{id}' does not exist or one of its queried reference-property objects are "
        "not present.",
        "Request_ResourceNotFound",
    )


def user(id: str = ANA, **more: Any) -> dict[str, Any]:
    """A user as Graph answers `$select`."""
    return {
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
        "id": id,
        "accountEnabled": True,
        "onPremisesSyncEnabled": None,
        "userPrincipalName": "ana@norhaven.example",
        "mailNickname": "ana",
        "displayName": "Ana Sørensen",
        "employeeId": "1001",
        "businessPhones": [],
        "employeeOrgData": None,
        "onPremisesExtensionAttributes": {f"extensionAttribute{n}": None for n in range(1, 16)},
        **more,
    }
