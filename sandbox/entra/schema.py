"""The types of Graph's resources, read from the installed msgraph-sdk.

The SDK's model classes are generated from Graph's own metadata. Importing one and
asking it for its deserialisers would pull in some 1,200 modules; so its source is
parsed instead and nothing of the SDK is ever imported here.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.entra.errors import GraphError, bad_request, malformed

_EDM = {
    "str": "Edm.String",
    "bool": "Edm.Boolean",
    "int": "Edm.Int32",
    "float": "Edm.Double",
    "uuid": "Edm.Guid",
    "datetime": "Edm.DateTimeOffset",
    "date": "Edm.Date",
    "time": "Edm.TimeOfDay",
    "timedelta": "Edm.Duration",
    "bytes": "Edm.Binary",
}
_PYTHON: dict[str, tuple[type, ...]] = {"bool": (bool,), "int": (int,), "float": (int, float)}


@dataclass(frozen=True)
class Field:
    """A property: `kind` is `str`, `bool`, `datetime` ... or `enum` or `object`."""

    kind: str
    many: bool = False
    type: str = ""
    """enum, object: the class in the SDK, `PasswordProfile`."""

    @property
    def edm(self) -> str:
        """The type's name as Graph's errors say it."""
        name = _EDM.get(self.kind) or graph_name(self.type)
        return f"Collection({name})" if self.many else name

    @property
    def relation(self) -> bool:
        """Whether the value is another resource (`manager`), not part of this one."""
        return self.kind == "object" and _model(self.type).entity


def graph_name(type_name: str) -> str:
    """`PasswordProfile` as `microsoft.graph.passwordProfile`."""
    return f"microsoft.graph.{type_name[:1].lower()}{type_name[1:]}"


@cache
def fields(type_name: str) -> Mapping[str, Field]:
    """The properties of a model class by their JSON names, those of its parents included.

    Raises LookupError when the installed SDK has no such class.
    """
    return _model(type_name).fields


def field(type_name: str, path: str) -> Field | None:
    """The property at `path` (`employeeOrgData/division`), or None when there is none."""
    name, _, rest = path.partition("/")
    found = fields(type_name).get(name)
    if found is None or not rest:
        return found
    return field(found.type, rest) if found.kind == "object" else None


def checked(type_name: str, body: Any, *, top: bool = True) -> dict[str, Any]:
    """`body` with every value of the right type, instants in UTC.

    Raises GraphError 400. Annotations (`@odata.type`) are left out. A class without
    properties of its own (customSecurityAttributes) takes anything.
    """
    if not isinstance(body, dict):
        raise malformed(_expected("StartObject", body))
    known = fields(type_name)
    result: dict[str, Any] = {}
    for name, value in body.items():
        if "@odata." in name:
            continue
        found = known.get(name)
        if found is None and ((top and is_extension(name)) or not known):
            result[name] = value
            continue
        if found is None or found.relation:
            raise _unknown(name, type_name, top)
        result[name] = _value(name, found, value)
    return result


def is_extension(name: str) -> bool:
    """Whether the name is that of a directory extension: `extension_<appId>_<name>`."""
    prefix, _, rest = name.partition("_")
    application, _, own = rest.partition("_")
    return prefix == "extension" and len(application) == 32 and own != ""


def _value(name: str, expected: Field, value: Any) -> Any:
    if expected.many:
        if value is None:
            kind = f"{expected.edm}[Nullable=False]"
            raise malformed(
                f"A null value was found for the property named '{name}', which has the expected "
                f"type '{kind}'. The expected type '{kind}' does not allow null values."
            )
        if not isinstance(value, list):
            raise malformed(_expected("StartArray", value))
        single = Field(expected.kind, False, expected.type)
        if any(item is None for item in value):
            raise bad_request(
                "A null value was detected in the items of a collection property value; "
                "non-nullable instances of collection types do not support null values as items."
            )
        return [_value(name, single, item) for item in value]
    if value is None:
        return None
    if expected.kind == "object":
        return checked(expected.type, value, top=False)
    if expected.kind in _PYTHON:
        wanted = _PYTHON[expected.kind]
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            raise _not_a(expected)
        return value
    if not isinstance(value, str):
        raise _not_a(expected)
    if expected.kind == "datetime":
        return _instant(value, expected)
    if expected.kind == "enum" and value not in _model(expected.type).members:
        raise _not_a(expected)
    return value


def _instant(value: str, expected: Field) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise _not_a(expected) from None
    if moment.tzinfo is None or "T" not in value.upper():
        raise _not_a(expected)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise _not_a(expected) from None
    return moment.replace(tzinfo=None).isoformat() + "Z"


def _not_a(expected: Field) -> GraphError:
    return bad_request(
        f"Cannot convert a primitive value to the expected type '{expected.edm}'. "
        "See the inner exception for more details."
    )


def _expected(node: str, value: Any) -> str:
    found = "PrimitiveValue"
    if isinstance(value, dict | list):
        found = "StartObject" if isinstance(value, dict) else "StartArray"
    return (
        f"An unexpected '{found}' node was found when reading from the JSON reader. "
        f"A '{node}' node was expected."
    )


def _unknown(name: str, type_name: str, top: bool) -> GraphError:
    if top:
        return bad_request(
            f"Property '{name}' does not exist as a declared property or extension property."
        )
    return malformed(
        f"The property '{name}' does not exist on type '{graph_name(type_name)}'. "
        "Make sure to only use property names that are defined by the type."
    )


# Reading the SDK's source.


@dataclass(frozen=True)
class _Model:
    fields: Mapping[str, Field]
    members: frozenset[str]
    """enum: the values."""
    entity: bool
    """Whether objects of this class have an id of their own: a property is then a relation."""


@cache
def _folder() -> Path:
    found = importlib.util.find_spec("msgraph")
    if found is None or not found.submodule_search_locations:
        raise LookupError("msgraph-sdk is not installed")
    return Path(found.submodule_search_locations[0]) / "generated" / "models"


@cache
def _model(type_name: str) -> _Model:
    if type_name == "Entity":  # the root of all relations; its file is 1,200 lines for one property
        return _Model({"id": Field("str")}, frozenset(), True)
    file = _folder() / f"{_MODULES.get(type_name, _snake(type_name))}.py"
    try:
        tree = ast.parse(file.read_text("utf-8"))
    except OSError:
        raise LookupError(f"msgraph-sdk has no model {type_name}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
            _MODULES.update({alias.name: node.module for alias in node.names})
    found = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == type_name)
    bases = [base.id for base in found.bases if isinstance(base, ast.Name)]
    if "Enum" in bases:
        return _Model({}, frozenset(_enum_members(found)), False)
    parents = [_model(base) for base in bases if base not in _MIXINS]
    own: dict[str, Field] = {}
    for parent in parents:
        own.update(parent.fields)
    own.update({name: _field(reader) for name, reader in _deserialisers(found)})
    own.pop("@odata.type", None)
    return _Model(own, frozenset(), any(parent.entity for parent in parents))


_MIXINS = frozenset({"AdditionalDataHolder", "BackedModel", "Parsable"})
_MODULES: dict[str, str] = {}
"""Where a class lies, as far as an import statement has said it."""


def _snake(type_name: str) -> str:
    """`DirectoryObject` as `directory_object`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type_name).lower()


def _enum_members(found: ast.ClassDef) -> list[str]:
    values: list[str] = []
    for node in found.body:
        if isinstance(node, ast.Assign):
            for constant in ast.walk(node.value):
                if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                    values.append(constant.value)
    return values


def _deserialisers(found: ast.ClassDef) -> list[tuple[str, ast.Call]]:
    """The pairs of JSON name and `n.get_..._value(...)` of `get_field_deserializers`."""
    pairs: list[tuple[str, ast.Call]] = []
    for method in found.body:
        if not isinstance(method, ast.FunctionDef) or method.name != "get_field_deserializers":
            continue
        for node in ast.walk(method):
            if not isinstance(node, ast.Dict):
                continue
            for key, value in zip(node.keys, node.values, strict=True):
                assert isinstance(key, ast.Constant)
                assert isinstance(value, ast.Lambda)
                assert isinstance(value.body, ast.Call)
                reader = value.body.args[2]
                assert isinstance(reader, ast.Call)
                pairs.append((str(key.value), reader))
    return pairs


def _field(reader: ast.Call) -> Field:
    assert isinstance(reader.func, ast.Attribute)
    name = reader.func.attr  # get_str_value, get_collection_of_object_values
    argument = reader.args[0] if reader.args else None
    type_name = argument.id if isinstance(argument, ast.Name) else ""
    many = name.startswith("get_collection_of_")
    if "primitive" in name:
        return Field({"UUID": "uuid"}.get(type_name, type_name), many)
    kind = name.removeprefix("get_collection_of_").removeprefix("get_")
    kind = kind.removesuffix("_values").removesuffix("_value")
    return Field(kind, many, type_name)
