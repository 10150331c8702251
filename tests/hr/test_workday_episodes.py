"""Several records of one worker number at POST /sources/workday/workers: which one counts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select

from scim import upsert
from store.tables import journal
from tests.hr.desk import Desk
from tests.hr.gate import Gate
from tests.provisioning.house import WORKER, worker

Fields = dict[str, Any]

HIRED: Fields = {"wid": "bb", "kind": "Employee", "Active": "1", "Hire_Date": "2026-03-16"}
ENDED: Fields = {
    "wid": "aa", "kind": "Contingent_Worker", "Active": "0", "Hire_Date": "2025-01-01",
    "Terminated": "1", "Termination_Date": "2026-03-15",
}  # fmt: skip
WORKS: Fields = {
    "wid": "aa",
    "kind": "Contingent_Worker",
    "Active": "1",
    "Hire_Date": "2025-01-01",
    "Terminated": "0",
}
AHEAD: Fields = {
    "wid": "bb",
    "kind": "Employee",
    "Active": "0",
    "Hire_Date": "2026-04-01",
    "Terminated": "0",
}


def get_workers(*records: Fields, as_of: str = "2026-03-16") -> bytes:
    """What Get_Workers answers on 16 March."""
    return (
        '<wd:Get_Workers_Response xmlns:wd="urn:com.workday/bsvc"><wd:Response_Filter>'
        f"<wd:As_Of_Effective_Date>{as_of}</wd:As_Of_Effective_Date>"
        "<wd:As_Of_Entry_DateTime>2026-03-16T01:00:00-07:00</wd:As_Of_Entry_DateTime>"
        "</wd:Response_Filter><wd:Response_Data>"
        + "".join(map(_worker, records))
        + "</wd:Response_Data></wd:Get_Workers_Response>"
    ).encode()


def _worker(record: Fields) -> str:
    status = "".join(
        f"<wd:{name}>{value}</wd:{name}>" for name, value in record.items() if name[0].isupper()
    )
    return f"""<wd:Worker><wd:Worker_Reference><wd:ID wd:type="WID">{record["wid"]}</wd:ID>
      <wd:ID wd:type="{record["kind"]}_ID">X1</wd:ID></wd:Worker_Reference>
      <wd:Worker_Data><wd:Worker_ID>X1</wd:Worker_ID>
      <wd:Personal_Data><wd:Name_Data><wd:Legal_Name_Data><wd:Name_Detail_Data>
        <wd:First_Name>Annelie</wd:First_Name><wd:Last_Name>Berg</wd:Last_Name>
      </wd:Name_Detail_Data></wd:Legal_Name_Data></wd:Name_Data></wd:Personal_Data>
      <wd:Employment_Data><wd:Worker_Status_Data>{status}</wd:Worker_Status_Data>
      </wd:Employment_Data></wd:Worker_Data></wd:Worker>"""


def report(*records: Fields) -> Any:
    """A report with a row for each record."""
    return {"Report_Entry": [
        {"Worker_ID": "X1", "First_Name": "Annelie", "Last_Name": "Berg", "WID": one["wid"],
         "Worker_Type": one["kind"].replace("_", " "),
         **{k: v for k, v in one.items() if k[0].isupper() and k != "Terminated"},
         "Worker_Status": "terminated" if one.get("Terminated") == "1" else ""}
        for one in records
    ]}  # fmt: skip


def scim(*records: Fields) -> Any:
    """SCIM users, as somebody's own transformation makes them."""
    return {"workers": [
        {"externalId": " X1 ", "name": {"givenName": "Annelie", "familyName": "Berg"},
         "active": one["Active"], WORKER.upper(): {
            "sourceId": one["wid"], "workerType": one["kind"].partition("_")[0],
            "HireDate": f"{one['Hire_Date']}-08:00",
            "terminationDate": one.get("Termination_Date", "")}}
        for one in records
    ]}  # fmt: skip


Form = Callable[..., Any]
forms = pytest.mark.parametrize("form", [get_workers, report, scim])


def only(gate: Gate) -> Any:
    """The one account that there is."""
    (account,) = gate.ad.accounts.values()
    return account


def intakes(gate: Gate) -> int:
    """How often something was taken in that changed something."""
    with gate.database.read() as connection:
        return len(
            connection.execute(select(journal.c.kind).where(journal.c.kind == "intake")).all()
        )


class TestTogether:
    @forms
    @pytest.mark.parametrize("order", list(permutations((HIRED, ENDED))))
    def test_of_a_conversion_the_new_record_counts(
        self, gate: Gate, desk: Desk, form: Form, order: tuple[Fields, Fields]
    ) -> None:
        found = desk.take(form(*order))
        said = {one["result"]: one for one in found}
        assert set(said) == {"created", "stale"}
        assert said["stale"]["status"] == 200
        assert said["stale"]["id"] == said["created"]["id"]
        assert "sourceId bb" in said["stale"]["detail"]
        account = only(gate)
        assert account.enabled
        assert account.attributes["employeeType"] == "Employee"
        gate.writes()
        taken = intakes(gate)
        again = desk.take(form(*order))
        assert {one["result"] for one in again} == {"unchanged", "stale"}
        assert gate.writes() == 0
        assert intakes(gate) == taken
        assert only(gate).enabled

    @forms
    @pytest.mark.parametrize("order", list(permutations((WORKS, AHEAD))))
    def test_whoever_will_convert_works_as_before_until_the_day(
        self, gate: Gate, desk: Desk, form: Form, order: tuple[Fields, Fields]
    ) -> None:
        desk.take(form(*order))
        assert only(gate).enabled
        assert only(gate).attributes["employeeType"].startswith("Contingent")
        gate.day("2026-04-01T09:00:00Z")
        ended = ENDED | {"Termination_Date": "2026-03-31"}
        began = AHEAD | {"Active": "1"}
        desk.take(form(*(began if one is AHEAD else ended for one in order)))
        assert only(gate).enabled
        assert only(gate).attributes["employeeType"] == "Employee"
        assert gate.problems() == []

    @pytest.mark.parametrize("order", list(permutations((ENDED, AHEAD))))
    def test_between_two_employments_the_next_one_counts(
        self, gate: Gate, desk: Desk, order: tuple[Fields, Fields]
    ) -> None:
        desk.take(get_workers(WORKS))
        desk.take(get_workers(*order))
        assert not only(gate).enabled
        gate.day("2026-04-01T09:00:00Z")
        gate.settle()
        assert only(gate).enabled

    def test_of_what_is_over_the_last_one_counts(self, gate: Gate, desk: Desk) -> None:
        left = ENDED | {"wid": "bb", "Hire_Date": "2025-06-01", "Termination_Date": "2026-03-10"}
        long_ago = ENDED | {"Termination_Date": "2025-05-31"}
        rescinded = AHEAD | {"wid": "cc", "Hire_Rescinded": "1"}
        found = desk.take(get_workers(left, long_ago, rescinded))
        assert [one["result"] for one in found] == ["created", "stale", "stale"]

    def test_the_last_day_is_a_day_of_work(self, gate: Gate, desk: Desk) -> None:
        gate.policy(timezone="Pacific/Auckland")
        last = WORKS | {"Termination_Date": "2026-03-16"}
        found = desk.take(get_workers(last, AHEAD))
        assert [one["result"] for one in found] == ["created", "stale"]

    def test_what_comes_twice_of_one_record_is_taken_in_its_order(
        self, gate: Gate, desk: Desk
    ) -> None:
        ends = HIRED | {"Termination_Date": "2026-04-30"}
        found = desk.take(get_workers(ENDED, HIRED, ends))
        assert [one["result"] for one in found] == ["stale", "created", "changed"]
        without = {"externalId": "X1", "title": "Clerk"}
        assert desk.take({"workers": [without, without]})[0]["result"] == "changed"

    def test_a_refusal_beside_it_is_seen(self, desk: Desk) -> None:
        body = scim(HIRED, ENDED)
        body["workers"][0]["emails"] = [{"value": 5, "type": {"a": 1}}]
        answer = desk.send(body)
        assert answer.status_code == 207
        one, two = answer.get_json()["workers"]
        assert (one["result"], two["result"], two["id"]) == ("refused", "stale", None)

    def test_a_dry_run_says_the_same(self, gate: Gate, desk: Desk) -> None:
        found = desk.take(get_workers(HIRED, ENDED), query="?dryRun=true")
        assert [(one["result"], one["id"]) for one in found] == [("created", None), ("stale", None)]
        assert gate.ad.accounts == {}


class TestApart:
    @forms
    def test_the_end_of_the_old_record_ends_nothing(
        self, gate: Gate, desk: Desk, form: Form
    ) -> None:
        desk.take(form(WORKS))
        desk.take(form(HIRED))
        (late,) = desk.take(form(ENDED))
        assert (late["result"], late["status"]) == ("stale", 200)
        assert "older record" in late["detail"]
        assert only(gate).enabled
        assert only(gate).attributes["employeeType"] == "Employee"
        (end,) = desk.take(form(HIRED | {"Active": "0", "Termination_Date": "2026-03-15"}))
        assert end["result"] == "changed"  # that of the record itself does
        assert not only(gate).enabled

    def test_an_old_record_that_ends_today_ends_nothing(self, gate: Gate, desk: Desk) -> None:
        desk.take(get_workers(HIRED))
        (late,) = desk.take(get_workers(ENDED | {"Termination_Date": "2026-03-16"}))
        assert late["result"] == "stale"

    @forms
    def test_a_conversion_ahead_waits(self, gate: Gate, desk: Desk, form: Form) -> None:
        desk.take(form(WORKS))
        (early,) = desk.take(form(AHEAD))
        assert (early["result"], early["detail"]) == (
            "stale",
            "It begins on 2026-04-01; until then the record that is known counts.",
        )
        assert only(gate).enabled
        gate.day("2026-04-01T09:00:00Z")
        (begun,) = desk.take(form(AHEAD | {"Active": "1"}))
        assert begun["result"] == "changed"
        assert only(gate).attributes["employeeType"] == "Employee"

    def test_a_conversion_that_is_called_off_ends_nothing(self, gate: Gate, desk: Desk) -> None:
        desk.take(get_workers(WORKS))
        (off,) = desk.take(get_workers(AHEAD | {"Hire_Rescinded": "1"}))
        assert off["result"] == "stale"
        assert only(gate).enabled

    def test_whoever_has_left_may_be_hired_ahead(self, gate: Gate, desk: Desk) -> None:
        desk.take(get_workers(ENDED))
        (again,) = desk.take(get_workers(AHEAD))
        assert again["result"] == "changed"
        gate.day("2026-04-01T09:00:00Z")
        gate.settle()
        assert only(gate).enabled

    def test_a_record_without_a_wid_or_without_days_is_taken(self, gate: Gate, desk: Desk) -> None:
        desk.take(scim(HIRED))
        out = {"externalId": "X1", "active": False, WORKER: {"sourceId": "aa"}}
        (one,) = desk.take({"workers": [out]})
        assert one["result"] == "changed"
        assert not only(gate).enabled

    @pytest.mark.parametrize("order", list(permutations((0, 1))))
    def test_a_look_at_the_day_itself_converts_on_that_day(
        self, gate: Gate, desk: Desk, order: tuple[int, int]
    ) -> None:
        desk.take(get_workers(WORKS))
        ended = ENDED | {"Termination_Date": "2026-03-31"}
        pair = (AHEAD | {"Active": "1"}, ended)
        found = desk.take(get_workers(*(pair[at] for at in order), as_of="2026-04-01"))
        assert sorted(one["result"] for one in found) == ["changed", "stale"]
        assert only(gate).enabled
        assert only(gate).attributes["employeeType"].startswith("Contingent")
        gate.day("2026-04-01T09:00:00Z")
        gate.settle()
        assert only(gate).enabled
        assert only(gate).attributes["employeeType"] == "Employee"

    def test_until_a_day_that_was_looked_at_the_older_record_may_end(
        self, gate: Gate, desk: Desk
    ) -> None:
        began = AHEAD | {"Active": "1"}
        desk.take(get_workers(WORKS))
        desk.take(get_workers(began, as_of="2026-04-01"))
        (same_day,) = desk.take(get_workers(ENDED, as_of="2026-04-01"))
        assert same_day["result"] == "stale"
        (today,) = desk.take(get_workers(ENDED))
        assert today["result"] == "changed"
        assert not only(gate).enabled
        gate.day("2026-04-01T09:00:00Z")
        desk.take(get_workers(began))
        assert only(gate).enabled

    def test_what_another_stores_meanwhile_is_seen(
        self, gate: Gate, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between our look and our transaction the new record comes in."""
        other = Desk(gate)
        storing = upsert.storing

        def late(*given: Any, **more: Any) -> Any:
            work = storing(*given, **more)
            monkeypatch.setattr("adapters.workday.endpoints.storing", storing)
            assert other.send(get_workers(HIRED)).status_code == 201
            return work

        monkeypatch.setattr("adapters.workday.endpoints.storing", late)
        (one,) = desk.take(get_workers(ENDED))
        assert one["result"] == "stale"
        assert only(gate).enabled


def test_a_record_of_a_day_ahead_does_not_hide_a_dismissal_of_today(gate: Gate, desk: Desk) -> None:
    """P6: they stand in one delivery, the one ahead with its own `effectiveDate`."""

    desk.take({"workers": [worker("X1", sourceId="aa")]})
    assert only(gate).enabled
    ended = worker(
        "X1", sourceId="aa", active=False, involuntary=True, terminationDate="2026-03-15"
    )
    begins = worker("X1", sourceId="bb", hireDate="2026-04-01", effectiveDate="2026-04-01")
    desk.take({"workers": [ended, begins]})
    assert not only(gate).enabled


RESCINDED: Fields = {**AHEAD, "Hire_Rescinded": "1"}
LATER: Fields = {**AHEAD, "wid": "cc", "Hire_Date": "2026-05-01"}


@pytest.mark.parametrize(
    "records",
    [
        (RESCINDED, LATER),
        (LATER, RESCINDED),
        (AHEAD, LATER),
        (RESCINDED, {**RESCINDED, "wid": "cc"}),
    ],
)
def test_several_that_do_not_count_lock_out_nobody_who_works(
    gate: Gate, desk: Desk, records: tuple[Fields, ...]
) -> None:
    """An incremental run brings what changed, as a conversion put off, and not the record that
    is in force."""
    desk.take(get_workers(WORKS))
    assert [one["result"] for one in desk.take(get_workers(*records))] == ["stale", "stale"]
    assert only(gate).enabled
