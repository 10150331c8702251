"""A client certificate through Debian's nginx with the site that is shipped, which checks it
and passes it on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx

from tests.end_to_end.client_certificates import Authority, Shown
from tests.end_to_end.nginx import PREFIX, Nginx, nginx
from tests.end_to_end.plain import Plain


class Front:
    """nginx in front of a gateway that trusts it."""

    def __init__(self, gateway: Plain, site: Nginx) -> None:
        self.gateway = gateway
        self._site = site
        self.clients = site.clients
        self.impostor = Authority(site.folder / "impostor")
        """Another authority of the same name; and one that nginx has never heard of."""
        self.unknown = Authority(site.folder / "unknown", "Unknown Authority")
        self._users = f"{site.base}{PREFIX}/scim/v2/Users"

    def register(self, shown: Shown) -> None:
        self.gateway.made("token", "create", "workday", "--certificate", str(shown.certificate))

    def ask(self, shown: Shown | None = None, **headers: str) -> int:
        """What a client with that certificate is answered; 0: TLS itself refuses it."""
        context = self._site.trust
        if shown is not None:
            context.load_cert_chain(str(shown.certificate), str(shown.key))
        try:
            with httpx.Client(verify=context, trust_env=False, timeout=20) as client:
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                return client.get(self._users, headers=named).status_code
        except httpx.ConnectError:
            return 0


@contextmanager
def front(verify: str = "optional") -> Iterator[Front]:
    """`verify` is how nginx checks certificates."""
    gateway = Plain()
    try:
        with nginx(
            gateway.port, {"ssl_verify_client optional;": f"ssl_verify_client {verify};"}
        ) as site:
            gateway.settings["server"] |= {
                "base_url": f"{site.base}{PREFIX}",
                "trusted_proxies": ["127.0.0.1"],
            }
            gateway.start()
            yield Front(gateway, site)
    finally:
        gateway.end()


def text(file: Path) -> str:
    """As nginx would pass it on."""
    return quote(file.read_text())


def test_httpx_with_a_certificate_that_is_renewed() -> None:
    with front() as found:
        first = found.clients.give("ips.norhaven.example")
        assert found.ask(first) == 401  # nobody knows it yet
        found.register(first)
        assert found.ask(first) == 200
        known = text(first.certificate)
        assert found.ask(found.clients.give("ips.norhaven.example")) == 200
        other = found.clients.give("x.norhaven.example")
        assert found.ask(other) == 401
        assert found.ask() == 401
        # What the client says of itself is replaced by what nginx knows.
        forged = {"X_SSL_Client_Cert": known, "X_SSL_Client_Verify": "SUCCESS"}
        assert found.ask(**forged) == 401
        assert found.ask(other, **forged) == 401
        assert found.ask(found.impostor.give("ips.norhaven.example")) in (0, 400)


def test_the_right_names_without_a_signature_that_was_checked_are_nobody() -> None:
    with front("optional_no_ca") as found:
        certificate = found.unknown.give("ips.norhaven.example")
        found.register(certificate)
        assert found.ask(certificate) == 401
        assert "did not verify" in found.gateway.log()
