"""PATCH (RFC 7644 section 3.5.2): operations applied in order to a copy, all or nothing."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from scim.errors import (
    ScimError,
    immutable,
    invalid_path,
    invalid_syntax,
    invalid_value,
    no_target,
)
from scim.matching import matches
from scim.paths import Path, member
from scim.profiles import Profile
from scim.schema import UNKNOWN, Attribute, ResourceType
from scim.shape import Shaper, same_value
from scim.target import Target, implied, parse

PATCH_URN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MAX_OPERATIONS = 1000


class Patch:
    """One PATCH message. Make it from the body, then `apply` it, as often as needed."""

    def __init__(self, kind: ResourceType, profile: Profile, body: Mapping[str, Any]) -> None:
        """Read the message; raises ScimError 400 where it is not one."""
        self._kind = kind
        self._profile = profile
        message = {key.lower(): value for key, value in body.items()}
        schemas = message.get("schemas")
        if not profile.read_loosely and (not isinstance(schemas, list) or PATCH_URN not in schemas):
            raise invalid_syntax(f"schemas: a PATCH names {PATCH_URN}.")
        operations = message.get("operations")
        if isinstance(operations, dict) and profile.read_loosely:
            operations = [operations]
        if not isinstance(operations, list) or not operations:
            raise invalid_syntax("Operations: a list of at least one operation is required.")
        if len(operations) > MAX_OPERATIONS:
            raise invalid_syntax(f"Operations: more than {MAX_OPERATIONS} are not accepted.")
        self._operations = [self._read(operation) for operation in operations]

    def _read(self, operation: Any) -> tuple[str, Target | None, Any, bool]:
        if not isinstance(operation, dict):
            raise invalid_syntax("Operations: every operation is an object.")
        members = {key.lower(): value for key, value in operation.items()}
        name = members.get("op")
        name = name.strip().lower() if isinstance(name, str) else name
        if name not in ("add", "replace", "remove"):
            raise invalid_syntax(f"Operations: op is add, replace or remove, not {name!r:.40}.")
        path = members.get("path")
        if path is not None and not isinstance(path, str):
            raise invalid_path("Operations: path is text.")
        target = parse(self._kind, path, loosely=self._profile.keep_unknown) if path else None
        if name == "remove" and target is None:
            raise no_target("Operations: remove needs a path.")
        if name != "remove" and "value" not in members:
            raise invalid_value(f"Operations: {name} needs a value.")
        return name, target, members.get("value"), "value" in members

    def apply(self, id: str, content: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
        """`content` (without schemas, id, meta) after all operations, and the paths emptied.

        Raises ScimError 400.
        """
        work = _Application(self._kind, self._profile, id, copy.deepcopy(dict(content)))
        for name, target, value, valued in self._operations:
            if target is None:
                work.whole(name, value)
            elif name == "remove":
                work.remove(target, value if valued else None)
            else:
                work.put(name, target, value)
        return {key: v for key, v in work.content.items() if v not in ({}, [])}, work.emptied


class _Application:
    def __init__(
        self, kind: ResourceType, profile: Profile, id: str, content: dict[str, Any]
    ) -> None:
        self._kind = kind
        self._profile = profile
        self._id = id
        self.content = content
        self.emptied: set[str] = set()

    def whole(self, name: str, value: Any) -> None:
        """An operation without a path: its value's members are its paths."""
        if not isinstance(value, dict):
            raise invalid_value("Operations: without a path the value is an object.")
        for key, inner in value.items():
            folded = key.lower()
            if folded == "id" and inner != self._id and not self._profile.ignore_read_only:
                raise immutable("id cannot be changed.")
            if folded not in ("schemas", "id", "meta"):
                self.put(name, parse(self._kind, key, loosely=self._profile.keep_unknown), inner)

    def put(self, name: str, target: Target, value: Any) -> None:
        """add or replace."""
        path = target.path
        if not self._writable(path):
            return
        shaper = Shaper(self._kind, self._profile)
        if target.filter is not None:
            self._put_selected(name, target, shaper, value)
            return
        shaped = shaper.value(path, value)
        for text in shaper.emptied:
            with suppress(ScimError):  # inside values that no schema describes: they are replaced
                self._clear(parse(self._kind, text, loosely=True))
        if shaped is None:
            return
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
                    item[sub.name] = copy.deepcopy(value)
                self._store(holder, attribute, items, touched=items)
            else:
                inner = found if isinstance(found, dict) else {}
                inner[_spelled(inner, sub)] = value
                self._store(holder, attribute, inner)
        elif attribute.multi_valued or (isinstance(value, list) and isinstance(found, list)):
            kept = list(found or []) if name == "add" else []
            fresh = [v for v in value if not any(same_value(v, other) for other in kept)]
            self._store(holder, attribute, kept + fresh, touched=fresh)
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
            shaped = shaper.value(Path(path.extension, attribute), _as_list(attribute, value))
            shaped = shaped[0] if isinstance(shaped, list) and shaped else shaped
        if shaped is None:
            self.remove(target, None, missing_ok=True)
            return
        holder = self._holder(path.extension)
        items = _items(holder.get(_spelled(holder, attribute)))
        chosen = [position for position, item in enumerate(items) if self._meets(target, item)]
        basis = implied(target.filter)
        if not chosen:
            if basis is None or not (name == "add" or self._profile.create_unmatched):
                raise no_target(f"{target.text[:200]} selects nothing.")
            items.append(basis if attribute.type in ("complex", UNKNOWN) else shaped)
            chosen = [len(items) - 1]
        for position in chosen:
            old, new = items[position], copy.deepcopy(shaped)
            if path.sub is not None:
                items[position] = {**(old if isinstance(old, dict) else {}), path.sub.name: new}
            elif isinstance(new, dict):
                kept = old if name == "add" and isinstance(old, dict) else (basis or {})
                items[position] = {**kept, **new}
            else:
                items[position] = new
        self._store(holder, attribute, items, touched=[items[position] for position in chosen])

    def remove(self, target: Target, value: Any, *, missing_ok: bool = False) -> None:
        """remove; with `value`, where the profile says so, only the elements that equal it."""
        path, attribute = target.path, target.path.attribute
        if not self._writable(path):
            return
        if target.filter is None:
            if value is not None and self._profile.remove_by_value and self._is_list(path):
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
            items = [item for item in items if not any(item is one for one in chosen)]
        else:
            for item in chosen:
                if isinstance(item, dict):
                    item.pop(_spelled(item, path.sub), None)
        self._store(holder, attribute, items)

    def _remove_values(self, path: Path, value: Any) -> None:
        assert path.attribute is not None
        wanted = value if isinstance(value, list) else [value]
        holder = self._holder(path.extension)
        items = _items(holder.get(_spelled(holder, path.attribute)))
        kept = [item for item in items if not any(_equals(item, one) for one in wanted)]
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
        if value in (None, {}, []):
            holder.pop(name, None)
        else:
            holder[name] = value
        for extension in [key for key, inner in self.content.items() if inner is holder]:
            self._tidy(extension)

    def _one_primary(self, attribute: Attribute, items: list[Any], touched: Any) -> None:
        """A new primary value takes the mark from the old one (RFC 7644 section 3.5.2)."""
        fresh = [
            item
            for item in items
            if any(item is one for one in touched)
            and isinstance(item, dict)
            and item.get("primary") is True
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
        # `schemas` follows from what the resource holds.
        return path.extension is not None or path.attribute is None or path.text != "schemas"

    def _is_list(self, path: Path) -> bool:
        if path.attribute is None or path.sub is not None:
            return False
        held = member(self._holder(path.extension), path.attribute)
        return path.attribute.multi_valued or isinstance(held, list)

    def _meets(self, target: Target, item: Any) -> bool:
        return target.filter is not None and matches(target.filter, item)


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return list(value)
    return [] if value is None else [value]


def _as_list(attribute: Attribute, value: Any) -> Any:
    return [value] if attribute.multi_valued and not isinstance(value, list) else value


def _spelled(holder: Mapping[str, Any], attribute: Attribute) -> str:
    """The name under which `holder` has the attribute; undeclared ones match in any case."""
    if attribute.type == UNKNOWN and attribute.name not in holder:
        folded = attribute.name.lower()
        return next((key for key in holder if key.lower() == folded), attribute.name)
    return attribute.name


def _equals(item: Any, wanted: Any) -> bool:
    """Whether an element has all that `wanted` says, `value` alone deciding where given."""
    if not isinstance(wanted, dict):
        return bool(item == wanted or (isinstance(item, dict) and item.get("value") == wanted))
    if not isinstance(item, dict):
        return bool(item == wanted.get("value"))
    if "value" in wanted:
        return bool(item.get("value") == wanted["value"])
    return bool(wanted) and all(item.get(key) == value for key, value in wanted.items())
