"""One person with two users in SuccessFactors: global assignment, concurrent employment (1.5).

What the guide says comes of it, by transformation and unique attribute.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.hr.gate import Gate
from tests.hr.ips import BETTER, SAP, SFSF, SHIPPED, Ips, guid, odata, scim_api
from tests.scim.conftest import Client, accepted

OTHER = {"userName": "wmuellenbach2", "displayName": "W. Müllenbach", "id": "another"}
TWO = {
    "scim api": (scim_api(200001), scim_api(200001, **OTHER, **{SAP: {"userUuid": guid(999)}})),
    "odata": (odata(200001), odata(200001, **OTHER, **{SFSF: {"userSysID": "300001"}})),
}


@pytest.fixture(params=TWO)
def users(request: pytest.FixtureRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    return TWO[request.param]


def shown(gate: Gate) -> str:
    gate.settle()
    (account,) = gate.ad.accounts.values()
    return f"{account.attributes['displayName']}: {'on' if account.enabled else 'off'}"


def test_found_by_external_id_they_write_over_each_other(
    gate: Gate, client: Client, users: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    first, second = users
    job = Ips(client, BETTER, "externalId")
    assert job.provision(first) == job.provision(second)
    assert job.log == ["POST 201", "POST 409", "GET 200", "PUT 200"]
    assert shown(gate) == "W. Müllenbach: on"
    job.provision(first)  # the next night
    assert shown(gate) == "Wiebke Müllenbach: on"
    job.gone(second)
    assert shown(gate) == "Wiebke Müllenbach: off"
    job.provision(first)
    assert shown(gate) == "Wiebke Müllenbach: on"


def test_kept_out_of_the_job_until_it_is_the_only_one(
    gate: Gate, client: Client, users: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    """sf.user.filter: the second comes when the first has gone."""
    first, second = users
    job = Ips(client, BETTER, "externalId")
    id = job.provision(first)
    assert shown(gate) == "Wiebke Müllenbach: on"
    job.gone(first)
    assert shown(gate) == "Wiebke Müllenbach: off"
    assert job.provision(second) == id
    assert shown(gate) == "W. Müllenbach: on"


def test_with_our_transformation_the_user_name_is_no_remedy(
    gate: Gate, client: Client, users: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    """The first one says active=false, and still has the number."""
    first, second = users
    job = Ips(client, BETTER)
    job.provision(first)
    with pytest.raises(LookupError, match="externalId is taken"):
        job.provision(second)
    assert shown(gate) == "Wiebke Müllenbach: on"
    job.gone(first)
    with pytest.raises(LookupError, match="externalId is taken"):
        job.provision(second)
    assert shown(gate) == "Wiebke Müllenbach: off"


def test_of_the_scim_api_as_shipped_the_second_is_refused_until_the_first_goes(
    gate: Gate, client: Client
) -> None:
    first, second = TWO["scim api"]
    job = Ips(client, SHIPPED)
    job.provision(first)
    with pytest.raises(LookupError, match="person key"):
        job.provision(second)
    assert shown(gate) == "Wiebke Müllenbach: on"
    job.gone(first)
    assert shown(gate) == "Wiebke Müllenbach: off"
    job.provision(second)
    assert shown(gate) == "W. Müllenbach: on"


def test_of_odata_as_shipped_both_stand(gate: Gate, client: Client) -> None:
    first, second = TWO["odata"]
    job = Ips(client, SHIPPED)
    assert job.provision(first) != job.provision(second)
    job.provision(first)
    assert shown(gate).endswith(": on")
    assert accepted(client.get("/Users"))["totalResults"] == 2
    assert list(gate.accounts()) == ["200001"]
    job.gone(first)
    assert shown(gate) == "W. Müllenbach: on"
    assert list(gate.accounts()) == ["300001"]
    job.gone(second)
    assert shown(gate) == "W. Müllenbach: off"
