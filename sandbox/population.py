"""A company with a past: who works there at the beginning, and what happens month by month.

Pure: the same numbers, seed and last day give the same people and the same events.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import accumulate

from sandbox.offices import DEPARTMENTS, PLACES, Place
from sandbox.workday import Worker

SPAN = 8
"""How many people report to one manager."""
KINDS = ("hire", "rename", "move", "manager", "leave", "back", "termination", "return")
_RATES = {"hire": 0.02, "rename": 0.006, "move": 0.02, "manager": 0.02, "leave": 0.006,
          "back": 0.006, "termination": 0.012, "return": 0.003}  # fmt: skip
"""How much of the company an event touches in a month; each touches somebody every month."""


@dataclass(frozen=True)
class Event:
    """What HR says of a worker: `kind` is one of `KINDS`, `worker` how they are then."""

    kind: str
    worker: Worker


@dataclass(frozen=True)
class Month:
    """What HR enters on this day; the dates in it are of the four weeks from then on."""

    day: date
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Company:
    """`founders` work there from the beginning, managers before their reports; `workers` are
    all there ever were, by number, as they are in the end."""

    founders: tuple[Worker, ...]
    months: tuple[Month, ...]
    workers: dict[str, Worker] = field(compare=False)

    @property
    def begins(self) -> date:
        """The day on which the founders are entered."""
        return self.months[0].day if self.months else max(one.hired for one in self.founders)


def company(workers: int, months: int, seed: int, until: date) -> Company:
    """A company of that many workers whose last month begins a month before `until`."""
    return _Founding(workers, months, seed, until).company()


class _Founding:
    def __init__(self, workers: int, months: int, seed: int, until: date) -> None:
        self._random = random.Random(f"{seed}/{workers}/{months}")
        self._seed = seed
        self._days = [_months_before(until, months - number) for number in range(months)]
        self._begins = self._days[0] if self._days else until
        self._now: dict[str, Worker] = {}
        self._numbers: list[str] = []
        self._under: dict[str | None, dict[str, None]] = {}
        """Manager -> reports, in the order in which they came to be theirs."""
        self._away: dict[str, None] = {}
        self._gone: dict[str, None] = {}
        self._by_department: dict[str, list[str]] = {name: [] for name in DEPARTMENTS}
        self._next = 1
        self._touched: set[str] = set()
        self.founders = tuple(self._founder(number) for number in range(workers))

    def company(self) -> Company:
        months = tuple(Month(day, tuple(self._month(day))) for day in self._days)
        return Company(self.founders, months, dict(self._now))

    # -- the beginning -----------------------------------------------------------------------

    def _founder(self, number: int) -> Worker:
        hired = self._begins - timedelta(days=1 + self._random.randrange(365 * 15))
        if number == 0:
            return self._join(self._someone(hired, "IT", "Managing Director", None))
        names = list(DEPARTMENTS)
        department = names[(number - 1) % len(names)]
        head = not self._by_department[department]
        title = f"Head of {department}" if head else None
        return self._join(self._someone(hired, department, title, self._boss(department)))

    def _boss(self, department: str) -> str | None:
        """The manager of who comes next: everybody has `SPAN` reports, in order of entry."""
        there = self._by_department[department]
        if there:
            return there[(len(there) - 1) // SPAN]
        return next(iter(self._now), None)

    def _someone(
        self, hired: date, department: str, title: str | None, manager: str | None
    ) -> Worker:
        place = self._random.choices(PLACES, cum_weights=_SHARES)[0]
        number = f"P{self._seed % 1000:03}{self._next:06}"
        self._next += 1
        return Worker(
            number,
            self._random.choice(place.given),
            self._random.choice(place.family),
            title or self._random.choice(DEPARTMENTS[department]),
            department,
            place.office,
            hired,
            manager,
        )

    def _join(self, worker: Worker) -> Worker:
        if self._now:  # the managing director leads no department
            self._by_department[worker.department].append(worker.number)
        self._numbers.append(worker.number)
        self._put(worker)
        return worker

    def _put(self, worker: Worker) -> None:
        before = self._now.get(worker.number)
        if before is not None:
            self._under[before.manager].pop(worker.number)
        self._under.setdefault(worker.manager, {})[worker.number] = None
        for listed, here in ((self._away, worker.on_leave), (self._gone, worker.ended is not None)):
            if here:
                listed.setdefault(worker.number)
            else:
                listed.pop(worker.number, None)
        self._now[worker.number] = worker

    # -- a month -----------------------------------------------------------------------------

    def _month(self, day: date) -> list[Event]:
        self._touched = set()
        events: list[Event] = []
        happens: dict[str, Callable[[date], list[Event]]] = {
            "hire": self._hire,
            "rename": self._rename,
            "move": self._move,
            "manager": self._manager,
            "leave": self._leave,
            "back": self._back,
            "termination": self._terminate,
            "return": self._return,
        }
        there = len(self._now) - len(self._gone)
        for kind, work in happens.items():
            for _ in range(max(1, round(there * _RATES[kind]))):
                events += work(day)
        return events

    def _some_day(self, day: date) -> date:
        return day + timedelta(days=self._random.randrange(1, 27))

    def _pick(self, fits: Callable[[Worker], bool]) -> Worker | None:
        """Somebody with a manager to whom nothing has happened this month."""
        for _ in range(60):
            one = self._now[self._random.choice(self._numbers)]
            if one.number not in self._touched and one.manager is not None and fits(one):
                return one
        return None

    def _becomes(self, kind: str, worker: Worker) -> list[Event]:
        self._touched.add(worker.number)
        self._put(worker)
        return [Event(kind, worker)]

    def _hire(self, day: date) -> list[Event]:
        department = self._random.choice(list(DEPARTMENTS))
        boss = self._standing(self._boss(department))
        new = self._join(self._someone(self._some_day(day), department, None, boss))
        return self._becomes("hire", new)

    def _standing(self, number: str | None) -> str | None:
        """This manager, or the next above who has not left."""
        while number is not None and self._now[number].ended is not None:
            number = self._now[number].manager
        return number

    def _rename(self, day: date) -> list[Event]:
        one = self._pick(_at_work)
        if one is None:
            return []
        others = [name for name in self._place(one).family if name != one.family]
        family = self._random.choice(others)
        return self._becomes("rename", replace(one, family=family))

    def _move(self, day: date) -> list[Event]:
        """Another office, department, title and manager."""
        one = self._pick(lambda w: _at_work(w) and not self._reports(w))
        if one is None:
            return []
        department = self._random.choice([d for d in DEPARTMENTS if d != one.department])
        self._by_department[one.department].remove(one.number)
        boss = self._standing(self._boss(department))
        self._by_department[department].append(one.number)
        place = self._random.choices(PLACES, cum_weights=_SHARES)[0]
        title = self._random.choice(DEPARTMENTS[department])
        moved = replace(one, office=place.office, department=department, title=title, manager=boss)
        return self._becomes("move", moved)

    def _manager(self, day: date) -> list[Event]:
        """A colleague of the manager leads them now."""
        one = self._pick(_at_work)
        if one is None or one.manager is None:
            return []
        above = self._now[one.manager].manager
        peers = [
            number
            for number in self._under.get(above, ())
            if number != one.manager and _at_work(self._now[number])
        ]
        if above is None or not peers:
            return []
        return self._becomes("manager", replace(one, manager=self._random.choice(peers)))

    def _leave(self, day: date) -> list[Event]:
        one = self._pick(_at_work)
        return self._becomes("leave", replace(one, on_leave=True)) if one else []

    def _back(self, day: date) -> list[Event]:
        one = self._first(self._away, lambda w: w.ended is None)
        return self._becomes("back", replace(one, on_leave=False)) if one else []

    def _terminate(self, day: date) -> list[Event]:
        """Who leaves is followed by a change of manager of every report."""
        one = self._pick(_at_work)
        if one is None:
            return []
        events = self._becomes("termination", replace(one, ended=self._some_day(day)))
        for report in self._reports(one):
            if report.ended is None:
                changed = replace(report, manager=self._standing(one.manager))
                self._put(changed)
                events.append(Event("manager", changed))
        return events

    def _return(self, day: date) -> list[Event]:
        one = self._first(self._gone, lambda w: w.ended is not None and w.ended < day)
        if one is None:
            return []
        back = replace(
            one,
            hired=self._some_day(day),
            first_hired=one.first_hired or one.hired,
            ended=None,
            manager=self._standing(one.manager),
        )
        return self._becomes("return", back)

    def _first(self, numbers: Iterable[str], fits: Callable[[Worker], bool]) -> Worker | None:
        """The first of these to whom it applies, and to whom nothing happened this month."""
        found = (self._now[number] for number in numbers if number not in self._touched)
        return next((one for one in found if fits(one)), None)

    def _reports(self, boss: Worker) -> list[Worker]:
        return [self._now[number] for number in self._under.get(boss.number, ())]

    def _place(self, worker: Worker) -> Place:
        return next(place for place in PLACES if place.office == worker.office)


def _at_work(worker: Worker) -> bool:
    return worker.ended is None and not worker.on_leave


def _months_before(day: date, months: int) -> date:
    """The day so many months earlier; at most the 28th."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, min(day.day, 28))


_SHARES = list(accumulate(place.share for place in PLACES))
