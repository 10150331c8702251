"""SCIM, receipts and the token endpoint behind one gate, in this process or on loopback."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

import console
from access import FromProxies, Gate, oauth
from access_settings import Access, Proxies
from scim.endpoints import create_blueprint
from store import credentials, journal
from store.database import Database
from store.migrate import migrate
from store.tables import credential

BASE = "https://muster.norhaven.example"
PROXY = "10.1.0.7"
USERS = "/scim/v2/Users"
HEADERS = {"Content-Type": "application/scim+json"}


class Door:
    """A gateway that stores only, with a clock that stands still."""

    def __init__(
        self,
        folder: Path,
        access: Access | None = None,
        base_url: str = BASE,
        now: Callable[[], float] | None = None,
    ) -> None:
        url = f"sqlite:///{folder}/muster.db"
        migrate(url)
        self.db = Database(url)
        self.time = 1_773_651_600.0
        self.clock = now or (lambda: self.time)
        self.gate = Gate(
            self.db, access, base_url=base_url, folder=folder, now=self.clock, cache_seconds=0.0
        )
        app = Flask("test", static_folder=None)
        app.register_blueprint(
            create_blueprint(
                self.db,
                profiles={"workday": "hr", "sap": "sap-ips"},
                base_url=base_url,
                now=self.clock,
                gate=self.gate,
            )
        )
        app.register_blueprint(oauth.create_blueprint(self.gate))
        app.register_blueprint(console.create_receipts(self.db, self.gate))
        proxies = Proxies(base_url, (ip_network(PROXY),))
        app.wsgi_app = FromProxies(app.wsgi_app, proxies)  # type: ignore[method-assign]
        self.app = app

    def ask(
        self,
        method: str = "GET",
        path: str = USERS,
        body: Any = None,
        *,
        peer: str = "127.0.0.1",
        **headers: str,
    ) -> TestResponse:
        """One request; underscores in names of headers are hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body)
        return self.app.test_client().open(
            path,
            method=method,
            data=data,
            headers={**(HEADERS if body is not None else {}), **named},
            environ_overrides={"REMOTE_ADDR": peer},
        )

    def status(self, authorization: str, method: str = "GET", path: str = USERS) -> int:
        """What a request with that Authorization header is answered."""
        return self.ask(method, path, Authorization=authorization).status_code

    def token(self, form: Mapping[str, str], **headers: str) -> TestResponse:
        """A request to the token endpoint."""
        return self.app.test_client().post("/oauth/token", data=form, headers=headers)

    def bearer(self, source: str = "workday", **terms: Any) -> str:
        """A new bearer token, as the header has it."""
        return f"Bearer {credentials.create(self.db, source, self.clock(), **terms)}"

    def client(self, source: str = "workday", **terms: Any) -> tuple[str, str]:
        """A new client's id and secret."""
        return credentials.create_client(self.db, source, self.clock(), **terms)

    def ids(self) -> list[str]:
        """The ids of all credentials, oldest first."""
        with self.db.read() as connection:
            return list(connection.execute(select(credential.c.id)).scalars())

    def noted(self) -> list[dict[str, Any]]:
        """Body and personal values of the journal's entries about access."""
        self.gate.notes.flush()
        with self.db.read() as connection:
            found = journal.entries(connection, kind="access")
        return [{**entry.body, **(entry.values or {})} for entry in found]

    def close(self) -> None:
        """Let go of the database."""
        self.gate.notes.flush()
        self.db.close()


def basic(user: str, password: str) -> str:
    """The header of HTTP Basic."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@contextmanager
def serving(app: Callable[..., Any]) -> Iterator[str]:
    """A WSGI application on a free port of loopback."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
