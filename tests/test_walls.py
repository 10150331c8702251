"""The walls between the rooms: who may import whom, who may ask for the time, how long a
file may grow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
FLOOR = {
    "app": 5,
    "cli": 6,
    "mule": 6,
    "web": 6,
    "sandbox_mule": 6,
    "configured_mappings": 4,
    "console": 4,
    "sandbox": 4,
    "provisioning": 3,
    "adapters": 2,
    "mappings": 2,
    "scim": 2,
    "access": 1,
    "store": 0,
    "settings": 0,
    "access_settings": 0,
    "policy_settings": 0,
    "target_settings": 0,
    "scim_settings": 0,
    "garbage": 0,
    "wsgi_server": 0,
    "yaml_lines": 0,
}
"""A room may import those on lower floors, itself, and within floor 0 each other."""

INBOUND = ("adapters/bulk_upload", "adapters/workday")
"""The adapters of systems that push to us: rooms of their own inside `adapters`. They speak
HTTP and stand as high as the console; the engine below does not know them."""
FLOOR |= dict.fromkeys(INBOUND, FLOOR["console"])

ROOMS = [name for name in FLOOR if (HOUSE / name).is_dir()]
MODULES = sorted(
    {HOUSE / f"{name}.py" for name in FLOOR if name not in ROOMS}
    | {path for room in ROOMS for path in (HOUSE / room).rglob("*.py")}
)
NOT_OURS = {
    # room: packages it has no business with
    "mappings": {"flask", "werkzeug", "sqlalchemy", "ldap3"},
    "store": {"flask", "werkzeug", "ldap3"},
    "access": {"ldap3"},
    "scim": {"ldap3"},
    "adapters": {"flask", "werkzeug", "sqlalchemy"},
    "adapters/bulk_upload": {"ldap3"},
    "adapters/workday": {"ldap3"},
    "provisioning": {"flask", "werkzeug", "ldap3"},
    "console": {"ldap3"},
    "sandbox": {"flask", "werkzeug", "sqlalchemy", "ldap3"},
}
WEB_SIDE = ("sandbox/endpoints.py",)
"""The one part of the sandbox that is no directory: it speaks HTTP and knows the house."""
PURE = tuple(f"provisioning/{name}.py" for name in ("dated", "lifecycle", "merging", "plan"))
PURE_MAY_IMPORT = {
    "__future__", "adapters", "collections", "dataclasses", "datetime", "difflib", "enum",
    "functools", "hashlib", "itertools", "json", "mappings", "math", "operator", "policy_settings",
    "provisioning", "re", "store", "types", "typing", "unicodedata", "zoneinfo",
}  # fmt: skip
CLOCK_CALLS = {"time", "time_ns", "now", "utcnow", "today"}
CLOCK_OWNERS = {"time", "datetime", "date"}
LONGEST = 450


def name_of(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def room_of(path: Path) -> str:
    return room_named(name_of(path).removesuffix(".py"))


def room_named(place: str) -> str:
    """The room in which a place such as `adapters/target` lies."""
    for inner in INBOUND:
        if f"{place}/".startswith(f"{inner}/"):
            return inner
    return place.partition("/")[0]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(tree: ast.Module, path: Path) -> Iterator[tuple[str, int]]:
    """Absolute names of everything imported anywhere in a module, with the line."""
    package = path.relative_to(HOUSE).parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join(base + ([node.module] if node.module else []))
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and _called(node) in {"__import__", "import_module"}:
            first = node.args[0] if node.args else None
            if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                raise AssertionError(f"{name_of(path)}:{node.lineno} imports what cannot be read")
            yield first.value, node.lineno


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def may_import(room: str, other: str) -> bool:
    if other == room:
        return True
    if other == "sandbox":
        return room in ("app", "cli", "sandbox_mule")
    if (room, other) == ("app", "cli"):
        return True  # the last lines of app.py: `python app.py` is the command line
    if room == "sandbox":
        return other == "store"
    return FLOOR[other] < FLOOR[room] or FLOOR[room] == FLOOR[other] == 0


def broken_walls(tree: ast.Module, path: Path) -> list[str]:
    room = room_of(path)
    found = []
    for name, line in imported(tree, path):
        other = room_named(name.replace(".", "/"))
        if name_of(path) in WEB_SIDE:
            if other in ("app", "adapters"):
                found.append(f"{name_of(path)}:{line}: must not import {name}")
        elif other in FLOOR and not may_import(room, other):
            found.append(f"{name_of(path)}:{line}: {room} must not import {name}")
        elif other in NOT_OURS.get(room, ()):
            found.append(f"{name_of(path)}:{line}: {room} has no business with {other}")
        if name_of(path) in PURE and other not in PURE_MAY_IMPORT:
            found.append(f"{name_of(path)}:{line}: pure, so it must not import {other}")
    return found


def clock_calls(tree: ast.Module, path: Path) -> list[str]:
    """Places that ask the operating system for the time of day, under whatever name."""
    aliases = {"time": "time", "datetime": "datetime", "date": "date"}
    bare: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in CLOCK_OWNERS:
                    aliases[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.ImportFrom) and node.module in ("time", "datetime"):
            for alias in node.names:
                if alias.name in CLOCK_OWNERS and node.module == "datetime":
                    aliases[alias.asname or alias.name] = alias.name
                elif node.module == "time" and alias.name in ("time", "time_ns"):
                    bare.add(alias.asname or alias.name)
    found = []
    for node in ast.walk(tree):
        # Any mention counts, not calls only: `default_factory=time.time` is one too.
        if isinstance(node, ast.Attribute) and node.attr in CLOCK_CALLS:
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else None
            if isinstance(node.value, ast.Name):
                owner = aliases.get(node.value.id)
            is_clock = owner == "time" and node.attr in ("time", "time_ns")
            if is_clock or (owner in ("datetime", "date") and node.attr not in ("time", "time_ns")):
                found.append(f"{name_of(path)}:{node.lineno}: asks for the time ({node.attr})")
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in bare:
            found.append(f"{name_of(path)}:{node.lineno}: asks for the time ({node.id})")
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_only_go_down(path: Path) -> None:
    assert broken_walls(tree_of(path), path) == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_clocks_ask_for_the_time(path: Path) -> None:
    if name_of(path) == "store/clocks.py":
        assert clock_calls(tree_of(path), path)  # the one place, so the check does see it
    else:
        assert clock_calls(tree_of(path), path) == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_files_hold_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST
    assert ast.get_docstring(tree_of(path)) or name_of(path).startswith("store/migrations/")


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_say_what_lives_there(room: str) -> None:
    text = ast.get_docstring(tree_of(HOUSE / room / "__init__.py"))
    assert text is not None
    assert len(text.splitlines()) >= 3


def test_every_module_stands_in_a_known_room() -> None:
    """A new folder or file at the root has to be given its floor here."""
    known = {*FLOOR, "tests", "benchmarks"}
    found = {path.parent.name for path in HOUSE.glob("*/__init__.py")}
    found |= {path.stem for path in HOUSE.glob("*.py")}
    assert found <= known


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("scim/x.py", "from provisioning import pairs"),
        ("scim/x.py", "def f():\n    import mappings.documents"),
        ("mappings/x.py", "import sqlalchemy as sa"),
        ("mappings/x.py", "from scim import filters"),
        ("adapters/x.py", "from mappings import rules"),
        ("store/x.py", "import console"),
        ("provisioning/x.py", "from adapters.bulk_upload import request"),
        ("adapters/entra_id/x.py", "from adapters.bulk_upload.odata import parse"),
        ("adapters/bulk_upload/x.py", "import console"),
        ("provisioning/x.py", "import importlib\nimportlib.import_module('console.pages')"),
        ("console/x.py", "import sandbox"),
        ("sandbox/x.py", "from adapters.target import Step"),
        ("sandbox/x.py", "from provisioning import pairs"),
        ("sandbox/x.py", "import flask"),
        ("sandbox/endpoints.py", "from adapters.target import Step"),
        ("adapters/active_directory/x.py", "from ...scim import errors"),
        ("provisioning/plan.py", "import socket"),
        ("settings.py", "import app"),
    ],
)
def test_a_hole_in_a_wall_is_seen(path: str, source: str) -> None:
    assert broken_walls(ast.parse(source), HOUSE / path)


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.time()",
        "import time as t\nt.time_ns()",
        "from time import time\ntime()",
        "from time import time as now\nf(now)",
        "from datetime import datetime\ndatetime.now(UTC)",
        "import datetime\ndatetime.datetime.utcnow()",
        "import datetime as dt\ndt.date.today()",
        "from datetime import date as d\nd.today()",
        "from dataclasses import field\nimport time\nx = field(default_factory=time.time)",
    ],
)
def test_a_hidden_clock_is_seen(source: str) -> None:
    assert clock_calls(ast.parse(source), HOUSE / "scim/x.py")


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.sleep(1); time.monotonic()",
        "from datetime import datetime\ndatetime.fromtimestamp(0)\nmoment.time()",
        "clock.now()",
        "from datetime import time\ntime(0, 0)",
    ],
)
def test_what_is_not_the_time_of_day_is_free(source: str) -> None:
    assert clock_calls(ast.parse(source), HOUSE / "scim/x.py") == []
