"""What is told ahead survives another record's taking the place of the one that told it, and
what is in doubt stays so while the doubt changes its name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hr.gate import Gate, created
from tests.hr.ips import BETTER, ODM, Ips, identity_directory
from tests.hr.test_reused_numbers import ada
from tests.provisioning.house import worker
from tests.scim.conftest import CORE, ENTERPRISE, WORKER, accepted

APRIL = "2026-04-01"


def enabled(gate: Gate) -> list[tuple[bool, Any]]:
    found = gate.ad.accounts.values()
    return [(one.enabled, one.attributes.get("title")) for one in found]


def test_a_leaver_told_ahead_by_the_record_that_takes_the_place_leaves(gate: Gate) -> None:
    client = gate.client("workday")
    first = worker("E1", title="X")
    del first["externalId"]
    created(client.send("POST", "/Users", first))
    gate.settle()
    leaving = worker("E1", title="Y", active=False, effectiveDate=APRIL)
    id = created(client.send("POST", "/Users", leaving))
    gate.settle()
    assert enabled(gate) == [(True, "X")]
    gate.day(f"{APRIL}T12:00:00Z")
    gate.settle()
    assert [on for on, _ in enabled(gate)] == [False]
    accepted(client.put(id, leaving))
    gate.settle()
    assert [on for on, _ in enabled(gate)] == [False]


def test_a_doubt_of_one_kind_is_not_ended_by_a_known_number(gate: Gate) -> None:
    """Ada is written over Wiebke, first with Eva's number, then with Wiebke's."""
    client = gate.client("successfactors")
    job = Ips(client, BETTER, "externalId")
    id = job.provision(identity_directory(200001))
    job.provision(identity_directory(200002, "Eva Lund"))
    gate.settle()
    before = enabled_names(gate)
    for number in ("200002", "200001"):
        user = ada(identity_directory, **{ODM: {"workforcePersonId": number}})
        accepted(client.put(id, {**job.body(user, id), "externalId": "200001"}))
        gate.settle()
        assert enabled_names(gate) == before
        assert gate.problems()


def enabled_names(gate: Gate) -> list[tuple[bool, Any]]:
    return [(one.enabled, one.attributes["displayName"]) for one in gate.ad.accounts.values()]


def test_a_worker_id_beside_the_known_employee_number_is_the_same_person(gate: Gate) -> None:
    client = gate.client("workday")
    known = {
        "userName": "anna",
        "active": True,
        "name": {"givenName": "Anna", "familyName": "Lund"},
        ENTERPRISE: {"employeeNumber": "77"},
        WORKER: {"hireDate": "2021-04-01"},
    }
    id = created(client.send("POST", "/Users", known))
    gate.settle()
    more = {**known, "externalId": "W1", WORKER: {**known[WORKER], "workerId": "W1"}}
    accepted(client.put(id, more))
    gate.settle()
    assert gate.problems() == []
    assert len(gate.ad.accounts) == 1


NOTHING: list[dict[str, Any]] = [
    {"@type": None},
    {"_links": {"self": None}},
    {"urn:acme:hr": {"badge": None}},
    {"foo bar": ""},
]


@pytest.mark.parametrize("source", ["workday", "successfactors"])
@pytest.mark.parametrize("beside", NOTHING, ids=str)
def test_a_state_beside_a_member_that_says_nothing_is_a_state(
    gate: Gate, source: str, beside: dict[str, Any]
) -> None:
    client = gate.client(source)
    id = created(client.send("POST", "/Users", worker("E1", title="X")))
    gate.settle()
    accepted(client.put(id, {"schemas": [CORE], "active": False, **beside}))
    gate.settle()
    assert enabled(gate) == [(False, "X")]
