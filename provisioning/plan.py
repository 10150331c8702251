"""The difference between an account as it is and as it should be: pure data in, steps out.

No I/O, no clock, no randomness: the same inputs give the same plan, and a dry run is
this function without what comes after it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from adapters.target import Account, Step, Value

Hold = Literal["own", "seed", "default", "watch"]


@dataclass(frozen=True)
class Wanted:
    """What one attribute should be. `value` None with `cleared`: it should hold nothing."""

    value: Value | None
    cleared: bool = False
    hold: Hold = "own"
    required: bool = False


@dataclass(frozen=True)
class Desired:
    """An account as it should be. What is not mentioned is left as it is."""

    exists: bool
    enabled: bool
    attributes: Mapping[str, Wanted] = field(default_factory=dict)
    references: Mapping[str, str | None] = field(default_factory=dict)
    """Forward links by attribute: an anchor, or None to remove the link."""
    name: str | None = None
    container: str | None = None
    end_sessions: bool = False
    """A disable is owed, whether or not the account is to stay disabled after it."""


@dataclass(frozen=True)
class Difference:
    """A watched attribute that differs: reported, never written."""

    attribute: str


@dataclass(frozen=True)
class Plan:
    """Ordered steps. An empty plan means that the account is right."""

    steps: tuple[Step, ...]
    watched: tuple[Difference, ...] = ()


def diff(desired: Desired, actual: Account | None) -> Plan:
    """Steps from `actual` to `desired`.

    Who leaves is disabled before anything else; who returns is moved and corrected
    before being enabled (directory-wide order of Step kinds).
    """
    if actual is None:
        return Plan(tuple(_creation(desired)) if desired.exists else ())
    steps: list[Step] = []
    if desired.end_sessions or (actual.enabled and not desired.enabled):
        steps.append(Step("disable"))
    steps.extend(_move(desired, actual))
    changes, watched = _changes(desired, actual)
    if changes:
        required = frozenset(a for a in changes if desired.attributes[a].required)
        steps.append(Step("modify", attributes=changes, required=required))
    for attribute, anchor in sorted(desired.references.items()):
        if actual.references.get(attribute) != anchor:
            steps.append(Step("refer", attribute=attribute, anchor=anchor))
    if desired.enabled and (desired.end_sessions or not actual.enabled):
        steps.append(Step("enable"))
    return Plan(tuple(steps), watched)


def _creation(desired: Desired) -> list[Step]:
    wanted = desired.attributes
    steps = [
        Step(
            "create",
            attributes={
                a: w.value for a, w in wanted.items() if w.value is not None and w.hold != "watch"
            },
            name=desired.name,
            container=desired.container,
            required=frozenset(a for a, w in wanted.items() if w.required),
        )
    ]
    for attribute, anchor in sorted(desired.references.items()):
        if anchor is not None:
            steps.append(Step("refer", attribute=attribute, anchor=anchor))
    if desired.enabled:
        steps.append(Step("enable"))
    return steps


def _move(desired: Desired, actual: Account) -> list[Step]:
    name = desired.name if desired.name is not None else actual.name
    container = desired.container if desired.container is not None else actual.container
    if name == actual.name and _folded_dn(container) == _folded_dn(actual.container):
        return []
    return [Step("move", name=name, container=container)]


def _folded_dn(dn: str | None) -> str:
    """For comparing: case and blanks around separators mean nothing (RFC 4514 section 4)."""
    return re.sub(r"\s*(?<!\\)([,=])\s*", r"\1", dn or "").casefold()


def _changes(
    desired: Desired, actual: Account
) -> tuple[dict[str, Value | None], tuple[Difference, ...]]:
    changes: dict[str, Value | None] = {}
    watched: list[Difference] = []
    for attribute, wanted in desired.attributes.items():
        now = actual.attributes.get(attribute)
        if wanted.value is None and not wanted.cleared:
            continue  # nothing was said: kept
        if wanted.value == now:
            continue
        if wanted.hold == "watch":
            watched.append(Difference(attribute))
        elif wanted.hold == "own" or (
            wanted.hold == "default" and now is None and wanted.value is not None
        ):
            changes[attribute] = wanted.value
    return changes, tuple(watched)
