"""The first minutes without a configuration: directories on loopback and settings for them.

What is written is an ordinary configuration file in the data folder, for people to read
and to copy from.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox import company, process
from sandbox.certificates import write_private
from sandbox.client import Client
from sandbox.samba import SambaDomain, SandboxError

HEADER = """\
# Written by `app.py run` because there is no muster.yaml: a sandbox on this machine.
# Copy muster.example.yaml to muster.yaml to connect your own directory.
"""


def prepare(data: Path, config: Path, *, samba: bool = False) -> Path | None:
    """Set up the directories to play with and write `config` for them.

    samba   a real Samba domain in place of the embedded directory; it lives as long as
            this process, whatever program it becomes, or a child of it does

    Returns the folder of the embedded directories, for the process that serves them.
    Raises SandboxError when this machine cannot carry them.
    """
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    folder = data / "sandbox"
    kind = folder / "kind"
    wanted = "with --samba" if samba else "without --samba"
    if kind.exists() and kind.read_text() != wanted:
        # The people in there are linked to accounts of the other domain.
        raise SandboxError(
            f"the sandbox in {data} was begun {kind.read_text()}",
            "start it that way, or give another folder with MUSTER_DATA",
        )
    try:
        place = process.prepare(folder)
        kind.write_text(wanted)
    except OSError as error:
        raise SandboxError(f"{folder} cannot be used ({error.strerror})", "check it") from None
    if samba:
        domain = SambaDomain(data / "samba")
        domain.ensure()
        domain.address = _start_apart(domain)
        place["ad"] = domain.settings()
    config.write_text(HEADER + json.dumps(settings_for(place, data, folder), indent=2) + "\n")
    config.chmod(0o600)
    return folder


def people_once(folder: Path, door: Callable[[], Client]) -> None:
    """The first time, the small company of `sandbox/company.py` is pushed through `door`."""
    seeded = folder / "seeded"
    if not seeded.exists():
        company.seed(door())
        seeded.touch()


def _start_apart(domain: SambaDomain) -> str:
    """Start the domain as nobody's child; its address.

    uWSGI, which this process is about to become, waits at its end for every child, and the
    domain waits for the end of uWSGI. So a child starts it and goes; the pipe that keeps
    it alive stays here.
    """
    lifeline, held = os.pipe()
    os.set_inheritable(held, True)
    told, telling = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(held)
        try:
            domain.start(lifeline)
            answer = {"address": domain.address}
        except SandboxError as error:
            answer = {"problem": error.problem, "remedy": error.remedy}
        except Exception as error:
            answer = {"problem": f"the domain did not start ({error})", "remedy": "try again"}
        os.write(telling, json.dumps(answer).encode())
        os._exit(0)
    os.close(lifeline)
    os.close(telling)
    with os.fdopen(told) as reader:
        answer = json.loads(reader.read())
    os.waitpid(child, 0)
    if "problem" in answer:
        raise SandboxError(answer["problem"], answer["remedy"])
    return str(answer["address"])


def settings_for(place: Mapping[str, Any], data: Path, folder: Path) -> dict[str, object]:
    """The sandbox as muster.yaml's keys (JSON is YAML)."""
    ad, entra = place["ad"], place["entra"]
    secret = folder / "entra.secret"
    write_private(secret, entra["client_secret"].encode())
    keys = ("url", "base_dn", "people_ou", "leavers_ou", "bind_dn", "ca_file")
    return {
        "data": str(data),
        "domain": ad["domain"],
        "sandbox": {"allow": True, "folder": str(folder)},
        "sources": {
            "workday": {"mapping": "workday"},
            "successfactors": {"mapping": "successfactors"},
            "generic": {"mapping": "generic"},
        },
        "targets": {
            "ad": {
                "kind": "active_directory",
                **{key: ad[key] for key in keys},
                "password": f"file:{ad['password_file']}",
            },
            "entra": {
                "kind": "entra_id",
                **{key: v for key, v in entra.items() if key != "client_secret"},
                "client_secret": f"file:{secret}",
                "usage_location": "DE",
                "writes_per_second": 0,
            },
        },
    }


def refuse_taken_port(host: str, port: int) -> None:
    """Raises SandboxError in one clear line when something else listens there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SandboxError(
                f"{host}:{port} cannot be used ({error.strerror})",
                "stop what listens there, or choose another with --port",
            ) from None


def welcome(base: str, tokens: Mapping[str, Path], password: Path | None = None) -> str:
    """What to do next, ready to paste. `base` is the public address; `password` the file
    with the first operator's first password, where there is one."""
    lines = [f"Muster: {base}/  people and accounts", f"SCIM:   {base}/scim/v2"]
    if password is not None:
        lines.append(f"Sign in as admin with the password in {password}; it has to be changed.")
    lines += [f"token of {source}: {file}" for source, file in tokens.items()]
    if "generic" in tokens:
        lines.append(
            f"""Hire somebody:
  curl {base}/scim/v2/Users -H "Authorization: Bearer $(cat '{tokens["generic"]}')" \\
    -H 'Content-Type: application/scim+json' -d '{HIRE}'"""
        )
    return "\n".join(lines)


HIRE = json.dumps(
    {
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        ],
        "externalId": "E1001",
        "userName": "anna.lindqvist",
        "active": True,
        "name": {"givenName": "Anna", "familyName": "Lindqvist"},
        "title": "Engineer",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "employeeNumber": "E1001",
            "department": "Optics",
        },
    }
)
