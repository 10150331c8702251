"""Which record of a worker counts, where Workday has several under one worker number.

A conversion (a contingent worker becomes an employee, or the reverse) leaves the old record
beside the new one: the same number, another WID. Both are delivered, in any order, days
apart or together, and a conversion that is still to come is seen ahead. One of them is what
the person does now; stored one over the other they would lock out somebody who works.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection

from adapters.workday.report import WORKER
from mappings.language.moments import calendar_date
from provisioning.lifecycle import END_DATES
from provisioning.people import fold
from scim.schema import ResourceType
from scim.service import Client, Work, Written
from store import resources
from store.json_text import parse

_LEFT = ("terminated", "retired")

Weight = tuple[int, int, int, str]


class Passed(NamedTuple):
    """A record in a delivery that does not count: its worker number, and why."""

    key: str
    why: str


@dataclass(frozen=True)
class PassedOver(Written):
    """A record that changes nothing, and why."""

    why: str = ""


@dataclass(frozen=True)
class Episode:
    """What a record says of one employment; `key` is its worker number, `source_id` its WID.

    `begins` is its first day; `ends` the last one, unless that was before it (P5);
    `holds_from` the day for which the whole record was taken, if it is another than today.
    """

    key: str
    source_id: str
    active: bool | None
    begins: date | None
    ends: date | None
    holds_from: date | None
    rescinded: bool

    @property
    def is_out(self) -> bool:
        """Whether it says, now or with a date, that the person does not work by it."""
        return self.active is False or self.rescinded

    def on(self, today: date) -> date:
        """The day for which the record speaks."""
        return max(today, self.holds_from or today)

    def is_ahead(self, day: date) -> bool:
        """Whether it has yet to begin."""
        return not self.rescinded and self.begins is not None and self.begins > day

    def is_over(self, day: date) -> bool:
        """Whether it has ended, or never begins."""
        if self.rescinded or self.is_ahead(day):
            return self.rescinded
        return self.active is False if self.ends is None else self.ends < day

    def is_in_force(self, day: date) -> bool:
        """Whether the person works by it."""
        return not self.is_ahead(day) and not self.is_over(day)

    def weight(self, today: date) -> Weight:
        """The more, the rather it counts: one in force, else the next, else the last. Never the
        same for two, so that it does not matter which comes first."""
        day, begins = self.on(today), self.begins.toordinal() if self.begins else 0
        if self.is_in_force(day):
            return 2, self.active is True, begins, self.source_id
        if self.is_ahead(day):
            return 1, 0, -begins, self.source_id
        return 0, not self.rescinded, self.ends.toordinal() if self.ends else begins, self.source_id


def episode(document: Mapping[str, Any]) -> Episode | None:
    """What a document in the names of the schemas says; None without a WID."""
    worker = document.get(WORKER) or {}
    source_id = fold(worker.get("sourceId"))
    if source_id is None:
        return None
    begins, status = _day(worker.get("hireDate")), str(worker.get("status") or "").casefold()
    ends = [day for name in END_DATES if (day := _day(worker.get(name))) and day >= (begins or day)]
    active = document.get("active")
    return Episode(
        key=str(document.get("externalId") or ""),
        source_id=source_id,
        active=False if active is None and status in _LEFT else active,
        begins=begins,
        ends=min(ends, default=None),
        holds_from=_day(worker.get("effectiveDate")),
        rescinded=worker.get("hireRescinded") is True or status == "rescinded",
    )


def passed_over(delivered: Sequence[Episode | None], today: date) -> dict[int, Passed]:
    """Of one delivery the places of records that do not count, because another record of the
    same number does. What comes twice under one WID counts in its order."""
    numbers: dict[tuple[str, date], dict[str, Episode]] = {}
    for one in delivered:
        if one is not None:  # what is of another day waits for it, and hides nothing of today
            numbers.setdefault((one.key, one.on(today)), {})[one.source_id] = one
    passed = {}
    for at, one in enumerate(delivered):
        rivals = numbers[one.key, one.on(today)] if one is not None else {}
        if one is None or len(rivals) == 1:
            continue
        chosen = max(rivals.values(), key=lambda record: record.weight(today))
        if one.source_id != chosen.source_id:
            why = f"Another record of this worker counts: sourceId {chosen.source_id}."
            passed[at] = Passed(one.key, why)
    return passed


def minding(
    work: Work,
    client: Client,
    kind: ResourceType,
    said: Episode,
    today: date,
    beside: Collection[str],
) -> Work:
    """`work`, unless what is stored under the number is another record and counts. `beside` are
    the WIDs delivered under it: one that is there says how the stored one stands today."""

    def minded(tx: Connection) -> Written:
        held = resources.by_key(tx, client.source, kind.name, "externalId", said.key)
        stored = episode(parse(held.document)) if held is not None else None
        if held is None or stored is None or stored.source_id == said.source_id:
            return work(tx)
        why = _older(said, stored, today)
        if why is None and stored.source_id not in beside:
            why = _not_yet(said, stored, today)
        return PassedOver(held, None, result="stale", why=why) if why else work(tx)

    return minded


def _older(said: Episode, stored: Episode, today: date) -> str | None:
    """The end of what was before is not the end of what is (P5)."""
    day = said.on(today)
    if stored.holds_from is not None and stored.holds_from > day:
        return None  # what is stored waits for its day; until then the older one goes on
    before = said.begins and stored.begins and said.begins < stored.begins
    if before and (said.is_out or said.is_over(day)):
        return "An older record of this worker, which is over; the one that is known began later."
    return None


def _not_yet(said: Episode, stored: Episode, today: date) -> str | None:
    """Whoever will convert works as they do until the day, also if it never comes."""
    day = said.on(today)
    if not stored.is_in_force(stored.on(today)):
        return None
    if said.rescinded:
        return "It never began; the record that is known goes on."
    if said.is_ahead(day) and (stored.begins or day) <= day:
        return f"It begins on {said.begins}; until then the record that is known counts."
    return None


def _day(written: Any) -> date | None:
    read = calendar_date(written.strip()) if isinstance(written, str) else None
    return date.fromisoformat(read) if read else None
