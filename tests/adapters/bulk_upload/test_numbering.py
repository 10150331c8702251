"""By which number somebody is known who comes by bulkUpload: externalId, as at Microsoft."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.adapters.bulk_upload.conftest import ENTERPRISE, Client, World, record

WORKER = "urn:muster:scim:schemas:extension:worker:1.0:User"
SCIM = {"Content-Type": "application/scim+json"}


def other(key: str, number: Any, **more: Any) -> dict[str, Any]:
    """A record whose employee number is not its externalId."""
    return record(key, **{ENTERPRISE: {"employeeNumber": number}}, **more)


def jensens() -> tuple[dict[str, Any], dict[str, Any]]:
    """The people of example 1 of Graph's "Perform bulkUpload", with the number that is printed
    there twice."""
    barbara = record("701984", userName="bjensen@example.com", displayName="Babs Jensen")
    barbara[ENTERPRISE] |= {"manager": {"value": "89607", "displayName": "John Smith"}}
    kathy = record("701985", userName="Kjensen@example.com", displayName="Kathy Jensen")
    kathy[ENTERPRISE] |= {"employeeNumber": "701984", "manager": {"value": "701984"}}
    return barbara, kathy


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("source", ["generic", "workday"])
def test_both_people_of_microsofts_example_are_there(
    world: World, source: str, turned: bool
) -> None:
    client = world.client(source)
    people = jensens()[::-1] if turned else jensens()
    assert [one["result"] for one in client.told(*people)] == ["created", "created"]
    world.house.settle()
    for directory in world.house.directories.values():
        barbara, kathy = (directory.one(employeeID=number) for number in ("701984", "701985"))
        assert barbara.attributes["displayName"] == "Babs Jensen"
        assert kathy.attributes["employeeNumber"] == "701984"
        assert kathy.references["manager"] == barbara.anchor
    assert [one["result"] for one in client.told(*people)] == ["unchanged", "unchanged"]
    told = client.told({"externalId": "701985", "title": "Guide"})
    assert (told[0]["result"], told[0]["case"]) == ("changed", None)
    assert client.user("701985")[ENTERPRISE]["employeeNumber"] == "701984"


@pytest.mark.parametrize(
    "said",
    [
        {ENTERPRISE.upper(): {"EMPLOYEENUMBER": "9"}},
        {f"{ENTERPRISE}:employeeNumber": "9"},
        {f"{ENTERPRISE}.employeenumber": "9"},
        {"employeeNumber": "9"},
        {ENTERPRISE: {"employeeNumber": 9}, WORKER: {"workerId": None, "jobCode": "A"}},
        {ENTERPRISE: {"employeeNumber": "9"}, WORKER.lower(): {"WorkerId": ""}},
    ],
)
@pytest.mark.parametrize("clearing", [frozenset(), frozenset({"generic"})])
def test_the_number_is_found_in_every_spelling(
    world: World, said: dict[str, Any], clearing: frozenset[str]
) -> None:
    world.open(clearing=clearing)
    client = world.client()
    sent = {"externalId": "E1", "userName": "e1", **said}
    before = json.dumps(sent)
    assert client.told(sent)[0]["result"] == "created"
    assert json.dumps(sent) == before
    user = client.user("E1")
    assert user[ENTERPRISE]["employeeNumber"] == "9"
    assert user[WORKER]["workerId"] == "E1"


@pytest.mark.parametrize("number", ["E1", " e1 ", "", None])
def test_where_the_two_agree_nothing_is_added(client: Client, number: Any) -> None:
    client.upload(other("E1", number))
    assert WORKER not in client.user("E1")


def test_a_workers_number_that_is_said_counts(world: World, client: Client) -> None:
    first = other("E1", "9", **{WORKER: {"workerId": "7"}})
    client.upload(first, other("E1", "9", title="Lead"))
    world.house.settle()
    assert world.house.ad.one(employeeID="7").attributes["title"] == "Lead"


@pytest.mark.parametrize("by_upload", [False, True])
def test_who_is_known_by_an_employee_number_keeps_it(
    world: World, client: Client, by_upload: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pushed by SCIM, or uploaded when it still went before externalId: no second person, no
    409, and no other employeeID."""
    if by_upload:
        with monkeypatch.context() as patch:
            patch.setattr("adapters.bulk_upload.numbering.is_numbered_apart", lambda said: False)
            client.upload(other("E1", "9"))
    else:
        client.send("POST", "/scim/v2/Users", other("E1", "9"), SCIM)
    world.house.settle()
    told = client.told(other("E1", "9"), other("E1", "9", title="Lead"))
    assert [one["result"] for one in told] == ["unchanged", "changed"]
    assert told[1]["case"] is None
    world.house.settle()
    (account,) = world.house.ad.accounts.values()
    assert (account.attributes["employeeID"], account.attributes["title"]) == ("9", "Lead")


def test_a_number_that_comes_or_changes_later_renumbers_nobody(
    world: World, client: Client
) -> None:
    client.upload({"externalId": "E1", "userName": "e1", "displayName": "E"}, record("E2"))
    world.house.settle()
    told = client.told(other("E1", "9"), other("E2", "9"), other("E2", "10"))
    assert [one["case"] for one in told] == [None, None, None]
    world.house.settle()
    numbers = {a.attributes["employeeID"] for a in world.house.ad.accounts.values()}
    assert numbers == {"E1", "E2"}


def test_what_waits_is_numbered_when_it_is_taken_in(world: World, client: Client) -> None:
    client.send("POST", f"{client.job}/pause")
    client.upload(*jensens())
    client.send("POST", f"{client.job}/start")
    assert client.user("701985")[WORKER]["workerId"] == "701985"


def test_a_number_that_sources_share_is_a_key_still(world: World, client: Client) -> None:
    settings = world.house.settings
    shared = {
        name: replace(one, shared_keys=("employeeNumber",))
        for name, one in settings.sources.items()
    }
    world.house.settings = replace(settings, sources=shared)
    assert [one["status"] for one in client.told(*jensens())] == ["201", "409"]
