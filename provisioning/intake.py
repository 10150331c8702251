"""From a SCIM change to a person and asked pairs, inside the transaction that stores it.

`scim/` calls :meth:`Intake.on_change` before it writes the row; whatever is decided
here is committed together with the resource, or not at all. No target is asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

from mappings.documents import Inbound
from provisioning import known, names, obligations, pairs, people, reading
from provisioning.joining import Joining
from provisioning.lifecycle import lifecycle
from provisioning.merging import Record, course, merge, was_out
from provisioning.pairs import Lane
from provisioning.people import UNKNOWN, Kept
from provisioning.reading import Reading, Terms
from provisioning.superseding import Old
from scim.listener import Speaking, Spoken, Verdict
from settings import Settings
from store import journal, members, resources
from store.clocks import BusinessClock, machine_now
from store.ids import new_id
from store.json_text import parse
from store.tables import resource


class _Moment(NamedTuple):
    """When a push came in, on both clocks."""

    business: float
    machine: float


class Intake:
    """The listener that `app.py` wires into `scim/`. Holds no state of its own."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        inbounds: Callable[[], Mapping[str, Inbound]],
        business: BusinessClock,
    ) -> None:
        """`settings` and `inbounds` (by source) are those in force now."""
        self._settings = settings
        self._inbounds = inbounds
        self._business = business

    def on_change(
        self,
        tx: Connection,
        source: str,
        type: str,
        id: str,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
        cleared: frozenset[str],
        ready: Reading | None = None,
        spoken: Speaking | None = None,
    ) -> Verdict:
        """Join, derive facts, ask pairs. Raises ScimError 409 for a second live resource
        of one person in one source (state.md 5)."""
        inbound = self._inbounds().get(source)
        if inbound is None or type != "User":
            return Verdict()
        settings = self._settings()
        receipt = new_id()
        moment = _Moment(self._business.now(), machine_now())
        if after is None:
            return self._withdraw(tx, settings, source, id, receipt, moment)
        keys = ready.keys if ready is not None else []
        known_as = _known_as(source, id, before, after)
        if before is None:
            edges = [*people.key_edges(keys, settings.sources), *known_as]
            found = known.of_new(tx, keys, edges)
        else:
            found = known.of_stored(tx, id, keys)
        terms = _terms(settings, source, inbound)
        said = ready
        if said is None or not said.holds(terms, found.facts, found.ahead):
            if ready is not None and ready.terms.inbound is inbound:
                derived = ready.derived
            else:
                derived = inbound.facts(with_groups(tx, inbound, source, id, after), cleared)
            said = reading.read(
                *(terms, derived, after.get("externalId"), found.facts, found.ahead),
                *(moment.business, _facts_of(inbound, spoken)),
            )
        if said.is_stale:
            self._note(tx, "stale", found.who, source, id, receipt, {}, moment)
            return Verdict(person=found.who, facts=found.facts, stale=True, receipt=receipt)
        if found.ahead and before == after and spoken is not _nothing and said.is_the_same:
            if said.ahead != found.ahead:
                _store_ahead(tx, id, said.ahead)
            return Verdict(person=found.who, facts=found.facts, same=True)
        is_asked = said.keys == keys
        owners = found.owners if is_asked else people.owners(tx, said.keys)
        joining = Joining(tx, settings.sources, id, said, after)
        cases = found.kept.cases if found.kept is not None else UNKNOWN
        who, problem = joining.join(found.who, owners, cases)
        is_first, taken = said.is_first, [old.id for old in joining.supersedes]
        if taken:
            said = _taking_over(said, joining.supersedes[0], after)
        kept, left = people.NOBODY, False
        if not joining.made:
            kept = found.kept or people.read(tx, who)
            others = self._others(tx, who, (id, *taken)) if found.has_others else []
            left = self._assert(tx, settings, who, kept, others, said)
        people.note_case(tx, who, kept, id, problem)
        edges = [*joining.edges, *known_as]
        if edges and (found.is_awaited or not is_asked):
            # A report may name this manager by the SCIM id we are about to hand out, or so.
            pairs.resolved(tx, moment.machine, *edges)
        lane = _lane(left=left, first=is_first, changed=said.has_news)
        asked = pairs.ask_and_tell(tx, who, settings.targets, lane, moment.machine)
        if not joining.made:
            self._owe(tx, settings, who, kept, asked.looked, moment.business, left=left)
        if before is not None and said.ahead != found.ahead:
            _store_ahead(tx, id, said.ahead)
        for old in taken:
            self._note(tx, "superseded", who, source, old, new_id(), {"by": id}, moment)
        body = {**asked.counters, **said.told(), "case": problem}
        body["problems"] += joining.remarks
        what = "created" if before is None else "changed"
        self._note(tx, what, who, source, id, receipt, body, moment)
        ahead = said.ahead if before is None else None
        return Verdict(who, said.facts, receipt=receipt, supersedes=tuple(taken), ahead=ahead)

    def ready(
        self,
        source: str,
        type: str,
        document: Mapping[str, Any],
        cleared: frozenset[str],
        facts: str | None,
        spoken: Speaking | None = None,
    ) -> Reading | None:
        """What a record says, unless its mapping reads groups."""
        inbound = self._inbounds().get(source)
        if inbound is None or type != "User" or inbound.reads_groups:
            return None
        terms, derived = _terms(self._settings(), source, inbound), inbound.facts(document, cleared)
        external_id, now = document.get("externalId"), self._business.now()
        named = _facts_of(inbound, spoken)
        said = reading.read(terms, derived, external_id, facts, None, now, named)
        _ = said.alone  # worked out while nobody waits
        return said

    def again(self, tx: Connection, id: str) -> bool:
        """Read a resource that is stored once more, because its mapping or its groups have
        changed. Whether there is one, and somebody behind it."""
        row = tx.execute(select(resource).where(resource.c.id == id)).one_or_none()
        if row is None or row.deleted is not None or row.person is None:
            return False
        document, cleared = parse(row.document), frozenset(json.loads(row.cleared))
        about = (row.source, row.type, id, document, document, cleared)
        said = self.on_change(tx, *about, spoken=_nothing)
        values = {"person": said.person, "facts": said.facts}
        tx.execute(update(resource).where(resource.c.id == id).values(**values))
        return True

    def on_members(self, tx: Connection, source: str, ids: Collection[str]) -> None:
        """Derive anew the facts of whoever is in other SCIM groups now, where the mapping of
        the source reads groups."""
        inbound = self._inbounds().get(source)
        if inbound is None or not inbound.reads_groups:
            return
        for id in members.below(tx, source, list(ids), "User"):
            self.again(tx, id)

    def _others(self, tx: Connection, who: str, besides: Collection[str]) -> list[Record]:
        """What every other live record of the person says."""
        return [
            people.record(row.source, row.facts, row.ahead)
            for row in people.live_resources(tx, who)
            if row.id not in besides and row.facts
        ]

    def _assert(
        self,
        tx: Connection,
        settings: Settings,
        who: str,
        kept: Kept,
        others: Sequence[Record],
        said: Reading,
    ) -> bool:
        """The person is what the record and the others say. Whether they leave by that."""
        is_alone = not others and kept.facts == said.facts_before != UNKNOWN
        is_there = kept.withdrawn_at is None and not _has_come(kept, said.now)
        if is_alone and is_there and said.alone["episodes"] == kept.episodes:
            people.store_row(tx, who, said.alone)  # the same life, which goes on as it did
            return False
        return self._become(tx, settings, who, kept, [*others, said.push.record], said.now)

    def _become(
        self,
        tx: Connection,
        settings: Settings,
        who: str,
        kept: Kept,
        records: Sequence[Record],
        now: float,
    ) -> bool:
        """The person is what these records say together. Whether they leave by that."""
        before, works_before = self._before(tx, settings, who, kept, now)
        merged = merge(records, settings.people, now, before)
        works = lifecycle(merged.episodes, None, settings.people, now).enabled
        people.store(tx, who, merged)
        if works and not works_before:
            names.keep(tx, who)
        return works_before and not works

    def _owe(
        self,
        tx: Connection,
        settings: Settings,
        who: str,
        kept: Kept,
        looked: Mapping[str, float | None],
        now: float,
        *,
        left: bool,
    ) -> None:
        """Whoever leaves by this change is owed the end of their sessions, even if the next
        one takes it back before anybody looks; so is whoever a date had stopped since the
        last look, by what was known until now (state.md 5)."""
        targets = obligations.with_sessions(settings)
        if not left:
            targets = [one for one in targets if looked.get(one) is not None]
        if not left and targets:
            records = people.live_records(tx, who) if kept.changes_at is not None else []
            episodes = people.episodes_from(kept.episodes)
            life_at = course(records, episodes, kept.withdrawn_at, settings.people)
            targets = [one for one in targets if was_out(life_at, looked[one], now)]
        obligations.owe(tx, who, targets, now)

    def _withdraw(
        self,
        tx: Connection,
        settings: Settings,
        source: str,
        id: str,
        receipt: str,
        moment: _Moment,
    ) -> Verdict:
        """DELETE: the source no longer asserts this person (P7)."""
        found, now = known.of_stored(tx, id, []), moment.business
        who, kept = found.who, found.kept
        if who is None or kept is None:
            return Verdict()
        people.note_case(tx, who, kept, id, None)
        rest = self._others(tx, who, (id,)) if found.has_others else []
        if rest:
            stops = left = self._become(tx, settings, who, kept, rest, now)
        else:
            left = True
            stops = self._before(tx, settings, who, kept, now)[1]
            people.withdraw(tx, who, now)
        lane = _lane(left=left)
        asked = pairs.ask_and_tell(tx, who, settings.targets, lane, moment.machine)
        self._owe(tx, settings, who, kept, asked.looked, now, left=stops)
        body = {**asked.counters, "still_asserted": bool(rest)}
        self._note(tx, "withdrawn", who, source, id, receipt, body, moment)
        return Verdict(person=who, facts=found.facts, receipt=receipt)

    def _before(
        self, tx: Connection, settings: Settings, who: str, kept: Kept, now: float
    ) -> tuple[Mapping[str, Any], bool]:
        """The person's facts as stored, and whether they work by what is stored."""
        facts: dict[str, Any] = parse(kept.facts)
        if not facts:
            return {}, False  # just made: nobody has said anything yet
        episodes = people.episodes_from(kept.episodes)
        if _has_come(kept, now) and kept.withdrawn_at is None:
            merged = merge(people.live_records(tx, who), settings.people, now, facts)
            facts, episodes = merged.facts, merged.episodes  # a date nobody has looked at yet
        life = lifecycle(episodes, kept.withdrawn_at, settings.people, now)
        return facts, life.enabled

    def _note(
        self,
        tx: Connection,
        what: str,
        who: str | None,
        source: str,
        id: str,
        receipt: str,
        body: Mapping[str, Any],
        moment: _Moment,
    ) -> None:
        journal.append(
            tx,
            kind="intake",
            person=who,
            ref=receipt,
            body={"what": what, "source": source, "resource": id, **body},
            now=moment.machine,
            business_now=moment.business,
        )


def _nothing() -> Spoken:
    """What a document says that is merely read again."""
    return Spoken({}, ())


def _facts_of(inbound: Inbound, spoken: Speaking | None) -> Callable[[], Mapping[str, Any]] | None:
    """The facts that a message says by itself, if it does not say all: but for what a mapping
    says of everybody."""
    if spoken is None:
        return None

    def facts() -> Mapping[str, Any]:
        message = spoken()
        own = inbound.facts(message.content, message.emptied).values
        always = inbound.facts({}).values
        return {name: value for name, value in own.items() if always.get(name, ...) != value}

    return facts


def _store_ahead(tx: Connection, id: str, ahead: str | None) -> None:
    tx.execute(update(resource).where(resource.c.id == id).values(ahead=ahead))


def _terms(settings: Settings, source: str, inbound: Inbound) -> Terms:
    return Terms(source, inbound, settings.people, settings.sources[source].shared_keys)


def _taking_over(said: Reading, old: Old, document: Mapping[str, Any]) -> Reading:
    """The record as if it had been PUT over the `old` one, whose place it takes: keys that it
    does not say are kept."""
    derived, external_id = said.derived, document.get("externalId")
    return reading.read(said.terms, derived, external_id, old.facts, old.ahead, said.now)


def _known_as(
    source: str, id: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> list[str]:
    """What pairs may wait on until somebody has this id or user name."""
    names = [id] if before is None else []
    if (user := after.get("userName")) and (before or {}).get("userName") != user:
        names.append(str(user))
    return [people.reference_edge(source, name) for name in names]


def _has_come(kept: Kept, now: float) -> bool:
    """Whether a date has come at which the records say something else than is stored."""
    return kept.changes_at is not None and kept.changes_at <= now


def _lane(*, left: bool, first: bool = False, changed: bool = True) -> Lane:
    """Who leaves by this push goes first; what was merely said again goes last."""
    if left:
        return Lane.LEAVER
    if first:
        return Lane.JOINER
    return Lane.CHANGE if changed else Lane.BULK


def with_groups(
    connection: Connection, inbound: Inbound, source: str, id: str, document: dict[str, Any]
) -> dict[str, Any]:
    """The document as the mapping reads it: with the SCIM groups of this source that the
    resource is in, directly or through others, where a rule asks for them."""
    if not inbound.reads_groups:
        return document
    found = members.groups_of(connection, id)
    own = resources.types_of(connection, source, [group for group, _, _ in found])
    groups = [
        {"value": group, "display": parse(text).get("displayName")}
        for group, text, _ in found
        if group in own
    ]
    return document | {"groups": groups}
