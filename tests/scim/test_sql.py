"""The two ways to evaluate a filter hold each other to account, on both databases.

For any filter, what the database alone is said to answer exactly must be what the matcher
finds; what it answers in part must hold all of that; and a search as a whole must return it.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim import filters, schema, sql
from scim.errors import ScimError
from scim.matching import matches
from scim.schema import ResourceType
from store import lists
from store.database import Database
from store.resources import Resource
from tests.scim.conftest import ENTERPRISE, WORKER, Client, Server

WORDS = [
    *("anna", "Anna", "ANN", "an", "b", "Émile", "émile", "straße", "STRASSE", "", "50%_x", "ß"),
    *("a'b", 'a"b', "\\", "z\U0001f600", "日本", "x" * 520, "x" * 519 + "y", "0", "\ud7ff"),
]
MAILS = ["a@x.example", "A@X.example", "b@x.example", "b@y.example", "x" * 510 + "@x.example"]


def some_user(chance: random.Random, number: int, groups: list[str]) -> dict[str, Any]:
    body: dict[str, Any] = {"userName": f"{chance.choice(WORDS)[:400]}{number}"}
    if chance.random() < 0.7:
        body["externalId"] = f"{chance.choice(WORDS)[:400]}-{number}"
    for name in ("title", "nickName", "displayName"):
        if chance.random() < 0.5:
            body[name] = chance.choice(WORDS) or None
    if chance.random() < 0.6:
        body["active"] = chance.random() < 0.5
    mails = []
    for value in chance.sample(MAILS, chance.randrange(3)):
        mail: dict[str, Any] = {"value": value}
        if chance.random() < 0.7:
            mail["type"] = chance.choice(["work", "Work", "home"])
        mails.append(mail)
    if chance.random() < 0.2:
        mails.append({"type": "work"})
    if mails:
        body["emails"] = mails
    if chance.random() < 0.5:
        body[ENTERPRISE] = {"employeeNumber": chance.choice(WORDS)[:20] or "E", "department": "d"}
    if chance.random() < 0.5:
        body[WORKER] = {"workerId": chance.choice(WORDS)[:20] or "w", "fte": chance.random()}
    return body


def fill(server: Server, client: Client) -> None:
    chance = random.Random(5)
    users = []
    for number in range(40):
        server.clock.time += chance.choice([0, 0.001, 1, 3600])
        users.append(client.create(**some_user(chance, number, []))["id"])
    inner = ""
    for number in range(6):
        listed = [{"value": id} for id in chance.sample(users, 5)]
        if inner:
            listed.append({"value": inner})
        body: dict[str, Any] = {"displayName": chance.choice(WORDS)[:50] or "g", "members": listed}
        if number == 3:
            del body["members"]
        answer = client.send("POST", "/Groups", {"schemas": [GROUP], **body})
        assert answer.status_code == 201, answer.text
        inner = answer.get_json(force=True)["id"]
    for id in chance.sample(users, 5):
        client.send("DELETE", f"/Users/{id}")


GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
REGISTRY = schema.load()
USERS, GROUPS = REGISTRY.types["/Users"], REGISTRY.types["/Groups"]

text = st.sampled_from([*WORDS, *MAILS]) | st.text(max_size=3)
literal = text.map(json.dumps)
plain = [
    *("userName", "externalId", "id", "title", "nickName", "displayName", "schemas"),
    *("emails.value", "emails", "emails.type", "groups.value", "groups", "groups.display"),
    *(f"{ENTERPRISE}:employeeNumber", f"{ENTERPRISE}:department", f"{WORKER}:workerId"),
    "meta.resourceType",
]
operator = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])
comparison = st.builds("{} {} {}".format, st.sampled_from(plain), operator, literal)
present = st.sampled_from(plain).map("{} pr".format)
null = st.builds("{} {} null".format, st.sampled_from(plain), st.sampled_from(["eq", "ne"]))
instant = st.builds(
    'meta.lastModified {} "2026-03-16T{:02d}:00:00Z"'.format,
    st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]),
    st.integers(9, 23),
)
within = st.builds("{} {} {}".format, st.sampled_from(["value", "type"]), operator, literal) | (
    st.sampled_from(["value pr", 'type eq "work"', "not (value pr)", "value eq null"])
)
inner = st.recursive(
    within,
    lambda one: (
        st.builds("{} {} {}".format, one, st.sampled_from(["and", "or"]), one)
        | one.map("not ({})".format)
    ),
    max_leaves=3,
)
atom = comparison | present | null | instant | inner.map("emails[{}]".format)
trees = st.recursive(
    atom,
    lambda one: (
        st.builds("({}) {} ({})".format, one, st.sampled_from(["and", "or"]), one)
        | one.map("not ({})".format)
    ),
    max_leaves=5,
)


class World:
    """A filled server and its documents, with what rows say of them."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.client = server.client("conformance", "strict")
        fill(server, self.client)
        self.rows: dict[str, list[tuple[int, str, dict[str, Any]]]] = {}
        for kind in (USERS, GROUPS):
            found = self.client.get(f"{kind.endpoint}?count=1000").get_json(force=True)
            documents = {one["id"]: one for one in found["Resources"]}
            with server.db.read() as conn:
                rows = list(lists.scan(conn, "conformance", kind.name))
            self.rows[kind.name] = [(row.seq, row.id, documents[row.id]) for row in rows]

    def check(self, kind: ResourceType, filter: str) -> None:
        try:
            node = filters.parse(kind, filter)
        except ScimError:
            return
        expected = [id for _, id, document in self.rows[kind.name] if matches(node, document)]
        part = sql.translate(kind, "conformance", node)
        if part is not None:
            with self.server.db.read() as conn:
                rows: list[Resource] = list(
                    lists.scan(conn, "conformance", kind.name, part.condition)
                )
                count = lists.count(conn, "conformance", kind.name, part.condition)
            found = [row.id for row in rows]
            assert count == len(found)
            if part.exact:
                assert found == expected, filter
            else:
                assert set(expected) <= set(found), filter
        answer = self.client.http.get(
            f"/scim/v2{kind.endpoint}",
            query_string={"filter": filter, "count": 1000},
            headers={"Authorization": f"Bearer {self.client.token}"},
        )
        body = answer.get_json(force=True)
        assert [one["id"] for one in body["Resources"]] == expected, filter
        assert body["totalResults"] == len(expected)


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> World:
    from store.migrate import migrate

    url = f"sqlite:///{tmp_path_factory.mktemp('filters')}/muster.db"
    migrate(url)
    return World(Server(Database(url)))


budget = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@budget
@given(filter=trees)
def test_any_filter_on_sqlite(on_sqlite: World, filter: str) -> None:
    on_sqlite.check(USERS, filter)


group_atoms = st.builds(
    "{} {} {}".format,
    st.sampled_from(["displayName", "members.value", "members", "members.display"]),
    st.sampled_from(["eq", "ne", "co", "sw"]),
    literal,
) | st.sampled_from(
    ["members pr", "members.value pr", "not (members pr)", 'members[type eq "User"]']
)


@settings(budget, max_examples=150)
@given(data=st.data())
def test_any_filter_on_groups(on_sqlite: World, data: st.DataObject) -> None:
    ids = [id for _, id, _ in on_sqlite.rows["User"]] + [id for _, id, _ in on_sqlite.rows["Group"]]
    named = st.sampled_from(ids).map('members.value eq "{}"'.format)
    valued = st.sampled_from(ids).map('members[value eq "{}"]'.format)
    atom = group_atoms | named | valued
    tree = data.draw(
        st.recursive(
            atom,
            lambda one: (
                st.builds("({}) {} ({})".format, one, st.sampled_from(["and", "or"]), one)
                | one.map("not ({})".format)
            ),
            max_leaves=3,
        )
    )
    on_sqlite.check(GROUPS, tree)
    group = data.draw(st.sampled_from([id for _, id, _ in on_sqlite.rows["Group"]]))
    on_sqlite.check(USERS, f'groups.value eq "{group}"')
    on_sqlite.check(USERS, f'not (groups eq "{group}") and userName pr')


def test_any_filter_on_postgresql(postgres: str) -> None:
    from store.migrate import migrate

    migrate(postgres)
    db = Database(postgres)
    world = World(Server(db))

    @settings(budget, max_examples=250)
    @given(filter=trees)
    def run(filter: str) -> None:
        world.check(USERS, filter)

    run()
    for _, id, _ in world.rows["Group"]:
        world.check(USERS, f'groups.value eq "{id}"')
    for _, id, _ in world.rows["User"]:
        world.check(GROUPS, f'members[value eq "{id}"] or displayName sw "a"')
    db.close()


@pytest.mark.parametrize(
    ("filter", "exact"),
    [
        ('userName eq "a"', True),
        ('userName sw "a" and externalId pr', True),
        ('emails.value eq "a@x.example"', True),
        ('emails[value eq "a" or value sw "b"]', True),
        ('emails[type eq "work" and value eq "a"]', False),
        ('meta.lastModified gt "2026-03-16T09:00:00Z"', True),
        ('meta.resourceType eq "User"', True),
        (f'{WORKER}:workerId eq "a"', True),
        ('groups.value eq "a"', True),
        ('userName eq "a" and title eq "b"', False),
        ('not (userName eq "a")', True),
        ('title eq "b"', None),
        ('userName eq "a" or title eq "b"', None),
        ('not (emails[type eq "work" and value eq "a"])', None),
    ],
)
def test_what_the_database_can_answer(filter: str, exact: bool | None) -> None:
    part = sql.translate(USERS, "s", filters.parse(USERS, filter))
    assert (part.exact if part else None) is exact
