"""Every characteristic and type, on a resource type that comes from a folder of documents
(`tests/data/schemas`), under the strict profile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from store.database import Database
from store.tables import metadata
from tests.scim.conftest import PATCH_OP, Client, Server, accepted, refused

FOLDER = Path(__file__).parents[1] / "data" / "schemas"
TEST = "urn:ietf:params:scim:schemas:test:2.0:TestResource"
EXT = "urn:ietf:params:scim:schemas:extension:test:2.0:TestResource"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    db = Database(f"sqlite:///{tmp_path}/muster.db")
    metadata.create_all(db.engine)
    yield Server(db, (FOLDER,)).client("conformance", "strict")
    db.close()


def body(**more: Any) -> dict[str, Any]:
    made = {"schemas": [TEST, EXT], "identifier": "t1", EXT: {"extRequired": "x"}, **more}
    return {name: value for name, value in made.items() if value is not ...}


def make(client: Client, **more: Any) -> dict[str, Any]:
    answer = client.send("POST", "/TestResources", body(**more))
    assert answer.status_code == 201, answer.text
    return answer.get_json(force=True)  # type: ignore[no-any-return]


def put(client: Client, id: str, **more: Any) -> Any:
    return client.send("PUT", f"/TestResources/{id}", body(**more))


def patch(client: Client, id: str, *operations: Any) -> Any:
    sent = {"schemas": [PATCH_OP], "Operations": list(operations)}
    return client.send("PATCH", f"/TestResources/{id}", sent)


def read(client: Client, id: str, query: str = "") -> dict[str, Any]:
    return accepted(client.get(f"/TestResources/{id}{query}"))


def find(client: Client, filter: str) -> list[str]:
    answer = client.http.get(
        "/scim/v2/TestResources",
        query_string={"filter": filter},
        headers={"Authorization": f"Bearer {client.token}"},
    )
    return [one["identifier"] for one in accepted(answer)["Resources"]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("integerAttr", 5), ("integerAttr", -(2**40)), ("decimalAttr", 1.5), ("decimalAttr", 3),
        ("booleanAttr", False), ("dateTimeAttr", "2011-08-01T18:29:49.793Z"),
        ("dateTimeAttr", "2011-08-01T18:29:49+02:00"), ("binaryAttr", "TUlJ"),
        ("binaryAttr", "TUk="), ("binaryAttr", "TUk"), ("binaryAttr", "TQ"),
        ("referenceAttr", "https://norhaven.example/ü?x=%20"), ("referenceAttr", "../x"),
        ("multiStrings", ["a", "b"]), ("complexAttr", {"sub1": "a", "sub2": 1, "sub3": True}),
        ("multiComplex", [{"value": "a", "type": "x", "primary": True}, {"value": "b"}]),
        ("caseExactString", ""), ("caseInsensitiveString", "Ünï \\ \" \u2028"),
    ],
)  # fmt: skip
def test_values_come_back_as_they_were(client: Client, name: str, value: Any) -> None:
    made = make(client, **{name: value})
    assert made[name] == value
    assert read(client, made["id"])[name] == value
    operation = {"op": "replace", "path": name, "value": value}
    assert accepted(patch(client, made["id"], operation))["meta"]["version"] == 'W/"1"'


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("integerAttr", 1.5), ("integerAttr", "1"), ("integerAttr", True), ("decimalAttr", "1.5"),
        ("decimalAttr", False), ("booleanAttr", "true"), ("booleanAttr", 1),
        ("dateTimeAttr", "2011-08-01"), ("dateTimeAttr", "yesterday"), ("dateTimeAttr", 5),
        ("dateTimeAttr", "2011-13-01T00:00:00Z"), ("binaryAttr", "no base64!"),
        ("binaryAttr", "T"), ("binaryAttr", "TUk=="), ("binaryAttr", "="), ("binaryAttr", "T-_T"),
        ("binaryAttr", 1),
        ("referenceAttr", "not a uri"), ("referenceAttr", "a\nb"), ("referenceAttr", {}),
        ("multiStrings", "a"), ("multiStrings", [1]), ("multiStrings", {"value": "a"}),
        ("complexAttr", "a"), ("complexAttr", [{"sub1": "a"}]), ("complexAttr", {"sub2": "1"}),
        ("multiComplex", {"value": "a"}), ("multiComplex", ["a"]),
        ("caseExactString", 5), ("caseExactString", ["a"]), ("identifier", {"a": 1}),
        ("multiComplex", [{"value": "a", "primary": True}, {"value": "b", "primary": True}]),
    ],
)  # fmt: skip
def test_values_of_another_type_are_refused(client: Client, name: str, value: Any) -> None:
    refused(client.send("POST", "/TestResources", body(**{name: value})), 400, "invalidValue")
    made = make(client)
    refused(put(client, made["id"], **{name: value}), 400, "invalidValue")
    if name not in ("multiStrings", "multiComplex") or value in ([1], ["a"]):
        operation = {"op": "add", "path": name, "value": value}
        refused(patch(client, made["id"], operation), 400, "invalidValue")
    assert read(client, made["id"]) == made


@pytest.mark.parametrize("value", [None, [], {}])
def test_null_and_empty_lists_are_no_value(client: Client, value: Any) -> None:
    names = {None: "integerAttr"} if value is None else {}
    name = names.get(value) if value is None else ("multiStrings" if value == [] else "complexAttr")
    full = {"integerAttr": 1, "multiStrings": ["a"], "complexAttr": {"sub1": "a"}}
    made = make(client, **full)
    assert str(name) not in accepted(put(client, made["id"], **{**full, str(name): value}))
    assert name not in make(client, identifier="t2", **{str(name): value})


class TestRequired:
    @pytest.mark.parametrize("value", [..., None, "", "  "])
    def test_attribute(self, client: Client, value: Any) -> None:
        sent = body(identifier=value)
        refused(client.send("POST", "/TestResources", sent), 400, "invalidValue")
        refused(put(client, make(client)["id"], identifier=value), 400, "invalidValue")

    @pytest.mark.parametrize(
        "value",
        [..., None, {}, {"extString": "a"}, {"extRequired": None}, {"extRequired": " "}],
    )
    def test_extension(self, client: Client, value: Any) -> None:
        sent = body(**{EXT: value})
        refused(client.send("POST", "/TestResources", sent), 400, "invalidValue")

    @pytest.mark.parametrize("path", ["identifier", EXT, f"{EXT}:extRequired"])
    def test_patch_cannot_take_it_away(self, client: Client, path: str) -> None:
        made = make(client)
        refused(patch(client, made["id"], {"op": "remove", "path": path}), 400, "mutability")
        assert read(client, made["id"]) == made


class TestMutability:
    def test_read_only(self, client: Client) -> None:
        made = make(client, readOnlyAttr="x")
        assert "readOnlyAttr" not in made
        assert "readOnlyAttr" not in accepted(put(client, made["id"], readOnlyAttr="x"))
        for op in ("add", "replace", "remove"):
            operation = {"op": op, "path": "readOnlyAttr", "value": "x"}
            refused(patch(client, made["id"], operation), 400, "mutability")

    def test_immutable(self, client: Client) -> None:
        made = make(client)
        add = {"op": "add", "path": "immutableAttr", "value": "a"}
        assert accepted(patch(client, made["id"], add))["immutableAttr"] == "a"
        assert accepted(patch(client, made["id"], add))["meta"]["version"] == 'W/"2"'
        refused(put(client, made["id"], immutableAttr="b"), 400, "mutability")
        refused(patch(client, made["id"], {**add, "value": "b"}), 400, "mutability")
        refused(
            patch(client, made["id"], {**add, "op": "replace", "value": "b"}), 400, "mutability"
        )
        refused(patch(client, made["id"], {"op": "remove", "path": "immutableAttr"}), 400,
                "mutability")  # fmt: skip
        assert accepted(put(client, made["id"], immutableAttr="a"))["immutableAttr"] == "a"
        assert accepted(put(client, made["id"]))["immutableAttr"] == "a"

    def test_an_immutable_value_keeps_its_spelling(self, client: Client) -> None:
        """`A` matches `a`, and so is accepted (RFC 7644 section 3.5.1); it does not replace it."""
        made = make(client, immutableAttr="a")
        same = accepted(put(client, made["id"], immutableAttr="A"))
        assert (same["immutableAttr"], same["meta"]) == ("a", made["meta"])
        operation = {"op": "replace", "path": "immutableAttr", "value": "A"}
        assert accepted(patch(client, made["id"], operation)) == same

    def test_write_only(self, client: Client) -> None:
        made = make(client, writeOnlyAttr="secret")
        operation = {"op": "add", "path": "writeOnlyAttr", "value": "secret"}
        for shown in (
            made,
            read(client, made["id"]),
            read(client, made["id"], "?attributes=writeOnlyAttr"),
            accepted(put(client, made["id"], writeOnlyAttr="secret")),
            accepted(patch(client, made["id"], operation)),
        ):
            assert "writeOnlyAttr" not in shown
            assert "secret" not in str(shown)
        answer = client.get("/TestResources?filter=writeOnlyAttr%20eq%20%22secret%22")
        refused(answer, 400, "invalidFilter")


class TestReturned:
    def test_always(self, client: Client) -> None:
        id = make(client, alwaysReturnedAttr="a")["id"]
        for query in (
            "?attributes=identifier",
            "?excludedAttributes=alwaysReturnedAttr,id,schemas",
            "?attributes=bogus",
        ):
            shown = read(client, id, query)
            assert {"id", "schemas", "alwaysReturnedAttr"} <= shown.keys()

    @pytest.mark.parametrize("name", ["bogus", "urn:none:x", "a b", 'emails[type eq "x"].value'])
    def test_what_names_nothing_is_not_everything(self, client: Client, name: str) -> None:
        """Section 3.9: `attributes` overrides the default, whatever it says."""
        id = make(client, alwaysReturnedAttr="a")["id"]
        shown = read(client, id, f"?attributes={quote(name)}")
        assert shown.keys() == {"id", "schemas", "alwaysReturnedAttr"}
        assert read(client, id, f"?excludedAttributes={quote(name)}") == read(client, id)

    def test_on_request(self, client: Client) -> None:
        made = make(client, requestOnlyAttr="r")
        assert made["requestOnlyAttr"] == "r"  # the client has just said it
        assert "requestOnlyAttr" not in read(client, made["id"])
        assert read(client, made["id"], "?attributes=requestOnlyAttr")["requestOnlyAttr"] == "r"
        listed = accepted(client.get("/TestResources"))["Resources"][0]
        assert "requestOnlyAttr" not in listed
        search = {"schemas": [SEARCH], "attributes": ["requestonlyattr"]}
        found = accepted(client.send("POST", "/TestResources/.search", search))["Resources"][0]
        assert found["requestOnlyAttr"] == "r"
        assert find(client, 'requestOnlyAttr eq "R"') == ["t1"]

    def test_parts_of_complex_values(self, client: Client) -> None:
        id = make(
            client,
            complexAttr={"sub1": "a", "sub2": 1},
            multiComplex=[{"value": "v", "type": "t"}],
            **{EXT: {"extRequired": "x", "extInteger": 5}},
        )["id"]
        shown = read(client, id, f"?attributes=complexAttr.sub2,multiComplex.type,{EXT}:extInteger")
        assert shown["complexAttr"] == {"sub2": 1}
        assert shown["multiComplex"] == [{"type": "t"}]
        assert shown[EXT] == {"extInteger": 5}
        shown = read(client, id, f"?excludedAttributes=complexAttr.sub2,multiComplex.type,{EXT}")
        assert shown["complexAttr"] == {"sub1": "a"}
        assert shown["multiComplex"] == [{"value": "v"}]
        assert EXT not in shown
        assert "complexAttr" in read(client, id, f"?attributes={TEST}")


class TestUniqueness:
    def test_of_every_unique_attribute(self, client: Client) -> None:
        made = make(client, uniqueString="U1")
        for sent in (
            body(identifier="T1"),
            body(identifier="t2", uniqueString="u1"),
        ):
            refused(client.send("POST", "/TestResources", sent), 409, "uniqueness")
        other = make(client, identifier="t2", uniqueString="u2")
        refused(put(client, other["id"], identifier="t2", uniqueString="U1"), 409, "uniqueness")
        operation = {"op": "replace", "path": "uniqueString", "value": "u1"}
        refused(patch(client, other["id"], operation), 409, "uniqueness")
        assert accepted(put(client, made["id"], uniqueString="u1"))["uniqueString"] == "u1"
        client.send("DELETE", f"/TestResources/{made['id']}")
        assert accepted(patch(client, other["id"], operation))["uniqueString"] == "u1"


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ('caseExactString eq "Abc"', ["t1"]), ('caseExactString eq "abc"', []),
        ('caseInsensitiveString eq "ABC"', ["t1"]), ("integerAttr gt 4", ["t1"]),
        ("integerAttr lt 5", []), ("integerAttr eq 5", ["t1"]), ("integerAttr ne 5", ["t2"]),
        ("decimalAttr ge 1.5", ["t1"]), ("decimalAttr eq 15e-1", ["t1"]),
        ("booleanAttr eq true", ["t1"]), ("booleanAttr ne true", ["t2"]),
        ('dateTimeAttr eq "2011-08-01T20:29:49+02:00"', ["t1"]),
        ('dateTimeAttr gt "2011-08-01T18:29:48.999Z"', ["t1"]),
        ('dateTimeAttr sw "2011-08"', ["t1"]),
        ('binaryAttr eq "TUlJ"', ["t1"]), ('referenceAttr co "norhaven"', ["t1"]),
        ('referenceAttr eq "HTTPS://norhaven.example"', []),
        ('multiStrings eq "ONE"', ["t1"]), ('multiStrings ew "o"', ["t1"]),
        ('complexAttr.sub1 sw "A"', ["t1"]), ("complexAttr.sub2 le 1", ["t1"]),
        ('complexAttr[sub1 eq "a" and sub2 eq 1]', ["t1"]),
        ('multiComplex[value eq "v" and type eq "t"]', ["t1"]),
        ('multiComplex[value eq "v" and type eq "u"]', []),
        ('multiComplex.value eq "v" and multiComplex.type eq "u"', ["t1"]),
        ("multiComplex[primary eq true]", ["t1"]), ("complexAttr pr", ["t1"]),
        ("multiStrings pr", ["t1"]), ("not (multiStrings pr)", ["t2"]),
        ("integerAttr eq null", ["t2"]), ("integerAttr ne null", ["t1"]),
        (f'{EXT}:extString eq "E"', ["t1"]), (f"{EXT}:extInteger gt 1", ["t1"]),
        (f'{TEST}:identifier eq "t2"', ["t2"]), ('uniqueString eq "u"', ["t1"]),
        ('identifier eq "t1" or identifier eq "t2" and booleanAttr eq true', ["t1"]),
        ('(identifier eq "t1" or identifier eq "t2") and not (booleanAttr eq true)', ["t2"]),
    ],
)  # fmt: skip
def test_filters(client: Client, filter: str, found: list[str]) -> None:
    make(
        client,
        caseExactString="Abc",
        caseInsensitiveString="aBc",
        integerAttr=5,
        decimalAttr=1.5,
        booleanAttr=True,
        dateTimeAttr="2011-08-01T18:29:49Z",
        binaryAttr="TUlJ",
        referenceAttr="https://norhaven.example",
        multiStrings=["one", "two"],
        complexAttr={"sub1": "a", "sub2": 1},
        multiComplex=[{"value": "v", "type": "t", "primary": True}, {"value": "w", "type": "u"}],
        uniqueString="U",
        **{EXT: {"extRequired": "x", "extString": "e", "extInteger": 2}},
    )
    make(client, identifier="t2")
    assert find(client, filter) == found


@pytest.mark.parametrize(
    "filter",
    [
        "booleanAttr gt true", 'binaryAttr lt "a"', 'integerAttr co "1"', 'integerAttr eq "5"',
        "caseExactString eq 5", 'booleanAttr eq "true"', 'complexAttr eq "a"', "bogus pr",
        'dateTimeAttr gt "soon"', "complexAttr.bogus pr", 'multiComplex[bogus eq "x"]',
    ],
)  # fmt: skip
def test_what_cannot_be_compared(client: Client, filter: str) -> None:
    make(client)
    answer = client.http.get(
        "/scim/v2/TestResources",
        query_string={"filter": filter},
        headers={"Authorization": f"Bearer {client.token}"},
    )
    refused(answer, 400, "invalidFilter")


class TestPatch:
    @pytest.fixture
    def id(self, client: Client) -> str:
        made = make(
            client,
            multiStrings=["a", "b"],
            complexAttr={"sub1": "a", "sub2": 1},
            multiComplex=[
                {"value": "v", "type": "t", "primary": True},
                {"value": "w", "type": "u"},
            ],
        )
        return str(made["id"])

    def test_plain_lists(self, client: Client, id: str) -> None:
        def now(*operations: Any) -> Any:
            return accepted(patch(client, id, *operations)).get("multiStrings")

        assert now({"op": "add", "path": "multiStrings", "value": ["b", "c"]}) == ["a", "b", "c"]
        assert now({"op": "add", "path": "multiStrings", "value": "d"}) == ["a", "b", "c", "d"]
        assert now({"op": "remove", "path": 'multiStrings[value eq "b"]'}) == ["a", "c", "d"]
        assert now({"op": "replace", "path": "multiStrings", "value": ["x"]}) == ["x"]
        assert now({"op": "replace", "path": 'multiStrings[value eq "x"]', "value": "y"}) == ["y"]
        assert now({"op": "remove", "path": "multiStrings"}) is None

    def test_complex_values(self, client: Client, id: str) -> None:
        def now(*operations: Any) -> Any:
            return accepted(patch(client, id, *operations)).get("complexAttr")

        assert now({"op": "add", "path": "complexAttr", "value": {"sub3": True}}) == {
            "sub1": "a", "sub2": 1, "sub3": True
        }  # fmt: skip
        assert now({"op": "replace", "path": "COMPLEXATTR.SUB2", "value": 2})["sub2"] == 2
        assert now({"op": "remove", "path": "complexAttr.sub1"}) == {"sub2": 2, "sub3": True}
        assert now({"op": "remove", "path": f"{TEST}:complexAttr"}) is None

    def test_a_new_primary(self, client: Client, id: str) -> None:
        operation = {"op": "replace", "path": 'multiComplex[type eq "u"].primary', "value": True}
        found = accepted(patch(client, id, operation))["multiComplex"]
        assert [one["primary"] for one in found] == [False, True]
        new = {"value": "x", "primary": True}
        found = accepted(patch(client, id, {"op": "add", "path": "multiComplex", "value": [new]}))
        assert [one["primary"] for one in found["multiComplex"]] == [False, False, True]

    def test_extension_as_a_whole(self, client: Client, id: str) -> None:
        value = {"extRequired": "y", "extString": "z"}
        found = accepted(patch(client, id, {"op": "replace", "path": EXT, "value": value}))
        assert found[EXT] == value
        found = accepted(patch(client, id, {"op": "add", "value": {EXT: {"extInteger": 1}}}))
        assert found[EXT] == {**value, "extInteger": 1}
        operation = {"op": "remove", "path": f"{EXT}:extString"}
        assert accepted(patch(client, id, operation))[EXT] == {"extRequired": "y", "extInteger": 1}
