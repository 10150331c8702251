"""Who is in a target's scope: Entra's scoping filters, and dates, lists and expressions.

A person is in when every clause of any group holds. Texts compare with case. A fact
without a value fails every clause but `IS NULL`, `NOT REGEX MATCH` included. A clause that
cannot be computed leaves the verdict open: then nothing is done to anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mappings.facts import Context, Fact
from mappings.language import moments, patterns
from mappings.language.moving import next_change
from mappings.language.running import Fail, Given
from mappings.language.values import many, number, text, truth
from mappings.results import Outside, Problem, Verdict
from mappings.rules import Rule

UNARY = ("IS NULL", "IS NOT NULL", "IS TRUE", "IS FALSE")
TEXTUAL = ("EQUALS", "NOT EQUALS", "INCLUDES", "ENDS WITH", "STARTS WITH", "&", "!&")
NUMERIC = ("GREATER THAN", "GREATER THAN OR EQUALS", "LESS THAN", "LESS THAN OR EQUALS")
PATTERNED = ("REGEX MATCH", "NOT REGEX MATCH")
LISTED = ("IN", "NOT IN")
DATED = ("BEFORE", "ON OR BEFORE", "AFTER", "ON OR AFTER")
OPERATORS = (*UNARY, *TEXTUAL, *NUMERIC, *PATTERNED, *LISTED, *DATED)
"""Entra's, and `STARTS WITH`, `LESS THAN ...`, `IN`, `NOT IN` and those of dates."""


class Open(Exception):
    """The clause cannot be computed. The text holds no personal value."""


def operator_named(written: str) -> str | None:
    """The operator meant: case and underscores do not count (`Greater_Than_OR_EQUALS`)."""
    folded = " ".join(written.replace("_", " ").upper().split())
    return folded if folded in OPERATORS else None


@dataclass(frozen=True)
class Clause:
    """One condition on one fact."""

    fact: Fact
    operator: str
    values: tuple[str, ...]
    place: str

    def holds(self, context: Context, given: Given, until: Callable[[datetime], None]) -> bool:
        """Whether it is met now; `until` is told when that changes. Raises :class:`Open`."""
        found = self.fact.read(context, True)
        several = many(found)
        texts = [text(one) or "" for one in several]
        if self.operator == "IS NULL":
            return not any(texts)
        if not any(texts):
            return False
        if self.operator in ("IS NOT NULL", "IS TRUE", "IS FALSE"):
            return self.operator == "IS NOT NULL" or truth(found) is (self.operator == "IS TRUE")
        if self.operator in PATTERNED:
            return self._matches(texts) == (self.operator == "REGEX MATCH")
        if self.operator in DATED:
            return self._dated(texts[0], context, given, until)
        if self.operator in NUMERIC:
            return self._compares(several)
        return _TESTS[self.operator](texts, self.values)

    def _matches(self, texts: Sequence[str]) -> bool:
        try:
            return any(patterns.matches(one, self.values[0]) for one in texts)
        except patterns.TooSlow as slow:
            raise Open("the pattern takes too long; make it simpler") from slow

    def _compares(self, several: Sequence[Any]) -> bool:
        wanted = number(self.values[0])
        have = number(several[0])
        if have is None or wanted is None:
            return False
        if self.operator.startswith("GREATER"):
            return have > wanted or (have == wanted and self.operator.endswith("EQUALS"))
        return have < wanted or (have == wanted and self.operator.endswith("EQUALS"))

    def _dated(
        self, have: str, context: Context, given: Given, until: Callable[[datetime], None]
    ) -> bool:
        day = moments.calendar_date(have)
        if day is None:
            raise Open(f"{self.fact.text} is not a date")
        days = days_from_today(self.values[0])
        if days is None:
            return _ordered(self.operator, day, self.values[0])
        if given.now is None:
            raise Open("this is evaluated without a time")
        zone_name = text(context.values.get("timezone")) or given.timezone
        try:
            where = moments.zone(zone_name, "the time zone")
        except Fail as failure:
            raise Open(str(failure)) from failure

        def seen(instant: datetime) -> bool:
            other = moments.day_in(instant + timedelta(days=days), where)
            return _ordered(self.operator, day, other)

        change = next_change(seen, given.now)
        if change is not None:
            until(change)
        return seen(given.now)


def days_from_today(written: str) -> int | None:
    """`today` is 0, `today+14` is 14, `today-30` is -30; None for a date."""
    if not written.lower().startswith("today"):
        return None
    rest = written[5:].replace(" ", "")
    return int(rest) if rest else 0


def _ordered(operator: str, day: str, other: str) -> bool:
    if operator.startswith("ON OR") and day == other:
        return True
    return day < other if operator.endswith("BEFORE") else day > other


_TESTS: dict[str, Callable[[Sequence[str], Sequence[str]], bool]] = {
    "EQUALS": lambda have, want: want[0] in have,
    "NOT EQUALS": lambda have, want: want[0] not in have,
    "INCLUDES": lambda have, want: any(want[0] in one for one in have),
    "ENDS WITH": lambda have, want: any(one.endswith(want[0]) for one in have),
    "STARTS WITH": lambda have, want: any(one.startswith(want[0]) for one in have),
    "&": lambda have, want: any(one in want[0] for one in have),
    "!&": lambda have, want: not any(one in want[0] for one in have),
    "IN": lambda have, want: any(one in want for one in have),
    "NOT IN": lambda have, want: not any(one in want for one in have),
}


@dataclass(frozen=True)
class Group:
    """Clauses that all have to hold. `when`: expressions that have to be true beside them."""

    name: str
    clauses: tuple[Clause, ...] = ()
    when: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Scope:
    """The groups, of which one has to hold, and what becomes of who is outside.

    `object_filter`: an expression as Entra's pseudo target of that name has it; who gets
    `IgnoreObjectFlow` from it is outside, whatever the groups say.
    """

    groups: tuple[Group, ...]
    outside: Outside
    object_filter: Rule | None = None

    def verdict(
        self, context: Context, given: Given, until: Callable[[datetime], None]
    ) -> tuple[Verdict, list[Problem]]:
        """Whether the person is in; `until` is told when that changes."""
        why = []
        try:
            if self.object_filter is not None and not _passes(
                self.object_filter, context, given, until
            ):
                return Verdict(False, "object_filter", self.outside), []
            if not self.groups:
                return Verdict(True, "object_filter", self.outside), []
            for group in self.groups:
                failed = _failed(group, context, given, until)
                if failed is None:
                    return Verdict(True, group.name, self.outside), []
                why.append(f"{group.name}: {failed}")
        except _Unknown as unknown:
            return Verdict(None, unknown.problem.message, self.outside), [unknown.problem]
        return Verdict(False, "; ".join(why), self.outside), []


class _Unknown(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def _failed(
    group: Group, context: Context, given: Given, until: Callable[[datetime], None]
) -> str | None:
    """The first clause that does not hold, in words; None when all do."""
    for clause in group.clauses:
        try:
            if not clause.holds(context, given, until):
                return f"{clause.fact.text} {clause.operator}"
        except Open as problem:
            raise _Unknown(Problem(clause.place, str(problem))) from problem
    for rule in group.when:
        result = rule.run(context, given)
        if result.until is not None:
            until(result.until)
        if result.problems:
            raise _Unknown(result.problems[0])
        if not truth(result.value):
            return rule.expression.text
    return None


def _passes(rule: Rule, context: Context, given: Given, until: Callable[[datetime], None]) -> bool:
    result = rule.run(context, given)
    if result.until is not None:
        until(result.until)
    if result.problems:
        raise _Unknown(result.problems[0])
    return not result.whole
