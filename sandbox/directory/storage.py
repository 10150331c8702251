"""The directory on disk: one SQLite file, one row per entry."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sandbox.directory.tree import Entry

_TABLES = """
create table if not exists entry (guid blob primary key, document text not null) without rowid;
create table if not exists fact (name text primary key, value text not null) without rowid;
"""


class Storage:
    """Reads everything once, then writes what changed, one transaction per operation."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        # Calls come from the server's thread and its owner's, one at a time.
        self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._connection.execute("pragma journal_mode = wal")
        # A killed process loses nothing; only a power cut could take the last moments.
        self._connection.execute("pragma synchronous = normal")
        self._connection.executescript(_TABLES)
        self._facts: dict[str, str] = {}  # as they were written last

    def entries(self) -> Iterator[Entry]:
        """Every stored entry."""
        for guid, document in self._connection.execute("select guid, document from entry"):
            yield _read(guid, document)

    def facts(self) -> dict[str, str]:
        """What the directory keeps beside its entries: counters and its SID."""
        return dict(self._connection.execute("select name, value from fact"))

    def save(
        self, written: Iterable[Entry], dropped: Iterable[bytes], facts: Mapping[str, str]
    ) -> None:
        """Write all of it or nothing. Raises sqlite3.Error."""
        run = self._connection.execute
        run("begin immediate")
        try:
            for entry in written:
                run("insert or replace into entry values (?, ?)", (entry.guid, _write(entry)))
            for guid in dropped:
                run("delete from entry where guid = ?", (guid,))
            for item in facts.items() - self._facts.items():
                run("insert or replace into fact values (?, ?)", item)
        except BaseException:
            run("rollback")
            raise
        run("commit")
        self._facts = dict(facts)

    def clear(self) -> None:
        """Forget all entries and facts."""
        self._connection.executescript(
            "begin immediate; delete from entry; delete from fact; commit"
        )
        self._facts = {}

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def _plain(values: tuple[bytes, ...]) -> list[str | dict[str, str]]:
    try:
        return [value.decode() for value in values]
    except UnicodeDecodeError:
        return [{"b64": base64.b64encode(value).decode()} for value in values]


def _write(entry: Entry) -> str:
    return _encode(
        {
            "parent": entry.parent.hex() if entry.parent else None,
            "rdn": entry.rdn,
            "attributes": {name: _plain(values) for name, values in entry.attributes.items()},
            "links": {n: [g.hex() for g in gs] for n, gs in entry.links.items()},
            "secret": entry.secret,
        }
    )


def _read(guid: bytes, document: str) -> Entry:
    def plain(value: str | dict[str, str]) -> bytes:
        return value.encode() if isinstance(value, str) else base64.b64decode(value["b64"])

    read = json.loads(document)
    kind, value = read["rdn"]
    return Entry(
        guid,
        bytes.fromhex(read["parent"]) if read["parent"] else None,
        (kind, value),
        {n: tuple(plain(v) for v in vs) for n, vs in read["attributes"].items()},
        {n: tuple(bytes.fromhex(g) for g in gs) for n, gs in read["links"].items()},
        read["secret"],
    )
