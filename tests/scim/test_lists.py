"""Lists: filters over HTTP, pages, .search (RFC 7644 sections 3.4.2, 3.4.3)."""

from __future__ import annotations

from typing import Any

import pytest

from scim import search
from scim.discovery import Limits
from tests.scim.conftest import CORE, WORKER, Client, Server, accepted, refused

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def fill(client: Client, count: int) -> list[str]:
    return [
        str(client.create(userName=f"User{n:02d}", externalId=f"E{n}", title=f"T{n % 3}")["id"])
        for n in range(count)
    ]


def ids(answer: Any) -> list[str]:
    return [found["id"] for found in accepted(answer)["Resources"]]


def test_nothing_found_is_an_empty_list(strict: Client) -> None:
    assert accepted(strict.get("/Users")) == {
        "schemas": [LIST],
        "totalResults": 0,
        "startIndex": 1,
        "itemsPerPage": 0,
        "Resources": [],
    }
    assert accepted(strict.find('userName eq "x"'))["totalResults"] == 0


def test_pages(strict: Client) -> None:
    made = fill(strict, 7)
    assert ids(strict.get("/Users")) == made
    page = accepted(strict.get("/Users?startIndex=3&count=2"))
    assert [found["id"] for found in page["Resources"]] == made[2:4]
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (7, 3, 2)
    assert ids(strict.get("/Users?startIndex=0&count=1")) == made[:1]
    assert ids(strict.get("/Users?startIndex=-5&count=1")) == made[:1]
    assert ids(strict.get("/Users?startIndex=7&count=9")) == made[6:]
    assert ids(strict.get("/Users?startIndex=8")) == []
    for count in ("0", "-3"):
        page = accepted(strict.get(f"/Users?count={count}"))
        assert (page["totalResults"], page["Resources"]) == (7, [])


def test_a_page_has_an_upper_limit(server: Server) -> None:
    strict = server.again(limits=Limits(max_page_size=3)).client("conformance", "strict")
    fill(strict, 5)
    assert accepted(strict.get("/Users?count=999999999999"))["itemsPerPage"] == 3


@pytest.mark.parametrize("value", ["x", "1.5", "", "1" * 30, "0x10"])
def test_what_is_no_number_is_refused(strict: Client, value: str) -> None:
    refused(strict.get(f"/Users?count={value}"), 400, "invalidValue")
    refused(strict.get(f"/Users?startIndex={value}"), 400, "invalidValue")


def test_filters_find_by_keys_and_by_reading(strict: Client) -> None:
    made = fill(strict, 9)
    assert ids(strict.find('userName eq "USER03"')) == [made[3]]
    assert ids(strict.find('externalId eq "E4"')) == [made[4]]
    assert ids(strict.find('externalId eq "e4"')) == []
    assert ids(strict.find(f'id eq "{made[5]}"')) == [made[5]]
    assert ids(strict.find('userName eq "user03" and title eq "t1"')) == []
    assert ids(strict.find('userName eq "user03" and title eq "t0"')) == [made[3]]
    assert ids(strict.find('title eq "T1"')) == [made[1], made[4], made[7]]
    page = accepted(strict.find('title eq "T1"', startIndex="2", count="1"))
    assert (page["totalResults"], page["itemsPerPage"]) == (3, 1)
    assert page["Resources"][0]["id"] == made[4]
    assert ids(strict.find('userName eq "user01" or externalId eq "E2"')) == made[1:3]


def test_a_wrong_filter_is_refused(strict: Client) -> None:
    for wrong in ("", "bogus eq 1", 'userName eq "', "userName eq \x00", "x" * 20_000):
        refused(strict.find(wrong), 400, "invalidFilter")
    refused(strict.get("/Users?filter=userName%20eq%20%22%ff%22%22"), 400, "invalidFilter")


def test_ips_asks_by_several_attributes(hr: Client) -> None:
    made = hr.create(userName="w", externalId="1", emails=[{"value": "w@norhaven.example"}])
    for text in (
        'emails.value eq "w@norhaven.example"',
        'emails eq "w@norhaven.example"',
        'emails[0].value eq "w@norhaven.example"',
        'userName eq "w" and externalId eq "1"',
        f'(userName eq "w") and not ({WORKER}:workerId pr)',
        'active eq "true" or shoeSize eq 4 or userName sw "w"',
    ):
        assert ids(hr.find(text)) == [made["id"]], text


def test_too_many_to_read_is_said(strict: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(strict, 4)
    monkeypatch.setattr(search, "MAX_SCANNED", 3)
    refused(strict.find("title pr"), 400, "tooMany")
    assert len(ids(strict.find('userName eq "user01" and title pr'))) == 1


def test_search_by_post(strict: Client) -> None:
    made = fill(strict, 5)
    body = {"schemas": [SEARCH], "filter": 'title eq "T1"', "startIndex": 2, "count": 1}
    answer = strict.send("POST", "/Users/.search", {**body, "attributes": ["userName"]})
    assert accepted(answer)["Resources"] == [
        {"schemas": [CORE], "id": made[4], "userName": "User04"}
    ]
    for wrong, scim_type in (
        ({"schemas": []}, "invalidSyntax"),
        ({"filter": 5}, "invalidFilter"),
        ({"count": True}, "invalidValue"),
        ({"count": [1]}, "invalidValue"),
        ({"attributes": "x"}, "invalidValue"),
    ):
        refused(strict.send("POST", "/Users/.search", {**body, **wrong}), 400, scim_type)


def test_lists_work_on_each_database(server_on_each: Server) -> None:
    client = server_on_each.client("workday", "hr")
    made = fill(client, 5)
    assert ids(client.get("/Users?startIndex=2&count=2")) == made[1:3]
    assert ids(client.find('userName eq "uSER03"')) == [made[3]]
    assert ids(client.find('title pr and not (externalId eq "E1")')) == [made[0], *made[2:]]
