"""Which person a record belongs to (P1, state.md 5): by keys, never by name or e-mail.

Within a source, records are joined by the numbers HR gives, then by GUID and by the
lifelong id; across sources by the keys declared shared. What contradicts itself makes a
case for a human; nobody is silently merged or split.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from provisioning import people
from provisioning.people import LIFELONG, STABLE_KINDS, UNKNOWN, Key
from provisioning.reading import Reading
from provisioning.superseding import GUID, NUMBERS, Old, has_number, said_by, superseded
from scim.errors import ScimError
from store.clocks import machine_now
from store.json_text import parse

OTHERS_KEY = "this record now carries a key of another person"
RENUMBERED = "every number by which this person was known has changed"
SOMEBODY_ELSE = (
    "this record now has another name and another GUID or lifelong id: it may be somebody else's"
)
SEVERAL = "the keys of this record belong to different people"
NO_KEY = "this record has no usable key (externalId, worker id or employee number)"
OTHER_LIFE = "this number belongs to somebody with another lifelong id"
OTHER_HOLDER = "this number belongs to somebody with another GUID and another name"
OTHER_NAME = "this record has the lifelong id of somebody with another name"
OTHER_NAME_OF_GUID = "this record has the GUID of somebody with another name"
IN_TURN = (
    "two users of HR write this one record in turn: who ends as one of them is disabled, though "
    "they may work as the other"
)


class Joining:
    """One record, inside the transaction that stores it."""

    def __init__(
        self,
        tx: Connection,
        sources: Iterable[str],
        id: str,
        said: Reading,
        document: Mapping[str, Any],
    ) -> None:
        """`said` is what the record of that `id` says by its `document`; `sources` are all
        there are."""
        self._tx = tx
        self._sources = sources
        self._id = id
        self._said = said
        self._document = document
        self.made = False
        """Whether the person is new."""
        self.edges: list[str] = []
        """What pairs may have waited for, and is here now."""
        self.supersedes: list[Old] = []
        """The records whose place this one takes."""
        self.remarks: list[str] = []
        """What a human should know, and nothing waits for."""

    def join(
        self, who: str | None, known: Mapping[Key, str], cases: str = UNKNOWN
    ) -> tuple[str, str | None]:
        """The person behind the record, and why a human has to look at it, if so.

        `who` is the person it belongs to already, and `cases` those of that person; `known`
        says who has which of its keys.
        Raises ScimError 409 when another live record of the source has one of its numbers.
        """
        keys = self._said.keys
        numbered = _owners(known, NUMBERS)
        lifelong = _owners(known, (LIFELONG,))
        if who is not None:
            problem = self._doubt(who, keys, known, numbered, lifelong, cases)
            if self._is_in_turn(who, known):
                self.remarks.append(IN_TURN)
        else:
            who, problem = self._found(keys, known, numbered, lifelong)
        if problem is None:
            fresh = people.add_keys(self._tx, who, keys, known)
            self.edges = people.key_edges(fresh, self._sources)
        return who, problem

    def _doubt(
        self,
        who: str,
        keys: Sequence[Key],
        known: Mapping[Key, str],
        numbered: Sequence[str],
        lifelong: Sequence[str],
        cases: str,
    ) -> str | None:
        """What is wrong with a record that has its person."""
        if any(other != who for other in (*numbered, *lifelong)):
            return OTHERS_KEY
        if who in lifelong:
            return None
        if self._is_somebody_else(who, keys, cases):
            return SOMEBODY_ELSE
        numbers = [key for key in keys if key.kind in NUMBERS]
        if not numbers or any(known.get(key) == who for key in numbers):
            return None
        held = people.keys_held(self._tx, who, STABLE_KINDS)
        number = people.fold(self._said.push.newest.get("employeeNumber"))
        if any(key.kind == "employeeNumber" and key.value == number for key in held):
            return None  # it is said still, if beside a number that goes before it
        return RENUMBERED if held else None

    def _found(
        self,
        keys: Sequence[Key],
        known: Mapping[Key, str],
        numbered: Sequence[str],
        lifelong: Sequence[str],
    ) -> tuple[str, str | None]:
        """The person of a record that is new."""
        claimed = numbered or lifelong or list(dict.fromkeys(known.values()))
        if not claimed:
            return self._new(), None if keys else NO_KEY
        if len(claimed) > 1 or (lifelong and lifelong != claimed):
            return self._new(), SEVERAL
        who = claimed[0]
        if numbered and not lifelong:
            if self._has_others_only(who, keys, LIFELONG):
                return self._new(), OTHER_LIFE
            if self._has_others_only(who, keys, GUID) and self._is_called_otherwise(who):
                return self._new(), OTHER_HOLDER
        may_stand_beside = not numbered and bool(lifelong) and has_number(self._said.keys)
        if may_stand_beside and self._is_called_otherwise(who):
            return self._new(), OTHER_NAME
        new = said_by(self._said.terms, self._document, self._said.keys)
        taken = superseded(
            self._tx, self._said.terms, who, self._id, new, may_stand_beside=may_stand_beside
        )
        if taken and not numbered and self._is_called_otherwise(who):
            return self._new(), OTHER_NAME if lifelong else OTHER_NAME_OF_GUID
        self._refuse_doubtful(who, taken)
        self.supersedes = taken
        return who, None

    def _new(self) -> str:
        self.made = True
        return people.create_person(self._tx, machine_now(), self._said.alone)

    def _is_somebody_else(self, who: str, keys: Sequence[Key], cases: str) -> bool:
        """Whether HR has written another human over this record, as a client does that got 409
        for a number which HR gave again. A GUID alone may change, and so may a name.

        The other name is there from then on: a doubt, of whatever kind, lasts until the GUID is
        one that is known.
        """
        said = self._said
        is_in_doubt = cases != UNKNOWN and self._id in parse(cases)
        if not is_in_doubt and not _differ(said.stored.on(said.now), said.push.newest):
            return False
        return any(self._has_others_only(who, keys, kind) for kind in (LIFELONG, GUID))

    def _is_in_turn(self, who: str, known: Mapping[Key, str]) -> bool:
        """Whether the GUID of the user is back at one that this person had before, as where a
        client found the record of one employment by the number of another. A GUID that was
        never seen is one that changed."""
        before, newest = self._said.stored.on(self._said.now), self._said.push.newest
        if before.get(GUID) == newest.get(GUID):
            return False
        guids = [people.fold(facts.get(GUID)) for facts in (before, newest)]
        lives = {people.fold(facts.get(LIFELONG)) for facts in (before, newest)}
        if None in guids or guids[0] == guids[1] or not lives.isdisjoint(guids):
            return False  # that of the person in place of the user's
        return known.get(Key(self._said.terms.source, GUID, str(guids[1]))) == who

    def _has_others_only(self, who: str, keys: Sequence[Key], kind: str) -> bool:
        """Whether the person has keys of this kind, where the record has one, but not that."""
        own = {key.scope: key.value for key in keys if key.kind == kind}
        held = people.keys_held(self._tx, who, (kind,)) if own else []
        return any(key.scope in own for key in held) and not any(
            own.get(key.scope) == key.value for key in held
        )

    def _is_called_otherwise(self, who: str) -> bool:
        """Whether neither given nor family name is that of this person."""
        return _differ(parse(people.read(self._tx, who).facts), self._said.push.newest)

    def _refuse_doubtful(self, who: str, taken: Sequence[Old]) -> None:
        """A human is to say first whose record it is: what it says would be taken over."""
        if taken and not parse(people.read(self._tx, who).cases).keys().isdisjoint(
            old.id for old in taken
        ):
            raise ScimError(
                409,
                "This source has a resource for the same person that a human has to look at first",
                "uniqueness",
            )


def _differ(facts: Mapping[str, Any], newest: Mapping[str, Any]) -> bool:
    """Whether neither given nor family name is the same."""
    pairs_of_names = [
        (str(facts[name]).casefold(), str(newest[name]).casefold())
        for name in ("givenName", "familyName")
        if facts.get(name) and newest.get(name)
    ]
    return bool(pairs_of_names) and all(a != b for a, b in pairs_of_names)


def _owners(known: Mapping[Key, str], kinds: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(who for key, who in known.items() if key.kind in kinds))
