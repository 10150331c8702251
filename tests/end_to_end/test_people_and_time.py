"""The default policy, line by line, and who returns: in HR's words, on both directories.

On the embedded directories, and on a real Samba domain beside the sandbox Entra, business
time moved. AD is read over LDAP by a client of our own, Entra through what it shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.sandbox_gateway import Domain, SandboxGateway
from tests.end_to_end.test_fan_out import empty
from tests.provisioning.house import ENTERPRISE, WORKER, worker
from tests.samba import Administrator

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
MONDAY = "2026-03-16T09:00:00Z"
GROUPS = {
    "active_directory.yaml": """
extends: active_directory
groups:
  opticians: { value: '"opticians"', when: '[department] = "Optics"' }
""",
    "entra_id.yaml": """
extends: entra_id
groups:
  opticians: { value: '"Opticians"', when: '[department] = "Optics"' }
licenses:
  office: { value: '"ENTERPRISEPACK"', when: '[workerType] = "Employee"' }
""",
}


@pytest.fixture(scope="module", params=["embedded", "samba"])
def gateway(request: pytest.FixtureRequest) -> Iterator[SandboxGateway]:
    samba = request.param == "samba"
    if samba:
        request.getfixturevalue("samba")  # skips, or fails in CI, where Samba cannot run
    running = SandboxGateway(samba=samba, mappings=GROUPS)
    running.start()
    running.settle()
    yield running
    running.end()


class Both:
    """A company in its first minute, seen from HR and from both directories."""

    def __init__(self, gateway: SandboxGateway, admin: Administrator) -> None:
        self.gateway, self.admin = gateway, admin
        empty(gateway, admin)
        self.groups()
        gateway.clock(MONDAY)

    def groups(self) -> None:
        people = str(self.gateway.about["ad"]["people_ou"])
        self.group = f"CN=opticians,{people}"
        if self.gateway.samba:
            found = self.admin.entries(people, "(sAMAccountName=opticians)", ["cn"])
            if not found:
                self.admin.add(self.group, ["group"], {"sAMAccountName": "opticians"})
            ad = []
        else:
            ad = [
                {
                    "dn": self.group,
                    "attributes": {"sAMAccountName": "opticians", "groupType": "-2147483646"},
                }
            ]
        entra = [
            {
                "userPrincipalName": "founder@norhaven.example",
                "displayName": "Founder",
                "groups": ["Opticians"],
            }
        ]
        self.gateway.send("PUT", "/sandbox/directory", {"ad": ad, "entra": entra})

    def policy(self, **changes: Any) -> None:
        self.gateway.send("PUT", "/sandbox/settings", changes)

    # -- what HR does --------------------------------------------------------------------

    def post(self, document: dict[str, Any], source: str = "workday", status: int = 201) -> str:
        answer = self.gateway.scim("POST", "/Users", document, source)
        assert answer.status_code == status, answer.text
        self.gateway.settle()
        return str(answer.json().get("id", ""))

    def put(self, id: str, document: dict[str, Any], source: str = "workday") -> None:
        answer = self.gateway.scim("PUT", f"/Users/{id}", document, source)
        assert answer.status_code == 200, answer.text
        self.gateway.settle()

    def patch(self, id: str, **values: Any) -> None:
        operations = [{"op": "replace", "path": path, "value": v} for path, v in values.items()]
        body = {"schemas": [PATCH], "Operations": operations}
        answer = self.gateway.scim("PATCH", f"/Users/{id}", body)
        assert answer.status_code == 200, answer.text
        self.gateway.settle()

    def delete(self, id: str) -> None:
        assert self.gateway.scim("DELETE", f"/Users/{id}").status_code == 204
        self.gateway.settle()

    def day(self, instant: str) -> None:
        self.gateway.clock(instant)
        self.gateway.settle()

    # -- what the directories hold ---------------------------------------------------------

    def ad(self, number: str) -> dict[str, Any]:
        return self.admin.entry(f"(employeeID={number})")

    def entra(self, number: str) -> dict[str, Any]:
        return self.gateway.entra(number)

    def both(self, number: str) -> tuple[bool, bool]:
        """Whether the accounts are enabled."""
        on = not int(self.ad(number)["userAccountControl"][0]) & 2
        return on, bool(self.entra(number)["accountEnabled"])

    def nobody(self, number: str) -> bool:
        ad = self.admin.entries(
            self.gateway.about["ad"]["base_dn"], f"(employeeID={number})", ["cn"]
        )
        entra = [u for u in self.gateway.accounts()["entra"] if u.get("employeeId") == number]
        return not ad and not entra

    def ids(self, number: str) -> tuple[Any, Any]:
        return self.ad(number)["objectGUID"], self.entra(number)["id"]

    def names(self, number: str) -> set[str]:
        user = self.entra(number)
        return {self.ad(number)["sAMAccountName"][0], user["mailNickname"]}

    def held(self) -> list[str]:
        return [one["why"] for one in self.gateway.settle()["held"]]

    def ou(self, number: str) -> str:
        leavers = str(self.gateway.about["ad"]["leavers_ou"])
        return "leavers" if self.ad(number)["dn"].endswith(leavers) else "people"

    def given(self, number: str) -> tuple[list[str], list[str], list[str]]:
        user = self.entra(number)
        member = ["opticians" for dn in self.ad(number).get("memberOf", ()) if dn == self.group]
        groups = [group["displayName"] for group in user["groups"]]
        return member, groups, list(user["licenses"])


@pytest.fixture
def company(gateway: SandboxGateway) -> Iterator[Both]:
    admin = Administrator(Domain(gateway))
    yield Both(gateway, admin)
    admin.close()


def optician(
    number: str, given: str = "Anna", family: str = "Lindqvist", **more: Any
) -> dict[str, Any]:
    document = worker(number, given, family, workerType="Employee", **more)
    document[ENTERPRISE]["department"] = "Optics"
    document["schemas"] = [CORE, ENTERPRISE, WORKER]
    return document


# -- P1 to P18 -----------------------------------------------------------------------------------


def test_p1_an_account_with_the_number_is_adopted_one_with_another_never(company: Both) -> None:
    people = company.gateway.about["ad"]["people_ou"]
    for number, name in (("E1", "old.anna"), ("E9", "alindqvist")):
        secret = '"Sesam-4711-offen"'.encode("utf-16-le")
        more = {"sAMAccountName": name, "employeeID": number, "unicodePwd": secret}
        company.admin.add_user(people, name, **more)
    company.post(optician("E1"))
    company.post(optician("E2"))
    assert company.ad("E1")["sAMAccountName"] == ["old.anna"]
    assert company.names("E2") == {"alindqvist2"}
    assert "title" not in company.ad("E9")


def test_p2_p3_p4_names_for_use_one_name_and_one_address_each(company: Both) -> None:
    post = {"emails": [{"type": "work", "value": "j.m@norhaven.example"}]}
    private = {"emails": [{"type": "home", "value": "me@home.example"}]}
    company.post(optician("E1", "Jürgen", "Müßig", legalGivenName="Jürgen Otto", **post))
    company.post(optician("E2", "Jörg", "Müßig", **post))
    company.post(optician("E3", "Jan", "Łęcki", **private))
    assert company.names("E1") == {"jmuessig"}
    assert company.names("E2") == {"jmuessig2"}
    assert company.names("E3") == {"jlecki"}
    assert company.ad("E1")["givenName"] == ["Jürgen"]
    assert company.ad("E1")["mail"] == ["j.m@norhaven.example"]
    assert company.entra("E2").get("mail") is None
    assert "mail" not in company.ad("E2")
    assert "mail" not in company.ad("E3")


def test_p5_days_are_the_workers_days(company: Both) -> None:
    company.post(
        optician("E1", hireDate="2026-04-06", terminationDate="2026-04-10", timezone="Asia/Tokyo")
    )
    assert company.both("E1") == (False, False)
    company.day("2026-04-05T14:59:00Z")
    assert company.both("E1") == (False, False)
    company.day("2026-04-05T15:00:00Z")
    assert company.both("E1") == (True, True)
    company.day("2026-04-10T14:59:00Z")
    assert company.both("E1") == (True, True)
    company.day("2026-04-10T15:00:00Z")
    assert company.both("E1") == (False, False)


def test_p5_a_hire_far_ahead_gets_an_account_in_time(company: Both) -> None:
    company.post(optician("E1", hireDate="2026-06-01"))
    assert company.nobody("E1")
    company.day("2026-05-02T00:00:00Z")
    assert company.both("E1") == (False, False)
    company.day("2026-06-01T00:00:00Z")
    assert company.both("E1") == (True, True)


def test_p6_a_dismissal_acts_at_once(company: Both) -> None:
    id = company.post(optician("E1"))
    company.put(id, optician("E1", involuntary=True, terminationDate="2026-06-30"))
    assert company.both("E1") == (False, False)


def test_p7_taken_back_and_given_again(company: Both) -> None:
    id = company.post(optician("E1"))
    before = company.ids("E1")
    assert company.given("E1") == (["opticians"], ["Opticians"], ["ENTERPRISEPACK"])
    company.delete(id)
    assert company.both("E1") == (False, False)
    assert company.ou("E1") == "leavers"
    assert company.given("E1") == ([], [], ["ENTERPRISEPACK"])
    company.day("2026-04-15T09:00:00Z")
    assert company.given("E1") == ([], [], [])
    company.post(optician("E1", title="Adviser"))
    assert (company.ids("E1"), company.both("E1"), company.ou("E1")) == (
        before,
        (True, True),
        "people",
    )
    assert company.given("E1") == (["opticians"], ["Opticians"], ["ENTERPRISEPACK"])
    assert company.entra("E1")["jobTitle"] == "Adviser"


def test_p8_leave_keeps_the_account_unless_policy_says_otherwise(company: Both) -> None:
    id = company.post(optician("E1", onLeave=True))
    assert company.both("E1") == (True, True)
    company.policy(people={"on_leave": "disabled"})
    company.gateway.settle()
    assert (company.both("E1"), company.ou("E1")) == ((False, False), "people")
    company.put(id, optician("E1"))
    assert company.both("E1") == (True, True)


def test_p9_managers_in_every_form(company: Both) -> None:
    boss = company.post(
        optician("E1", "Mia", "Boss", manager="E1", sourceId="127b1c760d0af306e341429faaa81922")
    )
    forms = {
        "E2": boss,
        "E3": "E1",
        "E4": "127B1C76-0D0A-F306-E341-429FAAA81922",
        "E5": "NO_MANAGER",
        "E6": "E7",
    }
    for number, manager in forms.items():
        company.post(optician(number, family=f"Berg{number}", manager=manager))
    company.post(optician("E7", "Zoe", "Late", manager="E6"))
    mia, zoe = company.ad("E1")["dn"], company.ad("E7")["dn"]
    found = {number: company.ad(number).get("manager") for number in (*forms, "E1", "E7")}
    assert found == {
        "E1": None,
        "E2": [mia],
        "E3": [mia],
        "E4": [mia],
        "E5": None,
        "E6": [zoe],
        "E7": [company.ad("E6")["dn"]],
    }
    assert company.entra("E6")["manager"]["id"] == company.entra("E7")["id"]
    assert company.entra("E5").get("manager") is None


def test_p10_older_than_what_is_known_is_not_applied(company: Both) -> None:
    id = company.post(optician("E1", title="Chief", sourceModifiedAt="2026-03-16T08:00:00Z"))
    company.put(id, optician("E1", title="Cook", sourceModifiedAt="2026-03-15T08:00:00Z"))
    assert company.ad("E1")["title"] == ["Chief"]


def test_p11_a_put_replaces_a_sparse_one_changes_the_state(company: Both) -> None:
    id = company.post(optician("E1", title="Chief"))
    company.put(id, {"schemas": [CORE], "id": id, "active": False})
    assert (company.both("E1"), company.ad("E1")["title"]) == ((False, False), ["Chief"])
    company.put(id, optician("E1"))
    assert company.both("E1") == (True, True)
    assert "title" not in company.ad("E1")


def test_p14_p15_what_is_too_long_is_cut_and_countries_agree(company: Both) -> None:
    long = optician("E1", title="x" * 200)
    long["addresses"] = [{"type": "work", "country": "deu"}]
    company.post(long)
    entry, user = company.ad("E1"), company.entra("E1")
    assert (len(entry["title"][0]), len(user["jobTitle"])) == (128, 128)
    assert (entry["c"], entry["co"], entry["countryCode"]) == (["DE"], ["Germany"], ["276"])
    assert (user["country"], user["usageLocation"]) == ("DE", "DE")


def test_p16_a_mass_stops_at_the_breaker_and_hires_flow_on(company: Both) -> None:
    company.policy(breakers={"count": 2, "percent": 0, "urgent_floor": 0})
    ids = [company.post(optician(f"E{n}", family=f"Berg{n}")) for n in range(4)]
    for id in ids:
        company.gateway.scim("DELETE", f"/Users/{id}")
    company.post(optician("E9", "Zoe", "New"))
    off = [company.both(f"E{n}") for n in range(4)]
    assert [sum(not on for on in side) for side in zip(*off, strict=True)] == [2, 2]
    assert company.both("E9") == (True, True)
    assert any("more than 2 accounts of ad would be disabled" in why for why in company.held())


def test_p18_a_privileged_account_is_reported_and_not_touched(company: Both) -> None:
    id = company.post(optician("E1", title="Chief"))
    company.admin.modify(company.ad("E1")["dn"], adminCount="1")
    company.put(id, optician("E1", title="Cook"))
    company.delete(id)
    assert company.both("E1") == (True, False)
    assert company.ad("E1")["title"] == ["Chief"]
    assert "protected account (adminCount=1): reported, not touched" in company.held()


# -- who returns, and conversions -------------------------------------------------------------


def leave(company: Both, id: str, where: str) -> None:
    """The account is live, disabled or in the recycle bin."""
    if where == "in the bin":
        company.policy(leavers={"delete_after_days": 0})
    if where != "live":
        company.delete(id)
    company.policy(leavers={"delete_after_days": None})


@pytest.mark.parametrize("where", ["disabled", "in the bin"])
@pytest.mark.parametrize("number", ["E1", "E77"])
def test_the_same_human_gets_the_same_accounts(company: Both, number: str, where: str) -> None:
    """Under the same number, or another one with the same lifelong id."""
    id = company.post(optician("E1", universalId="U1", userName="anna"))
    before = company.ids("E1")
    leave(company, id, where)
    assert company.nobody("E1") == (where == "in the bin")
    company.post(optician(number, universalId="U1", userName="anna", title="Chief"))
    assert company.ids(number) == before
    assert (company.both(number), company.ou(number)) == ((True, True), "people")
    assert company.names(number) == {"anna"}
    assert company.ad(number)["title"] == ["Chief"]
    assert company.given(number) == (["opticians"], ["Opticians"], ["ENTERPRISEPACK"])


def test_an_account_that_is_gone_for_good_is_made_anew(company: Both) -> None:
    id = company.post(optician("E1", userName="anna"))
    before = company.ids("E1")
    leave(company, id, "in the bin")
    company.gateway.purge(before[1])
    company.post(optician("E1", userName="anna"))
    assert company.ids("E1")[1] != before[1]
    assert company.both("E1") == (True, True)
    assert company.names("E1") == {"anna"}


@pytest.mark.parametrize("where", ["live", "disabled", "in the bin"])
def test_another_number_with_nothing_in_common_is_somebody_else(company: Both, where: str) -> None:
    id = company.post(optician("E1"))
    leave(company, id, where)
    company.post(optician("E2"))
    assert company.names("E2") == {"alindqvist2"}
    assert company.both("E2") == (True, True)
    assert company.nobody("E1") == (where == "in the bin")


@pytest.mark.parametrize("where", ["live", "disabled", "in the bin"])
def test_two_records_at_once_are_one_account(company: Both, where: str) -> None:
    """A contract that runs out, and the employment that begins the day after."""
    contract = optician("C1", universalId="U1", hireDate="2025-09-01", contractEndDate="2026-03-31")
    id = company.post(contract)
    before = company.ids("C1")
    leave(company, id, where)
    if where != "live":
        company.post(contract)
    company.post(optician("E1", universalId="U1", hireDate="2026-04-01", title="Clerk"))
    assert company.both("C1") == (True, True)
    company.day("2026-03-31T23:59:00Z")
    assert company.both("C1") == (True, True)
    company.day("2026-04-01T00:00:00Z")
    assert (company.ids("E1"), company.both("E1")) == (before, (True, True))
    assert company.ad("E1")["title"] == ["Clerk"]
    assert company.ad("E1").get("accountExpires", ["0"])[0] in ("0", str(0x7FFFFFFFFFFFFFFF))


@pytest.mark.parametrize("where", ["live", "disabled", "in the bin"])
def test_a_conversion_under_one_number_is_one_account(company: Both, where: str) -> None:
    """The contract's record is replaced by an employee's: another GUID, the same number."""
    contract = optician(
        "C1", sourceId="3ed3dd55f6b806f027ad82edf64be5a7", contractEndDate="2026-06-30"
    )
    contract[WORKER]["workerType"] = "Contingent"
    id = company.post(contract)
    before = company.ids("C1")
    leave(company, id, where)
    employee = optician("C1", sourceId="aea46e731e130c28ad8343d96b6bd02a", hireDate="2026-03-16")
    if where == "live":
        company.put(id, employee)
    else:
        company.post(employee)
    assert company.ids("C1") == before
    assert company.both("C1") == (True, True)
    assert company.ad("C1")["employeeType"] == ["Employee"]


# -- dates said ahead --------------------------------------------------------------------------


def test_a_change_said_ahead_is_taken_back_and_said_again(company: Both) -> None:
    id = company.post(optician("E1", title="Engineer"))
    company.put(id, optician("E1", title="Director", effectiveDate="2026-04-01"))
    assert company.ad("E1")["title"] == ["Engineer"]
    company.put(id, optician("E1", title="Engineer", effectiveDate="2026-04-01"))
    company.put(id, optician("E1", title="Deputy", effectiveDate="2026-04-02"))
    company.day("2026-04-01T12:00:00Z")
    assert company.ad("E1")["title"] == ["Engineer"]
    company.day("2026-04-02T00:00:00Z")
    assert (company.ad("E1")["title"], company.entra("E1")["jobTitle"]) == (["Deputy"], "Deputy")


def test_a_rescinded_hire_never_begins(company: Both) -> None:
    id = company.post(optician("E1", hireDate="2026-04-01"))
    company.put(id, optician("E1", hireDate="2026-04-01", hireRescinded=True))
    company.day("2026-04-01T00:00:00Z")
    assert (company.both("E1"), company.ou("E1")) == ((False, False), "leavers")
