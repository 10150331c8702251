from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from provisioning import claims, pairs, worker
from provisioning.claims import Claim, Result
from provisioning.pairs import Lane
from provisioning.worker import Lease, LeaseLost, Worker, WorkerRunning
from store.clocks import machine_now
from store.database import Database
from store.migrate import migrate
from store.setting import business_clock, set_business_time
from store.tables import pair
from store.tables import person as person_table

People = Callable[[int], list[str]]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def slow_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker looks by itself every minute only: what comes sooner, it noticed."""
    monkeypatch.setattr(worker, "_BEAT", 60.0)
    monkeypatch.setattr(worker, "_NAPS", 300)


@contextmanager
def running(db: Database, look: Any, **options: Any) -> Iterator[Worker]:
    made = Worker(db, look, business_clock(db), **options)
    stop, errors = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            made.run(stop)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield made
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()
        assert errors == []


def push(db: Database, person: str, *targets: str, lane: Lane = Lane.CHANGE) -> None:
    db.write(lambda tx: pairs.ask(tx, person, targets or ("ad",), lane, machine_now()))


def push_all(db: Database, many: int) -> None:
    for number in range(many):
        push(db, f"p{number}")


def counts(db: Database) -> pairs.Counts:
    with db.read() as connection:
        return pairs.counts(connection, machine_now())


def eventually(true: Callable[[], Any], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.01)


def rows(db: Database) -> dict[tuple[str, str], Any]:
    with db.read() as connection:
        return {(row.person, row.target): row for row in connection.execute(select(pair))}


@pytest.mark.usefixtures("slow_beat")
def test_a_push_is_looked_at_within_a_moment(db: Database, people: People) -> None:
    people(1)
    looked = threading.Event()

    def look(claim: Claim, lease: Lease) -> Result:
        lease.check()
        looked.set()
        return Result("finish", state="active")

    with running(db, look):
        time.sleep(0.2)  # it is idle now, and notices only what is committed
        push(db, "p0")
        assert looked.wait(10)
        eventually(lambda: counts(db).settled)
    assert rows(db)["p0", "ad"].state == "active"


def test_a_pair_that_is_asked_again_may_be_taken_before_its_look_is_over(
    db: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread takes it between the commit of the first look and its end."""
    people(1)
    again, over = threading.Event(), threading.Event()
    finish_all = claims.finish_all
    looks: list[Lease] = []

    def slowly(*arguments: Any) -> list[bool]:
        stored = finish_all(*arguments)
        if len(looks) == 1:
            assert again.wait(10)  # the second look has begun
            over.set()
        return stored

    def look(claim: Claim, lease: Lease) -> Result:
        looks.append(lease)
        if len(looks) == 1:
            push(db, "p0")
        else:
            again.set()
            assert over.wait(10)
            eventually(lambda: not any(one is looks[0] for one in made._leases.values()))
            assert list(made._leases.values()) == [lease], "its lease is still kept alive"
        return Result("finish")

    monkeypatch.setattr(claims, "finish_all", slowly)
    with capture_logs() as logs, running(db, look, threads=2) as made:
        push(db, "p0")
        eventually(lambda: len(looks) == 2 and counts(db).settled)
    assert [line for line in logs if line["log_level"] == "error"] == []


def test_a_long_line_is_looked_at_in_step(db: Database, people: People) -> None:
    """Each ends as it would alone, whatever becomes of the others."""
    people(9)
    alone, sizes = list[str](), list[int]()

    def end(claim: Claim) -> Result | Exception:
        if claim.person == "p3":
            return LeaseLost() if claim.attempts == 0 and "p3" not in alone else Result("finish")
        if claim.person == "p4":
            return LookupError("not told to anybody")
        return Result("hold", held="why") if claim.person == "p5" else Result("finish")

    def look(claim: Claim, lease: Lease) -> Result:
        alone.append(claim.person)
        found = end(claim)
        if isinstance(found, Exception):
            raise found
        return found

    def together(taken: list[Claim], leases: list[Lease], prepared: Any) -> list[Any]:
        assert prepared == [claim.person for claim in taken]
        assert [lease.claim for lease in leases] == taken
        for lease in leases:
            lease.check()
        sizes.append(len(taken))
        return [end(claim) for claim in taken]

    def prepare(taken: list[Claim]) -> list[str]:
        return [claim.person for claim in taken]

    push_all(db, 9)
    options = {"threads": 1, "prepare": prepare, "together": together}
    with capture_logs() as logs, running(db, look, **options):
        eventually(lambda: all(row.seen or row.attempts for row in rows(db).values()))
    found = rows(db)
    assert sum(sizes) >= 8
    assert alone[0] == "p0"
    assert found["p5", "ad"].held == "why"
    assert "LookupError" in found["p4", "ad"].problem
    assert "not told to anybody" not in str(logs)
    assert {person for (person, _), row in found.items() if row.problem is None} == {
        f"p{number}" for number in range(9) if number != 4
    }


def test_pairs_run_side_by_side(db: Database, people: People) -> None:
    together = threading.Barrier(3, timeout=10)

    def look(claim: Claim, lease: Lease) -> Result:
        together.wait()
        return Result("finish")

    for person in people(3):
        push(db, person)
    with running(db, look, threads=3):
        eventually(lambda: counts(db).settled)


def test_where_hr_crowds_one_thread_goes_on_and_leavers_go_first(
    db: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowded = True
    monkeypatch.setattr(Database, "crowded", property(lambda _: crowded))
    go, looking = threading.Event(), list[str]()

    def look(claim: Claim, lease: Lease) -> Result:
        looking.append(claim.person)
        assert go.wait(10)
        return Result("finish")

    people(6)
    push_all(db, 4)
    with running(db, look, threads=4):
        eventually(lambda: looking)
        time.sleep(0.3)
        assert len(looking) == 1
        push(db, "p4", lane=Lane.LEAVER)
        push(db, "p5", lane=Lane.LEAVER)
        eventually(lambda: {"p4", "p5"} <= set(looking))
        assert len(looking) == 3
        crowded = False
        eventually(lambda: len(looking) == 4)
        go.set()
        eventually(lambda: counts(db).settled)
    assert set(looking) == {f"p{number}" for number in range(6)}


def test_sqlite_takes_one_worker_and_says_so(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/muster.db"
    migrate(url)
    db = Database(url)
    stopped = threading.Event()
    stopped.set()  # whoever gets the lock returns at once
    first = threading.Event()

    def look(claim: Claim, lease: Lease) -> Result:
        first.set()
        return Result("finish")

    db.write(lambda tx: tx.execute(person_table.insert().values(id="p0", created=0, asserted=True)))
    push(db, "p0")
    with running(db, look):
        assert first.wait(10)
        with pytest.raises(WorkerRunning, match="a SQLite database takes only one"):
            Worker(db, look, business_clock(db)).run(stopped)
    Worker(db, look, business_clock(db)).run(stopped)  # the lock is gone with the first
    db.close()


def test_an_error_becomes_a_retry_and_tells_the_log_no_names(db: Database, people: People) -> None:
    people(2)

    def look(claim: Claim, lease: Lease) -> Result:
        if claim.person == "p0":
            raise ValueError("Zoë Ångström, zoe@norhaven.example")
        return Result("finish")

    with capture_logs() as logs, running(db, look, threads=1):
        push(db, "p0")
        eventually(lambda: rows(db)["p0", "ad"].attempts == 1)
        push(db, "p1")
        eventually(lambda: rows(db)["p1", "ad"].seen == 1)
    assert rows(db)["p0", "ad"].problem == "internal error ValueError"
    (entry,) = [log for log in logs if log["event"] == "look failed"]
    assert entry["error"] == "ValueError"
    assert entry["at"].startswith("test_worker.py:")
    assert "norhaven" not in str(logs)
    assert "Zoë" not in str(logs)


def test_a_look_that_lost_its_lease_stores_nothing(db: Database, people: People) -> None:
    people(1)
    lost = threading.Event()

    def look(claim: Claim, lease: Lease) -> Result:
        if not lost.is_set():
            claims.free_leases(db)  # as if it had run out
            lost.set()
            lease.check()
            raise AssertionError("checked a lease that is gone")
        return Result("finish", state="second look")

    with running(db, look, threads=1):
        push(db, "p0")
        eventually(lambda: counts(db).settled and lost.is_set())
    got = rows(db)["p0", "ad"]
    assert (got.state, got.problem, got.attempts) == ("second look", None, 0)


def test_a_long_look_keeps_its_lease(db: Database, people: People) -> None:
    people(1)
    looks = []

    def look(claim: Claim, lease: Lease) -> Result:
        looks.append(claim.token)
        for _ in range(15):
            time.sleep(0.1)
            lease.check()
        return Result("finish")

    with running(db, look, threads=2, lease=0.6):
        push(db, "p0")
        eventually(lambda: bool(looks))
        eventually(lambda: counts(db).settled)
    assert len(looks) == 1


def test_a_target_that_is_down_stops_only_itself(db: Database, people: People) -> None:
    tried: list[tuple[str, float]] = []
    back = threading.Event()

    def look(claim: Claim, lease: Lease) -> Result:
        if claim.target == "ad":
            tried.append((claim.person, time.monotonic()))
            if not back.is_set():
                return Result("retry", target_down=True, problem="no route to host")
        return Result("finish")

    for person in people(30):
        push(db, person, "ad", "entra", lane=Lane.LEAVER)
    with running(db, look, threads=4) as made:
        eventually(lambda: all(r.seen for key, r in rows(db).items() if key[1] == "entra"))
        assert "ad" in made.paused()
        early = len(tried)
        eventually(lambda: len(tried) > early, 40)  # the worker goes on trying it out
        waiting = [r for key, r in rows(db).items() if key[1] == "ad"]
        assert all(r.due is not None and r.attempts == 0 for r in waiting)
        assert "no route to host" in {r.problem for r in waiting}
        outage = [moment for _, moment in tried]
        back.set()
        eventually(lambda: counts(db).settled, 60)
        assert made.paused() == {}
    # Four threads may have begun before the outage was known; then it is one, and a pause.
    rushed = [b - a for a, b in itertools.pairwise(outage) if b - a < 0.9]
    assert len(rushed) <= 4
    assert all(r.problem is None for r in rows(db).values())


@pytest.mark.usefixtures("slow_beat")
def test_dates_come_when_the_business_clock_jumps(db: Database, people: People) -> None:
    people(1)
    looks: list[float] = []
    business = business_clock(db)

    def look(claim: Claim, lease: Lease) -> Result:
        looks.append(business.now())
        return Result("finish", look_at=5000.0 if business.now() < 5000 else None)

    db.write(lambda tx: set_business_time(tx, 1000))
    with running(db, look):
        push(db, "p0")
        eventually(lambda: counts(db).settled and looks == [1000])
        db.write(lambda tx: set_business_time(tx, 4999))
        time.sleep(0.3)
        assert looks == [1000]
        db.write(lambda tx: set_business_time(tx, 9000))
        eventually(lambda: looks == [1000, 9000])
        eventually(lambda: counts(db).settled)


def test_stopping_lets_a_look_finish(db: Database, people: People) -> None:
    people(2)
    started = threading.Event()

    def look(claim: Claim, lease: Lease) -> Result:
        started.set()
        time.sleep(0.5)
        lease.check()
        return Result("finish")

    push(db, "p0")
    push(db, "p1")
    with running(db, look, threads=1):
        assert started.wait(5)
    assert counts(db).leased == 0
    assert sorted(r.seen for r in rows(db).values()) == [0, 1], "and takes up no other"


def test_stopping_gives_up_a_look_that_will_not_end(
    db: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(1)
    monkeypatch.setattr(worker, "_DRAIN", 0.3)
    started, gone, fenced = threading.Event(), threading.Event(), threading.Event()

    def look(claim: Claim, lease: Lease) -> Result:
        started.set()
        gone.wait(10)
        try:
            lease.check()
        except LeaseLost:
            fenced.set()
            raise
        return Result("finish")

    push(db, "p0")
    with running(db, look):
        assert started.wait(5)
    assert counts(db).leased == 1, "the lease runs out by itself"
    gone.set()
    assert fenced.wait(5), "and nothing more is written"
    assert rows(db)["p0", "ad"].seen == 0


_VICTIM = """
import sys, threading, time
from provisioning.worker import Worker
from store.database import Database
from store.migrate import migrate
from store.setting import business_clock
db = Database(sys.argv[1])
def look(claim, lease):
    print(claim.person, flush=True)
    time.sleep(60)
Worker(db, look, business_clock(db), lease=float(sys.argv[2])).run(threading.Event())
"""


def test_another_worker_takes_over_from_one_that_was_killed(
    db: Database, database_url: str, people: People
) -> None:
    people(1)
    push(db, "p0")
    # On SQLite the next worker knows that it is alone and waits for no lease to run out.
    lease = "600" if db.is_sqlite else "2"
    victim = subprocess.Popen(
        [sys.executable, "-c", _VICTIM, database_url, lease],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert victim.stdout is not None
    assert victim.stdout.readline().strip() == "p0", "killed in the middle of its look"
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    assert counts(db).leased == 1
    with running(db, lambda claim, lease: Result("finish")):
        eventually(lambda: counts(db).settled)
    assert rows(db)["p0", "ad"].seen == 1


def test_pushes_under_load_are_all_seen_and_never_two_looks_at_once(
    db: Database, people: People
) -> None:
    """Pushers against workers; on PostgreSQL two of them. A look reads what was pushed."""
    ids = people(8)
    wanted = dict.fromkeys(ids, 0)
    applied = dict.fromkeys(ids, 0)
    busy: set[str] = set()
    overlaps: list[str] = []
    guard = threading.Lock()

    def look(claim: Claim, lease: Lease) -> Result:
        with guard:
            if claim.person in busy:
                overlaps.append(claim.person)
            busy.add(claim.person)
            wish = wanted[claim.person]
        time.sleep(0.002)
        with guard:
            applied[claim.person] = wish
            busy.discard(claim.person)
        return Result("finish")

    def pusher(seed: int) -> None:
        for step in range(60):
            person = ids[(seed * 7 + step * 3) % len(ids)]
            with guard:
                wanted[person] += 1  # before the commit that asks for a look
            push(db, person)

    workers = [running(db, look) for _ in range(1 if db.is_sqlite else 2)]
    for made in workers:
        made.__enter__()
    try:
        pushers = [threading.Thread(target=pusher, args=(seed,)) for seed in range(3)]
        for thread in pushers:
            thread.start()
        for thread in pushers:
            thread.join()
        eventually(lambda: counts(db).settled, 30)
    finally:
        for made in workers:
            made.__exit__(None, None, None)
    assert overlaps == []
    assert applied == wanted
    assert all(r.seen == r.asked for r in rows(db).values())
    assert sum(r.asked for r in rows(db).values()) == 180


def test_a_worker_outlives_a_database_that_goes_away(
    db: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    people(1)
    away = threading.Event()
    claim_some = claims.claim_some

    def broken(*args: Any, **options: Any) -> list[Claim]:
        if away.is_set():
            raise OperationalError("SELECT", {}, Exception("the server closed the connection"))
        return claim_some(*args, **options)

    monkeypatch.setattr(worker, "_AFTER_ERROR", 0.05)
    monkeypatch.setattr(claims, "claim_some", broken)
    away.set()
    with capture_logs() as logs, running(db, lambda claim, lease: Result("finish")):
        push(db, "p0")
        eventually(lambda: any(log["event"] == "cannot claim or finish" for log in logs))
        away.clear()
        eventually(lambda: counts(db).settled)
    assert "closed the connection" not in str(logs)
