"""Loads mapping documents: the way into this room.

A document is looked for by name (`workday` is `workday.yaml`) in the folders given,
then among ours. It may extend another, and then says only what differs. All mistakes of a
document are found in one go. `docs/mappings.md` shows the form.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from mappings import forms
from mappings.facts import WORDS, Fact, fact
from mappings.inbound import FactRule, Inbound
from mappings.language.compiling import Table
from mappings.language.expression import Expression, ExpressionError, Names
from mappings.outbound import AttributeRule, GrantRule, Outbound
from mappings.paths import parse_path
from mappings.results import GiftKind
from mappings.review import Finding, review_inbound, review_outbound
from mappings.rules import Rule
from mappings.scopes import read_scope
from mappings.sources import Entry, MappingError, Merged, Source, load
from mappings.tables import TableError, read_table
from mappings.targets import KINDS
from mappings.vocabulary import FACTS
from mappings.wishing import Absence
from yaml_lines import YamlError, read_yaml

__all__ = [
    "Inbound",
    "MappingError",
    "Outbound",
    "account_name_rules",
    "kind_of",
    "load_inbound",
    "load_outbound",
]

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_T = TypeVar("_T")
_R = TypeVar("_R")


class _Mistakes:
    """Collects what is wrong, so that it is said all at once."""

    def __init__(self) -> None:
        self.found: list[MappingError] = []

    def each(self, build: Callable[[_T], _R], items: Iterable[_T]) -> tuple[_R, ...]:
        """What `build` makes of the items that are right."""
        made = []
        for item in items:
            try:
                made.append(build(item))
            except MappingError as error:
                self.found.append(error)
        return tuple(made)

    def one(self, build: Callable[[], _R | None]) -> _R | None:
        return next(iter(self.each(lambda _: build(), (None,))), None)

    def refuse(self, findings: Iterable[Finding]) -> None:
        """Raises what a review found to be an error."""
        for finding in findings:
            if finding.severity == "error":
                line, column = finding.place
                file, problem = finding.rule.file, finding.problem
                self.found.append(MappingError(file, line, problem, finding.remedy, column))
        self.check()

    def check(self) -> None:
        """Raises the first mistake, the others with it."""
        if self.found:
            first, *others = self.found
            first.others = tuple(others)
            raise first


def kind_of(file: Path) -> tuple[Literal["inbound", "outbound"] | None, str | None]:
    """Which kind of document a file holds (None: that of what it extends), and what it
    extends. Raises :class:`MappingError` when it is none."""
    try:
        data = read_yaml(file).data
    except YamlError as error:
        raise MappingError(str(file), error.line, error.problem, error.remedy) from error
    said = set(data) if isinstance(data, dict) else set()
    inbound, outbound = (said & {*f[""].fields} for f in (forms.INBOUND, forms.OUTBOUND))
    if inbound - outbound:
        return "inbound", data.get("extends")
    if outbound - inbound:
        return "outbound", data.get("extends")
    if "extends" in said:
        return None, data["extends"]
    problem = "neither facts: nor attributes: in it"
    raise MappingError(str(file), 1, problem, "see docs/mappings.md")


def load_inbound(name: str, folders: Sequence[Path] = (), file: Path | None = None) -> Inbound:
    """The inbound document `name`; from `file` as if that lay in the first folder.
    Raises :class:`MappingError`."""
    merged = load(name, folders, forms.INBOUND, file)
    schemas = merged.schemas
    names = Names(lambda written: parse_path(written, schemas), _tables(merged))
    mistakes = _Mistakes()
    rules = mistakes.each(lambda entry: _fact(entry, names), merged.entries("facts"))
    mistakes.check()
    if not rules:
        raise merged.last.error(f"{name} has no facts", "add facts:, or extends: generic")
    inbound = Inbound(name, rules, merged.digest)
    mistakes.refuse(review_inbound(inbound, {}))
    return inbound


def _fact(entry: Entry, names: Names) -> FactRule:
    name = entry.name
    known = FACTS.get(name)
    kind = entry.keys.get("type", known)
    if not _WORD.fullmatch(name):
        raise entry.error(f"{name} cannot name a fact", "use letters and digits only")
    if kind is None:
        raise entry.error(
            f"unknown fact {name}", f"{_near(name, FACTS)}add type: text for a fact of your own"
        )
    if known is not None and kind != known:
        raise entry.error(f"{name} is of type {known}", "leave out type", "type")
    none = frozenset(word.strip().lower() for word in entry.keys.get("none", ()))
    several = kind == "list"
    rule = entry.rule(names, several=several)
    absent = _absence(entry, names, several)
    return FactRule(rule, kind, none, absent, entry.keys.get("entra"))


def load_outbound(
    name: str,
    folders: Sequence[Path] = (),
    kind: str | None = None,
    file: Path | None = None,
) -> Outbound:
    """The outbound document `name`, for a target of that kind; from `file` as if that lay in
    the first folder. Raises :class:`MappingError`."""
    merged = load(name, folders, forms.OUTBOUND, file)
    own = [word for source in merged.sources for word in source.data.get("own_facts", ())]
    names = Names(_facts((*WORDS, *own)), _tables(merged))
    mistakes = _Mistakes()

    def attribute(entry: Entry) -> AttributeRule:
        return _attribute(entry, names)

    rules = mistakes.each(attribute, merged.entries("attributes"))
    references = mistakes.each(attribute, merged.entries("references"))
    grants = mistakes.each(
        lambda found: _grant(*found, names),
        [(entry, kind) for section, kind in _GRANTS.items() for entry in merged.entries(section)],
    )
    match = mistakes.one(lambda: _match(merged, rules))
    container = mistakes.one(lambda: _single(merged, "container", names))
    enabled = mistakes.one(lambda: _single(merged, "enabled", names))
    scope = mistakes.one(lambda: read_scope(merged, names))
    candidates = {
        kind: mistakes.one(lambda kind=kind: _candidates(merged, kind, names)) or ()  # type: ignore[misc]
        for kind in ("accountName", "cn")
    }
    mistakes.check()
    assert match is not None
    outbound = Outbound(
        name,
        match,
        rules,
        references,
        container,
        candidates,
        enabled,
        scope,
        _kept(merged),
        grants,
        merged.digest,
    )
    mistakes.refuse(review_outbound(outbound, KINDS.get(kind or "")))
    return outbound


_GRANTS: dict[str, GiftKind] = {"groups": "group", "licenses": "license"}
"""Section -> what its rules give."""


def _grant(entry: Entry, kind: GiftKind, names: Names) -> GrantRule:
    return GrantRule(kind, entry.rule(names, several=True), entry.condition("when", names))


@cache
def account_name_rules(written: tuple[str, ...], file: str) -> tuple[Rule, ...]:
    """Account-name rules that stand in muster.yaml. Raises :class:`MappingError`."""
    names = Names(_facts(tuple(FACTS)), {})
    rules = []
    for text in written:
        try:
            rules.append(Rule(file, 0, "accountName", Expression(text, names)))
        except ExpressionError as error:
            problem = f"account_name: {error.problem}"
            raise MappingError(file, 0, problem, error.remedy) from error
    return tuple(rules)


def _facts(words: Sequence[str]) -> Callable[[str], Fact]:
    """How an outbound rule finds a fact by name: it may read these words, and nothing else."""
    known = {word.lower(): fact(word) for word in words}

    def find(name: str) -> Fact:
        found = known.get(name.strip().lower())
        if found is None:
            raise ValueError(
                f"unknown fact [{name}]; {_near(name, words)}list a fact of your own in own_facts"
            )
        return found

    return find


def _attribute(entry: Entry, names: Names) -> AttributeRule:
    keys = entry.keys
    several = keys.get("type") == "list"
    rule = entry.rule(names, several=several)
    return AttributeRule(
        rule,
        type=keys.get("type", "text"),
        hold=keys.get("hold", "own"),
        longest=keys.get("max"),
        may_cut=keys.get("long", "cut") == "cut",
        required=keys.get("required", False),
        absent=_absence(entry, names, several),
    )


def _absence(entry: Entry, names: Names, several: bool) -> Absence:
    absent = entry.keys.get("absent", "said")
    if not isinstance(absent, dict):
        return Absence(absent)
    place = (entry.section, entry.name, "absent", "default")
    source = entry.sources["absent"]
    default = source.rule(entry.name, absent["default"], place, names, several=several)
    return Absence("said", default, absent.get("hold"))


def _match(merged: Merged, rules: Sequence[AttributeRule]) -> tuple[tuple[str, ...], ...]:
    found = merged.top("match")
    if found is None:
        raise merged.last.error("match is missing", "name the attribute accounts are found by")
    written, source = found
    keys = written if isinstance(written, list) else [written]
    result = tuple(tuple(key) if isinstance(key, list) else (str(key),) for key in keys)
    entries = {entry.name: entry for entry in merged.entries("attributes")}
    for name in (name for key in result for name in key):
        if name not in entries:
            raise source.error(f"match: {name} is not in attributes", "add it there", "match")
        if any(rule.rule.name == name and rule.rule.expression.selects for rule in rules):
            raise entries[name].error(
                f"{name} is matched by, so SelectUniqueValue cannot choose it",
                "match by another attribute",
                "value",
            )
    return result


def _single(merged: Merged, key: str, names: Names) -> Rule | None:
    """A rule that stands alone at the top of the document."""
    found = merged.top(key)
    if found is None or found[0] is None:
        return None
    return found[1].rule(key, found[0], (key,), names)


def _candidates(merged: Merged, kind: str, names: Names) -> tuple[Rule, ...]:
    for source in reversed(merged.sources):
        written = source.data.get("names", {}).get(kind)
        if written:
            return tuple(
                source.rule(kind, text, ("names", kind, index), names)
                for index, text in enumerate(written)
            )
    return ()


def _kept(merged: Merged) -> Path | None:
    """The file beside the document that keeps what came with an imported schema."""
    found = merged.top("entra")
    return None if found is None else found[1].document.path.parent / str(found[0])


def _tables(merged: Merged) -> dict[str, Table]:
    """The tables the document names, each a file beside the document that names it."""
    tables: dict[str, Table] = {}
    for source in merged.sources:
        for name, file in source.data.get("tables", {}).items():
            tables[name] = _table(source, name, file)
    return tables


def _table(source: Source, name: str, file: Any) -> Table:
    try:
        return read_table(source.document.path.parent / file)
    except TableError as error:
        problem, _, remedy = str(error).rpartition("; ")
        raise source.error(f"table {name}: {problem}", remedy, "tables", name) from error


def _near(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), 1)
    return f"did you mean {near[0]}? Or " if near else ""
