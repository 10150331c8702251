"""What the store knows of people and their accounts, read at one instant."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, String, bindparam, select

from adapters.target import Grant, Link
from policy_settings import People
from provisioning import people
from provisioning.lifecycle import Episode, Lifecycle
from provisioning.merging import Record, course, merge, was_out
from provisioning.obligations import END_SESSIONS
from scim.folding import fold
from store.json_text import parse
from store.statement import Statement
from store.tables import account as account_table
from store.tables import grant as grant_table
from store.tables import name as name_table
from store.tables import obligation, pair, person_key, resource
from store.tables import person as person_table

MANAGER = "manager"
_NOTHING: Mapping[str, Sequence[Record]] = {}


_ids: Any = bindparam("ids", expanding=True)
_target: Any = bindparam("the_target", type_=String)
_PERSONS = Statement(select(person_table).where(person_table.c.id.in_(_ids)))
_ACCOUNTS = Statement(
    select(account_table).where(account_table.c.person.in_(_ids), account_table.c.target == _target)
)
_NAMES = Statement(
    select(name_table.c.person, name_table.c.kind, name_table.c.value).where(
        name_table.c.person.in_(_ids), name_table.c.current
    )
)
_GRANTS = Statement(
    select(grant_table).where(grant_table.c.person.in_(_ids), grant_table.c.target == _target)
)
_PAIRS = Statement(
    select(
        pair.c.person,
        pair.c.parked,
        pair.c.drift,
        pair.c.state,
        pair.c.looked_business,
        pair.c.outside_since,
    ).where(pair.c.person.in_(_ids), pair.c.target == _target)
)
_OWED = Statement(
    select(obligation.c.person).where(
        obligation.c.person.in_(_ids),
        obligation.c.target == _target,
        obligation.c.kind == END_SESSIONS,
        obligation.c.done.is_(None),
    )
)
_BY_ID = Statement(
    select(resource.c.id, resource.c.source, resource.c.person).where(
        resource.c.id.in_(_ids), resource.c.person.is_not(None)
    )
)
_BY_KEY = Statement(
    select(person_key.c.scope, person_key.c.value, person_key.c.person).where(
        person_key.c.value.in_(bindparam("keys", expanding=True)),
        person_key.c.scope.in_(bindparam("scopes", expanding=True)),
    )
)
_BY_USER = Statement(
    select(resource.c.source, resource.c.user_key, resource.c.person).where(
        resource.c.source.in_(bindparam("sources", expanding=True)),
        resource.c.type == "User",
        resource.c.user_key.in_(bindparam("users", expanding=True)),
        resource.c.deleted.is_(None),
        resource.c.person.is_not(None),
    )
)
_KNOWN = Statement(select(person_table.c.id).where(person_table.c.id == bindparam("the_person")))


class Unknown(Exception):
    """No such person."""


@dataclass(frozen=True)
class Snapshot:
    """What the store knows, read at one instant."""

    person: str
    facts: Mapping[str, Any]
    origins: Mapping[str, str]
    episodes: tuple[Episode, ...]
    withdrawn_at: float | None
    """Since when (business time) no source asserts the person; None: one does."""
    changes_at: float | None
    """Business time at which the records will say otherwise."""
    problem: str | None
    parked: str | None
    """An operator's word that keeps this account from being touched."""
    link: Link | None
    gone_at: float | None
    """Since when (business time) the linked account is deleted."""
    state: str | None
    """Where the person stood at the last look."""
    applied: Mapping[str, Any]
    names: Mapping[str, str]
    manager: str | None
    """The person the manager reference means, or None while nobody is known by it."""
    manager_anchor: str | None
    """That person's account in this target."""
    grants: Mapping[Grant, str]
    """What rules gave to this account: only this is ever taken away. With the rule."""
    end_sessions: bool = False
    """Sessions of the account are still to be ended."""
    drift: Mapping[str, str] = field(default_factory=dict)
    """What others had changed at the last look: attribute -> what became of it."""
    outdated: bool = False
    """What is stored of the person is what the records said before a date that has come."""
    outside_since: float | None = None
    """Business time at which the person was first found outside the target's scope."""
    was_out: bool = False
    """Since the last look there was an instant at which the person did not work."""


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


def read_snapshot(
    connection: Connection, person: str, target: str, policy: People, now: float
) -> Snapshot:
    """Everything the store knows for one look at business time `now`. Raises Unknown."""
    found = read_snapshots(connection, [person], target, policy, now)
    if person not in found:
        raise Unknown(person)
    return found[person]


def read_snapshots(
    connection: Connection,
    persons: Collection[str],
    target: str,
    policy: People,
    now: float,
    instead: Mapping[str, Sequence[Record]] = _NOTHING,
) -> dict[str, Snapshot]:
    """The same for some hundred people in a handful of queries; whoever is unknown is missing.

    `instead` are records of a person that count in place of those stored.
    """
    rows = {row.id: row for row in _PERSONS.rows(connection, ids=list(persons))}
    ids = list(rows)
    said = {
        id: _said(connection, row, policy, now)
        if id not in instead
        else _merged(row, instead[id], policy, now)
        for id, row in rows.items()
    }
    managers = _managers(connection, {id: s for id, s in said.items() if s.facts.get(MANAGER)})
    accounts = _accounts(connection, {*rows, *managers.values()}, target)
    names = _names(connection, ids)
    grants = _grants(connection, ids, target)
    pairs = _pairs(connection, ids, target)
    owed = _owed(connection, ids, target)
    snapshots = {}
    for id, row in rows.items():
        own = accounts.get(id)
        manager = managers.get(id)
        other = accounts.get(manager) if manager else None
        snapshots[id] = Snapshot(
            person=id,
            facts=said[id].facts,
            origins=said[id].origins,
            episodes=said[id].episodes,
            withdrawn_at=row.withdrawn_at,
            changes_at=said[id].changes_at,
            problem=row.problem,
            parked=pairs[id].parked if id in pairs else None,
            link=Link(own.anchor, own.hint) if own else None,
            gone_at=own.gone_at if own else None,
            state=pairs[id].state if id in pairs else None,
            applied=parse(own.applied) if own else {},
            names=names.get(id, {}),
            manager=manager,
            manager_anchor=other.anchor if other and other.gone_at is None else None,
            grants=grants.get(id, {}),
            end_sessions=id in owed,
            drift=parse((id in pairs and pairs[id].drift) or "{}"),
            outdated=said[id].outdated,
            outside_since=pairs[id].outside_since if id in pairs else None,
            was_out=id in pairs and was_out(said[id].life_at, pairs[id].looked_business, now),
        )
    return snapshots


@dataclass(frozen=True)
class _Said:
    facts: Mapping[str, Any]
    origins: Mapping[str, str]
    episodes: tuple[Episode, ...]
    changes_at: float | None
    life_at: Callable[[float], Lifecycle]
    outdated: bool = False


def _said(connection: Connection, row: Any, policy: People, now: float) -> _Said:
    episodes = people.episodes_from(row.episodes)
    if row.changes_at is None or row.changes_at > now:
        life_at = course((), episodes, row.withdrawn_at, policy)
        facts, origins = parse(row.facts), json.loads(row.origins)
        return _Said(facts, origins, episodes, row.changes_at, life_at)
    said = _merged(row, people.live_records(connection, row.id), policy, now)
    return replace(said, outdated=True)


def _merged(row: Any, records: Sequence[Record], policy: People, now: float) -> _Said:
    merged = merge(records, policy, now, parse(row.facts))
    life_at = course(records, merged.episodes, row.withdrawn_at, policy)
    return _Said(merged.facts, merged.origins, merged.episodes, merged.changes_at, life_at)


def _managers(connection: Connection, said: Mapping[str, _Said]) -> dict[str, str]:
    """Person -> the person whom the manager reference means (P9): SCIM id, any join key, else
    the userName of a live record of that source."""
    wanted = {
        id: (one.origins.get(MANAGER, ""), str(one.facts[MANAGER])) for id, one in said.items()
    }
    if not wanted:
        return {}
    references = {reference for _, reference in wanted.values()}
    by_id = {
        (row.source, row.id): row.person for row in _BY_ID.rows(connection, ids=list(references))
    }
    scopes = [people.SHARED, *{source for source, _ in wanted.values()}]
    by_key: dict[tuple[str, str], set[str]] = {}
    folded = [folded for reference in references if (folded := people.fold(reference))]
    for row in _BY_KEY.rows(connection, keys=folded, scopes=scopes):
        by_key.setdefault((row.scope, row.value), set()).add(row.person)
    found = {}
    unknown: dict[str, tuple[str, str]] = {}
    for id, (source, reference) in wanted.items():
        key = people.fold(reference) or ""
        known = by_key.get((source, key)) or by_key.get((people.SHARED, key)) or set()
        # Two people under one number of different kinds: unsure means unresolved.
        meant = by_id.get((source, reference)) or (next(iter(known)) if len(known) == 1 else None)
        if meant is not None:
            found[id] = str(meant)
        elif not known:
            unknown[id] = (source, fold(reference))
    if unknown:
        sources, users = (list(dict.fromkeys(part)) for part in zip(*unknown.values(), strict=True))
        rows = _BY_USER.rows(connection, sources=sources, users=users)
        by_user = {(row.source, row.user_key): str(row.person) for row in rows}
        found |= {id: by_user[one] for id, one in unknown.items() if one in by_user}
    return found


def _accounts(connection: Connection, persons: Iterable[str], target: str) -> dict[str, Any]:
    rows = _ACCOUNTS.rows(connection, ids=list(persons), the_target=target)
    return {row.person: row for row in rows}


def _names(connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in _NAMES.rows(connection, ids=list(ids)):
        found.setdefault(row.person, {})[row.kind] = row.value
    return found


def _grants(connection: Connection, ids: Sequence[str], target: str) -> dict[str, dict[Grant, str]]:
    found: dict[str, dict[Grant, str]] = {}
    for row in _GRANTS.rows(connection, ids=list(ids), the_target=target):
        found.setdefault(row.person, {})[Grant(row.kind, row.value)] = row.rule
    return found


def _pairs(connection: Connection, ids: Sequence[str], target: str) -> dict[str, Any]:
    rows = _PAIRS.rows(connection, ids=list(ids), the_target=target)
    return {row.person: row for row in rows}


def _owed(connection: Connection, ids: Sequence[str], target: str) -> set[str]:
    return {one for (one,) in _OWED.all(connection, ids=list(ids), the_target=target)}


def is_known(connection: Connection, person: str) -> bool:
    """Whether there still is such a person."""
    return _KNOWN.first(connection, the_person=person) is not None


def manager_fact(snapshot: Snapshot) -> dict[str, str | None]:
    """The manager's account (P9): known, said to be nobody, or not to be touched."""
    if MANAGER not in snapshot.facts:
        return {}
    if snapshot.facts[MANAGER] is None or snapshot.manager == snapshot.person:
        return {"managerPerson": None}
    return {"managerPerson": snapshot.manager_anchor} if snapshot.manager_anchor else {}
