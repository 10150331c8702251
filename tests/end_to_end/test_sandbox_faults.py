"""Everything that can go wrong between us and a directory, at every step of a working life.

A hire, a change with rename and a new manager, and a leaver, with one fault in the way
each time: the end must be right, and nothing done twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.sandbox_gateway import SandboxGateway
from tests.provisioning.house import worker

AD = ("bind", "search", "add", "modify", "modify_dn")
CREATE = "POST /users$"
ENTRA = (
    "GET /users",
    CREATE,
    "PATCH /users/",
    "PUT /users/.*manager",
    "POST /users/.*revokeSignInSessions",
)
BUSY = {"ad": "51/0000200E", "entra": "503/1"}
FAULTS: list[dict[str, Any]] = [
    {"target": target, "operation": operation, "effect": effect, "count": 1}
    | ({"value": BUSY[target]} if effect == "error" else {})
    for target, operations in (("ad", AD), ("entra", ENTRA))
    for operation in operations
    for effect in ("drop_before", "drop_after", "error")
] + [
    {
        "target": "entra",
        "operation": "POST /users$",
        "effect": "error",
        "value": "429/2",
        "count": 2,
    },
    {"target": "entra", "operation": "POST /users$", "effect": "lag", "value": 1, "count": 1},
    {"target": "entra", "operation": "PATCH /users/", "effect": "hang", "value": 1, "count": 1},
    {"target": "ad", "operation": "add", "effect": "hang", "value": 1, "count": 1},
    {"target": "ad", "operation": "modify", "effect": "delay", "value": 0.3, "count": 3},
    {"target": "ad", "operation": "search", "effect": "drop_after", "probability": 0.3},
    {"target": "entra", "operation": "* .*", "effect": "drop_after", "probability": 0.2},
]


@pytest.fixture(scope="module")
def gateway() -> Iterator[SandboxGateway]:
    running = SandboxGateway()
    running.start()
    running.settle()  # a reset that has to cut short what is under way cuts our LDAP client too
    yield running
    running.end()


def name_of(fault: dict[str, Any]) -> str:
    return f"{fault['target']}-{fault['operation']}-{fault['effect']}"


@pytest.mark.parametrize("fault", FAULTS, ids=name_of)
def test_a_working_life_with_one_fault(gateway: SandboxGateway, fault: dict[str, Any]) -> None:
    gateway.reset()
    gateway.clock("2026-03-16T09:00:00Z")
    assert gateway.scim("POST", "/Users", worker("E9", "Mia", "Boss")).status_code == 201
    gateway.settle()
    gateway.faults(fault)
    hired = gateway.scim("POST", "/Users", worker("E1", "Anna", "Lindqvist", title="Engineer"))
    assert hired.status_code == 201
    gateway.settle(120)
    right(gateway, name="Anna Lindqvist", title="Engineer", enabled=True, manager=None)
    gateway.faults(fault)
    path = f"/Users/{hired.json()['id']}"
    changed = worker("E1", "Anna", "Berg", title="Chief", manager="E9")
    assert gateway.scim("PUT", path, changed).status_code == 200
    gateway.settle(120)
    right(gateway, name="Anna Berg", title="Chief", enabled=True, manager="E9")
    gateway.faults(fault)
    left = {**changed, "active": False}
    assert gateway.scim("PUT", path, left).status_code == 200
    gateway.settle(120)
    gateway.faults()
    right(gateway, name="Anna Berg", title="Chief", enabled=False, manager="E9")
    stamped = gateway.entra("E1")["signInSessionsValidFromDateTime"]
    assert stamped >= "2026-03-16T09:00:00Z"


def right(
    gateway: SandboxGateway, *, name: str, title: str, enabled: bool, manager: str | None
) -> None:
    """Both accounts are there once, and as they should be."""
    ad, entra = gateway.ad("E1"), gateway.entra("E1")
    attributes = ad["attributes"]
    people = {u["id"]: u.get("employeeId") for u in gateway.accounts()["entra"]}
    boss = gateway.ad("E9")["dn"]
    assert {
        "cn": attributes["cn"],
        "title": attributes["title"],
        "sAMAccountName": attributes["sAMAccountName"],
        "enabled": not int(attributes["userAccountControl"]) & 2,
        "leavers": "OU=Leavers" in ad["dn"],
        "manager": attributes.get("manager"),
    } == {
        "cn": name,
        "title": title,
        "sAMAccountName": "alindqvist",
        "enabled": enabled,
        "leavers": not enabled,
        "manager": boss if manager else None,
    }
    assert {
        "displayName": entra["displayName"],
        "jobTitle": entra["jobTitle"],
        "mailNickname": entra["mailNickname"],
        "accountEnabled": entra["accountEnabled"],
        "manager": people[entra["manager"]["id"]] if entra["manager"] else None,
    } == {
        "displayName": name,
        "jobTitle": title,
        "mailNickname": "alindqvist",
        "accountEnabled": enabled,
        "manager": manager,
    }
