"""The public keys of an outside issuer: fetched, kept, fetched again when they change."""

from __future__ import annotations

import json
import logging
import ssl
import threading
import time
from collections.abc import Callable

import httpx
import jwt

_log = logging.getLogger("muster.access")

LIFETIME = 3600.0
"""Seconds after which keys are fetched anew though nobody asked for an unknown one."""
PAUSE = 30.0
"""Seconds between two fetches, whatever key ids strangers make up."""
_TIMEOUT = 5.0
_LARGEST = 1 << 20


class KeysAway(Exception):
    """The keys cannot be had just now."""


def fetch(url: str, ca_file: str | None) -> bytes:
    """The document at `url`. Raises httpx.HTTPError, OSError or ValueError."""
    verify: ssl.SSLContext | bool = True
    if ca_file is not None:
        verify = ssl.create_default_context(cafile=ca_file)
    with (
        httpx.Client(verify=verify, timeout=_TIMEOUT, trust_env=False) as client,
        client.stream("GET", url, follow_redirects=False) as answer,
    ):
        answer.raise_for_status()
        found = b""
        for piece in answer.iter_bytes():
            found += piece
            if len(found) > _LARGEST:
                raise ValueError("the key set is too large")
        return found


class KeySet:
    """The keys at one URL. Those that were fetched last serve while a fetch fails.

    `clock` is monotonic.
    """

    def __init__(
        self,
        url: str,
        ca_file: str | None = None,
        *,
        fetch: Callable[[str, str | None], bytes] = fetch,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._ca_file = ca_file
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str | None, list[jwt.PyJWK]] = {}
        self._fetched: float | None = None
        self._tried: float | None = None

    def keys(self, kid: str | None) -> list[jwt.PyJWK]:
        """The keys of that id; without an id all of them. Raises KeysAway when none was
        ever fetched."""
        old = self._fetched is None or self._clock() - self._fetched > LIFETIME
        if old or (kid is not None and kid not in self._keys):
            self._refresh()
        if self._fetched is None:
            raise KeysAway(self._url)
        if kid is None:
            return [key for keys in self._keys.values() for key in keys]
        return self._keys.get(kid, [])

    def _refresh(self) -> None:
        with self._lock:
            now = self._clock()
            if self._tried is not None and now - self._tried < PAUSE:
                return
            self._tried = now
            try:
                document = json.loads(self._fetch(self._url, self._ca_file))
                found = jwt.PyJWKSet.from_dict(document).keys
            except (httpx.HTTPError, OSError, ValueError, jwt.PyJWTError, AttributeError) as error:
                # Nothing of the answer: it comes from outside.
                _log.error("keys of %s: %s", self._url, type(error).__name__)
                return
            keys: dict[str | None, list[jwt.PyJWK]] = {}
            for key in found:
                # A shared secret has no place in a public key set.
                if key.key_type in ("RSA", "EC", "OKP"):
                    keys.setdefault(key.key_id, []).append(key)
            self._keys, self._fetched = keys, now
