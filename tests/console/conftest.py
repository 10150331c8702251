"""A database as a busy morning leaves it, and the console over it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

import console
from store import journal
from store.clocks import machine_now
from store.database import Database
from store.tables import account, name, pair, person, person_key, resource

Add = Callable[..., None]
DN = "CN=Zoë Müller,OU=People,DC=norhaven,DC=example"


@pytest.fixture
def add(db: Database) -> Add:
    """Adds a person with a pair in `ad`: `add(id, facts, due=..., account=..., ...)`."""
    started = machine_now()
    made = 0

    def add(
        id: str,
        facts: dict[str, Any] | None = None,
        *,
        problem: str | None = None,
        hint: str | None = None,
        **columns: Any,
    ) -> None:
        nonlocal made
        made += 1

        def work(tx: Any) -> None:
            tx.execute(
                insert(person).values(
                    id=id,
                    created=started + made,
                    facts=json.dumps(facts or {}, ensure_ascii=False),
                    origins=json.dumps(dict.fromkeys(facts or {}, "workday")),
                    asserted=columns.pop("asserted", True),
                    problem=problem,
                )
            )
            for kind in ("employeeNumber", "loginName"):
                if kind in (facts or {}):
                    tx.execute(
                        insert(person_key).values(
                            scope="workday",
                            kind=kind,
                            value=str((facts or {})[kind]).casefold(),
                            person=id,
                        )
                    )
            values = {"person": id, "target": "ad", "asked": 1, "seen": 1, "lane": 2} | columns
            tx.execute(insert(pair).values(**values))
            if hint:
                tx.execute(
                    insert(account).values(person=id, target="ad", anchor=f"guid-{id}", hint=hint)
                )

        db.write(work)

    return add


@pytest.fixture
def busy(db: Database, add: Add) -> float:
    """One person in each condition; the machine time they were made at."""
    now = machine_now()
    zoe = {
        "displayName": "Zoë Müller",
        "employeeNumber": "E1001",
        "loginName": "zoe.muller",
        "title": "Head of <Optics>",
        "fax": None,
        "active": True,
    }
    add("p-right", zoe, hint=DN, state="active", looked=now - 5, look_at=now + 86400)
    add("p-due", {"givenName": "Anna", "familyName": "Due"}, due=now - 1, asked=2)
    add("p-off", {"displayName": "Bo Off"}, due=now + 60, attempts=3)
    add("p-held", {"displayName": "Cy Held"}, held="two accounts carry the same key")
    add("p-wait", {"displayName": "Di Wait"}, waits_on="manager:p-right@ad", hint="CN=Di")
    add("p-leased", {"displayName": "Ed Lease"}, lease_token="t", lease_until=now + 60, due=now)
    add("p-problem", {"displayName": "Fi Case"}, problem="the keys conflict")

    def more(tx: Any) -> None:
        tx.execute(
            insert(resource).values(
                id="r1",
                seq=1,
                source="workday",
                type="User",
                external_id="E1001",
                user_key="zoe.muller",
                document="{}",
                version=3,
                created=now,
                modified=now,
                person="p-right",
            )
        )
        tx.execute(
            insert(name).values(
                kind="accountName",
                folded="zmuller",
                value="zmuller",
                person="p-right",
                current=True,
            )
        )
        common = {"person": "p-right", "now": now, "business_now": now}
        journal.append(tx, kind="intake", body={"what": "created", "source": "workday"}, **common)
        journal.append(
            tx,
            kind="plan",
            target="ad",
            ref="plan-1",
            body={
                "stage": "active",
                "reason": "hired",
                "steps": [{"kind": "modify", "attributes": ["title"], "attribute": None}],
            },
            values={
                "steps": [{"kind": "modify", "attributes": {"title": "Head of <Optics>"}}],
                "why": {"title": {"rule": "active_directory.yaml:12", "expression": "[title]"}},
            },
            **common,
        )
        journal.append(
            tx,
            kind="operation",
            target="ad",
            ref="plan-1",
            body={
                "step": 0,
                "kind": "modify",
                "result": "refused",
                "refusals": [
                    {"kind": "value", "code": "19", "remedy": "Shorten it.", "attribute": "title"}
                ],
            },
            **common,
        )

    db.write(more)
    return now


@pytest.fixture
def app(db: Database) -> Flask:
    """The console alone, with one target."""
    app = Flask("test", static_folder=None)
    app.register_blueprint(console.create_blueprint(db, ("ad",)))
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser on the same machine."""
    return app.test_client()
