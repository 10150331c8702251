"""The sandbox domain: reachable, persistent, least privilege, and gone with its parent."""

from __future__ import annotations

import os
import signal
import ssl
import stat
import subprocess
import sys
import time
from pathlib import Path

import ldap3
import pytest
from ldap3.core.exceptions import LDAPInsufficientAccessRightsResult

from sandbox.samba import SambaDomain, SandboxError
from tests.samba import Administrator, Ous

CHILD = """
import sys, time
from pathlib import Path
from sandbox.samba import SambaDomain, SandboxError
domain = SambaDomain(Path(sys.argv[1]), "127.0.0.40")
print(domain.start().pid, flush=True)
time.sleep(60)
"""


def as_service(samba: SambaDomain) -> ldap3.Connection:
    settings = samba.settings()
    tls = ldap3.Tls(
        validate=ssl.CERT_REQUIRED, ca_certs_file=settings["ca_file"], valid_names=["localhost"]
    )
    return ldap3.Connection(
        ldap3.Server(settings["url"], tls=tls, get_info=ldap3.NONE, connect_timeout=10),
        settings["bind_dn"],
        Path(settings["password_file"]).read_text(),
        auto_bind=True,
        raise_exceptions=True,
        receive_timeout=30,
    )


def test_certificate_names_the_address_and_strict_clients_accept_it(samba: SambaDomain) -> None:
    context = ssl.create_default_context(cafile=samba.settings()["ca_file"])
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    for name in (samba.address, f"dc1.{samba.realm}", "localhost"):
        import socket

        with (
            socket.create_connection((samba.address, 636), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            assert secured.version() in ("TLSv1.2", "TLSv1.3")


def test_secrets_are_private(samba: SambaDomain) -> None:
    for path in (
        samba.settings()["password_file"],
        samba.administrator()["password_file"],
        samba.state / "tls" / "server.key",
    ):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_service_account_may_write_users_in_its_ous_and_nothing_else(
    samba: SambaDomain, samba_ous: Ous
) -> None:
    service = as_service(samba)
    user = f"CN=Delegated,{samba_ous.people}"
    service.add(user, "user", {"sAMAccountName": "delegated", "userAccountControl": 514})
    service.modify(
        user, {"unicodePwd": [("MODIFY_REPLACE", ['"Xy-12345678-abc"'.encode("utf-16-le")])]}
    )
    service.modify(user, {"title": [("MODIFY_REPLACE", ["Nurse"])]})
    service.modify_dn(user, "CN=Delegated", new_superior=samba_ous.leavers)
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        service.add(f"CN=Elsewhere,CN=Users,{samba.base_dn}", "user", {"userAccountControl": 514})
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        service.add(f"CN=Group,{samba_ous.people}", "group", {})
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        service.modify(
            f"CN=Administrator,CN=Users,{samba.base_dn}", {"title": [("MODIFY_REPLACE", ["x"])]}
        )
    service.unbind()


def test_what_was_written_survives_a_restart(samba_domains) -> None:  # type: ignore[no-untyped-def]
    domain = samba_domains()
    admin = Administrator(domain)
    admin.add_user(domain.settings()["people_ou"], "Kept", sAMAccountName="kept")
    admin.close()
    domain.stop()
    assert domain.process is None
    domain.start()
    admin = Administrator(domain)
    assert admin.entry("(sAMAccountName=kept)")["cn"] == ["Kept"]
    admin.close()
    domain.stop()


def test_one_domain_is_not_started_twice(samba: SambaDomain) -> None:
    twin = SambaDomain(samba.folder, samba.address)
    with pytest.raises(SandboxError) as caught:
        twin.start()
    assert "runs already" in caught.value.problem
    assert caught.value.remedy
    assert samba.process is not None
    assert samba.process.poll() is None


def test_without_root_the_remedy_is_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.samba.SAMBA", tmp_path / "missing")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(SandboxError) as caught:
        SambaDomain(tmp_path / "domain").ensure()
    assert "apt-get install" in caught.value.remedy or "Debian" in caught.value.problem
    assert not (tmp_path / "domain").exists()


def test_a_half_made_domain_is_made_again(samba: SambaDomain) -> None:
    folder = samba.folder.parent / "half"
    (folder / "private").mkdir(parents=True)
    (folder / "private" / "sam.ldb").write_bytes(b"half")
    domain = SambaDomain(folder, "127.0.0.40")
    domain.start()
    Administrator(domain).close()
    domain.stop()


def test_long_folders_are_moved_aside(tmp_path: Path, samba: SambaDomain) -> None:
    folder = tmp_path / ("long" * 20)
    domain = SambaDomain(folder, "127.0.0.40", template=samba.template)
    try:
        domain.start()
        assert domain.state != folder
        assert len(str(domain.state)) <= 75
        assert stat.S_IMODE(domain.state.stat().st_mode) == 0o700
        assert SambaDomain(folder).state == domain.state
    finally:
        domain.stop()
        subprocess.run(["rm", "-rf", str(domain.state)], check=True)


def test_domain_ends_with_its_parent(samba: SambaDomain) -> None:
    assert samba.template is not None
    folder = samba.template.parent / "orphan"
    SambaDomain(folder, template=samba.template).ensure()
    parent = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    assert command.startswith(b"muster sandbox")
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and Path(f"/proc/{pid}").exists():
        time.sleep(0.05)
    alive = Path(f"/proc/{pid}").exists()
    if alive:
        os.kill(pid, signal.SIGKILL)
    assert not alive
