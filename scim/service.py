"""What the SCIM operations do: one class, no HTTP. `endpoints.py` calls it.

Every write is one transaction in which the version is checked, the listener is told and
the row is stored. `creating`, `replacing`, `patching` and `deleting` read the message and
give the work to be done in a transaction, so that several operations can share one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from scim import documents, groups, indexing
from scim.drafts import Draft, Drafts, Listed, Outcomes
from scim.errors import ScimError, moved
from scim.groups import Change, Groups, Settled
from scim.listener import Listener
from scim.patch import Outcome, Patch, as_patch
from scim.profiles import Profile, says_only_state
from scim.schema import Registry, ResourceType
from scim.search import Found, Query, Search, sole_key
from scim.shape import Shaper
from scim.versions import Precondition
from store import members, resources
from store.database import Database
from store.ids import ID, new_id
from store.json_text import parse
from store.resources import Resource

T = TypeVar("T")
Work = Callable[[Connection], "Written"]

_RERUNS = 3
MAX_ROWS_TEXT = 1 << 25
"""Characters of members that one page of a list may hold."""


@dataclass(frozen=True)
class Client:
    """Who calls: all that a client sees and changes belongs to its source. `subject` is the
    id of the resource that it is itself, if any."""

    source: str
    profile: Profile
    subject: str | None = None


@dataclass(frozen=True)
class Written:
    """What a write left behind. `receipt` is None when nothing changed or nobody was told;
    `named` are paths that the client spoke of and that are returned on request only."""

    resource: Resource
    receipt: str | None
    named: frozenset[str] = frozenset()
    result: Literal["created", "changed", "unchanged", "stale", "withdrawn"] = "changed"


class Service:
    """Create, read, list, replace, patch and delete resources. `base` is the public address
    of /scim/v2."""

    def __init__(
        self,
        db: Database,
        registry: Registry,
        listener: Listener,
        now: Callable[[], float],
        base: str,
    ) -> None:
        self.registry = registry
        self.groups = Groups(registry, base)
        self._db = db
        self._listener = listener
        self._drafts = Drafts(registry, listener, now)
        self._now = now
        self._base = base

    def at(self, base: str) -> Service:
        """The same, at another public address."""
        other = copy(self)
        other.groups = Groups(self.registry, base)
        other._base = base
        return other

    def get(
        self, client: Client, kind: ResourceType, id: str, *, rows: bool
    ) -> tuple[Resource, str]:
        """The resource, and with `rows` the text of its members or groups.

        ScimError 404 when the client's source has none of that id.
        """
        with self._db.moment() as conn:
            found = self._found(conn, client, kind, id)
        if not rows or not self.groups.has_rows(kind, found):
            return found, ""
        with self._db.read() as conn:
            found = self._found(conn, client, kind, id)
            return found, self.groups.text(conn, kind, found)

    def kind_of(self, client: Client, id: str) -> ResourceType | None:
        """The type of the resource of that id."""
        with self._db.read() as conn:
            name = resources.types_of(conn, client.source, [id]).get(id)
        return self.registry.type_named(name) if name else None

    def search(
        self, client: Client, kinds: Sequence[ResourceType], query: Query, *, rows: bool
    ) -> tuple[Found, list[str]]:
        """A page of the source's resources, and with `rows` each one's members or groups.

        Raises ScimError 400 invalidFilter, or tooMany when no index helps the filter and
        there are too many resources to read.
        """
        key = sole_key(kinds, query, client.profile)
        if key is not None:
            with self._db.moment() as conn:
                one = resources.by_key(conn, client.source, kinds[0].name, *key)
            if one is None or not rows or not self.groups.has_rows(kinds[0], one):
                there = [(kinds[0], one)] if one is not None else []
                return Found(there, len(there)), [""] * len(there)
        with self._db.read() as conn:
            search = Search(conn, client.source, self.groups, self._base)
            found = search.find(kinds, query, client.profile)
            texts: list[str] = []
            room = MAX_ROWS_TEXT
            for kind, one in found.resources:
                texts.append(self.groups.text(conn, kind, one) if rows else "")
                room -= len(texts[-1])
                if room < 0:
                    raise ScimError(
                        400,
                        "Too many members for one page: exclude them, or ask for fewer.",
                        "tooMany",
                    )
        return found, texts

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one durable transaction. A unique index may refuse what another
        client stored since we looked: the second run sees it and says which key it is."""
        for _ in range(_RERUNS - 1):
            try:
                return self._db.write(work)
            except IntegrityError:
                continue
        return self._db.write(work)

    def creating(
        self,
        client: Client,
        kind: ResourceType,
        body: Mapping[str, Any],
        id: str | None = None,
    ) -> Work:
        """POST; `id` is the new resource's. Raises ScimError 400, and 409 in the work."""
        self._db.give_way()
        shaper = Shaper(kind, client.profile)
        return self.creating_from(client, shaper, shaper.document(body), id)

    def creating_from(
        self, client: Client, shaper: Shaper, sent: dict[str, Any], id: str | None = None
    ) -> Work:
        """POST of a body that `shaper` has read into `sent`. Raises as `creating` does."""
        kind = shaper.kind
        said = Outcome(sent, shaper.emptied, shaper.named)
        id = id or new_id()
        draft = self._drafts.fresh(client.source, client.profile, kind, id, said)
        return lambda tx: self._insert(tx, client, kind, draft)

    def known(self, client: Client, kind: ResourceType, external_id: str) -> str | None:
        """The id of the source's resource with this externalId, at this moment."""
        with self._db.moment() as conn:
            found = resources.by_key(conn, client.source, kind.name, "externalId", external_id)
        return found.id if found is not None else None

    def replacing(
        self,
        client: Client,
        kind: ResourceType,
        id: str,
        body: Mapping[str, Any],
        precondition: Precondition,
    ) -> Work:
        """PUT. Raises ScimError 400, and 404, 409, 412 in the work."""
        self._db.give_way()
        shaper = Shaper(kind, client.profile)
        sent = shaper.document(body)
        if client.profile.sparse_put and says_only_state(kind, sent):
            return self.patching(client, kind, id, as_patch(kind, body), precondition)
        change = groups.said_of_all(kind, sent)

        def outcome(content: dict[str, Any], _: Listed) -> tuple[Outcome, Change]:
            whole = documents.carried_over(kind, client.profile, content, sent)
            return Outcome(whole, shaper.emptied, shaper.named), change

        return self.changing(client, kind, id, precondition, outcome)

    def patching(
        self,
        client: Client,
        kind: ResourceType,
        id: str,
        body: Mapping[str, Any],
        precondition: Precondition,
    ) -> Work:
        """PATCH. Raises ScimError 400, and 404, 409, 412 in the work."""
        self._db.give_way()
        message = Patch(kind, client.profile, body)
        apart = message.without_members()

        def outcome(held: dict[str, Any], listed: Listed) -> tuple[Outcome, Change]:
            if apart is not None:
                return apart[0].apply(id, held), apart[1]
            assert kind.members is not None
            name, before = kind.members.name, listed()
            result = message.apply(id, {**held, name: before})
            self._drafts.check_members(client.profile, kind, result.content)
            return result, groups.difference(before, result.content.pop(name, []))

        return self.changing(client, kind, id, precondition, outcome)

    def deleting(
        self, client: Client, kind: ResourceType, id: str, precondition: Precondition
    ) -> Work:
        """Withdraw the resource. Raises ScimError 404, 412 in the work."""

        def work(tx: Connection) -> Written:
            now = round(self._now(), 3)
            old = self._found(tx, client, kind, id)
            precondition.check(old)
            before = parse(old.document)
            values = indexing.values(kind, before)
            before.update(self._members_of(tx, kind, old))
            verdict = self._listener.on_change(
                tx, client.source, kind.name, id, before, None, old.cleared
            )
            if old.grouped:
                self._leave_groups(tx, old, now)
            if kind.members is not None:
                members.disband(tx, old.seq)
            if not resources.withdraw(tx, old, now, values):
                raise moved()
            if kind.members is not None:
                there = [one["value"] for one in before.get(kind.members.name, ())]
                self._listener.on_members(tx, client.source, there)
            return Written(old, verdict.receipt, result="withdrawn")

        return work

    def _leave_groups(
        self, tx: Connection, old: Resource, now: float, heir: str | None = None
    ) -> None:
        """The groups that lose a member, or have `heir` in its place, have a new version, but
        for one that was its own."""
        for group in members.groups_with(tx, old.id):
            if group.id == old.id:
                continue
            if not resources.replace(tx, _restamped(group, now), group.version):
                raise moved()
        if heir is not None:
            members.hand_over(tx, old.id, heir)
        members.leave(tx, old.id)

    def _supersede(
        self, tx: Connection, client: Client, kind: ResourceType, ids: Sequence[str], new: Resource
    ) -> Resource:
        """Withdraw resources whose place `new` takes; it is in their groups now."""
        for old in [self._found(tx, client, kind, id) for id in ids]:
            if old.grouped:
                self._leave_groups(tx, old, new.modified, heir=new.id)
                new = replace(new, grouped=True)
            values = indexing.values(kind, parse(old.document))
            if not resources.withdraw(tx, old, new.modified, values):
                raise moved()
        if ids and new.grouped:
            self._listener.on_members(tx, new.source, [new.id])
        return new

    def _members_of(self, tx: Connection, kind: ResourceType, one: Resource) -> dict[str, Any]:
        if kind.members is None:
            return {}
        return {kind.members.name: self.groups.values(members.of(tx, one.seq))}

    def changing(
        self,
        client: Client,
        kind: ResourceType,
        id: str,
        precondition: Precondition,
        outcome: Outcomes,
    ) -> Work:
        """The work of storing what `outcome` makes of a resource. The work raises ScimError
        400, 404, 409, 412."""
        draft = self._ahead(client, kind, id, outcome) if kind.members is None else None
        return lambda tx: self.change(tx, client, kind, id, precondition, outcome, draft)

    def _ahead(
        self, client: Client, kind: ResourceType, id: str, outcome: Outcomes
    ) -> Draft | None:
        """The change of the resource as it is in this moment. Whatever speaks against it is
        for the transaction to say, before which something else may still happen."""
        try:
            with self._db.moment() as conn:
                old = self._found(conn, client, kind, id)
            return self._drafts.changed(client.profile, kind, old, outcome, list)
        except ScimError:
            return None

    def change(
        self,
        tx: Connection,
        client: Client,
        kind: ResourceType,
        id: str,
        precondition: Precondition,
        outcome: Outcomes,
        draft: Draft | None = None,
    ) -> Written:
        """Store what `outcome` makes of a resource, which is `draft` if the resource is still
        what that was made from. Raises ScimError 400, 404, 409, 412."""
        old = self._found(tx, client, kind, id)
        precondition.check(old)
        if draft is None or draft.old != old:
            draft = self._drafts.changed(
                client.profile,
                kind,
                old,
                outcome,
                lambda: self.groups.values(members.of(tx, old.seq)),
            )
        settled = self.groups.settle(tx, client.source, old.seq, draft.change)
        if draft.same and settled:  # the members alone are others
            new = _restamped(draft.new, round(self._now(), 3))
            draft = replace(draft, new=new, after=parse(new.document))
        if draft.new == old and not old.dated:
            return Written(old, None, draft.named, "unchanged")
        written = self._update(tx, client, kind, old, draft, settled)
        return replace(written, named=draft.named)

    def _insert(self, tx: Connection, client: Client, kind: ResourceType, draft: Draft) -> Written:
        new, after = draft.new, dict(draft.after)
        self._refuse_taken(tx, client, kind, new, draft.values)
        settled = self.groups.settle(tx, new.source, 0, draft.change, {new.id: kind.name})
        if kind.members is not None and settled:
            after[kind.members.name] = self.groups.values(settled.added)
        verdict = self._listener.on_change(
            tx, new.source, kind.name, new.id, None, after, new.cleared, draft.ready
        )
        new = replace(new, person=verdict.person, facts=verdict.facts)
        seq = resources.insert_new(tx, new, draft.values, verdict.ahead)
        new = self._supersede(tx, client, kind, verdict.supersedes, new)
        self.groups.store(tx, seq, settled, new.version)
        if settled:
            self._listener.on_members(tx, new.source, [one.id for one in settled.added])
        return Written(replace(new, seq=seq), verdict.receipt, draft.named, "created")

    def _update(
        self,
        tx: Connection,
        client: Client,
        kind: ResourceType,
        old: Resource,
        draft: Draft,
        settled: Settled,
    ) -> Written:
        new, before, after = draft.new, dict(draft.before), dict(draft.after)
        known, values = indexing.values(kind, before), draft.values
        if (new.external_id, new.user_key) != (old.external_id, old.user_key) or values != known:
            self._refuse_taken(tx, client, kind, new, values)
        if kind.members is not None and settled:
            before[kind.members.name] = self.groups.values(settled.removed)
            after[kind.members.name] = self.groups.values(settled.added)
        verdict = self._listener.on_change(
            *(tx, new.source, kind.name, new.id, before, after, new.cleared),
            *(draft.ready, draft.spoken),
        )
        if verdict.stale:
            return Written(old, verdict.receipt, result="stale")
        if verdict.same and new == old:
            return Written(old, None, result="unchanged")
        new = replace(new, person=verdict.person, facts=verdict.facts)
        if not resources.replace(tx, new, old.version, values, known):
            raise moved()
        new = self._supersede(tx, client, kind, verdict.supersedes, new)
        self.groups.store(tx, new.seq, settled, new.version)
        renamed = before.get("displayName") != after.get("displayName")
        if kind.members is not None and (settled or renamed):
            told = self.groups.regrouped(tx, new.seq, settled, everybody=renamed)
            self._listener.on_members(tx, new.source, told)
        return Written(new, verdict.receipt)

    def _refuse_taken(
        self,
        tx: Connection,
        client: Client,
        kind: ResourceType,
        new: Resource,
        values: Sequence[resources.Value],
    ) -> None:
        named = None
        external_id = None if client.profile.several_of_one else new.external_id
        if external_id is not None or new.user_key is not None:
            key = resources.taken(
                tx, new.source, kind.name, external_id, new.user_key, besides=new.id
            )
            if key is not None:
                named = kind.key.name if key == "user_key" and kind.key else "externalId"
        if client.profile.unique_groups and kind.members is not None:
            values = [replace(value, single=True) for value in values]
        named = named or resources.taken_value(tx, new.source, kind.name, values, new.seq)
        if named is not None:
            raise ScimError(409, f"{named} is taken by another {kind.name}.", "uniqueness")

    def _found(self, conn: Connection, client: Client, kind: ResourceType, id: str) -> Resource:
        found = resources.get(conn, client.source, kind.name, id) if ID.match(id) else None
        if found is None:
            raise ScimError(404, f"{kind.name} {id[:80]!r} is not here.")
        return found


def _restamped(one: Resource, now: float) -> Resource:
    """The next version of a resource whose document says the same."""
    version = one.version + 1
    text = documents.restamped(one.document, now, version)
    return replace(one, document=text, version=version, modified=now)
