"""Workers as Workday has them, at POST /sources/workday/workers, and what becomes of them."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest
from lxml import etree

from adapters.workday.connector import STYLESHEET, users
from tests.hr.desk import ACTIVE, Desk, connector, job, tags
from tests.hr.gate import Gate, created
from tests.provisioning.house import worker
from tests.scim.conftest import CORE, ENTERPRISE, PATCH_OP, WORKER, Client, accepted

DATA = Path(__file__).parents[1] / "data" / "workday"
CONNECTOR = (DATA / "core_connector.xml").read_bytes()
GET_WORKERS = (DATA / "get_workers.xml").read_bytes()


@pytest.fixture
def client(gate: Gate) -> Client:
    return gate.client("workday")


class TestConnector:
    def test_makes_accounts_and_says_what_became_of_each(self, gate: Gate, desk: Desk) -> None:
        found = desk.take(CONNECTOR)
        assert [(one["externalId"], one["result"], one["status"]) for one in found] == [
            ("E10001", "created", 201), ("E20001", "created", 201), ("C30001", "created", 201),
        ]  # fmt: skip
        assert all(one["id"] and one["receipt"] for one in found)
        account = gate.accounts()["E20001"]
        assert account.enabled
        wanted = {
            "sAMAccountName": "akoehlermann",
            "givenName": "Annelie",
            "sn": "Köhlermann",
            "displayName": "Annelie Köhlermann",
            "personalTitle": "Dr.",
            "mail": "akoehlermann@norhaven.example",
            "title": 'Specialist, "Optics" \\ Lenses',
            "department": "Optics - Berlin",
            "company": "Norhaven GmbH",
            "employeeType": "Employee",
            "telephoneNumber": "+49 30 5550 0001",
            "mobile": "+49 151 5550 2001",
            "streetAddress": "Lindenufer 4",
            "l": "Berlin",
            "c": "DE",
        }
        assert wanted.items() <= account.attributes.items()
        assert gate.manager("E20001") == "E10001"
        assert gate.accounts()["C30001"].attributes["employeeType"] == "Contingent"
        assert gate.problems() == []

    def test_get_workers_says_the_same(self, gate: Gate, desk: Desk, client: Client) -> None:
        desk.take(CONNECTOR)
        desk.take(GET_WORKERS, type="text/xml; charset=utf-8")
        attributes = gate.accounts()["E20001"].attributes
        assert attributes["title"] == "Specialist, Optics"
        assert "mobile" not in attributes  # the only one is private
        assert "annelie.k" not in str(gate.ad.accounts) + client.get("/Users").text
        (held,) = accepted(client.find('externalId eq "E20001"'))["Resources"]
        assert held["locale"] == "de_DE"
        assert held[WORKER]["localFamilyName"] == "ケーラーマン"
        assert held[WORKER]["fte"] == 0.8
        assert held[WORKER]["provisioningGroups"] == ["Optics", 'Lab "B"']

    def test_the_stylesheet_is_one_that_customers_can_run(self, desk: Desk) -> None:
        """Any XSLT 1.0 engine; its JSON is taken at the same address."""
        made = str(etree.XSLT(etree.parse(STYLESHEET))(etree.fromstring(CONNECTOR)))
        made_users = json.loads(made)["workers"]
        assert [user["externalId"] for user in made_users] == ["E10001", "E20001", "C30001"]
        assert [one["result"] for one in desk.take(CONNECTOR)] == ["created"] * 3
        again = desk.take(made.encode(), type="application/json")
        assert [one["result"] for one in again] == ["unchanged"] * 3

    def test_its_users_are_what_scim_takes_too(self, gate: Gate, client: Client) -> None:
        made = str(etree.XSLT(etree.parse(STYLESHEET))(etree.fromstring(CONNECTOR)))
        for user in json.loads(made)["workers"]:
            created(client.send("POST", "/Users", {"schemas": [CORE], **user}))
        gate.settle()
        assert sorted(gate.accounts()) == ["C30001", "E10001", "E20001"]

    def test_everybody_again_every_night_writes_nothing(self, gate: Gate, desk: Desk) -> None:
        desk.take(CONNECTOR)
        gate.writes()
        later = CONNECTOR.replace(b"2026-03-16T01:30", b"2026-03-17T01:30")
        assert {one["result"] for one in desk.take(later)} == {"changed"}  # the time alone
        assert gate.writes() == 0
        assert {one["result"] for one in desk.take(later)} == {"unchanged"}

    def test_an_older_file_changes_nothing(self, gate: Gate, desk: Desk) -> None:
        desk.take(CONNECTOR)
        older = CONNECTOR.replace(b"2026-03-16T01:30", b"2026-03-15T01:30").replace(
            b"Director", b"Clerk"
        )
        assert {one["result"] for one in desk.take(older)} == {"stale"}
        assert gate.accounts()["E10001"].attributes["title"] == "Director, Optics"

    def test_what_a_part_leaves_out_is_empty_and_a_missing_part_is_kept(
        self, gate: Gate, desk: Desk
    ) -> None:
        title = (
            f"<ws:Position>{tags(Business_Title='Clerk', Business_Site_Name='Lyon')}</ws:Position>"
        )
        desk.take(connector(ACTIVE, job=title))
        attributes = gate.accounts()["E20001"].attributes
        assert (attributes["title"], attributes["physicalDeliveryOfficeName"]) == ("Clerk", "Lyon")
        desk.take(connector(ACTIVE))
        assert gate.accounts()["E20001"].attributes["title"] == "Clerk"
        desk.take(connector(ACTIVE, job=job(Position_ID="P1")))
        assert "title" not in gate.accounts()["E20001"].attributes

    def test_a_contingent_worker_stays_one_where_no_job_is_said(
        self, gate: Gate, desk: Desk
    ) -> None:
        desk.take(connector(ACTIVE, job=job(Worker_Type="Contingent_Worker")))
        desk.take(connector(ACTIVE))
        assert gate.accounts()["E20001"].attributes["employeeType"] == "Contingent"

    def test_a_number_that_is_given_up_leaves_no_trace(self, gate: Gate, desk: Desk) -> None:
        desk.take(CONNECTOR)
        mobile = b"<ws:Phone_Device_Type>Mobile</ws:Phone_Device_Type>"
        desk.take(CONNECTOR.replace(mobile, mobile.replace(b"Mobile", b"Pager")))
        attributes = gate.accounts()["E20001"].attributes
        assert "mobile" not in attributes
        assert attributes["telephoneNumber"] == "+49 30 5550 0001"

    def test_a_dry_run_stores_nothing(self, gate: Gate, desk: Desk, client: Client) -> None:
        answer = desk.send(CONNECTOR, query="?dryRun=true").get_json()
        assert answer["dryRun"] is True
        assert [one["result"] for one in answer["workers"]] == ["created"] * 3
        assert {one["id"] or one["receipt"] for one in answer["workers"]} == {None}
        assert accepted(client.get("/Users"))["totalResults"] == 0

    def test_each_worker_stands_for_itself(self, desk: Desk) -> None:
        broken = CONNECTOR.replace(b"<ws:Employee_ID>E10001</ws:Employee_ID>", b"")
        answer = desk.send(broken)
        assert answer.status_code == 207
        one, two, _ = answer.get_json()["workers"]
        assert (one["result"], one["status"], one["scimType"]) == ("refused", 400, "invalidValue")
        assert "externalId" in one["detail"]
        assert two["result"] == "created"

    def test_a_single_worker_is_answered_with_its_own_status(self, desk: Desk) -> None:
        assert desk.send(connector(ACTIVE)).status_code == 201
        assert desk.send(connector(ACTIVE)).status_code == 200
        assert desk.send(connector(ACTIVE, number="")).status_code == 400

    def test_threads_share_the_stylesheet(self) -> None:
        found: list[int] = []
        threads = [
            threading.Thread(target=lambda: found.append(len(users(CONNECTOR)))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [3] * 4


class TestEmptyRun:
    """Nobody has changed since the last run: that is an answer, not a failure."""

    @pytest.mark.parametrize(
        "body",
        [
            b"""<ws:Worker_Sync xmlns:ws="urn:com.workday/workersync"><ws:Header>
              <ws:Worker_Count>0</ws:Worker_Count></ws:Header></ws:Worker_Sync>""",
            b"""<wd:Get_Workers_Response xmlns:wd="urn:com.workday/bsvc"><wd:Response_Results>
              <wd:Total_Results>0</wd:Total_Results></wd:Response_Results><wd:Response_Data/>
              </wd:Get_Workers_Response>""",
            b"""<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>
              <wd:Get_Workers_Response xmlns:wd="urn:com.workday/bsvc"/></e:Body></e:Envelope>""",
            b'<wd:Response_Data xmlns:wd="urn:com.workday/bsvc"/>',
            {"Report_Entry": []},
            {"workers": []},
        ],
    )
    def test_is_taken(self, desk: Desk, body: Any) -> None:
        answer = desk.send(body)
        assert answer.status_code == 200
        assert answer.get_json() == {"dryRun": False, "workers": []}

    def test_a_fault_is_none(self, desk: Desk) -> None:
        fault = b"""<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>
          <e:Fault><faultstring>Processing error</faultstring></e:Fault></e:Body></e:Envelope>"""
        assert "no Worker" in desk.refused(fault)


class TestLife:
    """2.3 and 2.4: dates, flags, and the same human under other ids."""

    def test_a_termination_ahead_and_its_rescission(self, gate: Gate, desk: Desk) -> None:
        desk.take(connector(ACTIVE))
        desk.take(connector(ACTIVE + tags(Termination_Date="2026-04-30-07:00")))
        assert gate.accounts()["E20001"].enabled
        assert "accountExpires" in gate.accounts()["E20001"].attributes
        desk.take(connector(ACTIVE))  # rescinded: the date is not there any more
        gate.day("2026-05-02T12:00:00Z")
        gate.settle()
        assert gate.accounts()["E20001"].enabled

    def test_a_termination_that_has_come(self, gate: Gate, desk: Desk) -> None:
        desk.take(connector(ACTIVE + tags(Termination_Date="2026-04-30-07:00")))
        gate.day("2026-04-30T21:00:00Z")
        gate.settle()
        assert gate.accounts()["E20001"].enabled
        gate.day("2026-05-01T12:00:00Z")
        gate.settle()
        assert not gate.accounts()["E20001"].enabled

    def test_an_old_episodes_end_does_not_end_the_new_one(self, gate: Gate, desk: Desk) -> None:
        """Termination_Date is the most recent one, and stays when somebody returns."""
        desk.take(
            connector(
                tags(Active="true", Hire_Date="2026-03-02", Original_Hire_Date="2019-02-01",
                     Termination_Date="2024-05-31", Rehire="1", Terminated="false",
                     Termination_Involuntary="1")
            )
        )  # fmt: skip
        account = gate.accounts()["E20001"]
        assert account.enabled
        assert (
            "accountExpires" not in account.attributes or not account.attributes["accountExpires"]
        )

    def test_a_hire_ahead_is_ready_and_begins_by_itself(self, gate: Gate, desk: Desk) -> None:
        """Active is 0 until the day, and there is no user name yet."""
        desk.take(connector(tags(Active="0", Hire_Date="2026-03-30-07:00", Terminated="0")))
        account = gate.accounts()["E20001"]
        assert not account.enabled
        assert account.attributes["sAMAccountName"] == "aberg"
        gate.day("2026-03-30T12:00:00Z")
        gate.settle()
        assert gate.accounts()["E20001"].enabled

    def test_a_user_name_that_comes_later_renames_nobody(self, gate: Gate, desk: Desk) -> None:
        desk.take(connector(tags(Active="0", Hire_Date="2026-03-30")))
        desk.take(connector(tags(Active="0", Hire_Date="2026-03-30"), more=tags(User_Name="annel")))
        assert gate.accounts()["E20001"].attributes["sAMAccountName"] == "aberg"

    def test_a_rescinded_hire_never_begins(self, gate: Gate, desk: Desk) -> None:
        ahead = tags(Active="0", Hire_Date="2026-03-30", Terminated="0")
        desk.take(connector(ahead))
        desk.take(connector(ahead + tags(Hire_Rescinded="1")))
        gate.day("2026-04-01T12:00:00Z")
        gate.settle()
        assert not gate.accounts()["E20001"].enabled
        desk.take(connector(tags(Active="1", Hire_Date="2026-03-30", Hire_Rescinded="0")))
        assert gate.accounts()["E20001"].enabled

    def test_a_dismissal_acts_at_once(self, gate: Gate, desk: Desk) -> None:
        desk.take(connector(ACTIVE))
        end = tags(Termination_Date="2026-04-30", Termination_Involuntary="true")
        desk.take(connector(ACTIVE + end))
        assert not gate.accounts()["E20001"].enabled

    @pytest.mark.parametrize("more", ["", tags(Hire_Date="2021-04-01"), tags(Terminated="1")])
    def test_whoever_is_not_active_is_out(self, gate: Gate, desk: Desk, more: str) -> None:
        desk.take(connector(ACTIVE))
        desk.take(connector(tags(Active="0") + more))
        assert not gate.accounts()["E20001"].enabled
        assert gate.row(workerId="E20001").state in ("disabled", "grace")

    def test_leave_is_still_employment(self, gate: Gate, desk: Desk, client: Client) -> None:
        desk.take(connector(ACTIVE + tags(Employee_Status="On Leave")))
        assert gate.accounts()["E20001"].enabled
        (held,) = accepted(client.find('externalId eq "E20001"'))["Resources"]
        assert (held[WORKER]["status"], held[WORKER]["onLeave"]) == ("onLeave", True)

    def test_a_conversion_changes_the_wid(self, gate: Gate, desk: Desk) -> None:
        contract = ACTIVE + tags(Contract_End_Date="2026-06-30")
        ids = tags(WID="3ed3dd55f6b806f027ad82edf64be5a7", Contingent_Worker_ID="C1")
        desk.take(connector(contract, number="", more=ids))
        (before,) = gate.ad.accounts.values()
        assert before.attributes["employeeType"] == "Contingent"
        ids = tags(WID="aea46e731e130c28ad8343d96b6bd02a")
        desk.take(connector(ACTIVE, number="C1", more=ids, job=job(Worker_Type="Regular")))
        (after,) = gate.ad.accounts.values()
        assert (after.anchor, after.enabled) == (before.anchor, True)
        assert after.attributes["employeeType"] == "Employee"
        assert gate.problems() == []

    def test_a_conversion_may_change_the_number_too(self, gate: Gate, desk: Desk) -> None:
        ids = tags(Universal_ID="U1", WID="3ed3dd55f6b806f027ad82edf64be5a7")
        desk.take(connector(ACTIVE, number="C30001", more=ids))
        (before,) = gate.ad.accounts.values()
        ids = tags(Universal_ID="U1", WID="aea46e731e130c28ad8343d96b6bd02a")
        hired = tags(Active="1", Hire_Date="2026-03-16")
        ended = tags(
            Active="0", Hire_Date="2021-04-01", Terminated="1", Termination_Date="2026-03-15"
        )
        desk.take(connector(hired, number="E40001", more=ids))
        desk.take(connector(ended, number="C30001", more=tags(Universal_ID="U1")))
        (after,) = gate.ad.accounts.values()
        assert (after.anchor, after.enabled) == (before.anchor, True)
        assert after.attributes["employeeID"] == "E40001"

    def test_a_manager_known_by_the_wid_alone(self, gate: Gate, desk: Desk) -> None:
        desk.take(CONNECTOR)
        numbered = b'<wd:ID wd:type="Employee_ID">E10001</wd:ID>'
        assert numbered in GET_WORKERS
        desk.take(GET_WORKERS.replace(numbered, b""))
        assert gate.manager("E20001") == "E10001"

    def test_one_human_by_both_doors_is_one_resource(
        self, gate: Gate, desk: Desk, client: Client
    ) -> None:
        id = created(client.send("POST", "/Users", worker("E20001", title="Clerk")))
        (found,) = desk.take(connector(ACTIVE))
        assert found["id"] == id
        held = accepted(client.get(f"/Users/{id}"))
        assert (held["title"], held["name"]["givenName"]) == ("Clerk", "Annelie")


class TestLooseReading:
    """P13: what XSLT and its like make of values, at this address and in SCIM."""

    ODD: ClassVar[dict[str, Any]] = {
        "externalId": " E20001 ",
        "active": "1",
        "name": {"givenName": "Annelie", "familyName": " Berg", "middleName": ""},
        "nickName": None,
        "emails": {"value": "aberg@norhaven.example ", "type": "Work", "primary": "true"},
        "phoneNumbers": {"value": " +49 30 5550 0001 ", "type": "Work"},
        "addresses": {"type": "work", "country": "DEU"},
        ENTERPRISE: {"employeeNumber": 20001, "manager": "NO_MANAGER"},
        WORKER: {
            "workerId": "E20001",
            "hireDate": "2021-04-01-08:00",
            "terminationDate": "",
            "fte": "1",
            "onLeave": "False",
            "provisioningGroups": "Optics",
        },
    }

    def test_one_worker_may_stand_for_the_list(self, gate: Gate, desk: Desk) -> None:
        (one,) = desk.take({"workers": self.ODD})
        assert one["result"] == "created"
        assert [*gate.accounts()] == ["E20001"]
        assert "externalId" in desk.send({"workers": {}}).get_json()["workers"][0]["detail"]

    @pytest.mark.parametrize("door", ["scim", "workers"])
    def test_is_read_as_meant(self, gate: Gate, desk: Desk, client: Client, door: str) -> None:
        if door == "scim":
            created(client.send("POST", "/Users", self.ODD))
        else:
            desk.take({"workers": [self.ODD]})
        gate.settle()
        account = gate.accounts()["E20001"]
        assert account.enabled
        wanted = {"sn": "Berg", "mail": "aberg@norhaven.example", "c": "DE",
                  "telephoneNumber": "+49 30 5550 0001"}  # fmt: skip
        assert wanted.items() <= account.attributes.items()
        assert gate.problems() == []

    @pytest.mark.parametrize(
        "day", ["2026-04-30", "2026-04-30-07:00", "2026-04-30Z", "2026-04-30T00:00:00.000-07:00"]
    )
    def test_a_day_is_the_day_that_is_written(self, gate: Gate, client: Client, day: str) -> None:
        body = worker("E20001")
        id = created(client.send("POST", "/Users", body))
        operations = [
            {"op": "Replace", "path": "active", "value": "True"},
            {"op": "replace", "path": f"{WORKER}:terminationDate", "value": day},
        ]
        patch = {"schemas": [PATCH_OP], "Operations": operations}
        held = accepted(client.send("PATCH", f"/Users/{id}", patch))
        assert held[WORKER]["terminationDate"] == "2026-04-30"


class TestHostile:
    """Whatever arrives is answered in words, and changes nothing."""

    BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">
      <!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>
      <ws:Worker xmlns:ws="urn:com.workday/workersync">&lol2;</ws:Worker>"""
    OUTSIDE = b"""<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>
      <ws:Worker_Sync xmlns:ws="urn:com.workday/workersync"><ws:Worker><ws:Summary>
      <ws:Employee_ID>&e;</ws:Employee_ID></ws:Summary></ws:Worker></ws:Worker_Sync>"""
    PARAMETER = b"""<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]><x/>"""
    DTD = b"""<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><x/>"""

    BEHIND = b"""<?xml version="1.0"?> <!-- <a/> --> <?pi <a/> ?>
      <!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>"""

    @pytest.mark.parametrize("body", [BOMB, OUTSIDE, PARAMETER, DTD, BEHIND])
    def test_a_dtd_is_refused_unread(self, desk: Desk, body: bytes) -> None:
        assert desk.refused(body) == "The XML has a DTD or entities, which are not accepted."
        mark = b"\xff\xfe" + body.decode().encode("utf-16-le")
        assert "DTD" in desk.refused(mark)

    def test_what_only_looks_like_a_dtd_is_text(self, desk: Desk, client: Client) -> None:
        title = '<![CDATA[<!DOCTYPE x [<!ENTITY e "e">]> & Lenses]]>'
        body = connector(ACTIVE, job=job(Business_Title=title))
        desk.take(b"<!-- no <!DOCTYPE> here -->" + body)
        (held,) = accepted(client.find('externalId eq "E20001"'))["Resources"]
        assert held["title"] == '<!DOCTYPE x [<!ENTITY e "e">]> & Lenses'

    def test_a_beginning_without_end_is_read_once(self, desk: Desk) -> None:
        for body in (b" " * 500_000 + b"<a", b"<!-- x -->" * 50_000, b"<!--" * 100_000):
            assert "not XML" in desk.refused(b"<?xml version='1.0'?>" + body)

    def test_an_inclusion_stays_what_it_is(self, desk: Desk, client: Client) -> None:
        include = """<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text"
          href="/etc/passwd"/>"""
        desk.take(
            connector(
                ACTIVE,
                job=f"<ws:Position><ws:Business_Title>{include}</ws:Business_Title></ws:Position>",
            )
        )
        assert "root:" not in client.get("/Users").text

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"", "empty"),
            (b"   ", "empty"),
            (b"<a><b></a>", "line 1"),
            (b"no xml", "not XML"),
            (b"{}", "not XML"),
            (b"<a/>", "no Worker"),
            (b"<Worker_Sync><Worker/></Worker_Sync>", "no Worker"),  # without its namespace
            (b"<a>&#0;</a>", "not XML"),
            (b"<a>&undefined;</a>", "not XML"),
            (b'<a x="1" x="2"/>', "not XML"),
            (b"<a>" * 400 + b"</a>" * 400, "not XML"),
            ("<a>Köhler</a>".encode("latin-1"), "not UTF-8: byte 4"),
            (b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>', "ISO-8859-1"),
            (b'<?xml version="1.0" encoding="UTF-16"?><a/>', "UTF-16"),
            (b'<?xml version="1.0" encoding="UTF-7"?><a/>', "UTF-7"),
            (b"\xff\xfe<\x00a", "not UTF-16"),
            (b"\xfe\xff\xd8\x00", "not UTF-16"),
            (b"\x00\x01\x02", "not XML"),
        ],
    )
    def test_what_is_no_worker(self, desk: Desk, body: bytes, said: str) -> None:
        assert said in desk.refused(body)

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_encodings_that_are_understood(self, gate: Gate, desk: Desk, encoding: str) -> None:
        text = CONNECTOR.decode().replace("UTF-8", "UTF-16" if encoding == "utf-16" else "utf8")
        desk.take(text.encode(encoding))
        assert gate.accounts()["E20001"].attributes["sn"] == "Köhlermann"

    def test_a_text_of_nothing_but_quotes(self, desk: Desk, client: Client) -> None:
        title = '"\\' * 500
        desk.take(connector(ACTIVE, job=job(Business_Title=title)))
        (held,) = accepted(client.find('externalId eq "E20001"'))["Resources"]
        assert held["title"] == title
        worse = connector(ACTIVE, job=job(Business_Title=title * 50))
        assert "too odd" in desk.refused(worse)

    def test_no_more_than_the_limits(self, desk: Desk) -> None:
        assert "maxPayloadSize" in desk.refused(b"<a>" + b" " * (1 << 20) + b"</a>", 413)
        many = {"workers": [{"externalId": f"E{n}"} for n in range(101)]}
        assert "100 workers" in desk.refused(many, 413)

    @pytest.mark.parametrize("type", ["text/plain", "text/csv", "application/xml; charset=latin-1"])
    def test_other_media_types(self, desk: Desk, type: str) -> None:
        desk.refused(CONNECTOR, 415, type=type)

    def test_each_source_has_its_own_door(self, gate: Gate, desk: Desk) -> None:
        desk.refused(CONNECTOR, 404, name="successfactors")
        desk.refused(CONNECTOR, 404, name="nobody")
        desk.token = "wrong"
        desk.refused(CONNECTOR, 401)

    def test_only_post(self, desk: Desk) -> None:
        answer = desk.http.get("/sources/workday/workers")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
        assert "POST the workers" in answer.get_json(force=True)["detail"]
