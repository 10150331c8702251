"""The samba world of the conformance suite, for what only Active Directory does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.conftest import samba_world
from tests.conformance.ldap_world import LdapWorld
from tests.conformance.proxy import Relay

__all__ = ["samba_world"]


@pytest.fixture
def world(samba_world: LdapWorld) -> LdapWorld:
    """A real AD domain."""
    return samba_world


@pytest.fixture
def relay(world: LdapWorld) -> Iterator[Relay]:
    """A relay in front of it."""
    relay = Relay(world.address)
    yield relay
    relay.close()
