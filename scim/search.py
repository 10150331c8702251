"""Lists of resources (RFC 7644 section 3.4.2): filter, order, page, by number or by cursor.

What the database can answer it answers: filters on indexed values, order by keys, pages
at any depth. What it cannot is judged document by document under a budget; beyond that
the answer is `tooMany`, unless a cursor lets the client come back for the rest.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from scim import filters, sql
from scim.documents import location
from scim.errors import ScimError, invalid_filter
from scim.filters import Node
from scim.groups import Groups
from scim.matching import matches
from scim.ordering import Sorting
from scim.profiles import Profile
from scim.schema import ResourceType
from store import lists, resources
from store.json_text import parse
from store.lists import After, Condition, Order
from store.resources import Resource

MAX_SCANNED = 50_000
"""Documents that are read to answer one request."""
MAX_SECONDS = 5.0
"""How long documents are read to answer one request."""


@dataclass(frozen=True)
class Query:
    """What a client asks for. `start` counts from 1; `mark` is where the page before ended,
    [] for the first page by cursor, None for a page by number."""

    filter: str | None = None
    sorting: Sorting | None = None
    start: int = 1
    count: int = 100
    mark: list[Any] | None = None


@dataclass
class Found:
    """One page. `total` is None where counting all matches would mean reading them;
    `mark` is where a next page by cursor would begin, None at the end."""

    resources: list[tuple[ResourceType, Resource]] = field(default_factory=list)
    total: int | None = 0
    mark: list[Any] | None = None


class Search:
    """One question to the resources of one source. Use it in one transaction, once."""

    def __init__(self, conn: Connection, source: str, groups: Groups, base: str) -> None:
        self._conn = conn
        self._source = source
        self._groups = groups
        self._base = base
        self._left = MAX_SCANNED
        self._until = time.monotonic() + MAX_SECONDS

    def find(self, kinds: Sequence[ResourceType], query: Query, profile: Profile) -> Found:
        """The page that `query` asks for. Raises ScimError 400 invalidFilter, tooMany."""
        quick = query.sorting is None and query.mark is None
        plans = _plans(kinds, query.filter, self._source, profile, quick)
        if query.sorting is not None and (len(plans) > 1 or not self._sorts(plans[0], query)):
            return self._sorted(plans, query, query.sorting)
        if query.mark is not None:
            return self._behind(plans, query, query.mark)
        return self._numbered(plans, query)

    # Pages by number

    def _numbered(self, plans: Sequence[_Plan], query: Query) -> Found:
        found = Found(total=0)
        offset = query.start - 1
        for plan in plans:
            room = query.count - len(found.resources)
            rows, total = self._part(plan, query, offset, room)
            found.resources += [(plan.kind, row) for row in rows]
            found.total = (found.total or 0) + total
            offset = max(offset - total, 0)
        return found

    def _part(
        self, plan: _Plan, query: Query, offset: int, room: int
    ) -> tuple[list[Resource], int]:
        """The rows of one type on a page, and how many of it there are in all."""
        conn, source, name = self._conn, self._source, plan.kind.name
        if plan.key is not None:
            one = resources.by_key(conn, source, name, *plan.key)
            return ([one] if one and room and not offset else []), int(one is not None)
        if plan.rest is None:
            order = query.sorting.order(plan.kind) if query.sorting else lists.BY_CREATION
            rows = []
            if room:
                rows = lists.page(conn, source, name, offset, room, plan.condition, order)
            if plan.condition is not None and rows and len(rows) < room:
                return rows, offset + len(rows)
            return rows, lists.count(conn, source, name, plan.condition)
        total, rows = 0, []
        for row in self._matching(plan, None):
            if offset <= total < offset + room:
                rows.append(row)
            total += 1
        return rows, total

    # Pages by cursor: the mark is [position of the type, value in the order, seq]

    def _behind(self, plans: Sequence[_Plan], query: Query, mark: list[Any]) -> Found:
        found = Found(total=self._total(plans))
        first, value, seq = mark or (0, None, 0)
        for position, plan in enumerate(plans):
            if position < first:
                continue
            after = After(value, seq) if position == first and seq else None
            room = query.count - len(found.resources)
            if not room:
                if query.count:
                    found.mark = [position, None, 0]
                break
            order = query.sorting.order(plan.kind) if query.sorting else lists.BY_CREATION
            rows, more = self._next(plan, order, after, room)
            found.resources += [(plan.kind, row) for row in rows]
            if more is not None:
                found.mark = [position, more.value, more.seq]
                break
        return found

    def _next(
        self, plan: _Plan, order: Order, after: After | None, room: int
    ) -> tuple[list[Resource], After | None]:
        """Rows behind `after`, and where to go on, None at the end."""
        conn, source, name = self._conn, self._source, plan.kind.name
        if plan.rest is None:
            rows = lists.after(conn, source, name, after, room + 1, plan.condition, order)
            if len(rows) <= room:
                return rows, None
            rows = rows[:room]
            return rows, _mark_at(rows[-1], order)
        rows = []
        seen: list[Resource] = []
        try:
            for row in self._matching(plan, after, seen):
                rows.append(row)
                if len(rows) > room:
                    return rows[:room], After(None, rows[room - 1].seq)
        except ScimError:
            if not seen:
                raise
            return rows, After(None, seen[-1].seq)  # the budget is spent: come back for more
        return rows, None

    def _total(self, plans: Sequence[_Plan]) -> int | None:
        if any(plan.rest is not None for plan in plans):
            return None
        counts = (
            lists.count(self._conn, self._source, plan.kind.name, plan.condition) for plan in plans
        )
        return sum(counts)

    # Orders that no index gives: keys are held in memory, documents are not

    def _sorts(self, plan: _Plan, query: Query) -> bool:
        assert query.sorting is not None
        return plan.rest is None and query.sorting.by_index(plan.kind)

    def _sorted(self, plans: Sequence[_Plan], query: Query, sorting: Sorting) -> Found:
        keys = []
        for position, plan in enumerate(plans):
            for row in self._matching(plan, None):
                document = self._document(plan, row)
                keys.append((sorting.key(plan.kind, document), position, row.seq))
        keys.sort(key=lambda key: key[1:])
        keys.sort(key=lambda key: sorting.rank(key[0]), reverse=sorting.descending)
        begin = query.start - 1
        if query.mark:
            begin = sorting.behind(keys, query.mark)
        chosen = keys[begin : begin + query.count]
        found = Found(total=len(keys))
        for position, plan in enumerate(plans):
            seqs = [seq for _, of, seq in chosen if of == position]
            rows = {row.seq: row for row in lists.of(self._conn, seqs)}
            found.resources += [(plan.kind, rows[seq]) for seq in seqs if seq in rows]
        order = {(position, seq): at for at, (_, position, seq) in enumerate(chosen)}
        places = {plan.kind.name: position for position, plan in enumerate(plans)}
        found.resources.sort(key=lambda pair: order[places[pair[0].name], pair[1].seq])
        if query.mark is not None and begin + query.count < len(keys) and chosen:
            found.mark = list(chosen[-1])
        return found

    # Judging documents

    def _matching(
        self, plan: _Plan, after: After | None, seen: list[Resource] | None = None
    ) -> Iterator[Resource]:
        """Rows behind `after` that meet the filter, in order of creation.

        Raises ScimError 400 tooMany when the budget is spent.
        """
        rows = lists.scan(self._conn, self._source, plan.kind.name, plan.condition, after)
        for row in rows:
            self._left -= 1
            if self._left < 0 or time.monotonic() > self._until:
                raise _too_many()
            if plan.rest is None or matches(plan.rest, self._document(plan, row)):
                yield row
            if seen is not None:
                seen[:] = [row]

    def _document(self, plan: _Plan, row: Resource) -> dict[str, Any]:
        document: dict[str, Any] = parse(row.document)
        document["meta"]["location"] = location(plan.kind, row, self._base)
        if plan.with_rows:
            document.update(self._groups.shown(self._conn, plan.kind, row))
        return document


@dataclass(frozen=True)
class _Plan:
    """How to find what a filter asks for among resources of one type.

    `condition` is for the database; `rest`, if any, for whatever meets it. `key` is an
    indexed column and the only value of it that is looked for.
    """

    kind: ResourceType
    condition: Condition | None = None
    rest: Node | None = None
    key: tuple[str, str] | None = None
    with_rows: bool = False


def sole_key(
    kinds: Sequence[ResourceType], query: Query, profile: Profile
) -> tuple[str, str] | None:
    """The indexed column and its value, when a page asks for the one resource that has it.

    Raises ScimError 400 invalidFilter.
    """
    if len(kinds) > 1 or query.filter is None or query.sorting is not None:
        return None
    if query.mark is not None or query.start > 1 or query.count < 1:
        return None
    node = filters.parse(kinds[0], query.filter, loosely=profile.any_attribute)
    return key_of(kinds[0], node, profile)


def key_of(kind: ResourceType, node: Node, profile: Profile) -> tuple[str, str] | None:
    """The indexed column and its value, when that is all a filter asks for."""
    equality = filters.sole_equality(node)
    if equality is None:
        return None
    name, value = equality
    if kind.key is not None and name == kind.key.name:
        return "userKey", value
    if name == "id" or (name == "externalId" and not profile.several_of_one):
        return name, value
    return None


def _plans(
    kinds: Sequence[ResourceType], text: str | None, source: str, profile: Profile, quick: bool
) -> list[_Plan]:
    if text is None:
        return [_Plan(kind) for kind in kinds]
    loosely = profile.any_attribute
    if len(kinds) == 1:
        nodes = [filters.parse(kinds[0], text, loosely=loosely)]
    else:  # what a type does not declare has no value in it (section 3.4.2.1)
        nodes = [filters.parse(kind, text, loosely=loosely, undeclared=True) for kind in kinds]
    keys = [key_of(k, n, profile) if quick else None for k, n in zip(kinds, nodes, strict=True)]
    return [_plan(*each, source) for each in zip(kinds, nodes, keys, strict=True)]


def _plan(kind: ResourceType, node: Node, key: tuple[str, str] | None, source: str) -> _Plan:
    if key is not None:
        return _Plan(kind, None, None, key)
    part = sql.translate(kind, source, node)
    looked_at = [a for a in (kind.members, kind.groups) if a is not None]
    with_rows = any(filters.mentions(node, attribute) for attribute in looked_at)
    if part is None:
        return _Plan(kind, None, node, None, with_rows)
    return _Plan(kind, part.condition, None if part.exact else node, None, with_rows)


def _mark_at(row: Resource, order: Order) -> After:
    value = {
        "id": row.id,
        "externalId": row.external_id,
        "userKey": row.user_key,
        "modified": row.modified,
    }.get(order.by)
    return After(value, row.seq)


def _too_many() -> ScimError:
    return ScimError(
        400,
        f"More than {MAX_SCANNED} resources would have to be read: no index helps here. "
        "Filter by an indexed attribute too, or page by cursor.",
        "tooMany",
    )


def refuse_empty(text: str) -> None:
    """An empty filter is none (section 3.4.2.2). Raises ScimError 400 invalidFilter."""
    if not text.strip():
        raise invalid_filter("The filter is empty.")
