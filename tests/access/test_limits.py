"""How often: so many at once, so many a second, for all processes of a machine together."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from access.limits import Limits


class Clock:
    def __init__(self) -> None:
        self.time = 5000.0

    def __call__(self) -> float:
        return self.time


def test_a_burst_and_then_so_many_a_second() -> None:
    clock = Clock()
    limits = Limits(None, clock=clock)

    def counted(tries: int) -> int:
        return sum(limits.take("a", 5, 10) == 0.0 for _ in range(tries))

    assert counted(50) == 10
    clock.time += 1
    assert counted(50) == 5
    clock.time += 3600
    assert counted(50) == 10
    assert limits.take("b", 5, 10) == 0.0  # another's own


@given(st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_who_waits_as_long_as_told_may(pauses: list[float]) -> None:
    clock = Clock()
    limits = Limits(None, clock=clock)
    allowed, began = 0, clock.time
    for pause in pauses:
        clock.time += pause
        wait = limits.take("a", 2, 3)
        if wait == 0.0:
            allowed += 1
        else:
            clock.time += wait + 1e-6
            assert limits.take("a", 2, 3) == 0.0
            allowed += 1
        assert allowed <= 3 + 2 * (clock.time - began) + 1e-3


def test_processes_count_together(tmp_path: Path) -> None:
    clock = Clock()
    one, two = (Limits(tmp_path / "new" / "limits", clock=clock) for _ in range(2))
    took = [limits.take("a", 1, 4) == 0.0 for limits in (one, two) * 5]
    assert took.count(True) == 4


def test_a_process_whose_clock_was_read_a_moment_ago_opens_nothing(tmp_path: Path) -> None:
    clock, late = Clock(), Clock()
    one = Limits(tmp_path / "limits", clock=clock)
    two = Limits(tmp_path / "limits", clock=late)
    late.time -= 0.01
    assert [one.take("a", 1, 4) == 0.0 for _ in range(5)] == [True] * 4 + [False]
    assert two.take("a", 1, 4) > 0
    assert one.take("a", 1, 4) > 0


def test_what_an_earlier_start_of_the_machine_left_is_nothing(tmp_path: Path) -> None:
    clock = Clock()
    before = Limits(tmp_path / "limits", clock=clock)
    assert [before.take("a", 1, 2) == 0.0 for _ in range(3)] == [True, True, False]
    clock.time = 3.0  # monotonic time begins anew
    assert Limits(tmp_path / "limits", clock=clock).take("a", 1, 2) == 0.0


def test_no_rate_is_no_limit() -> None:
    limits = Limits(None)
    assert {limits.take("a", 0, 1) for _ in range(100)} == {0.0}


def test_strangers_without_number_do_not_hold_up_anybody() -> None:
    clock = Clock()
    limits = Limits(None, slots=64, clock=clock)
    for number in range(1000):
        assert limits.take(f"stranger {number}", 1, 1) == 0.0
    assert limits.take("me", 1, 1) == 0.0
