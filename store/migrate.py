"""Bringing a database to the shape that this version of Muster expects.

`migrate` runs at every start. A database that is up to date costs one query; Alembic is
imported only for one that is not. `python -m store.migrate "what changes"` writes the
next revision from the difference between the newest one and `store.tables`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from store.database import Database
from store.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0008"
"""The newest revision in `migrations/versions`."""

_LOCK = 0x6D696772
"""PostgreSQL advisory lock: one process migrates, the others find it done."""


class DatabaseTooNew(Exception):
    """The database was made by a newer version of Muster."""


def migrate(db_url: str) -> None:
    """Create the database's tables, or bring them up to date; harmless to repeat.

    Any number of processes may call it at once. Everything happens in one transaction.
    Raises DatabaseTooNew when the database is ahead of this program.
    """
    db = Database(db_url)
    try:
        with db.read() as connection:
            found = _revision(connection)
        if found != HEAD:
            # Statements here must see what another process did while we waited for it.
            db.write(_upgrade, isolation="READ COMMITTED")
    finally:
        db.close()


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = _config(connection)
    found = _revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise DatabaseTooNew(
            f"The database is at revision {found}, this version of Muster knows up to {HEAD}; "
            "run the newer version, or restore the backup made before the upgrade."
        )
    command.upgrade(config, "head")


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata
    return config


def revise(message: str) -> Path:
    """Write the next revision: what brings the newest one to `store.tables`.

    For developers. Read and correct the file, then set `HEAD`. The path of the new file.
    """
    from alembic import command
    from alembic.script import ScriptDirectory

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/empty.db"
        db = Database(url)

        def work(connection: Connection) -> Path:
            config = _config(connection)
            scripts = ScriptDirectory.from_config(config)
            number = f"{len(list(scripts.walk_revisions())) + 1:04d}"
            if number != "0001":
                command.upgrade(config, "head")
            made = command.revision(config, message, autogenerate=True, rev_id=number)
            if made is None or isinstance(made, list):
                raise RuntimeError("Alembic wrote no single revision")
            return Path(made.path)

        try:
            return db.write(work)
        finally:
            db.close()


if __name__ == "__main__":
    print(revise(sys.argv[1]))
