"""What every target must do with accounts that are deleted and come back."""

from __future__ import annotations

import dataclasses
from uuid import uuid4

import pytest

from adapters.target import Account, Link, NameKind, Step
from tests.conformance.people import Person, applied, person, refused
from tests.conformance.world import World


def restoring(who: Person, account: Account) -> Step:
    world = who.world
    name = who.name if world.people else None
    return Step("restore", anchor=account.anchor, name=name, container=world.people)


def test_a_deleted_account_is_not_there_and_can_come_back(world: World) -> None:
    who = person(world)
    account = who.hire()
    assert not world.target.in_bin(Link(account.anchor))
    applied(world.target.apply(account, Step("delete")))
    assert world.target.read(Link(account.anchor), who.match) is None
    assert world.target.in_bin(Link(account.anchor))


def test_deleting_twice_is_deleting_once(world: World) -> None:
    account = person(world).hire()
    applied(world.target.apply(account, Step("delete")))
    applied(world.target.apply(account, Step("delete")))
    applied(world.target.apply(dataclasses.replace(account, anchor=str(uuid4())), Step("delete")))


def test_what_was_never_deleted_is_not_in_the_bin(world: World) -> None:
    account = person(world).hire()
    for anchor in (account.anchor, str(uuid4()), "not a guid", ""):
        assert not world.target.in_bin(Link(anchor))


@pytest.mark.parametrize("enabled", [True, False])
def test_a_restored_account_is_the_same_and_disabled(world: World, enabled: bool) -> None:
    who = person(world)
    account = who.hire()
    if enabled:
        applied(world.target.apply(account, Step("enable")))
    applied(world.target.apply(account, Step("delete")))
    outcome = applied(world.target.apply(None, restoring(who, account)))
    assert outcome.link is not None
    assert outcome.link.anchor == account.anchor
    back = world.target.read(outcome.link, None)
    assert back is not None
    assert back.anchor == account.anchor
    assert not back.enabled
    assert not world.sees(account.anchor).enabled
    assert (back.name, back.container) == (account.name, account.container)
    assert back.attributes[world.words.account_name] == who.login
    assert not world.target.in_bin(Link(account.anchor))


def test_a_restored_account_can_be_filled_and_enabled(world: World) -> None:
    who = person(world)
    account = who.hire()
    applied(world.target.apply(account, Step("delete")))
    outcome = applied(world.target.apply(None, restoring(who, account)))
    words = world.words
    wanted = {words.key: who.key, words.title: "Nurse", words.user_principal_name: who.principal}
    back = world.target.read(outcome.link, None)
    assert back is not None
    applied(world.target.apply(back, Step("modify", dict(wanted))))
    applied(world.target.apply(back, Step("enable")))
    now = who.now()
    assert now.anchor == account.anchor
    assert now.enabled
    assert {name: now.attributes[name] for name in wanted} == wanted


def test_restored_to_another_place_under_another_name(world: World) -> None:
    if world.leavers is None:
        pytest.skip("this target has no containers")
    who = person(world)
    account = who.hire()
    applied(world.target.apply(account, Step("delete")))
    name = 'O\'Neil, "Zoë" #1'
    step = Step("restore", anchor=account.anchor, name=name, container=world.leavers)
    outcome = applied(world.target.apply(None, step))
    back = world.target.read(outcome.link, None)
    assert back is not None
    assert (back.name, back.container) == (name, world.leavers)
    assert (outcome.link and outcome.link.hint) == back.hint


def test_restoring_what_is_not_in_the_bin(world: World) -> None:
    who = person(world)
    account = who.hire()
    applied(world.target.apply(account, Step("enable")))
    refused(world.target.apply(None, restoring(who, account)), "stale")
    assert world.sees(account.anchor).enabled
    for anchor in (str(uuid4()), "not a guid"):
        step = dataclasses.replace(restoring(who, account), anchor=anchor)
        refused(world.target.apply(None, step), "gone")


def test_restoring_to_a_place_that_is_taken_or_missing(world: World) -> None:
    if world.people is None:
        pytest.skip("this target has no containers")
    who, other = person(world), person(world)
    account = who.hire()
    other.hire()
    applied(world.target.apply(account, Step("delete")))
    step = dataclasses.replace(restoring(who, account), name=other.name)
    outcome = refused(world.target.apply(None, step), "name")
    assert outcome.refusals[0].attribute == "cn"
    step = dataclasses.replace(restoring(who, account), container=f"OU=Missing,{world.people}")
    refused(world.target.apply(None, step), "container")
    assert world.target.in_bin(Link(account.anchor))
    applied(world.target.apply(None, restoring(who, account)))


def test_restoring_when_somebody_else_has_the_name_now(world: World) -> None:
    """No account is made that shares a name, and nothing is lost: it comes back under
    another name, or stays where it is."""
    who = person(world)
    account = who.hire()
    applied(world.target.apply(account, Step("delete")))
    other = world.take_name(who.login)
    step = dataclasses.replace(restoring(who, account), name=world.people and f"{who.name} (2)")
    outcome = world.target.apply(None, step)
    if outcome.result == "applied":
        seen, others = world.sees(account.anchor), world.sees(other)
        name = world.words.user_principal_name
        assert seen.attributes[name].casefold() != others.attributes[name].casefold()
        assert not seen.enabled
    else:
        refused(outcome, "name")
        assert outcome.refusals[0].attribute == world.words.account_name
        assert world.target.in_bin(Link(account.anchor))


def test_who_is_hired_and_deleted_at_once_is_found_in_the_bin(world: World) -> None:
    """Whatever was said a moment ago of there being nobody."""
    who, other = person(world), person(world)
    assert world.target.carriers([who.match, other.match]) == [(), ()]
    names: list[tuple[NameKind, str]] = [("userPrincipalName", who.principal)]
    assert world.target.holders(names) == [None]
    account = who.hire()
    applied(world.target.apply(account, Step("delete")))
    assert world.target.in_bin(Link(account.anchor))
    if world.target.holders(names) == [account.anchor]:  # the target keeps the name for them
        assert who.hire().anchor == account.anchor
