"""The public keys of an outside issuer: fetched, kept, fetched again when they change."""

from __future__ import annotations

import json
import logging
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import jwt

from access.algorithms import algorithms_for
from access.callers import KeysAway

_log = logging.getLogger("muster.access")

LIFETIME = 3600.0
"""Seconds after which keys are fetched anew though nobody asked for an unknown one."""
PAUSE = 30.0
"""Seconds between two fetches, whatever key ids strangers make up."""
_TIMEOUT = 5.0
_LARGEST = 1 << 20


@dataclass(frozen=True)
class Key:
    """A public key, and by which algorithms it may have signed."""

    public: Any
    algorithms: tuple[str, ...]


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
        self._keys: dict[str | None, list[Key]] = {}
        self._fetched: float | None = None
        self._tried: float | None = None

    def keys(self, kid: str | None) -> list[Key]:
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
        # Who has keys already does not wait for somebody else's fetch.
        if not self._lock.acquire(blocking=self._fetched is None):
            return
        try:
            now = self._clock()
            if self._tried is not None and now - self._tried < PAUSE:
                return
            self._tried = now
            try:
                keys = _read(self._fetch(self._url, self._ca_file))
            except (httpx.HTTPError, OSError, ValueError, RecursionError) as error:
                # Nothing of the answer: it comes from outside.
                _log.error("keys of %s: %s", self._url, type(error).__name__)
                return
            self._keys, self._fetched = keys, now
        finally:
            self._lock.release()


def _read(document: bytes) -> dict[str | None, list[Key]]:
    """The keys of a key set (RFC 7517) that can sign, by their ids. Raises ValueError."""
    said = json.loads(document)
    listed = said.get("keys") if isinstance(said, dict) else None
    if not isinstance(listed, list):
        raise ValueError("this is no key set")
    found: dict[str | None, list[Key]] = {}
    for one in listed:
        if not isinstance(one, dict) or one.get("use", "sig") != "sig":
            continue
        try:
            public = jwt.PyJWK.from_dict(one).key
            algorithms = algorithms_for(public)  # never those of a shared secret
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        if "alg" in one:
            algorithms = tuple(name for name in algorithms if name == one["alg"])
        kid = one.get("kid")
        found.setdefault(kid if isinstance(kid, str) else None, []).append(Key(public, algorithms))
    return found
