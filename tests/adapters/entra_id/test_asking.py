"""Several questions in one filter, and what happens where Graph does not take them so."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from adapters.entra_id.asking import carriers, holders
from adapters.entra_id.attempt import Bin
from adapters.entra_id.errors import GraphError

ANNA = {"id": "a1", "employeeId": "E1", "userPrincipalName": "anna@norhaven.example"}
BO = {"id": "b2", "employeeId": "E2", "mailNickname": "bo"}


class Picky:
    """Graph that takes one question a filter, or none at all."""

    def __init__(self, status: int = 400, *, alone: bool = True) -> None:
        self.status = status
        self.alone = alone
        self.asked: list[str] = []

    def _ask(self, condition: str) -> list[dict[str, Any]]:
        self.asked.append(condition)
        if " or " in condition or not self.alone:
            raise GraphError(self.status, "Request_UnsupportedQuery", "", ())
        return [user for user in (ANNA, BO) if any(f"'{v}'" in condition for v in user.values())]

    async def find_any(self, keys: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
        return self._ask(" or ".join(f"'{v}'" for key in keys for v in key.values()))

    async def find(self, key: Mapping[str, str]) -> list[dict[str, Any]]:
        return self._ask("".join(f"'{value}'" for value in key.values()))

    async def holding(self, condition: str) -> list[dict[str, Any]]:
        return self._ask(condition)

    async def deleted(self, condition: str, *attributes: str) -> list[dict[str, Any]]:
        self._ask(condition)
        return []


KEYS = [{"employeeId": "E1"}, {"employeeId": "E2"}, {"employeeId": "E3"}]
NAMES: Any = [
    ("userPrincipalName", "anna@norhaven.example"),
    ("accountName", "bo"),
    ("accountName", "nobody"),
]


def test_keys_are_asked_for_one_by_one_where_graph_wants_that() -> None:
    users: Any = Picky()
    bin = Bin()
    found = asyncio.run(carriers(users, KEYS, bin, "employeeId"))
    assert found == [[ANNA], [BO], []]
    assert not bin.surely_lacks("employeeId", "E3")  # nobody said so


def test_names_are_asked_for_one_by_one_where_graph_wants_that() -> None:
    users: Any = Picky()
    assert asyncio.run(holders(users, NAMES, Bin())) == ["a1", "b2", None]


@pytest.mark.parametrize("graph", [Picky(403), Picky(alone=False)], ids=["forbidden", "never"])
def test_another_refusal_is_one(graph: Any) -> None:
    with pytest.raises(GraphError):
        asyncio.run(carriers(graph, KEYS, Bin(), "employeeId"))
    with pytest.raises(GraphError):
        asyncio.run(holders(graph, NAMES, Bin()))
