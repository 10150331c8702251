"""The factory: what the web process is made of, and what it must not carry."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import app
import cli

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = (ROOT / "muster.example.yaml").read_text()
SCRIPT = """
import os, sys
sys.path.insert(0, {root!r})
from store.migrate import migrate
import app
found = app.load_settings(os.environ)
found.data.mkdir()
migrate(found.database_url)
web = app.create_app(os.environ)
assert web.test_client().get("/scim/v2/Users").status_code == 401
assert web.test_client().post("/sources/workday/workers").status_code == 401
heavy = ("msgraph", "azure", "kiota", "msal", "ldap3", "sandbox.directory", "sandbox.entra",
         "lxml", "cryptography", "jwt", "argon2", "httpx")
print(sorted(name for name in sys.modules if name.startswith(heavy)))
"""


@pytest.mark.parametrize("sandbox", ["false", "true"])
def test_the_web_process_loads_no_adapter_and_nothing_that_it_may_never_need(
    tmp_path: Path, sandbox: str
) -> None:
    config = tmp_path / "muster.yaml"
    config.write_text(EXAMPLE.replace("  allow: false", f"  allow: {sandbox}\n  folder: sandbox"))
    loaded = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(root=str(ROOT))],
        env={"MUSTER_CONFIG": str(config), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout == "[]\n"


def test_a_reload_that_cannot_be_said_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "muster.yaml"
    config.write_text("domain: x.example\nsources: {}\ntargets: {}\n")
    monkeypatch.setenv("MUSTER_CONFIG", str(config))
    monkeypatch.delenv("MUSTER_DATA", raising=False)
    nowhere = CliRunner().invoke(cli.main, ["reload"])
    assert (nowhere.exit_code, "is not there yet" in nowhere.output) == (1, True)
    (tmp_path / "data").mkdir()
    assert CliRunner().invoke(cli.main, ["reload"]).exit_code == 0
    file = tmp_path / "data" / app.RELOAD
    file.unlink()
    file.symlink_to(tmp_path / "none" / "none")
    refused = CliRunner().invoke(cli.main, ["reload"])
    assert (refused.exit_code, "cannot be touched" in refused.output) == (1, True)
