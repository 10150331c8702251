"""Groups and licences by the names that rules call them by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from adapters.target import Ambiguous, Grant, GrantKind, Target
from mappings.results import Gift
from store.clocks import machine_now

_KNOWN_FOR = 300.0
"""Seconds (machine time) for which what a name means is not asked again."""


class Catalogue:
    """What names mean in each target. Safe between threads: at worst two ask the same."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self._targets = targets
        self._known: dict[tuple[str, GrantKind, str], tuple[float, Grant | None]] = {}

    def found(
        self, target: str, gifts: Iterable[Gift], problems: list[str], unsure: set[GrantKind]
    ) -> dict[Grant, str]:
        """Grant -> the rule that gives it; what is not to be had is told in `problems`, and
        its kind in `unsure`.

        Raises TargetDown and TargetRefused.
        """
        rules: dict[Grant, str] = {}
        for gift in gifts:
            try:
                grant = self._ask(target, gift.kind, gift.name)
            except Ambiguous:
                grant = None
                problems.append(f"{gift.rule}: several {gift.kind}s are called {gift.name}")
            else:
                if grant is None:
                    problems.append(
                        f"{gift.rule}: there is no {gift.kind} {gift.name} that can be given"
                    )
            if grant is None:
                unsure.add(gift.kind)
            else:
                rules.setdefault(grant, gift.rule)
        return rules

    def forget(self, grant: Grant) -> None:
        """It is not there any more: what its name means now is asked again."""
        self._known = {key: one for key, one in self._known.items() if one[1] != grant}

    def _ask(self, target: str, kind: GrantKind, name: str) -> Grant | None:
        key, now = (target, kind, name.casefold()), machine_now()
        until, grant = self._known.get(key, (0.0, None))
        if until <= now:
            grant = self._targets[target].find_grant(kind, name)
            self._known[key] = (now + _KNOWN_FOR, grant)
        return grant
