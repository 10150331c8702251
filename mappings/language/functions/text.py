"""Text"""

from __future__ import annotations

import re

from mappings.language import dotnet
from mappings.language.patterns import LONGEST_RESULT
from mappings.language.registry import function
from mappings.language.running import Fail
from mappings.language.values import Scalar, Value, each
from mappings.language.values import text as as_text


def _limited(value: str, what: str) -> str:
    if len(value) > LONGEST_RESULT:
        raise Fail(f"{what}: the result is beyond all measure")
    return value


@function("Append(source: str, suffix: str)")
def append(source: str, suffix: str) -> str:
    """`source`, then `suffix`; nothing counts as an empty text. `a & b` does the same.

    Append([title], "!") → Clerk!
    """
    return _limited(source + suffix, "Append")


@function("Join(separator: str, source...: list)")
def join(separator: str, *sources: tuple[Scalar, ...]) -> str:
    """All sources in one text with `separator` between them.

    Every value of a multi-valued source counts. What is empty vanishes together with its
    separator; a single blank is not empty.

    Join(", ", [name.familyName], [nickName], [roles]) → O'Neil, reader, writer
    """
    parts = [as_text(one) for source in sources for one in source]
    found = [part for part in parts if part]
    if len(separator) * len(found) > LONGEST_RESULT:
        raise Fail("Join: the result is beyond all measure")
    return _limited(separator.join(found), "Join")


@function("Left(text: str, count: whole)")
def left(text: str, count: int) -> str:
    """The first `count` characters; the whole text when `count` is negative.

    Left("Puppy", 3) → Pup
    """
    return text if count < 0 else text[:count]


@function("Mid(source: str, start: whole, length?: whole)")
def mid(source: str, start: int, length: int | None = None) -> str:
    """`length` characters from `start` on, which counts from 1; without `length`, the rest.

    Past the end there is nothing. A `start` below 1 is a failure.

    Mid([title], 2, 3) → ler
    Mid("smtp:zoe", 6) → zoe
    """
    if start < 1 or (length is not None and length < 0):
        raise Fail("Mid: the start counts from 1 and the length from 0")
    return source[start - 1 :] if length is None else source[start - 1 : start - 1 + length]


@function("Len(text: str)", gives="whole")
def length(text: str) -> int:
    """The number of characters; nothing has none.

    Len([title]) → 5
    """
    return len(text)


@function("InStr(text: str, find: str, start?: whole, compare?: number)", gives="whole")
def in_str(text: str, find: str, start: int | None = None, compare: float | None = None) -> int:
    """Where `find` first stands, counted from 1; 0 when it does not.

    Case counts, unless `compare` is `vbTextCompare`.

    InStr("The slow red fox", "slow") → 5
    InStr("decEmber", "e", 3, vbBinaryCompare) → 7
    InStr("decEmber", "e", 3, vbTextCompare) → 4
    """
    begin = 1 if start is None else start
    if begin < 1 or not text:
        return 0
    if compare == 1:
        text, find = dotnet.lower(text), dotnet.lower(find)
    return text.find(find, begin - 1) + 1


@function("Word(text: str, number: whole, delimiters: str)")
def word(text: str, number: int, delimiters: str) -> str:
    """The `number`-th word; any character of `delimiters` separates, a run of them once.

    Too few words, or a number below 1, give an empty text.

    Word("optics/lyon-west", 2, "/-") → lyon
    """
    if number < 1:
        return ""
    words = re.split(f"[{re.escape(delimiters)}]+", text) if delimiters else [text]
    words = [one for one in words if one]
    return words[number - 1] if number <= len(words) else ""


@function("StripSpaces(source: any)")
def strip_spaces(source: Value) -> Value:
    """Without blanks (U+0020); tabs and other spaces stay.

    StripSpaces("a b c") → abc
    """
    return each(source, lambda value: value.replace(" ", ""))


@function("Trim(text: any)")
def trim(text: Value) -> Value:
    """Without white space at both ends; of several values, each.

    Trim("  Lyon ") → Lyon
    """
    return each(text, str.strip)


def _turkic(culture: str | None) -> bool:
    return (culture or "").lower()[:2] in ("tr", "az")


@function("ToLower(source: any, culture?: text)")
def to_lower(source: Value, culture: str | None = None) -> Value:
    """In lower case, by the rules of no culture unless one is named.

    ToLower([title]) → clerk
    """
    turkic = _turkic(culture)
    return each(source, lambda value: dotnet.lower(value, turkic))


@function("ToUpper(source: any, culture?: text)")
def to_upper(source: Value, culture: str | None = None) -> Value:
    """In upper case, by the rules of no culture unless one is named.

    ToUpper("i", "tr-TR") → İ
    """
    turkic = _turkic(culture)
    return each(source, lambda value: dotnet.upper(value, turkic))


@function("PCase(source: any, separators?: text)")
def pcase(source: Value, separators: str | None = None) -> Value:
    """The first letter of each word upper case, the rest lower.

    Words end at anything but letters, digits and an apostrophe inside a word; with
    `separators`, at these characters only.

    PCase("ZOË O'NEIL (SECOND)") → Zoë O'neil (Second)
    PCase("O'NEIL-BERG", " '-") → O'Neil-Berg
    """
    return each(source, lambda value: dotnet.title_case(value, separators))
