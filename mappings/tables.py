"""Look-up tables beside a mapping: CSV files with a header line, or YAML."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from mappings.language.compiling import Table
from yaml_lines import YamlError, read_yaml

ONLY = "value"
"""What the column of a YAML table is called when its rows are plain texts."""


class TableError(ValueError):
    """A table that cannot be read: `problem; remedy`."""


def read_table(path: Path) -> Table:
    """Key -> column -> value. Raises :class:`TableError`."""
    if not path.is_file():
        raise TableError(f"there is no file {path.name} beside the mapping; check the name")
    if path.suffix.lower() == ".csv":
        return _from_csv(path)
    if path.suffix.lower() in (".yaml", ".yml"):
        return _from_yaml(path)
    raise TableError(f"{path.name} is no table; write .csv or .yaml")


def _from_csv(path: Path) -> Table:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path.name} cannot be read as CSV; save it as UTF-8") from error
    if not rows or len(rows[0]) < 2:
        raise TableError(
            f"{path.name} has no header of two columns or more; begin with a line like city,site"
        )
    columns = [cell.strip() for cell in rows[0][1:]]
    table: dict[str, dict[str, str]] = {}
    for number, row in enumerate(rows[1:], 2):
        key = row[0].strip()
        if len(row) > len(rows[0]):
            raise TableError(f"{path.name} row {number} has too many cells; quote commas")
        if key in table:
            raise TableError(f"{path.name} has {key} twice; keep one of them")
        cells = [cell.strip() for cell in row[1:]]
        table[key] = dict(zip(columns, cells, strict=False))
    return table


def _from_yaml(path: Path) -> Table:
    try:
        data = read_yaml(path).data
    except YamlError as error:
        raise TableError(
            f"{path.name} line {error.line}: {error.problem}; {error.remedy}"
        ) from error
    if not isinstance(data, dict):
        raise TableError(f"{path.name} is no table; write key: value")
    return {key.strip(): _row(path, key, value) for key, value in data.items()}


def _row(path: Path, key: str, value: Any) -> dict[str, str]:
    row = value if isinstance(value, dict) else {ONLY: value}
    for cell in row.values():
        if isinstance(cell, (dict, list)):
            raise TableError(f"{path.name}: {key} holds a list; write plain texts")
    return {column: str(cell).strip() for column, cell in row.items() if cell is not None}
