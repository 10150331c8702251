"""What a reader sees of an entry: stored values, and those derived from its place and its links."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sandbox.directory import accounts, schema
from sandbox.directory.schema import Attribute, Flag
from sandbox.directory.tree import Entry, Tree
from sandbox.directory.values import guid_text, sid_text

_RID_SIZE = 4


class View:
    """Reads entries of one tree; `clock` gives epoch seconds to what depends on them.

    `extended`: how DNs are written, None plainly, 0 with GUID and SID in hex, 1 as
    text (control 1.2.840.113556.1.4.529).
    """

    def __init__(self, tree: Tree, clock: Callable[[], float], extended: int | None = None) -> None:
        self.tree = tree
        self.clock = clock
        self.extended = extended

    def dn(self, guid: bytes) -> str:
        """The DN of an entry, written as the reader wants it."""
        plain = self.tree.dn(guid)
        if self.extended is None:
            return plain
        sid = self.tree.entries[guid].one("objectSid")
        if self.extended == 0:
            return f"<GUID={guid.hex()}>;" + (f"<SID={sid.hex()}>;" if sid else "") + plain
        return f"<GUID={guid_text(guid)}>;" + (f"<SID={sid_text(sid)}>;" if sid else "") + plain

    def links(self, entry: Entry, attribute: Attribute) -> tuple[bytes, ...]:
        """The GUIDs that a link or back link of this entry holds."""
        if attribute.syntax == "back":
            return self.tree.sources(attribute.partner or "", entry.guid)
        return entry.links.get(attribute.name, ())

    def values(self, entry: Entry, attribute: Attribute) -> tuple[bytes, ...]:
        """The values of any attribute, as on the wire. Empty when it has none."""
        name = attribute.name
        if attribute.syntax in ("link", "back"):
            return tuple(self.dn(guid).encode() for guid in self.links(entry, attribute))
        stored = entry.attributes.get(name)
        if stored is not None:
            return () if attribute.secret else stored
        derive = _DERIVED.get(name)
        return derive(self, entry) if derive else ()

    def shown(self, entry: Entry) -> Iterator[tuple[Attribute, tuple[bytes, ...]]]:
        """Everything that `*` gives: all that has a value and is not constructed."""
        for name in (*entry.attributes, *_PLACE, *entry.links):
            attribute = schema.ATTRIBUTES[name.lower()]
            values = self.values(entry, attribute)
            if values:
                yield attribute, values
        for attribute in _BACK:
            values = self.values(entry, attribute)
            if values:
                yield attribute, values

    def _name(self, entry: Entry) -> tuple[bytes, ...]:
        return (self._rdn(entry)[1].encode(),)

    def _rdn(self, entry: Entry) -> tuple[str, str]:
        return self.tree.name(entry.guid)[0] if entry.parent is None else entry.rdn

    def _if_rdn(self, entry: Entry, kind: str) -> tuple[bytes, ...]:
        found, value = self._rdn(entry)
        return (value.encode(),) if found.upper() == kind else ()

    def _canonical(self, entry: Entry) -> tuple[bytes, ...]:
        name = self.tree.name(entry.guid)
        domain = ".".join(value for kind, value in name if kind.upper() == "DC")
        path = [value for kind, value in reversed(name) if kind.upper() != "DC"]
        return ("/".join([domain, *(p.replace("/", "\\/") for p in path)]).encode(),)

    def _groups(self, entry: Entry) -> tuple[bytes, ...]:
        """objectSid of every group the entry is in, through groups too, and its primary group."""
        found: dict[bytes, None] = {}
        waiting = list(self.tree.sources("member", entry.guid))
        sid, primary = entry.one("objectSid"), entry.number("primaryGroupID")
        if sid and primary:
            group = sid[:-_RID_SIZE] + primary.to_bytes(_RID_SIZE, "little")
            waiting += self.tree.found("objectSid", group) or ()
        while waiting:
            guid = waiting.pop()
            if guid not in found:
                found[guid] = None
                waiting += self.tree.sources("member", guid)
        sids = (self.tree.entries[guid].one("objectSid") for guid in found)
        return tuple(sid for sid in sids if sid)

    def _attributes(self, entry: Entry) -> tuple[bytes, ...]:
        kind = entry.kind
        return tuple(
            a.name.encode()
            for a in schema.ATTRIBUTES.values()
            if schema.allowed(a, kind) and Flag.SYSTEM not in a.flags
        )

    def _child_classes(self, entry: Entry) -> tuple[bytes, ...]:
        kind = entry.kind
        return tuple(
            schema.CLASSES[name].line[-1]
            for name in sorted(schema.CLIENT_CLASSES)
            if kind in schema.CLASSES[name].parents
        )

    def _computed_control(self, entry: Entry) -> tuple[bytes, ...]:
        if entry.kind != "u":
            return ()
        return (b"%d" % accounts.computed_control(entry, self.clock()),)


_PLACE = ("cn", "ou", "name", "distinguishedName", "objectGUID")
_BACK = tuple(a for a in schema.ATTRIBUTES.values() if a.syntax == "back")

_DERIVED: dict[str, Callable[[View, Entry], tuple[bytes, ...]]] = {
    "cn": lambda view, entry: view._if_rdn(entry, "CN"),
    "ou": lambda view, entry: view._if_rdn(entry, "OU"),
    "dc": lambda view, entry: view._if_rdn(entry, "DC"),
    "name": View._name,
    "distinguishedName": lambda view, entry: (view.dn(entry.guid).encode(),),
    "objectGUID": lambda view, entry: (entry.guid,),
    "canonicalName": View._canonical,
    "createTimeStamp": lambda view, entry: entry.attributes.get("whenCreated", ()),
    "modifyTimeStamp": lambda view, entry: entry.attributes.get("whenChanged", ()),
    "structuralObjectClass": lambda view, entry: entry.attributes["objectClass"],
    "parentGUID": lambda view, entry: (entry.parent,) if entry.parent else (),
    "allowedAttributes": View._attributes,
    "allowedAttributesEffective": View._attributes,
    "allowedChildClasses": View._child_classes,
    "allowedChildClassesEffective": View._child_classes,
    "tokenGroups": View._groups,
    "primaryGroupToken": lambda view, entry: (
        (b"%d" % int.from_bytes(entry.attributes["objectSid"][0][-_RID_SIZE:], "little"),)
        if entry.kind == "g" and "objectSid" in entry.attributes
        else ()
    ),
    "msDS-User-Account-Control-Computed": View._computed_control,
    "msDS-PrincipalName": lambda view, entry: tuple(
        b"NORHAVEN\\" + name for name in entry.attributes.get("sAMAccountName", ())
    ),
}
