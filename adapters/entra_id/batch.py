"""`$batch`: requests that wait at the same moment travel together, up to 20 in one.

The SDK's own batch classes lose `dependsOn`, the bodies of answers and relative URLs; the
envelope is ours, what is in it the SDK's request builders have made.
(https://learn.microsoft.com/graph/json-batching)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from adapters.entra_id.errors import GraphError, Lost
from adapters.target import TargetDown

MOST = 20
TOGETHER_SECONDS = 0.015
"""How long a request waits for others while one is under way: little beside Graph's answer."""
UNDER_WAY = 4
"""HTTP requests at once. Four full ones are more than Graph lets an application write."""

_UNOPENED = frozenset({400, 404, 405, 413})
"""Statuses that refuse the envelope: nothing in it was looked at."""

_HEADERS = ("consistencylevel", "content-type")
"""What an item says for itself; all else is the envelope's."""


@dataclass
class Parcel:
    """One request that waits, and who waits for its answer."""

    request: RequestInformation
    write: bool
    answer: asyncio.Future[dict[str, Any]]


@dataclass(frozen=True)
class Reply:
    """What one item of a batch was answered."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: Any


class Batches:
    """Gathers requests of one event loop.

    heed(write)               raises TargetDown while Graph has asked us to wait
    deliver(request, write)   sends one HTTP request and raises as `Graph.send`
    meaning(reply, write)     what an item with a status from 400 up means
    """

    def __init__(
        self,
        base_url: str,
        heed: Callable[[bool], None],
        deliver: Callable[[RequestInformation, bool], Awaitable[dict[str, Any]]],
        meaning: Callable[[Reply, bool], Exception],
    ) -> None:
        self._base_url = base_url
        self._heed = heed
        self._deliver = deliver
        self._meaning = meaning
        self._waiting: list[Parcel] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._timer: asyncio.Handle | None = None

    async def send(self, request: RequestInformation, write: bool) -> dict[str, Any]:
        """The answer to one request, on its own or out of a batch."""
        loop = asyncio.get_running_loop()
        parcel = Parcel(request, write, loop.create_future())
        self._waiting.append(parcel)
        if self._timer is None:
            if self._under_way:
                self._timer = loop.call_later(TOGETHER_SECONDS, self._go)
            else:  # what else begins in this turn of the loop comes along
                self._timer = loop.call_soon(self._go)
        if len(self._waiting) == MOST:
            self._go()
        return await parcel.answer

    def _go(self) -> None:
        """Send off what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and len(self._under_way) < UNDER_WAY:
            parcels = [p for p in self._waiting[:MOST] if self._may_go(p)]
            del self._waiting[:MOST]
            if parcels:
                task = asyncio.get_running_loop().create_task(self._carry(parcels))
                self._under_way.add(task)
                task.add_done_callback(self._arrived)

    def _may_go(self, parcel: Parcel) -> bool:
        """Whether somebody still waits for it, and Graph does not want us to wait."""
        if parcel.answer.done():
            return False
        try:
            self._heed(parcel.write)
        except TargetDown as error:
            _settle(parcel, error=error)
            return False
        return True

    def _arrived(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # every parcel has got it
        if self._waiting and (self._timer is None or not self._under_way):
            self._go()

    async def _carry(self, parcels: Sequence[Parcel]) -> None:
        try:
            if len(parcels) == 1:
                await self._single(parcels[0])
            else:
                await self._several(parcels)
        except BaseException as error:
            for parcel in parcels:
                _settle(parcel, error=Lost() if parcel.write else _unanswered())
            raise error

    async def _single(self, parcel: Parcel) -> None:
        try:
            _settle(parcel, await self._deliver(parcel.request, parcel.write))
        except Exception as error:
            _settle(parcel, error=error)

    async def _several(self, parcels: Sequence[Parcel]) -> None:
        write = any(parcel.write for parcel in parcels)
        try:
            answer = await self._deliver(self._envelope(parcels), write)
        except GraphError as error:
            if error.status in _UNOPENED:
                await asyncio.gather(*(self._single(parcel) for parcel in parcels))
            for parcel in parcels:
                _settle(parcel, error=error)
            return
        except Lost:
            for parcel in parcels:
                _settle(parcel, error=Lost() if parcel.write else _unanswered())
            return
        except Exception as error:
            for parcel in parcels:
                _settle(parcel, error=error)
            return
        replies = {str(one.get("id")): one for one in answer.get("responses", ())}
        for number, parcel in enumerate(parcels):
            reply = _reply(replies.get(str(number)))
            if reply is None:
                _settle(parcel, error=Lost() if parcel.write else _unanswered())
            elif reply.status == 401:  # the token is the envelope's: asked again by itself
                await self._single(parcel)
            elif reply.status >= 400:
                _settle(parcel, error=self._meaning(reply, parcel.write))
            else:
                _settle(parcel, reply.body if isinstance(reply.body, dict) else {})

    def _envelope(self, parcels: Sequence[Parcel]) -> RequestInformation:
        items = [self._item(number, parcel.request) for number, parcel in enumerate(parcels)]
        envelope = RequestInformation(Method.POST)
        envelope.url = f"{self._base_url}/$batch"
        envelope.headers.try_add("Accept", "application/json")
        body = json.dumps({"requests": items}, ensure_ascii=False, separators=(",", ":"))
        envelope.set_stream_content(body.encode(), "application/json")
        return envelope

    def _item(self, number: int, request: RequestInformation) -> dict[str, Any]:
        assert request.http_method is not None
        item: dict[str, Any] = {
            "id": str(number),
            "method": request.http_method.value,
            "url": request.url.removeprefix(self._base_url),
        }
        headers = {
            name: ",".join(values)
            for name, values in request.headers.get_all().items()
            if name.lower() in _HEADERS
        }
        if request.content:
            item["body"] = json.loads(request.content)
            headers.setdefault("content-type", "application/json")
        if headers:
            item["headers"] = headers
        return item


def _reply(one: Any) -> Reply | None:
    """None for an item that was not answered."""
    if not isinstance(one, dict) or not isinstance(one.get("status"), int):
        return None
    headers = {str(name).lower(): str(v) for name, v in (one.get("headers") or {}).items()}
    return Reply(one["status"], headers, one.get("body"))


def _settle(
    parcel: Parcel, answer: dict[str, Any] | None = None, error: BaseException | None = None
) -> None:
    """Nothing to do for who no longer waits."""
    if parcel.answer.done():
        return
    if error is not None:
        parcel.answer.set_exception(error)
    else:
        parcel.answer.set_result(answer or {})


def _unanswered() -> TargetDown:
    return TargetDown("Graph does not answer", "Check the network, the proxy and ca_file.")
