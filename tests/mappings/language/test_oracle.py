"""Compiled, traced and plainly walked, an expression gives the same; no document makes it fail."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks._tree_walk import walk
from mappings.language.expression import Expression, ExpressionError, Given, Names
from mappings.language.running import Fail, Run, Skip
from mappings.paths import Document, parse_path
from tests.mappings.language.answers import NOW

NAMES = Names(parse_path, {})
GIVEN = Given(now=NOW, seed="s", default_domain="norhaven.example")

_LEAVES = st.sampled_from(
    ["[a]", "[b]", "[a.value]", '[a[type eq "b"].value]', "[urn:x:User:a]", '""', '"ab"', '"1"',
     "2", "0", '"2026-03-16T10:00:00+02:00"', '"True"', '"E"']
)  # fmt: skip


def _calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    shapes = [
        "Append({}, {})", "Join({}, {}, {})", "Left({}, {})", "Mid({}, {}, {})", "Mid({}, {})",
        "Len({})", "InStr({}, {}, {})", "Word({}, {}, {})", "StripSpaces({})", "Trim({})",
        "ToLower({})", 'ToUpper({}, "tr")', "PCase({})", "NormalizeDiacritics({})",
        "Replace({}, {}, , , {})", 'Replace({}, , "(?<g>a+)b?", , "${{g}}$1$$")',
        'Replace({}, , "(?<g>b)", "g", , {})', "IIF({}, {}, {})", "IIF({} > {}, {}, {})",
        "IIF({} = {}, {}, )", "Switch({}, {}, {}, {})", 'Switch({}, , "a", {}, "", {})',
        "Coalesce({}, {}, {})", "FirstOf({}, {})", "And({}, {})", "Or({}, {})", "In({}, {}, {})",
        "Not({})", "CBool({})", "BitAnd({}, {})", "IsNull({})", "IsPresent({})", "IsString({})",
        "Count({})", "Item({}, {})", "Contains({}, {})", "RemoveDuplicates({})", "Split({}, {})",
        "List({}, {})", "Sort({})", "Without({}, {})", "CDate({})", 'DateAdd("d", {}, {})',
        'DateDiff("h", {}, {})', "NumFromDate({})", "Date({})", "CStr({})", "ConvertToUTF8Hex({})",
        "ConvertFromBase64({})", "DNComponent({}, {})", "IgnoreFlowIfNullOrEmpty({})", "Ascii({})",
        "AccountName({})", 'Country({}, "name")', "Mail({})", "GuidKey({})", "Error({})",
        "EscapeDNComponent({})", 'Transliterate({}, "uk")', "{} & {}", "Guid()", "DefaultDomain()",
        'FormatDateTime({}, , "yyyy-MM-ddzzz", "d/M/yy tt")', "StringFromSid({})",
    ]  # fmt: skip
    return st.sampled_from(shapes).flatmap(
        lambda shape: st.lists(inner, min_size=shape.count("{}"), max_size=shape.count("{}")).map(
            lambda parts: shape.format(*parts)
        )
    )


_EXPRESSIONS = st.recursive(_LEAVES, _calls, max_leaves=12)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(
        ["a", "abab", "1", "0", "2026-03-16", "True", " "]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "value", "type", "primary", "urn:x:user"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)  # fmt: skip
_DOCUMENTS = st.dictionaries(st.sampled_from(["a", "A", "b", "urn:x:User"]), _JSON)


def walked(expression: Expression, document: dict[str, Any], several: bool) -> tuple[Any, ...]:
    run = Run(Document(document), GIVEN, "r")
    try:
        return walk(expression.root, NAMES, run, several), None, False
    except Fail as failure:
        return None, str(failure), False
    except Skip:
        return None, None, True


@settings(deadline=None, max_examples=400)
@given(_EXPRESSIONS, _DOCUMENTS, st.booleans())
def test_three_ways_give_the_same(source, document, several):
    try:
        expression = Expression(source, NAMES, several=several)
    except ExpressionError:
        return  # something in it can never work, which is known before
    outcome = expression.run(Document(document), GIVEN, "r")
    assert outcome.problem is None or "the rule failed" not in outcome.problem
    found = (outcome.value, outcome.problem, outcome.skipped)
    assert repr(found) == repr(walked(expression, document, several))
    step = expression.trace(Document(document), GIVEN, "r")
    if not outcome.skipped:
        assert repr((step.value, step.failed)) == repr((outcome.value, outcome.problem))
    assert step.as_json()["expression"]
