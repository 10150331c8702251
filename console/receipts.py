"""Receipts: what became of a push, for the source that sent it and for the operator.

`GET /receipts/ID` answers a source, by its credential, about its own pushes alone;
`python app.py receipt ID` answers whoever sits at the machine.
"""

from __future__ import annotations

import json
from typing import Any

import click
from flask import Blueprint, Response, jsonify, request
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from access import Gate
from console.wording import display_name
from provisioning.receipts import receipt as find
from scim.auth import admit
from scim.errors import ScimError
from store.clocks import machine_now
from store.database import Database
from store.tables import person


def create_receipts(database: Database, gate: Gate) -> Blueprint:
    """`GET /receipts/<id>`: JSON, or a SCIM error 401, 403, 404, 429."""
    receipts = Blueprint("receipts", __name__)

    def of_source(id: str) -> dict[str, Any]:
        now = machine_now()
        client = admit(gate, request.environ, {}, "read")
        with database.read() as connection:
            found = find(connection, id, now)
        if found is None or found["source"] != client.source:
            raise ScimError(404, "There is no such receipt.")
        return found

    @receipts.get("/receipts/<id>")
    def show(id: str) -> Response:
        try:
            response = jsonify(of_source(id))
        except (OperationalError, PoolTimeout):
            response = _refusal(ScimError(429, "Too much to do; try again.", None, _LATER))
        except ScimError as error:
            response = _refusal(error)
        response.headers["Cache-Control"] = "no-store"
        return response

    return receipts


_LATER = {"Retry-After": "5"}


def _refusal(error: ScimError) -> Response:
    response = jsonify(error.body())
    response.status_code = error.status
    response.headers.update(error.headers)
    return response


@click.command()
@click.argument("id")
@click.pass_obj
def receipt(open_rooms: Any, id: str) -> None:
    """Show what became of the push that was answered with Muster-Receipt ID."""
    database = open_rooms().database
    with database.read() as connection:
        found = find(connection, id.strip().lower(), machine_now())
        facts = None
        if found is not None:
            statement = select(person.c.facts).where(person.c.id == found["person"])
            facts = connection.execute(statement).scalar()
    if found is None:
        raise click.ClickException(f"there is no receipt {id}")
    click.echo(_text(found, json.loads(facts or "{}")))


def _text(found: dict[str, Any], facts: dict[str, Any]) -> str:
    who = display_name(facts) or f"person {found['person']}"
    key = facts.get("employeeNumber") or facts.get("workerId")
    lines = [
        f"{found['accepted']} {found['source']}: {found['what']}, {who}" + f" ({key})" * bool(key),
        f"  changed: {', '.join(found['changed']) or 'nothing that is mapped'}",
    ]
    if found["what"] == "stale":
        lines[1] = "  older than what is stored: nothing was changed"
    elif found["what"] == "withdrawn":
        lines[1] = "  the source no longer asserts this person"
    lines += [
        f"  from {later['from']} on: {', '.join(later['changes'])}" for later in found["dated"]
    ]
    lines += [f"  note: {problem}" for problem in found["problems"]]
    if found["case"]:
        lines.append(f"  case: {found['case']}")
    for target, said in found["targets"].items():
        lines += _target(target, said)
    return "\n".join(lines)


def _target(target: str, said: dict[str, Any]) -> list[str]:
    if "supersededBy" in said:
        return [f"{target}: superseded by receipt {said['supersededBy']}"]
    after = f" after {said['afterMs'] / 1000:.3f} s" if "afterMs" in said else ""
    lines = [f"{target}: {said['result']}{after}" + (f": {said['why']}" if said["why"] else "")]
    for plan in said["plans"]:
        lines += plan_lines(plan)
    if "waitsOn" in said:
        lines.append(f"  waits on {said['waitsOn']}")
    if "looksAgain" in said:
        lines.append(f"  looks again at {said['looksAgain']}")
    return lines


def plan_lines(plan: dict[str, Any]) -> list[str]:
    """A plan as `provisioning.receipts.plan_shown` gives it."""
    steps = [f"    {number}. {_step(step)}" for number, step in enumerate(plan["steps"], 1)]
    return [f"  {plan['at']} {plan['stage']} ({plan['reason']})", *steps]


def _step(step: dict[str, Any]) -> str:
    names = [*step.get("attributes", ()), *filter(None, [step.get("attribute")])]
    what = step["kind"] + (f" {', '.join(names)}" if names else "")
    if "given" in step:
        what += f" {step['given']['kind']} {step['given']['anchor']}"
    if "result" not in step:
        return f"{what}: not done"
    took = f", {step['ms']} ms" if step["ms"] is not None else ""
    refused = "".join(
        f"\n       {r.get('attribute') or 'all of it'} refused ({r['kind']}): {r['remedy']}"
        for r in step["refusals"]
    )
    return f"{what}: {step['result']}{took}{refused}"
