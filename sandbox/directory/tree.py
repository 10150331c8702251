"""The entries in memory: where each one stands, who links to whom, what is found by key.

An :class:`Entry` is never changed once it is in the tree; a write puts a new one in
its place. So a copy of the tree is a picture of one moment, cheap enough to show
readers an old state (replication lag).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.directory import errors, names, schema
from sandbox.directory.schema import Flag
from sandbox.directory.values import fold, guid_bytes, sid_bytes

_INDEXED = tuple(a for a in schema.ATTRIBUTES.values() if Flag.INDEXED in a.flags)


@dataclass(slots=True)
class Entry:
    """One object. Values are as on the wire; links hold GUIDs, so renames need no repair."""

    guid: bytes
    parent: bytes | None
    rdn: names.Rdn
    """The head of a naming context, which has no parent, holds `("", its whole DN)`."""
    attributes: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    """By schema name; without what is derived from position, GUID and links."""
    links: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    secret: str = ""
    """The salted hash of the password; empty when there is none."""

    @property
    def deleted(self) -> bool:
        """Whether it is a tombstone."""
        return "isDeleted" in self.attributes

    @property
    def kind(self) -> str:
        """The letter of its class, as in :attr:`schema.Attribute.classes`."""
        return schema.structural(self.attributes["objectClass"]).kind

    def one(self, name: str) -> bytes | None:
        """The first value of a stored attribute, or None."""
        values = self.attributes.get(name)
        return values[0] if values else None

    def number(self, name: str) -> int:
        """A stored number; 0 when there is none."""
        return int(self.one(name) or 0)

    def copy(self) -> Entry:
        """One to work on."""
        return replace(self, attributes=dict(self.attributes), links=dict(self.links))


def rdn_key(rdn: names.Rdn) -> names.Rdn:
    """Under which no two entries may stand in one place."""
    return rdn[0].upper(), fold(rdn[1])


class Tree:
    """All entries. Not safe to use from several threads."""

    def __init__(self) -> None:
        self.entries: dict[bytes, Entry] = {}
        self.heads: dict[tuple[names.Rdn, ...], bytes] = {}
        """The naming contexts by the folded name, domain and configuration."""
        self._head_names: dict[bytes, names.Name] = {}
        self._below: dict[bytes, dict[names.Rdn, bytes]] = {}
        self._index: dict[str, dict[object, tuple[bytes, ...]]] = {a.name: {} for a in _INDEXED}
        self._back: dict[tuple[str, bytes], dict[bytes, None]] = {}
        self._called: dict[str, tuple[bytes, ...]] = {}

    def copy(self) -> Tree:
        """A picture of this moment."""
        picture = Tree()
        picture.entries = dict(self.entries)
        picture.heads = dict(self.heads)
        picture._head_names = dict(self._head_names)
        picture._below = {guid: dict(below) for guid, below in self._below.items()}
        picture._index = {name: dict(found) for name, found in self._index.items()}
        picture._back = {key: dict(sources) for key, sources in self._back.items()}
        picture._called = dict(self._called)
        return picture

    # -- reading

    def dn(self, guid: bytes) -> str:
        """The distinguished name of an entry."""
        return names.write(self.name(guid))

    def name(self, guid: bytes) -> names.Name:
        """The parts of the distinguished name."""
        parts: list[names.Rdn] = []
        at = guid
        while (entry := self.entries[at]).parent is not None:
            parts.append(entry.rdn)
            at = entry.parent
        return (*parts, *self._head_names[at])

    def below(self, guid: bytes) -> dict[names.Rdn, bytes]:
        """The children by folded RDN, tombstones too."""
        return self._below.get(guid, {})

    def walk(self, guid: bytes) -> Iterator[Entry]:
        """The entry and all below it, in one naming context."""
        waiting = [guid]
        while waiting:
            at = waiting.pop()
            yield self.entries[at]
            waiting.extend(self.below(at).values())

    def stands_below(self, entry: Entry, ancestor: bytes) -> bool:
        """Whether `entry` is `ancestor` or somewhere below it."""
        at: bytes | None = entry.guid
        while at is not None:
            if at == ancestor:
                return True
            at = self.entries[at].parent
        return False

    def found(self, attribute: str, key: object) -> tuple[bytes, ...] | None:
        """The live entries with this value of an indexed attribute; None: not indexed."""
        index = self._index.get(attribute)
        return None if index is None else index.get(key, ())

    def called(self, key: str) -> tuple[bytes, ...]:
        """The live entries with this name, folded, wherever they stand."""
        return self._called.get(key, ())

    def linked(self, forward: str, source: bytes, target: bytes) -> bool:
        """Whether `source` links to `target`."""
        return source in self._back.get((forward, target), ())

    def sources(self, forward: str, guid: bytes) -> tuple[bytes, ...]:
        """Who links to this entry by `forward`."""
        return tuple(self._back.get((forward, guid), ()))

    def resolve(self, dn: str, deleted: bool = False) -> Entry:
        """The entry of a DN, `<GUID=...>` or `<SID=...>`.

        Raises Refused: 34 for a name that is none, 32 with the nearest entry when
        there is nothing, 10 when the name is outside of what this server holds.
        """
        if dn.startswith("<"):
            return self._resolve_key(dn, deleted)
        try:
            name = names.parse(dn)
        except names.BadName:
            raise errors.name(34, 0x208F, 2006, dn, 8350) from None
        keys = tuple(rdn_key(rdn) for rdn in name)
        for start in range(len(keys)):
            at = self.heads.get(keys[start:])
            if at is not None:
                break
        else:
            raise self._elsewhere(name)
        for key in reversed(keys[:start]):
            below = self.below(at).get(key)
            if below is None or (self.entries[below].deleted and not deleted):
                raise errors.no_object(self.dn(at))
            at = below
        return self.entries[at]

    def _resolve_key(self, dn: str, deleted: bool) -> Entry:
        kind, _, value = dn[1 : dn.find(">")].partition("=")
        found: tuple[bytes, ...] | None = ()
        try:
            if kind.upper() == "GUID":
                found = (guid_bytes(value),)
            elif kind.upper() == "SID":
                found = self.found("objectSid", sid_bytes(value))
            else:
                raise ValueError
        except ValueError:
            raise errors.name(34, 0x208F, 2006, dn, 8350) from None
        entry = self.entries.get(found[0]) if found else None
        if entry is None or (entry.deleted and not deleted):
            raise errors.no_object("")
        return entry

    def _elsewhere(self, name: names.Name) -> errors.Refused:
        host = ".".join(value for kind, value in name if kind.upper() == "DC")
        if not host:
            return errors.no_object("")
        return errors.Refused(
            10,
            f"0000202B: RefErr: DSID-0310078D, data 0, 1 access points\n\tref 1: '{host}'\n\0",
            referral=f"ldap://{host}/{names.write(name)}",
        )

    # -- writing

    def put(self, entry: Entry) -> None:
        """Take an entry in, in the place of its former self."""
        former = self.entries.get(entry.guid)
        if former is not None and former.parent is not None:
            del self._below[former.parent][rdn_key(former.rdn)]
        self.entries[entry.guid] = entry
        if entry.parent is None:
            name = names.parse(entry.rdn[1])
            self._head_names[entry.guid] = name
            self.heads[tuple(rdn_key(rdn) for rdn in name)] = entry.guid
        else:
            self._below.setdefault(entry.parent, {})[rdn_key(entry.rdn)] = entry.guid
        self._relink(entry.guid, former.links if former else {}, entry.links)
        self._index_again(entry.guid, former, entry)

    def drop(self, guid: bytes) -> None:
        """Forget an entry that has no children."""
        former = self.entries[guid]
        if former.parent is not None:
            del self._below[former.parent][rdn_key(former.rdn)]
        self._relink(guid, former.links, {})
        self._index_again(guid, former, None)
        del self.entries[guid]

    def _index_again(self, guid: bytes, former: Entry | None, entry: Entry | None) -> None:
        """Tombstones are not found by their values."""
        old = former.attributes if former is not None and not former.deleted else {}
        new = entry.attributes if entry is not None and not entry.deleted else {}
        for attribute in _INDEXED:
            before, after = old.get(attribute.name, ()), new.get(attribute.name, ())
            if before is after:
                continue
            index = self._index[attribute.name]
            for key in {attribute.key(value) for value in before}:
                _take_out(index, key, guid)
            for key in {attribute.key(value) for value in after}:
                index[key] = (*index.get(key, ()), guid)
        was = _called(former) if old and former is not None else None
        now = _called(entry) if new and entry is not None else None
        if was != now:
            if was is not None:
                _take_out(self._called, was, guid)
            if now is not None:
                self._called[now] = (*self._called.get(now, ()), guid)

    def _relink(
        self, guid: bytes, former: dict[str, tuple[bytes, ...]], links: dict[str, tuple[bytes, ...]]
    ) -> None:
        for forward in former.keys() | links.keys():
            gone, fresh = difference(former.get(forward, ()), links.get(forward, ()))
            for target in gone:
                sources = self._back[forward, target]
                del sources[guid]
                if not sources:
                    del self._back[forward, target]
            for target in fresh:
                self._back.setdefault((forward, target), {})[guid] = None


def _take_out(index: dict[Any, tuple[bytes, ...]], key: object, guid: bytes) -> None:
    rest = tuple(other for other in index[key] if other != guid)
    if rest:
        index[key] = rest
    else:
        del index[key]


def _called(entry: Entry) -> str:
    """The name of an entry as names are compared."""
    rdn = entry.rdn if entry.parent is not None else names.parse(entry.rdn[1])[0]
    return fold(rdn[1])


def difference(
    before: tuple[bytes, ...], after: tuple[bytes, ...]
) -> tuple[Iterable[bytes], Iterable[bytes]]:
    """Which links went and which came. Members mostly come one by one, at the end."""
    if before is after:
        return (), ()
    size = len(before)
    if after[:size] == before:
        return (), after[size:]
    gone, fresh = set(before), set(after)
    return gone - fresh, [target for target in after if target not in gone]
