"""Graph's quotas for identity and access, as token buckets.

Source: "Microsoft Graph service-specific throttling limits", identity and access: per app
and tenant 3,000 writes in 150 s and 3,500 / 5,000 / 8,000 resource units in 10 s by size of
the tenant; per tenant 18,000 writes in 5 minutes.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.entra.errors import GraphError, by_status

_COSTS = {"users": 2, "members": 3, "memberOf": 2, "subscribedSkus": 3}
_SMALL, _MEDIUM, _LARGE = 3500, 5000, 8000


@dataclass
class _Bucket:
    capacity: float
    seconds: float
    level: float
    filled: float

    def wait(self, amount: float, now: float) -> float:
        """Seconds until `amount` is there; 0 when it is."""
        rate = self.capacity / self.seconds
        self.level = min(self.capacity, self.level + (now - self.filled) * rate)
        self.filled = now
        return max(0.0, (min(amount, self.capacity) - self.level) / rate)


class Throttle:
    """The buckets of one app in one tenant. Safe to use from several threads."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._factor = 0.0

    def scale(self, factor: float) -> None:
        """0 is off, 1 the real quotas, 0.01 a hundredth. Fills the buckets."""
        with self._lock:
            self._factor = factor
            self._buckets.clear()

    def take(
        self,
        *,
        write: bool,
        units: int,
        users: Callable[[], int],
        tenant: str,
        app: str,
        decimal: bool,
    ) -> Mapping[str, str]:
        """Pay for a request; returns the headers that tell the state of the quota.

        `users` counts the users of the tenant, which decides the resource units. Raises GraphError
        429 with Retry-After and the scope of the limit.
        """
        with self._lock:
            if self._factor == 0:
                return {} if write else {"x-ms-resource-unit": str(units)}
            now = self._now()
            if write:
                limits = [
                    (self._bucket("Tenant_Application/Write", 3000, 150, now), 1),
                    (self._bucket("Tenant/Write", 18000, 300, now), 1),
                ]
            else:
                found = users()
                size = _SMALL if found < 50 else _MEDIUM if found <= 500 else _LARGE
                limits = [(self._bucket(f"Tenant_Application/Read/{size}", size, 10, now), units)]
            waits = [(bucket.wait(amount, now), name) for (name, bucket), amount in limits]
            longest, name = max(waits)
            if longest > 0:
                raise self._refusal(longest, name, write, tenant, app, decimal)
            for (_, bucket), amount in limits:
                bucket.level -= amount
            used = max(1 - bucket.level / bucket.capacity for (_, bucket), _ in limits)
        headers = {} if write else {"x-ms-resource-unit": str(units)}
        if used >= 0.8:
            headers["x-ms-throttle-limit-percentage"] = f"{used:.2f}"
        return headers

    def _bucket(
        self, name: str, capacity: float, seconds: float, now: float
    ) -> tuple[str, _Bucket]:
        # Never below one request, so that a small factor slows down and does not shut off.
        size = max(1.0, capacity * self._factor)
        found = self._buckets.get(name)
        if found is None:
            found = self._buckets[name] = _Bucket(
                size, seconds * size / (capacity * self._factor), size, now
            )
        return name, found

    @staticmethod
    def _refusal(
        wait: float, name: str, write: bool, tenant: str, app: str, decimal: bool
    ) -> GraphError:
        scope, kind, *_ = name.split("/")
        return by_status(
            429,
            {
                "Retry-After": f"{wait:.3f}" if decimal else str(math.ceil(wait)),
                "x-ms-throttle-limit-percentage": "1.00",
                "x-ms-throttle-scope": f"{scope}/{kind}/{app}/{tenant}",
                "x-ms-throttle-information": (
                    "WriteLimitExceeded" if write else "ResourceUnitLimitExceeded"
                ),
            },
        )


def units(segments: tuple[str, ...], query: Mapping[str, str]) -> int:
    """What a GET costs in resource units, never below 1."""
    cost = 1
    if len(segments) == 1:
        cost = _COSTS.get(segments[0], 1)
    elif len(segments) == 3 and segments[2] in ("members", "memberOf"):
        cost = _COSTS[segments[2]]
    if "$select" in query:
        cost -= 1
    if "$expand" in query:
        cost += 1
    if query.get("$top", "").isdigit() and int(query["$top"]) < 20:
        cost -= 1
    return max(1, cost)
