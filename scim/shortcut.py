"""What clients ask all day, answered before Flask wakes up.

Reading one resource, and finding one by a key: the answer is stored text, and Flask would
take several times as long as finding it. Of these only the plain success is given here, in the
same words. And POST, PUT and PATCH of a resource, of which Flask would be a seventh. Whatever is
asked otherwise goes to `endpoints.py` by way of Flask. Addresses with one of Entra's flags in their
middle are straightened here too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

from scim import filters, messages, search
from scim.documents import rendered
from scim.messages import Reply
from scim.projection import DEFAULT
from scim.schema import Registry, ResourceType
from scim.service import Client, Service
from scim.writes import resource
from store import resources
from store.database import Database
from store.ids import ID

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Plain = Callable[["WSGIEnvironment", ResourceType, str | None], Reply]
_FILTER = "filter="
_FLAG_INSIDE = re.compile(r"(aadOptscim062020|AzureAdScimPatch2017)(/[^?]*)(?:\?(.*))?\Z")
_LONGEST = 1000
_WRITES = frozenset(("POST", "PUT", "PATCH"))
_CONDITIONS = frozenset(("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"))


class Shortcut:
    """WSGI middleware in front of the Flask application `app`. `bases` has the public addresses
    of those names, in the Host header, that do not have `base`; `plain` answers writes."""

    def __init__(
        self,
        app: WSGIApplication,
        prefix: str,
        registry: Registry,
        db: Database,
        service: Service,
        base: str,
        bases: Mapping[str, str],
        reader: Callable[[WSGIEnvironment], Client],
        plain: Plain,
    ) -> None:
        self._app = app
        self._prefix = prefix
        self._db = db
        self._groups = service.groups
        self._base = base
        self._bases = bases
        self._reader = reader
        self._plain = plain
        self._kinds = {
            prefix + endpoint: kind
            for endpoint, kind in registry.types.items()
            if DEFAULT.is_default(kind)
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].rstrip("/") == self._prefix:
            self._straighten(environ)
        reply = self._reply(environ)
        return self._app(environ, start_response) if reply is None else reply.send(start_response)

    def _reply(self, environ: WSGIEnvironment) -> Reply | None:
        """What is answered here; None for Flask to answer."""
        method = environ["REQUEST_METHOD"]
        if method in _WRITES:
            return self._written(environ)
        if method != "GET" or not environ["PATH_INFO"].startswith(self._prefix):
            return None
        try:
            return self._read(environ)
        except Exception:
            return None  # it is said, and logged, where refusals are made

    def _straighten(self, environ: WSGIEnvironment) -> None:
        """Entra's flags belong at the end of the tenant URL, and may stay in its middle:
        `/scim/v2/?aadOptscim062020/Users` means `/scim/v2/Users`."""
        inside = _FLAG_INSIDE.match(environ.get("QUERY_STRING", ""))
        if inside:
            environ["PATH_INFO"] = self._prefix + unquote(inside[2], "latin-1")  # as WSGI has it
            environ["QUERY_STRING"] = inside[3] or ""

    def _written(self, environ: WSGIEnvironment) -> Reply | None:
        if environ.get("QUERY_STRING") or "HTTP_PREFER" in environ:
            return None
        place, id = environ["PATH_INFO"], None
        if environ["REQUEST_METHOD"] != "POST":
            place, _, id = place.rpartition("/")
            if not ID.match(id):
                return None
        kind = self._kinds.get(place)
        return None if kind is None else self._plain(environ, kind, id)

    def _read(self, environ: WSGIEnvironment) -> Reply | None:
        path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        if not query:
            place, _, id = path.rpartition("/")
            kind = self._kinds.get(place)
            if kind is None or not ID.match(id) or not _CONDITIONS.isdisjoint(environ):
                return None
            return self._one(environ, kind, id)
        kind = self._kinds.get(path)
        if kind is None or not query.startswith(_FILTER) or "&" in query:
            return None
        return self._found(environ, kind, unquote_plus(query[len(_FILTER) :], errors="strict"))

    def _one(self, environ: WSGIEnvironment, kind: ResourceType, id: str) -> Reply | None:
        client = self._reader(environ)
        with self._db.moment() as conn:
            found = resources.get(conn, client.source, kind.name, id)
        if found is None or self._groups.has_rows(kind, found):
            return None
        return resource(200, kind, found, self._base_for(environ), DEFAULT, "")

    def _found(self, environ: WSGIEnvironment, kind: ResourceType, text: str) -> Reply | None:
        if len(text) > _LONGEST:
            return None
        client = self._reader(environ)
        node = filters.parse(kind, text, loosely=client.profile.any_attribute)
        key = search.key_of(kind, node, client.profile)
        if key is None:
            return None
        with self._db.moment() as conn:
            found = resources.by_key(conn, client.source, kind.name, *key)
        if found is None:
            return Reply(200, messages.list_text([], 0, 1), {})
        if self._groups.has_rows(kind, found):
            return None
        text = rendered(kind, found, self._base_for(environ))
        return Reply(200, messages.list_text([text], 1, 1), {})

    def _base_for(self, environ: WSGIEnvironment) -> str:
        return self._bases.get(environ.get("HTTP_HOST", ""), self._base)
