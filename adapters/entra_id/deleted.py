"""The recycle bin: deleting, looking, and bringing back what lies there (30 days)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from adapters.entra_id import attributes as words
from adapters.entra_id.attempt import Attempt
from adapters.entra_id.errors import SYNCED, GraphError, Lost, refusal
from adapters.entra_id.modifying import modify, not_sent
from adapters.entra_id.users import ends_with, equals
from adapters.target import Account, Link, Outcome, Refusal, Step, TargetDown, Value

NOT_OURS = not_sent(
    "config",
    None,
    "Entra Connect makes the accounts of this tenant",
    "Wait for it, or check that it takes the person's OU.",
)
"""In a hybrid tenant no account is made or brought back here."""


async def namesakes(
    attempt: Attempt, wanted: Mapping[str, Value]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Deleted accounts of this person, and those of others that had the name we want."""
    attribute = attempt.config.key
    key, name = wanted.get(attribute), str(wanted["userPrincipalName"])
    if attempt.bin.surely_lacks("userPrincipalName", name) and (
        not isinstance(key, str) or attempt.bin.surely_lacks(attribute, key)
    ):
        return [], []
    condition = ends_with("userPrincipalName", name)
    if isinstance(key, str):
        condition = f"{equals(attribute, key)} or {condition}"
    found = await attempt.users.deleted(condition, *filter(None, [attribute]))
    own = [user for user in found if isinstance(key, str) and has_key(user, attribute, key)]
    return own, [user for user in found if user not in own and was_called(user, name)]


def has_key(user: Mapping[str, Any], attribute: str, key: str) -> bool:
    """Compared as Graph compares: case does not matter."""
    return str(words.canonical(user).get(attribute, "")).casefold() == key.casefold()


def was_called(user: Mapping[str, Any], name: str) -> bool:
    """Whether a deleted user had this userPrincipalName: Entra puts the id before it."""
    now = str(user.get("userPrincipalName") or "").casefold()
    return now == str(user["id"]).replace("-", "").casefold() + name.casefold()


async def bring_back(attempt: Attempt, anchor: str, otherwise: str) -> dict[str, Any]:
    """The user, out of the recycle bin and enabled if it was so. Under the name `otherwise`
    when somebody else has its own by now. Raises GraphError when nothing was done."""
    try:
        await attempt.write(partial(attempt.users.restore, anchor))
    except GraphError as error:
        if not error.conflict:
            raise
        await attempt.write(partial(attempt.users.restore, anchor, otherwise))
    attempt.newcomers.add(anchor)
    try:
        return await attempt.newcomers.wait(partial(attempt.users.get, anchor), anchor)
    except GraphError:
        raise Lost from None


def restore_refusal(error: GraphError) -> Refusal:
    """Why it stays in the recycle bin."""
    return refusal(error, "restore" if error.status == 403 else None)


async def restore(attempt: Attempt, step: Step) -> Outcome:
    """Bring an account back, disabled. Its name may have been given to somebody else: then it
    gets one made of its id, for the mapping to replace."""
    if attempt.config.hybrid:
        return Outcome("refused", (NOT_OURS,))
    anchor = step.anchor or ""
    twin = await attempt.users.find_deleted(anchor)
    if twin is None:
        return await _not_there(attempt, anchor)
    mark = anchor.replace("-", "")
    own = str(twin.get("userPrincipalName") or "").removeprefix(mark)
    otherwise = str(step.attributes.get("userPrincipalName") or f"{mark}@{own.rpartition('@')[2]}")
    try:
        user = await bring_back(attempt, anchor, otherwise)
    except GraphError as error:
        return Outcome("refused", (restore_refusal(error),))
    account = words.account(user, attempt.config.hybrid)
    if account.enabled:
        off = await modify(attempt, account, {"accountEnabled": False}, frozenset())
        if off.result != "applied":
            raise Lost
    return Outcome("applied", (), Link(account.anchor, account.hint))


async def _not_there(attempt: Attempt, anchor: str) -> Outcome:
    try:
        await attempt.users.get(anchor)
    except GraphError as error:
        if error.status != 404:
            raise
        return Outcome("refused", (refusal(error),))
    no = not_sent("stale", None, "the account is no longer deleted", "Muster looks again.")
    return Outcome("refused", (no,))


async def delete(attempt: Attempt, account: Account) -> Outcome:
    """Into the recycle bin. What is there already is done."""
    if account.state.get("synced"):
        return Outcome("refused", (not_sent("protected", None, *SYNCED),))
    attempt.bin.gains()
    try:
        await attempt.write(partial(attempt.users.delete, account.anchor), account.anchor)
    except GraphError as error:
        if error.status == 404:
            if account.anchor in attempt.newcomers:
                raise TargetDown(
                    "Entra ID does not show a new account yet", retry_after=15.0
                ) from None
            return Outcome("applied")
        no = refusal(error, "delete", await _is_privileged(attempt, account, error))
        return Outcome("refused", (replace(no, attribute=None),))
    return Outcome("applied")


async def _is_privileged(attempt: Attempt, account: Account, error: GraphError) -> bool:
    if error.status != 403:
        return False
    try:
        return await attempt.users.has_role(account.anchor)
    except GraphError:
        return False  # we may not even ask
