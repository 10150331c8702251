"""How people, and what their accounts wait for, are called on pages and in a terminal.

Pure: facts and edges in, words out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ACCOUNT = "manager:"
_REFERENCE = "manager-ref:"


def display_name(facts: Mapping[str, Any]) -> str:
    """The name for use, or what comes closest; "" when nothing is known."""
    whole = " ".join(str(facts[part]) for part in ("givenName", "familyName") if facts.get(part))
    return str(facts.get("displayName") or whole or facts.get("loginName") or "")


def who(facts: Mapping[str, Any], person: str) -> str:
    """Name and number, for a line about somebody; `person` is the id."""
    key = facts.get("employeeNumber") or facts.get("workerId")
    return f"{display_name(facts) or person}" + f" ({key})" * bool(key)


def awaited_person(edge: str | None) -> str | None:
    """The id of the person whose account an edge (`manager:<person>@<target>`) waits for."""
    if edge is None or not edge.startswith(_ACCOUNT):
        return None
    return edge.removeprefix(_ACCOUNT).rpartition("@")[0] or None


def waits_for(edge: str, facts: Mapping[str, Any], name: str | None = None) -> str:
    """What a pair waits for: `facts` are those of the person who waits, `name` that of
    :func:`awaited_person`."""
    if awaited_person(edge):
        return f"waits for {name}'s account" if name else "waits for their manager's account"
    if edge.startswith(_REFERENCE):
        # The edge holds the reference folded; HR's own spelling is in the facts.
        reference = facts.get("manager") or edge.split(":", 2)[-1]
        return f"waits for the manager known as {reference}"
    return f"waits for {edge}"
