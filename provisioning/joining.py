"""Which person a record belongs to (P1, state.md 5): by keys, never by name or e-mail.

Within a source, records are joined by the numbers HR gives, then by GUID and by the
lifelong id; across sources by the keys declared shared. What contradicts itself makes a
case for a human; nobody is silently merged or split.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from provisioning import people
from provisioning.people import LIFELONG, STABLE_KINDS, Key
from provisioning.reading import Reading
from provisioning.superseding import NUMBERS, Old, has_number, said_by, superseded
from scim.errors import ScimError
from store.clocks import machine_now

OTHERS_KEY = "this record now carries a key of another person"
RENUMBERED = "every number by which this person was known has changed"
SEVERAL = "the keys of this record belong to different people"
NO_KEY = "this record has no usable key (externalId, worker id or employee number)"
OTHER_LIFE = "this number belongs to somebody with another lifelong id"
OTHER_NAME = "this record has the lifelong id of somebody with another name"
OTHER_NAME_OF_GUID = "this record has the GUID of somebody with another name"


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

    def join(self, who: str | None, known: Mapping[Key, str]) -> tuple[str, str | None]:
        """The person behind the record, and why a human has to look at it, if so.

        `who` is the person it belongs to already; `known` says who has which of its keys.
        Raises ScimError 409 when another live record of the source has one of its numbers.
        """
        keys = self._said.keys
        numbered = _owners(known, NUMBERS)
        lifelong = _owners(known, (LIFELONG,))
        if who is not None:
            problem = self._doubt(who, keys, known, numbered, lifelong)
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
    ) -> str | None:
        """What is wrong with a record that has its person."""
        if any(other != who for other in (*numbered, *lifelong)):
            return OTHERS_KEY
        numbers = [key for key in keys if key.kind in NUMBERS]
        if not numbers or any(known.get(key) == who for key in numbers) or who in lifelong:
            return None
        return RENUMBERED if people.keys_held(self._tx, who, STABLE_KINDS) else None

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
        if numbered and not lifelong and self._has_another_life(who, keys):
            return self._new(), OTHER_LIFE
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

    def _has_another_life(self, who: str, keys: Sequence[Key]) -> bool:
        """Whether HR gave a number again that it had given to another human before."""
        own = {key.scope: key.value for key in keys if key.kind == LIFELONG}
        held = people.keys_held(self._tx, who, (LIFELONG,))
        return any(key.scope in own for key in held) and not any(
            own.get(key.scope) == key.value for key in held
        )

    def _is_called_otherwise(self, who: str) -> bool:
        """Whether neither given nor family name is that of this person."""
        facts, newest = json.loads(people.read(self._tx, who).facts), self._said.push.newest
        pairs_of_names = [
            (str(facts[name]).casefold(), str(newest[name]).casefold())
            for name in ("givenName", "familyName")
            if facts.get(name) and newest.get(name)
        ]
        return bool(pairs_of_names) and all(a != b for a, b in pairs_of_names)

    def _refuse_doubtful(self, who: str, taken: Sequence[Old]) -> None:
        """A human is to say first whose record it is: what it says would be taken over."""
        if taken and not json.loads(people.read(self._tx, who).cases).keys().isdisjoint(
            old.id for old in taken
        ):
            raise ScimError(
                409,
                "This source has a resource for the same person that a human has to look at first",
                "uniqueness",
            )


def _owners(known: Mapping[Key, str], kinds: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(who for key, who in known.items() if key.kind in kinds))
