"""The attributes that an Entra rule reads, as facts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mappings.entra.choosing import Chosen
from mappings.entra.names import Known
from mappings.entra.report import Report
from mappings.entra.rows import Row
from mappings.entra.schema import attribute_definitions, listed
from mappings.language.expression import Expression, ExpressionError, Names
from mappings.language.grammar import parse
from mappings.language.syntax import Attribute, walk
from mappings.paths import Path, PathError, parse_path
from mappings.vocabulary import COMPUTED, FACTS, NAMES

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_FORMATS = re.compile(r"FormatDateTime\s*\(\s*\[([^\]]+)\]", re.IGNORECASE)


class Words:
    """Gives every attribute its fact, and keeps what the inbound document has to say."""

    def __init__(self, chosen: Chosen, schema: Mapping[str, Any], report: Report) -> None:
        self.source = chosen.source
        self.report = report
        self.facts: dict[str, Any] = {}
        """The inbound document's rules."""
        self.own: set[str] = set()
        """Facts that are not of the vocabulary."""
        self.used: dict[str, str] = {}
        """Fact of the vocabulary -> the attribute it stands for."""
        self._by_attribute: dict[str, str] = {}
        self._known = {name.lower(): (name, known) for name, known in self.source.known.items()}
        self._definitions = attribute_definitions(
            schema,
            str(chosen.rule.get("sourceDirectoryName")),
            str(chosen.mapping.get("sourceObjectName")),
        )
        self._taken = {word.lower() for word in (*FACTS, *NAMES, *COMPUTED)}

    def fact(self, attribute: str) -> str:
        """The name of the fact that says the attribute."""
        name = attribute.strip()
        if name not in self._by_attribute:
            self._by_attribute[name] = self._new(name)
        return self._by_attribute[name]

    def rewritten(self, row: Row) -> str | None:
        """The row's expression with facts for attributes; None when it cannot be used here."""
        text = row.expression
        nodes = [node for node in walk(parse(text)) if isinstance(node, Attribute)]
        for node in sorted(nodes, key=lambda node: -node.start):
            end = node.start + len(node.name) + 2
            text = f"{text[: node.start]}[{self.fact(node.name)}]{text[end:]}"
        try:
            Expression(text, Names(_anything, {}))
        except ExpressionError as error:
            self.report.add("hand", row.shown, f"{error.problem}; {error.remedy}")
            return None
        for name in _FORMATS.findall(row.expression):
            why = f"its format is Entra's; see how HR's SCIM writes [{name}], or use Date()"
            self.report.add("hand", row.shown, why)
        return text

    def _new(self, name: str) -> str:
        known = self._known.get(name.lower(), ("", Known()))[1]
        if known.fact is not None and known.fact not in self.facts:
            self.facts[known.fact] = {"entra": name}
            self.used[known.fact] = name
            return known.fact
        expression = known.expression or self._same_as(known.fact) or self._expected(name)
        word = self._word(name)
        self.facts[word] = {"value": expression, "type": "text", "entra": name}
        self.own.add(word)
        return word

    def _same_as(self, fact: str | None) -> str | None:
        """How a fact of ours that already stands for another attribute is found."""
        if fact is None:
            return None
        from mappings.documents import load_inbound

        rules = {rule.rule.name: rule.rule for rule in load_inbound(self.source.mapping).rules}
        return rules[fact].expression.source

    def _expected(self, name: str) -> str:
        """Where HR is expected to say an attribute that no table has."""
        if self.source.unknown_urn is None:
            path = _path(name)
            if path is not None:
                return f"[{name}]"
        urn = self.source.unknown_urn or "urn:muster:scim:schemas:extension:imported:1.0:User"
        expression = f"[{urn}:{_cleaned(name)}]"
        api = listed(self._definitions.get(name.lower(), {}), "apiExpressions")
        was = f" (Entra read {api[0].get('value')})" if api else ""
        self.report.add("hand", name, f"not known; HR has to send {expression}{was}")
        return expression

    def _word(self, name: str) -> str:
        """A name for a fact of one's own, like the attribute's last word."""
        path = _path(name)
        last = (path.sub or path.text.rpartition(":")[2]) if path is not None else name
        if path is not None and path.filter is None:
            last = path.text.rpartition(":")[2].replace(".", "_")
        base = _cleaned(last)
        word, number = base, 2
        while word.lower() in self._taken:
            word = f"hr{base[0].upper()}{base[1:]}" + (str(number) if number > 2 else "")
            number += 1
        self._taken.add(word.lower())
        return word


def _path(name: str) -> Path | None:
    try:
        return parse_path(name)
    except PathError:
        return None


def _cleaned(name: str) -> str:
    words = re.findall(r"[A-Za-z0-9_]+", name)
    joined = words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:]) if words else "x"
    return joined if _WORD.fullmatch(joined) else f"x{joined}"


def _anything(name: str) -> Any:
    return Path(name, None, name)
