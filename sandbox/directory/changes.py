"""Changing the values of one entry: what each attribute takes, and what it answers when not."""

from __future__ import annotations

from sandbox.directory import accounts, errors, schema
from sandbox.directory.domain import Domain
from sandbox.directory.messages import Change
from sandbox.directory.schema import Attribute, Flag
from sandbox.directory.tree import Entry

_ADD, _DELETE, _REPLACE = 0, 1, 2

# Multi-valued in the schema, but the account database keeps one.
_SINGLE_ON_ACCOUNTS = frozenset({"description"})

_PRIMARY_RID = 4


class Edit:
    """The changes of one operation, made on `entry` in place.

    permissive  adding what is there and removing what is not are no errors
    trusted     the sandbox's owner writes: system attributes may be set
    Raises Refused from every method.
    """

    def __init__(self, domain: Domain, entry: Entry, *, permissive: bool, trusted: bool) -> None:
        self._domain = domain
        self._entry = entry
        self._kind = entry.kind
        self._permissive = permissive
        self._trusted = trusted
        self._old_password: str | None = None
        self.password: str | None = None
        """The new password in clear, when one was set."""
        self.named: frozenset[str] = frozenset()
        """The attributes that were named so far."""

    def apply(self, change: Change) -> None:
        """Make one change."""
        attribute = schema.attribute(change.attribute.partition(";")[0])
        self._check_writable(attribute)
        self.named |= {attribute.name}
        if attribute.name == "unicodePwd":
            self._set_password(change)
        elif attribute.syntax == "link":
            self._link(attribute, change)
        else:
            self._plain(attribute, change)

    def finish(self) -> None:
        """After the last change of a modify."""
        if self._old_password is None:
            return
        if self.password is None:
            raise errors.service(0x1F)
        if not accounts.opens(self._entry, self._old_password):
            number = schema.attribute("unicodePwd").number
            raise errors.attribute(19, 0x56, 1005, "unicodePwd", number)

    def _check_writable(self, attribute: Attribute) -> None:
        if not schema.allowed(attribute, self._kind):
            raise errors.update(65, 0x207D, 6002)
        if attribute.name in ("cn", "ou", "dc", "name"):
            raise errors.update(67, 0x2016, 6004)
        if attribute.name == "objectClass":
            raise errors.service(0x20B1, 69)
        if attribute.syntax == "back" or Flag.CONSTRUCTED in attribute.flags:
            raise errors.service(0x2077)
        if attribute.name == "objectCategory" or (
            Flag.SYSTEM in attribute.flags and not self._trusted
        ):
            raise errors.service(0x209A)

    def _set_password(self, change: Change) -> None:
        if change.how == _DELETE and len(change.values) == 1:
            self._old_password = accounts.clear_password(change.values[0])
            return
        if len(change.values) != 1 or change.how == _DELETE:
            raise errors.service(0x1F)
        self.password = accounts.clear_password(change.values[0])

    def _plain(self, attribute: Attribute, change: Change) -> None:
        held = self._entry.attributes.get(attribute.name, ())
        for value in change.values if change.how != _DELETE else ():
            attribute.check(value)
        if change.how == _REPLACE:
            after = self._replaced(attribute, change.values)
        elif change.how == _ADD:
            after = self._added(attribute, held, change.values)
        else:
            after = self._removed(attribute, held, change.values)
        single = attribute.single or (self._kind in "ug" and attribute.name in _SINGLE_ON_ACCOUNTS)
        if single and len(after) > 1:
            raise errors.attribute(19, 0x2081, 1005, attribute.name, attribute.number)
        if after:
            self._entry.attributes[attribute.name] = after
        else:
            self._entry.attributes.pop(attribute.name, None)

    def _replaced(self, attribute: Attribute, values: tuple[bytes, ...]) -> tuple[bytes, ...]:
        if len({attribute.key(value) for value in values}) != len(values):
            raise errors.attribute(20, 0x2083, 1006, attribute.name, attribute.number)
        held = self._entry.attributes.get(attribute.name, ())
        return held if set(held) == set(values) else values

    def _added(
        self, attribute: Attribute, held: tuple[bytes, ...], values: tuple[bytes, ...]
    ) -> tuple[bytes, ...]:
        if not values:
            raise errors.conversion(21)
        keys = {attribute.key(value) for value in held}
        fresh = []
        for value in values:
            key = attribute.key(value)
            if key in keys:
                if self._permissive:
                    continue
                raise errors.attribute(20, 0x2083, 1006, attribute.name, attribute.number)
            keys.add(key)
            fresh.append(value)
        return (*held, *fresh)

    def _removed(
        self, attribute: Attribute, held: tuple[bytes, ...], values: tuple[bytes, ...]
    ) -> tuple[bytes, ...]:
        keys = {attribute.key(value): value for value in held}
        absent = not held
        for value in values:
            try:
                absent = keys.pop(attribute.key(value), None) is None or absent
            except ValueError:
                raise errors.conversion(21) from None
        if absent and not self._permissive:
            raise errors.attribute(16, 0x2085, 1001, attribute.name, attribute.number)
        return tuple(keys.values()) if values else ()

    # -- links

    def _link(self, attribute: Attribute, change: Change) -> None:
        held = self._entry.links.get(attribute.name, ())
        targets = [self._target(attribute, value) for value in change.values]
        after: tuple[bytes, ...]
        if change.how == _REPLACE:
            after = tuple(dict.fromkeys(targets))
            after = held if set(after) == set(held) else after
        elif change.how == _ADD:
            after = self._linked(attribute, held, targets)
        else:
            after = self._unlinked(attribute, held, targets)
        if attribute.single and len(after) > 1:
            raise errors.attribute(19, 0x2081, 1005, attribute.name, attribute.number)
        if after:
            self._entry.links[attribute.name] = after
        else:
            self._entry.links.pop(attribute.name, None)

    def _target(self, attribute: Attribute, value: bytes) -> bytes:
        """The GUID that a DN stands for."""
        try:
            target = self._domain.tree.resolve(value.decode("utf-8", "replace"))
        except errors.Refused as refusal:
            if refusal.code not in (32, 10):
                raise errors.conversion(21, 0x2032) from None
            if attribute.name == "member":
                raise errors.name(32, 0x525, 2001) from None
            raise errors.attribute(19, 0x20B5, 1005, attribute.name, attribute.number) from None
        if attribute.name == "member" and (
            "objectSid" not in target.attributes and target.kind != "c"
        ):
            raise errors.service(0x56C)
        return target.guid

    def _linked(
        self, attribute: Attribute, held: tuple[bytes, ...], targets: list[bytes]
    ) -> tuple[bytes, ...]:
        known = _Held(self._domain, attribute.name, self._entry.guid, held)
        fresh: list[bytes] = []
        for target in targets:
            if target in known or target in fresh or self._is_primary(attribute, target):
                if self._permissive:
                    continue
                if attribute.name == "member":
                    raise errors.update(68, 0x562, 6005)
                raise errors.attribute(20, 0x2083, 1006, attribute.name, attribute.number)
            fresh.append(target)
        return (*held, *fresh)

    def _unlinked(
        self, attribute: Attribute, held: tuple[bytes, ...], targets: list[bytes]
    ) -> tuple[bytes, ...]:
        if not targets:
            if not held and not self._permissive:
                raise errors.attribute(16, 0x2085, 1001, attribute.name, attribute.number)
            return ()
        unwanted = set(targets)
        known = _Held(self._domain, attribute.name, self._entry.guid, held)
        if not all(target in known for target in unwanted) and not self._permissive:
            if attribute.name == "member":
                raise errors.service(0x561)
            raise errors.attribute(16, 0x2085, 1001, attribute.name, attribute.number)
        return tuple(guid for guid in held if guid not in unwanted)

    def _is_primary(self, attribute: Attribute, target: bytes) -> bool:
        """Whether this is the target's primary group, in which it is without a link."""
        sid = self._entry.one("objectSid")
        if attribute.name != "member" or sid is None:
            return False
        rid = int.from_bytes(sid[-_PRIMARY_RID:], "little")
        return self._domain.tree.entries[target].number("primaryGroupID") == rid


class _Held:
    """The links that an entry has, some of them perhaps by an earlier change of the same
    operation. Groups are large: the tree knows who is in without a look at all members."""

    def __init__(self, domain: Domain, name: str, source: bytes, held: tuple[bytes, ...]) -> None:
        stored = domain.tree.entries.get(source)
        same = stored is not None and stored.links.get(name, ()) is held
        self._known = None if same else set(held)
        self._tree, self._name, self._source = domain.tree, name, source

    def __contains__(self, target: object) -> bool:
        if self._known is not None:
            return target in self._known
        return isinstance(target, bytes) and self._tree.linked(self._name, self._source, target)
