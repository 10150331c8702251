"""YAML that remembers its lines, so that a mistake can be shown where it was made.

Used by settings and by the mapping documents. Reads the scalars of YAML 1.2's core
schema only: `NO` is Norway, `12:30` and `2026-03-16` are text, `007` keeps its zeros.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Place = tuple[str | int, ...]


class YamlError(Exception):
    """A file that cannot be used as it is. `line` counts from 1, 0 when there is none."""

    def __init__(self, file: str, line: int, problem: str, remedy: str) -> None:
        where = f"{file}:{line}" if line else file
        super().__init__(f"{where}: {problem}; {remedy}")
        self.file = file
        self.line = line
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True)
class YamlDocument:
    """What a file holds (dicts, lists, str, int, float, bool, None) and where."""

    data: Any
    path: Path
    lines: Mapping[Place, int]

    def line(self, *place: str | int) -> int:
        """The line of a key or list item, or of the nearest thing around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


class _Loader(yaml.SafeLoader):
    """SafeLoader without YAML 1.1's surprises."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"^[-+]?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?$", list("-+0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


class _Reader:
    """Turns YAML nodes into plain data, noting the line of every key and item."""

    def __init__(self, loader: _Loader, file: str) -> None:
        self.loader = loader
        self.file = file
        self.lines: dict[Place, int] = {}
        self.open: set[int] = set()
        self.done: dict[int, Any] = {}

    def read(self, node: yaml.Node, place: Place) -> Any:
        line = node.start_mark.line + 1
        if id(node) in self.open:
            raise YamlError(self.file, line, "an alias that contains itself", "write it out")
        if id(node) in self.done:  # an alias: the same data once more, not expanded again
            return self.done[id(node)]
        self.open.add(id(node))
        if isinstance(node, yaml.MappingNode):
            result: Any = self._mapping(node, place)
        elif isinstance(node, yaml.SequenceNode):
            result = []
            for index, item in enumerate(node.value):
                self.lines[(*place, index)] = item.start_mark.line + 1
                result.append(self.read(item, (*place, index)))
        else:
            result = self._scalar(node, line)
        self.open.discard(id(node))
        self.done[id(node)] = result
        return result

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise YamlError(self.file, line, "a key that is not plain text", "use a word")
            key = str(key_node.value)
            if key in result:
                first = self.lines[(*place, key)]
                raise YamlError(
                    self.file, line, f"{key} is already given in line {first}", "keep one of them"
                )
            self.lines[(*place, key)] = line
            result[key] = self.read(value_node, (*place, key))
        return result

    def _scalar(self, node: yaml.Node, line: int) -> Any:
        try:
            return self.loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            raise YamlError(
                self.file, line, f"cannot read {node.tag}", "use plain text, numbers, true or false"
            ) from error


def read_yaml(path: Path) -> YamlDocument:
    """Read one YAML file; duplicate keys are refused.

    Raises :class:`YamlError` with file and line when it cannot be read as YAML.
    """
    file = str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise YamlError(file, 0, "not UTF-8 text", "save it as UTF-8") from error
    except OSError as error:
        raise YamlError(file, 0, error.strerror or "cannot be read", "check the path") from error
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        reader = _Reader(loader, file)
        data = None if node is None else reader.read(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        raise YamlError(
            file, line, f"not YAML: {error.problem}", "check indentation and quotation marks"
        ) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(file, line, "a character YAML does not allow", "remove it") from error
    except RecursionError as error:
        raise YamlError(file, 0, "nested too deeply", "make it flatter") from error
    finally:
        if loader is not None:
            loader.dispose()
    return YamlDocument(data, path, reader.lines)
