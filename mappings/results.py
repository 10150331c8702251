"""What evaluating a document gives: facts, wishes, and where each came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from mappings.vocabulary import FactValue

Hold: TypeAlias = Literal["own", "seed", "default", "watch"]
"""own: keep equal to HR. seed: write only at create. default: write only when the
account has none. watch: never write, only report a difference."""

TargetValue: TypeAlias = str | int | bool | tuple[str, ...]


@dataclass(frozen=True)
class Origin:
    """Why a value is what it is."""

    rule: str
    """`mappings/workday.yaml:12 department`"""
    expression: str
    reads: tuple[str, ...]
    """The paths that were looked at, in order."""


@dataclass(frozen=True)
class Problem:
    """A rule that gave no value. `message` holds no personal value."""

    rule: str
    message: str


@dataclass(frozen=True)
class Facts:
    """What a source says of a person.

    A key with a value: said. With None: explicitly cleared. Missing: never said.
    """

    values: dict[str, FactValue | None] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class Wish:
    """What one attribute of an account should be. `cleared`: it should hold nothing."""

    value: TargetValue | None
    cleared: bool
    hold: Hold
    origin: Origin
    cut: bool = False
    """The value was longer than the target takes and was cut (P14)."""


GiftKind: TypeAlias = Literal["group", "license"]


@dataclass(frozen=True)
class Gift:
    """Something the account is to be given, by the name its administrators know it by."""

    kind: GiftKind
    name: str
    rule: str
    """Place of the rule: `mappings/entra_id.yaml:50 staff`."""


@dataclass(frozen=True)
class Evaluation:
    """What an account should be. An attribute that is not listed is kept as it is."""

    wishes: dict[str, Wish] = field(default_factory=dict)
    references: dict[str, Wish] = field(default_factory=dict)
    container: Wish | None = None
    problems: list[Problem] = field(default_factory=list)
    gifts: list[Gift] = field(default_factory=list)
    unsure: set[GiftKind] = field(default_factory=set)
    """Kinds of which a rule failed: what is missing here is not meant to be taken away."""
