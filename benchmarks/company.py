"""A large company whose accounts are all right already, put into a running sandbox.

Nobody is pushed: people, records, links and names are written as intake and looks would
have left them, and the accounts are put into both stand-ins. `plan --all` then has to
find nothing to do, which is how a mistake in here would show.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from itertools import islice
from typing import Any

import app
import configured_mappings
import settings as configuration
from adapters.target import Account, Target, folded
from benchmarks.push_to_account import hire
from mappings.documents import Inbound, Outbound
from policy_settings import People
from provisioning import names, people
from provisioning.lifecycle import SAID_AT
from provisioning.merging import Record, merge
from store.clocks import iso, machine_now
from store.database import Database
from store.tables import account, name, pair, person, person_key, resource
from tests.end_to_end.sandbox_gateway import SandboxGateway

CHUNK = 250
SOURCE = "workday"


class Company:
    """`size` people; everybody but the first ten has one of these as manager."""

    def __init__(self, gateway: SandboxGateway, size: int) -> None:
        self.gateway, self.size = gateway, size
        environ = dict(gateway.environ, MUSTER_CONFIG=str(gateway.folder / "data" / "sandbox.yaml"))
        self.settings = configuration.load(gateway.folder / "data" / "sandbox.yaml", environ)
        self.database = Database(self.settings.database_url)
        self.outbounds = configured_mappings.load_outbounds(self.settings)
        self.inbound: Inbound = configured_mappings.load_inbounds(self.settings)[SOURCE]
        self.targets: dict[str, Target] = app.open_targets(self.settings, self.outbounds)

    def found(self) -> None:
        """Write everything. The gateway's worker finds nothing due."""
        policy, now = self.settings.people, machine_now()
        everybody = (self._one(number, policy, now) for number in range(self.size))
        while chunk := list(islice(everybody, CHUNK)):
            self.database.write(lambda tx, c=chunk: self._store(tx, c, now))  # type: ignore[misc]
            put = {target: [self._put(target, one) for one in chunk] for target in ("ad", "entra")}
            self.gateway.send("PUT", "/sandbox/directory", put)
        for target in self.targets:
            accounts = self.targets[target].every()
            while found := list(islice(accounts, CHUNK)):
                self.database.write(
                    lambda tx, f=found, t=target: self._link(tx, t, f, now)  # type: ignore[misc]
                )

    def _one(self, number: int, policy: People, now: float) -> dict[str, Any]:
        document = hire(f"B{number}")
        if number >= 10:
            enterprise = next(v for k, v in document.items() if "enterprise" in k)
            enterprise["manager"] = {"value": f"B{number % 10}"}
        facts = {**self.inbound.facts(document).values, SAID_AT: iso(now)}
        merged = merge([Record(SOURCE, facts)], policy, now)
        account_name = f"bench{number}"
        context = {
            **merged.facts,
            "accountName": account_name,
            "userPrincipalName": f"{account_name}@{self.settings.targets['ad'].domain}",
            "cn": f"{merged.facts['displayName']} ({account_name})"[:64],
            "usageLocation": "DE",
            "enabled": True,
        }
        return {
            "id": f"00000000-0000-4000-8000-{number:012d}",
            "number": number,
            "document": document,
            "facts": facts,
            "merged": merged,
            "context": context,
        }

    def _store(self, tx: Any, chunk: list[dict[str, Any]], now: float) -> None:
        tx.execute(
            person.insert(),
            [{"id": one["id"], "created": now, "asserted": True} for one in chunk],
        )
        rows: dict[str, list[dict[str, Any]]] = {"resource": [], "key": [], "pair": [], "name": []}
        for one in chunk:
            people.store(tx, one["id"], one["merged"])
            document, context = one["document"], one["context"]
            rows["resource"].append(
                {
                    "id": one["id"],
                    "seq": 1_000_000 + one["number"],
                    "source": SOURCE,
                    "type": "User",
                    "external_id": document["externalId"],
                    "user_key": None,
                    "document": json.dumps(document),
                    "version": 1,
                    "created": now,
                    "modified": now,
                    "person": one["id"],
                    "facts": people.facts_text(one["facts"]),
                }
            )
            for key in people.keys_of(SOURCE, document["externalId"], one["facts"], ()):
                rows["key"].append(
                    {"scope": key.scope, "kind": key.kind, "value": key.value, "person": one["id"]}
                )
            for target in self.targets:
                rows["pair"].append(
                    {
                        "person": one["id"],
                        "target": target,
                        "asked": 1,
                        "seen": 1,
                        "lane": 2,
                        "state": "active",
                        "looked": now,
                        "looked_business": now,
                    }
                )
            wanted = {"accountName": context["accountName"], names.cn_kind("ad"): context["cn"]}
            if context.get("mail"):
                wanted["mail"] = context["mail"]
            rows["name"] += [
                {
                    "kind": kind,
                    "folded": folded(value),
                    "value": value,
                    "person": one["id"],
                    "current": True,
                }
                for kind, value in wanted.items()
            ]
        for table, listed in zip((resource, person_key, pair, name), rows.values(), strict=True):
            tx.execute(table.insert(), listed)

    def _put(self, target: str, one: dict[str, Any]) -> dict[str, Any]:
        outbound: Outbound = self.outbounds[target]
        wishes = outbound.evaluate(one["context"]).wishes
        values = {a: w.value for a, w in wishes.items() if w.value is not None}
        boss = f"bench{one['number'] % 10}" if one["number"] >= 10 else None
        if target == "ad":
            ou = self.settings.targets["ad"].options["people_ou"]
            attributes: dict[str, Any] = {a: str(v) for a, v in values.items()}
            attributes["userAccountControl"] = "512"
            if boss is not None:
                attributes["manager"] = f"CN={self._cn(one['number'] % 10)},{ou}"
            return {"dn": f"CN={one['context']['cn']},{ou}", "attributes": attributes}
        user: dict[str, Any] = {"accountEnabled": True}
        for attribute, value in values.items():
            whole, _, part = attribute.partition(".")
            shown = list(value) if isinstance(value, tuple) else value
            if part:
                user.setdefault(whole, {})[part] = shown
            else:
                user[whole] = shown
        if boss is not None:
            user["manager"] = f"{boss}@{self.settings.targets['entra'].domain}"
        return user

    def _cn(self, number: int) -> str:
        return str(self._one(number, self.settings.people, 0.0)["context"]["cn"])

    def _link(self, tx: Any, target: str, found: list[Account], now: float) -> None:
        attribute = self.outbounds[target].identifier
        rows = []
        for one in found:
            key = str(one.attributes.get(attribute, ""))
            if key.startswith("B"):
                applied = dict(one.attributes)
                rows.append(
                    {
                        "person": f"00000000-0000-4000-8000-{int(key[1:]):012d}",
                        "target": target,
                        "anchor": one.anchor,
                        "hint": one.hint,
                        "applied": json.dumps(applied),
                        "applied_at": now,
                        "matched": "created",
                        "linked_at": now,
                    }
                )
        if rows:
            tx.execute(account.insert(), rows)


def founded(size: int) -> Iterator[tuple[SandboxGateway, Company]]:
    """A running sandbox with such a company in it."""
    gateway = SandboxGateway()
    gateway.start()
    gateway.settle()
    gateway.reset()
    company = Company(gateway, size)
    company.found()
    with sqlite3.connect(str(company.database.file)) as connection:
        connection.execute("ANALYZE")
    connection.close()
    try:
        yield gateway, company
    finally:
        gateway.end()


def people_of(default: int) -> int:
    """PEOPLE from the environment."""
    return int(os.environ.get("PEOPLE", str(default)))
