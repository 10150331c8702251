"""What every target must do when it cannot be reached, or when an answer is lost."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.target import Grant, Link, Step, Target, TargetDown, TargetRefused
from tests.conformance.people import applied, person
from tests.conformance.proxy import Fault, Relay
from tests.conformance.world import World


def test_nothing_listens(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    _assert_down(world, world.through(port))


def test_a_server_that_never_answers(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        target = world.through(mute.getsockname()[1])
        begun = time.monotonic()
        with pytest.raises(TargetDown):
            target.read(None, {world.words.key: "x"})
        assert time.monotonic() - begun < 10


def _assert_down(world: World, target: Target) -> None:
    account = person(world).hire()
    with pytest.raises(TargetDown) as caught:
        target.read(None, {world.words.key: "x"})
    assert caught.value.remedy
    with pytest.raises(TargetDown):
        target.holder("accountName", "x")
    with pytest.raises(TargetDown):
        target.apply(account, Step("modify", {world.words.title: "x"}))
    with pytest.raises(TargetDown):
        target.apply(None, person(world).create())


def test_wrong_password_is_configuration(world: World) -> None:
    target = world.with_wrong_password()
    with pytest.raises(TargetRefused) as caught:
        target.read(None, {world.words.key: "x"})
    assert caught.value.refusal.kind == "config"
    assert caught.value.refusal.remedy
    assert "not the password" not in str(caught.value) + caught.value.refusal.remedy


def test_an_unknown_certificate_authority_is_configuration(world: World) -> None:
    target = world.with_wrong_authority()
    with pytest.raises(TargetRefused) as caught:
        target.read(None, {world.words.key: "x"})
    assert caught.value.refusal.kind == "config"
    assert "certificate" in caught.value.refusal.message
    assert caught.value.refusal.remedy


def test_reads_survive_connections_that_were_cut(world: World, relay: Relay) -> None:
    who = person(world)
    account = who.hire()
    target = world.through(relay.port)
    for _ in range(3):
        found = target.read(None, who.match)
        assert found is not None
        assert found.anchor == account.anchor
        relay.cut()


def test_writes_after_idle_connections_were_cut(world: World, relay: Relay) -> None:
    who = person(world)
    account = who.hire()
    target = world.through(relay.port)
    target.read(None, who.match)
    relay.cut()
    time.sleep(0.1)
    applied(target.apply(account, Step("modify", {world.words.title: "after the cut"})))


def test_a_create_whose_answer_is_lost_is_unknown_and_was_done(world: World, relay: Relay) -> None:
    who = person(world)
    target = world.through(relay.port)
    assert target.read(None, who.match) is None
    relay.after(world.reads_before_create, "drop_after")
    outcome = target.apply(None, who.create())
    assert outcome.result == "unknown"
    assert relay.answered.wait(5)
    relay.heal()
    found = target.read(None, who.match)
    assert found is not None
    assert not found.enabled


def test_a_create_that_never_arrived_is_unknown_and_was_not_done(
    world: World, relay: Relay
) -> None:
    who = person(world)
    target = world.through(relay.port)
    assert target.read(None, who.match) is None
    relay.after(world.reads_before_create, "drop_before")
    assert target.apply(None, who.create()).result == "unknown"
    relay.heal()
    assert target.read(None, who.match) is None
    applied(target.apply(None, who.create()))


@pytest.mark.parametrize("fault", ["drop_after", "hang_after"])
def test_lost_answers_of_every_step(world: World, relay: Relay, fault: str) -> None:
    """Wherever the connection breaks, the outcome is unknown, and reading tells the truth."""
    chief = person(world).hire()
    group = Grant("group", world.add_group(f"g-{person(world).login}"))
    steps = [
        Step("modify", {world.words.title: "Nurse"}),
        Step("enable"),
        Step("refer", attribute="manager", anchor=chief.anchor),
        Step("disable"),
        Step("grant", given=group),
        Step("revoke", given=group),
    ]
    target = world.through(relay.port)
    for step in steps:
        who = person(world)
        who.hire()
        account = target.read(None, who.match)
        assert account is not None
        relay.after(0, fault)  # type: ignore[arg-type]
        outcome = target.apply(account, step)
        assert outcome.result == "unknown", (step, outcome)
        relay.heal()
        again = target.read(None, who.match)
        assert again is not None
        applied(target.apply(again, step))


@pytest.mark.parametrize("fault", ["drop_after", "hang_after", "drop_before"])
def test_lost_answers_of_delete_and_restore(world: World, relay: Relay, fault: Fault) -> None:
    """What was done, reading tells; and both can be done again until they are."""
    who = person(world)
    account = who.hire()
    link = Link(account.anchor)
    target = world.through(relay.port)
    assert target.read(link, None) is not None
    relay.after(0, fault)
    assert target.apply(account, Step("delete")).result == "unknown"
    relay.heal()
    applied(target.apply(account, Step("delete")))
    assert target.in_bin(link)
    back = Step(
        "restore",
        anchor=account.anchor,
        name=who.name if world.people else None,
        container=world.people,
    )
    for requests in range(3):
        relay.after(requests, fault)
        with contextlib.suppress(TargetDown):  # while it only looked
            assert target.apply(None, back).result in ("unknown", "applied")
        relay.heal()
        if not target.in_bin(link):
            break
    else:
        applied(target.apply(None, back))
    assert target.read(link, None) is not None


def test_the_write_of_a_lost_answer_is_sent_once(world: World, relay: Relay) -> None:
    who = person(world)
    account = who.hire()
    target = world.through(relay.port)
    target.read(None, who.match)
    before = relay.accepted
    relay.after(0, "drop_after")
    outcome = target.apply(account, Step("modify", {world.words.title: "once"}))
    assert outcome.result == "unknown"
    assert relay.accepted == before
    relay.heal()
    assert world.sees(account.anchor).attributes[world.words.title] == "once"


def test_threads_share_a_target(world: World) -> None:
    people = [person(world) for _ in range(4)]
    for who in people:
        who.hire()
    barrier = threading.Barrier(len(people))

    def work(number: int) -> None:
        who = people[number]
        barrier.wait()
        for turn in range(10):
            title = f"Title {number}.{turn}"
            account = world.target.read(None, who.match)
            assert account is not None
            applied(world.target.apply(account, Step("modify", {world.words.title: title})))
            again = world.target.read(None, who.match)
            assert again is not None
            assert again.attributes[world.words.title] == title

    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(work, range(len(people))))


def test_a_closed_target_opens_again_when_asked(world: World) -> None:
    who = person(world)
    who.hire()
    world.target.close()
    assert world.target.read(None, who.match) is not None
