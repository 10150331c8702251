"""The tenant as the handlers see it: its memory, its replica, its settings and clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sandbox.entra import errors
from sandbox.entra.options import Options
from sandbox.entra.replica import Replica
from sandbox.entra.tenant import Entry, Kind, Tenant, address, fold
from store.clocks import to_datetime

KEPT_SECONDS = 30 * 86_400
"""How long a deleted object can be restored."""


@dataclass(frozen=True)
class Call:
    """One request to Graph, on its own or as an item of a batch."""

    method: str
    segments: tuple[str, ...]
    """The path after the version, decoded: `("users", id, "manager", "$ref")`."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By lower-case name."""
    body: Any = None
    """Parsed JSON; None when there was none."""
    lag: float = 0.0
    """Seconds for which readers shall not see what this call writes."""
    roles: frozenset[str] = frozenset()
    """Application permissions in the caller's token."""
    base: str = ""
    """Where the caller has reached Graph: pages of a list go on there."""

    @property
    def eventual(self) -> bool:
        """Whether the caller takes results that may lag: needed for advanced queries."""
        return self.headers.get("consistencylevel", "").lower() == "eventual"


@dataclass(frozen=True)
class Answer:
    """Status, body (JSON, or bytes as they are) and headers of a response."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Directory:
    """`base` is `https://localhost:PORT/v1.0`; `today` gives business time, `now` the machine's."""

    tenant: Tenant
    replica: Replica
    options: Options
    today: Callable[[], float]
    now: Callable[[], float]
    base: str = ""

    def stamp(self) -> str:
        """Business time as Graph writes it."""
        return to_datetime(self.today()).strftime("%Y-%m-%dT%H:%M:%SZ")

    def user(self, key: str, *, write: bool = False) -> Entry:
        """The live user with this id or user name. Raises GraphError 404."""
        return self._live("user", key, write)

    def group(self, id: str, *, write: bool = False) -> Entry:
        """The live group with this id. Raises GraphError 404."""
        return self._live("group", id, write)

    def object(self, id: str) -> Entry | None:
        """A live user or group that readers see, or None."""
        entry = self.replica.get(id)
        return entry if entry is not None and entry.deleted is None else None

    def referenced(self, body: Any) -> Entry:
        """The object an `@odata.id` names. Raises GraphError 400 or 404.

        An object that was created but is not seen yet: 400, as Entra says it.
        """
        url = body.get("@odata.id") if isinstance(body, dict) else None
        if not isinstance(url, str) or not url.lower().startswith("https://"):
            raise errors.bad_request("Invalid URL format specified in @odata.id.")
        key = url.rstrip("/").rpartition("/")[2]
        entry = self.object(key)
        if entry is None and "/users/" in url and "@" in key:
            entry = self._by_upn(key)
        if entry is not None:
            return entry
        if self.tenant.get(key) is not None and self.replica.get(key) is None:
            raise errors.bad_request("Not a valid reference update.")
        raise errors.not_found(key)

    def save(self, entry: Entry, call: Call) -> Entry:
        """Write an object; with `call.lag`, readers see it later."""
        with self.lagging(entry.id, call):
            return self.tenant.put(entry)

    @contextmanager
    def lagging(self, id: str, call: Call) -> Iterator[None]:
        """What is written to an object inside, readers see later if the call lags."""
        before = self.replica.snapshot(id) if call.lag else None
        yield
        if before is not None:
            self.replica.hold_back(id, before, call.lag)

    def expire(self) -> None:
        """Purge what was deleted 30 days ago."""
        if overdue := self.tenant.deleted(self.today() - KEPT_SECONDS):
            with self.tenant.transaction():
                for entry in overdue:
                    self.tenant.purge(entry.id)

    def holder(
        self, kinds: Iterable[Kind], name: str, value: str, but: str | None = None
    ) -> Entry | None:
        """Another object with this value of an indexed property, which must be unique."""
        for kind in kinds:
            for entry in self.tenant.find(kind, name, value):
                holds = entry.deleted is None or self.options.deleted_hold_names
                if entry.id != but and holds:
                    return entry
        return None

    def check_proxies(self, document: Mapping[str, Any], id: str | None) -> None:
        """Raise GraphError 400 when another user or group has one of the addresses."""
        for proxy in document.get("proxyAddresses") or ():
            other = self.holder(("user", "group"), "proxyAddresses", address(proxy), id)
            if other is not None:
                raise errors.conflict("proxyAddresses", f"{other.kind.title()}_{other.id}")

    def _by_upn(self, upn: str) -> Entry | None:
        for entry in self.replica.find("user", "userPrincipalName", upn):
            # Held-back objects are found whatever their name is.
            if entry.deleted is None and fold(entry.document["userPrincipalName"]) == fold(upn):
                return entry
        return None

    def _live(self, kind: Kind, key: str, write: bool) -> Entry:
        seen: Entry | None = self.replica.get(key)
        if seen is None and kind == "user" and "@" in key:
            seen = self._by_upn(key)
        if seen is not None and write:
            seen = self.replica.reachable(seen.id)
        if seen is None or seen.kind != kind or seen.deleted is not None:
            raise errors.not_found(key)
        return seen
