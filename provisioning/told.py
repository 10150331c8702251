"""What targets said a moment ago of several people at once, so that no look asks again.

Everything here is a short cut: what was not asked beforehand is asked when it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from adapters.target import Account, Ambiguous, Key, NameKind, Target
from provisioning.finding import Read

Name = tuple[NameKind, str]


@dataclass
class Told:
    """Answers by target."""

    _carriers: dict[tuple[str, frozenset[tuple[str, str]]], tuple[Account, ...]] = field(
        default_factory=dict
    )
    _holders: dict[tuple[str, NameKind, str], str | None] = field(default_factory=dict)

    def ask_carriers(self, target: str, system: Target, keys: Iterable[Key]) -> None:
        """Whose these keys are. Raises as the target does."""
        wanted = {(target, frozenset(key.items())): key for key in keys}
        if wanted:
            self._carriers |= zip(wanted, system.carriers(list(wanted.values())), strict=True)

    def ask_holders(self, target: str, system: Target, names: Iterable[Name]) -> set[Name]:
        """Who holds these names; those that somebody holds. Raises as the target does."""
        wanted = list(dict.fromkeys(names))
        found = dict(zip(wanted, system.holders(wanted), strict=True)) if wanted else {}
        self._holders |= {(target, *name): holder for name, holder in found.items()}
        return {name for name, holder in found.items() if holder is not None}

    def read(self, target: str, system: Target, key: Key) -> Account | None:
        """As `Target.read` without a link."""
        found = self._carriers.get((target, frozenset(key.items())))
        if found is None:
            return system.read(None, key)
        if len(found) > 1:
            raise Ambiguous(tuple(account.hint for account in found))
        return found[0] if found else None

    def reader(self, target: str, system: Target) -> Read:
        """`read`, for finding an account by its keys."""
        return lambda _link, key: self.read(target, system, key) if key else None

    def holders(self, target: str, system: Target, names: Iterable[Name]) -> list[str | None]:
        """As `Target.holders`."""
        asked = list(names)
        told = [(target, *name) for name in asked]
        if all(name in self._holders for name in told):
            return [self._holders[name] for name in told]
        return system.holders(asked)
