"""Lists: GET of a type or of the root, and .search there (RFC 7644 sections 3.4.2, 3.4.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from flask import Response, request

from scim import messages, ordering, projection
from scim.bodies import encode
from scim.cursors import Cursors
from scim.discovery import Limits
from scim.documents import rendered
from scim.errors import invalid_value
from scim.messages import Asked, respond
from scim.projection import Projection
from scim.schema import ResourceType
from scim.search import Query, refuse_empty
from scim.service import Client, Service
from store import setting
from store.database import Database
from store.json_text import parse
from store.resources import Resource


class Lists:
    """Answers the current request with a page of resources."""

    def __init__(
        self, db: Database, service: Service, limits: Limits, base: str, now: Callable[[], float]
    ) -> None:
        self._db = db
        self._service = service
        self._limits = limits
        self._base = base
        self._now = now
        self._known_cursors: Cursors | None = None

    def answer(self, client: Client, kinds: Sequence[ResourceType]) -> Response:
        """Those of `kinds` that are asked for. Raises ScimError 400, 413, 415."""
        if request.method == "POST":
            asked = messages.asked_in_body(self._limits)
        else:
            asked = messages.asked_in_address()
        shown = {kind.name: projection_of(kind, asked) for kind in kinds}
        query, sought = self._query(client, kinds, asked)
        rows = any(shown[kind.name].wants_rows(kind) for kind in kinds)
        found, said = self._service.search(client, kinds, query, rows=rows)
        texts = [
            shown_text(kind, one, self._base, shown[kind.name], extra)
            for (kind, one), extra in zip(found.resources, said, strict=True)
        ]
        cursor = None
        if found.mark is not None:
            cursor = self._cursors().make(sought, query.count, found.mark, self._now())
        start = None if query.mark is not None else query.start
        return respond(200, messages.list_text(texts, found.total, start, cursor))

    def _query(
        self, client: Client, kinds: Sequence[ResourceType], asked: Asked
    ) -> tuple[Query, list[Any]]:
        """What is asked for, and what a cursor for it is bound to."""
        if asked.filter is not None:
            refuse_empty(asked.filter)
        sorting = None
        if asked.sort_by is not None:
            sorting = ordering.read(kinds, asked.sort_by, asked.sort_order)
        most = self._limits.max_page_size
        count = None if asked.count is None else min(max(asked.count, 0), most)
        usual = self._limits.page_size if count is None else count
        query = Query(asked.filter, sorting, max(asked.start or 1, 1), usual)
        if asked.cursor is None:
            return query, []
        if asked.start is not None:
            raise invalid_value("cursor and startIndex exclude each other.")
        names = [kind.name for kind in kinds]
        sought = [client.source, names, asked.filter, asked.sort_by, asked.sort_order]
        if not asked.cursor:
            return replace(query, mark=[]), sought
        mark, size = self._cursors().read(asked.cursor, sought, count, self._now())
        return replace(query, mark=mark, count=size), sought

    def _cursors(self) -> Cursors:
        if self._known_cursors is None:
            key = self._db.write(lambda tx: setting.key(tx, "cursors"))
            self._known_cursors = Cursors(key)
        return self._known_cursors


def projection_of(kind: ResourceType, asked: Asked) -> Projection:
    """Which attributes are to be sent. Raises ScimError 400."""
    return projection.read(kind, asked.attributes, asked.excluded)


def shown_text(kind: ResourceType, found: Resource, base: str, shown: Projection, rows: str) -> str:
    """A resource as it is sent; `rows` is the text of its members or groups."""
    text = rendered(kind, found, base, rows)
    if shown.is_default(kind):
        return text
    return encode(shown.of(kind, parse(text)))
