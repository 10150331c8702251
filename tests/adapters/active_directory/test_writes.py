"""Writes against a scripted session: answers that a Samba domain does not give on order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from adapters.active_directory.config import Config
from adapters.active_directory.connection import Answer, Entry, Lost, Session
from adapters.active_directory.requests import INSERT, REMOVE
from adapters.active_directory.writes import Writer
from adapters.target import Account, Outcome, Step, TargetDown

GUID = "ff1d5d6f-3696-4418-ae79-b1528f070f08"
MADE = Answer(0, "", (Entry("CN=x", {"objectGUID": [bytes(16)]}),))
OK = Answer(0, "")
BAD_VALUE = Answer(21, "0000200B: x")
BUSY = Answer(51, "0000200E: SvcErr")
POLICY = Answer(53, "0000052D: SvcErr")

CREATE = Step(
    "create",
    {"sAMAccountName": "x", "title": "t", "l": "l"},
    name="x",
    container="OU=People,DC=x",
    required=frozenset({"sAMAccountName"}),
)
ACCOUNT = Account(GUID, "CN=x,DC=x", False, {}, "x", "DC=x", state={"userAccountControl": 514})


class Script:
    """A session that gives these answers in turn and remembers what it was asked."""

    def __init__(self, *answers: Answer | type[Exception]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, Any]] = []
        self.dead = False

    def _next(self, what: str, detail: object) -> Answer:
        self.asked.append((what, detail))
        answer = self._answers.pop(0)
        if not isinstance(answer, Answer):
            raise answer
        return answer

    def add(self, dn: str, values: Mapping[str, Sequence[bytes]]) -> Answer:
        return self._next("add", dict(values))

    def modify(self, dn: str, changes: Mapping[str, Any]) -> Answer:
        return self._next("modify", dict(changes))

    def modify_dn(self, dn: str, rdn: str, superior: str) -> Answer:
        return self._next("modify_dn", (rdn, superior))

    def search(self, base: str, *more: object, **options: object) -> Answer:
        return self._next("search", base)


def play(script: Script, account: Account | None, step: Step) -> Outcome:
    writer = Writer(Config("ldaps://x", "CN=svc", str, "DC=x", "OU=People,DC=x"))
    return writer.apply(cast(Session, script), account, step)


def test_a_password_the_policy_refuses_is_replaced_once() -> None:
    script = Script(POLICY, OK, MADE)
    assert play(script, None, CREATE).result == "applied"
    passwords = [asked["unicodePwd"] for what, asked in script.asked if what == "add"]
    assert len(passwords) == 2
    assert passwords[0] != passwords[1]
    assert all(len(p[0].decode("utf-16-le")) > 40 for p in passwords)


def test_a_policy_that_refuses_every_password_is_configuration() -> None:
    outcome = play(Script(POLICY, POLICY), None, CREATE)
    assert outcome.result == "refused"
    assert outcome.refusals[0].kind == "config"
    assert "password" in outcome.refusals[0].message


def test_what_may_not_be_made_enabled_is_made_disabled() -> None:
    """The step that enables comes behind, and says what is in the way if anything still is."""
    required = frozenset({"sAMAccountName", "title", "l"})
    wanted = replace(CREATE, required=required, enabled=True)
    script = Script(Answer(50, "00000005: SecErr"), OK, MADE)
    outcome = play(script, None, wanted)
    assert outcome.result == "applied"
    controls = [asked["userAccountControl"] for what, asked in script.asked if what == "add"]
    assert controls == [[b"512"], [b"514"]]


LINKED = replace(CREATE, enabled=True, references={"manager": GUID})


def test_a_new_account_is_linked_in_the_add() -> None:
    script = Script(OK, MADE)
    assert play(script, None, LINKED).result == "applied"
    assert [what for what, _ in script.asked] == ["add", "search"]
    assert script.asked[0][1]["manager"] == [f"<GUID={GUID}>".encode()]


def test_a_link_that_leads_nowhere_is_left_to_the_step_behind() -> None:
    for nowhere in (Answer(32, "00002030: NameErr"), Answer(19, "000020B5: AtrErr"), BAD_VALUE):
        script = Script(nowhere, OK, MADE)
        if nowhere.result == 32:
            script = Script(nowhere, MADE, OK, MADE)  # the container is there
        outcome = play(script, None, LINKED)
        assert (outcome.result, outcome.refusals) == ("applied", ())
        adds = [asked for what, asked in script.asked if what == "add"]
        assert ["manager" in add for add in adds] == [True, False]
        assert [add["userAccountControl"] for add in adds] == [[b"512"], [b"512"]]


def test_a_name_that_is_taken_is_not_tried_without_the_link() -> None:
    script = Script(Answer(68, "00002071: UpdErr"))
    outcome = play(script, None, LINKED)
    assert [r.kind for r in outcome.refusals] == ["name"]
    assert len(script.asked) == 1


def test_busy_before_any_write_is_down() -> None:
    for step in (CREATE, Step("modify", {"title": "x"}), Step("enable"), Step("move", name="y")):
        with pytest.raises(TargetDown):
            play(Script(BUSY), ACCOUNT, step)


def test_busy_after_a_write_is_unknown() -> None:
    """The account is made, some attributes are not: only a look can tell."""
    assert play(Script(BAD_VALUE, OK, MADE, BUSY), None, CREATE).result == "unknown"
    assert play(Script(OK, BUSY), None, CREATE).result == "unknown"
    assert play(Script(OK, BUSY), ACCOUNT, Step("move", name="y")).result == "unknown"
    several = Step("modify", {"title": "x", "l": "y"})
    assert play(Script(BAD_VALUE, OK, BUSY), ACCOUNT, several).result == "unknown"


def test_nothing_is_sent_after_a_lost_answer() -> None:
    for answers in ((Lost,), (BAD_VALUE, Lost), (BAD_VALUE, OK, Lost), (BAD_VALUE, OK, MADE, Lost)):
        script = Script(*answers, OK, OK)
        assert play(script, None, CREATE) == Outcome("unknown")
        assert len(script.asked) == len(answers)


def test_values_are_tried_one_by_one_only_after_a_refusal() -> None:
    script = Script(BAD_VALUE, OK, MADE, BAD_VALUE, OK)
    outcome = play(script, None, CREATE)
    assert outcome.result == "applied"
    assert [r.attribute for r in outcome.refusals] == ["title"]
    assert set(script.asked[1][1]) == {"sAMAccountName", "userAccountControl", "unicodePwd"}
    assert [set(asked) for what, asked in script.asked if what == "modify"] == [{"title"}, {"l"}]


def test_all_values_refused_is_a_refusal() -> None:
    outcome = play(Script(*[BAD_VALUE] * 3), ACCOUNT, Step("modify", {"title": "x", "l": "y"}))
    assert outcome.result == "refused"
    assert [r.attribute for r in outcome.refusals] == ["title", "l"]


def test_the_manager_who_vanished_after_the_lookup_is_a_missing_reference() -> None:
    step = Step("refer", attribute="manager", anchor=GUID)
    there = Answer(0, "", (Entry("CN=boss", {}),))
    for refusal in (Answer(19, "0000202F: AtrErr"), Answer(19, "000020B5: x")):
        outcome = play(Script(there, refusal), ACCOUNT, step)
        assert [r.kind for r in outcome.refusals] == ["reference"]
    gone = Answer(32, "00002030: NameErr")
    assert play(Script(there, gone, there), ACCOUNT, step).refusals[0].kind == "reference"
    assert play(Script(there, gone, gone), ACCOUNT, step).refusals[0].kind == "gone"


def test_enable_is_compare_and_swap() -> None:
    script = Script(OK)
    assert play(script, ACCOUNT, Step("enable")) == Outcome("applied")
    swap = script.asked[0][1]["userAccountControl"]
    assert swap == [(REMOVE, [b"514"]), (INSERT, [b"512"])]
