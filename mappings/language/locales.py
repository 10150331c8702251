"""Letters written in ASCII the way a country writes them, by locale.

Sources: ICAO Doc 9303 part 3 section 6 (the default, and Russian); the Ukrainian Cabinet's
resolution 55 of 2010; the Bulgarian transliteration act of 2009; ELOT 743 for Greek;
common practice of passports and mail addresses for the Latin alphabets.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

from anyascii import anyascii

from mappings.language.letters import to_ascii

_LATIN: dict[str, dict[str, str]] = {
    "de": {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"},
    "sv": {"å": "a", "ä": "a", "ö": "o"},
    "fi": {"å": "a", "ä": "a", "ö": "o"},
    "da": {"å": "aa", "æ": "ae", "ø": "oe"},
    "nb": {"å": "aa", "æ": "ae", "ø": "oe"},
    "is": {"þ": "th", "ð": "d", "æ": "ae", "ö": "o"},
    "et": {"ä": "a", "ö": "o", "ü": "u", "õ": "o"},
    "hu": {"ö": "o", "ü": "u", "ő": "o", "ű": "u"},
    "tr": {"ı": "i", "ö": "o", "ü": "u"},
    "es": {"ñ": "n", "ü": "u"},
    "fr": {"ä": "a", "ö": "o", "ü": "u", "ë": "e", "ï": "i", "œ": "oe", "æ": "ae"},
    "nl": {"ä": "a", "ö": "o", "ü": "u", "ë": "e", "ï": "i", "ĳ": "ij"},
    "hr": {"đ": "dj"},
}
_LATIN["sr"] = _LATIN["bs"] = _LATIN["hr"]
_LATIN["nn"] = _LATIN["no"] = _LATIN["nb"]


def _table(keys: str, values: str) -> dict[str, str]:
    return dict(zip(keys, values.replace("_", "").split(","), strict=True))


_RUSSIAN = _table(
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "a,b,v,g,d,e,e,zh,z,i,i,k,l,m,n,o,p,r,s,t,u,f,kh,ts,ch,sh,shch,ie,y,_,e,iu,ia",
)
_UKRAINIAN = _table(
    "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "a,b,v,h,g,d,e,ie,zh,z,y,i,i,i,k,l,m,n,o,p,r,s,t,u,f,kh,ts,ch,sh,shch,_,iu,ia",
)
_UKRAINIAN_FIRST = {"є": "ye", "ї": "yi", "й": "y", "ю": "yu", "я": "ya"}
_BULGARIAN = _table(
    "абвгдежзийклмнопрстуфхцчшщъьюя",
    "a,b,v,g,d,e,zh,z,i,y,k,l,m,n,o,p,r,s,t,u,f,h,ts,ch,sh,sht,a,y,yu,ya",
)
_SERBIAN = _table(
    "абвгдђежзијклљмнњопрстћуфхцчџш",
    "a,b,v,g,d,dj,e,z,z,i,j,k,l,lj,m,n,nj,o,p,r,s,t,c,u,f,h,c,c,dz,s",
)
_GREEK = _table(
    "αβγδεζηθικλμνξοπρσςτυφχψω",
    "a,v,g,d,e,z,i,th,i,k,l,m,n,x,o,p,r,s,s,t,y,f,ch,ps,o",
)
_GREEK_PAIRS = {"γγ": "ng", "γξ": "nx", "γχ": "nch", "ου": "ou"}
_VOICED = frozenset("αβγδεζηλιμνορω")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def transliterated(source: str, locale: str) -> str:
    """ASCII, by the rules of `de`, `sv-SE`, `uk` ...; unknown ones as passports do."""
    composed = unicodedata.normalize("NFC", source)
    language = locale.replace("_", "-").partition("-")[0].lower()
    by_word = _CYRILLIC.get(language)
    if by_word is not None:
        composed = _WORD.sub(lambda match: _cased(match[0], by_word), composed)
    latin = _LATIN.get(language)
    if latin is not None:
        composed = _letters(composed, latin)
        return anyascii(composed)
    return to_ascii(composed)


def _cased(word: str, change: Callable[[str], str]) -> str:
    """A word changed in lower case, and given the case it had."""
    changed = change(word.lower())
    if word.isupper() and len(word) > 1:
        return changed.upper()
    return changed[:1].upper() + changed[1:] if word[:1].isupper() else changed


def _letters(source: str, table: Mapping[str, str]) -> str:
    result = []
    for index, letter in enumerate(source):
        small = letter.lower()
        changed = table.get(small)
        if changed is None:
            result.append(letter)
        elif letter == small:
            result.append(changed)
        else:
            around = source[max(index - 1, 0) : index] + source[index + 1 : index + 2]
            loud = any(c.isupper() for c in around) and not any(c.islower() for c in around)
            result.append(changed.upper() if loud else changed.capitalize())
    return "".join(result)


def _by(table: Mapping[str, str]) -> Callable[[str], str]:
    return lambda word: "".join(table.get(letter, letter) for letter in word)


def _ukrainian(word: str) -> str:
    bare = word.replace("'", "").replace("’", "").replace("зг", "zgh")
    first = _UKRAINIAN_FIRST.get(bare[:1])
    start, rest = (first, bare[1:]) if first else ("", bare)
    return start + _by(_UKRAINIAN)(rest)


def _bulgarian(word: str) -> str:
    if word.endswith("ия"):
        return _by(_BULGARIAN)(word[:-2]) + "ia"
    return _by(_BULGARIAN)(word)


def _greek(word: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    result = []
    index = 0
    while index < len(bare):
        pair, after = bare[index : index + 2], bare[index + 2 : index + 3]
        if pair in _GREEK_PAIRS:
            result.append(_GREEK_PAIRS[pair])
        elif pair in ("αυ", "ευ", "ηυ"):
            result.append(_GREEK[pair[0]] + ("v" if after in _VOICED and after else "f"))
        elif pair == "μπ":
            result.append("b" if index == 0 else "mp")
        else:
            result.append(_GREEK.get(bare[index], bare[index]))
            index -= 1
        index += 2
    return "".join(result)


_CYRILLIC: dict[str, Callable[[str], str]] = {
    "ru": _by(_RUSSIAN),
    "uk": _ukrainian,
    "bg": _bulgarian,
    "sr": _by(_SERBIAN),
    "mk": _by({**_SERBIAN, "ѓ": "gj", "ќ": "kj", "ѕ": "dz"}),
    "el": _greek,
}
