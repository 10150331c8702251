"""The language itself: syntax, laziness, NULL, comparisons, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.expression import Scope
from mappings.parser import LONGEST, ExpressionError, attributes, parse
from mappings.paths import Document


def run(source: str, document: dict[str, Any] | None = None) -> Any:
    scope = Scope(Document(document or {}))
    value = parse(source).root.evaluate(scope)
    assert scope.problems == []
    return value


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"text"', "text"),
        (r'"a\"b\\c\d\+"', r'a"b\c\d\+'),
        ("42", 42),
        ("-10", -10),
        ("42568.75", 42568.75),
        ("&HF", 15),
        ('Join("",1000, " ")', "1000 "),
        ('Append ("a" ,\n\n "b")', "ab"),
        ('"a" & "b" & [x]', "abv"),
        ('SWITCH\n("a", , "a", "1")', "1"),
        ("ToLower([x], )", "v"),
        ('Replace("m@c", "@c", , ,"", ,)', "m"),
        ("[ x ]", "v"),
        ("[X]", "v"),
    ],
)
def test_syntax(source, expected):
    assert run(source, {"x": "v"}) == expected


def test_brackets_inside_a_path_and_inside_its_quotes():
    document = {"emails": [{"type": "a]b", "value": "1"}, {"type": "work", "value": "2"}]}
    assert run('[emails[type eq "work"].value]', document) == "2"
    assert run('[emails[type eq "a]b"].value]', document) == "1"


def test_only_the_branch_taken_is_looked_at():
    scope = Scope(Document({"a": "x", "b": "y", "c": "z"}))
    assert parse('IIF([a] = "x", [b], [c])').root.evaluate(scope) == "y"
    assert list(scope.reads) == ["a", "b"]
    scope = Scope(Document({}))
    source = 'Switch([endDate], NumFromDate([endDate]), "", "9223372036854775807")'
    assert parse(source).root.evaluate(scope) == "9223372036854775807"
    assert scope.problems == []


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
        ('[t] < "U"', True),
        ("[t] = 1", False),
        ("[t] > 1", False),
        ('[yes] = "True"', True),
        ('[yes] = "1"', True),
        ("[yes] = 1", True),
        ("[yes]", True),
        ("[none]", False),
        ('""', False),
        ("IsPresent([t])", True),
    ],
)
def test_conditions(condition, expected):
    document = {"t": "Text", "n": "1", "yes": True}
    assert run(f'IIF({condition}, "y", "n")', document) == ("y" if expected else "n")


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("", "ends too early"),
        ('"open', "never closed"),
        ("[open", "never closed"),
        ("Join(", "never closed"),
        ('Join("a" "b")', "unexpected"),
        ("Jion([a], [b])", "no function Jion"),
        ("title", "neither a call nor an attribute"),
        ('[a] = "b"', "outside a condition"),
        ('Join([a] = "b", "c")', "outside a condition"),
        ("Mid([a], 1)", "Mid has 2 arguments"),
        ("ToLower([a], 1, 2, 3)", "ToLower has 4 arguments"),
        ("Mid(, 1, 2)", "argument 1 of Mid is empty"),
        ('Switch([a], "d", "k")', "Switch has 3 arguments"),
        ('Switch([a], "d", "k", "v", "k2")', "without a value"),
        ('Country([a], "alpha3")', "the form is one of"),
        ('Replace([a], , "(", , "x")', "the pattern cannot be used"),
        ('Replace([a], , "(?<x>a)", "y", "x")', "no group y"),
        ('Replace([a], "b")', "nothing to replace"),
        ("[a b]", "not an attribute path"),
        ("[]", "not an attribute path"),
        ("[worker:x]", "unknown schema prefix worker"),
        ('[emails[type like "x"].value]', "unknown operator"),
        ("[emails[type eq].value]", "not a quoted text"),
        ("Left(" * 100, "nested too deeply"),
        ("1 2", "unexpected"),
        ("?", "unexpected"),
        ("x" * (LONGEST + 1), "longer than"),
    ],
)
def test_what_is_refused_says_where_and_what_to_do(source, problem):
    with pytest.raises(ExpressionError) as caught:
        parse(source)
    assert problem in caught.value.problem
    assert "character" in caught.value.problem
    assert caught.value.remedy


def test_a_misspelt_function_gets_a_suggestion():
    with pytest.raises(ExpressionError) as caught:
        parse("Coalesc([a])")
    assert caught.value.remedy == "did you mean Coalesce?"


def test_prefixes_stand_for_urns():
    expression = parse("[w:hireDate]", {"w": "urn:x:User"})
    assert [read.path.text for read in attributes(expression.root)] == ["urn:x:User:hireDate"]
    scope = Scope(Document({"urn:x:User": {"hireDate": "d"}}))
    assert expression.root.evaluate(scope) == "d"


_PIECES = st.sampled_from(
    ['"', "[", "]", "(", ")", ",", "&", "=", "<>", "\\", " ", "\n", "-", "1", "&HF", "type eq", "x",
     "IIF(", "Switch(", "Replace(", "Join(", "Mid(", "[a]", '"t"', "urn:a:", ".", "é"]
)  # fmt: skip


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(_PIECES).map("".join)))
def test_parsing_never_crashes(source):
    try:
        expression = parse(source)
    except ExpressionError:
        return
    expression.root.evaluate(Scope(Document({"a": "b"})))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "value", "type", "primary", "urn:x:user"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
_CALLS = st.sampled_from(
    ['Mid({0}, {1}, {2})', 'Left({0}, {1})', 'Word({0}, {1}, {2})', 'InStr({0}, {1}, {2})',
     'Date({0})', 'Country({0}, "name")', 'NumFromDate({0})', 'Item({0}, {1})', 'Mail({0})',
     'FormatDateTime({0}, , "yyyy-MM-ddzzz", "d/M/yy tt")', 'Ascii({0})', 'AccountName({0})',
     'PCase({0})', 'NormalizeDiacritics({0})', 'IIF({0} > {1}, {1}, {2})', 'CBool({0})',
     'Replace({0}, {1}, , , {2})', 'Replace({0}, , "(?<g>a+)b?", , "${{g}}$1$$")',
     'Switch({0}, {1}, {2}, {0})', 'EscapeDNComponent({0})', 'GuidKey({0})', 'Len({0})']
)  # fmt: skip
_PATHS = st.sampled_from(
    ["[a]", "[a.value]", '[a[type eq "b"].value]', "[urn:x:User:a]", "[a.type]"]
)


@settings(deadline=None)
@given(_CALLS, st.lists(_PATHS, min_size=3, max_size=3), st.dictionaries(
    st.sampled_from(["a", "A", "urn:x:User"]), _JSON
))  # fmt: skip
def test_no_document_makes_a_function_fail(call, paths, document):
    source = call.format(*paths)
    value = parse(source).root.evaluate(Scope(Document(document)), True)
    assert value is None or isinstance(value, (str, int, float, bool, tuple))
