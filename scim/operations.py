"""PATCH operations at work on a copy of a resource (RFC 7644 sections 3.5.2.1 to 3.5.2.3)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from scim.errors import ScimError, immutable, invalid_value, no_target
from scim.matching import matches
from scim.names import says_formatted
from scim.paths import Path, member
from scim.profiles import HR, Profile
from scim.schema import UNKNOWN, Attribute, ResourceType
from scim.shape import Shaper, identity
from scim.target import Target, implied, parse

SCHEMAS = "schemas"
"""It follows from what a resource holds: what is said of it is checked, and changes nothing."""


class Work:
    """One resource's content while operations change it, in place."""

    def __init__(
        self, kind: ResourceType, profile: Profile, id: str, content: dict[str, Any]
    ) -> None:
        self._kind = kind
        self._profile = profile
        self._id = id
        self.content = content
        self.emptied: set[str] = set()
        self.named: set[str] = set()
        self.formatted = False  # whether name.formatted is said

    def whole(self, name: str, value: Any) -> None:
        """An operation without a path: its value's members are its paths."""
        if not isinstance(value, dict):
            raise invalid_value("Operations: without a path the value is an object.")
        for key, inner in value.items():
            folded = key.lower()
            if folded == "id" and inner != self._id and not self._profile.ignore_read_only:
                raise immutable("id cannot be changed.")
            if folded == SCHEMAS:
                Shaper(self._kind, self._profile).schemas(inner, whole=False)
            elif folded not in ("id", "meta"):
                self.put(name, parse(self._kind, key, self._profile), inner)

    def put(self, name: str, target: Target, value: Any) -> None:
        """add or replace."""
        path = target.path
        if not self._writable(path):
            return
        shaper = Shaper(self._kind, self._profile)
        if path.text == SCHEMAS:
            if target.filter is None:
                named = [value] if isinstance(value, str) else value
                shaper.schemas(named, whole=name == "replace")
            return
        if target.filter is not None:
            self._put_selected(name, target, shaper, value)
            self.named |= shaper.named
            return
        if path.sub is None and path.attribute is not None and value is not None:
            # The value to add to a list may come without the list (section 3.5.2.1).
            value = as_list(path.attribute, value)
        shaped = shaper.value(path, value)
        self.named |= shaper.named
        for text in shaper.emptied:
            with suppress(ScimError):  # inside values that no schema describes: they are replaced
                self._clear(parse(self._kind, text, HR))
        if shaped is None:
            return
        self.formatted = self.formatted or says_formatted(path, shaped)
        if path.attribute is None:
            schema = self._kind.extension(path.extension or "")
            for key, inner in shaped.items():
                attribute = (schema.attribute(key) if schema else None) or Attribute(key, UNKNOWN)
                self._set(name, Path(path.extension, attribute), inner)
        else:
            self._set(name, path, shaped)

    def _set(self, name: str, path: Path, value: Any) -> None:
        attribute, sub = path.attribute, path.sub
        assert attribute is not None
        holder = self._holder(path.extension)
        found = holder.get(_spelled(holder, attribute))
        if sub is not None:
            if attribute.multi_valued:
                items: list[dict[str, Any]] = found if isinstance(found, list) else []
                items = items or [{}]
                for item in items:
                    _refuse_other(attribute, sub, item, value)
                    item[sub.name] = copy.deepcopy(value)
                self._store(holder, attribute, items, touched=items)
            else:
                inner = found if isinstance(found, dict) else {}
                inner[_spelled(inner, sub)] = value
                self._store(holder, attribute, inner)
        elif attribute.multi_valued or (isinstance(value, list) and isinstance(found, list)):
            kept = list(found or []) if name == "add" else []
            places = {identity(one): at for at, one in enumerate(kept)}
            fresh = []
            for one in value:
                at = places.setdefault(identity(one), len(kept))
                if at == len(kept):
                    kept.append(one)
                elif isinstance(one, dict):  # the same value, said in more words
                    kept[at] = one = {**kept[at], **one}
                fresh.append(one)
            self._store(holder, attribute, kept, touched=fresh)
        elif isinstance(value, dict) and isinstance(found, dict):
            self._store(holder, attribute, {**found, **value})
        else:
            self._store(holder, attribute, value)

    def _put_selected(self, name: str, target: Target, shaper: Shaper, value: Any) -> None:
        path, attribute = target.path, target.path.attribute
        assert attribute is not None
        if path.sub is not None:
            shaped = shaper.value(Path(path.extension, attribute, path.sub), value)
        else:
            shaped = shaper.value(Path(path.extension, attribute), as_list(attribute, value))
            shaped = shaped[0] if isinstance(shaped, list) and shaped else shaped
        if shaped is None:
            self.remove(target, None, missing_ok=True)
            return
        self.formatted = self.formatted or says_formatted(path, shaped)
        holder = self._holder(path.extension)
        items = _items(holder.get(_spelled(holder, attribute)))
        chosen = [position for position, item in enumerate(items) if self._meets(target, item)]
        basis = implied(target.filter)
        if not chosen:
            other = items and _is_single(attribute)
            if basis is None or other or not (name == "add" or self._profile.create_unmatched):
                raise no_target(f"{target.text[:200]} selects nothing.")
            items.append(basis if attribute.type in ("complex", UNKNOWN) else shaped)
            chosen = [len(items) - 1]
        for position in chosen:
            old, new = items[position], copy.deepcopy(shaped)
            if path.sub is not None:
                _refuse_other(attribute, path.sub, old, new)
                items[position] = {**(old if isinstance(old, dict) else {}), path.sub.name: new}
            elif isinstance(new, dict):
                kept = old if name == "add" and isinstance(old, dict) else (basis or {})
                items[position] = {**kept, **new}
            else:
                items[position] = new
        held = _as_held(attribute, items)
        self._store(holder, attribute, held, touched=[items[position] for position in chosen])

    def remove(self, target: Target, value: Any, *, missing_ok: bool = False) -> None:
        """remove; with a `value`, which RFC 7644 has no rule for, only the elements of a list that
        equal it: whoever names some does not mean all."""
        path, attribute = target.path, target.path.attribute
        if not self._writable(path):
            return
        if path.text == SCHEMAS and (target.filter is not None or self._profile.any_attribute):
            return
        self._refuse_required(target)
        if target.filter is None:
            if value is not None and self._is_list(path):
                self._remove_values(path, value)
            elif path.text not in self._profile.sticky:
                self.emptied.add(path.text)
                self._clear(target)
            return
        assert attribute is not None
        holder = self._holder(path.extension)
        items = _items(holder.get(_spelled(holder, attribute)))
        chosen = [item for item in items if self._meets(target, item)]
        if not chosen and not (missing_ok or self._profile.create_unmatched):
            raise no_target(f"{target.text[:200]} selects nothing.")
        self.emptied.add(target.text)
        if path.sub is None:
            gone = {id(one) for one in chosen}
            items = [item for item in items if id(item) not in gone]
            if attribute.required and not items and not self._profile.either_key:
                raise immutable(f"{path.text} is required and cannot be emptied.")
        else:
            for item in chosen:
                if isinstance(item, dict):
                    item.pop(_spelled(item, path.sub), None)
        self._store(holder, attribute, _as_held(attribute, items))

    def _remove_values(self, path: Path, value: Any) -> None:
        assert path.attribute is not None
        wanted = value if isinstance(value, list) else [value]
        holder = self._holder(path.extension)
        items = _items(holder.get(_spelled(holder, path.attribute)))
        # Most say the value, and that can be looked up; the others are compared one by one.
        named = {repr(_value_of(one)) for one in wanted if _value_of(one) is not None}
        others = [one for one in wanted if _value_of(one) is None]
        kept = [
            item
            for item in items
            if repr(_value_of(item)) not in named and not any(_equals(item, one) for one in others)
        ]
        if not kept:
            self.emptied.add(path.text)
        self._store(holder, path.attribute, kept)

    def _clear(self, target: Target) -> None:
        """Take away what lies at a path; keys of a person stay where the profile says so."""
        path, attribute = target.path, target.path.attribute
        if target.filter is not None:
            self.remove(target, None, missing_ok=True)
            return
        self.emptied.add(path.text)
        if attribute is None:
            inner = self._holder(path.extension)
            for name in list(inner):
                if f"{path.extension}:{name}" not in self._profile.sticky:
                    del inner[name]
            self._tidy(path.extension)
            return
        holder = self._holder(path.extension)
        name = _spelled(holder, attribute)
        if path.sub is None:
            holder.pop(name, None)
        else:
            for item in _items(holder.get(name)):
                if isinstance(item, dict):
                    item.pop(_spelled(item, path.sub), None)
            self._store(holder, attribute, holder.get(name))
        self._tidy(path.extension)

    def _store(
        self, holder: dict[str, Any], attribute: Attribute, value: Any, touched: Any = ()
    ) -> None:
        name = _spelled(holder, attribute)
        if isinstance(value, list):
            value = [item for item in value if item not in ({}, None)]
            if touched and attribute.sub("primary"):
                self._one_primary(attribute, value, touched)
            value = _distinct(value) if touched else value
        if value in (None, []) or (value == {} and attribute.type in ("complex", UNKNOWN)):
            holder.pop(name, None)
        else:
            holder[name] = value
        for extension in [key for key, inner in self.content.items() if inner is holder]:
            self._tidy(extension)

    def _one_primary(self, attribute: Attribute, items: list[Any], touched: Any) -> None:
        """A new primary value takes the mark from the old one (RFC 7644 section 3.5.2)."""
        new = {id(one) for one in touched}
        fresh = [
            item
            for item in items
            if id(item) in new and isinstance(item, dict) and item.get("primary") is True
        ]
        if len(fresh) > 1 and not self._profile.read_loosely:
            raise invalid_value(f"{attribute.name}: more than one value is primary.")
        for item in items if fresh else ():
            if item is not fresh[0] and isinstance(item, dict) and item.get("primary") is True:
                item["primary"] = False

    def _holder(self, extension: str | None) -> dict[str, Any]:
        if extension is None:
            return self.content
        folded = extension.lower()
        for key, inner in self.content.items():
            if key.lower() == folded and isinstance(inner, dict):
                return inner
        made: dict[str, Any] = {}
        self.content[extension] = made
        return made

    def _tidy(self, extension: str | None) -> None:
        if extension is not None and self.content.get(extension) == {}:
            del self.content[extension]

    def _writable(self, path: Path) -> bool:
        for attribute in (path.attribute, path.sub):
            if attribute is not None and attribute.mutability == "readOnly":
                if self._profile.ignore_read_only:
                    return False
                raise immutable(f"{path.text} is read-only.")
        return self._declared(path) or not self._profile.drop_unknown

    def _declared(self, path: Path) -> bool:
        if path.extension is not None and self._kind.extension(path.extension) is None:
            return False
        return path.leaf is None or path.leaf.type != UNKNOWN

    def _refuse_required(self, target: Target) -> None:
        """Section 3.5.2.2: what is required cannot be removed."""
        path = target.path
        if self._profile.either_key:
            return
        if path.attribute is None:
            required = path.extension in self._kind.required
        else:
            required = path.sub.required if path.sub else path.attribute.required
        if required and (target.filter is None or path.sub is not None):
            raise immutable(f"{path.text} is required and cannot be removed.")

    def _is_list(self, path: Path) -> bool:
        if path.attribute is None or path.sub is not None:
            return False
        held = member(self._holder(path.extension), path.attribute)
        return path.attribute.multi_valued or isinstance(held, list)

    def _meets(self, target: Target, item: Any) -> bool:
        return target.filter is not None and matches(target.filter, item)


def _refuse_other(attribute: Attribute, sub: Attribute, item: Any, value: Any) -> None:
    """An immutable part of a value cannot become another."""
    old = item.get(sub.name) if isinstance(item, dict) else None
    if sub.mutability == "immutable" and old not in (None, value):
        raise immutable(f"{attribute.name}.{sub.name} cannot be changed once it is set.")


def _distinct(items: list[Any]) -> list[Any]:
    """Without those that have become one with another (RFC 7643 section 2.4)."""
    found: dict[tuple[str, ...], Any] = {}
    for one in items:
        kept = found.setdefault(identity(one), one)
        if kept is not one and isinstance(one, dict) and one.get("primary") is True:
            kept["primary"] = True
    return list(found.values())


def _is_single(attribute: Attribute) -> bool:
    return not attribute.multi_valued and attribute.type != UNKNOWN


def _as_held(attribute: Attribute, items: list[Any]) -> Any:
    """What `_items` was made of."""
    if _is_single(attribute):
        return items[0] if items else None
    return items


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return list(value)
    return [] if value is None else [value]


def as_list(attribute: Attribute, value: Any) -> Any:
    return [value] if attribute.multi_valued and not isinstance(value, list) else value


def _spelled(holder: Mapping[str, Any], attribute: Attribute) -> str:
    """The name under which `holder` has the attribute; undeclared ones match in any case."""
    if attribute.type == UNKNOWN and attribute.name not in holder:
        folded = attribute.name.lower()
        return next((key for key in holder if key.lower() == folded), attribute.name)
    return attribute.name


def _value_of(item: Any) -> Any:
    return item.get("value") if isinstance(item, dict) else item


def _equals(item: Any, wanted: Any) -> bool:
    """Whether an element has all that `wanted`, which has no value, says."""
    if not isinstance(wanted, dict) or not isinstance(item, dict):
        return bool(item == wanted)
    return bool(wanted) and all(item.get(key) == value for key, value in wanted.items())
