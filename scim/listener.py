"""Who is told of every change, inside the transaction that stores it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection


@dataclass(frozen=True)
class Verdict:
    """What the listener made of a change.

    `person` and `facts` (JSON text) are stored beside the resource. `stale` means that the
    change is older than what is stored: the resource stays as it is and the client gets it.
    `same` means that it says nothing that was not said before. `receipt` is an opaque id by
    which the client can ask later what came of the change. `supersedes` are the ids of other
    live resources of the same source and type whose place this one takes: they are withdrawn,
    and it is in their groups. Nobody is told of that. `ahead` (JSON text) is stored beside a new
    resource.
    """

    person: str | None = None
    facts: str | None = None
    stale: bool = False
    receipt: str | None = None
    same: bool = False
    supersedes: tuple[str, ...] = ()
    ahead: str | None = None


@dataclass(frozen=True)
class Spoken:
    """What a message says by itself, in the form of a resource, and the paths it empties."""

    content: Mapping[str, Any]
    emptied: Collection[str]


Speaking = Callable[[], Spoken]
"""Asked only when it matters."""


class Listener(Protocol):
    """Told of every create, change and delete before the row is written.

    `before` is None for a create, `after` for a delete. Both are whole documents with `id`
    and `meta`. `cleared` are the attribute paths that the source has said to be empty and
    not filled since. Of a group's members `before` has only those that the change takes away
    and `after` those that it adds; whoever stays can be read from `store/members.py`, whose
    rows change after the call. A deleted resource leaves its groups in the same transaction,
    without a call for each. `spoken` is there where the message says a part of the resource
    and the rest is kept from before; else it says all of it. Of a resource that is `dated`,
    messages that leave the document as it is are told too: they may mean another day. A
    ScimError refuses the change; any other exception undoes it. It may run again from the
    start when the database asks for a retry, so it must act through `tx` alone.
    """

    def on_change(
        self,
        tx: Connection,
        source: str,
        type: str,
        id: str,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
        cleared: frozenset[str],
        ready: Any = None,
        spoken: Speaking | None = None,
    ) -> Verdict: ...

    def ready(
        self,
        source: str,
        type: str,
        document: Mapping[str, Any],
        cleared: frozenset[str],
        facts: str | None,
        spoken: Speaking | None = None,
    ) -> Any:
        """What can be worked out of a document before others have to wait for its transaction:
        `on_change` gets it back with the same document. `facts` are those of the resource as
        it is stored in this moment; None for a new one. None: nothing."""

    def on_members(self, tx: Connection, source: str, ids: Collection[str]) -> None:
        """Told when the rows of a group have changed: these resources are in other groups now,
        or in groups of another name, and so is whoever is in those that are groups."""


class Ignore:
    """The listener of a store-only source: nobody is told."""

    def on_change(
        self,
        tx: Connection,
        source: str,
        type: str,
        id: str,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
        cleared: frozenset[str],
        ready: Any = None,
        spoken: Speaking | None = None,
    ) -> Verdict:
        """Take everything, make nothing of it."""
        return Verdict()

    def ready(
        self,
        source: str,
        type: str,
        document: Mapping[str, Any],
        cleared: frozenset[str],
        facts: str | None,
        spoken: Speaking | None = None,
    ) -> Any:
        """Nothing is worked out."""
        return None

    def on_members(self, tx: Connection, source: str, ids: Collection[str]) -> None:
        """Nor of groups."""
