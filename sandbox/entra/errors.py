"""The noes of Graph and of the token endpoint, word for word where they are documented.

Source: Graph error responses (learn.microsoft.com/graph/errors) and answers seen in the field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from store.clocks import to_datetime

BAD_REQUEST = "Request_BadRequest"
UNSUPPORTED_QUERY = "Request_UnsupportedQuery"

SYNCED = (
    "Unable to update the specified properties for on-premises mastered Directory Sync objects "
    "or objects currently undergoing migration."
)
ONCE_SYNCED = (
    "Unable to update the specified properties for objects that have originated within an "
    "external service."
)
BAD_DOMAIN = (
    "The domain portion of the userPrincipalName property is invalid. You must use one of the "
    "verified domain names in your organization."
)
WEAK_PASSWORD = (
    "The specified password does not comply with password complexity requirements. "
    "Please provide a different password."
)
_BY_STATUS = {
    401: ("InvalidAuthenticationToken", "Access token is empty."),
    403: ("Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
    404: ("Request_ResourceNotFound", "Resource does not exist."),
    409: (
        "Directory_ConcurrencyViolation",
        "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.",
    ),
    429: ("TooManyRequests", "Too many requests."),
    500: ("InternalServerError", "An internal server error occurred."),
    503: ("ServiceUnavailable", "Service is temporarily unavailable. Please wait and retry again."),
    504: ("GatewayTimeout", "The request timed out at the gateway."),
}


class GraphError(Exception):
    """An answer of 400 and above: status, Graph's code and message, details, headers."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = tuple(details)
        self.headers = dict(headers or {})

    def body(self, request_id: str, client_request_id: str, now: float) -> dict[str, Any]:
        """The JSON body; `now` in epoch seconds."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = [dict(detail) for detail in self.details]
        error["innerError"] = {
            "date": to_datetime(now).strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request_id,
            "client-request-id": client_request_id,
        }
        return {"error": error}


def by_status(status: int, headers: Mapping[str, str] | None = None) -> GraphError:
    """What Graph usually says with this status: for faults on order."""
    code, message = _BY_STATUS.get(status, ("UnknownError", ""))
    return GraphError(status, code, message, headers=headers)


def bad_request(message: str, details: Sequence[Mapping[str, str]] = ()) -> GraphError:
    return GraphError(400, BAD_REQUEST, message, details)


def malformed(message: str) -> GraphError:
    """400 from the front of Graph, before the directory sees the request."""
    return GraphError(400, "BadRequest", message)


def unsupported_query(message: str) -> GraphError:
    return GraphError(400, UNSUPPORTED_QUERY, message)


def not_found(name: str) -> GraphError:
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{name}' does not exist or one of its queried reference-property objects "
        "are not present.",
    )


def denied() -> GraphError:
    return by_status(403)


def invalid_value(name: str, resource: str) -> GraphError:
    return bad_request(f"Invalid value specified for property '{name}' of resource '{resource}'.")


def required(name: str, resource: str) -> GraphError:
    return bad_request(f"A value is required for property '{name}' of resource '{resource}'.")


def read_only(name: str) -> GraphError:
    return bad_request(f"Property '{name}' is read-only and cannot be set.")


def invalid_upn() -> GraphError:
    message = "Property userPrincipalName is invalid."
    detail = {"code": "InvalidValue", "message": message, "target": "userPrincipalName"}
    return bad_request(message, [detail])


def conflict(name: str, holder: str | None = None) -> GraphError:
    """Somebody else has this value. `holder` (`User_<id>`) is told for some properties only."""
    message = f"Another object with the same value for property {name} already exists."
    details = [{"code": "ObjectConflict", "message": message, "target": name}]
    if holder is not None:
        details.append({"code": "ConflictingObjects", "message": message, "target": holder})
    return bad_request(message, details)
