"""What of Workday's XML becomes what of a SCIM user: `workers.xsl` as docs/workday.md has it."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from adapters.workday import report
from adapters.workday.connector import users
from tests.hr.desk import ACTIVE, Desk, connector, tags
from tests.hr.gate import Gate
from tests.scim.conftest import ENTERPRISE, WORKER, accepted


def ws(personal: str = "", status: str = ACTIVE, ids: str = "", more: str = "") -> Any:
    """The user made of one worker of Core Connector: Worker."""
    ids = ids or tags(Employee_ID="E20001")
    (user,) = users(
        f"""<ws:Worker_Sync xmlns:ws="urn:com.workday/workersync"><ws:Worker>
        <ws:Summary>{ids}</ws:Summary><ws:Personal>{personal}</ws:Personal>
        <ws:Status>{status}</ws:Status>{more}</ws:Worker></ws:Worker_Sync>""".encode()
    )
    return user


def data(name: str, **values: str) -> str:
    return f"<ws:{name}>{tags(**values)}</ws:{name}>"


def mail(address: str, **more: str) -> str:
    return data("Email_Data", Email_Type="WORK", Email_Address=address, **more)


def phone(number: str, device: str = "Mobile", **more: str) -> str:
    return data(
        "Phone_Data",
        Phone_Type="WORK",
        Phone_Device_Type=device,
        Complete_Phone_Number=number,
        **more,
    )


def wd(employment: str = "", personal: str = "", ids: str = "", around: str = "") -> Any:
    """The user made of one worker of Get_Workers."""
    ids = ids or reference("WID", "w1") + reference("Employee_ID", "E20001")
    (user,) = users(
        f"""<wd:Get_Workers_Response xmlns:wd="urn:com.workday/bsvc">{around}<wd:Response_Data>
        <wd:Worker><wd:Worker_Reference>{ids}</wd:Worker_Reference><wd:Worker_Data>
        <wd:Personal_Data>{personal}</wd:Personal_Data>
        <wd:Employment_Data>{employment}</wd:Employment_Data></wd:Worker_Data></wd:Worker>
        </wd:Response_Data></wd:Get_Workers_Response>""".encode()
    )
    return user


def reference(type: str, value: str) -> str:
    return f'<wd:ID wd:type="{type}">{value}</wd:ID>'


def usage(kind: str, primary: str, mail: str = "", device: str = "") -> str:
    """An address, or the number of a device, that is used for work or privately."""
    name = "Email_Address_Data" if mail else "Phone_Data"
    number = f'wd:Workday_Traditional_Formatted_Phone="{device} {primary}"' if device else ""
    inner = (
        f"<wd:Email_Address>{mail}</wd:Email_Address>"
        if mail
        else "<wd:Phone_Device_Type_Reference>"
        + reference("Phone_Device_Type_ID", device)
        + "</wd:Phone_Device_Type_Reference>"
    )
    return f"""<wd:{name} {number}>{inner}<wd:Usage_Data wd:Public="1">
      <wd:Type_Data wd:Primary="{primary}"><wd:Type_Reference>
      {reference("Communication_Usage_Type_ID", kind)}
      </wd:Type_Reference></wd:Type_Data></wd:Usage_Data></wd:{name}>"""


def reached(user: Any, kind: str) -> str | None:
    """The value of that type among mails and phones."""
    items = user["emails"] if kind == "mail" else user["phoneNumbers"]
    (found,) = [one["value"] for one in items if kind in ("mail", one["type"])]
    return found if found is None else str(found)


class TestReach:
    @pytest.mark.parametrize("no", ["false", "0", " false "])
    def test_what_is_not_public_is_not_taken(self, no: str) -> None:
        """P4."""
        user = ws(
            phone("1", Phone_Is_Public=no)
            + phone("2", "Landline", Phone_Is_Public="true")
            + mail("a@x.example", Email_Is_Public=no)
            + data("Address_Data", Address_Type="WORK", Address_Is_Public=no, Municipality="Ulm")
        )
        assert reached(user, "mobile") is None
        assert reached(user, "work") == "2"
        assert reached(user, "mail") is None
        assert user["addresses"][0]["locality"] is None

    @pytest.mark.parametrize("yes", ["true", "1"])
    def test_the_primary_one_is_taken(self, yes: str) -> None:
        town = {"Address_Type": "WORK", "Municipality": "Ulm"}
        user = ws(
            mail("old@x.example", Is_Primary="false")
            + mail("new@x.example", Is_Primary=yes)
            + "".join(
                phone(f"{at}{device}", device, Is_Primary=said)
                for device in ("Landline", "Mobile", "Fax")
                for at, said in enumerate(("0", yes))
            )
            + data("Address_Data", **town)
            + data("Address_Data", **{**town, "Municipality": "Lyon", "Is_Primary": yes})
        )
        assert reached(user, "mail") == "new@x.example"
        kinds = ("work", "mobile", "fax")
        assert [reached(user, kind) for kind in kinds] == ["1Landline", "1Mobile", "1Fax"]
        assert user["addresses"][0]["locality"] == "Lyon"

    def test_one_that_is_removed_is_not_taken(self) -> None:
        gone = {"Operation": "REMOVE", "Is_Primary": "true"}
        user = ws(
            mail("old@x.example", **gone)
            + mail("new@x.example", Operation="ADD")
            + phone("1", **gone)
            + phone("2")
            + phone("3", "Fax", **gone)
            + data("Address_Data", Address_Type="WORK", Municipality="Ulm", **gone)
        )
        assert reached(user, "mail") == "new@x.example"
        assert (reached(user, "mobile"), reached(user, "fax")) == ("2", None)
        assert user["addresses"][0]["locality"] is None

    @pytest.mark.parametrize("yes", ["true", "1"])
    def test_the_primary_one_of_get_workers_is_taken(self, yes: str) -> None:
        mails = usage("WORK", "0", mail="old@x.example") + usage("WORK", yes, mail="new@x.example")
        phones = usage("WORK", "0", device="Mobile") + usage("WORK", yes, device="Mobile")
        user = wd(personal=f"<wd:Contact_Data>{phones}{mails}</wd:Contact_Data>")
        assert reached(user, "mail") == "new@x.example"
        assert reached(user, "mobile") == f"Mobile {yes}"
        assert reached(user, "fax") is None


def name(kind: str, **parts: str) -> str:
    return data("Name_Data", Name_Type=kind, **parts)


class TestName:
    def test_any_other_name_counts_when_there_is_no_better_one(self) -> None:
        maiden = name("Additional", First_Name="Anna", Last_Name="Maiden", Title="Miss")
        legal = name("Legal", First_Name="Anna Maria", Last_Name="Berg")
        preferred = name("Preferred", First_Name="Annelie")
        other = ws(maiden)["name"]
        assert (other["givenName"], other["familyName"]) == ("Anna", "Maiden")
        for parts in (maiden + legal, legal + maiden):
            found = ws(parts)["name"]
            assert (found["givenName"], found["familyName"]) == ("Anna Maria", "Berg")
            assert found["honorificPrefix"] is None
        found = ws(maiden + legal + preferred)["name"]
        assert (found["givenName"], found["familyName"]) == ("Annelie", "Berg")
        assert ws(maiden + preferred)["name"]["familyName"] is None

    def test_a_name_that_is_removed_is_none(self) -> None:
        old = name("Legal", Operation="REMOVE", First_Name="Annelie", Last_Name="Old")
        assert ws(old + name("Legal", Last_Name="Berg"))["name"]["familyName"] == "Berg"


class TestNumber:
    """Employee_ID, else Contingent_Worker_ID, in whatever order they come."""

    @pytest.mark.parametrize("turned", [False, True])
    def test_the_employee_id_comes_first(self, turned: bool) -> None:
        order = ["Contingent_Worker_ID", "Employee_ID"][:: -1 if turned else 1]
        numbers = {"Contingent_Worker_ID": "C1", "Employee_ID": "E20001"}
        both = {kind: numbers[kind] for kind in order}
        of_connector = ws(ids=tags(**both))
        of_get_workers = wd(ids="".join(reference(*one) for one in both.items()))
        (of_report,) = report.users({"Report_Entry": {**both, "Last_Name": "Berg"}})
        for user in (of_connector, of_get_workers, of_report):
            assert user["externalId"] == user[WORKER]["workerId"] == "E20001"
            assert user[ENTERPRISE]["employeeNumber"] == "E20001"
        assert of_get_workers["userType"] == "Employee"
        assert "userType" not in of_connector  # no job is said

    def test_a_contingent_worker_id_alone_is_the_number(self) -> None:
        empty = {"Employee_ID": " ", "Contingent_Worker_ID": "C1"}
        for user in (
            ws(ids=tags(**empty)),
            wd(ids="".join(reference(*one) for one in empty.items())),
        ):
            assert user["externalId"] == "C1"
            assert user["userType"] == user[WORKER]["workerType"] == "Contingent"

    def test_a_manager_likewise(self) -> None:
        ids = [("WID", "w9"), ("Contingent_Worker_ID", "C9"), ("Employee_ID", "E9")]
        for count, expected in ((3, "E9"), (2, "C9"), (1, "w9")):
            (user,) = users(
                f"""<wd:Worker xmlns:wd="urn:com.workday/bsvc"><wd:Worker_Data>
                <wd:Management_Chain_Data><wd:Worker_Supervisory_Management_Chain_Data>
                <wd:Management_Chain_Data><wd:Manager_Reference>
                {"".join(reference(*one) for one in ids[:count])}
                </wd:Manager_Reference></wd:Management_Chain_Data>
                </wd:Worker_Supervisory_Management_Chain_Data></wd:Management_Chain_Data>
                </wd:Worker_Data></wd:Worker>""".encode()
            )
            assert user[ENTERPRISE]["manager"]["value"] == expected


class TestStatus:
    @pytest.mark.parametrize(
        ("status", "active", "meant"),
        [
            (tags(Employee_Status="Terminated"), False, "terminated"),
            (tags(Employee_Status=" terminated "), False, "terminated"),
            (tags(Employee_Status="Retired"), False, "retired"),
            (tags(Employee_Status="Active"), True, "active"),
            (tags(Employee_Status="On-Leave"), True, "onLeave"),
            (tags(Employee_Status="Leave of Absence"), True, "onLeave"),
            (tags(Terminated="1"), False, "terminated"),
            (tags(Employee_Status="Terminated", Active="1"), True, "active"),
            (tags(Employee_Status="Active", Active="0", Terminated="1"), False, "terminated"),
            (tags(Employee_Status="Terminated", Active=" "), False, "terminated"),
            (tags(Employee_Status="odd"), None, None),
        ],
    )
    def test_employee_status_says_it_where_active_does_not(
        self, status: str, active: bool | None, meant: str | None
    ) -> None:
        user = ws(status=status)
        assert (user.get("active"), user[WORKER]["status"]) == (active, meant)

    def test_whoever_is_terminated_by_it_is_out(self, gate: Gate, desk: Desk) -> None:
        desk.take(connector(ACTIVE))
        desk.take(connector(tags(Employee_Status="Terminated", Hire_Date="2021-04-01")))
        assert not gate.accounts()["E20001"].enabled


class TestContracts:
    @pytest.mark.parametrize(
        ("ends", "end"),
        [
            (["2025-12-31", "2026-06-30-07:00"], "2026-06-30"),
            (["2026-06-30", "2025-12-31"], "2026-06-30"),
            (["2025-12-31", ""], None),
            (["", "2026-06-30"], None),
            (["2026-06-30"], "2026-06-30"),
            ([], None),
        ],
    )
    def test_the_last_end_counts(self, ends: list[str], end: str | None) -> None:
        contracts = "".join(
            "<wd:Worker_Contract_Data><wd:Contract_Start_Date>2025-01-01</wd:Contract_Start_Date>"
            + (f"<wd:Contract_End_Date>{day}</wd:Contract_End_Date>" if day else "")
            + "</wd:Worker_Contract_Data>"
            for day in ends
        )
        user = wd(
            f"{contracts}<wd:Worker_Status_Data><wd:Active>1</wd:Active></wd:Worker_Status_Data>"
        )
        assert user[WORKER]["contractEndDate"] == end


class TestKind:
    @pytest.mark.parametrize(
        ("words", "ids", "kind"),
        [
            ("Contingent Worker", "", "Contingent"),
            ("Contingent Worker", reference("WID", "y"), "Contingent"),
            ("Regular", "", "Employee"),
            ("Contingent once", reference("Employee_Type_ID", "Regular"), "Employee"),
        ],
    )
    def test_the_words_for_the_type_tell_where_no_id_does(
        self, words: str, ids: str, kind: str
    ) -> None:
        """As in v21.1."""
        user = wd(
            f"""<wd:Position_Data><wd:Worker_Type_Reference wd:Descriptor="{words}">{ids}
            </wd:Worker_Type_Reference></wd:Position_Data>"""
        )
        assert user["userType"] == user[WORKER]["workerType"] == kind


class TestLeave:
    LEAVE: ClassVar[dict[str, str]] = {
        "On_Leave": "1",
        "Leave_Start_Date": "2026-03-01-08:00",
        "Leave_End_Date": "2026-12-31",
        "Estimated_Leave_End_Date": "2026-09-30-07:00",
    }

    @pytest.mark.parametrize("estimated", [True, False])
    def test_its_days(self, estimated: bool) -> None:
        leave = dict(self.LEAVE) if estimated else {**self.LEAVE, "Estimated_Leave_End_Date": ""}
        inner = "".join(f"<wd:{name}>{value}</wd:{name}>" for name, value in leave.items())
        status = f"<wd:Active>1</wd:Active><wd:Leave_Status_Data>{inner}</wd:Leave_Status_Data>"
        of_report = {
            "Employee_ID": "E1",
            "Leave Start Date": leave["Leave_Start_Date"],
            "Leave_End_Date": leave["Leave_End_Date"],
            "Estimated_Leave_End_Date": leave["Estimated_Leave_End_Date"],
        }
        for user in (
            ws(more=data("Leave_of_Absence", **leave)),
            wd(f"<wd:Worker_Status_Data>{status}</wd:Worker_Status_Data>"),
            *report.users({"Report_Entry": of_report}),
        ):
            found = user[WORKER]
            assert found["leaveStartDate"][:10] == "2026-03-01"
            end = "2026-09-30" if estimated else "2026-12-31"
            assert found["leaveExpectedEndDate"][:10] == end

    def test_it_ends(self) -> None:
        assert ws()[WORKER]["leaveStartDate"] is None


class TestFurtherJobs:
    @staticmethod
    def get_workers(*titles: str, more: str = "") -> bytes:
        others = "".join(
            f"""<wd:Worker_Job_Data wd:Primary_Job="{("0", "false")[at % 2]}"><wd:Position_Data>
            <wd:Position_ID>P{title}</wd:Position_ID><wd:Business_Title>{title}</wd:Business_Title>
            {more}</wd:Position_Data></wd:Worker_Job_Data>"""
            for at, title in enumerate(titles)
        )
        return f"""<wd:Worker xmlns:wd="urn:com.workday/bsvc"><wd:Worker_Data>
          <wd:Worker_ID>E20001</wd:Worker_ID><wd:Personal_Data><wd:Name_Data><wd:Legal_Name_Data>
          <wd:Name_Detail_Data><wd:Last_Name>Berg</wd:Last_Name></wd:Name_Detail_Data>
          </wd:Legal_Name_Data></wd:Name_Data></wd:Personal_Data><wd:Employment_Data>{others}
          <wd:Worker_Job_Data wd:Primary_Job="1"><wd:Position_Data>
          <wd:Position_ID>P1</wd:Position_ID></wd:Position_Data></wd:Worker_Job_Data></wd:Employment_Data></wd:Worker_Data>
          </wd:Worker>""".encode()

    def test_those_of_get_workers(self) -> None:
        more = f"""<wd:Start_Date>2026-01-01-08:00</wd:Start_Date>
          <wd:End_Employment_Date>2026-06-30</wd:End_Employment_Date>
          <wd:Business_Site_Summary_Data><wd:Name>Lyon</wd:Name></wd:Business_Site_Summary_Data>
          <wd:Manager_as_of_last_detected_manager_change_Reference>
          {reference("WID", "w9")}{reference("Employee_ID", "E9")}
          </wd:Manager_as_of_last_detected_manager_change_Reference>"""
        (user,) = users(self.get_workers("Safety", more=more))
        assert user[WORKER]["positionId"] == "P1"
        assert user[WORKER]["additionalAssignments"] == [
            {"type": "secondary", "positionId": "PSafety", "title": "Safety", "location": "Lyon",
             "managerId": "E9", "startDate": "2026-01-01", "endDate": "2026-06-30"}
        ]  # fmt: skip

    def test_those_of_core_connector_and_of_a_report(self) -> None:
        main = data("Position", Is_Primary="1", Position_ID="P1")
        parts = {"Position_ID": "P2", "Position_Title": "Safety", "Start_Date": "2026-01-01"}
        gone = data("Position", Operation="REMOVE", Is_Primary="0", Position_ID="P3")
        user = ws(more=data("Position", Is_Primary="false", **parts) + main + gone)
        (row,) = report.users(
            {"Report_Entry": {"Employee_ID": "E1", "additionalJobs": {**parts, "x": "y"}}}
        )
        expected = {"type": "secondary", "positionId": "P2", "title": "Safety"}
        for found in (user, row):
            (one,) = found[WORKER]["additionalAssignments"]
            assert expected.items() <= one.items()
            assert one["startDate"] == "2026-01-01"
        (row,) = report.users(
            {
                "Report_Entry": {
                    "Employee_ID": "E1",
                    "Additional_Jobs": [{"descriptor": "Safety"}, ""],
                }
            }
        )
        assert row[WORKER]["additionalAssignments"] == [{"type": "secondary", "title": "Safety"}]

    def test_one_that_is_over_leaves_no_trace(self, gate: Gate, desk: Desk) -> None:
        place = "<wd:Start_Date>2026-01-01</wd:Start_Date>"
        client = gate.client("workday")

        def held() -> Any:
            (one,) = accepted(client.find('externalId eq "E20001"'))["Resources"]
            return [tuple(job.values()) for job in one[WORKER].get("additionalAssignments", [])]

        desk.take(self.get_workers("A", "B"))
        assert held() == [("secondary", "PA", "A"), ("secondary", "PB", "B")]
        desk.take(self.get_workers("A", more=place))
        assert held() == [("secondary", "PA", "A", "2026-01-01")]
        desk.take(self.get_workers("C"))
        assert held() == [("secondary", "PC", "C")]
        desk.take(self.get_workers())
        assert held() == []


class TestLookAhead:
    """Get_Workers as of a day to come."""

    @staticmethod
    def asked(day: str, at: str = "2026-03-16T09:00:00.000Z") -> str:
        entered = f"<wd:As_Of_Entry_DateTime>{at}</wd:As_Of_Entry_DateTime>" if at else ""
        return f"""<wd:Response_Filter><wd:As_Of_Effective_Date>{day}</wd:As_Of_Effective_Date>
          {entered}</wd:Response_Filter>"""

    @pytest.mark.parametrize(
        ("around", "day"),
        [
            (asked("2026-03-17-07:00"), "2026-03-17"),
            (asked("2027-01-01"), "2027-01-01"),
            (asked("2026-03-16-07:00"), None),
            (asked("2026-03-01"), None),
            (asked("2026-03-17", at=""), "2026-03-17"),  # for whoever stores it to compare
            (asked(""), None),
            ("", None),
        ],
    )
    def test_it_holds_from_that_day(self, around: str, day: str | None) -> None:
        assert wd(around=around)[WORKER]["effectiveDate"] == day

    def test_whoever_is_not_active_tomorrow_works_today(self, gate: Gate, desk: Desk) -> None:
        gate.policy(timezone="Europe/Berlin")
        works = "<wd:Active>1</wd:Active><wd:Hire_Date>2021-04-01</wd:Hire_Date>"
        desk.take(self.answer(works, self.asked("2026-03-16")))
        desk.take(self.answer(works.replace("1<", "0<", 1), self.asked("2026-03-17-07:00")))
        assert gate.accounts()["E20001"].enabled
        gate.day("2026-03-16T23:30:00Z")
        gate.settle()
        assert not gate.accounts()["E20001"].enabled

    def test_what_is_said_of_today_does_not_wait(self, gate: Gate, desk: Desk) -> None:
        works = "<wd:Active>1</wd:Active><wd:Hire_Date>2021-04-01</wd:Hire_Date>"
        desk.take(self.answer(works, self.asked("2026-03-16")))
        desk.take(self.answer(works, self.asked("2026-03-17"), "Ahead"))
        assert "title" not in gate.accounts()["E20001"].attributes
        desk.take(self.answer(works, self.asked("2026-03-16"), "Now"))
        assert gate.accounts()["E20001"].attributes["title"] == "Now"

    @staticmethod
    def answer(status: str, around: str, title: str = "") -> bytes:
        return f"""<wd:Get_Workers_Response xmlns:wd="urn:com.workday/bsvc">{around}
          <wd:Response_Data><wd:Worker><wd:Worker_Data><wd:Worker_ID>E20001</wd:Worker_ID>
          <wd:Personal_Data><wd:Name_Data><wd:Legal_Name_Data><wd:Name_Detail_Data>
          <wd:Last_Name>Berg</wd:Last_Name></wd:Name_Detail_Data></wd:Legal_Name_Data>
          </wd:Name_Data></wd:Personal_Data><wd:Employment_Data>
          <wd:Position_Data><wd:Business_Title>{title}</wd:Business_Title></wd:Position_Data>
          <wd:Worker_Status_Data>{status}</wd:Worker_Status_Data></wd:Employment_Data>
          </wd:Worker_Data></wd:Worker></wd:Response_Data></wd:Get_Workers_Response>""".encode()
