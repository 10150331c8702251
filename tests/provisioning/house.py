"""The rooms from intake to converge on a real database, with directories in memory.

No threads and no processes: `settle` claims and looks until nothing is due.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, cast

from sqlalchemy import insert, select, update

from adapters.target import Target
from mappings.documents import Outbound, load_inbound, load_outbound
from mappings.facts import fact
from mappings.language.expression import Expression, Names
from mappings.outbound import GrantRule
from mappings.results import GiftKind
from mappings.rules import Rule
from policy_settings import People
from provisioning import claims, pairs
from provisioning.converge import Converger
from provisioning.intake import Intake
from provisioning.worker import Lease
from scim_settings import profile_of
from settings import Settings, Source, TargetSettings
from store.clocks import BusinessClock, machine_now, parse_instant
from store.database import Database
from store.tables import account, metadata, pair, person, resource
from tests.provisioning.directory import Directory

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORKER = "urn:muster:scim:schemas:extension:worker:1.0:User"
_inbound, _outbound = cache(load_inbound), cache(load_outbound)  # reading YAML takes longest
START = "2026-03-16T09:00:00Z"


def _sqlite(folder: Path) -> str:
    return f"sqlite:///{folder / 'muster.db'}"


def outbound_rule(name: str, written: str, *, several: bool = False) -> Rule:
    """A rule that stands in no file."""
    return Rule("test", 1, name, Expression(written, Names(fact, {}), several=several))


class House:
    """Two sources, one or more targets, one clock."""

    url: ClassVar[Callable[[Path], str]] = staticmethod(_sqlite)
    """Where a new house has its database; `tests/provisioning/conftest.py` changes it."""
    opened: ClassVar[list[Database]] = []
    numbers: ClassVar[Iterator[int]] = count(1)

    def __init__(
        self,
        folder: Path,
        targets: tuple[str, ...] = ("ad",),
        shared_keys: tuple[str, ...] = (),
        kinds: Mapping[str, str] | None = None,
        sources: Mapping[str, str] = MappingProxyType({"workday": "workday", "generic": "generic"}),
    ) -> None:
        """`sources` are names and their mappings."""
        self.database = Database(House.url(folder))
        House.opened.append(self.database)
        metadata.create_all(self.database.engine)
        self.now = parse_instant(START)
        self.business = BusinessClock(lambda: self.now)
        self.settings = Settings(
            path=None,
            data=folder,
            database_url="",
            host="",
            port=0,
            sources={
                name: Source(name, mapping, profile_of(None, mapping), shared_keys)
                for name, mapping in sources.items()
            },
            targets={
                t: TargetSettings(
                    t,
                    (kinds or {}).get(t, "active_directory"),
                    "active_directory",
                    "norhaven.example",
                    {"people_ou": "OU=People", "leavers_ou": "OU=Leavers"},
                )
                for t in targets
            },
            people=People(sources=dict.fromkeys(sources)),
        )
        self.directories = {t: Directory() for t in targets}
        self.ad = self.directories[targets[0]]
        self.outbound: Outbound = _outbound("active_directory")
        self.intake = Intake(
            self._live, lambda: {s: _inbound(m) for s, m in sources.items()}, self.business
        )
        self.reopen()

    def reopen(self) -> None:
        """As after a restart: nothing in memory is kept."""
        outbounds = dict.fromkeys(self.directories, self.outbound)
        systems = cast("Mapping[str, Target]", self.directories)
        self.converger = Converger(self.database, self._live, systems, outbounds, self.business)

    def policy(self, **people: Any) -> None:
        """Other settings of `people:`, from now on."""
        self.settings = replace(self.settings, people=replace(self.settings.people, **people))

    def mapping(self, text: str) -> None:
        """This outbound mapping, as it may stand beside muster.yaml, from now on."""
        folder = self.settings.data / "own"
        folder.mkdir(exist_ok=True)
        (folder / "active_directory.yaml").write_text("extends: active_directory\n" + text)
        self.outbound = load_outbound("active_directory", [folder])
        self.reopen()

    def gives(self, groups: Mapping[str, str], licenses: Mapping[str, str] | None = None) -> None:
        """Rules from now on: name of a group or licence -> the condition to be given it."""
        written: dict[GiftKind, Mapping[str, str]] = {"group": groups, "license": licenses or {}}
        rules = [
            GrantRule(
                kind,
                outbound_rule(name, f'"{name}"', several=True),
                outbound_rule(name, when),
            )
            for kind, named in written.items()
            for name, when in named.items()
        ]
        self.outbound = replace(self.outbound, grants=tuple(rules))
        self.reopen()

    def _live(self) -> Settings:
        """The settings in force: tests change `settings` as a sandbox's policy changes."""
        return self.settings

    def push(
        self, document: dict[str, Any], source: str = "workday", id: str = "", ready: Any = None
    ) -> str:
        """Create, or replace resource `id`, as `scim/` does it: listener, then row. `ready` is
        what the listener made of a new document before."""

        def work(tx: Any) -> str:
            row = tx.execute(select(resource).where(resource.c.id == id)).one_or_none()
            identifier = row.id if row else str(uuid.uuid4())
            verdict = self.intake.on_change(
                tx,
                source,
                "User",
                identifier,
                json.loads(row.document) if row else None,
                document,
                frozenset(),
                ready,
            )
            if verdict.stale:
                return identifier
            for old in verdict.supersedes:
                gone = update(resource).where(resource.c.id == old)
                tx.execute(gone.values(deleted=machine_now()))
            values = {
                "document": json.dumps(document),
                "person": verdict.person,
                "facts": verdict.facts,
                "external_id": document.get("externalId"),
                "user_key": (document.get("userName") or "").casefold() or None,
            }
            if row:
                tx.execute(update(resource).where(resource.c.id == id).values(**values))
            else:
                tx.execute(
                    insert(resource).values(
                        id=identifier,
                        seq=next(House.numbers),
                        source=source,
                        type="User",
                        version=1,
                        created=0,
                        modified=0,
                        **values,
                    )
                )
            return identifier

        return self.database.write(work)

    def withdraw(self, id: str) -> None:
        """DELETE."""

        def work(tx: Any) -> None:
            row = tx.execute(select(resource).where(resource.c.id == id)).one()
            self.intake.on_change(
                tx, row.source, "User", id, json.loads(row.document), None, frozenset()
            )
            tx.execute(update(resource).where(resource.c.id == id).values(deleted=machine_now()))

        self.database.write(work)

    def ask(self) -> None:
        """A reason to look at everybody."""
        self.database.write(lambda tx: pairs.ask_all(tx, machine_now()))

    def settle(self, most: int = 200, skip: tuple[str, ...] = ()) -> int:
        """Look at whatever is due, as the worker would; how many looks that took. `skip` are
        targets that are known to be down."""
        pairs.tick(self.database, self.now, machine_now())
        for looks in range(most):
            claim = claims.claim(self.database, machine_now(), skip)
            if claim is None:
                return looks
            result = self.converger.look(claim, Lease(self.database, claim))
            assert claims.finish(self.database, claim, result, machine_now())
        raise AssertionError("the house does not come to rest")

    def day(self, instant: str) -> None:
        """Let a date come."""
        self.now = parse_instant(instant)

    def row(self, target: str = "ad", **facts: str) -> Any:
        """The pair of the only person with these facts."""
        with self.database.read() as connection:
            rows = connection.execute(
                select(pair, person.c.facts, person.c.asserted)
                .join(person, person.c.id == pair.c.person)
                .where(pair.c.target == target)
            ).all()
        (found,) = [
            r for r in rows if all(json.loads(r.facts).get(k) == v for k, v in facts.items())
        ]
        return found

    def links(self) -> int:
        with self.database.read() as connection:
            return len(connection.execute(select(account.c.person)).all())


def worker(
    number: str, given: str = "Anna", family: str = "Lindqvist", **more: Any
) -> dict[str, Any]:
    """A Workday-shaped document; keyword arguments go into the worker extension."""
    core_names = ("active", "title", "userName", "emails", "timezone")
    core = {name: more.pop(name) for name in core_names if name in more}
    manager = more.pop("manager", None)
    return {
        "externalId": number,
        "active": True,
        "name": {"givenName": given, "familyName": family},
        "displayName": f"{given} {family}",
        **core,
        ENTERPRISE: {
            "employeeNumber": number,
            **({"manager": {"value": manager}} if manager else {}),
        },
        WORKER: {"workerId": number, "hireDate": "2021-04-01", **more},
    }
