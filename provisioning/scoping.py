"""What becomes of an account whose person is outside the scope of its target's mapping."""

from __future__ import annotations

from dataclasses import replace

from mappings.results import Outside
from provisioning.lifecycle import Lifecycle
from provisioning.plan import Desired
from settings import TargetSettings

_DAY = 86400.0


def outside(
    what: Outside, since: float, target: TargetSettings, life: Lifecycle, now: float
) -> tuple[Desired | None, Lifecycle]:
    """The account as it should be, None for "as it is"; and when that changes.

    since: business time at which the person fell out of scope. Who has left is disabled
    whatever the mapping says: a scope never keeps a leaver's account on.
    """
    if what.action == "keep" and not life.left:
        return None, life
    desired = Desired(exists=False, enabled=False)
    if what.action == "disable_and_move":
        return replace(desired, container=target.options.get("leavers_ou")), life
    if what.action == "delete":
        due = since + what.after_days * _DAY
        if due <= now:
            return replace(desired, deleted=True), life
        until = due if life.valid_until is None else min(due, life.valid_until)
        return desired, replace(life, valid_until=until)
    return desired, life
