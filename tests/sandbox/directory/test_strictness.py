"""Where AD is strict and Samba is lax: what passes there may fail here, as it would on AD."""

from __future__ import annotations

import ldap3
import pytest

from sandbox.directory import SandboxDirectory
from tests.sandbox.directory.client import Client, secret

PAGED = "1.2.840.113556.1.4.319"
PASSWORD = "Korrekt-Horse-7"


def hire(directory: SandboxDirectory, number: int) -> list[str]:
    people = directory.settings()["people_ou"]
    dns = [f"CN=P{place:04d},{people}" for place in range(number)]
    directory.put({"dn": dn, "attributes": {"sAMAccountName": dn[3:8]}} for dn in dns)
    return dns


def test_a_thousand_entries_and_no_more(directory: SandboxDirectory, client: Client) -> None:
    hire(directory, 1001)
    everyone = "(objectClass=user)"
    short = client.search(everyone, client.people, attributes=["cn"])
    assert (short.code, len(short.entries)) == (4, 1000)
    few = client.search(everyone, client.people, attributes=["cn"], size_limit=3)
    assert (few.code, len(few.entries)) == (4, 3)
    enough = client.search("(cn=P000*)", client.people, attributes=["cn"], size_limit=10)
    assert (enough.code, len(enough.entries)) == (0, 10)
    client.delete(f"CN=P0000,{client.people}")
    assert client.search(everyone, client.people, attributes=["cn"]).code == 0


def test_pages(directory: SandboxDirectory, client: Client) -> None:
    hire(directory, 1203)
    seen: list[str] = []
    sizes = []
    cookie: bytes | None = None
    while cookie != b"":
        page = client.search(
            "(objectClass=user)",
            client.people,
            attributes=["cn"],
            paged_size=5000 if not sizes else 100,
            paged_cookie=cookie,
        )
        assert page.code == 0
        sizes.append(len(page.entries))
        seen += [entry["dn"] for entry in page.entries]
        cookie = page.controls[PAGED]["value"]["cookie"]
    assert sizes == [1000, 100, 100, 3]
    assert len(set(seen)) == 1203


def test_a_cookie_belongs_to_its_connection(directory: SandboxDirectory, client: Client) -> None:
    hire(directory, 5)
    page = client.search("(objectClass=user)", client.people, paged_size=2)
    cookie = page.controls[PAGED]["value"]["cookie"]
    other = Client(directory)
    other.bind()
    stolen = other.search("(objectClass=user)", client.people, paged_size=2, paged_cookie=cookie)
    assert stolen.refusal == (12, "00000057")
    forged = client.search("(objectClass=user)", paged_size=2, paged_cookie=b"forged")
    assert forged.refusal == (12, "00000057")


def test_long_lists_come_in_ranges(directory: SandboxDirectory, client: Client) -> None:
    dns = hire(directory, 1700)
    group = client.group()
    assert client.insert(group, member=dns[:1500]).code == 0
    assert len(client.entry(group)["member"]) == 1500
    assert client.insert(group, member=dns[1500:]).code == 0

    def ranges(asked: str) -> dict[str, int]:
        entry = client.entry(group, [asked])
        return {name: len(values or ()) for name, values in entry.items() if name != "dn"}

    assert ranges("member") == {"member": 0, "member;range=0-1499": 1500}
    assert ranges("*")["member;range=0-1499"] == 1500
    assert ranges("member;range=1500-*") == {"member;range=1500-*": 200}
    assert ranges("member;range=10-19") == {"member;range=10-19": 10}
    assert ranges("member;range=1690-1699") == {"member;range=1690-*": 10}
    assert ranges("member;range=5000-*") == {}
    client.connection.auto_range = True
    whole = client.search(base=group, scope=ldap3.BASE, attributes=["member"])
    assert len(whole.entries[0]["member"]) == 1700


@pytest.mark.parametrize("name", ["x" * 21, "a/b", "a[b", "a:b", "a+b", "a@b*", "dot.", 'q"q', " "])
def test_account_names(client: Client, name: str) -> None:
    add = client.add(f"CN=x,{client.people}", sAMAccountName=name)
    assert add.refusal == (80, "00000523")
    assert "SysErr: DSID-" in add.text
    assert client.replace(client.person(), sAMAccountName=name).refusal == (80, "00000523")


def test_account_names_of_twenty_and_long_group_names(client: Client) -> None:
    assert client.add(f"CN=x,{client.people}", sAMAccountName="x" * 20).code == 0
    assert client.add(f"CN=g,{client.people}", "group", sAMAccountName="g" * 256).code == 0


def test_common_names_of_sixty_four(client: Client) -> None:
    long = client.add(f"CN={'x' * 65},{client.people}", sAMAccountName="x")
    assert long.refusal == (19, "00002082")
    assert "(cn):len 65" in long.text
    dn = f"CN={'ö' * 64},{client.people}"
    assert client.add(dn, sAMAccountName="x").code == 0
    assert client.move(dn, f"CN={'y' * 65}").refusal == (19, "00002082")


@pytest.mark.parametrize(
    ("attribute", "limit"),
    [
        ("givenName", 64), ("sn", 64), ("initials", 6), ("middleName", 64), ("displayName", 256),
        ("title", 128), ("department", 64), ("division", 256), ("company", 64),
        ("physicalDeliveryOfficeName", 128), ("streetAddress", 1024), ("l", 128), ("st", 128),
        ("postalCode", 40), ("co", 128), ("c", 3), ("telephoneNumber", 64), ("mobile", 64),
        ("facsimileTelephoneNumber", 64), ("mail", 256), ("employeeID", 16),
        ("employeeNumber", 512), ("employeeType", 256), ("description", 1024), ("info", 1024),
        ("proxyAddresses", 1123), ("wWWHomePage", 2048), ("userPrincipalName", 1024),
        ("extensionAttribute1", 1024), ("extensionAttribute15", 2048),
    ],
)  # fmt: skip
def test_lengths(client: Client, attribute: str, limit: int) -> None:
    dn = client.person()
    assert client.replace(dn, **{attribute: "ü" * limit}).code == 0
    long = client.replace(dn, **{attribute: "ü" * (limit + 1)})
    assert long.refusal == (19, "00002082")
    assert "problem 1005 (CONSTRAINT_ATT_TYPE), data 0, Att 9" in long.text
    assert f"({attribute})" in long.text


def test_photos(client: Client) -> None:
    dn = client.person()
    assert client.replace(dn, thumbnailPhoto=b"\xff" * 102_400).code == 0
    assert client.replace(dn, thumbnailPhoto=b"\xff" * 102_401).refusal == (19, "00002082")
    assert client.entry(dn)["thumbnailPhoto"] == [b"\xff" * 102_400]


def test_no_password_no_enabling(client: Client) -> None:
    on_add = client.add(f"CN=x,{client.people}", sAMAccountName="x", userAccountControl="512")
    assert on_add.refusal == (53, "0000052D")
    assert "SvcErr: DSID-" in on_add.text
    dn = client.person()
    assert client.replace(dn, userAccountControl="512").refusal == (53, "0000052D")
    assert client.replace(dn, userAccountControl="544").code == 0
    assert client.replace(dn, userAccountControl="512").refusal == (53, "0000052D")
    both = client.replace(dn, userAccountControl="512", unicodePwd=secret(PASSWORD))
    assert both.code == 0
    assert client.replace(dn, userAccountControl="514").code == 0
    assert client.replace(dn, userAccountControl="512").code == 0


@pytest.mark.parametrize(
    "password",
    ["", "Sho1!x", "alllowercase", "nodigits", "lower1234", "xxAdaBerg1!x", "1-bErG-Whatever"],
)
def test_password_policy(client: Client, password: str) -> None:
    dn = client.person(displayName="Ada Berg")
    assert client.replace(dn, unicodePwd=secret(password)).refusal == (53, "0000052D")
    add = client.add(
        f"CN=x,{client.people}",
        sAMAccountName="AdaBergX",
        displayName="Ada Berg",
        unicodePwd=secret(password),
    )
    assert add.refusal == (53, "0000052D")


@pytest.mark.parametrize("value", [b"plain", "ungequotet".encode("utf-16-le"), b'"\x00', b""])
def test_passwords_are_quoted_utf_16(client: Client, value: bytes) -> None:
    assert client.replace(client.person(), unicodePwd=value).refusal == (53, "0000001F")


def test_a_password_is_set_and_changed(directory: SandboxDirectory, client: Client) -> None:
    dn = client.person(unicodePwd=secret(PASSWORD), userAccountControl="512", pwdLastSet="0")
    assert client.entry(dn)["pwdLastSet"] == [b"0"]
    assert "unicodePwd" not in client.entry(dn, ["*", "unicodePwd"])
    assert client.replace(dn, unicodePwd=secret(PASSWORD + "2")).code == 0
    assert int(client.entry(dn)["pwdLastSet"][0]) > 132_000_000_000_000_000
    assert Client(directory, dn, PASSWORD).bind().code == 49
    assert Client(directory, dn, PASSWORD + "2").bind().code == 0

    def change(old: str, new: str) -> tuple[int, str]:
        return client.modify(
            dn,
            {
                "unicodePwd": [
                    (ldap3.MODIFY_DELETE, [secret(old)]),
                    (ldap3.MODIFY_ADD, [secret(new)]),
                ]
            },
        ).refusal

    assert change("wrong", PASSWORD) == (19, "00000056")
    assert change(PASSWORD + "2", "weak") == (53, "0000052D")
    assert change(PASSWORD + "2", PASSWORD + "3") == (0, "")
    assert Client(directory, dn, PASSWORD + "3").bind().code == 0


def test_accents_make_no_difference_between_names(client: Client) -> None:
    client.person("Bjorn Dal", sAMAccountName="bjorn", userPrincipalName="bjorn@norhaven.example")
    assert client.add(f"CN=Björn Dal,{client.people}").refusal == (68, "00002071")
    other = f"CN=Other,{client.people}"
    assert client.add(other, sAMAccountName="bjo\u0308rn").refusal == (68, "00000524")
    principal = client.add(other, userPrincipalName="björn@norhaven.example")
    assert principal.refusal == (19, "000021C8")


def test_control_bits(client: Client) -> None:
    dn = client.person(unicodePwd=secret(PASSWORD))

    def after(value: int) -> int:
        assert client.replace(dn, userAccountControl=str(value)).code == 0
        return int(client.entry(dn)["userAccountControl"][0])

    assert after(2) == 514
    assert after(512 | 0x10 | 0x800000) == 512
    assert after(66048) == 66048
    assert after(0x1000) == 0x1000
    assert client.entry(dn)["sAMAccountType"] == [b"805306369"]
    assert client.replace(dn, userAccountControl=None).refusal == (53, "0000001F")
