"""The form of a synchronizationSchema: property names in their canonical case, and its parts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_NAMES = (
    "id", "version", "directories", "synchronizationRules", "name", "readOnly",
    "discoverabilities", "discoveryDateTime", "objects", "supportedApis", "metadata",
    "attributes", "key", "value", "type", "multivalued", "anchor", "required", "caseExact",
    "mutability", "flowNullValues", "defaultValue", "apiExpressions", "referencedObjects",
    "referencedObjectName", "referencedProperty", "priority", "editable", "sourceDirectoryName",
    "targetDirectoryName", "groupFilter", "containerFilter", "objectMappings", "enabled",
    "flowTypes", "sourceObjectName", "targetObjectName", "scope", "groups", "inputFilterGroups",
    "categoryFilterGroups", "clauses", "sourceOperandName", "operatorName", "targetOperand",
    "values", "attributeMappings", "targetAttributeName", "source", "matchingPriority",
    "flowType", "flowBehavior", "exportMissingReferences", "expression", "parameters",
    "provisioningTaskIdentifier",
)  # fmt: skip
_PROPERTIES = {name.lower(): name for name in _NAMES}


class SchemaError(ValueError):
    """A file that cannot be imported: `problem; remedy`."""


def read_schema(text: str) -> dict[str, Any]:
    """The schema in a file's text, without `@odata` and in the case of today's property names.

    Raises :class:`SchemaError`.
    """
    try:
        data = json.loads(text.removeprefix("\ufeff"))
    except ValueError as error:
        raise SchemaError(f"not JSON: {error}; download the schema once more") from error
    schema = canonical(data)
    if isinstance(schema, dict) and isinstance(schema.get("schema"), dict):
        schema = schema["schema"]  # a template holds the schema as a part
    if not isinstance(schema, dict) or not isinstance(schema.get("synchronizationRules"), list):
        raise SchemaError(
            "there are no synchronizationRules; give the file of Entra's Download schema"
        )
    return schema


def canonical(data: Any) -> Any:
    """The same JSON with property names in camel case, as today; old files have PascalCase."""
    if isinstance(data, list):
        return [canonical(item) for item in data]
    if not isinstance(data, dict):
        return data
    return {
        _PROPERTIES.get(key.lower(), key): canonical(value)
        for key, value in data.items()
        if "@odata." not in key
    }


def listed(holder: Mapping[str, Any], key: str) -> list[Any]:
    """The list at `key`; a missing one and null are empty."""
    found = holder.get(key)
    return found if isinstance(found, list) else []


def attribute_definitions(
    schema: Mapping[str, Any], directory: str, object_name: str
) -> dict[str, dict[str, Any]]:
    """The attributes of an object of a directory by lower-case name."""
    for found in listed(schema, "directories"):
        if found.get("name") == directory:
            for one in listed(found, "objects"):
                if str(one.get("name")).lower() == object_name.lower():
                    return {str(a.get("name")).lower(): a for a in listed(one, "attributes")}
    return {}


def user_mappings(rule: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The object mappings of a rule that make users."""
    for mapping in listed(rule, "objectMappings"):
        if str(mapping.get("targetObjectName", "")).lower() in ("user", "users", "inetorgperson"):
            yield mapping


def metadata(holder: Mapping[str, Any]) -> dict[str, Any]:
    """Key -> value; the values are JSON inside text."""
    found = {}
    for entry in listed(holder, "metadata"):
        value = entry.get("value")
        try:
            found[str(entry.get("key"))] = json.loads(value)
        except (TypeError, ValueError):
            found[str(entry.get("key"))] = value
    return found
