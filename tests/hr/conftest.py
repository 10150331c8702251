"""Every test with a gateway gets one of its own, on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hr.desk import Desk
from tests.hr.gate import Gate
from tests.hr.ips import BETTER, Ips
from tests.scim.conftest import Client


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A gateway with a source for every kind of HR client."""
    yield Gate(tmp_path)
    while Gate.opened:
        Gate.opened.pop().close()


@pytest.fixture
def desk(gate: Gate) -> Desk:
    return Desk(gate)


@pytest.fixture
def client(gate: Gate) -> Client:
    """SuccessFactors, where a module has no client of its own."""
    return gate.client("successfactors")


@pytest.fixture
def ips(client: Client) -> Ips:
    """With what SAP ships."""
    return Ips(client)


@pytest.fixture
def better(client: Client) -> Ips:
    """With what we recommend."""
    return Ips(client, BETTER, "externalId")
