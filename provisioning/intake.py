"""From a SCIM change to a person and asked pairs, inside the transaction that stores it.

`scim/` calls :meth:`Intake.on_change` before it writes the row; whatever is decided
here is committed together with the resource, or not at all. No target is asked.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, select, update

from mappings.documents import Inbound
from mappings.vocabulary import NEVER_NULL
from provisioning import obligations, pairs, people
from provisioning.lifecycle import BLOCK, END_DATES, SAID_AT, lifecycle
from provisioning.pairs import Lane
from provisioning.people import Key
from scim.errors import ScimError
from scim.listener import Verdict
from settings import Settings
from store import journal
from store.clocks import BusinessClock, iso, machine_now, parse_instant
from store.tables import person, person_key, resource


class Intake:
    """The listener that `app.py` wires into `scim/`. Holds no state of its own."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        inbounds: Mapping[str, Inbound],
        business: BusinessClock,
    ) -> None:
        """`settings` are those in force now; `inbounds` go from the strongest source down."""
        self._settings = settings
        self._inbounds = inbounds
        self._business = business
        self._rank = {name: position for position, name in enumerate(inbounds)}

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
            select(resource.c.person, resource.c.facts).where(resource.c.id == id)
        ).one_or_none()
        who = row.person if row else None
        if after is None:
            if row is None or who is None:
                return Verdict()
            self._withdraw(tx, settings, source, id, who, receipt)
            return Verdict(person=who, facts=row.facts, receipt=receipt)
        known = json.loads(row.facts) if row and row.facts else {}
        derived = inbound.facts(after, cleared)
        facts = dict(derived.values)
        if _stale(facts, known):
            self._note(tx, "stale", who, source, id, receipt, {})
            return Verdict(
                person=who, facts=row.facts if row else None, stale=True, receipt=receipt
            )
        # What was there before and is not in this document was taken away; but a key, or a
        # value that could not be read, never is.
        unread = {p.rule.rpartition(" ")[2] for p in derived.problems}
        for name, value in known.items():
            facts.setdefault(name, value if name in NEVER_NULL or name in unread else None)
        facts[SAID_AT] = self._said_at(facts, known)
        keys = people.keys_of(
            source, after.get("externalId"), facts, settings.sources[source].shared_keys
        )
        who, problem = self._join(tx, settings, source, id, who, keys)
        self._assert(tx, settings, who, [*self._others(tx, who, id), (source, facts)])
        if problem:
            tx.execute(update(person).where(person.c.id == who).values(problem=problem))
        elif row is not None:
            tx.execute(update(person).where(person.c.id == who).values(problem=None))
        now = machine_now()
        if before is None:
            # A report may name this manager by the SCIM id we are about to hand out.
            pairs.resolved(tx, people.reference_edge(source, id), now)
        pairs.ask(tx, who, settings.targets, _lane(facts, first=not known), now)
        self._note(
            tx,
            "created" if before is None else "changed",
            who,
            source,
            id,
            receipt,
            {
                **pairs.counters(tx, who, settings.targets),
                "changed": sorted(k for k, v in facts.items() if known.get(k) != v),
                "problems": [f"{p.rule}: {p.message}" for p in derived.problems],
                "case": problem,
            },
        )
        return Verdict(
            person=who,
            facts=json.dumps(facts, ensure_ascii=False, sort_keys=True),
            receipt=receipt,
        )

    def _join(
        self,
        tx: Connection,
        settings: Settings,
        source: str,
        id: str,
        who: str | None,
        keys: Sequence[Key],
    ) -> tuple[str, str | None]:
        """The person behind this resource, and why a human has to look at it, if so."""
        known = people.owners(tx, keys)
        stable = [k for k in keys if k.kind in (*people.STABLE_KINDS, "number")]
        claimed = list(dict.fromkeys(known[k] for k in stable if k in known))
        if not claimed:
            claimed = list(dict.fromkeys(known.values()))
        problem = None
        if who is not None:
            others = [p for p in claimed if p != who]
            if others:
                problem = "this record now carries a key of another person"
            elif (
                stable and not any(known.get(k) == who for k in stable) and self._numbered(tx, who)
            ):
                problem = "every number by which this person was known has changed"
            if problem:
                return who, problem
        elif len(claimed) > 1:
            return people.create_person(tx, machine_now()), (
                "the keys of this record belong to different people"
            )
        elif claimed:
            who = claimed[0]
            self._refuse_twin(tx, source, id, who)
        elif not keys:
            return people.create_person(tx, machine_now()), (
                "this record has no usable key (externalId, worker id or employee number)"
            )
        else:
            who = people.create_person(tx, machine_now())
        for key in people.add_keys(tx, who, keys, known):
            # A shared number is a manager reference in every source.
            scopes = settings.sources if key.scope == people.SHARED else (key.scope,)
            for scope in scopes:
                pairs.resolved(tx, people.reference_edge(scope, key.value), machine_now())
        return who, None

    def _numbered(self, tx: Connection, who: str) -> bool:
        found = tx.execute(
            select(func.count())
            .select_from(person_key)
            .where(
                person_key.c.person == who,
                person_key.c.kind.in_(people.STABLE_KINDS),
            )
        ).scalar()
        return bool(found)

    def _refuse_twin(self, tx: Connection, source: str, id: str, who: str) -> None:
        for other in people.live_resources(tx, who):
            if other.source == source and other.id != id:
                raise ScimError(
                    409, "This source already has a resource for the same person key", "uniqueness"
                )

    def _others(self, tx: Connection, who: str, id: str) -> list[tuple[str, Mapping[str, Any]]]:
        """(source, facts) of every live resource of the person but `id`."""
        return [
            (row.source, json.loads(row.facts))
            for row in people.live_resources(tx, who)
            if row.id != id and row.facts
        ]

    def _assert(
        self,
        tx: Connection,
        settings: Settings,
        who: str,
        said: Sequence[tuple[str, Mapping[str, Any]]],
    ) -> None:
        """The person is what these sources say together."""
        merged, origins = people.merge(self._by_rank(said))
        before, asserted = _stored(tx, who)
        # An end date that a record once gave must not outlive it: not in who returns, nor
        # when another source now says who works here. Even as null: perhaps nobody has
        # looked since.
        for name in END_DATES:
            if name in before:
                merged.setdefault(name, None)
        works = (self._works(settings, before, asserted), self._works(settings, merged, True))
        self._owe(tx, settings, who, *works)
        people.store_facts(tx, who, merged, origins, asserted=True)

    def _owe(self, tx: Connection, settings: Settings, who: str, worked: bool, works: bool) -> None:
        """Whoever stops working by this change is owed the end of their sessions, even if
        the next one takes it back before anybody looks; so is whoever a date had stopped,
        when nobody has looked since (state.md 5)."""
        if worked == works:
            return
        now = self._business.now()
        targets = obligations.with_sessions(settings)
        if works:
            unseen = pairs.unseen(tx, who, now)
            targets = [target for target in targets if target in unseen]
        obligations.owe(tx, who, targets, now)

    def _works(self, settings: Settings, facts: Mapping[str, Any], asserted: bool) -> bool:
        policy = settings.people
        now = self._business.now()
        return lifecycle(facts, asserted, policy.pre_hire_days, policy.timezone, now).enabled

    def _withdraw(
        self, tx: Connection, settings: Settings, source: str, id: str, who: str, receipt: str
    ) -> None:
        """DELETE: the source no longer asserts this person (P7)."""
        rest = self._others(tx, who, id)
        if rest:
            self._assert(tx, settings, who, rest)
        else:  # what was last known stays, so that the account keeps its names
            self._owe(tx, settings, who, self._works(settings, *_stored(tx, who)), False)
            tx.execute(update(person).where(person.c.id == who).values(asserted=False))
        lane = Lane.CHANGE if rest else Lane.LEAVER
        pairs.ask(tx, who, settings.targets, lane, machine_now())
        body = {**pairs.counters(tx, who, settings.targets), "still_asserted": bool(rest)}
        self._note(tx, "withdrawn", who, source, id, receipt, body)

    def _by_rank(
        self, said: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> list[tuple[str, Mapping[str, Any]]]:
        """Strongest source first: the order of `sources` in muster.yaml."""
        return sorted(said, key=lambda item: self._rank.get(item[0], len(self._rank)))

    def _said_at(self, facts: Mapping[str, Any], known: Mapping[str, Any]) -> str:
        same = all(facts.get(name) == known.get(name) for name in BLOCK)
        earlier = known.get(SAID_AT)
        return earlier if same and isinstance(earlier, str) else iso(self._business.now())

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


def _stored(tx: Connection, who: str) -> tuple[dict[str, Any], bool]:
    """The person's merged facts and whether a source asserts them, as they are now."""
    row = tx.execute(select(person.c.facts, person.c.asserted).where(person.c.id == who)).one()
    return json.loads(row.facts), row.asserted


def _lane(facts: Mapping[str, Any], *, first: bool) -> Lane:
    if facts.get("involuntary") is True or facts.get("active") is False:
        return Lane.LEAVER
    return Lane.JOINER if first else Lane.CHANGE


def _stale(facts: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Older than what we have (P10); without a stamp on both sides the last one wins."""
    stamp, earlier = facts.get("sourceModifiedAt"), known.get("sourceModifiedAt")
    if not isinstance(stamp, str) or not isinstance(earlier, str):
        return False
    try:
        return parse_instant(stamp) < parse_instant(earlier)
    except ValueError:
        return False
