"""Scoping filters on their way back to Entra."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mappings.entra.report import Report
from mappings.entra.rewriting import NotExportable
from mappings.entra.schema import listed
from mappings.scope import DATED, UNARY, Clause, Group

_SPELT = {  # as Entra writes them; all others are written as here
    "ENDS WITH": "ENDS_WITH",
    "GREATER THAN": "Greater_Than",
    "GREATER THAN OR EQUALS": "Greater_Than_OR_EQUALS",
    "INCLUDES": "Includes",
}
_LIKE = {"IN": "EQUALS", "NOT IN": "NOT EQUALS"}


def spelt(operator: str) -> str:
    """An operator of ours as Entra writes it."""
    return _SPELT.get(operator, operator)


def described(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """The groups as a document has them."""
    return [
        {"name": group.name, "clauses": [_clause(clause) for clause in group.clauses]}
        for group in groups
    ]


def _clause(clause: Clause) -> dict[str, Any]:
    found: dict[str, Any] = {"fact": clause.fact.text, "operator": clause.operator}
    if clause.operator not in UNARY:
        several = clause.operator in ("IN", "NOT IN")
        found["value"] = list(clause.values) if several else clause.values[0]
    return found


def exported_groups(
    groups: Sequence[Group],
    name: Callable[[str], str],
    before: Sequence[Mapping[str, Any]] | None,
    old: Any,
    report: Report,
) -> list[Any] | None:
    """Entra's groups; None to leave them as they are, because nothing was changed."""
    named = [
        {"name": group.get("name") or f"group {number}", "clauses": group["clauses"]}
        for number, group in enumerate(before or (), 1)
    ]
    if described(groups) == named and not any(group.when for group in groups):
        return None
    before_spelt = {
        str(clause.get("operatorName")).upper().replace("_", " "): clause.get("operatorName")
        for group in listed(old or {}, "groups")
        for clause in listed(group, "clauses")
    }
    found = []
    for group in groups:
        try:
            if group.when:
                raise NotExportable("expressions are no clauses in Entra")
            clauses = [_exported(clause, name, before_spelt) for clause in group.clauses]
        except NotExportable as problem:
            report.add("hand", f"scope group {group.name}", str(problem))
            continue
        found.append({"name": group.name, "clauses": clauses})
        report.add("carried", f"scope group {group.name}: {len(clauses)} clauses")
    return found


def _exported(
    clause: Clause, name: Callable[[str], str], before: Mapping[str, Any]
) -> dict[str, Any]:
    operator, values = clause.operator, list(clause.values)
    if operator in DATED or operator.startswith("LESS"):
        raise NotExportable(f"Entra has no {operator}")
    if operator == "STARTS WITH":
        operator, values = "REGEX MATCH", ["^" + re.escape(values[0])]
    return {
        "operatorName": before.get(operator) or _LIKE.get(operator) or spelt(operator),
        "sourceOperandName": name(clause.fact.text),
        "targetOperand": {"values": values},
    }
