"""Schemas are data: what ships is right, what is added is served, what is wrong is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scim import schema
from scim.profiles import HR, STRICT
from store.database import Database
from store.tables import metadata
from tests.scim.conftest import ENTERPRISE, PATCH_OP, WORKER, Client, Server, accepted, refused

BADGE = "urn:test:scim:schemas:1.0:Badge"
DOOR = "urn:test:scim:schemas:extension:door:1.0:Badge"
SCHEMA = ["urn:ietf:params:scim:schemas:core:2.0:Schema"]
DOCUMENTS: dict[str, Any] = {
    "badge": {
        "schemas": SCHEMA,
        "id": BADGE,
        "name": "Badge",
        "attributes": [
            {"name": "number", "required": True, "uniqueness": "server", "caseExact": True},
            {"name": "issued", "type": "dateTime", "mutability": "immutable"},
            {"name": "floors", "type": "integer", "multiValued": True},
            {"name": "color", "returned": "request"},
            {"name": "pin", "mutability": "writeOnly", "returned": "never"},
            {"name": "state", "mutability": "readOnly"},
            {
                "name": "holder",
                "type": "complex",
                "subAttributes": [
                    {"name": "value", "required": True, "returned": "always"},
                    {"name": "note"},
                ],
            },
        ],
    },
    "door": {
        "schemas": SCHEMA,
        "id": DOOR,
        "name": "Door",
        "attributes": [{"name": "hours", "type": "decimal", "required": True}],
    },
    "type": {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "name": "Badge",
        "endpoint": "Badges",
        "schema": BADGE,
        "schemaExtensions": [{"schema": DOOR, "required": True}],
    },
}


def write(folder: Path, **documents: Any) -> Path:
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(
            document if isinstance(document, str) else json.dumps(document)
        )
    return folder


def test_what_ships() -> None:
    registry = schema.load()
    worker = registry.schema(WORKER.lower())
    assert worker is not None
    assert len(worker.attributes) == 43
    dates = {a.name for a in worker.attributes.values() if a.format == "date"}
    assert {"hireDate", "terminationDate", "contractEndDate", "lastDayOfWork"} <= dates
    users = registry.types["/Users"]
    assert users.key is not None
    assert users.key.name == "userName"
    assert users.extension(ENTERPRISE.upper()) is registry.schema(ENTERPRISE)
    assert "format" not in json.dumps(worker.to_json()["attributes"][7])


def test_the_keys_that_profiles_keep_are_attributes() -> None:
    users = schema.load().types["/Users"]
    for path in HR.sticky:
        urn, _, name = path.rpartition(":")
        found = users.extension(urn).attribute(name) if urn else users.attribute(name)  # type: ignore[union-attr]
        assert found is not None, path
        assert path == (f"{urn}:{found.name}" if urn else found.name)
    assert STRICT.sticky == frozenset()


class TestAddedTypes:
    @pytest.fixture
    def client(self, tmp_path: Path) -> Iterator[Client]:
        (tmp_path / "schemas").mkdir()
        db = Database(f"sqlite:///{tmp_path}/muster.db")
        metadata.create_all(db.engine)
        folder = write(tmp_path / "schemas", **DOCUMENTS)
        yield Server(db, (folder,)).client("conformance", "strict")
        db.close()

    def body(self, **more: Any) -> dict[str, Any]:
        made = {"schemas": [BADGE, DOOR], "number": "B1", DOOR: {"hours": 8.5}, **more}
        return {name: value for name, value in made.items() if value is not None}

    def make(self, client: Client, **more: Any) -> dict[str, Any]:
        answer = client.send("POST", "/Badges", self.body(**more))
        assert answer.status_code == 201, answer.text
        return answer.get_json(force=True)  # type: ignore[no-any-return]

    def test_they_are_found(self, client: Client) -> None:
        kind = client.get("/ResourceTypes/Badge").get_json(force=True)
        assert kind["schemaExtensions"] == [{"schema": DOOR, "required": True}]
        assert client.get(f"/Schemas/{BADGE}").status_code == 200

    def test_they_are_served(self, client: Client) -> None:
        made = self.make(client, floors=[1, 2], holder={"value": "p1"})
        assert made["meta"]["resourceType"] == "Badge"
        assert made["meta"]["location"].endswith(f"/scim/v2/Badges/{made['id']}")
        where = f"/Badges/{made['id']}"
        assert accepted(client.get(where)) == made
        found = accepted(
            client.get("/Badges?filter=floors%20gt%201%20and%20number%20eq%20%22B1%22")
        )
        assert [badge["id"] for badge in found["Resources"]] == [made["id"]]
        assert client.send("DELETE", where).status_code == 204
        refused(client.get(where), 404)
        refused(client.get(f"/Users/{made['id']}"), 404)

    def test_their_characteristics_count(self, client: Client) -> None:
        refused(client.send("POST", "/Badges", self.body(number=None)), 400, "invalidValue")
        detail = refused(
            client.send("POST", "/Badges", {**self.body(), DOOR: {}}), 400, "invalidValue"
        )
        assert DOOR in detail
        refused(client.send("POST", "/Badges", self.body(floors=["x"])), 400, "invalidValue")
        refused(client.send("POST", "/Badges", self.body(floors=[1.5])), 400, "invalidValue")
        refused(
            client.send("POST", "/Badges", self.body(holder={"note": "x"})), 400, "invalidValue"
        )
        self.make(client)
        refused(client.send("POST", "/Badges", self.body()), 409, "uniqueness")
        self.make(client, number="b1")  # caseExact

    def test_immutable_attributes_are_set_once(self, client: Client) -> None:
        where = f"/Badges/{self.make(client)['id']}"
        day = "2026-03-16T09:00:00Z"
        assert accepted(client.send("PUT", where, self.body(issued=day)))["issued"] == day
        refused(
            client.send("PUT", where, self.body(issued="2027-01-01T00:00:00Z")), 400, "mutability"
        )
        assert accepted(client.send("PUT", where, self.body()))["issued"] == day
        remove = {"Operations": [{"op": "remove", "path": "issued"}], "schemas": [PATCH_OP]}
        refused(client.send("PATCH", where, remove), 400, "mutability")

    def test_what_is_returned(self, client: Client) -> None:
        made = self.make(
            client, color="red", pin="1234", state="x", holder={"value": "p", "note": "n"}
        )
        assert made["color"] == "red"  # the client has just said it
        assert not {"pin", "state"} & made.keys()
        where = f"/Badges/{made['id']}"
        assert "color" not in accepted(client.get(where))
        patch = {
            "schemas": [PATCH_OP],
            "Operations": [{"op": "add", "path": "color", "value": "b"}],
        }
        assert accepted(client.send("PATCH", where, patch))["color"] == "b"
        patch["Operations"] = [{"op": "add", "path": "floors", "value": [1]}]
        assert "color" not in accepted(client.send("PATCH", where, patch))
        client.send("PUT", where, self.body(color="red", holder={"value": "p", "note": "n"}))
        shown = accepted(client.get(f"{where}?attributes=color,holder.note,pin"))
        assert shown == {
            "schemas": [BADGE, DOOR],
            "id": made["id"],
            "color": "red",
            "holder": {"value": "p", "note": "n"},
        }
        assert accepted(client.get(f"{where}?attributes=number"))["holder"] == {"value": "p"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "{"}, "not JSON"),
        ({"type": [1]}, "object, or a list"),
        ({"type": {"schemas": []}}, "neither"),
        ({"door": None}, "not known"),
        ({"type": {**DOCUMENTS["type"], "schema": "urn:none"}}, "urn:none"),
        ({"type": {"schemas": DOCUMENTS["type"]["schemas"]}}, "needs name"),
        ({"door": {"schemas": SCHEMA, "id": DOOR}}, "needs id and attributes"),
        ({"door": {"schemas": SCHEMA, "id": DOOR, "attributes": [{"type": "string"}]}}, "name"),
        (
            {"door": {**DOCUMENTS["door"], "attributes": [{"name": "x", "type": "text"}]}},
            "x: type is 'text'",
        ),
        (
            {"door": {**DOCUMENTS["door"], "attributes": [{"name": "x", "type": "complex"}]}},
            "subAttributes",
        ),
        (
            {"door": {**DOCUMENTS["door"], "attributes": [{"name": "x", "returned": "often"}]}},
            "returned is 'often'",
        ),
    ],
)  # fmt: skip
def test_a_wrong_document_is_named_with_its_fault(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    documents = {k: v for k, v in {**DOCUMENTS, **change}.items() if v is not None}
    with pytest.raises(schema.SchemaError, match=r"\.json: ") as caught:
        schema.load([write(tmp_path, **documents)])
    assert words in str(caught.value)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(schema.SchemaError, match="no such folder"):
        schema.load([tmp_path / "none"])
