"""Groups and licences: which there are, what an account has, giving and taking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from adapters.entra_id import attributes as words
from adapters.entra_id.attempt import Attempt, Newcomers
from adapters.entra_id.errors import GraphError, license_refusal, member_refusal, refusal
from adapters.entra_id.groups import Groups
from adapters.entra_id.modifying import not_sent
from adapters.entra_id.users import as_id
from adapters.target import (
    Account,
    Ambiguous,
    Grant,
    GrantKind,
    Outcome,
    Step,
    TargetDown,
)

_SKUS_LAST = 300.0
"""Seconds for which the list of licences is believed."""


class Grants:
    """What can be given in one tenant."""

    def __init__(self, groups: Groups, newcomers: Newcomers, clock: Callable[[], float]) -> None:
        self.groups = groups
        self._newcomers = newcomers
        self._clock = clock
        self._skus: tuple[float, list[dict[str, Any]]] = (float("-inf"), [])

    async def find(self, kind: GrantKind, name: str) -> Grant | None:
        """As `Target.find_grant`."""
        if not words.is_text(name) or not name.strip():
            return None
        return await (self._license(name) if kind == "license" else self._group(name))

    async def _group(self, name: str) -> Grant | None:
        if as_id(name) is None:
            found = await self.groups.named(name)
        else:
            try:
                found = [await self.groups.get(name)]
            except GraphError as error:
                if error.status != 404:
                    raise
                found = []
        if len(found) > 1:
            raise Ambiguous(tuple(str(group["id"]) for group in found))
        if not found or not _takes_members(found[0]):
            return None
        return Grant("group", str(found[0]["id"]).lower())

    async def _license(self, name: str) -> Grant | None:
        until, skus = self._skus
        if until < self._clock():
            skus = await self.groups.skus()
            self._skus = (self._clock() + _SKUS_LAST, skus)
        wanted = name.strip().casefold()
        for sku in skus:
            known = (str(sku.get("skuId")).casefold(), str(sku.get("skuPartNumber")).casefold())
            if wanted in known and sku.get("appliesTo") in (None, "User"):
                return Grant("license", known[0])
        return None

    async def of(self, account: Account) -> frozenset[Grant]:
        """As `Target.grants`."""
        try:
            memberships, states = await asyncio.gather(
                self._newcomers.wait(partial(self.groups.of, account.anchor), account.anchor),
                self._newcomers.wait(
                    partial(self.groups.licences_of, account.anchor), account.anchor
                ),
            )
        except GraphError as error:
            if error.status != 404:
                raise
            if account.anchor in self._newcomers:
                raise TargetDown(
                    "Entra ID does not show a new account yet", retry_after=15.0
                ) from None
            return frozenset()
        groups = {
            Grant("group", str(one["id"]).lower())
            for one in memberships
            if one.get("@odata.type") == "#microsoft.graph.group" and not _is_dynamic(one)
        }
        return frozenset(groups | {Grant("license", sku) for sku in _direct(states)})


async def give(attempt: Attempt, groups: Groups, account: Account, step: Step) -> Outcome:
    """Give `step.given` to the account, or take it."""
    given = step.given
    if given is None:
        return _refused("bug", "there is nothing to give", "Look at the mapping.")
    on = step.kind == "grant"
    anchor = as_id(given.anchor)
    if anchor is None:
        if not on:
            return Outcome("applied")
        return _refused("reference", "there is no such group or licence", "Correct the mapping.")
    if given.kind == "license":
        return await _license(attempt, groups, account, anchor, on)
    write = groups.add if on else groups.remove
    try:
        await attempt.write(partial(write, anchor, account.anchor), account.anchor, anchor)
    except GraphError as error:
        if error.already_member if on else error.status == 404:
            return Outcome("applied")
        no = member_refusal(error)
        if error.status == 404 and await _is_gone(attempt, account):
            no = refusal(error)
        return Outcome("refused", (no,))
    return Outcome("applied")


async def _license(
    attempt: Attempt, groups: Groups, account: Account, sku: str, on: bool
) -> Outcome:
    """Only if it is not so already: giving again would switch on what somebody has switched
    off in the licence, and what comes from a group is not ours to take."""
    wait, id = attempt.newcomers.wait, account.anchor
    try:
        states = await wait(partial(groups.licences_of, id), id)
        if (sku in _direct(states)) is on:
            return Outcome("applied")
        add, remove = ([sku], []) if on else ([], [sku])
        await attempt.write(partial(groups.assign, id, add, remove), id)
    except GraphError as error:
        if not on and (error.status == 404 or error.no_such_license):
            return Outcome("applied")
        return Outcome("refused", (license_refusal(error),))
    return Outcome("applied")


async def _is_gone(attempt: Attempt, account: Account) -> bool:
    try:
        await attempt.users.get(account.anchor)
    except GraphError as error:
        if error.status != 404:
            raise
        return True
    return False


def _direct(states: list[Mapping[str, Any]]) -> set[str]:
    """The licences that the user has by itself, not through a group."""
    return {
        str(state["skuId"]).lower()
        for state in states
        if state.get("skuId") and not state.get("assignedByGroup")
    }


def _takes_members(group: Mapping[str, Any]) -> bool:
    """Not kept by a rule, by AD or by Exchange, and no way to an administrator's role."""
    unified = "Unified" in (group.get("groupTypes") or ())
    return not (
        _is_dynamic(group)
        or group.get("onPremisesSyncEnabled")
        or group.get("isAssignableToRole")
        or (group.get("mailEnabled") and not unified)
        or not (group.get("securityEnabled") or unified)
    )


def _is_dynamic(group: Mapping[str, Any]) -> bool:
    return "DynamicMembership" in (group.get("groupTypes") or ())


def _refused(kind: Any, message: str, remedy: str) -> Outcome:
    return Outcome("refused", (not_sent(kind, None, message, remedy),))
