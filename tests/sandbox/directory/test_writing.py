"""Adding, changing, renaming and deleting: AD's rules and AD's answers."""

from __future__ import annotations

import uuid

import ldap3
import pytest

from sandbox.directory import SandboxDirectory
from tests.sandbox.directory.client import Answer, Client, secret

PERMISSIVE = [("1.2.840.113556.1.4.1413", True, None)]
TREE_DELETE = [("1.2.840.113556.1.4.805", True, None)]
SHOW_DELETED = [("1.2.840.113556.1.4.417", True, None)]


def usn(client: Client, dn: str) -> int:
    return int(client.entry(dn)["uSNChanged"][0])


class TestAdd:
    def test_a_name_is_free_once(self, client: Client) -> None:
        client.person("Ada Berg", userPrincipalName="ada@norhaven.example")
        again = client.add(f"CN=ADA berg,{client.people}", sAMAccountName="other")
        assert again.refusal == (68, "00002071")
        assert "UpdErr: DSID-" in again.text
        assert again.text.endswith("problem 6005 (ENTRY_EXISTS), data 0\n\0")
        other = f"CN=Other,{client.leavers}"
        assert client.add(other, sAMAccountName="ADABERG").refusal == (68, "00000524")
        assert client.add(f"CN=Ada Berg,{client.leavers}", sAMAccountName="other").code == 0

    def test_account_names_are_one_space_for_users_and_groups(self, client: Client) -> None:
        client.group("Nurses")
        taken = client.add(f"CN=x,{client.people}", sAMAccountName="nurses")
        assert taken.refusal == (68, "00000526")

    def test_principal_names_are_unique(self, client: Client) -> None:
        client.person("Ada Berg", userPrincipalName="ada@norhaven.example")
        dn = f"CN=Other,{client.people}"
        for taken in ("ADA@norhaven.example", "AdaBerg@NORHAVEN.example"):
            answer = client.add(dn, sAMAccountName="other", userPrincipalName=taken)
            assert answer.refusal == (19, "000021C8")
            assert "(userPrincipalName)" in answer.text
        assert client.add(dn, userPrincipalName="adaberg@else.example").code == 0

    def test_where_there_is_no_parent(self, client: Client) -> None:
        answer = client.add(f"CN=x,OU=Missing,{client.people}", sAMAccountName="x")
        assert answer.refusal == (32, "0000208D")
        assert client.people in answer.text

    @pytest.mark.parametrize(
        ("rdn", "kind", "code", "win32"),
        [
            ("OU=x", "user", 64, "00002073"),
            ("CN=x", "organizationalUnit", 64, "00002073"),
            ("CN=x", "nonsense", 16, "00000057"),
            ("CN=x", "person", 65, "0000207D"),
            ("CN=x", "crossRef", 53, "0000209A"),
            ("CN", "user", 34, "0000208F"),
        ],
    )
    def test_class_and_name_must_fit(
        self, client: Client, rdn: str, kind: str, code: int, win32: str
    ) -> None:
        assert client.add(f"{rdn},{client.people}", kind).refusal == (code, win32)

    def test_nothing_stands_below_a_user(self, client: Client) -> None:
        dn = client.person()
        assert client.add(f"CN=x,{dn}").refusal == (64, "00002099")
        assert client.move(client.person("Bo Ek"), "CN=Bo Ek", dn).refusal == (64, "00002099")

    def test_cn_may_be_given_when_it_is_the_name(self, client: Client) -> None:
        assert client.add(f"CN=x,{client.people}", cn="x", sAMAccountName="x").code == 0
        assert client.add(f"CN=y,{client.people}", cn="z").refusal == (64, "00002073")

    @pytest.mark.parametrize("kind", ["contact", "computer", "inetOrgPerson", "container"])
    def test_other_kinds(self, client: Client, kind: str) -> None:
        parent = client.people if kind != "container" else client.base
        assert client.add(f"CN=x,{parent}", kind).code == 0
        entry = client.entry(f"CN=x,{parent}")
        assert entry["objectClass"][-1] == kind.encode()
        types = {"computer": b"805306369", "inetOrgPerson": b"805306368"}
        assert entry.get("sAMAccountType", [None])[0] == types.get(kind)

    def test_an_account_name_is_made_when_none_is_given(self, client: Client) -> None:
        dn = f"CN=x,{client.people}"
        assert client.add(dn).code == 0
        name = client.entry(dn)["sAMAccountName"][0].decode()
        assert name.startswith("$")
        assert len(name) == 20


class TestModify:
    def test_replace_add_delete(self, client: Client) -> None:
        dn = client.person()
        client.replace(dn, title="Nurse", otherTelephone=["1", "2"])
        client.insert(dn, otherTelephone=["3"])
        client.remove(dn, otherTelephone=["1"], title=None)
        entry = client.entry(dn)
        assert entry["otherTelephone"] == [b"2", b"3"]
        assert "title" not in entry

    def test_nothing_to_do_is_not_a_change(self, client: Client) -> None:
        dn = client.person(title="Nurse")
        before = usn(client, dn)
        assert client.replace(dn, title="Nurse").code == 0
        assert client.replace(dn, company=None).code == 0
        assert usn(client, dn) == before
        assert client.replace(dn, title="NURSE").code == 0
        assert usn(client, dn) > before
        assert client.entry(dn)["title"] == [b"NURSE"]

    def test_a_refused_modify_changes_nothing(self, client: Client) -> None:
        dn = client.person()
        before = client.entry(dn)
        assert client.replace(dn, title="Nurse", company="x" * 65).code == 19
        assert client.entry(dn) == before

    def test_values_that_are_there_or_not(self, client: Client) -> None:
        dn = client.person(otherTelephone=["1"], title="Nurse")
        assert client.insert(dn, otherTelephone=["1"]).refusal == (20, "00002083")
        assert client.remove(dn, otherTelephone=["9"]).refusal == (16, "00002085")
        assert client.remove(dn, company=None).refusal == (16, "00002085")
        assert client.insert(dn, title="Cook").refusal == (19, "00002081")
        assert client.replace(dn, title=["a", "b"]).refusal == (19, "00002081")
        assert client.replace(dn, description=["a", "b"]).refusal == (19, "00002081")
        assert client.replace(client.people, description=["a", "b"]).code == 0

    def test_compare_and_swap(self, client: Client) -> None:
        dn = client.person(unicodePwd=secret("Korrekt-Horse-7"))

        def swap(old: str, new: str) -> Answer:
            return client.modify(
                dn,
                {"userAccountControl": [(ldap3.MODIFY_DELETE, [old]), (ldap3.MODIFY_ADD, [new])]},
            )

        assert swap("514", "512").refusal == (16, "00002085")
        assert swap("546", "512").code == 0
        assert client.entry(dn)["userAccountControl"] == [b"512"]

    @pytest.mark.parametrize(
        ("attribute", "value", "code", "win32"),
        [
            ("cn", "x", 67, "00002016"),
            ("name", "x", 67, "00002016"),
            ("objectSid", b"x", 53, "0000209A"),
            ("objectGUID", b"x" * 16, 53, "0000209A"),
            ("sAMAccountType", "1", 53, "0000209A"),
            ("whenChanged", "20260101000000.0Z", 53, "0000209A"),
            ("memberOf", "CN=x", 53, "00002077"),
            ("directReports", "CN=x", 53, "00002077"),
            ("canonicalName", "x", 53, "00002077"),
            ("objectClass", "computer", 69, "000020B1"),
            ("member", "CN=x", 65, "0000207D"),
            ("groupType", "2", 65, "0000207D"),
            ("noSuchAttribute", "x", 16, "00000057"),
            ("msExchHideFromAddressLists", "maybe", 21, "00000057"),
            ("countryCode", "many", 21, "00000057"),
            ("countryCode", "65536", 19, "00002082"),
            ("countryCode", "-1", 19, "00002082"),
            ("accountExpires", "99999999999999999999", 21, "00000057"),
            ("title", b"\xff\xfe", 21, "00000057"),
            ("title", "", 21, "0000200B"),
            ("pwdLastSet", "132000000000000000", 53, "00000057"),
            ("lockoutTime", "7", 53, "00000057"),
            ("sAMAccountName", None, 53, "0000207C"),
        ],
    )
    def test_what_cannot_be_written(
        self, client: Client, attribute: str, value: object, code: int, win32: str
    ) -> None:
        answer = client.replace(client.person(), **{attribute: value})
        assert answer.refusal == (code, win32)

    def test_the_manager_must_exist(self, client: Client) -> None:
        ada, bo = client.person("Ada Berg"), client.person("Bo Ek")
        gone = client.replace(bo, manager=f"CN=nobody,{client.people}")
        assert gone.refusal == (19, "000020B5")
        assert "(manager)" in gone.text
        assert client.replace(bo, manager="gibberish").refusal == (21, "00002032")
        assert client.replace(bo, manager=[ada, bo]).refusal == (19, "00002081")
        assert client.replace(bo, manager=ada.upper()).code == 0
        assert client.entry(bo)["manager"] == [ada.encode()]
        assert client.entry(ada)["directReports"] == [bo.encode()]
        assert client.replace(bo, manager=None).code == 0
        assert client.replace(ada, manager=ada).code == 0
        assert client.delete(ada).code == 0

    def test_members(self, client: Client) -> None:
        ada, group = client.person(), client.group()
        nobody = client.insert(group, member=f"CN=nobody,{client.people}")
        assert nobody.refusal == (32, "00000525")
        before = usn(client, ada), usn(client, group)
        assert client.insert(group, member=ada).code == 0
        assert usn(client, ada) == before[0]
        assert usn(client, group) > before[1]
        assert client.insert(group, member=ada).refusal == (68, "00000562")
        assert client.remove(group, member=ada).code == 0
        assert client.remove(group, member=ada).refusal == (53, "00000561")
        half = [ada, f"CN=nobody,{client.people}"]
        assert client.insert(group, member=half).code == 32
        assert "member" not in client.entry(group)
        assert client.insert(group, member=client.people).refusal == (53, "0000056C")
        primary = f"CN=Domain Users,CN=Users,{client.base}"
        assert client.insert(primary, member=ada).refusal == (68, "00000562")

    def test_permissive(self, client: Client) -> None:
        ada, group = client.person(otherTelephone=["1"]), client.group()
        add, delete = ldap3.MODIFY_ADD, ldap3.MODIFY_DELETE
        for change in ([(add, [ada])], [(add, [ada])], [(delete, [ada])], [(delete, [ada])]):
            assert client.modify(group, {"member": change}, controls=PERMISSIVE).code == 0
        for change in ([(add, ["1"])], [(delete, ["9"])]):
            answer = client.modify(ada, {"otherTelephone": change}, controls=PERMISSIVE)
            assert answer.code == 0
        assert client.entry(ada)["otherTelephone"] == [b"1"]

    def test_admin_count_is_kept(self, client: Client) -> None:
        dn = client.person()
        assert client.replace(dn, adminCount="1").code == 0
        assert client.names("(adminCount=1)") == ["Ada Berg"]


class TestModifyDN:
    def test_rename_and_move_at_once(self, client: Client) -> None:
        dn, group = client.person(), client.group()
        client.insert(group, member=dn)
        before = client.entry(dn)
        assert client.move(dn, "CN=Ada Dal", client.leavers).code == 0
        after = client.entry(f"CN=Ada Dal,{client.leavers}")
        for kept in ("objectGUID", "objectSid", "sAMAccountName", "uSNCreated", "memberOf"):
            assert after[kept] == before[kept]
        assert after["cn"] == after["name"] == [b"Ada Dal"]
        assert client.search(base=dn).code == 32
        assert client.entry(group)["member"] == [after["dn"].encode()]

    def test_only_the_case(self, client: Client) -> None:
        dn = client.person()
        assert client.move(dn, "CN=ADA BERG").code == 0
        assert client.entry(dn)["cn"] == [b"ADA BERG"]

    def test_refusals(self, client: Client) -> None:
        dn, other = client.person(), client.person("Bo Ek")
        assert client.move(dn, "CN=bo ek").refusal == (68, "00002071")
        assert client.entry(other)
        missing = f"OU=Missing,{client.people}"
        assert client.move(dn, "CN=Ada Berg", missing).refusal == (80, "00002089")
        assert client.move(dn, "OU=Ada Berg").refusal == (64, "00002073")
        assert client.move(dn, "CN=Ada,CN=Berg").refusal == (34, "0000208F")
        assert client.move(dn, "CN=A", delete_old_dn=False).refusal == (53, "00002077")
        assert client.move(f"CN=x,{client.people}", "CN=y").refusal == (32, "0000208D")
        assert client.move(dn, "CN=A", "OU=x,DC=else,DC=where").refusal == (10, "0000202B")
        schema = f"CN=Partitions,CN=Configuration,{client.base}"
        assert client.move(dn, "CN=A", schema).refusal == (71, "00002018")

    def test_a_unit_does_not_move_below_itself(self, client: Client) -> None:
        inner = f"OU=Inner,{client.people}"
        client.add(inner, "organizationalUnit")
        assert client.move(client.people, "OU=People", inner).refusal == (53, "00002077")

    def test_what_the_domain_needs_stays(self, client: Client) -> None:
        admins = f"CN=Domain Admins,CN=Users,{client.base}"
        assert client.move(admins, "CN=Admins").refusal == (53, "0000209A")
        assert client.delete(admins).refusal == (53, "000020CE")
        assert client.delete(client.base, controls=TREE_DELETE).refusal == (53, "000020CE")


class TestDelete:
    def test_leaves_only(self, client: Client) -> None:
        client.person()
        assert client.delete(client.people).refusal == (66, "00002015")
        assert client.delete(client.people, controls=TREE_DELETE).code == 0
        assert client.search(base=client.people).code == 32

    def test_a_tombstone_stays(self, client: Client) -> None:
        boss, dn, group = client.person("Bo Ek"), client.person(title="Nurse"), client.group()
        client.insert(group, member=dn)
        client.replace(dn, manager=boss)
        alive = client.entry(dn)
        assert client.delete(dn).code == 0
        assert client.delete(dn).refusal == (32, "0000208D")
        assert "member" not in client.entry(group)
        assert "directReports" not in client.entry(boss)
        everything = "(&(objectClass=user)(isDeleted=TRUE))"
        assert client.search(everything).entries == []
        [tomb] = client.search(everything, controls=SHOW_DELETED).entries
        guid = uuid.UUID(bytes_le=alive["objectGUID"][0])
        grave = f"CN=Deleted Objects,{client.base}"
        assert tomb["dn"] == f"CN=Ada Berg\\0ADEL:{guid},{grave}"
        for kept in ("objectGUID", "objectSid", "sAMAccountName", "userAccountControl"):
            assert tomb[kept] == alive[kept]
        assert tomb["lastKnownParent"] == [client.people.encode()]
        assert not {"title", "manager", "objectCategory"} & set(tomb)
        assert client.person("Ada Berg")

    def test_a_tombstone_comes_back(self, client: Client) -> None:
        dn = client.person(title="Nurse", unicodePwd=secret("Korrekt-Horse-7"))
        client.replace(dn, userAccountControl="512")
        alive = client.entry(dn)
        client.delete(dn)
        [tomb] = client.search(
            "(isDeleted=TRUE)", controls=SHOW_DELETED, attributes=["cn"]
        ).entries[-1:]
        changes = {
            "isDeleted": [(ldap3.MODIFY_DELETE, [])],
            "distinguishedName": [(ldap3.MODIFY_REPLACE, [dn])],
        }
        assert client.modify(tomb["dn"], changes).refusal == (32, "0000208D")
        only = {"title": [(ldap3.MODIFY_REPLACE, ["x"])]}
        assert client.modify(tomb["dn"], only, controls=SHOW_DELETED).refusal == (53, "00002077")
        assert client.modify(tomb["dn"], changes, controls=SHOW_DELETED).code == 0
        back = client.entry(dn)
        for kept in ("objectGUID", "objectSid", "sAMAccountName"):
            assert back[kept] == alive[kept]
        assert back["userAccountControl"] == [b"514"]
        assert "title" not in back
        assert client.replace(dn, userAccountControl="512").refusal == (53, "0000052D")

    def test_a_name_taken_meanwhile(self, client: Client, directory: SandboxDirectory) -> None:
        dn = client.person()
        guid = uuid.UUID(bytes_le=client.entry(dn)["objectGUID"][0])
        client.delete(dn)
        client.person()
        changes = {
            "isDeleted": [(ldap3.MODIFY_DELETE, [])],
            "distinguishedName": [(ldap3.MODIFY_REPLACE, [f"CN=Again,{client.people}"])],
        }
        answer = client.modify(f"<GUID={guid}>", changes, controls=SHOW_DELETED)
        assert answer.refusal == (68, "00000524")
