"""The main job, seen from outside: HTTP in, a real domain controller asked by somebody else."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from provisioning import pairs
from store.clocks import machine_now
from tests.end_to_end.gateway import Gateway, wait_for
from tests.provisioning.house import worker
from tests.samba import Administrator

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture(autouse=True)
def spring(gateway: Gateway) -> None:
    gateway.clock("2026-03-16T09:00:00Z")


def enabled(entry: dict[str, Any]) -> bool:
    return not int(entry["userAccountControl"][0]) & 2


def test_hire_move_leave_and_return(gateway: Gateway, samba_admin: Administrator) -> None:
    hire = worker("E1", "Anna", "Lindqvist", userName="anna.lindqvist", title="Engineer")
    answer = gateway.call("POST", "/Users", hire)
    assert answer.status_code == 201
    location = f"/Users/{answer.json()['id']}"
    gateway.settle()
    hired = samba_admin.entry("(employeeID=E1)")
    assert enabled(hired)
    assert hired["sAMAccountName"] == ["anna.lindqvist"]

    patch = {
        "schemas": [PATCH],
        "Operations": [
            {"op": "replace", "path": "title", "value": "Director"},
            {"op": "replace", "path": "name.familyName", "value": "Ångström-Łódź"},
            {"op": "replace", "path": "displayName", "value": "Anna Ångström-Łódź"},
        ],
    }
    assert gateway.call("PATCH", location, patch).status_code == 200
    gateway.settle()
    moved = samba_admin.entry("(employeeID=E1)")
    assert (moved["title"], moved["sn"]) == (["Director"], ["Ångström-Łódź"])
    assert moved["cn"] == ["Anna Ångström-Łódź"]
    assert moved["sAMAccountName"] == ["anna.lindqvist"]

    assert gateway.call("DELETE", location).status_code == 204
    gateway.settle()
    gone = samba_admin.entry("(employeeID=E1)")
    assert not enabled(gone)
    assert gone["dn"].endswith(gateway.settings["targets"]["ad"]["leavers_ou"])

    again = gateway.call("POST", "/Users", {**hire, "title": "Adviser"})
    assert again.status_code == 201
    assert again.json()["id"] != answer.json()["id"]
    gateway.settle()
    back = samba_admin.entry("(employeeID=E1)")
    assert back["objectGUID"] == hired["objectGUID"]
    assert enabled(back)
    assert back["dn"].endswith(gateway.settings["targets"]["ad"]["people_ou"])
    assert back["title"] == ["Adviser"]
    assert gateway.command("journal", "verify").stdout.startswith("the chain is whole, up to")


def test_names_that_break_what_is_glued_together(
    gateway: Gateway, samba_admin: Administrator
) -> None:
    people = {
        "E1": ("Seán", "O'Neil"),
        "E2": ("Zoë", "#1"),
        "E3": ("Ann, Jr.", 'Smith "X" <y>'),
        "E4": ("  Wang", "伟=+\\"),
    }
    for number, (given, family) in people.items():
        assert gateway.call("POST", "/Users", worker(number, given, family)).status_code == 201
    gateway.settle()
    for number, (given, family) in people.items():
        entry = samba_admin.entry(f"(employeeID={number})")
        assert entry["givenName"] == [given.strip()]
        assert entry["sn"] == [family]
        assert enabled(entry)
    assert samba_admin.entry("(employeeID=E1)")["sAMAccountName"] == ["soneil"]


def test_two_john_smiths(gateway: Gateway, samba_admin: Administrator) -> None:
    for number in ("E1", "E2"):
        assert gateway.call("POST", "/Users", worker(number, "John", "Smith")).status_code == 201
    gateway.settle()
    both = [samba_admin.entry(f"(employeeID={number})") for number in ("E1", "E2")]
    assert sorted(e["sAMAccountName"][0] for e in both) == ["jsmith", "jsmith2"]
    assert sorted(e["cn"][0] for e in both) == ["John Smith", "John Smith (jsmith2)"] or sorted(
        e["cn"][0] for e in both
    ) == ["John Smith", "John Smith (jsmith)"]
    assert all(enabled(e) for e in both)


def test_a_manager_hired_after_the_report(gateway: Gateway, samba_admin: Administrator) -> None:
    gateway.call("POST", "/Users", worker("E1", manager="E2"))
    gateway.settle()
    assert "manager" not in samba_admin.entry("(employeeID=E1)")
    gateway.call("POST", "/Users", worker("E2", "Mia", "Boss"))
    gateway.settle()
    boss = samba_admin.entry("(employeeID=E2)")
    assert samba_admin.entry("(employeeID=E1)")["manager"] == [boss["dn"]]


BAD = [
    ("POST", "/Users", b"{", 400, "invalidSyntax"),
    ("POST", "/Users", b'{"schemas": []}', 400, "invalidValue"),
    ("GET", "/Users/nobody", None, 404, None),
    ("GET", "/Elsewhere", None, 404, None),
    ("GET", "/Users?filter=userName+eq", None, 400, "invalidFilter"),
]


def test_bad_input_is_answered_in_scim(gateway: Gateway) -> None:
    headers = {
        "Authorization": f"Bearer {gateway.token('workday')}",
        "Content-Type": "application/scim+json",
    }
    for method, path, body, status, kind in BAD:
        answer = requests.request(
            method, f"{gateway.base}/scim/v2{path}", data=body, headers=headers, timeout=10
        )
        assert answer.status_code == status
        error = answer.json()
        assert error["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert error["status"] == str(status)
        assert error.get("scimType") == kind
        assert "Traceback" not in answer.text


def test_a_wrong_token_and_a_taken_user_name(gateway: Gateway) -> None:
    wrong = gateway.call("GET", "/Users", headers={"Authorization": "Bearer muster_wrong"})
    assert wrong.status_code == 401
    assert "WWW-Authenticate" in wrong.headers
    first = worker("E1", userName="anna")
    assert gateway.call("POST", "/Users", first).status_code == 201
    twin = gateway.call("POST", "/Users", worker("E2", userName="ANNA"))
    assert (twin.status_code, twin.json()["scimType"]) == (409, "uniqueness")
    gateway.settle()
    with gateway.database.read() as connection:
        assert pairs.counts(connection, machine_now()).pairs == 1


def test_the_operator_asks_why(gateway: Gateway) -> None:
    gateway.call("POST", "/Users", worker("E1", title="Engineer"))
    gateway.settle()
    assert gateway.command("check").returncode == 0
    plan = gateway.command("plan", "E1")
    assert "nothing to do" in plan.stdout
    explained = gateway.command("explain", "E1").stdout
    assert "title = Engineer" in explained
    assert "active_directory.yaml" in explained
    looked = gateway.command("provision", "E1")
    assert looked.returncode == 0, looked.stderr
    assert "right" in looked.stdout
    told = gateway.command("journal", "E1").stdout
    assert "create" in told
    assert "Lindqvist" not in told
    nobody = gateway.command("plan", "E9")
    assert (nobody.returncode, nobody.stderr) == (1, "Error: nobody is known by E9\n")


def test_sigterm_ends_everything_in_time(gateway: Gateway) -> None:
    wait_for(
        lambda: {"muster web", "muster worker"} <= set(gateway.pids()),
        10,
        "names are missing in ps",
    )
    assert gateway.stop() < 10
    wait_for(lambda: not gateway.pids(), 2, "processes are left")


def test_a_taken_port_is_one_clear_line(gateway: Gateway) -> None:
    second = gateway.command("run")
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"127.0.0.1:{gateway.port} cannot be used" in second.stderr
