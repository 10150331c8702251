"""PATCH: what Graph refuses is found, left out and reported.

Graph takes or refuses a request as a whole, so a refused value is left out and the rest
sent again: after a definite no, that is a different write, not a repeated one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

from adapters.entra_id import attributes as words
from adapters.entra_id.attempt import Attempt
from adapters.entra_id.errors import SENSITIVE, SYNCED, GraphError, Lost, refusal
from adapters.target import (
    Account,
    Outcome,
    Refusal,
    RefusalKind,
    TargetDown,
    TargetRefused,
    Value,
)

Changes = Mapping[str, Value | None]
V = TypeVar("V", bound=Value | None)

_NAMES = frozenset({"userPrincipalName", "mailNickname"})
"""Refused, they refuse the step: another name means another plan."""


async def modify(
    attempt: Attempt, account: Account, changes: Changes, required: frozenset[str]
) -> Outcome:
    """Write `changes`; `accountEnabled` may be one. None removes a value.

    Raises as `Graph.send`, except for GraphError.
    """
    wanted, unsent = sendable(changes)
    refusals = list(unsent)
    if any(no.attribute in required for no in unsent):
        return Outcome("refused", unsent)
    if account.state.get("synced"):
        owned = {a for a in wanted if not _ours_on_synced(a)}
        refusals += [not_sent("protected", a, *SYNCED) for a in sorted(owned)]
        if owned & required:
            return Outcome("refused", tuple(refusals))
        wanted = {a: v for a, v in wanted.items() if a not in owned}
    if not wanted:
        return Outcome("refused" if refusals else "applied", tuple(refusals))

    written = False
    parts = [wanted]
    while parts:
        part = parts.pop(0)
        fields = words.body(part, account.attributes)
        try:
            await attempt.write(
                partial(attempt.users.patch, account.anchor, fields), account.anchor
            )
            written = True
        except GraphError as error:
            if error.status in (404, 409, 412):
                if written:
                    raise Lost from None
                return Outcome("refused", (refusal(error),))
            no, bad = blame(error, part)
            halves = [] if bad else _split(part, required, error.status == 403)
            if halves:
                parts[:0] = halves
                continue
            if not bad:
                bad = frozenset(part)
                no = await _unnamed(attempt, account, error, min(bad))
            found = tuple(replace(no, attribute=a) for a in sorted(bad))
            if bad & (required | _NAMES) and not written:
                return Outcome("refused", found)
            refusals.extend(found)
            rest = {a: v for a, v in part.items() if a not in bad}
            if rest:
                parts.insert(0, rest)
    return Outcome("applied" if written else "refused", tuple(refusals))


def blame(error: GraphError, sent: Iterable[str]) -> tuple[Refusal, frozenset[str]]:
    """What the error means, and which of the attributes sent it is about, if Graph says so."""
    bad = words.meant(error.property, sent)
    no = refusal(error)
    return (replace(no, attribute=min(bad)) if bad else no), bad


def sendable(values: Mapping[str, V]) -> tuple[dict[str, V], tuple[Refusal, ...]]:
    """Those of `values` that Graph may take, and refusals of the others: half characters
    (JSON would carry them, but nobody knows what comes out) and emptying what it keeps."""
    refusals = []
    for attribute, value in values.items():
        if not words.is_text(value):
            message, remedy = "not a text that Entra ID can hold", "Correct it in HR."
        elif value is None and attribute in words.KEPT:
            message, remedy = "Entra ID lets nobody empty it", "Give it another value."
        else:
            continue
        refusals.append(not_sent("value", attribute, message, remedy))
    refused = {no.attribute for no in refusals}
    return {a: v for a, v in values.items() if a not in refused}, tuple(refusals)


def not_sent(kind: RefusalKind, attribute: str | None, message: str, remedy: str) -> Refusal:
    """A no of our own, for what Graph would refuse anyway."""
    return Refusal(kind, "not-sent", message, remedy, attribute)


async def _unnamed(
    attempt: Attempt, account: Account, error: GraphError, attribute: str
) -> Refusal:
    """The refusal of a write that held nothing but `attribute` (or one complex property)."""
    if error.status != 403 or attribute not in SENSITIVE:
        return refusal(error, attribute)
    try:
        privileged = await attempt.users.has_role(account.anchor)
    except (GraphError, TargetDown, TargetRefused):
        privileged = False  # we may not even ask
    return refusal(error, attribute, privileged)


def _ours_on_synced(attribute: str) -> bool:
    """Blocking sign-in is tried all the same: Graph knows whether the tenant allows it."""
    return (
        attribute in words.CLOUD_OWNED
        or attribute == "accountEnabled"
        or attribute.startswith("extension_")
    )


def _split(
    part: dict[str, Value | None], required: frozenset[str], forbidden: bool
) -> list[dict[str, Value | None]]:
    """Two smaller writes that show what is refused, or none when there is nothing to split.

    Complex properties stay whole. What is required goes first: if that is refused, nothing
    has been written.
    """
    tops = list(dict.fromkeys(words.top(a) for a in part))
    needed = {words.top(a) for a in part if a in required}
    if forbidden:
        first = set(tops) & SENSITIVE
        if needed - first:
            first = set(tops) - first
    elif needed and len(needed) < len(tops):
        first = needed
    else:
        first = set(tops[: len(tops) // 2])
    if not first or len(first) == len(tops):
        return []
    return [
        {a: v for a, v in part.items() if (words.top(a) in first) is chosen}
        for chosen in (True, False)
    ]
