"""Members of groups, which are rows: what a message says of them, and how they are shown.

A resource type whose schema marks an attribute `"rows": "members"` keeps its values apart
from the document (`store/members.py`); `"rows": "groups"` is computed from them when read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from scim.bodies import encode
from scim.errors import invalid_value
from scim.schema import Registry, ResourceType
from store import members, resources
from store.json_text import parse
from store.members import Member
from store.resources import Resource

_MOST_AT_ONCE = 24
"""Bits: members of a later version come behind those of an earlier one."""


@dataclass
class Change:
    """What is to become of a group's members: first `remove`, then `add`, by id.

    `everyone`: all who are in it now go first; `whole` is then the new list.
    """

    add: dict[str, dict[str, Any]] = field(default_factory=dict)
    remove: set[str] = field(default_factory=set)
    everyone: bool = False

    def adding(self, values: Iterable[Mapping[str, Any]]) -> None:
        """These shall be members."""
        for value in values:
            id = _id_of(value)
            self.remove.discard(id)
            self.add.setdefault(id, dict(value))

    def removing(self, ids: Iterable[str]) -> None:
        """These shall not."""
        for id in ids:
            self.add.pop(id, None)
            self.remove.add(id)

    def emptying(self) -> None:
        """Nobody shall be."""
        self.add.clear()
        self.remove.clear()
        self.everyone = True


@dataclass(frozen=True)
class Settled:
    """What a change really changes: members as their JSON values."""

    added: list[Member] = field(default_factory=list)
    removed: list[Member] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


class Groups:
    """Reads and writes the rows for one server. `base` is the public address of /scim/v2."""

    def __init__(self, registry: Registry, base: str) -> None:
        self._base = base
        self._endpoints = {kind.name: kind.endpoint for kind in registry.types.values()}

    def settle(
        self,
        tx: Connection,
        source: str,
        group: int,
        change: Change,
        coming: Mapping[str, str] = MappingProxyType({}),
    ) -> Settled:
        """`change` without what is so already; `group` is 0 for a new one, and `coming`
        gives the type of resources that are about to be stored, by id."""
        wanted = list(change.add)
        if change.everyone:
            before = {one.id: one for one in members.of(tx, group)} if group else {}
            here, gone = set(before), [one for id, one in before.items() if id not in change.add]
        else:
            here = members.present(tx, group, wanted) if group and wanted else set()
            leaving = members.present(tx, group, list(change.remove)) if group else set()
            gone = [Member(id) for id in sorted(leaving)]
        fresh = [id for id in wanted if id not in here or id in change.remove]
        kinds = {**resources.types_of(tx, source, fresh), **coming}
        added = [Member(id, kinds.get(id), _display(change.add[id])) for id in fresh]
        return Settled(added, gone)

    def store(self, tx: Connection, group: int, settled: Settled, version: int) -> None:
        """Write what `settle` found; `version` is the group's from now on."""
        members.remove(tx, group, (one.id for one in settled.removed))
        members.add(tx, group, settled.added, version << _MOST_AT_ONCE)

    def regrouped(
        self, tx: Connection, group: int, settled: Settled, *, everybody: bool
    ) -> list[str]:
        """Whose groups are others after that: with `everybody` those of all who are in it."""
        there = members.of(tx, group) if everybody else ()
        return list(dict.fromkeys(one.id for one in (*settled.added, *settled.removed, *there)))

    def values(self, found: Iterable[Member]) -> list[dict[str, Any]]:
        """Members as JSON values."""
        return [self._value(one) for one in found]

    def _value(self, one: Member) -> dict[str, Any]:
        value: dict[str, Any] = {"value": one.id}
        if one.kind in self._endpoints:
            value["$ref"] = f"{self._base}{self._endpoints[one.kind]}/{one.id}"
            value["type"] = one.kind
        if one.display is not None:
            value["display"] = one.display
        return value

    def shown(self, conn: Connection, kind: ResourceType, found: Resource) -> dict[str, Any]:
        """What rows say of a resource: its members, and the groups that it is in."""
        said: dict[str, Any] = {}
        if kind.members is not None:
            listed = self.values(members.of(conn, found.seq))
            if listed:
                said[kind.members.name] = listed
        if kind.groups is not None and found.grouped:
            above = members.groups_of(conn, found.id)
            if above:
                said[kind.groups.name] = [self._group(*row) for row in above]
        return said

    def has_rows(self, kind: ResourceType, found: Resource) -> bool:
        """Whether rows may say something of a resource."""
        return kind.members is not None or (kind.groups is not None and found.grouped)

    def text(self, conn: Connection, kind: ResourceType, found: Resource) -> str:
        """`shown` as the JSON text of members of an object, without braces."""
        if not self.has_rows(kind, found):
            return ""
        return encode(self.shown(conn, kind, found))[1:-1]

    def _group(self, id: str, document: str, direct: bool) -> dict[str, Any]:
        content = parse(document)
        kind = content.get("meta", {}).get("resourceType")
        value = {"value": id, "$ref": f"{self._base}{self._endpoints.get(kind, '')}/{id}"}
        if name := content.get("displayName"):
            value["display"] = name
        value["type"] = "direct" if direct else "indirect"
        return value


def said_of_all(kind: ResourceType, content: dict[str, Any]) -> Change:
    """The members that a whole resource names, taken out of `content`."""
    change = Change()
    change.emptying()
    if kind.members is not None:
        change.adding(content.pop(kind.members.name, None) or ())
    return change


def listed(kind: ResourceType, change: Change) -> dict[str, Any]:
    """The members that a change adds, as they stand in a resource."""
    return {kind.members.name: list(change.add.values())} if kind.members and change.add else {}


def difference(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Change:
    """The change that leads from one list of members to another."""
    change = Change()
    old, new = {_id_of(value) for value in before}, {_id_of(value) for value in after}
    change.removing(old - new)
    change.adding(value for value in after if _id_of(value) not in old)
    shown = {_id_of(value): value.get("display") for value in before}
    for value in after:
        id = _id_of(value)
        if id in old and value.get("display") != shown[id]:  # named anew: out and in again
            change.remove.add(id)
            change.add[id] = dict(value)
    return change


def _id_of(value: Mapping[str, Any]) -> str:
    id = value.get("value")
    if not isinstance(id, str) or not id or len(id) > resources.MAX_VALUE:
        raise invalid_value("members: every member has a value, the id of a resource.")
    return id


def _display(value: Mapping[str, Any]) -> str | None:
    name = value.get("display")
    return name if isinstance(name, str) else None
