"""Mapping files: found, read, checked against their form, and merged along `extends`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from marshmallow import Schema

from mappings.forms import rule_keys
from mappings.language.expression import Expression, ExpressionError, Names
from mappings.places import locate_in
from mappings.rules import Rule
from yaml_lines import YamlDocument, YamlError, read_yaml

HOME = Path(__file__).parent

Place = tuple[str | int, ...]


class MappingError(YamlError):
    """A mapping document that cannot be used: file, line, column, problem and remedy.

    `others` are further mistakes found in the same go.
    """

    def __init__(self, file: str, line: int, problem: str, remedy: str, column: int = 0) -> None:
        super().__init__(file, line, problem, remedy)
        self.column = column
        self.others: tuple[MappingError, ...] = ()
        if column:
            self.args = (f"{file}:{line}:{column}: {problem}; {remedy}",)


@dataclass(frozen=True)
class Source:
    """One file that was read; `shown` is how origins and errors name it."""

    data: Mapping[str, Any]
    document: YamlDocument
    shown: str

    def error(self, problem: str, remedy: str, *place: str | int) -> MappingError:
        line, column = locate_in(self.document.path, place)
        return MappingError(self.shown, line, problem, remedy, column)

    def rule(
        self, name: str, written: str, place: Place, names: Names, *, several: bool = False
    ) -> Rule:
        """Compile an expression written at `place`. Raises :class:`MappingError`."""
        try:
            expression = Expression(written, names, several=several)
        except ExpressionError as error:
            line, column = locate_in(self.document.path, place, error.position)
            problem = f"{name}: {error.problem}"
            raise MappingError(self.shown, line, problem, error.remedy, column) from error
        locate = partial(locate_in, self.document.path, place)
        return Rule(self.shown, self.document.line(*place), name, expression, locate)


@dataclass(frozen=True)
class Entry:
    """A rule of a section, its keys merged from several files; `sources` by key."""

    section: str
    name: str
    keys: Mapping[str, Any]
    sources: Mapping[str, Source]
    last: Source

    def error(self, problem: str, remedy: str, key: str = "") -> MappingError:
        place = (self.section, self.name, *([key] if key else []))
        return self.sources.get(key, self.last).error(problem, remedy, *place)

    def rule(self, names: Names, *, several: bool = False) -> Rule:
        """The compiled `value`. Raises :class:`MappingError`."""
        if "value" not in self.keys:
            raise self.error(f"{self.name} has no value", "add value: with an expression")
        place = (self.section, self.name, "value")
        return self.sources["value"].rule(
            self.name, self.keys["value"], place, names, several=several
        )

    def condition(self, key: str, names: Names) -> Rule | None:
        """The compiled condition under `key`, or None where there is none.
        Raises :class:`MappingError`."""
        if key not in self.keys:
            return None
        place = (self.section, self.name, key)
        return self.sources[key].rule(self.name, self.keys[key], place, names)


@dataclass(frozen=True)
class Merged:
    """A document after everything it extends, the most general file first."""

    sources: tuple[Source, ...]

    @property
    def last(self) -> Source:
        return self.sources[-1]

    @property
    def digest(self) -> str:
        """Another one for any other text of the files and of the tables beside them."""
        found = hashlib.sha256()
        for source in self.sources:
            path = source.document.path
            beside = [path.parent / name for name in source.data.get("tables", {}).values()]
            for file in (path, *beside):
                found.update(file.read_bytes())
        return found.hexdigest()

    @property
    def schemas(self) -> dict[str, str]:
        """Short names for URNs."""
        return {k: v for source in self.sources for k, v in source.data.get("schemas", {}).items()}

    def top(self, key: str) -> tuple[Any, Source] | None:
        """The value of a key of the document itself, and the file that has the last word."""
        for source in reversed(self.sources):
            if key in source.data:
                return source.data[key], source
        return None

    def entries(self, section: str) -> list[Entry]:
        """The rules of a section; a later file's keys win, its null removes a rule."""
        result: dict[str, Entry] = {}
        for source in self.sources:
            for name, written in source.data.get(section, {}).items():
                before = result.get(name)
                if written is None:
                    if before is None:
                        raise source.error(
                            f"{name} is empty", "add an expression, or remove it", section, name
                        )
                    del result[name]
                    continue
                said = rule_keys(written)
                keys = {**(before.keys if before else {}), **said}
                sources = {**(before.sources if before else {}), **dict.fromkeys(said, source)}
                result[name] = Entry(section, name, keys, sources, source)
        return list(result.values())


def load(
    name: str, folders: Sequence[Path], forms: Mapping[str, Schema], file: Path | None = None
) -> Merged:
    """Read a document and what it extends. Raises :class:`MappingError`.

    A document that extends its own name continues with the next folder's. `file` is read
    as if it were the document in the first folder.
    """
    search = [*folders, HOME]
    chain: list[Source] = []
    start = 0
    if file is not None:
        chain.append(_read(file, str(file), forms))
        parent = chain[-1].data.get("extends")
        if parent is None:
            return Merged(tuple(chain))
        start = min(1, len(folders)) if parent == name else 0
        name = parent
    while True:
        at = next((i for i in range(start, len(search)) if _file(search[i], name).is_file()), None)
        if at is None:
            raise _missing(name, folders, chain)
        path = _file(search[at], name)
        if any(path == earlier.document.path for earlier in chain):
            raise chain[-1].error(f"{name} extends itself in a circle", "break it", "extends")
        shown = f"{HOME.name}/{name}.yaml" if search[at] is HOME else str(path)
        source = _read(path, shown, forms)
        chain.append(source)
        parent = source.data.get("extends")
        if parent is None:
            return Merged(tuple(reversed(chain)))
        start = at + 1 if parent == name else 0
        name = parent


def _file(folder: Path, name: str) -> Path:
    return folder / f"{Path(name).name}.yaml"


def _missing(name: str, folders: Sequence[Path], chain: Sequence[Source]) -> MappingError:
    ours = ", ".join(sorted(path.stem for path in HOME.glob("*.yaml")))
    problem = f"there is no mapping {name}"
    if chain:
        return chain[-1].error(problem, f"extend one of {ours}, or of your own", "extends")
    looked = ", ".join(map(str, folders))
    beside = f", or add {Path(name).name}.yaml to {looked}" if looked else ""
    return MappingError(f"{name}.yaml", 0, problem, f"use one of {ours}{beside}")


def _read(path: Path, shown: str, forms: Mapping[str, Schema]) -> Source:
    """One file, checked against its form."""
    try:
        document = read_yaml(path)
    except YamlError as error:
        raise MappingError(shown, error.line, error.problem, error.remedy) from error
    if not isinstance(document.data, dict):
        raise MappingError(shown, 1, "not a mapping document", "see docs/mappings.md")
    source = Source(document.data, document, shown)
    _check(source, forms[""], document.data)
    for section, form in forms.items():
        if section:
            for name, written in document.data.get(section, {}).items():
                if written is not None:
                    _check(source, form, written, section, name)
    return source


def _check(source: Source, form: Schema, data: Any, *place: str | int) -> None:
    errors = form.validate(data)
    if not errors:
        return
    where, message = _first(errors)
    if where[:1] == ("_schema",):
        raise source.error(
            f"{'.'.join(map(str, place))}: not a rule",
            "write an expression in quotation marks",
            *place,
        )
    name = ".".join(str(part) for part in (*place, *where))
    if message == "Unknown field.":
        known = ", ".join(form.fields)
        raise source.error(f"unknown key {name}", f"known here: {known}", *place, *where)
    raise source.error(f"{name}: {message.rstrip('.')}", "see docs/mappings.md", *place, *where)


def _first(errors: Any) -> tuple[Place, str]:
    """The first of marshmallow's nested messages and where it belongs."""
    place: list[str | int] = []
    while isinstance(errors, dict):
        key, errors = next(iter(errors.items()))
        if key not in ("key", "value") or not place or isinstance(errors, dict):
            place.append(key)
    message = errors[0] if isinstance(errors, list) and errors else errors
    return tuple(place), str(message)
