"""From a SCIM document to facts about a person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mappings.language import moments
from mappings.language.values import Value, first, many, text, truth
from mappings.paths import Document, Path, PathError, parse_path
from mappings.results import Facts, Problem
from mappings.rules import Result, Rule
from mappings.vocabulary import NEVER_NULL, FactValue, Kind
from mappings.wishing import AS_SAID, Absence

Place = tuple[str | None, str]
"""URN of the extension (None: of the core) and attribute, in lower case."""


@dataclass(frozen=True)
class FactRule:
    """How one fact is found. A value in `none` (lower case) is said to be nothing."""

    rule: Rule
    kind: Kind
    none: frozenset[str] = frozenset()
    absent: Absence = AS_SAID
    entra: str | None = None
    """The attribute of Entra's schema that it was imported from."""

    @cached_property
    def looks_at(self) -> frozenset[Place]:
        """Where the rule may look."""
        readers = [reader for _, reader in self.rule.expression.readers]
        return frozenset((p.urn, p.attribute) for p in readers if isinstance(p, Path))

    @cached_property
    def plain(self) -> bool:
        """A text is the fact as it is."""
        return self.kind == "text" and not self.none

    @cached_property
    def blank(self) -> Result:
        """What the rule gives where there is nothing in all these places: always the same."""
        return self.rule.run(Document({}))

    @cached_property
    def silent(self) -> bool:
        """Where there is nothing in all these places it says nothing, unless they were emptied."""
        return (
            first(self.blank.value) in (None, "")
            and not self.blank.problems
            and not self.blank.outcome.skipped
            and self.absent == AS_SAID
        )


@dataclass(frozen=True)
class Inbound:
    """A source's words as facts. Immutable, safe to share between threads."""

    name: str
    rules: tuple[FactRule, ...]
    digest: str = ""
    """Another one for any other text of the files behind it."""

    @cached_property
    def asked(self) -> frozenset[str]:
        """The facts it has rules for."""
        return frozenset(fact.rule.name for fact in self.rules)

    @cached_property
    def reads_groups(self) -> bool:
        """Whether a rule reads the SCIM groups that a resource is in."""
        readers = [one for fact in self.rules for _, one in fact.rule.expression.readers]
        return any(
            isinstance(one, Path) and one.urn is None and one.attribute == "groups"
            for one in readers
        )

    def facts(self, document: Mapping[str, Any], cleared: Collection[str] = ()) -> Facts:
        """The facts of one resource; never raises.

        document: the SCIM resource as stored. cleared: the attribute paths that the
        source explicitly emptied (`title`, `urn:...:User:manager`).
        """
        facts = Facts(asked=self.asked)
        folded = Document(document)
        emptied = [path for path in map(_path, cleared) if path is not None]
        there = _places(document)
        for fact in self.rules:
            if not fact.looks_at.isdisjoint(there):
                result = fact.rule.run(folded)
                value = result.outcome.value
                if fact.plain and value.__class__ is str and (written := value.strip()):
                    facts.values[fact.rule.name] = written  # what most of them come to
                    facts.origins[fact.rule.name] = result.origin
                    continue
                _say(facts, fact, result, emptied, folded)
            elif emptied or not fact.silent:
                _say(facts, fact, fact.blank, emptied, folded)
        return facts


def _places(document: Mapping[str, Any]) -> set[Place]:
    """The attributes that the document has anything of."""
    found: set[Place] = set()
    for name, value in document.items():
        folded = name.lower()
        found.add((None, folded))
        if value.__class__ is dict or isinstance(value, Mapping):
            found.update([(folded, inner.lower()) for inner in value])
    return found


def _say(
    facts: Facts,
    fact: FactRule,
    result: Result,
    emptied: Collection[Path],
    document: Document,
) -> None:
    """Add what a rule gave to the facts, or its problem."""
    value: FactValue | None = None
    if first(result.value) in (None, ""):
        facts.problems.extend(result.problems)
        if result.problems or result.outcome.skipped:
            return
        if fact.absent.default is not None and result.rule is fact.rule:
            _say(facts, fact, fact.absent.default.run(document), emptied, document)
            return
        if not _cleared(fact, result, emptied):
            return
    elif (text(result.value) or "").strip().lower() not in fact.none:
        value = _convert(result.value, fact.kind)
        if value is None:
            problem = f"not a value of kind {fact.kind}"
            facts.problems.append(Problem(result.rule.place, problem))
            return
    name = fact.rule.name
    if value is not None or name not in NEVER_NULL:
        facts.values[name] = value
        facts.origins[name] = result.origin


def _cleared(fact: FactRule, result: Result, emptied: Collection[Path]) -> bool:
    """Whether nothing means that the fact is said to be nothing."""
    if fact.absent.means != "said":
        return fact.absent.means == "clear"
    read = [path for path in result.reads if isinstance(path, Path)]
    return any(path.cleared_by(other) for path in read for other in emptied)


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
        return moments.calendar_date(written)
    moment = moments.instant(written)
    return None if moment is None else moments.iso_instant(moment)
