"""What the rest of Muster is to this room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from adapters.bulk_upload.on_demand import PATIENCE
from adapters.bulk_upload.uploads import MOST_WAITING
from mappings.inbound import Inbound
from mappings.outbound import Outbound
from scim.discovery import Limits
from scim.listener import Listener
from scim.schema import Registry
from store.clocks import BusinessClock, machine_now
from store.database import Database


@dataclass(frozen=True)
class House:
    """What is wired in by `app.py`. `sources` are the configured ones, `clearing` those among
    them whose null means empty, `domain` is what DefaultDomain() gives; `inbounds` gives each
    source's mapping, `outbounds` each target's mapping and kind; `base` is the public address."""

    db: Database
    registry: Registry
    listener: Listener
    business: BusinessClock
    limits: Limits
    sources: Sequence[str]
    clearing: frozenset[str]
    inbounds: Callable[[], Mapping[str, Inbound]]
    outbounds: Callable[[], Mapping[str, tuple[Outbound, str]]]
    targets: Sequence[str]
    domain: str | None
    base: str
    now: Callable[[], float] = machine_now
    most_waiting: int = MOST_WAITING
    patience: float = PATIENCE
