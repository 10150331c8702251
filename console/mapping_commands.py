"""The commands about mappings: try an expression, run the tests beside a mapping.

They need neither a database nor a target.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import click

from mappings.testing import Difference, case_files, read_cases
from mappings.trying import InputError, evaluate
from store.clocks import BusinessClock, to_datetime

Folders = Callable[[], Sequence[Path]]


@click.command("eval")
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


@click.command("test")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--verbose", is_flag=True, help="list what passes, too")
@click.pass_obj
def run_tests(open_folders: Folders, files: tuple[Path, ...], verbose: bool) -> None:
    """Run the tests beside the mappings, or those in FILES; show what is not as expected."""
    folders = open_folders()
    passed = failed = 0
    for file in files or case_files(folders):
        for case in read_cases(file, folders):
            differences = case.run()
            failed, passed = failed + bool(differences), passed + (not differences)
            if differences or verbose:
                state = "FAIL" if differences else "ok  "
                click.echo(f"{state} {case.file}:{case.line} {case.name}")
            for difference in differences:
                click.echo(_shown(difference))
    click.echo(f"{passed} passed, {failed} failed")
    if failed:
        raise SystemExit(1)


def _shown(difference: Difference) -> str:
    lines = [
        f"  {difference.what}",
        f"    expected  {_text(difference.expected)}",
        f"    found     {_text(difference.found)}",
    ]
    if difference.origin is not None:
        lines.append(f"    from      {difference.origin.rule}: {difference.origin.expression}")
    return "\n".join(lines)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


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


def create_mappings_group(folders: Folders) -> click.Group:
    """`mappings`; `folders` gives the folders with mappings of one's own."""
    group = click.Group(
        "mappings",
        context_settings={"obj": folders},
        help="Try, test, import and export mappings.",
    )
    for command in (try_out, run_tests):
        group.add_command(command)
    return group
