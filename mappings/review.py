"""Looks at loaded mappings for what is wrong, or allowed but probably not meant.

Errors keep a mapping from being used; warnings are shown by `python app.py check` and
stop nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from mappings.inbound import Inbound
from mappings.language.judging import longest, remarks
from mappings.language.syntax import Call, walk
from mappings.outbound import AttributeRule, Outbound
from mappings.paths import Path
from mappings.rules import Rule
from mappings.targets import Kind
from mappings.vocabulary import COMPUTED, FACTS, NAMES

Schemas = Mapping[str, Mapping[str, Iterable[str]]]
"""SCIM schemas as far as paths go: URN -> attribute -> its sub-attributes."""

_CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
_SIMILAR, _NEARLY_SAME = 0.84, 0.97
_KNOWN = {"accountname": 20, "country": 2, "usagelocation": 2, "hiredate": 10}
"""The most characters of facts that have a limit of their own."""


@dataclass(frozen=True)
class Finding:
    """Something about a rule; `position` is the index of a character of its expression."""

    severity: Literal["error", "warning"]
    rule: Rule
    problem: str
    remedy: str
    position: int = 0

    def __str__(self) -> str:
        line, column = self.place
        return f"{self.rule.file}:{line}:{column}: {self.problem}; {self.remedy}"

    @property
    def place(self) -> tuple[int, int]:
        """Line and column, from 1."""
        return self.rule.locate(self.position)


def _error(rule: Rule, problem: str, remedy: str, position: int = 0) -> Finding:
    return Finding("error", rule, f"{rule.name}: {problem}", remedy, position)


def _warning(rule: Rule, problem: str, remedy: str, position: int = 0) -> Finding:
    return Finding("warning", rule, f"{rule.name}: {problem}", remedy, position)


def review_inbound(inbound: Inbound, schemas: Schemas) -> list[Finding]:
    """Everything odd about an inbound document."""
    found: list[Finding] = []
    for fact in inbound.rules:
        for rule in _with_default(fact.rule, fact.absent.default):
            found += _expression(rule)
            found += _unknown_paths(rule, schemas)
            found += _object_flow(rule)
            for call in _calls(rule, "Now", "SelectUniqueValue", "NewPassword", "DefaultDomain"):
                problem = (
                    f"{call.name} has no place in an inbound mapping: facts are kept, not dated"
                )
                found.append(_error(rule, problem, "use it in the outbound mapping", call.start))
    return found


def review_outbound(outbound: Outbound, kind: Kind | None = None) -> list[Finding]:
    """Everything odd about an outbound document; with a kind, also what that target refuses."""
    found: list[Finding] = []
    for attribute in (*outbound.attributes, *outbound.references):
        for rule in _with_default(attribute.rule, attribute.absent.default):
            found += _expression(rule)
            found += _object_flow(rule)
        if attribute.rule.expression.selects and attribute.hold != "seed":
            found.append(
                _warning(
                    attribute.rule,
                    "a value that was chosen once is meant for new accounts",
                    "add hold: seed",
                )
            )
        if kind is not None:
            found += _limits(attribute, kind)
    found += _owners(outbound, kind)
    for rule in _further_rules(outbound):
        found += _expression(rule)
    if kind is not None and kind.name == "active_directory":
        for name, limit in (("cn", 64), ("accountName", 20)):
            for rule in outbound.names.get(name, ()):
                found += _too_long(rule, limit, "wrap it in Left(...)")
    return found


def unfed_facts(inbounds: Mapping[str, Inbound], outbounds: Iterable[Outbound]) -> list[Finding]:
    """Facts of your own that an outbound rule reads and no source says."""
    said = {fact.rule.name.lower() for inbound in inbounds.values() for fact in inbound.rules}
    known = {word.lower() for word in (*FACTS, *NAMES, *COMPUTED)}
    found = []
    for outbound in outbounds:
        rules = [rule.rule for rule in (*outbound.attributes, *outbound.references)]
        for rule in (*rules, *_further_rules(outbound)):
            for node in rule.expression.attributes:
                name = node.name.strip()
                if name.lower() not in said | known:
                    problem = f"no source says [{name}], so this never gives a value"
                    remedy = "add the fact to an inbound mapping"
                    found.append(_warning(rule, problem, remedy, node.start))
    return found


def _with_default(rule: Rule, default: Rule | None) -> tuple[Rule, ...]:
    return (rule,) if default is None else (rule, default)


def _further_rules(outbound: Outbound) -> list[Rule]:
    """The rules that make no attribute."""
    single = [rule for rule in (outbound.container, outbound.enabled) if rule is not None]
    names = [rule for rules in outbound.names.values() for rule in rules]
    for grant in outbound.grants:
        names += [grant.name] if grant.when is None else [grant.name, grant.when]
    scope = outbound.scope
    if scope is None:
        return single + names
    filters = [scope.object_filter] if scope.object_filter is not None else []
    return single + names + filters + [rule for group in scope.groups for rule in group.when]


def _calls(rule: Rule, *names: str) -> Iterator[Call]:
    wanted = {name.lower() for name in names}
    for node in walk(rule.expression.root):
        if isinstance(node, Call) and node.name.lower() in wanted:
            yield node


def _expression(rule: Rule) -> Iterator[Finding]:
    for remark in remarks(rule.expression):
        yield _warning(rule, remark.problem, remark.remedy, remark.position)


def _object_flow(rule: Rule) -> Iterator[Finding]:
    position = rule.expression.source.lower().find("ignoreobjectflow")
    if position >= 0:
        yield _warning(
            rule,
            "IgnoreObjectFlow leaves out no more than this attribute here",
            "put it in scope: object_filter:",
            position,
        )


def _unknown_paths(rule: Rule, schemas: Schemas) -> Iterator[Finding]:
    for node, path in rule.expression.readers if schemas else ():
        assert isinstance(path, Path)
        problem = _unknown(path, schemas)
        if problem is not None:
            yield _warning(rule, problem[0], problem[1], node.start)


def _unknown(path: Path, schemas: Schemas) -> tuple[str, str] | None:
    """What no schema declares, and the nearest name; None for what one does."""
    urns = {urn.lower(): urn for urn in schemas}
    urn = urns.get(path.urn or _CORE.lower())
    if urn is None:
        near = difflib.get_close_matches(path.urn or "", urns, 1, _NEARLY_SAME)
        return (
            (f"no schema is called {path.urn}", f"did you mean {urns[near[0]]}?") if near else None
        )
    attributes = {name.lower(): subs for name, subs in schemas[urn].items()}
    if path.attribute not in attributes:
        return f"{urn} has no {path.attribute}", _nearest(path.attribute, schemas[urn])
    subs = {sub.lower(): sub for sub in attributes[path.attribute]}
    if path.sub is not None and path.sub != "value" and path.sub not in subs:
        return f"{path.attribute} has no {path.sub}", _nearest(path.sub, subs.values())
    return None


def _nearest(word: str, known: Iterable[str]) -> str:
    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), folded, 1)
    hint = f"did you mean {folded[near[0]]}? " if near else ""
    return f"{hint}Only a source that sends it all the same makes this right"


def _owners(outbound: Outbound, kind: Kind | None) -> Iterator[Finding]:
    """One attribute, one owner: no second rule, and not what Muster decides itself."""
    owned = {n.lower(): remedy for n, remedy in kind.owned.items()} if kind is not None else {}
    first: dict[str, Rule] = {}
    for attribute in (*outbound.attributes, *outbound.references):
        rule = attribute.rule
        folded = rule.name.lower()
        before = first.setdefault(folded, rule)
        if before is not rule:
            problem = f"has two owners: {before.file}:{before.line} writes {before.name} too"
            yield _error(rule, problem, "remove one of them")
        if folded in owned and not rule.expression.asks_for_password:
            yield _error(rule, "is not a rule's to write", owned[folded])


def _limits(attribute: AttributeRule, kind: Kind) -> Iterator[Finding]:
    rule = attribute.rule
    limit = kind.limit(rule.name)
    if limit is None:
        near = _misspelt(rule.name, kind)
        if near is not None:
            yield _warning(rule, f"{kind.name} knows no {rule.name}", f"did you mean {near}?")
        return
    if attribute.longest is not None:
        if attribute.longest > limit:
            problem = f"max {attribute.longest} is more than the {limit} that {kind.name} takes"
            yield _warning(rule, problem, f"write max: {limit}")
        return
    if attribute.type in ("text", "list"):
        yield from _too_long(rule, limit, f"add max: {limit}")


def _too_long(rule: Rule, limit: int, remedy: str) -> Iterator[Finding]:
    constant = rule.expression.constant
    if isinstance(constant, str) and len(constant) > limit:
        yield _error(rule, f"longer than the {limit} characters it may have", "cut it")
        return
    possible = longest(rule.expression.root, _KNOWN)
    if possible is None or possible > limit:
        problem = f"may be longer than the {limit} characters that the target takes"
        yield _warning(rule, problem, remedy)


def _misspelt(name: str, kind: Kind) -> str | None:
    known = {attribute.lower(): attribute for attribute in kind.attributes}
    if name.lower() in known:
        return None
    near = difflib.get_close_matches(name.lower(), known, 1, _SIMILAR)
    return known[near[0]] if near else None
