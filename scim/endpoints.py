"""SCIM over HTTP (RFC 7644 section 3): a Flask blueprint around `service.py`.

One route takes everything below /scim/v2 and looks the address up itself: what is served
follows from the resource types, and every refusal, 404 and 405 too, is a SCIM error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, request
from flask.sansio.blueprints import BlueprintSetupState

from access import Gate
from scim import discovery, indexing, messages, schema
from scim.auth import admit, permit
from scim.bodies import encode
from scim.bulk import Bulk, Progress
from scim.deferred import RESULTS, Deferred, is_preferred
from scim.discovery import Limits
from scim.documents import location
from scim.errors import ScimError
from scim.listener import Ignore, Listener
from scim.listing import Lists, projection_of
from scim.messages import Reply, empty, etag, failure, refusal, respond
from scim.projection import DEFAULT, Projection
from scim.schema import Registry, ResourceType
from scim.service import Client, Service
from scim.shortcut import Shortcut
from scim.versions import Precondition
from scim.writes import Writes, resource
from store.clocks import machine_now
from store.database import Database

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PREFIX = "/scim/v2"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_ABOUT = ("ServiceProviderConfig", "ResourceTypes", "Schemas")

_log = logging.getLogger("muster.scim")

Handler = Callable[[Client], Response]


def create_blueprint(
    db: Database,
    *,
    listener: Listener | None = None,
    profiles: Mapping[str, str] | None = None,
    base_url: str = "",
    registry: Registry | None = None,
    limits: Limits | None = None,
    now: Callable[[], float] = machine_now,
    gate: Gate | None = None,
    also: Collection[str] = (),
) -> Blueprint:
    """The SCIM service below /scim/v2.

    `listener` is told of every change in its transaction (none: sources are store-only).
    `profiles` maps configured sources to client profiles, for tokens without one.
    `base_url` is the public scheme and host, such as `https://muster.norhaven.example`;
    without it locations are paths. `also` are other such addresses: who asks there, by the Host
    header, gets links that begin like that. `registry` has the resource types (none: those
    shipped). `gate` says who may call (none: one without settings of its own).
    """
    registry = registry or schema.load()
    indexing.prepare(db, registry)
    base = base_url.rstrip("/") + PREFIX
    service = Service(db, registry, listener or Ignore(), now, base)
    gate = gate or Gate(db, base_url=base_url.rstrip("/"), now=now)
    known = dict(profiles or {})
    limits = limits or Limits()
    door = _Door(db, service, registry, known, base, limits, now, gate)
    bases = {urlsplit(url).netloc: url.rstrip("/") + PREFIX for url in also}
    doors = {
        host: _Door(db, service.at(other), registry, known, other, limits, now, gate)
        for host, other in bases.items()
    }

    def chosen(environ: WSGIEnvironment) -> _Door:
        return doors.get(environ.get("HTTP_HOST", ""), door)

    def answer(rest: str = "") -> Response:
        return chosen(request.environ).answer(rest)

    def outside() -> Response | None:
        return chosen(request.environ).outside()

    def plain(environ: WSGIEnvironment, kind: ResourceType, id: str | None) -> Reply:
        return chosen(environ).plain(environ, kind, id)

    blueprint = Blueprint("scim", __name__)
    for rule in ("", "/<path:rest>"):
        blueprint.add_url_rule(
            PREFIX + rule,
            endpoint="v2",
            view_func=answer,
            methods=_METHODS,
            merge_slashes=False,
            strict_slashes=False,
            provide_automatic_options=False,
        )
    blueprint.before_app_request(outside)

    def shorten(state: BlueprintSetupState) -> None:
        app: Any = state.app
        app.wsgi_app = Shortcut(
            app.wsgi_app, PREFIX, registry, db, service, base, bases, door.reader, plain
        )

    blueprint.record_once(shorten)
    door.deferred.resume()
    return blueprint


class _Door:
    """Takes a request, finds who asks for what, and answers."""

    def __init__(
        self,
        db: Database,
        service: Service,
        registry: Registry,
        profiles: Mapping[str, str],
        base: str,
        limits: Limits,
        now: Callable[[], float],
        gate: Gate,
    ) -> None:
        self._db = db
        self._gate = gate
        self._service = service
        self._registry = registry
        self._profiles = profiles
        self._base = base
        self._limits = limits
        self._now = now
        self._lists = Lists(db, service, limits, base, now)
        self._writes = Writes(service, base)
        self.deferred = Deferred(
            db, base, now, lambda client, progress: self._bulk_of(client, progress), profiles
        )
        self._any_case = {endpoint.lower(): kind for endpoint, kind in registry.types.items()}

    def reader(self, environ: dict[str, Any]) -> Client:
        """Who sent a request that reads. Raises ScimError 401, 403, 429."""
        return admit(self._gate, environ, self._profiles, "read")

    def plain(self, environ: dict[str, Any], kind: ResourceType, id: str | None) -> Reply:
        """The answer to a POST of a `kind`, or with `id` to a PUT or PATCH, without a query in
        the address and with no preferences; never raises."""
        try:
            client = admit(self._gate, environ, self._profiles, "write")
            if id is None:
                return self._create(environ, client, kind, DEFAULT)
            return self._change(environ, client, kind, id, DEFAULT)
        except Exception as error:
            return refusal(failure(error, _log))

    def answer(self, rest: str = "") -> Response:
        """The answer to any request below /scim/v2; never raises."""
        try:
            if self._is_public(rest):
                return self._config(None)
            environ = request.environ
            client = admit(self._gate, environ, self._profiles)
            return self._dispatch(client, rest, environ)(client)
        except Exception as error:
            return refusal(failure(error, _log)).response()

    def outside(self) -> Response | None:
        """What Flask finds no route for below /scim: odd methods, double slashes, wrong
        versions. They are answered in SCIM's words too."""
        if request.routing_exception is None:
            return None
        if request.path.startswith(PREFIX + "/"):
            return self.answer(request.path[len(PREFIX) :])
        if request.path == "/scim" or request.path.startswith("/scim/"):
            error = ScimError(404, f"There is nothing at this address; see {PREFIX}.")
            return refusal(error).response()
        return None

    def _is_public(self, rest: str) -> bool:
        """How to authenticate can be read by who does not yet (RFC 7643 section 5)."""
        if rest.strip("/") != _ABOUT[0] or request.method not in ("GET", "HEAD"):
            return False
        return self._gate.is_stranger(request.environ)

    # Addresses

    def _dispatch(self, client: Client, rest: str, environ: dict[str, Any]) -> Handler:
        parts = [part for part in rest.split("/") if part]
        found = self._methods(client, parts)
        if found is None:
            raise ScimError(404, "There is nothing at this address.")
        method = request.method
        what = "GET" if method == "HEAD" else method
        handler = found.get(what)
        if handler is not None:
            for scope in _scopes(what, parts):
                permit(self._gate, environ, scope)
            return handler
        allowed = ", ".join([*found, *(["HEAD"] if "GET" in found else []), "OPTIONS"])
        if method == "OPTIONS":
            return lambda _: empty(204, {"Allow": allowed})
        raise ScimError(405, f"{method[:20]} is not for this address.", headers={"Allow": allowed})

    def _methods(self, client: Client, parts: list[str]) -> Mapping[str, Handler] | None:
        """What can be done at an address, by method; None when it does not exist."""
        match parts:
            case [] | [".search"]:
                method = "POST" if parts else "GET"
                return {method: lambda client: self._lists.answer(client, self._kinds())}
            case ["ServiceProviderConfig"]:
                return {"GET": self._config}
            case ["ResourceTypes" | "Schemas" as what, *name] if len(name) < 2:
                return {"GET": lambda client: self._definitions(client, what, *name)}
            case ["Bulk"]:
                return {"POST": self._bulk}
            case [where, id] if where == RESULTS:
                return {"GET": lambda client: self.deferred.result(client, id)}
            case ["Me"]:
                return self._me(client)
            case [name, *more] if kind := self._kind(client, "/" + name):
                return self._resource_methods(kind, more)
        return None

    def _kinds(self) -> list[ResourceType]:
        return list(self._registry.types.values())

    def _kind(self, client: Client, endpoint: str) -> ResourceType | None:
        if client.profile.any_case_paths:
            return self._any_case.get(endpoint.lower())
        return self._registry.types.get(endpoint)

    def _me(self, client: Client) -> Mapping[str, Handler]:
        """Section 3.11: what the caller itself is, where its token says so."""
        kind = self._service.kind_of(client, client.subject) if client.subject else None
        if kind is None or client.subject is None:

            def nobody(client: Client) -> Response:
                if client.subject is not None:  # deleted (section 3.6)
                    raise ScimError(404, "The resource that this token stands for is not here.")
                raise ScimError(501, "This token stands for no resource.")

            return dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), nobody)
        found = dict(self._one(kind, client.subject))

        def there(client: Client) -> Response:
            raise ScimError(409, "This token stands for a resource already.", "uniqueness")

        return {**found, "POST": there}

    def _resource_methods(
        self, kind: ResourceType, more: list[str]
    ) -> Mapping[str, Handler] | None:
        match more:
            case []:
                return {
                    "GET": lambda client: self._lists.answer(client, [kind]),
                    "POST": lambda client: self._create(
                        request.environ, client, kind, _shown(kind)
                    ).response(),
                }
            case [".search"]:
                return {"POST": lambda client: self._lists.answer(client, [kind])}
            case [id]:
                return self._one(kind, id.removesuffix(".scim"))  # a suffix as section 3.8 has it
        return None

    def _one(self, kind: ResourceType, id: str) -> Mapping[str, Handler]:
        def change(client: Client) -> Response:
            return self._change(request.environ, client, kind, id, _shown(kind)).response()

        return {
            "GET": lambda client: self._read(client, kind, id),
            "PUT": change,
            "PATCH": change,
            "DELETE": lambda client: self._delete(client, kind, id),
        }

    # Discovery

    def _config(self, client: Client | None) -> Response:
        people = client is not None and client.source in self._profiles
        return _defined(discovery.service_provider_config(self._base, self._limits, people=people))

    def _definitions(self, client: Client, what: str, name: str | None = None) -> Response:
        people = client.source in self._profiles
        if what == "Schemas":
            found = discovery.schemas(self._registry, self._base, people=people)
        else:
            found = discovery.resource_types(self._registry, self._base, people=people)
        if name is None:
            messages.refuse_filter()
            texts = [encode(definition) for definition in found]
            return messages.static(messages.list_text(texts, len(found), 1))
        for definition in found:
            if definition["id"].lower() == name.lower():
                return _defined(definition)
        raise ScimError(404, f"{what} has no {name[:200]!r}.")

    # Resources

    def _create(
        self, environ: WSGIEnvironment, client: Client, kind: ResourceType, shown: Projection
    ) -> Reply:
        body = messages.body(environ, self._limits)
        work = self._service.creating(client, kind, body)
        if later := self.deferred.accept_one(environ, client, kind.endpoint, body):
            return later
        return self._writes.created(kind, work, shown)

    def _read(self, client: Client, kind: ResourceType, id: str) -> Response:
        shown = _shown(kind)
        found, rows = self._service.get(client, kind, id, rows=shown.wants_rows(kind))
        if "HTTP_IF_MATCH" in request.environ:
            Precondition(request.headers["If-Match"]).check(found)
        if "HTTP_IF_NONE_MATCH" in request.environ and messages.seen(str(found.version)):
            where = location(kind, found, self._base)
            return empty(304, {"ETag": etag(found), "Location": where})
        return resource(200, kind, found, self._base, shown, rows).response()

    def _change(
        self,
        environ: WSGIEnvironment,
        client: Client,
        kind: ResourceType,
        id: str,
        shown: Projection,
    ) -> Reply:
        patches = environ["REQUEST_METHOD"] == "PATCH"
        change = self._service.patching if patches else self._service.replacing
        body = messages.body(environ, self._limits)
        work = change(client, kind, id, body, messages.precondition(environ))
        if later := self.deferred.accept_one(environ, client, f"{kind.endpoint}/{id}", body):
            return later
        return self._writes.changed(kind, work, shown, client if patches else None)

    def _delete(self, client: Client, kind: ResourceType, id: str) -> Response:
        environ = request.environ
        if later := self.deferred.accept_one(environ, client, f"{kind.endpoint}/{id}", None):
            return later.response()
        precondition = messages.precondition(environ)
        work = self._service.deleting(client, kind, id, precondition)
        return self._writes.deleted(work).response()

    def _bulk(self, client: Client) -> Response:
        body = messages.body(request.environ, self._limits)
        if is_preferred(request.environ):
            self._bulk_of(client).read(body)
            return self.deferred.accept(client, body, single=False).response()
        return respond(200, encode(self._bulk_of(client).run(body)))

    def _bulk_of(self, client: Client, progress: Progress | None = None) -> Bulk:
        def find(endpoint: str) -> ResourceType | None:
            return self._kind(client, endpoint)

        return Bulk(self._service, client, self._limits, self._base, find, progress)


def _scopes(method: str, parts: Sequence[str]) -> tuple[str, ...]:
    """What a caller must be allowed to do; what the server is like is open to all of them."""
    if parts and parts[0] in _ABOUT:
        return ()
    if method == "GET" or parts[-1:] == [".search"]:
        return ("read",)
    return ("bulk", "write") if parts == ["Bulk"] else ("write",)


def _shown(kind: ResourceType) -> Projection:
    """What the address asks to be shown. Raises ScimError 400."""
    return projection_of(kind, messages.shown_in_address())


def _defined(definition: Mapping[str, Any]) -> Response:
    messages.refuse_filter()
    return messages.static(encode(definition), definition["meta"]["location"])
