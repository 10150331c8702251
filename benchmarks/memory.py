"""Memory of the web, worker and master process of a running Muster (resident and own, MB).

Start Muster first (`scripts/run`). Linux only: reads /proc.
"""

from __future__ import annotations

import re
from pathlib import Path

_TITLE = re.compile(rb"muster( web| worker)?$")


def main() -> None:
    """Prints one line per process."""
    found = [p for p in Path("/proc").iterdir() if p.name.isdigit() and _is_ours(p)]
    if not found:
        print("no Muster is running here; start one with scripts/run")
    for process in sorted(found, key=lambda p: int(p.name)):
        sizes = dict(_sizes(process))
        print(
            f"{_title(process).decode():<16}"
            f" resident {sizes['Rss'] / 1024:6.1f} MB"
            f"  own {(sizes['Private_Clean'] + sizes['Private_Dirty']) / 1024:6.1f} MB"
        )


def _title(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes().rstrip(b"\0 ")
    except OSError:
        return b""


def _is_ours(process: Path) -> bool:
    return _TITLE.match(_title(process)) is not None


def _sizes(process: Path) -> list[tuple[str, int]]:
    lines = (process / "smaps_rollup").read_text().splitlines()[1:]
    return [(line.split(":")[0], int(line.split()[1])) for line in lines]
