"""A whole record from a client that knows only its own keys: stored under its externalId,
whether it is new or not, and what it does not say of a resource that is there is kept.

Of a list whose values have types, those of the types that are said are replaced, and a
value that has parts keeps the parts that are not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from scim.drafts import Outcomes
from scim.errors import invalid_value
from scim.groups import Change
from scim.listener import Spoken
from scim.names import NAME, has_formatted
from scim.operations import Work as Operations
from scim.patch import Outcome
from scim.profiles import HR, Profile
from scim.schema import UNKNOWN, Attribute, ResourceType, Schema
from scim.service import Client, Service, Work, Written
from scim.shape import Shaper
from scim.target import parse
from scim.versions import Precondition
from store import resources


def storing(service: Service, client: Client, record: Record) -> Work:
    """Create the resource with the externalId of `record`, or merge that into it.

    Raises ScimError 400, and 400 and 409 in the work.
    """
    kind, always = record.kind, Precondition(None)

    def onto(id: str) -> Outcomes:
        return lambda held, _: (record.onto(id, held), Change())

    # Most of the work is done here, before others have to wait for us.
    known = service.known(client, kind, record.key)
    if known is None:
        ahead = record.creating(service, client)
    else:
        ahead = service.changing(client, kind, known, always, onto(known))

    def work(tx: Connection) -> Written:
        held = resources.by_key(tx, client.source, kind.name, "externalId", record.key)
        if (held.id if held else None) == known:
            return ahead(tx)
        if held is None:
            return record.creating(service, client)(tx)
        return service.change(tx, client, kind, held.id, always, onto(held.id))

    return work


class Record:
    """What a client says of one resource, of a type without members. `said` holds its
    attributes in their canonical spelling, `key` is its externalId. null, and read loosely "",
    say nothing, or with `clear` that the attribute is empty. Raises ScimError 400 for what is
    no record."""

    def __init__(
        self, kind: ResourceType, profile: Profile, body: Mapping[str, Any], *, clear: bool = False
    ) -> None:
        self.kind = kind
        self._profile = profile
        shaper = Shaper(kind, profile)
        self.said = shaper.document(body)
        self.key = str(self.said.get("externalId") or "")
        if not self.key:
            raise invalid_value("externalId: a value is required; it says whose record this is.")
        if not clear:
            shaper.emptied.clear()  # null said nothing
        self._shaper = shaper

    def creating(self, service: Service, client: Client) -> Work:
        """The work of creating the resource. Raises ScimError 400, and 409 in the work."""
        return service.creating_from(client, self._shaper, dict(self.said))

    def onto(self, id: str, held: dict[str, Any]) -> Outcome:
        """What becomes of the content `held` of the resource `id`; `held` is changed."""
        work = Operations(self.kind, self._profile, id, held)
        for path in sorted(self._shaper.emptied):
            work.remove(parse(self.kind, path, HR), None, missing_ok=True)
        content = work.content
        for name, value in self.said.items():
            schema = self.kind.extension(name)
            if isinstance(value, dict) and (schema is not None or ":" in name):
                content[name] = _merged(schema, content.get(name) or {}, value)
            else:
                _put(content, name, self.kind.attribute(name), value)
        emptied = self._shaper.emptied
        formatted, spoken = (
            has_formatted(self.said.get(NAME)),
            Spoken(self.said, frozenset(emptied)),
        )
        named = set(self._shaper.named)
        return Outcome(content, set(emptied), named, formatted, lambda: spoken)


def _merged(
    schema: Schema | None, held: Mapping[str, Any], said: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of an extension."""
    content = dict(held)
    for name, value in said.items():
        _put(content, name, schema.attribute(name) if schema else None, value)
    return content


def _put(holder: dict[str, Any], name: str, known: Attribute | None, value: Any) -> None:
    attribute = known or Attribute(name, UNKNOWN)
    if known is None:  # kept as some client once wrote it
        name = next((key for key in holder if key.lower() == name.lower()), name)
    before = holder.get(name)
    if attribute.multi_valued and isinstance(value, list) and isinstance(before, list):
        value = _by_type(before, value)
    elif attribute.type == "complex" and isinstance(value, dict) and isinstance(before, dict):
        value = _parts(before, value)
    holder[name] = value


def _by_type(before: list[Any], said: list[Any]) -> list[Any]:
    """A list in which the values of the types that are said are those said."""
    if not all(isinstance(item, dict) for item in (*before, *said)):
        return said
    fresh: dict[str, list[dict[str, Any]]] = {}
    for item in said:
        fresh.setdefault(_type(item), []).append(item)
    old = {kind: [item for item in before if _type(item) == kind] for kind in fresh}
    for kind, items in fresh.items():
        if len(items) == len(old[kind]) == 1:
            items[0] = _parts(old[kind][0], items[0])
    if any(item.get("primary") is True for item in said):
        before = [
            {**item, "primary": False} if item.get("primary") and _type(item) not in fresh else item
            for item in before
        ]
    merged: list[Any] = []
    for item in before:
        merged += fresh.pop(_type(item), []) if _type(item) in old else [item]
    return merged + [item for items in fresh.values() for item in items]


def _type(item: Mapping[str, Any]) -> str:
    return str(item.get("type") or "").lower()


def _parts(before: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """One value with the parts that are not said; what was said of another value is gone."""
    if "value" in said and said["value"] != before.get("value"):
        before = {name: before[name] for name in ("type", "primary") if name in before}
    return {**before, **said}
