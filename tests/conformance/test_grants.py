"""What every target must do with groups and licences."""

from __future__ import annotations

import dataclasses
from uuid import UUID, uuid4

import pytest

from adapters.target import Grant, Step
from tests.conformance.people import applied, person, refused
from tests.conformance.world import World


def a_group(world: World) -> tuple[str, Grant]:
    """A new group's name, and the grant that it is."""
    name = f"g-{person(world).login}"
    anchor = world.add_group(name)
    assert str(UUID(anchor)) == anchor
    return name, Grant("group", anchor)


def test_a_group_is_found_by_name(world: World) -> None:
    name, grant = a_group(world)
    assert world.target.find_grant("group", name) == grant
    assert world.target.find_grant("group", name.upper()) == grant


def test_a_group_that_is_not_there_is_none(world: World) -> None:
    name, _ = a_group(world)
    absent = (f"{name}x", name[:-1], "*", " ", "", "a)(b", "\ud800", "x\0", "O'Neil", "=,", "CN=x")
    for text in (*absent, str(uuid4()), f"CN={name},OU=Missing,DC=norhaven,DC=example"):
        assert world.target.find_grant("group", text) is None


def test_groups_that_no_rule_may_give(world: World) -> None:
    for name in world.strange_groups():
        assert world.target.find_grant("group", name) is None, name


def test_an_account_is_no_group(world: World) -> None:
    who = person(world)
    account = who.hire()
    for name in (who.login, who.name, account.hint, account.anchor):
        assert world.target.find_grant("group", name) is None


def test_a_new_account_is_given_nothing(world: World) -> None:
    assert world.target.grants(person(world).hire()) == frozenset()


def test_granted_listed_and_revoked(world: World) -> None:
    account = person(world).hire()
    (_, one), (_, other) = a_group(world), a_group(world)
    for grant in (one, other):
        applied(world.target.apply(account, Step("grant", given=grant)))
    assert world.given(account.anchor) == {one.anchor, other.anchor}
    assert world.target.grants(account) == {one, other}
    applied(world.target.apply(account, Step("revoke", given=one)))
    assert world.given(account.anchor) == {other.anchor}
    assert world.target.grants(account) == {other}


def test_what_others_are_given_stays(world: World) -> None:
    account, other = person(world).hire(), person(world).hire()
    _, group = a_group(world)
    for each in (account, other):
        applied(world.target.apply(each, Step("grant", given=group)))
    applied(world.target.apply(account, Step("revoke", given=group)))
    assert world.given(other.anchor) == {group.anchor}


def test_done_already_is_success(world: World) -> None:
    account = person(world).hire()
    _, group = a_group(world)
    for kind, expected in (("grant", {group.anchor}), ("revoke", set())):
        for _ in range(2):
            applied(world.target.apply(account, Step(kind, given=group)))  # type: ignore[arg-type]
            assert world.given(account.anchor) == expected


def test_a_group_that_is_gone(world: World) -> None:
    account = person(world).hire()
    _, group = a_group(world)
    world.delete_group(group.anchor)
    for grant in (group, Grant("group", str(uuid4())), Grant("group", "not a guid")):
        refused(world.target.apply(account, Step("grant", given=grant)), "reference")
    applied(world.target.apply(account, Step("revoke", given=group)))


def test_an_account_that_is_gone(world: World) -> None:
    account = person(world).hire()
    _, group = a_group(world)
    applied(world.target.apply(account, Step("grant", given=group)))
    world.delete(account.anchor)
    _, other = a_group(world)
    refused(world.target.apply(account, Step("grant", given=other)), "gone")
    applied(world.target.apply(account, Step("revoke", given=group)))
    assert world.target.grants(account) == frozenset()


def test_a_privileged_account_is_given_and_taken_nothing(world: World) -> None:
    who = person(world)
    account = who.hire()
    _, group = a_group(world)
    world.protect(account.anchor)
    account = who.now()
    for kind in ("grant", "revoke"):
        refused(world.target.apply(account, Step(kind, given=group)), "protected")  # type: ignore[arg-type]
    refused(world.target.apply(account, Step("delete")), "protected")
    assert world.given(account.anchor) == set()
    assert world.sees(account.anchor)


def test_licences(world: World) -> None:
    if world.license is None:
        assert world.target.find_grant("license", "ENTERPRISEPACK") is None
        account = person(world).hire()
        step = Step("grant", given=Grant("license", str(uuid4())))
        refused(world.target.apply(account, step), "bug")
        pytest.skip("this target has no licences")
    account = person(world).hire(usageLocation="DE")
    grant = world.target.find_grant("license", world.license)
    assert grant is not None
    assert grant.kind == "license"
    assert world.target.find_grant("license", grant.anchor.upper()) == grant
    assert world.target.find_grant("license", world.license.lower()) == grant
    assert world.target.find_grant("license", "NO_SUCH_PACK") is None
    for kind, expected in (("grant", {grant.anchor}), ("revoke", set())):
        for _ in range(2):
            applied(world.target.apply(account, Step(kind, given=grant)))  # type: ignore[arg-type]
            assert world.given(account.anchor) == expected
            assert {g.anchor for g in world.target.grants(account)} == expected
    gone = dataclasses.replace(account, anchor=str(uuid4()))
    refused(world.target.apply(gone, Step("grant", given=grant)), "gone")
    applied(world.target.apply(gone, Step("revoke", given=grant)))
