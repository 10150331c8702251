"""The four ways to write: add, modify, modify DN, delete (MS-ADTS 3.1.1.5).

Each works on copies, checks everything, and commits once: an operation that is
refused has changed nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.directory import accounts, errors, names, schema
from sandbox.directory.changes import Edit
from sandbox.directory.domain import Domain
from sandbox.directory.messages import Add, Change, Control, Delete, Modify, ModifyDN
from sandbox.directory.schema import Flag
from sandbox.directory.search import SHOW_DELETED, SHOW_RECYCLED
from sandbox.directory.tree import Entry, rdn_key
from sandbox.directory.values import guid_text

PERMISSIVE = "1.2.840.113556.1.4.1413"
TREE_DELETE = "1.2.840.113556.1.4.805"

_RDN_LENGTH = 64


def add(domain: Domain, request: Add, trusted: bool = False, guid: bytes | None = None) -> None:
    """Make an entry. `trusted`: the sandbox's owner puts it there, with this objectGUID.

    Raises Refused.
    """
    if guid in domain.tree.entries:
        raise errors.update(68, 0x2071, 6005)
    rdn, parent = _place(domain, request.dn)
    values: dict[str, tuple[bytes, ...]] = {}
    for name, given in request.attributes:
        attribute = schema.attribute(name)
        if attribute.name in values:
            raise errors.attribute(20, 0x2083, 1006, attribute.name, attribute.number)
        values[attribute.name] = given
    kind = schema.structural(values.pop("objectClass", ()))
    if not trusted and kind.line[-1].decode().lower() not in schema.CLIENT_CLASSES:
        raise errors.service(0x209A)
    if rdn[0].upper() != kind.rdn:
        raise errors.name(64, 0x2073, 2005)
    if parent.kind not in kind.parents:
        raise errors.name(64, 0x2099, 2005)
    _check_length(rdn)
    _check_free(domain, parent.guid, rdn)
    values.pop("objectCategory", None)
    for own in ("cn", "ou"):
        naming = values.pop(own, None)
        if naming is None:
            continue
        if own != kind.rdn.lower() or [schema.attribute(own).key(v) for v in naming] != [
            schema.attribute(own).key(rdn[1].encode())
        ]:
            raise errors.name(64, 0x2073, 2005)
    entry = Entry(guid or domain.new_guid(), parent.guid, (kind.rdn, rdn[1]))
    entry.attributes["objectClass"] = kind.line
    category = f"CN={kind.category},CN=Schema,CN=Configuration,{domain.base_dn}"
    entry.attributes["objectCategory"] = (category.encode(),)
    entry.attributes["instanceType"] = (b"4",)
    edit = Edit(domain, entry, permissive=False, trusted=trusted)
    for name, given in values.items():
        if not given:
            raise errors.conversion(21)
        edit.apply(Change(0, name, given))
    accounts.defaults(entry)
    if kind.kind in "ug":
        _settle(domain, None, entry, edit, trusted)
        entry.attributes.setdefault("objectSid", (domain.new_sid(),))
    domain.commit([entry])


def modify(
    domain: Domain, request: Modify, controls: dict[str, Control], trusted: bool = False
) -> None:
    """Change an entry's attributes. Raises Refused."""
    deleted = SHOW_DELETED in controls or SHOW_RECYCLED in controls
    before = domain.tree.resolve(request.dn, deleted)
    if before.deleted:
        _reanimate(domain, before, request.changes)
        return
    entry = before.copy()
    edit = Edit(domain, entry, permissive=PERMISSIVE in controls, trusted=trusted)
    for change in request.changes:
        edit.apply(change)
    edit.finish()
    if entry.kind in "ug":
        _settle(domain, before, entry, edit, trusted)
    # AD writes nothing when nothing differs: uSNChanged stays.
    if entry != before:
        domain.commit([entry])


def modify_dn(domain: Domain, request: ModifyDN) -> None:
    """Rename, move, or both at once. Raises Refused."""
    tree = domain.tree
    entry = tree.resolve(request.dn)
    rdn = _one_rdn(request.new_rdn)
    if not request.delete_old_rdn:
        raise errors.service(0x2077)
    if entry.parent is None or b"TRUE" in entry.attributes.get("isCriticalSystemObject", ()):
        raise errors.service(0x209A)
    if rdn[0].upper() != entry.rdn[0]:
        raise errors.name(64, 0x2073, 2005)
    _check_length(rdn)
    parent = tree.entries[entry.parent]
    if request.new_superior is not None:
        try:
            parent = tree.resolve(request.new_superior)
        except errors.Refused as refusal:
            if refusal.code != 32:
                raise
            raise errors.update(80, 0x2089, 5012) from None
    if tree.stands_below(parent, entry.guid):
        raise errors.service(0x2077)
    if not tree.stands_below(parent, tree.resolve(domain.base_dn).guid):
        raise errors.update(71, 0x2018, 5012)
    if parent.kind not in schema.structural(entry.attributes["objectClass"]).parents:
        raise errors.name(64, 0x2099, 2005)
    if parent.guid != entry.parent or rdn_key(rdn) != rdn_key(entry.rdn):
        _check_free(domain, parent.guid, rdn)
    renamed = entry.copy()
    renamed.parent, renamed.rdn = parent.guid, (entry.rdn[0], rdn[1])
    if renamed != entry:
        domain.commit([renamed])


def delete(domain: Domain, request: Delete, controls: dict[str, Control]) -> None:
    """Turn an entry into a tombstone, with all below it when tree-delete is asked for.

    Raises Refused.
    """
    entry = domain.tree.resolve(request.dn)
    live = [e for e in domain.tree.walk(entry.guid) if not e.deleted]
    if any(e.parent is None or e.one("isCriticalSystemObject") == b"TRUE" for e in live):
        raise errors.service(0x20CE)
    if len(live) > 1 and TREE_DELETE not in controls:
        raise errors.update(66, 0x2015, 6003)
    bury(domain, live)


def bury(domain: Domain, entries: list[Entry]) -> None:
    """Make tombstones of these; links to and from them vanish. Raises sqlite3.Error."""
    tree = domain.tree
    grave = tree.resolve(f"CN=Deleted Objects,{domain.base_dn}", deleted=True)
    gone = {entry.guid for entry in entries}
    tombstones: list[Entry] = []
    relieved: dict[bytes, Entry] = {}
    for entry in reversed(entries):
        tombstone = Entry(
            entry.guid,
            grave.guid,
            (entry.rdn[0], f"{entry.rdn[1]}\nDEL:{guid_text(entry.guid)}"),
            {
                name: values
                for name, values in entry.attributes.items()
                if Flag.TOMBSTONE in schema.ATTRIBUTES[name.lower()].flags
            },
        )
        tombstone.attributes.pop("objectCategory", None)
        tombstone.attributes["isDeleted"] = (b"TRUE",)
        if entry.parent is not None:
            tombstone.attributes["lastKnownParent"] = (tree.dn(entry.parent).encode(),)
        tombstones.append(tombstone)
        for attribute in schema.ATTRIBUTES.values():
            if attribute.syntax != "link":
                continue
            for source in tree.sources(attribute.name, entry.guid):
                if source in gone:
                    continue
                other = relieved.setdefault(source, tree.entries[source].copy())
                rest = tuple(g for g in other.links[attribute.name] if g != entry.guid)
                other.links[attribute.name] = rest
                if not rest:
                    del other.links[attribute.name]
    domain.commit(tombstones, unnoticed=relieved.values())


def _reanimate(domain: Domain, tombstone: Entry, changes: Iterable[Change]) -> None:
    """Bring a tombstone back: isDeleted removed, a new DN, one modify (MS-ADTS 3.1.1.5.3.7)."""
    wanted = {schema.attribute(change.attribute).name: change for change in changes}
    undelete, naming = wanted.pop("isDeleted", None), wanted.pop("distinguishedName", None)
    if undelete is None or undelete.how == 0 or undelete.values or naming is None or wanted:
        raise errors.service(0x2077)
    if naming.how != 2 or len(naming.values) != 1:
        raise errors.service(0x2077)
    rdn, parent = _place(domain, naming.values[0].decode("utf-8", "replace"))
    kind = schema.structural(tombstone.attributes["objectClass"])
    if rdn[0].upper() != kind.rdn:
        raise errors.name(64, 0x2073, 2005)
    _check_length(rdn)
    _check_free(domain, parent.guid, rdn)
    entry = tombstone.copy()
    entry.parent, entry.rdn = parent.guid, (kind.rdn, rdn[1])
    del entry.attributes["isDeleted"]
    entry.attributes.pop("lastKnownParent", None)
    category = f"CN={kind.category},CN=Schema,CN=Configuration,{domain.base_dn}"
    entry.attributes["objectCategory"] = (category.encode(),)
    if kind.kind == "u":
        control = entry.number("userAccountControl") | accounts.DISABLED
        entry.attributes["userAccountControl"] = (b"%d" % control,)
    accounts.defaults(entry)
    if kind.kind in "ug":
        accounts.settle(domain.tree, None, entry, domain.clock(), None, domain.realm)
    domain.commit([entry])


def _settle(domain: Domain, before: Entry | None, entry: Entry, edit: Edit, trusted: bool) -> None:
    accounts.settle(
        domain.tree,
        before,
        entry,
        domain.clock(),
        edit.password,
        domain.realm,
        edit.named,
        trusted,
    )


def _place(domain: Domain, dn: str) -> tuple[names.Rdn, Entry]:
    """Where a new entry shall stand. Raises Refused: 34 bad name, 32 no such parent."""
    try:
        name = names.parse(dn)
    except names.BadName:
        raise errors.name(34, 0x208F, 2006, dn, 8350) from None
    if not name:
        raise errors.name(64, 0x2073, 2005)
    if tuple(rdn_key(rdn) for rdn in name) in domain.tree.heads:
        raise errors.update(68, 0x2071, 6005)
    return name[0], domain.tree.resolve(names.write(name[1:]))


def _one_rdn(text: str) -> names.Rdn:
    try:
        (rdn,) = names.parse(text)
    except (names.BadName, ValueError):
        raise errors.name(34, 0x208F, 2006, text, 8350) from None
    return rdn


def _check_length(rdn: names.Rdn) -> None:
    attribute = schema.attribute(rdn[0])
    size = len(rdn[1].encode("utf-16-le")) // 2
    if size > _RDN_LENGTH:
        raise errors.attribute(
            19, 0x2082, 1005, attribute.name, attribute.number, len(rdn[1].encode())
        )


def _check_free(domain: Domain, parent: bytes, rdn: names.Rdn) -> None:
    if rdn_key(rdn) in domain.tree.below(parent):
        raise errors.update(68, 0x2071, 6005)
