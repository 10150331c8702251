"""The directory on disk: one SQLite file, one row per entry and one per link."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sandbox.directory.tree import Entry, difference

_TABLES = """
create table if not exists entry (guid blob primary key, document text not null) without rowid;
create table if not exists link (source blob, name text, target blob);
create unique index if not exists link_once on link (source, name, target);
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
        self._take_links_out()
        self._facts: dict[str, str] = {}  # as they were written last

    def entries(self) -> Iterator[Entry]:
        """Every stored entry."""
        links: dict[bytes, dict[str, list[bytes]]] = {}
        for source, name, target in self._connection.execute(
            "select source, name, target from link order by rowid"
        ):
            links.setdefault(source, {}).setdefault(name, []).append(target)
        for guid, document in self._connection.execute("select guid, document from entry"):
            entry = _read(guid, document)
            entry.links = {name: tuple(found) for name, found in links.get(guid, {}).items()}
            yield entry

    def _take_links_out(self) -> None:
        """Earlier versions kept links in the documents: a large group was written whole."""
        run = self._connection.execute
        if run("pragma user_version").fetchone() == (1,):
            return
        run("begin immediate")
        for guid, document in run("select guid, document from entry").fetchall():
            read = json.loads(document)
            links = [
                (guid, name, bytes.fromhex(target))
                for name, targets in read.pop("links", {}).items()
                for target in targets
            ]
            self._connection.executemany("insert into link values (?, ?, ?)", links)
            run("update entry set document = ? where guid = ?", (_encode(read), guid))
        run("pragma user_version = 1")
        run("commit")

    def facts(self) -> dict[str, str]:
        """What the directory keeps beside its entries: counters and its SID."""
        return dict(self._connection.execute("select name, value from fact"))

    def save(
        self,
        written: Iterable[Entry],
        dropped: Iterable[bytes],
        facts: Mapping[str, str],
        former: Mapping[bytes, Entry],
    ) -> None:
        """Write all of it or nothing. `former`: entries as they are stored. Raises
        sqlite3.Error."""
        run = self._connection.execute
        run("begin immediate")
        try:
            for entry in written:
                run("insert or replace into entry values (?, ?)", (entry.guid, _write(entry)))
                stored = former.get(entry.guid)
                self._save_links(entry.guid, stored.links if stored else {}, entry.links)
            for guid in dropped:
                run("delete from entry where guid = ?", (guid,))
                run("delete from link where source = ?", (guid,))
            for item in facts.items() - self._facts.items():
                run("insert or replace into fact values (?, ?)", item)
        except BaseException:
            run("rollback")
            raise
        run("commit")
        self._facts = dict(facts)

    def _save_links(
        self, guid: bytes, before: dict[str, tuple[bytes, ...]], after: dict[str, tuple[bytes, ...]]
    ) -> None:
        for name in before.keys() | after.keys():
            gone, fresh = difference(before.get(name, ()), after.get(name, ()))
            self._connection.executemany(
                "delete from link where source = ? and name = ? and target = ?",
                [(guid, name, target) for target in gone],
            )
            self._connection.executemany(
                "insert or ignore into link values (?, ?, ?)",
                [(guid, name, target) for target in fresh],
            )

    def clear(self) -> None:
        """Forget all entries and facts."""
        self._connection.executescript(
            "begin immediate; delete from entry; delete from link; delete from fact; commit"
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
        secret=read["secret"],
    )
