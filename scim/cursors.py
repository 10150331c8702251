"""Cursors (RFC 9865): where a page ended, signed, and bound to the query and its caller."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

from scim.errors import ScimError

TIMEOUT = 3600
"""Seconds that a cursor can be used."""
_TAG = 16
_LONGEST = 4096


class Cursors:
    """Makes and reads cursors under one secret key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, query: Sequence[Any], count: int, mark: Sequence[Any], now: float) -> str:
        """The cursor of the place `mark` (JSON values) in the answer to `query`."""
        content = json.dumps([int(now), count, _digest(query), list(mark)], separators=(",", ":"))
        raw = content.encode()
        return base64.urlsafe_b64encode(self._tag(raw) + raw).rstrip(b"=").decode()

    def read(
        self, cursor: str, query: Sequence[Any], count: int | None, now: float
    ) -> tuple[list[Any], int]:
        """The mark in a cursor, and how many resources are asked for: as before, where
        `count` is None.

        Raises ScimError 400: invalidCursor when it is not ours or another query's or
        caller's, invalidCount when `count` has changed, expiredCursor.
        """
        raw = self._opened(cursor)
        if raw is None:
            raise _invalid("The cursor is not one of this server.")
        issued, asked, digest, mark = json.loads(raw)
        if digest != _digest(query):
            raise _invalid("The cursor belongs to another query.")
        if count is not None and count != asked:
            raise ScimError(400, f"count was {asked} on the page before.", "invalidCount")
        if now - issued > TIMEOUT:
            raise ScimError(
                400, f"A cursor can be used for {TIMEOUT} s; begin anew.", "expiredCursor"
            )
        return list(mark), asked

    def _opened(self, cursor: str) -> bytes | None:
        if len(cursor) > _LONGEST or not cursor.isascii():
            return None
        try:
            whole = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        except ValueError:
            return None
        tag, raw = whole[:_TAG], whole[_TAG:]
        return raw if hmac.compare_digest(tag, self._tag(raw)) else None

    def _tag(self, raw: bytes) -> bytes:
        return hmac.new(self._key, raw, hashlib.sha256).digest()[:_TAG]


def _digest(query: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(list(query)).encode()).hexdigest()[:32]


def _invalid(detail: str) -> ScimError:
    return ScimError(400, detail, "invalidCursor")
