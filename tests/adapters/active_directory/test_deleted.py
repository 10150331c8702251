"""Deleting and restoring, as far as only Active Directory does it that way."""

from __future__ import annotations

from adapters.target import Account, Link, Step
from sandbox.samba import SambaDomain
from tests.conformance.ldap_world import LdapWorld
from tests.conformance.people import Person, applied, person, refused

NORMAL, DISABLED = 0x200, 0x2


def restoring(who: Person, account: Account) -> Step:
    return Step("restore", anchor=account.anchor, name=who.name, container=who.world.people)


def test_the_name_in_the_bin_is_not_put_back(world: LdapWorld) -> None:
    who = person(world)
    account = who.hire()
    applied(world.target.apply(account, Step("delete")))
    applied(world.target.apply(None, restoring(who, account)))
    raw = world.raw(account.anchor)
    assert raw["dn"] == f"CN={who.name},{world.people}"
    assert raw["cn"] == [who.name]


def test_a_restored_account_has_a_password_again(world: LdapWorld) -> None:
    """A tombstone has none, and without one AD would not let it be enabled."""
    who = person(world)
    account = who.hire()
    applied(world.target.apply(account, Step("delete")))
    applied(world.target.apply(None, restoring(who, account)))
    raw = world.raw(account.anchor)
    assert int(raw["pwdLastSet"][0]) > 0
    assert int(raw["userAccountControl"][0]) == NORMAL | DISABLED


def test_what_was_deleted_while_enabled_comes_back_disabled(world: LdapWorld) -> None:
    """Samba brings it back enabled."""
    who = person(world)
    account = who.hire()
    applied(world.target.apply(account, Step("enable")))
    world.delete(account.anchor)
    applied(world.target.apply(None, restoring(who, account)))
    assert int(world.raw(account.anchor)["userAccountControl"][0]) == NORMAL | DISABLED


def test_an_account_with_objects_below_it_is_not_deleted(world: LdapWorld) -> None:
    who = person(world)
    account = who.hire()
    world.admin.add(f"CN=phones,{account.hint}", ["classStore"], {})
    outcome = refused(world.target.apply(account, Step("delete")), "config")
    assert "objects below it" in outcome.refusals[0].message
    assert who.now().anchor == account.anchor


def test_missing_rights_to_delete_and_restore_name_the_delegation(
    world: LdapWorld, samba: SambaDomain
) -> None:
    who = person(world)
    outside = f"CN=Users,{samba.base_dn}"
    dn = world.admin.add_user(outside, who.name, sAMAccountName=who.login, employeeID=who.key)
    account = who.now()
    outcome = refused(world.target.apply(account, Step("delete")), "rights")
    assert "CCDC" in outcome.refusals[0].remedy
    world.admin.delete(dn)
    step = Step("restore", anchor=account.anchor, name=who.name, container=outside)
    outcome = refused(world.target.apply(None, step), "rights")
    assert "Reanimate Tombstones" in outcome.refusals[0].remedy


def test_where_the_bin_may_not_be_seen_nothing_is_in_it(world: LdapWorld) -> None:
    account = person(world).hire()
    world.delete(account.anchor)
    login, password = person(world).login, "Aa1-secret-of-the-test"
    dn = world.admin.add_user(world.people, login, sAMAccountName=login, userAccountControl=514)
    world.admin.modify(dn, unicodePwd=f'"{password}"'.encode("utf-16-le"))
    world.admin.modify(dn, userAccountControl="512")
    stranger = world.direct(bind_dn=dn, password=lambda: password)
    assert not stranger.in_bin(Link(account.anchor))
    assert world.target.in_bin(Link(account.anchor))
    step = Step("restore", anchor=account.anchor, name="x", container=world.people)
    refused(stranger.apply(None, step), "gone")
