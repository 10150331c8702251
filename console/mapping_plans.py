"""`plan --mapping FILE`: what another mapping would change, for whom, before it is in force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from console.commands import Rooms
from console.wording import who
from mappings.documents import Inbound, Outbound, kind_of, load_inbound, load_outbound
from provisioning import remapping, survey
from provisioning.intake import Intake
from provisioning.survey import Finding
from provisioning.view import Viewer

_SAMPLES = 3
"""People shown for each attribute."""


@dataclass(frozen=True)
class Other:
    """Mappings that would be in force: by source, or by target."""

    inbounds: Mapping[str, Inbound] = field(default_factory=dict)
    outbounds: Mapping[str, Outbound] = field(default_factory=dict)

    def head(self) -> dict[str, Any]:
        """For the plan file: which mappings its plans were made with."""
        return {
            "sources": {name: one.digest for name, one in self.inbounds.items()},
            "targets": {name: one.digest for name, one in self.outbounds.items()},
        }


def read_other(rooms: Rooms, file: str, target: str | None) -> Other:
    """The mapping in `file`, for whatever uses the mapping of that name: the name of the file,
    or the one that it extends. Raises ClickException and MappingError."""
    path, folders = Path(file).resolve(), rooms.settings.mapping_folders
    if not path.is_file():
        raise click.ClickException(f"there is no file {file}")
    kind, extends = kind_of(path)
    sources = {name: source.mapping for name, source in rooms.settings.sources.items()}
    targets = {name: one.mapping for name, one in rooms.settings.targets.items()}
    if kind == "inbound" or (kind is None and {path.stem, extends} & {*sources.values()}):
        name = _name(path, extends, sources, "source")
        inbound = load_inbound(name, folders, path)
        return Other(inbounds={user: inbound for user, used in sources.items() if used == name})
    name = _name(path, extends, targets, "target")
    concerned = [user for user, used in targets.items() if used == name and target in (None, user)]
    if not concerned:
        raise click.ClickException(f"target {target} does not use the mapping {name}")
    kinds = {user: rooms.settings.targets[user].kind for user in concerned}
    return Other(outbounds={u: load_outbound(name, folders, kinds[u], path) for u in concerned})


def _name(path: Path, extends: str | None, users: Mapping[str, str | None], what: str) -> str:
    used = {name for name in users.values() if name}
    for name in (path.stem, extends):
        if name in used:
            return str(name)
    raise click.ClickException(
        f"no {what} uses a mapping {path.stem}; name the file like one of them, or let it extend "
        f"one: {', '.join(sorted(used))}"
    )


def in_force(rooms: Rooms, head: Mapping[str, Any]) -> Other:
    """The mappings of a plan file, when they are in force by now. Raises ClickException."""
    settings = rooms.settings
    inbounds, outbounds = {}, {}
    missing = []
    for name, digest in head.get("sources", {}).items():
        source = settings.sources.get(name)
        if source is not None and source.mapping:
            inbounds[name] = load_inbound(source.mapping, settings.mapping_folders)
        if name not in inbounds or inbounds[name].digest != digest:
            missing.append(name)
    for name, digest in head.get("targets", {}).items():
        if name in settings.targets:
            outbounds[name] = rooms.viewer.outbound(name)
        if name not in outbounds or outbounds[name].digest != digest:
            missing.append(name)
    if missing:
        raise click.ClickException(
            f"nothing was done: the plan was made with another mapping of {', '.join(missing)} "
            "than the one in force; put that in its place first"
        )
    return Other(inbounds, outbounds)


def found(
    rooms: Rooms, viewer: Viewer, other: Other, persons: list[str], target: str, now: float
) -> Iterator[Finding]:
    """What would be done in a target, for those whom the mapping concerns."""
    if other.inbounds:
        yield from remapping.findings(rooms.database, viewer, persons, target, now, other.inbounds)
    elif target in other.outbounds:
        outbound = other.outbounds[target]
        for some in remapping.differing(
            rooms.database, rooms.viewer, outbound, persons, target, now
        ):
            yield from survey.look_at(rooms.database, viewer, some, target, now)


class Samples:
    """A few people for each attribute, with the value they have and the one they would get."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = defaultdict(list)

    def add(self, finding: Finding) -> None:
        """Keep what of it is new."""
        view = finding.view
        for step in finding.steps:
            for attribute, value in step.attributes.items() if step.kind == "modify" else ():
                if len(self._lines[attribute]) < _SAMPLES and view is not None:
                    actual = view.actual.attributes.get(attribute) if view.actual else None
                    hidden = attribute in view.hidden
                    shown = "[Redact]" if hidden else f"{_shown(actual)} -> {_shown(value)}"
                    line = f"{shown}  ({who(finding.facts, finding.person)})"
                    self._lines[attribute].append(line)

    def __str__(self) -> str:
        return "\n".join(
            f"  {attribute}: {line}" for attribute, lines in self._lines.items() for line in lines
        )


def _shown(value: Any) -> str:
    return "nothing" if value is None else f'"{value}"'


def take_again(rooms: Rooms, other: Other, persons: list[str], now: float) -> int:
    """Read the records of these persons once more, by the mapping in force now; how many."""
    policy = rooms.viewer.settings.people
    intake = Intake(rooms.viewer.live, lambda: other.inbounds, rooms.business)
    taken = 0
    for chunk in remapping.chunks(persons):
        with rooms.database.read() as connection:
            rows = remapping.affected(connection, chunk, other.inbounds, policy, now)
        for row in rows:

            def again(tx: Connection, id: str = row.id) -> bool:
                return intake.again(tx, id)

            taken += rooms.database.write(again)
    return taken
