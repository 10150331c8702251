"""What several looks at pairs of one target need: read and asked together beforehand."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from adapters.target import (
    Account,
    Ambiguous,
    Key,
    Link,
    Target,
    TargetDown,
    TargetRefused,
    folded,
)
from provisioning import names
from provisioning.claims import Claim
from provisioning.finding import Contradicted, find
from provisioning.names import ACCOUNT_NAME
from provisioning.naming import Naming
from provisioning.rivals import contested
from provisioning.snapshot import Snapshot, read_snapshots
from provisioning.told import Name, Told
from provisioning.view import Begun, View, Viewer
from settings import Settings
from store.clocks import machine_now
from store.database import Database


@dataclass(frozen=True)
class Prepared:
    """What was read for several looks at once, at business time `now`."""

    now: float
    settings: Settings
    snapshots: Mapping[str, Snapshot]
    accounts: Mapping[str, Account]
    """Those linked, by anchor."""
    newcomers: Mapping[str, Begun]
    """By person: whoever has no account yet."""
    rivals: Collection[str]
    """Who has no account, and a number that is somebody else's too."""
    told: Told
    read_at: float
    """`time.monotonic()`."""

    def is_settled(self, person: str) -> bool:
        """Whether nobody else may be given an account with this person's key just now."""
        return person in self.snapshots and person not in self.rivals

    def view(self, viewer: Viewer, claim: Claim, target: Target) -> View | None:
        """The first view of a pair; None: look anew."""
        snapshot = self.snapshots.get(claim.person)
        link = snapshot.link if snapshot is not None else None
        if snapshot is None or (link is not None and link.anchor not in self.accounts):
            return None
        if claim.person in self.rivals:
            return None

        def read(where: Link | None, key: Key | None) -> Account | None:
            if where is None and key is not None:
                return self.told.read(claim.target, target, key)
            if where is not None and where == link:
                return self.accounts[where.anchor]
            return target.read(where, key)

        begun = self.newcomers.get(claim.person) or viewer.begin(
            snapshot, self.settings, claim.target, self.now, keep_names=True, told=self.told
        )
        return viewer.view_of(begun, read)


def prepare(
    database: Database, viewer: Viewer, taken: Sequence[Claim], now: float
) -> Prepared | None:
    """What looks at these pairs, all of one target, need: in far fewer statements and
    requests. None when the target does not answer: each look says so."""
    began, target, settings = time.monotonic(), taken[0].target, viewer.settings
    with database.read() as connection:
        whom = [claim.person for claim in taken]
        snapshots = read_snapshots(connection, whom, target, settings.people, now)
    anchors = {s.link.anchor for s in snapshots.values() if s.link is not None}
    told = Told()
    new = [s for s in snapshots.values() if s.link is None and not (s.problem or s.parked)]
    # Before any target is asked; and who has a rival asks for themselves.
    rivals = contested(database, target, [s.person for s in new], settings.sources, machine_now())
    newcomers = {
        s.person: viewer.begin(s, settings, target, now, keep_names=True, told=told)
        for s in new
        if s.person not in rivals
    }
    try:
        accounts = viewer.targets[target].several(anchors) if anchors else {}
        if _ask_for_keys(viewer, target, newcomers.values(), told):
            given = _names(database, viewer, target, newcomers.values(), told, now)
            newcomers |= {person: newcomers[person].named(found) for person, found in given.items()}
    except (TargetDown, TargetRefused):
        return None
    return Prepared(now, settings, snapshots, accounts, newcomers, rivals, told, began)


def _ask_for_keys(viewer: Viewer, target: str, looks: Collection[Begun], told: Told) -> bool:
    """Whether the newcomers have accounts, in any target; False when one of them is down. Who
    has a name already needs none of an account elsewhere."""
    told.ask_carriers(target, viewer.targets[target], [k for look in looks for k in look.keys])
    unnamed = [look for look in looks if ACCOUNT_NAME not in look.snapshot.names]
    for other, system in viewer.targets.items():
        if other != target:
            outbound = viewer.outbound(other)
            keys = [k for look in unnamed for k in outbound.matches(look.snapshot.facts)]
            try:
                told.ask_carriers(other, system, keys)
            except (TargetDown, TargetRefused):
                return False
    return True


def _names(
    database: Database,
    viewer: Viewer,
    target: str,
    looks: Collection[Begun],
    told: Told,
    now: float,
) -> dict[str, dict[str, str]]:
    """Asks who holds the names that the newcomers will most probably get. Person -> kind ->
    name, where that is reserved already: nobody holds it, and an account is sure to be made."""
    asked: list[Name] = []
    wanted: dict[str, dict[str, Sequence[str]]] = {}
    called: dict[str, list[Name]] = {}
    """Person -> the account name as targets know it."""
    taken: set[tuple[str, str]] = set()
    with database.moment() as connection:

        def is_taken(person: str, kind: str, value: str) -> bool:
            return (kind, folded(value)) in taken or names.is_taken(
                connection, person, now, kind, value
            )

        for look in looks:
            person = look.snapshot.person
            if not look.life.exists or not look.keys:
                continue
            try:
                found = find(told.reader(target, viewer.targets[target]), look.keys)
            except (Ambiguous, Contradicted):
                continue  # the look will say so
            naming = viewer.naming(look, found.account if found is not None else None)
            guessed = naming.guess(partial(is_taken, person))
            taken |= {(kind, folded(value)) for kind, value in guessed}
            asked += guessed
            if found is None and look.outbound.scope is None:
                wanted[person] = _wanted(naming, look.snapshot, guessed)
                called[person] = [name for name in guessed if name[0] != names.MAIL]
    held: set[Name] = set()
    for other in (target, *(viewer.targets.keys() - {target})):
        try:
            held |= told.ask_holders(other, viewer.targets[other], asked)
        except (TargetDown, TargetRefused):
            if other == target:
                raise
            return {}
    free = {
        person: kinds
        for person, kinds in wanted.items()
        if kinds and held.isdisjoint(called[person])
    }
    return names.reserve_together(database, free, now)


def _wanted(
    naming: Naming, snapshot: Snapshot, guessed: Collection[Name]
) -> dict[str, Sequence[str]]:
    """Kind -> candidates of what is reserved for a newcomer: the account name first."""
    known = snapshot.names.get(ACCOUNT_NAME)
    name = known or next((value for kind, value in guessed if kind == ACCOUNT_NAME), None)
    if name is None:
        return {}
    own: dict[str, Sequence[str]] = {} if known else {ACCOUNT_NAME: [name]}
    return own | naming.wanted(name)
