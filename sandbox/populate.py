"""`sandbox people`: a fictional company with a past, pushed over HTTP as Workday would.

The clock of the sandbox walks from month to month up to the present, so that dates come
while nobody pushes; afterwards it is as it was. Who is there already is put right: the
same command twice makes nobody twice.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import click

from sandbox.client import Client, Refused
from sandbox.population import KINDS, Company, Event, company
from sandbox.story import Place, standing_clock, talking
from sandbox.workday import WORKER, Worker
from store.clocks import iso, machine_now, parse_instant, to_datetime

AT_ONCE = 6
"""Requests under way at the same time."""
_MORNING = 9
_PATIENCE = 20.0
"""Seconds of one call that waits for rest."""
_AT_ONCE = 3.0
"""Seconds after which the waiting is worth a word."""
_STUCK = 15
"""Such calls in a row in which nothing moved, after which it is given up."""
_TRIES, _PAUSE = 40, 1.0


class Population:
    """Pushes a company through `client`; `bar` shows how far it is, `say` is told the rest.

    May raise Unreachable and Refused.
    """

    def __init__(
        self,
        client: Client,
        say: Callable[[str], None],
        bar: Callable[[Iterator[Any], int, str], Any],
    ) -> None:
        self._client = client
        self._say = say
        self._bar = bar
        self._ids: dict[str, str] = {}
        self.pushes = 0
        self.settled = True

    def tell(self, found: Company, until: date) -> None:
        """Everything, up to the morning of `until`."""
        stands = standing_clock(self._client)
        try:
            self._clock(found.begins, until)
            founders = [Event("hire", one) for one in found.founders]
            self._push(f"{found.begins}  {len(founders)} workers", [founders], found.begins)
            for month in found.months:
                self._clock(month.day, until)
                # A report's new manager follows the leaver, so kinds go one after the other.
                kinds = [[e for e in month.events if e.kind == kind] for kind in KINDS]
                self._push(f"{month.day}  {len(month.events)} events", kinds, month.day)
                counted = Counter(event.kind for event in month.events)
                told = ", ".join(f"{counted[kind]} {kind}" for kind in KINDS if counted[kind])
                self._say(f"            {told}")
        finally:
            self._client.set_clock(stands)
        self._settle()  # the dates up to the present come

    def _clock(self, day: date, until: date) -> None:
        self._client.set_clock(iso(_morning(min(day, until))))

    def _push(self, told: str, groups: Sequence[Sequence[Event]], day: date) -> None:
        """The groups one after the other, and what is in each at the same time; then rest."""
        stamp = iso(_morning(day))
        with ThreadPoolExecutor(AT_ONCE) as threads:

            def pushed() -> Iterator[None]:
                for group in groups:
                    asked = [threads.submit(self._one, event, day, stamp) for event in group]
                    try:
                        for one in asked:
                            yield one.result()
                    finally:
                        for one in asked:
                            one.cancel()

            with self._bar(pushed(), sum(map(len, groups)), told) as shown:
                for _ in shown:
                    self.pushes += 1
        self._settle()

    def _one(self, event: Event, day: date, stamp: str) -> None:
        worker = event.worker
        document = worker.document(day)
        document[WORKER]["sourceModifiedAt"] = stamp
        id = self._ids.get(worker.number)
        if id is None:
            id = self._made(worker, document)
        else:
            self._send("PUT", f"/Users/{id}", document)
        self._ids[worker.number] = id

    def _made(self, worker: Worker, document: dict[str, Any]) -> str:
        try:
            return str(self._send("POST", "/Users", document)["id"])
        except Refused as refusal:
            found = self._client.find(worker.number) if refusal.status == 409 else None
            if found is None:
                raise
            self._send("PUT", f"/Users/{found}", document)
            return found

    def _send(self, method: str, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """Again after a while where the gateway has too much to do."""
        for _ in range(_TRIES - 1):
            try:
                return self._client.scim(method, path, document)
            except Refused as refusal:
                if refusal.status != 429:
                    raise
            time.sleep(_PAUSE)
        return self._client.scim(method, path, document)

    def _settle(self) -> None:
        """Wait until both directories are right, as long as something moves."""
        if self._client.settle(_AT_ONCE).get("settled") is True:
            return
        self._say("            waiting until both directories are right")
        idle = 0
        while idle < _STUCK:
            answer = self._client.settle(_PATIENCE)
            if answer.get("settled") is True:
                return
            idle = 0 if answer.get("looks") else idle + 1
        self.settled = False


def _morning(day: date) -> float:
    return datetime(day.year, day.month, day.day, _MORNING, tzinfo=UTC).timestamp()


@contextmanager
def _click_bar(steps: Iterator[Any], length: int, told: str) -> Iterator[Any]:
    with click.progressbar(steps, length=length, label=told.ljust(34)) as bar:
        yield bar


# -- the command ------------------------------------------------------------------------


def create_people(find_place: Callable[[], Place]) -> click.Command:
    """`people`, over the gateway that `find_place` finds when the command is run."""

    @click.command("people")
    @click.option("--workers", type=click.IntRange(1, 200_000), default=200, show_default=True)
    @click.option("--months", type=click.IntRange(0, 120), default=6, show_default=True)
    @click.option("--seed", type=click.IntRange(0, 999), default=1, show_default=True)
    @click.option(
        "--until",
        type=click.DateTime(["%Y-%m-%d"]),
        help="the last day of their history (default: today, by the sandbox's clock)",
    )
    def people(workers: int, months: int, seed: int, until: datetime | None) -> None:
        """Push a fictional company with months of events through HTTP: hires, renames, moves,
        new managers, leaves, terminations and returns in eight countries.

        Needs a running sandbox. The same numbers and last day give the same people and events;
        numbers are P, the seed in three digits and a count.
        """
        with talking(find_place()) as client:
            stands = standing_clock(client)
            now = machine_now() if stands is None else parse_instant(stands)
            today = to_datetime(now).date()
            last = until.date() if until else today
            if last > today:
                raise click.ClickException(f"--until: {last} is not here yet; today is {today}")
            found = company(workers, months, seed, last)
            began = time.monotonic()
            told = Population(client, click.echo, _click_bar)
            told.tell(found, last)
        took = time.monotonic() - began
        there = sum(one.ended is None or one.ended >= last for one in found.workers.values())
        click.echo(
            f"{told.pushes} pushes in {took:.0f} s ({told.pushes / max(took, 0.001):.0f} a second, "
            f"accounts included): {len(found.workers)} people, of whom {there} work there"
        )
        if not told.settled:
            raise click.ClickException("not everything came to rest in time")

    return people
