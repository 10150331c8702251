"""Requests and answers as HTTP has them: bodies and parameters in, SCIM JSON out."""

from __future__ import annotations

import hashlib
import logging
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import Response, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.http import HTTP_STATUS_CODES, parse_options_header
from werkzeug.urls import iri_to_uri
from werkzeug.wsgi import get_content_length, get_input_stream

from scim.bodies import decode, encode
from scim.discovery import Limits
from scim.errors import ScimError, invalid_filter, invalid_syntax, invalid_value
from scim.versions import Precondition
from store.ids import ID
from store.resources import Resource

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MEDIA_TYPE = "application/scim+json"
SEARCH_URN = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
LIST_URN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_LARGEST = 2**31 - 1
_ADDRESSES = frozenset(("Location", "Content-Location"))
_BODILESS = frozenset((204, 304))
_RETRY_AFTER = {"Retry-After": "5"}


def failure(error: Exception, log: logging.Logger) -> ScimError:
    """How an exception that ended a request is answered; what nobody expected is logged.

    Nothing an exception says reaches the client or the log unless it was made for that.
    """
    if isinstance(error, ScimError):
        return error
    if isinstance(error, HTTPException):
        return ScimError(error.code or 400, error.description or "The request is refused.")
    if isinstance(error, (OperationalError, PoolTimeout)):
        log.warning("database busy or away: %s", type(error).__name__)
        return ScimError(429, "Too much to do at this moment; try again.", None, _RETRY_AFTER)
    # The message may hold personal data; where it happened does not.
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("unexpected %s\n%s", type(error).__name__, where)
    return ScimError(500, "Something failed here; it is in the log.")


def body(environ: WSGIEnvironment, limits: Limits) -> dict[str, Any]:
    """The request's JSON object. Raises ScimError 400, 413, 415."""
    return decode(raw(environ, limits, ("", MEDIA_TYPE, "application/json")))


def raw(environ: WSGIEnvironment, limits: Limits, kinds: Sequence[str]) -> bytes:
    """The request's body, of one of these media types. Raises ScimError 413, 415."""
    most = limits.max_payload
    kind, charset = _type(environ.get("CONTENT_TYPE"))
    if kind not in kinds:
        raise ScimError(415, f"The body is to be {' or '.join(filter(None, kinds))}.")
    if charset not in ("utf-8", "utf8"):
        raise ScimError(415, "The body is to be UTF-8.")
    if environ.get("HTTP_CONTENT_ENCODING", "") not in ("", "identity"):
        raise ScimError(415, "The body is to be sent without a content encoding.")
    if (get_content_length(environ) or 0) > most:
        raise _too_large(most)
    try:
        # Werkzeug cuts a body that does not say its length off at this limit, in silence.
        data = get_input_stream(environ, max_content_length=most + 1).read()
    except RequestEntityTooLarge:
        raise _too_large(most) from None
    if len(data) > most:
        raise _too_large(most)
    return data


@lru_cache(64)
def _type(header: str | None) -> tuple[str, str]:
    """The media type and the charset that a Content-Type names, in lower case."""
    kind, said = parse_options_header(header)
    return kind.lower(), (said.get("charset") or "utf-8").lower()


def _too_large(most: int) -> ScimError:
    return ScimError(413, f"The body is larger than the maxPayloadSize ({most}) in bytes.")


@dataclass(frozen=True)
class Asked:
    """What a client wants of a list or of a resource, as it came: from the query of the
    address, or from the body of a .search (RFC 7644 section 3.4.3)."""

    filter: str | None = None
    sort_by: str | None = None
    sort_order: str | None = None
    start: int | None = None
    count: int | None = None
    cursor: str | None = None
    attributes: str | None = None
    excluded: str | None = None


def asked_in_address() -> Asked:
    """The parameters behind the question mark; those that are unknown are passed over.

    Raises ScimError 400 for a number that is none, or a parameter that is there twice.
    """
    if not request.query_string:
        return Asked()
    return Asked(
        filter=_once("filter"),
        sort_by=_once("sortBy"),
        sort_order=_once("sortOrder"),
        start=_whole("startIndex", _once("startIndex")),
        count=_count(_once("count"), _once("cursor")),
        cursor=_once("cursor"),
        attributes=_listed("attributes"),
        excluded=_listed("excludedAttributes"),
    )


def shown_in_address() -> Asked:
    """The parameters that say which attributes of a resource are sent."""
    if not request.query_string:
        return Asked()
    return Asked(attributes=_listed("attributes"), excluded=_listed("excludedAttributes"))


def asked_in_body(limits: Limits) -> Asked:
    """The body of a .search. Raises ScimError 400, 413, 415."""
    said = {key.lower(): value for key, value in body(request.environ, limits).items()}
    schemas = said.get("schemas")
    if not isinstance(schemas, list) or SEARCH_URN not in schemas:
        raise invalid_syntax(f"schemas: a search names {SEARCH_URN}.")
    filter = said.get("filter")
    if filter is not None and not isinstance(filter, str):
        raise invalid_filter("filter: text is expected.")
    return Asked(
        filter=filter,
        sort_by=_text("sortBy", said.get("sortby")),
        sort_order=_text("sortOrder", said.get("sortorder")),
        start=_whole("startIndex", said.get("startindex")),
        count=_count(said.get("count"), said.get("cursor")),
        cursor=_text("cursor", said.get("cursor")),
        attributes=_names("attributes", said.get("attributes")),
        excluded=_names("excludedAttributes", said.get("excludedattributes")),
    )


def _once(name: str) -> str | None:
    values = request.args.getlist(name)
    if len(values) > 1:
        raise invalid_value(f"{name} is there twice.")
    return values[0] if values else None


def _listed(name: str) -> str | None:
    values = request.args.getlist(name)
    return ",".join(values) if values else None


def _whole(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise invalid_value(f"{name}: a whole number is expected.")
    try:
        number = int(value) if len(str(value)) < 20 else None
    except ValueError:
        number = None
    if number is None:
        raise invalid_value(f"{name}: a whole number is expected.")
    return max(min(number, _LARGEST), -1)


def _count(value: Any, cursor: Any) -> int | None:
    try:
        return _whole("count", value)
    except ScimError as error:
        if cursor is None:
            raise
        raise ScimError(400, error.detail, "invalidCount") from None  # RFC 9865


def _text(name: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise invalid_value(f"{name}: text is expected.")


def _names(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise invalid_value(f"{name}: a list of names is expected.")
    return ",".join(value)


def list_text(
    texts: Sequence[str], total: int | None, start: int | None, cursor: str | None = None
) -> str:
    """A ListResponse. `start` is None for a page by cursor, `cursor` leads to the next."""
    head = f'"schemas":["{LIST_URN}"]'
    if total is not None:
        head += f',"totalResults":{total}'
    if start is not None:
        head += f',"startIndex":{start}'
    if cursor is not None:
        head += f',"nextCursor":"{cursor}"'
    return f'{{{head},"itemsPerPage":{len(texts)},"Resources":[{",".join(texts)}]}}'


@dataclass(frozen=True)
class Reply:
    """What is said to a request, whoever carries it: `text` is None where there is no body."""

    status: int
    text: str | None
    headers: Mapping[str, str]

    def response(self) -> Response:
        """As Flask has it."""
        if self.text is None:
            return empty(self.status, self.headers)
        return respond(self.status, self.text, self.headers)

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        """As WSGI has it."""
        status = f"{self.status} {HTTP_STATUS_CODES[self.status].upper()}"
        headers = _encoded_addresses(self.headers)
        if self.text is None:
            start_response(status, list(headers.items()))
            return []
        body = self.text.encode()
        start_response(
            status,
            [
                ("Content-Type", MEDIA_TYPE),
                ("Content-Length", str(len(body))),
                *headers.items(),
            ],
        )
        return [body]


class Answer(Response):
    """An answer with a body, whose headers go out as they are: they say how long it is, and
    addresses in them are URIs already. Werkzeug takes longer to look at them than to make them.
    """

    def get_wsgi_response(
        self, environ: WSGIEnvironment
    ) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """What goes out: body, status and headers."""
        if environ["REQUEST_METHOD"] == "HEAD" or self.status_code in _BODILESS:
            return super().get_wsgi_response(environ)
        return self.iter_encoded(), self.status, self.headers.to_wsgi_list()


def respond(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a body."""
    said = _encoded_addresses(headers or {})
    # No charset in the type: some clients compare the text.
    return Answer(text, status, said, content_type=MEDIA_TYPE)


def _encoded_addresses(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: _uri(value) if name in _ADDRESSES else value for name, value in headers.items()}


def _uri(address: str) -> str:
    """`address` with everything encoded that has to be; before an id there is always the same."""
    before, slash, id = address.rpartition("/")
    return _encoded(before + slash) + id if ID.match(id) else iri_to_uri(address)


_encoded = lru_cache(64)(iri_to_uri)


def empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """An answer without a body, and so without a type."""
    response = Response(status=status, headers=headers)
    del response.headers["Content-Type"]
    return response


def refusal(error: ScimError) -> Reply:
    """The answer that says no."""
    return Reply(error.status, encode(error.body()), error.headers)


def seen(tag: str) -> bool:
    """Whether If-None-Match names that tag."""
    return request.if_none_match.star_tag or request.if_none_match.contains_weak(tag)


def refuse_filter() -> None:
    """Discovery is not filtered. Raises ScimError 403."""
    if "filter" in request.args:
        raise ScimError(403, "This cannot be filtered (RFC 7644 section 4).")


def static(text: str, where: str | None = None) -> Response:
    """What changes only with the server, under a tag of its content; `where` it lies, if it
    is one thing."""
    tag = hashlib.sha256(text.encode()).hexdigest()[:16]
    headers = {"ETag": f'W/"{tag}"', **({"Content-Location": where} if where else {})}
    if seen(tag):
        return empty(304, headers)
    return respond(200, text, headers)


def precondition(environ: WSGIEnvironment) -> Precondition:
    """Which versions a write accepts."""
    return Precondition(environ.get("HTTP_IF_MATCH"), environ.get("HTTP_IF_NONE_MATCH"))


def place(found: Resource, where: str) -> dict[str, str]:
    """Headers beside a resource that lies at `where`: its version, and its `meta.location`
    again, which is to be its Content-Location (RFC 7643 section 3.1)."""
    return {"ETag": etag(found), "Location": where, "Content-Location": where}


def etag(found: Resource) -> str:
    """The tag of a resource's version."""
    return f'W/"{found.version}"'
