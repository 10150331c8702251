"""What the store knows of one person and one account, read at one instant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from adapters.target import Link
from provisioning import names, obligations, people
from store.tables import account as account_table
from store.tables import person as person_table

MANAGER = "manager"


class Unknown(Exception):
    """No such person."""


@dataclass(frozen=True)
class Snapshot:
    """What the store knows, read at one instant."""

    person: str
    facts: Mapping[str, Any]
    origins: Mapping[str, str]
    asserted: bool
    problem: str | None
    link: Link | None
    applied: Mapping[str, Any]
    names: Mapping[str, str]
    manager: str | None
    """The person the manager reference means, or None while nobody is known by it."""
    manager_anchor: str | None
    """That person's account in this target."""
    end_sessions: bool = False
    """Sessions of the account are still to be ended."""


def waits_on(snapshot: Snapshot, target: str) -> str | None:
    """The edge this account still waits for: its manager, or somebody known by that reference."""
    reference = snapshot.facts.get(MANAGER)
    if not reference or snapshot.manager_anchor or snapshot.manager == snapshot.person:
        return None
    if snapshot.manager:
        return account_edge(snapshot.manager, target)
    return people.reference_edge(snapshot.origins.get(MANAGER, ""), str(reference))


def account_edge(person: str, target: str) -> str:
    """The edge that is resolved when this person has an account in this target."""
    return f"manager:{person}@{target}"


def read_snapshot(connection: Connection, person: str, target: str) -> Snapshot:
    """Everything the store knows for one look. Raises Unknown."""
    row = connection.execute(select(person_table).where(person_table.c.id == person)).one_or_none()
    if row is None:
        raise Unknown(person)
    facts: dict[str, Any] = json.loads(row.facts)
    origins: dict[str, str] = json.loads(row.origins)
    own = _account_row(connection, person, target)
    manager = None
    if facts.get(MANAGER):
        manager = people.find_reference(connection, origins.get(MANAGER, ""), str(facts[MANAGER]))
    manager_row = _account_row(connection, manager, target) if manager else None
    return Snapshot(
        person=person,
        facts=facts,
        origins=origins,
        asserted=row.asserted,
        problem=row.problem,
        link=Link(own.anchor, own.hint) if own else None,
        applied=json.loads(own.applied) if own else {},
        names=names.current(connection, person),
        manager=manager,
        manager_anchor=manager_row.anchor if manager_row else None,
        end_sessions=obligations.owed(connection, person, target),
    )


def is_known(connection: Connection, person: str) -> bool:
    """Whether there still is such a person."""
    found = select(person_table.c.id).where(person_table.c.id == person)
    return connection.execute(found).first() is not None


def _account_row(connection: Connection, person: str, target: str) -> Any:
    return connection.execute(
        select(account_table).where(
            account_table.c.person == person, account_table.c.target == target
        )
    ).one_or_none()


def manager_fact(snapshot: Snapshot) -> dict[str, str | None]:
    """The manager's account (P9): known, said to be nobody, or not to be touched."""
    if MANAGER not in snapshot.facts:
        return {}
    if snapshot.facts[MANAGER] is None or snapshot.manager == snapshot.person:
        return {"managerPerson": None}
    return {"managerPerson": snapshot.manager_anchor} if snapshot.manager_anchor else {}
