"""Mapping files that change while the gateway runs: the last good ones stay in force."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

_T = TypeVar("_T")
_READ = {".yaml", ".yml", ".csv"}

State = frozenset[tuple[str, int, int]]


class Watched(Generic[_T]):
    """What `load` made of the mapping files when they could last be used.

    The folders are looked at where somebody asks, at most once in `every` seconds of
    `clock`, which never runs backwards.
    """

    def __init__(
        self,
        load: Callable[[], _T],
        folders: Iterable[Path],
        clock: Callable[[], float],
        report: Callable[[str | None], object] = lambda problem: None,
        every: float = 5.0,
        refused: tuple[type[Exception], ...] = (),
    ) -> None:
        """Loads at once and raises what `load` raises. Later, errors of the types `refused`
        keep what is in force, and `report` is told: the problem, or None when all is well."""
        self._load = load
        self._folders = tuple(folders)
        self._clock = clock
        self._report = report
        self._every = every
        self._refused: tuple[type[Exception], ...] = (*refused, OSError)
        self._lock = threading.Lock()
        self._state = self._look()
        self._value = load()
        self._next = clock() + every
        self.generation = 1
        """Counts what was put in force."""

    def __call__(self) -> _T:
        """Those in force now."""
        if self._clock() >= self._next and self._lock.acquire(blocking=False):
            try:
                self._next = self._clock() + self._every
                self._read_changed()
            finally:
                self._lock.release()
        return self._value

    def _read_changed(self) -> None:
        state = self._look()
        if state == self._state:
            return
        self._state = state
        try:
            self._value = self._load()
        except self._refused as error:
            self._report(str(error))
            return
        self.generation += 1
        self._report(None)

    def _look(self) -> State:
        return frozenset(self._stamps())

    def _stamps(self) -> Iterator[tuple[str, int, int]]:
        for folder in self._folders:
            for file in sorted(folder.rglob("*")):
                if file.suffix in _READ:
                    try:
                        stat = file.stat()
                    except OSError:  # gone meanwhile
                        continue
                    yield str(file), stat.st_mtime_ns, stat.st_size
