"""Every test with a house runs on both databases."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Cluster
from tests.provisioning.house import House


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "on_database" in metafunc.fixturenames:
        kinds = ["sqlite", "postgres"] if hasattr(metafunc.module, "House") else ["none"]
        kinds = getattr(metafunc.module, "ON_DATABASES", kinds)
        metafunc.parametrize("on_database", kinds, indirect=True)


@pytest.fixture(autouse=True)
def on_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """A house gets a database of its own, of this kind."""
    if getattr(request, "param", "none") == "postgres":
        request.getfixturevalue("on_postgres")
    yield
    while House.opened:
        House.opened.pop().close()


@pytest.fixture
def on_postgres(postgres_cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A house gets a PostgreSQL database of its own."""
    made: list[str] = []

    def url(_folder: Path) -> str:
        made.append(f"t_{uuid.uuid4().hex}")
        postgres_cluster.execute(f'CREATE DATABASE "{made[-1]}"')
        return postgres_cluster.url(made[-1])

    monkeypatch.setattr(House, "url", staticmethod(url))
    yield
    for name in made:
        postgres_cluster.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
