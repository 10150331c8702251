"""Wishes: value, cleared or kept; limits, references, names."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mappings.documents import load_outbound
from mappings.outbound import Outbound

AD = load_outbound("active_directory")


def _outbound(folder: Path, body: str) -> Outbound:
    text = "match: id\nattributes:\n  id: {value: '[workerId]', required: true}\n" + body
    (folder / "t.yaml").write_text(text, encoding="utf-8")
    return load_outbound("t", [folder])


def test_said_cleared_and_kept():
    evaluation = AD.evaluate({"title": "Clerk", "department": None, "workerId": "1"})
    assert evaluation.wishes["title"].value == "Clerk"
    assert evaluation.wishes["department"].value is None
    assert evaluation.wishes["department"].cleared
    assert "company" not in evaluation.wishes
    assert evaluation.wishes["title"].origin.expression == "[title]"
    assert evaluation.wishes["title"].origin.rule.startswith("mappings/active_directory.yaml:")


def test_a_fallback_keeps_an_attribute_from_being_cleared():
    assert AD.evaluate({"office": None, "location": "Lyon"}).wishes[
        "physicalDeliveryOfficeName"
    ].value == "Lyon"  # fmt: skip
    assert AD.evaluate({"office": None}).wishes["physicalDeliveryOfficeName"].cleared


def test_the_three_country_attributes_go_together():
    wishes = AD.evaluate({"country": "GB"}).wishes
    assert [wishes[name].value for name in ("c", "co", "countryCode")] == [
        "GB", "United Kingdom", 826
    ]  # fmt: skip
    wishes = AD.evaluate({"country": None}).wishes
    assert all(wishes[name].cleared for name in ("c", "co", "countryCode"))
    assert not {"c", "co", "countryCode"} & set(AD.evaluate({}).wishes)
    assert not {"c", "co", "countryCode"} & set(AD.evaluate({"country": "Atlantis"}).wishes)


def test_account_expires_is_the_end_as_filetime():
    wish = AD.evaluate({"endsAt": "2026-04-30T23:00:00.000Z"}).wishes["accountExpires"]
    since = datetime.fromisoformat("2026-04-30T23:00:00+00:00").timestamp() + 11644473600
    assert wish.value == int(since) * 10_000_000
    assert AD.evaluate({"endsAt": None}).wishes["accountExpires"].cleared
    assert "accountExpires" not in AD.evaluate({}).wishes


def test_display_values_are_cut_and_keys_never():
    context = {"company": "é" * 65, "workerId": "E" * 17, "phone": "1" * 65, "title": "t" * 128}
    evaluation = AD.evaluate(context)
    assert evaluation.wishes["company"].value == "é" * 64
    assert evaluation.wishes["company"].cut
    assert not evaluation.wishes["title"].cut
    assert "employeeID" not in evaluation.wishes
    assert "telephoneNumber" not in evaluation.wishes
    messages = [problem.message for problem in evaluation.problems]
    assert "longer than the 16 characters the target takes" in messages
    assert "EEE" not in "".join(messages)
    assert AD.matches(context) == []


def test_length_counts_as_windows_counts(tmp_path):
    outbound = _outbound(tmp_path, "  x: {value: '[title]', max: 5}\n")
    assert outbound.evaluate({"title": "𝄞𝄞𝄞"}).wishes["x"].value == "𝄞𝄞"
    assert outbound.evaluate({"title": "abcd ef"}).wishes["x"].value == "abcd"


def test_a_required_attribute_is_missed_and_never_cleared():
    evaluation = AD.evaluate({"workerId": None})
    assert "employeeID" not in evaluation.wishes
    assert any(p.rule.endswith(" employeeID") for p in evaluation.problems)
    assert AD.required == {"employeeID", "sAMAccountName", "userPrincipalName"}


def test_match():
    assert AD.identifier == "employeeID"
    assert AD.matches({"workerId": "E1"}) == [{"employeeID": "E1"}]
    assert AD.matches({"employeeNumber": "9"}) == [{"employeeID": "9"}]
    assert AD.matches({}) == []


def test_why_there_is_no_key_is_said() -> None:
    missing = "there is no value for employeeID to match by"
    assert AD.keyless({}) == f"{missing}: required, but the facts give no value"
    long = AD.keyless({"workerId": "E9999999999999999"})
    assert long == f"{missing}: longer than the 16 characters the target takes"


def test_references_are_apart():
    evaluation = AD.evaluate({"managerPerson": "p-1"})
    assert evaluation.references["manager"].value == "p-1"
    assert "manager" not in evaluation.wishes
    assert AD.evaluate({"managerPerson": None}).references["manager"].cleared
    assert AD.evaluate({}).references == {}


def test_holds_and_types(tmp_path):
    outbound = _outbound(
        tmp_path,
        "  a: {value: '\"made\"', hold: seed}\n"
        "  b: {value: '[active]', type: bool, hold: watch}\n"
        "  c: {value: '[groups]', type: list, max: 3}\n"
        "  d: {value: '[title]', type: integer, hold: default}\n"
        "  e: 512\n",
    )
    evaluation = outbound.evaluate({"active": True, "groups": ["z", "abcd", "z"], "title": "7"})
    assert {name: (wish.value, wish.hold) for name, wish in evaluation.wishes.items()} == {
        "a": ("made", "seed"),
        "b": (True, "watch"),
        "c": (("abc", "z"), "own"),
        "d": (7, "default"),
        "e": ("512", "own"),
    }
    assert evaluation.wishes["c"].cut
    evaluation = outbound.evaluate({"workerId": "1", "title": "7.5", "active": "maybe"})
    assert not {"b", "d"} & set(evaluation.wishes)
    assert sorted(p.message for p in evaluation.problems) == [
        "neither true nor false",
        "not an integer",
    ]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"loginName": "zoneil", "familyName": "X"}, "zoneil"),
        ({"loginName": "Zoë.O'Neil@norhaven.example"}, "zoe.oneil"),
        ({"loginName": "a74b54de-d8da-40db-ab86-4e4a73b356b3", "givenName": "Zoë",
          "familyName": "O'Neil"}, "zoneil"),
        ({"loginName": "@", "givenName": "Zoë", "familyName": "O'Neil"}, "zoneil"),
        ({"givenName": "Øystein", "familyName": "Åsgård"}, "oaasgaard"),
        ({"givenName": "Paweł", "familyName": "Świętochowski-Müllenbach"}, "pswietochowski-muell"),
        ({"familyName": "Смирнов", "givenName": "Иван"}, "ismirnov"),
        ({"givenName": "Cher"}, "cher"),
        ({"displayName": "王小明"}, "wangxiaoming"),
        ({"workerId": "E20001", "familyName": "!!!"}, "e20001"),
    ],
)  # fmt: skip
def test_account_names(facts, expected):
    (name,) = AD.candidates("accountName", facts)
    assert name == expected
    assert len(name) <= 20


def test_no_facts_give_no_name():
    assert AD.candidates("accountName", {}) == []
    assert AD.candidates("cn", {}) == []
    assert AD.candidates("mail", {"mail": "a@norhaven.example"}) == []


def test_cn_candidates_stay_apart_within_64_characters():
    context: dict[str, Any] = {"displayName": "D" * 70, "accountName": "a" * 20, "workerId": "E1"}
    names = AD.candidates("cn", context)
    assert names == ["D" * 64, "D" * 41 + " (" + "a" * 20 + ")", "D" * 29 + " (E1)"]
    assert all(len(name) <= 64 for name in names)
    assert AD.candidates("cn", {"displayName": " Zoë \n #1 ", "accountName": "z"})[0] == "Zoë #1"


def test_nothing_in_the_context_makes_it_fail():
    for odd in (float("inf"), {"a": 1}, [None, {}], "", 0, "x\x00"):
        context = dict.fromkeys(("title", "country", "endsAt", "workerId", "active"), odd)
        evaluation = AD.evaluate(context)
        assert not any("failed" in problem.message for problem in evaluation.problems)
