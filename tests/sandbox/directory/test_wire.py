"""Other clients and no clients: OpenLDAP's tools, broken bytes, many connections."""

from __future__ import annotations

import base64
import contextlib
import random
import shutil
import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.directory import SandboxDirectory, ber
from tests.sandbox.directory.client import Client

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


def connect(directory: SandboxDirectory) -> ssl.SSLSocket:
    settings = directory.settings()
    context = ssl.create_default_context(cafile=settings["ca_file"])
    raw = socket.create_connection(("127.0.0.1", int(settings["url"].rsplit(":", 1)[1])), 5)
    return context.wrap_socket(raw, server_hostname="localhost")


def exchange(directory: SandboxDirectory, data: bytes) -> bytes:
    """Send, and read until the server closes or says something."""
    with connect(directory) as connection:
        connection.sendall(data)
        try:
            return connection.recv(4096)
        except (ConnectionError, ssl.SSLError):
            return b""


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


def recorded(directory: SandboxDirectory) -> list[bytes]:
    """A bind and some requests, as bytes."""
    settings = directory.settings()

    def message(number: int, *parts: bytes) -> bytes:
        return ber.element(ber.SEQUENCE, ber.integer(number), *parts)

    bind = ber.element(
        0x60, ber.integer(3), ber.text(settings["bind_dn"]), ber.text(settings["password"], 0x80)
    )
    condition = ber.element(
        0xA0,
        ber.element(0xA3, ber.text("objectClass"), ber.text("user")),
        ber.element(0xA4, ber.text("cn"), ber.element(ber.SEQUENCE, ber.text("a", 0x80))),
        ber.element(0xA2, ber.text("manager", 0x87)),
    )
    search = ber.element(
        0x63,
        ber.text(settings["people_ou"]),
        ber.integer(2, ber.ENUMERATED),
        ber.integer(0, ber.ENUMERATED),
        ber.integer(0),
        ber.integer(0),
        ber.element(ber.BOOLEAN, b"\0"),
        condition,
        ber.element(ber.SEQUENCE, ber.text("*"), ber.text("member;range=0-*")),
    )
    paged = ber.element(ber.SEQUENCE, ber.integer(5), ber.octets(b""))
    control = ber.element(
        0xA0,
        ber.element(ber.SEQUENCE, ber.text("1.2.840.113556.1.4.319"), ber.octets(paged)),
    )
    values = ber.element(ber.SET, ber.octets(b"user"))
    attribute = ber.element(ber.SEQUENCE, ber.text("objectClass"), values)
    dn = f"CN=Fuzz,{settings['people_ou']}"
    add = ber.element(0x68, ber.text(dn), ber.element(ber.SEQUENCE, attribute))
    title = ber.element(ber.SEQUENCE, ber.text("title"), ber.element(ber.SET, ber.octets(b"x")))
    change = ber.element(ber.SEQUENCE, ber.integer(2, ber.ENUMERATED), title)
    modify = ber.element(0x66, ber.text(dn), ber.element(ber.SEQUENCE, change))
    rename = ber.element(
        0x6C, ber.text(dn), ber.text("CN=Fuzzy"), ber.element(ber.BOOLEAN, b"\xff")
    )
    return [
        message(1, bind),
        message(2, search, control),
        message(3, add),
        message(4, modify),
        message(5, rename),
        message(6, ber.text(dn, 0x4A)),
    ]


def test_garbled_requests_never_stop_the_server(
    directory: SandboxDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    bind, *requests = recorded(directory)
    chance = random.Random(20260316)
    with ThreadPoolExecutor(4) as pool:
        jobs = []
        for _ in range(400):
            request = bytearray(chance.choice(requests))
            for _ in range(chance.choice((1, 1, 2, 5))):
                place = chance.randrange(2, len(request))
                how = chance.random()
                if how < 0.7:
                    request[place] = chance.randrange(256)
                elif how < 0.85:
                    del request[place]
                else:
                    request.insert(place, chance.randrange(256))
            # The frame stays whole, so that the inside is what is tried.
            body = bytes(request[2:] if request[1] < 0x80 else request[2 + request[1] % 0x80 :])
            jobs.append(pool.submit(exchange, directory, bind + ber.element(0x30, body)))
        for job in jobs:
            job.result()
    assert not [record for record in caplog.records if record.exc_info]
    client = Client(directory)
    assert client.bind().code == 0
    assert client.search(base=client.people).code == 0


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
        connection.sendall(recorded(directory)[0])
        assert connection.recv(100)
        directory.stop()
        connection.settimeout(5)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            assert connection.recv(10) == b""
    directory.stop()
