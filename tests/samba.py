"""A real AD domain for tests, and an administrator's eye on it that is not the adapter's.

Fixtures (registered by `tests/conftest.py`):

samba          SambaDomain, running, one per test session; settings() is the service account's
samba_ous      Ous: a pair of OUs of this test's own below OU=People and OU=Leavers
samba_admin    Administrator: reads and prepares the directory past every delegation
samba_domains  factory: another domain of its own, for tests that pause, kill or restart it
"""

from __future__ import annotations

import os
import shutil
import ssl
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import ldap3
import pytest
from ldap3.utils.dn import escape_rdn

from sandbox.samba import SambaDomain, SandboxError

TREE_DELETE = ("1.2.840.113556.1.4.805", True, None)


@dataclass(frozen=True)
class Ous:
    """Distinguished names of a test's own OUs, where the service account has its rights."""

    people: str
    leavers: str


class Domain(Protocol):
    """A domain as its administrator knows it."""

    base_dn: str

    def settings(self) -> Mapping[str, Any]: ...

    def administrator(self) -> Mapping[str, str]: ...


class Administrator:
    """The domain's administrator over LDAPS, for preparing and checking."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        login = domain.administrator()
        tls = ldap3.Tls(
            validate=ssl.CERT_REQUIRED,
            ca_certs_file=domain.settings()["ca_file"],
            valid_names=["localhost"],
        )
        self.connection = ldap3.Connection(
            ldap3.Server(
                domain.settings()["url"], tls=tls, get_info=ldap3.NONE, connect_timeout=10
            ),
            login["bind_dn"],
            Path(login["password_file"]).read_text(),
            auto_bind=True,
            raise_exceptions=True,
            auto_referrals=False,
            return_empty_attributes=False,
            check_names=False,
            receive_timeout=60,
        )

    def entries(
        self, base: str, filter: str = "(objectClass=user)", attributes: Sequence[str] = ("*",)
    ) -> list[dict[str, Any]]:
        """Entries below `base`: `{"dn": ..., attribute: [values as text]}` (bytes if not UTF-8)."""
        self.connection.search(base, filter, attributes=list(attributes))
        return [
            {"dn": found["dn"], **{k: [_text(v) for v in vs] for k, vs in raw.items()}}
            for found in self.connection.response
            if found["type"] == "searchResEntry"
            for raw in [found["raw_attributes"]]
        ]

    def pages(
        self, base: str, filter: str, attributes: Sequence[str] = ("*",)
    ) -> list[dict[str, Any]]:
        """As `entries`, also when there are more than one answer may bring."""
        found = self.connection.extend.standard.paged_search(
            base, filter, attributes=list(attributes), paged_size=500, generator=False
        )
        return [
            {"dn": one["dn"], **{k: [_text(v) for v in vs] for k, vs in raw.items()}}
            for one in found
            if one["type"] == "searchResEntry"
            for raw in [one["raw_attributes"]]
        ]

    def entry(self, filter: str, base: str | None = None) -> dict[str, Any]:
        """The one entry that answers to `filter`; fails the test when there is not one."""
        found = self.entries(base or self.domain.base_dn, filter)
        assert len(found) == 1, f"{len(found)} entries answer to {filter}"
        return found[0]

    def add(self, dn: str, classes: Sequence[str], attributes: Mapping[str, Any]) -> str:
        """Add an entry and return its DN."""
        self.connection.add(dn, list(classes), dict(attributes))
        return dn

    def add_user(self, container: str, name: str, **attributes: Any) -> str:
        """Add a user (userAccountControl 512 unless given) and return its DN."""
        return self.add(
            f"CN={escape_rdn(name)},{container}",
            ["user"],
            {"userAccountControl": 512, **attributes},
        )

    def modify(self, dn: str, **attributes: Any) -> None:
        """Replace values; None removes the attribute."""
        changes = {
            name: [(ldap3.MODIFY_REPLACE, [] if value is None else _list(value))]
            for name, value in attributes.items()
        }
        self.connection.modify(dn, changes)

    def delete(self, dn: str) -> None:
        """Delete an entry with everything below it."""
        self.connection.delete(dn, controls=[TREE_DELETE])

    def close(self) -> None:
        self.connection.unbind()


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


@pytest.fixture(scope="session")
def samba_domains() -> Iterator[Callable[[], SambaDomain]]:
    """Make further running domains; all are stopped and removed at the end of the session."""
    folder = Path(tempfile.mkdtemp(prefix="muster-", dir="/tmp"))  # Samba needs a short path
    made: list[SambaDomain] = []

    def make() -> SambaDomain:
        domain = SambaDomain(
            folder / f"dc{len(made)}", "127.0.0.20", "norhaven.example", folder / "template"
        )
        try:
            domain.start()
        except SandboxError as error:
            if os.environ.get("CI") == "true":
                pytest.fail(f"no Samba in CI: {error}")
            pytest.skip(f"no Samba here: {error}")
        made.append(domain)
        return domain

    yield make
    died = {
        domain.address: domain.process.returncode
        for domain in made
        if domain.process and domain.process.poll() is not None
    }
    for domain in made:
        domain.stop()
    shutil.rmtree(folder, ignore_errors=True)
    assert not died, f"Samba ended before its time, exit status by address: {died}"


@pytest.fixture(scope="session")
def samba(samba_domains: Callable[[], SambaDomain]) -> SambaDomain:
    """The session's running domain. Pause or kill your own (`samba_domains`), not this one."""
    return samba_domains()


@pytest.fixture(scope="session")
def samba_admin(samba: SambaDomain) -> Iterator[Administrator]:
    """Administrator of the session's domain."""
    admin = Administrator(samba)
    yield admin
    admin.close()


@pytest.fixture
def samba_ous(samba: SambaDomain, samba_admin: Administrator) -> Iterator[Ous]:
    """A test's own pair of OUs, removed with all they hold afterwards."""
    name = f"OU=t-{uuid.uuid4().hex[:12]}"
    settings = samba.settings()
    ous = Ous(f"{name},{settings['people_ou']}", f"{name},{settings['leavers_ou']}")
    for dn in (ous.people, ous.leavers):
        samba_admin.add(dn, ["organizationalUnit"], {})
    yield ous
    for dn in (ous.people, ous.leavers):
        samba_admin.delete(dn)
