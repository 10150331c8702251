"""What readers see: the tenant, or for a while after a write what it was before.

Entra answers writes from one replica and reads from others; on order (fault `lag`) the
sandbox does the same. Names are unique at once, as in Entra.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sandbox.entra.tenant import Clue, Entry, Kind, Relation, Tenant

_RELATIONS: tuple[Relation, ...] = ("manager", "member")


@dataclass(frozen=True)
class _Before:
    until: float
    entry: Entry | None
    """None: created meanwhile, not there yet."""
    targets: Mapping[Relation, tuple[str, ...]]


class Replica:
    """Reads that may lag. `now` in epoch seconds. To be used inside the tenant's lock."""

    def __init__(self, tenant: Tenant, now: Callable[[], float]) -> None:
        self._tenant = tenant
        self._now = now
        self._before: dict[str, _Before] = {}

    def clear(self) -> None:
        """Readers see everything as it is."""
        self._before.clear()

    def snapshot(self, id: str) -> _Before:
        """What to show of an object that is about to be written; for :meth:`hold_back`."""
        targets = {
            relation: tuple(e.id for e in self._tenant.targets(id, relation))
            for relation in _RELATIONS
        }
        return _Before(0, self.get(id), targets)

    def hold_back(self, id: str, before: _Before, seconds: float) -> None:
        """Show `before` to readers for so long."""
        self._before[id] = _Before(self._now() + seconds, before.entry, before.targets)

    def get(self, id: str) -> Entry | None:
        """The object as readers see it, deleted or not."""
        before = self._held(id.lower())
        return before.entry if before else self._tenant.get(id)

    def reachable(self, id: str) -> Entry | None:
        """The object as it is, for a write; None while readers do not see it at all."""
        return self._tenant.get(id) if self.get(id) is not None else None

    def find(self, kind: Kind, name: str, value: str) -> list[Entry]:
        """Candidates by an indexed property; those held back are all among them."""
        if not self._before:
            return self._tenant.find(kind, name, value)
        found = {e.id: e for e in self._tenant.find(kind, name, value)}
        found.update({id: b.entry for id, b in self._live().items() if b.entry})
        seen = (self.get(id) for id in found)
        return sorted((e for e in seen if e is not None and e.kind == kind), key=lambda e: e.number)

    def among(self, kind: Kind, clues: Iterable[Clue]) -> list[Entry]:
        """Candidates by any of several indexed properties, in order of creation."""
        found = {e.id: e for name, value, _ in clues for e in self.find(kind, name, value)}
        return sorted(found.values(), key=lambda entry: entry.number)

    def each(self, kind: Kind, after: int = 0) -> Iterator[Entry]:
        """All objects of a kind as readers see them, in order of creation."""
        for entry in self._tenant.each(kind, after):
            seen = self.get(entry.id) if entry.id in self._before else entry
            if seen is not None:
                yield seen

    def targets(self, source: str, relation: Relation) -> list[Entry]:
        """Live objects that `source` points to, as readers see them."""
        before = self._held(source)
        if before is None:
            found = self._tenant.targets(source, relation)
            return [e for e in found if self.get(e.id)] if self._before else found
        entries = (self._tenant.get(id) for id in before.targets[relation])
        return [e for e in entries if e is not None and e.deleted is None]

    def sources(self, target: str, relation: Relation) -> list[Entry]:
        """Live objects that point to `target`, as readers see them."""
        found = {e.id: e for e in self._tenant.sources(target, relation)}
        for id, before in self._live().items():
            if target in before.targets[relation] and before.entry is not None:
                found[id] = before.entry
            else:
                found.pop(id, None)
        return sorted(found.values(), key=lambda e: e.number)

    def _held(self, id: str) -> _Before | None:
        before = self._before.get(id)
        if before is not None and before.until <= self._now():
            del self._before[id]
            return None
        return before

    def _live(self) -> dict[str, _Before]:
        return {id: held for id in list(self._before) if (held := self._held(id)) is not None}
