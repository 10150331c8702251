"""SCIM schemas and resource types as data: JSON documents become immutable definitions.

The documents have the form of RFC 7643 sections 6 and 7; characteristics that they leave
out take the defaults of section 2.2. Beside the standard, an attribute may say
`"format": "date"`: text that holds a calendar day; it is not shown to clients.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

HERE = Path(__file__).parent
SCHEMA_URN = "urn:ietf:params:scim:schemas:core:2.0:Schema"
RESOURCE_TYPE_URN = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
COMMON = "common"

TYPES = frozenset(
    ("string", "boolean", "decimal", "integer", "dateTime", "reference", "binary", "complex")
)
UNKNOWN = "unknown"  # the type of an attribute that no schema declares
MUTABILITY = frozenset(("readOnly", "readWrite", "immutable", "writeOnly"))
RETURNED = frozenset(("always", "never", "default", "request"))
UNIQUENESS = frozenset(("none", "server", "global"))


class SchemaError(Exception):
    """A schema document that cannot be used: which one, and what is wrong with it."""


@dataclass(frozen=True, eq=False)
class Attribute:
    """One attribute (RFC 7643 section 2.2, 7). `subs` maps lower-case names."""

    name: str
    type: str = "string"
    multi_valued: bool = False
    description: str = ""
    required: bool = False
    canonical_values: tuple[str, ...] = ()
    case_exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    uniqueness: str = "none"
    reference_types: tuple[str, ...] = ()
    format: str | None = None
    subs: Mapping[str, Attribute] = field(default_factory=lambda: MappingProxyType({}))

    def sub(self, name: str) -> Attribute | None:
        """The sub-attribute of that name, in any case."""
        return self.subs.get(name.lower())

    def to_json(self) -> dict[str, Any]:
        """The definition as `/Schemas` shows it."""
        shown: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "multiValued": self.multi_valued,
            "description": self.description,
            "required": self.required,
        }
        if self.canonical_values:
            shown["canonicalValues"] = list(self.canonical_values)
        shown["caseExact"] = self.case_exact
        shown["mutability"] = self.mutability
        shown["returned"] = self.returned
        shown["uniqueness"] = self.uniqueness
        if self.reference_types:
            shown["referenceTypes"] = list(self.reference_types)
        if self.subs:
            shown["subAttributes"] = [sub.to_json() for sub in self.subs.values()]
        return shown


@dataclass(frozen=True, eq=False)
class Schema:
    """One schema: its URN and its attributes by lower-case name."""

    id: str
    name: str
    description: str
    attributes: Mapping[str, Attribute]

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of that name, in any case."""
        return self.attributes.get(name.lower())

    def to_json(self) -> dict[str, Any]:
        """The schema as `/Schemas` shows it, without `meta`."""
        return {
            "schemas": [SCHEMA_URN],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": [attribute.to_json() for attribute in self.attributes.values()],
        }


@dataclass(frozen=True, eq=False)
class ResourceType:
    """A kind of resource: where it is served and which schemas it is made of.

    `core` holds the common attributes and those of the main schema; `extensions` maps the
    lower-case URN to its schema; `required` has the URNs of extensions that must be there.
    """

    name: str
    endpoint: str
    description: str
    schema: Schema
    core: Mapping[str, Attribute]
    extensions: Mapping[str, Schema]
    required: frozenset[str]
    key: Attribute | None  # the attribute that is unique in a source: userName

    def attribute(self, name: str) -> Attribute | None:
        """A common or core attribute by name, in any case."""
        return self.core.get(name.lower())

    def extension(self, urn: str) -> Schema | None:
        """An extension by URN, in any case."""
        return self.extensions.get(urn.lower())

    def to_json(self) -> dict[str, Any]:
        """The resource type as `/ResourceTypes` shows it, without `meta`."""
        return {
            "schemas": [RESOURCE_TYPE_URN],
            "id": self.name,
            "name": self.name,
            "endpoint": self.endpoint,
            "description": self.description,
            "schema": self.schema.id,
            "schemaExtensions": [
                {"schema": schema.id, "required": schema.id in self.required}
                for schema in self.extensions.values()
            ],
        }


@dataclass(frozen=True, eq=False)
class Registry:
    """Everything that this server serves. `types` maps endpoints such as `/Users`."""

    schemas: Mapping[str, Schema]
    types: Mapping[str, ResourceType]

    def schema(self, urn: str) -> Schema | None:
        """A schema by URN, in any case."""
        return next((s for s in self.schemas.values() if s.id.lower() == urn.lower()), None)

    def type_named(self, name: str) -> ResourceType | None:
        """A resource type by name."""
        return next((t for t in self.types.values() if t.name == name), None)


def load(folders: Sequence[Path] = ()) -> Registry:
    """Read what ships with Muster, then every `*.json` in `folders`, in order of name.

    Whether a document is a schema or a resource type is told by its `schemas`. Raises
    SchemaError with the file and the fault.
    """
    schemas: dict[str, Schema] = {}
    kinds: list[tuple[Path, dict[str, Any]]] = []
    for file, document in _documents([HERE / "schemas", HERE / "resource_types", *folders]):
        if RESOURCE_TYPE_URN in document.get("schemas", ()):
            kinds.append((file, document))
        elif SCHEMA_URN in document.get("schemas", ()):
            schema = _schema(file, document)
            schemas[schema.id] = schema
        else:
            raise SchemaError(f"{file}: neither a Schema nor a ResourceType; see its 'schemas'")
    common = schemas.pop(COMMON)
    types = (_resource_type(file, document, schemas, common) for file, document in kinds)
    return Registry(
        schemas=MappingProxyType(schemas),
        types=MappingProxyType({kind.endpoint: kind for kind in types}),
    )


def _documents(folders: Sequence[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for folder in folders:
        if not folder.is_dir():
            raise SchemaError(f"{folder}: no such folder of schemas")
        for file in sorted(folder.glob("*.json")):
            try:
                document = json.loads(file.read_text("utf-8"))
            except ValueError as error:
                raise SchemaError(f"{file}: not JSON: {error}") from None
            if not isinstance(document, dict):
                raise SchemaError(f"{file}: a JSON object is expected")
            yield file, document


def _schema(file: Path, document: dict[str, Any]) -> Schema:
    try:
        attributes = [_attribute(file, entry) for entry in document["attributes"]]
        return Schema(
            id=document["id"],
            name=document.get("name", document["id"]),
            description=document.get("description", ""),
            attributes=MappingProxyType({a.name.lower(): a for a in attributes}),
        )
    except (KeyError, TypeError) as error:
        raise SchemaError(f"{file}: a schema needs id and attributes: {error!r}") from None


def _attribute(file: Path, entry: dict[str, Any]) -> Attribute:
    name = entry["name"]
    allowed = {
        "type": TYPES,
        "mutability": MUTABILITY,
        "returned": RETURNED,
        "uniqueness": UNIQUENESS,
    }
    for characteristic, values in allowed.items():
        value = entry.get(characteristic)
        if value is not None and value not in values:
            one_of = ", ".join(sorted(values))
            raise SchemaError(f"{file}: {name}: {characteristic} is {value!r}; it can be {one_of}")
    kind = entry.get("type", "string")
    subs = [_attribute(file, sub) for sub in entry.get("subAttributes", ())]
    if (kind == "complex") != bool(subs):
        raise SchemaError(f"{file}: {name}: complex attributes, and only they, have subAttributes")
    return Attribute(
        name=name,
        type=kind,
        multi_valued=bool(entry.get("multiValued", False)),
        description=entry.get("description", ""),
        required=bool(entry.get("required", False)),
        canonical_values=tuple(entry.get("canonicalValues", ())),
        case_exact=bool(entry.get("caseExact", False)),
        mutability=entry.get("mutability", "readWrite"),
        returned=entry.get("returned", "default"),
        uniqueness=entry.get("uniqueness", "none"),
        reference_types=tuple(entry.get("referenceTypes", ())),
        format=entry.get("format"),
        subs=MappingProxyType({sub.name.lower(): sub for sub in subs}),
    )


def _resource_type(
    file: Path, document: dict[str, Any], schemas: Mapping[str, Schema], common: Schema
) -> ResourceType:
    try:
        name, endpoint, main = document["name"], document["endpoint"], document["schema"]
        extensions = document.get("schemaExtensions", ())
        used = [main, *(extension["schema"] for extension in extensions)]
    except (KeyError, TypeError) as error:
        raise SchemaError(
            f"{file}: a resource type needs name, endpoint and schema: {error!r}"
        ) from None
    for urn in used:
        if urn not in schemas:
            raise SchemaError(f"{file}: schema {urn} is not known; put its document beside this")
    schema = schemas[main]
    unique = (
        a
        for a in schema.attributes.values()
        if a.uniqueness != "none" and a.type == "string" and not a.multi_valued
    )
    return ResourceType(
        name=name,
        endpoint="/" + endpoint.strip("/"),
        description=document.get("description", ""),
        schema=schema,
        core=MappingProxyType({**common.attributes, **schema.attributes}),
        extensions=MappingProxyType({urn.lower(): schemas[urn] for urn in used[1:]}),
        required=frozenset(e["schema"] for e in extensions if e.get("required")),
        key=next(unique, None),
    )
