"""From a SCIM document to facts about a person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mappings import dates
from mappings.paths import Document, Path, PathError, parse_path
from mappings.results import Facts
from mappings.rules import Rule
from mappings.values import Value, first, many, text, truth
from mappings.vocabulary import NEVER_NULL, FactValue, Kind


@dataclass(frozen=True)
class FactRule:
    """How one fact is found. A value in `none` (lower case) is said to be nothing."""

    rule: Rule
    kind: Kind
    none: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Inbound:
    """A source's words as facts. Immutable, safe to share between threads."""

    name: str
    rules: tuple[FactRule, ...]

    def facts(self, document: Mapping[str, Any], cleared: Collection[str] = ()) -> Facts:
        """The facts of one resource; never raises.

        document: the SCIM resource as stored. cleared: the attribute paths that the
        source explicitly emptied (`title`, `urn:...:User:manager`).
        """
        facts = Facts()
        folded = Document(document)
        emptied = [path for path in map(_path, cleared) if path is not None]
        for fact in self.rules:
            name = fact.rule.name
            result = fact.rule.run(folded, several=fact.kind == "list")
            facts.problems.extend(result.problems)
            value: FactValue | None = None
            if first(result.value) not in (None, ""):
                said_none = (text(result.value) or "").strip().lower() in fact.none
                value = None if said_none else _convert(result.value, fact.kind)
                if value is None and not said_none:
                    result.scope.problem(f"not a value of kind {fact.kind}")
                    facts.problems.append(result.problems[-1])
                    continue
            else:
                said_none = any(
                    path.cleared_by(other) for path in result.reads for other in emptied
                )
                if not said_none or result.problems:
                    continue
            if value is None and name in NEVER_NULL:
                continue
            facts.values[name] = value
            facts.origins[name] = result.origin
        return facts


def _path(written: str) -> Path | None:
    try:
        return parse_path(written)
    except PathError:
        return None


def _convert(value: Value, kind: Kind) -> FactValue | None:
    """The value as its kind, or None when it is not one."""
    if kind == "list":
        texts = [(text(item) or "").strip() for item in many(value)]
        return list(dict.fromkeys(item for item in texts if item))
    if kind == "bool":
        return truth(value)
    written = (text(value) or "").strip()
    if kind == "text":
        return written or None
    if kind == "date":
        return dates.calendar_date(written)
    moment = dates.instant(written)
    return None if moment is None else dates.iso_instant(moment)
