"""Where in a YAML file a mistake is: line and column, both counted from 1.

Called only when there is a mistake; the file is read once more for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import yaml

_ESCAPE = re.compile(r"\\(?:x..|u....|U........|\r?\n\s*|.)", re.DOTALL)


def locate_in(path: Path, place: Sequence[str | int], index: int | None = None) -> tuple[int, int]:
    """Of a key, or of character `index` of the text written at it. (1, 1) when it is not found."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return 1, 1
    mark = None
    for step in place:
        found = _step(node, step)
        if found is None:
            break
        mark, node = found
    if index is not None and isinstance(node, yaml.ScalarNode):
        position = _character(text, node, index)
        start = text.rfind("\n", 0, position) + 1
        return text.count("\n", 0, position) + 1, position - start + 1
    if mark is None:
        return 1, 1
    return mark.line + 1, mark.column + 1


def _step(
    node: yaml.Node | None, step: str | int
) -> tuple[yaml.error.Mark, yaml.Node | None] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    return None


def _character(text: str, node: yaml.ScalarNode, index: int) -> int:
    """Where in the file the character `index` of a scalar stands.

    Folding changes white space only, so the other characters are counted.
    """
    before = len("".join(node.value[:index].split()))
    position, end = node.start_mark.index, node.end_mark.index
    if node.style in ("|", ">"):
        position = text.find("\n", position) + 1
    elif node.style:
        position += 1
    while position < end:
        if not text[position].isspace():
            if before == 0:
                return position
            before -= 1
        position += _width(text, position, node.style)
    return max(end - 1, node.start_mark.index)


def _width(text: str, position: int, style: str | None) -> int:
    """How many characters of the file stand for one of the value."""
    if style == "'" and text.startswith("''", position):
        return 2
    match = _ESCAPE.match(text, position) if style == '"' else None
    return len(match[0]) if match else 1
