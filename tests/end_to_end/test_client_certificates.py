"""A client certificate through a real nginx, which checks it and passes it on."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from store.clocks import machine_now
from tests.access.keys import Authority, PrivateKey, private_pem
from tests.access.test_certificates import pem
from tests.end_to_end.client_certificates import Shown
from tests.end_to_end.gateway import free_port, wait_for
from tests.end_to_end.nginx import PREFIX, nginx
from tests.end_to_end.plain import Plain

SITE = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/x; uwsgi_temp_path {folder}/y; scgi_temp_path {folder}/z;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem;
    ssl_client_certificate {folder}/clients.pem; ssl_verify_client {verify};
    location /muster/ {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
      proxy_set_header X-SSL-Client-Verify $ssl_client_verify;
    }}
  }}
}}
"""
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
DAYS = (machine_now() - 1_767_225_600) / 86_400
"""Since 1 January 2026."""


class Front:
    """nginx in front of a gateway."""

    def __init__(self, verify: str) -> None:
        self.authority = Authority()
        self.port = free_port()
        self.url = f"https://localhost:{self.port}/muster/scim/v2/Users"
        self.gateway = Plain(
            server={
                "base_url": f"https://localhost:{self.port}/muster",
                "trusted_proxies": ["127.0.0.1"],
            }
        )
        self.folder = self.gateway.folder / "nginx"
        self.folder.mkdir()
        server, key = self.authority.issue("localhost", DAYS - 1, 30, server="localhost")
        self.write("server.pem", server, key)
        self.write("authority.pem", self.authority.certificate)
        checks = self.authority if verify == "optional" else Authority("Somebody else")
        self.write("clients.pem", checks.certificate)
        site = self.folder / "nginx.conf"
        site.write_text(
            SITE.format(
                folder=self.folder, port=self.port, upstream=self.gateway.port, verify=verify
            )
        )
        self.gateway.start()
        assert NGINX is not None
        self.process = subprocess.Popen([NGINX, "-c", str(site), "-p", str(self.folder)])
        wait_for(lambda: self.ask() in (400, 401), 10, "nginx does not answer")

    def write(
        self, name: str, certificate: x509.Certificate, key: PrivateKey | None = None
    ) -> Path:
        """A file with a certificate and its key."""
        file = self.folder / name
        text = certificate.public_bytes(Encoding.PEM).decode()
        file.write_text(text + (private_pem(key) if key else ""))
        return file

    def register(self, certificate: x509.Certificate) -> None:
        file = self.write("registered.pem", certificate)
        self.gateway.made("token", "create", "workday", "--certificate", str(file))

    def ask(self, identity: Path | None = None, **headers: str) -> int:
        """What a client with that certificate is answered."""
        context = ssl.create_default_context(cafile=str(self.folder / "authority.pem"))
        if identity is not None:
            context.load_cert_chain(str(identity))
        try:
            with httpx.Client(verify=context, trust_env=False, timeout=20) as client:
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                return client.get(self.url, headers=named).status_code
        except httpx.ConnectError:
            return 0

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.gateway.end()


@pytest.fixture(params=["optional"])
def front(request: pytest.FixtureRequest) -> Iterator[Front]:
    """nginx with a way of checking certificates; without nginx the test is skipped, but not
    in CI."""
    if NGINX is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no nginx in CI")
        pytest.skip("NO NGINX HERE: install nginx to see certificates passed on by a real one")
    made = Front(request.param)
    yield made
    made.end()


def test_httpx_with_a_certificate_that_is_renewed(front: Front) -> None:
    first, key = front.authority.issue("ips.norhaven.example", DAYS - 1, 30)
    identity = front.write("first.pem", first, key)
    assert front.ask(identity) == 401  # nobody knows it yet
    front.register(first)
    assert front.ask(identity) == 200
    renewed = front.write("next.pem", *front.authority.issue("ips.norhaven.example", DAYS - 1, 60))
    assert front.ask(renewed) == 200
    other = front.write("other.pem", *front.authority.issue("x.norhaven.example", DAYS - 1, 60))
    assert front.ask(other) == 401
    assert front.ask() == 401
    # What the client says of itself is replaced by what nginx knows.
    forged = {"X_SSL_Client_Cert": pem(first), "X_SSL_Client_Verify": "SUCCESS"}
    assert front.ask(**forged) == 401
    assert front.ask(other, **forged) == 401
    impostor = front.write("evil.pem", *Authority().issue("ips.norhaven.example", DAYS - 1, 60))
    assert front.ask(impostor) in (0, 400)


@pytest.mark.parametrize("front", ["optional_no_ca"], indirect=True)
def test_the_right_names_without_a_signature_that_was_checked_are_nobody(front: Front) -> None:
    certificate, key = front.authority.issue("ips.norhaven.example", DAYS - 1, 30)
    front.register(certificate)
    assert front.ask(front.write("first.pem", certificate, key)) == 401
    assert "did not verify" in front.gateway.log()


def test_the_site_that_is_shipped_lets_the_right_certificate_in() -> None:
    """`deploy/nginx.conf` and our own reading of what it passes on agree."""
    behind = free_port()
    with nginx(behind) as front:
        public = f"{front.base}{PREFIX}"
        gateway = Plain(server={"base_url": public, "trusted_proxies": ["127.0.0.1"]})
        gateway.port = behind
        gateway.base = f"http://127.0.0.1:{behind}"
        gateway.settings["server"]["port"] = behind
        gateway.start()
        try:
            known = front.clients.give("ips.norhaven.example")
            gateway.made("token", "create", "workday", "--certificate", str(known.certificate))

            def ask(shown: Shown | None, headers: dict[str, str]) -> int:
                context = front.trust
                if shown is not None:
                    context.load_cert_chain(str(shown.certificate), str(shown.key))
                with httpx.Client(verify=context, trust_env=False, timeout=20) as client:
                    return client.get(f"{public}/scim/v2/Users", headers=headers).status_code

            assert ask(known, {}) == 200
            forged = {
                "X-SSL-Client-Cert": quote(known.certificate.read_text()),
                "X-SSL-Client-Verify": "SUCCESS",
            }
            assert ask(None, forged) == 401
            assert ask(front.clients.give("other.norhaven.example"), forged) == 401
        finally:
            gateway.end()
