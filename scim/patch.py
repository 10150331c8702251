"""PATCH (RFC 7644 section 3.5.2): operations applied in order to a copy, all or nothing."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from scim.errors import ScimError, invalid_path, invalid_syntax, invalid_value, no_target
from scim.filters import Comparison, Node, Or
from scim.groups import Change
from scim.listener import Speaking, Spoken
from scim.operations import Work, as_list
from scim.paths import Path
from scim.profiles import HR, Profile
from scim.schema import Attribute, ResourceType
from scim.shape import Shaper
from scim.target import Target, parse

PATCH_URN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MAX_OPERATIONS = 1000


@dataclass(frozen=True)
class Outcome:
    """What a message makes of a resource: its content, the paths that were emptied, and
    those named of attributes that are returned on request. `formatted`: name.formatted is as
    the message says it, or says all there is; else the message did not speak of it. `spoken`
    gives what the message says by itself where it does not say all."""

    content: dict[str, Any]
    emptied: set[str]
    named: set[str]
    formatted: bool = True
    spoken: Speaking | None = None


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
        target = parse(self._kind, path, self._profile) if path else None
        if name == "remove" and target is None:
            raise no_target("Operations: remove needs a path.")
        if name != "remove" and "value" not in members:
            raise invalid_value(f"Operations: {name} needs a value.")
        return name, target, members.get("value"), "value" in members

    def apply(self, id: str, content: dict[str, Any]) -> Outcome:
        """`content` (without schemas, id, meta), which is changed in place, after all
        operations. Raises ScimError 400."""
        work = Work(self._kind, self._profile, id, content)
        for operation in self._operations:
            _do(work, *operation)
        content = {k: v for k, v in work.content.items() if v != [] and (v != {} or ":" not in k)}
        return Outcome(content, work.emptied, work.named, work.formatted, lambda: self._spoken(id))

    def _spoken(self, id: str) -> Spoken:
        """What it says of a resource of which nothing is known. An operation that needs
        something to work on says nothing there; what it changes is seen in the resource."""
        work = Work(self._kind, replace(self._profile, create_unmatched=True), id, {})
        for name, target, value, valued in self._operations:
            with suppress(ScimError):
                _do(work, name, target, copy.deepcopy(value), valued)
        return Spoken(work.content, work.emptied)

    def without_members(self) -> tuple[Patch, Change] | None:
        """What the message says of members, apart from the rest of it.

        None when that depends on who the members are now: then they belong in the content
        that it is applied to.
        """
        members = self._kind.members
        change = Change()
        rest = []
        for operation in self._operations:
            name, target, value, valued = operation
            if members is None or not self._touches(members, target, value):
                rest.append(operation)
                continue
            if target is None:
                own, value = _taken(members, value)
                rest.append((name, None, own, valued))
                self._listed(members, name, value, change)
            elif target.path.sub is not None:
                return None
            elif target.filter is not None:
                ids = _named_ids(target.filter)
                if name != "remove" or ids is None:
                    return None
                change.removing(ids)
            elif name != "remove":
                self._listed(members, name, value, change)
            elif valued and value is not None:
                change.removing(self._ids(members, value))
            else:
                change.emptying()
        other = copy.copy(self)
        other._operations = rest
        return other, change

    def _touches(self, members: Attribute, target: Target | None, value: Any) -> bool:
        if target is not None:
            return target.path.attribute is members
        return isinstance(value, dict) and any(key.lower() == members.name for key in value)

    def _listed(self, members: Attribute, name: str, value: Any, change: Change) -> None:
        if name == "replace":
            change.emptying()
        shaper = Shaper(self._kind, self._profile)
        change.adding(shaper.value(Path(None, members), as_list(members, value)) or ())

    def _ids(self, members: Attribute, value: Any) -> list[str]:
        shaper = Shaper(self._kind, self._profile)
        found = shaper.value(Path(None, members), as_list(members, value)) or ()
        return [one["value"] for one in found if isinstance(one.get("value"), str)]


def as_patch(kind: ResourceType, body: Mapping[str, Any]) -> dict[str, Any]:
    """The PATCH that a PUT of nothing but a state amounts to: what it does not say stays.

    An object with nothing in it, `"name": {}`, is how converters say nothing; so is a member
    that has no value and a name that is no attribute's, `"@type": null`.
    """
    said = {key: value for key, value in _said(body).items() if _is_path(kind, key)}
    return {"schemas": [PATCH_URN], "Operations": [{"op": "replace", "value": said}]}


def _is_path(kind: ResourceType, name: str) -> bool:
    try:
        parse(kind, name, HR)
    except ScimError:
        return False
    return True


def _said(value: Mapping[str, Any]) -> dict[str, Any]:
    inner = ((k, _said(v) if isinstance(v, dict) else v) for k, v in value.items())
    return {key: one for key, one in inner if one != {}}


def _do(work: Work, name: str, target: Target | None, value: Any, valued: bool) -> None:
    if target is None:
        work.whole(name, value)
    elif name == "remove":
        work.remove(target, value if valued else None)
    else:
        work.put(name, target, value)


def _taken(members: Attribute, value: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """A value without what it says of members, and that."""
    rest = {key: inner for key, inner in value.items() if key.lower() != members.name}
    said = next(inner for key, inner in value.items() if key.lower() == members.name)
    return rest, said


def _named_ids(node: Node) -> list[str] | None:
    """The ids in a filter that says nothing else: `value eq "a" or value eq "b"`."""
    found = []
    for term in node.terms if isinstance(node, Or) else (node,):
        if not isinstance(term, Comparison) or term.operator != "eq":
            return None
        attribute = term.path.attribute
        if attribute is None or attribute.name != "value" or not isinstance(term.literal, str):
            return None
        found.append(term.literal)
    return found
