"""The language itself: syntax, laziness, nothing, comparisons, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.language.expression import Expression, ExpressionError, Names
from mappings.language.grammar import LONGEST, parse
from mappings.language.syntax import written
from mappings.paths import Document, parse_path
from tests.mappings.language.answers import value

SCIM = Names(parse_path, {})


def outcome(source: str, document: dict[str, Any]) -> Any:
    return Expression(source, SCIM).run(Document(document))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"text"', "text"),
        (r'"a\"b\\c\d\+"', r'a"b\c\d\+'),
        ("42", "42"),
        ("-10", "-10"),
        ("42568.75", "42568.75"),
        ("&HF", "15"),
        ('Join("",1000, " ")', "1000 "),
        ('Append ("a" ,\n\n "b")', "ab"),
        ('"a" & "b" & [x]', "abv"),
        ('"a" & [x] = "av"', "True"),
        ('SWITCH\n("a", , "a", "1")', "1"),
        ("ToLower([x], )", "v"),
        ('Replace("m@c", "@c", , ,"", ,)', "m"),
        ("[ x ]", "v"),
        ("[X]", "v"),
        ("[urn:a:b:User:c d]", "odd"),
        ('[emails[type eq "work"].value]', "e"),
        ('InStr("aB", "b", , VBTEXTCOMPARE)', "2"),
    ],
)
def test_syntax(source, expected):
    given = {"x": "v", "urn:a:b:User:c d": "odd", 'emails[type eq "work"].value': "e"}
    assert value(source, given) == expected


def test_brackets_inside_a_path_and_inside_its_quotes():
    document = {"emails": [{"type": "a]b", "value": "1"}, {"type": "work", "value": "2"}]}
    assert outcome('[emails[type eq "work"].value]', document).value == "2"
    assert outcome('[emails[type eq "a]b"].value]', document).value == "1"


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ('IIF([a] = "x", [b], [c])', ["a", "b"]),
        ('IIF([a] = "y", [b], [c])', ["a", "c"]),
        ('Switch([a], [b], "x", [c])', ["a", "c"]),
        ('Switch([a], [b], [c], "1", "x", [b])', ["a", "c", "b"]),
        ("Coalesce([none], [a], [b])", ["none", "a"]),
        ('And([a] = "y", [b])', ["a"]),
        ('Or([a] = "x", [b])', ["a"]),
    ],
)
def test_only_what_is_needed_is_looked_at(source, read):
    found = outcome(source, {"a": "x", "b": "y", "c": "z"})
    assert [reader.text for reader in found.reads] == read


def test_a_branch_not_taken_cannot_fail():
    source = 'Switch([endDate], NumFromDate([endDate]), "", "9223372036854775807")'
    found = outcome(source, {})
    assert (found.value, found.problem) == ("9223372036854775807", None)
    assert outcome(source, {"endDate": "soon"}).problem == "NumFromDate: not an ISO 8601 date"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('[t] = "Text"', True),
        ('[t] = "text"', False),
        ('[t] <> "text"', True),
        ('[none] = ""', True),
        ('[none] = "x"', False),
        ('[none] <> "x"', True),
        ('[none] > "a"', False),
        ("[n] = 1", True),
        ("[n] < 2", True),
        ("[n] >= 10", False),
        ('[n] < "10"', True),
        ('[t] < "U"', True),
        ("[t] = 1", False),
        ("[t] > 1", False),
        ("[t] <> 1", True),
        ('[yes] = "True"', True),
        ('[yes] = "1"', True),
        ("[yes] = 1", True),
        ('[yes] = "perhaps"', False),
        ("[yes]", True),
        ("[none]", False),
        ('""', False),
        ("IsPresent([t])", True),
        ('CDate([day]) = "2026-03-16T00:00:00Z"', True),
        ('CDate([day]) < "3/17/2026"', True),
        ('CDate([day]) = "no date"', False),
        ("[day] < [later]", True),
        ('And([t] = "Text", Or([n] = 2, In([n], "3", 1)))', True),
        ('Not(In([n], "2", "3"))', True),
    ],
)
def test_conditions(condition, expected):
    document = {"t": "Text", "n": "1", "yes": True, "day": "2026-03-16", "later": "2026-04-01"}
    assert value(f'IIF({condition}, "y", "n")', document) == ("y" if expected else "n")


@pytest.mark.parametrize(
    ("source", "problem", "character"),
    [
        ("", "ends too early", 1),
        ('"open', "never closed", 1),
        ("[open", "never closed", 1),
        ("Join(", "never closed", 6),
        ('Join("a" "b")', "unexpected", 10),
        ('Append("a", Jion([a], [b]))', "no function Jion", 13),
        ("title", "neither a call nor an attribute", 1),
        ("Append(ToLower, [a])", "ToLower is not called", 8),
        ("[a] = [b] = [c]", "two comparisons in a row", 11),
        ("Mid([a])", "Mid has 1 arguments", 1),
        ("ToLower([a], 1, 2, 3)", "ToLower has 4 arguments", 1),
        ("Mid(, 1, 2)", "argument 1 of Mid is empty", 5),
        ('Switch([a], "d", "k")', "Switch has 3 arguments", 1),
        ('Switch([a], "d", "k", "v", "k2")', "without a value", 1),
        ('Country([a], "alpha4")', "the form is one of", 1),
        ('Replace([a], , "(", , "x")', "the pattern cannot be used", 1),
        ('Replace([a], , "(?<x>a)", "y", "x")', "no group y", 1),
        ('Replace([a], , "[a-z-[aeiou]]", , "x")', "subtracts one class from another", 1),
        ('Replace([a], , "(?<x>a)(b)\\\\1", , "x")', "mixes named groups", 1),
        ('Replace([a], "b")', "nothing to replace", 1),
        ('Left([a], Left([b], "x"))', "Left: count is not a number", 21),
        ('Append([a], DateAdd("x", 1, [b]))', "the interval is one of", 13),
        ('Append([a], CDate("soon"))', "CDate: expression is not a date", 19),
        ("CDate(IsPresent([a]))", "is True or False, not a date", 7),
        ("Left([a], Now())", "is a date, not a number", 11),
        ('FormatDateTime([a], "Sometimes", "yyyy", "yy")', "no date-time style Sometimes", 1),
        ('FormatDateTime([a], , "yyyyyy", "yy")', "names a part twice", 1),
        ('ConvertFromBase64([a], "UTF7")', "the encoding is one of", 1),
        ('Append(SelectUniqueValue("a", "b"), "c")', "cannot stand inside another call", 8),
        ('Lookup([a], "offices")', "there is no table offices", 13),
        ("[a b]", "not an attribute path", 1),
        ("[]", "not an attribute path", 1),
        ("[worker:x]", "unknown schema prefix worker", 1),
        ('Append("x", [emails[type like "x"].value])', "unknown operator", 13),
        ("[emails[type eq].value]", "not a quoted text", 1),
        ("Left(" * 200, "nested too deeply", 606),
        ("1 2", "unexpected", 3),
        ("?", "unexpected", 1),
        ("x" * (LONGEST + 1), "longer than", LONGEST + 1),
    ],
)
def test_what_is_refused_says_where_and_what_to_do(source, problem, character):
    with pytest.raises(ExpressionError) as caught:
        Expression(source, SCIM)
    assert problem in caught.value.problem
    assert caught.value.position == character - 1
    assert f"(character {character})" in str(caught.value)
    assert caught.value.remedy


def test_a_misspelt_function_gets_a_suggestion():
    with pytest.raises(ExpressionError) as caught:
        Expression("Coalesc([a])", SCIM)
    assert caught.value.remedy == "did you mean Coalesce?"


def test_prefixes_stand_for_urns():
    names = Names(lambda name: parse_path(name, {"w": "urn:x:User"}), {})
    found = Expression("[w:hireDate]", names).run(Document({"urn:x:User": {"hireDate": "d"}}))
    assert found.value == "d"
    assert [reader.text for reader in found.reads] == ["urn:x:User:hireDate"]


def test_nested_as_deep_as_anybody_writes():
    source = "[a]"
    for number in range(100):
        source = f'IIF([a] = "{number}", "hit", {source})'
    assert value(source, {"a": "0"}) == "hit"
    assert value(source, {"a": "none"}) == "none"


_PIECES = st.sampled_from(
    ['"', "[", "]", "(", ")", ",", "&", "=", "<>", "\\", " ", "\n", "-", "1", "&HF", "type eq", "x",
     "IIF(", "Switch(", "Replace(", "Join(", "Mid(", "[a]", '"t"', "urn:a:", ".", "é"]
)  # fmt: skip


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(_PIECES).map("".join)))
def test_reading_never_crashes(source):
    found: Expression | ExpressionError
    try:
        found = Expression(source, SCIM)
    except ExpressionError as error:
        found = error
    if isinstance(found, ExpressionError):
        assert 0 <= found.position <= max(len(source), 1)
    else:
        found.run(Document({"a": "b"}))


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(_PIECES).map("".join)))
def test_what_is_written_out_reads_the_same(source):
    try:
        node = parse(source)
    except ExpressionError:
        return
    again = written(node)
    assert written(parse(again)) == again
