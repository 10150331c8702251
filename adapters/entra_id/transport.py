"""HTTP/1.1 to Graph through aiohttp, in the place of httpx's own transport.

The SDK speaks httpx; what httpx does below that, in Python, takes five times as long.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import httpx
from yarl import URL

from adapters.entra_id.config import Config

_CONNECTIONS = 8
_IDLE_SECONDS = 60
_OURS = ("user-agent", "accept", "accept-encoding", "content-type")
"""Headers that aiohttp would make up where a request has none."""


class Transport(httpx.AsyncBaseTransport):
    """Connections to one Graph; verifies its certificate, follows nothing, repeats no write.

    Raises OSError when the CA file cannot be read. Belongs to the loop it is first used on.
    """

    def __init__(self, config: Config) -> None:
        own = config.ca_file
        self._tls = ssl.create_default_context(cafile=own) if own else httpx.create_ssl_context()
        self._proxy = config.proxy
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends, and reads the whole answer. Raises httpx's errors."""
        if self._session is None:
            self._session = self._open()
        wanted = request.extensions["timeout"]
        timeout = aiohttp.ClientTimeout(
            total=None,
            connect=wanted["pool"],
            sock_connect=wanted["connect"],
            sock_read=wanted["read"],
        )
        with _as_httpx_says():
            async with self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=list(request.headers.multi_items()),
                data=request.content or None,
                allow_redirects=False,
                proxy=self._proxy,
                timeout=timeout,
            ) as answer:
                body = await answer.read()
        return httpx.Response(
            answer.status, headers=answer.raw_headers, content=body, request=request
        )

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=self._tls, limit=_CONNECTIONS, keepalive_timeout=_IDLE_SECONDS
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_OURS,
            auto_decompress=False,  # httpx does it
            middlewares=(_once,),
        )

    async def aclose(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """aiohttp sends a PUT or DELETE again when a connection breaks under it, and a write may
    have been done by then: errors of httpx's kind are none to it."""
    with _as_httpx_says():
        return await send(request)


@contextmanager
def _as_httpx_says() -> Iterator[None]:
    """Errors before anything was sent are told from those after."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout("no connection in time") from error
    except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError) as error:
        raise httpx.ConnectError(str(error)) from error
    except TimeoutError as error:
        raise httpx.ReadTimeout("no answer in time") from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx.ReadError(type(error).__name__) from error
