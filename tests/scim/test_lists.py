"""Lists: filters over HTTP, pages, .search (RFC 7644 sections 3.4.2, 3.4.3)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from scim import search
from scim.discovery import Limits
from tests.scim.conftest import CORE, ENTERPRISE, WORKER, Client, Server, accepted, refused

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


GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def names(answer: Any) -> list[str]:
    return [
        found.get("userName") or found["displayName"] for found in accepted(answer)["Resources"]
    ]


class TestSorting:
    """RFC 7644 section 3.4.2.3."""

    @pytest.fixture
    def client(self, server: Server, strict: Client) -> Client:
        people: list[dict[str, Any]] = [
            {"userName": "carla", "title": "b", "externalId": "E1", "active": True},
            {"userName": "Anna", "title": "B", "name": {"familyName": "zeta"}},
            {"userName": "bob", "emails": [{"value": "z@x.example"}, {"value": "a@x.example"}]},
            {"userName": "Émile", "title": "A", "externalId": "e1", "active": False,
             "emails": [{"value": "y@x.example"}, {"value": "b@x.example", "primary": True}]},
            {"userName": "dora", "name": {"familyName": "Alpha"}},
        ]  # fmt: skip
        for person in people:
            server.clock.time += 60
            strict.create(**person)
        return strict

    @pytest.mark.parametrize(
        ("by", "expected"),
        [
            ("userName", ["Anna", "bob", "carla", "dora", "Émile"]),
            ("USERNAME", ["Anna", "bob", "carla", "dora", "Émile"]),
            ("externalId", ["carla", "Émile", "Anna", "bob", "dora"]),
            ("title", ["Émile", "carla", "Anna", "bob", "dora"]),
            ("name.familyName", ["dora", "Anna", "carla", "bob", "Émile"]),
            ("emails", ["Émile", "bob", "carla", "Anna", "dora"]),
            ("emails.value", ["Émile", "bob", "carla", "Anna", "dora"]),
            ("active", ["Émile", "carla", "Anna", "bob", "dora"]),
            ("meta.lastModified", ["carla", "Anna", "bob", "Émile", "dora"]),
            ("meta.created", ["carla", "Anna", "bob", "Émile", "dora"]),
            (f"{CORE}:userName", ["Anna", "bob", "carla", "dora", "Émile"]),
        ],
    )
    def test_orders(self, client: Client, by: str, expected: list[str]) -> None:
        assert names(client.get(f"/Users?sortBy={by}")) == expected
        assert names(client.get(f"/Users?sortBy={by}&sortOrder=ascending")) == expected
        down = names(client.get(f"/Users?sortBy={by}&sortOrder=descending"))
        values = {"title": 3, "externalId": 2, "name.familyName": 2, "emails": 2,
                  "emails.value": 2, "active": 2}.get(by)  # fmt: skip
        if values is None:
            assert down == expected[::-1]
        else:  # who has no value comes first, in order of creation as ever
            assert down[: 5 - values] == expected[values:]
            assert sorted(down[5 - values :]) == sorted(expected[:values])
        pages = [names(client.get(f"/Users?sortBy={by}&startIndex={n}&count=2")) for n in (1, 3, 5)]
        assert sum(pages, []) == expected  # noqa: RUF017

    def test_with_a_filter(self, client: Client) -> None:
        assert names(client.find("title pr", sortBy="userName")) == ["Anna", "carla", "Émile"]
        assert names(client.find('userName gt "b"', sortBy="title", count="2")) == [
            "Émile",
            "carla",
        ]

    @pytest.mark.parametrize(
        "query", ["sortBy=bogus", "sortBy=name", "sortBy=password", "sortBy=title&sortOrder=up"]
    )
    def test_what_is_no_order(self, client: Client, query: str) -> None:
        answer = client.get(f"/Users?{query}")
        refused(answer, 400, "invalidValue" if "up" in query else "invalidPath")


class TestCursors:
    """RFC 9865."""

    def walk(self, client: Client, path: str, **body: Any) -> list[list[str]]:
        pages: list[list[str]] = []
        cursor: str | None = ""
        while cursor is not None:
            if body:
                answer = client.send("POST", path, {"schemas": [SEARCH], **body, "cursor": cursor})
            else:
                answer = client.get(f"{path}&cursor={cursor}")
            found = accepted(answer)
            assert found["itemsPerPage"] == len(found["Resources"])
            assert "startIndex" not in found
            pages.append([one["id"] for one in found["Resources"]])
            cursor = found.get("nextCursor")
            assert cursor is None or re.fullmatch(r"[A-Za-z0-9._~-]+", cursor)
        return pages

    def test_every_resource_once(self, strict: Client) -> None:
        made = fill(strict, 7)
        assert self.walk(strict, "/Users?count=3") == [made[:3], made[3:6], made[6:]]
        assert self.walk(strict, "/Users?count=7") == [made]
        assert accepted(strict.get("/Users?cursor&count=3"))["totalResults"] == 7

    @pytest.mark.parametrize(
        "query",
        [
            "sortBy=userName",
            "sortBy=userName&sortOrder=descending",
            "sortBy=title",
            "sortBy=title&sortOrder=descending",
            "filter=title%20pr",
            'filter=userName%20sw%20"user"',
            "filter=title%20pr&sortBy=externalId",
        ],
    )
    def test_in_any_order_and_with_any_filter(self, strict: Client, query: str) -> None:
        fill(strict, 10)
        whole = ids(strict.get(f"/Users?{query}"))
        assert len(whole) == 10
        pages = self.walk(strict, f"/Users?{query}&count=3")
        assert [id for page in pages for id in page] == whole

    def test_by_search_and_over_all_types(self, strict: Client) -> None:
        made = fill(strict, 4)
        for number in range(3):
            strict.send("POST", "/Groups", {"schemas": [GROUP], "displayName": f"g{number}"})
        pages = self.walk(strict, "/.search", count=2)
        assert [len(page) for page in pages] == [2, 2, 2, 1]
        assert set(made) < {id for page in pages for id in page}

    def test_what_comes_and_goes_meanwhile_disturbs_nothing(self, strict: Client) -> None:
        made = fill(strict, 6)
        first = accepted(strict.get("/Users?count=2&cursor="))
        strict.send("DELETE", f"/Users/{made[0]}")
        strict.send("DELETE", f"/Users/{made[2]}")
        new = strict.create(userName="new")["id"]
        rest = self.walk_from(strict, first["nextCursor"])
        assert rest == [made[3], made[4], made[5], new]

    def walk_from(self, client: Client, cursor: str | None) -> list[str]:
        found: list[str] = []
        while cursor is not None:
            body = accepted(client.get(f"/Users?count=2&cursor={cursor}"))
            found += [one["id"] for one in body["Resources"]]
            cursor = body.get("nextCursor")
        return found

    def test_they_are_bound_to_query_caller_and_count(self, server: Server, strict: Client) -> None:
        fill(strict, 5)
        cursor = accepted(strict.get("/Users?count=2&cursor="))["nextCursor"]
        other = server.client("other", "strict")
        for answer in (
            strict.get(f"/Users?count=2&cursor={cursor}&filter=title%20pr"),
            strict.get(f"/Users?count=2&cursor={cursor}&sortBy=title"),
            strict.get(f"/Groups?count=2&cursor={cursor}"),
            strict.get(f"/Users?count=2&cursor={cursor[:-1]}"),
            strict.get(f"/Users?count=2&cursor={'x' if cursor[0] != 'x' else 'y'}{cursor[1:]}"),
            strict.get("/Users?count=2&cursor=bogus"),
            strict.get(f"/Users?count=2&cursor={'A' * 5000}"),
            strict.get("/Users?count=2&cursor=%C3%A9"),
            other.get(f"/Users?count=2&cursor={cursor}"),
        ):
            refused(answer, 400, "invalidCursor")
        refused(strict.get(f"/Users?count=3&cursor={cursor}"), 400, "invalidCount")
        for count in ("x", "1.5", ""):
            refused(strict.get(f"/Users?count={count}&cursor={cursor}"), 400, "invalidCount")
            refused(strict.get(f"/Users?count={count}&cursor="), 400, "invalidCount")
        search = {"schemas": [SEARCH], "cursor": "", "count": "x"}
        refused(strict.send("POST", "/Users/.search", search), 400, "invalidCount")
        refused(strict.get(f"/Users?count=2&startIndex=1&cursor={cursor}"), 400, "invalidValue")
        again = server.again().client("conformance", "strict")  # another process, another token
        assert len(ids(again.get(f"/Users?count=2&cursor={cursor}"))) == 2

    def test_the_size_of_a_page_need_not_be_said_again(self, strict: Client) -> None:
        made = fill(strict, 5)
        first = accepted(strict.get("/Users?count=2&cursor="))
        then = accepted(strict.get(f"/Users?cursor={first['nextCursor']}"))
        assert [one["id"] for one in then["Resources"]] == made[2:4]
        last = accepted(strict.get(f"/Users?count=2&cursor={then['nextCursor']}"))
        assert [one["id"] for one in last["Resources"]] == made[4:]

    def test_they_expire(self, server: Server, strict: Client) -> None:
        fill(strict, 3)
        cursor = accepted(strict.get("/Users?count=2&cursor="))["nextCursor"]
        server.clock.time += 3600
        assert len(ids(strict.get(f"/Users?count=2&cursor={cursor}"))) == 1
        server.clock.time += 1
        refused(strict.get(f"/Users?count=2&cursor={cursor}"), 400, "expiredCursor")

    def test_no_resources_are_wanted(self, strict: Client) -> None:
        fill(strict, 3)
        for count in ("0", "-1"):
            body = accepted(strict.get(f"/Users?cursor=&count={count}"))
            assert (body["totalResults"], body["Resources"]) == (3, [])
            assert "nextCursor" not in body

    def test_a_spent_budget_leads_on(self, strict: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is tooMany by number can be read by cursor, a budget at a time."""
        made = fill(strict, 9)
        monkeypatch.setattr(search, "MAX_SCANNED", 4)
        pages = self.walk(strict, "/Users?filter=title%20eq%20%22T1%22&count=5")
        assert [id for page in pages for id in page] == [made[1], made[4], made[7]]


class TestTheRoot:
    """Queries over all types (section 3.4.2.1, 3.4.3)."""

    def test_by_get_and_by_search(self, strict: Client) -> None:
        made = fill(strict, 3)
        answer = strict.send("POST", "/Groups", {"schemas": [GROUP], "displayName": "T1"})
        group = answer.get_json(force=True)["id"]
        assert set(ids(strict.get("/"))) == {*made, group}

        def find(filter: str, **more: Any) -> list[str]:
            body = {"schemas": [SEARCH], "filter": filter, **more}
            return ids(strict.send("POST", "/.search", body))

        assert find('meta.resourceType eq "User"') == made
        assert find('(meta.resourceType eq "User") or (meta.resourceType eq "Group")') == [
            group,
            *made,
        ]
        assert find('displayName eq "t1" or title eq "t1"') == [group, made[1]]
        assert find('userName eq "user00"') == [made[0]]
        assert find("userName pr", count=2, startIndex=2) == made[1:]
        assert find('not (userName eq "user00")') == [group, *made[1:]]
        assert find("id pr", sortBy="userName", sortOrder="descending")[0] == group
        assert find("id pr", sortBy="userName")[-1] == group
        assert find("bogus pr") == find('bogus eq "x"') == []
        assert find("not (bogus pr)") == [group, *made]

    def test_attributes_of_several_types_in_one_filter(self, strict: Client) -> None:
        """Section 3.4.2.1: in a type that lacks an attribute it has no value."""
        made = fill(strict, 2)
        body = {"schemas": [GROUP], "displayName": "g", "members": [{"value": made[0]}]}
        group = strict.send("POST", "/Groups", body).get_json(force=True)["id"]

        def find(filter: str) -> set[str]:
            return set(
                ids(strict.send("POST", "/.search", {"schemas": [SEARCH], "filter": filter}))
            )

        assert find("userName pr or members pr") == {*made, group}
        assert find("userName pr and members pr") == set()
        assert find('not (userName pr) and members[type eq "User"]') == {group}
        assert find(f'name.givenName pr or members.value eq "{made[0]}"') == {group}
        assert find(f"{ENTERPRISE} pr or {ENTERPRISE}:department pr or members pr") == {group}
        for none in ("members.bogus pr", "urn:none:1.0:User:x pr", "urn:none:1.0:User pr"):
            assert find(none) == set()
            assert find(f"userName pr and not ({none})") == set(made)

    def test_parts_of_each(self, strict: Client) -> None:
        fill(strict, 1)
        strict.send("POST", "/Groups", {"schemas": [GROUP], "displayName": "g"})
        body = {"schemas": [SEARCH], "attributes": ["userName", "displayName"]}
        found = accepted(strict.send("POST", "/.search", body))["Resources"]
        assert [sorted(one.keys() - {"schemas", "id"}) for one in found] == [
            ["displayName"],
            ["userName"],
        ]


def test_a_parameter_twice_is_refused_but_lists_add_up(strict: Client) -> None:
    fill(strict, 1)
    refused(strict.get("/Users?count=1&count=2"), 400, "invalidValue")
    refused(strict.get("/Users?filter=id%20pr&filter=title%20pr"), 400, "invalidValue")
    [found] = accepted(strict.get("/Users?attributes=userName&attributes=title"))["Resources"]
    assert {"userName", "title"} < found.keys()


def test_unknown_parameters_are_passed_over(strict: Client) -> None:
    """Section 3.4.2: for compatibility between versions."""
    fill(strict, 1)
    assert len(ids(strict.get("/Users?bogus=1&aadOptscim062020"))) == 1


def test_a_scan_has_a_time_limit(strict: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(strict, 3)
    monkeypatch.setattr(search, "MAX_SECONDS", -1.0)
    refused(strict.find("title pr"), 400, "tooMany")
    assert len(ids(strict.find("userName pr"))) == 3
