"""One running sandbox for the tests of this folder, emptied before each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.entra import SandboxEntra


class Client:
    """Plain HTTP with a token: `client("GET", "/users/x")` answers a `requests.Response`."""

    def __init__(self, sandbox: SandboxEntra) -> None:
        self.settings = sandbox.settings()
        self.session = requests.Session()
        self.session.trust_env = False  # REQUESTS_CA_BUNDLE would win over `verify`
        self.session.verify = self.settings["ca_file"]
        self.sign_in()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def token(self, **changes: str) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.settings["client_id"],
            "client_secret": self.settings["client_secret"],
            "scope": "https://graph.microsoft.com/.default",
        }
        tenant = changes.pop("tenant", self.settings["tenant_id"])
        url = f"{self.settings['authority']}/{tenant}/oauth2/v2.0/token"
        kept = {k: v for k, v in (form | changes).items() if v != "-"}
        return self.session.post(url, data=kept, headers={"Authorization": ""}, timeout=10)

    def sign_in(self) -> None:
        token = self.token().json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        url = path if path.startswith("https://") else self.settings["graph"] + path
        if body is not None:
            more["json"] = body
        more.setdefault("timeout", 10)
        return self.session.request(method, url, **more)

    def user(self, name: str = "ann.berg", **changes: Any) -> dict[str, Any]:
        """Create a user and return what Graph answered."""
        answer = self("POST", "/users", user(name, **changes))
        assert answer.status_code == 201, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def get(self, path: str, **query: str) -> Any:
        answer = self("GET", path, params={f"${k}": v for k, v in query.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()


def user(name: str = "ann.berg", **changes: Any) -> dict[str, Any]:
    """The body of a create; a change to `...` leaves the property out."""
    body = {
        "accountEnabled": True,
        "displayName": name.replace(".", " ").title(),
        "mailNickname": name,
        "userPrincipalName": f"{name}@norhaven.example",
        "passwordProfile": {"password": "Fjord-1905-blue", "forceChangePasswordNextSignIn": True},
    } | changes
    return {key: value for key, value in body.items() if value is not ...}


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxEntra]:
    with SandboxEntra(tmp_path_factory.mktemp("entra")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: SandboxEntra) -> SandboxEntra:
    running.reset()
    return running


@pytest.fixture
def client(sandbox: SandboxEntra) -> Iterator[Client]:
    with Client(sandbox) as made:
        yield made


def said(answer: requests.Response) -> tuple[int, str, str]:
    """Status, Graph's code and Graph's message."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]
