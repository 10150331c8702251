"""The difference between an account as it is and as it should be: pure data in, steps out.

No I/O, no clock, no randomness: the same inputs give the same plan, and a dry run is
this function without what comes after it.
"""

from __future__ import annotations

import hashlib
import json
import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, Literal

from adapters.target import Account, Grant, Step, Value

Hold = Literal["own", "seed", "default", "watch"]

ENABLED, CONTAINER, NAME = "@enabled", "@container", "@name"
"""Beside the attributes in what was last applied; a reference is there as `@manager`."""


@dataclass(frozen=True)
class Wanted:
    """What one attribute should be. `value` None with `cleared`: it should hold nothing."""

    value: Value | None
    cleared: bool = False
    hold: Hold = "own"
    required: bool = False


@dataclass(frozen=True)
class Given:
    """What the account was given: all of it, and what of that by our rules."""

    actual: frozenset[Grant] = frozenset()
    ours: frozenset[Grant] = frozenset()


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
    grants: frozenset[Grant] = frozenset()
    """What rules give; only what rules gave is taken away again."""
    keeps: frozenset[str] = frozenset()
    """Kinds of grants of which nothing is taken away, because a rule could not be asked."""
    end_sessions: bool = False
    """A disable is owed, whether or not the account is to stay disabled after it."""
    deleted: bool = False
    """There should be no account any more."""
    restore: str | None = None
    """The anchor of the account that lies in the recycle bin, instead of a new one. What
    else it needs is seen when it is back."""


@dataclass(frozen=True)
class Drift:
    """Something that somebody else changed since we last wrote it.

    put back  ours to hold: this plan writes it again
    kept      given once, and theirs since
    watched   differs from HR: reported, never written
    """

    attribute: str
    what: Literal["put back", "kept", "watched"]


@dataclass(frozen=True)
class Plan:
    """Ordered steps. An empty plan means that the account is right."""

    steps: tuple[Step, ...]
    drift: tuple[Drift, ...] = ()


_NOTHING: Mapping[str, Any] = {}


def diff(
    desired: Desired,
    actual: Account | None,
    applied: Mapping[str, Any] = _NOTHING,
    given: Given = Given(),
) -> Plan:
    """Steps from `actual` to `desired`; `applied` is what was last written, by attribute.

    Who leaves is disabled before anything else; who returns is moved and corrected
    before being enabled (directory-wide order of Step kinds).
    """
    if actual is None:
        if not desired.exists:
            return Plan(())
        return Plan((_restoring(desired),) if desired.restore else tuple(_creation(desired)))
    steps: list[Step] = []
    if desired.end_sessions or (actual.enabled and not desired.enabled):
        steps.append(Step("disable"))
    if desired.deleted:
        return Plan((*steps, Step("delete")))
    drift = _drift_of_place(desired, actual, applied)
    steps += [Step("revoke", given=grant) for grant in _taken(desired, given)]
    steps += _move(desired, actual)
    changes, differing = _changes(desired, actual, applied)
    if changes:
        required = frozenset(a for a in changes if desired.attributes[a].required)
        steps.append(Step("modify", attributes=changes, required=required))
    for attribute, anchor in sorted(desired.references.items()):
        if actual.references.get(attribute) != anchor:
            steps.append(Step("refer", attribute=attribute, anchor=anchor))
    steps += [Step("grant", given=grant) for grant in sorted(desired.grants - given.actual)]
    if desired.enabled and (desired.end_sessions or not actual.enabled):
        steps.append(Step("enable"))
    return Plan(tuple(steps), (*drift, *differing))


def digest(steps: Collection[Step]) -> str:
    """The same for the same steps, whatever program run made them: 64 hexadecimal digits."""
    text = json.dumps(
        [plain(step) for step in steps], sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def plain(step: Step) -> dict[str, Any]:
    """A step as JSON, without what is not set."""
    found = {
        "kind": step.kind,
        "name": step.name,
        "container": step.container,
        "attributes": dict(step.attributes),
        "attribute": step.attribute,
        "anchor": step.anchor,
        "given": {"kind": step.given.kind, "anchor": step.given.anchor} if step.given else None,
    }
    return {name: value for name, value in found.items() if value not in (None, {})}


def concealed(step: Step, hidden: Collection[str]) -> Step:
    """The step without values that are not to be shown."""
    if not hidden:
        return step
    shown = {a: "[Redact]" if a in hidden else v for a, v in step.attributes.items()}
    return replace(step, attributes=shown)


def with_all_that_follows(steps: Sequence[Step]) -> Step:
    """The `create` that a plan begins with, and what a target may do in the same write: links
    to other people, and the `enable` if nothing else comes before it."""
    following = takewhile(lambda step: step.kind in ("refer", "enable"), steps[1:])
    links = {s.attribute: s.anchor for s in steps if s.kind == "refer" and s.attribute and s.anchor}
    return replace(steps[0], enabled=any(s.kind == "enable" for s in following), references=links)


def came_along(step: Step, account: Account | None) -> bool:
    """Whether an account that was just made is what `step` would make of it."""
    if account is None:
        return False
    if step.kind == "refer" and step.attribute and step.anchor:
        return account.references.get(step.attribute) == step.anchor
    return step.kind == "enable" and account.enabled


def known_of(account: Account) -> dict[str, Any]:
    """What of an account is compared beside its attributes, as it is now."""
    found: dict[str, Any] = {ENABLED: account.enabled}
    if account.container is not None:
        found |= {CONTAINER: account.container, NAME: account.name}
    return found | {f"@{name}": anchor for name, anchor in account.references.items()}


def remembered(
    desired: Desired,
    actual: Account | None,
    wished: Collection[Step],
    done: Collection[tuple[Step, frozenset[str]]],
    before: Mapping[str, Any],
) -> dict[str, Any]:
    """What was last applied, after a look: what we wrote, and what was as we would have
    written it.

    `wished` are the steps that were needed, `done` those that took effect, each with the
    attributes that were refused all the same; `before` is what was last applied until now.
    """
    written: dict[str, Any] = {}
    for step, refused in done:
        written |= {a: v for a, v in step.attributes.items() if a not in refused}
        if step.kind in ("create", "restore", "move") and step.container is not None:
            written |= {CONTAINER: step.container, NAME: step.name}
        if step.kind in ("create", "restore", "disable", "enable"):
            written[ENABLED] = step.kind == "enable"
        if step.kind == "refer":
            written[f"@{step.attribute}"] = step.anchor
    found = dict(before) | written
    if actual is None:
        return found
    needed = {step.kind for step in wished}
    changing = {a for step in wished for a in step.attributes}
    changing |= {f"@{step.attribute}" for step in wished if step.kind == "refer"}
    if needed & {"disable", "enable"}:
        changing.add(ENABLED)
    if "move" in needed:
        changing |= {CONTAINER, NAME}
    right = {
        a: wanted.value
        for a, wanted in desired.attributes.items()
        if wanted.hold == "own" and (wanted.value is not None or wanted.cleared)
    }
    right |= {a: v for a, v in known_of(actual).items() if v is not None}
    return found | {a: v for a, v in right.items() if a not in changing}


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
    steps += [Step("grant", given=grant) for grant in sorted(desired.grants)]
    if desired.enabled:
        steps.append(Step("enable"))
    return steps


def _restoring(desired: Desired) -> Step:
    """The names go along, for a target that may not give it its old ones back."""
    required = {a: w.value for a, w in desired.attributes.items() if w.required}
    return Step(
        "restore",
        anchor=desired.restore,
        name=desired.name,
        container=desired.container,
        attributes={a: v for a, v in required.items() if v is not None},
    )


def _taken(desired: Desired, given: Given) -> list[Grant]:
    """What our rules gave, and give no longer."""
    return [
        grant
        for grant in sorted((given.ours & given.actual) - desired.grants)
        if grant.kind not in desired.keeps
    ]


def _move(desired: Desired, actual: Account) -> list[Step]:
    name = desired.name if desired.name is not None else actual.name
    container = desired.container if desired.container is not None else actual.container
    if name == actual.name and same_dn(container, actual.container):
        return []
    return [Step("move", name=name, container=container)]


def same_dn(one: str | None, other: str | None) -> bool:
    """Whether two DNs mean the same place."""
    return _folded_dn(one) == _folded_dn(other)


def _folded_dn(dn: str | None) -> str:
    """For comparing: case and blanks around separators mean nothing (RFC 4514 section 4)."""
    return re.sub(r"\s*(?<!\\)([,=])\s*", r"\1", dn or "").casefold()


def _changes(
    desired: Desired, actual: Account, applied: Mapping[str, Any]
) -> tuple[dict[str, Value | None], list[Drift]]:
    changes: dict[str, Value | None] = {}
    differing: list[Drift] = []
    for attribute, wanted in desired.attributes.items():
        now = actual.attributes.get(attribute)
        if wanted.value is None and not wanted.cleared:
            continue  # nothing was said: kept
        if wanted.value == now:
            continue
        theirs = attribute in applied and _canonical(applied[attribute]) != now
        if wanted.hold == "watch":
            differing.append(Drift(attribute, "watched"))
        elif wanted.hold == "own" or (
            wanted.hold == "default" and now is None and wanted.value is not None
        ):
            changes[attribute] = wanted.value
            if theirs:
                differing.append(Drift(attribute, "put back"))
        elif theirs:
            differing.append(Drift(attribute, "kept"))
    return changes, differing


def _drift_of_place(desired: Desired, actual: Account, applied: Mapping[str, Any]) -> list[Drift]:
    """What beside attributes somebody else changed: on or off, place, name, references."""
    found = []
    now = known_of(actual)
    wanted: dict[str, Any] = {ENABLED: desired.enabled}
    if desired.container is not None:
        wanted[CONTAINER] = desired.container
    if desired.name is not None:
        wanted[NAME] = desired.name
    wanted |= {f"@{name}": anchor for name, anchor in desired.references.items()}
    for what, value in wanted.items():
        is_now, was = now.get(what), applied.get(what)
        same: Callable[[Any, Any], bool] = same_dn if what == CONTAINER else operator.eq
        if what in applied and not same(is_now, was) and not same(is_now, value):
            found.append(Drift(what.removeprefix("@"), "put back"))
    return found


def _canonical(value: Any) -> Value | None:
    """A value as it came back from JSON."""
    return tuple(value) if isinstance(value, list) else value
