"""A wire with a script: answers in order, and what was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import httpx

ANA = "11111111-2222-4333-8444-555555555555"
BEN = "99999999-8888-4777-8666-555555555555"


@dataclass
class Request:
    method: str
    path: str
    """Path and query below /v1.0, decoded."""
    body: Any
    headers: Mapping[str, str] = field(repr=False)


class Wire:
    """`answer(...)` says what comes next; an unexpected request fails the test."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._script: list[tuple[str, str, httpx.Response | Exception]] = []

    def answer(
        self,
        method: str,
        path: str,
        body: Any = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        error: Exception | None = None,
    ) -> Wire:
        """Once, for the next request with this method whose decoded path matches `path`."""
        response = httpx.Response(
            status,
            headers=headers,
            **({"text": body} if isinstance(body, str) else {} if body is None else {"json": body}),
        )
        self._script.append((method, path, error or response))
        return self

    def __call__(self, request: httpx.Request) -> httpx.Response:
        url = unquote(str(request.url)).partition("/v1.0")[2]
        body = json.loads(request.content) if request.content else None
        self.requests.append(Request(request.method, url, body, request.headers))
        for index, (method, path, answer) in enumerate(self._script):
            if method == request.method and re.search(path, url):
                del self._script[index]
                if isinstance(answer, Exception):
                    raise answer
                return answer
        raise AssertionError(f"unexpected {request.method} {url}")

    @property
    def writes(self) -> list[tuple[str, str, Any]]:
        return [(r.method, r.path, r.body) for r in self.requests if r.method != "GET"]

    def finish(self) -> None:
        """Everything scripted was asked for."""
        assert self._script == []


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
