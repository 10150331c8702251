"""From a SCIM change to a person and asked pairs, inside the transaction that stores it.

`scim/` calls :meth:`Intake.on_change` before it writes the row; whatever is decided
here is committed together with the resource, or not at all. No target is asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from mappings.documents import Inbound
from provisioning import dated, names, newcomer, obligations, pairs, people
from provisioning.joining import Joining
from provisioning.lifecycle import SAID_AT, lifecycle
from provisioning.merging import Record, course, merge, was_out
from provisioning.newcomer import Newcomer, Reading
from provisioning.pairs import Lane
from provisioning.people import Kept
from scim.listener import Verdict
from settings import Settings
from store import journal, members, resources
from store.clocks import BusinessClock, iso, machine_now, parse_instant
from store.ids import new_id
from store.statement import Statement
from store.tables import resource

_STORED = Statement(
    select(resource.c.person, resource.c.facts, resource.c.ahead).where(
        resource.c.id == bindparam("the_id")
    )
)
_NOTHING = (None, None, None)


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
    ) -> Verdict:
        """Join, derive facts, ask pairs. Raises ScimError 409 for a second live resource
        of one person in one source (state.md 5)."""
        inbound = self._inbounds().get(source)
        if inbound is None or type != "User":
            return Verdict()
        settings = self._settings()
        receipt = new_id()
        who, facts, ahead = (before is not None and _STORED.first(tx, the_id=id)) or _NOTHING
        moment = _Moment(self._business.now(), machine_now())
        now = moment.business
        if after is None:
            if who is None:
                return Verdict()
            self._withdraw(tx, settings, source, id, who, receipt, moment)
            return Verdict(person=who, facts=facts, receipt=receipt)
        stored = people.record(source, facts, ahead)
        # What was read before holds as long as the mapping and the policy are the same.
        if ready is not None and ready.inbound is inbound:
            derived = ready.derived
        else:
            derived = inbound.facts(with_groups(tx, inbound, source, id, after), cleared)
            ready = None
        new = None
        if before is None and isinstance(ready, Newcomer) and ready.policy == settings.people:
            new, now = ready, ready.now
        if _stale(derived.values, stored.facts):
            self._note(tx, "stale", who, source, id, receipt, {}, moment)
            return Verdict(person=who, facts=facts, stale=True, receipt=receipt)
        push = new.push if new else dated.take(stored, derived, settings.people, now)
        said, known = push.record, stored.on(now)
        shared = settings.sources[source].shared_keys
        keys = people.keys_of(source, after.get("externalId"), push.newest, shared)
        row = new.row if new else None
        joining = Joining(tx, settings.sources, source, id, push.newest, row)
        who, problem = joining.join(who, keys)
        kept = people.NOBODY if joining.made else people.read(tx, who)
        people.note_case(tx, who, kept, id, problem)
        others = [] if joining.made else self._others(tx, who, id)
        left = False
        if new is None or others or kept.facts != people.UNKNOWN:
            left = self._assert(tx, settings, who, kept, [*others, said], now)
        elif not joining.made:
            people.store_row(tx, who, new.row)
            if new.works:
                names.keep(tx, who)
        if (dates := people.ahead_text(said.ahead)) != ahead:
            tx.execute(update(resource).where(resource.c.id == id).values(ahead=dates))
        known_as = [id] if before is None else []
        if (user := after.get("userName")) and (before or {}).get("userName") != user:
            known_as.append(str(user))
        if known_as:
            # A report may name this manager by the SCIM id we are about to hand out, or so.
            edges = [people.reference_edge(source, one) for one in known_as]
            pairs.resolved(tx, moment.machine, *edges)
        changed = sorted(k for k, v in said.facts.items() if known.get(k) != v)
        news = bool(set(changed) - dated.ABOUT_THE_PUSH)
        lane = _lane(left=left, first=not known, changed=news)
        body: dict[str, Any] = {
            **pairs.ask(tx, who, settings.targets, lane, moment.machine),
            "changed": changed,
            "problems": [f"{p.rule}: {p.message}" for p in derived.problems],
            "case": problem,
        }
        if said.ahead:
            body["ahead"] = [
                [iso(later.at), sorted(later.facts.keys() - {SAID_AT})] for later in said.ahead
            ]
        what = "created" if before is None else "changed"
        self._note(tx, what, who, source, id, receipt, body, moment)
        text = new.facts if new else people.facts_text(said.facts)
        return Verdict(person=who, facts=text, receipt=receipt)

    def ready(
        self,
        source: str,
        type: str,
        document: Mapping[str, Any],
        cleared: frozenset[str],
        *,
        new: bool,
    ) -> Reading | None:
        """What a record says, unless its mapping reads groups."""
        inbound = self._inbounds().get(source)
        if inbound is None or type != "User" or inbound.reads_groups:
            return None
        if not new:
            return Reading(inbound, inbound.facts(document, cleared))
        policy, now = self._settings().people, self._business.now()
        return newcomer.read(inbound, source, document, cleared, policy, now)

    def again(self, tx: Connection, id: str) -> bool:
        """Read a resource that is stored once more, because its mapping or its groups have
        changed. Whether there is one, and somebody behind it."""
        row = tx.execute(select(resource).where(resource.c.id == id)).one_or_none()
        if row is None or row.deleted is not None or row.person is None:
            return False
        document, cleared = json.loads(row.document), frozenset(json.loads(row.cleared))
        said = self.on_change(tx, row.source, row.type, id, document, document, cleared)
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

    def _others(self, tx: Connection, who: str, id: str) -> list[Record]:
        """What every other live record of the person says."""
        return [
            people.record(row.source, row.facts, row.ahead)
            for row in people.live_resources(tx, who)
            if row.id != id and row.facts
        ]

    def _assert(
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
        left = works_before and not works
        self._owe(tx, settings, who, kept, now, left=left)
        people.store(tx, who, merged)
        if works and not works_before:
            names.keep(tx, who)
        return left

    def _owe(
        self, tx: Connection, settings: Settings, who: str, kept: Kept, now: float, *, left: bool
    ) -> None:
        """Whoever leaves by this change is owed the end of their sessions, even if the next
        one takes it back before anybody looks; so is whoever a date had stopped since the
        last look, by what was known until now (state.md 5)."""
        targets = obligations.with_sessions(settings)
        if not left and targets:
            records = people.live_records(tx, who) if kept.changes_at is not None else []
            episodes = people.episodes_from(kept.episodes)
            life_at = course(records, episodes, kept.withdrawn_at, settings.people)
            seen = pairs.looked(tx, who)
            targets = [one for one in targets if was_out(life_at, seen.get(one), now)]
        obligations.owe(tx, who, targets, now)

    def _withdraw(
        self,
        tx: Connection,
        settings: Settings,
        source: str,
        id: str,
        who: str,
        receipt: str,
        moment: _Moment,
    ) -> None:
        """DELETE: the source no longer asserts this person (P7)."""
        now, kept = moment.business, people.read(tx, who)
        people.note_case(tx, who, kept, id, None)
        rest = self._others(tx, who, id)
        if rest:
            left = self._assert(tx, settings, who, kept, rest, now)
        else:
            left = True
            works = self._before(tx, settings, who, kept, now)[1]
            self._owe(tx, settings, who, kept, now, left=works)
            people.withdraw(tx, who, now)
        counters = pairs.ask(tx, who, settings.targets, _lane(left=left), moment.machine)
        body = {**counters, "still_asserted": bool(rest)}
        self._note(tx, "withdrawn", who, source, id, receipt, body, moment)

    def _before(
        self, tx: Connection, settings: Settings, who: str, kept: Kept, now: float
    ) -> tuple[Mapping[str, Any], bool]:
        """The person's facts as stored, and whether they work by what is stored."""
        facts: dict[str, Any] = json.loads(kept.facts)
        if not facts:
            return {}, False  # just made: nobody has said anything yet
        episodes = people.episodes_from(kept.episodes)
        if kept.changes_at is not None and kept.changes_at <= now and kept.withdrawn_at is None:
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
        {"value": group, "display": json.loads(text).get("displayName")}
        for group, text, _ in found
        if group in own
    ]
    return document | {"groups": groups}


def _stale(facts: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Older than what we have (P10); without a stamp on both sides the last one wins."""
    stamp, earlier = facts.get("sourceModifiedAt"), known.get("sourceModifiedAt")
    if not isinstance(stamp, str) or not isinstance(earlier, str):
        return False
    try:
        return parse_instant(stamp) < parse_instant(earlier)
    except ValueError:
        return False
