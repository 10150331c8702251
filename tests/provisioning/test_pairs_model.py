"""Pairs against a model of twenty lines: any order of asking, claiming, finishing, dying."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)
from sqlalchemy import select

from provisioning import claims, pairs
from provisioning.claims import Claim, Result
from provisioning.pairs import Lane
from store.database import Database
from store.tables import metadata, pair, person

_PERSONS = ("ada", "bob", "cyd")
_TARGETS = ("ad", "entra")
_EDGES = ("manager:ada", "arrival")


@dataclass
class Pair:
    asked: int = 0
    seen: int = 0
    due: float | None = None
    lane: int = 0
    look_at: float | None = None
    token: str | None = None
    until: float = 0.0
    attempts: int = 0
    held: str | None = None
    waits_on: str | None = None

    def ask(self, lane: int, now: float) -> None:
        still_due = self.due is not None
        self.lane = min(self.lane, lane) if still_due else lane
        self.due = now if self.due is None else min(self.due, now)
        self.asked, self.attempts = self.asked + 1, 0

    def free(self, now: float) -> bool:
        return self.token is None or self.until <= now

    def claimable(self, now: float) -> bool:
        return self.due is not None and self.due <= now and self.free(now)


class Pairs(RuleBasedStateMachine):
    taken: Bundle[Claim] = Bundle("taken")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.db = Database(f"sqlite:///{self.folder.name}/pairs.db")
        metadata.create_all(self.db.engine)
        rows = [{"id": id, "created": 0.0, "asserted": True} for id in _PERSONS]
        self.db.write(lambda tx: tx.execute(person.insert(), rows) and None)
        self.now = 1000.0
        self.business = 0.0
        self.model: dict[tuple[str, str], Pair] = {}

    def teardown(self) -> None:
        self.db.close()
        self.folder.cleanup()

    @rule(
        who=st.sampled_from(_PERSONS),
        where=st.sets(st.sampled_from(_TARGETS), min_size=1),
        lane=st.sampled_from(Lane),
    )
    def ask(self, who: str, where: set[str], lane: Lane) -> None:
        self.db.write(lambda tx: pairs.ask(tx, who, where, lane, self.now))
        for target in where:
            self.model.setdefault((who, target), Pair()).ask(lane, self.now)

    @rule(target=taken, skip=st.sets(st.sampled_from(_TARGETS), max_size=1))
    def claim(self, skip: set[str]) -> Any:
        ready = {
            key: (entry.lane, entry.due)
            for key, entry in self.model.items()
            if entry.claimable(self.now) and key[1] not in skip
        }
        claim = claims.claim(self.db, self.now, skip)
        if claim is None:
            assert not ready
            return multiple()
        key = (claim.person, claim.target)
        assert ready[key] == min(ready.values())
        entry = self.model[key]
        assert (claim.noted, claim.attempts) == (entry.asked, entry.attempts)
        entry.token, entry.until = claim.token, self.now + claims.LEASE
        return claim

    @rule(claim=taken)
    def renew(self, claim: Claim) -> None:
        entry = self.model[claim.person, claim.target]
        ours = entry.token == claim.token
        assert claims.renew(self.db, claim, self.now) == ours
        if ours:
            entry.until = self.now + claims.LEASE

    @rule(claim=taken)
    def check(self, claim: Claim) -> None:
        entry = self.model[claim.person, claim.target]
        ours = entry.token == claim.token and entry.until > self.now
        assert claims.holds(self.db, claim, self.now) == ours

    @rule(
        claim=consumes(taken),
        kind=st.sampled_from(["finish", "wait", "hold"]),
        look_at=st.none() | st.floats(0, 100),
        edge=st.sampled_from(_EDGES),
        resolved=st.booleans(),
    )
    def finish(
        self, claim: Claim, kind: Any, look_at: float | None, edge: str, resolved: bool
    ) -> None:
        result = Result(
            kind,
            look_at=look_at,
            held="breaker" if kind == "hold" else None,
            waits_on=edge if kind == "wait" else None,
            still_waiting=lambda tx: not resolved,
        )
        entry = self.model[claim.person, claim.target]
        ours = entry.token == claim.token
        assert claims.finish(self.db, claim, result, self.now) == ours
        if ours:
            again = entry.asked > claim.noted or (kind == "wait" and resolved)
            entry.token, entry.attempts, entry.seen = None, 0, claim.noted
            entry.due = self.now if again else None
            entry.look_at, entry.held, entry.waits_on = look_at, result.held, result.waits_on

    @rule(claim=consumes(taken), down=st.booleans())
    def retry(self, claim: Claim, down: bool) -> None:
        entry = self.model[claim.person, claim.target]
        ours = entry.token == claim.token
        assert claims.finish(self.db, claim, Result("retry", target_down=down), self.now) == ours
        if ours:
            entry.token = None
            if not down:
                asked = entry.asked > claim.noted
                tries = 0 if asked else claim.attempts
                entry.attempts = tries + 1
                due = self.stored()[claim.person, claim.target].due
                longest = min(2.0 ** (tries + 1), 300)
                assert longest / 2 <= due - self.now <= longest
                entry.due = due

    @rule(edge=st.sampled_from(_EDGES))
    def resolve(self, edge: str) -> None:
        waiting = [entry for entry in self.model.values() if entry.waits_on == edge]
        assert self.db.write(lambda tx: pairs.resolved(tx, self.now, edge)) == len(waiting)
        for entry in waiting:
            entry.ask(Lane.CHANGE, self.now)

    @rule(days=st.floats(0, 40))
    def tick(self, days: float) -> None:
        self.business += days
        come = [
            entry
            for entry in self.model.values()
            if entry.look_at is not None and entry.look_at <= self.business
        ]
        assert pairs.tick(self.db, self.business, self.now) == len(come)
        for entry in come:
            entry.ask(Lane.CHANGE, self.now)
            entry.look_at = None

    @rule(seconds=st.sampled_from([0.5, 5.0, claims.LEASE, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def restart(self) -> None:
        leased = [entry for entry in self.model.values() if entry.token]
        assert claims.free_leases(self.db) == len(leased)
        for entry in leased:
            entry.token = None

    def stored(self) -> dict[tuple[str, str], Any]:
        with self.db.read() as connection:
            return {(row.person, row.target): row for row in connection.execute(select(pair))}

    @invariant()
    def rows_equal_the_model(self) -> None:
        stored = self.stored()
        assert stored.keys() == self.model.keys()
        for key, entry in self.model.items():
            row = stored[key]
            got = (row.asked, row.seen, row.due, row.lane, row.look_at, row.lease_token)
            got += (row.attempts, row.held, row.waits_on)
            want = (entry.asked, entry.seen, entry.due, entry.lane, entry.look_at, entry.token)
            want += (entry.attempts, entry.held, entry.waits_on)
            assert got == want, key

    @invariant()
    def whoever_was_asked_will_be_looked_at(self) -> None:
        for row in self.stored().values():
            assert row.seen == row.asked or row.due is not None


TestPairs = Pairs.TestCase
TestPairs.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
