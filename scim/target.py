"""What a PATCH path points at: an attribute path, perhaps with a value filter (RFC 7644 3.5.2).

`emails[type eq "work"].value` is the attribute `emails`, a filter, the sub-attribute `value`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scim.errors import ScimError, invalid_path
from scim.filters import And, Comparison, Node, parse_value_filter
from scim.matching import matches
from scim.paths import Path, PathError, container, elements, member, resolve, sub_attribute
from scim.profiles import HR, Profile
from scim.schema import UNKNOWN, ResourceType

_MAX_PATH = 4096


@dataclass(frozen=True)
class Target:
    """A path with an optional value filter; `filter_text` is the filter as written."""

    path: Path
    filter: Node | None = None
    filter_text: str = ""

    @property
    def text(self) -> str:
        """The canonical spelling, as it stands in `cleared`."""
        if self.filter is None:
            return self.path.text
        whole = Path(self.path.extension, self.path.attribute).text
        sub = f".{self.path.sub.name}" if self.path.sub else ""
        return f"{whole}[{self.filter_text}]{sub}"


def parse(kind: ResourceType, text: str, profile: Profile) -> Target:
    """Read a PATCH path. Raises ScimError 400 invalidPath or invalidFilter."""
    loosely = profile.any_attribute
    if len(text) > _MAX_PATH:
        raise invalid_path(f"The path is longer than {_MAX_PATH} characters.")
    text = text.strip()
    for wrong, meant in profile.aliases:
        if text.lower().startswith(wrong):
            text = meant + text[len(wrong) :]
    head, bracket, rest = text.partition("[")
    try:
        path = resolve(kind, head, keep_unknown=loosely, loosely=loosely)
        if not bracket:
            return Target(path)
        inside, tail = _closing(rest)
        if path.attribute is None or path.sub is not None:
            raise PathError(f"{head[:200]} cannot have a value filter")
        if not (path.attribute.multi_valued or path.attribute.type in ("complex", UNKNOWN)):
            raise PathError(f"{head[:200]} is a single value and cannot have a value filter")
        node = parse_value_filter(kind, path.attribute, inside, loosely=loosely)
        if tail and (len(tail) < 2 or tail[0] != "."):
            raise PathError(f"{tail[:80]!r} behind the value filter is no sub-attribute")
        sub = sub_attribute(path.attribute, tail[1:], loosely) if tail else None
    except PathError as error:
        raise invalid_path(f"Path: {error}.") from None
    return Target(Path(path.extension, path.attribute, sub), node, inside.strip())


def _closing(text: str) -> tuple[str, str]:
    """The filter and what follows its closing bracket; brackets in strings do not count."""
    quoted = escaped = False
    for position, character in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == "]" and not quoted:
            return text[:position], text[position + 1 :]
    raise PathError("the value filter has no closing bracket")


def implied(node: Node | None) -> dict[str, Any] | None:
    """The sub-attributes that an element must have to meet `node`, when `node` says them all
    (`type eq "work" and primary eq true`); None for any other filter."""
    made: dict[str, Any] = {}
    for term in node.terms if isinstance(node, And) else (node,):
        if not isinstance(term, Comparison) or term.operator != "eq":
            return None
        if term.path.attribute is None or term.value is None:
            return None
        loose_boolean = isinstance(term.value, bool)
        made[term.path.attribute.name] = term.value if loose_boolean else term.literal
    return made


def is_empty(kind: ResourceType, content: Mapping[str, Any], text: str) -> bool:
    """Whether `text` is a path, and one at which `content` has no value."""
    try:
        target = parse(kind, text, HR)
    except ScimError:
        return False
    path = target.path
    holder = container(content, path.extension)
    found = holder if path.attribute is None else member(holder, path.attribute)
    chosen = [
        element
        for element in elements(found)
        if target.filter is None or matches(target.filter, element)
    ]
    if path.sub is not None:
        chosen = [member(element, path.sub) for element in chosen]
    return all(element in (None, {}, []) for element in chosen)
