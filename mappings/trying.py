"""One expression tried out on one input: what `mappings eval` reads and answers.

    {"expression": "Join(\\"@\\", [alias], DefaultDomain())", "input": {"alias": "zoe"},
     "settings": {"default_domain": "norhaven.example"}}

answers `{"value": "zoe@norhaven.example"}`: a text, a list of texts or null; or
`{"flow": "skip"}` where the attribute is dropped from the flow; or `{"error": "..."}`.
Values are taken as they are: an empty text is one, and no blanks are cut.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from mappings.language.compiling import Table
from mappings.language.expression import Expression, ExpressionError, Given, Names
from mappings.language.values import Scalar, Value, text
from mappings.paths import Document, Path, PathError, parse_path


class InputError(ValueError):
    """A line that does not say what to evaluate; the text says what is wrong with it."""


class Literal:
    """An attribute of the input by the very name written, else by that name as a SCIM path."""

    def __init__(self, name: str) -> None:
        self.text = name.strip()
        self._path: Path | None = None
        with suppress(PathError):  # then it is a name and nothing more
            self._path = parse_path(name)

    def read(self, document: Mapping[str, Any], several: bool = False) -> Value:
        if self.text in document:
            return _value(document[self.text])
        folded = {key.strip().lower(): value for key, value in document.items()}
        if self.text.lower() in folded:
            return _value(folded[self.text.lower()])
        return self._path.read(Document(document), several) if self._path else None

    def reading(self, several: bool = False) -> Callable[[Mapping[str, Any]], Value]:
        return lambda document: self.read(document, several)

    def raw(self, document: Mapping[str, Any]) -> list[Any]:
        found = document.get(self.text)
        if found is None and self._path is not None:
            return self._path.raw(Document(document))
        return list(found) if isinstance(found, list) else [] if found is None else [found]


def _value(raw: Any) -> Value:
    if isinstance(raw, list):
        found = (_scalar(one) for one in raw)
        return tuple(one for one in found if one is not None)
    return _scalar(raw)


def _scalar(raw: Any) -> Scalar | None:
    if isinstance(raw, Mapping):
        return _scalar(raw.get("value"))
    if isinstance(raw, float) and not math.isfinite(raw):
        return None
    return raw if isinstance(raw, (str, int, float)) else None


def evaluate(
    line: Any, now: datetime, seed: str, tables: Mapping[str, Table] | None = None
) -> dict[str, Any]:
    """The answer to one line. `now` counts where it names no time; `seed` is for `Guid()`.

    Raises :class:`InputError` when it is not of the form above.
    """
    if not isinstance(line, dict) or not isinstance(line.get("expression"), str):
        raise InputError('expected {"expression": "...", "input": {...}}')
    document = line.get("input") or {}
    if not isinstance(document, dict):
        raise InputError("input is not an object of names and values")
    given = _given(line, now, seed)
    try:
        expression = Expression(line["expression"], Names(Literal, tables or {}), several=True)
    except ExpressionError as error:
        return {"error": str(error)}
    outcome = expression.run(document, given)
    if outcome.problem is not None:
        return {"error": outcome.problem}
    if outcome.skipped:
        return {"flow": "skip"}
    if isinstance(outcome.value, tuple):
        return {"value": [text(one) for one in outcome.value]}
    return {"value": text(outcome.value)}


def _given(line: Mapping[str, Any], now: datetime, seed: str) -> Given:
    settings = line.get("settings") or {}
    if not isinstance(settings, dict):
        raise InputError("settings is not an object")
    taken, guids = line.get("unique_taken") or [], line.get("guids") or []
    if not isinstance(taken, list) or not isinstance(guids, list):
        raise InputError("unique_taken and guids are lists of texts")
    return Given(
        now=_instant(line["now"]) if line.get("now") else now,
        seed=seed,
        default_domain=settings.get("default_domain"),
        taken=frozenset(str(one).lower() for one in taken),
        guids=[str(one) for one in guids],
    )


def _instant(written: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(written)
    except (TypeError, ValueError) as error:
        raise InputError("now is not an instant like 2026-03-16T09:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
