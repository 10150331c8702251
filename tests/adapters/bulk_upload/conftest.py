"""Microsoft's addresses over the rooms from intake to converge, with directories in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from adapters.bulk_upload import create_blueprint
from adapters.bulk_upload import house as room
from adapters.bulk_upload.principal import job_id, principal_id
from mappings.documents import load_inbound
from scim import endpoints, schema
from scim.discovery import Limits
from store import credentials
from store.clocks import machine_now
from tests.provisioning.house import House

BASE = "https://muster.norhaven.example"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
_REGISTRY = schema.load()
_INBOUND = {name: load_inbound(name) for name in ("workday", "generic")}


def record(key: str, **more: Any) -> dict[str, Any]:
    """A user as CSV2SCIM sends one."""
    return {
        "schemas": [CORE, ENTERPRISE],
        "externalId": key,
        "userName": f"u{key}@norhaven.example".lower(),
        "displayName": f"Anna {key}",
        "name": {"givenName": "Anna", "familyName": key},
        "active": True,
        ENTERPRISE: {"employeeNumber": key, "department": "Optics"},
        **more,
    }


def bulk(*records: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A bulkUpload of these users."""
    operations = [
        {"method": "POST", "bulkId": f"b{number}", "path": "/Users", "data": one}
        for number, one in enumerate(records)
    ]
    return {"schemas": [BULK], "Operations": operations, "failOnErrors": None, **more}


class World:
    """A house, the door of its bulk uploads, and a client for every source."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.house = House(folder, ("ad", "entra"))
        self.room = room.House(
            db=self.house.database,
            registry=_REGISTRY,
            listener=self.house.intake,
            business=self.house.business,
            limits=Limits(100, 1000, 1000, 1 << 20),
            sources=("workday", "generic"),
            clearing=frozenset(),
            inbounds=lambda: _INBOUND,
            outbounds=lambda: {
                "ad": (self.house.outbound, "active_directory"),
                "entra": (self.house.outbound, "active_directory"),
            },
            targets=("ad", "entra"),
            domain="norhaven.example",
            base=BASE,
            patience=5.0,
        )
        self.open(**more)

    def open(self, **more: Any) -> None:
        """The application, as after a restart with these things changed."""
        self.room = replace(self.room, **more)
        self.app = Flask("test")
        self.app.register_blueprint(create_blueprint(self.room))
        self.app.register_blueprint(
            endpoints.create_blueprint(self.house.database, listener=self.house.intake)
        )

    def client(self, source: str = "generic") -> Client:
        token = credentials.create(self.house.database, source, machine_now())
        return Client(self, source, token)


class Client:
    """One source's client."""

    def __init__(self, world: World, source: str, token: str) -> None:
        self.world = world
        self.token = token
        self.jobs = f"/v1.0/servicePrincipals/{principal_id(source)}/synchronization/jobs"
        self.job = f"{self.jobs}/{job_id(source)}"

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> TestResponse:
        data = body if body is None or isinstance(body, str | bytes) else json.dumps(body)
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        answer = self.world.app.test_client().open(path, method=method, data=data, headers=sent)
        if answer.status_code >= 400 and not path.startswith("/scim"):
            check_error(answer)
        return answer

    def get(self, path: str, **query: str) -> dict[str, Any]:
        answer = self.world.app.test_client().get(
            path, query_string=query, headers={"Authorization": f"Bearer {self.token}"}
        )
        assert answer.status_code == 200, answer.text
        return answer.get_json()  # type: ignore[no-any-return]

    def upload(self, *records: dict[str, Any], query: str = "", **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Content-Type", "application/scim+json")
        return self.send("POST", f"{self.job}/bulkUpload{query}", bulk(*records), named)

    def told(self, *records: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
        """The verdicts on an upload."""
        answer = self.upload(*records, query=query, Prefer="return=representation")
        assert answer.status_code in (200, 202), answer.text
        return answer.get_json()["Operations"]  # type: ignore[no-any-return]

    def user(self, key: str) -> dict[str, Any]:
        answer = self.send("GET", f"/scim/v2/Users?filter=externalId+eq+%22{key}%22")
        (one,) = answer.get_json(force=True)["Resources"]
        return one  # type: ignore[no-any-return]

    def log(self, **query: str) -> list[dict[str, Any]]:
        path = "/v1.0/auditLogs/provisioning"
        return self.get(path, **{f"${name}": value for name, value in query.items()})["value"]  # type: ignore[no-any-return]


def check_error(answer: TestResponse) -> None:
    """What every refusal has."""
    error = answer.get_json()["error"]
    assert error["code"]
    assert error["message"]
    inner = error["innerError"]
    assert inner["request-id"] == answer.headers["request-id"]
    assert inner["client-request-id"] == answer.headers["client-request-id"]


def message(answer: TestResponse, status: int, code: str) -> str:
    """The sentence of a refusal that has to be this one."""
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), answer.text
    return str(error["message"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.house.database.close()


@pytest.fixture
def client(world: World) -> Client:
    return world.client()
