"""What is found before a mapping is used: errors stop it, warnings are shown; all have a place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app import load_settings
from configured_mappings import mapping_findings
from mappings.documents import MappingError, load_inbound, load_outbound
from mappings.review import review_inbound, review_outbound, unfed_facts
from mappings.targets import ACTIVE_DIRECTORY, ENTRA_ID, KINDS
from tests.mappings.test_documents import CORE

SCHEMAS: dict[str, dict[str, Any]] = {
    "urn:ietf:params:scim:schemas:core:2.0:User": {
        "title": [], "name": ["givenName", "familyName"], "emails": ["value", "type"],
    },
    "urn:muster:scim:schemas:extension:worker:1.0:User": {"hireDate": []},
}  # fmt: skip


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def outbound_findings(folder: Path, body: str, kind: str = "active_directory") -> list[str]:
    write(folder, "out", CORE + body)
    found = review_outbound(load_outbound("out", [folder]), KINDS[kind])
    return [str(f).removeprefix(f"{folder}/out.yaml:") for f in found]


@pytest.mark.parametrize(
    ("rule", "at", "problem"),
    [
        ('Switch([city], , "a", "1", "b", "2", "a", "3")', '"a"', 'the key "a" stands there twice'),
        ('Switch(ToLower([city]), , "A", "1")', '"A"', 'the key "A" is never reached: ToLower'),
        ('Switch(StripSpaces([city]), , "a b", "1")', '"a b"', "StripSpaces cannot give it"),
        ('Switch(IsPresent([city]), , "yes", "1")', '"yes"', "IsPresent cannot give it"),
        ('Switch([city] = "a", , "true", "1")', '"true"', 'the key "true" is never reached'),
        ('Switch("city", , "a", "1")', '"city"', "Switch on a text that never varies"),
        ('IIF("yes" = "no", "1", [city])', '"yes"', "a comparison of two constants"),
        ('IIF("1", [city], "2")', '"1"', "the second branch is never taken"),
        ('Coalesce([city], "none", [title])', "[title]", "never reached: a constant before it"),
        ('Coalesce(Switch([city], "", "a", "b"), "c")', "Switch", 'this may give ""'),
        ("Not([active])", "Not", "Not is True when nothing is there"),
        ('Replace([city], , "(?<code>[0-9]+ )(?<rest>.*)", , "${code}")', '"(?',
         "the group code catches a blank"),
        ('IIF(DateDiff("d", Now(), CDate([hireDate])) <= 0, "a", "b")', "DateDiff", "toward zero"),
        ('IIF(0 >= DateDiff("d", Now(), CDate([hireDate])), "a", "b")', "DateDiff", "toward zero"),
        ('switch([city], , "a", "1")', "switch", "switch is spelt Switch"),
        ("IIF([active], [city], IgnoreObjectFlow)", "Ignore", "no more than this attribute here"),
    ],
)  # fmt: skip
def test_what_is_probably_not_meant(tmp_path, rule, at, problem):
    (found,) = outbound_findings(tmp_path, f"  x: '{rule}'\n")
    assert found.startswith(f"4:{7 + rule.rindex(at)}: x: ")
    assert problem in found
    assert found.partition("; ")[2]


@pytest.mark.parametrize(
    "rule",
    ['Switch([title], , "a", "1", "A", "2")', 'Switch(ToLower([title]), , "a b", "1", "", "2")',
     'Switch(IsPresent([title]), "0", "True", "1")', 'IIF([title] = "a", "1", "2")',
     'Coalesce([title], Lookup([city], "t"), "")',
     'IIF(DateDiff("d", Now(), [hireDate]) <= 7, 1, 2)',
     'Replace([title], , "(?<code>[0-9]+) ", , "${code}")', "Not(IsPresent([title]))"],
)  # fmt: skip
def test_what_is_fine(tmp_path, rule):
    (tmp_path / "t.csv").write_text("city,site\nLyon,LYS\n")
    assert outbound_findings(tmp_path, f"  x: '{rule}'\ntables: {{t: t.csv}}\n") == []


@pytest.mark.parametrize(
    ("rule", "may"),
    [
        ("'[department]'", True),
        ("{value: '[department]', max: 64}", False),
        ("{value: '[department]', max: 65}", True),
        ("'Left([department], 64)'", False),
        ("'Left([department], 65)'", True),
        ("'Left(Mid([department], 1, 50), 99)'", False),
        ('\'Switch([department], "", "a", "b", "c", Left([division], 10))\'', False),
        ('\'Switch([department], "", "a", [division])\'', True),
        ("'IIF(IsPresent([department]), \"a\", [division])'", True),
        ('\'Join("-", Left([department], 30), Left([division], 30), "abc")\'', True),
        ('\'Join("-", Left([department], 30), Left([division], 30), "ab")\'', False),
        ("'Left([department], 60) & \"abcd\"'", False),
        ("'Left([department], 60) & \"abcde\"'", True),
        ("'AccountName([department])'", False),
        ("'ToUpper(Country([country], \"alpha2\"))'", False),
        ("'ToUpper([department])'", True),
        ("'RandomString(64, 1, 1, 1, 1)'", False),
        ("'Guid()'", False),
        ("'IsPresent([department])'", False),
        ("{value: '[active]', type: bool}", False),
    ],
)
def test_rules_that_can_exceed_the_target_are_found(tmp_path, rule, may):
    found = outbound_findings(tmp_path, f"  company: {rule}\n")
    assert bool(found) is may
    assert all("64" in finding for finding in found)


def test_names_in_active_directory_have_limits_too(tmp_path):
    body = "names:\n  cn: ['[mail]', 'Left([mail], 64)']\n  accountName:\n    - '[title]'\n"
    found = outbound_findings(tmp_path, body)
    assert [finding.partition(": ")[0] for finding in found] == ["5:9", "7:8"]


@pytest.mark.parametrize(
    ("body", "kind", "line", "problem", "remedy"),
    [
        ("  Title: '[title]'\n  title: '[title]'\n", "active_directory", 5, "has two owners",
         "remove"),
        ("  manager: '[title]'\nreferences: {manager: '[managerPerson]'}\n", "active_directory", 5,
         "has two owners", "remove"),
        ("  userAccountControl: '512'\n", "active_directory", 4, "not a rule's to write",
         "enabled:"),
        ("  accountEnabled: '[active]'\n", "entra_id", 4, "not a rule's to write", "enabled:"),
        ("  cn: '[displayName]'\n", "active_directory", 4, "not a rule's to write", "names: cn:"),
        ("  unicodePwd: '\"secret\"'\n", "active_directory", 4, "not a rule's to write",
         "NewPassword"),
        (f"  company: '\"{'x' * 65}\"'\n", "active_directory", 4, "longer than the 64", "cut it"),
    ],
)  # fmt: skip
def test_some_things_never_start(tmp_path, body, kind, line, problem, remedy):
    write(tmp_path, "out", CORE + body)
    with pytest.raises(MappingError) as caught:
        load_outbound("out", [tmp_path], kind)
    assert caught.value.line == line
    assert caught.value.column
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


def test_a_password_may_be_asked_for(tmp_path):
    assert outbound_findings(tmp_path, "  unicodePwd: 'NewPassword()'\n") == []


def test_a_chosen_value_is_for_new_accounts(tmp_path):
    rule = "'SelectUniqueValue(Left([title], 9), Left([title], 8))'"
    (found,) = outbound_findings(tmp_path, f"  mailNickname: {rule}\n")
    assert "add hold: seed" in found
    assert outbound_findings(tmp_path, f"  mailNickname: {{value: {rule}, hold: seed}}\n") == []


def test_a_matching_attribute_is_not_chosen(tmp_path):
    write(tmp_path, "out", "match: id\nattributes: {id: 'SelectUniqueValue([title], [city])'}\n")
    with pytest.raises(MappingError, match="SelectUniqueValue cannot choose it"):
        load_outbound("out", [tmp_path])


def test_misspelt_attributes_of_a_target_get_the_nearest(tmp_path):
    (found,) = outbound_findings(tmp_path, "  jobTitel: {value: '[title]', max: 9}\n", "entra_id")
    assert "entra_id knows no jobTitel; did you mean jobTitle?" in found
    assert outbound_findings(tmp_path, "  contosoBadge: '[title]'\n", "entra_id") == []


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("[titel]", "has no titel; did you mean title?"),
        ("[name.givenname]", None),
        ("[name.given]", "name has no given; did you mean givenName?"),
        ("[emails[type eq \"work\"].value]", None),
        ("[worker:hierDate]", "has no hierdate; did you mean hireDate?"),
        ("[urn:muster:scim:schemas:extension:workr:1.0:User:hireDate]", "no schema is called"),
        ("[urn:contoso:employee:badge]", None),
        ("Coalesce([title], [titel])", "has no titel"),
    ],
)  # fmt: skip
def test_inbound_paths_that_no_schema_has(tmp_path, rule, problem):
    text = (
        "schemas: {worker: 'urn:muster:scim:schemas:extension:worker:1.0:User'}\n"
        f"facts:\n  title: '{rule}'\n"
    )
    write(tmp_path, "in", text)
    found = [str(f) for f in review_inbound(load_inbound("in", [tmp_path]), SCHEMAS)]
    assert [problem in f for f in found] == ([] if problem is None else [True])


@pytest.mark.parametrize("call", ["Now()", 'SelectUniqueValue("a", "b")', "DefaultDomain()"])
def test_facts_are_not_dated(tmp_path, call):
    write(tmp_path, "in", f"facts:\n  title: '{call}'\n")
    with pytest.raises(MappingError, match="has no place in an inbound mapping"):
        load_inbound("in", [tmp_path])


def test_facts_that_no_source_says(tmp_path):
    write(tmp_path, "in", "facts:\n  title: '[title]'\n  badge: {value: '[b]', type: text}\n")
    write(tmp_path, "out", f"own_facts: [badge, shoe]\n{CORE}  x: '[badge] & [shoe] & [cn]'\n")
    inbounds = {"hr": load_inbound("in", [tmp_path])}
    (found,) = unfed_facts(inbounds, [load_outbound("out", [tmp_path])])
    assert "no source says [shoe]" in str(found)
    assert f"{tmp_path}/out.yaml:5:17: x:" in str(found)


def test_all_mistakes_of_a_document_are_told_at_once(tmp_path):
    write(tmp_path, "out", f"{CORE}  a: 'Lft([title], 1)'\n  b: '[titel]'\ncontainer: 'Oops('\n")
    with pytest.raises(MappingError) as caught:
        load_outbound("out", [tmp_path])
    errors = (caught.value, *caught.value.others)
    assert [(error.line, error.column) for error in errors] == [(4, 7), (5, 7), (6, 18)]


def test_ours_have_nothing_to_remark(tmp_path):
    settings = load_settings({"MUSTER_CONFIG": str(_muster(tmp_path))})
    inbounds = {name: load_inbound(name) for name in ("generic", "workday", "successfactors")}
    outbounds = {
        name: load_outbound(kind.name, kind=kind.name)
        for name, kind in (("ad", ACTIVE_DIRECTORY), ("entra", ENTRA_ID))
    }
    assert mapping_findings(settings, inbounds, outbounds) == []


def _muster(folder: Path) -> Path:
    example = Path(__file__).parents[2] / "muster.example.yaml"
    path = folder / "muster.yaml"
    text = example.read_text(encoding="utf-8").replace("ca_file: norhaven-ca.pem", "")
    path.write_text(text, encoding="utf-8")
    return path
