"""The one way to say no: SCIM's error body (RFC 7644 section 3.12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """A refusal that the client sees.

    `status` is the HTTP status, `detail` a sentence for people (never somebody's personal
    data beyond what the client itself sent), `scim_type` one of RFC 7644 table 9 or None,
    `headers` go with the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        scim_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.scim_type = scim_type
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The error as a SCIM message; `status` is text there."""
        body: dict[str, Any] = {"schemas": [ERROR_SCHEMA], "status": str(self.status)}
        if self.scim_type:
            body["scimType"] = self.scim_type
        body["detail"] = self.detail
        return body


def invalid_value(detail: str) -> ScimError:
    """400 invalidValue: a value is missing or does not fit its attribute."""
    return ScimError(400, detail, "invalidValue")


def invalid_syntax(detail: str) -> ScimError:
    """400 invalidSyntax: the message is not built as the schema says."""
    return ScimError(400, detail, "invalidSyntax")


def invalid_path(detail: str) -> ScimError:
    """400 invalidPath: a PATCH path is malformed or names nothing."""
    return ScimError(400, detail, "invalidPath")


def invalid_filter(detail: str) -> ScimError:
    """400 invalidFilter: a filter is malformed or compares what cannot be compared."""
    return ScimError(400, detail, "invalidFilter")


def immutable(detail: str) -> ScimError:
    """400 mutability: the attribute may not be changed in this way."""
    return ScimError(400, detail, "mutability")


def no_target(detail: str) -> ScimError:
    """400 noTarget: the path selects nothing to work on."""
    return ScimError(400, detail, "noTarget")


def moved() -> ScimError:
    """412: somebody else was faster."""
    return ScimError(412, "The resource was changed at the same moment; read it again.")
