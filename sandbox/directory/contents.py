"""The directory as plain data: what tests and demonstrations put in and read out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sandbox.directory import errors, names, operations, schema
from sandbox.directory.domain import Domain
from sandbox.directory.messages import Add, Change, Control, Modify
from sandbox.directory.schema import Attribute, Flag
from sandbox.directory.values import guid_bytes, guid_text, sid_text
from sandbox.directory.view import View

_PERMISSIVE = {operations.PERMISSIVE: Control(operations.PERMISSIVE)}


def dump(domain: Domain, moment: float) -> list[dict[str, Any]]:
    """Users, contacts and groups that did not come with the domain, by DN.

    Attributes as LDAP's `*` shows them at `moment` (machine time): a single-valued
    one is a text, number or truth value, a multi-valued one a list; GUIDs and SIDs are
    text, other bytes base64.
    """
    view = View(domain.visible(moment), domain.clock)
    shown = []
    for entry in view.tree.entries.values():
        if entry.deleted or entry.kind not in "ugc" or entry.one("isCriticalSystemObject"):
            continue
        attributes = {a.name: _plain(a, values) for a, values in view.shown(entry)}
        shown.append({"dn": view.dn(entry.guid), "attributes": attributes})
    return sorted(shown, key=lambda one: str(one["dn"]).casefold())


def _plain(attribute: Attribute, values: Sequence[bytes]) -> Any:
    written = [_plain_value(attribute, value) for value in values]
    return written[0] if attribute.single else written


def _plain_value(attribute: Attribute, value: bytes) -> str | int | bool:
    if attribute.syntax in ("int", "large"):
        return int(value)
    if attribute.syntax == "bool":
        return value == b"TRUE"
    if attribute.name == "objectGUID":
        return guid_text(value)
    if attribute.syntax == "sid":
        return sid_text(value)
    if attribute.syntax == "octets":
        return base64.b64encode(value).decode()
    return value.decode()


def put(domain: Domain, entries: Iterable[Mapping[str, Any]]) -> None:
    """Put entries as if they had always been there: `{"dn", "attributes"}`.

    An entry at that DN is changed, otherwise it is made, with the units and containers
    above it; its class is guessed from what it has (`OU=`: a unit; `member` or
    `groupType`: a group; else a user). A user may be enabled without a password;
    `unicodePwd` is the password in clear. `memberOf` puts it into those groups, which are made
    where they are missing. What the directory
    keeps by itself (`whenCreated`, `objectSid`, back links) is passed over, except
    `objectGUID` of a new entry. Links may point to entries further down the list.
    Raises ValueError with the DN and the reason.
    """
    listed = [_Given(domain, entry) for entry in entries]
    for given in listed:
        given.write_values()
    for given in listed:
        given.write_links()
    for given in listed:
        given.join_groups()


class _Given:
    """One entry that somebody puts."""

    def __init__(self, domain: Domain, entry: Mapping[str, Any]) -> None:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("dn"), str):
            raise ValueError("an entry must be an object with a dn")
        attributes = entry.get("attributes", {})
        if not isinstance(attributes, Mapping) or set(entry) - {"dn", "attributes"}:
            raise ValueError("an entry has a dn and attributes, an object")
        self._domain = domain
        self._dn: str = entry["dn"]
        self._values: dict[str, tuple[bytes, ...]] = {}
        for name, value in attributes.items():
            found = schema.ATTRIBUTES.get(str(name).lower())
            if found is None:
                raise ValueError(f"{self._dn}: unknown attribute {name}")
            self._values[found.name] = _wire(found, value, self._dn)
        self._guid = self._values.pop("objectGUID", ())

    def write_values(self) -> None:
        """Everything but links."""
        classes = self._values.pop("objectClass", ())
        plain = {name: v for name, v in self._values.items() if _is_plain(name)}
        try:
            try:
                entry = self._domain.tree.resolve(self._dn)
            except errors.Refused as refusal:
                if refusal.code != 32:
                    raise
                self._make(classes, plain)
                return
            changes = tuple(Change(2, name, values) for name, values in plain.items())
            address = f"<GUID={guid_text(entry.guid)}>"
            operations.modify(self._domain, Modify(address, changes), _PERMISSIVE, trusted=True)
        except errors.Refused as refusal:
            raise ValueError(f"{self._dn}: {_words(refusal)}") from None

    def _make(self, classes: tuple[bytes, ...], plain: dict[str, tuple[bytes, ...]]) -> None:
        domain = self._domain
        name = names.parse(self._dn)
        _make_above(domain, name)
        if not classes:
            group = "member" in self._values or "groupType" in self._values
            kind = "organizationalUnit" if name[0][0].upper() == "OU" else "user"
            classes = (b"group" if group else kind.encode(),)
        given = tuple((n, v) for n, v in plain.items() if v)
        guid = self._guid[0] if self._guid else None
        operations.add(
            domain, Add(self._dn, (("objectClass", classes), *given)), trusted=True, guid=guid
        )

    def write_links(self) -> None:
        """Forward links."""
        for name, values in self._values.items():
            if schema.attribute(name).syntax == "link":
                self._change(self._dn, Change(2, name, values))

    def join_groups(self) -> None:
        """Membership of groups, when all of them have the members they were given."""
        for group in self._values.get("memberOf", ()):
            dn = group.decode()
            _make_group(self._domain, dn)
            self._change(dn, Change(0, "member", (self._dn.encode(),)))

    def _change(self, dn: str, change: Change) -> None:
        try:
            operations.modify(self._domain, Modify(dn, (change,)), _PERMISSIVE, trusted=True)
        except errors.Refused as refusal:
            raise ValueError(f"{self._dn}: {_words(refusal)}") from None


def _make_above(domain: Domain, name: names.Name) -> None:
    """The units and containers above an entry, where they are missing."""
    for start in range(len(name) - 1, 0, -1):
        if len(name) - start > len(names.parse(domain.base_dn)):
            _make_container(domain, names.write(name[start:]), name[start][0])


def _make_group(domain: Domain, dn: str) -> None:
    """A global security group of this DN, unless something is there."""
    try:
        domain.tree.resolve(dn)
    except errors.Refused as refusal:
        if refusal.code != 32:
            raise ValueError(f"{dn}: {_words(refusal)}") from None
        name = names.parse(dn)
        _make_above(domain, name)
        given = (("objectClass", (b"group",)), ("sAMAccountName", (name[0][1].encode(),)))
        try:
            operations.add(domain, Add(dn, given), trusted=True)
        except errors.Refused as refused:
            raise ValueError(f"{dn}: {_words(refused)}") from None


def _make_container(domain: Domain, dn: str, kind: str) -> None:
    try:
        domain.tree.resolve(dn)
    except errors.Refused as refusal:
        if refusal.code != 32:
            raise
        named = b"organizationalUnit" if kind.upper() == "OU" else b"container"
        operations.add(domain, Add(dn, (("objectClass", (named,)),)), trusted=True)


def _is_plain(name: str) -> bool:
    attribute = schema.attribute(name)
    if name in ("cn", "ou", "objectCategory") or attribute.syntax in ("link", "back"):
        return False
    return Flag.SYSTEM not in attribute.flags


def _words(refusal: errors.Refused) -> str:
    return " ".join(refusal.text.replace("\0", "").split()) or f"LDAP result {refusal.code}"


def _wire(attribute: Attribute, value: Any, dn: str) -> tuple[bytes, ...]:
    values = value if isinstance(value, list | tuple) else () if value is None else (value,)
    try:
        return tuple(_wire_value(attribute, one) for one in values)
    except (ValueError, TypeError, binascii.Error):
        raise ValueError(f"{dn}: {attribute.name} cannot hold this value") from None


def _wire_value(attribute: Attribute, value: Any) -> bytes:
    if isinstance(value, bool):
        return b"TRUE" if value else b"FALSE"
    if isinstance(value, int):
        return b"%d" % value
    if not isinstance(value, str):
        raise TypeError
    if attribute.name == "unicodePwd":
        return f'"{value.strip(chr(34))}"'.encode("utf-16-le")
    if attribute.name == "objectGUID":
        return guid_bytes(value)
    if attribute.syntax == "octets":
        return base64.b64decode(value, validate=True)
    return value.encode()
