"""A resource as it is to be: all that can be worked out of a message before others have to
wait for the transaction that stores it.

The draft of a change holds as long as the resource is still as it was when it was drawn up;
the transaction sees that, and has another one made where it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scim import documents, groups, indexing, names
from scim.bodies import encode
from scim.errors import invalid_value
from scim.groups import Change
from scim.listener import Listener, Speaking
from scim.patch import Outcome
from scim.profiles import Profile, has_key
from scim.schema import Registry, ResourceType
from scim.validation import Validator
from store.json_text import parse
from store.resources import Resource, Value

Listed = Callable[[], list[dict[str, Any]]]
"""The members of the resource."""
Outcomes = Callable[[dict[str, Any], Listed], tuple[Outcome, Change]]
"""What becomes of a copy of the content, and of the members."""


@dataclass(frozen=True)
class Draft:
    """`old` is the resource as it was, None for a new one; `before` and `after` are whole
    documents without members. `same`: but for what was said to be empty, and members by
    `change`, nothing changes, and `new` is of the version of `old`."""

    new: Resource
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    change: Change
    named: frozenset[str]
    values: list[Value]
    ready: Any
    """What the listener has made of it."""
    old: Resource | None = None
    same: bool = False
    spoken: Speaking | None = None
    """What the message says by itself, if it is not all of it."""


class Drafts:
    """Draws up what is to be stored."""

    def __init__(self, registry: Registry, listener: Listener, now: Callable[[], float]) -> None:
        self._listener = listener
        self._now = now
        self._validators = {
            (kind.name, loosely): Validator(kind, loosely=loosely)
            for kind in registry.types.values()
            for loosely in (False, True)
        }

    def fresh(
        self,
        source: str,
        profile: Profile,
        kind: ResourceType,
        id: str,
        sent: Outcome,
    ) -> Draft:
        """A new resource. Raises ScimError 400."""
        content = self._checked(profile, kind, sent.content, None)
        change = groups.said_of_all(kind, content)
        now = round(self._now(), 3)
        after = documents.whole(kind, id, content, now, now, 1)
        new = Resource(
            id=id,
            source=source,
            type=kind.name,
            external_id=content.get("externalId"),
            user_key=documents.user_key(kind, content),
            document=encode(after),
            version=1,
            cleared=documents.still_cleared(kind, content, sent.emptied),
            created=now,
            modified=now,
            twin=id if profile.several_of_one else "-",
        )
        ready = self._listener.ready(source, kind.name, after, new.cleared, None)
        values = indexing.values(kind, after)
        return Draft(new, {}, after, change, frozenset(sent.named), values, ready)

    def changed(
        self,
        profile: Profile,
        kind: ResourceType,
        old: Resource,
        outcome: Outcomes,
        listed: Listed,
    ) -> Draft:
        """What `outcome` makes of `old`. Raises ScimError 400."""
        now = round(self._now(), 3)
        before = parse(old.document)
        held = {key: value for key, value in before.items() if key not in documents.ENVELOPE}
        # PATCH works on a copy: what was is compared with, and shown to the listener.
        own = parse(old.document)
        for name in documents.ENVELOPE:
            own.pop(name, None)
        result, change = outcome(own, listed)
        if profile.formatted_follows and not result.formatted:
            names.follow(held, result.content, result.emptied)
        content = self._checked(profile, kind, result.content, held)
        self.check_members(profile, kind, groups.listed(kind, change))
        cleared = documents.still_cleared(kind, content, old.cleared | result.emptied)
        same = documents.same(content, held)
        if same:  # most of what HR sends again every night: no more is to be done for it
            after, new = before, replace(old, cleared=cleared)
        else:
            version = old.version + 1
            after = documents.whole(kind, old.id, content, old.created, now, version)
            external_id, twin = content.get("externalId"), old.twin
            if external_id != old.external_id:
                twin = old.id if profile.several_of_one else "-"
            new = replace(
                old,
                external_id=external_id,
                user_key=documents.user_key(kind, content),
                document=encode(after),
                version=version,
                cleared=cleared,
                modified=now,
                twin=twin,
            )
        ready = None
        if new != old:
            about = (old.source, kind.name, after, cleared, old.facts, result.spoken)
            ready = self._listener.ready(*about)
        values = indexing.values(kind, after)
        named = frozenset(result.named)
        return Draft(new, before, after, change, named, values, ready, old, same, result.spoken)

    def check_members(
        self, profile: Profile, kind: ResourceType, content: Mapping[str, Any]
    ) -> None:
        """Raises ScimError 400 for members that the schema does not allow."""
        if content:
            validator = self._validators[kind.name, profile.read_loosely]
            validator.check(content, required=False)

    def _checked(
        self,
        profile: Profile,
        kind: ResourceType,
        content: dict[str, Any],
        before: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """`content` without what is never shown, after all that a schema asks of it."""
        validator = self._validators[kind.name, profile.read_loosely]
        validator.check(content, required=not profile.either_key)
        key = kind.key
        if profile.either_key and key is not None:
            if not content.get(key.name) and not has_key(content):
                raise invalid_value(f"{key.name} or externalId is required.")
        elif key is not None and key.required and not str(content.get(key.name, "")).strip():
            raise invalid_value(f"{key.name}: a value is required.")
        for name in ("externalId", key.name if key else "externalId"):
            if not 0 < len(str(content.get(name, "-"))) <= documents.MAX_KEY:
                raise invalid_value(f"{name} is not of 1 to {documents.MAX_KEY} characters.")
        if before is not None:
            documents.keep_immutable(kind, before, content)
        return documents.without_never(kind, content)
