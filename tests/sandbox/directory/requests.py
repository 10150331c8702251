"""LDAP requests as bytes, and a bare TLS connection to send them over."""

from __future__ import annotations

import socket
import ssl

from sandbox.directory import SandboxDirectory
from sandbox.directory.ber import BOOLEAN, ENUMERATED, SEQUENCE, SET, element, integer, octets, text

PEOPLE = "OU=People,DC=norhaven,DC=example"
FUZZ = f"CN=Fuzz,{PEOPLE}"


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


def bind(directory: SandboxDirectory) -> bytes:
    """A bind as the service account."""
    settings = directory.settings()
    password = text(settings["password"], 0x80)
    return message(element(0x60, integer(3), text(settings["bind_dn"]), password))


def message(operation: bytes, *controls: bytes) -> bytes:
    listed = element(0xA0, b"".join(controls)) if controls else b""
    return element(SEQUENCE, integer(7), operation, listed)


def control(oid: str, value: bytes = b"") -> bytes:
    return element(SEQUENCE, text(oid), octets(value) if value else b"")


def attribute(name: str, *values: bytes) -> bytes:
    return element(SEQUENCE, text(name), element(SET, b"".join(map(octets, values))))


def search(condition: bytes, base: str = PEOPLE) -> bytes:
    wanted = element(SEQUENCE, text("*"), text("member;range=0-5"), text("tokenGroups"))
    return element(
        0x63,
        text(base),
        integer(2, ENUMERATED),
        integer(0, ENUMERATED),
        integer(0),
        integer(0),
        element(BOOLEAN, b"\0"),
        condition,
        wanted,
    )


def equal(name: str, value: str) -> bytes:
    return element(0xA3, text(name), text(value))


def matching(rule: str, name: str, value: str) -> bytes:
    return element(0xA9, text(rule, 0x81), text(name, 0x82), text(value, 0x83))


def change(how: int, name: str, *values: bytes) -> bytes:
    return element(SEQUENCE, integer(how, ENUMERATED), attribute(name, *values))


def samples() -> list[bytes]:
    """Requests of every kind, each of which is fine."""
    paging = element(SEQUENCE, integer(5), octets(b""))
    everything = element(0x87, b"cn")
    several = element(
        0xA0,
        equal("objectClass", "user"),
        element(0xA4, text("cn"), element(SEQUENCE, text("F", 0x80), text("z", 0x81))),
        element(0xA2, text("manager", 0x87)),
    )
    hire = element(
        SEQUENCE,
        attribute("objectClass", b"user"),
        attribute("sAMAccountName", b"fuzz"),
        attribute("accountExpires", b"0"),
        attribute("thumbnailPhoto", b"\xff"),
        attribute("manager", b"CN=Administrator,CN=Users,DC=norhaven,DC=example"),
        attribute("userAccountControl", b"514"),
        attribute("unicodePwd", '"Korrekt-Horse-7"'.encode("utf-16-le")),
    )
    group = element(
        SEQUENCE, attribute("objectClass", b"group"), attribute("member", FUZZ.encode())
    )
    changes = element(
        SEQUENCE,
        change(1, "userAccountControl", b"514"),
        change(0, "userAccountControl", b"546"),
        change(2, "pwdLastSet", b"-1"),
        change(2, "title", b"x"),
        change(0, "otherTelephone", b"1", b"2"),
    )
    rename = element(0x6C, text(FUZZ), text("CN=Fuzzy"), element(BOOLEAN, b"\xff"))
    back = element(
        0x6C, text(f"CN=Fuzzy,{PEOPLE}"), text("CN=Fuzz"), element(BOOLEAN, b"\xff"),
        text(PEOPLE, 0x80),
    )  # fmt: skip
    compare = element(0x6E, text(FUZZ), element(SEQUENCE, text("objectSid"), text("x")))
    return [
        message(search(several), control("1.2.840.113556.1.4.319", paging)),
        message(
            search(everything),
            control("1.2.840.113556.1.4.529", b"\x30\x03\x02\x01\x01"),
            control("1.2.840.113556.1.4.417"),
        ),
        message(search(matching("1.2.840.113556.1.4.803", "userAccountControl", "2"))),
        message(search(matching("1.2.840.113556.1.4.1941", "memberOf", f"CN=G,{PEOPLE}"))),
        message(search(equal("anr", "fu z"))),
        message(search(element(0xA5, text("whenCreated"), text("20260101000000.0Z")))),
        message(search(equal("objectSid", "S-1-5-21-1-2-3-500"))),
        message(search(equal("manager", f"<GUID={'0' * 32}>"))),
        message(search(everything, base="<SID=S-1-5-21-1>")),
        message(element(0x68, text(FUZZ), hire)),
        message(element(0x68, text(f"CN=G,{PEOPLE}"), group)),
        message(element(0x66, text(FUZZ), changes)),
        message(rename),
        message(back),
        message(compare),
        message(text(FUZZ, 0x4A)),
        message(element(0x77, text("1.3.6.1.4.1.4203.1.11.3", 0x80))),
    ]
