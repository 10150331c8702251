"""Settings of the SCIM service: client profiles, further schemas, limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marshmallow import Schema, fields, validate

PROFILES = ("strict", "hr", "entra", "okta", "sap-ips", "rippling")
"""Client profiles; what each of them forgives is in `scim/profiles.py`."""
_OF_MAPPING = {"successfactors": "sap-ips"}


@dataclass(frozen=True)
class Scim:
    """What the SCIM service adds to what ships, and how much it gives at once."""

    schemas: tuple[Path, ...] = ()
    """Folders with further schemas and resource types."""
    page_size: int = 100
    max_page_size: int = 1000
    max_operations: int = 1000
    """Of one Bulk request."""
    max_payload: int = 1 << 20
    """Bytes of one request body."""


class ScimSchema(Schema):
    schemas = fields.String(load_default=None, allow_none=True)
    page_size = fields.Integer(
        strict=True, load_default=100, validate=validate.Range(min=1, max=10_000)
    )
    max_page_size = fields.Integer(
        strict=True, load_default=1000, validate=validate.Range(min=1, max=10_000)
    )
    max_operations = fields.Integer(
        strict=True, load_default=1000, validate=validate.Range(min=1, max=10_000)
    )
    max_payload = fields.Integer(
        strict=True, load_default=1 << 20, validate=validate.Range(min=1 << 16, max=1 << 24)
    )


def profile_of(said: str | None, mapping: str | None) -> str:
    """The profile of a source: as `said`, or that of its kind. A source without a mapping
    only stores, and is there to test."""
    if said:
        return said
    return _OF_MAPPING.get(mapping, "hr") if mapping else "strict"


def scim_from(raw: Mapping[str, Any], here: Path, environ: Mapping[str, str]) -> Scim:
    """The checked section `scim`; MUSTER_SCHEMAS names another folder of schemas."""
    named = environ.get("MUSTER_SCHEMAS")
    folders = [Path(named).resolve()] if named else []
    if not folders and raw["schemas"]:
        folders = [here / raw["schemas"]]
    return Scim(**{**raw, "schemas": tuple(folders)})
