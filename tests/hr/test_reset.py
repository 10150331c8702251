"""IPS has forgotten everybody and POSTs them again, in the words of any of its sources: each
person has one record afterwards, and whoever leaves by it is out."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from sqlalchemy import select

from store.tables import journal
from tests.hr.gate import Gate, created
from tests.hr.ips import (
    BETTER,
    COPIED,
    ODM,
    SAP,
    SF,
    SFSF,
    SHIPPED,
    Ips,
    Make,
    guid,
    identity_directory,
    master_data,
    odata,
    scim_api,
)
from tests.scim.conftest import ENTERPRISE, Client, accepted, refused

FLAVOURS: list[Make] = [scim_api, odata, identity_directory, master_data]
NAMES = ("Ada Berg", "Eva Lund")
TRANSFORMATIONS = {"shipped": SHIPPED, "better": BETTER}


def apart(make: Make, number: int, name: str = "Wiebke Müllenbach") -> dict[str, Any]:
    """A user whose GUID is not that of the person, nor their number that of the user."""
    user = make(number, name)
    if SAP in user:
        user[SAP]["userUuid"] = guid(number + 5000)
    if make is odata:
        user[SFSF]["userSysID"] = f"u{number}"
    return user


def alike(make: Make, number: int, name: str = "Wiebke Müllenbach") -> dict[str, Any]:
    return make(number, name)


def live(client: Client) -> list[dict[str, Any]]:
    return list(accepted(client.get("/Users"))["Resources"])


def whats(gate: Gate) -> list[str]:
    with gate.database.read() as connection:
        rows = connection.execute(select(journal.c.body).where(journal.c.kind == "intake"))
        return [text.split('"what":')[1].split('"')[1] for (text,) in rows]


def _strangers(before: Make, after: Make, form: Any) -> bool:
    """The Identity Directory gives the GUID of the user, Master Data that of the person."""
    return form is apart and {before, after} == {identity_directory, master_data}


PAIRS = [
    pytest.param(
        *pair, *words, form, id="-".join((*words, form.__name__, *(p.__name__ for p in pair)))
    )
    for pair in product(FLAVOURS, FLAVOURS)
    for words in product(TRANSFORMATIONS, TRANSFORMATIONS)
    for form in (alike, apart)
    if not _strangers(*pair, form)
]


@pytest.mark.parametrize(("before", "after", "old", "new", "form"), PAIRS)
def test_everybody_has_one_record_and_leaves_by_it(
    gate: Gate, client: Client, before: Make, after: Make, old: str, new: str, form: Any
) -> None:
    first = Ips(client, TRANSFORMATIONS[old])
    for at, name in enumerate(NAMES):
        first.provision(form(before, 200001 + at, name))
    gate.settle()
    anchors = set(gate.ad.accounts)
    second = Ips(
        client, TRANSFORMATIONS[new], "externalId" if old == new == "better" else "userName"
    )
    users = [form(after, 200001 + at, name) for at, name in enumerate(NAMES)]
    ids = [second.provision(user) for user in users]
    assert sorted(one["id"] for one in live(client)) == sorted(ids)
    gate.settle()
    if before is after is master_data:
        assert gate.accounts() == {}  # nobody has a number
        return
    assert len(gate.ad.accounts) == len(NAMES)
    assert anchors in (set(), set(gate.ad.accounts))
    assert all(account.enabled for account in gate.accounts().values())
    assert gate.problems() == []
    second.gone(users[0])
    gate.settle()
    on = [a.attributes["displayName"] for a in gate.accounts().values() if a.enabled]
    assert on == [NAMES[1]]


@pytest.mark.parametrize("words", TRANSFORMATIONS)
@pytest.mark.parametrize("make", [scim_api, odata, identity_directory])
def test_there_and_back_again(gate: Gate, client: Client, words: str, make: Make) -> None:
    """The number is kept where Master Data says none, also by what comes after the reset."""
    mappings = TRANSFORMATIONS[words]
    unique = "externalId" if words == "better" else "userName"
    Ips(client, mappings, unique).provision(make(200001))
    gate.settle()
    (anchor,) = gate.ad.accounts
    for _ in range(2):
        for flavour in (master_data, make):
            job = Ips(client, mappings, unique)
            id = job.provision(flavour(200001))
            married = flavour(200001)
            married["name"]["familyName"] = "Berg"
            assert job.provision(married) == id
            gate.settle()
            assert list(gate.ad.accounts) == [anchor]
            assert gate.accounts()["200001"].attributes["sn"] == "Berg"
            assert gate.problems() == []
            assert [one["id"] for one in live(client)] == [id]


def test_the_old_one_is_withdrawn_and_the_journal_says_so(gate: Gate, client: Client) -> None:
    old = Ips(client).provision(master_data(200001))
    new = Ips(client).provision(scim_api(200001, displayName="W. Berg"))
    refused(client.get(f"/Users/{old}"), 404)
    accepted(client.get(f"/Users/{new}"))
    assert whats(gate) == ["created", "superseded", "created"]
    gate.settle()
    assert (
        gate.accounts()["200001"].attributes["displayName"] == "W. Berg"
    )  # not what was said before


def test_who_has_no_user_name_can_be_posted_twice(gate: Gate, client: Client) -> None:
    """Nothing could be searched for: a repeat after a time-out takes the place of the first."""
    user = identity_directory(200001, userName=None)
    Ips(client).provision(user)
    job = Ips(client)
    id = job.provision(user)
    assert [one["id"] for one in live(client)] == [id]
    job.gone(user)
    gate.settle()
    assert not any(account.enabled for account in gate.ad.accounts.values())


def test_two_users_of_one_person_are_never_one_record(gate: Gate, client: Client) -> None:
    """Each with a GUID of its own: the end of one is not the end of the other."""
    one = apart(identity_directory, 200001)
    other = apart(identity_directory, 200001) | {"id": "another"}
    del one["userName"], other["userName"]
    other[SAP]["userUuid"] = guid(9)
    job = Ips(client)
    job.provision(one)
    refused(client.send("POST", "/Users", job.body(other)), 409, "uniqueness")


def test_a_user_without_number_stands_back_behind_another_of_the_same_person(
    gate: Gate, client: Client
) -> None:
    Ips(client).provision(apart(scim_api, 200001))
    other = scim_api(200001, id="another", userName="other", **{SAP: {"userUuid": guid(9)}})
    del other[SF]["personIdExternal"]
    with pytest.raises(LookupError, match="person key"):
        Ips(client).provision(other)
    gate.settle()
    assert gate.accounts()["200001"].enabled


def test_several_employments_become_one_record_of_the_person(gate: Gate, client: Client) -> None:
    old = Ips(client)
    old.provision(odata(200001))
    more = {SFSF: {"userSysID": "300001"}}
    old.provision(odata(200001, id="another", userName="wmuellenbach2", **more))
    gate.settle()
    assert len(live(client)) == 2
    new = Ips(client)
    new.provision(master_data(200001))
    gate.settle()
    assert len(live(client)) == 1
    assert gate.accounts()["200001"].enabled
    new.gone(master_data(200001))
    gate.settle()
    assert not gate.accounts()["200001"].enabled


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (scim_api, master_data, "this record has the lifelong id of somebody with another name"),
        (master_data, scim_api, "this record has the lifelong id of somebody with another name"),
        (identity_directory, master_data, "this record has the GUID of somebody with another name"),
    ],
)
def test_a_guid_under_quite_another_name_is_a_case(
    gate: Gate, client: Client, before: Make, after: Make, why: str
) -> None:
    Ips(client).provision(before(200001))
    gate.settle()
    Ips(client).provision(after(200001, "Ada Berg"))
    gate.settle()
    assert len(live(client)) == 2
    assert why in gate.problems()
    names = [account.attributes["displayName"] for account in gate.accounts().values()]
    assert "Ada Berg" not in names


def test_a_record_in_doubt_is_not_taken_over(gate: Gate, client: Client) -> None:
    id = Ips(client).provision(identity_directory(200001))
    changed = identity_directory(200001, **{ODM: {"workforcePersonId": "999"}})
    changed[SAP]["userId"] = "P999"
    accepted(client.put(id, Ips(client).body(changed, id)))
    gate.settle()
    assert gate.problems() == ["every number by which this person was known has changed"]
    body = {SFSF: {"personGUID": guid(200001)}, "name": {"familyName": "Müllenbach"}}
    refused(client.send("POST", "/Users", body), 409, "uniqueness")
    assert [one["id"] for one in live(client)] == [id]


def test_groups_go_with_the_place(gate: Gate, client: Client) -> None:
    old, other = (Ips(client).provision(master_data(200001 + at, n)) for at, n in enumerate(NAMES))
    members = [{"value": old}, {"value": other}]
    group = created(client.send("POST", "/Groups", {"displayName": "Optics", "members": members}))
    new = Ips(client).provision(scim_api(200001, NAMES[0]))
    held = accepted(client.get(f"/Groups/{group}"))
    assert {member["value"] for member in held["members"]} == {new, other}
    assert held["meta"]["version"] != 'W/"1"'
    assert [one["value"] for one in accepted(client.get(f"/Users/{new}"))["groups"]] == [group]


@pytest.mark.parametrize("is_numbered", [False, True])
def test_from_the_identity_directory_to_master_data_only_a_number_leads(
    gate: Gate, client: Client, is_numbered: bool
) -> None:
    """One gives the GUID of the user, the other that of the person."""
    Ips(client).provision(apart(identity_directory, 200001))
    gate.settle()
    user = apart(master_data, 200001)
    if is_numbered:
        user[ENTERPRISE] = {"employeeNumber": "200001"}
    job = Ips(client, COPIED)
    job.provision(user)
    assert len(live(client)) == (1 if is_numbered else 2)
    job.gone(user)
    gate.settle()
    assert gate.accounts()["200001"].enabled != is_numbered
