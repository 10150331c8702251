"""Look-up tables: CSV and YAML files beside the mapping."""

from __future__ import annotations

import pytest

from mappings.documents import MappingError, load_inbound, load_outbound
from tests.mappings.test_documents import CORE


def test_a_mapping_looks_up_what_lies_beside_it(tmp_path):
    (tmp_path / "offices.csv").write_text(
        '\ufeffcity,site,ou\n Lyon , LYS,"OU=Lyon, south"\nBerlin,BER\n\n', encoding="utf-8"
    )
    (tmp_path / "codes.yaml").write_text("1: one\nNO: Norway\nx: {name: y}\n", encoding="utf-8")
    (tmp_path / "out.yaml").write_text(
        f"tables: {{offices: offices.csv, codes: codes.yaml}}\n{CORE}"
        '  a: \'Lookup([city], "offices", "site")\'\n'
        '  b: \'Lookup([city], "offices", "ou", "none")\'\n'
        '  c: \'Lookup([country], "codes", "value")\'\n',
        encoding="utf-8",
    )
    document = load_outbound("out", [tmp_path])

    def found(**facts):
        return {name: wish.value for name, wish in document.evaluate(facts).wishes.items()}

    assert found(city="Lyon", country="NO") == {"a": "LYS", "b": "OU=Lyon, south", "c": "Norway"}
    assert found(city="Berlin", country="1") == {"a": "BER", "b": "none", "c": "one"}
    assert found(city="Oslo") == {"b": "none"}


def test_a_table_belongs_to_the_document_that_names_it(tmp_path):
    base, own = tmp_path / "base", tmp_path / "own"
    for folder in (base, own):
        folder.mkdir()
    (base / "t.csv").write_text("k,v\na,from base\n")
    (base / "b.yaml").write_text(
        "tables: {t: t.csv}\nfacts:\n  title: 'Lookup([title], \"t\")'\n", encoding="utf-8"
    )
    (own / "i.yaml").write_text(
        "extends: b\nfacts:\n  division: 'Lookup([nickName], \"t\")'\n", encoding="utf-8"
    )
    facts = load_inbound("i", [own, base]).facts({"title": "a", "nickName": "a"})
    assert facts.values == {"title": "from base", "division": "from base"}


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("t.csv", None, "there is no file t.csv"),
        ("t.txt", "a,b\n", "t.txt is no table"),
        ("t.csv", "", "has no header"),
        ("t.csv", "only\n1\n", "has no header"),
        ("t.csv", "a,b\n1,2,3\n", "row 2 has too many cells"),
        ("t.csv", "a,b\n1,2\n 1 ,3\n", "has 1 twice"),
        ("t.csv", b"a,b\n\xff,1\n", "cannot be read as CSV"),
        ("t.yaml", "a: [1]\n", "a holds a list"),
        ("t.yaml", "- a\n", "is no table"),
        ("t.yaml", "a: 1\na: 2\n", "already given"),
    ],
)
def test_a_table_that_cannot_be_read_says_so(tmp_path, name, text, problem):
    if isinstance(text, bytes):
        (tmp_path / name).write_bytes(text)
    elif text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "in.yaml").write_text(f"facts: {{title: '[a]'}}\ntables:\n  t: {name}\n")
    with pytest.raises(MappingError) as caught:
        load_inbound("in", [tmp_path])
    assert problem in caught.value.problem
    assert (caught.value.line, caught.value.column) == (3, 3)
    assert caught.value.remedy
