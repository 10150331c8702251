"""A schema to begin with, for documents that were never imported."""

from __future__ import annotations

from typing import Any

from mappings.entra.names import SOURCES
from mappings.targets import ACTIVE_DIRECTORY, Kind


def empty_schema(inbound: str, kind: Kind) -> dict[str, Any]:
    """One rule from the inbound mapping's system to the target's, with nothing in it."""
    source = next((s.directory for s in SOURCES if s.mapping == inbound), SOURCES[-1].directory)
    target = "Active Directory" if kind is ACTIVE_DIRECTORY else "Azure Active Directory"
    return {
        "directories": [
            {"name": name, "readOnly": False, "objects": [{"name": "User", "attributes": []}]}
            for name in (source, target)
        ],
        "synchronizationRules": [
            {
                "name": "USER_INBOUND_USER",
                "priority": 1,
                "editable": True,
                "sourceDirectoryName": source,
                "targetDirectoryName": target,
                "objectMappings": [
                    {
                        "enabled": True,
                        "name": f"Synchronize {source} users to {target}",
                        "flowTypes": "Add,Update,Delete",
                        "sourceObjectName": "User",
                        "targetObjectName": "User",
                        "scope": None,
                        "attributeMappings": [],
                    }
                ],
            }
        ],
    }
