"""What the sandbox's owner does: put, dump, reset, stop and start again."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import ldap3
import pytest

from sandbox.directory import SandboxDirectory
from tests.sandbox.directory.client import Client, secret

PEOPLE = "OU=People,DC=norhaven,DC=example"
BASE = "DC=norhaven,DC=example"


def dumped(directory: SandboxDirectory) -> dict[str, dict[str, Any]]:
    return {entry["dn"]: entry["attributes"] for entry in directory.dump()}


def test_a_new_directory_has_no_accounts_and_the_units(
    directory: SandboxDirectory, client: Client
) -> None:
    assert directory.dump() == []
    units = {e["dn"] for e in client.search("(objectClass=organizationalUnit)").entries}
    assert {PEOPLE, f"OU=Leavers,{BASE}"} <= units


def test_dump_shows_what_ldap_shows(directory: SandboxDirectory, client: Client) -> None:
    ada = client.person(otherTelephone=["1"], title="Nurse", thumbnailPhoto=b"\xff\xd8")
    bo = client.person("Bo Ek", manager=ada)
    group = client.group(member=ada)
    found = dumped(directory)
    assert list(found) == [ada, bo, group]
    shown = found[ada]
    assert (shown["title"], shown["otherTelephone"]) == ("Nurse", ["1"])
    assert (shown["userAccountControl"], shown["thumbnailPhoto"]) == (546, "/9g=")
    assert shown["memberOf"] == [group]
    assert shown["directReports"] == [bo]
    assert found[bo]["manager"] == ada
    assert shown["objectSid"].startswith("S-1-5-21-")
    assert set(shown) == set(client.entry(ada)) - {"dn"}


def test_put_makes_accounts_that_were_there_before(
    directory: SandboxDirectory, client: Client
) -> None:
    guid = "0f8fad5b-d9cb-469f-a165-70867728950e"
    directory.put(
        [
            {
                "dn": f"CN=Bo Ek,OU=Wards,OU=Oslo,{PEOPLE}",
                "attributes": {
                    "sAMAccountName": "boek",
                    "userAccountControl": 512,
                    "manager": f"CN=Ada Berg,{PEOPLE}",
                    "memberOf": [f"CN=Nurses,{PEOPLE}"],
                    "employeeID": "7",
                    "objectGUID": guid,
                    "company": None,
                },
            },
            {"dn": f"CN=Ada Berg,{PEOPLE}", "attributes": {"adminCount": "1", "unicodePwd": "pw"}},
            {"dn": f"CN=Nurses,{PEOPLE}", "attributes": {"member": [f"CN=Ada Berg,{PEOPLE}"]}},
            {"dn": f"OU=Empty,{PEOPLE}"},
        ]
    )
    found = dumped(directory)
    bo = found[f"CN=Bo Ek,OU=Wards,OU=Oslo,{PEOPLE}"]
    assert bo["objectGUID"] == guid
    assert bo["userAccountControl"] == 512
    assert bo["manager"] == f"CN=Ada Berg,{PEOPLE}"
    nurses = found[f"CN=Nurses,{PEOPLE}"]
    assert nurses["objectClass"] == ["top", "group"]
    assert len(nurses["member"]) == 2
    assert client.entry(f"OU=Empty,{PEOPLE}")
    dn = f"<GUID={guid}>"
    for control in ("514", "512"):
        assert client.replace(dn, userAccountControl=control).code == 0
    ada = f"CN=Ada Berg,{PEOPLE}"
    client.replace(ada, userAccountControl="512")
    assert Client(directory, ada, "pw").bind().code == 0


def test_put_makes_the_groups_that_somebody_is_in(directory: SandboxDirectory) -> None:
    dns = [f"CN=Nurses,OU=Wards,OU=Groups,{BASE}", f"CN=Night,{PEOPLE}"]
    directory.put([{"dn": f"CN=Ada,{PEOPLE}", "attributes": {"memberOf": dns}}])
    found = dumped(directory)
    assert sorted(found[f"CN=Ada,{PEOPLE}"]["memberOf"]) == sorted(dns)
    assert {found[dn]["sAMAccountName"] for dn in dns} == {"Nurses", "Night"}
    wrong = {"dn": f"CN=Bo,{PEOPLE}", "attributes": {"memberOf": ["CN=x,DC=elsewhere"]}}
    with pytest.raises(ValueError, match="elsewhere"):
        directory.put([wrong])


def test_put_changes_what_is_there(directory: SandboxDirectory, client: Client) -> None:
    dn = client.person(title="Nurse", company="Norhaven")
    directory.put([{"dn": dn.upper(), "attributes": {"title": "Cook", "company": None}}])
    [shown] = dumped(directory).values()
    assert shown["title"] == "Cook"
    assert "company" not in shown


def test_what_was_dumped_can_be_put(directory: SandboxDirectory, client: Client) -> None:
    ada = client.person(title="Nurse", unicodePwd=secret("Korrekt-Horse-7"))
    client.replace(ada, userAccountControl="512")
    client.group(member=client.person("Bo Ek", manager=ada, msExchHideFromAddressLists="TRUE"))
    before = directory.dump()
    directory.reset()
    assert directory.dump() == []
    directory.put(before)
    own = {"objectSid", "whenCreated", "whenChanged", "uSNCreated", "uSNChanged"}

    def kept(entries: list[dict[str, Any]]) -> list[Any]:
        return [
            (e["dn"], {k: v for k, v in e["attributes"].items() if k not in own}) for e in entries
        ]

    assert kept(directory.dump()) == kept(before)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("x", "object"),
        ({}, "dn"),
        ({"dn": 1}, "dn"),
        ({"dn": f"CN=x,{PEOPLE}", "attributes": []}, "attributes"),
        ({"dn": f"CN=x,{PEOPLE}", "more": 1}, "attributes"),
        ({"dn": f"CN=x,{PEOPLE}", "attributes": {"nonsense": "1"}}, "nonsense"),
        ({"dn": f"CN=x,{PEOPLE}", "attributes": {"title": {}}}, "title"),
        ({"dn": f"CN=x,{PEOPLE}", "attributes": {"title": "x" * 129}}, "title"),
        ({"dn": f"CN=x,{PEOPLE}", "attributes": {"objectGUID": "x"}}, "objectGUID"),
        ({"dn": f"CN=x,{PEOPLE}", "attributes": {"thumbnailPhoto": "%"}}, "thumbnailPhoto"),
        ({"dn": f"CN=x,{PEOPLE}", "attributes": {"manager": "CN=nobody"}}, "manager"),
        ({"dn": "CN=x,DC=else,DC=where"}, "else"),
        ({"dn": "gibberish"}, "gibberish"),
        ({"dn": f"CN=\ud800,{PEOPLE}"}, "."),
    ],
)
def test_put_says_what_is_wrong(directory: SandboxDirectory, entry: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        directory.put([entry])


def test_reset_is_quick_and_keeps_the_keys(directory: SandboxDirectory, client: Client) -> None:
    settings = directory.settings()
    directory.put({"dn": f"CN=P{n},{PEOPLE}", "attributes": {}} for n in range(300))
    assert len(directory.dump()) == 300
    begun = time.monotonic()
    directory.reset()
    assert time.monotonic() - begun < 2
    assert directory.dump() == []
    assert directory.settings() == settings
    assert client.search().code == 0, "who is bound stays so"
    assert Client(directory).bind().code == 0


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    first = SandboxDirectory(tmp_path)
    first.start()
    client = Client(first)
    client.bind()
    ada = client.person(unicodePwd=secret("Korrekt-Horse-7"), thumbnailPhoto=b"\xff\x00")
    client.replace(ada, userAccountControl="512", title="Ärztin")
    bo = client.person("Bo Ek", manager=ada)
    client.group(member=[ada, bo])
    client.delete(client.person("Eva Dal"))
    before, settings = first.dump(), first.settings()
    usn = int(client.search(base="", scope="BASE").entries[0]["highestCommittedUSN"][0])
    first.stop()
    second = SandboxDirectory(tmp_path, int(settings["url"].rsplit(":", 1)[1]))
    second.start()
    try:
        assert second.settings() == settings
        assert second.dump() == before
        assert Client(second, ada, "Korrekt-Horse-7").bind().code == 0
        client = Client(second)
        client.bind()
        root = client.search(base="", scope="BASE").entries[0]
        assert int(root["highestCommittedUSN"][0]) == usn
        known = {entry["attributes"]["objectSid"] for entry in before}
        eva = client.person("Eva Dal")
        assert dumped(second)[eva]["objectSid"] not in known
        assert client.entry(eva)["uSNChanged"] > [b"%d" % usn]
    finally:
        second.stop()


def test_a_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """Links lay in the documents then."""
    directory = SandboxDirectory(tmp_path)
    dns = [f"CN=Ada,{PEOPLE}", f"CN=Bo,{PEOPLE}"]
    directory.put([{"dn": dn} for dn in dns])
    directory.put([{"dn": f"CN=Nurses,{PEOPLE}", "attributes": {"member": dns}}])
    before = directory.dump()
    directory.stop()
    file = sqlite3.connect(tmp_path / "directory.sqlite", isolation_level=None)
    links: dict[bytes, dict[str, list[str]]] = {}
    for source, name, target in file.execute("select source, name, target from link").fetchall():
        links.setdefault(source, {}).setdefault(name, []).append(target.hex())
    for guid, text in file.execute("select guid, document from entry").fetchall():
        document = json.dumps({**json.loads(text), "links": links.get(guid, {})})
        file.execute("update entry set document = ? where guid = ?", (document, guid))
    file.execute("drop table link")
    file.execute("pragma user_version = 0")
    file.close()
    again = SandboxDirectory(tmp_path)
    assert again.dump() == before
    again.stop()
    assert SandboxDirectory(tmp_path).dump() == before


def test_members_come_and_go_and_survive_a_restart(tmp_path: Path) -> None:
    directory = SandboxDirectory(tmp_path)
    directory.start()
    client = Client(directory)
    client.bind()
    group, people = client.group(), [client.person(f"P {number}") for number in range(6)]
    for dn in people:
        assert client.insert(group, member=dn).code == 0
    assert client.insert(group, member=people[0]).code == 68
    assert client.remove(group, member=people[1]).code == 0
    assert client.remove(group, member=people[1]).code == 53
    assert (
        client.modify(
            group,
            {"member": [(ldap3.MODIFY_DELETE, [people[2]]), (ldap3.MODIFY_ADD, [people[1]])]},
        ).code
        == 0
    )
    both = [(ldap3.MODIFY_ADD, [people[2]]), (ldap3.MODIFY_ADD, [people[2]])]
    assert client.modify(group, {"member": both}).code == 68
    client.delete(people[3])
    wanted = {people[0], people[1], people[4], people[5]}
    assert {dn.decode() for dn in client.entry(group)["member"]} == wanted
    client.close()
    directory.stop()
    [shown] = [one for one in SandboxDirectory(tmp_path).dump() if one["dn"] == group]
    assert set(shown["attributes"]["member"]) == wanted


def test_acknowledged_writes_survive_a_killed_process(tmp_path: Path) -> None:
    program = f"""
import sys, time
from pathlib import Path
from sandbox.directory import SandboxDirectory
directory = SandboxDirectory(Path({str(tmp_path)!r}))
directory.start()
print(directory.settings()["url"], flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        here = SandboxDirectory(tmp_path)  # knows password and certificates; does not serve
        here._listener.port = here._port = int(url.rsplit(":", 1)[1])
        client = Client(here)
        assert client.bind().code == 0
        client.person()
        process.kill()
    here.stop()
    again = SandboxDirectory(tmp_path)
    assert list(dumped(again)) == [f"CN=Ada Berg,{PEOPLE}"]
    again.stop()


def test_secrets_are_for_the_owner_only(tmp_path: Path) -> None:
    directory = SandboxDirectory(tmp_path)
    directory.stop()
    settings = directory.settings()
    password = Path(settings["password_file"])
    assert password.read_text() == settings["password"]
    for file in (password, tmp_path / "directory.sqlite", tmp_path / "tls" / "server.key"):
        assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    stored = (tmp_path / "directory.sqlite").read_bytes()
    assert settings["password"].encode() not in stored


def test_a_port_that_is_taken(directory: SandboxDirectory, tmp_path: Path) -> None:
    port = int(directory.settings()["url"].rsplit(":", 1)[1])
    second = SandboxDirectory(tmp_path, port)
    with pytest.raises(OSError, match="address already in use"):
        second.start()
    second.stop()


def test_business_time_rules_the_directory(tmp_path: Path) -> None:
    now = 1_773_651_600.0
    directory = SandboxDirectory(tmp_path, clock=lambda: now)
    directory.start()
    try:
        client = Client(directory)
        client.bind()
        dn = client.person(unicodePwd=secret("Korrekt-Horse-7"), userAccountControl="512")
        assert client.entry(dn)["whenCreated"] == [b"20260316090000.0Z"]
        client.replace(dn, accountExpires=str((int(now) + 11_644_473_600 + 60) * 10_000_000))
        assert Client(directory, dn, "Korrekt-Horse-7").bind().code == 0
        now += 61
        assert "data 701" in Client(directory, dn, "Korrekt-Horse-7").bind().text
    finally:
        directory.stop()
