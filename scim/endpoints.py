"""SCIM over HTTP (RFC 7644 section 3): a Flask blueprint around `service.py`.

One route takes everything below /scim/v2 and looks the address up itself: what is served
follows from the resource types, and every refusal, 404 and 405 too, is a SCIM error.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from scim import discovery, projection, schema
from scim.auth import authenticate
from scim.bodies import MAX_BYTES, decode, encode
from scim.documents import location, rendered
from scim.errors import ScimError, invalid_filter, invalid_syntax, invalid_value
from scim.listener import Ignore, Listener
from scim.schema import Registry, ResourceType
from scim.service import Client, Page, Precondition, Service, Written
from store.clocks import machine_now
from store.database import Database
from store.resources import Resource

PREFIX = "/scim/v2"
MEDIA_TYPE = "application/scim+json"
RECEIPT = "Muster-Receipt"
"""Header of an accepted write: the id by which to ask what came of it."""

SEARCH_URN = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
LIST_URN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_RETRY_AFTER = {"Retry-After": "5"}

_log = logging.getLogger("muster.scim")

Handler = Callable[[Client], Response]


def create_blueprint(
    db: Database,
    *,
    listener: Listener | None = None,
    profiles: Mapping[str, str] | None = None,
    base_url: str = "",
    schema_folders: Sequence[Path] = (),
    now: Callable[[], float] = machine_now,
) -> Blueprint:
    """The SCIM service below /scim/v2.

    `listener` is told of every change in its transaction (none: sources are store-only).
    `profiles` maps configured sources to client profiles; other sources go by their token.
    `base_url` is the public scheme and host, such as `https://muster.norhaven.example`;
    without it locations are paths. `schema_folders` hold further schemas and resource
    types. Raises scim.schema.SchemaError.
    """
    registry = schema.load(schema_folders)
    service = Service(db, registry, listener or Ignore(), now)
    door = _Door(db, service, registry, dict(profiles or {}), base_url.rstrip("/") + PREFIX, now)
    blueprint = Blueprint("scim", __name__)
    for rule in ("", "/<path:rest>"):
        blueprint.add_url_rule(
            PREFIX + rule,
            endpoint="v2",
            view_func=door.answer,
            methods=_METHODS,
            merge_slashes=False,
            strict_slashes=False,
            provide_automatic_options=False,
        )
    blueprint.before_app_request(door.outside)
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
        now: Callable[[], float],
    ) -> None:
        self._db = db
        self._service = service
        self._registry = registry
        self._profiles = profiles
        self._base = base
        self._now = now

    def answer(self, rest: str = "") -> Response:
        """The answer to any request below /scim/v2; never raises."""
        try:
            client = authenticate(
                self._db, request.headers.get("Authorization"), self._profiles, self._now()
            )
            return self._dispatch(rest)(client)
        except ScimError as error:
            return _refusal(error)
        except HTTPException as error:
            status = error.code or 400
            return _refusal(ScimError(status, error.description or "The request is refused."))
        except (OperationalError, PoolTimeout) as error:
            _log.warning("database busy or away: %s", type(error).__name__)
            return _refusal(
                ScimError(429, "Too much to do at this moment; try again.", None, _RETRY_AFTER)
            )
        except Exception as error:
            # The message may hold personal data; where it happened does not.
            where = "".join(traceback.format_tb(error.__traceback__))
            _log.error("unexpected %s\n%s", type(error).__name__, where)
            return _refusal(ScimError(500, "Something failed here; it is in the log."))

    def outside(self) -> Response | None:
        """What Flask finds no route for below /scim: odd methods, double slashes, wrong
        versions. They are answered in SCIM's words too."""
        if request.routing_exception is None:
            return None
        if request.path.startswith(PREFIX + "/"):
            return self.answer(request.path[len(PREFIX) :])
        if request.path == "/scim" or request.path.startswith("/scim/"):
            return _refusal(ScimError(404, f"There is nothing at this address; see {PREFIX}."))
        return None

    def _dispatch(self, rest: str) -> Handler:
        found = self._methods([part for part in rest.split("/") if part])
        if found is None:
            raise ScimError(404, "There is nothing at this address.")
        method = "GET" if request.method == "HEAD" else request.method
        handler = found.get(method)
        if handler is None:
            allowed = ", ".join([*found, *(["HEAD"] if "GET" in found else [])])
            raise ScimError(
                405, f"{method[:20]} is not for this address.", headers={"Allow": allowed}
            )
        return handler

    def _methods(self, parts: list[str]) -> dict[str, Handler] | None:
        """What can be done at an address, by method; None when it does not exist."""
        match parts:
            case ["ServiceProviderConfig"]:
                config = discovery.service_provider_config(self._base)
                return {"GET": lambda client: _discovered(config)}
            case ["ResourceTypes" | "Schemas" as what, *name] if len(name) < 2:
                return {"GET": lambda client: self._definitions(what, *name)}
            case ["Bulk"] | [".search"]:
                return {"POST": _not_implemented}
            case ["Me"]:
                return dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), _not_implemented)
            case [name, *more] if kind := self._registry.types.get("/" + name):
                return self._resource_methods(kind, more)
        return None

    def _resource_methods(self, kind: ResourceType, more: list[str]) -> dict[str, Handler] | None:
        match more:
            case []:
                return {
                    "GET": lambda client: self._list(client, kind),
                    "POST": lambda client: self._create(client, kind),
                }
            case [".search"]:
                return {"POST": lambda client: self._search(client, kind)}
            case [id]:
                return {
                    "GET": lambda client: self._read(client, kind, id),
                    "PUT": lambda client: self._replace(client, kind, id),
                    "PATCH": lambda client: self._patch(client, kind, id),
                    "DELETE": lambda client: self._delete(client, kind, id),
                }
        return None

    def _definitions(self, what: str, name: str | None = None) -> Response:
        if what == "Schemas":
            found = discovery.schemas(self._registry, self._base)
        else:
            found = discovery.resource_types(self._registry, self._base)
        if name is None:
            texts = [encode(definition) for definition in found]
            if "filter" in request.args:
                raise ScimError(403, f"{what} cannot be filtered (RFC 7644 section 4).")
            return _respond(200, _list_text(len(found), 1, texts))
        for definition in found:
            if definition["id"].lower() == name.lower():
                return _discovered(definition)
        raise ScimError(404, f"{what} has no {name[:200]!r}.")

    def _create(self, client: Client, kind: ResourceType) -> Response:
        shown = _projection(kind)
        new = self._service.create(client, kind, _body())
        return self._written(201, kind, new, shown)

    def _read(self, client: Client, kind: ResourceType, id: str) -> Response:
        shown = _projection(kind)
        found = self._service.get(client, kind, id)
        seen = request.if_none_match
        if seen.star_tag or seen.contains_weak(str(found.version)):
            return Response(status=304, headers={"ETag": _etag(found)})
        return self._resource(200, kind, found, shown)

    def _replace(self, client: Client, kind: ResourceType, id: str) -> Response:
        shown = _projection(kind)
        new = self._service.replace(client, kind, id, _body(), _precondition())
        return self._written(200, kind, new, shown)

    def _patch(self, client: Client, kind: ResourceType, id: str) -> Response:
        shown = _projection(kind)
        new = self._service.patch(client, kind, id, _body(), _precondition())
        return self._written(200, kind, new, shown)

    def _delete(self, client: Client, kind: ResourceType, id: str) -> Response:
        receipt = self._service.delete(client, kind, id, _precondition())
        return Response(status=204, headers={RECEIPT: receipt} if receipt else None)

    def _list(self, client: Client, kind: ResourceType) -> Response:
        args = request.args
        return self._page(
            client,
            kind,
            args.get("filter"),
            _whole("startIndex", args.get("startIndex"), 1),
            _whole("count", args.get("count"), discovery.DEFAULT_COUNT),
            _projection(kind),
        )

    def _search(self, client: Client, kind: ResourceType) -> Response:
        """POST .search (RFC 7644 section 3.4.3)."""
        body = {key.lower(): value for key, value in _body().items()}
        schemas = body.get("schemas")
        if not isinstance(schemas, list) or SEARCH_URN not in schemas:
            raise invalid_syntax(f"schemas: a search names {SEARCH_URN}.")
        filter = body.get("filter")
        if filter is not None and not isinstance(filter, str):
            raise invalid_filter("filter: text is expected.")
        names = [_names(key, body.get(key.lower())) for key in ("attributes", "excludedAttributes")]
        return self._page(
            client,
            kind,
            filter,
            _whole("startIndex", body.get("startindex"), 1),
            _whole("count", body.get("count"), discovery.DEFAULT_COUNT),
            projection.read(kind, *names),
        )

    def _page(
        self,
        client: Client,
        kind: ResourceType,
        filter: str | None,
        start: int,
        count: int,
        shown: projection.Projection,
    ) -> Response:
        start, count = max(start, 1), min(max(count, 0), discovery.MAX_COUNT)
        page: Page = self._service.search(client, kind, filter, start, count)
        texts = [self._text(kind, found, shown) for found in page.resources]
        return _respond(200, _list_text(page.total, page.start, texts))

    def _written(
        self, status: int, kind: ResourceType, new: Written, shown: projection.Projection
    ) -> Response:
        response = self._resource(status, kind, new.resource, shown)
        if new.receipt:
            response.headers[RECEIPT] = new.receipt
        return response

    def _resource(
        self, status: int, kind: ResourceType, found: Resource, shown: projection.Projection
    ) -> Response:
        headers = {"ETag": _etag(found), "Location": location(kind, found, self._base)}
        return _respond(status, self._text(kind, found, shown), headers)

    def _text(self, kind: ResourceType, found: Resource, shown: projection.Projection) -> str:
        text = rendered(kind, found, self._base)
        if shown.is_default(kind):
            return text
        return encode(shown.of(kind, decode(text.encode())))


def _not_implemented(client: Client) -> Response:
    raise ScimError(501, "This is not offered here; see /ServiceProviderConfig.")


def _discovered(definition: Mapping[str, Any]) -> Response:
    if "filter" in request.args:
        raise ScimError(403, "This cannot be filtered (RFC 7644 section 4).")
    return _respond(200, encode(definition))


def _body() -> dict[str, Any]:
    """The request's JSON object. Raises ScimError 400, 413, 415."""
    kind = request.mimetype
    if kind not in ("", MEDIA_TYPE, "application/json"):
        raise ScimError(415, f"The body is to be {MEDIA_TYPE} or application/json.")
    if (request.mimetype_params.get("charset") or "utf-8").lower() not in ("utf-8", "utf8"):
        raise ScimError(415, "The body is to be UTF-8.")
    if request.content_encoding not in (None, "", "identity"):
        raise ScimError(415, "The body is to be sent without a content encoding.")
    too_large = ScimError(413, f"The body is larger than {MAX_BYTES} bytes.")
    if (request.content_length or 0) > MAX_BYTES:
        raise too_large
    # Werkzeug cuts a body that does not say its length off at this limit, in silence.
    request.max_content_length = MAX_BYTES + 1
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise too_large from None
    if len(raw) > MAX_BYTES:
        raise too_large
    return decode(raw)


def _projection(kind: ResourceType) -> projection.Projection:
    args = request.args
    return projection.read(kind, args.get("attributes"), args.get("excludedAttributes"))


def _precondition() -> Precondition:
    return Precondition(request.headers.get("If-Match"))


def _whole(name: str, value: Any, default: int) -> int:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise invalid_value(f"{name}: a whole number is expected.")
    try:
        number = int(value) if len(str(value)) < 20 else None
    except ValueError:
        number = None
    if number is None:
        raise invalid_value(f"{name}: a whole number is expected.")
    return max(min(number, 2**31 - 1), -1)


def _names(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise invalid_value(f"{name}: a list of names is expected.")
    return ",".join(value)


def _etag(found: Resource) -> str:
    return f'W/"{found.version}"'


def _list_text(total: int, start: int, texts: Sequence[str]) -> str:
    return (
        f'{{"schemas":["{LIST_URN}"],"totalResults":{total},"startIndex":{start},'
        f'"itemsPerPage":{len(texts)},"Resources":[{",".join(texts)}]}}'
    )


def _respond(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    response = Response(text, status, headers)
    response.headers["Content-Type"] = MEDIA_TYPE  # no charset: some clients compare the text
    return response


def _refusal(error: ScimError) -> Response:
    return _respond(error.status, encode(error.body()), error.headers)
