"""Countries in any ISO 3166-1 form or English name (P15)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

_ALSO = {
    "GB": ("uk", "great britain", "britain", "england", "scotland", "wales", "northern ireland"),
    "US": ("america", "united states of america", "u.s.", "u.s.a."),
    "AE": ("uae",),
    "BN": ("brunei",),
    "CD": ("democratic republic of the congo", "congo-kinshasa", "dr congo"),
    "CG": ("republic of the congo", "congo-brazzaville"),
    "CI": ("ivory coast",),
    "CV": ("cape verde",),
    "CZ": ("czech republic",),
    "FM": ("micronesia",),
    "HK": ("hong kong sar",),
    "KR": ("korea", "republic of korea"),
    "LA": ("laos",),
    "MK": ("macedonia",),
    "MM": ("burma",),
    "MO": ("macau", "macao sar"),
    "NL": ("holland", "the netherlands"),
    "PS": ("palestine",),
    "RU": ("russia",),
    "SY": ("syria",),
    "SZ": ("swaziland",),
    "TR": ("turkey", "turkiye"),
    "VA": ("vatican", "vatican city"),
    "VN": ("vietnam",),
}


@dataclass(frozen=True)
class Country:
    """`name` is the short English one in use, `numeric` has three digits."""

    alpha2: str
    alpha3: str
    name: str
    numeric: str


@cache
def _countries() -> dict[str, Country]:
    """Every known spelling, folded. Built at first use: pycountry reads a file for it."""
    import pycountry

    result: dict[str, Country] = {}
    entries: list[Any] = list(pycountry.countries)
    for entry in entries:
        common = getattr(entry, "common_name", None)
        country = Country(entry.alpha_2, entry.alpha_3, common or entry.name, entry.numeric)
        names = (entry.name, common, getattr(entry, "official_name", None))
        for spelling in (entry.alpha_2, entry.alpha_3, entry.numeric, *names):
            if spelling:
                result[_fold(spelling)] = country
    for alpha2, spellings in _ALSO.items():
        for spelling in spellings:
            result.setdefault(_fold(spelling), result[alpha2.lower()])
    return result


def _fold(spelling: str) -> str:
    """Lower case, accents off, blanks single: `Türkiye` and `turkiye` are one."""
    if spelling.isascii():
        return " ".join(spelling.lower().split())
    plain = unicodedata.normalize("NFKD", spelling.casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def find_country(spelling: str) -> Country | None:
    """The country meant by an alpha-2, alpha-3 or numeric code or an English name."""
    folded = _fold(spelling)
    if folded.isascii() and folded.isdigit():
        folded = folded.zfill(3)
    return _countries().get(folded)
