"""JSON as it is stored: what an older version of Muster wrote is hashed and read the same way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.json_text import canonical, compact, parse

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_MOMENTS = st.floats(0, 2e10).map(lambda at: round(at, 6)).filter(lambda at: not 0 < at < 1e-3)
_SCALARS = _TEXTS | st.integers(-(2**63), 2**63) | st.booleans() | st.none() | _MOMENTS
_VALUES: st.SearchStrategy[Any] = st.recursive(
    _SCALARS, lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner)
)


@given(_VALUES)
def test_the_canonical_text_is_that_of_python(value: Any) -> None:
    """Hashes of the journal from before orjson hold."""
    known = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical(value) == known


@given(_VALUES)
def test_what_is_written_is_read(value: Any) -> None:
    assert parse(compact(value)) == parse(canonical(value)) == value
    assert parse(json.dumps(value)) == value  # as it was written until now


@pytest.mark.parametrize("value", [2**70, "\ud83d", {1: 2}, {1, 2}, object()])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        compact(value)


def test_a_text_that_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="line 1"):
        parse('{"a": nothing}')
