"""`Prefer: respond-async`: on disk before the 202, done once, in order, and told of."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from scim import deferred as door
from store import deferred
from store.database import Database
from store.tables import deferred as table
from store.tables import resource
from tests.scim.conftest import BASE, CORE, PATCH_OP, Client, Server, refused

ASYNC = {"Prefer": "respond-async"}
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
USER = {"schemas": [CORE], "userName": "anna", "externalId": "E1"}


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Nothing is carried out before it is called."""
    held = threading.Event()
    claim = deferred.claim

    def patient(db: Database, now: float) -> Any:
        held.wait(20)
        return claim(db, now)

    monkeypatch.setattr(deferred, "claim", patient)
    yield held.set
    held.set()


def outcome(client: Client, accepted: TestResponse) -> list[dict[str, Any]]:
    """The operations of a result, once it is there."""
    assert accepted.status_code == 202, accepted.text
    assert accepted.data == b""
    assert accepted.headers["Preference-Applied"] == "respond-async"
    where = accepted.headers["Location"]
    assert where == f"{BASE}/scim/v2/.results/{accepted.headers['Set-Txn']}"
    until = time.monotonic() + 20
    while (answer := client.send("GET", where.removeprefix(f"{BASE}/scim/v2"))).status_code == 202:
        assert int(answer.headers["Retry-After"]) >= 1
        assert time.monotonic() < until
        time.sleep(0.01)
    assert answer.status_code == 200
    return answer.get_json(force=True)["Operations"]  # type: ignore[no-any-return]


def post(client: Client, body: Any = USER, **headers: str) -> TestResponse:
    return client.send("POST", "/Users", body, {**ASYNC, **headers})


def test_every_write_can_wait(hr: Client) -> None:
    (made,) = outcome(hr, post(hr))
    assert made["method"] == "POST"
    assert (made["status"], made["version"]) == ("201", 'W/"1"')
    assert "bulkId" not in made
    path = made["location"].removeprefix(f"{BASE}/scim/v2")
    assert hr.get(path).get_json(force=True)["userName"] == "anna"
    patch = {"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "x"}]}
    (changed,) = outcome(hr, hr.send("PATCH", path, patch, {**ASYNC, "If-Match": 'W/"1"'}))
    assert (changed["status"], changed["version"]) == ("200", 'W/"2"')
    (late,) = outcome(hr, hr.send("PATCH", path, patch, {**ASYNC, "If-Match": 'W/"1"'}))
    assert (late["status"], late["response"]["status"]) == ("412", "412")
    (put,) = outcome(hr, hr.send("PUT", path, {**USER, "title": "y"}, ASYNC))
    assert put["status"] == "200"
    (gone,) = outcome(hr, hr.send("DELETE", path, None, ASYNC))
    assert gone["status"] == "204"
    refused(hr.get(path), 404)


@pytest.mark.parametrize(
    "prefer",
    [
        "respond-async",
        "Respond-Async",
        "respond-async, wait=5",
        "return=minimal, respond-async;x=1",
    ],
)
def test_however_it_is_said(hr: Client, prefer: str) -> None:
    outcome(hr, hr.send("POST", "/Users", USER, {"Prefer": prefer}))


@pytest.mark.parametrize(
    "headers",
    [
        {"Prefer": "return=minimal"},
        {"Prefer": 'x="respond-async"'},
        {"Prefer": "respond-asynchronously"},
        {"Prefer": ""},
        {"Prefer": "respond-async", "If-None-Match": "*"},
    ],
)
def test_who_does_not_ask_for_it_or_for_too_much_is_answered_at_once(
    hr: Client, headers: dict[str, str]
) -> None:
    assert hr.send("POST", "/Users", USER, headers).status_code == 201


def test_bulk(server_on_each: Server) -> None:
    hr = server_on_each.client("workday", "hr")
    operations = [
        {"method": "POST", "path": "/Groups", "bulkId": "g",
         "data": {"displayName": "Optics", "members": [{"value": "bulkId:u"}]}},
        {"method": "POST", "path": "/Users", "bulkId": "u", "data": USER},
        {"method": "POST", "path": "/Users", "bulkId": "v", "data": USER},
        {"method": "DELETE", "path": "/Users/none"},
    ]  # fmt: skip
    body = {"schemas": [BULK], "Operations": operations}
    entries = outcome(hr, hr.send("POST", "/Bulk", body, ASYNC))
    assert [entry["status"] for entry in entries] == ["201", "201", "409", "404"]
    assert [entry.get("bulkId") for entry in entries] == ["g", "u", "v", None]
    group = hr.get(entries[0]["location"].removeprefix(f"{BASE}/scim/v2")).get_json(force=True)
    assert group["members"][0]["value"] == entries[1]["location"].rpartition("/")[2]


def test_what_can_never_be_is_refused_at_once(server: Server, strict: Client) -> None:
    refused(post(strict, {"schemas": [CORE]}), 400, "invalidValue")
    refused(post(strict, "{"), 400, "invalidSyntax")
    refused(strict.send("POST", "/Bulk", {"schemas": []}, ASYNC), 400, "invalidSyntax")
    refused(strict.send("POST", "/Nothing", USER, ASYNC), 404)
    reader = server.client("conformance", "strict")
    reader.token = reader.token[:-1]
    refused(post(reader), 401)
    with server.db.read() as conn:
        assert conn.execute(select(table)).all() == []


def test_it_is_on_disk_before_the_answer_and_outlives_a_crash(
    server: Server, hr: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door.Deferred, "_wake", lambda self: None)  # the process dies here
    accepted = [post(hr, {**USER, "userName": f"u{n}", "externalId": f"E{n}"}) for n in range(3)]
    assert {answer.status_code for answer in accepted} == {202}
    answer = hr.send("GET", f"/.results/{accepted[0].headers['Set-Txn']}")
    assert (answer.status_code, answer.data) == (202, b"")
    assert hr.get("/Users").get_json(force=True)["totalResults"] == 0
    monkeypatch.undo()
    again = server.again()  # another process starts, and goes on with what it finds
    client = Client(again.app.test_client(), hr.token)
    for answer in accepted:
        assert outcome(client, answer)[0]["status"] == "201"
    found = client.get("/Users").get_json(force=True)["Resources"]
    assert sorted(one["userName"] for one in found) == ["u0", "u1", "u2"]
    with server.db.read() as conn:
        assert set(conn.execute(select(table.c.body)).scalars()) == {None}  # not kept for longer


def test_a_source_is_served_in_its_order(
    server: Server, hr: Client, idle: Callable[[], None]
) -> None:
    made = hr.create(userName="anna")
    for number in range(20):
        body = {"schemas": [CORE], "userName": "anna", "title": f"t{number}"}
        answer = hr.send("PUT", f"/Users/{made['id']}", body, ASYNC)
    idle()
    assert outcome(hr, answer)[0]["version"] == 'W/"21"'
    titles = [call[4]["title"] for call in server.listener.calls[1:]]
    assert titles == [f"t{number}" for number in range(20)]


def big(count: int) -> dict[str, Any]:
    return {
        "schemas": [BULK],
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": f"b{n}",
             "data": {"userName": f"u{n}",
                      "manager": {"value": f"bulkId:b{(n * 7) % count}"}}}
            for n in range(count)
        ],
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_who_takes_over_does_nothing_twice(
    server: Server, hr: Client, idle: Callable[[], None]
) -> None:
    """A process dies in the middle of a Bulk request, after one of its commits."""
    accepted = hr.send("POST", "/Bulk", big(250), ASYNC)
    seen = 0

    def die_later(tx: Connection) -> None:
        nonlocal seen
        seen += 1
        if seen == 150:
            raise SystemExit  # the thread ends as a killed process does: without a word

    server.listener.act = die_later
    idle()
    thread = next(one for one in threading.enumerate() if one.name == "deferred")
    thread.join(20)
    assert not thread.is_alive()
    with server.db.read() as conn:
        done = conn.execute(select(resource.c.id)).all()
    assert 100 <= len(done) < 150  # whole commits, and not the one that was under way
    server.listener.act = lambda tx: None
    again = server.again()
    again.clock.time += deferred.LEASE + 1
    client = Client(again.app.test_client(), hr.token)
    again.clock.time += 1
    entries = outcome(client, accepted)
    assert [entry["status"] for entry in entries] == ["201"] * 250
    with server.db.read() as conn:
        ids = set(conn.execute(select(resource.c.id)).scalars())
    assert len(ids) == 250
    assert {row.id for row in done} <= ids
    assert {entry["location"].rpartition("/")[2] for entry in entries} == ids


def test_who_lost_the_lease_changes_nothing(
    server: Server, hr: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door.Deferred, "_wake", lambda self: None)
    post(hr)
    slow = deferred.claim(server.db, server.clock.time)
    assert slow is not None
    assert deferred.claim(server.db, server.clock.time) is None
    quick = deferred.claim(server.db, server.clock.time + deferred.LEASE)
    assert quick is not None

    with pytest.raises(deferred.LeaseLost):
        server.db.write(lambda tx: deferred.record(tx, slow, {}, 0.0, finished=True))
    deferred.release(server.db, slow)  # is not its to give back
    assert deferred.claim(server.db, server.clock.time) is None
    server.db.write(lambda tx: deferred.record(tx, quick, {}, 0.0, finished=True))


def test_a_busy_database_is_no_refusal(
    server: Server, hr: Client, idle: Callable[[], None]
) -> None:
    accepted = post(hr)
    failures = iter([OperationalError("x", {}, Exception())] * 2)

    def busy(tx: Connection) -> None:
        if (error := next(failures, None)) is not None:
            raise error

    server.listener.act = busy
    idle()
    assert outcome(hr, accepted)[0]["status"] == "201"


def test_what_fails_here_is_told_and_does_not_stop_the_others(
    server: Server, hr: Client, idle: Callable[[], None]
) -> None:
    first, second = post(hr), post(hr)

    def fail(tx: Connection) -> None:
        server.listener.act = lambda tx: None
        raise KeyError("Anna's secret")

    server.listener.act = fail
    idle()
    (entry,) = outcome(hr, first)
    assert (entry["status"], entry["response"]["status"]) == ("500", "500")
    assert "secret" not in str(entry)
    assert outcome(hr, second)[0]["status"] == "201"


def test_results_are_the_sources_own(server: Server, hr: Client) -> None:
    accepted = post(hr)
    outcome(hr, accepted)
    path = f"/.results/{accepted.headers['Set-Txn']}"
    refused(server.client("sap", "sap-ips").send("GET", path), 404)
    refused(hr.send("GET", "/.results/none"), 404)
    refused(hr.send("DELETE", path), 405)


def test_too_many_waiting_is_429(
    hr: Client, idle: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MOST_WAITING", 2)
    answers = [post(hr) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert int(answers[2].headers["Retry-After"]) >= 1
    idle()
    outcome(hr, answers[1])


def test_results_are_forgotten_after_a_while(server: Server, hr: Client) -> None:
    accepted = post(hr)
    outcome(hr, accepted)
    server.db.write(lambda tx: deferred.prune(tx, server.clock.time + 1))
    refused(hr.send("GET", f"/.results/{accepted.headers['Set-Txn']}"), 404)


def test_configured_sources_are_told_that_it_can_be_asked_for(
    server: Server, hr: Client, strict: Client
) -> None:
    said = hr.get("/ServiceProviderConfig").get_json(force=True)
    assert said["securityEvents"]["asyncRequest"] == "request"
    assert "securityEvents" not in strict.get("/ServiceProviderConfig").get_json(force=True)


def test_what_may_recur_may_recur_later_too(server: Server) -> None:
    """The same rules as for an answer at once: one `externalId` twice where nobody is joined."""
    store, joined = server.client("conformance", "strict"), server.client("workday", "strict")
    for client, status in ((store, "201"), (joined, "409")):
        client.create(userName="bert", externalId="E1")
        [entry] = outcome(client, post(client))
        assert entry["status"] == status
