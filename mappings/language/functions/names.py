"""Names, countries, addresses"""

from __future__ import annotations

import re

from mappings.language.compiling import Builder, Code
from mappings.language.countries import find_country
from mappings.language.letters import (
    ACCOUNT_NAME_LENGTH,
    to_account_name,
    to_ascii,
    without_diacritics,
)
from mappings.language.locales import transliterated
from mappings.language.registry import function, special
from mappings.language.running import Fail, Run
from mappings.language.syntax import Call, Omitted
from mappings.language.values import Scalar, Value, each
from mappings.language.values import text as as_text


@function("NormalizeDiacritics(source: any)")
def normalize_diacritics(source: Value) -> Value:
    """Accents off, by Entra's table: `ä` is `a`, `ß` is `ss`, `ø` is `oe`.

    Letters outside the table (`đ`, other scripts) stay; see `Transliterate`.

    NormalizeDiacritics("Jürgen Øst") → Jurgen OEst
    """
    return each(source, without_diacritics)


@function("Ascii(text: any)", entra=False)
def ascii_(text: Value) -> Value:
    """Plain ASCII by passport practice: ä ae, ö oe, ü ue, ß ss, å aa, ø oe, ł l; the rest by sound.

    Ascii("Jürgen Świętochowski") → Juergen Swietochowski
    """
    return each(text, to_ascii)


@function("Transliterate(text: any, locale: str)", entra=False)
def transliterate(text: Value, locale: str) -> Value:
    """Plain ASCII by the rules of a locale: `de`, `sv-SE`, `uk`, `bg`, `ru`, `el`, `sr`, ...

    A locale without rules of its own is written as passports do, like `Ascii`.

    Transliterate("Åsa Öberg", "sv-SE") → Asa Oberg
    Transliterate("Юрій Згурський", "uk") → Yurii Zghurskyi
    """
    return each(text, lambda value: transliterated(value, locale))


@function("AccountName(text: text, longest?: whole)", entra=False)
def account_name(text: str | None, longest: int | None = None) -> str | None:
    """A login name good for AD and Entra (`a-z 0-9 . _ -`, at most 20 characters), or nothing.

    AccountName([name.familyName]) → oneil
    """
    if not text:
        return None
    return to_account_name(text, max(longest or ACCOUNT_NAME_LENGTH, 1)) or None


_COUNTRY_FORMS = ("alpha2", "alpha3", "name", "numeric")


def _check_country(build: Builder, call: Call) -> str | None:
    form = build.constant(call, 1)
    if form is not None and form not in _COUNTRY_FORMS:
        return f"the form is one of {', '.join(_COUNTRY_FORMS)}"
    return None


@function("Country(source: text, form: str)", entra=False, check=_check_country)
def country(source: str | None, form: str) -> str | None:
    """Any ISO 3166 form or English name as `alpha2`, `alpha3`, `name` or `numeric`.

    Country("DEU", "name") → Germany
    """
    if not source:
        return None
    found = find_country(source)
    if found is None:
        raise Fail("Country: no such country")
    if form not in _COUNTRY_FORMS:
        raise Fail(f"Country: the form is one of {', '.join(_COUNTRY_FORMS)}")
    return str(getattr(found, form))


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAIL = re.compile(
    r"(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    rf"@{_LABEL}(?:\.{_LABEL})+"
)


@function("Mail(address: list)", entra=False)
def mail(addresses: tuple[Scalar, ...]) -> str | None:
    """The first well-formed address (RFC 5321 4.1.2, ASCII, dotted domain); none is a failure.

    Mail([emails[type eq "work"].value]) → zoe.oneil@norhaven.example
    """
    for address in addresses:
        value = as_text(address) or ""
        if len(value) <= 254 and _MAIL.fullmatch(value):
            return value
    if addresses:
        raise Fail("Mail: not a valid address")
    return None


@function("GuidKey(text: any)", entra=False)
def guid_key_(text: Value) -> Value:
    """A GUID in any spelling as 32 lower-case digits; other text as it is.

    GuidKey("{A74B54DE-D8DA-40DB-AB86-4E4A73B356B3}") → a74b54ded8da40dbab864e4a73b356b3
    """
    return each(text, guid_key)


def guid_key(value: str) -> str:
    """32 lower-case hex digits for a GUID with or without dashes and braces."""
    bare = value.strip().strip("{}").replace("-", "").lower()
    return bare if re.fullmatch(r"[0-9a-f]{32}", bare) else value.strip()


@function("EscapeDNComponent(text: any)", entra=False)
def escape_dn(text: Value) -> Value:
    r"""A value made safe inside a distinguished name (RFC 4514 section 2.4).

    EscapeDNComponent("R&D, Lyon") → R&D\, Lyon
    """
    return each(text, _escape)


def _escape(value: str) -> str:
    result = re.sub(r'([,+"\\<>;=])', r"\\\1", value).replace("\0", "\\00")
    if result.startswith(("#", " ")):
        result = "\\" + result
    return result[:-1] + "\\ " if result.endswith(" ") and len(value) > 1 else result


@special("Lookup(key, table, column?, default?)", least=2, gives="text", entra=False)
def lookup(build: Builder, call: Call, several: bool) -> Code:
    """What a table beside the mapping says of `key`, in `column`; else `default`, else nothing.

    The document names its tables under `tables`; a table of two columns needs no `column`.
    Keys compare with case, without blanks around them.

    Lookup([addresses[type eq "work"].locality], "offices") → LYS
    Lookup("Atlantis", "offices", , "HQ") → HQ
    """
    name = build.constant(call, 1)
    table = build.names.tables.get(name or "")
    if table is None:
        known = ", ".join(sorted(build.names.tables)) or "none"
        raise build.error(
            call.arguments[1],
            f"there is no table {name}" if name is not None else "the table has to be named",
            f"add it under tables: (known: {known})",
        )
    columns = {column for row in table.values() for column in row}
    column = build.constant(call, 2)
    if column is None:
        if len(call.arguments) > 2 and not isinstance(call.arguments[2], Omitted):
            raise build.error(call.arguments[2], "the column has to be named", 'write "name"')
        if len(columns) > 1:
            raise build.error(
                call, f"{name} has several columns", f"name one of {', '.join(sorted(columns))}"
            )
        column = next(iter(columns), "")
    elif columns and column not in columns:
        raise build.error(
            call.arguments[2],
            f"{name} has no column {column}",
            f"it has {', '.join(sorted(columns))}",
        )
    key = build.text(call.arguments[0])
    default = build.text(call.arguments[3]) if len(call.arguments) > 3 else None
    values = {k: row[column] for k, row in table.items() if row.get(column)}

    def evaluate(run: Run) -> str | None:
        found = values.get((key(run) or "").strip())
        return found if found is not None or default is None else default(run)

    return Code(evaluate, "text")
