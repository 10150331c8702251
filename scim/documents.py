"""Whole resources: how they are stored and sent, and what a change leaves of the old one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from scim.bodies import encode
from scim.errors import immutable
from scim.folding import fold
from scim.paths import container, elements, join
from scim.profiles import Profile
from scim.schema import Attribute, ResourceType
from scim.target import is_empty
from store.clocks import iso
from store.resources import MAX_VALUE, Resource

ENVELOPE = ("schemas", "id", "meta")  # what the server alone says
MAX_KEY = MAX_VALUE
"""Characters of a unique value."""
_MAX_CLEARED = 500
_META = ',"meta":{'


def whole(
    kind: ResourceType,
    id: str,
    content: Mapping[str, Any],
    created: float,
    modified: float,
    version: int,
) -> dict[str, Any]:
    """The document to store. `meta` goes last, so that `rendered` can add the location."""
    meta = {
        "resourceType": kind.name,
        "created": iso(created),
        "lastModified": iso(modified),
        "version": f'W/"{version}"',
    }
    used = [urn for urn in content if ":" in urn and isinstance(content[urn], dict)]
    return {"schemas": [kind.schema.id, *used], "id": id, **content, "meta": meta}


def restamped(document: str, modified: float, version: int) -> str:
    """The stored text with another version and time: what its rows say has changed."""
    at = document.rindex(_META)
    meta = json.loads(document[at + len(_META) - 1 : -1])
    meta["lastModified"] = iso(modified)
    meta["version"] = f'W/"{version}"'
    return f"{document[: at + len(_META) - 1]}{encode(meta)}}}"


def rendered(kind: ResourceType, found: Resource, base: str, rows: str = "") -> str:
    """The JSON text of a resource as it is sent; `base` is the public address of /scim/v2,
    `rows` the text of a member that is not stored in the document, such as `"groups":[]`."""
    text = found.document
    if rows:
        at = text.rindex(_META)
        text = f"{text[:at]},{rows}{text[at:]}"
    return f'{text[:-2]},"location":{encode(location(kind, found, base))}}}}}'


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
    return str(value) if kind.key and kind.key.case_exact else fold(str(value))


def carried_over(
    kind: ResourceType, profile: Profile, before: Mapping[str, Any], sent: dict[str, Any]
) -> dict[str, Any]:
    """A full PUT, with what it cannot take away carried over from before: what the profile
    keeps, immutable values, and what only the server sets."""
    content = dict(sent)
    for extension, attribute in _places(kind):
        name = attribute.name
        sticky = join(extension, attribute) in profile.sticky
        if not sticky and attribute.mutability not in ("immutable", "readOnly"):
            continue
        value = container(before, extension).get(name)
        if value is None or container(content, extension).get(name) is not None:
            continue
        if extension is None:
            content[name] = value
        else:
            content[extension] = {**content.get(extension, {}), name: value}
    return content


def still_cleared(
    kind: ResourceType, content: Mapping[str, Any], paths: Iterable[str]
) -> frozenset[str]:
    """The paths of `paths` at which there is still no value."""
    sound = sorted(path for path in paths if len(path) <= MAX_KEY)
    return frozenset([path for path in sound if is_empty(kind, content, path)][:_MAX_CLEARED])


@cache
def _places(kind: ResourceType) -> tuple[tuple[str | None, Attribute], ...]:
    """Every attribute of a resource but what the envelope and the rows hold."""
    places: list[tuple[str | None, Attribute]] = [(None, a) for a in kind.core.values()]
    for schema in kind.extensions.values():
        places.extend((schema.id, attribute) for attribute in schema.attributes.values())
    return tuple((e, a) for e, a in places if a.name not in ENVELOPE and not a.rows)


@cache
def _immutable(kind: ResourceType) -> tuple[tuple[str | None, Attribute], ...]:
    return tuple(
        (extension, attribute)
        for extension, attribute in _places(kind)
        if attribute.mutability == "immutable"
        or any(sub.mutability == "immutable" for sub in attribute.subs.values())
    )


@cache
def _never(kind: ResourceType) -> tuple[tuple[str | None, Attribute, Attribute | None], ...]:
    found: list[tuple[str | None, Attribute, Attribute | None]] = []
    for extension, attribute in _places(kind):
        if attribute.returned == "never":
            found.append((extension, attribute, None))
        for sub in attribute.subs.values():
            if sub.returned == "never":
                found.append((extension, attribute, sub))
    return tuple(found)


def keep_immutable(kind: ResourceType, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Raise ScimError 400 mutability when an immutable value that was set is another.

    One that only is spelled in another way stays as it was, in `after`.
    """
    for extension, attribute in _immutable(kind):
        old = container(before, extension).get(attribute.name)
        holder: Any = container(after, extension)
        new = holder.get(attribute.name)
        if attribute.mutability == "immutable":
            if old is not None and not _matches(attribute, old, new):
                raise immutable(f"{attribute.name} cannot be changed once it is set.")
            if old is not None:
                holder[attribute.name] = old
        elif isinstance(old, dict) and isinstance(new, dict):
            for sub in attribute.subs.values():
                was = old.get(sub.name)
                if sub.mutability != "immutable" or was is None:
                    continue
                if not _matches(sub, was, new.get(sub.name)):
                    text = f"{attribute.name}.{sub.name}"
                    raise immutable(f"{text} cannot be changed once it is set.")
                new[sub.name] = was


def _matches(attribute: Attribute, old: Any, new: Any) -> bool:
    if isinstance(old, str) and isinstance(new, str) and not attribute.case_exact:
        return fold(old) == fold(new)
    return bool(old == new)


def without_never(kind: ResourceType, content: dict[str, Any]) -> dict[str, Any]:
    """Passwords and the like are taken and not kept: nothing here reads them."""
    for extension, attribute, sub in _never(kind):
        holder = content if extension is None else content.get(extension)
        if not isinstance(holder, dict):
            continue
        if sub is None:
            holder.pop(attribute.name, None)
            continue
        for item in elements(holder.get(attribute.name)):
            if isinstance(item, dict):
                item.pop(sub.name, None)
    return content
