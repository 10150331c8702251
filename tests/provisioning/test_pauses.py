from __future__ import annotations

from provisioning.pauses import Pauses

NONE: frozenset[str] = frozenset()
AD = frozenset({"ad"})


def test_a_target_is_left_alone_for_a_growing_while_and_tried_once() -> None:
    pauses, now, lengths = Pauses(), 100.0, []
    assert pauses.enter(now) == (NONE, NONE)
    assert pauses.down("ad", now, probe=False, retry_after=None)
    for _ in range(7):
        until = pauses.paused()["ad"]
        lengths.append(until - now)
        assert pauses.enter(until - 0.01) == (AD, NONE)
        assert pauses.enter(until) == (NONE, AD), "one may try"
        assert pauses.enter(until) == (AD, NONE), "and nobody else meanwhile"
        now = until
        assert pauses.down("ad", now, probe=True, retry_after=None)
    assert lengths == [1, 2, 4, 8, 16, 30, 30]


def test_one_outage_seen_by_many_looks_is_one_pause() -> None:
    pauses = Pauses()
    assert pauses.down("ad", 100, probe=False, retry_after=None)
    assert not pauses.down("ad", 100.5, probe=False, retry_after=None)
    assert pauses.paused() == {"ad": 101}


def test_a_try_that_was_not_used_is_given_back() -> None:
    pauses = Pauses()
    pauses.down("ad", 100, probe=False, retry_after=None)
    _, trying = pauses.enter(101)
    pauses.leave(trying)
    assert pauses.enter(101) == (NONE, AD)


def test_a_target_that_answers_is_open_at_once() -> None:
    pauses = Pauses()
    pauses.down("ad", 100, probe=False, retry_after=None)
    assert pauses.up("ad")
    assert not pauses.up("ad")
    assert pauses.enter(100) == (NONE, NONE)


def test_a_target_that_asks_for_more_gets_it() -> None:
    pauses = Pauses()
    pauses.down("ad", 100, probe=False, retry_after=90)
    assert pauses.paused() == {"ad": 190}
    assert pauses.enter(189) == (AD, NONE)
