"""Requests that travel together, and what becomes of each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from adapters.entra_id import EntraId, batch
from adapters.target import Grant, Link, Outcome, Step, TargetDown, TargetRefused
from tests.adapters.entra_id.wire import ANA, BEN, Wire, missing, problem, user

BUSY = problem("Too many requests.", "TooManyRequests")
EMPTY = {"value": []}


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits goes when the request before is answered, and not sooner."""
    monkeypatch.setattr(batch, "TOGETHER_SECONDS", 10.0)


def ids(count: int) -> list[str]:
    return [f"{number:08x}-2222-4333-8444-555555555555" for number in range(count)]


def test_twenty_in_one_request(entra: EntraId, wire: Wire) -> None:
    wanted = ids(45)
    for id in wanted:
        wire.answer("GET", f"/users/{id}", user(id))
    assert set(entra.several(wanted)) == set(wanted)
    assert sorted(wire.batches) == [5, 20, 20]
    assert "$expand=manager($select=id)" in wire.requests[0].path
    assert wire.requests[0].headers["authorization"] == "Bearer token-1"


def test_one_alone_needs_no_envelope(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", f"/users/{ANA}", user())
    assert set(entra.several([ANA])) == {ANA}
    assert wire.batches == []


def test_only_what_was_refused_is_asked_again(entra: EntraId, wire: Wire) -> None:
    one, two, three = ids(3)
    wire.answer("GET", one, user(one))
    wire.answer("GET", two, BUSY, 429, {"Retry-After": "0.01"})
    wire.answer("GET", three, missing(three), 404)
    wire.answer("GET", two, user(two))
    assert set(entra.several([one, two, three])) == {one, two}
    asked = [request.path.partition("?")[0].rpartition("/")[2] for request in wire.requests]
    assert sorted(asked[:3]) == [one, two, three]
    assert asked[3:] == [two]


def test_who_must_wait_too_long_is_told(entra: EntraId, wire: Wire) -> None:
    one, two = ids(2)
    wire.answer("GET", one, user(one))
    wire.answer("GET", two, BUSY, 429, {"Retry-After": "40"})
    with pytest.raises(TargetDown) as down:
        entra.several([one, two])
    assert down.value.retry_after == 40


def test_an_item_without_an_answer_is_no_answer(entra: EntraId, wire: Wire) -> None:
    wire.answer("POST", r"^/\$batch", {"responses": []}, raw=True)
    with pytest.raises(TargetDown):
        entra.several(ids(2))


def test_an_envelope_that_is_refused_is_opened(entra: EntraId, wire: Wire) -> None:
    one, two = ids(2)
    wire.answer("POST", r"^/\$batch", problem("Invalid batch payload format."), 400, raw=True)
    wire.answer("GET", one, user(one))
    wire.answer("GET", two, user(two))
    assert set(entra.several([one, two])) == {one, two}


def test_an_item_that_is_not_authorised_is_sent_by_itself(entra: EntraId, wire: Wire) -> None:
    one, two = ids(2)
    expired = problem("Lifetime validation failed.", "InvalidAuthenticationToken")
    wire.answer("GET", one, user(one))
    wire.answer("GET", two, expired, 401)
    wire.answer("GET", two, user(two))
    assert set(entra.several([one, two])) == {one, two}


def test_a_lost_batch_leaves_its_writes_unknown_and_its_reads_down(
    entra: EntraId, wire: Wire, together: None
) -> None:
    """Three threads at once: the first request goes alone, the others together."""
    wire.answer("GET", "/users/" + ANA, user())
    account = entra.read(Link(ANA), None)
    assert account is not None
    gate = wire.hold("GET", f"/users/{BEN}", user(BEN))
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(entra.read, Link(BEN), None)
        gate.reached.wait(5)
        wire.answer("POST", r"^/\$batch", error=httpx.ReadTimeout("x"), raw=True)
        write = pool.submit(entra.apply, account, Step("modify", {"jobTitle": "x"}))
        read = pool.submit(entra.several, ids(1))
        wire.waiting(entra, 2)
        gate.open()
        assert first.result() is not None
        assert write.result() == Outcome("unknown")
        with pytest.raises(TargetDown):
            read.result()


def test_a_write_in_a_batch_is_refused_as_one_alone(
    entra: EntraId, wire: Wire, together: None
) -> None:
    wire.answer("GET", "/users/" + ANA, user())
    account = entra.read(Link(ANA), None)
    assert account is not None
    gate = wire.hold("GET", f"/users/{BEN}", user(BEN))
    bad = problem("Invalid value specified for property 'jobTitle' of resource 'User'.")
    wire.answer("PATCH", ANA, bad, 400)
    wire.answer("DELETE", f"/groups/{BEN}/members/{ANA}/\\$ref$", missing(ANA), 404)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(entra.read, Link(BEN), None)
        gate.reached.wait(5)
        step = Step("revoke", given=Grant("group", BEN))
        writes = [
            pool.submit(entra.apply, account, Step("modify", {"jobTitle": "x"})),
            pool.submit(entra.apply, account, step),
        ]
        wire.waiting(entra, 2)
        gate.open()
        first.result()
        refused, done = (write.result() for write in writes)
    assert [(r.kind, r.attribute) for r in refused.refusals] == [("value", "jobTitle")]
    assert done == Outcome("applied")
    assert wire.batches == [2]


# -- pages


def test_pages_follow_their_links(entra: EntraId, wire: Wire) -> None:
    next_page = "https://graph.microsoft.com/v1.0/users?$skiptoken=a%20b"
    wire.answer("GET", r"^/users\?", {"value": [user()], "@odata.nextLink": next_page})
    wire.answer("GET", r"skiptoken=a b$", {"value": [], "@odata.nextLink": next_page + "2"})
    wire.answer("GET", r"skiptoken=a b2$", {"value": [user(BEN)]})
    assert [account.anchor for account in entra.every()] == [ANA, BEN]
    first = wire.requests[0].path
    assert "$top=100" in first  # the most that Graph gives with $expand
    assert "$expand=manager($select=id)" in first
    assert "employeeId" in first


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/users?$skiptoken=x",
        "http://graph.microsoft.com/v1.0/users?$skiptoken=x",
        "https://graph.microsoft.com.evil.example/v1.0/users",
        "https://graph.microsoft.com@evil.example/v1.0/users",
        "/users?$skiptoken=x",
    ],
)
def test_our_token_is_for_our_host_alone(entra: EntraId, wire: Wire, link: str) -> None:
    wire.answer("GET", r"^/users\?", {"value": [user()], "@odata.nextLink": link})
    accounts = entra.every()
    assert next(accounts).anchor == ANA
    with pytest.raises(TargetRefused):
        next(accounts)
    assert len(wire.requests) == 1


def test_a_page_that_comes_later_is_waited_for(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", r"^/users\?", BUSY, 429, {"Retry-After": "0.01"})
    wire.answer("GET", r"^/users\?", {"value": [user()]})
    assert [account.anchor for account in entra.every()] == [ANA]


def test_a_new_account_that_is_not_seen_yet_is_not_left_out(entra: EntraId, wire: Wire) -> None:
    wire.answer("GET", "deletedItems", EMPTY)
    wire.answer("POST", "/users$", user(), 201)
    new = {
        "displayName": "Ana",
        "mailNickname": "ana",
        "userPrincipalName": "ana@norhaven.example",
        "employeeId": "1001",
    }
    assert entra.apply(None, Step("create", dict(new))).result == "applied"
    for _ in range(3):
        wire.answer("GET", f"/users/{ANA}", missing(ANA), 404)
    for _ in range(2):
        wire.answer("GET", f"deletedItems/{ANA}", missing(ANA), 404)
    with pytest.raises(TargetDown) as down:
        entra.several([ANA])
    assert down.value.retry_after
