"""One directory per test module, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.directory import SandboxDirectory
from tests.sandbox.directory.client import Client


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxDirectory]:
    directory = SandboxDirectory(tmp_path_factory.mktemp("directory"))
    directory.start()
    yield directory
    directory.stop()


@pytest.fixture
def directory(served: SandboxDirectory) -> Iterator[SandboxDirectory]:
    served.set_faults([])
    served.reset()
    yield served
    served.set_faults([])


@pytest.fixture
def client(directory: SandboxDirectory) -> Iterator[Client]:
    client = Client(directory)
    assert client.bind().code == 0
    yield client
    client.close()
