"""The schema of a job, and the expression language as Graph tells of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from mappings.documents import load_outbound
from mappings.entra.importing import import_schema
from mappings.entra.schema import read_schema
from mappings.language.expression import FUNCTIONS
from mappings.scope import OPERATORS, operator_named
from tests.adapters.bulk_upload.conftest import Client, World, message, record

NEW = "urn:ietf:params:scim:schemas:extension:csv:1.0:User:Cost Pool"


def attributes(schema: dict[str, Any], directory: int = 0) -> dict[str, dict[str, Any]]:
    listed = schema["directories"][directory]["objects"][0]["attributes"]
    return {one["name"]: one for one in listed}


@pytest.fixture
def schema(client: Client) -> dict[str, Any]:
    return client.get(f"{client.job}/schema")


def test_the_schema_shows_the_mappings_in_force(schema: dict[str, Any]) -> None:
    assert [one["name"] for one in schema["directories"]] == ["API", "Active Directory"]
    names = [rule["name"] for rule in schema["synchronizationRules"]]
    assert names == ["USER_INBOUND_USER_ad", "USER_INBOUND_USER_entra"]
    rows = schema["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"]
    sources = {row["targetAttributeName"]: (row["source"] or {}).get("expression") for row in rows}
    assert sources["givenName"] == "[name.givenName]"
    assert {"externalId", "active", 'addresses[type eq "work"].country'} <= set(attributes(schema))
    assert attributes(schema)["active"]["type"] == "Boolean"
    assert attributes(schema)["externalId"]["anchor"] is True
    assert "meta.created" not in attributes(schema)
    assert "sAMAccountName" in attributes(schema, 1)


def test_what_is_shown_can_be_imported(client: Client) -> None:
    text = client.send("GET", f"{client.job}/schema").text
    imported = import_schema(read_schema(text), "x", "USER_INBOUND_USER_ad")
    assert "givenName" in imported.outbound.yaml()


def added(schema: dict[str, Any], *names: str) -> dict[str, Any]:
    """As CSV2SCIM's UpdateSchema sends it back."""
    sent = copy.deepcopy(schema)
    sent["directories"][0]["objects"][0]["attributes"] += [
        {"name": name, "type": "String", "multivalued": False, "mutability": "ReadWrite",
         "flowNullValues": False} for name in names
    ]  # fmt: skip
    return sent


def test_attributes_are_added_as_csv2scim_does(client: Client, schema: dict[str, Any]) -> None:
    url = f"{client.job}/schema"
    assert client.send("PUT", url, added(schema, NEW, "active")).status_code == 204
    shown = client.get(url)
    assert attributes(shown)[NEW]["type"] == "String"
    assert len(attributes(shown)) == len(attributes(schema)) + 1
    assert client.send("PUT", url, added(shown, f"{NEW} 2")).status_code == 204
    assert {NEW, f"{NEW} 2"} <= set(attributes(client.get(url)))
    assert client.send("DELETE", url).status_code == 204
    assert client.get(url) == schema
    urn = NEW.rpartition(":")[0]
    client.upload(record("E1", **{urn: {"Cost Pool": "7"}}))
    assert client.user("E1")[urn] == {"Cost Pool": "7"}


def test_what_powershell_makes_of_the_schema_is_the_same_schema(
    client: Client, schema: dict[str, Any]
) -> None:
    """Nulls go missing, and a list of one item becomes the item."""

    def mangled(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key[0].upper() + key[1:]: mangled(item)
                for key, item in value.items()
                if item is not None and key != "@odata.context"
            }
        return [mangled(item) for item in value] if isinstance(value, list) else value

    sent = mangled(added(schema, NEW))
    rule = sent["SynchronizationRules"][0]
    rule["ObjectMappings"] = rule["ObjectMappings"][0]
    assert client.send("PUT", f"{client.job}/schema", sent).status_code == 204
    assert NEW in attributes(client.get(f"{client.job}/schema"))


def test_a_token_of_hr_changes_no_mapping(client: Client, schema: dict[str, Any]) -> None:
    rows = schema["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"]
    before = copy.deepcopy(rows[0])
    rows[0]["source"] = {"expression": '"x"', "name": "x", "parameters": [], "type": "Constant"}
    answer = client.send("PUT", f"{client.job}/schema", added(schema, NEW))
    assert "mappings import" in message(answer, 400, "BadRequest")
    shown = client.get(f"{client.job}/schema")
    assert NEW not in attributes(shown)
    assert before in shown["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"]


# -- the web client --------------------------------------------------------------------------------

TARGETS = {
    "externalId": "employeeId",
    "userName": "userPrincipalName",
    "displayName": "displayName",
    "name.familyName": "surname",
    "active": "accountEnabled",
    "userType": "userType",
    'emails[type eq "work"].value': "mail",
    'addresses[type eq "work"].country': "country",
}
"""Standard mappings of entra-provisioning-client: what it sends -> what it wants to see filled."""


@pytest.fixture
def both(world: World) -> Client:
    """A source with a domain and a tenant, as their documents are shipped."""
    kinds = {"ad": "active_directory", "entra": "entra_id"}
    loaded = {target: (load_outbound(kind), kind) for target, kind in kinds.items()}
    world.open(outbounds=lambda: loaded)
    return world.client()


def row(source: str, target: str) -> dict[str, Any]:
    """A mapping as the web client adds it."""
    return {
        "source": {"name": source, "type": "Attribute", "parameters": []},
        "targetAttributeName": target,
        "defaultValue": None,
        "exportMissingReferences": False,
        "flowBehavior": "FlowWhenChanged",
        "flowType": "Add",
        "matchingPriority": 0,
        "mappingType": "Direct",
        "expression": "",
    }


def first_rows(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """What the web client looks at: users of the first rule."""
    (mapping,) = (
        one
        for one in schema["synchronizationRules"][0]["objectMappings"]
        if one["sourceObjectName"] == one["targetObjectName"] == "User"
    )
    return mapping["attributeMappings"]  # type: ignore[no-any-return]


def test_entras_rule_comes_first_and_says_what_is_filled(both: Client) -> None:
    shown = both.get(f"{both.job}/schema")
    names = [one["name"] for one in shown["directories"]]
    assert names == ["API", "Azure Active Directory", "Active Directory"]
    rules = [rule["targetDirectoryName"] for rule in shown["synchronizationRules"]]
    assert rules == names[1:]
    sources = {one["targetAttributeName"]: one["source"] for one in first_rows(shown)}
    assert set(TARGETS.values()) - set(sources) == {"userType"}
    assert sources["accountEnabled"]["expression"] == "[active]"
    assert sources["mail"]["expression"].startswith("Mail(")
    assert set(sources) <= set(attributes(shown, 1))
    for source in sources.values():
        assert parse(both, source["expression"])["parsingSucceeded"]


def test_a_shown_rule_of_entras_can_be_imported(both: Client) -> None:
    text = both.send("GET", f"{both.job}/schema").text
    imported = import_schema(read_schema(text), "x", "USER_INBOUND_USER_entra")
    assert "surname" in imported.outbound.yaml()


@pytest.mark.parametrize("fixture", ["client", "both"])
def test_a_send_of_the_web_client(fixture: str, request: pytest.FixtureRequest) -> None:
    """It adds to the first rule what it misses there, and in the same PUT what it needs itself."""
    client: Client = request.getfixturevalue(fixture)
    url = f"{client.job}/schema"
    before = client.get(url)
    sent = added(before, NEW)
    there = {one["targetAttributeName"] for one in first_rows(sent)}
    missing = [row(source, name) for source, name in TARGETS.items() if name not in there]
    assert missing
    first_rows(sent).extend([*missing, row(NEW, "extensionAttribute1")])
    assert client.send("PUT", url, sent).status_code == 204
    shown = client.get(url)
    assert NEW in attributes(shown)
    assert shown["synchronizationRules"] == before["synchronizationRules"]
    assert client.send("PUT", url, sent).status_code == 204


def _change(rows: list[dict[str, Any]]) -> None:
    rows[0]["source"] = row(NEW, "x")["source"]


def _match(rows: list[dict[str, Any]]) -> None:
    rows[1]["matchingPriority"] = 1


def _twice(rows: list[dict[str, Any]]) -> None:
    rows.append(row(NEW, rows[1]["targetAttributeName"]))


def _nameless(rows: list[dict[str, Any]]) -> None:
    rows.append({**row(NEW, "x"), "targetAttributeName": None})


@pytest.mark.parametrize("change", [_change, _match, _twice, _nameless, list.pop, list.clear])
def test_what_changes_a_rule_is_400_also_beside_additions(both: Client, change: Any) -> None:
    url = f"{both.job}/schema"
    sent = added(both.get(url), NEW)
    first_rows(sent).append(row(NEW, "extensionAttribute1"))
    rows = first_rows(sent)
    kept = rows.pop()
    change(rows)
    rows.append(kept)
    assert "mappings import" in message(both.send("PUT", url, sent), 400, "BadRequest")
    assert NEW not in attributes(both.get(url))


def test_another_rule_and_another_object_mapping_are_400(both: Client) -> None:
    url = f"{both.job}/schema"
    for change in ("rule", "mapping", "scope", "rows"):
        sent = both.get(url)
        rules = sent["synchronizationRules"]
        if change == "rule":
            rules.append(copy.deepcopy(rules[0]))
        elif change == "mapping":
            rules[0]["objectMappings"].append(copy.deepcopy(rules[0]["objectMappings"][0]))
        elif change == "scope":
            rules[1]["objectMappings"][0]["flowTypes"] = "None"
        else:
            rules[1]["objectMappings"][0]["attributeMappings"] = 3
        message(both.send("PUT", url, sent), 400, "BadRequest")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"directories": None}, "directories"),
        ({"synchronizationRules": []}, "synchronizationRules"),
        ({"synchronizationRules": "x"}, "synchronizationRules"),
    ],
)
def test_a_schema_that_is_none_is_400(
    client: Client, schema: dict[str, Any], change: dict[str, Any], why: str
) -> None:
    answer = client.send("PUT", f"{client.job}/schema", schema | change)
    assert why in message(answer, 400, "BadRequest")


def test_too_many_and_nameless_attributes_are_400(client: Client, schema: dict[str, Any]) -> None:
    url = f"{client.job}/schema"
    many = added(schema, *(f"urn:x:User:A{n}" for n in range(501)))
    assert "500" in message(client.send("PUT", url, many), 400, "BadRequest")
    assert "name" in message(client.send("PUT", url, added(schema, " ")), 400, "BadRequest")


def test_a_source_that_only_stores_has_a_schema_without_rules(world: World) -> None:
    client = world.client("conformance")
    shown = client.get(f"{client.job}/schema")
    assert shown["synchronizationRules"] == []
    assert "userName" in attributes(shown)


# -- expressions -----------------------------------------------------------------------------------


def parse(client: Client, expression: Any, *pairs: tuple[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"expression": expression, "targetAttributeDefinition": None}
    if pairs:
        listed = [{"key": key, "value": value} for key, value in pairs]
        body["testInputObject"] = {"definition": None, "properties": listed}
    answer = client.send("POST", f"{client.job}/schema/parseExpression", body)
    assert answer.status_code == 200, answer.text
    return answer.get_json()  # type: ignore[no-any-return]


def test_an_expression_is_parsed_and_evaluated(client: Client) -> None:
    said = parse(client, 'Join("@", [alias], DefaultDomain())', ("alias", "zoe"))
    assert said["parsingSucceeded"] is True
    assert said["evaluationSucceeded"] is True
    assert said["evaluationResult"] == ["zoe@norhaven.example"]
    assert said["error"] is None
    tree = said["parsedExpression"]
    assert (tree["type"], tree["name"]) == ("Function", "Join")
    assert [part["key"] for part in tree["parameters"]] == ["separator", "source", "source"]


def test_microsofts_example_of_an_expression_is_told_as_they_tell_it(client: Client) -> None:
    said = parse(
        client, 'Replace([preferredLanguage], "-", , , "_", ,  )', ("preferredLanguage", "EN-US")
    )
    assert said["evaluationResult"] == ["EN_US"]
    tree = said["parsedExpression"]
    assert [part["key"] for part in tree["parameters"]] == ["source", "Find", "Replacement"]
    assert [part["value"]["name"] for part in tree["parameters"]] == ["preferredLanguage", "-", "_"]
    assert [part["value"]["type"] for part in tree["parameters"]] == [
        "Attribute", "Constant", "Constant",
    ]  # fmt: skip


def test_several_values_and_none(client: Client) -> None:
    assert parse(client, "[roles]", ("roles", ["a", "b"]))["evaluationResult"] == ["a", "b"]
    value = {"@odata.type": "x", "values": ["a"]}
    assert parse(client, "[roles]", ("roles", value))["evaluationResult"] == ["a"]
    none = parse(client, "[nothing]", ("roles", "a"))
    assert (none["evaluationSucceeded"], none["evaluationResult"]) == (True, [])


def test_without_an_object_it_is_only_parsed(client: Client) -> None:
    said = parse(client, "Not([active])")
    assert (said["parsingSucceeded"], said["evaluationSucceeded"]) == (True, False)
    assert said["error"] is None


@pytest.mark.parametrize("expression", ["Join(", "Nonsense([a])", 'Mid([a], "x", 1)', "[a"])
def test_what_is_no_expression_is_said(client: Client, expression: str) -> None:
    said = parse(client, expression, ("a", "x"))
    assert said["parsingSucceeded"] is False
    assert said["parsedExpression"] is None
    assert said["error"]["code"] == "InvalidExpression"
    assert said["error"]["message"]


def test_an_evaluation_that_fails_is_said(client: Client) -> None:
    said = parse(client, "Mid([a], [b], 1)", ("a", "x"), ("b", "no number"))
    assert (said["parsingSucceeded"], said["evaluationSucceeded"]) == (True, False)
    assert said["error"]["code"] == "EvaluationFailed"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"expression": 3},
        {"expression": " "},
        {"expression": "x" * 10_001},
        {"expression": "[a]", "testInputObject": "x"},
        {"expression": "[a]", "testInputObject": {"properties": [3]}},
        "{",
    ],
)
def test_a_request_without_an_expression_is_400(client: Client, body: Any) -> None:
    answer = client.send("POST", f"{client.job}/schema/parseExpression", body)
    message(answer, 400, "BadRequest")


def test_every_function_is_listed(client: Client) -> None:
    found = {one["name"]: one for one in client.get(f"{client.job}/schema/functions")["value"]}
    assert set(found) == {function.name for function in FUNCTIONS.values()}
    mid = {one["name"]: one for one in found["Mid"]["parameters"]}
    assert mid["source"]["required"] is True
    assert mid["start"]["type"] == "Integer"
    assert found["Join"]["parameters"][-1]["allowMultipleOccurrences"] is True


def test_every_operator_is_listed(client: Client) -> None:
    url = f"{client.job}/schema/filterOperators()"
    found = {one["name"]: one for one in client.get(url)["value"]}
    assert [operator_named(name) for name in found] == list(OPERATORS)
    assert found["IS NULL"]["arity"] == "Unary"
    assert found["Greater_Than"]["supportedAttributeTypes"] == ["Integer"]
    assert found["NOT EQUALS"]["multivaluedComparisonType"] == "All"


def test_operators_are_spelt_as_entra_spells_them(client: Client) -> None:
    found = {
        one["name"]: one for one in client.get(f"{client.job}/schema/filterOperators")["value"]
    }
    theirs = {
        "&", "!&", "ENDS_WITH", "EQUALS", "NOT EQUALS", "Greater_Than", "Greater_Than_OR_EQUALS",
        "Includes", "IS TRUE", "IS FALSE", "IS NULL", "IS NOT NULL", "REGEX MATCH",
        "NOT REGEX MATCH",
    }  # fmt: skip
    assert theirs <= set(found)
    assert all(one["id"] == name for name, one in found.items())
    equals = found["EQUALS"]  # as in Graph's example
    assert (equals["arity"], equals["multivaluedComparisonType"]) == ("Binary", "All")
    assert {"String", "Integer"} <= set(equals["supportedAttributeTypes"])
