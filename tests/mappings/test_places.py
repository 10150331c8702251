"""The character of an expression is found in its file, however YAML writes the text."""

from __future__ import annotations

import pytest

from mappings.places import locate_in

MARK = "Oops"


@pytest.mark.parametrize(
    "text",
    [
        "a:\n  b: Join([x], Oops)\n",
        "a:\n  b: 'Join([x], Oops)'\n",
        "a: {b: 'Join(\"it''s\", Oops)'}\n",
        'a:\n  b: "Join(\\"x\\", \\u00e9, Oops)"\n',
        "a:\n  b: >-\n    Join([x],\n      [y],\n\n      Oops)\n",
        "a:\n  b: |\n    Join([x],\n      Oops)\n",
        "a:\n  b:\n    value: >-\n      Join([x],\n      Oops)\n",
        "# é\na:\n  b: Join([x],\n     Oops)\n",
        "a:\n  b: 'Join([x],\n     Oops)'\n",
        "a:\n  b: >-\n    Oops(\n",
    ],
)
def test_a_character_is_found(tmp_path, text):
    import yaml

    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    value = yaml.safe_load(text)["a"]["b"]
    place = ("a", "b", "value")
    written = value["value"] if isinstance(value, dict) else value
    line, column = locate_in(path, place, written.index(MARK))
    assert text.splitlines()[line - 1][column - 1 :].startswith(MARK)


def test_the_end_and_what_is_not_there(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("a:\n  b: 'Join('\n  c: [p, q]\n", encoding="utf-8")
    assert locate_in(path, ("a", "b"), 5) == (2, 12)
    assert locate_in(path, ("a", "b")) == (2, 3)
    assert locate_in(path, ("a", "c", 1)) == (3, 10)
    assert locate_in(path, ("a", "z")) == (1, 1)
    assert locate_in(path, ()) == (1, 1)
    assert locate_in(tmp_path / "none.yaml", ("a",)) == (1, 1)
