"""Plans before anything is done, carrying out an approved one, and what has drifted."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import click
from sqlalchemy import Connection

from console import reports
from console.commands import OpenRooms, Rooms, operator_option
from console.mapping_plans import Other, Samples, found, in_force, read_other, take_again
from console.wording import who
from provisioning import applying, pairs, survey
from provisioning.plan import plain
from provisioning.survey import Finding, Summary
from provisioning.view import Viewer
from store.clocks import iso, machine_now, parse_instant

_FORM = 1
"""Version of the plan file."""
_MOST_SHOWN = 10


def _targets(rooms: Rooms, wanted: str | None) -> list[str]:
    if wanted is not None and wanted not in rooms.settings.targets:
        known = ", ".join(rooms.settings.targets)
        raise click.ClickException(f"there is no target {wanted}; known: {known}")
    return [wanted] if wanted else list(rooms.settings.targets)


@click.command()
@click.argument("person", required=False)
@click.option("--all", "everyone", is_flag=True, help="everybody")
@click.option("--source", help="everybody whom this source speaks of")
@click.option(
    "--mapping", metavar="FILE", help="as if this mapping were in force: for whom it changes what"
)
@click.option("--target", help="in this target only")
@click.option("--out", "file", metavar="FILE", help="write the plans to a file, for `apply`")
@click.option("--summary", is_flag=True, help="the sums only, not each person")
@click.pass_obj
def plan(
    open_rooms: OpenRooms,
    person: str | None,
    everyone: bool,
    source: str | None,
    mapping: str | None,
    target: str | None,
    file: str | None,
    summary: bool,
) -> None:
    """Show what would be done now, for PERSON or for many, and do nothing.

    PERSON is a person id, SCIM id, externalId, userName, worker or employee number.
    """
    chosen = (person is not None) + everyone + (source is not None)
    if chosen > 1 or (chosen == 0 and mapping is None):
        raise click.UsageError("give a PERSON, --source NAME, --all or --mapping FILE")
    rooms = open_rooms()
    targets = _targets(rooms, target)
    now = rooms.business.now()
    other = read_other(rooms, mapping, target) if mapping is not None else None
    if other is not None and other.outbounds:
        targets = list(other.outbounds)
    if person is not None and file is None and other is None:
        id = rooms.find(person)
        for one in targets:
            click.echo(reports.plan(rooms.database, rooms.viewer, id, one, now))
        return
    if source is not None and source not in rooms.settings.sources:
        known = ", ".join(rooms.settings.sources)
        raise click.ClickException(f"there is no source {source}; known: {known}")
    with rooms.database.read() as connection:
        persons = [rooms.find(person)] if person else survey.everybody(connection, source)
    lines = [{"muster-plan": _FORM, "made": iso(machine_now()), "businessTime": iso(now)}]
    if other is not None:
        lines[0] |= {"mappings": other.head()}
    viewer = rooms.viewer_with(other.outbounds) if other is not None else rooms.viewer
    for one in targets:
        sums, samples = Summary(one), Samples()
        for finding in _looked(rooms, viewer, persons, one, now, other):
            sums.add(finding)
            samples.add(finding)
            if finding.steps:
                lines.append(_line(finding))
            if not summary and (finding.steps or finding.held):
                click.echo(_one_line(finding))
        click.echo(_sums(rooms, sums, now))
        if other is not None and (shown := str(samples)):
            click.echo(shown)
    if file is not None:
        _write(file, lines)
        click.echo(f"{len(lines) - 1} plans in {file}; carry them out with: apply {file} --by NAME")


def _looked(
    rooms: Rooms,
    viewer: Viewer,
    persons: list[str],
    target: str,
    now: float,
    other: Other | None = None,
) -> Iterator[Finding]:
    with rooms.asking(target):
        if other is not None:
            yield from found(rooms, viewer, other, persons, target, now)
        else:
            yield from survey.look_at(rooms.database, viewer, persons, target, now)


def _one_line(finding: Finding) -> str:
    line = f"{finding.target}  {who(finding.facts, finding.person)}"
    if finding.held is not None:
        return f"{line}: held: {finding.held}"
    return f"{line}: " + "; ".join(_brief(step) for step in map(plain, finding.steps))


def _brief(step: Mapping[str, Any]) -> str:
    names = sorted(step.get("attributes", {})) if step["kind"] == "modify" else []
    names += [step["attribute"]] if "attribute" in step else []
    place = f" to {step['container']}" if step["kind"] in ("move", "restore") else ""
    given = f" {step['given']['kind']} {step['given']['anchor']}" if "given" in step else ""
    return str(step["kind"]) + (f" {', '.join(names)}" if names else "") + place + given


def _line(finding: Finding) -> dict[str, Any]:
    """What the file holds of one plan: no values, but a digest that depends on them."""
    steps = [
        {
            "kind": step.kind,
            "attributes": sorted(step.attributes),
            "attribute": step.attribute,
        }
        for step in finding.steps
    ]
    return {
        "person": finding.person,
        "target": finding.target,
        "digest": finding.digest,
        "steps": [{k: v for k, v in step.items() if v} for step in steps],
    }


def _sums(rooms: Rooms, sums: Summary, now: float) -> str:
    lines = [
        f"{sums.target}: {sums.people} people, {sums.changed} would change, {sums.held} held, "
        f"{sums.waiting} waiting"
    ]
    lines += _counted("  steps", sums.steps)
    lines += _counted("  attributes", sums.attributes)
    lines += [
        f"  into {after}: {count}" + ("" if before == "new" else f" from {before}")
        for (before, after), count in sums.containers.most_common()
    ]
    drift = Counter({f"{name} ({what})": n for (name, what), n in sums.drift.items()})
    lines += _counted("  changed by somebody else", drift)
    with rooms.database.read() as connection:
        over = survey.over_the_limit(connection, sums, rooms.viewer.settings.breakers, now)
    lines += [
        f"  breaker: {kind} would be {count} accounts, the limit is {limit}: the rest would be held"
        for kind, (count, limit) in over.items()
    ]
    return "\n".join(lines)


def _counted(title: str, counter: Counter[str]) -> list[str]:
    said = ", ".join(f"{name} {count}" for name, count in counter.most_common())
    return [f"{title}: {said}"] if said else []


def _write(file: str, lines: list[dict[str, Any]]) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="ascii") as out:
            out.writelines(json.dumps(line) + "\n" for line in lines)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None


@dataclass(frozen=True)
class _Approved:
    person: str
    target: str
    digest: str


def _read(file: str) -> tuple[list[_Approved], Mapping[str, Any]]:
    """The plans, and the mappings they were made with.

    Raises ClickException for what is no plan file.
    """
    try:
        with open(file, encoding="ascii") as given:
            head, *lines = [json.loads(line) for line in given]
        if head["muster-plan"] != _FORM:
            raise ValueError
        parse_instant(head["businessTime"])
        plans = [_Approved(str(x["person"]), str(x["target"]), str(x["digest"])) for x in lines]
        return plans, dict(head.get("mappings", {}))
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise click.ClickException(
            f"{file} is no plan of this version; make one with: plan --all --out FILE"
        ) from None


@click.command()
@click.argument("file", type=click.Path())
@operator_option
@click.pass_obj
def apply(open_rooms: OpenRooms, file: str, by: str) -> None:
    """Carry out the plans in FILE, if they are still the ones that are needed.

    Everybody in it is looked at first: if anything moved since, nothing is done at all.
    Breakers hold what they would hold anyway.
    """
    approved, mappings = _read(file)
    rooms = open_rooms()
    now = rooms.business.now()
    for target in dict.fromkeys(one.target for one in approved):
        _targets(rooms, target)
    other = in_force(rooms, mappings)
    moved = [_who_of(rooms, one) for one in _moved(rooms, approved, now, other)]
    if moved:
        some = ", ".join(moved[:_MOST_SHOWN]) + (" ..." if len(moved) > _MOST_SHOWN else "")
        raise click.ClickException(
            f"nothing was done: {len(moved)} of {len(approved)} plans are not needed any more as "
            f"they stand ({some}); make a new plan"
        )
    if other.inbounds:
        _take_again(rooms, approved, other, by, now)
        return
    outcome: Counter[str] = Counter()
    carry = applying.Applying(rooms.converger, rooms.database, by)
    carry.begin(len(approved), rooms.business.now())
    for one in approved:
        with rooms.asking(one.target):
            word = carry.carry_out(one.person, one.target, one.digest)
        outcome[word] += 1
        if word != applying.DONE:
            click.echo(f"{one.target}  {_who_of(rooms, one)}: {word}")
    click.echo(", ".join(f"{count} {word}" for word, count in outcome.most_common()) or "no plans")
    if outcome.total() != outcome[applying.DONE]:
        raise SystemExit(1)


def _take_again(rooms: Rooms, approved: list[_Approved], other: Other, by: str, now: float) -> None:
    """The records are read anew, and the worker makes the accounts right."""
    applying.Applying(rooms.converger, rooms.database, by).begin(len(approved), now)
    with rooms.database.read() as connection:
        persons = survey.everybody(connection)
    taken = take_again(rooms, other, persons, now)
    click.echo(f"{taken} records read anew; the worker carries out what comes of it")


def _moved(
    rooms: Rooms, approved: list[_Approved], now: float, other: Other
) -> Iterator[_Approved]:
    for target in dict.fromkeys(one.target for one in approved):
        wanted = {one.person: one for one in approved if one.target == target}
        found = {}
        anew = other if other.inbounds else None
        for finding in _looked(rooms, rooms.viewer, list(wanted), target, now, anew):
            found[finding.person] = None if finding.held else finding.digest
        yield from (one for id, one in wanted.items() if found.get(id) != one.digest)


def _who_of(rooms: Rooms, one: _Approved) -> str:
    return who(rooms.facts(one.person), one.person)


@click.command()
@click.option("--target", help="in this target only")
@click.option("--look", is_flag=True, help="read the directories now, instead of what is known")
@click.option("--repair", is_flag=True, help="have the worker look at whom it concerns")
@click.option("--nobodys", is_flag=True, help="list accounts that are linked to nobody")
@click.pass_obj
def drift(
    open_rooms: OpenRooms, target: str | None, look: bool, repair: bool, nobodys: bool
) -> None:
    """Show what somebody else changed in the directories since Muster last wrote it.

    "put back" is written again at the next look, "kept" and "watched" are left as they are.
    """
    rooms = open_rooms()
    targets = _targets(rooms, target)
    if nobodys:
        for one in targets:
            with rooms.asking(one):
                for account in survey.nobodys(rooms.database, rooms.viewer, one):
                    state = "enabled" if account.enabled else "disabled"
                    click.echo(f"{one}  {account.hint}  {state}")
        return
    concerned: list[tuple[str, str]] = []
    for id, where, listed, facts, seen in _drifted(rooms, targets, look):
        said = "; ".join(f"{name} {what}" for name, what in sorted(listed.items()))
        click.echo(f"{where}  {who(facts, id)}: {said}{seen}")
        if "put back" in listed.values():
            concerned.append((id, where))
    if repair:

        def ask(tx: Connection) -> None:
            for id, where in concerned:
                pairs.ask(tx, id, [where], pairs.Lane.BULK, machine_now())

        rooms.database.write(ask)
        click.echo(f"{len(concerned)} accounts will be looked at")


def _drifted(
    rooms: Rooms, targets: list[str], look: bool
) -> Iterator[tuple[str, str, Mapping[str, str], Mapping[str, Any], str]]:
    """(person, target, attribute -> what, facts, when it was seen)."""
    if look:
        with rooms.database.read() as connection:
            persons = survey.everybody(connection)
        for target in targets:
            for finding in _looked(rooms, rooms.viewer, persons, target, rooms.business.now()):
                found = finding.view.plan.drift if finding.view else ()
                if found:
                    listed = {one.attribute: one.what for one in found}
                    yield finding.person, target, listed, finding.facts, ""
        return
    for target in targets:
        with rooms.database.read() as connection:
            rows = survey.drifted(connection, target)
        for row in rows:
            listed = json.loads(row.drift)
            yield row.person, target, listed, json.loads(row.facts), f"  (seen {iso(row.looked)})"
