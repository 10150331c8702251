"""What the command line says about people, plans and the journal: plain text.

The same questions as the web pages, answered for a terminal.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from adapters.target import Step, TargetDown, TargetRefused
from console.receipts import plan_lines
from console.wording import waits_for
from provisioning import breakers
from provisioning.plan import concealed
from provisioning.receipts import plan_shown
from provisioning.view import Held, View, Viewer
from settings import Settings
from store import journal as store_journal
from store.clocks import iso
from store.database import Database
from store.tables import account, pair
from store.tables import person as person_table

_SOME = 500
"""Persons in one question to the database."""


def plan(database: Database, viewer: Viewer, person: str, target: str, now: float) -> str:
    """The steps that would be taken now; nothing is written anywhere."""
    view = look(viewer, person, target, now)
    if isinstance(view, str):
        return f"{target}: {view}"
    lines = [f"{target}: {view.life.stage} ({view.life.reason})"]
    with database.read() as connection:
        judged = breakers.weigh(connection, view, target, now)
    steps = [concealed(step, view.hidden) for step in judged.plan.steps]
    lines += [f"  {number}. {_step(step)}" for number, step in enumerate(steps, 1)]
    if not view.plan.steps:
        lines.append("  nothing to do: the account is as it should be")
    if judged.why is not None:
        lines.append(f"  would be held: {judged.why}")
        lines += [f"  waits: {_step(concealed(step, view.hidden))}" for step in judged.waiting]
    lines += [f"  note: {problem}" for problem in view.problems]
    if view.waits_on:
        lines.append(f"  {waits_for(view.waits_on, view.snapshot.facts)}")
    if view.life.valid_until is not None:
        lines.append(f"  looks again at {iso(view.life.valid_until)}")
    return "\n".join(lines)


def values(target: str, view: View | str) -> str:
    """Every mapped attribute: its value, its rule and the inputs behind it."""
    if isinstance(view, str):
        return f"\n{target}: {view}"
    lines = [f"\n{target}: {view.life.stage} ({view.life.reason})"]
    for attribute, wanted in view.desired.attributes.items():
        if wanted.value is None and not wanted.cleared:
            continue
        origin = view.origins.get(attribute)
        value = "(cleared)" if wanted.value is None else wanted.value
        value = "[Redact]" if origin is not None and origin.redacted else value
        lines.append(f"  {attribute} = {value}")
        if origin is not None:
            inputs = ", ".join(origin.reads)
            lines.append(
                f"      {origin.rule}: {origin.expression}" + f"  <- {inputs}" * bool(inputs)
            )
    return "\n".join(lines)


def facts(database: Database, person: str) -> str:
    """What the sources say, and which of them says it."""
    with database.read() as connection:
        row = connection.execute(select(person_table).where(person_table.c.id == person)).one()
    origins = json.loads(row.origins)
    lines = [f"person {person}" + ("" if row.asserted else "  (no source asserts them any more)")]
    if row.problem:
        lines.append(f"  held: {row.problem}")
    for name, value in sorted(json.loads(row.facts).items()):
        shown = "(said to be empty)" if value is None else value
        lines.append(f"  {name} = {shown}  <- {origins.get(name, '?')}")
    return "\n".join(lines)


def steps(database: Database, person: str, after: int) -> str:
    """The plans of the person that were journaled after entry `after`, with their outcomes."""
    with database.read() as connection:
        later = store_journal.entries(connection, person=person, after=after, limit=_SOME)
    lines = []
    for entry in later:
        if entry.kind == "plan":
            lines += [f"{entry.target}:", *plan_lines(plan_shown(entry, later))]
    return "\n".join(lines) or "nothing had to be done"


def outcome(database: Database, person: str) -> str:
    """Where each of the person's pairs stands."""
    with database.read() as connection:
        rows = connection.execute(
            select(pair, account.c.hint, person_table.c.facts)
            .join(person_table, person_table.c.id == pair.c.person)
            .outerjoin(
                account,
                (account.c.person == pair.c.person) & (account.c.target == pair.c.target),
            )
            .where(pair.c.person == person)
            .order_by(pair.c.target)
        ).all()
    lines = []
    for row in rows:
        waits = waits_for(row.waits_on, json.loads(row.facts)) if row.waits_on else None
        said = row.held or row.problem or waits or "right"
        lines.append(f"{row.target}: {row.state or 'new'}, {row.hint or 'no account'}: {said}")
    return "\n".join(lines)


def breaker_standings(database: Database, settings: Settings, now: float) -> str:
    """Which breakers counted something, which are open, and whom they hold."""
    lines = []
    with database.read() as connection:
        found = breakers.standings(connection, settings.breakers, settings.targets, now)
        for one in found:
            state = f"open, {len(one.held)} held" if one.held else "closed"
            lines.append(
                f"{one.target} {one.kind}: {state}; {one.counted} accounts within "
                f"{settings.breakers.window_hours:g} h, the limit is {one.limit}"
            )
            hints = _hints(connection, one.target, one.held)
            lines += [f"  {person} {hints.get(person) or ''}".rstrip() for person in one.held]
            if one.held:
                lines.append(f"  remedy: `python app.py release {one.target} {one.kind} --by NAME`")
    return "\n".join(lines) or "nothing was counted, nobody is held"


def _hints(connection: Connection, target: str, persons: Sequence[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for start in range(0, len(persons), _SOME):
        some = persons[start : start + _SOME]
        rows = connection.execute(
            select(account.c.person, account.c.hint).where(
                account.c.target == target, account.c.person.in_(some)
            )
        )
        found.update({row.person: row.hint for row in rows})
    return found


def wait_until_looked(database: Database, person: str, timeout: float) -> bool:
    """True as soon as every pair of the person was looked at since it was asked."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        with database.read() as connection:
            waiting = connection.execute(
                select(pair.c.target).where(
                    pair.c.person == person, pair.c.asked != pair.c.seen, pair.c.attempts == 0
                )
            ).first()
        if waiting is None:
            return True
        time.sleep(0.1)
    return False


def journal(database: Database, person: str | None, limit: int, with_values: bool) -> str:
    """The newest entries, oldest of them first."""
    with database.read() as connection:
        entries = store_journal.newest(connection, person=person, limit=limit)
    lines = []
    for entry in reversed(entries):
        where = f" {entry.target}" if entry.target else ""
        lines.append(f"{entry.seq:>6} {iso(entry.at)} {entry.kind}{where} {_compact(entry.body)}")
        if with_values and entry.values:
            lines.append(f"       {_compact(entry.values)}")
    return "\n".join(lines) or "nothing yet"


def look(viewer: Viewer, person: str, target: str, now: float) -> View | str:
    """What a dry run sees, or why there is nothing to see."""
    try:
        return viewer.view(person, target, now, keep_names=False)
    except Held as held:
        return f"held: {held}"
    except TargetDown as down:
        return f"the target cannot be asked: {down}. {down.remedy}"
    except TargetRefused as refused:
        return f"the target refuses: {refused.refusal.message}. {refused.refusal.remedy}"


def _step(step: Step) -> str:
    parts: list[str] = [step.kind]
    if step.name or step.container:
        parts.append(f"{step.name} in {step.container}")
    if step.given is not None:
        parts.append(f"{step.given.kind} {step.given.anchor}")
    if step.attribute:
        parts.append(f"{step.attribute} -> {step.anchor or '(nobody)'}")
    for attribute, value in sorted(step.attributes.items()):
        parts.append(f"\n       {attribute} = {'(removed)' if value is None else value}")
    return " ".join(parts)


def _compact(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False)
