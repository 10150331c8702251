"""Groups, as far as only Active Directory has them that way."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from adapters.active_directory import ActiveDirectory, Config, groups
from adapters.active_directory.connection import Entry
from adapters.target import Account, Ambiguous, Grant, Step
from sandbox.directory import SandboxDirectory
from sandbox.samba import SambaDomain
from tests.conformance.ldap_world import LdapWorld
from tests.conformance.people import applied, person, refused

MORE_THAN_A_RANGE = 1501


def a_group(world: LdapWorld) -> tuple[str, Grant]:
    name = f"g-{person(world).login}"
    return name, Grant("group", world.add_group(name))


def test_a_group_is_found_by_dn(world: LdapWorld) -> None:
    name, grant = a_group(world)
    dn = f"CN={name},{world.people}"
    for text in (dn, dn.upper()):
        assert world.target.find_grant("group", text) == grant
    for text in (f"CN={name},DC=elsewhere,DC=example", f"CN={name}", "CN=\ud800", "=" + name):
        assert world.target.find_grant("group", text) is None


@pytest.mark.parametrize("kind", ["2", "4", "8", "-2147483640", "-2147483646", "-2147483644"])
def test_groups_of_every_scope_with_and_without_security(world: LdapWorld, kind: str) -> None:
    name = f"g-{person(world).login}"
    dn = world.admin.add(
        f"CN={name},{world.people}", ["group"], {"sAMAccountName": name, "groupType": kind}
    )
    account = person(world).hire()
    grant = world.target.find_grant("group", name)
    assert grant is not None
    applied(world.target.apply(account, Step("grant", given=grant)))
    assert world.target.grants(account) == {grant}
    applied(world.target.apply(account, Step("revoke", given=grant)))
    assert "member" not in world.admin.entry(f"(sAMAccountName={name})", dn)


@pytest.mark.parametrize(
    "name",
    ["Domain Admins", "Domain Users", "Administrators", "Account Operators", "Backup Operators",
     "Schema Admins", "Enterprise Admins", "Remote Desktop Users", "DnsAdmins"],
)  # fmt: skip
def test_what_a_domain_has_from_the_beginning_is_given_to_nobody(
    world: LdapWorld, name: str
) -> None:
    if name == "DnsAdmins":  # comes with the DNS service
        world.admin.add(f"CN={name},{world.people}", ["group"], {"sAMAccountName": name})
    entry = world.admin.entry(f"(sAMAccountName={name})")
    assert world.target.find_grant("group", name) is None
    assert world.target.find_grant("group", entry["dn"]) is None


def test_a_group_that_became_privileged_is_given_no_more(world: LdapWorld) -> None:
    account = person(world).hire()
    _, grant = a_group(world)
    applied(world.target.apply(account, Step("grant", given=grant)))
    world.admin.modify(f"<GUID={grant.anchor}>", adminCount="1")
    other = person(world).hire()
    refused(world.target.apply(other, Step("grant", given=grant)), "protected")
    assert world.given(other.anchor) == set()
    applied(world.target.apply(account, Step("revoke", given=grant)))


def test_missing_rights_over_a_group_name_the_delegation(
    world: LdapWorld, samba: SambaDomain
) -> None:
    account = person(world).hire()
    name = f"g-{person(world).login}"
    dn = world.admin.add(f"CN={name},CN=Users,{samba.base_dn}", ["group"], {"sAMAccountName": name})
    grant = world.target.find_grant("group", name)
    assert grant is not None
    for kind in ("grant", "revoke"):
        if kind == "revoke":
            world.admin.connection.modify(dn, {"member": [("MODIFY_ADD", [account.hint])]})
        outcome = refused(world.target.apply(account, Step(kind, given=grant)), "rights")  # type: ignore[arg-type]
        assert "WP;member;group" in outcome.refusals[0].remedy
    world.admin.delete(dn)


def test_the_primary_group_is_not_listed_and_stays(world: LdapWorld) -> None:
    account = person(world).hire()
    raw = world.raw(account.anchor)
    assert raw["primaryGroupID"] == ["513"]
    assert world.target.grants(account) == frozenset()


def test_groups_of_groups_are_not_given_directly(world: LdapWorld) -> None:
    account = person(world).hire()
    (inner, grant), (outer, _) = a_group(world), a_group(world)
    world.admin.connection.modify(
        f"CN={outer},{world.people}",
        {"member": [("MODIFY_ADD", [f"CN={inner},{world.people}"])]},
    )
    applied(world.target.apply(account, Step("grant", given=grant)))
    assert world.target.grants(account) == {grant}


def test_two_groups_of_one_name_are_ambiguous() -> None:
    class Double:
        """A server that holds a name twice, as one does after a conflict of replication."""

        def search(self, *arguments: object, **options: object) -> groups.Answer:
            entry = Entry("CN=x", {"objectGUID": [uuid4().bytes]})
            return groups.Answer(0, "", (entry, entry))

    config = Config("ldaps://dc1.norhaven.example", "CN=x", str, "DC=x", "OU=x")
    with pytest.raises(Ambiguous):
        groups.find(Double(), config, "nurses")  # type: ignore[arg-type]


def test_an_account_in_more_groups_than_one_answer_names(tmp_path: Path) -> None:
    directory = SandboxDirectory(tmp_path)
    directory.start()
    settings = directory.settings()
    base = settings["base_dn"]
    dns = [f"CN=g{number},OU=Groups,{base}" for number in range(MORE_THAN_A_RANGE)]
    directory.put([{"dn": dn, "attributes": {"groupType": 2}} for dn in dns])
    person = f"CN=Ada,{settings['people_ou']}"
    directory.put([{"dn": person, "attributes": {"sAMAccountName": "ada", "memberOf": dns}}])
    target = ActiveDirectory(
        Config(
            url=settings["url"],
            bind_dn=settings["bind_dn"],
            password=lambda: settings["password"],
            base_dn=base,
            people_ou=settings["people_ou"],
            ca_file=settings["ca_file"],
        )
    )
    account = target.read(None, {"sAMAccountName": "ada"})
    assert isinstance(account, Account)
    assert len(target.grants(account)) == MORE_THAN_A_RANGE
    target.close()
    directory.stop()
