"""The page with both sandbox directories, its JSON, and who shares a line."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

import console
from console.directories import PAGE, Dump
from store.database import Database
from store.tables import account
from tests.console.conftest import Add

BASE = "DC=norhaven,DC=example"


def ad(number: str, name: str, *, guid: str = "", ou: str = "OU=People", **more: Any) -> Any:
    return {
        "dn": f"CN={name},{ou},{BASE}",
        "attributes": {
            "objectGUID": guid or f"ad-{number}",
            "employeeID": number,
            "displayName": name,
            "sAMAccountName": name.lower().replace(" ", ""),
            "userAccountControl": 512,
        }
        | more,
    }


def entra(number: str, name: str, *, id: str = "", **more: Any) -> Any:
    return {
        "id": id or f"entra-{number}",
        "employeeId": number,
        "displayName": name,
        "userPrincipalName": f"{name.lower().replace(' ', '')}@norhaven.example",
        "accountEnabled": True,
        "manager": None,
    } | more


class Sandbox:
    """Directories whose contents a test decides."""

    def __init__(self) -> None:
        self.contents: Dump = {"ad": [], "entra": []}
        self.down = False

    def dump(self) -> Dump:
        if self.down:
            raise console.DirectoriesDown("the sandbox process cannot be reached <yet>")
        return self.contents


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def app(db: Database, sandbox: Sandbox) -> Flask:
    """The console of a sandbox."""
    app = Flask("test", static_folder=None)
    app.register_blueprint(console.create_blueprint(db, ("ad", "entra"), sandbox.dump))
    return app


def lines(client: FlaskClient, query: str = "") -> list[Any]:
    answer = client.get(f"/directories.json{query}")
    assert answer.status_code == 200
    assert answer.json is not None
    people: list[Any] = answer.json["people"]
    return people


def test_both_accounts_of_a_person_share_a_line(
    client: FlaskClient, sandbox: Sandbox, add: Add, db: Database
) -> None:
    add("p1", {"displayName": "Ylva Berg"}, hint="CN=Ylva")
    sandbox.contents = {
        "ad": [
            ad("W1", "Ylva Berg", guid="GUID-p1", manager=f"CN=Tor \\2b Ek,OU=Boss,{BASE}"),
            ad("W2", "Zoe Old", ou="OU=North,OU=Leavers", userAccountControl="514"),
            {"dn": f"CN=Group,{BASE}", "attributes": {"objectGUID": "g"}},
        ],
        "entra": [
            entra("W9", "Break Glass", accountEnabled=False),
            entra("w1", "Ylva Berg", manager={"displayName": "Tor Ek", "id": "e2"}),
        ],
    }
    assert lines(client) == [
        {
            "person": None,
            "name": "Break Glass",
            "key": "W9",
            "ad": None,
            "entra": {
                "account": "breakglass@norhaven.example",
                "state": "disabled",
                "manager": None,
                "ou": None,
            },
        },
        {
            "person": "p1",
            "name": "Ylva Berg",
            "key": "W1",
            "ad": {
                "account": "ylvaberg",
                "state": "enabled",
                "manager": "Tor + Ek",
                "ou": "People",
            },
            "entra": {
                "account": "ylvaberg@norhaven.example",
                "state": "enabled",
                "manager": "Tor Ek",
                "ou": None,
            },
        },
        {
            "person": None,
            "name": "Zoe Old",
            "key": "W2",
            "ad": {
                "account": "zoeold",
                "state": "disabled",
                "manager": None,
                "ou": "Leavers / North",
            },
            "entra": None,
        },
    ]
    page = client.get("/directories").text
    assert 'href="/person/p1"' in page
    assert "Active Directory · 2" in page
    assert "in Leavers / North" in page
    assert "no account" in page


def test_an_account_deleted_in_the_directory(
    client: FlaskClient, sandbox: Sandbox, add: Add, db: Database
) -> None:
    add("p1", {"displayName": "Ylva Berg"}, hint="CN=Ylva")
    link = insert(account).values(person="p1", target="entra", anchor="E-1", hint="")
    db.write(lambda tx: tx.execute(link))
    sandbox.contents = {"ad": [ad("W1", "Ylva Berg", guid="guid-p1")], "entra": []}
    (line,) = lines(client)
    assert line["entra"]["state"] == "deleted"
    assert "deleted" in client.get("/directories").text
    sandbox.contents = {"ad": [], "entra": []}
    assert [one["name"] for one in lines(client)] == ["Ylva Berg"]
    assert {lines(client)[0][side]["state"] for side in ("ad", "entra")} == {"deleted"}


def test_nothing_is_said_of_a_directory_that_is_not_shown(
    client: FlaskClient, sandbox: Sandbox, add: Add
) -> None:
    add("p1", {"displayName": "Ylva Berg"}, hint="CN=Ylva")
    sandbox.contents = {"entra": [entra("W1", "Ylva Berg")]}
    (line,) = lines(client)
    assert (line["ad"], line["entra"]["state"]) == (None, "enabled")
    page = client.get("/directories").text
    assert "Entra ID · 1" in page
    assert "Active Directory" not in page
    assert "deleted" not in page


def test_accounts_with_one_number_and_two_owners_stay_apart(
    client: FlaskClient, sandbox: Sandbox, add: Add
) -> None:
    add("p1", {}, hint="CN=a")
    add("p2", {}, hint="CN=b")
    sandbox.contents = {
        "ad": [
            ad("W1", "First", guid="guid-p1"),
            ad("W1", "Second", guid="guid-p2"),
            ad("W1", "Third"),
            ad("", "Nameless"),
            ad("", "Another"),
        ],
        "entra": [entra("W1", "First")],
    }
    found = {(one["name"], one["person"], one["entra"] is not None) for one in lines(client)}
    assert found == {
        ("First", "p1", True),
        ("Second", "p2", False),
        ("Third", None, False),
        ("Nameless", None, False),
        ("Another", None, False),
    }


def test_filter_and_pages(client: FlaskClient, sandbox: Sandbox) -> None:
    sandbox.contents = {
        "ad": [ad(f"W{n:03}", f"Person {n:03}") for n in range(PAGE + 1)],
        "entra": [],
    }
    assert len(lines(client)) == PAGE
    assert [one["key"] for one in lines(client, "?page=2")] == [f"W{PAGE:03}"]
    assert [one["key"] for one in lines(client, "?q=PERSON007")] == ["W007"]
    assert lines(client, "?q=%00nobody") == []
    assert "page 1 of 2" in client.get("/directories").text
    assert "Nobody fits" in client.get("/directories?q=nobody").text
    assert client.get("/directories?page=x").status_code == 200


def test_values_are_escaped(client: FlaskClient, sandbox: Sandbox) -> None:
    sandbox.contents = {
        "ad": [ad("W1", "<b>Ann</b>", sAMAccountName="<i>@</i>")],
        "entra": [],
    }
    page = client.get("/directories").text
    assert "&lt;b&gt;Ann" in page
    assert "&lt;i&gt;<wbr>@&lt;/i&gt;" in page
    assert "<b>Ann" not in page


def test_a_sandbox_that_is_away(client: FlaskClient, sandbox: Sandbox) -> None:
    assert "Nobody yet" in client.get("/directories").text
    sandbox.down = True
    page = client.get("/directories")
    assert page.status_code == 200  # so that an open page shows it too
    assert "do not answer" in page.text
    assert "cannot be reached &lt;yet&gt;" in page.text
    answer = client.get("/directories.json")
    assert answer.status_code == 503
    assert answer.json == {"problem": "the sandbox process cannot be reached <yet>"}
    assert client.get("/").status_code == 200


def test_linked_from_the_first_page_of_a_sandbox_only(client: FlaskClient, db: Database) -> None:
    assert 'href="/directories"' in client.get("/").text
    plain = Flask("plain", static_folder=None)
    plain.register_blueprint(console.create_blueprint(db, ("ad",)))
    with plain.test_client() as elsewhere:
        assert "directories" not in elsewhere.get("/").text
        assert elsewhere.get("/directories").status_code == 404
        assert elsewhere.get("/directories.json").status_code == 404


def test_the_first_page_shows_both_too(client: FlaskClient, sandbox: Sandbox) -> None:
    sandbox.contents = {"ad": [ad("E1", "Ana Berg")], "entra": [entra("E1", "Ana Berg")]}
    page = client.get("/").text
    assert "Both directories" in page
    assert "anaberg<wbr>@norhaven.example" in page
    sandbox.down = True
    page = client.get("/")
    assert page.status_code == 200
    assert "cannot be reached &lt;yet&gt;" in page.text


def test_for_this_machine_only(client: FlaskClient) -> None:
    for path in ("/directories", "/directories.json"):
        assert client.get(path, headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403
        assert "default-src 'none'" in client.get(path).headers["Content-Security-Policy"]
