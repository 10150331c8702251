"""What the adapter must be told about a tenant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_NATIONAL_CLOUDS = frozenset(
    {"graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"}
)
"""https://learn.microsoft.com/graph/deployments"""


@dataclass(frozen=True)
class Config:
    """A tenant and the application that speaks for Muster in it.

    As `muster.yaml` says it (a secret is a reference, never a value)::

        targets:
          entra:
            kind: entra_id
            tenant_id: 3f2a8c1e-5b7d-4e9f-8a6b-0c1d2e3f4a5b
            client_id: 9c8b7a69-5847-4362-8140-f1e2d3c4b5a6
            client_secret: env:MUSTER_ENTRA_SECRET     # or certificate: /etc/muster/entra.pem

    The application needs the Graph *application* permissions `User.ReadWrite.All` (or the granular
    `User.EnableDisableAccount.All`, `User-Phone.ReadWrite.All` ... beside `User.Read.All`),
    `User.RevokeSessions.All`; to delete accounts and bring them back, `User.DeleteRestore.All`; for
    groups that rules give, `GroupMember.ReadWrite.All`; for licences,
    `LicenseAssignment.ReadWrite.All`.

    Raises ValueError when the values cannot work together.
    """

    tenant_id: str
    client_id: str
    client_secret: Callable[[], str] | None = field(default=None, repr=False)
    """Asked for at every sign-in, so that a rotated secret needs no restart."""
    certificate: Path | None = None
    """PEM file with the application's certificate and its unencrypted private key."""
    graph: str = "https://graph.microsoft.com/v1.0"
    """Base URL. National clouds: `https://graph.microsoft.us/v1.0` and the like."""
    authority: str = "https://login.microsoftonline.com"
    scope: str = ""
    """What tokens are asked for; empty: that of the cloud which `graph` belongs to, and for
    hosts that are no cloud (a sandbox, a relay) that of the public one."""
    ca_file: Path | None = None
    """Trust only this CA; None: the public ones."""
    proxy: str | None = None
    """`http://proxy:3128`; proxies named in the environment are not used."""
    key: str = "employeeId"
    """The attribute that alone says whose account it is: the outbound mapping's first match
    key. Empty: none does."""
    further: tuple[str, ...] = ()
    """User properties to read beside the usual ones (`extension_<app>_<name>`)."""
    hybrid: bool = False
    """Entra Connect feeds this tenant: its accounts are expected and only what the cloud owns is
    written. Without it, an account under Entra Connect is protected."""
    connect_timeout: float = 5.0
    """Seconds for TCP and TLS."""
    answer_timeout: float = 30.0
    """Seconds of silence after which an answer counts as lost."""
    writes_per_second: float = 18.0
    """Graph allows an application 3,000 writes in 150 s per tenant; 0 = do not pace."""
    visible_within: float = 600.0
    """Seconds in which a 404 for an account made here means "not yet" instead of "gone"."""
    patience: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    """Seconds to wait between looks for such an account before putting it off."""

    def __post_init__(self) -> None:
        if not self.tenant_id or not self.client_id:
            raise ValueError("tenant_id and client_id are needed")
        if (self.client_secret is None) == (self.certificate is None):
            raise ValueError("give either client_secret or certificate")
        for name in ("graph", "authority"):
            url = urlsplit(getattr(self, name))
            if url.scheme != "https" or not url.hostname or url.username:
                raise ValueError(f"{name} must be an https URL without a user in it")
        for name in ("connect_timeout", "answer_timeout"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0 seconds")

    @property
    def graph_host(self) -> str:
        """The one host that may see our token."""
        return urlsplit(self.graph).hostname or ""

    @property
    def token_scope(self) -> str:
        """`scope`, or the one that goes with `graph`."""
        host = self.graph_host if self.graph_host in _NATIONAL_CLOUDS else "graph.microsoft.com"
        return self.scope or f"https://{host}/.default"

    @property
    def base_url(self) -> str:
        """`graph` with its version and without a slash at the end."""
        base = self.graph.rstrip("/")
        return base if urlsplit(base).path else f"{base}/v1.0"
