"""The gateway in one process: SCIM and /sandbox over Flask's client, a real worker in
threads, and directories in memory that stand in for the sandbox process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from adapters.target import Step, Target
from mappings.documents import load_inbound, load_outbound
from provisioning.converge import Converger
from provisioning.intake import Intake
from provisioning.worker import Worker
from sandbox.control import SandboxDown
from sandbox.endpoints import create_blueprint
from scim.endpoints import create_blueprint as create_scim
from settings import Sandbox, Secret, Settings, Source, TargetSettings
from store import credentials, emptying, policy
from store.clocks import machine_now
from store.database import Database
from store.setting import business_clock
from tests.provisioning.directory import Directory, Fault

AD_URL, GRAPH = "ldaps://localhost:6360", "https://localhost:4430/v1.0"
SECRETS = {"password": "ad-password", "client_secret": "entra-secret"}


class StandIns:
    """What `sandbox.control.Remote` is to the endpoints, over directories in memory."""

    def __init__(self, directories: Mapping[str, Directory]) -> None:
        self.directories = directories
        self.faults: list[Mapping[str, Any]] = []
        self.said: list[str] = []
        self.is_down = False
        self.cut = threading.Event()

    def settings(self) -> dict[str, Any]:
        self._order("settings")
        return {
            "ad": {
                "url": AD_URL,
                "base_dn": "DC=norhaven,DC=example",
                "bind_dn": "CN=svc",
                "password": SECRETS["password"],
                "password_file": "somewhere",
                "ca_file": "ca.pem",
                "people_ou": "OU=People",
                "leavers_ou": "OU=Leavers",
                "domain": "norhaven.example",
            },
            "entra": {
                "authority": "https://localhost:4430",
                "graph": GRAPH,
                "tenant_id": "t",
                "client_id": "c",
                "client_secret": SECRETS["client_secret"],
                "ca_file": "ca.pem",
            },
        }

    def reset(self) -> None:
        self._order("reset")
        self.faults = []
        for directory in self.directories.values():
            directory.accounts.clear()
            directory.writes.clear()

    def put(self, ad: list[Mapping[str, Any]], entra: list[Mapping[str, Any]]) -> None:
        self._order("put")
        for name, people in (("ad", ad), ("entra", entra)):
            for one in people:
                if "refuse" in one:
                    raise ValueError(f"unknown attribute {one['refuse']}")
                self.directories[name].put(**one.get("attributes", {}))

    def dump(self) -> dict[str, Any]:
        self._order("dump")
        return {
            name: [{"dn": a.hint, "attributes": dict(a.attributes)} for a in d.accounts.values()]
            for name, d in self.directories.items()
        }

    def set_faults(self, faults: list[Mapping[str, Any]]) -> None:
        self._order("set_faults")
        self.faults = faults
        if any(f["effect"] == "refuse" and f["operation"] == "*" for f in faults):
            self.cut.set()

    def _order(self, order: str) -> None:
        if self.is_down:
            raise SandboxDown("the sandbox process cannot be reached")
        self.said.append(order)


class House:
    """`real` names the targets that are no stand-ins."""

    def __init__(self, db: Database, folder: Path, real: tuple[str, ...] = ()) -> None:
        self.db = db
        self.business = business_clock(db)
        self.directories = {"ad": Directory(), "entra": Directory()}
        self.remote = StandIns({n: d for n, d in self.directories.items() if n not in real})
        self.here = True
        self.settings = _settings(folder, real)
        self.live = policy.live(self.settings, db)
        self.tokens = {}
        for source in self.settings.sources:
            self.tokens[source] = folder / source
            (folder / source).write_text(credentials.create(db, source, machine_now()) + "\n")
        inbounds = {source: load_inbound(source) for source in self.settings.sources}
        app = Flask("house", static_folder=None)
        app.config["MAX_CONTENT_LENGTH"] = 100_000
        intake = Intake(self.live, lambda: inbounds, self.business)
        app.register_blueprint(create_scim(db, listener=intake))
        app.register_blueprint(
            create_blueprint(
                self.settings,
                db,
                None if len(real) == 2 else self.remote,
                lambda: self.here,
                self.tokens,
            )
        )
        self.app = app
        self.client: FlaskClient = app.test_client()

    @contextmanager
    def working(self) -> Iterator[None]:
        """While the worker runs."""
        outbounds = {name: load_outbound("active_directory") for name in self.directories}
        systems = cast("Mapping[str, Target]", self.directories)
        converger = Converger(self.db, self.live, systems, outbounds, self.business)

        def epoch() -> str | None:
            with self.db.read() as connection:
                return emptying.epoch(connection)

        worker = Worker(self.db, converger.look, self.business, threads=2, epoch=epoch)
        stop = threading.Event()
        thread = threading.Thread(target=worker.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def hire(self, number: str, source: str = "workday", **more: Any) -> str:
        """A new hire as HR sends it; the SCIM id."""
        answer = self.client.post(
            "/scim/v2/Users",
            json=document(number, **more),
            headers={"Authorization": f"Bearer {self.tokens[source].read_text().strip()}"},
        )
        assert answer.status_code == 201, answer.text
        return str(answer.get_json()["id"])

    def ask(self, method: str, order: str, body: Any = None, **more: Any) -> TestResponse:
        """A request to /sandbox."""
        address = f"/sandbox/{order}" if order else "/sandbox"
        if isinstance(body, bytes):
            return self.client.open(address, method=method, data=body, **more)
        return self.client.open(address, method=method, json=body, **more)

    def told(self, method: str, order: str, body: Any = None) -> dict[str, Any]:
        """The answer to a request that is right."""
        answer = self.ask(method, order, body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.get_json()
        return found

    def settle(self, timeout: float = 20) -> dict[str, Any]:
        return self.told("POST", "settle", {"timeout": timeout})


class Gate:
    """Stops the next step of a directory in flight until it is let go."""

    def __init__(self, directory: Directory, cut: threading.Event | None = None) -> None:
        self.reached = threading.Event()
        self.release = threading.Event()
        self._cut = cut
        directory.fault = self._stop

    def _stop(self, step: Step) -> Fault | None:
        self.reached.set()
        while not self.release.wait(0.01) and not self._is_cut():
            pass
        return "down" if self._is_cut() else None

    def _is_cut(self) -> bool:
        return self._cut is not None and self._cut.is_set()


def document(number: str, given: str = "Anna", family: str = "Lindqvist", **more: Any) -> Any:
    """Somebody who works here since 2021, unless `hired` says otherwise."""
    worker = {"workerId": number, "hireDate": more.pop("hired", "2021-04-01")}
    enterprise = {"employeeNumber": number}
    if "manager" in more:
        enterprise["manager"] = {"value": more.pop("manager")}
    urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", urn],
        "externalId": number,
        "userName": more.pop("user_name", f"user.{number}"),
        "active": True,
        "name": {"givenName": given, "familyName": family},
        urn: enterprise,
        "urn:muster:scim:schemas:extension:worker:1.0:User": worker,
        **more,
    }


def _settings(folder: Path, real: tuple[str, ...]) -> Settings:
    places = {"people_ou": "OU=People", "leavers_ou": "OU=Leavers", "base_dn": "DC=norhaven"}
    secret = folder / "secret"
    secret.write_text("made-here\n")
    ad = {
        "url": "ldaps://dc1.norhaven.example" if "ad" in real else AD_URL,
        "password": Secret(f"file:{secret}"),
        **places,
    }
    entra = {"graph": "https://graph.example/v1.0" if "entra" in real else GRAPH, **places}
    return Settings(
        path=None,
        data=folder,
        database_url="",
        host="127.0.0.1",
        port=0,
        sources={s: Source(s, s, "hr", ()) for s in ("workday", "generic")},
        targets={
            "ad": TargetSettings("ad", "active_directory", "m", "norhaven.example", ad),
            "entra": TargetSettings("entra", "entra_id", "m", "norhaven.example", entra),
        },
        sandbox=Sandbox(allow=True),
    )
