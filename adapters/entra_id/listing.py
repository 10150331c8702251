"""More than one account at once: some by their ids, or all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from functools import partial

from adapters.entra_id import attributes as words
from adapters.entra_id.attempt import Newcomers
from adapters.entra_id.batch import MOST
from adapters.entra_id.errors import GraphError
from adapters.entra_id.users import Users
from adapters.target import Account, TargetDown

AT_ONCE = 4 * MOST
"""Accounts that :func:`several` is asked for in one go: as many batches as is polite."""


async def several(
    users: Users, newcomers: Newcomers, anchors: Collection[str], hybrid: bool
) -> dict[str, Account]:
    """Those of at most :data:`AT_ONCE` accounts that are there."""
    found = await asyncio.gather(
        *(_one(users, newcomers, anchor, hybrid) for anchor in anchors), return_exceptions=True
    )
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return {one.anchor: one for one in found if isinstance(one, Account)}


async def _one(users: Users, newcomers: Newcomers, anchor: str, hybrid: bool) -> Account | None:
    try:
        user = await newcomers.wait(partial(users.get_patiently, anchor), anchor)
    except GraphError as error:
        if error.status != 404:
            raise
        if anchor in newcomers:
            raise TargetDown("Entra ID does not show a new account yet", retry_after=15.0) from None
        return None
    return words.account(user, hybrid)
