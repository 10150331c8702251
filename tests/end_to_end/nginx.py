"""Debian's nginx with `deploy/nginx.conf`, on a free port of 127.0.0.1.

Of the file only what an operator puts in is replaced (name, paths, ports), and on request
how long it waits. Without nginx these tests are skipped and say so; with `CI=true` they fail.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox import certificates
from store.clocks import machine_now
from tests.end_to_end.client_certificates import Authority
from tests.end_to_end.gateway import ROOT, free_port, wait_for

SITE = ROOT / "deploy" / "nginx.conf"
PREFIX = "/muster"
MAIN = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/main.log;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def program() -> str:
    """Where nginx is; skips or fails the test when it is not here."""
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no nginx here; CI has to run these tests", pytrace=False)
        pytest.skip("NOT TESTED BEHIND NGINX: it is not installed")
    return found


class Nginx:
    """nginx in front of a port of 127.0.0.1."""

    def __init__(self, folder: Path, behind: int, waits: Mapping[str, str]) -> None:
        self.folder = folder
        self.port = free_port()
        self.base = f"https://localhost:{self.port}"
        tls = certificates.ensure(folder / "tls", machine_now())
        self.ca = tls.ca
        self.clients = Authority(folder / "clients")
        site = SITE.read_text("utf-8")
        for old, new in {
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "scim.norhaven.example;": "localhost;",
            "/etc/nginx/tls/scim.crt": str(tls.certificate),
            "/etc/nginx/tls/scim.key": str(tls.key),
            "/etc/nginx/tls/client-authorities.pem": str(self.clients.file),
            "/var/log/nginx/": f"{folder}/",
            "127.0.0.1:8080 ": f"127.0.0.1:{behind} ",
            **waits,
        }.items():
            assert old in site, old
            site = site.replace(old, new)
        (folder / "site.conf").write_text(site)
        user = "user root;" if os.getuid() == 0 else ""
        (folder / "main.conf").write_text(MAIN.format(folder=folder, user=user))
        words = [program(), "-p", str(folder), "-c", str(folder / "main.conf")]
        tested = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
        assert tested.returncode == 0, tested.stderr
        assert "warn" not in tested.stderr
        self.process = subprocess.Popen(words, start_new_session=True)
        wait_for(self._listens, 10, "nginx does not start")

    def _listens(self) -> bool:
        assert self.process.poll() is None, self.logs()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def trust(self) -> ssl.SSLContext:
        """For clients that believe its authority."""
        return ssl.create_default_context(cafile=str(self.ca))

    def access_log(self) -> str:
        return (self.folder / "muster.access.log").read_text(errors="replace")

    def logs(self) -> str:
        return "".join(file.read_text(errors="replace") for file in self.folder.glob("*.log"))

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


@contextmanager
def nginx(behind: int, waits: Mapping[str, str] | None = None) -> Iterator[Nginx]:
    """nginx in front of port `behind`; `waits` are replacements in its file."""
    program()
    folder = Path(tempfile.mkdtemp(prefix="muster-nginx-"))
    found = Nginx(folder, behind, waits or {})
    try:
        yield found
    finally:
        found.stop()
        shutil.rmtree(folder)
