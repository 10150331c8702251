"""The README's commands exist, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import cli

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_scripts_are_there_and_executable() -> None:
    named = set(re.findall(r"scripts/[a-z]+", README))
    assert {"scripts/run", "scripts/test"} <= named
    assert all((ROOT / script).stat().st_mode & 0o111 for script in named)


def test_commands_are_there() -> None:
    named = set(re.findall(r"app\.py ([a-z]+)", README))
    assert {"check", "plan", "explain", "provision", "journal", "token"} <= named
    assert named <= set(cli.main.commands)


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / link).exists(), link
