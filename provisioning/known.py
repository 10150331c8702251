"""What the store knows when a record comes in: all that intake has to look up about the
record, its person and its keys, in one statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, exists, select

from provisioning import people
from provisioning.people import Kept, Key
from store.statement import Statement
from store.tables import pair, person, person_key, resource


class Known(NamedTuple):
    """`who`, `facts` and `ahead` are the record's columns; none of them for a new one."""

    who: str | None
    facts: str | None
    ahead: str | None
    kept: Kept | None
    """The row of `who`."""
    has_others: bool
    """Whether there may be other live records of the same person."""
    owners: dict[Key, str]
    """Who has which of the keys that were asked for."""
    is_awaited: bool
    """Whether a pair may wait on one of the edges: not asked of a record that is there."""


def of_new(tx: Connection, keys: Sequence[Key], edges: Sequence[str]) -> Known:
    """What is known where a record is new. `edges` may be waited for; there is one at least."""
    names = (*_names("edge", len(edges)), *_key_names(len(keys)))
    values = dict(zip(names, chain(edges, *keys), strict=True))
    row = _new(len(keys), len(edges)).first(tx, **values)
    assert row is not None
    return Known(None, None, None, None, True, _owned(keys, row[1:]), bool(row[0]))


def of_stored(tx: Connection, id: str, keys: Sequence[Key]) -> Known:
    """What is known of a record that is there, and who has these keys."""
    values = dict(zip(_key_names(len(keys)), chain(*keys), strict=True))
    row = _stored(len(keys)).first(tx, the_id=id, **values)
    if row is None:
        return Known(None, None, None, None, True, people.owners(tx, keys), True)
    who, facts, ahead, has_others = row[:4]
    kept = Kept(*row[4:_OWNERS]) if who is not None else None
    owners = _owned(keys, row[_OWNERS:])
    return Known(who, facts, ahead, kept, who is None or bool(has_others), owners, True)


_OWNERS = 4 + len(Kept._fields)
_KEY = Key._fields
_other = resource.alias("other")


@cache
def _new(keys: int, edges: int) -> Statement:
    waiting = pair.c.waits_on.in_([bindparam(f"edge{n}") for n in range(edges)])
    return Statement(select(exists().where(waiting), *_owners(keys)))


@cache
def _stored(keys: int) -> Statement:
    others = (
        exists()
        .where(
            _other.c.person == resource.c.person,
            _other.c.deleted.is_(None),
            _other.c.id != resource.c.id,
        )
        .correlate(resource)
    )
    columns = (resource.c.person, resource.c.facts, resource.c.ahead, others)
    kept = (person.c[name] for name in Kept._fields)
    return Statement(
        select(*columns, *kept, *_owners(keys))
        .select_from(resource.outerjoin(person, person.c.id == resource.c.person))
        .where(resource.c.id == bindparam("the_id"))
    )


def _owners(keys: int) -> list[Any]:
    return [
        select(person_key.c.person)
        .where(and_(*(person_key.c[name] == bindparam(f"{name}{n}") for name in _KEY)))
        .scalar_subquery()
        for n in range(keys)
    ]


@cache
def _names(name: str, number: int) -> tuple[str, ...]:
    return tuple(f"{name}{n}" for n in range(number))


@cache
def _key_names(number: int) -> tuple[str, ...]:
    return tuple(f"{name}{n}" for n in range(number) for name in _KEY)


def _owned(keys: Sequence[Key], row: Sequence[Any]) -> dict[Key, str]:
    return {key: who for key, who in zip(keys, row, strict=True) if who is not None}
