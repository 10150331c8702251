"""What stands in front: forwarding headers of trusted proxies, and the path prefix."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

from access_settings import Proxies

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TRUSTED = "muster.trusted_proxy"
"""In the environment of a request that a trusted proxy passed on. A header cannot set it:
those all begin with HTTP_."""


class FromProxies:
    """WSGI middleware, outermost: addresses and schemes as trusted proxies say, and only they.

    Host is never taken from a header, nor is the prefix: both are in `base_url`. A request
    may come with the prefix or, where the proxy took it away, without.
    """

    def __init__(self, app: WSGIApplication, proxies: Proxies) -> None:
        self._app = app
        self._prefix = proxies.prefix
        self._trusts = lru_cache(1024)(proxies.trusts)
        hops = proxies.hops
        self._behind = ProxyFix(app, x_for=hops, x_proto=1, x_host=0, x_port=0, x_prefix=0)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        trusted = self._trusts(environ.get("REMOTE_ADDR"))
        self._place(environ, trusted)
        if not trusted:
            return self._app(environ, start_response)
        environ[TRUSTED] = True
        return self._behind(environ, start_response)

    def _place(self, environ: WSGIEnvironment, trusted: bool) -> None:
        prefix = self._prefix
        if not prefix:
            return
        path = environ.get("PATH_INFO", "")
        if path == prefix or path.startswith(prefix + "/"):
            environ["SCRIPT_NAME"] = prefix
            environ["PATH_INFO"] = path[len(prefix) :] or "/"
        elif trusted:
            environ["SCRIPT_NAME"] = prefix
