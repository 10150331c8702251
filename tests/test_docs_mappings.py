"""docs/mappings.md does what it says: its documents load, its examples give what they show."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mappings.documents import load_inbound, load_outbound
from mappings.language.expression import FUNCTIONS, Expression, Given, Names
from mappings.language.reference import examples, renewed
from mappings.language.values import text
from mappings.paths import Document, parse_path
from mappings.review import review_outbound
from mappings.scope import OPERATORS
from mappings.targets import KINDS
from mappings.testing import read_cases
from mappings.trying import evaluate
from mappings.vocabulary import FACTS

PAGE = (Path(__file__).parents[1] / "docs" / "mappings.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```(?:yaml|json|csv) (\S+)\n(.*?)```", PAGE, re.DOTALL))
EXAMPLES = re.findall(r"`([A-Z]\w*\([^`]*\))` → `([^`]*)`", PAGE)
GIVEN = Given(datetime(2026, 3, 16, 9, tzinfo=UTC), "seed", "norhaven.example")


@pytest.fixture
def folder(tmp_path):
    for name, body in BLOCKS.items():
        if "." in name:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(body, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("source", "shown"), EXAMPLES, ids=[source for source, _ in EXAMPLES])
def test_example(source, shown):
    tables = {"offices": {"Lyon": {"value": "LYS"}}}
    outcome = Expression(source, Names(parse_path, tables)).run(
        Document(json.loads(BLOCKS["resource"])), GIVEN
    )
    assert outcome.problem is None
    assert text(outcome.value) == shown


def test_the_reference_is_that_of_the_docstrings():
    assert renewed(PAGE) == PAGE, "run: python -m mappings.language.reference docs/mappings.md"
    assert [f.name for f in FUNCTIONS.values() if not examples(f) and f.name != "NewPassword"] == []


def test_every_fact_is_named():
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


def test_the_test_beside_it_passes(folder):
    (case,) = read_cases(folder / "tests" / "first.yaml", [folder])
    assert case.run() == []


@pytest.mark.parametrize(
    ("facts", "inside"),
    [
        ({"workerType": "Contingent", "country": "FR", "contractEndDate": "2026-03-16"}, True),
        ({"workerType": "Contingent", "country": "FR", "contractEndDate": "2026-03-15"}, False),
        ({"workerType": "Contingent", "country": "IT", "contractEndDate": "2026-12-31"}, False),
        ({"department": "Workshop", "mail": "zoe@norhaven.example"}, True),
        ({"department": "Workshop"}, False),
    ],
)
def test_the_scope_lets_in_whom_it_says(folder, facts, inside):
    verdict = load_outbound("contractors", [folder], "entra_id").evaluate(facts, GIVEN).scope
    assert verdict.inside is inside
    for operator in OPERATORS:
        assert re.search(
            rf"`{re.escape(operator)}`|`{re.escape(operator.replace(' ', '_'))}`", PAGE
        )


def test_the_first_expression(tmp_path):
    match = re.search(r"mappings eval '(Switch.*?)' --input", PAGE)
    line = {"expression": match[1], "input": {"city": "lyon"}}
    assert evaluate(line, GIVEN.now, "") == {"value": "Quai Nord"}
    batch = re.search(r"^    (\{\"expression.*?\}\})$", PAGE, re.DOTALL | re.MULTILINE)
    assert evaluate(json.loads(batch[1]), GIVEN.now, "") == {"value": "zoe@norhaven.example"}


def test_check_says_what_the_page_shows(folder):
    text = BLOCKS["active_directory.yaml"].replace("{ value: '[badge]', max: 64 }", "'[badge]'")
    (folder / "active_directory.yaml").write_text(text, encoding="utf-8")
    outbound = load_outbound("active_directory", [folder], "active_directory")
    found = [str(f) for f in review_outbound(outbound, KINDS["active_directory"])]
    shown = re.search(r"warn  mappings/(active_directory.yaml:.*)", PAGE)
    assert f"{folder}/{shown[1]}" in found


def test_a_custom_field_becomes_the_hire_date(folder):
    urn = "urn:ietf:params:scim:schemas:extension:successfactors:2.0:User"
    resource = {urn: {"customFields": [{"type": "custom02", "value": "2021-04-01"}]}}
    facts = load_inbound("successfactors", [folder]).facts(resource)
    assert facts.values == {"hireDate": "2021-04-01"}
