"""Bearer tokens and HTTP Basic: who is let in, for how long, and to do what."""

from __future__ import annotations

import logging

import pytest
import requests

from access.gate import FAILURES
from store import credentials
from tests.access.door import USERS, Door, basic, serving

USER = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "anna"}
BULK = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": []}
SEARCH = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}
PATCH = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "title", "value": "x"}],
}


def test_nothing_at_all_is_challenged(door: Door) -> None:
    answer = door.ask()
    assert answer.status_code == 401
    assert answer.get_json(force=True)["detail"]
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge == 'Bearer realm="Muster SCIM", Basic realm="Muster SCIM", charset="UTF-8"'


def test_a_real_client_with_a_token_and_one_with_a_password(door: Door) -> None:
    user, password = door.client("sap")
    token = door.bearer()
    with serving(door.app) as base:
        made = requests.post(base + USERS, json=USER, headers={"Authorization": token}, timeout=10)
        assert made.status_code == 201
        answer = requests.get(base + USERS, auth=(user, password), timeout=10)
        assert (answer.status_code, answer.json()["totalResults"]) == (200, 0)  # another source's
        answer = requests.get(base + USERS, auth=(user, password + "x"), timeout=10)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Muster SCIM"'


def test_a_password_may_hold_colons_and_other_letters(door: Door) -> None:
    user, password = door.client()
    assert door.status(basic(user, password)) == 200
    for other in (f"{password}:", "", "pä:ss", "\0"):
        assert door.status(basic(user, other)) == 401
    assert door.status(basic(f"{user}\0", password)) == 401
    assert door.status(basic("", password)) == 401


def test_a_token_ends_and_so_does_what_is_remembered_of_it(door: Door) -> None:
    door.gate._cache_seconds = 60.0
    token = door.bearer(expires=door.time + 60)
    assert door.status(token) == 200
    door.time += 59.9
    assert door.status(token) == 200
    door.time += 0.1
    assert door.status(token) == 401


def test_a_rotated_token_overlaps_and_the_new_one_lives_as_long(door: Door) -> None:
    old = door.bearer(expires=door.time + 1000, scopes=("read",))
    door.time += 100
    _, new = credentials.rotate(door.db, door.ids()[0], door.time, 60.0)
    assert (door.status(old), door.status(f"Bearer {new}")) == (200, 200)
    assert door.ask("POST", USERS, USER, Authorization=f"Bearer {new}").status_code == 403
    door.time += 60
    assert (door.status(old), door.status(f"Bearer {new}")) == (401, 200)
    door.time += 939
    assert door.status(f"Bearer {new}") == 200
    door.time += 1
    assert door.status(f"Bearer {new}") == 401


def test_a_revoked_token_is_out(door: Door) -> None:
    token = door.bearer()
    assert door.status(token) == 200
    assert credentials.revoke(door.db, door.ids()[0], door.time)
    assert door.status(token) == 401


def test_a_revoked_token_is_remembered_for_two_seconds_at_most(door: Door) -> None:
    moment = 1000.0
    door.gate._cache_seconds = 2.0
    door.gate._monotonic = lambda: moment
    token = door.bearer()
    assert door.status(token) == 200
    credentials.revoke(door.db, door.ids()[0], door.time)
    moment += 1.9
    assert door.status(token) == 200
    moment += 0.2
    assert door.status(token) == 401


@pytest.mark.parametrize(
    ("scopes", "method", "path", "body", "missing"),
    [
        (("read",), "GET", USERS, None, None),
        (("read",), "POST", USERS + "/.search", SEARCH, None),
        (("read",), "POST", "/scim/v2/.search", SEARCH, None),
        (("read",), "POST", USERS, USER, "write"),
        (("read",), "PUT", USERS + "/x", USER, "write"),
        (("read",), "PATCH", USERS + "/x", PATCH, "write"),
        (("read",), "DELETE", USERS + "/x", None, "write"),
        (("read", "write"), "POST", "/scim/v2/Bulk", BULK, "bulk"),
        (("read", "bulk"), "POST", "/scim/v2/Bulk", BULK, "write"),
        (("write", "bulk"), "POST", "/scim/v2/Bulk", BULK, None),
        (("write",), "POST", USERS, USER, None),
        (("write",), "GET", USERS, None, "read"),
        (("write",), "GET", USERS + "?filter=userName eq 'x'", None, "read"),
        (("write",), "GET", USERS + "/5f2c1f0e-5d0c-4c8e-9a53-3c1f8a1b2d4e", None, "read"),
        (("write",), "GET", "/receipts/x", None, "read"),
        (("bulk",), "GET", "/scim/v2/ServiceProviderConfig", None, None),
        (("bulk",), "GET", "/scim/v2/Schemas", None, None),
    ],
)
def test_a_scope_that_is_missing_is_named(
    door: Door,
    scopes: tuple[str, ...],
    method: str,
    path: str,
    body: object,
    missing: str | None,
) -> None:
    token = door.bearer("conformance", profile="strict", scopes=scopes)
    answer = door.ask(method, path, body, Authorization=token)
    if missing is None:
        assert answer.status_code < 300, answer.text
        return
    assert answer.status_code == 403
    assert f"'{missing}'" in answer.get_json(force=True)["detail"]
    challenge = answer.headers["WWW-Authenticate"]
    assert f'error="insufficient_scope", scope="{missing}"' in challenge


def test_a_credential_may_have_another_profile_than_its_source(door: Door) -> None:
    loose = {"userName": "anna", "favouriteColour": "blue"}
    assert door.ask("POST", USERS, loose, Authorization=door.bearer()).status_code == 201
    strict = door.bearer(profile="strict")
    answer = door.ask("POST", USERS, {**loose, "userName": "bo"}, Authorization=strict)
    assert answer.status_code == 400


def test_no_source_sees_what_another_sent(door: Door) -> None:
    made = door.ask("POST", USERS, USER, Authorization=door.bearer())
    place = f"{USERS}/{made.get_json(force=True)['id']}"
    other = door.bearer("sap")
    assert door.status(other, "GET", place) == 404
    assert door.status(other, "DELETE", place) == 404
    assert door.ask("PUT", place, USER, Authorization=other).status_code == 404


def test_every_failure_is_in_the_journal_without_the_secret(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    token = door.bearer()
    user, password = door.client()
    with caplog.at_level(logging.WARNING, "muster.access"):
        door.ask(Authorization=token + "x", peer="203.0.113.9")
        door.ask(Authorization=basic(user, password[:-1]), peer="203.0.113.9")
        door.ask(Authorization="Bearer", peer="203.0.113.9")
    entry = door.noted()[-1]
    assert (entry["what"], entry["count"]) == ("refused", 3)
    assert {(one["reason"], one["client"]) for one in entry["from"]} == {
        ("unknown, expired or revoked token", "workday"),
        ("wrong user name or password", user),
        ("malformed header", None),
    }
    assert {one["address"] for one in entry["from"]} == {"203.0.113.9"}
    told = caplog.text + str(door.noted())
    for secret in (token.removeprefix("Bearer muster_workday_"), password[:-1]):
        assert all(secret[at : at + 4] not in told for at in range(0, len(secret) - 4, 4))
    assert caplog.text.count("refused: ") == 3


def test_who_brings_nothing_or_may_not_do_that_is_in_the_journal_too(door: Door) -> None:
    reader = door.bearer(scopes=("read",))
    for _ in range(100):  # nothing can be guessed that way: nobody is told to wait
        assert door.ask(peer="203.0.113.9").status_code == 401
    answer = door.ask("POST", USERS, USER, Authorization=reader, peer="203.0.113.7")
    assert answer.status_code == 403
    [entry] = [one for one in door.noted() if one["what"] == "refused"]
    assert entry["reasons"] == {"no credential": 100, "scope write": 1}
    silent, known = sorted(entry["from"], key=lambda one: one["reason"])
    assert (silent["client"], silent["address"]) == (None, "203.0.113.9")
    assert known["client"]
    assert known["address"] == "203.0.113.7"


def test_a_flood_of_failures_is_counted_and_does_not_fill_the_journal(door: Door) -> None:
    for number in range(200):
        door.ask(Authorization=f"Bearer muster_x{number}_y", peer=f"203.0.113.{number}")
    found = [entry for entry in door.noted() if entry["what"] == "refused"]
    assert sum(entry["count"] for entry in found) == 200
    assert len(found) <= 2
    assert all(len(entry["from"]) <= 20 for entry in found)


def test_who_fails_often_is_told_to_wait_and_locks_nobody_out(door: Door) -> None:
    token = door.bearer()
    answers = [door.ask(Authorization=token + "x") for _ in range(FAILURES + 10)]
    assert [answer.status_code for answer in answers[:FAILURES]] == [401] * FAILURES
    assert {answer.status_code for answer in answers[FAILURES:]} == {429}
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert door.status(token) == 200  # the real one, from the same address
    assert door.ask(Authorization=token + "x", peer="198.51.100.2").status_code == 401


def test_use_is_remembered(door: Door) -> None:
    token = door.bearer()
    door.status(token)
    door.gate.notes.flush()
    with door.db.read() as connection:
        assert credentials.listed(connection)[0]["last_used"] == door.time


def test_changes_of_credentials_are_in_the_journal(door: Door) -> None:
    door.bearer(scopes=("read",))
    id = door.ids()[0]
    credentials.rotate(door.db, id, door.time, 60.0)
    credentials.revoke(door.db, id, door.time)
    made, rotated, revoked = door.noted()
    assert (made["what"], made["credential"], made["scopes"]) == ("credential created", id, "read")
    assert (rotated["what"], rotated["replaces"]) == ("credential rotated", id)
    assert (revoked["what"], revoked["credential"]) == ("credential revoked", id)
