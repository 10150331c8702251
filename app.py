"""The Flask application factory: wires the rooms, decides nothing.

python app.py run                 everything, in the foreground
python app.py --help              the rest of the command line, which is in cli.py
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import setproctitle
import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

import settings as configuration
import wsgi_server
from mappings.documents import (
    Inbound,
    MappingError,
    Outbound,
    account_name_rules,
    load_inbound,
    load_outbound,
)
from mappings.watching import Watched
from settings import Settings, SettingsError
from store import emptying, policy, setting
from store.clocks import BusinessClock, machine_now
from store.database import Database
from store.setting import business_clock

if TYPE_CHECKING:
    from flask import Blueprint

    from adapters.target import Target
    from provisioning.intake import Intake
    from scim.discovery import Limits

HERE = Path(__file__).resolve().parent
SANDBOX_CONFIG = "sandbox.yaml"
THREADS = 4

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


def load_inbounds(settings: Settings) -> dict[str, Inbound]:
    """The inbound mapping of every source that has one. Raises MappingError, and
    SettingsError where `people.authority` does not go with them."""
    from provisioning.merging import authority_problem

    inbounds = {
        name: load_inbound(source.mapping, settings.mapping_folders)
        for name, source in settings.sources.items()
        if source.mapping
    }
    facts = {rule.rule.name for inbound in inbounds.values() for rule in inbound.rules}
    if found := authority_problem(settings.people, facts):
        fact, problem, remedy = found
        where = str(settings.path or "")
        raise SettingsError(where, f"people.authority.{fact} {problem}", remedy)
    return inbounds


def load_outbounds(settings: Settings) -> dict[str, Outbound]:
    """The outbound mapping of every target. Raises MappingError."""
    file = str(settings.path or "muster.yaml")
    account_name_rules(settings.account_name, file)  # the viewer uses them; said here if wrong
    return {
        name: load_outbound(target.mapping, settings.mapping_folders, target.kind)
        for name, target in settings.targets.items()
    }


@dataclass(frozen=True)
class Mappings:
    """Those of every source and of every target."""

    inbounds: Mapping[str, Inbound]
    outbounds: Mapping[str, Outbound]


def watch_mappings(
    settings: Settings, keep: Callable[[str | None], object] = lambda problem: None
) -> Watched[Mappings]:
    """The mappings in force while their files may change. A file that cannot be used leaves
    all as they are, which is logged and told to `keep`. Raises MappingError and SettingsError
    at the start."""

    def load() -> Mappings:
        return Mappings(load_inbounds(settings), load_outbounds(settings))

    def report(problem: str | None) -> None:
        if problem is None:
            _log.info("changed mappings are in force")
        else:
            _log.warning("a changed mapping cannot be used; the last good ones stay", why=problem)
        keep(problem)

    return Watched(
        load,
        settings.mapping_folders,
        time.monotonic,
        report,
        refused=(MappingError, SettingsError),
    )


def mapping_findings(
    settings: Settings, inbounds: Mapping[str, Inbound], outbounds: Mapping[str, Outbound]
) -> list[str]:
    """What is allowed in the mappings but probably not meant, each with its place."""
    from mappings.review import review_inbound, review_outbound, unfed_facts
    from mappings.targets import KINDS
    from scim import schema

    user = schema.load().type_named("User")
    assert user is not None
    parts = {user.schema.id: user.core, **{s.id: s.attributes for s in user.extensions.values()}}
    schemas = {
        urn: {a.name: [sub.name for sub in a.subs.values()] for a in attributes.values()}
        for urn, attributes in parts.items()
    }
    found = [f for inbound in inbounds.values() for f in review_inbound(inbound, schemas)]
    for name, outbound in outbounds.items():
        found += review_outbound(outbound, KINDS.get(settings.targets[name].kind))
    found += unfed_facts(inbounds, outbounds.values())
    return list(dict.fromkeys(map(str, found)))  # a rule that two documents share is said once


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
                connections=THREADS,
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
        with database.read() as connection:
            return emptying.epoch(connection)

    return current if settings.sandbox.allow else lambda: None


def create_app(environ: Mapping[str, str] = os.environ) -> Flask:
    """The WSGI application: SCIM below /scim/v2, the operator's pages at /.

    Raises SettingsError or MappingError when the configuration cannot be used.
    """
    from provisioning.intake import Intake
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
    business = clock(settings, database)
    intake = Intake(in_force(settings, database), lambda: mappings().inbounds, business)
    app = Flask("muster", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.scim.max_payload
    app.register_blueprint(
        create_blueprint(
            database,
            profiles={name: source.profile for name, source in settings.sources.items()},
            base_url=f"http://{settings.host}:{settings.port}",
            schema_folders=settings.scim.schemas,
            limits=limits,
            listener=intake,
        )
    )
    app.register_blueprint(_bulk_upload(settings, database, intake, mappings, limits))
    _furnish(app, settings, database)
    if "uwsgi" in sys.modules:
        setproctitle.setproctitle("muster web")
    whole = wsgi_server.BodyInput(app.wsgi_app, settings.scim.max_payload)
    app.wsgi_app = whole  # type: ignore[method-assign]
    return app


def _bulk_upload(
    settings: Settings,
    database: Database,
    intake: Intake,
    mappings: Watched[Mappings],
    limits: Limits,
) -> Blueprint:
    """Microsoft's addresses: the same pushes through another door."""
    from adapters.bulk_upload import House, create_blueprint
    from scim import schema

    def outbounds() -> Mapping[str, tuple[Outbound, str]]:
        found = mappings().outbounds
        return {name: (found[name], target.kind) for name, target in settings.targets.items()}

    return create_blueprint(
        House(
            db=database,
            registry=schema.load(settings.scim.schemas),
            listener=intake,
            business=clock(settings, database),
            limits=limits,
            sources=tuple(settings.sources),
            clearing=frozenset(n for n, one in settings.sources.items() if one.nulls == "clear"),
            inbounds=lambda: mappings().inbounds,
            outbounds=outbounds,
            targets=tuple(settings.targets),
            domain=next((one.domain for one in settings.targets.values()), None),
            base=f"http://{settings.host}:{settings.port}",
        )
    )


def _furnish(app: Flask, settings: Settings, database: Database) -> None:
    """The operator's pages; in a sandbox also its operations and both directories."""
    import console

    app.register_blueprint(console.create_receipts(database))
    targets = tuple(settings.targets)
    if not settings.sandbox.allow:
        app.register_blueprint(console.create_blueprint(database, targets))
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

    pages = console.create_blueprint(database, targets, directories if remote else None)
    app.register_blueprint(pages)
    tokens = {source: settings.data / "tokens" / source for source in settings.sources}

    def uploads(base: str) -> Mapping[str, Mapping[str, str]]:
        return {source: about(source, base) for source in settings.sources}

    app.register_blueprint(
        create_blueprint(settings, database, remote, console.from_this_machine, tokens, uploads)
    )


def work(environ: Mapping[str, str] = os.environ, stop: threading.Event | None = None) -> None:
    """The worker until `stop`, which SIGTERM and SIGINT set.

    Raises SettingsError, MappingError, WorkerRunning.
    """
    from provisioning.converge import Converger
    from provisioning.housekeeping import keep_house
    from provisioning.worker import Worker

    ended = stop or threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # uWSGI stops a mule by SIGHUP
        signal.signal(number, lambda *_: ended.set())
    settings = load_settings(environ)
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
        while not ended.is_set():
            outbounds, over = mappings().outbounds, _when_changed(mappings, ended)
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
                ).run(over)
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
