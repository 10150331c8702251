"""From a SCIM document to facts about a person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mappings.language import moments
from mappings.language.running import Run
from mappings.language.values import Value, first, many, text, truth
from mappings.paths import Document, Path, PathError, is_object, parse_path
from mappings.results import Facts, Problem
from mappings.rules import Origins, Result, Rule
from mappings.vocabulary import LAST_DAYS, NEVER_NULL, NO_END, FactValue, Kind
from mappings.wishing import AS_SAID, Absence

Place = tuple[str | None, str]
"""URN of the extension (None: of the core) and attribute, in lower case."""
_ENDED: Any = object()
"""A rule that ended without a value, not even nothing."""


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
    def mute(self) -> bool:
        """Nothing is not the fact, unless the source emptied what it is read from."""
        return self.absent == AS_SAID

    @cached_property
    def silent(self) -> bool:
        """Where there is nothing in all these places it says nothing, unless they were emptied."""
        return (
            self.mute
            and first(self.blank.value) in (None, "")
            and not self.blank.problems
            and not self.blank.skipped
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
    def _bits(self) -> tuple[tuple[int, FactRule], ...]:
        """Every rule with a bit of its own."""
        return tuple((1 << number, fact) for number, fact in enumerate(self.rules))

    @cached_property
    def _looked_at(self) -> dict[str | None, dict[str, int]]:
        """URN (None: of the core) -> attribute -> the bits of the rules that look there."""
        found: dict[str | None, dict[str, int]] = {None: {}}
        for bit, fact in self._bits:
            for urn, attribute in fact.looks_at:
                names = found.setdefault(urn, {})
                names[attribute] = names.get(attribute, 0) | bit
        return found

    def _concerned(self, document: Document) -> int:
        """The bits of the rules for which there is anything."""
        found, looked_at = 0, self._looked_at
        core = looked_at[None]
        for name, value in document.core.items():
            found |= core.get(name, 0)
            if name in looked_at and is_object(value):
                names = looked_at[name]
                for inner in document.folded(value):
                    found |= names.get(inner, 0)
        return found

    def _emptied(self, paths: Collection[Path]) -> int:
        """The bits of the rules that may read something that was emptied."""
        found, looked_at = 0, self._looked_at
        for path in paths:
            found |= looked_at.get(path.urn, {}).get(path.attribute, 0)
            for bits in looked_at.get(path.text.lower(), {}).values():
                found |= bits
        return found

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
        paths = [path for path in map(_path, cleared) if path is not None]
        saying = Saying(Document(document), paths)
        values, rules = saying.values, saying.origins.rules
        concerned, emptied = self._concerned(saying.document), self._emptied(paths)
        run = Run(saying.document)  # one for all: what ends without a value is run by itself
        for bit, fact in self._bits:
            if not concerned & bit:
                if emptied & bit or not fact.silent:
                    saying.take(fact, fact.blank)
                continue
            try:
                value = fact.rule.expression.evaluate(run)
            except Exception:
                value = _ENDED
            if value.__class__ is str and fact.plain and (written := value.strip()):
                values[fact.rule.name] = written  # what most of them come to
                rules[fact.rule.name] = fact.rule
            elif value is not _ENDED and first(value) not in (None, ""):
                saying.say(fact, fact.rule, value)
            elif value is not None or emptied & bit or not fact.mute:
                saying.take(fact, fact.rule.run(saying.document))
        return Facts(values, saying.origins, saying.problems, self.asked)


class Saying:
    """One look at a document: what it says of the person, and what went wrong."""

    def __init__(self, document: Document, emptied: Collection[Path]) -> None:
        self.document = document
        self.emptied = emptied
        self.values: dict[str, FactValue | None] = {}
        self.origins = Origins(document)
        self.problems: list[Problem] = []

    def take(self, fact: FactRule, result: Result) -> None:
        """Add what a rule gave, or its problem."""
        if first(result.value) not in (None, ""):
            self.say(fact, result.rule, result.value)
            return
        self.problems.extend(result.problems)
        if result.problems or result.skipped:
            return
        if fact.absent.default is not None and result.rule is fact.rule:
            self.take(fact, fact.absent.default.run(self.document))
        elif _cleared(fact, result, self.emptied):
            self._keep(fact, result.rule, None)

    def say(self, fact: FactRule, rule: Rule, said: Value) -> None:
        """Add what `rule` found for the fact, which is something, or that it is of no use."""
        value = None
        if (text(said) or "").strip().lower() not in fact.none:
            value = _convert(said, fact.kind)
            if value is None:
                problem = f"not a value of kind {fact.kind}"
                self.problems.append(Problem(rule.place, problem))
                return
            if value == NO_END and fact.rule.name in LAST_DAYS:
                value = None
        self._keep(fact, rule, value)

    def _keep(self, fact: FactRule, rule: Rule, value: FactValue | None) -> None:
        name = fact.rule.name
        if value is not None or name not in NEVER_NULL:
            self.values[name] = value
            self.origins.rules[name] = rule


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
