"""The parts of an address below /v1.0 and /beta.

A key stands behind a slash or, as OData writes it, in brackets behind the name of its
collection: `servicePrincipals/ID` and `servicePrincipals('ID')` are one address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import request

_KEYED = re.compile(r"(\w+)\((?:(?:app)?id=)?'((?:[^']|'')*)'\)\Z", re.I)


@dataclass(frozen=True)
class Call:
    """The version and the parts of the address behind it."""

    version: str
    parts: list[str]


def read(version: str, address: str) -> Call:
    """The call of an address; `address` is what stands behind the version."""
    parts: list[str] = []
    for part in address.split("/"):
        keyed = _KEYED.match(part)
        parts += (keyed[1], keyed[2].replace("''", "'")) if keyed else (part,)
    return Call(version, [part for part in parts if part])


def scope(call: Call) -> str:
    """What a client must be allowed, to ask this."""
    if request.method in ("GET", "HEAD"):
        return "read"
    return "bulk" if call.parts[-1:] and call.parts[-1].lower() == "bulkupload" else "write"
