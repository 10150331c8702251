"""The gateway in one process as HR's clients see it: SCIM over Flask's client, intake, and a
directory in memory. `settle` does what the worker would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select

from adapters.target import Account
from adapters.workday import create_blueprint as create_workers
from scim import schema
from scim.discovery import Limits
from scim.endpoints import create_blueprint
from store import credentials
from store.clocks import machine_now
from store.tables import pair
from tests.provisioning.house import House
from tests.scim.conftest import BASE, Client

SOURCES = {
    "workday": "workday",
    "successfactors": "successfactors",
    "okta": "generic",
    "entra": "generic",
    "rippling": "generic",
}
PROFILES = {"okta": "okta", "entra": "entra", "rippling": "rippling"}


class Gate(House):
    """A house with a door."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, sources=SOURCES)
        self.profiles = {name: one.profile for name, one in self.settings.sources.items()}
        self.profiles |= PROFILES
        self.app = Flask("gate")
        self.app.register_blueprint(
            create_blueprint(
                self.database, listener=self.intake, profiles=self.profiles, base_url=BASE
            )
        )
        registry, limits = schema.load(), Limits(max_operations=100)
        self.app.register_blueprint(
            create_workers(
                self.database,
                registry,
                self.intake,
                self.profiles,
                limits,
                BASE,
                business=self.business,
                people=self.settings.people,
            )
        )

    def token(self, source: str) -> str:
        return credentials.create(self.database, source, machine_now())

    def client(self, source: str) -> Client:
        """One request at a time, as that source."""
        return Client(self.app.test_client(), self.token(source))

    def accounts(self) -> dict[str, Account]:
        """By employee number."""
        return {str(a.attributes["employeeID"]): a for a in self.ad.accounts.values()}

    def manager(self, number: str) -> str | None:
        """The number of the worker to whose account that of `number` is linked."""
        anchor = self.accounts()[number].references.get("manager")
        return None if anchor is None else str(self.ad.accounts[anchor].attributes["employeeID"])

    def problems(self) -> list[str]:
        """Why accounts are held, or what is reported of them."""
        with self.database.read() as connection:
            rows = connection.execute(select(pair.c.held, pair.c.problem)).all()
        return [str(row.held or row.problem) for row in rows if row.held or row.problem]

    def writes(self) -> int:
        """Writes to the directory since last asked."""
        done = len(self.ad.writes)
        self.ad.writes.clear()
        return done


def created(answer: Any) -> str:
    """The id in an answer that has to be 201."""
    assert answer.status_code == 201, answer.text
    return str(answer.get_json(force=True)["id"])
