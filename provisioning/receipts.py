"""What became of an accepted push: derived from the journal and the pairs, never stored.

Intake notes for every target how often its pair had been asked for; every look notes which
of these counts it deals with. A push was dealt with by the looks that cover its own count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from provisioning.dated import ABOUT_THE_PUSH
from store import journal
from store.clocks import iso
from store.journal import Entry
from store.tables import pair

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_MOST = 2000
"""Entries about one person that are read to find what became of a push."""


def receipt(connection: Connection, id: str, now: float) -> dict[str, Any] | None:
    """What changed, of whom, and what came of it per target; None for an unknown id.

    `now` is machine time. JSON-able; holds names of attributes and no values of them.
    """
    if not _ID.match(id):
        return None
    found = journal.entries(connection, ref=id, kind="intake", limit=1)
    if not found:
        return None
    intake = found[0]
    later = journal.entries(connection, person=intake.person, after=intake.seq, limit=_MOST)
    pairs = {
        row.target: row
        for row in connection.execute(select(pair).where(pair.c.person == intake.person))
    }
    asked: dict[str, int] = intake.body.get("asked", {})
    return {
        "receipt": id,
        "accepted": iso(intake.at),
        "businessTime": iso(intake.at_business),
        "source": intake.body["source"],
        "resource": intake.body.get("resource"),
        "person": intake.person,
        "what": intake.body["what"],
        "changed": [name for name in intake.body.get("changed", ()) if name not in ABOUT_THE_PUSH],
        "problems": list(intake.body.get("problems", ())),
        "case": intake.body.get("case"),
        "dated": [{"from": at, "changes": names} for at, names in intake.body.get("ahead", ())],
        "targets": {
            target: _target(intake, later, target, count, pairs.get(target), now)
            for target, count in asked.items()
        },
    }


def _target(
    intake: Entry,
    later: Sequence[Entry],
    target: str,
    count: int,
    row: Row[Any] | None,
    now: float,
) -> dict[str, Any]:
    """What became of the push in one target: `result`, `why`, and the plans that dealt with it.

    superseded     a later push, `supersededBy`, was looked at together with this one
    applied, applied in part, nothing to do, held, given up, back-off, due, working, gone
    """
    looks = _looks(later, target, count)
    newer = [_newer(later, target, count, look.body["noted"]) for look in looks]
    if not looks and row is not None and row.seen >= count:
        newer = [_unseen(later, target, count)]
    plans = [
        plan_shown(look, later)
        for look, by in zip(looks, newer, strict=False)
        if look.kind == "plan" and by is None
    ]
    if newer and newer[-1] is not None:
        return {"result": "superseded", "supersededBy": newer[-1], "plans": plans}
    result, why = _result(looks, plans, count, row, now)
    said: dict[str, Any] = {"result": result, "why": why, "plans": plans}
    done = [e.at for e in later if e.kind == "operation" and e.ref in {p["plan"] for p in plans}]
    if done:
        said["afterMs"] = round((max(done) - intake.at) * 1000, 1)
    if row is not None and row.seen >= count and not _newer(later, target, count, row.seen):
        said["state"] = row.state
        if row.waits_on:
            said["waitsOn"] = row.waits_on
        if row.look_at is not None:
            said["looksAgain"] = iso(row.look_at)
    return said


def _looks(later: Sequence[Entry], target: str, count: int) -> list[Entry]:
    """What the looks that dealt with this count wrote down, oldest first.

    A case goes on with the look that came after it: the one that a human made possible.
    """
    found: list[Entry] = []
    for entry in later:
        if entry.target != target or "noted" not in entry.body:
            continue
        covers = entry.body["seen"] < count <= entry.body["noted"]
        if covers or _case(found) is not None:
            found.append(entry)
    return found


def _case(looks: Sequence[Entry]) -> Entry | None:
    """The case that the last of these looks made, beside whatever it was free to do."""
    for entry in looks:
        if entry.kind == "case" and entry.body["noted"] == looks[-1].body["noted"]:
            return entry
    return None


def _newer(later: Sequence[Entry], target: str, count: int, noted: int) -> str | None:
    """The newest receipt whose count a look up to `noted` covered too, if there is one."""
    ids = [
        entry.ref
        for entry in later
        if entry.kind == "intake" and count < entry.body.get("asked", {}).get(target, 0) <= noted
    ]
    return ids[-1] if ids else None


def _unseen(later: Sequence[Entry], target: str, count: int) -> str | None:
    """The newest receipt that came while this count had not been looked at yet."""
    ids = [
        entry.ref
        for entry in later
        if entry.kind == "intake"
        and entry.body.get("asked", {}).get(target, 0) > count
        and entry.body["seen"][target] < count
    ]
    return ids[-1] if ids else None


def plan_shown(plan: Entry, later: Sequence[Entry]) -> dict[str, Any]:
    """A journaled plan with what came of each step; `later` holds the entries after it."""
    steps: list[dict[str, Any]] = [
        {name: value for name, value in step.items() if value} for step in plan.body["steps"]
    ]
    for entry in later:
        if entry.kind == "operation" and entry.ref == plan.ref:
            steps[entry.body["step"]] |= {
                "result": entry.body["result"],
                "ms": entry.body.get("ms"),
                "refusals": entry.body["refusals"],
            }
    return {
        "plan": plan.ref,
        "at": iso(plan.at),
        "stage": plan.body["stage"],
        "reason": plan.body["reason"],
        "steps": steps,
    }


def _result(
    looks: Sequence[Entry],
    plans: Sequence[dict[str, Any]],
    count: int,
    row: Row[Any] | None,
    now: float,
) -> tuple[str, str | None]:
    if row is None:
        return "gone", "nothing is kept about this target any more"
    if row.seen < count:
        if row.lease_token is not None and (row.lease_until or 0) > now:
            return "working", row.problem
        return ("due" if row.due is None or row.due <= now else "back-off"), row.problem
    case = _case(looks)
    if case is not None:
        return ("given up" if case.body.get("gave_up") else "held"), case.body["why"]
    if not plans:
        linked = "an account with the same key was there already, and is linked" if looks else None
        return "nothing to do", linked
    last = plans[-1]["steps"]
    whole = all(step.get("result") == "applied" and not step.get("refusals") for step in last)
    return ("applied" if whole else "applied in part"), None
