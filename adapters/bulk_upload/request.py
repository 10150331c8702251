"""The body of a bulkUpload: a SCIM BulkRequest of POSTs to /Users and nothing else.

Read as Microsoft's own samples are written: names and path in any case, `bulkId` missing or
repeated, no `schemas`, one operation without a list around it. What is no such request is
refused whole, before anything is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST = 50
"""Operations of one request."""
_URN = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


class NotARequest(ValueError):
    """The body is no bulkUpload; the text says what to change."""


@dataclass(frozen=True)
class Operation:
    """What one POST says of one user."""

    bulk_id: str | None
    data: Mapping[str, Any]


def read(body: Mapping[str, Any]) -> list[Operation]:
    """The operations in their order. Raises NotARequest."""
    said = _lower(body)
    schemas = said.get("schemas") or [_URN]
    named = [schemas] if isinstance(schemas, str) else schemas
    if not isinstance(named, list) or _URN.lower() not in (str(urn).lower() for urn in named):
        raise NotARequest(f"schemas: {_URN} is expected.")
    listed = said.get("operations")
    listed = [listed] if isinstance(listed, dict) else listed  # what XML and PowerShell make of one
    if not isinstance(listed, list) or not listed:
        raise NotARequest("Operations: a list of one to 50 operations is required.")
    if len(listed) > MOST:
        raise NotARequest(f"Operations: {len(listed)} are more than {MOST}; send them in pieces.")
    return [_operation(number, entry) for number, entry in enumerate(listed)]


def _operation(number: int, entry: Any) -> Operation:
    where = f"Operations[{number}]"
    if not isinstance(entry, dict):
        raise NotARequest(f"{where}: an object is expected.")
    said = _lower(entry)
    method, path, bulk_id = (said.get(name) for name in ("method", "path", "bulkid"))
    if not isinstance(method, str) or method.strip().upper() != "POST":
        raise NotARequest(
            f"{where}.method: only POST is taken here; a leaver is sent with active false."
        )
    if not isinstance(path, str) or path.strip().strip("/").lower() != "users":
        raise NotARequest(f"{where}.path: /Users is expected.")
    if bulk_id is not None and not isinstance(bulk_id, str | int):
        raise NotARequest(f"{where}.bulkId: text is expected.")
    data = said.get("data")
    if not isinstance(data, dict) or not data:
        raise NotARequest(f"{where}.data: an object is expected that says something of a user.")
    return Operation(None if bulk_id is None else str(bulk_id)[:200], data)


def _lower(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key.lower(): value for key, value in mapping.items()}
