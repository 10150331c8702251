"""`name.formatted` beside the parts of the name (RFC 7643 section 4.1.1): where both are there
they should describe the same name.

Who sends a changed part alone, as Microsoft's documented PATCH of a family name does, expects
the formatted name to follow it. It can where it is put together from the parts; where it is
something else only its owner knows how it is to be written now, and it stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from scim.paths import Path

NAME, FORMATTED = "name", "formatted"
_PARTS = ("givenName", "middleName", "familyName", "honorificPrefix", "honorificSuffix")
# Between the parts, and the parts. What fits twice (there is no middle name) is the first.
_ORDERS = (
    (" ", ("givenName", "familyName")),
    (" ", ("givenName", "middleName", "familyName")),
    (" ", ("familyName", "givenName")),
    (", ", ("familyName", "givenName")),
)
_PREFIXES = (None, " ")
_SUFFIXES = (None, " ", ", ")  # RFC 7643 writes "Ms. Barbara J Jensen, III"


def says_formatted(path: Path, value: Any) -> bool:
    """Whether a value at `path` says how the name is written."""
    if path.attribute is None or path.attribute.name != NAME or path.extension is not None:
        return False
    if path.sub is not None:
        return path.sub.name == FORMATTED
    return has_formatted(value)


def has_formatted(name: Any) -> bool:
    """Whether a value of `name` has it formatted."""
    return isinstance(name, dict) and FORMATTED in name


def follow(before: Mapping[str, Any], content: dict[str, Any], emptied: set[str]) -> None:
    """Have the formatted name of `content` follow its parts, which a message that did not say
    it has changed; `before` is the content until then.

    Where no part is left it goes, and joins the `emptied`: it was nothing but these parts.
    """
    old, new = before.get(NAME), content.get(NAME)
    if old == new or not isinstance(old, dict) or not isinstance(new, dict):
        return
    held = old.get(FORMATTED)
    if not held or new.get(FORMATTED) != held:
        return
    if any(not isinstance(name.get(part, ""), str) for name in (old, new) for part in _PARTS):
        return
    composed = zip(_compositions(old), _compositions(new), strict=True)
    text = next((then for now, then in composed if now == held), held)
    if text == held:
        return
    content[NAME] = {**new, FORMATTED: text}
    if not text:
        emptied.add(f"{NAME}.{FORMATTED}")
        del content[NAME][FORMATTED]
        if not content[NAME]:
            del content[NAME]


def _compositions(name: Mapping[str, str]) -> Iterator[str]:
    """The usual ways to write a name, without the parts that are not there."""
    first, last = name.get("honorificPrefix"), name.get("honorificSuffix")
    for (between, parts), prefix, suffix in product(_ORDERS, _PREFIXES, _SUFFIXES):
        text = between.join(name[part] for part in parts if name.get(part))
        if text and prefix and first:  # a title alone is no name
            text = f"{first}{prefix}{text}"
        if text and suffix and last:
            text = f"{text}{suffix}{last}"
        yield text
