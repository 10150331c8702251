"""By which number a record is known: at this door by its externalId, which Microsoft's job
matches with employeeId.

Mappings let an employee number of the enterprise extension go before externalId, because
Okta and Entra push ids of their own there. So where the two differ, the record is taken in
with its externalId as the worker's number, which goes before both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappings.entra.names import ENTERPRISE, WORKER
from provisioning.people import fold
from store.json_text import parse


def is_numbered_apart(said: Mapping[str, Any]) -> bool:
    """Whether a record says another employee number than its externalId, and no worker's
    number. `said` has the schema's names."""
    return not _number(said) and _differs(said)


def is_known_otherwise(document: str) -> bool:
    """Whether somebody who is there, by this document, is known by another number already:
    it stays, because accounts carry it."""
    held = parse(document)
    return bool(_number(held)) or _differs(held)


def by_external_id(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """What a client sent, with its externalId as the worker's number."""
    return {**data, f"{WORKER}:workerId": key}


def _number(content: Mapping[str, Any]) -> Any:
    return (content.get(WORKER) or {}).get("workerId")


def _differs(content: Mapping[str, Any]) -> bool:
    number = fold((content.get(ENTERPRISE) or {}).get("employeeNumber"))
    return number is not None and number != fold(content.get("externalId"))
