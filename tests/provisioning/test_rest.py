"""Rest, counted looks, and what lets a reset have it: leases given back, all asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from provisioning import claims, pairs, rest
from provisioning.claims import Claim, Result
from provisioning.pairs import Lane
from provisioning.rest import Stuck
from store import emptying
from store.database import Database

People = Callable[[int], list[str]]


def ask(db: Database, person: str, now: float = 100) -> None:
    db.write(lambda tx: pairs.ask(tx, person, ["ad"], Lane.CHANGE, now))


def claimed(db: Database, now: float = 100) -> Claim:
    claim = claims.claim(db, now)
    assert claim is not None
    return claim


def busy(db: Database, business_now: float = 0) -> bool:
    with db.read() as connection:
        return rest.busy(connection, business_now)


def test_busy_until_the_end_of_the_look_and_again_when_a_date_has_come(
    db: Database, people: People
) -> None:
    people(1)
    assert not busy(db)
    ask(db, "p0")
    assert busy(db)
    claim = claimed(db)
    assert busy(db)
    claims.finish(db, claim, Result("retry", problem="down"), 100)
    assert busy(db)
    claim = claimed(db, 500)
    claims.finish(db, claim, Result("finish", look_at=1000), 500)
    assert not busy(db, 999)
    assert busy(db, 1000)


def test_who_is_stuck_and_why(db: Database, people: People) -> None:
    people(4)
    results = [
        Result("hold", held="two accounts"),
        Result("wait", waits_on="manager:p9"),
        Result("retry", problem="busy"),
    ]
    for number, result in enumerate(results):
        ask(db, f"p{number}")
        claims.finish(db, claimed(db), result, 100)
    ask(db, "p3")
    with db.read() as connection:
        assert rest.held(connection) == [Stuck("p0", "ad", "two accounts")]
        assert [asdict(pair) for pair in rest.waiting(connection)] == [
            {"person": "p1", "target": "ad", "why": "manager:p9"}
        ]
        assert rest.unsettled(connection, 0) == [
            Stuck("p2", "ad", "busy"),
            Stuck("p3", "ad", "due"),
        ]
    ask(db, "p0")  # asked again, it is no longer at rest
    with db.read() as connection:
        assert rest.held(connection) == []


def test_every_look_counts_once_however_it_ends(db: Database, people: People) -> None:
    people(1)
    ends = [
        Result("retry", problem="x"),
        Result("retry", problem="x", target_down=True),
        Result("hold", held="x"),
        Result("wait", waits_on="x"),
        Result("finish"),
    ]
    for number, end in enumerate(ends):
        ask(db, "p0", number * 1000)
        assert claims.finish(db, claimed(db, number * 1000), end, number * 1000)
    claim = claimed(db, 9000) if busy(db) else None
    assert claim is None
    assert db.write(rest.count_looks) == 5
    assert db.write(rest.count_looks) == 0
    ask(db, "p0")
    claims.release(db, claimed(db))  # given up: not a look
    assert db.write(rest.count_looks) == 0


def test_a_lost_lease_is_given_back_but_not_somebody_elses(db: Database, people: People) -> None:
    people(1)
    ask(db, "p0")
    first = claimed(db, 100)
    second = claimed(db, 100 + claims.LEASE)
    claims.release(db, first)
    assert claims.holds(db, second, 100 + claims.LEASE)
    claims.release(db, second)
    assert claimed(db, 100 + claims.LEASE).token not in (first.token, second.token)


def test_revoked_leases_are_out_until_they_are_given_back(db: Database, people: People) -> None:
    people(2)
    ask(db, "p0")
    ask(db, "p1")
    claim = claimed(db)
    assert db.write(emptying.revoke) == 1
    assert not claims.holds(db, claim, 100)
    assert claims.claim(db, 10_000) is None
    claims.release(db, claim)
    assert db.write(emptying.revoke) == 0


def test_everybody_is_asked_again(db: Database, people: People) -> None:
    people(2)
    assert db.write(lambda tx: pairs.ask_all(tx, 100)) == 0
    for person, lane in (("p0", Lane.LEAVER), ("p1", Lane.CHANGE)):
        db.write(lambda tx, p=person, n=lane: pairs.ask(tx, p, ["ad"], n, 90))
    claim = claimed(db)
    claims.finish(db, claim, Result("hold", held="x"), 100)
    assert db.write(lambda tx: pairs.ask_all(tx, 100)) == 2
    found = {c.person: c for c in (claimed(db), claimed(db))}
    assert {who: c.lane for who, c in found.items()} == {"p0": Lane.BULK, "p1": Lane.CHANGE}
    assert all(c.noted == 2 for c in found.values())
