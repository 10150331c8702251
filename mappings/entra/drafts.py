"""Mapping documents being written: rules as data, then YAML that reads well."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_PLAIN = re.compile(r"[A-Za-z][\w.-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"})


@dataclass
class Draft:
    """One document. `top` holds its plain keys, `sections` its rules by section and name."""

    comment: str
    top: dict[str, Any] = field(default_factory=dict)
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)

    def yaml(self) -> str:
        """The document as text."""
        lines = [f"# {line}".rstrip() for line in self.comment.splitlines()]
        for key, value in self.top.items():
            lines += ["", *_entry(key, value, "")]
        for section, rules in self.sections.items():
            if rules:
                lines += ["", f"{section}:"]
                for name, rule in rules.items():
                    lines += _entry(name, rule, "  ")
        return "\n".join(lines) + "\n"


def _entry(key: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        if any(_long(one) for one in value.values()) or _nested(value):
            yield f"{indent}{_scalar(key)}:"
            for inner, one in value.items():
                yield from _entry(inner, one, indent + "  ")
        else:
            inside = ", ".join(f"{inner}: {_scalar(one)}" for inner, one in value.items())
            yield (
                f"{indent}{_scalar(key)}: {{ {inside} }}"
                if inside
                else f"{indent}{_scalar(key)}: {{}}"
            )
    elif isinstance(value, Sequence) and not isinstance(value, str):
        if all(not isinstance(item, (Mapping, list)) and not _long(item) for item in value):
            items = [_scalar(item) for item in value]
            if sum(map(len, items)) < 80:
                yield f"{indent}{_scalar(key)}: [{', '.join(items)}]"
                return
        yield f"{indent}{_scalar(key)}:"
        for item in value:
            yield from _item(item, indent + "  ")
    elif _long(value):
        yield f"{indent}{_scalar(key)}: |-"
        yield from (f"{indent}  {line}".rstrip() for line in value.split("\n"))
    else:
        yield f"{indent}{_scalar(key)}: {_scalar(value)}"


def _item(item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, Mapping):
        first, *rest = [
            line for key, value in item.items() for line in _entry(key, value, indent + "  ")
        ]
        yield f"{indent}- {first.strip()}"
        yield from rest
    elif isinstance(item, list):
        yield f"{indent}- [{', '.join(map(_scalar, item))}]"
    elif _long(item):
        yield f"{indent}- |-"
        yield from (f"{indent}  {line}".rstrip() for line in item.split("\n"))
    else:
        yield f"{indent}- {_scalar(item)}"


def _nested(value: Mapping[str, Any]) -> bool:
    return any(isinstance(one, (list, tuple)) for one in value.values())


def _long(value: Any) -> bool:
    """Text of several lines that a literal block keeps as it is."""
    return (
        isinstance(value, str)
        and "\n" in value
        and value == value.strip()
        and value.isprintable() is False
        and all(
            line == line.rstrip() and line.replace("\t", " ").isprintable()
            for line in value.split("\n")
        )
        and "\t" not in value
    )


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key}: {_scalar(one)}" for key, one in value.items()) + " }"
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return json.dumps(value, ensure_ascii=True)
