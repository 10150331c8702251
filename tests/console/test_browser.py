"""The page in a real browser, over real HTTP."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture
def browser() -> str:
    """A headless browser's command; without one the test is skipped, but not in CI."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no chromium in CI")
        pytest.skip("NO BROWSER HERE: install chromium to see the page as a person would")
    return found


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    """The console on a free port of loopback."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_people_and_styles_arrive(browser: str, url: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            browser,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            f"--user-data-dir={tmp_path}",
            "--virtual-time-budget=1000",
            "--dump-dom",
            f"{url}/?q=zo%C3%AB",
        ],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    page = done.stdout
    assert "Zoë Müller" in page
    assert "Bo Off" not in page
    assert "Refused to" not in done.stderr  # what a Content-Security-Policy blocks is logged so
    assert "violates" not in done.stderr
