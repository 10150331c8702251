"""Steps for made-up people, with names that no other test uses."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, replace

from adapters.target import Account, Key, Outcome, Step, Value
from tests.conformance.world import World

_RUN = uuid.uuid4().hex[:5]
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """One person who may be hired into a world."""

    world: World
    login: str
    name: str

    @property
    def key(self) -> str:
        return self.login

    @property
    def match(self) -> Key:
        return {self.world.words.key: self.key}

    @property
    def principal(self) -> str:
        return f"{self.login}@{self.world.domain}"

    def create(self, **more: Value) -> Step:
        words = self.world.words
        attributes: dict[str, Value] = {
            words.account_name: self.login,
            words.user_principal_name: self.principal,
            words.key: self.key,
            words.display_name: self.name.strip(),
            **more,
        }
        return Step(
            "create",
            attributes,
            name=self.name if self.world.people else None,
            container=self.world.people,
            required=frozenset({words.account_name, words.user_principal_name, words.key}),
        )

    def hire(self, **more: Value) -> Account:
        """Create the account through the adapter and read it."""
        outcome = self.world.target.apply(None, self.create(**more))
        assert outcome.result == "applied", outcome
        assert not outcome.refusals, outcome
        assert outcome.link is not None
        account = self.world.target.read(outcome.link, None)
        assert account is not None
        return account

    def now(self) -> Account:
        """The account as the adapter reads it now."""
        account = self.world.target.read(None, self.match)
        assert account is not None
        return account

    def named(self, name: str) -> Person:
        return replace(self, name=name)


def person(world: World, name: str | None = None) -> Person:
    """Somebody new."""
    number = next(_NUMBERS)
    return Person(world, f"t{_RUN}{number}", name or f"Test Person {_RUN}{number}")


def applied(outcome: Outcome) -> Outcome:
    """The outcome, which must be applied with nothing left out."""
    assert outcome.result == "applied", outcome
    assert outcome.refusals == (), outcome
    return outcome


def refused(outcome: Outcome, kind: str) -> Outcome:
    """The outcome, which must be one refusal of this kind with words for an operator."""
    assert outcome.result == "refused", outcome
    assert [refusal.kind for refusal in outcome.refusals] == [kind], outcome
    refusal = outcome.refusals[0]
    assert refusal.message
    assert refusal.remedy
    assert refusal.code
    return outcome
