"""docs/hosting.md does what it says: its commands run, its settings load, its links answer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import cli
import settings
from tests.end_to_end.gateway import free_port
from tests.end_to_end.nginx import PREFIX, nginx
from tests.end_to_end.running import running

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "hosting.md").read_text("utf-8")
NOT_HERE = ("useradd", "systemctl", "nginx", "runuser")
"""They would change this machine: their words are noted instead."""


def block(name: str) -> str:
    (found,) = re.findall(rf"```sh {name}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine's folders, with the repository in /opt/muster."""
    for folder in ("opt", "etc/systemd/system", "etc/nginx/sites-available",
                   "etc/nginx/sites-enabled", "bin"):  # fmt: skip
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "opt" / "muster").symlink_to(ROOT)
    for name in NOT_HERE:
        stand_in = tmp_path / "bin" / name
        stand_in.write_text(f'#!/bin/sh\necho "{name} $*" >> "{tmp_path}/noted"\n')
        stand_in.chmod(0o755)
    return tmp_path


def run(machine: Path, script: str) -> None:
    """Run the commands of a block on `machine`."""
    script = re.sub(r"(?<=[ =])/(opt|etc|var)/", rf"{machine}/\1/", "\n" + script)
    script = re.sub(r"^/opt/", f"{machine}/opt/", script, flags=re.MULTILINE)
    script = script.replace(" -g muster ", " ")  # a group that useradd would have made
    environ = {**os.environ, "PATH": f"{machine}/bin:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        env=environ, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_commands_install_what_they_say(machine: Path) -> None:
    # Not run: where the requirements changed it would make the environment anew that we run in.
    run(
        machine,
        block("install").replace(
            "/opt/muster/scripts/run --help", "test -x /opt/muster/scripts/run"
        ),
    )
    run(machine, block("start"))
    run(machine, block("nginx"))
    unit = machine / "etc/systemd/system/muster.service"
    assert unit.read_bytes() == (ROOT / "deploy" / "muster.service").read_bytes()
    settings.load(machine / "etc/muster/muster.yaml", {})
    assert (machine / "etc/muster/secrets.env").stat().st_mode & 0o777 == 0o600
    site = machine / "etc/nginx/sites-enabled/muster"
    assert site.read_bytes() == (ROOT / "deploy" / "nginx.conf").read_bytes()
    noted = (machine / "noted").read_text().splitlines()
    assert [line.split()[0] for line in noted] == [
        "useradd", "systemctl", "runuser", "systemctl", "runuser", "nginx", "systemctl",
    ]  # fmt: skip
    assert noted[0].split()[-1] == "muster"
    assert re.search(r"/app\.py check --offline$", noted[2])


def test_the_settings_load_and_go_with_the_site(tmp_path: Path) -> None:
    (given,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "muster.yaml"
    file.write_text(given + "domain: x.example\nsources: {}\ntargets: {}\n")
    found = settings.load(file, {}).proxies
    assert found.trusts("127.0.0.1")
    site = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    assert f"base_url: {found.base_url}" in site
    assert f"location {found.prefix}/scim/ " in site
    assert found.prefix == PREFIX


def test_the_curl_examples_work(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("NOT TESTED: curl is not installed")
    with nginx(behind := free_port()) as front:
        base_url = front.base + PREFIX
        server = {"port": behind, "base_url": base_url, "trusted_proxies": ["127.0.0.1"]}
        shown = front.clients.give("workday.example")
        shutil.copy(shown.certificate, tmp_path / "client.pem")
        shutil.copy(shown.key, tmp_path / "client.key")
        with running(more={"server": server}) as gateway:
            environ = {
                **os.environ,
                "TOKEN": gateway.token("workday", "hr"),
                "CURL_CA_BUNDLE": str(front.ca),
            }
            for line in block("curl").splitlines():
                command = line.replace("https://scim.norhaven.example", front.base)
                done = subprocess.run(
                    ["sh", "-c", command + " --fail"],
                    env=environ, cwd=tmp_path, capture_output=True, text=True, check=False,
                    timeout=30,
                )  # fmt: skip
                assert done.returncode == 0, done.stderr
                assert '"schemas"' in done.stdout


def test_every_command_is_there() -> None:
    named = set(re.findall(r"app\.py ([a-z]+)", PAGE))
    assert {"run", "worker", "reload", "check"} <= named <= set(cli.main.commands)
    assert "--no-worker" in PAGE


def test_every_file_is_there() -> None:
    named = set(re.findall(r"`((?:deploy|tests|docs)/[\w./-]+)`", PAGE))
    assert len(named) >= 2
    assert all((ROOT / name).exists() for name in named)
    units = set(re.findall(r"`(muster[\w-]*\.service)`", PAGE))
    assert units == {path.name for path in (ROOT / "deploy").glob("*.service")}


def test_the_numbers_are_those_of_the_files() -> None:
    site = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    ini = (ROOT / "wsgi.ini").read_text("utf-8")
    for said, written, file in (
        ("over 16 MB: 413", "client_max_body_size 16m;", site),
        ("a header over 24 kB", "large_client_header_buffers 2 24k;", site),
        ("longer than 15 s", "client_header_timeout 15s;", site),
        ("pauses for 30 s", "client_body_timeout   30s;", site),
        ("no answer for 130 s", "proxy_read_timeout 130s;", site),
        ("more than 64 requests", "limit_conn muster_clients 64;", site),
        ("or 100 in all", "max_conns=100", site),
        ("Muster: 10 s", "socket-timeout = 10\n", ini),
        ("2 web processes, 8 threads", "processes = 2\nthreads = 8\n", ini),
        ("or 100 in all", "listen = 100\n", ini),
    ):
        assert said in PAGE
        assert written in file, written
