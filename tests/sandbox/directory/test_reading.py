"""Binding and searching."""

from __future__ import annotations

import uuid

import ldap3
import pytest
from ldap3.utils.conv import escape_filter_chars

from sandbox.directory import SandboxDirectory
from sandbox.directory.values import sid_text
from tests.sandbox.directory.client import Client, secret

BIT_AND = "1.2.840.113556.1.4.803"
IN_CHAIN = "1.2.840.113556.1.4.1941"
PAGED = "1.2.840.113556.1.4.319"
PASSWORD = "Korrekt-Horse-7"


def test_the_root_says_what_the_server_is(directory: SandboxDirectory) -> None:
    nobody = Client(directory, "", "")
    assert nobody.bind().code == 0
    root = nobody.search(base="", scope=ldap3.BASE).entries[0]
    assert root["defaultNamingContext"] == [b"DC=norhaven,DC=example"]
    assert root["supportedLDAPVersion"] == [b"3"]
    assert PAGED.encode() in root["supportedControl"]
    before = int(root["highestCommittedUSN"][0])
    client = Client(directory)
    client.bind()
    client.person()
    asked = client.search(base="", scope=ldap3.BASE, attributes=["highestcommittedusn"])
    assert set(asked.entries[0]) == {"dn", "highestCommittedUSN"}
    assert int(asked.entries[0]["highestCommittedUSN"][0]) == before + 1


def test_without_a_bind_nothing_is_shown(directory: SandboxDirectory) -> None:
    nobody = Client(directory, "", "")
    assert nobody.bind().code == 0
    assert nobody.search().refusal == (1, "000004DC")
    assert nobody.add(f"CN=x,{nobody.people}").refusal == (1, "000004DC")


@pytest.mark.parametrize(
    "name",
    [
        "CN=Ada Berg,OU=People,DC=norhaven,DC=example",
        "ada.berg@norhaven.example",
        "ADABERG@norhaven.example",
        "NORHAVEN\\adaberg",
    ],
)
def test_ways_to_name_an_account(directory: SandboxDirectory, client: Client, name: str) -> None:
    client.person(
        userPrincipalName="ada.berg@norhaven.example",
        unicodePwd=secret(PASSWORD),
        userAccountControl="512",
    )
    who = Client(directory, name, PASSWORD)
    assert who.bind().code == 0
    assert who.connection.extend.standard.who_am_i() == "u:NORHAVEN\\AdaBerg"
    assert Client(directory, name, PASSWORD + "x").bind().code == 49


def test_why_a_bind_fails(directory: SandboxDirectory, client: Client) -> None:
    dn = client.person(unicodePwd=secret(PASSWORD), userAccountControl="512")

    def reason(password: str = PASSWORD) -> str:
        answer = Client(directory, dn, password).bind()
        return "" if answer.code == 0 else answer.text.split("data ")[1][:3]

    assert reason() == ""
    assert reason("wrong") == "52e"
    client.replace(dn, accountExpires="132000000000000000")
    assert reason() == "701"
    client.replace(dn, accountExpires="0", pwdLastSet="0")
    assert reason() == "773"
    client.replace(dn, pwdLastSet="-1", userAccountControl="514")
    assert reason() == "533"
    assert reason("wrong") == "52e"
    client.replace(dn, userAccountControl="512")
    assert reason() == ""
    client.delete(dn)
    assert reason() == "52e"


def test_people_read_and_only_administrators_write(
    directory: SandboxDirectory, client: Client
) -> None:
    dn = client.person(unicodePwd=secret(PASSWORD), userAccountControl="512")
    person = Client(directory, dn, PASSWORD)
    person.bind()
    assert person.entry(dn)["cn"] == [b"Ada Berg"]
    assert person.replace(dn, title="Boss").refusal == (50, "00002098")
    assert person.delete(dn).refusal == (50, "00002098")
    inner = client.group("Helpdesk")
    client.insert(inner, member=dn)
    client.insert(f"CN=Domain Admins,CN=Users,{client.base}", member=inner)
    assert person.replace(dn, title="Boss").code == 0


def test_other_ways_to_authenticate_are_refused(directory: SandboxDirectory) -> None:
    client = Client(directory)
    client.connection.authentication = ldap3.SASL
    client.connection.sasl_mechanism = ldap3.EXTERNAL
    assert client.bind().code == 7


@pytest.fixture
def people(client: Client) -> Client:
    """Three people, a group in a group, a unit below People."""
    ada = client.person(
        "Ada Berg", employeeID="100", mail="ada@norhaven.example", department="Wards",
        title="Nurse", telephoneNumber="+47 1", countryCode="578",
    )  # fmt: skip
    client.person(
        "Björn Dal", employeeID="101", manager=ada, otherTelephone=["1", "22", "333"],
        userAccountControl="546",
    )  # fmt: skip
    client.add(f"OU=Oslo,{client.people}", "organizationalUnit")
    eva = f"CN=Eva Dal,OU=Oslo,{client.people}"
    client.add(eva, sAMAccountName="eva", employeeID="200", description="(a) * \\ b")
    inner = client.group("Inner", member=eva)
    client.group("Outer", member=[inner, ada])
    return client


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("(employeeID=100)", ["Ada Berg"]),
        ("(EMPLOYEEid=100)", ["Ada Berg"]),
        ("(cn=BJORN dal)", ["Björn Dal"]),
        ("(sAMAccountName=björndal)", ["Björn Dal"]),
        ("(&(objectClass=user)(employeeID=*))", ["Ada Berg", "Björn Dal", "Eva Dal"]),
        ("(&(objectClass=user)(!(manager=*)))", ["Ada Berg", "Eva Dal"]),
        ("(|(employeeID=100)(employeeID=200)(employeeID=300))", ["Ada Berg", "Eva Dal"]),
        ("(|(employeeID=100)(telephoneNumber=nobody))", ["Ada Berg"]),
        ("(&(employeeID=100)(employeeID=101))", []),
        ("(cn=*Dal)", ["Björn Dal", "Eva Dal"]),
        ("(cn=E*a*l)", ["Eva Dal"]),
        ("(cn=*da*)", ["Ada Berg", "Björn Dal", "Eva Dal"]),
        ("(cn=ada berg*ada berg)", []),
        ("(employeeID>=101)", ["Björn Dal", "Eva Dal"]),
        ("(employeeID<=100)", ["Ada Berg"]),
        ("(countryCode>=578)", ["Ada Berg"]),
        ("(countryCode=0578)", ["Ada Berg"]),
        ("(&(objectClass=user)(whenCreated>=20200101000000.0Z))",
         ["Ada Berg", "Björn Dal", "Eva Dal"]),
        ("(whenCreated>=29990101000000.0Z)", []),
        ("(whenCreated>=yesterday)", []),
        ("(otherTelephone=22)", ["Björn Dal"]),
        (f"(userAccountControl:{BIT_AND}:=34)", ["Ada Berg", "Björn Dal", "Eva Dal"]),
        (f"(userAccountControl:{BIT_AND}:=65536)", []),
        (f"(userAccountControl:{BIT_AND}:=x)", []),
        ("(userAccountControl:1.2.840.113556.1.4.804:=65538)",
         ["Ada Berg", "Björn Dal", "Eva Dal"]),
        ("(title:=nurse)", ["Ada Berg"]),
        ("(description=\\28a\\29 \\2a \\5c b)", ["Eva Dal"]),
        ("(objectCategory=person)", ["Ada Berg", "Björn Dal", "Eva Dal"]),
        ("(objectCategory=group)", ["Inner", "Outer"]),
        ("(objectCategory=CN=Person,CN=Schema,CN=Configuration,DC=norhaven,DC=example)",
         ["Ada Berg", "Björn Dal", "Eva Dal"]),
        ("(manager=CN=ADA BERG,OU=People,DC=norhaven,DC=example)", ["Björn Dal"]),
        ("(manager=CN=nobody,OU=People,DC=norhaven,DC=example)", []),
        ("(manager=not a name)", []),
        ("(directReports=CN=Björn Dal,OU=People,DC=norhaven,DC=example)", ["Ada Berg"]),
        ("(memberOf=CN=Outer,OU=People,DC=norhaven,DC=example)", ["Ada Berg", "Inner"]),
        ("(member=CN=Ada Berg,OU=People,DC=norhaven,DC=example)", ["Outer"]),
        (f"(memberOf:{IN_CHAIN}:=CN=Outer,OU=People,DC=norhaven,DC=example)",
         ["Ada Berg", "Eva Dal", "Inner"]),
        (f"(member:{IN_CHAIN}:=CN=Eva Dal,OU=Oslo,OU=People,DC=norhaven,DC=example)",
         ["Inner", "Outer"]),
        ("(distinguishedName=CN=ada berg,OU=People,DC=norhaven,DC=example)", ["Ada Berg"]),
        ("(anr=ada)", ["Ada Berg"]),
        ("(anr=dal)", []),
        ("(noSuchAttribute=1)", []),
        ("(!(noSuchAttribute=1))", []),
        ("(|(noSuchAttribute=1)(employeeID=100))", ["Ada Berg"]),
        ("(unicodePwd=*)", []),
    ],
)  # fmt: skip
def test_filters(people: Client, filter: str, found: list[str]) -> None:
    assert people.names(filter) == found


def test_an_unknown_rule_is_refused(people: Client) -> None:
    assert people.search("(cn:1.2.3:=x)").code == 18


def test_scopes(people: Client) -> None:
    everyone = "(objectClass=user)"
    assert people.names(everyone, scope=ldap3.LEVEL) == ["Ada Berg", "Björn Dal"]
    assert people.names("(employeeID=200)", scope=ldap3.LEVEL) == []
    assert people.names(everyone, base=f"OU=Oslo,{people.people}") == ["Eva Dal"]
    assert people.names(everyone, scope=ldap3.BASE) == []
    assert people.names("(ou=people)", scope=ldap3.BASE) == []
    assert people.search("(ou=PEOPLE)", people.people, ldap3.BASE).entries


def test_names_that_are_not_there(people: Client) -> None:
    missing = people.search(base=f"CN=x,OU=y,{people.people}")
    assert missing.refusal == (32, "0000208D")
    assert f"best match of:\n\t'{people.people}'" in missing.text
    assert people.search(base="OU=x,DC=else,DC=where").refusal == (10, "0000202B")
    assert people.search(base="OU=x").refusal == (32, "0000208D")
    assert people.search(base="gibberish").refusal == (34, "0000208F")
    assert people.search(base="<GUID=gibberish>").refusal == (34, "0000208F")
    assert people.search(base=f"<GUID={uuid.uuid4()}>").refusal == (32, "0000208D")


def test_addressed_by_guid_and_sid(people: Client) -> None:
    dn = f"CN=Ada Berg,{people.people}"
    entry = people.entry(dn)
    guid = uuid.UUID(bytes_le=entry["objectGUID"][0])
    sid = entry["objectSid"][0]
    for address in (
        f"<GUID={guid}>",
        f"<GUID={entry['objectGUID'][0].hex()}>",
        f"<SID={sid_text(sid)}>",
        f"<SID={sid.hex()}>",
    ):
        assert people.entry(address)["dn"] == dn
    escaped = "".join(f"\\{byte:02x}" for byte in entry["objectGUID"][0])
    assert people.names(f"(objectGUID={escaped})") == ["Ada Berg"]
    assert people.names(f"(objectSid={sid_text(sid)})") == ["Ada Berg"]
    assert people.replace(f"<GUID={guid}>", title="Matron").code == 0
    assert people.insert(f"CN=Inner,{people.people}", member=f"<GUID={guid}>").code == 0
    assert people.move(f"<GUID={guid}>", "CN=Ada Dal").code == 0
    moved = people.entry(f"<SID={sid_text(sid)}>")
    assert (moved["dn"], moved["title"]) == (f"CN=Ada Dal,{people.people}", [b"Matron"])
    assert len(moved["memberOf"]) == 2


def test_what_a_user_looks_like(client: Client) -> None:
    entry = client.entry(client.person())
    assert entry["objectClass"] == [b"top", b"person", b"organizationalPerson", b"user"]
    assert entry["userAccountControl"] == [b"546"]
    assert entry["sAMAccountType"] == [b"805306368"]
    assert entry["primaryGroupID"] == [b"513"]
    assert entry["accountExpires"] == [b"9223372036854775807"]
    assert entry["pwdLastSet"] == [b"0"]
    assert entry["name"] == entry["cn"] == [b"Ada Berg"]
    assert entry["instanceType"] == [b"4"]
    assert sid_text(entry["objectSid"][0]).startswith("S-1-5-21-")
    assert entry["whenCreated"] == entry["whenChanged"]
    assert "memberOf" not in entry
    assert "canonicalName" not in entry


def test_constructed_attributes_come_when_asked_for(people: Client) -> None:
    asked = [
        "canonicalName", "msDS-User-Account-Control-Computed", "parentGUID", "tokenGroups",
        "allowedAttributesEffective", "modifyTimeStamp", "msDS-PrincipalName",
    ]  # fmt: skip
    entry = people.entry(f"CN=Eva Dal,OU=Oslo,{people.people}", asked)
    assert set(entry) == {"dn", *asked}
    assert entry["canonicalName"] == [b"norhaven.example/People/Oslo/Eva Dal"]
    assert entry["msDS-User-Account-Control-Computed"] == [b"8388608"]
    assert b"title" in entry["allowedAttributesEffective"]
    assert b"objectSid" not in entry["allowedAttributesEffective"]
    groups = {sid_text(sid).rsplit("-", 1)[1] for sid in entry["tokenGroups"]}
    assert len(groups) == 3
    assert "513" in groups
    unit = people.entry(people.people, ["allowedChildClassesEffective"])
    assert b"user" in unit["allowedChildClassesEffective"]


def test_chosen_attributes(people: Client) -> None:
    dn = f"CN=Ada Berg,{people.people}"
    assert set(people.entry(dn, ["TITLE", "cn", "nothing", "unicodePwd"])) == {"dn", "title", "cn"}
    assert set(people.entry(dn, ["1.1"])) == {"dn"}
    assert {"title", "canonicalName"} <= set(people.entry(dn, ["*", "canonicalName"]))
    bare = people.search("(cn=Ada Berg)", attributes=["title"], types_only=True)
    assert set(bare.entries[0]) == {"dn", "title"}
    assert not bare.entries[0]["title"]


def test_links_follow_names(people: Client) -> None:
    oslo = f"OU=Oslo,{people.people}"
    assert people.move(oslo, "OU=Bergen", people.leavers).code == 0
    eva = f"CN=Eva Dal,OU=Bergen,{people.leavers}"
    assert people.entry(eva)["memberOf"] == [f"CN=Inner,{people.people}".encode()]
    assert people.entry(f"CN=Inner,{people.people}")["member"] == [eva.encode()]
    assert people.delete(eva).code == 0
    assert "member" not in people.entry(f"CN=Inner,{people.people}")


def test_the_domain_refers_to_other_contexts(people: Client) -> None:
    assert len(people.search("(cn=Ada Berg)").references) == 3
    assert people.search("(cn=Ada Berg)", people.people).references == []
    scope = [("1.2.840.113556.1.4.1339", True, None)]
    assert people.search("(cn=Ada Berg)", controls=scope).references == []


def test_the_schema_can_be_read(client: Client) -> None:
    schema = f"CN=Schema,CN=Configuration,{client.base}"
    found = client.search("(lDAPDisplayName=company)", schema).entries[0]
    assert (found["rangeUpper"], found["isSingleValued"]) == ([b"64"], [b"TRUE"])
    assert client.search("(lDAPDisplayName=company)").entries == []


def test_extended_names(people: Client) -> None:
    def dn(flag: bytes | None) -> tuple[str, str]:
        value = None if flag is None else b"\x30\x03\x02\x01" + flag
        control = [("1.2.840.113556.1.4.529", True, value)]
        found = people.search("(cn=Björn Dal)", people.people, controls=control).entries[0]
        return found["dn"], found["manager"][0].decode()

    plain = people.entry(f"CN=Ada Berg,{people.people}")
    guid = uuid.UUID(bytes_le=plain["objectGUID"][0])
    sid = plain["objectSid"][0]
    assert dn(b"\1")[1] == f"<GUID={guid}>;<SID={sid_text(sid)}>;CN=Ada Berg,{people.people}"
    text = f"<GUID={plain['objectGUID'][0].hex()}>;<SID={sid.hex()}>;CN=Ada Berg,{people.people}"
    assert dn(b"\0")[1] == dn(None)[1] == text
    assert dn(b"\1")[0].startswith("<GUID=")
    assert dn(b"\1")[0].endswith(f"CN=Björn Dal,{people.people}")


def test_compare(people: Client) -> None:
    dn = f"CN=Ada Berg,{people.people}"
    compare = people.connection.compare
    assert compare(dn, "title", "nurse")[1]["result"] == 6
    assert compare(dn, "title", "cook")[1]["result"] == 5
    assert compare(dn, "company", "x")[1]["result"] == 16
    manager = f"CN=Björn Dal,{people.people}"
    assert compare(manager, "manager", dn.upper())[1]["result"] == 6


def test_unknown_controls(client: Client) -> None:
    assert client.search(client.base and "(cn=x)", controls=[("1.2.3", False, None)]).code == 0
    assert client.search("(cn=x)", controls=[("1.2.3", True, None)]).refusal == (12, "00000057")


def test_odd_names_are_found(client: Client) -> None:
    name = 'O\'Neil, "Zoë" #1 (x) * \\ y'
    dn = f"CN={ldap3.utils.dn.escape_rdn(name)},{client.people}"
    assert client.add(dn, sAMAccountName="oneil").code == 0
    assert client.names(f"(cn={escape_filter_chars(name)})") == [name]
    assert client.entry(dn)["cn"] == [name.encode()]


def test_names_are_found_wherever_they_went(client: Client) -> None:
    """By an index: also after a rename, a move, a delete and a return."""
    one, other = client.person("Zoë Berg"), client.person("Bo Lind")
    assert client.names("(cn=zoe berg)") == ["Zoë Berg"]
    assert client.names("(|(name=ZOË BERG)(cn=Bo Lind))") == ["Bo Lind", "Zoë Berg"]
    assert client.move(one, "CN=Zoë Ek").code == 0
    assert client.names("(cn=Zoe Berg)") == []
    assert client.names("(cn=Zoe Ek)") == ["Zoë Ek"]
    assert client.delete(other).code == 0
    assert client.names("(cn=Bo Lind)") == []
    assert client.person("Bo Lind") == other
    assert client.names("(cn=Bo Lind)") == ["Bo Lind"]
    for filter in ("(ou=people)", "(name=norhaven)"):
        assert len(client.search(filter, base=client.base).entries) == 1
