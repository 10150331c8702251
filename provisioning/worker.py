"""The loop that claims due pairs and looks at them, in a few threads.

One worker per SQLite file (a file lock sees to it), any number on PostgreSQL. Nothing
here is remembered but which targets are down: a worker that is killed loses its leases
after a while, and another looks again.
"""

from __future__ import annotations

import fcntl
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from provisioning import claims, pairs
from provisioning.claims import Claim, Result
from provisioning.pairs import Lane
from provisioning.pauses import Pauses
from store.clocks import BusinessClock, machine_now
from store.database import Database
from store.wakeup import Changes, changes

_BEAT = 1.0
"""Seconds between two looks at the dates and at back-offs that are over."""
_NAPS = 5
_SPACING = 0.05
_BUSY_SPACING = 0.5
"""Seconds at least from one look at the dates to the next, and while there is work."""
_GLANCE = 0.02
"""Seconds after which, while there is work, an idle thread looks whether there is more."""
_BELIEVED = 0.5
"""Seconds for which a lease that was seen in the database, or was just taken, is there."""
_BATCH = 20
"""Pairs that one thread takes at once from a long line."""
_DRAIN = 8.0
"""Seconds a look may still take after the worker was told to stop."""
_HOUR = 3600.0
_AFTER_ERROR = 1.0
"""Seconds before the database is tried again."""

_log = structlog.get_logger("muster.worker")


class WorkerRunning(Exception):
    """Another worker already runs on this SQLite file."""


class LeaseLost(Exception):
    """The pair is no longer ours: nothing may be written for it any more."""


class Lease:
    """The lease of one claim, as the look sees it."""

    def __init__(
        self,
        db: Database,
        claim: Claim,
        clock: Callable[[], float] = machine_now,
        seen: float = -_BELIEVED,
    ):
        """`seen`: when it was taken, if that was just now (`time.monotonic()`)."""
        self.claim = claim
        self._db = db
        self._clock = clock
        self._lost = False
        self._held = seen

    def check(self) -> None:
        """Raises LeaseLost unless the pair is still leased to this claim. Call it before
        every write step. What was read a moment ago is not read again."""
        now = time.monotonic()
        if not self._lost and now < self._held + _BELIEVED:
            return
        if self._lost or not claims.holds(self._db, self.claim, self._clock()):
            raise LeaseLost
        self._held = now

    def lose(self) -> None:
        """Let every later `check` fail."""
        self._lost = True


class Worker:
    """Runs `look` for every pair that becomes due, in `threads` threads.

    `look` gets the claim and its lease and returns what came of it. It may raise
    LeaseLost; whatever else it raises becomes a retry. `lease` is in seconds. When `epoch`
    says something new, a sandbox was emptied and no target is known to be down. `chores`
    is called at the start and once an hour.

    Where many pairs are due, up to `batch` of one target are claimed together. If
    `prepare` makes anything of them, `together` gets the claims, their leases and that, and
    returns for each what `look` would return or raise.
    """

    def __init__(
        self,
        db: Database,
        look: Callable[..., Result],
        business: BusinessClock,
        threads: int = 4,
        lease: float = claims.LEASE,
        epoch: Callable[[], str | None] = lambda: None,
        chores: Callable[[], object] = lambda: None,
        prepare: Callable[[Sequence[Claim]], Any] = lambda taken: None,
        together: Callable[..., Sequence[Result | Exception]] | None = None,
        batch: int = _BATCH,
    ) -> None:
        self._db = db
        self._epoch = epoch
        self._chores = chores
        self._prepare = prepare
        self._together = together
        self._batch = batch
        self._known_epoch: str | None = None
        self._chored: float | None = None
        """Machine time at which the chores were done last."""
        self._look = look
        self._business = business
        self._threads = threads
        self._lease = lease
        self._pauses = Pauses()
        self._stopping = threading.Event()
        self._work = threading.Condition()
        self._maybe_work = True
        self._leases: dict[tuple[str, str, str], Lease] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then let the looks under way finish (at most 8 s).

        Raises WorkerRunning when the SQLite file has a worker already.
        """
        with _only_worker(self._db):
            if self._db.is_sqlite:
                claims.free_leases(self._db)  # the only worker is this one, and it has none
            self._stopping.clear()
            lookers = [
                self._start(partial(self._claim_and_look, gives_way=n > 0), f"look-{n}")
                for n in range(self._threads)
            ]
            renewer = self._start(self._renew, "renew")
            try:
                self._watch(stop)
            finally:
                self._drain(lookers, renewer)

    def paused(self) -> dict[str, float]:
        """Targets that are down, and until when (machine time) they are left alone."""
        return self._pauses.paused()

    def _start(self, body: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=body, name=name, daemon=True)
        thread.start()
        return thread

    # -- noticing work ---------------------------------------------------------------

    def _watch(self, stop: threading.Event) -> None:
        feed: Changes | None = None
        ticked = -_SPACING
        try:
            while not stop.is_set():
                try:
                    feed = feed or changes(self._db)
                    self._wake()
                    # Under load something is committed all the time: dates need no such hurry.
                    spacing = _BUSY_SPACING if self._leases else _SPACING
                    if time.monotonic() < ticked + spacing:
                        if self._leases:  # nearly all that is committed now is our own
                            stop.wait(_GLANCE)
                        else:
                            feed.wait(_SPACING)
                        continue
                    self._look_around()
                    ticked = time.monotonic()
                    _wait(feed, stop)
                except Exception as error:  # a database that is away must not end the worker
                    _log.error("cannot watch the database", **_where(error))
                    if feed is not None:
                        feed.close()
                        feed = None
                    stop.wait(_AFTER_ERROR)
        finally:
            if feed is not None:
                feed.close()

    def _look_around(self) -> None:
        if (found := self._epoch()) != self._known_epoch:
            self._known_epoch = found
            self._pauses.forget()
        if self._chored is None or not self._chored <= machine_now() < self._chored + _HOUR:
            self._chored = machine_now()
            self._chores()
        if pairs.tick(self._db, self._business.now(), machine_now()):
            self._wake()

    def _wake(self) -> None:
        with self._work:
            self._maybe_work = True
            self._work.notify()

    def _sleep(self) -> None:
        with self._work:
            self._work.wait_for(lambda: self._maybe_work or self._stopping.is_set())
            self._maybe_work = False

    # -- looking -----------------------------------------------------------------------

    def _claim_and_look(self, gives_way: bool) -> None:
        """Look at what is due until the worker stops. Where HR pushes so fast that its requests
        queue up to write, all threads but one do only what is urgent: HR waits for its answers,
        and there is a long line of accounts to be made anyway."""
        most = 1
        while not self._stopping.is_set():
            try:
                last = Lane.LEAVER if gives_way and self._db.crowded else Lane.BULK
                taken, probing = self._claim(most, last)
                # A long line is taken in growing pieces, a short one by all threads.
                most = min(most * 2, self._batch) if len(taken) == most else 1
                if not taken:
                    self._sleep()
                    continue
                self._wake()  # there may be more for the next thread
                self._look_at(taken, probing)
            except Exception as error:  # the database is away; the leases run out
                _log.error("cannot claim or finish", **_where(error))
                self._stopping.wait(_AFTER_ERROR)

    def _claim(self, most: int, last: Lane) -> tuple[list[Claim], bool]:
        """The next claims, all of one target, and whether they try out one that was down."""
        now = machine_now()
        skip, trying = self._pauses.enter(now)
        unused = trying
        try:
            taken = claims.claim_some(self._db, now, most, skip, trying, self._lease, last)
            if not taken:
                return [], False
            unused = trying - {taken[0].target}
            return taken, taken[0].target in trying
        finally:
            self._pauses.leave(unused)

    def _look_at(self, taken: list[Claim], probe: bool) -> None:
        """Look at each, and finish all that came to an end at once."""
        seen = time.monotonic()
        leases = [Lease(self._db, claim, seen=seen) for claim in taken]
        for claim, lease in zip(taken, leases, strict=True):
            self._leases[_key(claim)] = lease
        ended: list[tuple[Claim, Result]] = []
        try:
            for claim, result in self._outcomes(taken, leases):
                ended.append((claim, result))
                self._listen(claim.target, result, probe)
            finished = claims.finish_all(self._db, ended, machine_now()) if ended else []
            for (claim, _), stored in zip(ended, finished, strict=True):
                if not stored:
                    _log.warning("lease lost before the finish", person=claim.person)
        finally:
            for claim in taken:
                del self._leases[_key(claim)]
            if probe and not ended:
                self._pauses.leave(frozenset({taken[0].target}))

    def _listen(self, target: str, result: Result, probe: bool) -> None:
        """What a result says about the target."""
        if result.target_down:
            if self._pauses.down(target, machine_now(), probe, result.retry_after):
                _log.warning("target is down", target=target)
        elif self._pauses.up(target):
            _log.info("target is back", target=target)
            self._wake()

    def _outcomes(
        self, taken: Sequence[Claim], leases: Sequence[Lease]
    ) -> Iterator[tuple[Claim, Result]]:
        """What came of each; who lost the lease is left out, who is not looked at let go."""
        several = self._together if len(taken) > 1 else None
        prepared = self._prepare(taken) if several is not None else None
        if several is not None and prepared is not None:
            found = several(taken, leases, prepared)
            for claim, end in zip(taken, found, strict=True):
                if (result := self._result(claim, end)) is not None:
                    yield claim, result
            return
        over = False
        for claim, lease in zip(taken, leases, strict=True):
            if over:
                claims.release(self._db, claim)  # somebody else's, or for another time
                continue
            try:
                end = self._look(claim, lease)
            except Exception as error:
                end = error
            if (result := self._result(claim, end)) is not None:
                yield claim, result
                over = result.target_down or self._stopping.is_set()

    def _result(self, claim: Claim, end: Result | Exception) -> Result | None:
        if isinstance(end, Result):
            return end
        if isinstance(end, LeaseLost):
            _log.warning("lease lost during the look", person=claim.person, target=claim.target)
            claims.release(self._db, claim)
            return None
        _log.error("look failed", person=claim.person, target=claim.target, **_where(end))
        return Result("retry", problem=f"internal error {type(end).__name__}")

    # -- keeping leases, and stopping ----------------------------------------------------

    def _renew(self) -> None:
        while not self._stopping.wait(self._lease / 3):
            self._renew_all()

    def _renew_all(self) -> None:
        for lease in list(self._leases.values()):
            try:
                if not claims.renew(self._db, lease.claim, machine_now(), self._lease):
                    lease.lose()
            except SQLAlchemyError as error:  # the lease still ends by itself in time
                _log.error("cannot renew a lease", **_where(error))

    def _drain(self, lookers: list[threading.Thread], renewer: threading.Thread) -> None:
        give_up = machine_now() + _DRAIN
        self._stopping.set()
        with self._work:
            self._work.notify_all()
        for thread in [*lookers, renewer]:
            thread.join(max(0.0, give_up - machine_now()))
        for lease in list(self._leases.values()):
            lease.lose()
            _log.warning("look given up", person=lease.claim.person, target=lease.claim.target)


def _key(claim: Claim) -> tuple[str, str, str]:
    """Of a claim: the pair may be another thread's again before ours is done with it."""
    return claim.person, claim.target, claim.token


def _wait(feed: Changes, stop: threading.Event) -> None:
    """Until something was committed, a beat has passed or the worker should stop."""
    for _ in range(_NAPS):  # counted, not timed: the machine's clock may be set back
        if stop.is_set() or feed.wait(_BEAT / _NAPS):
            return


@contextmanager
def _only_worker(db: Database) -> Iterator[None]:
    """The lock beside the SQLite file; the kernel drops it with the process."""
    if db.file is None:
        yield
        return
    path = Path(f"{db.file}.worker")
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkerRunning(
                f"Another worker already runs on {db.file}; a SQLite database takes only one."
            ) from None
        yield


def _where(error: BaseException) -> dict[str, str]:
    """What may be logged of an error: its type and place. Its text may hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"
    return {"error": type(error).__name__, "at": place}
