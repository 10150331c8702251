from __future__ import annotations

from pathlib import Path

import pytest

from yaml_lines import YamlError, read_yaml


def _read(folder: Path, text: str | bytes):
    path = folder / "a.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_yaml(path)


def test_lines_of_keys_items_and_the_nearest_thing_around(tmp_path):
    document = _read(tmp_path, "a: 1\nb:\n  c: x\n  d:\n    - 1\n    - 2\n")
    assert document.data == {"a": 1, "b": {"c": "x", "d": [1, 2]}}
    assert document.line("a") == 1
    assert document.line("b", "c") == 3
    assert document.line("b", "d", 1) == 6
    assert document.line("b", "missing", "deeper") == 2
    assert document.line("nothing") == 1


def test_no_surprises_from_yaml_1_1(tmp_path):
    text = "country: NO\nat: 12:30\nday: 2026-03-16\nid: 007\non: yes\nsum: 1_000\nhalf: 0.5\n"
    assert _read(tmp_path, text).data == {
        "country": "NO",
        "at": "12:30",
        "day": "2026-03-16",
        "id": "007",
        "on": "yes",
        "sum": "1_000",
        "half": 0.5,
    }
    assert _read(tmp_path, "a: ~\nb:\nc: null\nd: true\ne: ''\n").data == {
        "a": None,
        "b": None,
        "c": None,
        "d": True,
        "e": "",
    }


def test_empty_file_is_none(tmp_path):
    assert _read(tmp_path, "# nothing\n").data is None


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "already given in line 1"),
        ("a:\n  b: [1\nc: 2\n", 3, "not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "not YAML"),
        ("a: &x [*x]\n", 1, "contains itself"),
        ("? [1, 2]\n: x\n", 1, "not plain text"),
        ("ok: 1\na: !!python/object:os.system x\n", 2, "cannot read"),
        ("a: 1\nb: \x07\n", 2, "character YAML does not allow"),
        (b"a: \xff\xfe\n", 0, "not UTF-8"),
        ("[" * 5000, 0, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_names_file_line_and_remedy(tmp_path, text, line, problem):
    with pytest.raises(YamlError) as caught:
        _read(tmp_path, text)
    error = caught.value
    assert error.line == line
    assert problem in error.problem
    assert error.remedy
    where = f"{tmp_path / 'a.yaml'}:{line}: " if line else f"{tmp_path / 'a.yaml'}: "
    assert str(error).startswith(where)


def test_a_missing_file_is_one_clear_error(tmp_path):
    with pytest.raises(YamlError, match="No such file"):
        read_yaml(tmp_path / "none.yaml")


def test_aliases_share_and_do_not_explode(tmp_path):
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60)]
    assert _read(tmp_path, "\n".join(lines)).data["a59"][0][1][0] is not None
