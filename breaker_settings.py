"""`breakers:` of muster.yaml: how much may be taken away from a target in a day (P16).

Apart from `settings.py` because it is a subject of its own; read and checked there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from marshmallow import Schema, fields, validate

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
    count = fields.Integer(strict=True, validate=_COUNT)
    percent = fields.Float(validate=_PERCENT)


class BreakersSchema(Schema):
    """The form of `breakers:`; what is left out has the defaults of :class:`Breakers`."""

    enabled = fields.Boolean()
    count = fields.Integer(strict=True, validate=_COUNT)
    percent = fields.Float(validate=_PERCENT)
    window_hours = fields.Float(validate=validate.Range(min=0.1, max=24 * 31))
    urgent_floor = fields.Integer(strict=True, validate=_COUNT)
    kinds = fields.Dict(
        keys=fields.String(validate=validate.OneOf(KINDS)), values=fields.Nested(_KindSchema)
    )
