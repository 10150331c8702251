"""What every target must do with accounts: find, create, change, move, link, switch."""

from __future__ import annotations

import dataclasses
from uuid import UUID, uuid4

import pytest

from adapters.target import Ambiguous, Link, NameKind, Step, StepKind, Value
from tests.conformance.people import applied, person, refused
from tests.conformance.world import World

AWKWARD_NAMES = [
    "O'Neil",
    "Zoë #1",
    "Smith, John",
    "Anna/Maria Ö",
    'The "Boss" <x>; y = z + 1',
    "back\\slash",
    "#leading",
    " leading blank",
    "trailing blank ",
    "(paren) * star",
    "張偉",
    "Ivan 🙂",
]


def test_created_disabled_then_enabled(world: World) -> None:
    who = person(world)
    account = who.hire(**{world.words.title: "Nurse"})
    assert not account.enabled
    assert not world.sees(account.anchor).enabled
    assert account.attributes[world.words.title] == "Nurse"
    applied(world.target.apply(account, Step("enable")))
    assert world.sees(account.anchor).enabled
    assert who.now().enabled


def test_create_says_where_the_account_is(world: World) -> None:
    outcome = applied(world.target.apply(None, person(world).create()))
    assert outcome.link is not None
    assert str(UUID(outcome.link.anchor)) == outcome.link.anchor
    seen = world.sees(outcome.link.anchor)
    assert seen.container == world.people


def test_created_to_be_enabled(world: World) -> None:
    """In one write where the target can; never without saying so."""
    who = person(world)
    outcome = applied(world.target.apply(None, dataclasses.replace(who.create(), enabled=True)))
    told, now = outcome.account, who.now()
    assert now.enabled == (told is not None and told.enabled)
    applied(world.target.apply(now, Step("enable")))
    assert who.now().enabled


@pytest.mark.parametrize("there", [True, False, None])
def test_created_with_a_link(world: World, there: bool | None) -> None:
    """In one write where the target can, and where the link leads to somebody: `there` is
    False for a stranger, None for who is deleted."""
    who, boss = person(world), person(world)
    chief = boss.hire()
    if there is None:
        applied(world.target.apply(chief, Step("delete")))
    anchor = str(uuid4()) if there is False else chief.anchor
    step = dataclasses.replace(who.create(), enabled=True, references={"manager": anchor})
    told, now = applied(world.target.apply(None, step)).account, who.now()
    if told is not None:
        assert told.references == now.references
    if not there:
        assert now.references == {}
        return
    applied(world.target.apply(now, Step("refer", attribute="manager", anchor=anchor)))
    assert who.now().references == {"manager": anchor}
    assert world.sees(now.anchor).manager == anchor


def test_what_create_says_of_the_account_is_so(world: World) -> None:
    who = person(world)
    outcome = applied(world.target.apply(None, who.create(**{world.words.title: "Nurse"})))
    told, now = outcome.account, who.now()
    if told is not None:
        assert (told.anchor, told.hint, told.enabled) == (now.anchor, now.hint, now.enabled)
        assert told.attributes.items() <= now.attributes.items()
        applied(world.target.apply(told, Step("enable")))
        assert who.now().enabled


def test_nobody_is_none(world: World) -> None:
    assert world.target.read(None, None) is None
    assert world.target.read(None, {world.words.key: "no-such-key"}) is None
    assert world.target.read(Link(str(uuid4())), None) is None
    assert world.target.read(Link("not a guid"), {world.words.key: "no-such-key"}) is None


def test_found_by_link_whatever_the_match_says(world: World) -> None:
    one, other = person(world), person(world)
    account = one.hire()
    other.hire()
    found = world.target.read(Link(account.anchor, "an outdated hint"), other.match)
    assert found is not None
    assert found.anchor == account.anchor


def test_found_by_match_when_the_link_is_gone(world: World) -> None:
    who = person(world)
    account = who.hire()
    found = world.target.read(Link(str(uuid4())), who.match)
    assert found is not None
    assert found.anchor == account.anchor


def test_match_is_exact(world: World) -> None:
    who = person(world)
    who.hire()
    for value in (
        who.key + "0",
        who.key[:-1] + "*",
        "*",
        f"{who.key})(objectClass=*",
        " ",
        "\ud800",
    ):
        assert world.target.read(None, {world.words.key: value}) is None


def test_two_with_the_same_key_are_ambiguous(world: World) -> None:
    one, other = person(world), person(world)
    one.hire()
    other.hire(**{world.words.key: one.key})
    with pytest.raises(Ambiguous) as caught:
        world.target.read(None, one.match)
    assert len(caught.value.hints) == 2


def test_all_parts_of_a_key_have_to_agree(world: World) -> None:
    words, one, other = world.words, person(world, "O'Neil"), person(world)
    mark = f"Anna & (Co) {one.key}"
    account = one.hire(**{words.given_name: mark, words.title: "Cook"})
    other.hire(**{words.given_name: mark, words.title: "Nurse"})
    found = world.target.read(None, {words.given_name: mark, words.title: "Cook"})
    assert found is not None
    assert found.anchor == account.anchor
    assert world.target.read(None, {words.given_name: mark, words.title: "Clerk"}) is None
    with pytest.raises(Ambiguous):
        world.target.read(None, {words.given_name: mark})


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_awkward_names_survive(world: World, name: str) -> None:
    who = person(world, name)
    account = who.hire()
    seen = world.sees(account.anchor)
    assert seen.attributes[world.words.display_name] == name.strip()
    if world.people is None:
        return
    assert account.name == seen.name == name
    assert account.container == world.people
    assert world.target.holder("cn", name) == account.anchor
    renamed = f"{name} & {name}"
    outcome = applied(
        world.target.apply(account, Step("move", name=renamed, container=world.leavers))
    )
    assert outcome.link is not None
    assert outcome.link.anchor == account.anchor
    seen = world.sees(account.anchor)
    assert (seen.name, seen.container) == (renamed, world.leavers)
    again = who.now()
    assert (again.name, again.container) == (renamed, world.leavers)
    applied(world.target.apply(again, Step("move", name=name, container=world.people)))
    assert who.now().name == name


def test_modify_sets_changes_and_removes(world: World) -> None:
    title = world.words.title
    who = person(world)
    account = who.hire()
    values: tuple[Value | None, ...] = ("Nurse", "Ärztin", "nurse", None, None, "Nurse")
    for value in values:
        applied(world.target.apply(account, Step("modify", {title: value})))
        assert world.sees(account.anchor).attributes.get(title) == value
        assert who.now().attributes.get(title) == value


def test_steps_may_be_repeated(world: World) -> None:
    who = person(world)
    who.hire()
    chief = person(world).hire()
    steps = [
        Step("modify", {world.words.title: "Nurse"}),
        Step("enable"),
        Step("refer", attribute="manager", anchor=chief.anchor),
        Step("refer", attribute="manager", anchor=None),
        Step("disable"),
    ]
    if world.people:
        steps.append(Step("move", name="Again " + who.name, container=world.leavers))
    for step in steps:
        applied(world.target.apply(who.now(), step))
        applied(world.target.apply(who.now(), step))


def test_what_was_read_is_what_was_written(world: World) -> None:
    """Reading after writing finds nothing left to write, or plans would never end."""
    words = world.words
    wanted = {words.title: "Leitung  Pflege", words.given_name: "Zoë", words.display_name: "Zoë É"}
    who = person(world)
    account = who.hire()
    applied(world.target.apply(account, Step("modify", wanted)))
    attributes = who.now().attributes
    assert {name: attributes[name] for name in wanted} == wanted


def test_a_refused_value_is_reported_and_the_rest_applied(world: World) -> None:
    words = world.words
    attribute, bad = words.refused
    who = person(world)
    account = who.hire()
    outcome = world.target.apply(account, Step("modify", {attribute: bad, words.title: "Nurse"}))
    assert outcome.result == "applied"
    assert [(r.kind, r.attribute) for r in outcome.refusals] == [("value", attribute)]
    assert bad not in outcome.refusals[0].message + outcome.refusals[0].remedy
    seen = world.sees(account.anchor).attributes
    assert seen[words.title] == "Nurse"
    assert attribute not in seen


def test_a_hire_with_a_refused_value_is_still_a_hire(world: World) -> None:
    words = world.words
    attribute, bad = words.refused
    who = person(world)
    outcome = world.target.apply(None, who.create(**{attribute: bad, words.title: "Nurse"}))
    assert outcome.result == "applied"
    assert outcome.link is not None
    assert [(r.kind, r.attribute) for r in outcome.refusals] == [("value", attribute)]
    seen = world.sees(outcome.link.anchor).attributes
    assert seen[words.title] == "Nurse"
    assert seen[words.key] == who.key
    applied(world.target.apply(who.now(), Step("enable")))


def test_a_refused_required_value_refuses_the_step(world: World) -> None:
    words = world.words
    attribute, bad = words.refused
    who = person(world)
    create = who.create(**{attribute: bad})
    step = dataclasses.replace(create, required=create.required | {attribute})
    refused(world.target.apply(None, step), "value")
    assert world.target.read(None, who.match) is None
    account = who.hire()
    step = Step("modify", {attribute: bad, words.title: "x"}, required=frozenset({attribute}))
    refused(world.target.apply(account, step), "value")
    assert words.title not in world.sees(account.anchor).attributes


def test_a_value_that_is_no_text_is_refused(world: World) -> None:
    account = person(world).hire()
    for bad in ("\ud800", "a\0b"):
        refused(world.target.apply(account, Step("modify", {world.words.title: bad})), "value")


def test_a_place_that_is_no_text_is_refused(world: World) -> None:
    if world.people is None:
        pytest.skip("this target has no containers")
    who = person(world)
    odd = "OU=\ud800," + world.people
    refused(world.target.apply(None, dataclasses.replace(who.create(), container=odd)), "value")
    account = who.hire()
    steps = [Step("move", name=who.name, container=odd), Step("move", name="\ud800")]
    for step in steps:
        refused(world.target.apply(account, step), "value")
    applied(world.target.apply(account, Step("delete")))
    back = Step("restore", anchor=account.anchor, name=who.name, container=odd)
    refused(world.target.apply(None, back), "value")


def test_disable_and_enable_keep_what_others_set(world: World) -> None:
    who = person(world)
    account = who.hire()
    plain = world.sees(account.anchor).rest
    world.meddle(account.anchor)
    meddled = world.sees(account.anchor).rest
    assert meddled != plain
    kinds: tuple[StepKind, ...] = ("enable", "disable", "enable")
    for kind in kinds:
        applied(world.target.apply(who.now(), Step(kind)))
        seen = world.sees(account.anchor)
        assert (seen.enabled, seen.rest) == (kind == "enable", meddled)


def test_a_change_by_somebody_else_in_between_is_stale(world: World) -> None:
    if not world.notices_changes:
        pytest.skip("this target writes single attributes and has no versions")
    who = person(world)
    account = who.hire()
    world.meddle(account.anchor)
    refused(world.target.apply(account, Step("enable")), "stale")
    assert not world.sees(account.anchor).enabled
    applied(world.target.apply(who.now(), Step("enable")))


def test_manager_set_late_changed_and_removed(world: World) -> None:
    who = person(world)
    account = who.hire()
    refused(
        world.target.apply(account, Step("refer", attribute="manager", anchor=str(uuid4()))),
        "reference",
    )
    assert world.sees(account.anchor).manager is None
    chief, other = person(world).hire(), person(world).hire()
    for anchor in (chief.anchor, other.anchor, account.anchor, None):
        applied(world.target.apply(account, Step("refer", attribute="manager", anchor=anchor)))
        assert world.sees(account.anchor).manager == anchor
        assert who.now().references.get("manager") == anchor


def test_manager_follows_a_rename(world: World) -> None:
    who, boss = person(world), person(world)
    account, chief = who.hire(), boss.hire()
    applied(world.target.apply(account, Step("refer", attribute="manager", anchor=chief.anchor)))
    if world.people:
        step = Step("move", name="Renamed " + boss.name, container=world.leavers)
        applied(world.target.apply(chief, step))
    assert who.now().references == {"manager": chief.anchor}


def test_taken_names_are_refused_as_names(world: World) -> None:
    words = world.words
    one = person(world)
    one.hire()
    taken = {
        words.account_name: one.login.upper(),
        words.user_principal_name: one.principal.upper(),
    }
    for attribute in words.unique:
        value = taken[attribute]
        other = person(world)
        outcome = refused(world.target.apply(None, other.create(**{attribute: value})), "name")
        assert outcome.refusals[0].attribute == attribute
        assert one.login not in outcome.refusals[0].message.lower()
        account = other.hire()
        outcome = refused(
            world.target.apply(account, Step("modify", {attribute: value, words.title: "x"})),
            "name",
        )
        assert outcome.refusals[0].attribute == attribute
        assert words.title not in world.sees(account.anchor).attributes


def test_taken_name_in_the_container(world: World) -> None:
    if world.people is None:
        pytest.skip("this target has no containers")
    one = person(world)
    one.hire()
    other = person(world)
    outcome = refused(world.target.apply(None, other.named(one.name.upper()).create()), "name")
    assert outcome.refusals[0].attribute == "cn"
    account = other.hire()
    step = Step("move", name=one.name, container=world.people)
    outcome = refused(world.target.apply(account, step), "name")
    assert outcome.refusals[0].attribute == "cn"
    assert world.sees(account.anchor).name == other.name


def test_a_missing_container_is_named(world: World) -> None:
    if world.people is None:
        pytest.skip("this target has no containers")
    who = person(world)
    missing = f"OU=Missing,{world.people}"
    step = dataclasses.replace(who.create(), container=missing)
    outcome = refused(world.target.apply(None, step), "container")
    account = who.hire()
    outcome = refused(
        world.target.apply(account, Step("move", name=who.name, container=missing)), "container"
    )
    assert outcome.refusals[0].kind == "container"


def test_holder_knows_who_has_a_name(world: World) -> None:
    who = person(world)
    account = who.hire()
    assert world.target.holder("accountName", who.login.upper()) == account.anchor
    assert world.target.holder("userPrincipalName", who.principal.upper()) == account.anchor
    kinds: tuple[NameKind, ...] = ("accountName", "userPrincipalName", "mail", "cn")
    for kind in kinds:
        assert world.target.holder(kind, f"nobody-{who.login}") is None
        for odd in ("*", "a)(b", "\ud800", "\\", " ", "x\0"):
            assert world.target.holder(kind, odd) is None


def test_holder_of_a_mail_address(world: World) -> None:
    who = person(world)
    address = f"mail-{who.login}@{world.domain}"
    account = who.hire(mail=address)
    assert world.target.holder("mail", address.upper()) == account.anchor


def test_steps_on_a_deleted_account_say_gone(world: World) -> None:
    who = person(world)
    account = who.hire()
    world.delete(account.anchor)
    steps = [
        Step("modify", {world.words.title: "x"}),
        Step("modify", {world.words.title: "x", world.words.given_name: "y"}),
        Step("enable"),
        Step("refer", attribute="manager", anchor=None),
    ]
    if world.people:
        steps.append(Step("move", name=who.name, container=world.leavers))
    for step in steps:
        refused(world.target.apply(account, step), "gone")
    assert world.target.read(Link(account.anchor), who.match) is None


def test_privileged_accounts_are_reported_and_not_touched(world: World) -> None:
    who = person(world)
    account = who.hire()
    world.protect(account.anchor)
    account = who.now()
    assert account.protected
    for step in (Step("modify", {world.words.title: "x"}), Step("enable"), Step("disable")):
        refused(world.target.apply(account, step), "protected")
    assert world.words.title not in world.sees(account.anchor).attributes
