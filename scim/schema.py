"""SCIM schemas and resource types as data: JSON documents become immutable definitions.

The documents have the form of RFC 7643 sections 6 and 7; characteristics that they leave
out take the defaults of section 2.2. Beside the standard, and not shown to clients, an
attribute may say

    "format": "date"       text that holds a calendar day
    "filterable": true     filters find its values by an index (text and references)
    "rows": "members"      its values are kept as rows, and name members of the resource
    "rows": "groups"       computed from these rows: what the resource is a member of

and the extension of a resource type `"onlyPeople": true`: it is understood from everybody,
but shown only to sources whose resources become people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
ROWS = frozenset(("members", "groups"))
RESERVED = frozenset(
    ("me", "bulk", "schemas", "resourcetypes", "serviceproviderconfig", ".search", "v2", "")
)
_NAME = re.compile(r"(?:[A-Za-z][A-Za-z0-9_-]*|\$ref)\Z")


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
    filterable: bool = False
    rows: str | None = None
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
class Lookup:
    """Values that are kept to be looked up: those at `path`, which is `attribute` of
    `extension` (None: core) or its `sub`. `single`: no two resources may have the same."""

    path: str
    extension: str | None
    attribute: Attribute
    sub: Attribute | None
    single: bool

    @property
    def leaf(self) -> Attribute:
        """The attribute whose values they are."""
        return self.sub or self.attribute


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
    members: Attribute | None  # whose values are rows: Group's members
    groups: Attribute | None  # computed from such rows: User's groups
    lookups: tuple[Lookup, ...]
    only_people: frozenset[str]  # URNs of extensions not shown to all

    def attribute(self, name: str) -> Attribute | None:
        """A common or core attribute by name, in any case."""
        return self.core.get(name.lower())

    def extension(self, urn: str) -> Schema | None:
        """An extension by URN, in any case."""
        return self.extensions.get(urn.lower())

    def shown(self, *, people: bool) -> list[Schema]:
        """The schema and the extensions that a client is told of."""
        extensions = self.extensions.values()
        return [self.schema, *(e for e in extensions if people or e.id not in self.only_people)]

    def to_json(self, *, people: bool) -> dict[str, Any]:
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
                for schema in self.shown(people=people)[1:]
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
        if not isinstance(document.get("schemas", ()), list):
            raise SchemaError(f"{file}: 'schemas' is a list")
        if RESOURCE_TYPE_URN in document.get("schemas", ()):
            kinds.append((file, document))
        elif SCHEMA_URN in document.get("schemas", ()):
            schema = _schema(file, document)
            schemas[schema.id] = schema
        else:
            raise SchemaError(f"{file}: neither a Schema nor a ResourceType; see its 'schemas'")
    common = schemas.pop(COMMON)
    types: dict[str, ResourceType] = {}
    for file, document in kinds:
        kind = _resource_type(file, document, schemas, common)
        others = [other for other in types.values() if other.endpoint != kind.endpoint]
        if kind.name in [other.name for other in others]:
            raise SchemaError(f"{file}: there is another resource type {kind.name}")
        types[kind.endpoint] = kind
    return Registry(schemas=MappingProxyType(schemas), types=MappingProxyType(types))


def _documents(folders: Sequence[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for folder in folders:
        if not folder.is_dir():
            raise SchemaError(f"{folder}: no such folder of schemas")
        for file in sorted(folder.glob("*.json")):
            try:
                document = json.loads(file.read_text("utf-8"))
            except ValueError as error:
                raise SchemaError(f"{file}: not JSON: {error}") from None
            for one in document if isinstance(document, list) else [document]:
                if not isinstance(one, dict):
                    raise SchemaError(f"{file}: a JSON object, or a list of them, is expected")
                yield file, one


def _schema(file: Path, document: dict[str, Any]) -> Schema:
    try:
        attributes = _attributes(file, document["attributes"])
        if not isinstance(document["id"], str):
            raise TypeError("id is text")
        return Schema(
            id=document["id"],
            name=document.get("name", document["id"]),
            description=document.get("description", ""),
            attributes=MappingProxyType({a.name.lower(): a for a in attributes}),
        )
    except (KeyError, TypeError) as error:
        raise SchemaError(f"{file}: a schema needs id and attributes: {error!r}") from None


def _attributes(file: Path, entries: Any) -> list[Attribute]:
    found: dict[str, Attribute] = {}
    for entry in entries:
        attribute = _attribute(file, entry)
        if attribute.name.lower() in found:
            raise SchemaError(f"{file}: {attribute.name} is there twice")
        found[attribute.name.lower()] = attribute
    return list(found.values())


def _attribute(file: Path, entry: dict[str, Any]) -> Attribute:
    name = entry["name"]
    if not isinstance(name, str) or not _NAME.match(name):
        raise SchemaError(f"{file}: {name!r} is no name of an attribute (RFC 7643 section 2.1)")
    allowed = {
        "type": TYPES,
        "mutability": MUTABILITY,
        "returned": RETURNED,
        "uniqueness": UNIQUENESS,
        "rows": ROWS,
    }
    for characteristic, values in allowed.items():
        value = entry.get(characteristic)
        if value is not None and value not in values:
            one_of = ", ".join(sorted(values))
            raise SchemaError(f"{file}: {name}: {characteristic} is {value!r}; it can be {one_of}")
    kind = entry.get("type", "string")
    subs = _attributes(file, entry.get("subAttributes", ()))
    if (kind == "complex") != bool(subs):
        raise SchemaError(f"{file}: {name}: complex attributes, and only they, have subAttributes")
    if any(sub.type == "complex" for sub in subs):
        raise SchemaError(f"{file}: {name}: a sub-attribute cannot be complex")
    if entry.get("filterable") and kind not in ("string", "reference"):
        raise SchemaError(f"{file}: {name}: filterable is for text and references")
    return Attribute(
        name=name,
        type=kind,
        multi_valued=bool(entry.get("multiValued", False)),
        description=entry.get("description", ""),
        required=bool(entry.get("required", False)),
        canonical_values=tuple(entry.get("canonicalValues", ())),
        # RFC 7643 sections 2.3.6 and 2.3.7: these two are always case exact.
        case_exact=bool(entry.get("caseExact", kind in ("reference", "binary"))),
        mutability=entry.get("mutability", "readWrite"),
        returned=entry.get("returned", "default"),
        uniqueness=entry.get("uniqueness", "none"),
        reference_types=tuple(entry.get("referenceTypes", ())),
        format=entry.get("format"),
        filterable=bool(entry.get("filterable", False)),
        rows=entry.get("rows"),
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
    if endpoint.strip("/").lower() in RESERVED or "/" in endpoint.strip("/"):
        raise SchemaError(f"{file}: endpoint {endpoint!r} cannot be used")
    schema = schemas[main]
    unique = (
        a
        for a in schema.attributes.values()
        if a.uniqueness != "none" and a.type == "string" and not a.multi_valued
    )
    key = next(unique, None)
    rows = {a.rows: a for a in schema.attributes.values() if a.rows}
    inner = {urn.lower(): schemas[urn] for urn in used[1:]}
    return ResourceType(
        name=name,
        endpoint="/" + endpoint.strip("/"),
        description=document.get("description", ""),
        schema=schema,
        core=MappingProxyType({**common.attributes, **schema.attributes}),
        extensions=MappingProxyType(inner),
        required=frozenset(e["schema"] for e in extensions if e.get("required")),
        key=key,
        members=rows.get("members"),
        groups=rows.get("groups"),
        lookups=tuple(_lookups(schema, inner.values(), key)),
        only_people=frozenset(e["schema"] for e in extensions if e.get("onlyPeople")),
    )


def _lookups(
    schema: Schema, extensions: Iterable[Schema], key: Attribute | None
) -> Iterator[Lookup]:
    """Which values are kept to be looked up; the key has a column of its own."""
    places: list[tuple[str | None, Attribute]] = [(None, a) for a in schema.attributes.values()]
    for extension in extensions:
        places += [(extension.id, attribute) for attribute in extension.attributes.values()]
    for urn, attribute in places:
        if attribute.rows:
            continue
        for sub in attribute.subs.values() or [None]:
            leaf = sub or attribute
            single = leaf.uniqueness != "none"
            if leaf is not key and (leaf.filterable or single):
                path = f"{urn}:{attribute.name}" if urn else attribute.name
                path = f"{path}.{sub.name}" if sub else path
                yield Lookup(path, urn, attribute, sub, single)
