"""The policy in muster.yaml: `people:`, `leavers:`, `breakers:` and `journal:` (P3-P8, P16).

Apart from `settings.py` because it is a subject of its own; read and checked there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marshmallow import Schema, ValidationError, validate, validates_schema
from marshmallow import fields as forms

LIFECYCLE = "lifecycle"
"""In `authority`: the facts that only make sense together, dates and `active` among them."""


@dataclass(frozen=True)
class Leavers:
    """Days after somebody left until each step; None: never. Disabling waits for nothing."""

    groups_after_days: float | None = 0.0
    """Groups that a rule gave are taken away."""
    move_after_days: float | None = 0.0
    """Moved to the target's `leavers_ou`, if it has one."""
    licenses_after_days: float | None = 30.0
    """Licences that a rule gave are taken away."""
    delete_after_days: float | None = None
    """The account is deleted, into the recycle bin where there is one."""

    def offsets(self) -> dict[str, float]:
        """Seconds from leaving to each step that is ever taken: groups, move, licenses, delete."""
        days = {f.name.partition("_")[0]: getattr(self, f.name) for f in fields(self)}
        return {step: after * 86400 for step, after in days.items() if after is not None}


@dataclass(frozen=True)
class Word:
    """A source that has a say in one fact; `until` a date: a fact's name, or `YYYY-MM-DD`."""

    source: str
    until: str | None = None


@dataclass(frozen=True)
class People:
    """Policy on people and time."""

    pre_hire_days: int = 30
    timezone: str = "UTC"
    locations: Mapping[str, str] = field(default_factory=dict)
    """Location or location code (case-folded) -> IANA time zone."""
    sources: Mapping[str, str | None] = field(default_factory=dict)
    """Every source, the strongest first -> its IANA time zone, if it has one."""
    on_leave: Literal["enabled", "disabled"] = "enabled"
    authority: Mapping[str, tuple[Word, ...]] = field(default_factory=dict)
    """Fact (or `lifecycle`) -> who has the first say, strongest first."""
    leavers: Leavers = field(default_factory=Leavers)

    def strangers(self) -> list[tuple[str, str]]:
        """(fact, source) where `authority` names a source that `sources` does not hold."""
        words = [(fact, word.source) for fact, said in self.authority.items() for word in said]
        return [(fact, source) for fact, source in words if source not in self.sources]

    def overridden(self, people: Mapping[str, Any], leavers: Mapping[str, Any]) -> People:
        """These with changes that have passed :class:`PeopleSchema` and `LeaversSchema`."""
        changes = dict(people)
        if "locations" in changes:
            changes["locations"] = {
                name.strip().casefold(): zone for name, zone in changes["locations"].items()
            }
        if "authority" in changes:
            changes["authority"] = {
                fact: tuple(map(_word, said)) for fact, said in changes["authority"].items()
            }
        return replace(self, **changes, leavers=replace(self.leavers, **leavers))


def _word(written: str | Mapping[str, str]) -> Word:
    return Word(written) if isinstance(written, str) else Word(**written)


def check_zone(text: str) -> None:
    """Raises ValidationError unless `text` is a time zone of the IANA database."""
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationError("is no time zone|Use an IANA name such as Europe/Berlin.") from None


class _WordSchema(Schema):
    source = forms.String(required=True)
    until = forms.String()


def _check_words(said: object) -> None:
    form = "Write source names, or {source: NAME, until: DATE}."
    if not isinstance(said, list) or not said:
        raise ValidationError(f"is not a list of sources|{form}")
    for one in said:
        if isinstance(one, str):
            continue
        if not isinstance(one, dict) or _WordSchema().validate(one):
            raise ValidationError(f"is not a list of sources|{form}")


class PeopleSchema(Schema):
    """The form of `people:`; what is left out has the defaults of :class:`People`."""

    pre_hire_days = forms.Integer(strict=True, validate=validate.Range(min=0, max=365))
    timezone = forms.String(validate=check_zone)
    locations = forms.Dict(keys=forms.String(), values=forms.String(validate=check_zone))
    on_leave = forms.String(validate=validate.OneOf(["enabled", "disabled"]))
    authority = forms.Dict(keys=forms.String(), values=forms.Raw(validate=_check_words))


_DAYS: dict[str, Any] = {"allow_none": True, "validate": validate.Range(min=0, max=36500)}


class LeaversSchema(Schema):
    """The form of `leavers:`; what is left out has the defaults of :class:`Leavers`."""

    groups_after_days = forms.Float(**_DAYS)
    move_after_days = forms.Float(**_DAYS)
    licenses_after_days = forms.Float(**_DAYS)
    delete_after_days = forms.Float(**_DAYS)

    @validates_schema
    def _delete_last(self, data: dict[str, Any], **_: Any) -> None:
        last = data.get("delete_after_days")
        if last is not None and any((days or 0) > last for days in data.values()):
            raise ValidationError(
                "comes before another step|Deleting is the last one.", "delete_after_days"
            )


# -- breakers ------------------------------------------------------------------------------

KINDS = ("disable", "delete", "move", "rename", "revoke", "clear")
"""What is counted: accounts disabled, deleted, moved to another container, renamed where
they are, and accounts that lose groups or licences, or attribute values."""


@dataclass(frozen=True)
class Breakers:
    """When a kind of operation is held for approval.

    More than `count` accounts and more than `percent` of a target's accounts, of one kind,
    within `window_hours` of business time. Leavers who have to be out at once pass until
    `urgent_floor` of them did so in the window. `kinds` holds what differs for a kind.
    """

    enabled: bool = True
    count: int = 10
    percent: float = 5.0
    window_hours: float = 24.0
    urgent_floor: int = 50
    kinds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def window(self) -> float:
        """Seconds of business time."""
        return self.window_hours * 3600

    def limit(self, kind: str, accounts: int) -> int:
        """How many of `accounts` accounts may be touched in this kind within the window."""
        own = self.kinds.get(kind, {})
        count, percent = own.get("count", self.count), own.get("percent", self.percent)
        return int(max(count, accounts * percent / 100))

    def overridden(self, changes: Mapping[str, Any]) -> Breakers:
        """These with `changes`, which have passed :class:`BreakersSchema`."""
        kinds = {kind: dict(own) for kind, own in self.kinds.items()}
        for kind, own in changes.get("kinds", {}).items():
            kinds[kind] = {**kinds.get(kind, {}), **own}
        return replace(self, **{**changes, "kinds": kinds})


_COUNT = validate.Range(min=0, max=1_000_000)
_PERCENT = validate.Range(min=0, max=100)


class _KindSchema(Schema):
    count = forms.Integer(strict=True, validate=_COUNT)
    percent = forms.Float(validate=_PERCENT)


class BreakersSchema(Schema):
    """The form of `breakers:`; what is left out has the defaults of :class:`Breakers`."""

    enabled = forms.Boolean()
    count = forms.Integer(strict=True, validate=_COUNT)
    percent = forms.Float(validate=_PERCENT)
    window_hours = forms.Float(validate=validate.Range(min=0.1, max=24 * 31))
    urgent_floor = forms.Integer(strict=True, validate=_COUNT)
    kinds = forms.Dict(
        keys=forms.String(validate=validate.OneOf(KINDS)), values=forms.Nested(_KindSchema)
    )


# -- journal -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Retention:
    """How long the journal is kept, in days; None: for ever."""

    keep_days: float | None = 2555.0
    """Entries."""
    values_days: float | None = 365.0
    """The personal values beside them."""


class RetentionSchema(Schema):
    """The form of `journal:`; what is left out has the defaults of :class:`Retention`."""

    keep_days = forms.Float(allow_none=True, validate=validate.Range(min=1, max=36500))
    values_days = forms.Float(allow_none=True, validate=validate.Range(min=1, max=36500))
