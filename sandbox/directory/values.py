"""Values as AD compares and writes them: text, times, GUIDs, SIDs."""

from __future__ import annotations

import re
import struct
import unicodedata
import uuid
from datetime import UTC, datetime
from functools import lru_cache

from store.clocks import to_datetime

NEVER = 0x7FFFFFFFFFFFFFFF
"""accountExpires that never comes; 0 means the same."""

_EPOCH_DIFFERENCE = 11_644_473_600  # seconds from 1601-01-01 to 1970-01-01
_TIME = re.compile(r"(\d{14})(?:\.\d+)?(?:Z|[+-]\d{4})")


def fold(text: str) -> str:
    """The key under which AD holds a Unicode string: case, accents and width do not count.

    MS-ADTS 3.1.1.2.2.4: CompareString with IGNORECASE, IGNORENONSPACE, IGNOREWIDTH.
    So `bjorn` and `Björn` are one name.
    """
    return text.lower() if text.isascii() else _fold(text)


@lru_cache(maxsize=4096)
def _fold(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in apart if not unicodedata.combining(c))
    return kept.casefold() or text


def filetime(seconds: float) -> int:
    """Epoch seconds as 100 ns since 1601, the form of pwdLastSet and accountExpires."""
    return int((seconds + _EPOCH_DIFFERENCE) * 10_000_000)


def seconds_of(filetime: int) -> float:
    """The other way round."""
    return filetime / 10_000_000 - _EPOCH_DIFFERENCE


def generalized_time(seconds: float) -> bytes:
    """`20260316090000.0Z`, the form of whenCreated."""
    return to_datetime(seconds).strftime("%Y%m%d%H%M%S.0Z").encode()


def time_key(value: bytes) -> str:
    """A generalized time as text that sorts. Raises ValueError."""
    match = _TIME.fullmatch(value.decode("ascii"))
    if not match:
        raise ValueError("not a time")
    moment = datetime.strptime(
        match[1] + (match[0][-5:] if match[0][-1] != "Z" else "+0000"), "%Y%m%d%H%M%S%z"
    )
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S")


def guid_bytes(text: str) -> bytes:
    """A GUID written with dashes, or as 32 hex digits of its bytes. Raises ValueError."""
    bare = text.strip("{}")
    return uuid.UUID(bare).bytes_le if "-" in bare else _hex(bare, 16)


def guid_text(value: bytes) -> str:
    """The GUID with dashes, lower case."""
    return str(uuid.UUID(bytes_le=value))


def sid_bytes(text: str) -> bytes:
    """A SID written as `S-1-5-21-...`, or as hex digits of its bytes. Raises ValueError."""
    if text[:2].upper() != "S-":
        return _hex(text, None)
    numbers = [int(part) for part in text[2:].split("-")]
    if len(numbers) < 3 or numbers[0] != 1 or len(numbers) > 17 or min(numbers) < 0:
        raise ValueError("not a SID")
    try:
        return (
            bytes((1, len(numbers) - 2))
            + numbers[1].to_bytes(6, "big")
            + struct.pack(f"<{len(numbers) - 2}I", *numbers[2:])
        )
    except (struct.error, OverflowError):
        raise ValueError("not a SID") from None


def sid_text(value: bytes) -> str:
    """The SID in its usual form."""
    parts = struct.unpack(f"<{value[1]}I", value[8:])
    return "-".join(["S", str(value[0]), str(int.from_bytes(value[2:8], "big")), *map(str, parts)])


def _hex(text: str, size: int | None) -> bytes:
    value = bytes.fromhex(text)
    if (size is not None and len(value) != size) or not value:
        raise ValueError("wrong size")
    return value
