"""How accounts came to be, as the journal tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any


def began(person: Mapping[str, Any]) -> Counter[str]:
    """How often an account was begun, by target: created, or found as a lost answer left it.
    `person` is what the console tells as JSON."""
    found: Counter[str] = Counter()
    for entry in person["journal"]:
        body, target = entry["body"], entry["target"]
        if entry["kind"] == "operation" and body["kind"] == "create":
            found[target] += body["result"] == "applied"
        if entry["kind"] == "outcome" and body.get("what") == "linked":
            found[target] += 1
    return found
