"""Which targets go through the suite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.directory import SandboxDirectory
from sandbox.entra import SandboxEntra
from sandbox.samba import SambaDomain
from tests.conformance.entra_world import EntraWorld
from tests.conformance.ldap_world import LdapWorld
from tests.conformance.proxy import Relay
from tests.conformance.world import World
from tests.samba import Administrator, Ous

TARGETS = ["samba", "directory", "entra"]


@pytest.fixture
def samba_world(
    samba: SambaDomain, samba_admin: Administrator, samba_ous: Ous, tmp_path: Path
) -> Iterator[LdapWorld]:
    """A real AD domain."""
    world = LdapWorld(samba_admin, samba_ous, samba.settings(), tmp_path)
    yield world
    world.close()


@pytest.fixture
def directory_world(tmp_path: Path) -> Iterator[LdapWorld]:
    """The sandbox's directory."""
    directory = SandboxDirectory(tmp_path / "directory")
    directory.start()
    settings = directory.settings()
    admin = Administrator(directory)
    world = LdapWorld(admin, Ous(settings["people_ou"], settings["leavers_ou"]), settings, tmp_path)
    yield world
    world.close()
    admin.close()
    directory.stop()


@pytest.fixture(scope="session")
def entra_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxEntra]:
    """A tenant on the loopback."""
    with SandboxEntra(tmp_path_factory.mktemp("entra")) as sandbox:
        yield sandbox


@pytest.fixture
def entra_world(entra_sandbox: SandboxEntra, tmp_path: Path) -> Iterator[EntraWorld]:
    """The sandbox's tenant."""
    world = EntraWorld(entra_sandbox, tmp_path)
    yield world
    world.close()


@pytest.fixture(params=TARGETS)
def world(request: pytest.FixtureRequest) -> World:
    """Each target in turn."""
    found: World = request.getfixturevalue(f"{request.param}_world")
    return found


@pytest.fixture
def relay(world: World) -> Iterator[Relay]:
    """A relay in front of the target."""
    relay = Relay(world.address)
    yield relay
    relay.close()
