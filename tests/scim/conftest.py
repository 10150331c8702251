"""A SCIM server with a client for every source, on SQLite unless a test asks for both."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection
from werkzeug.test import TestResponse

from scim import schema
from scim.endpoints import create_blueprint
from scim.listener import Ignore, Speaking, Spoken, Verdict
from store import credentials
from store.database import Database
from store.tables import metadata

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORKER = "urn:muster:scim:schemas:extension:worker:1.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BASE = "https://muster.norhaven.example"


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 1_773_651_600.0  # 2026-03-16T09:00:00Z

    def __call__(self) -> float:
        return self.time


class Recorder(Ignore):
    """A listener that notes what it is told, and answers as it was told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.regrouped: list[tuple[str, list[str]]] = []
        self.spoken: Spoken | None = None
        self.verdict = Verdict()
        self.error: Exception | None = None
        self.act: Callable[[Connection], None] = lambda tx: None

    def on_change(
        self,
        tx: Connection,
        source: str,
        type: str,
        id: str,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
        cleared: frozenset[str],
        ready: Any = None,
        spoken: Speaking | None = None,
    ) -> Verdict:
        self.spoken = None if spoken is None else spoken()
        self.calls.append((source, type, id, before, after, cleared))
        self.act(tx)
        if self.error is not None:
            raise self.error
        return self.verdict

    def on_members(self, tx: Connection, source: str, ids: Collection[str]) -> None:
        self.regrouped.append((source, sorted(ids)))

    @property
    def cleared(self) -> set[str]:
        """What the last call said to be empty."""
        return set(self.calls[-1][5])


class Server:
    """The application with its database, clock and listener."""

    def __init__(self, db: Database, folders: tuple[Path, ...] = (), **more: Any) -> None:
        self.db = db
        self.folders = folders
        self.clock = Clock()
        self.listener = Recorder()
        self.app = Flask("test")
        self.app.register_blueprint(
            create_blueprint(
                db,
                listener=self.listener,
                profiles={"workday": "hr"},
                base_url=BASE,
                registry=schema.load(folders),
                now=self.clock,
                **more,
            )
        )

    def again(self, **more: Any) -> Server:
        """Another server on the same database, set up otherwise."""
        return Server(self.db, self.folders, **more)

    def client(
        self, source: str = "workday", profile: str = "hr", subject: str | None = None
    ) -> Client:
        token = credentials.create(self.db, source, self.clock(), profile=profile, subject=subject)
        return Client(self.app.test_client(), token)


class Client:
    """One source's client: JSON in, checked SCIM answers out."""

    def __init__(self, http: FlaskClient, token: str) -> None:
        self.http = http
        self.token = token

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> TestResponse:
        """One request. A body that is text or bytes is sent as it is."""
        sent: Any = body
        if body is not None and not isinstance(body, str | bytes):
            sent = json.dumps(body)
        all_headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if sent is not None:
            all_headers.setdefault("Content-Type", "application/scim+json")
        answer = self.http.open("/scim/v2" + path, method=method, data=sent, headers=all_headers)
        check_answer(answer)
        return answer

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.send("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def find(self, filter: str, **query: str) -> TestResponse:
        answer = self.http.get(
            "/scim/v2/Users",
            query_string={"filter": filter, **query},
            headers={"Authorization": f"Bearer {self.token}"},
        )
        check_answer(answer)
        return answer

    def create(self, **body: Any) -> dict[str, Any]:
        """A new user's body; fails unless it is created."""
        answer = self.send("POST", "/Users", {"schemas": [CORE], **body})
        assert answer.status_code == 201, answer.text
        return answer.get_json()  # type: ignore[no-any-return]

    def put(self, id: str, body: dict[str, Any], **headers: str) -> TestResponse:
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        return self.send("PUT", f"/Users/{id}", {"schemas": [CORE], **body}, named)

    def patch(self, id: str, *operations: dict[str, Any], **headers: str) -> TestResponse:
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        body = {"schemas": [PATCH_OP], "Operations": list(operations)}
        return self.send("PATCH", f"/Users/{id}", body, named)


def check_answer(answer: TestResponse) -> None:
    """What holds for every answer of this server."""
    if answer.status_code in (202, 204, 304):
        assert answer.data == b""
        assert "Content-Type" not in answer.headers
        return
    assert answer.headers["Content-Type"] == "application/scim+json"
    if answer.request.method == "HEAD":  # RFC 9110 section 9.3.2: no body, also of a refusal
        assert answer.data == b""
    elif answer.status_code >= 400:
        body = answer.get_json(force=True)
        assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert body["status"] == str(answer.status_code)
        assert body["detail"]
    assert answer.status_code != 500, answer.text


def refused(answer: TestResponse, status: int, scim_type: str | None = None) -> str:
    """The sentence of a refusal that has to be this one."""
    body = answer.get_json(force=True)
    assert (answer.status_code, body.get("scimType")) == (status, scim_type), answer.text
    return str(body["detail"])


def accepted(answer: TestResponse) -> dict[str, Any]:
    """The resource in an answer that has to be 200."""
    assert answer.status_code == 200, answer.text
    return answer.get_json(force=True)  # type: ignore[no-any-return]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of its own on SQLite."""
    db = Database(f"sqlite:///{tmp_path}/muster.db")
    metadata.create_all(db.engine)
    yield Server(db)
    for thread in threading.enumerate():
        if thread.name == "deferred":
            thread.join(20)
    db.close()


@pytest.fixture
def server_on_each(db: Database) -> Server:
    """A server on SQLite, then on PostgreSQL."""
    return Server(db)


@pytest.fixture
def hr(server: Server) -> Client:
    """A client under the HR profile."""
    return server.client("workday", "hr")


@pytest.fixture
def strict(server: Server) -> Client:
    """A client under the strict profile."""
    return server.client("conformance", "strict")
