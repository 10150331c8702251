from __future__ import annotations

import multiprocessing
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, select

from provisioning import claims, pairs
from provisioning.claims import Claim, Result
from provisioning.pairs import Lane
from store.database import Database
from store.tables import pair, setting

People = Callable[[int], list[str]]


def ask(db: Database, person: str, target: str, lane: Lane = Lane.CHANGE, now: float = 100) -> None:
    db.write(lambda tx: pairs.ask(tx, person, [target], lane, now))


def row(db: Database, person: str = "p0", target: str = "ad") -> Any:
    with db.read() as connection:
        return connection.execute(
            select(pair).where(pair.c.person == person, pair.c.target == target)
        ).one()


def claimed(db: Database, now: float, **options: Any) -> Claim:
    claim = claims.claim(db, now, **options)
    assert claim is not None
    return claim


def counts(db: Database, now: float) -> pairs.Counts:
    with db.read() as connection:
        return pairs.counts(connection, now)


# -- asking ------------------------------------------------------------------------------


def test_ask_makes_a_pair_per_target_and_repeats_collapse(db: Database, people: People) -> None:
    people(1)
    for now in (100, 101, 102):
        db.write(lambda tx, n=now: pairs.ask(tx, "p0", ["ad", "entra", "ad"], Lane.CHANGE, n))
    assert [row(db, target=t).asked for t in ("ad", "entra")] == [3, 3]
    for _ in range(2):
        claim = claimed(db, 102)
        assert (claim.noted, claim.attempts) == (3, 0)
        assert claims.finish(db, claim, Result("finish"), 103)
    assert claims.claim(db, 200) is None


def test_ask_for_no_target_does_nothing(db: Database, people: People) -> None:
    people(1)
    db.write(lambda tx: pairs.ask(tx, "p0", [], Lane.CHANGE, 1))
    assert counts(db, 1).pairs == 0


def test_ask_is_part_of_the_callers_transaction(db: Database, people: People) -> None:
    people(1)

    def work(tx: Connection) -> None:
        pairs.ask(tx, "p0", ["ad"], Lane.CHANGE, 1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        db.write(work)
    assert counts(db, 1).pairs == 0


def test_a_due_pair_keeps_its_place_and_its_better_lane(db: Database, people: People) -> None:
    people(1)
    ask(db, "p0", "ad", Lane.JOINER, now=100)
    ask(db, "p0", "ad", Lane.BULK, now=105)
    assert (row(db).lane, row(db).due) == (Lane.JOINER, 100)
    ask(db, "p0", "ad", Lane.LEAVER, now=106)
    assert (row(db).lane, row(db).due) == (Lane.LEAVER, 100)


def test_the_lane_of_a_reason_dealt_with_is_forgotten(db: Database, people: People) -> None:
    people(1)
    ask(db, "p0", "ad", Lane.LEAVER)
    claims.finish(db, claimed(db, 100), Result("finish"), 101)
    ask(db, "p0", "ad", Lane.BULK, now=102)
    assert row(db).lane == Lane.BULK


# -- claiming ----------------------------------------------------------------------------


def test_claims_go_by_lane_and_then_by_age(db: Database, people: People) -> None:
    people(4)
    ask(db, "p0", "ad", Lane.CHANGE, now=10)
    ask(db, "p1", "entra", Lane.CHANGE, now=5)
    ask(db, "p2", "ad", Lane.BULK, now=1)
    ask(db, "p3", "entra", Lane.LEAVER, now=20)
    order = [claimed(db, 30) for _ in range(4)]
    assert [c.person for c in order] == ["p3", "p1", "p0", "p2"]
    assert [c.lane for c in order] == [Lane.LEAVER, Lane.CHANGE, Lane.CHANGE, Lane.BULK]
    assert len({c.token for c in order}) == 4
    assert claims.claim(db, 30) is None


def test_nothing_is_claimed_before_it_is_due(db: Database, people: People) -> None:
    people(1)
    ask(db, "p0", "ad", now=100)
    assert claims.claim(db, 99.9) is None
    assert claims.claim(db, 100) is not None


def test_skipped_targets_hold_up_nobody_else(db: Database, people: People) -> None:
    people(2)
    ask(db, "p0", "ad", Lane.LEAVER)
    ask(db, "p1", "entra", Lane.BULK)
    assert claimed(db, 100, skip_targets={"ad"}).person == "p1"
    assert claims.claim(db, 100, skip_targets={"ad"}) is None
    assert claimed(db, 100).person == "p0"


def test_an_expired_lease_is_taken_over_and_the_first_holder_is_fenced_off(
    db: Database, people: People
) -> None:
    people(1)
    ask(db, "p0", "ad")
    first = claimed(db, 100)
    assert claims.claim(db, 100 + claims.LEASE - 0.1) is None
    assert claims.holds(db, first, 100 + claims.LEASE - 0.1)
    assert not claims.holds(db, first, 100 + claims.LEASE)
    second = claimed(db, 100 + claims.LEASE)
    assert not claims.holds(db, first, 131)
    assert not claims.renew(db, first, 131)
    for result in (Result("finish"), Result("retry"), Result("hold", held="breaker")):
        assert not claims.finish(db, first, result, 131)
    assert (row(db).seen, row(db).attempts, row(db).held) == (0, 0, None)
    assert claims.finish(db, second, Result("finish"), 132)
    assert row(db).seen == 1
    assert not claims.finish(db, second, Result("finish"), 133)


def test_renewing_keeps_the_pair(db: Database, people: People) -> None:
    people(1)
    ask(db, "p0", "ad")
    claim = claimed(db, 100)
    assert claims.renew(db, claim, 120)
    assert claims.claim(db, 149) is None
    assert claims.claim(db, 150) is not None


def test_a_worker_that_is_alone_frees_what_the_dead_one_held(db: Database, people: People) -> None:
    people(2)
    ask(db, "p0", "ad")
    dead = claimed(db, 100)
    assert claims.free_leases(db) == 1
    assert not claims.finish(db, dead, Result("finish"), 100)
    assert claimed(db, 100).person == "p0"


# -- finishing ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "result",
    [Result("finish"), Result("wait", waits_on="manager:p9"), Result("hold", held="breaker")],
)
def test_a_push_during_the_look_is_never_lost(db: Database, people: People, result: Result) -> None:
    people(1)
    ask(db, "p0", "ad")
    claim = claimed(db, 100)
    ask(db, "p0", "ad", now=101)
    assert claims.claim(db, 102) is None, "the pair is leased"
    assert claims.finish(db, claim, result, 103)
    assert (row(db).seen, row(db).asked, row(db).due) == (1, 2, 103)
    assert claimed(db, 103).noted == 2


def test_finish_stores_what_came_of_it(db: Database, people: People) -> None:
    people(1)
    ask(db, "p0", "ad")
    result = Result(
        "finish", look_at=5000, waits_on="manager:p9", problem="1 value refused", state="active"
    )
    claims.finish(db, claimed(db, 100), result, 101)
    got = row(db)
    assert (got.look_at, got.waits_on, got.problem, got.state) == (
        5000,
        "manager:p9",
        "1 value refused",
        "active",
    )
    assert (got.due, got.looked, got.lease_token, got.lease_until) == (None, 101, None, None)
    ask(db, "p0", "ad", now=200)
    claims.finish(db, claimed(db, 200), Result("finish"), 201)
    got = row(db)
    assert (got.look_at, got.waits_on, got.problem, got.held) == (None, None, None, None)
    assert got.state == "active", "kept: this look did not say"


def test_retries_grow_with_jitter_and_a_push_ends_them(db: Database, people: People) -> None:
    people(1)
    now = 100.0
    ask(db, "p0", "ad", now=now)
    seen = []
    for attempt in range(14):
        claim = claimed(db, now)
        assert claim.attempts == attempt
        assert claims.finish(db, claim, Result("retry", problem="busy"), now)
        delay = row(db).due - now
        longest = min(2.0 ** (attempt + 1), 3600)
        assert longest / 2 <= delay <= longest
        assert claims.claim(db, now + delay - 0.01) is None
        seen.append(delay)
        now += delay
    assert max(seen) > 150
    assert row(db).problem == "busy"
    ask(db, "p0", "ad", now=now - 1)
    assert claimed(db, now).attempts == 0


def test_pauses_differ_so_that_what_failed_together_does_not_return_together() -> None:
    assert len({claims.pause(3) for _ in range(20)}) > 10


def test_a_retry_waits_as_long_as_the_target_asks(db: Database, people: People) -> None:
    people(1)
    ask(db, "p0", "ad")
    claims.finish(db, claimed(db, 100), Result("retry", retry_after=90), 100)
    assert row(db).due == 190


def test_a_push_during_a_failing_look_starts_the_back_off_anew(
    db: Database, people: People
) -> None:
    people(1)
    ask(db, "p0", "ad")
    claim = replace(claimed(db, 100), attempts=8)
    ask(db, "p0", "ad", now=101)
    claims.finish(db, claim, Result("retry"), 102)
    assert 103 <= row(db).due <= 104
    assert row(db).attempts == 1


def test_a_retry_forgets_neither_hold_nor_wait_nor_date(db: Database, people: People) -> None:
    people(1)
    ask(db, "p0", "ad")
    known = Result("hold", held="breaker", waits_on="manager:p9", look_at=900)
    claims.finish(db, claimed(db, 100), known, 100)
    ask(db, "p0", "ad", now=200)
    claims.finish(db, claimed(db, 200), Result("retry"), 200)
    assert (row(db).held, row(db).waits_on, row(db).look_at) == ("breaker", "manager:p9", 900)


def test_a_target_that_is_down_costs_the_pair_nothing(db: Database, people: People) -> None:
    people(1)
    ask(db, "p0", "ad")
    down = Result("retry", target_down=True, problem="no route to host")
    assert claims.finish(db, claimed(db, 150), down, 151)
    got = row(db)
    assert (got.due, got.attempts, got.problem, got.seen) == (100, 0, "no route to host", 0)


def test_a_held_pair_that_is_asked_again_is_looked_at_again(db: Database, people: People) -> None:
    people(1)
    ask(db, "p0", "ad")
    claims.finish(db, claimed(db, 100), Result("hold", held="breaker: 12 disables"), 101)
    assert row(db).held == "breaker: 12 disables"
    assert claims.claim(db, 1e9) is None
    ask(db, "p0", "ad", now=200)
    claims.finish(db, claimed(db, 200), Result("finish"), 201)
    assert row(db).held is None


@pytest.mark.parametrize(
    "wrong", [{"kind": "wait"}, {"kind": "hold"}, {"kind": "finish", "target_down": True}]
)
def test_a_result_that_says_too_little_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|only"):
        Result(**wrong)


# -- edges and dates ---------------------------------------------------------------------


def test_resolving_an_edge_asks_those_who_wait_for_it(db: Database, people: People) -> None:
    for person, edge in zip(people(3), ["manager:m", "manager:m", "manager:x"], strict=True):
        ask(db, person, "ad", Lane.LEAVER)
        claims.finish(db, claimed(db, 100), Result("wait", waits_on=edge), 101)
    assert db.write(lambda tx: pairs.resolved(tx, 200, "manager:m", "manager:y")) == 2
    assert {claimed(db, 200).person for _ in range(2)} == {"p0", "p1"}
    assert claims.claim(db, 200) is None
    assert row(db).lane == Lane.CHANGE
    assert db.write(lambda tx: pairs.resolved(tx, 200, "manager:nobody")) == 0


def test_an_edge_resolved_between_look_and_finish_is_not_lost(db: Database, people: People) -> None:
    people(1)
    ask(db, "p0", "ad")
    claim = claimed(db, 100)
    # the look saw no manager; before it finishes, the manager appears: nobody waits yet
    assert db.write(lambda tx: pairs.resolved(tx, 101, "manager:m")) == 0
    wait = Result("finish", waits_on="manager:m", still_waiting=lambda tx: False)
    assert claims.finish(db, claim, wait, 102)
    assert row(db).due == 102
    claims.finish(db, claimed(db, 103), replace(wait, still_waiting=lambda tx: True), 104)
    assert row(db).due is None


def test_a_resolver_racing_with_finish_is_never_missed(db: Database, people: People) -> None:
    """The look's check and the resolver's commit at the same time, over and over."""

    def there(tx: Connection, edge: str) -> bool:
        return tx.execute(select(setting.c.name).where(setting.c.name == edge)).first() is not None

    for person in people(30):
        ask(db, person, "ad")
        claim = claimed(db, 100)
        edge = f"manager:{person}"
        gate = threading.Barrier(2)

        def resolve(edge: str = edge, gate: threading.Barrier = gate) -> None:
            gate.wait()

            def work(tx: Connection) -> None:
                tx.execute(setting.insert().values(name=edge, value="here"))
                pairs.resolved(tx, 101, edge)

            db.write(work)

        resolver = threading.Thread(target=resolve)
        resolver.start()
        wait = Result("wait", waits_on=edge, still_waiting=lambda tx, e=edge: not there(tx, e))
        gate.wait()
        assert claims.finish(db, claim, wait, 101)
        resolver.join()
        assert row(db, person).due == 101, "resolved, and nobody will look"
        claims.finish(db, claimed(db, 101), Result("finish"), 102)


def test_tick_asks_for_every_date_that_has_come(db: Database, people: People) -> None:
    for person, look_at in zip(people(4), [1000, 2000, 3000, None], strict=True):
        ask(db, person, "ad")
        claims.finish(db, claimed(db, 100), Result("finish", look_at=look_at), 101)
    assert pairs.tick(db, 999, 200) == 0
    assert pairs.tick(db, 2500, 200) == 2, "both dates that the clock jumped over"
    assert pairs.tick(db, 2500, 200) == 0, "only once"
    assert {claimed(db, 200).person for _ in range(2)} == {"p0", "p1"}
    assert claims.claim(db, 200) is None
    assert (row(db, "p0").look_at, row(db, "p2").look_at) == (None, 3000)


def test_a_date_that_comes_during_a_look_keeps_the_pair_due(db: Database, people: People) -> None:
    people(1)
    ask(db, "p0", "ad")
    claims.finish(db, claimed(db, 100), Result("finish", look_at=1000), 101)
    ask(db, "p0", "ad", now=102)
    claim = claimed(db, 102)
    assert pairs.tick(db, 1000, 103) == 1
    claims.finish(db, claim, Result("finish", look_at=9000), 104)
    assert (row(db).due, row(db).look_at) == (104, 9000)


def test_counts_name_every_condition(db: Database, people: People) -> None:
    results = [
        None,
        Result("finish"),
        Result("hold", held="case"),
        Result("wait", waits_on="arrival"),
        Result("retry", retry_after=60),
    ]
    for person, result in zip(people(5), results, strict=True):
        ask(db, person, "ad")
        if result is not None:
            claims.finish(db, claimed(db, 100, skip_targets={"entra"}), result, 100)
        else:
            claimed(db, 100)
    ask(db, "p0", "entra")
    got = counts(db, 110)
    assert got == pairs.Counts(pairs=6, due=1, backing_off=1, leased=1, held=1, waiting=1)
    assert not got.settled
    with db.read() as connection:
        assert pairs.counts(connection, 110, target="entra") == pairs.Counts(1, 1, 0, 0, 0, 0)
        assert pairs.counts(connection, 110, target="none").settled


# -- races -------------------------------------------------------------------------------


def _claim_all(url: str) -> list[str]:
    db = Database(url)
    taken = []
    while (claim := claims.claim(db, 100)) is not None:
        taken.append(f"{claim.person}@{claim.target}")
    db.close()
    return taken


def test_threads_never_claim_the_same_pair(db: Database, people: People) -> None:
    for person in people(100):
        db.write(lambda tx, p=person: pairs.ask(tx, p, ["ad", "entra"], Lane.CHANGE, 100))
    taken: list[Claim] = []

    def work() -> None:
        # what another thread has locked is passed over, so None is not the end yet
        while counts(db, 100).due:
            if claim := claims.claim(db, 100):
                taken.append(claim)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter((c.person, c.target) for c in taken).most_common(1)[0][1] == 1
    assert len(taken) == 200


def test_processes_never_claim_the_same_pair(
    db: Database, database_url: str, people: People
) -> None:
    for person in people(100):
        db.write(lambda tx, p=person: pairs.ask(tx, p, ["ad", "entra"], Lane.CHANGE, 100))
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        lists = pool.map(_claim_all, [database_url] * 3, chunksize=1)
    taken = Counter(name for names in lists for name in names)
    assert max(taken.values()) == 1
    taken.update(_claim_all(database_url))
    assert len(taken) == 200
    assert max(taken.values()) == 1
