"""From facts about a person to what an account should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from mappings.facts import Context
from mappings.language.running import NOTHING_GIVEN, Given
from mappings.language.values import empty, truth
from mappings.results import Evaluation, Need, Problem, Verdict
from mappings.rules import Rule
from mappings.scope import Scope
from mappings.wishing import AttributeRule, GrantRule, Wishing, values

__all__ = ["AttributeRule", "GrantRule", "Outbound"]


@dataclass(frozen=True)
class Outbound:
    """What a target's accounts hold. Immutable, safe to share between threads."""

    name: str
    match_keys: tuple[tuple[str, ...], ...]
    """The keys an account is found by, in order; each is one attribute or several together."""
    attributes: tuple[AttributeRule, ...]
    references: tuple[AttributeRule, ...] = ()
    container: Rule | None = None
    names: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    enabled: Rule | None = None
    scope: Scope | None = None
    kept: Path | None = None
    """What an imported schema said beside this, for the way back."""
    grants: tuple[GrantRule, ...] = ()
    digest: str = ""
    """Another one for any other text of the files behind it."""

    @property
    def identifier(self) -> str | None:
        """The attribute that alone says whose account it is: the first key, if it is one."""
        first = self.match_keys[0]
        return first[0] if len(first) == 1 else None

    @cached_property
    def chosen(self) -> tuple[str, ...]:
        """Attributes of which one of several values is reserved for a person."""
        return tuple(a.rule.name for a in self.attributes if a.rule.expression.selects)

    @cached_property
    def _choices(self) -> dict[str, tuple[Rule, ...]]:
        """What gives the names of each kind, and the values of the attributes chosen."""
        found = dict(self.names)
        for name in self.chosen:
            found[name] = (*found.get(name, ()), self._by_name[name].rule)
        return found

    def is_seed(self, attribute: str) -> bool:
        """Whether it is written only when the account is made."""
        return self._by_name[attribute].hold == "seed"

    @cached_property
    def _by_name(self) -> dict[str, AttributeRule]:
        return {rule.rule.name: rule for rule in self.attributes}

    @cached_property
    def _place(self) -> AttributeRule | None:
        return AttributeRule(self.container, may_cut=False) if self.container is not None else None

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """Every attribute the document may write, in its order."""
        return tuple(rule.rule.name for rule in self.attributes)

    @cached_property
    def required(self) -> frozenset[str]:
        """Attributes without which no account is made."""
        return frozenset(rule.rule.name for rule in self.attributes if rule.required)

    def matches(
        self, context: Mapping[str, Any], given: Given = NOTHING_GIVEN
    ) -> list[dict[str, str]]:
        """The keys to look for, best first: attribute -> value, all of which have to agree.

        A key of which one part has no value is not among them.
        """
        document = Context(context)
        found = (self._key(key, document, given) for key in self.match_keys)
        return [key for key in found if key is not None]

    def keyless(self, context: Mapping[str, Any], given: Given = NOTHING_GIVEN) -> str:
        """Why `matches` finds nothing, for people to read."""
        wishing = Wishing(Context(context), given)
        for name in dict.fromkeys(name for key in self.match_keys for name in key):
            wishing.wish(self._by_name[name])
        wanted = " or ".join(" + ".join(key) for key in self.match_keys)
        why = "; ".join(dict.fromkeys(problem.message for problem in wishing.problems))
        return f"there is no value for {wanted} to match by{why and ': '}{why}"

    def _key(self, key: tuple[str, ...], document: Context, given: Given) -> dict[str, str] | None:
        result: dict[str, str] = {}
        for name in key:
            wish = Wishing(document, given).wish(self._by_name[name])
            if wish is None or wish.value is None:
                return None
            result[name] = str(wish.value)
        return result

    def evaluate(self, context: Mapping[str, Any], given: Given = NOTHING_GIVEN) -> Evaluation:
        """What the account should hold; never raises.

        context: facts, reserved names and computed facts in one mapping, with None
        for what is explicitly nothing. Nothing said about an attribute: not listed.
        """
        wishing = Wishing(Context(context), given)
        wishes = wishing.wishes(self.attributes)
        references = wishing.wishes(self.references)
        container = None
        if self._place is not None:
            container = wishing.wish(self._place)
        wishing.needs += [
            Need("reference", name, person=str(wish.value))
            for name, wish in references.items()
            if wish.value is not None
        ]
        for grant in self.grants:
            wishing.give(grant)
        enabled, scope = self._enabled(wishing), self._verdict(wishing)
        return Evaluation(
            wishes,
            references,
            container,
            wishing.problems,
            tuple(wishing.needs),
            enabled,
            scope,
            wishing.until,
            wishing.kept,
            tuple(wishing.gifts),
            frozenset(wishing.unsure),
        )

    def verdict(
        self, context: Mapping[str, Any], given: Given = NOTHING_GIVEN
    ) -> tuple[Verdict | None, datetime | None]:
        """Whether the person is in scope, and until when that holds. None: everybody is."""
        if self.scope is None:
            return None, None
        wishing = Wishing(Context(context), given)
        return self._verdict(wishing), wishing.until

    def _enabled(self, wishing: Wishing) -> bool | None:
        if self.enabled is None:
            return None
        result = self.enabled.run(wishing.document, wishing.given)
        wishing.note(result)
        value = truth(result.value)
        if value is None and not empty(result.value):
            wishing.problems.append(Problem(self.enabled.place, "neither true nor false"))
        return value

    def _verdict(self, wishing: Wishing) -> Verdict | None:
        if self.scope is None:
            return None
        verdict, problems = self.scope.verdict(wishing.document, wishing.given, wishing.changes)
        wishing.problems.extend(problems)
        return verdict

    def candidates(
        self, kind: str, context: Mapping[str, Any], given: Given = NOTHING_GIVEN
    ) -> list[str]:
        """The names of a kind to try, best first, without repeats.

        kind: `accountName`, `cn`, or an attribute with a `SelectUniqueValue`. Empty when
        the document has none of this kind or the facts give none.
        """
        rules = self._choices.get(kind)
        if not rules:
            return []
        document = Context(context)
        found: dict[str, None] = {}
        for rule in rules:
            for value in values(rule, document, given):
                found.setdefault(value)
        return list(found)
