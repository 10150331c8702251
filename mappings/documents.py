"""Loads mapping documents: the way into this room.

A document is looked for by name (`workday` is `workday.yaml`) in the folders given,
then among ours. It may extend another, and then says only what differs.
`docs/mappings.md` shows the form.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mappings import forms
from mappings.inbound import FactRule, Inbound
from mappings.outbound import AttributeRule, GrantRule, Outbound
from mappings.parser import ExpressionError, attributes, parse
from mappings.results import GiftKind
from mappings.rules import Rule
from mappings.sources import Entry, MappingError, Merged, Source, load
from mappings.vocabulary import COMPUTED, FACTS, NAMES

__all__ = [
    "Inbound",
    "MappingError",
    "Outbound",
    "account_name_rules",
    "load_inbound",
    "load_outbound",
]

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def load_inbound(name: str, folders: Sequence[Path] = ()) -> Inbound:
    """The inbound document `name`. Raises :class:`MappingError`."""
    merged = load(name, folders, forms.INBOUND)
    rules = tuple(_fact(entry, merged) for entry in merged.entries("facts"))
    if not rules:
        raise merged.last.error(f"{name} has no facts", "add facts:, or extends: generic")
    return Inbound(name, rules)


def _fact(entry: Entry, merged: Merged) -> FactRule:
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
    return FactRule(entry.rule(merged.schemas), kind, none)


def load_outbound(name: str, folders: Sequence[Path] = ()) -> Outbound:
    """The outbound document `name`. Raises :class:`MappingError`."""
    merged = load(name, folders, forms.OUTBOUND)
    own = [fact for source in merged.sources for fact in source.data.get("own_facts", ())]
    words = (*FACTS, *NAMES, *COMPUTED, *own)
    rules = tuple(_attribute(entry, merged, words) for entry in merged.entries("attributes"))
    references = tuple(_attribute(entry, merged, words) for entry in merged.entries("references"))
    return Outbound(
        name,
        _match(merged, rules),
        rules,
        references,
        _container(merged, words),
        {kind: _candidates(merged, kind, words) for kind in ("accountName", "cn")},
        tuple(
            _grant(entry, kind, merged, words)
            for section, kind in _GRANTS.items()
            for entry in merged.entries(section)
        ),
    )


_GRANTS: dict[str, GiftKind] = {"groups": "group", "licenses": "license"}
"""Section -> what its rules give."""


def _grant(entry: Entry, kind: GiftKind, merged: Merged, words: Sequence[str]) -> GrantRule:
    name, when = entry.rule(merged.schemas), entry.condition("when", merged.schemas)
    for rule, key in ((name, "value"), (when, "when")):
        if rule is not None:
            _check_reads(rule, entry.sources[key], words, entry.section, entry.name, key)
    return GrantRule(kind, name, when)


def account_name_rules(written: Sequence[str], file: str) -> tuple[Rule, ...]:
    """Account-name rules that stand in muster.yaml. Raises :class:`MappingError`."""
    rules = []
    for text in written:
        try:
            rule = Rule(file, 0, "accountName", parse(text))
        except ExpressionError as error:
            raise MappingError(file, 0, f"account_name: {error.problem}", error.remedy) from error
        for read in attributes(rule.expression.root):
            if read.path.text not in FACTS:
                raise MappingError(
                    file,
                    0,
                    f"account_name: unknown fact [{read.path.text}]",
                    "see docs/mappings.md",
                )
        rules.append(rule)
    return tuple(rules)


def _attribute(entry: Entry, merged: Merged, words: Sequence[str]) -> AttributeRule:
    rule = entry.rule(merged.schemas)
    _check_reads(rule, entry.sources["value"], words, entry.section, entry.name, "value")
    keys = entry.keys
    return AttributeRule(
        rule,
        type=keys.get("type", "text"),
        hold=keys.get("hold", "own"),
        longest=keys.get("max"),
        may_cut=keys.get("long", "cut") == "cut",
        required=keys.get("required", False),
    )


def _match(merged: Merged, rules: Sequence[AttributeRule]) -> str:
    found = merged.top("match")
    if found is None:
        raise merged.last.error("match is missing", "name the attribute accounts are found by")
    name, source = found
    if name not in {rule.rule.name for rule in rules}:
        raise source.error(f"match: {name} is not in attributes", "add it there", "match")
    return str(name)


def _container(merged: Merged, words: Sequence[str]) -> Rule | None:
    found = merged.top("container")
    if found is None or found[0] is None:
        return None
    rule = found[1].rule("container", found[0], ("container",), merged.schemas)
    _check_reads(rule, found[1], words, "container")
    return rule


def _candidates(merged: Merged, kind: str, words: Sequence[str]) -> tuple[Rule, ...]:
    for source in reversed(merged.sources):
        written = source.data.get("names", {}).get(kind)
        if written:
            rules = []
            for index, text in enumerate(written):
                place = ("names", kind, index)
                rules.append(source.rule(kind, text, place, merged.schemas))
                _check_reads(rules[-1], source, words, *place)
            return tuple(rules)
    return ()


def _check_reads(rule: Rule, source: Source, words: Sequence[str], *place: str | int) -> None:
    """An outbound rule may read the words it is given, and nothing else."""
    known = {word.lower() for word in words}
    for read in attributes(rule.expression.root):
        path = read.path
        if path.urn or path.sub or path.filter or path.attribute not in known:
            raise source.error(
                f"{rule.name}: unknown fact [{path.text}]",
                f"{_near(path.text, words)}list a fact of your own in own_facts",
                *place,
            )


def _near(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), 1)
    return f"did you mean {near[0]}? Or " if near else ""
