"""The company that a sandbox starts with: complete, apart from everybody else, pushed once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from sandbox.client import Client, Refused
from sandbox.company import people, seed
from sandbox.first_run import HIRE
from store.clocks import machine_now, to_datetime
from tests.sandbox.gateway import Gateway

SAMPLES = Path(__file__).parents[1] / "data" / "hr-samples"
TODAY = to_datetime(machine_now()).date()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    served = Gateway(tmp_path)
    with served.serve():
        yield served


def test_everyone_becomes_an_account_and_nobody_twice(gateway: Gateway) -> None:
    assert seed(Client(gateway.url, gateway.token)) == 12
    gateway.house.now = machine_now()
    gateway.house.settle()
    directory = gateway.house.ad
    accounts = {str(a.attributes["employeeID"]): a for a in directory.accounts.values()}
    assert sorted(accounts) == [worker.number for worker in people(TODAY)]
    assert {a.attributes["c"] for a in accounts.values()} == {"DE", "GB", "SE"}
    assert {number for number, a in accounts.items() if not a.enabled} == {"W4011"}
    assert {number for number, a in accounts.items() if not a.references} == {"W4001"}
    assert accounts["W4004"].attributes["sAMAccountName"] == "mgrosshauser"
    assert accounts["W4011"].attributes["sAMAccountName"] == "ekiptoo"
    assert accounts["W4012"].attributes["employeeType"] == "Contingent"
    assert [n for n, a in accounts.items() if a.attributes.get("accountExpires")] == ["W4012"]
    with gateway.house.database.read() as connection:
        held = connection.exec_driver_sql("select held, problem from pair").all()
    assert set(held) == {(None, None)}
    assert gateway.house.row(workerId="W4008").state == "leave"

    writes = len(directory.writes)
    assert seed(Client(gateway.url, gateway.token)) == 0
    gateway.house.settle()
    assert len(directory.writes) == writes


def test_the_contractor_ends_and_the_pre_hire_begins(gateway: Gateway) -> None:
    seed(Client(gateway.url, gateway.token), TODAY)
    gateway.house.now = machine_now() + timedelta(days=60).total_seconds()
    gateway.house.settle()
    assert gateway.house.ad.one(employeeID="W4011").enabled
    assert [a for a in gateway.house.ad.accounts.values() if not a.enabled] == []
    assert len(gateway.house.ad.accounts) == 11  # an ended contract gets no account


def test_a_wrong_token_is_said(gateway: Gateway) -> None:
    with pytest.raises(Refused, match="401"):
        seed(Client(gateway.url, "muster_wrong"))


def test_nobody_is_anyone_else() -> None:
    others = "".join(file.read_text(encoding="utf-8") for file in SAMPLES.glob("*.json")) + HIRE
    for worker in people(date(2026, 3, 16)):
        for said in (worker.number, worker.family, worker.login):
            assert said is None or json.dumps(said, ensure_ascii=False) not in others
