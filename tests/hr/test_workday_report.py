"""Reports (RaaS) at POST /sources/workday/workers."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import pytest

from adapters.workday.report import COLUMNS, PRIVATE, REPORT
from mappings.documents import load_inbound
from tests.hr.desk import Desk
from tests.hr.gate import Gate
from tests.scim.conftest import ENTERPRISE, WORKER, Client, accepted


def _fold(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


@pytest.fixture
def client(gate: Gate) -> Client:
    return gate.client("workday")


class TestReport:
    ENTRY: ClassVar[dict[str, Any]] = {
        "Employee_ID": "E20001",
        "First_Name": "Anna Maria",
        "Preferred_First_Name": "Annelie",
        "Last_Name": "Berg",
        "Active": "1",
        "Hire_Date": "2021-04-01-08:00",
        "Business_Title": " Clerk ",
        "primaryWorkEmail": "aberg@norhaven.example",
        "Work Country": "DEU",
        "Company": [{"Descriptor": "Norhaven GmbH", "ID": [{"type": "WID", "$": "x"}]}],
        "FTE": "100%",
        "Badge": {"descriptor": "B-12"},
    }

    def test_columns_are_understood_by_their_names(
        self, gate: Gate, desk: Desk, client: Client
    ) -> None:
        desk.take({"Report_Entry": [self.ENTRY]})
        attributes = gate.accounts()["E20001"].attributes
        wanted = {"givenName": "Annelie", "sn": "Berg", "title": "Clerk", "c": "DE",
                  "mail": "aberg@norhaven.example", "company": "Norhaven GmbH"}  # fmt: skip
        assert wanted.items() <= attributes.items()
        (held,) = accepted(client.find('externalId eq "E20001"'))["Resources"]
        assert held[REPORT] == {"Badge": {"descriptor": "B-12"}}
        assert held[WORKER]["fte"] == 1
        assert held[WORKER]["hireDate"] == "2021-04-01"

    def test_one_entry_may_stand_for_the_list(self, gate: Gate, desk: Desk) -> None:
        desk.take({"Report_Entry": self.ENTRY})
        assert "E20001" in gate.accounts()

    def test_a_column_that_others_have_is_empty(self, gate: Gate, desk: Desk) -> None:
        other = {
            **self.ENTRY,
            "Employee_ID": "E2",
            "Mobile": "x",
            "primaryWorkEmail": "b@x.example",
        }
        desk.take({"Report_Entry": [self.ENTRY, other]})
        untitled = {k: v for k, v in self.ENTRY.items() if k != "Business_Title"}
        desk.take({"Report_Entry": untitled})
        assert gate.accounts()["E20001"].attributes["title"] == "Clerk"
        desk.take({"Report_Entry": [untitled, other]})
        assert "title" not in gate.accounts()["E20001"].attributes

    def test_an_end_that_is_not_said_any_more_is_gone(self, gate: Gate, desk: Desk) -> None:
        desk.take({"Report_Entry": {**self.ENTRY, "Termination_Date": "2026-04-30"}})
        desk.take({"Report_Entry": self.ENTRY})
        gate.day("2026-05-02T12:00:00Z")
        gate.settle()
        assert gate.accounts()["E20001"].enabled

    def test_a_change_dated_ahead_waits(self, gate: Gate, desk: Desk) -> None:
        desk.take({"Report_Entry": self.ENTRY})
        ahead = {**self.ENTRY, "Business_Title": "Head", "Effective_Date": "2026-04-01"}
        desk.take({"Report_Entry": ahead})
        assert gate.accounts()["E20001"].attributes["title"] == "Clerk"
        gate.day("2026-04-01T12:00:00Z")
        gate.settle()
        assert gate.accounts()["E20001"].attributes["title"] == "Head"

    @pytest.mark.parametrize(
        "body",
        [{}, {"Report_Entry": "x"}, {"Report_Entry": [1]}, {"Report_Entry": None},
         {"workers": "x"}, {"workers": None}],
    )  # fmt: skip
    def test_what_is_no_report_is_refused(self, desk: Desk, body: Any) -> None:
        assert "list" in desk.refused(body)

    @pytest.mark.parametrize("one", [1, None, [], "x", {}, {"externalId": {"a": 1}}])
    def test_a_worker_that_is_none_is_refused_alone(self, desk: Desk, one: Any) -> None:
        answer = desk.send({"workers": [one, {"externalId": "E1", "active": True}]})
        assert answer.status_code == 207
        assert [w["result"] for w in answer.get_json()["workers"]] == ["refused", "created"]

    @pytest.mark.parametrize("nothing", ["", "  ", None, {"descriptor": ""}, [], [""]])
    def test_an_empty_column_takes_nothing_from_another(
        self, gate: Gate, desk: Desk, nothing: Any
    ) -> None:
        """P13: "" is null."""
        entry = {
            **self.ENTRY,
            "Contingent_Worker_ID": nothing,
            "Worker_ID": nothing,
            "First_Name": "Annelie",
            "Preferred_First_Name": nothing,
            "Email_Work": "aberg@norhaven.example",
            "primaryWorkEmail": nothing,
            "Manager_ID": "E1",
            "Manager_Employee_ID": nothing,
        }
        (one,) = desk.take({"Report_Entry": entry})
        assert one["externalId"] == "E20001"
        attributes = gate.accounts()["E20001"].attributes
        assert attributes["givenName"] == "Annelie"
        assert attributes["mail"] == "aberg@norhaven.example"
        (held,) = accepted(gate.client("workday").find('externalId eq "E20001"'))["Resources"]
        assert held[ENTERPRISE]["manager"]["value"] == "E1"

    @pytest.mark.parametrize(
        ("said", "groups"),
        [
            ([{"descriptor": "Optics"}, {"descriptor": "Lab"}], ["Optics", "Lab"]),
            ([{"descriptor": "Optics"}, {"descriptor": ""}, ""], ["Optics"]),
            ({"Descriptor": "Optics", "ID": [{"type": "WID", "$": "x"}]}, ["Optics"]),
            ("Optics", ["Optics"]),
            (["Optics", "Lab"], ["Optics", "Lab"]),
            ([], None),
        ],
    )
    def test_groups_are_a_list_of_references(
        self, desk: Desk, client: Client, said: Any, groups: list[str] | None
    ) -> None:
        desk.take({"Report_Entry": {**self.ENTRY, "Provisioning_Groups": "Old"}})
        desk.take({"Report_Entry": {**self.ENTRY, "Provisioning_Groups": said}})
        (held,) = accepted(client.find('externalId eq "E20001"'))["Resources"]
        assert held[WORKER].get("provisioningGroups") == groups

    def test_private_columns_are_not_kept(self, desk: Desk, client: Client) -> None:
        named = ["Home_Email", "personalPhone", "NATIONAL ID", "Date-of-Birth", "email_home"]
        assert not {_fold(name) for name in PRIVATE} & {_fold(name) for name in COLUMNS}
        private = {name: f"secret {at}" for at, name in enumerate([*named, *PRIVATE])}
        desk.take({"Report_Entry": {**self.ENTRY, **private}})
        (held,) = accepted(client.find('externalId eq "E20001"'))["Resources"]
        assert "secret" not in str(held)
        assert held[REPORT] == {"Badge": {"descriptor": "B-12"}}

    @pytest.mark.parametrize(
        ("said", "status"),
        [
            ("onLeave", "onLeave"), ("On Leave", "onLeave"), ("on_leave", "onLeave"),
            ("Leave of Absence", "onLeave"), ("Pre-Hire", "preHire"), ("ACTIVE", "active"),
            ("Terminated", "terminated"), ("Hire Rescinded", "rescinded"), ("odd", None),
        ],
    )  # fmt: skip
    def test_a_status_is_understood_in_any_spelling(
        self, desk: Desk, client: Client, said: str, status: str | None
    ) -> None:
        desk.take({"Report_Entry": {**self.ENTRY, "Worker_Status": said}})
        (held,) = accepted(client.find('externalId eq "E20001"'))["Resources"]
        facts = load_inbound("workday").facts(held).values
        assert facts.get("status") == status
        assert bool(facts.get("onLeave")) is (status == "onLeave")
        assert bool(facts.get("hireRescinded")) is (status == "rescinded")

    def test_a_status_alone_says_who_is_on_leave_and_who_has_left(
        self, gate: Gate, desk: Desk
    ) -> None:
        gate.policy(on_leave="disabled")
        entry = {k: v for k, v in self.ENTRY.items() if k != "Active"}
        for said, works in (("Active", True), ("On Leave", False), ("Active", True)):
            desk.take({"Report_Entry": {**entry, "Worker_Status": said}})
            assert gate.accounts()["E20001"].enabled is works
        desk.take({"Report_Entry": {**entry, "Worker_Status": "Terminated"}})
        assert not gate.accounts()["E20001"].enabled
