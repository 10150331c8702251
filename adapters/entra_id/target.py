"""An Entra tenant as a :class:`adapters.target.Target`."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from adapters.entra_id import attributes as words
from adapters.entra_id.config import Config
from adapters.entra_id.errors import GraphError, read_refusal
from adapters.entra_id.loop import EventLoop, event_loop
from adapters.target import (
    Account,
    Ambiguous,
    Grant,
    GrantKind,
    Key,
    Link,
    NameKind,
    Outcome,
    Step,
    TargetDown,
    TargetRefused,
)
from store.clocks import machine_now

if TYPE_CHECKING:
    import httpx

    from adapters.entra_id.attempt import Bin, Newcomers
    from adapters.entra_id.client import Graph
    from adapters.entra_id.granting import Grants
    from adapters.entra_id.users import Users

T = TypeVar("T")


@dataclass(frozen=True)
class _Connection:
    """All that belongs to one event loop."""

    loop: EventLoop
    graph: Graph
    users: Users
    newcomers: Newcomers
    bin: Bin
    grants: Grants


class EntraId:
    """Users of one tenant.

    There are no containers: `Account.name` and `.container` are None, `Step.container`
    and steps of kind `move` mean nothing. `Account.references` knows `manager` alone.
    `Account.state` holds `synced` (Entra Connect writes it) and `sessionsValidFrom` (an
    instant; what was signed in before it is signed out).

    The SDK is imported on the first call, by the thread that makes it. Safe to call from
    several threads, and to make before a fork. `transport` replaces the network in tests.
    """

    def __init__(
        self,
        config: Config,
        clock: Callable[[], float] = machine_now,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._transport = transport
        self._lock = threading.Lock()
        self._open: _Connection | None = None

    def read(self, link: Link | None, key: Key | None) -> Account | None:
        """As `Target.read`. An account in the recycle bin is not there."""
        there = self._connected()
        return self._run(there, self._read(there.users, there.newcomers, link, key))

    def several(self, anchors: Collection[str]) -> dict[str, Account]:
        """As `Target.several`, 20 in one request."""
        there = self._connected()
        from adapters.entra_id.listing import AT_ONCE, several

        wanted = [anchor for anchor in anchors if _is_id(anchor)]
        found: dict[str, Account] = {}
        for start in range(0, len(wanted), AT_ONCE):
            chunk = wanted[start : start + AT_ONCE]
            work = several(there.users, there.newcomers, chunk, self._config.hybrid)
            found |= self._run(there, work)
        return found

    def carriers(self, keys: Sequence[Key]) -> list[tuple[Account, ...]]:
        """As `Target.carriers`."""
        there = self._connected()
        from adapters.entra_id import asking

        hybrid = self._config.hybrid
        found = self._run(there, asking.carriers(there.users, keys, there.bin, self._config.key))
        return [tuple(words.account(user, hybrid) for user in several) for several in found]

    def every(self) -> Iterator[Account]:
        """As `Target.every`: members and guests."""
        there = self._connected()
        pages = there.users.pages()
        while page := self._run(there, _next(pages)):
            for user in page:
                yield words.account(user, self._config.hybrid)

    def in_bin(self, link: Link) -> bool:
        """As `Target.in_bin`: for 30 days."""
        there = self._connected()
        return self._run(there, there.users.find_deleted(link.anchor)) is not None

    def find_grant(self, kind: GrantKind, name: str) -> Grant | None:
        """As `Target.find_grant`. Licences are asked for once in five minutes."""
        there = self._connected()
        return self._run(there, there.grants.find(kind, name))

    def grants(self, account: Account) -> frozenset[Grant]:
        """As `Target.grants`. Without groups whose members a rule of Entra finds, and licences
        that come from a group."""
        there = self._connected()
        return self._run(there, there.grants.of(account))

    def holder(self, kind: NameKind, value: str) -> str | None:
        """As `Target.holder`. Names in the recycle bin are held, too: their owner may come
        back within 30 days. Groups and contacts may hold addresses that this does not see;
        Graph refuses those when they are written."""
        return self.holders([(kind, value)])[0]

    def holders(self, names: Sequence[tuple[NameKind, str]]) -> list[str | None]:
        """As `Target.holders`; see :meth:`holder`."""
        there = self._connected()
        from adapters.entra_id import asking

        return self._run(there, asking.holders(there.users, names, there.bin))

    def apply(self, account: Account | None, step: Step) -> Outcome:
        """As `Target.apply`."""
        ((outcome, _),) = self.apply_together([(account, step)])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def apply_together(
        self, asked: Sequence[tuple[Account | None, Step]]
    ) -> list[tuple[Outcome | Exception, float]]:
        """As `Together.apply_together`: what they ask at the same moment is one request."""
        there = self._connected()

        async def all_of_them() -> list[tuple[Outcome | Exception, float]]:
            return await asyncio.gather(*(self._apply(there, *one) for one in asked))

        began = time.monotonic()
        try:
            return there.loop.run(all_of_them(), self._deadline + self._config.answer_timeout)
        except TimeoutError:  # the loop itself hangs
            return [(Outcome("unknown"), time.monotonic() - began)] * len(asked)

    async def _apply(
        self, there: _Connection, account: Account | None, step: Step
    ) -> tuple[Outcome | Exception, float]:
        from adapters.entra_id import writing
        from adapters.entra_id.attempt import Attempt

        began = time.monotonic()
        attempt = Attempt(there.users, self._config, there.newcomers, there.bin)
        found: Outcome | Exception
        try:
            work = writing.apply(attempt, there.grants.groups, account, step)
            found = await asyncio.wait_for(work, self._deadline)
        except TimeoutError:
            found = Outcome("unknown")
        except GraphError as error:
            found = Outcome("unknown") if attempt.wrote else TargetRefused(read_refusal(error))
        except Exception as error:
            found = error
        return found, time.monotonic() - began

    def close(self) -> None:
        """As `Target.close`. The next call connects again."""
        atexit.unregister(self.close)
        with self._lock:
            held, self._open = self._open, None
        if held is not None and held.loop is event_loop():
            with contextlib.suppress(TimeoutError):
                held.loop.run(held.graph.close(), self._config.connect_timeout)

    @property
    def _deadline(self) -> float:
        """Seconds for a whole call: a step is a handful of requests and waits."""
        return sum(self._config.patience) + 6 * self._config.answer_timeout

    def _connected(self) -> _Connection:
        """This process's connection: a child of a fork makes its own."""
        loop = event_loop()
        with self._lock:
            if self._open is None or self._open.loop is not loop:
                from adapters.entra_id.attempt import Bin, Newcomers
                from adapters.entra_id.client import Graph
                from adapters.entra_id.granting import Grants
                from adapters.entra_id.groups import Groups
                from adapters.entra_id.users import Users

                graph = loop.run(self._make(Graph), self._deadline)
                users = Users(graph, self._config.further)
                newcomers = Newcomers(users, self._config, self._clock)
                grants = Grants(Groups(graph), newcomers, self._clock)
                self._open = _Connection(loop, graph, users, newcomers, Bin(), grants)
                atexit.register(self.close)  # a command ends without more ado
            return self._open

    async def _make(self, graph: type[Graph]) -> Graph:
        return graph(self._config, self._transport)

    def _run(self, there: _Connection, work: Coroutine[Any, Any, T]) -> T:
        try:
            return there.loop.run(work, self._deadline)
        except TimeoutError:
            raise TargetDown("Graph does not answer in time") from None
        except GraphError as error:
            raise TargetRefused(read_refusal(error)) from None

    async def _read(
        self,
        users: Users,
        newcomers: Newcomers,
        link: Link | None,
        key: Key | None,
    ) -> Account | None:
        if link is not None and _is_id(link.anchor):
            try:
                get = partial(users.get, link.anchor)
                return words.account(await newcomers.wait(get, link.anchor), self._config.hybrid)
            except GraphError as error:
                if error.status != 404:
                    raise
            if link.anchor in newcomers:
                raise TargetDown("Entra ID does not show a new account yet", retry_after=15.0)
        if not key or not all(words.is_text(v) and v.strip() for v in key.values()):
            return None
        found = await users.find(key)
        if len(found) > 1:
            raise Ambiguous(tuple(str(user.get("userPrincipalName")) for user in found))
        return words.account(found[0], self._config.hybrid) if found else None


async def _next(pages: AsyncIterator[list[dict[str, Any]]]) -> list[dict[str, Any]] | None:
    """The next page that holds anything: Graph may send empty ones in between."""
    async for page in pages:
        if page:
            return page
    return None


def _is_id(anchor: str) -> bool:
    try:
        return str(UUID(anchor)) == anchor.lower()
    except ValueError:
        return False
