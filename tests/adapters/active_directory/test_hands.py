"""Several writes at once, where the domain is slow."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from adapters.active_directory import ActiveDirectory, Config, hands
from adapters.active_directory.hands import Hands
from adapters.target import Outcome, Step, TargetDown


@pytest.fixture
def four() -> Iterator[Hands]:
    made = Hands(4)
    yield made
    made.close()


def ends(found: list[hands.Timed[int]]) -> list[int | Exception]:
    return [end for end, _ in found]


def test_what_is_quick_is_done_by_the_caller(four: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "_QUICK", 60.0)
    own = threading.get_ident()
    assert ends(four.each(lambda _: threading.get_ident(), range(9))) == [own] * 9


def test_what_is_slow_is_done_at_once(four: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "_QUICK", -1.0)
    together = threading.Barrier(4, timeout=30)

    def call(item: int) -> int:
        if item:
            together.wait()  # comes to an end only if four are in here
        return item * 10

    assert ends(four.each(call, range(9))) == [item * 10 for item in range(9)]


def test_an_error_is_an_answer(four: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "_QUICK", -1.0)

    def call(item: int) -> int:
        if item % 2:
            raise LookupError(item)
        return item

    found = ends(four.each(call, range(4)))
    assert (found[0], found[2]) == (0, 2)
    assert [type(found[1]), type(found[3])] == [LookupError, LookupError]


def test_a_domain_that_is_down_is_asked_once(four: Hands) -> None:
    tried: list[int] = []

    def call(item: int) -> int:
        tried.append(item)
        raise TargetDown("nobody answers")

    found = ends(four.each(call, range(5)))
    assert [type(end) for end in found] == [TargetDown] * 5
    assert tried == [0]


@pytest.mark.parametrize("quick", [60.0, -1.0])
def test_after_a_lost_answer_nothing_more_is_begun(
    monkeypatch: pytest.MonkeyPatch, quick: float
) -> None:
    """A domain controller that hangs gets no batch of writes of which nobody knows."""
    monkeypatch.setattr(hands, "_QUICK", quick)
    ad = ActiveDirectory(Config("ldaps://x", "CN=svc", str, "DC=x", "OU=People,DC=x"))
    begun: list[str | None] = []

    def apply(_account: object, step: Step) -> Outcome:
        begun.append(step.name)
        return Outcome("unknown" if step.name == "E1" else "applied")

    monkeypatch.setattr(ad, "apply", apply)
    found = ad.apply_together([(None, Step("create", name=f"E{n}")) for n in range(1, 9)])
    assert found[0][0] == Outcome("unknown")
    assert [type(end) for end, _ in found[1:]] == [TargetDown] * 7
    assert begun == ["E1"]
    ad.close()
