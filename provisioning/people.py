"""The person: keys that join resources to one human, and facts merged from all of them.

Everything here is a statement on the store inside the caller's transaction; what it
means for accounts is worked out in `look.py`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, insert, or_, select, update

from mappings.our_functions import guid_key
from provisioning.lifecycle import BLOCK, SAID_AT
from store.tables import person, person_key, resource

SHARED = "shared"
STABLE_KINDS = ("externalId", "workerId", "employeeNumber")
"""Keys by which HR numbers its people, strongest first (P1). A GUID may change with a
conversion of the contract; these may not."""
KINDS = (*STABLE_KINDS, "sourceGuid")


@dataclass(frozen=True)
class Key:
    """One join key. `value` is folded: HR systems differ in case between interfaces."""

    scope: str
    kind: str
    value: str


def keys_of(
    source: str, external_id: str | None, facts: Mapping[str, Any], shared: Collection[str]
) -> list[Key]:
    """The keys this resource carries, strongest first; shared ones also source-neutral."""
    values = {"externalId": external_id, **{k: facts.get(k) for k in KINDS if k != "externalId"}}
    keys: list[Key] = []
    for kind in KINDS:
        value = fold(values[kind])
        if value:
            keys.append(Key(source, kind, value))
            if kind in shared:
                # employeeNumber and workerId name the same numbering when they are shared.
                keys.append(Key(SHARED, "number", value))
    return keys


def fold(value: object) -> str | None:
    """A key as it is compared: no blanks around, no case, GUIDs in one form."""
    text = guid_key(str(value)).casefold() if value is not None else ""
    return text or None


def owners(tx: Connection, keys: Iterable[Key]) -> dict[Key, str]:
    """Who already has which of these keys."""
    wanted = list(keys)
    if not wanted:
        return {}
    rows = tx.execute(
        select(person_key).where(
            or_(
                *(
                    and_(
                        person_key.c.scope == k.scope,
                        person_key.c.kind == k.kind,
                        person_key.c.value == k.value,
                    )
                    for k in wanted
                )
            )
        )
    )
    return {Key(row.scope, row.kind, row.value): row.person for row in rows}


def create_person(tx: Connection, now: float, problem: str | None = None) -> str:
    """A new, still factless person; returns its id."""
    identifier = str(uuid.uuid4())
    tx.execute(insert(person).values(id=identifier, created=now, asserted=True, problem=problem))
    return identifier


def add_keys(tx: Connection, who: str, keys: Iterable[Key], known: Mapping[Key, str]) -> list[Key]:
    """Give `who` the keys nobody has; returns those that are new."""
    fresh = list(dict.fromkeys(k for k in keys if k not in known))
    for key in fresh:
        tx.execute(
            insert(person_key).values(scope=key.scope, kind=key.kind, value=key.value, person=who)
        )
    return fresh


def live_resources(tx: Connection, who: str) -> list[Any]:
    """Rows (id, source, facts) of what still asserts this person, oldest first."""
    return list(
        tx.execute(
            select(resource.c.id, resource.c.source, resource.c.facts)
            .where(resource.c.person == who, resource.c.deleted.is_(None))
            .order_by(resource.c.seq)
        )
    )


def merge(said: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Facts of one person from (source, facts), strongest source first; and where each is from.

    A value beats an explicit null, which beats silence. The life-cycle block is taken
    whole from the first source that says any of it.
    """
    facts: dict[str, Any] = {}
    origins: dict[str, str] = {}
    block_source: str | None = None
    for source, own in said:
        if block_source is None and any(name in own for name in BLOCK):
            block_source = source
        for name, value in own.items():
            if (name in BLOCK or name == SAID_AT) and source != block_source:
                continue
            if name not in facts or (facts[name] is None and value is not None):
                facts[name] = value
                origins[name] = source
    return facts, origins


def store_facts(
    tx: Connection,
    who: str,
    facts: Mapping[str, Any],
    origins: Mapping[str, str],
    *,
    asserted: bool,
) -> None:
    """Write the merged facts."""
    tx.execute(
        update(person)
        .where(person.c.id == who)
        .values(
            facts=json.dumps(facts, ensure_ascii=False, sort_keys=True),
            origins=json.dumps(origins, sort_keys=True),
            asserted=asserted,
        )
    )


def reference_edge(scope: str, value: str) -> str:
    """The edge a pair waits on until somebody with this key appears in this source."""
    return f"manager-ref:{scope}:{fold(value)}"


def find_reference(tx: Connection, source: str, reference: str) -> str | None:
    """The person a raw reference of `source` means (P9): SCIM id, any join key, or None."""
    by_id = tx.execute(
        select(resource.c.person).where(resource.c.id == reference, resource.c.source == source)
    ).scalar()
    if by_id:
        return str(by_id)
    found = set(
        tx.execute(
            select(person_key.c.person).where(
                person_key.c.scope == source,
                person_key.c.value == fold(reference),
            )
        ).scalars()
    )
    if not found:
        found = set(
            tx.execute(
                select(person_key.c.person).where(
                    person_key.c.scope == SHARED, person_key.c.value == fold(reference)
                )
            ).scalars()
        )
    # Two people under one number of different kinds: unsure means unresolved.
    return str(found.pop()) if len(found) == 1 else None


def search(connection: Connection, text: str) -> list[str]:
    """Ids of the people known by `text`: person id, SCIM id, userName or any join key."""
    key = fold(text)
    found: set[str] = set()
    found.update(connection.execute(select(person.c.id).where(person.c.id == text)).scalars())
    found.update(
        who
        for who in connection.execute(
            select(resource.c.person).where(or_(resource.c.id == text, resource.c.user_key == key))
        ).scalars()
        if who
    )
    found.update(
        connection.execute(select(person_key.c.person).where(person_key.c.value == key)).scalars()
    )
    return sorted(found)
