"""Graph's front: token, permissions, quotas and faults for each call, and `$batch`."""

from __future__ import annotations

import json
import random
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from sandbox.entra import errors, routes, tokens
from sandbox.entra.directory import Answer, Call, Directory
from sandbox.entra.errors import GraphError, malformed
from sandbox.entra.throttle import Throttle, units
from sandbox.faults import Fault, Faults

_MOST_ITEMS = 20
_METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
_BAD_PAYLOAD = "Invalid batch payload format."
_UNREADABLE = (
    "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is "
    "of valid JSON format."
)
_GATEWAY = (
    b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
)


class Drop(Exception):
    """Close the connection without an answer; `reset`: hard, with RST."""

    def __init__(self, reset: bool = False) -> None:
        super().__init__("connection dropped on order")
        self.reset = reset


@dataclass(frozen=True)
class Request:
    """What came over the wire. `path` is without query and still encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes


class Graph:
    """Answers requests to the authority and to Graph; safe to call from several threads."""

    def __init__(self, directory: Directory, faults: Faults, throttle: Throttle) -> None:
        self._directory = directory
        self._faults = faults
        self._throttle = throttle
        self._released = threading.Event()
        self._shuffle = random.Random()

    def release(self) -> None:
        """Let go of all requests that hang or are delayed on order."""
        self._released.set()
        self._released = threading.Event()

    def answer(self, request: Request, origin: str) -> Answer:
        """The answer to one request. `origin`: `https://localhost:PORT`. Raises Drop."""
        request_id = str(uuid.uuid4())
        client_id = request.headers.get("client-request-id", request_id)
        graph = request.path.startswith("/v1.0/")
        try:
            work = self._graph if graph else self._authority
            answer = self._with_faults(
                f"{request.method} {request.path}",
                lambda lag: work(request, origin, lag, request_id, client_id),
            )
        except GraphError as error:
            answer = self._error(error, request_id, client_id)
        if not graph:
            return answer
        headers = {"request-id": request_id, "client-request-id": client_id, "OData-Version": "4.0"}
        headers["x-ms-ags-diagnostic"] = '{"ServerInfo":{"DataCenter":"Sandbox","Ring":"1"}}'
        return Answer(answer.status, answer.body, headers | dict(answer.headers))

    # The authority

    def _authority(
        self, request: Request, origin: str, _lag: float, _id: str, _client_id: str
    ) -> Answer:
        directory = self._directory
        identity = directory.tenant.identity
        now = directory.now()
        tenant, *rest = [unquote(part) for part in request.path.strip("/").split("/")]
        match request.method, rest:
            case "POST", ["oauth2", "v2.0", "token"]:
                basic = tokens.basic(request.headers.get("authorization", ""))
                return tokens.issue(
                    origin, tenant, request.body, basic, identity, directory.options, now
                )
            case "GET", ["v2.0", ".well-known", "openid-configuration"]:
                return tokens.metadata(origin, tenant, identity, now)
            case "GET", ["discovery", "instance"]:
                return tokens.discovery(origin)
            case "GET", ["discovery", "v2.0", "keys"]:
                return Answer(200, {"keys": []})
        return Answer(404, {"error": "not_found", "error_description": "No such endpoint."})

    # Graph

    def _graph(
        self, request: Request, origin: str, lag: float, request_id: str, client_id: str
    ) -> Answer:
        directory = self._directory
        roles = tokens.authorised(
            request.headers, origin, directory.tenant.identity, directory.now()
        )
        segments = _segments(request.path.removeprefix("/v1.0"))
        host = request.headers.get("host", "")
        base = f"https://{host}/v1.0" if host else directory.base
        if segments == ("$batch",):
            if request.method != "POST":
                raise routes.not_allowed()
            caller = _Caller(roles, base, request_id, client_id)
            return self._batch(_json(request), caller)
        call = Call(
            request.method,
            segments,
            _query(request.query),
            request.headers,
            _json(request) if request.method in ("POST", "PATCH", "PUT") else None,
            lag,
            roles,
            base,
        )
        return self._call(call)

    def _call(self, call: Call) -> Answer:
        """One call: route, permission, quota, handler, in one transaction."""
        directory = self._directory
        route, values = routes.find(call.method, call.segments)
        if not call.roles & route.roles:
            raise errors.denied()
        identity = directory.tenant.identity
        quota = self._throttle.take(
            write=call.method != "GET",
            units=units(call.segments, call.query),
            users=lambda: directory.tenant.count("user"),
            tenant=identity.tenant_id,
            app=identity.client_id,
            decimal=directory.options.decimal_retry_after,
        )
        _require_body(call)
        tenant = directory.tenant
        with tenant.undisturbed() if call.method == "GET" else tenant.transaction():
            directory.expire()
            answer = route.handler(directory, call, *values)
        return Answer(answer.status, answer.body, {**quota, **answer.headers})

    def _batch(self, body: Any, caller: _Caller) -> Answer:
        """POST /$batch: up to 20 calls, answered in any order, each counted by itself."""
        items = _items(body)
        done: dict[str, dict[str, Any]] = {}
        waiting = list(items)
        while waiting:
            ready = [i for i in waiting if all(d in done for d in i.depends)]
            if not ready:
                raise malformed(_BAD_PAYLOAD)  # they wait for each other
            for item in ready:
                waiting.remove(item)
                if any(done[d]["status"] >= 400 for d in item.depends):
                    error = GraphError(424, "FailedDependency", "Request dependency failed.")
                    answer = self._error(error, caller.request_id, caller.client_id)
                else:
                    answer = self._item(item, caller)
                done[item.id.lower()] = _item_answer(item.id, answer)
        responses = list(done.values())
        self._shuffle.shuffle(responses)
        return Answer(200, {"responses": responses})

    def _item(self, item: _Item, caller: _Caller) -> Answer:
        path, _, query = item.url.partition("?")
        segments = _segments(path)

        def work(lag: float) -> Answer:
            call = Call(
                item.method,
                segments,
                _query(query),
                item.headers,
                item.body,
                lag,
                caller.roles,
                caller.base,
            )
            return self._call(call)

        try:
            return self._with_faults(f"{item.method} /v1.0/{path.lstrip('/')}", work)
        except GraphError as error:
            return self._error(error, caller.request_id, caller.client_id)

    # Faults

    def _with_faults(self, operation: str, work: Callable[[float], Answer]) -> Answer:
        """Do the work, or what a fault on order makes of it. `work` takes the lag."""
        released = self._released  # before the match: who is let go meanwhile shall not hang
        fault = self._faults.match(operation)
        if fault is None:
            return work(0.0)
        match fault.effect:
            case "delay":
                released.wait(fault.seconds)
                return work(0.0)
            case "hang":
                released.wait(fault.seconds)
                raise Drop
            case "refuse":
                raise Drop(reset=True)
            case "drop_before":
                raise Drop
            case "drop_after":
                work(0.0)
                raise Drop
            case "lag":
                return work(fault.seconds)
            case "error":
                return _ordered(fault, operation)

    def _error(self, error: GraphError, request_id: str, client_id: str) -> Answer:
        body = error.body(request_id, client_id, self._directory.now())
        return Answer(error.status, body, error.headers)


def _ordered(fault: Fault, operation: str) -> Answer:
    """The error on order: as Graph or the authority would say it."""
    headers = {} if fault.detail is None else {"Retry-After": fault.detail}
    if fault.code == 502:  # from the gateway, which knows no JSON
        return Answer(502, _GATEWAY, {"Content-Type": "text/html", **headers})
    if " /v1.0/" in operation:
        raise errors.by_status(fault.code, headers)
    text = "AADSTS90033: A transient error has occurred. Please try again."
    return Answer(
        fault.code, {"error": "temporarily_unavailable", "error_description": text}, headers
    )


@dataclass(frozen=True)
class _Caller:
    """What the items of a batch have from the batch."""

    roles: frozenset[str]
    base: str
    request_id: str
    client_id: str


@dataclass(frozen=True)
class _Item:
    id: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    depends: tuple[str, ...]


def _items(body: Any) -> list[_Item]:
    """The items of a batch. Raises GraphError 400 for the whole batch."""
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or not requests:
        raise malformed(_BAD_PAYLOAD)
    if len(requests) > _MOST_ITEMS:
        raise GraphError(
            400,
            "MaximumValueExceeded",
            f"Number of batch request steps exceeds the maximum value of {_MOST_ITEMS}.",
        )
    items = [_read_item(request) for request in requests]
    ids = [item.id.lower() for item in items]
    if len(set(ids)) < len(ids) or any(not set(item.depends) <= set(ids) for item in items):
        raise malformed(_BAD_PAYLOAD)
    return items


def _read_item(request: Any) -> _Item:
    if not isinstance(request, dict):
        raise malformed(_BAD_PAYLOAD)
    id, method, url = (request.get(name) for name in ("id", "method", "url"))
    headers, depends = request.get("headers", {}), request.get("dependsOn", [])
    headers, depends = {} if headers is None else headers, [] if depends is None else depends
    if not (isinstance(id, str) and id and isinstance(url, str) and isinstance(method, str)):
        raise malformed(_BAD_PAYLOAD)
    if method.upper() not in _METHODS or urlsplit(url).scheme or url.lstrip("/") in ("", "$batch"):
        raise malformed(_BAD_PAYLOAD)
    if not isinstance(headers, dict) or not isinstance(depends, list):
        raise malformed(_BAD_PAYLOAD)
    if not all(isinstance(name, str) for name in depends):
        raise malformed(_BAD_PAYLOAD)
    folded = routes.lower(headers)
    if ("body" in request) and "content-type" not in folded:
        raise malformed(f"Write request id : {id} does not contain Content-Type header or body.")
    waits = tuple(name.lower() for name in depends)
    return _Item(id, method.upper(), url, folded, request.get("body"), waits)


def _item_answer(id: str, answer: Answer) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": id, "status": answer.status, "headers": dict(answer.headers)}
    if answer.body is not None:
        shown["headers"].setdefault("Content-Type", "application/json")
        body = answer.body
        shown["body"] = body.decode() if isinstance(body, bytes) else body
    return shown


def _query(text: str) -> dict[str, str]:
    """The parameters of a URL; of one that comes twice, the last."""
    return dict(_parameter(pair) for pair in text.split("&") if pair)


@lru_cache(maxsize=1024)
def _parameter(pair: str) -> tuple[str, str]:
    name, _, value = pair.partition("=")
    return unquote_plus(name), unquote_plus(value)


def _segments(path: str) -> tuple[str, ...]:
    return tuple(unquote(part) for part in path.strip("/").split("/"))


def _json(request: Request) -> Any:
    if not request.body:
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise malformed(_UNREADABLE)
    try:
        body = json.loads(request.body, parse_constant=_no_number)
        json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise malformed(_UNREADABLE) from None
    return body


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _require_body(call: Call) -> None:
    """Actions need no body; everything else that writes does."""
    action = call.segments[-1].endswith(("revokeSignInSessions", "restore"))
    if call.method in ("POST", "PATCH", "PUT") and call.body is None and not action:
        raise malformed("Empty Payload. JSON content expected.")
