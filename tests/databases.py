"""Both databases, as fixtures: whatever the store promises, it promises on each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from store.database import Database
from store.migrate import migrate
from store.tables import person

_opened: deque[Database] = deque(maxlen=60)


@pytest.fixture(autouse=True)
def closed_databases(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test opened is closed after it: many systems give a process 1,024 files. Who
    called is noted a little later, which opens it again: so it is closed once more."""
    init = Database.__init__

    def noted(self: Database, url: str) -> None:
        init(self, url)
        _opened.append(self)

    monkeypatch.setattr(Database, "__init__", noted)
    yield
    for database in _opened:
        database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database: a SQLite file, then PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/muster.db"
    return str(request.getfixturevalue("postgres"))


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """A database with all tables and no rows."""
    migrate(database_url)
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def people(db: Database) -> Callable[[int], list[str]]:
    """Makes that many persons `p0`, `p1` ...; their ids."""

    def make(count: int) -> list[str]:
        ids = [f"p{number}" for number in range(count)]
        rows = [{"id": id, "created": 0.0, "asserted": True} for id in ids]
        db.write(lambda tx: tx.execute(person.insert(), rows) and None)
        return ids

    return make
