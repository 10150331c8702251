"""What the pages ask of the store: plain, JSON-able dictionaries for page and JSON alike.

Instants come out as ISO 8601 text in UTC. Nothing here writes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    exists,
    func,
    not_,
    or_,
    select,
    true,
)

from console.wording import awaited_person, display_name, waits_for
from provisioning.people import fact as people_fact
from store import journal as store_journal
from store import setting
from store.clocks import iso
from store.tables import account, name, pair, person, person_key, resource

PAGE = 100
"""People on one page."""

_JOURNAL = 200
_SEARCHED = ("displayName", "givenName", "familyName", "loginName", "mail")
_NAMES_DOWN = 3.0
"""Seconds after which a due pair with a problem means: its target does not answer."""

CONDITIONS = (
    "right",
    "due",
    "working",
    "backing off",
    "given up",
    "waiting",
    "held",
    "remarks",
)
"""What a pair can be in, as :func:`condition` says it."""


def people(
    connection: Connection,
    targets: Sequence[str],
    now: float,
    *,
    text: str = "",
    show: str = "",
    page: int = 1,
) -> dict[str, Any]:
    """One page of people, newest first, with what is known of their accounts.

    `text` filters by name, login name, key or account; `show` by a condition
    (:data:`CONDITIONS`); `page` counts from 1. `now` is machine time.
    """
    wanted: list[ColumnElement[bool]] = []
    if text:
        wanted.append(_mentions(connection, text))
    if show in CONDITIONS:
        of_person = and_(pair.c.person == person.c.id, _is(show, now))
        found: ColumnElement[bool] = exists().where(of_person)
        wanted.append(or_(found, person.c.problem.is_not(None)) if show == "held" else found)
    number = connection.execute(
        select(func.count()).select_from(person).where(*wanted)
    ).scalar_one()
    rows = connection.execute(
        select(person)
        .where(*wanted)
        .order_by(person.c.created.desc(), person.c.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    ).all()
    pairs = _pairs(connection, [row.id for row in rows], now)
    return {
        "asOf": iso(now),
        "totalResults": number,
        "page": page,
        "pages": max(1, -(-number // PAGE)),
        "counts": counts(connection, now),
        "targets": [_target(connection, target, now) for target in targets],
        "mappingProblem": setting.mapping_problem(connection),
        "people": [_person(row) | {"accounts": pairs[row.id]} for row in rows],
    }


def one_person(connection: Connection, id: str, now: float) -> dict[str, Any] | None:
    """Everything stored about one person, or None."""
    row = connection.execute(select(person).where(person.c.id == id)).first()
    if row is None:
        return None
    facts, origins = json.loads(row.facts), json.loads(row.origins)
    return _person(row) | {
        "asOf": iso(now),
        "created": iso(row.created),
        "withdrawn": _iso(row.withdrawn_at),
        "changesAt": _iso(row.changes_at),
        "employments": [
            {"source": one["source"], **one["facts"]} for one in json.loads(row.episodes)
        ],
        "facts": [
            {"name": fact, "value": value, "source": origins.get(fact)}
            for fact, value in sorted(facts.items())
        ],
        "keys": _rows(
            connection.execute(
                select(person_key.c.scope, person_key.c.kind, person_key.c.value)
                .where(person_key.c.person == id)
                .order_by(person_key.c.scope, person_key.c.kind, person_key.c.value)
            )
        ),
        "resources": [_resource(found) for found in connection.execute(_resources(id))],
        "names": _rows(
            connection.execute(
                select(name.c.kind, name.c.value, name.c.current)
                .where(name.c.person == id)
                .order_by(name.c.kind, name.c.value)
            )
        ),
        "accounts": _pairs(connection, [id], now)[id],
        "journal": [
            _entry(entry) for entry in store_journal.newest(connection, person=id, limit=_JOURNAL)
        ],
    }


def counts(connection: Connection, now: float) -> dict[str, int]:
    """People, accounts, and pairs by condition."""
    sums = [
        func.coalesce(func.sum(case((_is(condition, now), 1), else_=0)), 0)
        for condition in CONDITIONS
    ]
    by_condition = connection.execute(select(*sums).select_from(pair)).one()
    everyone, asserted = connection.execute(
        select(
            func.count(), func.coalesce(func.sum(case((person.c.asserted, 1), else_=0)), 0)
        ).select_from(person)
    ).one()
    there = select(func.count()).select_from(account).where(account.c.gone_at.is_(None))
    accounts = connection.execute(there).scalar_one()
    return {
        "people": everyone,
        "asserted": asserted,
        "accounts": accounts,
        **dict(zip(CONDITIONS, map(int, by_condition), strict=True)),
    }


# -- the state of a pair -------------------------------------------------------------------


def _is(condition: str, now: float) -> ColumnElement[bool]:
    """The SQL twin of :func:`condition`: each pair is in exactly one."""
    working = and_(pair.c.lease_token.is_not(None), func.coalesce(pair.c.lease_until, 0) > now)
    due = pair.c.due.is_not(None)
    later = and_(due, pair.c.due > now)
    held, waiting = pair.c.held.is_not(None), pair.c.waits_on.is_not(None)
    remarks, given_up = pair.c.problem.is_not(None), pair.c.given_up.is_not(None)
    order: list[tuple[str, ColumnElement[bool]]] = [
        ("working", working),
        ("backing off", later),
        ("due", due),
        ("given up", given_up),
        ("held", held),
        ("waiting", waiting),
        ("remarks", remarks),
        ("right", true()),
    ]
    before: list[ColumnElement[bool]] = []
    for word, holds in order:
        if word == condition:
            return and_(holds, *before)
        before.append(not_(holds))
    raise ValueError(condition)


def condition(row: Row[Any], now: float) -> str:
    """The one word for where a pair stands: work at hand first, then why it rests."""
    if row.lease_token is not None and (row.lease_until or 0) > now:
        return "working"
    if row.due is not None:
        return "backing off" if row.due > now else "due"
    if row.given_up is not None:
        return "given up"
    if row.held is not None:
        return "held"
    if row.waits_on is not None:
        return "waiting"
    return "remarks" if row.problem is not None else "right"


def _pairs(
    connection: Connection, ids: Sequence[str], now: float
) -> defaultdict[str, list[dict[str, Any]]]:
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    rows = connection.execute(
        select(
            pair,
            account.c.anchor,
            account.c.hint,
            account.c.applied_at,
            account.c.matched,
            account.c.gone_at,
        )
        .outerjoin(
            account, and_(account.c.person == pair.c.person, account.c.target == pair.c.target)
        )
        .where(pair.c.person.in_(ids))
        .order_by(pair.c.target)
    ).all()
    waiting = [row for row in rows if row.waits_on is not None]
    awaited = {other for row in waiting if (other := awaited_person(row.waits_on))}
    facts = _facts(connection, awaited | {row.person for row in waiting})
    for row in rows:
        other = awaited_person(row.waits_on)
        name = display_name(facts.get(other, {})) if other else None
        found[row.person].append(
            {
                "target": row.target,
                "condition": condition(row, now),
                "state": row.state,
                "anchor": row.anchor,
                "account": row.hint,
                "matched": row.matched,
                "deleted": _iso(row.gone_at),
                "attempts": row.attempts,
                "givenUp": _iso(row.given_up),
                "drift": json.loads(row.drift or "{}"),
                "held": row.held,
                "waitsOn": row.waits_on,
                "waitsOnPerson": other,
                "waitsOnName": name or None,
                "waitsFor": row.waits_on and waits_for(row.waits_on, facts[row.person], name),
                "problem": None if row.problem == row.held else row.problem,
                "due": _iso(row.due),
                "looksAgain": _iso(row.look_at),
                "looked": _iso(row.looked),
                "written": _iso(row.applied_at),
            }
        )
    return found


def _facts(connection: Connection, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    if not ids:
        return {}
    rows = connection.execute(select(person.c.id, person.c.facts).where(person.c.id.in_(ids)))
    return {row.id: json.loads(row.facts) for row in rows}


def _target(connection: Connection, target: str, now: float) -> dict[str, Any]:
    """Whether a target answers, told from its pairs.

    A pair whose target does not answer keeps its place in the queue and gets a
    problem: one that has been due for a while, with a problem, while no other pair of
    the target was finished since, has a target that is down.
    """
    last_finished = connection.execute(
        select(func.max(pair.c.looked)).where(pair.c.target == target)
    ).scalar()
    overdue = and_(
        pair.c.target == target,
        pair.c.due < now - _NAMES_DOWN,
        pair.c.due > (last_finished or 0.0),
        pair.c.problem.is_not(None),
    )
    stuck = connection.execute(
        select(pair.c.problem, pair.c.due).where(overdue).order_by(pair.c.due).limit(1)
    ).first()
    accounts, waiting = connection.execute(
        select(
            select(func.count())
            .select_from(account)
            .where(account.c.target == target, account.c.gone_at.is_(None))
            .scalar_subquery(),
            select(func.count())
            .select_from(pair)
            .where(pair.c.target == target, pair.c.due.is_not(None))
            .scalar_subquery(),
        )
    ).one()
    return {
        "name": target,
        "accounts": accounts,
        "due": waiting,
        "down": stuck is not None,
        "problem": stuck.problem if stuck else None,
        "since": iso(stuck.due) if stuck else None,
        "lastLook": _iso(last_finished),
    }


# -- people --------------------------------------------------------------------------------


def _person(row: Row[Any]) -> dict[str, Any]:
    facts = json.loads(row.facts)
    key = facts.get("employeeNumber") or facts.get("workerId")
    return {
        "id": row.id,
        "name": display_name(facts) or row.id,
        "key": key,
        "title": facts.get("title"),
        "asserted": row.asserted,
        "problem": row.problem,
    }


def _mentions(connection: Connection, text: str) -> ColumnElement[bool]:
    """People in whose name, keys or accounts the text occurs, whatever its case."""
    # SQLite folds the case of ASCII letters only, hence the usual spellings beside.
    spellings = sorted({text, text.lower(), text.upper(), text.title()})
    columns: list[ColumnElement[str]] = [people_fact(connection, fact) for fact in _SEARCHED]
    return or_(
        person.c.id == text,
        *(column.icontains(s, autoescape=True) for column in columns for s in spellings),
        exists().where(
            person_key.c.person == person.c.id,
            person_key.c.value.icontains(text.casefold(), autoescape=True),
        ),
        exists().where(
            account.c.person == person.c.id,
            or_(*(account.c.hint.icontains(s, autoescape=True) for s in spellings)),
        ),
    )


def _resources(id: str) -> Any:
    return (
        select(
            resource.c.id,
            resource.c.source,
            resource.c.type,
            resource.c.external_id,
            resource.c.version,
            resource.c.modified,
            resource.c.deleted,
        )
        .where(resource.c.person == id)
        .order_by(resource.c.seq)
    )


def _resource(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "source": row.source,
        "type": row.type,
        "externalId": row.external_id,
        "version": row.version,
        "modified": iso(row.modified),
        "deleted": _iso(row.deleted),
    }


def _entry(entry: store_journal.Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": iso(entry.at),
        "businessTime": iso(entry.at_business),
        "kind": entry.kind,
        "target": entry.target,
        "ref": entry.ref,
        "body": dict(entry.body),
        "values": None if entry.values is None else dict(entry.values),
        "erased": entry.erased,
    }


def _rows(rows: Iterable[Row[Any]]) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in rows]


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else iso(seconds)
