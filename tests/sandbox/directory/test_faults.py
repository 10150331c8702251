"""Faults on order: what the client meets, and what became of the write."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ldap3.core.exceptions import LDAPExceptionError

from sandbox.directory import SandboxDirectory
from sandbox.faults import Fault
from tests.sandbox.directory.client import Client


@pytest.fixture
def other(directory: SandboxDirectory) -> Iterator[Client]:
    """A second connection, to look with."""
    client = Client(directory)
    client.bind()
    yield client
    client.close()


def order(directory: SandboxDirectory, operation: str, effect: str, value: Any = None) -> None:
    directory.set_faults([Fault("ad", operation, effect, value, count=1)])  # type: ignore[arg-type]


def test_delay(directory: SandboxDirectory, client: Client, other: Client) -> None:
    order(directory, "modify", "delay", 0.4)
    dn = client.person()
    begun = time.monotonic()
    assert client.replace(dn, title="Nurse").code == 0
    assert 0.4 <= time.monotonic() - begun < 5
    begun = time.monotonic()
    assert client.replace(dn, title="Cook").code == 0
    assert time.monotonic() - begun < 0.4


def test_others_are_served_meanwhile(directory: SandboxDirectory, other: Client) -> None:
    patient = Client(directory, receive_timeout=1)
    patient.bind()
    order(directory, "add", "hang", 30)
    begun = time.monotonic()
    with pytest.raises(LDAPExceptionError):
        patient.person()
    assert 0.9 < time.monotonic() - begun < 5
    assert other.names("(objectClass=user)") == []
    assert other.person()


def test_a_hung_connection_is_closed_after_a_while(
    directory: SandboxDirectory, client: Client
) -> None:
    order(directory, "add", "hang", 0.3)
    begun = time.monotonic()
    with pytest.raises(LDAPExceptionError):
        client.person()
    assert 0.2 < time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("effect", "done"), [("drop_before", False), ("refuse", False), ("drop_after", True)]
)
def test_dropped_connections(
    directory: SandboxDirectory, client: Client, other: Client, effect: str, done: bool
) -> None:
    person = client.person()
    for operation in ("add", "modify", "modify_dn", "delete"):
        victim = Client(directory)
        assert victim.bind().code == 0
        order(directory, operation, effect)
        bo = f"CN=Bo Ek,{victim.people}"
        write = {
            "add": partial(victim.add, bo, sAMAccountName="boek"),
            "modify": partial(victim.replace, person, title="Nurse"),
            "modify_dn": partial(victim.move, person, "CN=Ada Berg", victim.leavers),
            "delete": partial(victim.delete, bo),
        }[operation]
        with pytest.raises(LDAPExceptionError):
            write()
        if operation == "add":
            assert other.names("(cn=Bo Ek)") == (["Bo Ek"] if done else [])
            if not done:
                other.person("Bo Ek")
        elif operation == "modify":
            assert ("title" in other.entry(person)) == done
        elif operation == "modify_dn":
            assert other.names("(cn=Ada Berg)", base=other.leavers) == (["Ada Berg"] * done)
        else:
            assert other.names("(cn=Bo Ek)") == (["Bo Ek"] if not done else [])


def test_errors(directory: SandboxDirectory, client: Client) -> None:
    order(directory, "add", "error", "51/0000200E")
    dn = f"CN=Ada Berg,{client.people}"
    assert client.add(dn, sAMAccountName="ada").refusal == (51, "0000200E")
    assert client.names("(cn=Ada Berg)") == []
    order(directory, "search", "error", {"result": 52})
    assert client.search().refusal == (52, "")
    order(directory, "bind", "error", "49/80090308")
    assert Client(directory).bind().code == 49
    assert client.add(dn, sAMAccountName="ada").code == 0


def test_bind_dropped(directory: SandboxDirectory) -> None:
    order(directory, "bind", "drop_before")
    with pytest.raises(LDAPExceptionError):
        Client(directory).bind()
    assert Client(directory).bind().code == 0


def test_lag(directory: SandboxDirectory, client: Client, other: Client) -> None:
    """Readers see the state before the write, then both writes, one after the other."""
    dn = client.person(title="Nurse")
    directory.set_faults([Fault("ad", "modify", "lag", 1.0, count=1)])
    assert client.replace(dn, title="Cook").code == 0
    group = client.group()
    assert other.entry(dn)["title"] == [b"Nurse"]
    assert other.names("(title=Cook)") == []
    assert other.search(base=group).code == 32
    assert [e["attributes"]["title"] for e in directory.dump() if e["dn"] == dn] == ["Nurse"]
    assert client.replace(dn, title="Cook", company="Norhaven").code == 0
    time.sleep(1.1)
    entry = other.entry(dn)
    assert (entry["title"], entry["company"]) == ([b"Cook"], [b"Norhaven"])
    assert other.entry(group)


def test_a_refused_write_does_not_lag(directory: SandboxDirectory, client: Client) -> None:
    directory.set_faults([Fault("ad", "modify", "lag", 60.0)])
    assert client.replace(f"CN=nobody,{client.people}", title="x").code == 32
    directory.set_faults([])
    assert client.entry(client.person())


def test_the_whole_directory_down(directory: SandboxDirectory, client: Client) -> None:
    port = int(directory.settings()["url"].rsplit(":", 1)[1])
    directory.set_faults([Fault("ad", "*", "refuse")])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 2)
    with pytest.raises(LDAPExceptionError):
        client.search()
    directory.set_faults([])
    again = Client(directory)
    assert again.bind().code == 0
    assert directory.settings()["url"].endswith(f":{port}")


def test_faults_of_the_other_target_are_not_ours(
    directory: SandboxDirectory, client: Client
) -> None:
    directory.set_faults([Fault("entra", "*", "refuse")])
    assert client.search(base=client.people).code == 0
