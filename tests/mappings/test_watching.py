"""Mapping files that change under a running gateway."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mappings.documents import MappingError, Outbound, load_outbound
from mappings.watching import Watched

GOOD = "extends: active_directory\nattributes:\n  title: 'ToUpper([title])'\n"
BAD = "extends: active_directory\nattributes:\n  title: 'ToUper([title])'\n"


class Watching:
    """One outbound mapping in a folder, with a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.loads = folder, 100.0, 0
        self.said: list[str | None] = []
        self.watched = Watched(
            self.load, [folder], lambda: self.now, self.said.append, refused=(MappingError,)
        )

    def load(self) -> Outbound:
        self.loads += 1
        return load_outbound("active_directory", [self.folder])

    def write(self, text: str) -> None:
        (self.folder / "active_directory.yaml").write_text(text)

    def title(self, seconds: float = 5.0) -> str:
        """The rule in force after so many seconds."""
        self.now += seconds
        (rule,) = [r for r in self.watched().attributes if r.rule.name == "title"]
        return rule.rule.expression.text


@pytest.fixture
def watching(tmp_path: Path) -> Watching:
    (tmp_path / "active_directory.yaml").write_text("extends: active_directory\n")
    return Watching(tmp_path)


def test_a_changed_file_is_in_force_seconds_later(watching: Watching) -> None:
    watching.write(GOOD)
    assert watching.title(4.9) == "[title]"
    assert watching.title(0.2) == "ToUpper([title])"
    assert (watching.said, watching.watched.generation) == ([None], 2)


def test_a_bad_file_changes_nothing_and_is_said_once(watching: Watching) -> None:
    watching.write(GOOD)
    assert watching.title() == "ToUpper([title])"
    watching.write(BAD)
    for _ in range(3):
        assert watching.title() == "ToUpper([title])"
    assert watching.said[0] is None
    (problem,) = watching.said[1:]
    assert problem is not None
    assert "active_directory.yaml:3:11: title: there is no function ToUper" in problem
    assert watching.watched.generation == 2
    watching.write(GOOD)
    assert watching.title() == "ToUpper([title])"
    assert watching.said[2:] == [None]


def test_nothing_is_read_again_while_nothing_changes(watching: Watching) -> None:
    for _ in range(5):
        watching.title()
    assert (watching.loads, watching.said) == (1, [])


def test_a_table_beside_it_counts(watching: Watching) -> None:
    table = watching.folder / "offices.csv"
    table.write_text("Oslo,1\n")
    watching.title()
    os.utime(table, ns=(0, 0))
    watching.title()
    assert watching.loads == 3


def test_a_file_that_vanishes_keeps_nothing_from_working(watching: Watching) -> None:
    watching.write(GOOD)
    watching.title()
    (watching.folder / "active_directory.yaml").unlink()
    assert watching.title() == "[title]", "the shipped one is the mapping then"


def test_bad_files_do_not_start(tmp_path: Path) -> None:
    (tmp_path / "active_directory.yaml").write_text(BAD)
    with pytest.raises(MappingError):
        Watching(tmp_path)
