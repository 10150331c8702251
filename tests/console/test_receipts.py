"""A receipt from the header of a push to what the source and the operator are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

import console
from access import Gate
from console.commands import Rooms
from console.receipts import receipt
from scim.endpoints import create_blueprint
from store import credentials
from store.clocks import machine_now
from tests.provisioning.house import House, worker


class Door:
    """SCIM and receipts over a house, for one source."""

    def __init__(self, house: House, source: str) -> None:
        app = Flask("test")
        gate = Gate(house.database, now=machine_now)
        app.register_blueprint(create_blueprint(house.database, listener=house.intake, gate=gate))
        app.register_blueprint(console.create_receipts(house.database, gate))
        self.http = app.test_client()
        token = credentials.create(house.database, source, machine_now())
        self.headers = {"Authorization": f"Bearer {token}"}

    def send(self, method: str, path: str, body: Any = None) -> Any:
        return self.http.open(path, method=method, json=body, headers=self.headers)

    def receipt(self, id: str) -> Any:
        return self.send("GET", f"/receipts/{id}")


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def workday(house: House) -> Door:
    return Door(house, "workday")


def run(house: House, id: str) -> Any:
    rooms = Rooms(house.settings, house.database, house.converger, house.business)
    return CliRunner().invoke(receipt, [id], obj=lambda: rooms)


def test_every_write_has_a_receipt_of_its_own(house: House, workday: Door) -> None:
    made = workday.send("POST", "/scim/v2/Users", worker("E1"))
    path = f"/scim/v2/Users/{made.get_json(force=True)['id']}"
    op = {"op": "replace", "path": "title", "value": "x"}
    answers = [
        made,
        workday.send("PUT", path, worker("E1", title="y")),
        workday.send("PATCH", path, {"Operations": [op]}),
        workday.send("DELETE", path),
    ]
    assert [a.status_code for a in answers] == [201, 200, 200, 204]
    ids = [a.headers["Muster-Receipt"] for a in answers]
    assert len(set(ids)) == 4
    house.settle()
    told = [workday.receipt(id).get_json() for id in ids]
    assert [t["what"] for t in told] == ["created", "changed", "changed", "withdrawn"]
    assert [t["targets"]["ad"].get("supersededBy") for t in told] == [ids[-1]] * 3 + [None]


def test_what_changes_nothing_or_is_refused_has_none(house: House, workday: Door) -> None:
    made = workday.send("POST", "/scim/v2/Users", worker("E1"))
    path = f"/scim/v2/Users/{made.get_json(force=True)['id']}"
    for answer in (
        workday.send("PUT", path, worker("E1")),
        workday.send("GET", path),
        workday.send("POST", "/scim/v2/Users", worker("E1")),
        workday.send("PUT", path, {"active": "maybe"}),
    ):
        assert "Muster-Receipt" not in answer.headers


def test_a_source_reads_its_own_receipts_only(house: House, workday: Door) -> None:
    made = workday.send("POST", "/scim/v2/Users", worker("E1"))
    id = made.headers["Muster-Receipt"]
    assert workday.receipt(id).get_json()["resource"] == made.get_json(force=True)["id"]
    other = Door(house, "generic").receipt(id)
    unknown = workday.receipt("00000000-0000-4000-8000-000000000000")
    assert (other.status_code, unknown.status_code) == (404, 404)
    assert other.get_json() == unknown.get_json()
    for odd in ("x", "%00", "a" * 3000):
        assert workday.receipt(odd).status_code == 404


def test_a_token_is_needed(house: House, workday: Door) -> None:
    made = workday.send("POST", "/scim/v2/Users", worker("E1"))
    workday.headers = {}
    answer = workday.receipt(made.headers["Muster-Receipt"])
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.get_json()["status"] == "401"


def test_the_command_tells_it_in_words(house: House, workday: Door) -> None:
    made = workday.send("POST", "/scim/v2/Users", worker("E1", title="Engineer"))
    id = made.headers["Muster-Receipt"]
    assert "ad: due\n" in run(house, id).output
    house.settle()
    shown = run(house, id).output
    assert "workday: created, Anna Lindqvist (E1)" in shown
    assert "title" in shown
    assert "ad: applied after" in shown
    assert "2. enable: applied," in shown
    path = f"/scim/v2/Users/{made.get_json(force=True)['id']}"
    first = workday.send("PUT", path, worker("E1", title="a")).headers["Muster-Receipt"]
    second = workday.send("PUT", path, worker("E1", title="b")).headers["Muster-Receipt"]
    house.settle()
    assert f"ad: superseded by receipt {second}" in run(house, first).output
    gone = workday.send("DELETE", path).headers["Muster-Receipt"]
    assert "no longer asserts" in run(house, gone).output


def test_the_command_refuses_what_it_does_not_know(house: House) -> None:
    shown = run(house, "nothing")
    assert (shown.exit_code, shown.output) == (1, "Error: there is no receipt nothing\n")
