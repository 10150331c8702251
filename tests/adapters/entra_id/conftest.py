"""The adapter on a scripted wire: the SDK is real, the network and sign-in are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from adapters.entra_id import Config, EntraId
from adapters.entra_id.client import Credential
from tests.adapters.entra_id.wire import Wire


class SignedIn:
    """Stands in for azure-identity's credential."""

    made = 0

    def __init__(self) -> None:
        SignedIn.made += 1

    async def get_token(self, *scopes: str, **details: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken(f"token-{SignedIn.made}", 4_000_000_000)

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def config() -> Config:
    return Config(
        "3f2a8c1e-5b7d-4e9f-8a6b-0c1d2e3f4a5b",
        "9c8b7a69-5847-4362-8140-f1e2d3c4b5a6",
        client_secret=lambda: "not used",
        patience=(0.01, 0.01),
    )


@pytest.fixture
def wire() -> Iterator[Wire]:
    script = Wire()
    yield script
    script.finish()


@pytest.fixture
def entra(config: Config, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Iterator[EntraId]:
    SignedIn.made = 0
    monkeypatch.setattr(Credential, "_make", lambda self: SignedIn())
    target = EntraId(config, transport=httpx.MockTransport(wire))
    yield target
    target.close()
