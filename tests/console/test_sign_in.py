"""Where others than this machine can reach the console, operators sign in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

import console
from access.notes import Notes
from access.sign_in import Desk, hashed
from access_settings import Proxies, SignIn
from console.operators import create_operator_group, first_operator
from settings import Settings
from store import journal, operators
from store.database import Database
from store.tables import operator, session

pytestmark = pytest.mark.usefixtures("busy")
NAME, PASSWORD, NEW = "admin", "correct horse battery", "an even longer sentence"
ELSEWHERE = {"REMOTE_ADDR": "198.51.100.4"}
PAGES = ("/", "/people.json", "/person/p-right", "/person/p-right.json", "/password")


class Clock:
    def __init__(self) -> None:
        self.time = 1_773_651_600.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def notes(db: Database, clock: Clock) -> Iterator[Notes]:
    made = Notes(db, clock, clock)
    yield made
    made.flush()


@pytest.fixture
def make(db: Database, clock: Clock, notes: Notes, tmp_path: Path) -> Callable[[str], Flask]:
    """Makes the console as an address has it."""

    def make(base_url: str) -> Flask:
        db.write(lambda tx: operators.set_password(tx, NAME, hashed(PASSWORD), clock()))
        app = Flask("test", static_folder=None)
        file = tmp_path / "first-password"
        desk = Desk(db, SignIn(), notes, now=clock, first_password=file)
        app.register_blueprint(console.create_blueprint(db, ("ad",), None, desk, base_url))
        return app

    return make


@pytest.fixture
def browser(make: Callable[[str], Flask]) -> FlaskClient:
    """A browser on another machine."""
    client = make("http://muster.norhaven.example").test_client()
    client.environ_base.update(ELSEWHERE)
    return client


def sign_in(browser: FlaskClient, password: str = PASSWORD, name: str = NAME) -> TestResponse:
    return browser.post("/sign-in", data={"name": name, "password": password})


def form_of(answer: TestResponse) -> str:
    found = re.search(r'name="form" value="(\w+)"', answer.text)
    assert found is not None
    return found[1]


def said(db: Database) -> list[dict[str, Any]]:
    with db.read() as connection:
        found = journal.entries(connection, kind="access")
    return [{**entry.body, **(entry.values or {})} for entry in found]


def test_nobody_sees_anything_before(browser: FlaskClient) -> None:
    for path in PAGES:
        answer = browser.get(path)
        if path.endswith(".json"):
            assert answer.status_code == 401
        else:
            assert (answer.status_code, answer.location) == (303, "/sign-in")
        assert "Müller" not in answer.text
    assert browser.get("/sign-in").status_code == 200
    with browser.get("/console/console.css") as style:
        assert style.status_code == 200
    for path in ("/sign-out", "/password"):
        assert browser.post(path).status_code in (303, 403)


def test_this_machine_is_no_exception(browser: FlaskClient) -> None:
    answer = browser.get("/people.json", environ_overrides={"REMOTE_ADDR": "127.0.0.1"})
    assert answer.status_code == 401


def test_signing_in_and_out(browser: FlaskClient, db: Database) -> None:
    answer = sign_in(browser)
    assert (answer.status_code, answer.location) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    secret = re.search(r"muster_session=([^;]+)", cookie)
    assert secret is not None
    with db.read() as connection:
        assert secret[1] not in str(connection.execute(select(session)).all())
    home = browser.get("/")
    assert "Zoë Müller" in home.text
    assert home.headers["Cache-Control"] == "no-store"
    assert browser.get("/people.json").status_code == 200
    old = browser.get_cookie("muster_session")
    assert old is not None
    answer = browser.post("/sign-out", data={"form": form_of(home)})
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    browser.set_cookie("muster_session", old.value)
    assert browser.get("/people.json").status_code == 401  # ended here, not only in the browser
    assert [one["what"] for one in said(db)][-2:] == ["operator signed in", "operator signed out"]


@pytest.mark.parametrize(
    ("name", "password"),
    [
        (NAME, "wrong"),
        (NAME, ""),
        (NAME, PASSWORD.upper()),
        ("nobody", PASSWORD),
        ("", ""),
        ("a\0b", "x"),
        (NAME, "x" * 5000),
        ("'; DROP TABLE operator; --", "x"),
        (PASSWORD, "typed into the wrong field"),
    ],
)
def test_wrong_names_and_passwords(
    browser: FlaskClient, db: Database, notes: Notes, name: str, password: str
) -> None:
    answer = sign_in(browser, password, name)
    assert answer.status_code == 401
    assert "The name or the password is not right." in answer.text
    assert "Set-Cookie" not in answer.headers
    notes.flush()
    entry = said(db)[-1]
    assert entry["from"][0]["client"] == (NAME if name == NAME else None)
    assert entry["from"][0]["address"] == "198.51.100.4"
    assert PASSWORD not in str(entry)


def test_guessing_is_slowed_down_for_that_address_alone(browser: FlaskClient) -> None:
    answers = [sign_in(browser, "wrong") for _ in range(12)]
    assert {answer.status_code for answer in answers[:10]} == {401}
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1
    browser.environ_base["REMOTE_ADDR"] = "198.51.100.9"
    assert sign_in(browser).status_code == 303


def test_a_session_ends_when_nobody_is_at_work(browser: FlaskClient, clock: Clock) -> None:
    sign_in(browser)
    for _ in range(5):
        clock.time += 15 * 60
        assert browser.get("/people.json").status_code == 200
    for _ in range(5):  # a page left open asks again and again
        clock.time += 5 * 60
        answer = browser.get("/people.json", headers={"Muster-Refresh": "1"})
    assert answer.status_code == 401


def test_a_session_ends_after_a_working_day(browser: FlaskClient, clock: Clock) -> None:
    sign_in(browser)
    for _ in range(72):
        clock.time += 10 * 60
        assert browser.get("/people.json").status_code == 200
    clock.time += 1
    assert browser.get("/people.json").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Origin": "http://[bad"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_other_sites_change_nothing(browser: FlaskClient, headers: dict[str, str]) -> None:
    answer = browser.post("/sign-in", data={"name": NAME, "password": PASSWORD}, headers=headers)
    assert answer.status_code == 403
    sign_in(browser)
    form = form_of(browser.get("/"))
    assert browser.post("/sign-out", data={"form": form}, headers=headers).status_code == 403
    assert browser.get("/people.json").status_code == 200


def test_a_form_without_the_sessions_token_changes_nothing(browser: FlaskClient) -> None:
    sign_in(browser)
    form = form_of(browser.get("/"))
    sign_in(browser)  # another session: another token
    for data in ({}, {"form": ""}, {"form": form}, {"form": "ä"}):
        assert browser.post("/sign-out", data=data).status_code == 403
    own = {"Origin": "http://muster.norhaven.example", "Sec-Fetch-Site": "same-origin"}
    data = {"form": form_of(browser.get("/"))}
    assert browser.post("/sign-out", data=data, headers=own).status_code == 303


def test_a_new_password_ends_all_other_sessions(
    browser: FlaskClient, make: Callable[[str], Flask]
) -> None:
    sign_in(browser)
    other = browser.application.test_client()
    other.environ_base.update(ELSEWHERE)
    sign_in(other)
    form = form_of(browser.get("/password"))

    def change(old: str, new: str, again: str) -> TestResponse:
        data = {"form": form, "old": old, "new": new, "again": again}
        return browser.post("/password", data=data)

    for old, new, again, status, problem in (
        ("wrong", NEW, NEW, 401, "not right"),
        (PASSWORD, NEW, NEW + "x", 400, "not the same"),
        (PASSWORD, "short", "short", 400, "at least 12"),
        (PASSWORD, "x" * 2000, "x" * 2000, 400, "at most 1024"),
        (PASSWORD, "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", 400, "too easy"),
        (PASSWORD, "the Admin is me!", "the Admin is me!", 400, "too easy"),
        (PASSWORD, PASSWORD, PASSWORD, 400, "the old password"),
    ):
        answer = change(old, new, again)
        assert (answer.status_code, problem in answer.text) == (status, True), answer.text
    assert change(PASSWORD, NEW, NEW).status_code == 303
    assert browser.get("/people.json").status_code == 200
    assert other.get("/people.json").status_code == 401
    other.environ_base["REMOTE_ADDR"] = "198.51.100.9"  # this one has tried often enough
    assert sign_in(other).status_code == 401
    assert sign_in(other, NEW).status_code == 303


def test_the_first_password_has_to_be_changed(
    db: Database, clock: Clock, notes: Notes, tmp_path: Path
) -> None:
    file = first_operator(db, tmp_path)
    assert file is not None
    assert file.stat().st_mode & 0o077 == 0
    assert first_operator(db, tmp_path) == file
    first = file.read_text().strip()
    with db.read() as connection:
        assert first not in str(connection.execute(select(operator)).all())
    desk = Desk(db, SignIn(), notes, now=clock, first_password=file)
    app = Flask("test", static_folder=None)
    app.register_blueprint(console.create_blueprint(db, ("ad",), None, desk, "http://x.example"))
    browser = app.test_client()
    sign_in(browser, first)
    assert browser.get("/").location == "/password"
    assert browser.get("/people.json").status_code == 302
    page = browser.get("/password")
    data = {"form": form_of(page), "old": first, "new": NEW, "again": NEW}
    assert browser.post("/password", data=data).status_code == 303
    assert browser.get("/").status_code == 200
    assert not file.exists()
    assert first_operator(db, tmp_path) is None
    assert sign_in(browser, first).status_code == 401


def test_over_tls_and_below_a_prefix_the_cookie_stays_there(make: Callable[[str], Flask]) -> None:
    app = make("https://muster.norhaven.example/muster")
    browser = app.test_client()
    data = {"name": NAME, "password": PASSWORD}
    proxied = {"SCRIPT_NAME": "/muster", "HTTP_X_FORWARDED_FOR": "198.51.100.4"}
    cookie = browser.post("/sign-in", data=data, environ_overrides=proxied).headers["Set-Cookie"]
    assert "Secure" in cookie
    assert "Path=/muster;" in cookie + ";"
    cookie = browser.post("/sign-in", data=data).headers["Set-Cookie"]  # through a tunnel
    assert "Secure" not in cookie


def test_operators_from_the_terminal(db: Database, browser: FlaskClient, tmp_path: Path) -> None:
    settings = Settings(
        path=None, data=tmp_path, database_url="", host="", port=0, sources={}, targets={}
    )
    group = create_operator_group(lambda prepared=False: (settings, db))

    def run(*words: str, typed: str = "") -> str:
        return CliRunner().invoke(group, words, input=typed).output

    assert "can sign in" in run("set", "zoe", typed=f"{NEW}\n{NEW}\n")
    assert "at least 12" in run("set", "bo", typed="short\nshort\n")
    assert NEW not in str(run("list"))
    assert run("list") == "admin\nzoe\n"
    assert sign_in(browser, NEW, "zoe").status_code == 303
    assert "no operator any more" in run("remove", "zoe")
    assert browser.get("/people.json").status_code == 401
    assert "there is no operator" in run("remove", "zoe")


@pytest.mark.parametrize(
    ("host", "base_url", "trusted", "reachable"),
    [
        ("127.0.0.1", "", False, False),
        ("localhost", "", False, False),
        ("::1", "http://localhost:8080", False, False),
        ("0.0.0.0", "", False, True),
        ("192.0.2.1", "", False, True),
        ("muster.norhaven.example", "", False, True),
        ("127.0.0.1", "https://muster.norhaven.example", False, True),
        ("127.0.0.1", "", True, True),
    ],
)
def test_when_there_is_something_to_sign_in_to(
    tmp_path: Path, host: str, base_url: str, trusted: bool, reachable: bool
) -> None:
    from ipaddress import ip_network

    networks = (ip_network("127.0.0.1"),) if trusted else ()
    settings = Settings(
        path=None,
        data=tmp_path,
        database_url="",
        host=host,
        port=8080,
        sources={},
        targets={},
        proxies=Proxies(base_url, networks),
    )
    assert settings.is_reachable == reachable
