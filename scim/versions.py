"""Conditions on versions (RFC 7644 section 3.14, RFC 9110 section 13.1)."""

from __future__ import annotations

import re

from scim.errors import ScimError
from store.resources import Resource


class Precondition:
    """If-Match and If-None-Match: the versions that a write accepts."""

    def __init__(self, match: str | None, none_match: str | None = None) -> None:
        self._match = None if match is None or match.strip() == "*" else _tags(match)
        self._none = None if none_match is None else _tags(none_match)
        self._nothing = none_match is not None and none_match.strip() == "*"

    def check(self, found: Resource) -> None:
        """Raise ScimError 412 for a version that is not among those the client accepts."""
        version = str(found.version)
        if self._match is not None and version not in self._match:
            raise ScimError(412, "The resource has changed: its version is not the one named.")
        if self._nothing or (self._none is not None and version in self._none):
            raise ScimError(412, "The resource is there, in a version that If-None-Match names.")


def _tags(header: str) -> frozenset[str]:
    return frozenset(re.findall(r'(?:W/)?"([^"]*)"', header))
