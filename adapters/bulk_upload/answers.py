"""Answers as Graph gives them: its error envelope, its lists, its ids of requests."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, request

from scim.errors import ScimError
from store.clocks import iso, machine_now

_ID = re.compile(r"[A-Za-z0-9._{}-]{1,100}\Z")
_SHOWN = (
    "Location, Retry-After, request-id, client-request-id, Preference-Applied, WWW-Authenticate"
)
EMPTY_TOKEN = "Access token is empty."
BAD_TOKEN = "Access token has expired or is not yet valid."
FULL = (
    "The bucket that stores the ingested data is full, please wait for the synchronization "
    "service to process the ingested data and retry this request."
)


class Refusal(Exception):
    """A refusal that the client sees, with Graph's `code` for programs and a sentence for
    people."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def invalid(why: str) -> Refusal:
    """400 for a body that does not have the form it should have."""
    return Refusal(400, "BadRequest", f"Invalid Data Format: {why}")


def bad_request(why: str) -> Refusal:
    """400 for everything else that the caller can put right."""
    return Refusal(400, "BadRequest", why)


def not_found(what: str) -> Refusal:
    """404 for an id that names nothing."""
    message = (
        f"Resource '{what[:100]}' does not exist or one of its queried reference-property "
        "objects are not present."
    )
    return Refusal(404, "Request_ResourceNotFound", message)


def denied() -> Refusal:
    """403: the token is another source's."""
    why = "Insufficient privileges to complete the operation: the token belongs to another source."
    return Refusal(403, "Authorization_RequestDenied", why)


def busy() -> Refusal:
    """429: nothing was done, and soon it can be."""
    why = "Too much to do at this moment; try again."
    return Refusal(429, "TooManyRequests", why, {"Retry-After": "5"})


_CODES = {
    413: "RequestEntityTooLarge",
    429: "TooManyRequests",
    500: "InternalServerError",
}


def from_scim(error: ScimError, *, of_body: bool = False) -> Refusal:
    """What `scim/` refused, in Graph's words; `of_body`: it was the form of the body."""
    if error.status == 401:
        given = request.headers.get("Authorization", "").strip()
        text = BAD_TOKEN if given else EMPTY_TOKEN
        return Refusal(401, "InvalidAuthenticationToken", text, error.headers)
    if of_body and error.status in (400, 415):
        return invalid(error.detail)
    return Refusal(
        error.status, _CODES.get(error.status, "BadRequest"), error.detail, error.headers
    )


def refused(refusal: Refusal) -> Response:
    """The answer that says no."""
    response = shown(
        {
            "error": {
                "code": refusal.code,
                "message": refusal.message,
                "innerError": {
                    "date": iso(machine_now())[:19],
                    "request-id": _request_id(),
                    "client-request-id": _client_id(),
                },
            }
        },
        refusal.status,
    )
    response.headers.update(refusal.headers)
    return response


def shown(body: Mapping[str, Any], status: int = 200) -> Response:
    """An answer with a JSON body."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return finished(Response(text, status, content_type="application/json; charset=utf-8"))


def listed(context: str, found: Sequence[Mapping[str, Any]], **more: Any) -> Response:
    """A collection."""
    return shown({"@odata.context": context, **more, "value": list(found)})


def empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """An answer without a body."""
    response = Response(status=status, headers=headers)
    del response.headers["Content-Type"]
    response.headers["Content-Length"] = "0"
    return finished(response)


def finished(response: Response) -> Response:
    """With what every answer carries. A page elsewhere may read it: it has to have a token
    for that, and nothing here goes by cookies."""
    response.headers["request-id"] = _request_id()
    response.headers["client-request-id"] = _client_id()
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = _SHOWN
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def options(allowed: str) -> Response:
    """What a browser asks before it lets a page call."""
    response = empty(204, {"Allow": allowed})
    response.headers["Access-Control-Allow-Methods"] = allowed
    wanted = request.headers.get("Access-Control-Request-Headers", "")
    if re.fullmatch(r"[A-Za-z0-9, _-]{1,1000}", wanted):
        response.headers["Access-Control-Allow-Headers"] = wanted
    response.headers["Access-Control-Max-Age"] = "600"
    del response.headers["Content-Length"]
    return response


def _request_id() -> str:
    return str(request.environ.setdefault("muster.request-id", str(uuid.uuid4())))


def _client_id() -> str:
    """The caller's own id of the request, else ours."""
    given = request.headers.get("client-request-id", "").strip()
    return given if _ID.match(given) else _request_id()
