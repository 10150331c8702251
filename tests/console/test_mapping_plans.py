"""`plan --mapping FILE`: for whom another mapping changes what, before it is in force."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from console.plans import apply, plan
from mappings.documents import MappingError, load_inbound
from provisioning.intake import Intake
from store import journal
from store.tables import pair, person, resource
from tests.console.rooms import run
from tests.provisioning.house import House, worker

PEOPLE = (("E1", "Engineer"), ("E2", "Cook"), ("E3", None))


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path, ("ad", "other"))
    made.settings = replace(made.settings, mapping_folders=(tmp_path / "own",))
    for number, title in PEOPLE:
        made.push(worker(number, f"Anna{number}", **({"title": title} if title else {})))
    made.settle()
    for directory in made.directories.values():
        directory.writes.clear()
    return made


def file(tmp_path: Path, text: str, name: str = "active_directory") -> Path:
    """A mapping that is not in force, in a folder of its own."""
    folder = tmp_path / "new"
    folder.mkdir(exist_ok=True)
    made = folder / f"{name}.yaml"
    made.write_text(text)
    return made


def shouting(tmp_path: Path) -> Path:
    return file(
        tmp_path, "extends: active_directory\nattributes:\n  title: { value: 'ToUpper([title])' }\n"
    )


def everything(house: House) -> Any:
    """All that is stored of people, and all accounts."""
    with house.database.read() as connection:
        stored = [
            [tuple(row) for row in connection.execute(select(table))]
            for table in (person, resource, pair)
        ]
        entries = len(list(journal.entries(connection)))
    return stored, entries, {t: dict(d.accounts) for t, d in house.directories.items()}


# -- a mapping of targets ---------------------------------------------------------------------


def test_only_those_it_affects_are_planned_and_nothing_is_written(
    house: House, tmp_path: Path
) -> None:
    before = everything(house)
    asked: list[int] = []
    several = house.ad.several

    def counted(anchors: Any) -> Any:
        asked.append(len(anchors))
        return several(anchors)

    house.ad.several = counted  # type: ignore[method-assign]
    shown = run(house, plan, "--mapping", str(shouting(tmp_path))).output
    assert "ad  AnnaE1 Lindqvist (E1): modify title" in shown
    assert "ad: 2 people, 2 would change, 0 held" in shown
    assert '  title: "Engineer" -> "ENGINEER"  (AnnaE1 Lindqvist (E1))\n' in shown
    assert '  title: "Cook" -> "COOK"' in shown
    assert "other: 2 people, 2 would change" in shown
    assert "AnnaE3" not in shown, "who has no title is not concerned"
    assert asked == [2], "the directory is asked for those two only"
    assert everything(house) == before


def test_one_person_or_one_target_only(house: House, tmp_path: Path) -> None:
    mapping = str(shouting(tmp_path))
    shown = run(house, plan, "E2", "--mapping", mapping, "--target", "other").output
    assert "other: 1 people, 1 would change" in shown
    assert "ad:" not in shown
    assert '"Cook" -> "COOK"' in shown


def test_a_mapping_that_says_the_same_concerns_nobody(house: House, tmp_path: Path) -> None:
    other = file(tmp_path, "extends: active_directory\n")
    shown = run(house, plan, "--mapping", str(other), "--target", "ad").output
    assert shown == "ad: 0 people, 0 would change, 0 held, 0 waiting\n"


def test_three_people_are_shown_for_an_attribute(house: House, tmp_path: Path) -> None:
    for number in range(4, 9):
        house.push(worker(f"E{number}", title="Cook"))
    house.settle()
    shown = run(house, plan, "--mapping", str(shouting(tmp_path)), "--target", "ad").output
    assert "ad: 7 people, 7 would change" in shown
    assert shown.count("->") == 3


def test_values_that_are_not_to_be_shown_are_not(house: House, tmp_path: Path) -> None:
    other = file(
        tmp_path,
        "extends: active_directory\nattributes:\n  title: 'Redact(ToUpper([title]))'\n",
    )
    shown = run(house, plan, "--mapping", str(other), "--target", "ad").output
    assert "ad: 2 people, 2 would change" in shown
    assert "COOK" not in shown
    assert "[Redact]" in shown


def test_what_a_breaker_would_hold_is_said(house: House, tmp_path: Path) -> None:
    other = file(tmp_path, "extends: active_directory\nenabled: 'IsPresent([managerPerson])'\n")
    house.settings = replace(
        house.settings, breakers=replace(house.settings.breakers, count=1, percent=0)
    )
    shown = run(house, plan, "--mapping", str(other), "--target", "ad", "--summary").output
    assert "breaker: disable would be 3 accounts, the limit is 1" in shown


def test_it_is_applied_when_it_is_in_force_and_not_before(house: House, tmp_path: Path) -> None:
    mapping, out = shouting(tmp_path), tmp_path / "plan.jsonl"
    run(house, plan, "--mapping", str(mapping), "--out", str(out), "--summary")
    refused = run(house, apply, str(out), "--by", "Mia")
    assert refused.exit_code == 1
    assert "nothing was done: the plan was made with another mapping of ad, other" in refused.output
    assert not any(directory.writes for directory in house.directories.values())
    house.mapping(mapping.read_text().partition("\n")[2])
    assert run(house, apply, str(out), "--by", "Mia").output == "4 done\n"
    titles = {account.attributes.get("title") for account in house.ad.accounts.values()}
    assert titles == {"COOK", "ENGINEER", None}


# -- a mapping of a source ----------------------------------------------------------------------


def inbound(tmp_path: Path) -> Path:
    return file(
        tmp_path, "extends: workday\nfacts:\n  title: { value: 'ToUpper([title])' }\n", "workday"
    )


def test_what_a_source_is_understood_to_say(house: House, tmp_path: Path) -> None:
    before = everything(house)
    shown = run(house, plan, "--mapping", str(inbound(tmp_path)), "--target", "ad").output
    assert "ad: 2 people, 2 would change, 0 held" in shown
    assert '  title: "Cook" -> "COOK"' in shown
    assert everything(house) == before


def test_records_are_read_anew_when_it_is_applied(house: House, tmp_path: Path) -> None:
    mapping, out = inbound(tmp_path), tmp_path / "plan.jsonl"
    run(house, plan, "--mapping", str(mapping), "--out", str(out), "--summary")
    refused = run(house, apply, str(out), "--by", "Mia").output
    assert "the plan was made with another mapping of workday than the one in force" in refused
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "workday.yaml").write_text(mapping.read_text())
    shown = run(house, apply, str(out), "--by", "Mia")
    assert shown.output == "2 records read anew; the worker carries out what comes of it\n"
    house.settle()
    assert {a.attributes.get("title") for a in house.ad.accounts.values()} == {
        "COOK",
        "ENGINEER",
        None,
    }
    assert "0 would change" in run(house, plan, "--all", "--target", "ad").output
    again = run(house, plan, "--mapping", str(mapping), "--target", "ad").output
    assert again.startswith("ad: 0 people, 0 would change")


def test_a_fact_without_a_rule_any_more_is_dropped_and_its_attribute_is_kept(
    house: House, tmp_path: Path
) -> None:
    """What was not said is kept: leaving a rule out clears no account."""
    full = load_inbound("workday")
    fewer = replace(full, rules=tuple(r for r in full.rules if r.rule.name != "title"))
    house.intake = Intake(lambda: house.settings, lambda: {"workday": fewer}, house.business)
    with house.database.read() as connection:
        ids = list(connection.execute(select(resource.c.id)).scalars())
    for id in ids:
        house.database.write(lambda tx, id=id: house.intake.again(tx, id))
    house.settle()
    with house.database.read() as connection:
        facts = [json.loads(f) for f in connection.execute(select(person.c.facts)).scalars()]
    assert len(facts) == len(PEOPLE)
    assert all("title" not in one for one in facts)
    assert {a.attributes.get("title") for a in house.ad.accounts.values()} == {
        "Cook",
        "Engineer",
        None,
    }


# -- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("moon", "attributes:\n  title: '[title]'\n", "no target uses a mapping moon"),
        ("moon", "facts:\n  title: '[title]'\n", "no source uses a mapping moon"),
        ("moon", "extends: sun\n", "no target uses a mapping moon"),
    ],
)
def test_nothing_uses_such_a_mapping(
    house: House, tmp_path: Path, name: str, text: str, said: str
) -> None:
    result = run(house, plan, "--mapping", str(file(tmp_path, text, name)))
    assert (result.exit_code, said in result.output) == (1, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tests: []\n", ":1: neither facts: nor attributes: in it"),
        ("extends: active_directory\nattributes:\n  title: 'ToUper([title])'\n", ":3:11: title"),
        ("attributes: [\n", ":2: not YAML"),
    ],
)
def test_a_mapping_that_cannot_be_is_an_error_with_its_line(
    house: House, tmp_path: Path, text: str, said: str
) -> None:
    """The command line shows it as one line, as it does for the mappings in force."""
    mapping = file(tmp_path, text)
    with pytest.raises(MappingError) as error:
        run(house, plan, "--mapping", str(mapping))
    assert str(error.value).startswith(f"{mapping}{said}")


def test_there_has_to_be_a_file(house: House, tmp_path: Path) -> None:
    result = run(house, plan, "--mapping", str(tmp_path / "moon.yaml"))
    assert (result.exit_code, "there is no file" in result.output) == (1, True)
