"""One person, two accounts: the ten HR cases through both targets at once.

On the embedded directories, and on a real Samba domain beside the sandbox Entra. AD is
read over LDAP by a client of our own, Entra through what the sandbox shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.sandbox_gateway import Domain, SandboxGateway
from tests.end_to_end.test_hr_samples import SAMPLES, play, shown
from tests.samba import Administrator

WORDS = {"end of 2026-04-30": "2026-04-30T23:00:00Z", "the configured default": "DE"}


@pytest.fixture(scope="module", params=["embedded", "samba"])
def gateway(request: pytest.FixtureRequest) -> Iterator[SandboxGateway]:
    samba = request.param == "samba"
    if samba:
        request.getfixturevalue("samba")  # skips, or fails in CI, where Samba cannot run
    running = SandboxGateway(samba=samba)
    running.start()
    running.settle()  # a reset that has to cut short what is under way cuts our LDAP client too
    yield running
    running.end()


@pytest.fixture
def admin(gateway: SandboxGateway) -> Iterator[Administrator]:
    reader = Administrator(Domain(gateway))
    yield reader
    reader.close()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_sample(path: Path, gateway: SandboxGateway, admin: Administrator) -> None:
    empty(gateway, admin)
    sample = json.loads(path.read_text())
    play(sample, gateway, gateway.scim)
    for number, expected in sample["expect"]["ad"]["accounts"].items():
        entry = admin.entry(f"(employeeID={number})")
        assert shown(entry, expected, admin) == expected
    for number, expected in sample["expect"]["entra"]["accounts"].items():
        wanted = {k: v for k, v in expected.items() if not is_rule(k, v)}
        assert seen(gateway, number, wanted) == wanted


def empty(gateway: SandboxGateway, admin: Administrator) -> None:
    """Everything back to the beginning; a real domain is emptied by hand."""
    gateway.reset()
    for ou in ("people_ou", "leavers_ou"):
        for entry in admin.entries(gateway.about["ad"][ou], "(employeeID=*)", ["cn"]):
            admin.delete(entry["dn"])


def is_rule(name: str, value: Any) -> bool:
    """Some expectations are sentences about mappings that are not the default."""
    return name == "employeeHireDate" and isinstance(value, str) and "custom" in value


def seen(gateway: SandboxGateway, number: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """The Entra user in the words of the expectation."""
    user = gateway.entra(number)
    people = {u["id"]: u.get("employeeId") for u in gateway.accounts()["entra"]}
    result: dict[str, Any] = {}
    for name, expected in wanted.items():
        value = user.get(name)
        if name == "manager" and value is not None:
            value = f"the account of worker {people[value['id']]}"
        elif name == "employeeHireDate" and value is not None:
            value = value[:10]
        elif isinstance(expected, str) and expected in WORDS:
            value = expected if value == WORDS[expected] else value
        result[name] = value
    return result


def test_one_name_in_both_and_one_journal(gateway: SandboxGateway, admin: Administrator) -> None:
    empty(gateway, admin)
    gateway.clock("2026-03-16T09:00:00Z")
    for number in ("E1", "E2"):
        body = hire(number)
        assert gateway.scim("POST", "/Users", body).status_code == 201
    gateway.settle()
    for number in ("E1", "E2"):
        name = admin.entry(f"(employeeID={number})")["sAMAccountName"][0]
        assert gateway.entra(number)["mailNickname"] == name
        assert gateway.entra(number)["userPrincipalName"] == f"{name}@norhaven.example"


def test_one_target_down_does_not_hold_the_other(
    gateway: SandboxGateway, admin: Administrator
) -> None:
    empty(gateway, admin)
    gateway.clock("2026-03-16T09:00:00Z")
    gateway.faults({"target": "entra", "operation": "*", "effect": "refuse"})
    assert gateway.scim("POST", "/Users", hire("E1")).status_code == 201
    told = gateway.send("POST", "/sandbox/settle", {"timeout": 3})
    assert not told["settled"]
    assert int(admin.entry("(employeeID=E1)")["userAccountControl"][0]) & 2 == 0
    assert gateway.accounts()["entra"] == []
    gateway.faults()
    gateway.settle()
    assert gateway.entra("E1")["accountEnabled"]


def hire(number: str) -> dict[str, Any]:
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "externalId": number,
        "active": True,
        "name": {"givenName": "John", "familyName": "Smith"},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": number},
    }
