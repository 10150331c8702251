"""From facts about a person to what an account should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mappings.paths import Document
from mappings.results import Evaluation, Gift, GiftKind, Hold, Problem, TargetValue, Wish
from mappings.rules import Result, Rule
from mappings.values import empty, many, number, text, truth

AttributeType = Literal["text", "integer", "bool", "list"]


@dataclass(frozen=True)
class AttributeRule:
    """How one attribute is made. `longest`: the most UTF-16 units the target takes."""

    rule: Rule
    type: AttributeType = "text"
    hold: Hold = "own"
    longest: int | None = None
    may_cut: bool = True
    required: bool = False


@dataclass(frozen=True)
class GrantRule:
    """A group or licence, by the name its administrators know it by, and who is given it:
    everybody, where there is no `when`."""

    kind: GiftKind
    name: Rule
    when: Rule | None = None


@dataclass(frozen=True)
class Outbound:
    """What a target's accounts hold. Immutable, safe to share between threads."""

    name: str
    match_attribute: str
    attributes: tuple[AttributeRule, ...]
    references: tuple[AttributeRule, ...] = ()
    container: Rule | None = None
    names: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    grants: tuple[GrantRule, ...] = ()

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """Every attribute the document may write, in its order."""
        return tuple(rule.rule.name for rule in self.attributes)

    @property
    def required(self) -> frozenset[str]:
        """Attributes without which no account is made."""
        return frozenset(rule.rule.name for rule in self.attributes if rule.required)

    def match(self, context: Mapping[str, Any]) -> str | None:
        """The key by which an existing account is found, or None when there is none."""
        rule = next(r for r in self.attributes if r.rule.name == self.match_attribute)
        wish, _ = _wish(rule, Document(context))
        return str(wish.value) if wish and wish.value is not None else None

    def evaluate(self, context: Mapping[str, Any]) -> Evaluation:
        """What the account should hold; never raises.

        context: facts, reserved names and computed facts in one mapping, with None
        for what is explicitly nothing. Nothing said about an attribute: not listed.
        """
        evaluation = Evaluation()
        document = Document(context)
        for rules, wishes in (
            (self.attributes, evaluation.wishes),
            (self.references, evaluation.references),
        ):
            for rule in rules:
                wish, problems = _wish(rule, document)
                evaluation.problems.extend(problems)
                if wish is not None:
                    wishes[rule.rule.name] = wish
        for grant in self.grants:
            self._give(grant, document, evaluation)
        if self.container is None:
            return evaluation
        container, problems = _wish(AttributeRule(self.container, may_cut=False), document)
        evaluation.problems.extend(problems)
        return replace(evaluation, container=container)

    def _give(self, grant: GrantRule, document: Document, evaluation: Evaluation) -> None:
        if grant.when is not None:
            condition = grant.when.run(document)
            evaluation.problems.extend(condition.problems)
            if condition.problems or truth(condition.value) is not True:
                if condition.problems:
                    evaluation.unsure.add(grant.kind)
                return
        result = grant.name.run(document, several=True)
        evaluation.problems.extend(result.problems)
        if result.problems:
            evaluation.unsure.add(grant.kind)
        for one in many(result.value):
            name = (text(one) or "").strip()
            if name:
                evaluation.gifts.append(Gift(grant.kind, name, grant.name.place))

    def candidates(self, kind: str, context: Mapping[str, Any]) -> list[str]:
        """The names of a kind (`accountName`, `cn`) to try, best first, without repeats.

        Empty when the document has none of this kind or the facts give none.
        """
        document = Document(context)
        found: dict[str, None] = {}
        for rule in self.names.get(kind, ()):
            name = " ".join((text(rule.run(document).value) or "").split())
            if name:
                found.setdefault(name)
        return list(found)


def _wish(rule: AttributeRule, document: Document) -> tuple[Wish | None, list[Problem]]:
    result = rule.rule.run(document, several=rule.type == "list")
    value, cut = _convert(rule, result)
    problems = result.problems
    if value is not None:
        return Wish(value, False, rule.hold, result.origin, cut), problems
    said_nothing = any(document.has_null(path.attribute) for path in result.reads)
    if said_nothing and not problems and not rule.required:
        return Wish(None, True, rule.hold, result.origin), problems
    if rule.required and not problems:
        problems = [Problem(rule.rule.place, "required, but the facts give no value")]
    return None, problems


def _convert(rule: AttributeRule, result: Result) -> tuple[TargetValue | None, bool]:
    """The value as the target takes it, and whether it was cut."""
    value = result.value
    if empty(value):
        return None, False
    if rule.type == "bool":
        return _or_problem(truth(value), result, "neither true nor false"), False
    if rule.type == "integer":
        whole = number(value)
        if whole is not None and int(whole) != whole:
            whole = None
        return _or_problem(None if whole is None else int(whole), result, "not an integer"), False
    if rule.type == "text":
        return _fit(rule, result, text(value) or "")
    fitted = [_fit(rule, result, text(item) or "") for item in many(value)]
    texts = tuple(sorted({item for item, _ in fitted if item is not None}))
    return texts or None, any(cut for _, cut in fitted)


def _or_problem(value: int | bool | None, result: Result, message: str) -> int | bool | None:
    if value is None:
        result.scope.problem(message)
    return value


def _fit(rule: AttributeRule, result: Result, value: str) -> tuple[str | None, bool]:
    """Trimmed and, where it may be, cut to the target's limit (P14)."""
    value = value.strip()
    if rule.longest is None or _units(value) <= rule.longest:
        return value or None, False
    if not rule.may_cut:
        result.scope.problem(f"longer than the {rule.longest} characters the target takes")
        return None, False
    while _units(value) > rule.longest:
        value = value[: len(value) - max(1, (_units(value) - rule.longest) // 2)]
    return value.rstrip(), True


def _units(value: str) -> int:
    """Length in UTF-16 code units, as Windows counts."""
    return len(value) + sum(character > "\uffff" for character in value)
