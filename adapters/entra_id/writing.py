"""One step of a plan, written to Entra ID."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from adapters.entra_id import attributes as words
from adapters.entra_id import deleted
from adapters.entra_id.attempt import Attempt
from adapters.entra_id.errors import ABSENT_REFERENCE, SYNCED, GraphError, Lost, refusal
from adapters.entra_id.granting import give
from adapters.entra_id.groups import Groups
from adapters.entra_id.modifying import Changes, blame, modify, not_sent, sendable
from adapters.target import (
    Account,
    Link,
    Outcome,
    Refusal,
    Step,
    TargetDown,
    TargetRefused,
    Value,
)

_NEEDED = frozenset({"displayName", "mailNickname", "userPrincipalName"})
"""Without these and a password Graph makes no user."""

_REVOKE_ATTEMPTS = 3


async def apply(attempt: Attempt, groups: Groups, account: Account | None, step: Step) -> Outcome:
    """As `Target.apply`. Whatever goes wrong after a first write makes it *unknown*."""
    try:
        if step.kind == "create":
            return await _create(attempt, step)
        if step.kind == "restore":
            return await deleted.restore(attempt, step)
        if account is None:
            return _refused(not_sent("bug", None, "there is no account to write to", "Look first."))
        if account.protected:
            return _refused(not_sent("protected", None, *SYNCED))
        if step.kind == "modify":
            return await modify(attempt, account, step.attributes, step.required)
        if step.kind == "refer":
            return await _refer(attempt, account, step)
        if step.kind == "disable":
            return await _disable(attempt, account)
        if step.kind == "enable":
            return await modify(attempt, account, {"accountEnabled": True}, frozenset())
        if step.kind in ("grant", "revoke"):
            return await give(attempt, groups, account, step)
        if step.kind == "delete":
            return await deleted.delete(attempt, account)
        return Outcome("applied")  # move: Entra ID has no containers
    except Lost:
        return Outcome("unknown")
    except (TargetDown, TargetRefused):
        if attempt.wrote:
            return Outcome("unknown")
        raise


async def _create(attempt: Attempt, step: Step) -> Outcome:
    wanted = {a: v for a, v in step.attributes.items() if v is not None}
    missing = _NEEDED - wanted.keys()
    if missing:
        message = "Graph makes no user without " + ", ".join(sorted(missing))
        return _refused(not_sent("bug", min(missing), message, "Add it to the mapping."))
    if attempt.config.hybrid:
        return _refused(deleted.NOT_OURS)
    required = step.required | _NEEDED
    wanted, dropped = sendable(wanted)
    if any(no.attribute in required for no in dropped):
        return Outcome("refused", dropped)
    own, others = await deleted.namesakes(attempt, wanted)
    if len(own) > 1:
        message = f"{len(own)} deleted accounts carry the same {attempt.config.key}"
        remedy = "Restore the right one, or purge them, in Entra's deleted users."
        return _refused(not_sent("config", None, message, remedy))
    if own:
        outcome = await _restore(attempt, own[0], wanted)
        return replace(outcome, refusals=(*dropped, *outcome.refusals))
    if others:
        message = "a deleted account of somebody else still has this name"
        remedy = "The next free name is taken."
        return _refused(not_sent("name", "userPrincipalName", message, remedy))
    return await _post(attempt, wanted, required, list(dropped), step.enabled)


async def _post(
    attempt: Attempt,
    wanted: dict[str, Value],
    required: frozenset[str],
    dropped: list[Refusal],
    enabled: bool,
) -> Outcome:
    later: dict[str, Value] = {}
    while True:
        fields = words.body(wanted, {})
        fields["accountEnabled"] = enabled
        fields["passwordProfile"] = {
            "password": password(),
            "forceChangePasswordNextSignIn": True,
        }
        try:
            made = await attempt.write(partial(attempt.users.create, fields))
            break
        except GraphError as error:
            if error.conflict:
                own = await _own(attempt, wanted)
                if own is not None:
                    return await _adopt(attempt, own, wanted, dropped)
            no, bad = blame(error, wanted)
            optional = frozenset(wanted.keys() - required)
            if bad and bad <= optional:
                dropped.extend(replace(no, attribute=a) for a in sorted(bad))
            elif error.status == 400 and not bad and optional:
                # Graph does not say what it dislikes: make the account, then find out.
                bad = optional
                later = {a: v for a, v in wanted.items() if a in bad}
            else:
                return _refused(no)
            wanted = {a: v for a, v in wanted.items() if a not in bad}
    if not made.get("id"):
        raise Lost
    link = Link(str(made["id"]).lower(), str(wanted["userPrincipalName"]))
    attempt.newcomers.add(link.anchor)
    account = Account(link.anchor, link.hint or "", enabled, wanted)
    if later:
        dropped.extend((await modify(attempt, account, later, frozenset())).refusals)
        return Outcome("applied", tuple(dropped), link)
    # What Graph answers a write with is the truth; a replica may not even show it yet.
    return Outcome("applied", tuple(dropped), link, account)


async def _own(attempt: Attempt, wanted: Mapping[str, Value]) -> dict[str, Any] | None:
    """The account that is this person's already: an earlier create whose answer was lost."""
    key = wanted.get(attempt.config.key)
    if not isinstance(key, str):
        return None
    try:
        holders = [await attempt.users.get(str(wanted["userPrincipalName"]))]
    except GraphError as error:
        if error.status != 404:
            raise
        holders = []
    holders += await attempt.users.find({attempt.config.key: key})
    own = {
        str(user["id"]): user for user in holders if deleted.has_key(user, attempt.config.key, key)
    }
    return next(iter(own.values())) if len(own) == 1 else None


async def _adopt(
    attempt: Attempt, user: Mapping[str, Any], wanted: Changes, dropped: list[Refusal]
) -> Outcome:
    """Link an account that exists and make it as it was to be created. Not disabled for that:
    somebody may be working with it."""
    account = words.account(user, attempt.config.hybrid)
    now = {**account.attributes, "accountEnabled": account.enabled}
    changes = {a: v for a, v in wanted.items() if now.get(a) != v}
    outcome = await modify(attempt, account, changes, frozenset())
    refused = {r.attribute for r in outcome.refusals}
    renamed = outcome.result == "applied" and "userPrincipalName" not in refused
    hint = str(wanted["userPrincipalName"]) if renamed else account.hint
    return Outcome("applied", (*dropped, *outcome.refusals), Link(account.anchor, hint))


async def _restore(
    attempt: Attempt, twin: Mapping[str, Any], wanted: Mapping[str, Value]
) -> Outcome:
    """The person's own account lies in the recycle bin: bring it back, disabled."""
    anchor = str(twin["id"]).lower()
    try:
        user = await deleted.bring_back(attempt, anchor, str(wanted["userPrincipalName"]))
    except GraphError as error:
        return _refused(deleted.restore_refusal(error))
    return await _adopt(attempt, user, {"accountEnabled": False, **wanted}, [])


async def _refer(attempt: Attempt, account: Account, step: Step) -> Outcome:
    if step.attribute != "manager":
        message = "Entra ID has no such link between people"
        return _refused(not_sent("bug", step.attribute, message, "Only manager is one."))
    manager = step.anchor
    if account.state.get("synced"):
        return _refused(not_sent("protected", "manager", *SYNCED))
    visible = (account.anchor, manager) if manager else ()
    try:
        await attempt.write(partial(attempt.users.set_manager, account.anchor, manager), *visible)
    except GraphError as error:
        if error.status == 404 and manager is None and await _exists(attempt, account.anchor):
            return Outcome("applied")  # there is no manager: Graph calls that not found
        no = refusal(error, "manager")
        if error.status == 404 and manager and account.anchor not in error.message.lower():
            no = replace(no, kind="reference", **ABSENT_REFERENCE)
        return _refused(replace(no, attribute="manager"))
    return Outcome("applied")


async def _exists(attempt: Attempt, id: str) -> bool:
    try:
        await attempt.users.get(id)
    except GraphError as error:
        if error.status != 404:
            raise
        return False
    return True


async def _disable(attempt: Attempt, account: Account) -> Outcome:
    """Blocks sign-in, then ends what is signed in: a token would live on for an hour."""
    blocked = await modify(attempt, account, {"accountEnabled": False}, frozenset())
    if blocked.result != "applied":
        return blocked
    for left in reversed(range(_REVOKE_ATTEMPTS)):
        try:
            await attempt.write(
                partial(attempt.users.revoke_sessions, account.anchor), account.anchor
            )
            break
        except GraphError as error:
            no = replace(refusal(error, "signInSessions"), attribute="signInSessions")
            return Outcome("applied", (no,))
        except (Lost, TargetDown):
            # Revoking twice is revoking once, and nobody comes back to an account that is
            # disabled already: so this write, alone, is repeated.
            if not left:
                raise
            await asyncio.sleep(0.5)
    return Outcome("applied")


def password() -> str:
    """44 characters, 40 of them random, of all four kinds (Entra wants three, 8 to 256 long)."""
    return f"Aa1-{secrets.token_urlsafe(30)}"


def _refused(refusal: Refusal) -> Outcome:
    return Outcome("refused", (refusal,))
