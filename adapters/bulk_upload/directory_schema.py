"""A source's mappings as a synchronizationSchema, and the attributes a client adds to it.

Shown is what our own documents say, one rule per target. A client may add attributes to
the source's side, as Microsoft's script does before it sends columns of its own; rules
are changed in the documents alone, because a token of HR's decides about nobody's account.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.bulk_upload import principal
from mappings.entra.exporting import export_schema
from mappings.entra.names import GRAPH
from mappings.entra.schema import canonical, listed
from mappings.inbound import Inbound
from mappings.outbound import Outbound
from mappings.targets import ENTRA_ID, KINDS
from scim.schema import Attribute, ResourceType

MOST = 500
"""Attributes that a client may add."""
_DEEPEST = 6
"""Levels of an expression that its tree shows."""
_TYPES = {"boolean": "Boolean", "integer": "Integer", "dateTime": "DateTime", "binary": "Binary"}
_KNOWN = ("Binary", "Boolean", "DateTime", "Integer", "Reference", "String")
_TYPED = ("work", "home", "mobile", "fax", "other")


class NotASchema(ValueError):
    """What was sent cannot be the schema; the text says what to change."""


def shown(
    source: str,
    inbound: Inbound | None,
    outbounds: Mapping[str, tuple[Outbound, str]],
    user: ResourceType,
    added: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The schema. `outbounds` maps a target to its mapping and kind; `added` is what a client
    added. Raises mappings.entra.schema.SchemaError when a kept import is unusable."""
    directories: dict[str, dict[str, Any]] = {}
    rules: list[dict[str, Any]] = []
    # Entra's comes first: Microsoft's clients look at the first rule, and know its targets.
    ordered = sorted(outbounds.items(), key=lambda one: KINDS[one[1][1]] is not ENTRA_ID)
    for target, (outbound, kind) in ordered if inbound is not None else ():
        assert inbound is not None
        schema, _ = export_schema(inbound, outbound, KINDS[kind], _kept(outbound), ours=True)
        rule = listed(schema, "synchronizationRules")[0]
        _prune(rule)
        name = str(rule.get("name") or "USER_INBOUND_USER")
        own = uuid.uuid5(uuid.NAMESPACE_URL, f"{principal.job_id(source)}/{target}")
        rules.append({**rule, "id": str(own), "name": f"{name}_{target}"})
        directories.setdefault(str(rule["sourceDirectoryName"]), _directory(
            str(rule["sourceDirectoryName"]), [*_source_side(user), *added]
        ))  # fmt: skip
        directories.setdefault(str(rule["targetDirectoryName"]), _directory(
            str(rule["targetDirectoryName"]), [_definition(a) for a in _target_side(rule, outbound)]
        ))  # fmt: skip
    if not directories:
        directories["API"] = _directory("API", [*_source_side(user), *added])
    return {
        "id": principal.job_id(source),
        "version": "v1.0",
        "directories": list(directories.values()),
        "synchronizationRules": rules,
    }


def additions(sent: Mapping[str, Any], known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The attributes that `sent` has on the source's side and that we do not. `known` is the
    schema without additions. Raises NotASchema, also when anything else differs."""
    sent = canonical(sent)
    for key in ("directories", "synchronizationRules"):
        if not isinstance(sent.get(key), list):
            raise NotASchema(f"{key}: a list is expected.")
    if not _has_all(sent["synchronizationRules"], known["synchronizationRules"]):
        raise NotASchema(
            "synchronizationRules: rules are changed in the mapping documents "
            "(app.py mappings import), not here; send them as GET shows them, at most with "
            "further attributeMappings, which change nothing."
        )
    ours = known["directories"][0]
    there = {str(attribute["name"]).lower() for attribute in _attributes(ours)}
    found: dict[str, dict[str, Any]] = {}
    for directory in sent["directories"]:
        if isinstance(directory, dict) and directory.get("name") == ours["name"]:
            for attribute in _attributes(directory):
                name = attribute.get("name")
                if not isinstance(name, str) or not 0 < len(name.strip()) <= 500:
                    raise NotASchema("directories: an attribute has no name.")
                if name.lower() not in there:
                    kind = attribute.get("type")
                    found[name.lower()] = _definition(
                        name.strip(),
                        kind if kind in _KNOWN else "String",
                        several=attribute.get("multivalued") is True,
                    )
    if len(found) > MOST:
        raise NotASchema(f"directories: more than {MOST} attributes are added.")
    return list(found.values())


def _has_all(sent: Sequence[Any], known: Sequence[Any]) -> bool:
    """Whether the rules are those that are known, but for attribute mappings that are added:
    Microsoft's web client adds what it misses before it sends, and means no harm."""
    if len(sent) != len(known):
        return False
    return all(
        isinstance(one, dict)
        and _plain(_without_mappings(one)) == _plain(_without_mappings(ours))
        and all(
            _only_adds(theirs, own)
            for theirs, own in zip(_mappings(one), _mappings(ours), strict=True)
        )
        for one, ours in zip(sent, known, strict=True)
    )


def _mappings(rule: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = rule.get("objectMappings")
    found = [found] if isinstance(found, dict) else listed(rule, "objectMappings")
    return [one for one in found if isinstance(one, dict)]


def _without_mappings(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule without the rows of its object mappings."""
    bare = [
        {key: value for key, value in one.items() if key != "attributeMappings"}
        for one in _mappings(rule)
    ]
    return {**rule, "objectMappings": bare}


def _only_adds(sent: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether an object mapping has every row that is known, and others for other targets:
    `employeeId` beside Active Directory's `employeeID` is one to that client."""
    rows = sent.get("attributeMappings")
    rows = [rows] if isinstance(rows, dict) else listed(sent, "attributeMappings")
    left = [_plain(row) for row in rows]
    targets = set()
    for row in listed(known, "attributeMappings"):
        plain = _plain(row)
        if plain not in left:
            return False
        left.remove(plain)
        targets.add(plain["targetAttributeName"])
    added = [row.get("targetAttributeName") if isinstance(row, dict) else None for row in left]
    return all(isinstance(name, str) and name not in targets for name in added)


def _target_side(rule: Mapping[str, Any], outbound: Outbound) -> list[str]:
    """What the target has: what the rows fill, and what is filled in no way Entra has."""
    rows = [str(row["targetAttributeName"]) for one in _mappings(rule) for row in
            listed(one, "attributeMappings")]  # fmt: skip
    names = {graph: entra for entra, graph in GRAPH.items()}
    return list(dict.fromkeys([*rows, *(names.get(a, a) for a in outbound.attribute_names)]))


def _attributes(directory: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for one in listed(directory, "objects"):
        if isinstance(one, dict):
            yield from (item for item in listed(one, "attributes") if isinstance(item, dict))


def _plain(value: Any) -> Any:
    """Without what scripts lose or add on the way: nulls and empty things, and the list around
    a single item."""
    if isinstance(value, dict):
        found = {key: _plain(item) for key, item in value.items()}
        return {key: item for key, item in found.items() if item not in (None, "", [], {})}
    if isinstance(value, list):
        plain = [_plain(item) for item in value]
        return plain[0] if len(plain) == 1 else plain
    return value


def _prune(rule: Mapping[str, Any]) -> None:
    """Take the trees of long expressions away, whose text says it all: a schema has to be
    shallow enough to be sent back."""
    for mapping in _mappings(rule):
        for row in listed(mapping, "attributeMappings"):
            source = row.get("source")
            if isinstance(source, dict) and _depth(source) > _DEEPEST:
                row["source"] = {**source, "parameters": []}


def _depth(source: Mapping[str, Any]) -> int:
    inner = [parameter.get("value") or {} for parameter in listed(source, "parameters")]
    return 1 + max(map(_depth, inner), default=0)


def _kept(outbound: Outbound) -> Any:
    if outbound.kept is None or not outbound.kept.is_file():
        return None
    return json.loads(outbound.kept.read_text(encoding="utf-8"))


def _directory(name: str, attributes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"muster directory {name}")),
        "name": name,
        "readOnly": False,
        "version": None,
        "discoverabilities": "None",
        "discoveryDateTime": None,
        "objects": [
            {"name": "User", "supportedApis": [], "metadata": [], "attributes": list(attributes)}
        ],
    }


def _source_side(user: ResourceType) -> Iterator[dict[str, Any]]:
    for attribute in user.core.values():
        if attribute.name not in ("schemas", "meta"):
            yield from _flat("", attribute)
    for extension in user.extensions.values():
        for attribute in extension.attributes.values():
            yield from _flat(f"{extension.id}:", attribute)


def _flat(prefix: str, attribute: Attribute) -> Iterator[dict[str, Any]]:
    """An attribute by the paths at which a mapping finds its values."""
    name = prefix + attribute.name
    if attribute.rows is not None or attribute.returned == "never":
        return
    if not attribute.subs:
        yield _definition(name, _TYPES.get(attribute.type, "String"), anchor=name == "externalId")
        return
    types = attribute.sub("type") if attribute.multi_valued else None
    places = [name]
    if types is not None:
        kinds = types.canonical_values or _TYPED
        places = [f'{name}[type eq "{kind}"]' for kind in kinds]
    for place in places:
        for sub in attribute.subs.values():
            if sub.name not in ("type", "$ref"):
                yield _definition(f"{place}.{sub.name}", _TYPES.get(sub.type, "String"))


def _definition(
    name: str, type: str = "String", *, several: bool = False, anchor: bool = False
) -> dict[str, Any]:
    return {
        "name": name,
        "type": type,
        "multivalued": several,
        "anchor": anchor,
        "required": anchor,
        "caseExact": anchor,
        "mutability": "ReadWrite",
        "flowNullValues": False,
        "defaultValue": None,
        "apiExpressions": [],
        "metadata": [],
        "referencedObjects": [],
    }
