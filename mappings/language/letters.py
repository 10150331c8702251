"""Letters of one script written with those of another: for names people log in with."""

from __future__ import annotations

import re
import unicodedata

from anyascii import anyascii

# ICAO Doc 9303 part 3 section 6 ("recommended transliterations"), which passports follow.
_LATIN = {
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "æ": "ae", "œ": "oe",
    "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i", "ŋ": "n",
}  # fmt: skip
_UPPER = {k.upper(): v.capitalize() for k, v in _LATIN.items() if len(k.upper()) == 1}
_ASCII = str.maketrans({**_LATIN, **_UPPER, "ẞ": "Ss"})

# The letters Entra's NormalizeDiacritics replaces that do not come apart by themselves.
_ENTRA = str.maketrans({"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "oe", "Ø": "OE", "œ": "oe", "Œ": "OE",
                        "ł": "l", "Ł": "L", "ı": "i", "ẞ": "SS"})  # fmt: skip

_NOT_IN_NAME = re.compile(r"[^a-z0-9._-]")
ACCOUNT_NAME_LENGTH = 20
"""What SAM enforces for sAMAccountName of users (MS-SAMR 3.1.1.6)."""


def to_ascii(source: str) -> str:
    """Plain ASCII by passport practice: `Jürgen Łuć` is `Juergen Luc`, other scripts by sound."""
    return anyascii(unicodedata.normalize("NFC", source).translate(_ASCII))


def without_diacritics(source: str) -> str:
    """Accents off, as Entra's NormalizeDiacritics: `ä` is `a`, `ø` is `oe`, `ß` is `ss`.

    Letters outside its table (`đ`, other scripts) stay.
    """
    if source.isascii():
        return source
    apart = unicodedata.normalize("NFD", source).translate(_ENTRA)
    bare = "".join(c for c in apart if not "̀" <= c <= "ͯ")
    return unicodedata.normalize("NFC", bare)


def to_account_name(source: str, longest: int = ACCOUNT_NAME_LENGTH) -> str:
    """A login name good for AD and Entra: `[a-z0-9._-]`, at most `longest` characters.

    Empty when nothing usable is left. Dots at either end go: AD refuses a trailing
    one, Entra both.
    """
    bare = _NOT_IN_NAME.sub("", to_ascii(source).lower()).lstrip("._-")
    return bare[:longest].rstrip("._-")
