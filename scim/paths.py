"""Attribute paths: `title`, `name.givenName`, `urn:...:User:manager.value` (RFC 7644 3.10).

A path is resolved against a resource type once; its canonical text names the attribute in
`cleared`. Value filters in brackets belong to `patch.py` and `filters.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from scim.schema import UNKNOWN, Attribute, ResourceType

_NAME = re.compile(r"[A-Za-z$][A-Za-z0-9_$-]*\Z")
# An extension nobody declared: its URN ends with a version and the name of the resource type.
_UNKNOWN_URN = re.compile(r"(urn:[^\s\[\]\"]*:\d+(?:\.\d+)*:[A-Za-z]+)(?:[:.](.+))?\Z", re.I)


class PathError(ValueError):
    """A path that is malformed or names nothing; the text is for the client."""


@dataclass(frozen=True)
class Path:
    """Where a value lives: `extension` is a URN or None for the core, `attribute` None means
    the extension as a whole, `sub` one sub-attribute."""

    extension: str | None
    attribute: Attribute | None
    sub: Attribute | None = None

    @cached_property
    def text(self) -> str:
        """The canonical spelling."""
        return join(self.extension, self.attribute, self.sub)

    @property
    def leaf(self) -> Attribute | None:
        """The attribute whose values the path selects."""
        return self.sub or self.attribute


def join(extension: str | None, attribute: Attribute | None, sub: Attribute | None = None) -> str:
    """The canonical text of a path."""
    if attribute is None:
        return extension or ""
    text = f"{extension}:{attribute.name}" if extension else attribute.name
    return f"{text}.{sub.name}" if sub else text


_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def resolve(kind: ResourceType, text: str, *, keep_unknown: bool, loosely: bool = False) -> Path:
    """The path that `text` spells on resources of `kind`, names in any case.

    With `keep_unknown` attributes and extensions that no schema declares are paths too.
    Read `loosely`, attributes of the enterprise extension need no URN: Entra says `manager`.
    Raises PathError.
    """
    read = _remembered if len(text) <= _MOST_REMEMBERED else _resolve
    return read(kind, text, keep_unknown, loosely)


def _resolve(kind: ResourceType, text: str, keep_unknown: bool, loosely: bool) -> Path:
    extension, rest = _split_urn(kind, text, keep_unknown)
    if rest is None:
        return Path(extension, None)
    name, dot, sub_name = rest.partition(".")
    for part in (name, sub_name) if dot else (name,):
        if not _NAME.match(part):
            raise PathError(f"{text[:200]!r} is not an attribute path")
    attribute = _attribute(kind, extension, name)
    if attribute is None and extension is None and loosely:
        attribute = _attribute(kind, _ENTERPRISE, name)
        extension = _ENTERPRISE if attribute else None
    if attribute is None:
        if not keep_unknown:
            raise PathError(f"no attribute {text[:200]!r}")
        attribute = Attribute(name, UNKNOWN)
    if not dot:
        return Path(extension, attribute)
    return Path(extension, attribute, sub_attribute(attribute, sub_name, keep_unknown))


# Clients spell the same few names all day.
_remembered = lru_cache(4096)(_resolve)
_MOST_REMEMBERED = 200


def sub_attribute(attribute: Attribute, name: str, keep_unknown: bool) -> Attribute:
    """The sub-attribute `name` of `attribute`; raises PathError."""
    sub = attribute.sub(name)
    if sub is None:
        if not (keep_unknown and attribute.type in ("complex", UNKNOWN)):
            raise PathError(f"{attribute.name} has no sub-attribute {name[:80]!r}")
        sub = Attribute(name, UNKNOWN)
    return sub


def _split_urn(kind: ResourceType, text: str, keep_unknown: bool) -> tuple[str | None, str | None]:
    if ":" not in text:
        return None, text
    folded = text.lower()
    for urn in (kind.schema.id.lower(), *kind.extensions):
        if folded.startswith(urn):
            rest = text[len(urn) :]
            if rest and rest[0] not in ":.":
                continue
            extension = kind.extension(urn)
            if extension is None and not rest:
                raise PathError(f"{text[:200]!r} names a schema, not an attribute")
            return (extension.id if extension else None), (rest[1:] or None)
    unknown = _UNKNOWN_URN.match(text) if keep_unknown else None
    if unknown is None:
        raise PathError(f"no schema for {text[:200]!r}")
    return unknown.group(1), unknown.group(2)


def _attribute(kind: ResourceType, extension: str | None, name: str) -> Attribute | None:
    if extension is None:
        return kind.attribute(name)
    schema = kind.extension(extension)
    return schema.attribute(name) if schema else None


def container(document: Mapping[str, Any], extension: str | None) -> Mapping[str, Any]:
    """The object that holds the attributes of `extension`, or the document for the core."""
    if extension is None:
        return document
    inner = document.get(extension)
    if inner is None:  # an extension nobody declared may be spelled in another case
        folded = extension.lower()
        inner = next((v for k, v in document.items() if k.lower() == folded), None)
    return inner if isinstance(inner, Mapping) else {}


def member(holder: Any, attribute: Attribute) -> Any:
    """The value of `attribute` in an object, or None. Undeclared names match in any case."""
    if not isinstance(holder, Mapping):
        return None
    value = holder.get(attribute.name)
    if value is None and attribute.type == UNKNOWN:
        folded = attribute.name.lower()
        value = next((v for k, v in holder.items() if k.lower() == folded), None)
    return value


def values(document: Mapping[str, Any], path: Path) -> Iterator[Any]:
    """Every value at `path`; a list gives its elements, a missing attribute nothing."""
    holder = container(document, path.extension)
    found = holder if path.attribute is None else member(holder, path.attribute)
    for element in elements(found):
        if path.sub is None:
            yield element
        else:
            yield from elements(member(element, path.sub))


def elements(value: Any) -> Iterator[Any]:
    """The elements of a list, a single value itself, nothing for null."""
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value
