"""The pages in a real browser, over real HTTP."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask, Response
from sqlalchemy import select
from werkzeug.serving import make_server

import console
from access.notes import Notes
from access.sign_in import Desk, hashed
from access_settings import SignIn
from console.directories import Dump
from store import operators
from store.clocks import machine_now
from store.database import Database
from store.tables import session
from tests.console.conftest import Add

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PHONE = 380
"""CSS pixels."""
RULER = """<!doctype html><body><script>
for (const path of ["/", "/directories", "/person/p1"]) {
  const frame = document.createElement("iframe");
  frame.style = "width: 380px; height: 900px; border: 0";
  frame.src = path;
  frame.onload = () => {
    const says = document.createElement("p");
    says.textContent = `${path} is ${frame.contentDocument.documentElement.scrollWidth}`;
    document.body.append(says);
  };
  document.body.append(frame);
}
</script>"""


@pytest.fixture
def browser() -> str:
    """A headless browser's command; without one the test is skipped, but not in CI."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no chromium in CI")
        pytest.skip("NO BROWSER HERE: install chromium to see the page as a person would")
    return found


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """An application on a free port of loopback."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def seen(browser: str, url: str, profile: Path) -> str:
    """A page as the browser has it in the end; fails when anything of it was blocked."""
    done = subprocess.run(
        [
            browser,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            f"--user-data-dir={profile}",
            "--virtual-time-budget=1000",
            "--dump-dom",
            url,
        ],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    # What a Content-Security-Policy blocks is logged so.
    assert "Refused to" not in done.stderr
    assert "violates" not in done.stderr
    return done.stdout


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_people_and_styles_arrive(app: Flask, browser: str, tmp_path: Path) -> None:
    with serving(app) as url:
        page = seen(browser, f"{url}/?q=zo%C3%AB", tmp_path)
    assert "Zoë Müller" in page
    assert "Bo Off" not in page


@pytest.fixture
def sandbox(db: Database, add: Add) -> Flask:
    """A sandbox's console with one person, everything about them long."""
    name = "Małgorzata Wiśniewska-Łuczak-Ångström-Ødegård"
    dn = f"CN={name},OU=People of the North,DC=norhaven,DC=example"
    facts = {"displayName": name, "title": "Head of Coating", "managementLevel": "x" * 60}
    add("p1", facts, hint=dn, waits_on="manager-ref:workday:" + "w" * 60)
    held = {
        "objectGUID": "guid-p1",
        "displayName": name,
        "sAMAccountName": "mwisniewskaluczakang",
        "userAccountControl": 512,
        "manager": dn,
    }
    dump: Dump = {"ad": [{"dn": dn, "attributes": held}], "entra": []}
    app = Flask("sandbox", static_folder=None)
    app.register_blueprint(console.create_blueprint(db, ("ad", "entra"), lambda: dump))
    return app


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_directories_arrive(sandbox: Flask, browser: str, tmp_path: Path) -> None:
    with serving(sandbox) as url:
        page = seen(browser, f"{url}/directories", tmp_path)
    assert "mwisniewskaluczakang" in page
    assert "in People of the North" in page


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_pages_fit_a_phone(sandbox: Flask, browser: str, tmp_path: Path) -> None:
    @sandbox.after_request
    def let_the_ruler_look(answer: Response) -> Response:
        for name in ("Content-Security-Policy", "X-Frame-Options"):
            answer.headers.pop(name, None)
        return answer

    sandbox.add_url_rule("/ruler", "ruler", lambda: RULER)
    with serving(sandbox) as url:
        page = seen(browser, f"{url}/ruler", tmp_path)
    widths = dict(re.findall(r"<p>(\S+) is (\d+)</p>", page))
    assert set(widths) == {"/", "/directories", "/person/p1"}
    assert {path: int(width) for path, width in widths.items() if int(width) > PHONE} == {}


SIGNING_IN = """<!doctype html><body><script>
const form = new URLSearchParams({name: "admin", password: "correct horse battery"});
fetch("%s/sign-in", {method: "POST", body: form, mode: "%s", credentials: "include"})
  .then((answer) => answer.text())
  .then((text) => {
    const says = document.createElement("pre");
    says.textContent = text;
    document.body.append(says);
  });
</script>"""


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_signing_in_works_from_our_page_and_not_from_another_sites(
    db: Database, browser: str, tmp_path: Path
) -> None:
    now = machine_now()
    kept = hashed("correct horse battery")
    db.write(lambda tx: operators.set_password(tx, "admin", kept, now))
    notes = Notes(db, machine_now, machine_now)
    desk = Desk(db, SignIn(), notes, now=machine_now)
    app = Flask("reachable", static_folder=None)
    app.register_blueprint(
        console.create_blueprint(db, ("ad",), None, desk, "https://muster.norhaven.example")
    )
    app.add_url_rule("/driver", "driver", lambda: SIGNING_IN % ("", "same-origin"))

    def sessions() -> int:
        with db.read() as connection:
            return len(connection.execute(select(session)).all())

    with serving(app) as url:
        assert 'name="password"' in seen(browser, f"{url}/", tmp_path)
        other = Flask("attacker", static_folder=None)
        other.add_url_rule("/", "driver", lambda: SIGNING_IN % (url, "no-cors"))
        with serving(other) as elsewhere:
            seen(browser, elsewhere.replace("127.0.0.1", "localhost") + "/", tmp_path)
        assert sessions() == 0
        assert "Zoë Müller" in seen(browser, f"{url}/driver", tmp_path)
    assert sessions() == 1
