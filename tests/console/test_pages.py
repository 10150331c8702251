"""What the pages show, to whom, and that their JSON says the same."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from console import queries
from store import journal
from store.clocks import machine_now
from store.database import Database
from store.tables import pair
from tests.console.conftest import DN, Add

pytestmark = pytest.mark.usefixtures("busy")
CONDITION = {
    "p-right": "right",
    "p-due": "due",
    "p-off": "backing off",
    "p-held": "held",
    "p-wait": "waiting",
    "p-leased": "working",
    "p-problem": "right",
}


def test_everyone_newest_first_with_accounts(client: FlaskClient) -> None:
    data = client.get("/people.json").json
    assert data is not None
    assert [row["id"] for row in data["people"]] == list(reversed(CONDITION))
    assert {row["id"]: row["accounts"][0]["condition"] for row in data["people"]} == CONDITION
    zoe = data["people"][-1]
    assert (zoe["name"], zoe["key"]) == ("Zoë Müller", "E1001")
    assert zoe["accounts"][0]["account"] == DN
    assert data["counts"]["people"] == 7
    assert data["counts"]["accounts"] == 2
    assert {word: data["counts"][word] for word in ("right", "held", "backing off")} == {
        "right": 2,
        "held": 1,
        "backing off": 1,
    }


def test_name_from_parts(client: FlaskClient) -> None:
    found = client.get("/people.json?q=anna").json
    assert found is not None
    assert [row["name"] for row in found["people"]] == ["Anna Due"]


@pytest.mark.parametrize("word", [word for word in queries.CONDITIONS if word != "remarks"])
def test_filter_by_condition(client: FlaskClient, word: str) -> None:
    data = client.get("/people.json", query_string={"show": word}).json
    assert data is not None
    expected = {id for id, condition in CONDITION.items() if condition == word}
    if word == "held":
        expected.add("p-problem")  # held before any target
    assert {row["id"] for row in data["people"]} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zoë", {"p-right"}),
        ("MÜLLER", {"p-right"}),
        ("e1001", {"p-right"}),
        ("zoe.muller", {"p-right"}),
        ("OU=People", {"p-right"}),
        ("p-held", {"p-held"}),
        ("100%", set()),
        ("_", set()),
        ("'; DROP TABLE person;--", set()),
        ("\0", set(CONDITION)),
    ],
)
def test_filter_by_text(client: FlaskClient, text: str, expected: set[str]) -> None:
    data = client.get("/people.json", query_string={"q": text}).json
    assert data is not None
    assert {row["id"] for row in data["people"]} == expected
    assert client.get("/", query_string={"q": text}).status_code == 200


def test_paging(client: FlaskClient, add: Add) -> None:
    for number in range(queries.PAGE):
        add(f"x{number:03}", {"displayName": f"Extra {number:03}"})
    first = client.get("/people.json").json
    second = client.get("/people.json?page=2").json
    assert first is not None
    assert second is not None
    assert (first["totalResults"], first["pages"]) == (107, 2)
    assert len(first["people"]) == 100
    assert [row["id"] for row in second["people"]] == list(reversed(CONDITION))
    assert "page 2 of 2" in client.get("/?page=2").text
    for odd in ("0", "-3", "x", "99999999999999999999"):
        assert client.get(f"/?page={odd}").status_code == 200


def test_page_shows_what_matters_and_escapes_it(client: FlaskClient) -> None:
    page = client.get("/").text
    for text in ("Zoë Müller", DN, "two accounts carry the same key", "the keys conflict"):
        assert text in page
    assert "attempt 3 failed" in page
    assert "Head of &lt;Optics&gt;" in page
    assert "<Optics>" not in page


def test_one_person(client: FlaskClient) -> None:
    data = client.get("/person/p-right.json").json
    assert data is not None
    assert {"name": "fax", "value": None, "source": "workday"} in data["facts"]
    assert data["keys"][0] == {"scope": "workday", "kind": "employeeNumber", "value": "e1001"}
    assert data["resources"][0]["externalId"] == "E1001"
    assert data["names"][0]["value"] == "zmuller"
    assert [entry["kind"] for entry in data["journal"]] == ["operation", "plan", "intake"]
    page = client.get("/person/p-right").text
    for text in ("said to be empty", "active_directory.yaml:12", "Shorten it.", "zmuller", "hired"):
        assert text in page
    assert "<Optics>" not in page
    assert 'href="/person/p-right"' in client.get("/person/p-wait").text


def test_what_is_waited_for_is_said_in_words(client: FlaskClient, add: Add) -> None:
    add(
        "p-ref",
        {"displayName": "Gu Ref", "manager": "E1009"},
        waits_on="manager-ref:generic:e1009",
    )
    add("p-gone", {"displayName": "Ha Gone"}, waits_on="manager:p-nobody@ad")
    data = client.get("/people.json?show=waiting").json
    assert data is not None
    said = {row["id"]: row["accounts"][0] for row in data["people"]}
    assert said["p-ref"]["waitsFor"] == "waits for the manager known as E1009"
    assert said["p-ref"]["waitsOnPerson"] is None
    assert said["p-wait"]["waitsFor"] == "waits for Zoë Müller's account"
    assert said["p-wait"]["waitsOnPerson"] == "p-right"
    assert said["p-gone"]["waitsFor"] == "waits for their manager's account"
    page = client.get("/").text
    assert "waits for the manager known as E1009" in page
    assert """waits for <a href="/person/p-right">Zoë Müller</a>'s account""" in page
    assert "manager-ref" not in page


def test_the_journal_lists_in_words(client: FlaskClient, db: Database) -> None:
    body = {
        "what": "changed",
        "source": "workday",
        "changed": ["familyName", "title"],
        "problems": [],
        "case": None,
        "still_asserted": True,
    }
    now = machine_now()
    db.write(
        lambda tx: journal.append(
            tx, kind="intake", body=body, person="p-right", now=now, business_now=now
        )
    )
    page = client.get("/person/p-right").text
    assert "changed familyName, title" in page
    assert "still_asserted yes" in page
    assert "[&#39;" not in page


def test_nobody(client: FlaskClient) -> None:
    for path in ("/person/none", "/person/none.json", "/person/%00", "/person/..%2f"):
        assert client.get(path).status_code == 404


def test_target_that_does_not_answer(client: FlaskClient, db: Database) -> None:
    assert "does not answer" not in client.get("/").text
    late = {"due": machine_now() - 30, "problem": "cannot connect. Check the network."}
    db.write(lambda tx: tx.execute(update(pair).where(pair.c.person == "p-due").values(late)))
    # Others were finished since it became due: merely a queue.
    assert "does not answer" not in client.get("/").text
    db.write(lambda tx: tx.execute(update(pair).values(looked=machine_now() - 60)))
    page = client.get("/").text
    assert "ad does not answer" in page
    assert "cannot connect. Check the network." in page
