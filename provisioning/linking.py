"""What an operator decides about who is who: accounts of persons, records of persons.

Muster links an account by its key and joins a record by its numbers; where that is
wrong, or not sure, a named human says what is right. Every word goes into the journal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, select, update

from adapters.target import Link
from provisioning import names, pairs, people
from provisioning.merging import merge
from provisioning.people import Key
from provisioning.snapshot import account_edge
from settings import Settings
from store import journal
from store.clocks import BusinessClock, machine_now
from store.tables import account, pair, person, person_key, resource


class Impossible(Exception):
    """What the operator wants cannot be; the text says why and what to do."""


@dataclass(frozen=True)
class Linked:
    """One row of the link table. Times are epoch seconds."""

    person: str
    facts: Mapping[str, Any]
    target: str
    anchor: str | None
    """objectGUID or Entra id; None: no account is linked."""
    hint: str | None
    matched: str | None
    """created, restored, found by <attribute>, or linked by hand."""
    linked_at: float | None
    linked_by: str | None
    gone_at: float | None
    parked: str | None
    """Why the account is left alone."""
    case: str | None
    """Why a human has to look at the person."""


@dataclass(frozen=True)
class Operator:
    """Who decides, and the clocks."""

    name: str
    business: BusinessClock

    def note(self, tx: Connection, what: str, who: str, **body: Any) -> None:
        """Into the journal."""
        target = body.pop("target", None)
        journal.append(
            tx,
            kind="console",
            person=who,
            target=target,
            body={"what": what, "by": self.name, **body},
            now=machine_now(),
            business_now=self.business.now(),
        )


def linked(
    connection: Connection, who: str | None = None, target: str | None = None
) -> Iterator[Linked]:
    """The link table, by person and target, in one stream."""
    query = (
        select(
            pair.c.person,
            person.c.facts,
            person.c.problem.label("case"),
            pair.c.target,
            pair.c.parked,
            account.c.anchor,
            account.c.hint,
            account.c.matched,
            account.c.linked_at,
            account.c.linked_by,
            account.c.gone_at,
        )
        .join(person, person.c.id == pair.c.person)
        .outerjoin(
            account, and_(account.c.person == pair.c.person, account.c.target == pair.c.target)
        )
        .order_by(pair.c.person, pair.c.target)
    )
    if who is not None:
        query = query.where(pair.c.person == who)
    if target is not None:
        query = query.where(pair.c.target == target)
    with connection.execution_options(yield_per=500).execute(query) as rows:
        for row in rows:
            values = dict(row._mapping)
            yield Linked(**values | {"facts": json.loads(row.facts)})


# -- accounts --------------------------------------------------------------------------------


def owner(connection: Connection, target: str, anchor: str) -> str | None:
    """The person whom this account is linked to."""
    found = select(account.c.person).where(account.c.target == target, account.c.anchor == anchor)
    return connection.execute(found).scalar()


def link(tx: Connection, who: str, target: str, to: Link, by: Operator) -> None:
    """This account is the person's, whatever it was linked to before. Raises Impossible."""
    other = owner(tx, target, to.anchor)
    if other not in (None, who):
        raise Impossible(f"the account is linked to person {other}; take that link away first")
    ours = and_(account.c.person == who, account.c.target == target)
    tx.execute(delete(account).where(ours))
    tx.execute(
        insert(account).values(
            person=who,
            target=target,
            anchor=to.anchor,
            hint=to.hint,
            matched="linked by hand",
            linked_at=machine_now(),
            linked_by=by.name,
        )
    )
    _park(tx, who, target, None)
    names.keep(tx, who)
    pairs.resolved(tx, machine_now(), account_edge(who, target))
    by.note(tx, "linked", who, target=target, anchor=to.anchor)
    pairs.ask(tx, who, [target], pairs.Lane.CHANGE, machine_now())


def unlink(tx: Connection, who: str, target: str, by: Operator) -> None:
    """The account is not Muster's business any more, until somebody links one by hand or
    lets it look again. Raises Impossible."""
    ours = and_(account.c.person == who, account.c.target == target)
    anchor = tx.execute(select(account.c.anchor).where(ours)).scalar()
    if anchor is None:
        raise Impossible(f"nothing is linked in {target}")
    tx.execute(delete(account).where(ours))
    _park(tx, who, target, f"the link was taken away by {by.name}")
    by.note(tx, "unlinked", who, target=target, anchor=anchor)
    pairs.ask(tx, who, [target], pairs.Lane.CHANGE, machine_now())


def unpark(tx: Connection, who: str, target: str, by: Operator) -> None:
    """Let Muster look for the person's account again, by its key. Raises Impossible."""
    ours = and_(pair.c.person == who, pair.c.target == target)
    if tx.execute(select(pair.c.parked).where(ours)).scalar() is None:
        raise Impossible(f"the account in {target} is not left alone")
    _park(tx, who, target, None)
    by.note(tx, "let look again", who, target=target)
    pairs.ask(tx, who, [target], pairs.Lane.CHANGE, machine_now())


def _park(tx: Connection, who: str, target: str, why: str | None) -> None:
    ours = and_(pair.c.person == who, pair.c.target == target)
    tx.execute(update(pair).where(ours).values(parked=why))


# -- records ---------------------------------------------------------------------------------


def accept(tx: Connection, who: str, settings: Settings, by: Operator) -> list[str]:
    """The doubtful records of this person are theirs after all, with every number they carry;
    the records' ids. Raises Impossible when nothing is in doubt."""
    cases: dict[str, str] = json.loads(people.read(tx, who).cases)
    if not cases:
        raise Impossible("no record of this person is in doubt")
    for record in cases:
        _take_keys(tx, record, who, settings)
    people.store_cases(tx, who, {})
    by.note(tx, "records accepted", who, records=sorted(cases))
    pairs.ask(tx, who, settings.targets, pairs.Lane.CHANGE, machine_now())
    return sorted(cases)


def move(tx: Connection, record: str, to: str | None, settings: Settings, by: Operator) -> str:
    """A record, by its SCIM id, belongs to the person `to`, or to a new one (None); whose it
    is now. Raises Impossible."""
    row = tx.execute(
        select(resource.c.person, resource.c.deleted).where(resource.c.id == record)
    ).one_or_none()
    if row is None or row.person is None:
        raise Impossible(f"there is no record {record} of a person")
    if row.deleted is not None:
        raise Impossible("HR has taken this record back; only what it says now can be moved")
    if to == row.person:
        raise Impossible("the record is this person's already")
    who = people.create_person(tx, machine_now()) if to is None else to
    tx.execute(update(resource).where(resource.c.id == record).values(person=who))
    people.note_case(tx, row.person, people.read(tx, row.person), record, None)
    _take_keys(tx, record, who, settings)
    now = by.business.now()
    for one in (row.person, who):
        records = people.live_records(tx, one)
        if records:
            before = json.loads(people.read(tx, one).facts)
            people.store(tx, one, merge(records, settings.people, now, before))
        else:
            people.withdraw(tx, one, now)
        pairs.ask(tx, one, settings.targets, pairs.Lane.CHANGE, machine_now())
    by.note(tx, "record moved", who, record=record, before=row.person)
    return who


def _take_keys(tx: Connection, record: str, who: str, settings: Settings) -> None:
    """Every number that the record carries is this person's now."""
    row = tx.execute(
        select(resource.c.source, resource.c.external_id, resource.c.facts).where(
            resource.c.id == record
        )
    ).one()
    known = settings.sources.get(row.source)
    facts = json.loads(row.facts or "{}")
    shared = known.shared_keys if known else ()
    for key in people.keys_of(row.source, row.external_id, facts, shared):
        _give(tx, key, who)


def _give(tx: Connection, key: Key, who: str) -> None:
    whose = (
        person_key.c.scope == key.scope,
        person_key.c.kind == key.kind,
        person_key.c.value == key.value,
    )
    tx.execute(delete(person_key).where(*whose))
    tx.execute(
        insert(person_key).values(scope=key.scope, kind=key.kind, value=key.value, person=who)
    )
    pairs.resolved(tx, machine_now(), people.reference_edge(key.scope, key.value))
