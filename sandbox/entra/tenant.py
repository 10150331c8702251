"""The tenant's memory: one SQLite file with users, groups, links and the app's secret.

Documents are kept as Graph would show them in full. Beside them lie the values that
Graph looks up or keeps unique, folded as Graph compares them. Objects that were asked for
a moment ago, and all that are in the recycle bin, are kept in memory too.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["user", "group"]
Relation: TypeAlias = Literal["manager", "member"]

INDEXED = frozenset(
    {
        "displayName",
        "employeeId",
        "mail",
        "mailNickname",
        "onPremisesImmutableId",
        "onPremisesSamAccountName",
        "proxyAddresses",
        "userPrincipalName",
    }
)

_MOST_KNOWN = 4096

_SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS object (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    document TEXT NOT NULL,
    deleted REAL,
    roles TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX IF NOT EXISTS object_kind ON object (kind, number);
CREATE INDEX IF NOT EXISTS object_deleted ON object (deleted) WHERE deleted IS NOT NULL;
CREATE TABLE IF NOT EXISTS property (
    name TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (name, value, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS property_id ON property (id);
CREATE TABLE IF NOT EXISTS link (
    source TEXT NOT NULL, relation TEXT NOT NULL, target TEXT NOT NULL,
    PRIMARY KEY (source, relation, target)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS link_target ON link (target, relation);
CREATE TABLE IF NOT EXISTS sku (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, seats INTEGER NOT NULL,
    consumed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS seat_taken AFTER INSERT ON property
    WHEN new.name = 'assignedLicenses'
    BEGIN UPDATE sku SET consumed = consumed + 1 WHERE id = new.value; END;
CREATE TRIGGER IF NOT EXISTS seat_given_back AFTER DELETE ON property
    WHEN old.name = 'assignedLicenses'
    BEGIN UPDATE sku SET consumed = consumed - 1 WHERE id = old.value; END;
"""


@dataclass(frozen=True)
class Entry:
    """A user or group as stored."""

    id: str
    kind: Kind
    document: dict[str, Any]
    deleted: float | None = None
    """Epoch seconds of the soft delete."""
    roles: tuple[str, ...] = ()
    """Directory roles (`User Administrator`): make the account privileged."""
    number: int = field(default=0, compare=False)
    """Order of creation, for paging."""


class Clue(NamedTuple):
    """An indexed property and a value that it has, or that it ends with."""

    name: str
    value: str
    ends: bool = False


@dataclass(frozen=True)
class Sku:
    """A licence that the tenant has bought."""

    id: str
    """skuId, lower case."""
    name: str
    """skuPartNumber: `ENTERPRISEPACK`."""
    seats: int
    consumed: int = 0
    """Seats taken by users that are not deleted."""


@dataclass(frozen=True)
class Identity:
    """The tenant and the one app registration in it."""

    tenant_id: str
    client_id: str
    client_secret: str
    signing_key: str


def fold(value: str) -> str:
    """The form in which Graph compares texts: case does not matter, accents do."""
    return value.casefold()


class Tenant:
    """Reads and writes of the tenant. All calls go through one connection under one lock."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)
        self._known: dict[str, Entry] = {}
        self._gone = self._read_gone()
        self._gone_names = {id: _name(entry) for id, entry in self._gone.items()}
        self.identity = self._identity()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; nested ones join the outer one. Also holds off other threads."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                    self._known.clear()
                    self._gone = self._read_gone()
                    self._gone_names = {id: _name(entry) for id, entry in self._gone.items()}
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("COMMIT")

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Holds off other threads while something is read."""
        with self._lock:
            yield

    def clear(self) -> None:
        """Forget all objects; tenant, app and secret stay."""
        with self.transaction():
            for table in ("object", "property", "link", "sku"):
                self._connection.execute(f"DELETE FROM {table}")
            self._known.clear()
            self._gone.clear()
            self._gone_names.clear()

    # Objects

    def get(self, id: str) -> Entry | None:
        """The object with this id, deleted or not. Its document must not be changed."""
        with self._lock:
            known = self._known.get(id)
            if known is not None:
                return known
            rows = self._rows("SELECT * FROM object WHERE id = ?", (id.lower(),))
            return self._keep(_entry(rows[0])) if rows else None

    def find(self, kind: Kind, name: str, value: str) -> list[Entry]:
        """Objects, deleted ones too, whose indexed property has this value."""
        rows = self._rows(
            "SELECT id FROM property WHERE name = ? AND value = ?", (name, fold(value))
        )
        return [entry for entry in self._all(rows) if entry.kind == kind]

    def _all(self, rows: Iterable[tuple[Any, ...]]) -> list[Entry]:
        """The objects with these ids, in order of creation."""
        found = (self.get(id) for (id,) in rows)
        return sorted((e for e in found if e is not None), key=lambda entry: entry.number)

    def _keep(self, entry: Entry) -> Entry:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[entry.id] = entry
        return entry

    def each(self, kind: Kind, after: int = 0) -> Iterator[Entry]:
        """All objects of a kind, deleted ones too, in order of creation after `after`."""
        limit = 128  # a page is seldom more
        while True:
            rows = self._rows(
                "SELECT * FROM object WHERE kind = ? AND number > ? ORDER BY number LIMIT ?",
                (kind, after, limit),
            )
            yield from (_entry(row) for row in rows)
            if len(rows) < limit:
                return
            after, limit = int(rows[-1][0]), 1024

    def count(self, kind: Kind) -> int:
        """How many objects of a kind are stored, deleted ones too."""
        return int(self._rows("SELECT count(*) FROM object WHERE kind = ?", (kind,))[0][0])

    def put(self, entry: Entry) -> Entry:
        """Insert or replace by id."""
        with self.transaction():
            before = self.get(entry.id)
            [(number,)] = self._connection.execute(
                "INSERT INTO object (id, kind, document, deleted, roles) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET document = excluded.document,"
                " deleted = excluded.deleted, roles = excluded.roles RETURNING number",
                (
                    entry.id,
                    entry.kind,
                    json.dumps(entry.document, ensure_ascii=False),
                    entry.deleted,
                    json.dumps(entry.roles),
                ),
            ).fetchall()
            was = set(_indexed(before)) if before is not None else set()
            now = set(_indexed(entry))
            self._connection.executemany(
                "DELETE FROM property WHERE name = ? AND value = ? AND id = ?",
                [(*item, entry.id) for item in was - now],
            )
            self._connection.executemany(
                "INSERT OR IGNORE INTO property (name, value, id) VALUES (?, ?, ?)",
                [(*item, entry.id) for item in now - was],
            )
            saved = self._keep(replace(entry, number=int(number)))
            self._gone.pop(entry.id, None)
            self._gone_names.pop(entry.id, None)
            if entry.deleted is not None:
                self._gone[entry.id] = saved
                self._gone_names[entry.id] = _name(saved)
        return saved

    def deleted(self, before: float | None = None) -> list[Entry]:
        """Soft-deleted objects in order of creation; `before`: deleted at or before then."""
        with self._lock:
            found = [
                entry
                for entry in self._gone.values()
                if before is None or (entry.deleted is not None and entry.deleted <= before)
            ]
        return sorted(found, key=lambda entry: entry.number)

    def deleted_among(self, clues: Iterable[Clue]) -> list[Entry]:
        """Those of the soft-deleted objects that one of the clues may mean."""
        found: dict[str, Entry] = {}
        with self._lock:
            for name, value, ends in clues:
                wanted = fold(value)
                if ends:
                    ids = [id for id, own in self._gone_names.items() if own.endswith(wanted)]
                else:
                    rows = self._rows(
                        "SELECT id FROM property WHERE name = ? AND value = ?", (name, wanted)
                    )
                    ids = [id for (id,) in rows]
                found |= {id: self._gone[id] for id in ids if id in self._gone}
        return sorted(found.values(), key=lambda entry: entry.number)

    def _read_gone(self) -> dict[str, Entry]:
        rows = self._rows("SELECT * FROM object WHERE deleted IS NOT NULL")
        return {entry.id: entry for entry in map(_entry, rows)}

    def purge(self, id: str) -> None:
        """Remove an object and all its links for good."""
        with self.transaction():
            self._connection.execute("DELETE FROM object WHERE id = ?", (id,))
            self._connection.execute("DELETE FROM property WHERE id = ?", (id,))
            self._connection.execute("DELETE FROM link WHERE source = ? OR target = ?", (id, id))
            self._known.pop(id, None)
            self._gone.pop(id, None)
            self._gone_names.pop(id, None)

    # Links

    def targets(self, source: str, relation: Relation) -> list[Entry]:
        """Where the links of `source` point, in order of creation, without deleted objects."""
        return self._linked("source", "target", source, relation)

    def sources(self, target: str, relation: Relation) -> list[Entry]:
        """Whose links point to `target`, in order of creation, without deleted objects."""
        return self._linked("target", "source", target, relation)

    def linked(self, source: str, relation: Relation, target: str) -> bool:
        return bool(
            self._rows(
                "SELECT 1 FROM link WHERE source = ? AND relation = ? AND target = ?",
                (source, relation, target),
            )
        )

    def link(self, source: str, relation: Relation, targets: Iterable[str]) -> None:
        with self.transaction():
            self._connection.executemany(
                "INSERT OR IGNORE INTO link (source, relation, target) VALUES (?, ?, ?)",
                [(source, relation, target) for target in targets],
            )

    def unlink(self, source: str, relation: Relation, target: str | None = None) -> None:
        """Remove one link, or all of this relation."""
        with self.transaction():
            self._connection.execute(
                "DELETE FROM link WHERE source = ? AND relation = ? AND target = ifnull(?, target)",
                (source, relation, target),
            )

    # Licences

    def skus(self) -> list[Sku]:
        """All licences, by name."""
        rows = self._rows("SELECT id, name, seats, consumed FROM sku ORDER BY name")
        return [Sku(*row) for row in rows]

    def sku(self, id: str) -> Sku | None:
        """The licence with this id."""
        rows = self._rows("SELECT id, name, seats, consumed FROM sku WHERE id = ?", (id,))
        return Sku(*rows[0]) if rows else None

    def buy(self, sku: Sku) -> None:
        """A new licence, or other seats and another name of one that is there."""
        with self.transaction():
            self._connection.execute(
                "INSERT INTO sku (id, name, seats) VALUES (?, ?, ?) ON CONFLICT (id)"
                " DO UPDATE SET name = excluded.name, seats = excluded.seats",
                (sku.id, sku.name, sku.seats),
            )

    def _linked(self, here: str, there: str, id: str, relation: Relation) -> list[Entry]:
        rows = self._rows(
            f"SELECT {there} FROM link WHERE {here} = ? AND relation = ?", (id, relation)
        )
        return [entry for entry in self._all(rows) if entry.deleted is None]

    def _rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def _identity(self) -> Identity:
        fresh = {
            "tenant_id": str(uuid.uuid4()),
            "client_id": str(uuid.uuid4()),
            "client_secret": secrets.token_urlsafe(30),
            "signing_key": secrets.token_hex(32),
        }
        with self.transaction():
            self._connection.executemany(
                "INSERT OR IGNORE INTO setting (name, value) VALUES (?, ?)", fresh.items()
            )
            return Identity(**dict(self._rows("SELECT name, value FROM setting")))


def _entry(row: tuple[Any, ...]) -> Entry:
    number, id, kind, document, deleted, roles = row
    return Entry(id, kind, json.loads(document), deleted, tuple(json.loads(roles)), number)


def _name(entry: Entry) -> str:
    """userPrincipalName as it is compared."""
    return fold(str(entry.document.get("userPrincipalName") or ""))


def address(proxy: str) -> str:
    """`SMTP:ann@norhaven.example` as `ann@norhaven.example`."""
    prefix, colon, rest = proxy.partition(":")
    return rest if colon and prefix.lower() == "smtp" else proxy


def _indexed(entry: Entry) -> Iterator[tuple[str, str]]:
    for name in INDEXED:
        value = entry.document.get(name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                yield name, fold(address(item) if name == "proxyAddresses" else item)
    if entry.deleted is None:
        for license in entry.document.get("assignedLicenses") or ():
            yield "assignedLicenses", str(license["skuId"])
