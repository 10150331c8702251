"""The SDK, wired: sign-in, URLs and headers are its; the JSON, of errors too, is ours.

Nobody but `target.py` imports this module, and only when it first speaks to Graph: it
loads about 650 modules. What is left out on purpose, and why:

- the SDK's models (bodies and answers are JSON of ours): they drop nulls on the way out, and one
  user on the way in loads 1,200 modules and takes 4 ms;
- its request adapter: what it does around one request of httpx takes as long as the request;
- its retry and redirect handlers: a POST repeated after a 503 may make a second user;
- httpx's own connections: see `transport.py`. (azure-identity signs in through `requests`, which
  msal has loaded anyway.)
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.pipeline.transport import AsyncioRequestsTransport
from azure.identity.aio import CertificateCredential, ClientSecretCredential
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_http.kiota_client_factory import KiotaClientFactory
from kiota_http.middleware import REQUEST_OPTIONS_KEY, BaseMiddleware
from kiota_http.middleware.user_agent_handler import UserAgentHandler
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph import __version__ as sdk_version
from msgraph_core import APIVersion
from msgraph_core.middleware import AsyncGraphTransport, GraphTelemetryHandler
from msgraph_core.middleware.options import GraphTelemetryHandlerOption

from adapters.entra_id.batch import Batches, Reply
from adapters.entra_id.config import Config
from adapters.entra_id.errors import (
    CERTIFICATE,
    STRANGE_LINK,
    UNREADABLE,
    GraphError,
    Lost,
    read_refusal,
    sign_in_refusal,
)
from adapters.entra_id.transport import Transport
from adapters.target import TargetDown, TargetRefused
from store.clocks import machine_now

for _chatty in ("httpx", "aiohttp", "azure", "msal", "urllib3"):
    # They log URLs, and ours name people: `$filter=userPrincipalName eq ...`. What goes
    # wrong in them is raised to us anyway.
    logging.getLogger(_chatty).setLevel(logging.ERROR)

_BELIEVED, _RENEWED = 10.0, 300.0
"""Seconds for which a token is used without asking azure-identity, and before its end at which
that renews it."""
_CLAIMS = re.compile(r'claims="([^"]+)"')
_HEADERS = {"Accept-Encoding": "gzip, deflate"}
_NETWORK = "Check the network, the proxy and ca_file."
_UNSENT = (httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_SILENT = "Graph does not answer"


class Credential:
    """azure-identity's credential: one sign-in for any number of waiting requests, and
    a fresh start when Graph no longer takes the token we hold."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = asyncio.Lock()
        self._inner = self._make()
        self._scope = config.token_scope
        self._token = ""
        self._believed_until = 0.0

    def _make(self) -> ClientSecretCredential | CertificateCredential:
        config = self._config
        ca = str(config.ca_file) if config.ca_file else True
        common: dict[str, Any] = {
            "authority": config.authority,
            "retry_total": 0,
            "transport": AsyncioRequestsTransport(
                connection_timeout=(config.connect_timeout, config.answer_timeout),
                connection_verify=ca,
                use_env_settings=False,
            ),
        }
        if config.proxy:
            common["proxies"] = {"https": config.proxy}
        if config.certificate is not None:
            return CertificateCredential(
                config.tenant_id, config.client_id, str(config.certificate), **common
            )
        assert config.client_secret is not None  # Config has checked it
        return ClientSecretCredential(
            config.tenant_id, config.client_id, config.client_secret(), **common
        )

    async def token(self, claims: str | None = None) -> str:
        """A token for Graph, from azure-identity's cache or the authority. `claims` is what
        Graph wants to be said in it. Raises AzureError."""
        now = asyncio.get_running_loop().time()
        if claims is None and now < self._believed_until:
            return self._token
        async with self._lock:
            given = await self._inner.get_token(self._scope, claims=claims, enable_cae=True)
            left = given.expires_on - machine_now() - _RENEWED
            self._token, self._believed_until = given.token, now + min(_BELIEVED, left)
        return self._token

    async def renew(self) -> None:
        """Forget the token and read the secret again."""
        with _readable():
            async with self._lock:
                old, self._inner = self._inner, self._make()
                self._believed_until = 0.0
        await old.close()

    async def close(self) -> None:
        """Close the connections to the authority."""
        await self._inner.close()


class Pace:
    """At most `rate` writes a second with bursts of two seconds' worth; 0: no limit."""

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate if rate > 0 else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until the next write may go."""
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now - 2.0) + self._interval
        if self._interval and self._next > now:
            await asyncio.sleep(self._next - now)


class Graph:
    """A tenant's Graph. Belongs to the event loop it is first used on.

    Raises TargetRefused when what the configuration points to cannot be read.
    """

    def __init__(self, config: Config, transport: httpx.AsyncBaseTransport | None = None) -> None:
        with _readable():
            self._credential = Credential(config)
            self._transport = transport or Transport(config)
        self._timeout = httpx.Timeout(
            config.answer_timeout, connect=config.connect_timeout
        ).as_dict()
        handlers: list[BaseMiddleware] = [
            UserAgentHandler(),
            GraphTelemetryHandler(
                GraphTelemetryHandlerOption(api_version=APIVersion.v1, sdk_version=sdk_version)
            ),
        ]
        self._pipeline = AsyncGraphTransport(
            self._transport,
            KiotaClientFactory.create_middleware_pipeline(handlers, self._transport),
        )
        self.base_url = config.base_url
        self._pace = Pace(config.writes_per_second)
        self._shut: dict[bool, float] = {}
        self._most_patience = config.answer_timeout
        self._batches = Batches(self.base_url, self._heed, self._deliver, self._meaning)
        # For its builders: what they make is sent here, without models for what comes back.
        self.client = GraphServiceClient(
            request_adapter=GraphRequestAdapter(
                AnonymousAuthenticationProvider(), httpx.AsyncClient(transport=self._transport)
            )
        )

    async def send(self, request: RequestInformation) -> dict[str, Any]:
        """The answer's JSON, `{}` when there is none. Never sends a write twice.

        Raises GraphError for a definite no, Lost when a write's answer never came,
        TargetDown when nothing was written and later may be better, TargetRefused when we
        may not sign in.
        """
        write = request.http_method is None or request.http_method.value != "GET"
        self._heed(write)
        if write:
            await self._pace.turn()
        return await self._batches.send(request, write)

    async def patiently(self, request: Callable[[], RequestInformation]) -> dict[str, Any]:
        """As :meth:`send`, for reads: where Graph says when to come back, we do. For as long as
        `Config.answer_timeout` in all."""
        left = self._most_patience
        while True:
            try:
                return await self.send(request())
            except TargetDown as error:
                pause = error.retry_after
                if pause is None or pause > left:
                    raise
            left -= max(pause, 0.1)
            await asyncio.sleep(pause)

    async def pages(self, request: RequestInformation) -> AsyncIterator[list[dict[str, Any]]]:
        """The `value` of each page, following `@odata.nextLink` as long as it leads to our own
        host: another one would get the token."""
        while True:
            answer = await self.patiently(lambda: request)  # noqa: B023 - awaited at once
            yield list(answer.get("value", ()))
            link = answer.get("@odata.nextLink")
            if not link:
                return
            if not str(link).startswith(f"{self.base_url}/"):
                raise TargetRefused(STRANGE_LINK)
            request = RequestInformation(Method.GET)
            request.url = str(link)
            request.headers.try_add("Accept", "application/json")

    async def _deliver(self, request: RequestInformation, write: bool) -> dict[str, Any]:
        try:
            return await self._send(request, write)
        except GraphError as error:
            if error.status != 401:
                raise
        # The token was taken back (a new signing key, a rotated secret): nothing was done.
        await self._credential.renew()
        try:
            return await self._send(request, write)
        except GraphError as error:
            if error.status == 401:
                raise TargetRefused(read_refusal(error)) from None
            raise

    async def _send(self, request: RequestInformation, write: bool) -> dict[str, Any]:
        try:
            response = await self._exchange(request)
        except ClientAuthenticationError as error:
            status = getattr(error.response, "status_code", None) or 0
            if status == 429 or status >= 500:
                raise TargetDown("Entra ID is too busy to sign us in") from None
            raise TargetRefused(sign_in_refusal(str(error.message))) from None
        except (AzureError, httpx.ConnectError) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise TargetRefused(CERTIFICATE) from None
            what = "Graph" if isinstance(error, httpx.HTTPError) else "Entra ID's sign-in"
            raise TargetDown(f"{what} cannot be reached", _NETWORK) from None
        except _UNSENT as error:
            what = type(error).__name__
            raise TargetDown(f"Graph cannot be reached ({what})", _NETWORK) from None
        except httpx.HTTPError as error:
            if write:
                raise Lost from None
            raise TargetDown(f"{_SILENT} ({type(error).__name__})", _NETWORK) from None
        status, answer = response.status_code, response.content
        if 300 <= status < 400:  # Graph never redirects: a proxy is in between
            raise TargetDown(f"a redirect ({status}) instead of Graph", _NETWORK)
        try:
            body = json.loads(answer) if answer else {}
        except ValueError:
            body = None
        if not 200 <= status < 300:
            raise self._meaning(Reply(status, response.headers, body), write)
        if isinstance(body, dict):
            return body
        if write:
            return {}
        raise TargetDown(f"{_SILENT} in JSON", "Check graph's URL and the proxy.")

    async def _exchange(self, request: RequestInformation) -> httpx.Response:
        """One HTTP request and the whole answer; asked again when Graph wants to hear more of
        us in the token (continuous access evaluation). Raises what httpx and azure raise."""
        response = await self._carry(request, None)
        challenge = _CLAIMS.search(response.headers.get("WWW-Authenticate", ""))
        if response.status_code == 401 and challenge is not None:
            claims = b64decode(challenge[1] + "==").decode(errors="replace")
            return await self._carry(request, claims)
        return response

    async def _carry(self, request: RequestInformation, claims: str | None) -> httpx.Response:
        request.path_parameters["baseurl"] = self.base_url
        url = request.url
        headers = {**_HEADERS, **(request.request_headers or {})}
        if url.startswith(f"{self.base_url}/"):  # nobody else gets to see the token
            headers["Authorization"] = f"Bearer {await self._credential.token(claims)}"
        assert request.http_method is not None
        response: httpx.Response = await self._pipeline.handle_async_request(
            httpx.Request(
                request.http_method.value,
                url,
                headers=headers,
                content=request.content,
                extensions={"timeout": self._timeout, REQUEST_OPTIONS_KEY: {}},
            )
        )
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response

    def _meaning(self, reply: Reply, write: bool) -> Exception:
        """What an HTTP status from 400 up means to the caller."""
        status, after = reply.status, _seconds(reply.headers)
        if status == 429 or (status == 503 and (after is not None or not write)):
            if after is not None:
                self._shut[write] = asyncio.get_running_loop().time() + after
            return TargetDown(f"Graph is too busy ({status})", retry_after=after)
        if status >= 500 or status < 400:
            return Lost() if write else TargetDown(f"{_SILENT} ({status})", retry_after=after)
        body = reply.body if isinstance(reply.body, dict) else {}
        main = body.get("error")  # what stands between us and Graph may answer anything
        main = main if isinstance(main, dict) else {}
        details = [d for d in main.get("details") or () if isinstance(d, dict)]
        return GraphError(
            status,
            str(main.get("code") or ""),
            str(main.get("message") or ""),
            tuple((str(d.get("code") or ""), str(d.get("target") or "")) for d in details),
        )

    def _heed(self, write: bool) -> None:
        """Graph said when to come back: until then, no request of any thread leaves."""
        left = self._shut.get(write, 0.0) - asyncio.get_running_loop().time()
        if left > 0:
            raise TargetDown("Graph asked us to wait", retry_after=left)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()
        await self._credential.close()


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, LookupError):
        raise TargetRefused(UNREADABLE) from None


def _seconds(headers: Any) -> float | None:
    """`Retry-After` in seconds, also as the decimal that Graph sends (RFC 9110 10.2.3)."""
    text = headers.get("retry-after") if headers else None
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
