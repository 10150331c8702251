"""What every target must do when asked for more than one account."""

from __future__ import annotations

import itertools
from uuid import uuid4

import pytest

from adapters.target import Link, NameKind, Step, TargetDown
from tests.conformance.people import applied, person
from tests.conformance.proxy import Relay
from tests.conformance.world import World

MORE_THAN_A_PAGE = 1100


def test_several_are_as_read_gives_each(world: World) -> None:
    people = [person(world) for _ in range(25)]  # more than one batch of Graph
    accounts = [who.hire() for who in people]
    one = accounts[0]
    applied(world.target.apply(one, Step("refer", attribute="manager", anchor=accounts[1].anchor)))
    applied(world.target.apply(one, Step("enable")))
    applied(world.target.apply(one, Step("modify", {world.words.title: "Ärztin"})))
    found = world.target.several([account.anchor for account in accounts])
    assert found == {a.anchor: world.target.read(Link(a.anchor), None) for a in accounts}
    assert found[one.anchor].references == {"manager": accounts[1].anchor}
    assert found[one.anchor].enabled


def test_of_several_only_those_that_are_there(world: World) -> None:
    there, deleted = person(world).hire(), person(world).hire()
    world.delete(deleted.anchor)
    anchors = [str(uuid4()), there.anchor, "not a guid", deleted.anchor, "*", ""]
    assert set(world.target.several(anchors)) == {there.anchor}
    assert world.target.several([]) == {}


def test_many_keys_find_what_each_finds(world: World) -> None:
    people = [person(world) for _ in range(20)]  # more than one question to Graph
    accounts = [who.hire() for who in people]
    nobody = {world.words.key: "no-such-key"}
    awkward = [{world.words.key: value} for value in ("", " ", "\0", "*", "' or 1 eq 1", "\ud800")]
    keys = [nobody, *awkward, *(who.match for who in people), {}, people[0].match]
    found = world.target.carriers(keys)
    assert found[1 + len(awkward) :] == [*((who.now(),) for who in people), (), (people[0].now(),)]
    assert found[: 1 + len(awkward)] == [()] * (1 + len(awkward))
    assert world.target.carriers([]) == []
    deleted = accounts[1]
    world.delete(deleted.anchor)
    assert world.target.carriers([people[1].match, people[2].match]) == [(), (people[2].now(),)]


def test_a_key_of_two_is_shown_to_be_so_among_others(world: World) -> None:
    one, other, third = person(world), person(world), person(world)
    account, twin, alone = one.hire(), other.hire(), third.hire()
    applied(world.target.apply(twin, Step("modify", {world.words.key: one.key})))
    first, second = world.target.carriers([one.match, third.match])
    assert {a.anchor for a in first} == {account.anchor, twin.anchor}
    assert [a.anchor for a in second] == [alone.anchor]


def test_many_names_are_held_as_each_is(world: World) -> None:
    people = [person(world) for _ in range(20)]
    accounts = [who.hire() for who in people]
    names: list[tuple[NameKind, str]] = [("accountName", "nobody"), ("mail", "no@x.example")]
    for who in people:
        names += [("accountName", who.login.upper()), ("userPrincipalName", who.principal)]
    names += [("userPrincipalName", "x" + people[0].principal), ("accountName", "\0"), ("mail", "")]
    found = world.target.holders(names)
    assert found == [world.target.holder(kind, value) for kind, value in names]
    assert found == [
        *(None, None),
        *(account.anchor for account in accounts for _ in range(2)),
        *(None, None, None),
    ]
    assert world.target.holders([]) == []


def test_names_that_the_target_keeps_for_a_deleted_account_are_held_among_others_too(
    world: World,
) -> None:
    who, other = person(world), person(world)
    gone, there = who.hire(), other.hire()
    world.delete(gone.anchor)
    names: list[tuple[NameKind, str]] = [
        ("accountName", who.login),
        ("userPrincipalName", who.principal),
        ("accountName", other.login),
    ]
    found = world.target.holders(names)
    assert found == [world.target.holder(kind, value) for kind, value in names]
    assert found[2] == there.anchor


def test_every_account_once_as_read_gives_it(world: World) -> None:
    """Also when there are more than one answer may hold."""
    who = person(world)
    account, chief = who.hire(), person(world).hire()
    applied(world.target.apply(account, Step("refer", attribute="manager", anchor=chief.anchor)))
    crowd = world.populate(MORE_THAN_A_PAGE)
    assert len(crowd) == MORE_THAN_A_PAGE
    found = list(world.target.every())
    by_anchor = {account.anchor: account for account in found}
    assert len(found) == len(by_anchor)
    assert crowd | {account.anchor, chief.anchor} <= set(by_anchor)
    assert by_anchor[account.anchor] == who.now()


def test_every_shows_no_deleted_account_and_no_group(world: World) -> None:
    deleted, group = person(world).hire(), world.add_group(f"g-{person(world).login}")
    world.delete(deleted.anchor)
    assert not {deleted.anchor, group} & {account.anchor for account in world.target.every()}


def test_others_may_ask_while_every_account_is_listed(world: World, relay: Relay) -> None:
    people = [person(world) for _ in range(3)]
    for who in people:
        who.hire()
    target = world.through(relay.port)
    for account in itertools.islice(target.every(), 3):
        assert target.read(Link(account.anchor), None) == account


def test_a_listing_that_is_left_early_leaves_nothing_behind(world: World) -> None:
    who = person(world)
    who.hire()
    for _ in range(30):
        assert next(world.target.every()) is not None
    assert who.now().attributes[world.words.key] == who.key


def test_a_listing_that_breaks_says_so(world: World, relay: Relay) -> None:
    world.populate(MORE_THAN_A_PAGE)
    accounts = world.through(relay.port).every()
    next(accounts)
    relay.close()
    with pytest.raises(TargetDown):
        list(accounts)
