"""Two schemas as Entra's portal hands them out, for a company that does not exist."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mappings.documents import load_inbound, load_outbound
from mappings.entra.exporting import export_schema
from mappings.entra.importing import Imported, import_schema
from mappings.entra.report import Report
from mappings.entra.schema import read_schema
from mappings.inbound import Inbound
from mappings.outbound import Outbound

FOLDER = Path(__file__).parents[2] / "data" / "entra-schemas"
NAMES = ("workday-to-ad", "api-to-entra")


def schema(name: str) -> dict[str, Any]:
    return read_schema((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The attribute mappings of its first object mapping."""
    mapping = found["synchronizationRules"][0]["objectMappings"][0]
    return mapping["attributeMappings"]  # type: ignore[no-any-return]


def row(found: dict[str, Any], target: str) -> dict[str, Any]:
    return next(r for r in rows(found) if r["targetAttributeName"] == target)


def changed(name: str, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """A schema with something different in it."""
    found = copy.deepcopy(schema(name))
    change(found)
    return found


def mapping_of(found: dict[str, Any]) -> dict[str, Any]:
    return found["synchronizationRules"][0]["objectMappings"][0]  # type: ignore[no-any-return]


def written(folder: Path, imported: Imported, name: str = "x") -> tuple[Inbound, Outbound]:
    """The documents of an import, written and loaded."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}_in.yaml").write_text(imported.inbound.yaml(), encoding="utf-8")
    (folder / f"{name}_out.yaml").write_text(imported.outbound.yaml(), encoding="utf-8")
    kind = imported.chosen.target.name
    return load_inbound(f"{name}_in", [folder]), load_outbound(f"{name}_out", [folder], kind)


def there_and_back(
    folder: Path, found: dict[str, Any], edit: Callable[[Path], None] | None = None
) -> tuple[dict[str, Any], Report]:
    """Imported, perhaps edited, and exported."""
    imported = import_schema(found, "x")
    written(folder, imported)
    if edit is not None:
        edit(folder)
    inbound = load_inbound("x_in", [folder])
    outbound = load_outbound("x_out", [folder], imported.chosen.target.name)
    kept = {"rule": imported.chosen.rule["name"], "schema": json.loads(json.dumps(imported.kept))}
    return export_schema(inbound, outbound, imported.chosen.target, kept)
