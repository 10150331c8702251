"""What rules wish for an account: values fitted to the target, and what absence means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mappings.facts import Context, Fact
from mappings.language.running import Given
from mappings.language.values import empty, many, number, text, truth
from mappings.results import Gift, GiftKind, Hold, Need, Origin, Problem, TargetValue, Wish
from mappings.rules import Result, Rule

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]+")

AttributeType = Literal["text", "integer", "bool", "list"]


@dataclass(frozen=True)
class Absence:
    """What it means that a rule gives no value.

    said: clear what HR said to be empty, keep what it did not say. keep: keep either.
    clear: clear either. A `default` stands in, held as `hold` says.
    """

    means: Literal["said", "keep", "clear"] = "said"
    default: Rule | None = None
    hold: Hold | None = None


AS_SAID = Absence()


@dataclass(frozen=True)
class AttributeRule:
    """How one attribute is made. `longest`: the most UTF-16 units the target takes."""

    rule: Rule
    type: AttributeType = "text"
    hold: Hold = "own"
    longest: int | None = None
    may_cut: bool = True
    required: bool = False
    absent: Absence = AS_SAID


@dataclass(frozen=True)
class GrantRule:
    """A group or licence, by the name its administrators know it by, and who is given it:
    everybody, where there is no `when`."""

    kind: GiftKind
    name: Rule
    when: Rule | None = None


def values(rule: Rule, document: Context, given: Given) -> list[str]:
    """What a rule gives as names: blanks single, none at the ends."""
    expression = rule.expression
    if expression.selects:
        found = expression.candidates(document, given, rule.name)
    else:
        found = [rule.run(document, given).value]
    return [name for value in found if (name := " ".join((text(value) or "").split()))]


class Wishing:
    """One evaluation of a document: what it wishes, needs, and what went wrong."""

    def __init__(self, document: Context, given: Given) -> None:
        self.document = document
        self.given = given
        self.problems: list[Problem] = []
        self.needs: list[Need] = []
        self.kept: dict[str, Origin] = {}
        self.gifts: list[Gift] = []
        self.unsure: set[GiftKind] = set()
        self.until: datetime | None = None

    def changes(self, instant: datetime) -> None:
        if self.until is None or instant < self.until:
            self.until = instant

    def note(self, result: Result) -> None:
        """Take over what a rule left beside its value."""
        if result.problem is not None:
            self.problems.extend(result.problems)
        if result.until is not None:
            self.changes(result.until)

    def wishes(self, rules: tuple[AttributeRule, ...]) -> dict[str, Wish]:
        found = {}
        for rule in rules:
            wish = self.wish(rule)
            if wish is not None:
                found[rule.rule.name] = wish
        return found

    def wish(self, rule: AttributeRule) -> Wish | None:
        """What the rule wishes; None when the attribute is kept as it is."""
        expression = rule.rule.expression
        if expression.symbolic:
            return self._symbol(rule)
        result = rule.rule.run(self.document, self.given)
        value, cut = _convert(rule, result)
        self.note(result)
        if value is not None:
            return Wish(value, False, rule.hold, result.origin, cut, expression.redacted)
        absent = rule.absent
        if result.problem is None and not result.skipped:
            if absent.default is not None:
                return self._default(rule, absent.default)
            if not rule.required:
                if self._cleared(rule, result):
                    return Wish(None, True, rule.hold, result.origin)
            else:
                self.problems.append(
                    Problem(rule.rule.place, "required, but the facts give no value")
                )
        self.kept[rule.rule.name] = result.origin
        return None

    def _cleared(self, rule: AttributeRule, result: Result) -> bool:
        means = rule.absent.means
        if means != "said":
            return means == "clear"
        read = result.reads
        return any(isinstance(r, Fact) and self.document.has_null(r.key) for r in read)

    def _default(self, rule: AttributeRule, default: Rule) -> Wish | None:
        result = default.run(self.document, self.given)
        value, cut = _convert(rule, result)
        self.note(result)
        if value is None:
            self.kept[rule.rule.name] = result.origin
            return None
        hold = rule.absent.hold or rule.hold
        return Wish(value, False, hold, result.origin, cut, default.expression.redacted)

    def _symbol(self, rule: AttributeRule) -> Wish | None:
        """A password, or one of several values to be reserved."""
        name = rule.rule.name
        if rule.rule.expression.asks_for_password:
            self.needs.append(Need("password", name))
            return None
        reserved = self.given.reserved.get(name)
        if reserved is not None:
            result = Result(self.document, self.given, name)
            result.rule, result.value = rule.rule, reserved
            value, cut = _convert(rule, result)
            self.note(result)
            return None if value is None else Wish(value, False, rule.hold, result.origin, cut)
        candidates = tuple(dict.fromkeys(values(rule.rule, self.document, self.given)))
        if candidates:
            self.needs.append(Need("unique", name, candidates))
        else:
            self.problems.append(Problem(rule.rule.place, "no rule gives a value"))
        return None

    def give(self, grant: GrantRule) -> None:
        """Note what is to be given; nothing is taken away of a kind of which a rule failed."""
        if grant.when is not None:
            condition = grant.when.run(self.document, self.given)
            self.note(condition)
            if _without(condition):
                self.unsure.add(grant.kind)
            if truth(condition.value) is not True:
                return
        result = grant.name.run(self.document, self.given)
        self.note(result)
        if _without(result):
            self.unsure.add(grant.kind)
        for one in many(result.value):
            name = (text(one) or "").strip()
            if name:
                self.gifts.append(Gift(grant.kind, name, grant.name.place))


def _without(result: Result) -> bool:
    """Whether the rule could not tell, or asked not to be asked."""
    return result.problem is not None or result.skipped


def _convert(rule: AttributeRule, result: Result) -> tuple[TargetValue | None, bool]:
    """The value as the target takes it, and whether it was cut."""
    value = result.value
    if value.__class__ is str and rule.type == "text":  # most are, and this is hot
        return _fit(rule, result, value)
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
        result.fail(message)
    return value


def _fit(rule: AttributeRule, result: Result, value: str) -> tuple[str | None, bool]:
    """Trimmed and, where it may be, cut to the target's limit (P14) and cleared of the control
    characters that word processors leave behind: Entra ID takes none but tab and line ends."""
    value = value.strip()
    if rule.may_cut and not value.isprintable():
        value = _CONTROL.sub(" ", value).strip()
    if rule.longest is None or _units(value) <= rule.longest:
        return value or None, False
    if not rule.may_cut:
        result.fail(f"longer than the {rule.longest} characters the target takes")
        return None, False
    while _units(value) > rule.longest:
        value = value[: len(value) - max(1, (_units(value) - rule.longest) // 2)]
    return value.rstrip(), True


def _units(value: str) -> int:
    """Length in UTF-16 code units, as Windows counts."""
    if value.isascii():
        return len(value)
    return len(value) + sum(character > "\uffff" for character in value)
