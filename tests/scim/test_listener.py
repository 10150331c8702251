"""The listener is part of the transaction: what it does and the resource are one commit."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select, update

from scim.errors import ScimError
from scim.listener import Spoken, Verdict
from store import resources
from store.resources import Resource
from store.tables import person, resource, setting
from tests.scim.conftest import PATCH_OP, Client, Server, accepted, refused


def stored(server: Server, id: str) -> Resource:
    with server.db.read() as conn:
        found = resources.get(conn, "workday", "User", id)
    assert found is not None
    return found


def count(server: Server, table: Any) -> int:
    with server.db.read() as conn:
        return int(conn.execute(select(func.count()).select_from(table)).scalar_one())


def notes(server: Server) -> int:
    """How many settings there are beside what the service itself keeps."""
    return count(server, select(setting).where(setting.c.name != "looked_up").subquery())


def test_it_is_told_of_create_change_and_delete(server: Server, hr: Client) -> None:
    made = hr.create(userName="a", title=None)
    changed = accepted(hr.put(made["id"], {"userName": "a", "title": "x"}))
    hr.send("DELETE", f"/Users/{made['id']}")
    del made["meta"]["location"], changed["meta"]["location"]
    id = made["id"]
    assert server.listener.calls == [
        ("workday", "User", id, None, made, frozenset({"title"})),
        ("workday", "User", id, made, changed, frozenset()),
        ("workday", "User", id, changed, None, frozenset()),
    ]


def test_it_is_told_what_a_message_says_by_itself_where_that_is_not_all(
    server: Server, hr: Client
) -> None:
    made = hr.create(userName="a", title="x", emails=[{"type": "work", "value": "a@b.example"}])
    assert server.listener.spoken is None
    path = f"/Users/{made['id']}"
    operations = [
        {"op": "remove", "path": "title"},
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "c@b.example"},
        {"op": "remove", "path": 'emails[value sw "a"]'},
        {"op": "add", "value": {"name": {"familyName": "Berg"}}},
    ]
    hr.send("PATCH", path, {"schemas": [PATCH_OP], "Operations": operations})
    said = server.listener.spoken
    assert said is not None
    assert said.content == {
        "emails": [{"type": "work", "value": "c@b.example"}],
        "name": {"familyName": "Berg"},
    }
    assert "title" in said.emptied
    hr.put(made["id"], {"active": False})
    assert server.listener.spoken == Spoken({"active": False}, set())
    hr.put(made["id"], {"userName": "a", "title": "y"})
    assert server.listener.spoken is None


def test_of_what_is_dated_it_is_told_though_the_document_stays(server: Server, hr: Client) -> None:
    made = hr.create(userName="a", title="x")
    with server.db.engine.begin() as connection:
        connection.execute(update(resource).values(ahead="[]"))
    told = len(server.listener.calls)
    server.listener.verdict = Verdict(same=True)
    same = accepted(hr.put(made["id"], {"userName": "a", "title": "x"}))
    assert len(server.listener.calls) == told + 1
    server.listener.verdict = Verdict(facts="{}")
    again = accepted(hr.put(made["id"], {"userName": "a", "title": "x"}))
    assert again["meta"] == same["meta"] == made["meta"]
    assert stored(server, made["id"]).facts == "{}"


def test_reads_and_refusals_are_not_told(server: Server, hr: Client) -> None:
    id = hr.create(userName="a")["id"]
    hr.get(f"/Users/{id}")
    hr.send("POST", "/Users", {"userName": "A"})
    hr.send("POST", "/Users", {})
    hr.put(id, {"active": "maybe"})
    hr.put(id, {"userName": "b"}, If_Match='W/"5"')
    assert len(server.listener.calls) == 1


def test_the_verdict_is_stored(server: Server, hr: Client) -> None:
    def add_person(tx: Connection) -> None:
        tx.execute(insert(person).values(id="p1", created=0.0, asserted=True))

    server.listener.act = add_person
    server.listener.verdict = Verdict(person="p1", facts='{"title": "x"}')
    id = hr.create(userName="a", title="x")["id"]
    assert (stored(server, id).person, stored(server, id).facts) == ("p1", '{"title": "x"}')
    server.listener.act = lambda tx: None
    server.listener.verdict = Verdict(person="p1", facts='{"title": "y"}')
    hr.patch(id, {"op": "replace", "path": "title", "value": "y"})
    assert (stored(server, id).person, stored(server, id).facts) == ("p1", '{"title": "y"}')
    hr.send("DELETE", f"/Users/{id}")
    with server.db.read() as conn:
        row = conn.execute(select(resource).where(resource.c.id == id)).one()
    assert (row.person, row.facts) == ("p1", '{"title": "y"}')
    assert row.deleted == server.clock.time


def test_a_stale_change_is_answered_and_not_stored(server: Server, hr: Client) -> None:
    made = hr.create(userName="a", title="new")
    server.listener.verdict = Verdict(stale=True)
    server.listener.act = lambda tx: tx.execute(
        insert(setting).values(name="journal", value="stale")
    ).close()
    answer = hr.put(made["id"], {"userName": "a", "title": "old", "nickName": None})
    assert accepted(answer) == made
    assert answer.headers["ETag"] == 'W/"1"'
    assert accepted(hr.get(f"/Users/{made['id']}")) == made
    assert stored(server, made["id"]).cleared == frozenset()
    assert notes(server) == 1  # what the listener noted is kept


def test_a_resource_takes_the_place_of_another_and_is_in_its_groups(
    server: Server, hr: Client
) -> None:
    old, both = (hr.create(userName=name)["id"] for name in "ab")
    held = hr.send("POST", "/Groups", {"displayName": "g", "members": [{"value": old}]})
    group = held.get_json(force=True)["id"]
    server.listener.verdict = Verdict(supersedes=(old,))
    server.listener.regrouped.clear()
    new = hr.create(userName="c")["id"]
    server.listener.verdict = Verdict()
    refused(hr.get(f"/Users/{old}"), 404)
    (member,) = accepted(hr.get(f"/Groups/{group}"))["members"]
    assert member["value"] == new
    assert accepted(hr.get(f"/Groups/{group}"))["meta"]["version"] == 'W/"2"'
    assert server.listener.regrouped == [("workday", [new])]
    assert accepted(hr.get("/Users"))["totalResults"] == 2
    hr.create(userName="a")  # the key is free
    # By a change too, and whoever is in a group already is in it once.
    members = [{"value": new}, {"value": both}]
    accepted(hr.send("PUT", f"/Groups/{group}", {"displayName": "g", "members": members}))
    server.listener.verdict = Verdict(supersedes=(new,))
    accepted(hr.put(both, {"userName": "b", "title": "x"}))
    server.listener.verdict = Verdict()
    refused(hr.get(f"/Users/{new}"), 404)
    (member,) = accepted(hr.get(f"/Groups/{group}"))["members"]
    assert member["value"] == both


def test_a_receipt_goes_with_the_answer(server: Server, hr: Client) -> None:
    server.listener.verdict = Verdict(receipt="r1")
    made = hr.send("POST", "/Users", {"userName": "a"})
    path = f"/Users/{made.get_json(force=True)['id']}"
    remove = {"Operations": [{"op": "remove", "path": "title"}]}
    server.listener.verdict = Verdict(receipt="r2")
    changed = hr.send("PUT", path, {"userName": "a", "title": "x"})
    server.listener.verdict = Verdict(receipt="r3", stale=True)
    stale = hr.send("PATCH", path, remove)
    server.listener.verdict = Verdict(receipt="r4")
    same = hr.send("PUT", path, {"userName": "a", "title": "x"})
    server.listener.verdict = Verdict(receipt="r5")
    gone = hr.send("DELETE", path)
    answers = (made, changed, stale, same, gone, hr.get(path))
    receipts = [answer.headers.get("Muster-Receipt") for answer in answers]
    assert receipts == ["r1", "r2", "r3", None, "r5", None]


def test_without_a_receipt_there_is_no_header(hr: Client) -> None:
    made = hr.send("POST", "/Users", {"userName": "a"})
    gone = hr.send("DELETE", f"/Users/{made.get_json(force=True)['id']}")
    assert "Muster-Receipt" not in made.headers
    assert "Muster-Receipt" not in gone.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_refusal_undoes_what_the_listener_did(server: Server, hr: Client, method: str) -> None:
    made = hr.create(userName="a", title="x")
    server.listener.act = lambda tx: tx.execute(
        insert(setting).values(name="half", value="done")
    ).close()
    server.listener.error = ScimError(409, "This person is here already.", "uniqueness")
    patch = {"Operations": [{"op": "remove", "path": "title"}]}
    body = {"POST": {"userName": "b"}, "PUT": {"userName": "c"}, "PATCH": patch}.get(method)
    path = "/Users" if method == "POST" else f"/Users/{made['id']}"
    refused(hr.send(method, path, body), 409, "uniqueness")
    assert notes(server) == 0
    assert hr.get("/Users").get_json(force=True)["Resources"] == [made]


def at_once(count: int, run: Any) -> None:
    """`run(number)` in that many threads that start together; raises what one raised."""
    gate = threading.Barrier(count)
    failures: list[BaseException] = []

    def start(number: int) -> None:
        gate.wait()
        try:
            run(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def another(server: Server, token: str) -> Client:
    return Client(server.app.test_client(), token)


def test_of_two_creates_at_once_one_wins(server_on_each: Server) -> None:
    token = server_on_each.client().token
    for number in range(5):
        answers: list[Any] = []
        key = {"externalId": f"E{number}", "title": "x"}

        def create(_: int, key: Any = key, answers: Any = answers) -> None:
            answers.append(another(server_on_each, token).send("POST", "/Users", key))

        at_once(4, create)
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
        for answer in answers:
            if answer.status_code == 409:
                assert "externalId" in refused(answer, 409, "uniqueness")
    assert count(server_on_each, resource) == 5


def test_what_the_listener_does_in_a_lost_race_is_not_kept(server_on_each: Server) -> None:
    """On PostgreSQL the loser's transaction starts again; nothing of its first run stays."""
    counter = threading.Lock()
    made = [0]

    def note(tx: Connection) -> None:
        with counter:
            made[0] += 1
            number = made[0]
        tx.execute(insert(setting).values(name=f"call {number}", value=""))

    server_on_each.listener.act = note
    token = server_on_each.client().token
    statuses: list[int] = []

    def create(_: int) -> None:
        answer = another(server_on_each, token).send("POST", "/Users", {"userName": "a"})
        statuses.append(answer.status_code)

    at_once(4, create)
    assert sorted(statuses) == [201, 409, 409, 409]
    assert notes(server_on_each) == 1


def test_changes_at_once_are_all_there_afterwards(server_on_each: Server) -> None:
    client = server_on_each.client()
    id = client.create(userName="a")["id"]

    def change(number: int) -> None:
        mine = another(server_on_each, client.token)
        for turn in range(3):
            value = [{"value": f"{number}-{turn}@norhaven.example"}]
            accepted(mine.patch(id, {"op": "add", "path": "emails", "value": value}))

    at_once(4, change)
    body = accepted(client.get(f"/Users/{id}"))
    assert len(body["emails"]) == 12
    assert body["meta"]["version"] == 'W/"13"'


def test_of_changes_to_one_version_one_wins(server_on_each: Server) -> None:
    client = server_on_each.client()
    id = client.create(userName="a")["id"]
    statuses: list[int] = []

    def change(number: int) -> None:
        op = {"op": "replace", "path": "title", "value": str(number)}
        answer = another(server_on_each, client.token).patch(id, op, If_Match='W/"1"')
        statuses.append(answer.status_code)

    at_once(4, change)
    assert sorted(statuses) == [200, 412, 412, 412]


def test_told_whose_groups_have_changed(server: Server, hr: Client) -> None:
    one, other = hr.create(userName="a")["id"], hr.create(userName="b")["id"]
    body = {"displayName": "Optics", "members": [{"value": one}]}
    made = hr.send("POST", "/Groups", body).get_json(force=True)
    told = server.listener.regrouped
    assert told == [("workday", [one])]
    where = f"/Groups/{made['id']}"
    hr.send("PUT", where, {**body, "members": [{"value": one}, {"value": other}]})
    assert told.pop() == ("workday", [other])
    hr.send("PUT", where, {**body, "members": [{"value": other}]})
    assert told.pop() == ("workday", [one])
    hr.send("PUT", where, {"displayName": "Lenses", "members": [{"value": other}]})
    assert told.pop() == ("workday", [other])
    hr.send("DELETE", where)
    assert told.pop() == ("workday", [other])
    hr.create(userName="c")
    assert told == [("workday", [one])]
