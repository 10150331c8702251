"""docs/mappings.md does what it says: its documents load, its examples give what they show."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mappings.documents import load_inbound, load_outbound
from mappings.expression import Scope
from mappings.functions import FUNCTIONS
from mappings.parser import parse
from mappings.paths import Document
from mappings.values import text
from mappings.vocabulary import FACTS

PAGE = (Path(__file__).parents[1] / "docs" / "mappings.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```(?:yaml|json) (\S+)\n(.*?)```", PAGE, re.DOTALL))
EXAMPLES = re.findall(r"`([A-Z]\w*\([^`]*\))` → `([^`]*)`", PAGE)


@pytest.fixture
def folder(tmp_path):
    for name, body in BLOCKS.items():
        if name.endswith(".yaml"):
            (tmp_path / name).write_text(body, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("source", "shown"), EXAMPLES, ids=[source for source, _ in EXAMPLES])
def test_example(source, shown):
    scope = Scope(Document(json.loads(BLOCKS["resource"])))
    assert text(parse(source).root.evaluate(scope)) == shown
    assert scope.problems == []


def test_every_function_and_fact_is_named():
    rows = {name.lower() for name in re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE)}
    assert rows == set(FUNCTIONS)
    assert len(EXAMPLES) > len(FUNCTIONS)
    assert [fact for fact in FACTS if not re.search(rf"\b{fact}\b", PAGE)] == []


def test_the_documents_give_what_the_page_shows(folder):
    facts = load_inbound("workday", [folder]).facts(json.loads(BLOCKS["resource"])).values
    assert facts == json.loads(BLOCKS["facts"])
    outbound = load_outbound("active_directory", [folder])
    account = outbound.candidates("accountName", facts)[0]
    names = {"accountName": account, "userPrincipalName": f"{account}@norhaven.example"}
    evaluation = outbound.evaluate({**facts, **names})
    assert {name: wish.value for name, wish in evaluation.wishes.items()} == json.loads(
        BLOCKS["account"]
    )
    assert f"`{evaluation.container.value}`" in PAGE
    assert evaluation.problems == []


def test_a_custom_field_becomes_the_hire_date(folder):
    urn = "urn:ietf:params:scim:schemas:extension:successfactors:2.0:User"
    resource = {urn: {"customFields": [{"type": "custom02", "value": "2021-04-01"}]}}
    facts = load_inbound("successfactors", [folder]).facts(resource)
    assert facts.values == {"hireDate": "2021-04-01"}
