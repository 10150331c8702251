"""SCIM groups that a source pushes are facts of its people, where its mapping reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mappings.documents import load_inbound
from tests.hr.gate import Gate, created
from tests.provisioning.house import worker
from tests.scim.conftest import PATCH_OP, Client, accepted

OWN = """
extends: generic

facts:
  groups: '[groups.display]'
"""


@pytest.fixture
def client(gate: Gate, tmp_path: Path) -> Client:
    (tmp_path / "own.yaml").write_text(OWN, encoding="utf-8")
    inbounds = {**gate.intake._inbounds(), "rippling": load_inbound("own", [tmp_path])}
    gate.intake._inbounds = lambda: inbounds
    gate.ad.offer("group", "opticians")
    gate.gives({"opticians": 'Contains([groups], "Optics") > 0'})
    return gate.client("rippling")


def user(client: Client, number: str = "E1") -> str:
    return created(client.send("POST", "/Users", worker(number, userName=number)))


def group(client: Client, name: str, *members: str) -> str:
    body = {"displayName": name, "members": [{"value": id} for id in members]}
    return created(client.send("POST", "/Groups", body))


def patch(client: Client, id: str, *operations: dict[str, Any]) -> None:
    body = {"schemas": [PATCH_OP], "Operations": list(operations)}
    accepted(client.send("PATCH", f"/Groups/{id}", body))


def given(gate: Gate, number: str = "E1") -> int:
    gate.settle()
    return len(gate.ad.given.get(gate.accounts()[number].anchor, ()))


def test_who_joins_and_leaves_a_group(gate: Gate, client: Client) -> None:
    one, other = user(client), user(client, "E2")
    assert given(gate) == 0
    optics = group(client, "Optics", one)
    assert (given(gate), given(gate, "E2")) == (1, 0)
    patch(client, optics, {"op": "add", "path": "members", "value": [{"value": other}]})
    patch(client, optics, {"op": "remove", "path": f'members[value eq "{one}"]'})
    assert (given(gate), given(gate, "E2")) == (0, 1)
    accepted(client.send("PUT", f"/Groups/{optics}", {"displayName": "Optics"}))
    assert given(gate, "E2") == 0


def test_a_group_of_another_name_or_gone(gate: Gate, client: Client) -> None:
    team = group(client, "Lenses", user(client))
    assert given(gate) == 0
    patch(client, team, {"op": "replace", "path": "displayName", "value": "Optics"})
    assert given(gate) == 1
    assert client.send("DELETE", f"/Groups/{team}").status_code == 204
    assert given(gate) == 0


def test_groups_in_groups(gate: Gate, client: Client) -> None:
    inner = group(client, "Lyon", user(client))
    outer = group(client, "Optics", inner)
    assert given(gate) == 1
    patch(client, outer, {"op": "remove", "path": "members"})
    assert given(gate) == 0
    patch(client, outer, {"op": "add", "path": "members", "value": [{"value": inner}]})
    late = user(client, "E2")
    patch(client, inner, {"op": "add", "path": "members", "value": [{"value": late}]})
    assert (given(gate), given(gate, "E2")) == (1, 1)
    accepted(client.send("PUT", f"/Users/{late}", worker("E2", userName="E2", title="Clerk")))
    assert given(gate, "E2") == 1


def test_a_person_who_goes_and_another_source_make_no_difference(
    gate: Gate, client: Client
) -> None:
    one = user(client)
    optics = group(client, "Optics", one)
    stranger = gate.client("okta")
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Optics"}
    created(stranger.send("POST", "/Groups", {**body, "members": [{"value": one}]}))
    assert given(gate) == 1
    patch(client, optics, {"op": "remove", "path": "members"})
    assert given(gate) == 0
    patch(client, optics, {"op": "add", "path": "members", "value": [{"value": one}]})
    assert client.send("DELETE", f"/Users/{one}").status_code == 204
    assert given(gate) == 0
    assert not gate.accounts()["E1"].enabled


def test_without_a_rule_that_reads_groups_nothing_happens(gate: Gate) -> None:
    rippling = gate.client("rippling")
    one = user(rippling)
    gate.settle()
    gate.writes()
    group(rippling, "Optics", one)
    assert gate.settle() == 0
