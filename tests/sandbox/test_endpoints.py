"""The sandbox's HTTP contract, with a real worker at work behind it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from adapters.target import Refusal, Step
from provisioning import pairs
from store import journal
from store.clocks import machine_now, parse_instant
from store.database import Database
from store.tables import credential, metadata, setting
from tests.sandbox.house import SECRETS, Gate, House

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WORLD = [t for t in metadata.sorted_tables if t.name not in ("setting", "credential")]


@pytest.fixture
def house(db: Database, tmp_path: Path) -> House:
    return House(db, tmp_path)


@pytest.fixture
def busy(house: House) -> Iterator[House]:
    """A house whose worker works."""
    with house.working():
        yield house


def rows(house: House) -> dict[str, int]:
    """How many rows there are of people and what came of them."""
    with house.db.read() as connection:
        counted = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in WORLD
        }
    return {name: count for name, count in counted.items() if count}


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# -- whom it answers, and how it refuses ---------------------------------------------------------


@sqlite
@pytest.mark.parametrize("address", ["", "clock", "settle", "reset", "accounts", "nothing"])
def test_nobody_from_elsewhere_learns_that_it_is_there(house: House, address: str) -> None:
    house.here = False
    for method in ("GET", "PUT", "POST", "DELETE"):
        assert house.ask(method, address).status_code == 404


@sqlite
@pytest.mark.parametrize(
    "origin", ["https://attacker.example", "null", "http://localhost:1", "//["]
)
def test_a_web_page_cannot_send_orders(house: House, origin: str) -> None:
    house.hire("E1")
    answer = house.ask("POST", "reset", headers={"Origin": origin})
    assert answer.status_code == 404
    assert rows(house)["person"] == 1


@sqlite
def test_a_page_of_ours_may(house: House) -> None:
    assert house.ask("POST", "reset", headers={"Origin": "http://localhost"}).status_code == 200


@sqlite
@pytest.mark.parametrize(
    ("method", "order", "allowed"),
    [
        ("POST", "", "GET, HEAD"),
        ("GET", "clock", "PUT"),
        ("GET", "settle", "POST"),
        ("PUT", "reset", "POST"),
        ("POST", "settings", "PUT"),
        ("DELETE", "directory", "PUT"),
        ("PUT", "faults", "POST"),
        ("OPTIONS", "accounts", "GET, HEAD"),
    ],
)
def test_another_method(house: House, method: str, order: str, allowed: str) -> None:
    answer = house.ask(method, order)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert method in answer.get_json()["error"]


ORDERS = [
    ("PUT", "clock"),
    ("POST", "settle"),
    ("POST", "reset"),
    ("PUT", "settings"),
    ("PUT", "directory"),
    ("POST", "faults"),
]


@sqlite
@pytest.mark.parametrize(("method", "order"), ORDERS)
@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff\xfe", b"[]", b"3", b'"x"', b"null", b'{"a": NaN}', b"[" * 90_000, b"{} {}"],
)
def test_a_body_that_is_no_object(house: House, method: str, order: str, body: bytes) -> None:
    house.hire("E1")
    before = rows(house)
    answer = house.ask(method, order, body)
    assert answer.status_code == 400
    assert "body" in answer.get_json()["error"]
    assert rows(house) == before


@sqlite
@pytest.mark.parametrize(("method", "order"), ORDERS)
def test_an_unknown_key_is_named_and_too_much_is_refused(
    house: House, method: str, order: str
) -> None:
    answer = house.ask(method, order, {"tomeout": 1})
    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith("tomeout")
    assert house.ask(method, order, b" " * 200_000).status_code == 413


@sqlite
@pytest.mark.parametrize(
    ("method", "order", "body", "key"),
    [
        ("PUT", "clock", {}, "now"),
        ("PUT", "clock", {"now": "yesterday"}, "now"),
        ("PUT", "clock", {"now": 1775001600}, "now"),
        ("PUT", "clock", {"now": "0001-01-01T00:00:00+14:00"}, "now"),
        ("PUT", "clock", {"now": "9999-12-31"}, "now"),
        ("POST", "settle", {"timeout": "30"}, "timeout"),
        ("POST", "settle", {"timeout": True}, "timeout"),
        ("POST", "settle", {"timeout": -1}, "timeout"),
        ("POST", "settle", {"timeout": 301}, "timeout"),
        ("PUT", "settings", {"server": {"port": 1}}, "server"),
        ("PUT", "settings", {"people": {"pre_hire_day": 1}}, "people.pre_hire_day"),
        ("PUT", "settings", {"names": {"account_name": ["Lower("]}}, "names.account_name"),
        ("PUT", "settings", {"names": {"account_name": ["[shoeSize]"]}}, "names.account_name"),
        ("PUT", "directory", {"ad": {}}, "ad"),
        ("PUT", "directory", {"entra": [{}, 3]}, "entra[1]"),
        ("PUT", "directory", {"ad": [{"refuse": "shoeSize"}]}, "ad: unknown attribute shoeSize"),
        ("POST", "faults", {}, "faults"),
        ("POST", "faults", {"faults": "none"}, "faults"),
        ("POST", "faults", {"faults": [3]}, "faults[0]"),
        ("POST", "faults", {"faults": [{"target": "ad"}]}, "faults[0].operation"),
        (
            "POST",
            "faults",
            {"faults": [{"target": ["ad"], "operation": {}, "effect": 1}]},
            "faults[0].target",
        ),
        (
            "POST",
            "faults",
            {"faults": [{"target": "entra", "operation": "GET (", "effect": "hang"}]},
            "faults[0].operation",
        ),
        (
            "POST",
            "faults",
            {"faults": [{"target": "ad", "operation": "bind", "effect": "error", "value": [0]}]},
            "faults[0].value",
        ),
    ],
)
def test_what_is_wrong_is_named(
    house: House, method: str, order: str, body: dict[str, Any], key: str
) -> None:
    answer = house.ask(method, order, body)
    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith(key)


@sqlite
def test_a_sandbox_process_that_is_gone(house: House) -> None:
    house.hire("E1")
    house.remote.is_down = True
    for method, order in [("GET", ""), ("GET", "accounts"), ("POST", "reset")]:
        answer = house.ask(method, order)
        assert answer.status_code == 503
        assert "cannot be reached" in answer.get_json()["error"]
    assert rows(house)["person"] == 1
    house.remote.is_down = False
    with house.working():  # the refused reset has taken nothing from the line
        assert house.settle()["settled"]
    assert len(house.directories["ad"].accounts) == 1


# -- looking in ----------------------------------------------------------------------------------


@sqlite
def test_how_everything_is_reached(house: House) -> None:
    house.told("PUT", "clock", {"now": "2026-03-16T09:00:00Z"})
    answer = house.ask("GET", "", headers={"Host": "127.0.0.1:8123"})
    assert answer.headers["Cache-Control"] == "no-store"
    found = answer.get_json()
    assert found["clock"] == "2026-03-16T09:00:00.000Z"
    assert found["scim"] == "http://127.0.0.1:8123/scim/v2"
    assert found["tokens"] == {s: f.read_text().strip() for s, f in house.tokens.items()}
    assert set(found["ad"]) >= {"url", "base_dn", "bind_dn", "password", "ca_file"}
    assert found["ad"]["password"] == SECRETS["password"]
    assert set(found["entra"]) == {
        "authority", "graph", "tenant_id", "client_id", "client_secret", "ca_file",
    }  # fmt: skip
    (house.tokens["generic"]).unlink()
    assert set(house.told("GET", "")["tokens"]) == {"workday"}
    assert house.ask("HEAD", "").status_code == 200


@sqlite
def test_accounts_are_put_and_shown(house: House) -> None:
    put = {"ad": [{"attributes": {"employeeID": "E9"}}], "entra": []}
    assert house.told("PUT", "directory", put) == {"put": {"ad": 1, "entra": 0}}
    found = house.told("GET", "accounts")
    assert [a["attributes"] for a in found["ad"]] == [{"employeeID": "E9"}]
    assert found["entra"] == []


@sqlite
def test_faults_are_replaced(house: House) -> None:
    faults = [{"target": "ad", "operation": "add", "effect": "drop_after", "count": 1}]
    assert house.told("POST", "faults", {"faults": faults}) == {"faults": 1}
    assert house.remote.faults == faults
    house.told("POST", "faults", {"faults": []})
    assert house.remote.faults == []


@sqlite
def test_a_real_domain_is_left_alone(db: Database, tmp_path: Path) -> None:
    house = House(db, tmp_path, real=("ad",))
    ad, entra = house.directories["ad"], house.directories["entra"]
    ad.put(employeeID="E9")
    body = {"ad": [{"attributes": {}}], "entra": [{"attributes": {}}]}
    assert house.told("PUT", "directory", body) == {"put": {"ad": 0, "entra": 1}}
    assert (len(ad.accounts), len(entra.accounts)) == (1, 1)
    shown = house.told("GET", "accounts")
    assert (shown["ad"], len(shown["entra"])) == ([], 1)
    about = house.told("GET", "")
    assert about["ad"]["url"] == "ldaps://dc1.norhaven.example"
    assert about["ad"]["password"] == "made-here"  # it lies in the data folder
    fault = {"target": "ad", "operation": "add", "effect": "hang"}
    answer = house.ask("POST", "faults", {"faults": [fault]})
    assert "ad is not a sandbox" in answer.get_json()["error"]


@sqlite
def test_the_secret_of_a_real_domain_is_not_shown(db: Database, tmp_path: Path) -> None:
    house = House(db, tmp_path, real=("ad", "entra"))
    object.__setattr__(house.settings, "data", tmp_path / "data")
    about = house.told("GET", "")
    assert (about["ad"]["password"], about["entra"]) == (None, None)
    assert "made-here" not in json.dumps(about)
    house.hire("E1")
    assert house.told("POST", "reset") == {"reset": []}
    assert rows(house) == {}
    assert house.told("POST", "faults", {"faults": []}) == {"faults": 0}


# -- the clock, and rest -------------------------------------------------------------------------


def test_a_date_comes_when_the_clock_is_set(busy: House) -> None:
    busy.told("PUT", "clock", {"now": "2026-03-16T09:00:00Z"})
    busy.hire("E1", hired="2026-04-01")
    assert busy.settle()["settled"]
    (account,) = busy.directories["ad"].accounts.values()
    assert not account.enabled
    assert busy.told("PUT", "clock", {"now": "2026-04-01T00:00:00Z"})["clock"][:10] == "2026-04-01"
    after = busy.settle()
    assert (after["settled"], after["held"], after["waiting"]) == (True, [], [])
    assert after["looks"] == 2  # one in each target
    (account,) = busy.directories["ad"].accounts.values()
    assert account.enabled
    busy.told("PUT", "clock", {"now": None})
    assert parse_instant(busy.told("GET", "")["clock"]) == pytest.approx(machine_now(), abs=60)


@sqlite
def test_a_date_that_has_come_unnoticed_is_not_rest(house: House) -> None:
    house.told("PUT", "clock", {"now": "2026-03-16T09:00:00Z"})
    with house.working():
        house.hire("E1", hired="2026-04-01")
        house.settle()
    assert house.settle(0)["settled"]
    house.told("PUT", "clock", {"now": "2026-04-01T00:00:00Z"})
    found = house.settle(0.2)
    assert not found["settled"]
    assert {pair["target"] for pair in found["unsettled"]} == {"ad", "entra"}


@sqlite
def test_held_and_waiting_are_rest_and_back_off_is_not(busy: House) -> None:
    busy.directories["entra"].put(employeeID="E2")
    busy.directories["entra"].put(employeeID="E2")
    busy.hire("E1", manager="E7")
    busy.hire("E2", given="Bo")
    found = busy.settle()
    assert found["settled"]
    assert [(pair["target"], set(pair)) for pair in found["held"]] == [
        ("entra", {"person", "target", "why"})
    ]
    assert {pair["target"] for pair in found["waiting"]} == {"ad", "entra"}
    assert all("E7" in pair["why"].upper() for pair in found["waiting"])

    refusal = Refusal("value", "0", "no", "none")
    busy.directories["ad"].fault = lambda step: refusal if step.kind == "create" else None
    busy.hire("E3", given="Cy")
    started = time.monotonic()
    found = busy.settle(0.5)
    assert 0.5 <= time.monotonic() - started < 3
    assert not found["settled"]
    assert [pair["target"] for pair in found["unsettled"]] == ["ad"]


@sqlite
def test_looks_are_counted_each(house: House) -> None:
    with house.db.read() as connection:
        assert pairs.counts(connection, machine_now()).pairs == 0
    for number in range(3):
        house.hire(f"E{number}", family=f"Berg{number}")
    with house.working():
        assert house.settle()["looks"] == 6
        assert house.settle()["looks"] == 0
        house.told("POST", "reset")
        house.hire("E1")
        assert house.settle()["looks"] == 2


@sqlite
def test_settle_does_not_outstay_its_time(house: House) -> None:
    house.hire("E1")  # and nobody works
    started = time.monotonic()
    assert not house.settle(0)["settled"]
    assert time.monotonic() - started < 1


# -- policy --------------------------------------------------------------------------------------


def test_policy_is_followed_at_once_and_until_the_reset(busy: House) -> None:
    busy.told("PUT", "clock", {"now": "2026-03-16T09:00:00Z"})
    busy.hire("E1", hired="2026-05-20")
    busy.settle()
    assert not busy.directories["ad"].accounts  # two months ahead
    busy.told("PUT", "settings", {"people": {"pre_hire_days": 90}})
    assert busy.settle()["looks"] == 2  # nobody pushed: policy is a reason to look
    assert len(busy.directories["ad"].accounts) == 1
    found = busy.told("PUT", "settings", {"names": {"account_name": ['"x-" & [employeeNumber]']}})
    assert found["overrides"] == {
        "people": {"pre_hire_days": 90},
        "names": {"account_name": ['"x-" & [employeeNumber]']},
    }
    busy.hire("E2")
    busy.settle()
    assert busy.directories["ad"].one(employeeID="E2").attributes["sAMAccountName"] == "x-E2"
    busy.told("POST", "reset")
    busy.hire("E2")
    busy.settle()
    assert busy.directories["ad"].one(employeeID="E2").attributes["sAMAccountName"] != "x-E2"


def test_breakers_are_policy_and_a_reset_forgets_what_they_counted(busy: House) -> None:
    for number in ("E1", "E2"):
        busy.hire(number)
    busy.settle()
    busy.told("PUT", "settings", {"breakers": {"count": 1, "percent": 0, "urgent_floor": 0}})
    bearer = {"Authorization": f"Bearer {busy.tokens['workday'].read_text().strip()}"}
    found = busy.client.get("/scim/v2/Users", headers=bearer).get_json()["Resources"]
    for resource in found:
        gone = busy.client.delete(f"/scim/v2/Users/{resource['id']}", headers=bearer)
        assert gone.status_code == 204
    assert busy.settle()["settled"] is True  # held is at rest
    accounts = busy.directories["ad"].accounts.values()
    assert sorted(account.enabled for account in accounts) == [False, True]
    busy.told("PUT", "settings", {"breakers": {"count": 2}})
    busy.settle()
    assert not any(account.enabled for account in busy.directories["ad"].accounts.values())
    assert rows(busy)["breaker"] > 0
    busy.told("POST", "reset")
    assert rows(busy) == {}


@sqlite
def test_shared_keys_are_policy(busy: House) -> None:
    busy.hire("E1")
    busy.hire("E1", source="generic")
    busy.settle()
    assert rows(busy)["person"] == 2
    busy.told("POST", "reset")
    shared = {"shared_keys": ["employeeNumber"]}
    busy.told("PUT", "settings", {"sources": {"workday": shared, "generic": shared}})
    busy.hire("E1")
    busy.hire("E1", source="generic")
    assert rows(busy)["person"] == 1


@sqlite
def test_a_wrong_override_changes_nothing(house: House) -> None:
    house.told("PUT", "settings", {"people": {"pre_hire_days": 5}})
    bad = {"people": {"pre_hire_days": 6, "timezone": "Mars/Olympus"}}
    assert house.ask("PUT", "settings", bad).status_code == 400
    assert house.live().people.pre_hire_days == 5


# -- a new start -----------------------------------------------------------------------------------


def test_a_reset_leaves_configuration_and_nothing_else(busy: House) -> None:
    busy.told("PUT", "clock", {"now": "2026-03-16T09:00:00Z"})
    busy.told("PUT", "settings", {"people": {"pre_hire_days": 5}})
    for number in range(20):
        busy.hire(f"E{number}", family=f"Berg{number}", manager="E0")
    busy.settle()
    busy.told("POST", "faults", {"faults": [{"target": "ad", "operation": "*", "effect": "hang"}]})
    assert {"person", "pair", "account", "name", "resource", "journal"} <= set(rows(busy))
    started = time.monotonic()
    assert busy.told("POST", "reset") == {"reset": ["ad", "entra"]}
    assert time.monotonic() - started < 2
    assert rows(busy) == {}
    assert busy.told("GET", "accounts") == {"ad": [], "entra": []}
    assert busy.remote.faults == []
    assert busy.live() == busy.settings
    assert abs(busy.business.now() - machine_now()) < 60
    with busy.db.read() as connection:
        assert connection.execute(select(func.count()).select_from(credential)).scalar() == 2
        names = set(connection.execute(select(setting.c.name)).scalars())
    assert "policy" not in names
    busy.hire("E1")  # the tokens still work, and names are free again
    assert busy.settle()["settled"]
    assert len(busy.directories["entra"].accounts) == 1
    with busy.db.read() as connection:
        assert journal.verify(connection) is None


def reset_during_a_step(house: House, gate: Gate, before_release: float) -> float:
    """Reset while a step is in flight; the seconds it took."""
    house.hire("E1")
    assert gate.reached.wait(10)
    threading.Timer(before_release, gate.release.set).start()
    started = time.monotonic()
    house.told("POST", "reset")
    took = time.monotonic() - started
    assert took < 2
    return took


def test_a_reset_waits_for_the_step_in_flight(busy: House) -> None:
    """The step lands, the look takes no other one, and then all is emptied."""
    gate = Gate(busy.directories["ad"])
    assert reset_during_a_step(busy, gate, 0.3) >= 0.25
    assert busy.remote.said.count("reset") == 1
    time.sleep(0.3)
    assert rows(busy) == {}
    assert all(not d.accounts and not d.writes for d in busy.directories.values())
    assert busy.settle(0)["settled"]


def test_a_reset_cuts_the_step_that_does_not_end(busy: House) -> None:
    gate = Gate(busy.directories["ad"], busy.remote.cut)
    reset_during_a_step(busy, gate, 5)
    gate.release.set()
    time.sleep(0.3)
    assert rows(busy) == {}
    assert not busy.directories["ad"].accounts
    busy.directories["ad"].fault = lambda step: None
    busy.hire("E1")
    started = time.monotonic()
    assert busy.settle()["settled"]
    assert time.monotonic() - started < 5  # the target that was cut is not taken for down
    assert len(busy.directories["ad"].accounts) == 1


@sqlite
@pytest.mark.parametrize("kind", ["create", "enable", "refer"])
def test_a_late_step_in_a_real_target_leaves_no_trace_here(
    db: Database, tmp_path: Path, kind: str
) -> None:
    """Nobody can cut a real domain: what is under way there ends there."""
    house = House(db, tmp_path, real=("ad",))
    ad = house.directories["ad"]
    gate = Gate(ad)
    stop = ad.fault

    def only(step: Step) -> Any:
        return stop(step) if step.kind == kind else None

    ad.fault = only
    with house.working():
        house.hire("E0", given="Bo", family="Boss")
        if kind == "refer":
            house.settle()
            house.hire("E1", manager="E0")
        assert gate.reached.wait(10)
        house.told("POST", "reset")
        gate.release.set()
        wait_for(lambda: any(step.kind == kind for step in ad.writes))
        time.sleep(0.3)
        assert rows(house) == {}
        assert not house.directories["entra"].accounts
        assert house.settle(0)["settled"]


@sqlite
def test_a_name_found_taken_before_is_free_after(busy: House) -> None:
    busy.directories["ad"].put(sAMAccountName="alindqvist")
    busy.hire("E1", user_name="alindqvist")
    busy.settle()
    assert busy.directories["entra"].one(employeeID="E1").attributes["sAMAccountName"] == (
        "alindqvist2"
    )
    busy.told("POST", "reset")
    busy.hire("E1", user_name="alindqvist")
    busy.settle()
    assert busy.directories["entra"].one(employeeID="E1").attributes["sAMAccountName"] == (
        "alindqvist"
    )


@sqlite
def test_a_target_that_was_down_is_tried_at_once(busy: House) -> None:
    busy.directories["ad"].down = True
    busy.hire("E1")
    wait_for(lambda: busy.directories["entra"].accounts)
    busy.settle(4)  # long enough for a pause of some seconds
    busy.directories["ad"].down = False
    busy.told("POST", "reset")
    busy.hire("E1")
    started = time.monotonic()
    assert busy.settle()["settled"]
    assert time.monotonic() - started < 1.5
    assert len(busy.directories["ad"].accounts) == 1


@sqlite
def test_many_resets_while_people_are_hired(busy: House) -> None:
    """Whatever is answered before the reset is gone; whatever comes after it, is right."""
    for round in range(5):
        for number in range(4):
            busy.hire(f"E{number}", family=f"Berg{number}")
        time.sleep(0.03 * round)
        busy.told("POST", "reset")
        assert rows(busy) == {}
        assert busy.told("GET", "accounts") == {"ad": [], "entra": []}
    busy.hire("E1")
    assert busy.settle()["settled"]
    assert rows(busy)["account"] == 2
    assert [len(d.accounts) for d in busy.directories.values()] == [1, 1]
