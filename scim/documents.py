"""Whole resources: how they are stored and sent, and what a change leaves of the old one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from scim.bodies import encode
from scim.errors import immutable
from scim.paths import PathError, container, resolve
from scim.profiles import Profile
from scim.schema import Attribute, ResourceType
from scim.target import is_empty
from store.clocks import iso
from store.resources import Resource

ENVELOPE = ("schemas", "id", "meta")  # what the server alone says
MAX_KEY = 500  # characters of a unique value: more does not fit an index entry everywhere
_MAX_CLEARED = 500


def stored(
    kind: ResourceType,
    id: str,
    content: Mapping[str, Any],
    created: float,
    modified: float,
    version: int,
) -> str:
    """The stored text. `meta` goes last, so that `rendered` can add the location to it."""
    meta = {
        "resourceType": kind.name,
        "created": iso(created),
        "lastModified": iso(modified),
        "version": f'W/"{version}"',
    }
    used = [urn for urn in content if ":" in urn and isinstance(content[urn], dict)]
    whole = {"schemas": [kind.schema.id, *used], "id": id, **content, "meta": meta}
    return encode(whole)


def rendered(kind: ResourceType, found: Resource, base: str) -> str:
    """The JSON text of a resource as it is sent; `base` is the public address of /scim/v2."""
    return f'{found.document[:-2]},"location":{encode(location(kind, found, base))}}}}}'


def location(kind: ResourceType, found: Resource, base: str) -> str:
    """The address of a resource."""
    return f"{base}{kind.endpoint}/{found.id}"


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two contents are equal as JSON: to Python alone, 1 is True."""
    if one != other:
        return False
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def user_key(kind: ResourceType, content: Mapping[str, Any]) -> str | None:
    value = content.get(kind.key.name) if kind.key else None
    if value is None:
        return None
    return str(value) if kind.key and kind.key.case_exact else str(value).casefold()


def carried_over(
    kind: ResourceType, profile: Profile, before: Mapping[str, Any], sent: dict[str, Any]
) -> dict[str, Any]:
    """A full PUT, with what the profile never takes away carried over from before."""
    content = dict(sent)
    for text in profile.sticky:
        try:
            path = resolve(kind, text, keep_unknown=False)
        except PathError:
            continue  # a key of another resource type
        assert path.attribute is not None
        name = path.attribute.name
        value = container(before, path.extension).get(name)
        if value is None or container(content, path.extension).get(name) is not None:
            continue
        if path.extension is None:
            content[name] = value
        else:
            content[path.extension] = {**content.get(path.extension, {}), name: value}
    return content


def still_cleared(
    kind: ResourceType, content: Mapping[str, Any], paths: Iterable[str]
) -> frozenset[str]:
    """The paths of `paths` at which there is still no value."""
    sound = sorted(path for path in paths if len(path) <= MAX_KEY)
    return frozenset([path for path in sound if is_empty(kind, content, path)][:_MAX_CLEARED])


def _places(kind: ResourceType) -> list[tuple[str | None, Attribute]]:
    places: list[tuple[str | None, Attribute]] = [(None, a) for a in kind.core.values()]
    for schema in kind.extensions.values():
        places.extend((schema.id, attribute) for attribute in schema.attributes.values())
    return places


def refuse_immutable(
    kind: ResourceType, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    for extension, attribute in _places(kind):
        if attribute.mutability == "immutable":
            old = container(before, extension).get(attribute.name)
            if old is not None and container(after, extension).get(attribute.name) != old:
                raise immutable(f"{attribute.name} cannot be changed once it is set.")


def without_never(kind: ResourceType, content: dict[str, Any]) -> dict[str, Any]:
    """Passwords and the like are taken and not kept: nothing here reads them."""
    for extension, attribute in _places(kind):
        if attribute.returned == "never":
            holder = content if extension is None else content.get(extension)
            if isinstance(holder, dict):
                holder.pop(attribute.name, None)
    return content
