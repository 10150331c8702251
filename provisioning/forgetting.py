"""Forgetting a person for good, without breaking the journal's chain."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from provisioning import people
from provisioning.linking import Operator
from store import journal
from store.tables import (
    account,
    breaker,
    grant,
    name,
    obligation,
    pair,
    person,
    person_key,
    resource,
)


class StillHere(Exception):
    """The person cannot be forgotten yet; the text says why and what to do."""


def forget(tx: Connection, who: str, by: Operator, now: float) -> int:
    """Remove everything personal about somebody who is gone; of how many journal entries
    the values went. `now` is machine time. Raises StillHere.

    A row without content stays, because the journal speaks of it; names stay taken, by
    nobody, as long as they were held.
    """
    row = people.read(tx, who)
    if row.asserted:
        raise StillHere("HR still speaks of them; withdraw the record there first")
    there = select(account.c.target).where(account.c.person == who, account.c.gone_at.is_(None))
    if target := tx.execute(there).scalar():
        raise StillHere(
            f"there is an account in {target}; let it be deleted, or take the link away with "
            f"`links remove`"
        )
    for table in (breaker, grant, obligation, account, pair, person_key):
        tx.execute(delete(table).where(table.c.person == who))
    tx.execute(delete(resource).where(resource.c.person == who))
    tx.execute(update(name).where(name.c.person == who).values(person=None, current=False))
    tx.execute(
        update(person)
        .where(person.c.id == who)
        .values(facts="{}", origins="{}", episodes="[]", cases="{}", problem=None)
    )
    by.note(tx, "forgotten", who)
    return journal.erase(tx, who, now, by.business.now())
