"""Back to Entra: what was not changed is the same to the letter, what was is written anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.documents import load_inbound, load_outbound
from mappings.entra.exporting import export_schema
from mappings.entra.flipping import flipped
from mappings.entra.importing import import_schema
from mappings.entra.rewriting import NotExportable, Rewriter, short_enough
from mappings.language.expression import Expression, Names
from mappings.language.grammar import parse
from mappings.language.syntax import Attribute, written
from mappings.paths import Document, parse_path
from mappings.targets import ACTIVE_DIRECTORY, ENTRA_ID, Kind
from tests.mappings.entra.schemas import (
    NAMES,
    changed,
    mapping_of,
    row,
    rows,
    schema,
    there_and_back,
)


@pytest.mark.parametrize("name", NAMES)
def test_there_and_back_is_the_same(tmp_path, name):
    exported, report = there_and_back(tmp_path, schema(name))
    assert exported == schema(name)
    assert report.lines["changed"] == []
    again, _ = there_and_back(tmp_path / "again", exported)
    assert again == exported


@pytest.mark.parametrize("name", NAMES)
def test_import_export_import_is_stable(tmp_path, name):
    first = import_schema(schema(name), "x")
    exported, _ = there_and_back(tmp_path, schema(name))
    second = import_schema(exported, "x")
    assert second.inbound.yaml() == first.inbound.yaml()
    assert second.outbound.yaml() == first.outbound.yaml()
    assert second.report.text == first.report.text


def replace(folder: Path, old: str, new: str) -> None:
    path = folder / "x_out.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def edited(tmp_path: Path, *pairs: tuple[str, str], name: str = "workday-to-ad") -> Any:
    def edit(folder: Path) -> None:
        for old, new in pairs:
            replace(folder, old, new)

    return there_and_back(tmp_path, schema(name), edit)


def test_a_changed_rule_goes_out_changed_and_nothing_else(tmp_path):
    exported, report = edited(
        tmp_path,
        ("givenName: { value: '[FirstName]', max: 64 }",
         "givenName: { value: 'ToUpper([FirstName])', hold: seed, max: 64 }"),
    )  # fmt: skip
    before = schema("workday-to-ad")
    assert row(exported, "givenName")["source"] == {
        "expression": "ToUpper([FirstName])",
        "name": "ToUpper",
        "parameters": [
            {
                "key": "source",
                "value": {
                    "expression": "[FirstName]", "name": "FirstName", "parameters": [],
                    "type": "Attribute",
                },
            }
        ],
        "type": "Function",
    }  # fmt: skip
    assert row(exported, "givenName")["flowType"] == "ObjectAddOnly"
    assert report.lines["changed"] == ["givenName = ToUpper([FirstName])"]
    row(exported, "givenName").update(row(before, "givenName"))
    assert exported == before


def test_rules_that_are_new_or_gone(tmp_path):
    exported, report = edited(
        tmp_path,
        ("  facsimileTelephoneNumber: { value: '[fax]', max: 64, long: refuse }\n", ""),
        ("attributes:\n", "attributes:\n  info: '\"made by \" & [displayName]'\n"),
    )
    targets = [r["targetAttributeName"] for r in rows(exported)]
    assert "facsimileTelephoneNumber" not in targets
    assert targets[-1] == "info"
    new = rows(exported)[-1]
    assert new["source"]["expression"] == 'Append("made by ", [PreferredNameData])'
    assert (new["flowType"], new["matchingPriority"]) == ("Always", 0)
    assert "facsimileTelephoneNumber: taken out" in report.lines["changed"]


def test_our_own_words_are_spelled_out(tmp_path):
    exported, report = edited(
        tmp_path,
        ("[FirstName]', max: 64", "FirstOf([FirstName], [LastName], \"?\")', max: 64"),
        ("enabled: 'Switch([hrActive], , \"0\", \"False\", \"1\", \"True\")'",
         "enabled: "
         "'And([hrActive] = \"1\", Or([company] = \"A\", In([city], \"B\", \"C\")))'"),
        ("title: { value: 'Switch([title], [title], \"\", \"N/A\")'",
         "title: { value: 'Ascii([title])'"),
    )  # fmt: skip
    assert row(exported, "givenName")["source"]["expression"] == (
        'Switch([FirstName], [FirstName], "", Switch([LastName], [LastName], "", "?"))'
    )
    assert row(exported, "accountDisabled")["source"]["expression"] == (
        'Switch(IIF([Active] = "1", IIF([Company] = "A", "True", IIF(IsPresent([Municipality]), '
        'IIF([Municipality] = "B", "True", IIF([Municipality] = "C", "True", "False")), "False")), '
        '"False"), , "True", "False", "False", "True")'
    )
    assert row(exported, "title") == row(schema("workday-to-ad"), "title")  # as it was
    assert "title: Entra has no Ascii" in report.lines["hand"]


def test_a_changed_scope(tmp_path):
    exported, report = edited(
        tmp_path,
        ("operator: 'IS NOT NULL'", "operator: 'STARTS WITH'\n          value: Cook.1"),
    )
    groups = mapping_of(exported)["scope"]["groups"]
    assert groups[1]["clauses"][1] == {
        "operatorName": "REGEX MATCH", "sourceOperandName": "BusinessTitle",
        "targetOperand": {"values": ["^Cook\\.1"]},
    }  # fmt: skip
    assert groups[0] == mapping_of(schema("workday-to-ad"))["scope"]["groups"][0]
    exported, report = edited(
        tmp_path / "2", ("operator: 'IS NOT NULL'", "operator: BEFORE\n          value: today")
    )
    assert len(mapping_of(exported)["scope"]["groups"]) == 1
    assert any("Entra has no BEFORE" in line for line in report.lines["hand"])


def test_other_things_entra_cannot_say(tmp_path):
    _, report = edited(
        tmp_path,
        ("match: employeeID", "match: [employeeID, [sn, givenName]]"),
        ("mobile: { value: '[mobile]'", "mobile: { value: '[mobile]', absent: clear"),
        ("sn: { value: '[LastName]', max: 64 }", "sn: { value: '[LastName]', hold: watch }"),
        ("absent: { default: '\"Headquarters\"', hold: seed }", "absent: { default: '[city]' }"),
    )  # fmt: skip
    hand = "\n".join(report.lines["hand"])
    assert "match sn and givenName: Entra matches by one only" in hand
    assert "sn: hold: watch has no like in Entra" in hand
    assert "physicalDeliveryOfficeName: a default is a text" in hand
    assert "mobile: absent: clear needs flowNullValues" in "\n".join(report.lines["changed"])


@pytest.mark.parametrize(
    ("inbound", "outbound", "kind"),
    [("workday", "active_directory", ACTIVE_DIRECTORY), ("generic", "entra_id", ENTRA_ID)],
)
def test_what_was_never_imported_can_go_out(inbound: str, outbound: str, kind: Kind):
    documents = load_inbound(inbound), load_outbound(outbound)
    exported, report = export_schema(*documents, kind)
    assert row(exported, "title" if kind is ACTIVE_DIRECTORY else "jobTitle")["source"] == {
        "expression": "[title]", "name": "title", "parameters": [], "type": "Attribute"
    }  # fmt: skip
    told = {line.partition(" ")[0].rstrip(":") for lines in report.lines.values() for line in lines}
    targets = {"telephoneNumber" if name == "businessPhones" else name
               for name in documents[1].attribute_names}  # fmt: skip
    graph = {"mobilePhone": "mobile", "faxNumber": "facsimileTelephoneNumber",
             "officeLocation": "physicalDeliveryOfficeName"}  # fmt: skip
    assert {graph.get(name, name) for name in targets} <= told
    again = import_schema(json.loads(json.dumps(exported)), "x")
    assert again.chosen.target is kind


@pytest.mark.parametrize(
    ("disabled", "enabled"),
    [
        ('Switch([a], , "0", "True", "1", "False")', 'Switch([a], , "0", "False", "1", "True")'),
        ('Switch([n], "False", "0", "TRUE")', 'Switch([n], "True", "0", "FALSE")'),
        ('IIF([a] = "1", "True", IIF([b] = "1", "False", "True"))',
         'IIF([a] = "1", "False", IIF([b] = "1", "True", "False"))'),
        ("Not([active])", "[active]"),
        ("[off]", "Not([off])"),
        ("Left([x], 4)", 'Switch(Left([x], 4), , "True", "False", "False", "True")'),
        ("Not(IsPresent([x]))",
         'Switch(Not(IsPresent([x])), , "True", "False", "False", "True")'),
        ('[a] = "1"', 'Switch([a] = "1", , "True", "False", "False", "True")'),
        ('IIF([a] = "1", "True", [b])',
         'Switch(IIF([a] = "1", "True", [b]), , "True", "False", "False", "True")'),
    ],
)  # fmt: skip
def test_disabled_and_enabled_are_opposites(disabled, enabled):
    assert written(flipped(parse(disabled))) == enabled
    assert written(flipped(parse(enabled))) == disabled


_CONDITION = st.recursive(
    st.sampled_from(['[a] = "1"', '[b] <> "1"', "IsPresent([c])", "[a] > 0", "CBool([b])", "[c]"]),
    lambda inner: st.one_of(
        st.builds("And({}, {})".format, inner, inner),
        st.builds("Or({}, {})".format, inner, inner),
        st.builds("Not({})".format, inner),
        st.just('In([a], "1", [b])'),
        st.builds("Not(And({}, {}))".format, inner, inner),
    ),
    max_leaves=5,
)


@settings(deadline=None)
@given(_CONDITION, st.fixed_dictionaries({}, optional={
    name: st.sampled_from(["0", "1", "2", "", "True"]) for name in "abc"
}))  # fmt: skip
def test_spelled_out_it_means_the_same(condition, document):
    names = Names(parse_path, {})
    ours = f'IIF({condition}, FirstOf([a], [b], "y"), "n")'
    theirs = written(Rewriter(lambda name: Attribute(0, name)).node(parse(ours)))
    for word in ("And(", "Or(", "In(", "FirstOf("):
        assert word not in theirs
    one, other = (Expression(text, names).run(Document(document)) for text in (ours, theirs))
    assert (one.value, one.problem) == (other.value, other.problem)


def test_what_grows_too_long_is_not_said():
    conditions = ", ".join(f'Or([a] = "{n}", [b] = "{n}")' for n in range(60))
    node = parse(f'IIF(And({conditions}), "y", "n")')
    spelled_out = Rewriter(lambda name: Attribute(0, name)).node(node)
    with pytest.raises(NotExportable, match="longer than 10000 characters"):
        short_enough(spelled_out)


def test_a_row_that_was_not_importable_goes_back_untouched(tmp_path):
    source = {"type": "Function", "name": "Frob", "expression": "Frob([Company])", "parameters": []}
    found = changed("workday-to-ad", lambda f: row(f, "company").update(source=source))
    exported, report = there_and_back(tmp_path, found)
    assert exported == found
    assert "company: as it was imported" in report.lines["kept"]
