"""Ten HR cases as Workday integrators and SAP IPS send them, through HTTP to a real domain.

Each file in tests/data/hr-samples says what is pushed and what the accounts must be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests

from tests.end_to_end.gateway import Gateway
from tests.samba import Administrator

SAMPLES = sorted((Path(__file__).parents[1] / "data" / "hr-samples").glob("*.json"))
NEVER = {None, "0", str(0x7FFFFFFFFFFFFFFF)}
END_OF = {"end of 2026-04-30": {"Europe/London": "134220636000000000"}}
"""Midnight after the day where the worker is, as FILETIME (2026-04-30T23:00:00Z)."""


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_sample(path: Path, gateway: Gateway, samba_admin: Administrator) -> None:
    sample = json.loads(path.read_text())
    play(sample, gateway, gateway.call)
    for number, expected in sample["expect"]["ad"]["accounts"].items():
        entry = samba_admin.entry(f"(employeeID={number})")
        assert shown(entry, expected, samba_admin) == expected


class House(Protocol):
    """A gateway whose clock can be set and which can be waited for."""

    def clock(self, instant: str) -> None: ...

    def settle(self) -> object: ...


def play(sample: dict[str, Any], house: House, scim: Callable[..., requests.Response]) -> None:
    """Everything a sample pushes, and the days it lets come; `scim` sends one request."""
    house.clock(sample["clock"])
    ids: dict[str, str] = {}
    for step in [*sample.get("setup", []), *sample["steps"]]:
        if "advance_to" in step:
            house.clock(step["advance_to"])
        else:
            push(scim, sample["source"], step, ids)
        house.settle()


def push(
    scim: Callable[..., requests.Response], source: str, step: dict[str, Any], ids: dict[str, str]
) -> None:
    answer = scim(step["method"], filled(step["path"], ids), filled(step.get("body"), ids), source)
    assert answer.status_code in step["expect_status"], answer.text
    if answer.status_code == 201:
        made = answer.json()
        for name in (step.get("as"), made.get("externalId")):
            if name:
                ids[name] = made["id"]


def filled(value: Any, ids: dict[str, str]) -> Any:
    """`{x}` becomes the server id of x, everywhere."""
    if isinstance(value, str):
        return re.sub(r"\{([^{}]+)\}", lambda m: ids.get(m[1], m[0]), value)
    if isinstance(value, list):
        return [filled(item, ids) for item in value]
    if isinstance(value, dict):
        return {key: filled(item, ids) for key, item in value.items()}
    return value


def shown(entry: dict[str, Any], expected: dict[str, Any], admin: Administrator) -> dict[str, Any]:
    """The account in the words of the expectation."""
    result: dict[str, Any] = {}
    for name, wanted in expected.items():
        value = entry.get(name, [None])[0]
        if name == "enabled":
            result[name] = not int(entry["userAccountControl"][0]) & 2
        elif name == "accountExpires":
            result[name] = expiry(value, wanted)
        elif name == "manager" and value is not None:
            manager = admin.entries(value, attributes=["employeeID"])[0]
            result[name] = f"the account of worker {manager['employeeID'][0]}"
        else:
            result[name] = value
    return result


def expiry(value: str | None, wanted: str) -> str | None:
    if value in NEVER:
        return "never"
    return wanted if value in END_OF.get(wanted, {}).values() else value
