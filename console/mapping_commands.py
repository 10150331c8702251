"""The commands about mappings: try an expression, run the tests beside a mapping, and take
schemas from Entra and back.

They need neither a database nor a target.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import click

from mappings.documents import load_inbound, load_outbound
from mappings.entra.exporting import export_schema
from mappings.entra.importing import import_schema
from mappings.entra.schema import SchemaError, read_schema
from mappings.targets import KINDS
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


@click.command("import")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@click.option("--rule", help="the rule, where the file has several")
@click.option("--name", help="of the documents: NAME_in and NAME_out (default: the file's)")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="the folder (default: that of your mappings, else here)",
)
@click.option("--force", is_flag=True, help="write over documents of that name")
@click.pass_obj
def import_file(
    open_folders: Folders,
    file: IO[str],
    rule: str | None,
    name: str | None,
    into: Path | None,
    force: bool,
) -> None:
    """Make mapping documents of FILE, the JSON of Entra's "Download schema".

    Beside them lie NAME.report.md, which says what became of every part, and
    NAME.entra.json, which keeps for the way back what a document cannot hold.
    """
    base = name or _slug(Path(file.name).stem)
    folder = into or next(iter(open_folders()), Path())
    try:
        imported = import_schema(read_schema(file.read()), base, rule)
    except SchemaError as error:
        raise click.ClickException(f"{file.name}: {error}") from None
    kept = {"rule": imported.chosen.rule.get("name"), "schema": imported.kept}
    written = {
        f"{base}_in.yaml": imported.inbound.yaml(),
        f"{base}_out.yaml": imported.outbound.yaml(),
        f"{base}.entra.json": json.dumps(kept, ensure_ascii=False, indent=1) + "\n",
        f"{base}.report.md": f"# {file.name}\n\n{imported.report.text}",
    }
    there = [file_name for file_name in written if (folder / file_name).exists()]
    if there and not force:
        raise click.ClickException(
            f"{folder} has {', '.join(there)} already; give another --name, or --force"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, text in written.items():
        (folder / file_name).write_text(text, encoding="utf-8")
    load_inbound(f"{base}_in", [folder, *open_folders()])
    load_outbound(f"{base}_out", [folder, *open_folders()], imported.chosen.target.name)
    click.echo(imported.report.text)
    click.echo(f"wrote {', '.join(written)} in {folder}")


def _slug(stem: str) -> str:
    return "_".join(re.findall(r"[A-Za-z0-9]+", stem)).lower() or "imported"


@click.command("export")
@click.argument("inbound")
@click.argument("outbound")
@click.option("--kind", type=click.Choice(sorted(KINDS)), help="of target, if it is not clear")
@click.option("--output", type=click.File("w", encoding="utf-8"), default="-")
@click.pass_obj
def export_file(
    open_folders: Folders, inbound: str, outbound: str, kind: str | None, output: IO[str]
) -> None:
    """Write the documents INBOUND and OUTBOUND as a schema for Entra; what it cannot say, too.

    The schema goes to standard output or --output, the report to standard error.
    """
    folders = open_folders()
    facts, account = load_inbound(inbound, folders), load_outbound(outbound, folders)
    in_directory = {"samaccountname", "employeeid"} & {
        name.lower() for name in account.attribute_names if name != "employeeId"
    }
    target = KINDS[kind or ("active_directory" if in_directory else "entra_id")]
    kept = None
    if account.kept is not None and account.kept.is_file():
        kept = _json(account.kept.read_text(encoding="utf-8"))
    try:
        schema, report = export_schema(facts, account, target, kept)
    except (SchemaError, KeyError) as error:
        raise click.ClickException(f"{account.kept}: {error}") from None
    output.write(json.dumps(schema, ensure_ascii=False, indent=1) + "\n")
    click.echo(report.text, err=True)


def create_mappings_group(folders: Folders) -> click.Group:
    """`mappings`; `folders` gives the folders with mappings of one's own."""
    group = click.Group(
        "mappings",
        context_settings={"obj": folders},
        help="Try, test, import and export mappings.",
    )
    for command in (try_out, run_tests, import_file, export_file):
        group.add_command(command)
    return group
