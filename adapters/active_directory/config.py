"""Settings of one Active Directory domain."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

_ATTRIBUTES = (
    "sAMAccountName userPrincipalName mail proxyAddresses displayName givenName middleName sn "
    "initials employeeID employeeNumber employeeType title department division company "
    "description physicalDeliveryOfficeName streetAddress l st postalCode c co countryCode "
    "telephoneNumber mobile facsimileTelephoneNumber preferredLanguage accountExpires"
)


@dataclass(frozen=True)
class Config:
    """How to reach a domain and what to read of an account. In muster.yaml:

        targets:
          ad:
            type: active_directory
            url: [ldaps://dc1.norhaven.example, ldaps://dc2.norhaven.example]
            bind_dn: CN=svc-muster,OU=Service,DC=norhaven,DC=example
            password: file:/etc/muster/ad.password
            base_dn: DC=norhaven,DC=example
            people_ou: OU=People,DC=norhaven,DC=example
            leavers_ou: OU=Leavers,DC=norhaven,DC=example
            ca_file: /etc/muster/norhaven-ca.pem

    The service account needs no more than this, on each of the two OUs:

        dsacls OU /I:T /G "ACCOUNT:CCDC;user"
        dsacls OU /I:S /G "ACCOUNT:RPWP;;user" "ACCOUNT:CA;Reset Password;user"

    on each OU with groups that rules give or take:

        dsacls OU /I:S /G "ACCOUNT:WP;member;group"

    and, to bring deleted accounts back, on the domain and its recycle bin:

        dsacls DOMAIN /G "ACCOUNT:CA;Reanimate Tombstones"
        dsacls "CN=Deleted Objects,DOMAIN" /takeownership
        dsacls "CN=Deleted Objects,DOMAIN" /G "ACCOUNT:LCRP"

    The certificate must name the host in `url` and come from `ca_file` (None: the
    authorities this machine trusts). There is no switch to skip that. The next URL is
    used when one does not answer; all work then stays with the one that did.
    """

    url: str | tuple[str, ...]
    bind_dn: str
    """DN, userPrincipalName or DOMAIN\\name of the service account."""
    password: Callable[[], str]
    """Asked at every bind, so that a rotated secret is picked up."""
    base_dn: str
    """Where accounts are searched: the domain, or one OU."""
    people_ou: str
    leavers_ou: str | None = None
    ca_file: str | None = None
    attributes: tuple[str, ...] = tuple(_ATTRIBUTES.split())
    """Which attributes `read` returns: those that a mapping writes or compares."""
    references: tuple[str, ...] = ("manager",)
    """DN-valued attributes, returned as anchors in `Account.references`."""
    privileged: Literal["report", "disable"] = "report"
    """What may be done to accounts with adminCount=1: nothing, or the disable step."""
    connect_timeout: int = 5
    """Whole seconds for TCP and for the TLS handshake, each."""
    receive_timeout: int = 20
    """Whole seconds without a byte from the server."""
    connections: int = 4
    """Most connections at once; give it the number of worker threads."""

    def __post_init__(self) -> None:
        for url in self.urls:
            parts = urlsplit(url)
            if parts.scheme != "ldaps" or not parts.hostname:
                raise ValueError(f"{url} is not of the form ldaps://host or ldaps://host:636")

    @property
    def urls(self) -> tuple[str, ...]:
        """The domain controllers in order of preference."""
        return (self.url,) if isinstance(self.url, str) else tuple(self.url)

    @property
    def domain_dn(self) -> str:
        """The DN of the domain that `base_dn` is or lies in."""
        return self.base_dn[_domain_starts(self.base_dn) :]

    @property
    def domain(self) -> str:
        """DNS name of the domain, from the DC= parts of `base_dn`; lower case."""
        parts = [part.strip() for part in self.base_dn.split(",")]
        return ".".join(part[3:] for part in parts if part[:3].upper() == "DC=").lower()


def _domain_starts(dn: str) -> int:
    """Where the DC= parts of a DN begin; at its front when it has none."""
    found = re.search(r"(?:^|(?<!\\),)\s*(DC=)", dn, re.IGNORECASE)
    return found.start(1) if found else 0
