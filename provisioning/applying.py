"""Carrying out approved plans at once, by whoever asked for it, with the worker's own hands.

Nothing else than the approved plan is done: where another one is needed by now, nothing.
"""

from __future__ import annotations

from provisioning import claims
from provisioning.converge import Converger
from provisioning.looking import Moved
from provisioning.worker import Lease, LeaseLost
from store import journal
from store.clocks import machine_now
from store.database import Database

DONE = "done"
MOVED = "not done: another plan is needed by now"
BUSY = "not done: the worker is looking at it"
HELD = "held: "


class Applying:
    """For one operator, `by`."""

    def __init__(self, converger: Converger, database: Database, by: str) -> None:
        self._converger = converger
        self._database = database
        self._by = by

    def begin(self, plans: int, business_now: float) -> None:
        """Say in the journal who carries out how many plans."""
        self._database.write(
            lambda tx: journal.append(
                tx,
                kind="console",
                body={"what": "plans applied", "by": self._by, "plans": plans},
                now=machine_now(),
                business_now=business_now,
            )
        )

    def carry_out(self, person: str, target: str, digest: str) -> str:
        """What came of it: DONE, MOVED, BUSY, or a text that says what went wrong.

        Raises TargetDown and TargetRefused.
        """
        claim = claims.claim_one(self._database, person, target, machine_now())
        if claim is None:
            return BUSY
        lease = Lease(self._database, claim)
        try:
            result = self._converger.look(claim, lease, approved=digest)
        except Moved:
            claims.release(self._database, claim)
            return MOVED
        except LeaseLost:
            claims.release(self._database, claim)
            return BUSY
        claims.finish(self._database, claim, result, machine_now())
        if result.held is not None:
            return HELD + result.held
        return DONE if result.kind == "finish" else str(result.problem)
