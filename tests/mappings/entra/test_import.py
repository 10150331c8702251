"""A downloaded schema becomes two documents, and nothing in it is lost silently."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from mappings.entra.importing import import_schema
from mappings.entra.rewriting import same
from mappings.entra.rows import expression_of, source_of
from mappings.entra.schema import SchemaError, read_schema
from mappings.language.grammar import parse
from mappings.language.running import Given
from tests.mappings.entra.schemas import (
    FOLDER,
    NAMES,
    changed,
    mapping_of,
    row,
    rows,
    schema,
    written,
)

NOW = datetime(2026, 3, 16, 9, tzinfo=UTC)
WORKER: dict[str, Any] = {
    "userName": "zvanderberg@norhaven.example",
    "active": True,
    "name": {"givenName": "Zoë", "familyName": "van der Berg"},
    "displayName": "Zoë van der Berg",
    "title": "Cook",
    "locale": "fr_FR",
    "phoneNumbers": [{"type": "work", "value": "+33 (4) 5550-0100"}],
    "addresses": [{"type": "work", "locality": "Lyon", "country": "FRA"}],
    "urn:muster:scim:schemas:extension:worker:1.0:User": {
        "workerId": "E20001", "company": "Norhaven GmbH", "hireDate": "2026-03-20",
        "supervisoryOrganization": "Kitchen", "contractEndDate": "2026-12-31-08:00",
        "workerType": "Employee",
    },
    "urn:muster:scim:schemas:extension:workday:1.0:User": {"BadgeNumber": "B-7"},
}  # fmt: skip


def test_a_workday_schema_makes_the_accounts_it_made_before(tmp_path):
    imported = import_schema(schema("workday-to-ad"), "x")
    inbound, outbound = written(tmp_path, imported)
    facts = inbound.facts(WORKER)
    assert facts.problems == []
    context = {**facts.values, "accountName": "zvanderberg", "managerPerson": "p-1"}
    evaluation = outbound.evaluate(context, Given(now=NOW))
    assert evaluation.problems == []
    assert {name: wish.value for name, wish in evaluation.wishes.items()} == {
        "employeeID": "E20001", "sAMAccountName": "zvanderberg", "givenName": "Zoë",
        "sn": "van der Berg", "displayName": "Zoë van der Berg", "company": "Norhaven GmbH",
        "department": "Kitchen", "title": "Cook", "l": "Lyon", "c": "FR", "co": "FR",
        "telephoneNumber": "+33455500100", "preferredLanguage": "fr_FR",
        "physicalDeliveryOfficeName": "Headquarters", "extensionAttribute1": "B-7",
        "extensionAttribute2": "Workday", "accountExpires": 134432639990000000,
        "msExchHideFromAddressLists": False, "proxyAddresses": ("smtp:zvanderberg@norhaven.example",
                                                                "x"),
    }  # fmt: skip
    assert evaluation.enabled is True
    assert evaluation.references["manager"].value == "p-1"
    assert evaluation.container is not None
    assert evaluation.container.value == "OU=Lyon,OU=People,DC=norhaven,DC=example"
    assert evaluation.scope is not None
    assert evaluation.scope.inside is True
    assert evaluation.needs[0].candidates == (
        "Zoe.vanderBerg@norhaven.example",
        "Z.vanderBerg@norhaven.example",
        "Zo.vanderBerg@norhaven.example",
    )
    assert outbound.candidates("accountName", facts.values) == ["zvanderberg@norhaven"]
    assert outbound.matches(facts.values) == [{"employeeID": "E20001"}]
    holds = {name: wish.hold for name, wish in evaluation.wishes.items() if wish.hold != "own"}
    assert holds == {
        "employeeID": "seed", "sAMAccountName": "seed", "proxyAddresses": "watch",
        "physicalDeliveryOfficeName": "seed",
    }  # fmt: skip


def test_who_is_not_said_to_be_active_is_not_disabled(tmp_path):
    _, outbound = written(tmp_path, import_schema(schema("workday-to-ad"), "x"))
    inbound, _ = written(tmp_path, import_schema(schema("workday-to-ad"), "x"))
    silent = {key: value for key, value in WORKER.items() if key != "active"}
    assert outbound.evaluate(inbound.facts(silent).values).enabled is None
    left = inbound.facts({**WORKER, "active": False}).values
    assert outbound.evaluate(left).enabled is False


def test_an_api_driven_schema(tmp_path):
    imported = import_schema(schema("api-to-entra"), "x")
    inbound, outbound = written(tmp_path, imported)
    resource = {
        **WORKER,
        "externalId": "E20001",
        "urn:norhaven:employee": {"JobCode": "J1", "HireDate": "2026-03-20T00:00:00Z"},
    }
    facts = inbound.facts(resource).values
    given = Given(now=NOW, seed="p-1", default_domain="norhaven.example")
    evaluation = outbound.evaluate({**facts, "accountName": "zvanderberg"}, given)
    wishes = {name: wish.value for name, wish in evaluation.wishes.items()}
    assert wishes["employeeId"] == "E20001"
    assert re.fullmatch(r"zvanderberg\d{3}@norhaven\.example", str(wishes["userPrincipalName"]))
    assert wishes["country"] == "FRA"
    assert wishes["usageLocation"] == "FR"
    assert wishes["businessPhones"] == ("+33 (4) 5550-0100",)
    assert wishes["onPremisesExtensionAttributes.extensionAttribute7"] == "J1"
    assert (wishes["userType"], evaluation.wishes["userType"].hold) == ("Member", "default")
    assert evaluation.enabled is True
    assert outbound.candidates("accountName", facts) == ["zvanderberg"]
    assert imported.chosen.source.mapping == "generic"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_silently(name):
    found = schema(name)
    imported = import_schema(found, "x")
    text = imported.report.text
    for mapping in rows(found):
        target = mapping["targetAttributeName"]
        assert re.search(rf"^- {re.escape(target)}\b", text, re.MULTILINE), target
    for directory in found["directories"]:
        assert f"directory {directory['name']} with" in text
    assert imported.kept == found
    holder = mapping_of(found)
    for entry in holder["metadata"]:
        assert entry["key"] in text
    for other in found["synchronizationRules"][0]["objectMappings"][1:]:
        assert other["name"] in text


@pytest.mark.parametrize("name", NAMES)
def test_the_documents_are_yaml_that_says_what_was_meant(name):
    imported = import_schema(schema(name), "x")
    for draft in (imported.inbound, imported.outbound):
        data = yaml.safe_load(draft.yaml())
        for section, rules in draft.sections.items():
            if rules:
                assert data[section] == json.loads(json.dumps(rules))
        for key, value in draft.top.items():
            assert data[key] == json.loads(json.dumps(value))


def pascal(data: Any) -> Any:
    """As old files write property names."""
    if isinstance(data, list):
        return [pascal(item) for item in data]
    if isinstance(data, dict):
        return {key[0].upper() + key[1:]: pascal(value) for key, value in data.items()}
    return data


@pytest.mark.parametrize("name", NAMES)
def test_old_files_load(name):
    raw = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    old = read_schema("\ufeff" + json.dumps(pascal(raw)))
    assert old == schema(name)
    assert import_schema(old, "x").outbound == import_schema(schema(name), "x").outbound


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("[]", "there are no synchronizationRules"),
        ('{"directories": []}', "there are no synchronizationRules"),
        ('{"synchronizationRules": []}', "no rule goes from an HR system"),
        ('{"synchronizationRules": [{"name": "R", "sourceDirectoryName": "Azure Active Directory", '
         '"targetDirectoryName": "customappsso"}]}', "Azure Active Directory to customappsso"),
        ('{"synchronizationRules": [{"name": "R", "sourceDirectoryName": "Workday", '
         '"targetDirectoryName": "Active Directory", "objectMappings": []}]}', "R maps no users"),
    ],
)  # fmt: skip
def test_what_is_no_inbound_schema_says_so(text, problem):
    with pytest.raises(SchemaError, match=re.escape(problem)) as caught:
        import_schema(read_schema(text), "x")
    assert "; " in str(caught.value) or "(" in str(caught.value)


def test_one_of_several_rules_is_chosen_by_name():
    def add(found: dict[str, Any]) -> None:
        found["synchronizationRules"].append({**found["synchronizationRules"][0], "name": "OTHER"})

    several = changed("workday-to-ad", add)
    with pytest.raises(SchemaError, match="choose one with --rule: USER_INBOUND_USER, OTHER"):
        import_schema(several, "x")
    with pytest.raises(SchemaError, match="there is no rule NONE; the file has USER_INBOUND"):
        import_schema(several, "x", "NONE")
    imported = import_schema(several, "x", "OTHER")
    assert imported.chosen.rule["name"] == "OTHER"
    assert "rule USER_INBOUND_USER" in imported.report.text


def test_an_unknown_operator_is_named():
    def change(found: dict[str, Any]) -> None:
        mapping_of(found)["scope"]["groups"][0]["clauses"][1]["operatorName"] = "IsMemberOf"

    with pytest.raises(SchemaError, match="the scoping operator IsMemberOf is not known"):
        import_schema(changed("workday-to-ad", change), "x")


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ({"type": "Constant", "name": "A \"b\"", "expression": '"A \\"b\\""'}, '"A \\"b\\""'),
        ({"type": "Constant", "name": "plain", "expression": "plain"}, '"plain"'),
        ({"type": "Constant", "name": "plain"}, '"plain"'),
        ({"type": "Attribute", "name": "BusinessTitle"}, "[title]"),
        ({"type": "Function", "name": "Not", "parameters": [
            {"key": "source", "value": {"type": "Attribute", "name": "BusinessTitle"}}]},
         "Not([title])"),
    ],
)  # fmt: skip
def test_sources_in_every_form(source, value):
    found = changed("workday-to-ad", lambda f: row(f, "extensionAttribute2").update(source=source))
    rule = import_schema(found, "x").outbound.sections["attributes"]["extensionAttribute2"]
    assert rule["value"] == value


def tree(name: str, *parts: tuple[str, str]) -> dict[str, Any]:
    """A function as its parameters alone say it: [A] is an attribute, else a text."""
    return {
        "type": "Function",
        "name": name,
        "parameters": [
            {"key": key, "value": {"type": "Attribute", "name": said[1:-1]}
             if said.startswith("[") else {"type": "Constant", "name": said}}
            for key, said in parts
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "expression"),
    [
        (tree("Replace", ("source", "[A]"), ("Find", "-"), ("Replacement", "_")),
         'Replace([A], "-", , , "_")'),
        (tree("Replace", ("source", "[A]"), ("oldValue", "-"), ("replacementValue", "_")),
         'Replace([A], "-", , , "_")'),
        (tree("Replace", ("source", "[A]"), ("regexPattern", "x"), ("Replacement", "_")),
         'Replace([A], , "x", , "_")'),
        (tree("Switch", ("source", "[A]"), ("switchValue", "0"), ("switchValue", "1")),
         'Switch([A], , "0", "1")'),
        (tree("Switch", ("source", "[A]"), ("defaultValue", "9"), ("switchValue", "0"),
              ("switchValue", "1")), 'Switch([A], "9", "0", "1")'),
        (tree("Mid", ("source", "[A]"), ("start", "1"), ("length", "2")), 'Mid([A], "1", "2")'),
        (tree("Append", ("source", "[A]"), ("suffix", "x")), 'Append([A], "x")'),
        (tree("Join", ("separator", " "), ("source", "[A]"), ("source", "[B]")),
         'Join(" ", [A], [B])'),
        (tree("Not", ("source", "[A]")), "Not([A])"),
        (tree("FormatDateTime", ("source", "[A]"), ("input", "x"), ("output", "y")),
         'FormatDateTime([A], , "x", "y")'),
        (tree("Frobnicate", ("a", "[A]"), ("b", "x")), 'Frobnicate([A], "x")'),
        (tree("Now"), "Now()"),
    ],
)  # fmt: skip
def test_a_tree_without_its_text_says_where_its_arguments_stand(source, expression):
    assert expression_of(source) == expression


@pytest.mark.parametrize(
    ("expression", "keys"),
    [
        ('Replace([A], "-", , , "_", , )', ["source", "Find", "Replacement"]),
        ('Replace([A], , "x", "g", "_", [B], "t")',
         ["source", "regexPattern", "regexGroupName", "Replacement", "replacementAttributeName",
          "template"]),
        ('Switch([A], , "0", "True", "1", "False")', ["source", *["switchValue"] * 4]),
        ('Mid([A], "1", "2")', ["source", "start", "length"]),
        ('Append([A], "x")', ["source", "suffix"]),
        ('Join(" ", [A], [B])', ["separator", "source", "source"]),
        ("Not([A])", ["source"]),
        ("AppRoleAssignments([A])", ["source"]),
    ],
)  # fmt: skip
def test_keys_are_those_that_entra_writes(expression, keys):
    found = source_of(parse(expression))
    assert [parameter["key"] for parameter in found["parameters"]] == keys
    again = expression_of(found | {"expression": None})
    assert same(again, expression, parse)


@pytest.mark.parametrize(
    ("change", "hand"),
    [
        ({"source": None, "defaultValue": None}, "neither a source nor a default value"),
        ({"source": {"type": "Function", "expression": "Frobnicate([Company])"}},
         "there is no function Frobnicate here"),
        ({"source": {"type": "Function", "expression": "Left([Company]"}}, "is never closed"),
        ({"source": {"type": "Function", "expression": "Left([Company])"}}, "Left has 1 arguments"),
        ({"source": {"type": "Attribute", "name": "x", "expression": "[IsSoftDeleted]"}},
         "[IsSoftDeleted] is Entra's own"),
        ({"source": {"type": "Attribute", "name": "Odd", "expression": "[Odd]"}},
         "Odd: not known; HR has to send"),
        ({"flowType": "ValueAddOnly"}, "ValueAddOnly only adds values"),
        ({"targetAttributeName": "assistant", "source": {"type": "Attribute", "name": "Company",
          "expression": "[Company]"}}, None),
    ],
)  # fmt: skip
def test_what_needs_a_hand_is_said(change, hand):
    found = changed("workday-to-ad", lambda f: row(f, "extensionAttribute2").update(change))
    imported = import_schema(found, "x")
    lines = imported.report.lines["hand"]
    assert hand is None or any(hand in line for line in lines), lines


def test_other_references_and_switched_off_flows_need_a_hand():
    def change(found: dict[str, Any]) -> None:
        found["directories"][1]["objects"][0]["attributes"].append(
            {"name": "assistant", "type": "Reference"}
        )
        row(found, "extensionAttribute2").update(
            targetAttributeName="assistant",
            source={"type": "Attribute", "name": "ManagerReference"},
        )
        mapping = mapping_of(found)
        mapping.update(enabled=False, flowTypes="Update")
        mapping["scope"]["inputFilterGroups"] = [{"name": "g", "clauses": []}]

    hand = "\n".join(import_schema(changed("workday-to-ad", change), "x").report.lines["hand"])
    assert "assistant = [ManagerReference]: a reference to another object" in hand
    assert "the mapping was switched off" in hand
    assert "flow Add was off" in hand
    assert "flow Delete was off" in hand
    assert "flow Update" not in hand
    assert "inputFilterGroups" in hand


def test_matching_in_order_of_precedence(tmp_path):
    def change(found: dict[str, Any]) -> None:
        row(found, "employeeID")["matchingPriority"] = 2
        row(found, "extensionAttribute1")["matchingPriority"] = 1

    imported = import_schema(changed("workday-to-ad", change), "x")
    _, outbound = written(tmp_path, imported)
    assert outbound.match_keys == (("extensionAttribute1",), ("employeeID",))

    def none(found: dict[str, Any]) -> None:
        row(found, "employeeID")["matchingPriority"] = 0

    imported = import_schema(changed("workday-to-ad", none), "x")
    assert "no attribute matches; write match:" in imported.report.text


def test_a_tree_that_says_something_else_is_noticed():
    def change(found: dict[str, Any]) -> None:
        tree = row(found, "title")["source"]
        tree["expression"] = 'Switch([Company], [Company], "", "N/A")'

    text = import_schema(changed("workday-to-ad", change), "x").report.text
    assert "title: its parameters and its expression differ in BusinessTitle, Company" in text
