"""What a client sent becomes what the schema describes: names, kinds of values, emptiness.

`Shaper` knows one resource type and one profile. It gives canonical names, drops what only
the server may set, and tells apart "not said" from "said to be empty": the latter's paths
are collected in `emptied`, those of attributes that are only returned on request in
`named`. Types are judged afterwards (`validation.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from scim.bodies import encode
from scim.errors import invalid_syntax, invalid_value
from scim.ordinary import DAY_WITH_MORE, DAY_WITH_OFFSET, take
from scim.paths import Path, PathError, join, resolve
from scim.profiles import Profile
from scim.schema import UNKNOWN, Attribute, ResourceType
from store.clocks import iso

_EMPTY: Any = object()  # unassigned: null, [], {} and, read loosely, "" (RFC 7643 section 2.5)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?\Z")  # what a float holds exactly enough
_MILLISECONDS = re.compile(r"(?:/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/|([0-9]{12,13}))\Z")
# Sub-attributes that say something about a value and are worth nothing without it.
_ABOUT = frozenset(("type", "primary", "display"))


class Shaper:
    """Shapes one message for resources of `kind` under `profile`."""

    def __init__(self, kind: ResourceType, profile: Profile) -> None:
        self.kind = kind
        self.profile = profile
        self.emptied: set[str] = set()
        self.named: set[str] = set()
        self._loosely = profile.read_loosely
        self._aliases = dict(profile.aliases)

    def document(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A whole resource without `schemas`, `id`, `meta` and all else that is read-only.

        Raises ScimError 400 for what the profile does not forgive.
        """
        self._named_schemas(body)
        content: dict[str, Any] = {}
        for key, value in take(self.kind, self._loosely, body, content):
            if key.lower() == "schemas":
                continue
            try:
                path = self._key(key)
            except PathError as error:
                self._stray(content, key, value, key, str(error))
            else:
                self._place(content, path, value)
        return content

    def value(self, path: Path, value: Any) -> Any:
        """A value for `path`, or None when it says that the path is empty."""
        shaped = self._at(path, value)
        return None if shaped is _EMPTY else shaped

    def _key(self, key: str) -> Path:
        """A member name of a whole resource. URNs with an attribute behind them and dotted
        names are read where unknown ones are kept: some clients put PATCH keys into bodies."""
        if self.profile.any_attribute:
            key = self._aliases.get(key.lower(), key)
            keep = ":" in key and self.profile.keep_unknown
            return resolve(self.kind, key, keep_unknown=keep, loosely=True)
        return _declared(self.kind, key)

    def _place(self, content: dict[str, Any], path: Path, value: Any) -> None:
        if path.attribute is not None and path.attribute.mutability == "readOnly":
            return
        shaped = self._at(path, value)
        if shaped is _EMPTY:
            return
        if path.attribute is None:
            self._put(content, path.text, shaped)
            return
        if path.sub is not None:
            if path.attribute.multi_valued:
                raise invalid_syntax(f"{path.text} names a value in a list without saying which.")
            shaped = {path.sub.name: shaped}
        if path.extension is None:
            self._put(content, path.attribute.name, shaped)
        else:
            self._put(content, path.extension, {path.attribute.name: shaped})

    def _stray(
        self, holder: dict[str, Any], name: str, value: Any, path: str | None, shown: str
    ) -> None:
        """What no schema declares: kept, passed over or refused."""
        if self.profile.keep_unknown:
            self._put(holder, name, self._unknown(value, path))
        elif not self.profile.drop_unknown:
            raise invalid_syntax(f"Unknown attribute: {shown}.")

    def _put(self, holder: dict[str, Any], name: str, value: Any) -> None:
        if value is _EMPTY:
            return
        if name in holder:
            value = self._together(name, holder[name], value, ":" if ":" in name else ".")
        holder[name] = value

    def _together(self, name: str, one: Any, other: Any, joint: str = ".") -> Any:
        """What two members of an object say of one attribute. They have no order (RFC 8259
        section 1): either may come first, and neither wins where they disagree."""
        if self.profile.any_attribute:
            if isinstance(one, dict) and isinstance(other, dict):
                both = {**one, **other}
                for key in one:
                    if key in other:
                        both[key] = self._together(f"{name}{joint}{key}", one[key], other[key])
                return both
            if json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True):
                return one
        raise invalid_syntax(f"{name[:200]} is there twice.")

    def _at(self, path: Path, value: Any) -> Any:
        if path.attribute is None:
            return self._extension(path, value)
        leaf = path.leaf
        assert leaf is not None
        return self._attribute(leaf, value, path.text)

    def _extension(self, path: Path, value: Any) -> Any:
        urn = path.extension or ""
        if value == {} or self._blank(value):
            return self._empty(urn)
        if not isinstance(value, dict):
            raise invalid_value(f"{urn}: an object is expected.")
        schema = self.kind.extension(urn)
        if schema is None:
            return self._unknown(value, urn)
        content: dict[str, Any] = {}
        for key, inner in take(schema, self._loosely, value, content):
            attribute = schema.attribute(key)
            if attribute is None and key.lower() == "schemas":
                continue  # some clients say in an extension which one it is
            if attribute is None:
                self._stray(content, key, inner, f"{urn}:{key}", f"{urn}:{key[:80]}")
            elif attribute.mutability != "readOnly":
                shaped = self._attribute(attribute, inner, join(urn, attribute))
                self._put(content, attribute.name, shaped)
        return content or _EMPTY

    def _attribute(self, attribute: Attribute, value: Any, path: str) -> Any:
        if attribute.returned == "request":
            self.named.add(path)
        if self._blank(value):
            return self._empty(path)
        if attribute.type == UNKNOWN:
            return self._unknown(value, path)
        if attribute.multi_valued:
            return self._list(attribute, value, path)
        if isinstance(value, list) and self._loosely and len(value) < 2:
            return self._attribute(attribute, value[0] if value else None, path)
        if attribute.type != "complex" and self.profile.unwrap and _is_wrapped(value):
            return self._attribute(attribute, value["value"], path)
        return self._single(attribute, value, path)

    def _list(self, attribute: Attribute, value: Any, path: str) -> Any:
        if not isinstance(value, list):
            if not self._loosely:
                raise invalid_value(f"{path}: a list is expected.")
            value = [value]
        shaped = []
        for item in value:
            one = _EMPTY if self._blank(item) else self._single(attribute, item, path, element=True)
            if one is not _EMPTY:
                shaped.append(one)
        if len(shaped) > 1:
            found: dict[Any, Any] = {}
            for one in shaped:
                found.setdefault(identity(one), one)
            shaped = list(found.values())
            self._one_primary(attribute, shaped, path)
        return shaped or self._empty(path)

    def _one_primary(self, attribute: Attribute, items: list[Any], path: str) -> None:
        """RFC 7643 section 2.4: `primary` is true at most once."""
        if attribute.sub("primary") is None:
            return
        primary = [item for item in items if item.get("primary") is True]
        if len(primary) < 2:
            return
        if not self._loosely:
            raise invalid_value(f"{path}: more than one value is primary.")
        for item in primary[1:]:
            item["primary"] = False

    def _single(self, attribute: Attribute, value: Any, path: str, *, element: bool = False) -> Any:
        if attribute.type != "complex":
            return self._simple(attribute, value)
        if not isinstance(value, dict):
            bare = self._loosely and isinstance(value, str | int | float)
            if not bare or attribute.sub("value") is None:
                raise invalid_value(f"{path}: an object is expected.")
            value = {"value": value}
        content: dict[str, Any] = {}
        empty: list[Attribute] = []
        for key, inner in take(attribute, self._loosely, value, content):
            sub = attribute.sub(key)
            if sub is None:
                self._stray(content, key, inner, None, f"{path}.{key[:80]}")
            elif sub.mutability != "readOnly":
                shaped = self._attribute(sub, inner, f"{path}.{sub.name}" if not element else "")
                if shaped is _EMPTY:
                    empty.append(sub)
                self._put(content, sub.name, shaped)
        if element:
            return self._element(attribute, content, empty, path)
        if content:
            return content
        # `{}`, or a reference such as a manager without its value: the whole is empty.
        whole = not value or any(sub.name == "value" for sub in empty)
        return self._empty(path) if whole else _EMPTY

    def _element(
        self, attribute: Attribute, content: dict[str, Any], empty: list[Attribute], path: str
    ) -> Any:
        """One object of a list. Emptied sub-attributes are recorded by the value's type."""
        kind = content.get("type")
        if empty and isinstance(kind, str):
            for sub in empty:
                self.emptied.add(f"{path}[type eq {encode(kind)}].{sub.name}")
        if self._loosely and empty and content.keys() <= _ABOUT:
            return _EMPTY
        return content or _EMPTY

    def _blank(self, value: Any) -> bool:
        """Null; read loosely, also text of nothing but blanks."""
        if value is None:
            return True
        return self._loosely and isinstance(value, str) and not value.strip()

    def _empty(self, path: str) -> Any:
        if path and path not in self.profile.sticky:
            self.emptied.add(path)
        return _EMPTY

    def _unknown(self, value: Any, path: str | None) -> Any:
        """A value no schema describes: kept, trimmed, without nulls."""
        if self._blank(value):
            return self._empty(path or "")
        if isinstance(value, str):
            return self._text(value) if self._loosely else value
        if isinstance(value, list):
            kept = [self._unknown(item, None) for item in value]
            return [item for item in kept if item is not _EMPTY] or self._empty(path or "")
        if isinstance(value, dict):
            inner: dict[str, Any] = {}
            for key, item in value.items():
                self._put(inner, key, self._unknown(item, f"{path}.{key}" if path else None))
            return inner or self._empty(path or "")
        return value

    def _text(self, value: str) -> str:
        trimmed = value.strip()
        day = DAY_WITH_OFFSET.match(trimmed)
        return day.group(1) if day else trimmed

    def _simple(self, attribute: Attribute, value: Any) -> Any:
        if not self._loosely:
            return value
        if attribute.type == "boolean":
            return _boolean(value)
        if attribute.type in ("integer", "decimal"):
            return _number(attribute, value)
        if isinstance(value, bool):
            value = "true" if value else "false"
        elif isinstance(value, int | float):
            value = str(value)
        if not isinstance(value, str):
            return value
        text = self._text(value)
        if attribute.format == "date" and (day := DAY_WITH_MORE.match(text)):
            return day.group(1)
        if attribute.type == "dateTime":
            return _instant(text)
        for canonical in attribute.canonical_values:
            if canonical.lower() == text.lower():
                return canonical
        return text

    def _named_schemas(self, body: Mapping[str, Any]) -> None:
        if self.profile.any_attribute:
            return
        said = [value for key, value in body.items() if key.lower() == "schemas"]
        if len(said) > 1:
            raise invalid_syntax("schemas is there twice.")
        self.schemas(said[0] if said else None)

    def schemas(self, named: Any, *, whole: bool = True) -> None:
        """`schemas` is derived from what a resource holds; strict clients must get it right.

        `whole`: it is all that the resource has, and so names the schema of its type.
        Raises ScimError 400.
        """
        if self.profile.any_attribute:
            return
        if not isinstance(named, list) or not all(isinstance(urn, str) for urn in named):
            raise invalid_syntax("schemas: a list of schema URIs is required.")
        known = {self.kind.schema.id.lower(), *self.kind.extensions}
        for urn in named:
            if urn.lower() not in known:
                raise invalid_syntax(f"schemas: {urn[:200]} is not a schema of {self.kind.name}.")
        if whole and self.kind.schema.id.lower() not in (urn.lower() for urn in named):
            raise invalid_syntax(f"schemas: {self.kind.schema.id} is missing.")


@lru_cache(4096)
def _declared(kind: ResourceType, key: str) -> Path:
    """An attribute or an extension by the whole of its name. Raises PathError."""
    extension = kind.extension(key)
    attribute = kind.attribute(key)
    if extension is None and attribute is None:
        raise PathError(f"no attribute {key[:200]!r}")
    return Path(extension.id if extension else None, attribute)


def identity(value: Any) -> tuple[str, ...]:
    """Elements of a list that are one have the same: they are equal, or of equal type and
    value."""
    if isinstance(value, dict):
        own = value.get("value")
        if isinstance(own, str):
            return "value", own, str(value.get("type", "")).lower()
    return "whole", json.dumps(value, sort_keys=True)


def _is_wrapped(value: Any) -> bool:
    """`{"$ref": null, "value": "x"}`"""
    return isinstance(value, dict) and "value" in value and value.keys() <= {"value", "$ref"}


def _boolean(value: Any) -> Any:
    if isinstance(value, str):
        return _BOOLEANS.get(value.strip().lower(), value)
    if value in (0, 1):
        return bool(value)
    return value


def _instant(text: str) -> str:
    """As ISO 8601 what OData writes as milliseconds since 1970; anything else as it is."""
    match = _MILLISECONDS.match(text)
    try:
        return iso(int(match[1] or match[2]) / 1000) if match else text
    except (ValueError, OverflowError):
        return text


def _number(attribute: Attribute, value: Any) -> Any:
    if isinstance(value, str):
        if not _NUMBER.match(value.strip()):
            return value
        value = float(value)
    if isinstance(value, float) and value.is_integer() and attribute.type == "integer":
        return int(value)
    return value
