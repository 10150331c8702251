"""A working life in seven steps, pushed as Workday, with both directories after each of them.

The story takes place in the two weeks before the present business time and ends there, so
that the clock never runs ahead of anybody's dates; afterwards the clock is as it was. Every
telling has people of its own (S0101 and S0102, then S0201 ...): it touches nobody else's
data, and leaves its people behind to be looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import click

from sandbox.client import Client, Refused, Unreachable
from sandbox.sheet import sheet
from sandbox.workday import BERLIN, LEEDS, WORKER, Worker, patch
from store.clocks import iso, machine_now, parse_instant, to_datetime

SOURCE = "workday"
_DAY = 86400.0
_MORNING = 9 * 3600.0
"""Seconds into the day (UTC): in every office it is the same day."""
_PATIENCE = 30.0
"""Seconds until a push has to have arrived."""
_LOOK_TWICE = 0.05
"""Seconds in which a clock that runs is seen to run."""


class Story:
    """One telling, over one gateway. Says its lines to `say`.

    Every method may raise Unreachable and Refused.
    """

    def __init__(self, client: Client, say: Callable[[str], None]) -> None:
        self._client = client
        self._say = say
        self._steps = 0
        self._right = True
        self._known: frozenset[tuple[str, ...]] = frozenset()
        """Troubles from before the story."""

    def tell(self) -> bool:
        """All steps; whether both directories came to rest after each of them."""
        stands = standing_clock(self._client)
        self._known = frozenset(_troubles(self._client.settle(_PATIENCE)))
        now = machine_now() if stands is None else parse_instant(stands)
        try:
            self._live(now)
        finally:
            self._client.set_clock(stands)
        return self._right

    def _live(self, now: float) -> None:
        numbers = self._free_numbers()
        morning = now - now % _DAY + _MORNING
        past = [morning - days * _DAY for days in (14, 13, 10, 8, 6, 4, 3)]
        hired, joined, married, moved, leave, notice, gone = past
        back = now
        her = Worker(
            numbers[0], "Tamsin", "Holloway", "Lens Polisher", "Production", LEEDS,
            _date(hired), numbers[1],
        )  # fmt: skip
        boss = Worker(
            numbers[1], "Ragnhild", "Okonjo", "Shift Lead", "Production", LEEDS, _date(joined)
        )
        only, both = numbers[:1], numbers

        self._clock(hired)
        id = self._push(
            f"Hire: {her.name} begins in Leeds. Her manager, {boss.number}, is not known yet.",
            only, "POST", "/Users", _stamped(her.document(_date(hired)), hired),
        )  # fmt: skip
        where = f"/Users/{id}"

        self._clock(joined)
        self._push(
            f"The manager is hired after the report: {boss.name}, {boss.number}.",
            both, "POST", "/Users", _stamped(boss.document(_date(joined)), joined),
        )  # fmt: skip

        self._clock(married)
        her = replace(her, family="Łuczak-Ångström")
        renamed = {"givenName": her.given, "familyName": her.family, "formatted": her.name}
        self._push(
            f"Rename: she marries and is {her.name} now; what she logs in with stays.",
            only, "PATCH", where,
            patch(
                name=renamed,
                displayName=her.name,
                worker_legalFamilyName=her.family,
                worker_sourceModifiedAt=iso(married),
            ),
        )  # fmt: skip

        self._clock(moved)
        her = replace(her, office=BERLIN, title="Coating Specialist", department="Lens Design")
        self._push(
            "Move: another country, company, department and title.",
            only, "PUT", where, _stamped(her.document(_date(moved)), moved),
        )  # fmt: skip

        self._clock(leave)
        self._push(
            "Leave: she is away for a while; on leave an account stays enabled.",
            only, "PATCH", where,
            patch(
                worker_status="onLeave",
                worker_onLeave=True,
                worker_leaveType="Parental",
                worker_leaveStartDate=_date(leave).isoformat(),
                worker_sourceModifiedAt=iso(leave),
            ),
        )  # fmt: skip

        self._clock(notice)
        self._push(
            "Termination: today is her last day, so nothing is taken away yet ...",
            only, "PATCH", where,
            patch(
                worker_status="active",
                worker_onLeave=False,
                worker_terminationDate=_date(notice).isoformat(),
                worker_terminationReason="Resignation",
                worker_sourceModifiedAt=iso(notice),
            ),
        )  # fmt: skip
        self._comes("... and without a further push the day ends.", only, gone)

        self._clock(back)
        her = replace(her, first_hired=her.hired, hired=_date(back), title="Head of Coating")
        self._push(
            "Return: the same person, hence the same account.",
            only, "PUT", where, _stamped(her.document(_date(back)), back),
        )  # fmt: skip

    def _clock(self, moment: float) -> None:
        self._client.set_clock(iso(moment))
        self._moment = moment

    def _push(
        self, told: str, people: Sequence[str], method: str, path: str, body: Mapping[str, Any]
    ) -> str:
        """A step that HR takes; the SCIM id of whom it is about."""
        self._steps += 1
        began = time.monotonic()
        answer = self._client.scim(method, path, body)
        self._show(f"{self._steps}. {told}", f"{method} /Users", people, began)
        return str(answer.get("id", ""))

    def _comes(self, told: str, people: Sequence[str], moment: float) -> None:
        """A date comes, with nobody pushing anything."""
        began = time.monotonic()
        self._clock(moment)
        self._show(f"   {told}", "a date", people, began)

    def _show(self, told: str, cause: str, people: Sequence[str], began: float) -> None:
        settled = self._client.settle(_PATIENCE)
        took = time.monotonic() - began
        right = settled.get("settled") is True
        self._right = self._right and right
        outcome = f"right after {took:.2f} s" if right else f"not right after {took:.0f} s"
        self._say(f"\n{told}\n   {_date(self._moment)}, {cause}: {outcome}")
        for trouble, told in _troubles(settled).items():
            if trouble not in self._known:
                self._say(f"   {told}")
        for line in sheet(self._client.accounts(), people):
            self._say(f"   {line}")

    def _free_numbers(self) -> tuple[str, str]:
        """Worker numbers that nobody had in an earlier telling."""
        telling = 1
        while self._client.find(f"S{telling:02}01") or self._client.find(f"S{telling:02}02"):
            telling += 1
        return f"S{telling:02}01", f"S{telling:02}02"


def standing_clock(client: Client) -> str | None:
    """The instant at which business time stands, or None when it runs."""
    first = client.sandbox().get("clock")
    time.sleep(_LOOK_TWICE)
    second = client.sandbox().get("clock")
    return first if first == second and isinstance(first, str) else None


def _stamped(document: dict[str, Any], moment: float) -> dict[str, Any]:
    """With the instant at which HR changed it."""
    return {**document, WORKER: {**document[WORKER], "sourceModifiedAt": iso(moment)}}


def _troubles(settled: Mapping[str, Any]) -> dict[tuple[str, ...], str]:
    """What the answer of settle says of pairs that go no further: by pair and reason, in words."""
    return {
        (kind, *map(str, pair.values())): f"{pair.get('target')}: {_in_words(kind, pair)}"
        for kind in ("held", "waiting", "unsettled")
        for pair in settled.get(kind) or ()
    }


def _in_words(kind: str, pair: Mapping[str, Any]) -> str:
    why = str(pair.get("why"))
    if kind == "waiting":
        # The edge of a pair: `manager-ref:SOURCE:REFERENCE` or `manager:PERSON@TARGET`.
        known = why.startswith("manager-ref:")
        return f"waits for {why.split(':', 2)[-1].upper() if known else 'an account'} as manager"
    return f"{kind}: {why} (person {pair.get('person')})"


def _date(moment: float) -> date:
    return to_datetime(moment).date()


# -- the command ------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A gateway: where it listens, and the folder that holds its token files."""

    base_url: str
    tokens: Path


def create_command(find_place: Callable[[], Place]) -> click.Command:
    """`story`, over the gateway that `find_place` finds when the command is run."""

    @click.command("story")
    def story() -> None:
        """Push a hire, a rename, a move, a leave, a termination and a return through HTTP,
        and show both directories after each step.

        Needs a running sandbox. People of its own, every time; nobody else is touched.
        """
        place = find_place()
        with talking(place) as client:
            click.echo(f"Workday pushes to {place.base_url}/scim/v2")
            right = Story(client, click.echo).tell()
        click.echo(f"\nBoth directories side by side: {place.base_url}/directories")
        if not right:
            raise click.ClickException("not everything came to rest in time")

    return story


@contextmanager
def talking(place: Place) -> Iterator[Client]:
    """HR's client of a sandbox that runs; what goes wrong with it is one clear line."""
    client = Client(place.base_url, token_of(place.tokens / SOURCE))
    try:
        check(client)
        yield client
    except Unreachable as error:
        raise click.ClickException(
            f"no gateway answers at {place.base_url} ({error}). Start it with scripts/run; "
            "on another port, set MUSTER_PORT for this command too."
        ) from None
    except Refused as refusal:
        raise click.ClickException(str(refusal)) from None


def token_of(file: Path) -> str:
    """The token in this file. Raises ClickException."""
    try:
        return file.read_text().strip()
    except OSError as error:
        raise click.ClickException(
            f"the token {file} cannot be read ({error.strerror}). Start the sandbox with"
            " scripts/run, and use it as the same user."
        ) from None


def check(client: Client) -> None:
    """Raises ClickException when the gateway is no sandbox."""
    try:
        client.sandbox()
    except Refused as refusal:
        if refusal.status != 404:
            raise
        raise click.ClickException(
            f"the gateway at {client.base_url} is no sandbox: this would write to real"
            " directories. Without a muster.yaml, scripts/run starts a sandbox."
        ) from None
