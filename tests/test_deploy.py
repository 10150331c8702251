"""deploy/: units that systemd accepts and that give little away."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

import cli

ROOT = Path(__file__).resolve().parents[1]
UNITS = sorted((ROOT / "deploy").glob("*.service"))
PYTHON = "/opt/muster/.venv/bin/python"
EXPOSURE = 2.0
"""Of 10, as `systemd-analyze security` counts; an ordinary service has 9.6."""


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    """`systemd-analyze WORDS`; skips or fails the test where there is none."""
    program = shutil.which("systemd-analyze")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no systemd-analyze here; CI has to run these tests", pytrace=False)
        pytest.skip("UNITS NOT TESTED: systemd-analyze is not installed")
    return subprocess.run(
        [program, *words], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(params=UNITS, ids=lambda path: path.name)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit, with the Python of here in the place of the one that it will find."""
    source: Path = request.param
    text = source.read_text("utf-8")
    assert PYTHON in text
    copy = tmp_path / source.name
    copy.write_text(text.replace(PYTHON, sys.executable))
    return copy


def test_there_is_a_unit_for_both_and_for_each() -> None:
    assert [path.stem for path in UNITS] == ["muster-web", "muster-worker", "muster"]


def test_systemd_accepts_it(unit: Path) -> None:
    done = analyze("verify", "--man=no", str(unit))
    assert done.returncode == 0, done.stderr
    assert unit.name not in done.stderr, done.stderr


def test_a_wrong_unit_is_seen(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectSystem", "ProtektSystem"))
    assert "ProtektSystem" in analyze("verify", "--man=no", str(unit)).stderr


def test_it_can_reach_little(unit: Path) -> None:
    threshold = f"--threshold={round(EXPOSURE * 10)}"
    done = analyze("security", "--offline=true", "--no-pager", threshold, str(unit))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_its_commands_are_there(path: Path) -> None:
    text = path.read_text("utf-8")
    lines = re.findall(r"^Exec\w+=(\S+) /opt/muster/app\.py (.+)$", text, re.MULTILINE)
    assert len(lines) == len(re.findall(r"^Exec", text, re.MULTILINE)) == 2
    for python, words in lines:
        assert python == PYTHON
        name, *options = words.split()
        command = cli.main.commands[name]
        assert isinstance(command, click.Command)
        assert set(options) <= {option for one in command.params for option in one.opts}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_only_the_master_is_told_to_stop(path: Path) -> None:
    """uWSGI's web processes drop their requests at a SIGTERM of their own."""
    text = path.read_text("utf-8")
    assert ("app.py run" in text) == ("KillMode=mixed" in text)
