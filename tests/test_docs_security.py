"""docs/security.md names what is there: commands with their options, settings, defaults."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

import cli
from access import gate, sign_in
from access_settings import Access, SignIn

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "security.md").read_text("utf-8")
EXAMPLE = (ROOT / "muster.example.yaml").read_text("utf-8")


def commands() -> list[str]:
    (block,) = re.findall(r"```sh\n(.*?)```", TEXT, re.S)
    return [line for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("line", commands())
def test_the_commands_can_be_given(line: str) -> None:
    words = shlex.split(line, comments=True)
    assert words[:3] == ["python", "app.py", "token"]
    group = cli.main.commands["token"]
    assert isinstance(group, click.Group)
    command = group.commands[words[3]]
    # Only parsed: what the commands do has tests of its own. Some file is there to be named.
    given = [__file__ if word.endswith(".pem") else word for word in words[4:]]
    assert command.make_context(words[3], given).params


def test_the_settings_named_are_settings() -> None:
    for section, key in re.findall(r"`(access|server)\.(\w+)`", TEXT):
        assert re.search(rf"^{section}:(\n(  .*)?)*?\n  {key}:", EXAMPLE, re.M), (section, key)


def test_the_numbers_are_those_of_the_code() -> None:
    access, session = Access(), SignIn()
    for words in (
        f"{access.requests_per_second:,.0f} requests a second",
        f"{access.burst:,.0f} at once",
        f"{gate.FAILURES} failures a minute",
        f"{sign_in.ATTEMPTS} attempts a minute",
        f"after {session.idle_minutes:.0f} minutes",
        f"after {session.longest_minutes / 60:.0f} hours",
        f"larger than {gate.LONGEST_HEADER // 1024} KiB",
    ):
        assert words in TEXT, words
    assert (gate.CACHE_SECONDS, access.token_seconds) == (2.0, 3600.0)
    assert (gate.FAILURES_SECONDS, sign_in.ATTEMPTS_SECONDS) == (60.0, 60.0)
