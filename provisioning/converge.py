"""Converge pairs: hands each claimed one to a look, and several to looks in step."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, delete

from adapters.target import Target
from mappings.documents import Outbound
from provisioning import claims
from provisioning.beforehand import Prepared, prepare
from provisioning.claims import Claim, Result
from provisioning.course import Course, alone, in_step
from provisioning.looking import Look
from provisioning.recording import Recorder
from provisioning.snapshot import Unknown
from provisioning.view import Viewer
from provisioning.worker import Lease
from settings import Settings
from store.clocks import BusinessClock, machine_now
from store.database import Database
from store.tables import account as account_table

_FRESH = 2.0
"""Seconds for which what was read for several looks may be acted upon."""


class Converger:
    """Brings pairs to rest. Safe to use from several threads."""

    def __init__(
        self,
        database: Database,
        settings: Callable[[], Settings],
        targets: Mapping[str, Target],
        outbounds: Mapping[str, Outbound],
        business: BusinessClock,
    ) -> None:
        self._database = database
        self._targets = targets
        self._business = business
        self.viewer = Viewer(database, settings, targets, outbounds)

    def prepare(self, taken: Sequence[Claim]) -> Prepared | None:
        """As :func:`provisioning.beforehand.prepare`, now."""
        return prepare(self._database, self.viewer, taken, self._business.now())

    def look(self, claim: Claim, lease: Lease, approved: str | None = None) -> Result:
        """One claimed pair from due to finished, retried, given up, waiting or held.

        `approved` is the digest of the one plan that may be carried out. Raises Moved when
        another one is needed, and LeaseLost.
        """
        course = self._course(claim, lease, None, approved)
        return alone(course, self._database, self._targets[claim.target])

    def look_together(
        self, taken: Sequence[Claim], leases: Sequence[Lease], prepared: Prepared
    ) -> list[Result | Exception]:
        """The same for several pairs of one target in step: what each came to, or raised."""
        fresh = prepared if time.monotonic() < prepared.read_at + _FRESH else None
        courses = [
            self._course(claim, lease, fresh) for claim, lease in zip(taken, leases, strict=True)
        ]
        return in_step(courses, self._database, self._targets[taken[0].target])

    def _course(
        self, claim: Claim, lease: Lease, prepared: Prepared | None, approved: str | None = None
    ) -> Course[Result]:
        """The look under a claim, with all that it leaves to be written."""
        if prepared is not None:
            settings, now = prepared.settings, prepared.now
        else:
            settings, now = self.viewer.settings, self._business.now()
        target = self._targets[claim.target]
        look = Look(
            self._database, target, self.viewer, claim, lease, settings, now, approved, prepared
        )
        try:
            result = yield from look.result()
        except Exception:
            if look.recorder.waiting:  # what was done was done
                with contextlib.suppress(Unknown):
                    yield from look.write(lambda tx: None)
            raise
        result = replace(_give_up(result, claim, look.recorder), at_business=now)
        return replace(result, record=look.hand_over()) if look.recorder.waiting else result


def _give_up(result: Result, claim: Claim, recorder: Recorder) -> Result:
    """After a day of failures nobody tries any more (state.md 3)."""
    since = claim.failing_since
    late = since is not None and machine_now() - since > claims.GIVE_UP
    if result.kind != "retry" or result.target_down or not late:
        return result
    why = f"given up after a day of failures: {result.problem}"
    body = {"why": why, "stage": result.state, "gave_up": True}
    recorder.later(lambda tx: recorder.append(tx, "case", None, body))
    return replace(result, kind="give up", problem=why)


def forget_link(tx: Connection, person: str, target: str) -> None:
    """`provision --recreate`: the account is gone for good and a new one may be made."""
    tx.execute(
        delete(account_table).where(
            account_table.c.person == person, account_table.c.target == target
        )
    )
