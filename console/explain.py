"""`explain`: what is known of a person, from whom, and where every value of an account is from.

With `--attribute`, down to the value of every part of the expressions behind it: the rule
of the target, and the rules that made the facts it read. With `--json`, all of that for a
program. Evaluation is pure, so it is simply done once more, with a trace.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click
from sqlalchemy import select

from console import reports
from console.commands import OpenRooms, Rooms
from mappings.documents import load_inbound
from mappings.language.running import Step
from mappings.language.values import text
from mappings.results import Facts, Origin
from provisioning.view import View
from store.tables import resource


@click.command()
@click.argument("person")
@click.option("--target", help="this target only")
@click.option("--attribute", help="this attribute only, part by part")
@click.option("--json", "as_json", is_flag=True, help="for a program, every part of every rule")
@click.pass_obj
def explain(
    open_rooms: OpenRooms, person: str, target: str | None, attribute: str | None, as_json: bool
) -> None:
    """Show what is known about PERSON, from whom, and where every account value comes from."""
    rooms = open_rooms()
    if target is not None and target not in rooms.settings.targets:
        known = ", ".join(rooms.settings.targets)
        raise click.ClickException(f"there is no target {target}; known: {known}")
    who = rooms.find(person)
    targets = [target] if target else list(rooms.settings.targets)
    looks = {name: reports.look(rooms.viewer, who, name, rooms.business.now()) for name in targets}
    if attribute is not None:
        _refuse_unknown(attribute, looks)
    if as_json:
        said = _said(rooms, who)
        click.echo(_dumped(_all(rooms, who, looks, attribute, said)))
        return
    if attribute is None:
        click.echo(reports.facts(rooms.database, who))
        for name, look in looks.items():
            click.echo(reports.values(name, look))
        return
    said = _said(rooms, who)
    for name, look in looks.items():
        click.echo("\n".join(_one(name, look, attribute, said)))


def _refuse_unknown(attribute: str, looks: Mapping[str, View | str]) -> None:
    seen = [look for look in looks.values() if isinstance(look, View)]
    known = {a for look in seen for a in (*look.origins, *look.kept)}
    if known and attribute not in known:
        said = ", ".join(sorted(known))
        raise click.ClickException(f"there is no rule for {attribute} here; there are {said}")


def _said(rooms: Rooms, who: str) -> dict[str, dict[str, Origin]]:
    """Source -> fact -> the rule behind it, evaluated once more from what is stored."""
    with rooms.database.read() as connection:
        rows = connection.execute(
            select(resource.c.source, resource.c.document, resource.c.cleared).where(
                resource.c.person == who, resource.c.deleted.is_(None)
            )
        ).all()
    found: dict[str, dict[str, Origin]] = {}
    for row in rows:
        source = rooms.settings.sources.get(row.source)
        if source is None or not source.mapping:
            continue
        inbound = load_inbound(source.mapping, rooms.settings.mapping_folders)
        facts: Facts = inbound.facts(json.loads(row.document), json.loads(row.cleared))
        found.setdefault(row.source, {}).update(facts.origins)
    return found


def _behind(
    origin: Origin, view: View, said: Mapping[str, Mapping[str, Origin]]
) -> Iterator[tuple[str, str, Origin]]:
    """The facts a rule read: name, source, and the rule that made them."""
    names = {name.lower(): name for name in view.snapshot.facts}
    for read in origin.reads:
        fact = names.get(read.lower())
        source = view.snapshot.origins.get(fact or "", "")
        made = said.get(source, {}).get(fact or "")
        if fact is not None and made is not None:
            yield fact, source, made


def _one(
    target: str, look: View | str, attribute: str, said: Mapping[str, Mapping[str, Origin]]
) -> Iterator[str]:
    if isinstance(look, str):
        yield f"{target}: {look}"
        return
    origin = look.origins.get(attribute) or look.kept.get(attribute)
    if origin is None:
        yield f"{target}: no rule for {attribute} was asked ({look.life.reason})"
        return
    value = _value(look, attribute)
    kept = "(kept as it is)" if attribute in look.kept else "(cleared)"
    yield f"{target}: {attribute} = {kept if value is None else value}"
    yield f"  {origin.rule}: {origin.expression}"
    yield from _steps(origin.trace(), "    ")
    for fact, source, made in _behind(origin, look, said):
        yield f"  fact {fact} from {source}"
        yield f"    {made.rule}: {made.expression}"
        yield from _steps(made.trace(), "      ")


def _steps(step: Step | None, indent: str) -> Iterator[str]:
    """The parts of an expression, inner ones indented."""
    if step is None:
        return
    yield f"{indent}{step.expression} = {_shown(step)}"
    for part in step.parts:
        yield from _steps(part, indent + "  ")


def _shown(step: Step) -> str:
    if step.failed is not None:
        return f"(no value: {step.failed})"
    if isinstance(step.value, tuple):
        return json.dumps([text(one) for one in step.value], ensure_ascii=False)
    return "(nothing)" if step.value is None else f'"{text(step.value)}"'


def _all(
    rooms: Rooms,
    who: str,
    looks: Mapping[str, View | str],
    attribute: str | None,
    said: Mapping[str, Mapping[str, Origin]],
) -> dict[str, Any]:
    targets: dict[str, Any] = {}
    for name, look in looks.items():
        if isinstance(look, str):
            targets[name] = {"problem": look}
            continue
        targets[name] = {
            "stage": look.life.stage,
            "reason": look.life.reason,
            "problems": list(look.problems),
            "attributes": {
                a: {**_origin(origin), "value": _value(look, a), "kept": a not in look.origins}
                for a, origin in {**look.kept, **look.origins}.items()
                if attribute in (None, a)
            },
        }
    facts = {
        source: {fact: _origin(origin) for fact, origin in origins.items()}
        for source, origins in said.items()
    }
    return {"person": who, "targets": targets, "facts": facts}


def _value(view: View, attribute: str) -> Any:
    """What the account is to hold; None for nothing, and where it is kept as it is."""
    if attribute not in view.origins:
        return None
    if view.origins[attribute].redacted:
        return "[Redact]"
    return view.desired.attributes[attribute].value


def _origin(origin: Origin) -> dict[str, Any]:
    step = origin.trace()
    return {
        "rule": origin.rule,
        "reads": list(origin.reads),
        "trace": None if step is None else step.as_json(),
    }


def _dumped(found: Mapping[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False, indent=1)
