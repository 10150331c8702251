"""Which targets go through the suite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.samba import SambaDomain
from tests.conformance.ldap_world import LdapWorld
from tests.conformance.proxy import Relay
from tests.conformance.world import World
from tests.samba import Administrator, Ous

TARGETS = ["samba"]


@pytest.fixture
def samba_world(
    samba: SambaDomain, samba_admin: Administrator, samba_ous: Ous, tmp_path: Path
) -> Iterator[LdapWorld]:
    """A real AD domain."""
    world = LdapWorld(samba_admin, samba_ous, samba.settings(), tmp_path)
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
