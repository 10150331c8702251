"""A number that HR gave to another human: a case, in whichever way it arrives."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning import linking, people
from tests.hr.gate import Gate
from tests.hr.ips import (
    NUMBERED,
    ODM,
    SAP,
    SF,
    SFSF,
    Ips,
    Make,
    bare,
    guid,
    identity_directory,
)
from tests.scim.conftest import Client, accepted

SOMEBODY_ELSE = (
    "this record now has another name and another GUID or lifelong id: it may be somebody else's"
)


def ada(make: Make, **more: Any) -> dict[str, Any]:
    """Ada Berg, with the number that Wiebke Müllenbach has."""
    user = make(200001, "Ada Berg", id="ada", **more)
    for urn, name in ((SAP, "userUuid"), (SF, "perPersonUuid"), (SFSF, "personGUID")):
        if name in user.get(urn, {}):
            user[urn][name] = bare(guid(5555))
    return user


def only(gate: Gate) -> tuple[bool, Any]:
    (account,) = gate.ad.accounts.values()
    return account.enabled, account.attributes["displayName"]


@pytest.mark.parametrize("make", NUMBERED)
def test_a_put_over_the_holder_is_a_case(gate: Gate, better: Ips, make: Make) -> None:
    """POST of Ada gives 409, and IPS puts her over the one that it finds by the number."""
    id = better.provision(make(200001))
    gate.settle()
    assert better.provision(ada(make)) == id
    assert better.log == ["POST 201", "POST 409", "GET 200", "PUT 200"]
    gate.settle()
    assert gate.problems() == [SOMEBODY_ELSE]
    assert only(gate) == (True, "Wiebke Müllenbach")
    better.provision(ada(make, title="Chief"))  # said again it is no less in doubt
    gate.settle()
    assert gate.problems() == [SOMEBODY_ELSE]
    assert only(gate) == (True, "Wiebke Müllenbach")
    better.provision(make(200001, displayName="W. Müllenbach"))  # put right
    gate.settle()
    assert gate.problems() == []
    assert only(gate) == (True, "W. Müllenbach")


@pytest.mark.parametrize("make", NUMBERED)
def test_an_operator_may_say_that_it_is_the_same_person(
    gate: Gate, better: Ips, make: Make
) -> None:
    id = better.provision(make(200001))
    gate.settle()
    better.provision(ada(make))
    with gate.database.read() as connection:
        (who,) = people.search(connection, "200001")
    by = linking.Operator("Mia", gate.business)
    gate.database.write(lambda tx: linking.accept(tx, who, gate.settings, by))
    gate.settle()
    assert only(gate) == (True, "Ada Berg")
    assert better.provision(ada(make, title="Chief")) == id
    gate.settle()
    assert gate.problems() == []


@pytest.mark.parametrize("make", NUMBERED)
def test_a_post_after_the_holder_has_left_is_a_case(gate: Gate, client: Client, make: Make) -> None:
    job = Ips(client)
    job.provision(make(200001))
    gate.settle()
    job.gone(make(200001))
    gate.settle()
    job.provision(ada(make))
    gate.settle()
    (why,) = gate.problems()
    assert "belongs to somebody with another" in why
    assert only(gate) == (False, "Wiebke Müllenbach")


def test_a_number_and_all_else_of_another_is_a_case(gate: Gate, better: Ips) -> None:
    """Also when the number comes back and the rest does not."""
    id = better.provision(identity_directory(200001))
    gate.settle()
    for number in ("999", "200001"):
        user = ada(identity_directory, **{ODM: {"workforcePersonId": number}})
        accepted(better.client.put(id, better.body(user, id)))
        gate.settle()
        assert gate.problems() == [SOMEBODY_ELSE]
    assert only(gate) == (True, "Wiebke Müllenbach")


@pytest.mark.parametrize("make", NUMBERED)
@pytest.mark.parametrize(
    ("given", "family", "is_other"),
    [
        ("Wiebke", "Müllenbach", True),  # imported again
        ("Wiebke", "Berg", False),  # married
        ("Wiebke", "Berg", True),  # both
        ("WIEBKE", "MÜLLENBACH", True),
        ("Ada", "Berg", False),  # calls herself so
    ],
)
def test_a_guid_or_a_name_alone_may_change(
    gate: Gate, better: Ips, make: Make, given: str, family: str, is_other: bool
) -> None:
    id = better.provision(make(200001))
    gate.settle()
    user = ada(make) if is_other else make(200001)
    user |= {"id": make(200001)["id"], "displayName": "W. B."}
    user["name"] = {"givenName": given, "familyName": family}
    assert better.provision(user) == id
    gate.settle()
    assert gate.problems() == []
    assert only(gate) == (True, "W. B.")
