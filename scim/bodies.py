"""JSON in, JSON out, with the doors shut that Python's json module leaves open.

Refused with the place of the fault: duplicate keys, NaN and infinities, numbers beyond
64 bits, nesting deeper than any SCIM message, NUL and lone surrogates in text.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from scim.errors import ScimError, invalid_syntax, invalid_value
from store.json_text import compact

MAX_DEPTH = 32
_MAX_INTEGER = 2**63
# What may come to NUL or half a surrogate pair; neither can be written without an escape.
_SUSPICIOUS = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def decode(raw: bytes) -> dict[str, Any]:
    """A request body as a JSON object; raises ScimError 400."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise invalid_syntax(f"The body is not UTF-8: byte {error.start} is wrong.") from None
    if not text.strip():
        raise invalid_syntax("The body is empty; a JSON object is expected.")
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise invalid_syntax(f"The body is not JSON: {error.msg} at {where}.") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # Python's own limit on the digits of a number
        raise invalid_value("The body holds a number with too many digits.") from None
    if not isinstance(value, dict):
        raise invalid_syntax("The body is JSON, but not an object.")
    if _SUSPICIOUS.search(text):
        _check(value, strings=True)
    elif text.count("{") + text.count("[") >= MAX_DEPTH:  # fewer cannot be nested too deep
        _check(value, strings=False)
    return value


def encode(value: Any) -> str:
    """Compact JSON text."""
    return compact(value)


def _check(root: Any, *, strings: bool) -> None:
    """Depth, and with `strings` text that cannot be stored or sent."""
    level = [root]
    for _ in range(MAX_DEPTH):
        inside: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                if strings:
                    for key in value:
                        check_text(key)
                inside.extend(value.values())
            elif isinstance(value, list):
                inside.extend(value)
            elif strings and isinstance(value, str):
                check_text(value)
        if not inside:
            return
        level = inside
    raise _too_deep()


def check_text(text: str) -> None:
    """Raise ScimError 400 when `text` holds NUL or half a surrogate pair."""
    if "\x00" in text:
        raise invalid_value("Text with a NUL character cannot be stored.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise invalid_value("Text holds half of a surrogate pair.") from None


def _too_deep() -> ScimError:
    return invalid_syntax(f"The body is nested deeper than {MAX_DEPTH} levels.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise invalid_syntax(f"The body holds {json.dumps(key[:80])} twice.")
            seen.add(key)
    return made


def _constant(text: str) -> float:
    raise invalid_syntax(f"The body holds {text}, which is not JSON.")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise invalid_value(f"The number {text[:40]} is out of range.")
    return value


def _integer(text: str) -> int:
    value = int(text)
    if abs(value) >= _MAX_INTEGER:
        raise invalid_value(f"The number {text[:40]} is out of range.")
    return value


_decoder = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_constant,
    parse_float=_float,
    parse_int=_integer,
)
