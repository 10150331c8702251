"""Values that are several"""

from __future__ import annotations

from mappings.language.registry import function
from mappings.language.running import Fail
from mappings.language.values import Scalar, text


@function("Count(attribute: list)", gives="whole")
def count(attribute: tuple[Scalar, ...]) -> int:
    """The number of values; nothing has none.

    Count([roles]) → 2
    """
    return len(attribute)


@function("Item(attribute: list, index: whole)", gives="any")
def item(attribute: tuple[Scalar, ...], index: int) -> Scalar | None:
    """The `index`-th value, counted from 1. Beyond the last is a failure; of nothing, nothing.

    Item([roles], 2) → writer
    """
    if not attribute:
        return None
    if not 1 <= index <= len(attribute):
        raise Fail(f"Item: there is no value number {index}")
    return attribute[index - 1]


@function("Contains(attribute: list, text: str, compare?: number)", gives="whole")
def contains(attribute: tuple[Scalar, ...], find: str, compare: float | None = None) -> int:
    """The number, from 1, of the first value that has `text` in it; 0 when none has.

    Case counts, unless `compare` is `CaseInsensitive`.

    Contains([roles], "writ") → 2
    """
    folded = find.casefold() if compare == 1 else find
    for index, value in enumerate(attribute, 1):
        have = text(value) or ""
        if folded in (have.casefold() if compare == 1 else have):
            return index
    return 0


@function("RemoveDuplicates(attribute: list)", gives="list")
def remove_duplicates(attribute: tuple[Scalar, ...]) -> tuple[Scalar, ...] | None:
    """Every value once, in the order they first come; case counts.

    Join(",", RemoveDuplicates(Split("a,b,a,A", ","))) → a,b,A
    """
    seen: dict[str, Scalar] = {}
    for value in attribute:
        seen.setdefault(text(value) or "", value)
    return tuple(seen.values()) or None


@function("Split(source: text, delimiter: str)", gives="list")
def split(source: str | None, delimiter: str) -> tuple[str, ...] | None:
    """A text cut at every `delimiter`, without the white space around the pieces.

    Join("/", Split("readers, writers", ",")) → readers/writers
    """
    if source is None:
        return None
    pieces = source.split(delimiter) if delimiter else [source]
    return tuple(piece.strip() for piece in pieces)


@function("List(value...: list)", gives="list", entra=False)
def listed(*values: tuple[Scalar, ...]) -> tuple[Scalar, ...] | None:
    """All values as one multi-valued one; what is empty is left out.

    Count(List([roles], [nickName], "reader")) → 3
    """
    return tuple(one for value in values for one in value if one != "") or None


@function("Sort(list: list)", gives="list", entra=False)
def ordered(values: tuple[Scalar, ...]) -> tuple[Scalar, ...] | None:
    """The values in the order of their texts.

    Join(",", Sort(List("b", "c", "a"))) → a,b,c
    """
    return tuple(sorted(values, key=lambda value: text(value) or "")) or None


@function("Without(list: list, value...: list)", gives="list", entra=False)
def without(values: tuple[Scalar, ...], *taken: tuple[Scalar, ...]) -> tuple[Scalar, ...] | None:
    """The values of `list` that are none of the others.

    Join(",", Without([roles], "reader")) → writer
    """
    out = {text(one) for value in taken for one in value}
    return tuple(value for value in values if text(value) not in out) or None
