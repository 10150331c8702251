"""What an expression gives, as `mappings eval` answers it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mappings.trying import evaluate

NOW = datetime(2026, 3, 16, 9, 0, 0, tzinfo=UTC)


def answer(source: str, given: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """One line of a batch, evaluated on 16 March 2026, a Monday, at 09:00 UTC."""
    return evaluate({"expression": source, "input": given or {}, **more}, NOW, "seed")


def value(source: str, given: dict[str, Any] | None = None, **more: Any) -> Any:
    """Its value; it has to have one."""
    found = answer(source, given, **more)
    assert set(found) == {"value"}, found
    return found["value"]


def error(source: str, given: dict[str, Any] | None = None, **more: Any) -> str:
    """Its error; it has to have one."""
    found = answer(source, given, **more)
    assert set(found) == {"error"}, found
    return str(found["error"])
