"""What is said while something waits for its day: by whatever door, a message holds for the day
that it names itself, and says nothing of what it does not name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from mappings.documents import load_inbound
from provisioning import remapping
from store.tables import resource
from tests.hr.gate import Gate
from tests.hr.test_workday import Desk
from tests.provisioning.house import worker
from tests.scim.conftest import CORE, ENTERPRISE, PATCH_OP, WORKER, Client, accepted

APRIL = "2026-04-01"
LATER: dict[str, Any] = {"externalId": "E1", "title": "Y", WORKER: {"effectiveDate": APRIL}}


class Told:
    """One worker, whose title X becomes Y on 1 April, and the doors to say more of them."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.desk = Desk(gate)
        self.client: Client = gate.client("workday")
        (made,) = self.desk.take({"workers": [worker("E1", title="X")]})
        self.id = made["id"]
        assert self.say(LATER) == "changed"
        assert self.now("title", "department") == ("X", None)
        gate.writes()

    def say(self, record: dict[str, Any]) -> str:
        """At the door beside SCIM: what became of it."""
        (found,) = self.desk.take({"workers": [{"externalId": "E1", **record}]})
        return str(found["result"])

    def patch(self, *operations: dict[str, Any]) -> dict[str, Any]:
        body = {"schemas": [PATCH_OP], "Operations": list(operations)}
        answer = accepted(self.client.send("PATCH", f"/Users/{self.id}", body))
        self.gate.settle()
        return dict(answer)

    def put(self, body: dict[str, Any]) -> None:
        accepted(self.client.send("PUT", f"/Users/{self.id}", body))
        self.gate.settle()

    def now(self, *names: str) -> tuple[Any, ...]:
        account = self.gate.accounts()["E1"]
        return tuple(
            account.enabled if name == "enabled" else account.attributes.get(name) for name in names
        )

    def april(self) -> None:
        self.gate.day(f"{APRIL}T00:00:00Z")
        self.gate.settle()


@pytest.fixture
def told(gate: Gate) -> Told:
    return Told(gate)


DOORS: dict[str, Callable[[Told], object]] = {
    "record": lambda told: told.say(
        {"name": {"familyName": "Lund"}, ENTERPRISE: {"department": "D2"}}
    ),
    "patch": lambda told: told.patch(
        {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "D2"},
        {"op": "replace", "path": "name.familyName", "value": "Lund"},
    ),
    "patch without paths": lambda told: told.patch(
        {
            "op": "add",
            "value": {"name": {"familyName": "Lund"}, f"{ENTERPRISE}:department": "D2"},
        }
    ),
    "report": lambda told: told.desk.take(
        {"Report_Entry": [{"Employee_ID": "E1", "Last_Name": "Lund", "Department": "D2"}]}
    ),
}


@pytest.mark.parametrize("door", DOORS)
def test_what_does_not_name_a_day_holds_at_once_and_what_waits_goes_on_waiting(
    told: Told, door: str
) -> None:
    DOORS[door](told)
    assert told.now("sn", "department", "title") == ("Lund", "D2", "X")
    told.april()
    assert told.now("sn", "department", "title") == ("Lund", "D2", "Y")


OUT: dict[str, Callable[[Told, bool], object]] = {
    "record": lambda told, active: told.say({"active": active}),
    "patch": lambda told, active: told.patch({"op": "replace", "path": "active", "value": active}),
    "state": lambda told, active: told.put({"schemas": [CORE], "active": active}),
}


@pytest.mark.parametrize("door", OUT)
def test_out_and_in_again_act_at_once_and_bring_nothing_forward(told: Told, door: str) -> None:
    OUT[door](told, False)
    assert told.now("enabled", "title") == (False, "X")
    OUT[door](told, True)
    assert told.now("enabled", "title") == (True, "X")
    told.april()
    assert told.now("enabled", "title") == (True, "Y")


def test_the_same_again_is_nothing_new(told: Told) -> None:
    assert told.say(LATER) == "unchanged"
    assert told.say({WORKER: {"effectiveDate": APRIL}}) == "unchanged"
    assert told.gate.writes() == 0
    told.april()
    assert told.now("title") == ("Y",)


def test_a_nightly_record_without_the_day_writes_nothing_and_keeps_what_waits(
    told: Told,
) -> None:
    for _ in range(2):
        told.say(worker("E1", title="X"))
    assert told.say(worker("E1", title="X")) == "unchanged"
    assert told.gate.writes() == 0
    told.april()
    assert told.now("title") == ("Y",)


def test_a_record_that_goes_on_saying_what_was_before_has_the_last_word(told: Told) -> None:
    """The change was taken back in HR, and nobody says so but by what holds."""
    told.say(worker("E1", title="X"))
    told.april()
    assert told.say(worker("E1", title="X")) == "changed"
    assert told.now("title") == ("X",)
    assert told.say(worker("E1", title="X")) == "unchanged"


def test_what_waits_and_is_said_of_today_holds_today(told: Told) -> None:
    """The document says it already, for April."""
    told.say({"name": {"familyName": "Lund"}})
    assert told.now("title") == ("X",)
    assert told.say({"title": "Y"}) == "changed"
    assert told.now("title") == ("Y",)
    assert told.say({"title": "Y"}) == "unchanged"


def test_what_is_said_for_an_earlier_day_brings_nothing_else_forward(told: Told) -> None:
    told.say({ENTERPRISE: {"department": "D2"}, WORKER: {"effectiveDate": "2026-03-20"}})
    told.gate.day("2026-03-20T00:00:00Z")
    told.gate.settle()
    assert told.now("title", "department") == ("X", "D2")
    told.april()
    assert told.now("title", "department") == ("Y", "D2")


def test_more_is_said_for_the_same_day(told: Told) -> None:
    told.say({ENTERPRISE: {"department": "D2"}, WORKER: {"effectiveDate": APRIL}})
    assert told.now("title", "department") == ("X", None)
    told.april()
    assert told.now("title", "department") == ("Y", "D2")


def test_a_name_that_waits_is_not_shown_before_by_another_part_of_it(told: Told) -> None:
    name = {"familyName": "Berg"}
    told.say({"displayName": "Anna Berg", "name": name, WORKER: {"effectiveDate": APRIL}})
    told.say({"name": {"givenName": "Ann"}})
    assert told.now("displayName", "givenName", "sn") == ("Anna Lindqvist", "Ann", "Lindqvist")
    told.april()
    assert told.now("displayName", "givenName", "sn") == ("Anna Berg", "Ann", "Berg")


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": f"{WORKER}:effectiveDate"},
        {"op": "replace", "path": f"{WORKER}:effectiveDate", "value": "2026-05-01"},
        {"op": "add", "path": f"{WORKER}:effectiveDate", "value": APRIL},
    ],
)
def test_a_day_alone_moves_nothing(told: Told, operation: dict[str, Any]) -> None:
    told.patch(operation)
    assert told.now("title") == ("X",)
    told.april()
    assert told.now("title") == ("Y",)


def test_a_patch_shows_what_was_said_last(told: Told) -> None:
    shown = told.patch({"op": "replace", "path": f"{ENTERPRISE}:department", "value": "D2"})
    assert (shown["title"], shown[WORKER]["effectiveDate"]) == ("Y", APRIL)


def test_what_is_taken_away_today_is_gone_today(told: Told) -> None:
    told.say({ENTERPRISE: {"department": "D2"}})
    told.patch({"op": "remove", "path": f"{ENTERPRISE}:department"})
    assert told.now("department", "title") == (None, "X")
    told.say({"title": None})
    assert told.now("title") == (None,)
    told.april()
    assert told.now("title") == ("Y",)


def test_a_dismissal_waits_for_no_day_whoever_says_it(told: Told) -> None:
    told.say({WORKER: {"involuntary": True, "terminationDate": "2026-04-30"}})
    assert told.now("enabled", "title") == (False, "X")


@pytest.mark.parametrize(
    "between",
    [
        {},
        {"name": {"familyName": "Lund"}},
        worker("E1", title="X"),
        {ENTERPRISE: {"department": "D2"}, WORKER: {"effectiveDate": "2026-03-20"}},
    ],
)
def test_a_record_that_is_only_read_again_says_nothing(told: Told, between: dict[str, Any]) -> None:
    """As when its groups or its mapping have changed."""
    if between:
        told.say(between)
    columns = select(resource.c.facts, resource.c.ahead)
    with told.gate.database.read() as connection:
        before = connection.execute(columns).all()
    told.gate.database.write(lambda tx: told.gate.intake.again(tx, told.id))
    with told.gate.database.read() as connection:
        assert connection.execute(columns).all() == before
        who = [row.person for row in connection.execute(select(resource))]
        inbounds = {"workday": load_inbound("workday")}
        policy, now = told.gate.settings.people, told.gate.now
        assert remapping.affected(connection, who, inbounds, policy, now) == []
    assert json.loads(before[0].ahead)
