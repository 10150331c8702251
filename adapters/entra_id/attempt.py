"""What is known while one step is being written."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from adapters.entra_id.config import Config
from adapters.entra_id.errors import GraphError
from adapters.entra_id.users import Users

T = TypeVar("T")

_SURE = 2.0
"""Seconds. The index that answers for the recycle bin lags behind by more."""


class Newcomers:
    """Ids of accounts made here a moment ago: not every replica of Entra shows them yet."""

    def __init__(self, users: Users, config: Config, clock: Callable[[], float]) -> None:
        self._users = users
        self._config = config
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()
        """The oldest first."""

    def add(self, id: str) -> None:
        """From now on, for `Config.visible_within` seconds, a 404 for it is "not yet"."""
        now = self._clock()
        while self._until and next(iter(self._until.values())) <= now:
            self._until.popitem(last=False)
        self._until.pop(id, None)
        self._until[id] = now + self._config.visible_within

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and self._until.get(id, 0.0) > self._clock()

    async def wait(self, call: Callable[[], Awaitable[T]], *ids: str) -> T:
        """The result of `call`, asked again while one of `ids` is too new to be seen."""
        for pause in self._config.patience:
            try:
                return await call()
            except GraphError as error:
                if not await self._unseen(error, ids):
                    raise
            await asyncio.sleep(pause)
        return await call()

    async def _unseen(self, error: GraphError, ids: tuple[str, ...]) -> bool:
        """Whether the one that is not found is new, and was not deleted meanwhile."""
        if error.status != 404 and not error.bad_reference:
            return False
        named = [id for id in ids if id in error.message.lower()]
        for id in named or ids:
            if id in self and await self._users.is_deleted(id):
                del self._until[id]
        return any(id in self for id in named or ids)


class Bin:
    """Keys and names of which was said, a moment ago, that nobody in the recycle bin has them."""

    def __init__(self) -> None:
        self._said: OrderedDict[tuple[str, str], float] = OrderedDict()

    def lacks(self, attribute: str, value: str) -> None:
        """It was said just now."""
        now = time.monotonic()
        while self._said and next(iter(self._said.values())) <= now:
            self._said.popitem(last=False)
        key = (attribute, value.casefold())
        self._said.pop(key, None)
        self._said[key] = now + _SURE

    def gains(self) -> None:
        """Something is in it: what was said of it counts no more."""
        self._said.clear()

    def surely_lacks(self, attribute: str, value: str) -> bool:
        """Whether it was said a moment ago. To be asked once: what comes next may change it."""
        return self._said.pop((attribute, value.casefold()), 0.0) > time.monotonic()


class Attempt:
    """One call of `Target.apply`: its means, and whether anything has been written yet."""

    def __init__(self, users: Users, config: Config, newcomers: Newcomers, bin: Bin) -> None:
        self.users = users
        self.bin = bin
        self.config = config
        self.newcomers = newcomers
        self.wrote = False

    async def write(self, call: Callable[[], Awaitable[T]], *ids: str) -> T:
        """Do one write; `ids` are the accounts that must be visible for it."""
        answer = await self.newcomers.wait(call, *ids)
        self.wrote = True
        return answer
