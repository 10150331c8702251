"""The person: keys that join records to one human, and what all records say together.

Everything here is a statement on the store inside the caller's transaction; what it
means for accounts is worked out in `view.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    String,
    and_,
    bindparam,
    cast,
    func,
    insert,
    null,
    or_,
    select,
    update,
)

from mappings.language.functions.names import guid_key
from policy_settings import People
from provisioning.lifecycle import Episode
from provisioning.merging import Ahead, Merged, Record, merge
from scim import folding
from store.ids import new_id
from store.json_text import canonical, parse
from store.statement import Statement
from store.tables import person, person_key, resource

SHARED = "shared"
NONE_LEFT = "[]"
"""In the column `resource.ahead`: the days that were ahead have come."""
UNKNOWN = "{}"
"""An object with nothing in it, as in the column `facts` of somebody of whom nobody has said
anything yet."""
NUMBER = "number"
"""Kind of a shared key that is a worker's number in any of the sources that number alike."""
STABLE_KINDS = ("externalId", "workerId", "employeeNumber")
"""Keys by which HR numbers its people, strongest first (P1). A GUID may change with a
conversion of the contract; these may not."""
LIFELONG = "universalId"
"""The key that survives a conversion and a return under another number."""
_SHORTEST_GUID = 32
"""Characters of a GUID without dashes and braces."""
KINDS = (*STABLE_KINDS, "sourceGuid", LIFELONG)


class Key(NamedTuple):
    """One join key. `value` is folded: HR systems differ in case between interfaces."""

    scope: str
    kind: str
    value: str


class Kept(NamedTuple):
    """The person's row; the texts are JSON."""

    facts: str
    episodes: str
    changes_at: float | None
    withdrawn_at: float | None
    cases: str
    asserted: bool


NOBODY = Kept(UNKNOWN, "[]", None, None, "{}", True)
"""Somebody of whom nothing is known yet."""


class Told(NamedTuple):
    """A live record of a person, as a row."""

    id: str
    source: str
    facts: str | None
    ahead: str | None


_whom: Any = bindparam("the_person")
_READ = Statement(select(*(person.c[name] for name in Kept._fields)).where(person.c.id == _whom))
_TOLD = Statement(
    select(*(resource.c[name] for name in Told._fields))
    .where(resource.c.person == _whom, resource.c.deleted.is_(None))
    .order_by(resource.c.seq)
)
_ROW: dict[str, Any] = {
    name: bindparam(name) for name in ("facts", "origins", "episodes", "changes_at")
}
_NEW: dict[str, Any] = {"id": _whom, "created": bindparam("created"), "asserted": True}
_CREATE = Statement(insert(person).values(_NEW))
_CREATE_AS = Statement(insert(person).values(_NEW | _ROW))
_ADD_KEY = Statement(
    insert(person_key).values({c.name: bindparam(c.name) for c in person_key.columns})
)
_STORE = Statement(
    update(person)
    .where(person.c.id == _whom)
    .values(_ROW | {"asserted": True, "withdrawn_at": null()})
)


@cache
def _owners_of(number: int) -> Statement:
    """Who has any of so many keys."""
    columns = ("scope", "kind", "value")
    wanted = [
        and_(*(person_key.c[name] == bindparam(f"{name}{n}") for name in columns))
        for n in range(number)
    ]
    return Statement(select(*person_key.columns).where(or_(*wanted)))


def keys_of(
    source: str, external_id: str | None, facts: Mapping[str, Any], shared: Collection[str]
) -> list[Key]:
    """The keys this resource carries, strongest first; shared ones also source-neutral.

    Who says one number as externalId and as worker id is known by that. An employee number
    beside it that is another one is no key then, unless it is shared (P1).
    """
    said = {"externalId": external_id, **{k: facts.get(k) for k in KINDS if k != "externalId"}}
    values = {kind: fold(value) for kind, value in said.items()}
    number = values["externalId"]
    if number and number == values["workerId"] and "employeeNumber" not in shared:
        values["employeeNumber"] = number if values["employeeNumber"] == number else None
    keys: list[Key] = []
    for kind, value in values.items():
        if value:
            keys.append(Key(source, kind, value))
            if kind in shared:
                # employeeNumber and workerId name the same numbering when they are shared.
                keys.append(Key(SHARED, LIFELONG if kind == LIFELONG else NUMBER, value))
    return keys


def fold(value: object) -> str | None:
    """A key as it is compared: no blanks around, no case, GUIDs in one form."""
    if value is None:
        return None
    text = str(value).strip()
    if len(text) >= _SHORTEST_GUID:
        text = guid_key(text)
    return text.casefold() or None


def owners(tx: Connection, keys: Iterable[Key]) -> dict[Key, str]:
    """Who already has which of these keys."""
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return {}
    values: dict[str, str] = {}
    for n, key in enumerate(wanted):
        values |= {f"scope{n}": key.scope, f"kind{n}": key.kind, f"value{n}": key.value}
    rows = _owners_of(len(wanted)).all(tx, **values)
    return {Key(scope, kind, value): who for scope, kind, value, who in rows}


def create_person(tx: Connection, now: float, row: Mapping[str, Any] | None = None) -> str:
    """A new person, of whom `row` (as `row_of` gives it) is known or nothing; returns its id."""
    identifier = new_id()
    if row is None:
        _CREATE.count(tx, the_person=identifier, created=now)
    else:
        _CREATE_AS.count(tx, the_person=identifier, created=now, **row)
    return identifier


def add_keys(tx: Connection, who: str, keys: Iterable[Key], known: Mapping[Key, str]) -> list[Key]:
    """Give `who` the keys nobody has; returns those that are new."""
    fresh = list(dict.fromkeys(k for k in keys if k not in known))
    if fresh:
        _ADD_KEY.many(
            tx, [{"scope": k.scope, "kind": k.kind, "value": k.value, "person": who} for k in fresh]
        )
    return fresh


def read(tx: Connection, who: str) -> Kept:
    """The person's row."""
    row = _READ.first(tx, the_person=who)
    if row is None:
        raise LookupError("there is no such person")
    return Kept(*row)


def facts_of(connection: Connection, who: str) -> dict[str, Any]:
    """What is known of the person; nothing of who is unknown."""
    text = connection.execute(select(person.c.facts).where(person.c.id == who)).scalar()
    facts: dict[str, Any] = parse(text or "{}")
    return facts


def keys_held(tx: Connection, who: str, kinds: Collection[str]) -> list[Key]:
    """The keys of these kinds by which this person is known."""
    rows = tx.execute(
        select(person_key).where(person_key.c.person == who, person_key.c.kind.in_(kinds))
    )
    return [Key(row.scope, row.kind, row.value) for row in rows]


def live_resources(tx: Connection, who: str) -> list[Told]:
    """What still asserts this person, oldest first."""
    return [Told(*row) for row in _TOLD.all(tx, the_person=who)]


def live_records(tx: Connection, who: str) -> list[Record]:
    """What still asserts this person, oldest first."""
    return [record(row.source, row.facts, row.ahead) for row in live_resources(tx, who)]


def record(source: str, facts: str | None, ahead: str | None) -> Record:
    """A resource's row as what it says; both texts are JSON."""
    dated = [Ahead(at, changed) for at, changed in parse(ahead)] if ahead else ()
    return Record(source, parse(facts) if facts else {}, tuple(dated))


def ahead_text(ahead: Iterable[Ahead]) -> str | None:
    """The column `resource.ahead`."""
    listed = [[change.at, change.facts] for change in ahead]
    return canonical(listed) if listed else None


def facts_text(facts: Mapping[str, Any]) -> str:
    """Facts as they are stored."""
    return canonical(facts)


def episodes_from(text: str) -> tuple[Episode, ...]:
    """The column `person.episodes`."""
    return tuple(Episode(e["source"], e["facts"], e["saidAt"]) for e in parse(text))


def row_of(merged: Merged, facts: str | None = None) -> dict[str, Any]:
    """What is stored of somebody of whom the records say this; `facts` is the text of its
    facts, if there is one already."""
    episodes = [
        {"source": e.source, "facts": dict(e.facts), "saidAt": e.said_at} for e in merged.episodes
    ]
    return {
        "facts": facts_text(merged.facts) if facts is None else facts,
        "origins": canonical(merged.origins),
        "episodes": canonical(episodes),
        "changes_at": merged.changes_at,
    }


def store(tx: Connection, who: str, merged: Merged) -> None:
    """Write what the records say of somebody whom they assert."""
    store_row(tx, who, row_of(merged))


def store_row(tx: Connection, who: str, row: Mapping[str, Any]) -> None:
    """The same, of what `row_of` gave."""
    _STORE.count(tx, the_person=who, **row)


def withdraw(tx: Connection, who: str, now: float) -> None:
    """Nobody asserts this person since business time `now`. What was last known stays, so
    that the account keeps its names."""
    tx.execute(
        update(person)
        .where(person.c.id == who)
        .values(asserted=False, withdrawn_at=now, changes_at=None)
    )


def note_case(tx: Connection, who: str, kept: Kept, record_id: str, why: str | None) -> None:
    """Remember, or forget, why this record of the person has to be looked at by a human."""
    if why is None and kept.cases == UNKNOWN:
        return
    cases: dict[str, str] = parse(kept.cases)
    if cases.get(record_id) == why:
        return
    others = {id: other for id, other in cases.items() if id != record_id}
    store_cases(tx, who, others | ({record_id: why} if why else {}))


def store_cases(tx: Connection, who: str, cases: Mapping[str, str]) -> None:
    """Record -> why it is in doubt. The person is held as long as there is one."""
    tx.execute(
        update(person)
        .where(person.c.id == who)
        .values(
            cases=canonical(cases),
            problem="; ".join(dict.fromkeys(cases.values())) or None,
        )
    )


def refresh(tx: Connection, who: str, policy: People, now: float) -> None:
    """A date has come at which the records say otherwise: store what they say now."""
    records = []
    for row in live_resources(tx, who):
        said = record(row.source, row.facts, row.ahead)
        come = [change for change in said.ahead if change.at <= now]
        if come:
            rest = tuple(change for change in said.ahead if change.at > now)
            said = Record(said.source, said.on(now), rest)
            # What the document says may be of before: it is asked when it is said again.
            values = {"facts": facts_text(said.facts), "ahead": ahead_text(rest) or NONE_LEFT}
            tx.execute(update(resource).where(resource.c.id == row.id).values(**values))
        records.append(said)
    if records:
        before = parse(read(tx, who).facts)
        store(tx, who, merge(records, policy, now, before))


def reference_edge(scope: str, value: str) -> str:
    """The edge a pair waits on until somebody with this key appears in this source."""
    return _edge(scope, fold(value))


def _edge(scope: str, folded: str | None) -> str:
    return f"manager-ref:{scope}:{folded}"


def key_edges(keys: Iterable[Key], sources: Iterable[str]) -> list[str]:
    """What pairs wait on until somebody has these keys: a shared number is a reference to a
    manager in every one of `sources`."""
    return [
        _edge(scope, key.value)
        for key in keys
        for scope in (sources if key.scope == SHARED else (key.scope,))
    ]


def fact(connection: Connection, name: str) -> ColumnElement[str]:
    """A fact of the person's row as an SQL expression: text, or NULL."""
    if connection.dialect.name == "sqlite":
        return cast(func.json_extract(person.c.facts, f"$.{name}"), String)
    found: ColumnElement[str] = cast(person.c.facts, JSON)[name].as_string()
    return found


def reports(tx: Connection, who: str) -> list[str]:
    """The people whose manager reference may mean this person. Reads everybody's facts: for
    what happens rarely."""
    records = select(resource.c.id, resource.c.user_key).where(resource.c.person == who)
    known = {name for record in tx.execute(records) for name in record if name}
    known |= set(tx.execute(select(person_key.c.value).where(person_key.c.person == who)).scalars())
    said = func.lower(fact(tx, "manager"))
    means = or_(said.in_(known), func.replace(said, "-", "").in_(known))
    return list(tx.execute(select(person.c.id).where(means)).scalars())


def search(connection: Connection, text: str) -> list[str]:
    """Ids of the people known by `text`: person id, SCIM id, userName or any join key."""
    key = fold(text)
    found: set[str] = set()
    found.update(connection.execute(select(person.c.id).where(person.c.id == text)).scalars())
    found.update(
        who
        for who in connection.execute(
            select(resource.c.person).where(
                or_(resource.c.id == text, resource.c.user_key == folding.fold(text))
            )
        ).scalars()
        if who
    )
    found.update(
        connection.execute(select(person_key.c.person).where(person_key.c.value == key)).scalars()
    )
    return sorted(found)
