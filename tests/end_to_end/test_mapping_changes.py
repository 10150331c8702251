"""Mapping files edited under a running gateway, with a real domain behind it."""

from __future__ import annotations

import json
from typing import Any

import requests

from sandbox.samba import SambaDomain
from tests.end_to_end.gateway import Gateway, wait_for
from tests.provisioning.house import worker
from tests.samba import Administrator

OUTBOUND = "extends: active_directory\nattributes:\n  title: '{}'\n"
INBOUND = "extends: workday\nfacts:\n  nickName: '{}'\n"
REFUSED = "a changed mapping cannot be used; the last good ones stay"


def write(gateway: Gateway, name: str, text: str) -> None:
    folder = gateway.folder / "mappings"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(text)


def hire(gateway: Gateway, number: str) -> None:
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]
    body = {"schemas": schemas, "userName": number, **worker(number, title="Cook")}
    assert gateway.call("POST", "/Users", body).status_code == 201
    gateway.settle()


def processes(gateway: Gateway) -> set[int]:
    """Ids, not names: a web process that still loads goes by its parent's name."""
    return {pid for _, pid in gateway.processes()}


def page(gateway: Gateway) -> Any:
    return requests.get(f"{gateway.base}/people.json", timeout=10).json()


def test_the_last_good_mapping_stays_in_force_and_a_new_one_needs_no_restart(
    gateway: Gateway, samba: SambaDomain
) -> None:
    directory = Administrator(samba)

    def written(number: str) -> str:
        return str(directory.entry(f"(employeeID={number})")["title"][0])

    before = processes(gateway)
    hire(gateway, "M1")
    assert page(gateway)["mappingProblem"] is None

    write(gateway, "active_directory", OUTBOUND.format("ToUpper([title])"))
    wait_for(lambda: "changed mappings are in force" in gateway.log(), 30, "nobody noticed")
    hire(gateway, "M2")
    assert written("M2") == "COOK"

    write(gateway, "active_directory", OUTBOUND.format("ToUper([title])"))
    wait_for(lambda: page(gateway)["mappingProblem"] is not None, 30, "nobody complains")
    problem = page(gateway)["mappingProblem"]
    assert "active_directory.yaml:3:11: title: there is no function ToUper" in problem
    assert "the last good mappings stay in force" in requests.get(gateway.base, timeout=10).text
    assert REFUSED in gateway.log()
    hire(gateway, "M3")
    assert written("M3") == "COOK"
    checked = gateway.command("check")
    assert checked.returncode == 1
    assert "active_directory.yaml:3:11" in checked.stderr

    write(gateway, "active_directory", OUTBOUND.format("ToLower([title])"))
    wait_for(lambda: page(gateway)["mappingProblem"] is None, 30, "still complaining")
    hire(gateway, "M4")
    assert written("M4") == "cook"
    assert processes(gateway) == before, "something was restarted"


def test_an_inbound_mapping_changes_under_the_web_server(gateway: Gateway) -> None:
    write(gateway, "workday", INBOUND.format('"Chief"'))

    seen: list[str] = []

    def understood() -> bool:
        seen.append(f"N{len(seen)}")
        hire(gateway, seen[-1])
        shown = json.loads(gateway.command("explain", seen[-1], "--json").stdout)
        return "Chief" in json.dumps(shown["facts"]["workday"].get("nickName"))

    wait_for(understood, 60, "the web process did not notice")
