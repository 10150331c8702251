"""A real Active Directory domain controller on loopback: Samba, without systemd, DNS or /etc.

    domain = SambaDomain(Path("data/samba"))
    domain.ensure()                  # packages and an empty domain, the first time
    process = domain.start()         # ready to be asked when it returns
    domain.settings()["url"]         # ldaps://127.0.0.10:636
    domain.stop()

Samba's ports cannot be chosen, its address can: several domains live side by side on
different addresses of 127.0.0.0/8. The process ends when its parent does, because it
watches a pipe that the parent holds open (children forked without exec hold it too).
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from sandbox import certificates
from store.clocks import machine_now

PACKAGES = ("samba", "samba-ad-provision", "samba-dsdb-modules", "python3-samba")
SAMBA = Path("/usr/sbin/samba")
PYTHON = Path("/usr/bin/python3")
PROVISION = Path(__file__).with_name("samba_provision.py")
LDIF = Path("/usr/share/samba/setup/provision.ldif")
PORTS = (636, 389, 3268, 3269)
LONGEST_STATE_DIR = 75  # characters; unix socket paths below it end at 107
SERVICE_ACCOUNT = "svc-muster"
READY_SECONDS = 30.0
TITLE = b"muster sandbox"  # in ps

SMB_CONF = """[global]
netbios name = {host}
workgroup = {domain}
realm = {realm}
server role = active directory domain controller
server services = ldap
dcerpc endpoint servers = none
interfaces = {address}/8
bind interfaces only = yes
ldap server require strong auth = allow_sasl_over_tls
ldb:nosync = true
tls enabled = yes
tls certfile = {state}/tls/server.pem
tls keyfile = {state}/tls/server.key
tls cafile = {state}/tls/ca.pem
log file = {state}/log.samba
max log size = 1000
private dir = {state}/private
lock directory = {state}
state directory = {state}
cache directory = {state}
pid directory = {state}/run
ncalrpc dir = {state}/ncalrpc
binddns dir = {state}/bind
winbindd socket directory = {state}/winbind
ntp signd socket directory = {state}/ntp
[sysvol]
path = {state}/sysvol
[netlogon]
path = {state}/netlogon
"""


class SandboxError(Exception):
    """The sandbox cannot run here. `problem` and `remedy` are plain words for a person."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


class SambaDomain:
    """One AD domain with its state below `folder`.

    address   wanted 127/8 address; the next free one is taken when its ports are in use
    realm     DNS name of the domain, also its UPN and mail suffix
    template  a folder where an empty domain is provisioned once and then copied from
              (tests want many domains); None provisions straight into `folder`
    """

    def __init__(
        self,
        folder: Path,
        address: str = "127.0.0.10",
        realm: str = "norhaven.example",
        template: Path | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.address = address
        self.realm = realm
        self.base_dn = ",".join(f"DC={label}" for label in realm.split("."))
        self.template = template
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def state(self) -> Path:
        """Where Samba's own files lie: `folder`, or a short directory noted in `folder/place`."""
        place = self.folder / "place"
        return Path(place.read_text().strip()) if place.exists() else self.folder

    def ensure(self) -> None:
        """Install what is missing and provision the domain, unless both are there.

        Raises SandboxError when this machine cannot carry a domain.
        """
        if not (SAMBA.exists() and LDIF.exists()):
            _install()
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.state / "ready").exists():
            return
        if self.template is None:
            self._choose_place()
            _provision(self.state, self.realm, self.address)
            return
        with _lock(self.template):
            if not (self.template / "ready").exists():
                _provision(self.template, self.realm, self.address)
        self._choose_place()
        subprocess.run(
            ["cp", "-a", "--sparse=always", f"{self.template}/.", str(self.state)], check=True
        )

    def start(self, lifeline: int | None = None) -> subprocess.Popen[bytes]:
        """Start the domain controller and wait until LDAPS answers (well under a second).

        lifeline   the read end of a pipe: Samba lives until every writer has closed it;
                   None makes a pipe that this process holds

        Raises SandboxError when it does not come up.
        """
        if self.process and self.process.poll() is None:
            return self.process
        self.ensure()
        _wait_for_predecessor(self.state)
        problem = ""
        for _ in range(5):  # the address may be taken between our look and Samba's bind
            self.address = _free_address(self.address)
            self._configure()
            self.process = self._spawn(lifeline)
            if self._wait_until_ready(self.process):
                return self.process
            self.stop()
            problem = _last_words(self.state)
        raise SandboxError(
            f"Samba did not start: {problem}",
            f"read {self.state}/log.samba, or remove {self.folder} to begin with an empty domain",
        )

    def stop(self) -> None:
        """Stop the domain controller. What was written stays."""
        process, self.process = self.process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        if process.poll() is not None:  # its number may be somebody else's by now
            return
        for number in (signal.SIGCONT, signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            if number == signal.SIGCONT:  # a paused process would not hear SIGTERM
                continue
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
                break

    def settings(self) -> dict[str, Any]:
        """How to reach the domain as the least-privilege service account."""
        return {
            "url": f"ldaps://{self.address}:636",
            "base_dn": self.base_dn,
            "bind_dn": f"CN={SERVICE_ACCOUNT},CN=Users,{self.base_dn}",
            "password_file": str(self.state / "service.password"),
            "ca_file": str(self.state / "tls" / "ca.pem"),
            "people_ou": f"OU=People,{self.base_dn}",
            "leavers_ou": f"OU=Leavers,{self.base_dn}",
            "domain": self.realm,
        }

    def administrator(self) -> Mapping[str, str]:
        """`bind_dn` and `password_file` of the domain's administrator, for tests and demos."""
        return {
            "bind_dn": f"CN=Administrator,CN=Users,{self.base_dn}",
            "password_file": str(self.state / "administrator.password"),
        }

    def _choose_place(self) -> None:
        """Samba refuses deep folders; take a short private one instead and note it."""
        place = self.folder / "place"
        place.unlink(missing_ok=True)
        if len(str(self.folder)) > LONGEST_STATE_DIR:
            place.write_text(tempfile.mkdtemp(prefix="muster-samba-", dir="/var/tmp"))
        self.state.chmod(0o700)

    def _configure(self) -> None:
        """Write what depends on the address: smb.conf and, when it changed, the certificate."""
        noted = self.state / "address"
        if not noted.exists() or noted.read_text() != self.address:
            names = [f"dc1.{self.realm}", "localhost", self.address]
            certificates.ensure(self.state / "tls", machine_now(), names)
            noted.write_text(self.address)
        _write_smb_conf(self.state, self.realm, self.address)

    def _spawn(self, lifeline: int | None) -> subprocess.Popen[bytes]:
        with (self.state / "samba.out").open("wb") as output:
            return subprocess.Popen(
                [TITLE.decode(), "-i", "-M", "single", "-s", str(self.state / "smb.conf")],
                executable=SAMBA,
                # with -i, Samba exits when this pipe closes
                stdin=subprocess.PIPE if lifeline is None else lifeline,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> bool:
        context = ssl.create_default_context(cafile=str(self.state / "tls" / "ca.pem"))
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with (
                contextlib.suppress(OSError),
                socket.create_connection((self.address, 636), timeout=1) as plain,
                context.wrap_socket(plain, server_hostname=self.address),
            ):
                return True
            time.sleep(0.02)
        return False


def _provision(state: Path, realm: str, address: str) -> None:
    """Make an empty domain in `state`; a half-made one from an earlier crash is removed."""
    if state.exists():
        for entry in state.iterdir():
            if entry.name == "place":
                continue
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)
    passwords = {}
    for name in ("administrator", "service"):
        passwords[name] = "Aa1-" + secrets.token_urlsafe(24)  # satisfies the complexity rule
        certificates.write_private(state / f"{name}.password", passwords[name].encode())
    order = {
        "folder": str(state),
        "smb_conf": str(_write_smb_conf(state, realm, address)),
        "realm": realm,
        "domain": _netbios(realm),
        "host": "dc1",
        "address": address,
        "administrator_password": passwords["administrator"],
        "service_account": SERVICE_ACCOUNT,
        "service_password": passwords["service"],
        "ous": ["People", "Leavers", "Groups"],
    }
    done = subprocess.run(
        [str(PYTHON), "-I", str(PROVISION)],
        input=json.dumps(order).encode(),
        capture_output=True,
        timeout=300,
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise SandboxError(
            f"the sandbox domain could not be provisioned: {''.join(last)}",
            "check that the Debian packages " + ", ".join(PACKAGES) + " are complete",
        )
    (state / "ready").touch()


def _write_smb_conf(state: Path, realm: str, address: str) -> Path:
    for name in ("run", "ncalrpc", "sysvol", "netlogon", "tls"):
        (state / name).mkdir(exist_ok=True)
    path = state / "smb.conf"
    path.write_text(
        SMB_CONF.format(
            host="dc1", domain=_netbios(realm), realm=realm.upper(), address=address, state=state
        )
    )
    return path


def _netbios(realm: str) -> str:
    return realm.split(".")[0].upper()[:15]


def _free_address(wanted: str) -> str:
    """`wanted`, or the next address above it on which all of Samba's ports are free."""
    address = IPv4Address(wanted)
    for _ in range(200):
        try:
            for port in PORTS:
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind((str(address), port))
        except PermissionError:
            raise SandboxError(
                "a domain controller needs the ports 389 and 636, which this user may not open",
                "run as root, or name a directory of your own in muster.yaml",
            ) from None
        except OSError:
            address += 1
        else:
            return str(address)
    raise SandboxError(
        f"ports 389 and 636 are in use on {wanted} and 200 addresses after it",
        "stop the other servers or give another address",
    )


def _wait_for_predecessor(state: Path) -> None:
    """A domain whose parent was killed needs a moment to notice; two must not share files."""
    noted = state / "run" / "samba.pid"
    deadline = time.monotonic() + 5
    while noted.exists():
        number = noted.read_text().strip()
        command = Path("/proc") / number / "cmdline"
        if not number or not command.exists() or not command.read_bytes().startswith(TITLE):
            return
        if time.monotonic() > deadline:
            raise SandboxError(
                f"the sandbox domain runs already (process {number})",
                "stop the other Muster, or give this one another data folder",
            )
        time.sleep(0.02)


def _last_words(state: Path) -> str:
    text = (state / "samba.out").read_text(errors="replace").strip()
    if not text and (state / "log.samba").exists():
        text = (state / "log.samba").read_text(errors="replace").strip()
    return text.splitlines()[-1].strip() if text else "it said nothing"


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Let one process at a time provision a shared template."""
    import fcntl

    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(folder.name + ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install() -> None:
    """Install Samba through apt without letting its file-server daemons start."""
    remedy = "on Debian or Ubuntu run: apt-get install --no-install-recommends " + " ".join(
        PACKAGES
    )
    if not (Path("/etc/debian_version").exists() and shutil.which("apt-get")):
        raise SandboxError(
            "the sandbox domain needs Samba, and this machine is no Debian",
            "name a directory of your own in muster.yaml, or run Muster on Debian as root",
        )
    if os.geteuid() != 0:
        raise SandboxError("Samba is missing and only root can install it", remedy)
    guard = Path("/usr/sbin/policy-rc.d")
    ours = not guard.exists()
    if ours:
        guard.write_text("#!/bin/sh\nexit 101\n")
        guard.chmod(0o755)
    try:
        for command in (["install"], ["update"], ["install"]):  # lists are often old or empty
            packages = ["--no-install-recommends", *PACKAGES] if command == ["install"] else []
            done = subprocess.run(
                ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300", *command, *packages],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                capture_output=True,
                stdin=subprocess.DEVNULL,
            )
            if command == ["install"] and done.returncode == 0:
                break
        else:
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise SandboxError(f"Samba could not be installed: {''.join(last)}", remedy)
    finally:
        if ours:
            guard.unlink(missing_ok=True)
    if Path("/run/systemd/system").exists():  # nor may they start at the next boot
        subprocess.run(
            ["systemctl", "disable", "smbd", "nmbd", "samba-ad-dc"],
            capture_output=True,
            check=False,
        )
