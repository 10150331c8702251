"""Functions Entra does not have: what HR data and directories make necessary."""

from __future__ import annotations

import re

from mappings import dates
from mappings.countries import find_country
from mappings.expression import Node, Scope
from mappings.letters import ACCOUNT_NAME_LENGTH, to_account_name, to_ascii
from mappings.registry import constant, function, whole
from mappings.values import Value, each, many, text


@function("Date", 1, 1)
def _date(scope: Scope, source: Value) -> Value:
    """The calendar date written, whatever stands behind it; never moved by a zone."""
    value = text(source)
    if not value:
        return None
    day = dates.calendar_date(value.strip())
    if day is None:
        scope.problem("Date: not a date")
    return day


@function("Ascii", 1, 1)
def _ascii(scope: Scope, source: Value) -> Value:
    """Plain ASCII by passport practice: ä ae, ß ss, å aa, ł l; other scripts by sound."""
    return each(source, to_ascii)


@function("AccountName", 1, 2)
def _account_name(scope: Scope, source: Value, longest: Value = None) -> Value:
    """A login name good for AD and Entra, or nothing; `longest` is 20 unless given."""
    name = "AccountName: the length"
    length = ACCOUNT_NAME_LENGTH if longest is None else whole(scope, longest, name)
    value = text(source)
    if not value or length is None:
        return None
    return to_account_name(value, max(length, 1)) or None


_COUNTRY_FORMS = ("alpha2", "name", "numeric")


def _check_country(nodes: tuple[Node, ...]) -> str | None:
    form = constant(nodes, 1)
    if form is not None and form not in _COUNTRY_FORMS:
        return f"the form is one of {', '.join(_COUNTRY_FORMS)}"
    return None


@function("Country", 2, 2, check=_check_country)
def _country(scope: Scope, source: Value, form: Value) -> Value:
    """Any ISO 3166-1 form or English name as alpha2, name or numeric."""
    value = text(source)
    if not value:
        return None
    country = find_country(value)
    wanted = text(form)
    if country is None or wanted not in _COUNTRY_FORMS:
        scope.problem("Country: no such country" if country is None else "Country: no such form")
        return None
    return {"alpha2": country.alpha2, "name": country.name, "numeric": country.numeric}[wanted]


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAIL = re.compile(
    r"(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    rf"@{_LABEL}(?:\.{_LABEL})+"
)


@function("Mail", 1, 1, lazy=True)
def _mail(nodes: tuple[Node, ...], scope: Scope, several: bool) -> Value:
    """The first well-formed address (RFC 5321 4.1.2, ASCII, dotted domain), or nothing."""
    values = [text(value) or "" for value in many(nodes[0].evaluate(scope, True))]
    for value in values:
        if len(value) <= 254 and _MAIL.fullmatch(value):
            return value
    if values:
        scope.problem("Mail: not a valid address")
    return None


@function("GuidKey", 1, 1)
def _guid_key(scope: Scope, source: Value) -> Value:
    """A GUID in any spelling as 32 lower-case hex digits; other text as it is."""
    return each(source, guid_key)


def guid_key(value: str) -> str:
    """32 lower-case hex digits for a GUID with or without dashes and braces."""
    bare = value.strip().strip("{}").replace("-", "").lower()
    return bare if re.fullmatch(r"[0-9a-f]{32}", bare) else value.strip()


@function("EscapeDNComponent", 1, 1)
def _escape_dn(scope: Scope, source: Value) -> Value:
    """A value made safe inside a distinguished name (RFC 4514 section 2.4)."""
    return each(source, _escape)


def _escape(value: str) -> str:
    result = re.sub(r'([,+"\\<>;=])', r"\\\1", value).replace("\0", "\\00")
    if result.startswith(("#", " ")):
        result = "\\" + result
    return result[:-1] + "\\ " if result.endswith(" ") and len(value) > 1 else result
