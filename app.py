"""The Flask application factory: wires the rooms, decides nothing.

python app.py run                 everything, in the foreground
python app.py --help              the rest of the command line, which is in cli.py
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import setproctitle
import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

import garbage
import settings as configuration
import wsgi_server
from access import FromProxies, Gate
from access.proxies import TRUSTED
from configured_mappings import Mappings, watch_mappings
from mappings.documents import Outbound
from mappings.watching import Watched
from settings import Secret, Settings, SettingsError
from store import emptying, policy, setting
from store.clocks import BusinessClock, machine_now
from store.database import Database
from store.setting import business_clock

if TYPE_CHECKING:
    from flask import Blueprint

    from access.sign_in import Desk
    from adapters.target import Target
    from provisioning.intake import Intake
    from scim.discovery import Limits
    from scim.schema import Registry

HERE = Path(__file__).resolve().parent
SANDBOX_CONFIG = "sandbox.yaml"
THREADS = 4
"""Of the worker. Each looks at up to twenty accounts in step; more of them would only take the
interpreter from each other."""
CONNECTIONS = 12
"""To one Active Directory domain, at most."""
RELOAD = "reload"
"""A file in the data folder; web processes and workers begin anew when it is touched."""
_LOOK_FOR_RELOAD = 0.25

_log = structlog.get_logger("muster.mappings")


def data_folder(environ: Mapping[str, str]) -> Path:
    """MUSTER_DATA, or `data` beside this file."""
    return Path(environ.get("MUSTER_DATA") or HERE / "data").resolve()


def config_path(environ: Mapping[str, str]) -> Path | None:
    """MUSTER_CONFIG, else muster.yaml beside this file, else what the sandbox wrote."""
    named = environ.get("MUSTER_CONFIG")
    if named:
        if not Path(named).is_file():
            raise SettingsError("MUSTER_CONFIG", f"{named} is not a file", "Check the path.")
        return Path(named)
    for path in (HERE / "muster.yaml", data_folder(environ) / SANDBOX_CONFIG):
        if path.is_file():
            return path
    return None


def load_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in force. Raises SettingsError."""
    path = config_path(environ)
    if path is None:
        raise SettingsError(
            "", "there is no muster.yaml yet", "Copy muster.example.yaml, or use `app.py run`."
        )
    return configuration.load(path, environ)


def open_targets(settings: Settings, outbounds: Mapping[str, Outbound]) -> dict[str, Target]:
    """An adapter for every target; connects to nothing yet. Raises SettingsError."""
    return {name: _open_target(settings, name, outbounds[name]) for name in settings.targets}


def _open_target(settings: Settings, name: str, outbound: Outbound) -> Target:
    target = settings.targets[name]
    if target.kind == "active_directory":
        # Adapters are imported where they are opened: the web process needs none of them.
        from adapters.active_directory import ActiveDirectory, Config

        options = dict(target.options)
        password = options.pop("password")
        return ActiveDirectory(
            Config(
                password=password.get,
                attributes=tuple(outbound.attribute_names),
                references=tuple(rule.rule.name for rule in outbound.references),
                connections=CONNECTIONS,
                **options,
            )
        )
    from adapters.entra_id import Config as EntraConfig
    from adapters.entra_id import EntraId

    options = dict(target.options)
    options.pop("usage_location")  # for the mapping, not for the adapter
    secret, certificate, ca_file = (
        options.pop(key) for key in ("client_secret", "certificate", "ca_file")
    )
    return EntraId(
        EntraConfig(
            client_secret=secret.get if secret else None,
            certificate=Path(certificate) if certificate else None,
            ca_file=Path(ca_file) if ca_file else None,
            key=outbound.identifier or "",
            further=tuple(name.partition(".")[0] for name in outbound.attribute_names),
            **options,
        )
    )


def clock(settings: Settings, database: Database) -> BusinessClock:
    """Business time: real, unless this is a sandbox where it may be set."""
    return business_clock(database) if settings.sandbox.allow else BusinessClock()


def in_force(settings: Settings, database: Database) -> Callable[[], Settings]:
    """The settings at every moment: fixed, unless this is a sandbox where policy may change."""
    return policy.live(settings, database) if settings.sandbox.allow else lambda: settings


def epoch(settings: Settings, database: Database) -> Callable[[], str | None]:
    """What changes when a sandbox is emptied; elsewhere nothing ever does."""

    def current() -> str | None:
        with database.moment() as connection:
            return emptying.epoch(connection)

    return current if settings.sandbox.allow else lambda: None


def open_gate(settings: Settings, database: Database) -> Gate:
    """Who may call, judged by the settings."""
    key = settings.access.signing_key
    return Gate(
        database,
        settings.access,
        base_url=settings.base_url,
        folder=settings.data,
        signing_key=Secret(key).get if key else None,
        now=machine_now,
        business_now=clock(settings, database).now,
    )


def open_desk(settings: Settings, database: Database, gate: Gate) -> Desk:
    """Where operators sign in."""
    from access.sign_in import Desk
    from console.operators import first_password_file

    return Desk(
        database,
        settings.sign_in,
        gate.notes,
        now=machine_now,
        folder=settings.data,
        first_password=first_password_file(settings.data),
    )


def create_app(environ: Mapping[str, str] = os.environ) -> Flask:
    """The WSGI application: SCIM below /scim/v2, the operator's pages at /.

    Raises SettingsError or MappingError when the configuration cannot be used.
    """
    from access import oauth
    from provisioning.intake import Intake
    from scim import schema
    from scim.discovery import Limits
    from scim.endpoints import create_blueprint

    settings = load_settings(environ)
    database = Database(settings.database_url)
    mappings = watch_mappings(settings)
    limits = Limits(
        settings.scim.page_size,
        settings.scim.max_page_size,
        settings.scim.max_operations,
        settings.scim.max_payload,
    )
    intake = Intake(
        in_force(settings, database), lambda: mappings().inbounds, clock(settings, database)
    )
    gate = open_gate(settings, database)
    registry = schema.load(settings.scim.schemas)
    app = Flask("muster", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.scim.max_payload
    app.register_blueprint(
        create_blueprint(
            database,
            profiles={name: source.profile for name, source in settings.sources.items()},
            base_url=settings.base_url,
            registry=registry,
            limits=limits,
            listener=intake,
            gate=gate,
            also=settings.other_urls,
        )
    )
    app.register_blueprint(oauth.create_blueprint(gate))
    app.register_blueprint(
        _bulk_upload(settings, database, registry, intake, mappings, limits, gate)
    )
    app.register_blueprint(_workers(settings, database, registry, intake, limits, gate))
    _furnish(app, settings, database, gate)
    if "uwsgi" in sys.modules:
        setproctitle.setproctitle("muster web")
    whole = wsgi_server.WholeRequests(app.wsgi_app, settings.scim.max_payload, TRUSTED)
    app.wsgi_app = FromProxies(whole, settings.proxies)  # type: ignore[method-assign]
    return app


def _bulk_upload(
    settings: Settings,
    database: Database,
    registry: Registry,
    intake: Intake,
    mappings: Watched[Mappings],
    limits: Limits,
    gate: Gate,
) -> Blueprint:
    """Microsoft's addresses: the same pushes through another door."""
    from adapters.bulk_upload import House, create_blueprint

    def outbounds() -> Mapping[str, tuple[Outbound, str]]:
        kinds = {name: target.kind for name, target in settings.targets.items()}
        return {name: (one, kinds[name]) for name, one in mappings().outbounds.items()}

    return create_blueprint(
        House(
            db=database,
            registry=registry,
            listener=intake,
            business=clock(settings, database),
            limits=limits,
            sources=tuple(settings.sources),
            clearing=frozenset(n for n, one in settings.sources.items() if one.nulls == "clear"),
            inbounds=lambda: mappings().inbounds,
            outbounds=outbounds,
            targets=tuple(settings.targets),
            domain=next((one.domain for one in settings.targets.values()), None),
            base=settings.base_url,
            gate=gate,
        )
    )


def _workers(
    settings: Settings,
    database: Database,
    registry: Registry,
    intake: Intake,
    limits: Limits,
    gate: Gate,
) -> Blueprint:
    """Workday's own forms of a worker: the same pushes through another door."""
    from adapters.workday import create_blueprint

    return create_blueprint(
        database,
        registry,
        intake,
        tuple(settings.sources),
        limits,
        settings.base_url,
        gate,
        clock(settings, database),
        settings.people,
    )


def _furnish(app: Flask, settings: Settings, database: Database, gate: Gate) -> None:
    """The operator's pages; in a sandbox also its operations and both directories."""
    import console

    app.register_blueprint(console.create_receipts(database, gate))
    desk = open_desk(settings, database, gate) if settings.is_reachable else None
    targets = tuple(settings.targets)
    if not settings.sandbox.allow:
        app.register_blueprint(
            console.create_blueprint(database, targets, None, desk, settings.base_url)
        )
        return
    from adapters.bulk_upload import about
    from sandbox.control import CONTROL, Remote, SandboxDown
    from sandbox.endpoints import create_blueprint, stand_ins

    folder = settings.sandbox.folder
    remote = Remote(folder / CONTROL) if folder else None

    def directories() -> Mapping[str, Any]:
        try:
            return stand_ins(settings, remote) if remote else {}
        except SandboxDown as down:
            raise console.DirectoriesDown(str(down)) from None

    read = directories if remote else None
    pages = console.create_blueprint(database, targets, read, desk, settings.base_url)
    app.register_blueprint(pages)
    tokens = {source: settings.data / "tokens" / source for source in settings.sources}

    def uploads(base: str) -> Mapping[str, Mapping[str, str]]:
        return {source: about(source, base) for source in settings.sources}

    app.register_blueprint(
        create_blueprint(settings, database, remote, console.from_this_machine, tokens, uploads)
    )


def work(environ: Mapping[str, str] = os.environ, stop: threading.Event | None = None) -> None:
    """The worker until `stop`, which SIGTERM and SIGINT set; `app.py reload` begins it anew.

    Raises SettingsError, MappingError, WorkerRunning.
    """
    ended = stop or threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # uWSGI stops a mule by SIGHUP
        signal.signal(number, lambda *_: ended.set())
    file = load_settings(environ).data / RELOAD
    garbage.few_heaps()
    garbage.rarely()
    while not ended.is_set():
        over = _ended_or_renewed(ended, file)  # before the settings: no touch is missed
        _work_on(load_settings(environ), over)


def _work_on(settings: Settings, over: threading.Event) -> None:
    """The worker with these settings, until the event."""
    from provisioning.converge import Converger
    from provisioning.housekeeping import keep_house
    from provisioning.worker import Worker

    structlog.get_logger("muster.worker").info("worker begins", targets=list(settings.targets))
    database = Database(settings.database_url)
    business, live = clock(settings, database), in_force(settings, database)

    def keep(problem: str | None) -> None:
        try:
            database.write(lambda tx: setting.keep_problem(tx, problem))
        except SQLAlchemyError:
            _log.error("cannot keep what is wrong with a mapping")

    def chores() -> None:
        keep_house(database, settings.retention, machine_now(), business.now())

    mappings = watch_mappings(settings, keep)
    keep(None)
    try:
        while not over.is_set():
            outbounds, changed = mappings().outbounds, _when_changed(mappings, over)
            # An adapter reads what the mapping asks for: with another mapping it is another one.
            targets = open_targets(settings, outbounds)
            converger = Converger(database, live, targets, outbounds, business)
            try:
                Worker(
                    database,
                    converger.look,
                    business,
                    threads=THREADS,
                    epoch=epoch(settings, database),
                    chores=chores,
                    prepare=converger.prepare,
                    together=converger.look_together,
                ).run(changed)
            finally:
                for target in targets.values():
                    target.close()
    finally:
        database.close()


def _when_changed(mappings: Watched[Mappings], ended: threading.Event) -> threading.Event:
    """Is set as soon as other mappings are in force, or `ended` is."""
    over, generation = threading.Event(), mappings.generation

    def watch() -> None:
        try:
            while mappings.generation == generation and not ended.wait(1.0):
                mappings()
        finally:
            over.set()

    threading.Thread(target=watch, name="mappings", daemon=True).start()
    return over


def _ended_or_renewed(ended: threading.Event, file: Path) -> threading.Event:
    """An event that is set after `ended`, or after `file` was touched."""
    over = threading.Event()
    before = _touched(file)

    def watch() -> None:
        while not ended.wait(_LOOK_FOR_RELOAD) and _touched(file) == before:
            pass
        over.set()

    threading.Thread(target=watch, name="reload", daemon=True).start()
    return over


def _touched(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def log_to_stderr() -> None:
    """Structured lines on stderr: readable in a terminal, JSON elsewhere."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer()
            if sys.stderr.isatty()
            else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


if __name__ == "__main__":
    from cli import main

    main()
