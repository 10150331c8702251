"""What is particular to Active Directory, on a real domain."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.active_directory import ActiveDirectory, Config
from adapters.target import Link, Outcome, Step, TargetDown, TargetRefused
from sandbox.samba import SambaDomain
from tests.conformance.ldap_world import LdapWorld
from tests.conformance.people import applied, person, refused
from tests.conformance.proxy import Relay

DISABLED, PASSWORD_NOT_REQUIRED, NORMAL, DONT_EXPIRE = 0x2, 0x20, 0x200, 0x10000


def control(world: LdapWorld, anchor: str) -> int:
    return int(world.raw(anchor)["userAccountControl"][0])


def test_a_new_account_is_disabled_and_has_a_password(world: LdapWorld) -> None:
    account = person(world).hire()
    raw = world.raw(account.anchor)
    assert int(raw["userAccountControl"][0]) == NORMAL | DISABLED
    assert int(raw["pwdLastSet"][0]) > 0
    assert account.state == {"userAccountControl": NORMAL | DISABLED}


def test_enable_demands_a_password_from_then_on(world: LdapWorld) -> None:
    who = person(world)
    account = who.hire()
    odd = NORMAL | DISABLED | PASSWORD_NOT_REQUIRED | DONT_EXPIRE
    world.admin.modify(f"<GUID={account.anchor}>", userAccountControl=str(odd))
    applied(world.target.apply(who.now(), Step("enable")))
    assert control(world, account.anchor) == NORMAL | DONT_EXPIRE
    applied(world.target.apply(who.now(), Step("disable")))
    assert control(world, account.anchor) == NORMAL | DONT_EXPIRE | DISABLED


def test_what_already_is_as_it_should_be_is_no_conflict(world: LdapWorld) -> None:
    """Somebody disabled the leaver before us: that is what we wanted."""
    who = person(world)
    account = who.hire()
    applied(world.target.apply(account, Step("enable")))
    enabled = who.now()
    world.admin.modify(f"<GUID={account.anchor}>", userAccountControl=str(NORMAL | DISABLED))
    applied(world.target.apply(enabled, Step("disable")))


def test_control_attributes_are_never_written_by_rules(world: LdapWorld) -> None:
    account = person(world).hire()
    before = control(world, account.anchor)
    for name in ("userAccountControl", "unicodePwd", "CN", "memberOf", "objectClass"):
        outcome = world.target.apply(account, Step("modify", {name: "512", "title": "Nurse"}))
        assert outcome.result == "applied"
        assert [(r.kind, r.attribute) for r in outcome.refusals] == [("bug", name)]
        refused(world.target.apply(account, Step("modify", {name: "512"})), "bug")
    assert control(world, account.anchor) == before


def test_an_attribute_the_schema_lacks_is_left_out(world: LdapWorld) -> None:
    who = person(world)
    outcome = world.target.apply(None, who.create(extensionAttribute99="x", title="Nurse"))
    assert outcome.result == "applied"
    [refusal] = outcome.refusals
    assert (refusal.kind, refusal.attribute) == ("config", "extensionAttribute99")
    assert who.now().attributes["title"] == "Nurse"


def test_numbers_dates_and_lists(world: LdapWorld) -> None:
    who = person(world)
    account = who.hire()
    wanted = {
        "c": "DE",
        "co": "Germany",
        "countryCode": 276,
        "accountExpires": 133800000000000000,
        "proxyAddresses": (f"SMTP:{who.principal}", f"smtp:alias-{who.login}@norhaven.example"),
    }
    applied(world.target.apply(account, Step("modify", dict(wanted))))
    found = who.now().attributes
    assert {name: found[name] for name in wanted} == wanted
    applied(world.target.apply(account, Step("modify", dict.fromkeys(wanted, None))))
    assert not wanted.keys() & who.now().attributes.keys()
    applied(world.target.apply(account, Step("modify", dict.fromkeys(wanted, None))))
    assert world.raw(account.anchor)["accountExpires"] == ["9223372036854775807"]


def test_lengths_that_samba_takes_and_windows_does_not(world: LdapWorld) -> None:
    who = person(world)
    outcome = refused(world.target.apply(None, who.create(sAMAccountName="s" * 21)), "value")
    assert outcome.refusals[0].attribute == "sAMAccountName"
    outcome = refused(world.target.apply(None, who.named("n" * 65).create()), "value")
    assert outcome.refusals[0].attribute == "cn"
    longest = who.named((who.login + "n" * 64)[:64])
    account = longest.hire()
    outcome = refused(world.target.apply(account, Step("move", name="n" * 65)), "value")
    assert outcome.refusals[0].attribute == "cn"
    refused(world.target.apply(account, Step("move", name=" ")), "value")


def test_an_empty_value_removes(world: LdapWorld) -> None:
    who = person(world)
    account = who.hire(title="Nurse")
    applied(world.target.apply(account, Step("modify", {"title": ""})))
    assert "title" not in who.now().attributes


def test_names_held_by_groups_and_computers(world: LdapWorld, samba: SambaDomain) -> None:
    name = f"grp-{person(world).login}"
    dn = world.admin.add(
        f"CN={name},{world.people}", ["group"], {"sAMAccountName": name, "groupType": "2"}
    )
    assert world.target.holder("accountName", name.upper())
    outcome = refused(world.target.apply(None, person(world).create(sAMAccountName=name)), "name")
    assert outcome.refusals[0].attribute == "sAMAccountName"
    assert world.target.holder("cn", name)
    assert world.target.holder("accountName", "DC1$")
    world.admin.delete(dn)


def test_names_that_follow_from_other_names(world: LdapWorld) -> None:
    """sam@domain and userPrincipalName are one name space in AD."""
    one, other, third = person(world), person(world), person(world)
    free = f"{one.login}free"
    account = one.hire(userPrincipalName=f"{free}@{world.domain}")
    assert world.target.holder("accountName", free) == account.anchor
    assert world.target.holder("userPrincipalName", one.principal) == account.anchor
    assert world.target.holder("userPrincipalName", f"{one.login}@elsewhere.example") is None
    refused(world.target.apply(None, other.create(userPrincipalName=one.principal)), "name")
    outcome = world.target.apply(
        None, third.create(sAMAccountName=free, userPrincipalName=third.principal)
    )
    refused(outcome, "name")
    assert outcome.refusals[0].attribute == "sAMAccountName"


def test_mail_is_also_held_as_proxy_address(world: LdapWorld) -> None:
    who = person(world)
    address = f"alias-{who.login}@{world.domain}"
    account = who.hire(proxyAddresses=(f"SMTP:{who.principal}", f"smtp:{address}"))
    assert world.target.holder("mail", address.upper()) == account.anchor
    assert world.target.holder("mail", who.principal) == account.anchor


def test_computers_and_contacts_are_no_accounts(world: LdapWorld) -> None:
    key = person(world).key
    world.admin.add(f"CN=contact-{key},{world.people}", ["contact"], {"employeeID": key})
    assert world.target.read(None, {"employeeID": key}) is None
    assert world.target.read(None, {"sAMAccountName": "DC1$"}) is None


def test_account_moved_by_hand_is_found_by_guid(world: LdapWorld) -> None:
    who = person(world)
    account = who.hire()
    world.admin.connection.modify_dn(
        account.hint, f"CN=Moved {who.login}", new_superior=world.leavers
    )
    found = world.target.read(Link(account.anchor, account.hint), None)
    assert found is not None
    assert (found.container, found.name) == (world.leavers, f"Moved {who.login}")
    applied(world.target.apply(account, Step("modify", {"title": "still reached"})))


def test_missing_rights_name_the_delegation(world: LdapWorld, samba: SambaDomain) -> None:
    who = person(world)
    outside = f"CN=Users,{samba.base_dn}"
    step = who.create()
    outcome = refused(
        world.target.apply(
            None,
            Step("create", step.attributes, name=step.name, container=outside),
        ),
        "rights",
    )
    assert "CCDC" in outcome.refusals[0].remedy
    dn = world.admin.add_user(outside, who.name, sAMAccountName=who.login, employeeID=who.key)
    account = who.now()
    outcome = refused(world.target.apply(account, Step("modify", {"title": "x"})), "rights")
    assert "dsacls" in outcome.refusals[0].remedy
    refused(world.target.apply(account, Step("disable")), "rights")
    refused(
        world.target.apply(account, Step("move", name=who.name, container=world.people)), "rights"
    )
    world.admin.delete(dn)


def test_privileged_leavers_may_be_disabled_if_so_configured(world: LdapWorld) -> None:
    who = person(world)
    account = who.hire()
    applied(world.target.apply(account, Step("enable")))
    world.protect(account.anchor)
    target = world.direct(privileged="disable")
    account = who.now()
    refused(target.apply(account, Step("modify", {"title": "x"})), "protected")
    applied(target.apply(account, Step("disable")))
    refused(target.apply(who.now(), Step("enable")), "protected")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bind_dn": "CN=Nobody,DC=norhaven,DC=example"}, "wrong"),
        ({"password": lambda: ""}, "empty"),
        ({"password": Path("/no/such/file").read_text}, "FileNotFoundError"),
        ({"ca_file": "/no/such/file"}, "authority file"),
        ({"ca_file": __file__}, "authority file"),
        ({"base_dn": "DC=elsewhere,DC=example"}, "search"),
        ({"base_dn": "no dn at all"}, "search"),
    ],
)
def test_wrong_settings_are_told_with_a_remedy(
    world: LdapWorld, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(TargetRefused) as caught:
        world.direct(**changes).read(None, {"employeeID": "x"})
    refusal = caught.value.refusal
    assert refusal.kind == "config"
    assert words in refusal.message
    assert refusal.remedy


def test_a_disabled_service_account_is_named_as_the_reason(
    world: LdapWorld, samba: SambaDomain
) -> None:
    dn = world.admin.add_user(world.people, "svc", sAMAccountName=f"s{person(world).login}")
    password = "Aa1-secret-of-the-test"
    world.admin.modify(dn, unicodePwd=f'"{password}"'.encode("utf-16-le"))
    world.admin.modify(dn, userAccountControl=str(NORMAL | DISABLED))
    with pytest.raises(TargetRefused) as caught:
        world.direct(bind_dn=dn, password=lambda: password).read(None, {"employeeID": "x"})
    assert "disabled" in caught.value.refusal.message
    assert caught.value.refusal.code == "49/533"


def test_the_certificate_must_name_the_host(world: LdapWorld) -> None:
    relay = Relay(world.address)  # reached by an address that the certificate does not hold
    try:
        with pytest.raises(TargetRefused) as caught:
            world.direct(url=f"ldaps://127.0.0.1:{relay.port}").read(None, {"employeeID": "x"})
    finally:
        relay.close()
    assert caught.value.refusal.kind == "config"
    assert "certificate" in caught.value.refusal.message


@pytest.mark.parametrize("url", ["ldap://dc1.norhaven.example", "dc1", "ldaps://", "https://dc1"])
def test_only_ldaps_is_taken(url: str) -> None:
    with pytest.raises(ValueError, match="ldaps://host"):
        Config(url, "CN=x", str, "DC=x", "OU=x")


def test_an_unknown_host_is_down(world: LdapWorld) -> None:
    with pytest.raises(TargetDown) as caught:
        world.direct(url="ldaps://no-such-host.invalid").read(None, {"employeeID": "x"})
    assert "no-such-host.invalid" in str(caught.value)


def test_the_next_domain_controller_is_used_and_kept(world: LdapWorld) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        dead = f"ldaps://localhost:{free.getsockname()[1]}"
    relay = Relay(world.address)
    who = person(world)
    who.hire()
    target = world.direct(url=(dead, f"ldaps://localhost:{relay.port}"))
    try:
        for _ in range(3):
            assert target.read(None, who.match)
        assert relay.accepted == 1
        relay.cut()
        assert target.read(None, who.match)
        assert relay.accepted == 2
    finally:
        relay.close()
    with pytest.raises(TargetDown):
        target.read(None, who.match)


def test_connections_are_reused_and_limited(world: LdapWorld, relay: Relay) -> None:
    who = person(world)
    who.hire()
    target = world.direct(url=f"ldaps://localhost:{relay.port}", connections=2)
    threads = [
        threading.Thread(target=lambda: [target.read(None, who.match) for _ in range(5)])
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= relay.accepted <= 2


def test_a_fork_opens_its_own_connections(world: LdapWorld, relay: Relay) -> None:
    who = person(world)
    who.hire()
    target = world.direct(url=f"ldaps://localhost:{relay.port}")
    assert target.read(None, who.match)
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            status = 0 if target.read(None, who.match) else 1
        os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert relay.accepted == 2
    assert target.read(None, who.match)
    assert relay.accepted == 2


@pytest.fixture(scope="module")
def own(samba_domains: Callable[[], SambaDomain]) -> Iterator[SambaDomain]:
    """A domain that may be paused and killed."""
    domain = samba_domains()
    yield domain
    domain.stop()


def adapter(domain: SambaDomain) -> ActiveDirectory:
    settings = domain.settings()
    return ActiveDirectory(
        Config(
            url=settings["url"],
            bind_dn=settings["bind_dn"],
            password=Path(settings["password_file"]).read_text,
            base_dn=settings["base_dn"],
            people_ou=settings["people_ou"],
            ca_file=settings["ca_file"],
            connect_timeout=2,
            receive_timeout=2,
        )
    )


def hire(domain: SambaDomain, login: str) -> Step:
    return Step(
        "create",
        {"sAMAccountName": login, "employeeID": login},
        name=login,
        container=domain.settings()["people_ou"],
    )


def test_a_hung_server_leaves_the_create_unknown_and_done(own: SambaDomain) -> None:
    target = adapter(own)
    assert target.read(None, {"employeeID": "hung"}) is None
    assert own.process is not None
    os.kill(own.process.pid, signal.SIGSTOP)
    try:
        assert target.apply(None, hire(own, "hung")) == Outcome("unknown")
        with pytest.raises(TargetDown):
            target.read(None, {"employeeID": "hung"})
    finally:
        os.kill(own.process.pid, signal.SIGCONT)
    deadline = time.monotonic() + 10
    while target.read(None, {"employeeID": "hung"}) is None:
        assert time.monotonic() < deadline, "Samba applies it when it goes on"
        time.sleep(0.05)
    target.close()


def test_a_killed_server_is_down_and_then_back(own: SambaDomain) -> None:
    target = adapter(own)
    assert target.apply(None, hire(own, "survivor")).result == "applied"
    assert own.process is not None
    own.process.kill()
    own.process.wait()
    for _ in range(2):
        with pytest.raises(TargetDown):
            target.read(None, {"employeeID": "survivor"})
        with pytest.raises(TargetDown):
            target.apply(None, hire(own, "other"))
    own.start()
    assert target.read(None, {"employeeID": "survivor"})
    assert target.read(None, {"employeeID": "other"}) is None
    target.close()
