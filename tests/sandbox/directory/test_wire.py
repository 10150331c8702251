"""Other clients and no clients: OpenLDAP's tools, broken bytes, many connections."""

from __future__ import annotations

import base64
import contextlib
import shutil
import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.directory import SandboxDirectory
from tests.sandbox.directory.client import Client
from tests.sandbox.directory.requests import bind, connect, exchange

needs_tools = pytest.mark.skipif(not shutil.which("ldapsearch"), reason="no ldap-utils here")


def tool(directory: SandboxDirectory, name: str, *arguments: str, stdin: str = "") -> str:
    settings = directory.settings()
    done = subprocess.run(
        [name, "-H", settings["url"], "-x", "-D", settings["bind_dn"], "-y",
         settings["password_file"], *arguments],
        env={"LDAPTLS_CACERT": settings["ca_file"], "LDAPTLS_REQCERT": "demand"},
        input=stdin, capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_tools
def test_openldaps_tools(directory: SandboxDirectory) -> None:
    people = directory.settings()["people_ou"]
    ldif = (
        f'dn: CN=Zoë \\"Z\\" O\'Neil\\, Dr.,{people}\nchangetype: add\nobjectClass: user\n'
        "sAMAccountName: zoe\ntitle:: " + base64.b64encode("Ärztin".encode()).decode() + "\n\n"
    )
    tool(directory, "ldapmodify", stdin=ldif)
    found = tool(
        directory, "ldapsearch", "-LLL", "-b", people, "-E", "pr=1/noprompt",
        "(&(objectClass=user)(sAMAccountName=zoe))", "title", "cn",
    )  # fmt: skip
    assert base64.b64encode("Ärztin".encode()).decode() in found
    [shown] = directory.dump()
    assert shown["attributes"]["cn"] == 'Zoë "Z" O\'Neil, Dr.'
    tool(directory, "ldapmodrdn", "-r", shown["dn"], "CN=Zoë")
    tool(directory, "ldapdelete", f"CN=Zoë,{people}")
    assert directory.dump() == []
    assert tool(directory, "ldapwhoami") == "u:NORHAVEN\\svc-muster\n"


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x30\x80\x00\x00",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x00",
        b"\x30\x03\x02\x01\x01",
        b"\x30\x05\x02\x01\x01\x7f\x00",
        b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\xff\x05",
    ],
)
def test_broken_bytes_are_answered_with_goodbye(directory: SandboxDirectory, data: bytes) -> None:
    answer = exchange(directory, data)
    assert b"1.3.6.1.4.1.1466.20036" in answer
    assert Client(directory).bind().code == 0


def test_a_client_that_speaks_no_tls(directory: SandboxDirectory) -> None:
    port = int(directory.settings()["url"].rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        plain.sendall(b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00")
        plain.settimeout(5)
        with contextlib.suppress(ConnectionError):
            assert plain.recv(100)[:1] != b"\x30"
    assert Client(directory).bind().code == 0


def test_many_clients_at_once(directory: SandboxDirectory) -> None:
    def work(number: int) -> int:
        client = Client(directory)
        assert client.bind().code == 0
        for place in range(10):
            dn = client.person(f"P{number}x{place}")
            assert client.replace(dn, title=str(number)).code == 0
        client.close()
        return number

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(work, range(8))) == list(range(8))
    assert len(directory.dump()) == 80
    assert {e["attributes"]["title"] for e in directory.dump()} == {str(n) for n in range(8)}


def test_stop_ends_connections_and_the_thread(tmp_path: Path) -> None:
    directory = SandboxDirectory(tmp_path)
    directory.start()
    with connect(directory) as connection:
        connection.sendall(bind(directory))
        assert connection.recv(100)
        directory.stop()
        connection.settimeout(5)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            assert connection.recv(10) == b""
    directory.stop()
