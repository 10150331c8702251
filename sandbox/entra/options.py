"""What can be set on the sandbox tenant. The defaults are a friendly, unthrottled tenant."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.entra.tenant import Sku

ROLES = frozenset(
    {
        "User.ReadWrite.All",
        "User.DeleteRestore.All",
        "User.RevokeSessions.All",
        "User-LifeCycleInfo.ReadWrite.All",
        "Group.ReadWrite.All",
        "GroupMember.ReadWrite.All",
        "LicenseAssignment.ReadWrite.All",
        "Domain.Read.All",
        "Organization.Read.All",
    }
)
"""The application permissions of the sandbox's app registration, unless set otherwise."""


SKUS = (
    Sku("6fd2c87f-b296-42f0-b197-1e91e994b900", "ENTERPRISEPACK", 250_000),
    Sku("efccb6f7-5641-4e0e-bd10-b4976e1bf68e", "EMS", 250_000),
    Sku("c5928f49-12ba-48f7-ada3-0d743a3601d5", "VISIOCLIENT", 10),
)
"""Licences that a new tenant has: two for everybody, one with few seats."""


@dataclass(frozen=True)
class Options:
    """Settings of a tenant; kept in memory, back to the defaults at a reset."""

    domains: tuple[str, ...] = ("norhaven.example",)
    """Verified domains, lower case; the first is the default one."""
    roles: frozenset[str] = field(default=ROLES)
    """Application permissions that tokens carry (claim `roles`)."""
    throttle: float = 0.0
    """0 is off, 1 the real quotas, 0.01 a hundredth of them."""
    decimal_retry_after: bool = False
    """Whether Retry-After is `2.128`, which Graph may send, and not a whole number."""
    token_seconds: int = 3599
    """How long an access token is good for."""
    deleted_hold_names: bool = False
    """False, as documented: a deleted user's UPN is free at once. True: user name and
    addresses stay taken until the user is purged (seen in the field)."""

    skus: tuple[Sku, ...] = SKUS
    """Licences that the tenant begins with, and begins anew with at a reset."""

    def __post_init__(self) -> None:
        if not self.domains or any(domain != domain.lower() for domain in self.domains):
            raise ValueError("domains: at least one, in lower case")
        if self.throttle < 0:
            raise ValueError("throttle: a number from 0")
        if self.token_seconds < 1:
            raise ValueError("token_seconds: at least 1")
