"""Looking at many people at once without writing anything: plans, and what has drifted.

People and accounts are read a few hundred at a time, so that memory does not grow with
the number of people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select

from adapters.target import Account, Key, Link, Step, TargetDown, TargetRefused
from policy_settings import KINDS, Breakers
from provisioning import breakers
from provisioning.merging import Record
from provisioning.plan import digest, same_dn
from provisioning.snapshot import Snapshot, read_snapshots
from provisioning.view import Held, View, Viewer
from store.database import Database
from store.tables import account, pair, person, resource

AT_ONCE = 250
"""People who are read together."""
_NOTHING: Mapping[str, Sequence[Record]] = {}


@dataclass(frozen=True)
class Finding:
    """What one look at a person and a target found. Holds personal values."""

    person: str
    target: str
    facts: Mapping[str, Any]
    view: View | None = None
    held: str | None = None
    """Why nothing can be planned: the person is held, or the target cannot be asked."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """What would be done."""
        return self.view.plan.steps if self.view is not None else ()

    @property
    def digest(self) -> str:
        """The same as long as the same would be done."""
        return digest(self.steps)


def everybody(connection: Connection, source: str | None = None) -> list[str]:
    """Ids of all persons, or of those whom a record of `source` belongs to, in a fixed order."""
    query = select(person.c.id).order_by(person.c.id)
    if source is not None:
        mine = select(resource.c.person).where(
            resource.c.source == source, resource.c.person.is_not(None)
        )
        query = query.where(person.c.id.in_(mine))
    return list(connection.execute(query).scalars())


def look_at(
    database: Database,
    viewer: Viewer,
    persons: Iterable[str],
    target: str,
    now: float,
    instead: Mapping[str, Sequence[Record]] = _NOTHING,
) -> Iterator[Finding]:
    """What would be done for these persons in a target at business time `now`; `instead` are
    records of a person that count in place of those stored.

    Raises TargetDown and TargetRefused when the target cannot be asked at all.
    """
    rest = iter(persons)
    while chunk := list(islice(rest, AT_ONCE)):
        settings = viewer.settings
        with database.read() as connection:
            snapshots = read_snapshots(connection, chunk, target, settings.people, now, instead)
        links = {s.link.anchor for s in snapshots.values() if s.link is not None}
        accounts = viewer.targets[target].several(links) if links else {}
        for id in chunk:
            if id in snapshots:
                yield _find(viewer, snapshots[id], target, now, accounts)


def _find(
    viewer: Viewer, snapshot: Snapshot, target: str, now: float, accounts: Mapping[str, Account]
) -> Finding:
    def read(link: Link | None, key: Key | None) -> Account | None:
        if link is not None and link.anchor in accounts:
            return accounts[link.anchor]
        return viewer.targets[target].read(link, key)

    found = Finding(snapshot.person, target, snapshot.facts)
    try:
        look = viewer.begin(snapshot, viewer.settings, target, now, keep_names=False)
        view = viewer.view_of(look, read)
    except Held as held:
        return Finding(found.person, target, found.facts, held=str(held))
    except (TargetDown, TargetRefused) as error:
        return Finding(found.person, target, found.facts, held=f"cannot be asked: {error}")
    return Finding(found.person, target, found.facts, view)


@dataclass
class Summary:
    """What many plans come to, for one target."""

    target: str
    people: int = 0
    changed: int = 0
    held: int = 0
    waiting: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    attributes: Counter[str] = field(default_factory=Counter)
    containers: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(from, to) -> accounts moved; created ones come from "new"."""
    kinds: Counter[str] = field(default_factory=Counter)
    """What breakers count -> accounts."""
    drift: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(attribute, what becomes of it) -> accounts."""

    def add(self, finding: Finding) -> None:
        """Count one look."""
        self.people += 1
        self.held += finding.held is not None
        view = finding.view
        if view is None:
            return
        self.waiting += view.waits_on is not None
        self.changed += bool(view.plan.steps)
        for step in view.plan.steps:
            self.steps[step.kind] += 1
            self.attributes.update(step.attributes.keys() if step.kind == "modify" else ())
            self.attributes.update(filter(None, (step.attribute,)))
            if step.kind == "create" and step.container:
                self.containers["new", step.container] += 1
            if step.kind == "move" and view.actual is not None:
                before, after = view.actual.container or "", step.container or ""
                if not same_dn(before, after):
                    self.containers[before, after] += 1
        self.kinds.update(breakers.needed(view.plan, view.actual))
        for drift in view.plan.drift:
            self.drift[drift.attribute, drift.what] += 1


def over_the_limit(
    connection: Connection, summary: Summary, limits: Breakers, now: float
) -> dict[str, tuple[int, int]]:
    """Kind -> (accounts, limit) where a breaker would hold what these plans need."""
    accounts = breakers.accounts(connection, summary.target)
    found = {}
    for kind in KINDS if limits.enabled else ():
        counted = breakers.passed(connection, summary.target, kind, limits, now)
        limit = limits.limit(kind, accounts)
        if summary.kinds[kind] and counted + summary.kinds[kind] > limit:
            found[kind] = (counted + summary.kinds[kind], limit)
    return found


def nobodys(database: Database, viewer: Viewer, target: str) -> Iterator[Account]:
    """Accounts of the target that are linked to nobody."""
    with database.read() as connection:
        anchors = set(
            connection.execute(select(account.c.anchor).where(account.c.target == target)).scalars()
        )
    for one in viewer.targets[target].every():
        if one.anchor not in anchors:
            yield one


def drifted(connection: Connection, target: str | None = None) -> Sequence[Any]:
    """Pairs (person, facts, target, drift, looked) in which the last look found something
    changed by somebody else."""
    query = (
        select(pair.c.person, person.c.facts, pair.c.target, pair.c.drift, pair.c.looked)
        .join(person, person.c.id == pair.c.person)
        .where(pair.c.drift.is_not(None))
        .order_by(pair.c.target, pair.c.person)
    )
    if target is not None:
        query = query.where(pair.c.target == target)
    return connection.execute(query).all()
