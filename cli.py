"""The command line, `python app.py`: starting and checking; `console/` adds its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

import settings as configuration
from access_settings import DEFAULT_PORT
from app import (
    HERE,
    RELOAD,
    SANDBOX_CONFIG,
    clock,
    config_path,
    create_app,
    data_folder,
    in_force,
    load_settings,
    log_to_stderr,
    open_targets,
    work,
)
from configured_mappings import load_inbounds, load_outbounds, mapping_findings
from console.calendar import show_calendar
from console.commands import COMMANDS, Rooms
from console.explain import explain
from console.journals import erase, journal
from console.links import links
from console.mapping_commands import create_mappings_group
from console.operators import create_operator_group, first_operator
from console.plans import apply, drift, plan
from console.receipts import receipt
from console.tokens import create_token_group
from mappings.documents import MappingError
from provisioning.converge import Converger
from sandbox.populate import create_people
from sandbox.story import Place, create_command
from settings import Settings, SettingsError
from store.clocks import machine_now
from store.database import Database

if TYPE_CHECKING:
    from sandbox.client import Client


class _Commands(click.Group):
    """Turns what an operator can put right into one clear line instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        from provisioning.worker import WorkerRunning
        from sandbox.samba import SandboxError
        from scim.schema import SchemaError
        from store.migrate import DatabaseTooNew

        try:
            return super().invoke(ctx)
        except MappingError as error:
            raise click.ClickException("\n".join(map(str, (error, *error.others)))) from None
        except (
            SettingsError,
            SandboxError,
            SchemaError,
            DatabaseTooNew,
            WorkerRunning,
        ) as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=_Commands)
@click.pass_context
def main(context: click.Context) -> None:
    """Muster keeps Active Directory and Entra ID true to HR's people.

    MUSTER_CONFIG names the configuration (default: muster.yaml beside app.py),
    MUSTER_DATA the data folder (default: ./data), MUSTER_PORT the port, MUSTER_SCHEMAS a
    folder of further SCIM schemas.
    """
    context.obj = open_rooms
    log_to_stderr()


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), help="default 8080, or MUSTER_PORT")
@click.option("--samba", is_flag=True, help="sandbox: a real Samba domain (Debian, root)")
@click.option("--no-worker", is_flag=True, help="web only; a worker runs elsewhere")
def run(port: int | None, samba: bool, no_worker: bool) -> None:
    """Everything in the foreground: web server and worker. Ctrl-C or SIGTERM stops it.

    Without a configuration a sandbox stands in for both directories.
    """
    from sandbox import first_run

    environ = dict(os.environ)
    if port:
        environ["MUSTER_PORT"] = str(port)
    data = data_folder(environ)
    sandbox_config = data / SANDBOX_CONFIG
    path = config_path(environ)
    wanted = configuration.port_from(environ, DEFAULT_PORT)
    if path is None or path == sandbox_config:
        first_run.refuse_taken_port("127.0.0.1", wanted)
        click.echo("No muster.yaml: a sandbox stands in for Active Directory and Entra ID.")
        environ["MUSTER_SANDBOX"] = str(first_run.prepare(data, sandbox_config, samba=samba))
        path = sandbox_config
    environ["MUSTER_CONFIG"] = str(path)
    settings = configuration.load(path, environ)
    first_run.refuse_taken_port(settings.host, settings.port)
    open_targets(settings, load_outbounds(settings))
    load_inbounds(settings)
    tokens = _prepare_store(settings)
    password = None
    if settings.is_reachable:
        database = Database(settings.database_url)
        password = first_operator(database, settings.data)
        database.close()
    if "MUSTER_SANDBOX" in environ:
        first_run.people_once(Path(environ["MUSTER_SANDBOX"]), lambda: _indoors(environ, tokens))
    welcome = settings.data / "welcome.txt"
    welcome.write_text(first_run.welcome(settings.base_url, tokens, password) + "\n")
    environ.update(
        MUSTER_DATA=str(settings.data),
        MUSTER_HOST=settings.host,
        MUSTER_PORT=str(settings.port),
        MUSTER_WELCOME=str(welcome),  # shown by wsgi.ini as soon as requests are taken
    )
    if settings.scim.schemas:
        environ["MUSTER_SCHEMAS"] = str(settings.scim.schemas[0])
    if settings.sandbox.allow:
        environ["MUSTER_SETTLE"] = "1"
    if no_worker:
        environ["MUSTER_NO_WORKER"] = "1"
    _serve(environ)


def _indoors(environ: Mapping[str, str], tokens: Mapping[str, Path]) -> Client:
    """The SCIM door of the application, before the server runs."""
    from sandbox.client import Indoors

    return Indoors(create_app(environ).test_client(), tokens["workday"].read_text().strip())


def _serve(environ: Mapping[str, str]) -> NoReturn:
    """Become uWSGI, so that one process tree holds everything and signals reach it."""
    sys.stdout.flush()
    start = (
        "import setproctitle; setproctitle.setproctitle('muster'); import pyuwsgi; pyuwsgi.run()"
    )
    command = [sys.executable, "-c", start, "--ini", str(HERE / "wsgi.ini")]
    os.execve(sys.executable, command, environ)


def _prepare_store(settings: Settings) -> dict[str, Path]:
    """The database at its newest form, and a token file for every source without a token."""
    from scim import indexing, schema
    from store import credentials
    from store.migrate import migrate

    registry = schema.load(settings.scim.schemas)
    settings.data.mkdir(parents=True, exist_ok=True)
    settings.data.chmod(0o700)
    migrate(settings.database_url)
    database = Database(settings.database_url)
    indexing.prepare(database, registry)
    files = {}
    for source in settings.sources:
        file = settings.data / "tokens" / source
        with database.read() as connection:
            known = credentials.any_for(connection, source)
        if not known:
            file.parent.mkdir(mode=0o700, exist_ok=True)
            token = credentials.create(database, source, machine_now())
            with open(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as out:
                out.write(token + "\n")
        if file.exists():
            files[source] = file
    database.close()
    return files


@main.command()
def worker() -> None:
    """The worker alone, for machines of their own (PostgreSQL) or to see its log."""
    work()


@main.command()
def reload() -> None:
    """Let everything that runs on this data folder take up settings and mappings as they are
    now. No request is lost; nothing happens when they are wrong.

    Address, port and data folder, and a new version of Muster, need a restart.
    """
    from scim import schema

    settings = load_settings(os.environ)
    schema.load(settings.scim.schemas)
    load_inbounds(settings)
    open_targets(settings, load_outbounds(settings))
    if not settings.data.is_dir():
        raise SettingsError(str(settings.data), "is not there yet", "Start `app.py run` first.")
    file = settings.data / RELOAD
    try:
        file.touch()
    except OSError as error:
        remedy = "Run this as the user that runs Muster."
        raise SettingsError(str(file), f"cannot be touched ({error.strerror})", remedy) from None
    click.echo("settings and mappings are sound; what runs takes them up")


@main.command()
@click.option("--offline", is_flag=True, help="do not ask the targets")
def check(offline: bool) -> None:
    """Check configuration, mappings and whether every target answers."""
    from adapters.target import TargetDown, TargetRefused
    from scim import schema

    settings = load_settings(os.environ)
    schema.load(settings.scim.schemas)
    inbounds = load_inbounds(settings)
    outbounds = load_outbounds(settings)
    targets = open_targets(settings, outbounds)
    for finding in mapping_findings(settings, inbounds, outbounds):
        click.echo(f"warn  {finding}")
    if settings.is_reachable and not settings.proxies.base_url:
        click.echo("warn  server.base_url is not set: links to resources name server.host")
    click.echo(f"ok    configuration and mappings ({settings.path})")
    failed = False
    for name, target in {} if offline else targets.items():
        try:
            target.read(None, dict.fromkeys(outbounds[name].match_keys[0], "muster-check"))
            click.echo(f"ok    target {name} answers")
        except TargetDown as down:
            failed = True
            click.echo(f"down  target {name}: {down}. {down.remedy}")
        except TargetRefused as refused:
            failed = True
            click.echo(f"no    target {name}: {refused.refusal.message}. {refused.refusal.remedy}")
    sys.exit(1 if failed else 0)


def _open_store(*, prepared: bool = False) -> tuple[Settings, Database]:
    """Settings and database. It must exist already, or is `prepared`."""
    settings = load_settings(os.environ)
    if prepared:
        _prepare_store(settings)
    database = Database(settings.database_url)
    if database.file is not None and not database.file.exists():
        raise SettingsError(str(database.file), "is not there yet", "Start `app.py run` first.")
    return settings, database


def open_rooms() -> Rooms:
    """What the commands about one person need. The database must exist already."""
    settings, database = _open_store()
    outbounds = load_outbounds(settings)
    targets = open_targets(settings, outbounds)
    live, business = in_force(settings, database), clock(settings, database)
    converger = Converger(database, live, targets, outbounds, business)
    return Rooms(
        settings, database, converger, business, lambda other: open_targets(settings, other)
    )


@main.group("sandbox")
def sandbox_group() -> None:
    """The directories to play with."""


def _place() -> Place:
    settings = load_settings(os.environ)
    return Place(f"http://{settings.host}:{settings.port}", settings.data / "tokens")


def _mapping_folders() -> tuple[Path, ...]:
    """Those of the configuration; none before there is one."""
    return load_settings(os.environ).mapping_folders if config_path(os.environ) else ()


for command in (
    *COMMANDS,
    explain,
    plan,
    apply,
    drift,
    links,
    journal,
    erase,
    show_calendar,
    receipt,
):
    main.add_command(command)
sandbox_group.add_command(create_command(_place))
sandbox_group.add_command(create_people(_place))
main.add_command(create_mappings_group(_mapping_folders))
main.add_command(create_token_group(_open_store))
main.add_command(create_operator_group(_open_store))
