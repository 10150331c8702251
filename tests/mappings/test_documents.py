"""Documents: found, merged, and refused with file, line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings.documents import MappingError, load_inbound, load_outbound

CORE = """\
match: employeeID
attributes:
  employeeID: {value: '[workerId]', max: 16, long: refuse, required: true}
"""


def _write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["generic", "workday", "successfactors"])
def test_ours_cover_the_vocabulary(name):
    from mappings.vocabulary import FACTS

    assert {rule.rule.name for rule in load_inbound(name).rules} == set(FACTS)


def test_a_folder_overrides_ours_and_may_extend_it(tmp_path):
    _write(tmp_path, "workday", "extends: workday\nfacts:\n  office: '\"HQ\"'\n  fax:\n")
    inbound = load_inbound("workday", [tmp_path])
    facts = inbound.facts({"title": "Clerk", "phoneNumbers": [{"type": "fax", "value": "1"}]})
    assert facts.values["office"] == "HQ"
    assert facts.values["title"] == "Clerk"
    assert "fax" not in facts.values
    assert facts.origins["office"].rule == f"{tmp_path}/workday.yaml:3 office"
    assert facts.origins["title"].rule.startswith("mappings/generic.yaml:")
    assert facts.origins["title"].reads == ("title",)


def test_what_ours_extends_can_be_overridden_too(tmp_path):
    _write(tmp_path, "generic", "extends: generic\nfacts:\n  division: '\"all\"'\n")
    assert load_inbound("workday", [tmp_path]).facts({}).values == {"division": "all"}


def test_a_rule_keeps_what_the_later_file_does_not_say(tmp_path):
    _write(
        tmp_path,
        "active_directory",
        "extends: active_directory\nattributes:\n  title: '[jobFamily]'\n"
        '  company: {hold: default}\ncontainer: \'Join("", "OU=", EscapeDNComponent([city]))\'\n',
    )
    outbound = load_outbound("active_directory", [tmp_path])
    evaluation = outbound.evaluate({"jobFamily": "x" * 200, "company": "N", "city": "a,b"})
    assert evaluation.wishes["title"].value == "x" * 128
    assert evaluation.wishes["title"].cut
    assert evaluation.wishes["company"].hold == "default"
    assert evaluation.container is not None
    assert evaluation.container.value == r"OU=a\,b"


def test_own_facts_go_from_inbound_to_outbound(tmp_path):
    _write(
        tmp_path,
        "in",
        "schemas: {sf: 'urn:x:2.0:User'}\nfacts:\n"
        "  badge: {value: '[sf:customFields[type eq \"custom03\"].value]', type: text}\n",
    )
    _write(tmp_path, "out", f"own_facts: [badge]\n{CORE}  pager: '[badge]'\n")
    document = {"urn:x:2.0:user": {"customFields": [{"type": "custom03", "value": 77}]}}
    facts = load_inbound("in", [tmp_path]).facts(document)
    assert facts.values == {"badge": "77"}
    wishes = load_outbound("out", [tmp_path]).evaluate(facts.values).wishes
    assert {name: wish.value for name, wish in wishes.items()} == {"pager": "77"}


@pytest.mark.parametrize(
    ("text", "line", "problem", "remedy"),
    [
        ("facts:\n  titel: '[title]'\n", 2, "unknown fact titel", "did you mean title?"),
        ("facts:\n  title: '[title'\n", 2, "never closed", "add the closing ]"),
        ("facts:\n  title:\n    value: 'Jion([a])'\n", 3, "no function Jion", "did you mean Join?"),
        ("facts:\n  title:\n    valeu: '[a]'\n", 3, "unknown key facts.title.valeu", "known here"),
        ("facts:\n  title: {none: [x]}\n", 2, "has no value", "add value"),
        ("facts:\n  title: [a]\n", 2, "not a rule", "quotation marks"),
        ("facts:\n  title: true\n", 2, "not a rule", "quotation marks"),
        ("facts:\n  title:\n", 2, "title is empty", "remove it"),
        ("facts:\n  title: {value: '[a]', none: x}\n", 2, "Not a valid list", "docs/mappings.md"),
        ("facts:\n  title: {value: '[a]', type: date}\n", 2, "is of type text", "leave out type"),
        ("facts:\n  badge: {value: '[a]', type: txt}\n", 2, "Must be one of", "docs/mappings.md"),
        ("facts:\n  a b: {value: '[a]', type: text}\n", 2, "cannot name a fact", "letters"),
        ("fact:\n  a: b\n", 1, "unknown key fact", "known here: extends, schemas"),
        ("schemas: {}\n", 1, "has no facts", "extends: generic"),
        ("facts: []\n", 1, "facts: Not a valid mapping", "docs/mappings.md"),
        ("- a\n", 1, "not a mapping document", "docs/mappings.md"),
        ("", 1, "not a mapping document", "docs/mappings.md"),
        ("extends: nothing\nfacts: {}\n", 1, "there is no mapping nothing", "extend one of"),
        ("extends: ../in\n", 1, "extends itself", "break it"),
        ("facts:\n  title: 'a\n\n", 4, "not YAML", "quotation marks"),
        ("facts:\n  title: '[a]'\n  title: '[b]'\n", 3, "already given in line 2", "keep one"),
    ],
)
def test_inbound_mistakes_name_file_line_and_remedy(tmp_path, text, line, problem, remedy):
    path = _write(tmp_path, "in", text)
    with pytest.raises(MappingError) as caught:
        load_inbound("in", [tmp_path])
    error = caught.value
    assert (error.file, error.line) == (str(path), line)
    assert problem in error.problem
    assert remedy in error.remedy
    where = f"{error.file}:{error.line}" + f":{error.column}" * bool(error.column)
    assert str(error) == f"{where}: {error.problem}; {error.remedy}"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("attributes: {a: '[title]'}\n", 1, "match is missing"),
        ("match: b\nattributes: {a: '[title]'}\n", 1, "b is not in attributes"),
        (f"{CORE}  title: '[titel]'\n", 4, "unknown fact [titel]"),
        (f"{CORE}  title: '[name.givenName]'\n", 4, "unknown fact [name.givenName]"),
        (f"{CORE}  title: {{value: '[title]', max: 0}}\n", 4, "attributes.title.max"),
        (f"{CORE}  title: {{value: '[title]', max: ten}}\n", 4, "attributes.title.max"),
        (f"{CORE}  title: {{value: '[title]', hold: keep}}\n", 4, "attributes.title.hold"),
        (f"{CORE}  title: {{value: '[title]', required: yes}}\n", 4, "attributes.title.required"),
        (f"{CORE}references:\n  manager: '[manger]'\n", 5, "unknown fact [manger]"),
        (f"{CORE}container: '[ou]'\n", 4, "unknown fact [ou]"),
        (f"{CORE}names:\n  cn:\n    - '[displayName]'\n    - '[dn]'\n", 7, "unknown fact [dn]"),
        (f"{CORE}names:\n  upn: ['[mail]']\n", 5, "names.upn"),
        (f"{CORE}names:\n  cn: []\n", 5, "names.cn"),
        (f"{CORE}extra: 1\n", 4, "unknown key extra"),
    ],
)
def test_outbound_mistakes_name_the_line(tmp_path, text, line, problem):
    _write(tmp_path, "out", text)
    with pytest.raises(MappingError) as caught:
        load_outbound("out", [tmp_path])
    assert problem in caught.value.problem
    assert caught.value.line == line
    assert caught.value.remedy


def test_a_mistake_in_an_inherited_file_is_reported_there(tmp_path):
    _write(tmp_path, "base", "facts:\n  # a comment\n  title: 'Oops('\n")
    _write(tmp_path, "in", "extends: base\nfacts:\n  title: {none: [x]}\n")
    with pytest.raises(MappingError) as caught:
        load_inbound("in", [tmp_path])
    assert caught.value.file.endswith("base.yaml")
    assert caught.value.line == 3


def test_circles_and_missing_documents(tmp_path):
    _write(tmp_path, "a", "extends: b\n")
    _write(tmp_path, "b", "extends: a\n")
    with pytest.raises(MappingError, match="extends itself in a circle"):
        load_inbound("a", [tmp_path])
    with pytest.raises(MappingError, match="there is no mapping sap; use one of"):
        load_inbound("sap", [tmp_path])
