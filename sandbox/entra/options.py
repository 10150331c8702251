"""What can be set on the sandbox tenant. The defaults are a friendly, unthrottled tenant."""

from __future__ import annotations

from dataclasses import dataclass, field

ROLES = frozenset(
    {
        "User.ReadWrite.All",
        "User.DeleteRestore.All",
        "User.RevokeSessions.All",
        "User-LifeCycleInfo.ReadWrite.All",
        "Group.ReadWrite.All",
        "GroupMember.ReadWrite.All",
        "Domain.Read.All",
        "Organization.Read.All",
    }
)
"""The application permissions of the sandbox's app registration, unless set otherwise."""


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

    def __post_init__(self) -> None:
        if not self.domains or any(domain != domain.lower() for domain in self.domains):
            raise ValueError("domains: at least one, in lower case")
        if self.throttle < 0:
            raise ValueError("throttle: a number from 0")
        if self.token_seconds < 1:
            raise ValueError("token_seconds: at least 1")
