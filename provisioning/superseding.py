"""Whose place a new record takes: a live one of the same source that is of the same person.

After IPS's "reset system" everybody is POSTed again, perhaps from another of its sources. A
client that gets 409 looks for what is there by the user name or external id that it sends, so
409 helps only where both records have such a key. Where one has none, or where one is known
by a GUID alone and the other by a number, nobody would ever speak of the old one again: it
would assert the person for ever, also when they have left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select

from provisioning.people import LIFELONG, NUMBER, SHARED, STABLE_KINDS, Key, keys_of
from provisioning.reading import Terms
from scim.errors import ScimError
from store.json_text import parse
from store.statement import Statement
from store.tables import resource

NUMBERS = (*STABLE_KINDS, NUMBER)
GUID = "sourceGuid"
"""Kind of the key that is the user's GUID, or the person's where the source gives no other."""

_LIVE = Statement(
    select(resource.c.id, resource.c.document, resource.c.facts, resource.c.ahead)
    .where(
        resource.c.person == bindparam("the_person"),
        resource.c.source == bindparam("the_source"),
        resource.c.deleted.is_(None),
    )
    .order_by(resource.c.seq)
)


@dataclass(frozen=True)
class Said:
    """What a record says itself of who it is about, whatever was known before."""

    keys: list[Key]
    is_named: bool
    """Whether its client can look for it."""

    @property
    def guid(self) -> str | None:
        """That of the user; None where it is the person's."""
        own = self._values(GUID)
        return next(iter(own - self._values(LIFELONG)), None)

    @property
    def has_number(self) -> bool:
        return has_number(self.keys)

    def _values(self, kind: str) -> set[str]:
        return {key.value for key in self.keys if key.kind == kind and key.scope != SHARED}


@dataclass(frozen=True)
class Old:
    """A live record, as its row."""

    id: str
    facts: str | None
    ahead: str | None


def has_number(keys: list[Key]) -> bool:
    """Whether HR numbers whom these keys are of. A GUID that stands where others have the
    number, as IPS puts it where it has nothing else, is none."""
    guids = {key.value for key in keys if key.kind in (GUID, LIFELONG)}
    return any(key.kind in NUMBERS and key.value not in guids for key in keys)


def said_by(terms: Terms, document: Mapping[str, Any], keys: list[Key] | None = None) -> Said:
    """What this document says; `keys` are those it carries, where they are known."""
    external_id = document.get("externalId")
    if keys is None:
        values = terms.inbound.facts(document, frozenset()).values
        keys = keys_of(terms.source, external_id, values, terms.shared)
    return Said(keys, bool(document.get("userName") or external_id))


def superseded(
    tx: Connection, terms: Terms, who: str, id: str, new: Said, *, may_stand_beside: bool
) -> list[Old]:
    """The records whose place the new one of that `id` takes, oldest first.

    Raises ScimError 409 for one that stays and is the person's only other record that there
    may be, unless the new one `may_stand_beside` it.
    """
    found: list[Old] = []
    for row in _LIVE.all(tx, the_person=who, the_source=terms.source):
        old_id, document, facts, ahead = row
        if old_id == id:
            continue
        old = said_by(terms, parse(document))
        if _takes_place(new, old, may_stand_beside=may_stand_beside):
            found.append(Old(old_id, facts, ahead))
        elif not may_stand_beside:
            raise ScimError(
                409, "This source already has a resource for the same person key", "uniqueness"
            )
    return found


def _takes_place(new: Said, old: Said, *, may_stand_beside: bool) -> bool:
    if new.guid and old.guid and new.guid != old.guid:
        return False  # two users of one person, each with a life of its own
    if new.has_number != old.has_number:
        return True
    return not may_stand_beside and not (new.is_named and old.is_named)
