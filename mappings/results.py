"""What evaluating a document gives: facts, wishes, and where each came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from mappings.vocabulary import FactValue

if TYPE_CHECKING:
    from mappings.language.running import Step

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

    def trace(self) -> Step | None:
        """The value of every part of the expression, where that is known."""
        return None

    @property
    def redacted(self) -> bool:
        """The value is not to be shown."""
        return False


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
    origins: Mapping[str, Origin] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    asked: frozenset[str] | None = None
    """The facts that the source's mapping has a rule for; None: all."""


class Wish(NamedTuple):
    """What one attribute of an account should be. `cleared`: it should hold nothing."""

    value: TargetValue | None
    cleared: bool
    hold: Hold
    origin: Origin
    cut: bool = False
    """The value was longer than the target takes and was cut (P14)."""
    redacted: bool = False
    """The value is not to be shown or logged."""


@dataclass(frozen=True)
class Need:
    """Something that an evaluation cannot give by itself, as a symbol.

    unique: one of `candidates`, best first, to be reserved for the person.
    password: one to be made and handed over. reference: the account of `person`.
    """

    kind: Literal["unique", "password", "reference"]
    attribute: str
    candidates: tuple[str, ...] = ()
    person: str | None = None


@dataclass(frozen=True)
class Outside:
    """What happens to an account whose person falls out of scope."""

    action: Literal["keep", "disable", "disable_and_move", "delete"]
    after_days: int = 0
    """Days after falling out of scope; for `delete`."""


@dataclass(frozen=True)
class Verdict:
    """Whether a person is in a target's scope. None: it cannot be told, so nothing is done."""

    inside: bool | None
    why: str
    """The group that let the person in, or the clauses that did not; no personal value."""
    outside: Outside


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
    needs: tuple[Need, ...] = ()
    enabled: bool | None = None
    """What the mapping says about the account being on; None: it leaves that to the dates."""
    scope: Verdict | None = None
    """None: the mapping has no scope, everybody is in."""
    valid_until: datetime | None = None
    """The earliest instant at which a comparison with now turns out differently."""
    kept: dict[str, Origin] = field(default_factory=dict)
    """Attributes whose rule gave nothing, and why they are kept as they are."""
    gifts: tuple[Gift, ...] = ()
    unsure: frozenset[GiftKind] = frozenset()
    """Kinds of which a rule failed: what is missing here is not meant to be taken away."""
