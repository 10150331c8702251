"""Which rule of a schema is meant, and between which systems it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mappings.entra.names import SOURCES, SourceKind
from mappings.entra.schema import SchemaError, listed, user_mappings
from mappings.targets import ACTIVE_DIRECTORY, ENTRA_ID, Kind

_ENTRA = ("azure active directory", "microsoft entra id", "entra id")


@dataclass(frozen=True)
class Chosen:
    """One rule's mapping of users, with the kinds of both ends."""

    rule: dict[str, Any]
    mapping: dict[str, Any]
    source: SourceKind
    target: Kind


def choose(schema: Mapping[str, Any], name: str | None = None) -> Chosen:
    """The rule of that name, or the only one that goes from HR into a directory.

    Raises :class:`SchemaError`.
    """
    rules = [rule for rule in listed(schema, "synchronizationRules") if isinstance(rule, dict)]
    if name is not None:
        rules = [rule for rule in rules if rule.get("name") == name]
        if not rules:
            known = ", ".join(_names(schema)) or "none"
            raise SchemaError(f"there is no rule {name}; the file has {known}")
    found = [(rule, ends) for rule in rules if (ends := _ends(rule)) is not None]
    if not found:
        said = ", ".join(_described(rule) for rule in rules) or "no rule at all"
        raise SchemaError(
            "no rule goes from an HR system into Active Directory or Entra ID "
            f"({said}); export the schema of an inbound provisioning job"
        )
    if len(found) > 1:
        said = ", ".join(str(rule.get("name")) for rule, _ in found)
        raise SchemaError(f"several rules go into a directory; choose one with --rule: {said}")
    rule, (source, target) = found[0]
    mappings = list(user_mappings(rule))
    if not mappings:
        raise SchemaError(f"{rule.get('name')} maps no users; choose another rule")
    return Chosen(rule, mappings[0], source, target)


def _names(schema: Mapping[str, Any]) -> list[str]:
    return [str(rule.get("name")) for rule in listed(schema, "synchronizationRules")]


def _described(rule: Mapping[str, Any]) -> str:
    return f"{rule.get('sourceDirectoryName')} to {rule.get('targetDirectoryName')}"


def _ends(rule: Mapping[str, Any]) -> tuple[SourceKind, Kind] | None:
    """The kinds of a rule's two systems; None when it is not from HR into a directory."""
    source_name = str(rule.get("sourceDirectoryName", "")).lower()
    target = _target(rule)
    if target is None or source_name in (*_ENTRA, "active directory"):
        return None
    for source in SOURCES:
        if source.directory.lower() in source_name:
            return source, target
    return SOURCES[-1], target


def _target(rule: Mapping[str, Any]) -> Kind | None:
    name = str(rule.get("targetDirectoryName", "")).lower()
    if name in _ENTRA:
        return ENTRA_ID
    written = {
        str(row.get("targetAttributeName")).lower()
        for mapping in user_mappings(rule)
        for row in listed(mapping, "attributeMappings")
    }
    if "active directory" in name or {"samaccountname", "parentdistinguishedname"} & written:
        return ACTIVE_DIRECTORY
    return None
