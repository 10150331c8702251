"""auditLogs/provisioning in the order of `activityDateTime`, page by page.

A push is known when it is accepted, its activity is when the last step of it was done. Both
are entries of the journal, which is in the order of time: so it is walked in the direction
that is asked for, and what the log says is told where its activity is passed. A page goes on
where the one before ended: behind an activity, and not behind a number of entries, so that
what is new meanwhile shifts nothing.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from adapters.bulk_upload.logs import Log
from adapters.bulk_upload.odata import Filter
from store import journal
from store.clocks import parse_instant
from store.journal import Entry

MOST_WALKED = 3000
"""Journal entries that are read anew for one page."""
_KINDS = ("intake", "upload", "operation")
_CHUNK = 200
_SLACK = 2000
"""Milliseconds by which an entry may stand beside its place: several processes write."""
_PUSHES = 20
"""Pushes of one person that a step may belong to."""
_CLAUSE = re.compile(r"\s*activitydatetime(?:\s+(asc|desc))?\s*\Z", re.I)
_TOKEN = re.compile(r"(\d{1,18})-(\d{1,18})(?:-(\d{1,18})-([0-9a-f-]{36}))?\Z")

_Key = tuple[int, str]
"""An activity in milliseconds, negative where the newest comes first, and an id."""


class NotAnOrder(ValueError):
    """What cannot be ordered by, or no place to go on from; the text says what can."""


@dataclass(frozen=True)
class Place:
    """Where a page begins: the journal is read again from `entry` on, `walked` is how far it
    has been read already, and what is up to `told` has been told."""

    entry: int
    walked: int
    told: _Key | None


@dataclass(frozen=True)
class Order:
    """In which direction, and from where on; None: from the beginning."""

    descending: bool
    begin: Place | None


def read(clause: str, token: str | None) -> Order:
    """Read $orderby and $skiptoken. Raises NotAnOrder."""
    found = _CLAUSE.match(clause)
    if found is None:
        raise NotAnOrder("entries can be ordered by activityDateTime, asc or desc.")
    descending = (found[1] or "asc").lower() == "desc"
    if token is None:
        return Order(descending, None)
    place = _TOKEN.match(token)
    if place is None:
        raise NotAnOrder("this $skiptoken is of another order.")
    told = (int(place[3]) * (-1 if descending else 1), place[4]) if place[3] else None
    return Order(descending, Place(int(place[1]), int(place[2]), told))


def page(
    connection: Connection,
    source: str,
    wanted: Filter,
    top: int,
    order: Order,
    now: float,
) -> tuple[list[dict[str, Any]], str | None]:
    """At most `top` entries in this order, and the token of the next page if there may be
    one. `now` is machine time."""
    walk = _Walk(Log(connection, source, wanted, now), connection, wanted, order)
    found = list(walk.told(top))
    return found, walk.token


class _Walk:
    def __init__(
        self,
        log: Log,
        connection: Connection,
        wanted: Filter,
        order: Order,
    ) -> None:
        self._log = log
        self._connection = connection
        self._wanted = wanted
        self._sign = -1 if order.descending else 1
        self._begin = order.begin
        self._last = order.begin.told if order.begin is not None else None
        self._heap: list[tuple[_Key, int, dict[str, Any]]] = []
        self._seen: set[str] = set()
        self._of: dict[int, list[dict[str, Any]]] = {}
        self.token: str | None = None

    def told(self, top: int) -> Iterator[dict[str, Any]]:
        """What the page has; then `token` is known."""
        narrow = self._log.narrow()
        for entry in narrow or ():
            self._discover(entry, everything=True)
        count = anew = 0
        for entry in self._entries() if narrow is None else ():
            passed = self._sign * round(entry.at * 1000) - _SLACK
            while self._heap and self._heap[0][0][0] < passed:
                if count == top:
                    break
                count += 1
                yield self._take()
            anew += self._is_new(entry)
            if count == top or anew > MOST_WALKED:
                self.token = self._place(entry)
                return
            self._discover(entry)
        while self._heap and count < top:
            count += 1
            yield self._take()
        if self._heap:
            self.token = self._place(None)

    def _take(self) -> dict[str, Any]:
        self._last, _, summary = heapq.heappop(self._heap)
        return summary

    def _place(self, entry: Entry | None) -> str:
        """The token; `entry` is the next one to be read, None when there is none."""
        numbers = [seq for _, seq, _ in self._heap]
        if entry is not None:
            numbers.append(entry.seq)
        from_ = max(numbers) if self._sign < 0 else min(numbers)
        walked = entry.seq if entry is not None else from_
        told = "" if self._last is None else f"-{abs(self._last[0])}-{self._last[1]}"
        return f"{from_}-{walked}{told}"

    def _is_new(self, entry: Entry) -> bool:
        begin = self._begin
        return begin is None or self._sign * (entry.seq - begin.walked) >= 0

    # -- the journal -------------------------------------------------------------------------

    def _entries(self) -> Iterator[Entry]:
        at = self._begin.entry if self._begin is not None else None
        while True:
            if self._sign < 0:
                before = None if at is None else at + 1
                chunk = journal.newest(self._connection, kinds=_KINDS, before=before, limit=_CHUNK)
            else:
                chunk = journal.entries(self._connection, after=(at or 1) - 1, limit=_CHUNK)
            yield from (one for one in chunk if one.kind in _KINDS)
            if len(chunk) < _CHUNK:
                return
            at = chunk[-1].seq + self._sign

    def _discover(self, entry: Entry, *, everything: bool = False) -> None:
        """Keep what the log says of an entry: that whose activity is here, or everything."""
        for one in self._summaries(entry):
            at = round(parse_instant(one["activityDateTime"]) * 1000)
            key = (self._sign * at, str(one["id"]))
            is_here = everything or abs(at - entry.at * 1000) <= _SLACK
            if not is_here or key[1] in self._seen or not self._wanted.meets(one):
                continue
            if self._begin is None or self._begin.told is None or key > self._begin.told:
                self._seen.add(key[1])
                heapq.heappush(self._heap, (key, entry.seq, one))

    def _summaries(self, entry: Entry) -> Iterator[dict[str, Any]]:
        """Of a push or an upload, or of the pushes that a step was done for."""
        if entry.kind != "operation":
            if entry.body.get("source") == self._log.source:
                yield from self._told_of(entry)
            return
        pushes = journal.newest(
            self._connection,
            person=entry.person,
            kinds=("intake",),
            before=entry.seq,
            limit=_PUSHES,
        )
        for push in pushes:
            if push.body.get("source") == self._log.source:
                yield from self._told_of(push)

    def _told_of(self, entry: Entry) -> list[dict[str, Any]]:
        if entry.seq not in self._of:
            self._of[entry.seq] = self._log.summaries(entry)
        return self._of[entry.seq]
