"""Looks in step: what they ask for at the same moment is done together, and what goes wrong
with one of them is that one's alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import OperationalError

from adapters.target import Account, Outcome, Step, TargetDown
from provisioning.course import Applied, Apply, Course, Write, alone, in_step
from store.database import Database
from store.tables import setting
from tests.provisioning.directory import Directory


class Allowed:
    """A permit that may be gone."""

    def __init__(self, gone: bool = False) -> None:
        self.gone = gone

    def check(self) -> None:
        if self.gone:
            raise Gone


class Gone(Exception):
    pass


class Team(Directory):
    """Does steps together, and remembers how many at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def apply_together(
        self, asked: Sequence[tuple[Account | None, Step]]
    ) -> list[tuple[Outcome | Exception, float]]:
        self.sizes.append(len(asked))
        found: list[tuple[Outcome | Exception, float]] = []
        for account, step in asked:
            try:
                found.append((self.apply(account, step), 0.25))
            except TargetDown as error:
                found.append((error, 0.5))
        return found


@pytest.fixture
def transactions(db: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each transaction."""
    found: list[int] = []
    plain = db.write

    def counted(work: Callable[[Connection], Any], **more: Any) -> Any:
        found.append(1)
        return plain(work, **more)

    monkeypatch.setattr(db, "write", counted)
    return found


def keep(name: str, value: str = "x") -> Write:
    return Write(lambda tx: tx.execute(insert(setting).values(name=name, value=value)).rowcount)


def create(name: str) -> Step:
    named = {"employeeID": name, "sAMAccountName": name, "userPrincipalName": f"{name}@x.example"}
    return Step("create", named, name=name, container="OU=People")


def hire(name: str, permit: Allowed | None = None) -> Course[str]:
    """A look in small: write, make, write."""
    yield keep(f"plan {name}")
    applied: Applied = yield Apply(None, create(name), permit or Allowed())
    yield keep(f"done {name}", applied.outcome.result)
    return applied.outcome.result


def kept(db: Database) -> set[str]:
    with db.read() as connection:
        found = connection.execute(select(setting.c.name)).scalars()
        return {name for name in found if name.startswith(("plan", "done"))}


def test_what_is_asked_at_the_same_moment_is_one_transaction(
    db: Database, transactions: list[int]
) -> None:
    names = [f"E{number}" for number in range(8)]
    assert in_step([hire(name) for name in names], db, Directory()) == ["applied"] * 8
    assert len(transactions) == 2
    assert kept(db) == {f"{what} {name}" for what in ("plan", "done") for name in names}


def test_one_that_cannot_be_written_spoils_no_other(db: Database) -> None:
    def twice(name: str) -> Course[str]:
        yield keep(f"plan {name}")
        try:
            yield keep(f"plan {name}")
        except Exception as error:
            return type(error).__name__
        return "kept twice"

    directory = Directory()
    courses = [hire("E1"), twice("E2"), hire("E3")]
    assert in_step(courses, db, directory) == ["applied", "IntegrityError", "applied"]
    assert kept(db) == {"plan E1", "done E1", "plan E2", "plan E3", "done E3"}


def test_what_may_be_on_disk_is_not_written_again(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, broken = db.write, list[OperationalError]()

    def commit_and_break(work: Callable[[Connection], Any], **more: Any) -> Any:
        found = plain(work, **more)
        if not broken:
            broken.append(OperationalError("COMMIT", None, OSError("the connection is gone")))
            raise broken[0]
        return found

    monkeypatch.setattr(db, "write", commit_and_break)
    assert in_step([hire("E1"), hire("E2")], db, Directory()) == broken * 2
    assert kept(db) == {"plan E1", "plan E2"}


def test_what_one_raises_is_its_own_end(db: Database) -> None:
    def clumsy(name: str) -> Course[str]:
        yield keep(f"plan {name}")
        raise LookupError(name)

    first, second, third = in_step([hire("E1"), clumsy("E2"), hire("E3")], db, Directory())
    assert (first, third) == ("applied", "applied")
    assert isinstance(second, LookupError)
    with pytest.raises(LookupError):
        alone(clumsy("E4"), db, Directory())


@pytest.mark.parametrize("kind", [Directory, Team])
def test_who_has_lost_the_right_sends_nothing(db: Database, kind: type[Directory]) -> None:
    directory = kind()
    courses = [hire("E1"), hire("E2", Allowed(gone=True)), hire("E3")]
    first, second, third = in_step(courses, db, directory)
    assert (first, third) == ("applied", "applied")
    assert isinstance(second, Gone)
    assert {a.attributes["employeeID"] for a in directory.accounts.values()} == {"E1", "E3"}


def test_a_target_that_is_down_is_not_asked_again_and_again(db: Database) -> None:
    directory = Directory()
    tried: list[Step] = []

    def down(step: Step) -> Any:
        tried.append(step)
        return "down"

    directory.fault = down
    ends = in_step([hire(f"E{number}") for number in range(5)], db, directory)
    assert [type(end) for end in ends] == [TargetDown] * 5
    assert len(tried) == 1


def test_a_target_that_does_steps_together_gets_them_together(db: Database) -> None:
    team = Team()
    ends = in_step([hire(f"E{number}") for number in range(5)], db, team)
    assert ends == ["applied"] * 5
    assert team.sizes == [5]
    assert alone(hire("E9"), db, team) == "applied"
    assert team.sizes == [5]


def test_a_target_that_fails_as_a_whole_fails_for_each(db: Database) -> None:
    """Each look hears of it, and can write down what it has done so far."""

    def careful(name: str) -> Course[str]:
        try:
            return (yield from hire(name))
        except LookupError as error:
            yield keep(f"done {name}")
            return str(error)

    class Broken(Team):
        def apply_together(self, asked: Any) -> Any:
            raise LookupError("no key")

    courses = [careful("E1"), careful("E2"), hire("E3", Allowed(gone=True))]
    first, second, third = in_step(courses, db, Broken())
    assert (first, second) == ("no key", "no key")
    assert isinstance(third, Gone)
    assert kept(db) == {"plan E1", "plan E2", "plan E3", "done E1", "done E2"}


def test_each_hears_how_long_its_step_took(db: Database) -> None:
    def timed(name: str) -> Course[float]:
        applied: Applied = yield Apply(None, create(name), Allowed())
        return applied.took

    assert in_step([timed("E1"), timed("E2")], db, Team()) == [0.25, 0.25]
    took = alone(timed("E3"), db, Directory())
    assert 0 <= took < 60
