"""The journal: append-only, hash-chained, and able to forget a person.

Each entry's hash covers the hash before it, so that an entry changed, removed or slipped
in later breaks the chain from there on. Personal values lie beside the entry, and the
chain holds only a salted hash of them: erasing the values leaves it intact. The oldest
entries may be dropped: an entry says up to which one, and with which hash it ended. (What
the chain cannot show is that its newest entries were cut off; `head` is there to be
copied somewhere else for that.)
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    bindparam,
    create_engine,
    delete,
    event,
    insert,
    literal_column,
    select,
    text,
)

from store import setting
from store.json_text import canonical
from store.statement import Statement
from store.tables import journal, journal_values

_GENESIS = ""
_DROPPED = "journal_dropped"
"""Name of the setting that holds where the chain begins now."""
_SEAL = "valuesHash"
"""Key of the body that holds the salted hash of the values beside it."""

_LOCK = 0x6D757374
"""PostgreSQL advisory lock: one appender at a time, until its transaction ends."""


@dataclass(frozen=True)
class Entry:
    """One journal entry. `values` are personal: None when there are none, or `erased`."""

    seq: int
    at: float
    at_business: float
    kind: str
    person: str | None
    target: str | None
    ref: str | None
    body: Mapping[str, Any]
    hash: str
    values: Mapping[str, Any] | None = None
    erased: bool = False


def append(
    tx: Connection,
    *,
    kind: str,
    body: Mapping[str, Any],
    now: float,
    business_now: float,
    person: str | None = None,
    target: str | None = None,
    ref: str | None = None,
    values: Mapping[str, Any] | None = None,
) -> int:
    """Add an entry within the caller's transaction; its sequence number.

    `kind` is one of upload, intake, plan, operation, outcome, case, drift, console, start,
    erase, access. `body` holds nothing personal; `values` may, and can be erased later. Both must
    be JSON. On PostgreSQL other appenders wait until `tx` ends: append late.
    Raises ValueError when `body` uses the key that is kept for the hash of the values, and
    TypeError for what is no JSON.
    """
    if _SEAL in body:
        raise ValueError(f"the key {_SEAL} of a journal body is kept for the journal")
    kept, salt, beside = dict(body), "", ""
    if values is not None:
        salt, beside = secrets.token_hex(16), canonical(values)
        kept[_SEAL] = _sealed(salt, beside)
    entry = {
        "at": float(now),
        "at_business": float(business_now),
        "kind": kind,
        "person": person,
        "target": target,
        "ref": ref,
        "body": canonical(kept),
    }
    previous = _sqlite_head(tx) if tx.dialect.name == "sqlite" else _postgres_head(tx)
    entry["hash"] = _chained(previous, entry)
    seq = _INSERT.value(tx, **entry)
    if tx.dialect.name != "sqlite":
        tx.execute(_REMEMBER, {"hash": entry["hash"]})
    if values is not None:
        _BESIDE.count(tx, seq=seq, person=person, salt=salt, body=beside)
    return int(seq)


def verify(connection: Connection) -> int | None:
    """The first entry that breaks the chain or whose values were altered; None: all is well.

    Reads everything, in one stream.
    """
    dropped, previous = _dropped(connection)
    if previous and not _said_so(connection, dropped, previous):
        return dropped
    with _stream(connection) as rows:
        for row in rows:
            if row.hash != _chained(previous, row._mapping):
                return int(row.seq)
            if row.salt is not None:
                seal = json.loads(row.body).get(_SEAL)
                if seal != _sealed(row.salt, row.values_body):
                    return int(row.seq)
            previous = row.hash
    return None


def prune(tx: Connection, before: float, now: float, business_now: float) -> int:
    """Drop the entries made before `before` (machine time), with their values, and say so;
    how many those were."""
    old = select(journal.c.seq, journal.c.hash).where(journal.c.at < before)
    last = tx.execute(old.order_by(journal.c.seq.desc()).limit(1)).first()
    if last is None:
        return 0
    tx.execute(delete(journal_values).where(journal_values.c.seq <= last.seq))
    count = tx.execute(delete(journal).where(journal.c.seq <= last.seq)).rowcount
    setting.put(tx, _DROPPED, json.dumps([last.seq, last.hash]))
    body = {"what": "dropped", "entries": count, "through": last.seq, "hash": last.hash}
    append(tx, kind="start", body=body, now=now, business_now=business_now)
    return count


def begin_anew(tx: Connection) -> None:
    """All entries are gone, and the chain begins with the next one."""
    setting.forget(tx, _DROPPED)


def forget_values(tx: Connection, before: float) -> int:
    """Forget the personal values of entries made before `before` (machine time); of how many.
    The entries stay, and the chain still verifies."""
    old = select(journal.c.seq).where(journal.c.at < before)
    return tx.execute(delete(journal_values).where(journal_values.c.seq.in_(old))).rowcount


def _dropped(connection: Connection) -> tuple[int, str]:
    """The last entry that was dropped and its hash; (0, "") when none was."""
    kept = setting.get(connection, _DROPPED)
    seq, hash = json.loads(kept) if kept else (0, _GENESIS)
    return int(seq), str(hash)


def _said_so(connection: Connection, seq: int, hash: str) -> bool:
    """Whether an entry that is still here says that this was the last one dropped."""
    told = select(journal.c.body).where(journal.c.kind == "start").order_by(journal.c.seq.desc())
    bodies = (json.loads(body) for body in connection.execute(told).scalars())
    return any((b.get("through"), b.get("hash")) == (seq, hash) for b in bodies)


def head(connection: Connection) -> tuple[int, str]:
    """Sequence number and hash of the newest entry; (0, "") for an empty journal."""
    row = _HEAD.first(connection)
    return _dropped(connection) if row is None else (int(row[0]), str(row[1]))


def entries(
    connection: Connection,
    *,
    person: str | None = None,
    target: str | None = None,
    ref: str | None = None,
    kind: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[Entry]:
    """Entries with a number above `after`, oldest first, at most `limit`."""
    statement = _WITH_VALUES.where(journal.c.seq > after).order_by(journal.c.seq).limit(limit)
    wanted = {"person": person, "target": target, "ref": ref, "kind": kind}
    for column, value in wanted.items():
        if value is not None:
            statement = statement.where(journal.c[column] == value)
    return [_entry(row) for row in connection.execute(statement)]


def newest(
    connection: Connection,
    *,
    person: str | None = None,
    kinds: Sequence[str] = (),
    before: int | None = None,
    limit: int = 50,
) -> list[Entry]:
    """The last `limit` entries (below the number `before`), of one person or of all, of these
    kinds or of any, newest first."""
    statement = _WITH_VALUES.order_by(journal.c.seq.desc()).limit(limit)
    if person is not None:
        statement = statement.where(journal.c.person == person)
    if kinds:
        statement = statement.where(journal.c.kind.in_(kinds))
    if before is not None:
        statement = statement.where(journal.c.seq < before)
    return [_entry(row) for row in connection.execute(statement)]


def export(
    connection: Connection, *, person: str | None = None, values: bool = False
) -> Iterator[dict[str, Any]]:
    """Every entry, oldest first, as it enters the chain: JSON-able, in one stream.

    `hash` is SHA-256 over the hash before it and the canonical JSON (sorted keys, no blanks,
    UTF-8) of at, at_business, kind, person, target, ref and body, the last as its own
    canonical JSON text. With `values`, what is personal and not erased is beside it; the
    `valuesHash` in the body is SHA-256 over `salt` and the canonical JSON of the values.
    """
    columns = ("seq", "at", "at_business", "kind", "person", "target", "ref")
    with _stream(connection, person) as rows:
        for row in rows:
            line = {name: row._mapping[name] for name in columns}
            line |= {"body": json.loads(row.body), "hash": row.hash}
            if values and row.values_body is not None:
                line |= {"values": json.loads(row.values_body), "salt": row.salt}
            yield line


def erase(tx: Connection, person: str, now: float, business_now: float) -> int:
    """Forget the personal values of `person`, and say so in the journal; how many entries
    had some. The entries themselves stay, and the chain still verifies."""
    count = tx.execute(delete(journal_values).where(journal_values.c.person == person)).rowcount
    append(
        tx,
        kind="erase",
        body={"entries": count},
        now=now,
        business_now=business_now,
        person=person,
    )
    return count


_ENTRY = ("at", "at_business", "kind", "person", "target", "ref", "body", "hash")
_INSERT = Statement(
    insert(journal).values({name: bindparam(name) for name in _ENTRY}).returning(journal.c.seq)
)
_BESIDE = Statement(
    insert(journal_values).values({c.name: bindparam(c.name) for c in journal_values.columns})
)
_HEAD = Statement(
    select(journal.c.seq, journal.c.hash).order_by(journal.c.seq.desc()).limit(literal_column("1"))
)
_WITH_VALUES = select(
    journal, journal_values.c.salt, journal_values.c.body.label("values_body")
).join_from(journal, journal_values, journal.c.seq == journal_values.c.seq, isouter=True)


def _stream(connection: Connection, person: str | None = None) -> Any:
    statement = _WITH_VALUES.order_by(journal.c.seq)
    if person is not None:
        statement = statement.where(journal.c.person == person)
    return connection.execution_options(yield_per=500).execute(statement)


def _entry(row: Row[Any]) -> Entry:
    body = json.loads(row.body)
    sealed = body.pop(_SEAL, None)
    return Entry(
        seq=row.seq,
        at=row.at,
        at_business=row.at_business,
        kind=row.kind,
        person=row.person,
        target=row.target,
        ref=row.ref,
        body=body,
        hash=row.hash,
        values=None if row.values_body is None else json.loads(row.values_body),
        erased=sealed is not None and row.values_body is None,
    )


def _sealed(salt: str, values: str) -> str:
    return hashlib.sha256((salt + values).encode()).hexdigest()


def _chained(previous: str, entry: Mapping[str, Any]) -> str:
    columns = ("at", "at_business", "kind", "person", "target", "ref", "body")
    said = canonical({column: entry[column] for column in columns})
    return hashlib.sha256((previous + said).encode()).hexdigest()


# -- the hash before this one --------------------------------------------------------------


def _sqlite_head(tx: Connection) -> str:
    return head(tx)[1]


# A serializable transaction of PostgreSQL sees the journal as it was when it began, so
# it would chain to an old entry and be refused at commit, again and again where many
# write. The newest hash is therefore read outside of it, by a connection of its own that
# only the holder of the lock uses; what the transaction itself appended is remembered in
# a setting that ends with it (and goes back with a savepoint).
_ENTER = text("SELECT pg_advisory_xact_lock(:lock), current_setting('muster.journal', true)")
_REMEMBER = text("SELECT set_config('muster.journal', :hash, true)")
_beside: WeakKeyDictionary[Engine, Engine] = WeakKeyDictionary()


def _postgres_head(tx: Connection) -> str:
    own = tx.execute(_ENTER, {"lock": _LOCK}).one()[1]
    if own:
        return cast(str, own)
    with _engine_beside(tx.engine).connect() as connection:
        return head(connection)[1]


def _engine_beside(engine: Engine) -> Engine:
    beside = _beside.get(engine)
    if beside is None:
        beside = create_engine(
            engine.url,
            pool_size=1,
            max_overflow=0,
            pool_pre_ping=True,
            isolation_level="AUTOCOMMIT",
        )
        event.listen(engine, "engine_disposed", lambda _: beside.dispose())
        _beside[engine] = beside
    return beside
