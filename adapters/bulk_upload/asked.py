"""What a request asks for beside its body: query options and preferences."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from flask import request

from adapters.bulk_upload import answers, odata, ordering
from adapters.bulk_upload.answers import Refusal


def said(name: str) -> str | None:
    """A query option, with or without its dollar, in any case."""
    for key, value in request.args.items():
        if key.lower().removeprefix("$") == name:
            return value
    return None


def flag(name: str) -> bool:
    """Whether an option is switched on. Raises Refusal."""
    value = (said(name.lower()) or "false").strip().lower()
    if value not in ("true", "false", "1", "0", ""):
        raise answers.bad_request(f"{name}: true or false is expected.")
    return value in ("true", "1")


def number(name: str, default: Any, least: int, most: int) -> Any:
    """An option that is a number. Raises Refusal."""
    text = said(name)
    if text is None:
        return default
    if not text.isdecimal() or len(text) > 18 or not least <= int(text) <= most:
        raise answers.bad_request(f"${name}: a number from {least} to {most} is expected.")
    return int(text)


def condition() -> odata.Filter | None:
    """$filter. Raises Refusal."""
    text = said("filter")
    if text is None or not text.strip():
        return None
    try:
        return odata.parse(text)
    except odata.FilterError as error:
        raise Refusal(400, "Request_UnsupportedQuery", f"Invalid filter clause: {error}") from None


def order() -> ordering.Order | None:
    """$orderby of the log, with its $skiptoken. Raises Refusal."""
    text = said("orderby")
    if text is None or not text.strip():
        return None
    try:
        return ordering.read(text, said("skiptoken"))
    except ordering.NotAnOrder as error:
        raise Refusal(400, "Request_UnsupportedQuery", f"Invalid orderby clause: {error}") from None


def prefers_representation() -> bool:
    """`Prefer: return=representation` (RFC 7240 section 4.2)."""
    preferences = ",".join(request.headers.getlist("Prefer")).lower()
    return any(
        re.fullmatch(r'return\s*=\s*"?representation"?', one.split(";")[0].strip())
        for one in preferences.split(",")
    )


def others() -> str:
    """The options for the address of the next page."""
    return "".join(
        f"&{quote(name, safe='$')}={quote(value)}"
        for name, value in request.args.items()
        if name.lower().removeprefix("$") != "skiptoken"
    )
