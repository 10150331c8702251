"""From a SCIM change to a person and asked pairs, inside the transaction that stores it.

`scim/` calls :meth:`Intake.on_change` before it writes the row; whatever is decided
here is committed together with the resource, or not at all. No target is asked.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from mappings.documents import Inbound
from provisioning import dated, names, obligations, pairs, people
from provisioning.joining import Joining
from provisioning.lifecycle import SAID_AT, lifecycle
from provisioning.merging import Record, course, merge, was_out
from provisioning.pairs import Lane
from scim.listener import Verdict
from settings import Settings
from store import journal, members, resources
from store.clocks import BusinessClock, iso, machine_now, parse_instant
from store.tables import resource


class Intake:
    """The listener that `app.py` wires into `scim/`. Holds no state of its own."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        inbounds: Mapping[str, Inbound],
        business: BusinessClock,
    ) -> None:
        """`settings` are those in force now."""
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
    ) -> Verdict:
        """Join, derive facts, ask pairs. Raises ScimError 409 for a second live resource
        of one person in one source (state.md 5)."""
        inbound = self._inbounds.get(source)
        if inbound is None or type != "User":
            return Verdict()
        settings = self._settings()
        receipt = str(uuid.uuid4())
        row = tx.execute(
            select(resource.c.person, resource.c.facts, resource.c.ahead).where(resource.c.id == id)
        ).one_or_none()
        who = row.person if row else None
        if after is None:
            if row is None or who is None:
                return Verdict()
            self._withdraw(tx, settings, source, id, who, receipt)
            return Verdict(person=who, facts=row.facts, receipt=receipt)
        now = self._business.now()
        stored = people.record(source, row.facts, row.ahead) if row else Record(source, {})
        if inbound.reads_groups:
            after = after | {"groups": _groups_of(tx, source, id)}
        derived = inbound.facts(after, cleared)
        if _stale(derived.values, stored.facts):
            self._note(tx, "stale", who, source, id, receipt, {})
            return Verdict(
                person=who, facts=row.facts if row else None, stale=True, receipt=receipt
            )
        push = dated.take(stored, derived, settings.people, now)
        said, known = push.record, stored.on(now)
        shared = settings.sources[source].shared_keys
        keys = people.keys_of(source, after.get("externalId"), push.newest, shared)
        joining = Joining(tx, settings.sources, source, id, push.newest)
        who, problem = joining.join(who, keys)
        people.note_case(tx, who, id, problem)
        left = self._assert(tx, settings, who, [*self._others(tx, who, id), said])
        if row is not None:
            dates = people.ahead_text(said.ahead)
            tx.execute(update(resource).where(resource.c.id == id).values(ahead=dates))
        machine = machine_now()
        if before is None:
            # A report may name this manager by the SCIM id we are about to hand out.
            pairs.resolved(tx, people.reference_edge(source, id), machine)
        changed = sorted(k for k, v in said.facts.items() if known.get(k) != v)
        news = bool(set(changed) - dated.ABOUT_THE_PUSH)
        lane = _lane(left=left, first=not known, changed=news)
        pairs.ask(tx, who, settings.targets, lane, machine)
        body: dict[str, Any] = {
            **pairs.counters(tx, who, settings.targets),
            "changed": changed,
            "problems": [f"{p.rule}: {p.message}" for p in derived.problems],
            "case": problem,
        }
        if said.ahead:
            body["ahead"] = [
                [iso(later.at), sorted(later.facts.keys() - {SAID_AT})] for later in said.ahead
            ]
        what = "created" if before is None else "changed"
        self._note(tx, what, who, source, id, receipt, body)
        return Verdict(person=who, facts=people.facts_text(said.facts), receipt=receipt)

    def on_members(self, tx: Connection, source: str, ids: Collection[str]) -> None:
        """Derive anew the facts of whoever is in other SCIM groups now, where the mapping of
        the source reads groups."""
        inbound = self._inbounds.get(source)
        if inbound is None or not inbound.reads_groups:
            return
        for id in members.below(tx, source, list(ids), "User"):
            one = resources.get(tx, source, "User", id)
            if one is None or one.person is None:
                continue
            document: dict[str, Any] = json.loads(one.document)
            verdict = self.on_change(tx, source, "User", id, document, document, one.cleared)
            row = update(resource).where(resource.c.id == id)
            tx.execute(row.values(person=verdict.person, facts=verdict.facts))

    def _others(self, tx: Connection, who: str, id: str) -> list[Record]:
        """What every other live record of the person says."""
        return [
            people.record(row.source, row.facts, row.ahead)
            for row in people.live_resources(tx, who)
            if row.id != id and row.facts
        ]

    def _assert(
        self, tx: Connection, settings: Settings, who: str, records: Sequence[Record]
    ) -> bool:
        """The person is what these records say together. Whether they leave by that."""
        now = self._business.now()
        before, works_before = self._stored(tx, settings, who)
        merged = merge(records, settings.people, now, before)
        works = lifecycle(merged.episodes, None, settings.people, now).enabled
        self._owe(tx, settings, who, left=works_before and not works)
        people.store(tx, who, merged)
        if works and not works_before:
            names.keep(tx, who)
        return works_before and not works

    def _owe(self, tx: Connection, settings: Settings, who: str, left: bool) -> None:
        """Whoever leaves by this change is owed the end of their sessions, even if the next
        one takes it back before anybody looks; so is whoever a date had stopped since the
        last look, by what was known until now (state.md 5)."""
        now = self._business.now()
        targets = obligations.with_sessions(settings)
        if not left and targets:
            row = people.read(tx, who)
            dated = row.changes_at is not None
            records = people.live_records(tx, who) if dated else []
            episodes = people.episodes_from(row.episodes)
            life_at = course(records, episodes, row.withdrawn_at, settings.people)
            seen = pairs.looked(tx, who)
            targets = [one for one in targets if was_out(life_at, seen.get(one), now)]
        obligations.owe(tx, who, targets, now)

    def _withdraw(
        self, tx: Connection, settings: Settings, source: str, id: str, who: str, receipt: str
    ) -> None:
        """DELETE: the source no longer asserts this person (P7)."""
        people.note_case(tx, who, id, None)
        rest = self._others(tx, who, id)
        if rest:
            left = self._assert(tx, settings, who, rest)
        else:
            left = True
            self._owe(tx, settings, who, left=self._stored(tx, settings, who)[1])
            people.withdraw(tx, who, self._business.now())
        pairs.ask(tx, who, settings.targets, _lane(left=left), machine_now())
        body = {**pairs.counters(tx, who, settings.targets), "still_asserted": bool(rest)}
        self._note(tx, "withdrawn", who, source, id, receipt, body)

    def _stored(
        self, tx: Connection, settings: Settings, who: str
    ) -> tuple[Mapping[str, Any], bool]:
        """The person's facts as stored, and whether they work by what is stored."""
        now = self._business.now()
        row = people.read(tx, who)
        facts: dict[str, Any] = json.loads(row.facts)
        if not facts:
            return {}, False  # just made: nobody has said anything yet
        episodes = people.episodes_from(row.episodes)
        if row.changes_at is not None and row.changes_at <= now and row.withdrawn_at is None:
            merged = merge(people.live_records(tx, who), settings.people, now, facts)
            facts, episodes = merged.facts, merged.episodes  # a date nobody has looked at yet
        life = lifecycle(episodes, row.withdrawn_at, settings.people, now)
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
    ) -> None:
        journal.append(
            tx,
            kind="intake",
            person=who,
            ref=receipt,
            body={"what": what, "source": source, "resource": id, **body},
            now=machine_now(),
            business_now=self._business.now(),
        )


def _lane(*, left: bool, first: bool = False, changed: bool = True) -> Lane:
    """Who leaves by this push goes first; what was merely said again goes last."""
    if left:
        return Lane.LEAVER
    if first:
        return Lane.JOINER
    return Lane.CHANGE if changed else Lane.BULK


def _groups_of(tx: Connection, source: str, id: str) -> list[dict[str, Any]]:
    """The SCIM groups of this source that a resource is in, directly or through others."""
    found = members.groups_of(tx, id)
    own = resources.types_of(tx, source, [group for group, _, _ in found])
    return [
        {"value": group, "display": json.loads(document).get("displayName")}
        for group, document, _ in found
        if group in own
    ]


def _stale(facts: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Older than what we have (P10); without a stamp on both sides the last one wins."""
    stamp, earlier = facts.get("sourceModifiedAt"), known.get("sourceModifiedAt")
    if not isinstance(stamp, str) or not isinstance(earlier, str):
        return False
    try:
        return parse_instant(stamp) < parse_instant(earlier)
    except ValueError:
        return False
