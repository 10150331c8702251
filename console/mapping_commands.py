"""The commands about mappings: try an expression.

They need neither a database nor a target, and no muster.yaml unless it names a folder
with mappings of your own.
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from typing import IO, Any

import click

from mappings.trying import InputError, evaluate
from store.clocks import BusinessClock, to_datetime


@click.group()
def mappings() -> None:
    """Try, test, import and export mappings."""


@mappings.command("eval")
@click.argument("expression", required=False)
@click.option("--input", "file", type=click.File(encoding="utf-8"), help="JSON: name -> value")
@click.option("--batch", type=click.File(encoding="utf-8"), help="JSON lines; see docs/mappings.md")
@click.option("--now", help="the time it is, as 2026-03-16T09:00:00Z")
def try_out(
    expression: str | None, file: IO[str] | None, batch: IO[str] | None, now: str | None
) -> None:
    """Evaluate EXPRESSION, or every line of a batch; answer in JSON, a line each."""
    if (expression is None) == (batch is None):
        raise click.UsageError("give an EXPRESSION or --batch FILE")
    moment = to_datetime(BusinessClock().now())
    if batch is not None:
        for line in batch:
            if line.strip():
                click.echo(json.dumps(_answer(line, moment), ensure_ascii=False))
        return
    given = {} if file is None else _json(file.read())
    answer = _answer(json.dumps({"expression": expression, "input": given, "now": now}), moment)
    click.echo(json.dumps(answer, ensure_ascii=False))
    if "error" in answer:
        raise SystemExit(1)


def _answer(line: str, now: datetime) -> dict[str, Any]:
    try:
        return evaluate(json.loads(line), now, secrets.token_hex(16))
    except InputError as error:
        return {"error": str(error)}
    except ValueError as error:
        return {"error": f"not JSON: {error}"}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.ClickException(f"the input is not JSON: {error}") from None
