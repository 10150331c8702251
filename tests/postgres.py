"""A real PostgreSQL for tests: a private cluster in a temporary folder, on a Unix socket.

Fixtures (registered by `tests/conftest.py`):

postgres          SQLAlchemy URL of an empty database of this test's own
postgres_cluster  the running cluster, one per test session

Without PostgreSQL these tests are skipped and say so; with `CI=true` they fail instead.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

INIT = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
RUN = ("-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60")
_PATIENCE = 30.0  # seconds for a cluster to take connections, or to end


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL whose superuser is `postgres`; `socket` is its folder."""

    socket: Path

    def url(self, database: str) -> str:
        """SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.socket}"

    def execute(self, statement: str) -> None:
        """Run one statement outside any transaction."""
        import psycopg

        with psycopg.connect(
            f"host={self.socket} user=postgres dbname=postgres", autocommit=True
        ) as connection:
            connection.execute(statement)


def _programs() -> Path | None:
    """The folder of the newest PostgreSQL server on this machine."""
    found = [
        (int(match.group(1)), folder)
        for folder in Path("/usr/lib/postgresql").glob("*/bin")
        if (match := re.match(r"(\d+)", folder.parent.name)) and (folder / "initdb").exists()
    ]
    if found:
        return max(found)[1]
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; CI has to run these tests", pytrace=False)
    pytest.skip(f"NOT TESTED ON POSTGRESQL: {reason}")


def _owner() -> str | None:
    """Whom the server runs as when we are root, which PostgreSQL refuses to be."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A cluster that lives as long as the test session."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        _missing("psycopg is not installed")
    programs = _programs()
    if programs is None:
        _missing("no PostgreSQL server on this machine")
    owner = _owner()
    as_owner: dict[str, Any] = {"user": owner, "group": pwd.getpwnam(owner).pw_gid} if owner else {}
    # Not pytest's folder: the server's user has to reach it, and a socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="muster-pg-", dir="/tmp"))
    if owner:
        os.chown(folder, pwd.getpwnam(owner).pw_uid, pwd.getpwnam(owner).pw_gid)
    server: subprocess.Popen[bytes] | None = None
    try:
        subprocess.run(
            [programs / "initdb", *INIT, "-D", folder / "data"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **as_owner,
        )
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", *RUN, "-D", folder / "data", "-k", folder],
                stdout=log,
                stderr=log,
                cwd=folder,
                **as_owner,
            )
        cluster = Cluster(folder)
        _wait(cluster, server, folder / "log")
        yield cluster
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)  # "fast": ends sessions, then itself
            server.wait(_PATIENCE)
        shutil.rmtree(folder)


def _wait(cluster: Cluster, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    end = time.monotonic() + _PATIENCE
    while True:
        try:
            cluster.execute("SELECT 1")
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > end:
                pytest.fail(f"PostgreSQL does not start:\n{log.read_text()[-2000:]}", pytrace=False)
            time.sleep(0.1)


@pytest.fixture
def postgres(postgres_cluster: Cluster) -> Iterator[str]:
    """URL of a database without tables, dropped after the test."""
    name = f"t_{uuid.uuid4().hex}"
    postgres_cluster.execute(f'CREATE DATABASE "{name}"')
    yield postgres_cluster.url(name)
    postgres_cluster.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
