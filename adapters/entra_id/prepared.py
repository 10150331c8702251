"""Requests that the SDK's builders make once, to be filled in many times.

A builder expands a URI template for every request, which takes longer than sending it. So
each kind of request is built once with marks where values go, and kept as its pieces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.headers_collection import HeadersCollection
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_abstractions.serialization import Parsable, ParseNode, SerializationWriter

_UNRESERVED = "-._~"
"""What a value may hold as it is (RFC 6570 section 3.2.1, RFC 3986 section 2.3)."""
_ESCAPES = {code: quote(chr(code), safe=_UNRESERVED) for code in range(128)}


class Body(Parsable):
    """Stands where a builder asks for a model: ours are JSON already. The SDK's models drop
    nulls on the way out."""

    def get_field_deserializers(self) -> dict[str, Any]:
        """Nothing is ever read into it."""
        return {}

    @staticmethod
    def create_from_discriminator_value(parse_node: ParseNode) -> Body:
        """As the SDK's models do it."""
        return Body()

    def serialize(self, writer: SerializationWriter) -> None:
        """Nothing."""


@dataclass(frozen=True)
class _Form:
    method: Method
    pieces: list[str]
    """The URL, cut where values go."""
    places: list[int]
    """Which value goes between one piece and the next."""
    headers: dict[str, str]


class Prepared:
    """One kind of request. `build(*marks)` makes it with the SDK, with so many values."""

    def __init__(
        self, base_url: str, build: Callable[..., RequestInformation], values: int = 1
    ) -> None:
        self._base_url = base_url
        self._build = build
        self._marks = [f"zz{number}zz" for number in range(values)]
        self._form: _Form | None = None

    def __call__(self, *values: str, body: Mapping[str, Any] | None = None) -> RequestInformation:
        """The request for these values. `body`: Graph JSON, nulls and empty lists included."""
        form = self._form or self._make()
        url = form.pieces[0]
        for place, piece in zip(form.places, form.pieces[1:], strict=True):
            url += _escaped(values[place]) + piece
        request = RequestInformation(form.method)
        request.url = url
        for name, value in form.headers.items():
            request.headers.add(name, value)
        if body is not None:
            text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
            request.set_stream_content(text.encode(), "application/json")
        return request

    def _make(self) -> _Form:
        built = self._build(*self._marks)
        built.path_parameters["baseurl"] = self._base_url  # as the SDK does when it sends
        # Its template escapes the dollar of `$select`, which it would undo when it sends.
        url = built.url.replace("?%24", "?$").replace("&%24", "&$")
        cut = re.split(r"zz(\d+)zz", url)
        headers = built.headers.get_all().items()
        assert built.http_method is not None
        self._form = form = _Form(
            built.http_method,
            cut[::2],
            [int(number) for number in cut[1::2]],
            {n: ",".join(found) for n, found in headers if n.lower() != "content-type"},
        )
        return form


def _escaped(value: str) -> str:
    return value.translate(_ESCAPES) if value.isascii() else quote(value, safe=_UNRESERVED)


def built(builder: Any, query: Any, eventual: bool = False) -> RequestInformation:
    """A GET of the SDK's builder. `eventual`: answered by the index that lags behind."""
    headers = HeadersCollection()
    if eventual:
        headers.add("ConsistencyLevel", "eventual")
    configuration = RequestConfiguration(query_parameters=query, headers=headers)
    request: RequestInformation = builder.to_get_request_information(configuration)
    return request
