"""The reference of the functions, written from their docstrings.

    python -m mappings.language.reference docs/mappings.md

puts it between the two marks in that page; a test sees that it was done.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

import mappings.language.functions  # noqa: F401  (registers the functions)
from mappings.language.registry import FUNCTIONS, Function

BEGIN, END = "<!-- functions: written by mappings/language/reference.py -->", "<!-- end -->"
FAMILIES = ("text", "names", "replace", "logic", "lists", "dates", "codes", "directory", "flow")
_EXAMPLE = re.compile(r"^(\w+\(.*\)) → (.*)$", re.MULTILINE)


def examples(function: Function) -> list[tuple[str, str]]:
    """Expression and what it gives, as the docstring shows them."""
    return _EXAMPLE.findall(inspect.cleandoc(function.doc))


def reference() -> str:
    """All functions, family by family, in Markdown."""
    parts = []
    for family in FAMILIES:
        module = f"mappings.language.functions.{family}"
        title = inspect.getdoc(sys.modules[module]) or family
        parts.append(f"#### {title}\n")
        members = [f for f in FUNCTIONS.values() if f.family == module]
        parts += [_entry(function) for function in members]
    return "\n".join(parts)


def _entry(function: Function) -> str:
    text = _EXAMPLE.sub("", inspect.cleandoc(function.doc)).strip()
    ours = "" if function.entra else " *(not in Entra)*"
    lines = [f"**`{function.signature}`**{ours}", "", " ".join(text.split()), ""]
    lines += [f"- `{source}` → `{shown}`" for source, shown in examples(function)]
    return "\n".join(lines) + "\n"


def renewed(page: str) -> str:
    """The page with the reference as it is now. Raises ValueError when it has no marks."""
    start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    return f"{page[:start]}\n\n{reference()}\n{page[end:]}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
