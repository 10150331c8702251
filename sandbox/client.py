"""A running gateway from outside: SCIM as an HR system, and the sandbox's own operations."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

_PATIENCE = 30.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""The gateway is on this machine: a proxy named in the environment is not asked."""


class Unreachable(Exception):
    """Nothing answers at the gateway's address, or what answers is no gateway."""


class Refused(Exception):
    """The gateway answered with an error; `status` is the HTTP status."""

    def __init__(self, request: str, status: int, detail: str) -> None:
        super().__init__(f"{request} was answered {status}" + (f": {detail}" if detail else ""))
        self.status = status


class Client:
    """A gateway at `base_url` (`http://127.0.0.1:8080`), as the source that owns `token`.

    Every method raises Unreachable or Refused.
    """

    def __init__(self, base_url: str, token: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._token = token

    def find(self, external_id: str) -> str | None:
        """The SCIM id of this source's user with this externalId, or None."""
        query = urllib.parse.urlencode({"filter": f"externalId eq {json.dumps(external_id)}"})
        found = self.scim("GET", f"/Users?{query}").get("Resources") or []
        return str(found[0]["id"]) if found else None

    def scim(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One SCIM request below /scim/v2; the answer's body."""
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/scim+json",
        }
        return self._ask(method, f"/scim/v2{path}", body, headers, _PATIENCE)

    def sandbox(self) -> dict[str, Any]:
        """What `GET /sandbox` tells."""
        return self._sandbox("GET", "")

    def accounts(self) -> dict[str, list[dict[str, Any]]]:
        """Both directories: `{"ad": [{"dn", "attributes"}], "entra": [Graph user]}`."""
        return self._sandbox("GET", "/accounts")

    def set_clock(self, instant: str | None) -> None:
        """Let business time stand at this ISO instant, or run with real time (None)."""
        self._sandbox("PUT", "/clock", {"now": instant})

    def settle(self, timeout: float) -> dict[str, Any]:
        """Wait until nothing is left to do; `{"settled", "looks", "held", "waiting"}`."""
        return self._sandbox("POST", "/settle", {"timeout": timeout}, timeout + _PATIENCE)

    def _sandbox(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        patience: float = _PATIENCE,
    ) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        return self._ask(method, f"/sandbox{path}", body, headers, patience)

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        patience: float,
    ) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.base_url + path, data, headers=dict(headers), method=method
        )
        shown = f"{method} {path.partition('?')[0]}"
        try:
            with _DIRECT.open(request, timeout=patience) as answer:
                raw = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(shown, error.code, _detail(error.read())) from None
        except (OSError, http.client.HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise Unreachable(str(reason)) from None
        try:
            document = json.loads(raw) if raw else {}
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise Unreachable(f"{shown} was not answered in JSON")
        return document


class Indoors(Client):
    """The same door of an application in this process, before any server runs.

    `application` is Flask's test client of it.
    """

    def __init__(self, application: Any, token: str) -> None:
        super().__init__("", token)
        self._application = application

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        patience: float,
    ) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        answer = self._application.open(path, method=method, data=data, headers=dict(headers))
        if answer.status_code >= 400:
            raise Refused(f"{method} {path.partition('?')[0]}", answer.status_code, "")
        return dict(json.loads(answer.data) if answer.data else {})


def _detail(raw: bytes) -> str:
    """What a SCIM or sandbox error says, if it says anything."""
    try:
        said = json.loads(raw)
    except ValueError:
        return ""
    return str(said.get("detail") or said.get("error") or "") if isinstance(said, dict) else ""
