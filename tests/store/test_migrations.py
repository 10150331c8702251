from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text

from store.database import Database
from store.migrate import HEAD, DatabaseTooNew, migrate
from store.tables import metadata, setting

ROOT = Path(__file__).parents[2]


def test_the_revisions_make_exactly_the_tables(database_url: str) -> None:
    """When this fails: `python -m store.migrate "what changes"`, read it, set HEAD."""
    migrate(database_url)
    db = Database(database_url)
    with db.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        differences = compare_metadata(context, metadata)
    if db.is_sqlite:  # it has no identity columns, so none comes back
        differences = [found for found in differences if not _is_identity(found)]
    assert differences == []
    db.close()


def _is_identity(found: Any) -> bool:
    if not isinstance(found, list) or found[0][0] != "modify_default":
        return False
    _, _, table, column = found[0][:4]
    return metadata.tables[table].c[column].identity is not None


def test_indexes_are_as_partial_as_the_tables_say(tmp_path: Path) -> None:
    """Alembic does not compare the WHERE of an index, nor AUTOINCREMENT; SQLite keeps the
    statements themselves."""
    url = f"sqlite:///{tmp_path}/migrated.db"
    migrate(url)
    migrated = Database(url)
    direct = Database(f"sqlite:///{tmp_path}/direct.db")
    metadata.create_all(direct.engine)

    def shapes(db: Database) -> dict[str, str]:
        made = text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        with db.read() as connection:
            found = {name: " ".join(sql.split()) for name, sql in connection.execute(made)}
        return {
            name: sql
            for name, sql in found.items()
            if sql.startswith(("CREATE INDEX", "CREATE UNIQUE")) or "AUTOINCREMENT" in sql
        }

    assert shapes(migrated) == shapes(direct)
    migrated.close()
    direct.close()


def test_repeating_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    db = Database(database_url)
    db.write(lambda tx: tx.execute(setting.insert().values(name="kept", value="yes")))
    migrate(database_url)
    with db.read() as connection:
        assert connection.execute(select(setting.c.value)).scalar() == "yes"
        assert connection.execute(text("SELECT version_num FROM alembic_version")).all() == [
            (HEAD,)
        ]
    db.close()


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "store" / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_a_database_from_the_future_is_left_alone(database_url: str) -> None:
    migrate(database_url)
    db = Database(database_url)
    db.write(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(DatabaseTooNew, match=rf"9999.* knows up to {HEAD}"):
        migrate(database_url)
    with db.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == (
            "9999"
        )
    db.close()


def test_several_processes_may_start_at_once(database_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        pool.map(migrate, [database_url] * 4, chunksize=1)
    db = Database(database_url)
    with db.read() as connection:
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}
    db.close()


def test_it_runs_from_anywhere_and_alembic_stays_out_when_there_is_nothing_to_do(
    tmp_path: Path,
) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from store.migrate import migrate\n"
        "migrate(f'sqlite:///{sys.argv[2]}/muster.db')\n"
        "print('alembic' in sys.modules)"
    )

    def run() -> str:
        return subprocess.run(
            [sys.executable, "-c", program, str(ROOT), str(tmp_path)],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    assert run() == "True"
    assert run() == "False"


def test_what_was_stored_before_groups_is_counted_and_its_tokens_follow_their_source(
    database_url: str,
) -> None:
    from alembic import command

    from store import lists
    from store.migrate import _config

    db = Database(database_url)

    def old(tx: Any) -> None:
        command.upgrade(_config(tx), "0003")
        for number in range(5):
            tx.execute(
                text(
                    "INSERT INTO resource (seq, id, source, type, document, version, created, "
                    "modified, deleted) VALUES (:n, :id, 'workday', 'User', '{}', 1, 0, 0, :gone)"
                ),
                {"n": number * 4000 + 1, "id": f"r{number}", "gone": 1.0 if number == 3 else None},
            )
        tx.execute(
            text(
                "INSERT INTO credential (id, source, kind, digest, profile, created) "
                "VALUES ('c', 'workday', 'bearer', 'd', 'hr', 0)"
            )
        )

    db.write(old, isolation="READ COMMITTED")
    migrate(database_url)
    with db.read() as connection:
        assert lists.count(connection, "workday", "User") == 4
        page = lists.page(connection, "workday", "User", 1, 10)
        assert [row.id for row in page] == ["r1", "r2", "r4"]
        assert connection.execute(text("SELECT profile FROM credential")).scalar() == ""
    db.close()
