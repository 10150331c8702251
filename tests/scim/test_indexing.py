"""What is looked up follows the schemas, also for what was stored before they changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from scim import schema, sql
from scim.filters import parse
from scim.indexing import values
from store.database import Database
from store.resources import Value
from store.tables import metadata, resource_value
from tests.scim.conftest import Client, Server, accepted
from tests.scim.test_schema import DOCUMENTS, write

BADGE = "urn:test:scim:schemas:1.0:Badge"
DOOR = "urn:test:scim:schemas:extension:door:1.0:Badge"


def test_values_are_folded_cut_and_single() -> None:
    users = schema.load().types["/Users"]
    long = "Ä" * 600
    content = {"emails": [{"value": "A@x"}, {"value": "a@X"}, {"type": "work"}, {"value": long}]}
    found = values(users, content)
    assert found == [Value("emails.value", "a@x"), Value("emails.value", "ä" * 500)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "schemas").mkdir()
    return write(tmp_path / "schemas", **DOCUMENTS)


def change(folder: Path, name: str, **characteristics: Any) -> None:
    document = json.loads((folder / "badge.json").read_text())
    attribute = next(one for one in document["attributes"] if one["name"] == name)
    attribute.update(characteristics)
    (folder / "badge.json").write_text(json.dumps(document))


def badge(client: Client, number: str, color: str) -> None:
    body = {"schemas": [BADGE, DOOR], "number": number, "color": color, DOOR: {"hours": 1}}
    assert client.send("POST", "/Badges", body).status_code == 201


def test_an_attribute_becomes_filterable(tmp_path: Path, folder: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/muster.db")
    metadata.create_all(db.engine)
    client = Server(db, (folder,)).client("conformance", "strict")
    for number in range(1200):
        badge(client, f"B{number}", f"Color {number % 7}")
    change(folder, "color", filterable=True)
    kinds = schema.load((folder,)).types
    part = sql.translate(kinds["/Badges"], "s", parse(kinds["/Badges"], 'color eq "color 3"'))
    assert part is not None
    assert part.exact
    again = Server(db, (folder,)).client("conformance", "strict")
    found = accepted(again.get('/Badges?count=0&filter=color eq "COLOR 3"'))
    assert found["totalResults"] == 171
    badge(again, "new", "color 3")
    assert accepted(again.get('/Badges?count=0&filter=color eq "color 3"'))["totalResults"] == 172
    change(folder, "color", filterable=False)
    Server(db, (folder,))
    with db.read() as conn:
        assert conn.execute(select(resource_value)).all() == []
    db.close()


def test_what_is_not_unique_cannot_become_so(tmp_path: Path, folder: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/muster.db")
    metadata.create_all(db.engine)
    client = Server(db, (folder,)).client("conformance", "strict")
    badge(client, "1", "red")
    badge(client, "2", "RED")
    change(folder, "color", uniqueness="server")
    with pytest.raises(schema.SchemaError, match="Badge: there are equal values"):
        Server(db, (folder,))
    db.close()
