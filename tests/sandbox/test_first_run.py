"""What a start without a configuration prepares, and what it refuses."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

import settings
from sandbox import first_run
from sandbox.samba import SandboxError


def test_what_is_written_is_a_configuration_for_both_directories(tmp_path: Path) -> None:
    config = tmp_path / "data" / "sandbox.yaml"
    folder = first_run.prepare(tmp_path / "data", config)
    found = settings.load(config, {})
    assert found.sandbox == settings.Sandbox(allow=True, folder=folder)
    assert {t.kind for t in found.targets.values()} == {"active_directory", "entra_id"}
    secret = found.targets["entra"].options["client_secret"].get()
    assert secret
    assert secret not in config.read_text()
    assert config.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_a_second_start_finds_the_same_addresses(tmp_path: Path) -> None:
    config = tmp_path / "sandbox.yaml"
    first_run.prepare(tmp_path / "data", config)
    before = config.read_text()
    first_run.prepare(tmp_path / "data", config)
    assert config.read_text() == before


def test_a_sandbox_is_started_as_it_was_begun(tmp_path: Path) -> None:
    config = tmp_path / "sandbox.yaml"
    first_run.prepare(tmp_path, config)
    with pytest.raises(SandboxError, match="was begun without --samba"):
        first_run.prepare(tmp_path, config, samba=True)


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "sandbox").write_text("a file is in the way")
    with pytest.raises(SandboxError, match="cannot be used"):
        first_run.prepare(tmp_path, tmp_path / "sandbox.yaml")


def test_a_taken_port_is_refused_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=f"127.0.0.1:{port} cannot be used"):
            first_run.refuse_taken_port("127.0.0.1", port)
