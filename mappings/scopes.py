"""Reads the `scope:` of an outbound document."""

from __future__ import annotations

from typing import Any

from mappings.facts import Fact
from mappings.language import moments, patterns
from mappings.language.expression import Names
from mappings.language.values import number
from mappings.results import Outside
from mappings.rules import Rule
from mappings.scope import (
    DATED,
    LISTED,
    NUMERIC,
    OPERATORS,
    PATTERNED,
    UNARY,
    Clause,
    Group,
    Scope,
    days_from_today,
    operator_named,
)
from mappings.sources import MappingError, Merged, Source


def read_scope(merged: Merged, names: Names) -> Scope | None:
    """The scope of a document; None when everybody is in. Raises :class:`MappingError`."""
    found = merged.top("scope")
    if found is None or found[0] is None:
        return None
    written, source = found
    groups = tuple(
        _group(source, names, index, group) for index, group in enumerate(written.get("groups", ()))
    )
    object_filter: Rule | None = None
    if "object_filter" in written:
        place = ("scope", "object_filter")
        object_filter = source.rule("object_filter", written["object_filter"], place, names)
    if not groups and object_filter is None:
        raise source.error("scope lets nobody in", "add groups:, or remove scope:", "scope")
    return Scope(groups, _outside(written["outside"]), object_filter)


def _outside(written: Any) -> Outside:
    if isinstance(written, dict):
        return Outside("delete", written["delete_after_days"])
    return Outside(written)


def _group(source: Source, names: Names, index: int, written: dict[str, Any]) -> Group:
    place = ("scope", "groups", index)
    clauses = tuple(
        _clause(source, names, (*place, "clauses", number), clause)
        for number, clause in enumerate(written.get("clauses", ()))
    )
    when = tuple(
        source.rule("scope", text, (*place, "when", number), names)
        for number, text in enumerate(written.get("when", ()))
    )
    if not clauses and not when:
        raise source.error("the group has no clauses", "add clauses: or when:", *place)
    return Group(written.get("name") or f"group {index + 1}", clauses, when)


def _clause(
    source: Source, names: Names, place: tuple[str | int, ...], written: dict[str, Any]
) -> Clause:
    def error(problem: str, remedy: str, key: str) -> MappingError:
        return source.error(f"scope: {problem}", remedy, *place, key)

    operator = operator_named(written["operator"])
    if operator is None:
        known = ", ".join(OPERATORS)
        raise error(
            f"there is no operator {written['operator']}", f"use one of {known}", "operator"
        )
    try:
        fact = names.attribute(written["fact"])
    except ValueError as unknown:
        problem, _, remedy = str(unknown).rpartition("; ")
        raise error(problem, remedy, "fact") from unknown
    assert isinstance(fact, Fact)
    value = written.get("value")
    values = value if isinstance(value, list) else [] if value is None else [value]
    texts = tuple(str(one) for one in values)
    if operator in UNARY:
        if texts:
            raise error(f"{operator} takes no value", "remove it", "value")
    elif not texts or (len(texts) > 1 and operator not in LISTED):
        wanted = "a list of values" if operator in LISTED else "one value"
        raise error(f"{operator} wants {wanted}", "add value:", "operator")
    complaint = _complaint(operator, texts)
    if complaint:
        raise error(complaint[0], complaint[1], "value")
    return Clause(fact, operator, texts, f"{source.shown}:{source.document.line(*place)} scope")


def _complaint(operator: str, texts: tuple[str, ...]) -> tuple[str, str] | None:
    """What is wrong with the value of a clause, and the remedy."""
    if operator in NUMERIC and number(texts[0]) is None:
        return f"{operator} wants a number", "write digits"
    if operator in PATTERNED:
        try:
            patterns.compiled(texts[0])
        except patterns.PatternError as error:
            return str(error), "write a regular expression as .NET has them"
    if operator in DATED:
        try:
            days = days_from_today(texts[0])
        except ValueError:
            days = None
        if days is None and moments.calendar_date(texts[0]) != texts[0]:
            return f"{operator} wants a date", "write 2026-03-16, today or today+14"
    return None
