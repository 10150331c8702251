"""What the SCIM operations do: one class, no HTTP. `endpoints.py` calls it.

Every write is one transaction in which the version is checked, the listener is told and
the row is stored. The inner functions take the transaction, so that several operations
can share one.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from scim import documents, filters
from scim.errors import ScimError, invalid_value
from scim.listener import Listener
from scim.matching import matches
from scim.patch import Patch
from scim.profiles import Profile
from scim.schema import Registry, ResourceType
from scim.shape import Shaper
from scim.validation import Validator
from store import resources
from store.database import Database
from store.resources import Resource

T = TypeVar("T")

MAX_SCANNED = 50_000  # documents that one filter may have read
_STATE = frozenset(("schemas", "id", "externalid", "username", "active", "meta"))
_RERUNS = 3
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


@dataclass(frozen=True)
class Client:
    """Who calls: all that a client sees and changes belongs to its source."""

    source: str
    profile: Profile


@dataclass(frozen=True)
class Page:
    """One page of a list. `total` counts all matches, `start` is 1-based."""

    total: int
    start: int
    resources: list[Resource]


@dataclass(frozen=True)
class Written:
    """What a write left behind. `receipt` is None when nothing changed or nobody was told."""

    resource: Resource
    receipt: str | None


class Precondition:
    """If-Match: the versions that a write accepts. Raises ScimError 412 in `check`."""

    def __init__(self, header: str | None) -> None:
        self._any = header is None or header.strip() == "*"
        self._tags = frozenset(re.findall(r'(?:W/)?"([^"]*)"', header or ""))

    def check(self, found: Resource) -> None:
        """Refuse a version that is not among those the client named."""
        if not self._any and str(found.version) not in self._tags:
            raise ScimError(412, "The resource has changed: its version is not the one named.")


class Service:
    """Create, read, list, replace, patch and delete resources."""

    def __init__(
        self, db: Database, registry: Registry, listener: Listener, now: Callable[[], float]
    ) -> None:
        self.registry = registry
        self._db = db
        self._listener = listener
        self._now = now
        self._validators = {kind.name: Validator(kind) for kind in registry.types.values()}

    def get(self, client: Client, kind: ResourceType, id: str) -> Resource:
        """The resource; ScimError 404 when the client's source has none of that id."""
        with self._db.read() as conn:
            return self._found(conn, client, kind, id)

    def search(
        self, client: Client, kind: ResourceType, filter: str | None, start: int, count: int
    ) -> Page:
        """A page of the source's resources in order of creation.

        Raises ScimError 400 invalidFilter, or tooMany when no index helps the filter and
        there are too many resources to read.
        """
        node = None
        keys: dict[str, str] = {}
        if filter is not None:
            node = filters.parse(kind, filter, loosely=client.profile.keep_unknown)
            keys = _indexed(kind, node)
        with self._db.read() as conn:
            if node is None:
                total = resources.count(conn, client.source, kind.name, keys)
                found = []
                if count:
                    found = resources.page(conn, client.source, kind.name, keys, start - 1, count)
                return Page(total, start, found)
            total = 0
            found = []
            scanned = resources.scan(conn, client.source, kind.name, keys)
            for number, row in enumerate(scanned):
                if number >= MAX_SCANNED:
                    raise ScimError(
                        400, "Too many resources to search without an index.", "tooMany"
                    )
                if matches(node, json.loads(row.document)):
                    total += 1
                    if start <= total < start + count:
                        found.append(row)
            return Page(total, start, found)

    def create(self, client: Client, kind: ResourceType, body: Mapping[str, Any]) -> Written:
        """Store a new resource. Raises ScimError 400, 409."""
        shaper = Shaper(kind, client.profile)
        content = self._checked(client, kind, shaper.document(body), None)
        id, now = str(uuid.uuid4()), self._now()
        new = Resource(
            id=id,
            source=client.source,
            type=kind.name,
            external_id=content.get("externalId"),
            user_key=documents.user_key(kind, content),
            document=documents.stored(kind, id, content, now, now, 1),
            version=1,
            cleared=documents.still_cleared(kind, content, shaper.emptied),
            created=now,
            modified=now,
        )
        return self._write(lambda tx: self._insert(tx, kind, new))

    def replace(
        self,
        client: Client,
        kind: ResourceType,
        id: str,
        body: Mapping[str, Any],
        precondition: Precondition,
    ) -> Written:
        """PUT. Raises ScimError 400, 404, 409, 412."""
        shaper = Shaper(kind, client.profile)
        sent = shaper.document(body)
        sparse = client.profile.sparse_put and {key.lower() for key in body} <= _STATE

        def change(content: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
            if sparse:
                return {**content, **sent}, shaper.emptied
            return documents.carried_over(kind, client.profile, content, sent), shaper.emptied

        return self._change(client, kind, id, precondition, change)

    def patch(
        self,
        client: Client,
        kind: ResourceType,
        id: str,
        body: Mapping[str, Any],
        precondition: Precondition,
    ) -> Written:
        """PATCH. Raises ScimError 400, 404, 409, 412."""
        message = Patch(kind, client.profile, body)
        return self._change(client, kind, id, precondition, lambda c: message.apply(id, c))

    def delete(
        self, client: Client, kind: ResourceType, id: str, precondition: Precondition
    ) -> str | None:
        """Withdraw the resource; the receipt. Raises ScimError 404, 412."""
        now = self._now()

        def work(tx: Connection) -> str | None:
            old = self._found(tx, client, kind, id)
            precondition.check(old)
            before = json.loads(old.document)
            verdict = self._listener.on_change(
                tx, client.source, kind.name, id, before, None, old.cleared
            )
            if not resources.withdraw(tx, id, old.version, now):
                raise _moved()
            return verdict.receipt

        return self._write(work)

    def _change(
        self,
        client: Client,
        kind: ResourceType,
        id: str,
        precondition: Precondition,
        change: Callable[[dict[str, Any]], tuple[dict[str, Any], set[str]]],
    ) -> Written:
        now = self._now()

        def work(tx: Connection) -> Written:
            old = self._found(tx, client, kind, id)
            precondition.check(old)
            before = json.loads(old.document)
            held = {key: value for key, value in before.items() if key not in documents.ENVELOPE}
            content, emptied = change(held)
            content = self._checked(client, kind, content, held)
            cleared = documents.still_cleared(kind, content, old.cleared | emptied)
            if documents.same(content, held):
                if cleared == old.cleared:
                    return Written(old, None)
                new = replace(old, cleared=cleared)
            else:
                version = old.version + 1
                new = replace(
                    old,
                    external_id=content.get("externalId"),
                    user_key=documents.user_key(kind, content),
                    document=documents.stored(kind, id, content, old.created, now, version),
                    version=version,
                    cleared=cleared,
                    modified=now,
                )
            return self._update(tx, kind, old, new, before)

        return self._write(work)

    def _insert(self, tx: Connection, kind: ResourceType, new: Resource) -> Written:
        self._refuse_taken(tx, kind, new)
        after = json.loads(new.document)
        verdict = self._listener.on_change(
            tx, new.source, kind.name, new.id, None, after, new.cleared
        )
        new = replace(new, person=verdict.person, facts=verdict.facts)
        resources.insert_new(tx, new)
        return Written(new, verdict.receipt)

    def _update(
        self, tx: Connection, kind: ResourceType, old: Resource, new: Resource, before: Any
    ) -> Written:
        if (new.external_id, new.user_key) != (old.external_id, old.user_key):
            self._refuse_taken(tx, kind, new)
        verdict = self._listener.on_change(
            tx, new.source, kind.name, new.id, before, json.loads(new.document), new.cleared
        )
        if verdict.stale:
            return Written(old, verdict.receipt)
        new = replace(new, person=verdict.person, facts=verdict.facts)
        if not resources.replace(tx, new, old.version):
            raise _moved()
        return Written(new, verdict.receipt)

    def _refuse_taken(self, tx: Connection, kind: ResourceType, new: Resource) -> None:
        if new.external_id is None and new.user_key is None:
            return
        key = resources.taken(
            tx, new.source, kind.name, new.external_id, new.user_key, besides=new.id
        )
        if key is not None:
            named = kind.key.name if key == "user_key" and kind.key else "externalId"
            raise ScimError(409, f"{named} is taken by another {kind.name}.", "uniqueness")

    def _found(self, conn: Connection, client: Client, kind: ResourceType, id: str) -> Resource:
        found = None
        if _ID.match(id):
            found = resources.get(conn, client.source, kind.name, id)
        if found is None:
            raise ScimError(404, f"No {kind.name} {id[:80]!r}.")
        return found

    def _checked(
        self,
        client: Client,
        kind: ResourceType,
        content: dict[str, Any],
        before: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """`content` without what is never shown, after all that a schema asks of it."""
        profile = client.profile
        self._validators[kind.name].check(content, required=not profile.either_key)
        key = kind.key
        if profile.either_key and key is not None:
            if not content.get("externalId") and not content.get(key.name):
                raise invalid_value(f"{key.name} or externalId is required.")
        elif key is not None and key.required and not str(content.get(key.name, "")).strip():
            raise invalid_value(f"{key.name}: a value is required.")
        for name in ("externalId", key.name if key else "externalId"):
            if len(str(content.get(name, ""))) > documents.MAX_KEY:
                raise invalid_value(f"{name} is longer than {documents.MAX_KEY} characters.")
        if before is not None:
            documents.refuse_immutable(kind, before, content)
        return documents.without_never(kind, content)

    def _write(self, work: Callable[[Connection], T]) -> T:
        """A unique index may refuse what another client stored since we looked: the second
        run sees it and says which key it is."""
        for _ in range(_RERUNS - 1):
            try:
                return self._db.write(work)
            except IntegrityError:
                continue
        return self._db.write(work)


def _moved() -> ScimError:
    return ScimError(412, "The resource was changed at the same moment; read it again.")


def _indexed(kind: ResourceType, node: filters.Node) -> dict[str, str]:
    """The part of a filter that indexed columns answer."""
    columns = {"id": "id", "externalId": "externalId"}
    if kind.key is not None:
        columns[kind.key.name] = "userKey"
    return {columns[name]: value for name, value in filters.equalities(node) if name in columns}
