"""The ten HR samples through inbound and outbound, against what each expects in AD."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

import pytest

from mappings.documents import load_inbound, load_outbound

FOLDER = Path(__file__).parents[1] / "data" / "hr-samples"
SAMPLES = sorted(path.stem for path in FOLDER.glob("*.json"))
URN = "urn:muster:scim:schemas:extension:worker:1.0:User"

# Decided by provisioning from the facts, or by the directory, not by the mapping alone.
ELSEWHERE = {"enabled", "accountExpires", "manager"}


def documents(sample: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What a SCIM server holds after the sample, by worker: POST, PUT and PATCH applied."""
    held: dict[str, dict[str, Any]] = {}
    for step in [*sample.get("setup", []), *sample["steps"]]:
        body, key = step.get("body"), step.get("as") or step["path"].rpartition("/")[2].strip("{}")
        if step["method"] == "POST" or (step["method"] == "PUT" and set(body) > {"id", "active"}):
            held[key] = copy.deepcopy(body)
        elif step["method"] == "PUT":
            held[key].update(body)  # a sparse body is a state change (P11)
        elif step["method"] == "PATCH":
            for operation in body["Operations"]:
                holder, path = held[key], operation["path"]
                if path.startswith(URN):
                    holder, path = holder.setdefault(URN, {}), path[len(URN) + 1 :]
                holder[path] = operation["value"]
    return held


def test_all_ten_are_there():
    assert len(SAMPLES) == 10


@pytest.mark.parametrize("name", SAMPLES)
def test_sample(name):
    sample = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    inbound, outbound = load_inbound(sample["source"]), load_outbound("active_directory")
    held = documents(sample)
    compared = 0
    for worker, account in sample["expect"]["ad"]["accounts"].items():
        facts = inbound.facts(held[worker])
        assert facts.problems == []
        context = dict(facts.values)
        account_name = outbound.candidates("accountName", context)[0]
        if "rename" in name:  # HR changes never rename an account: the name reserved at hire
            account_name = account["sAMAccountName"]
        context["accountName"] = account_name
        context["userPrincipalName"] = f"{account_name}@norhaven.example"
        assert [*outbound.matches(context)[0].values()] == [worker]
        evaluation = outbound.evaluate(context)
        assert evaluation.problems == []
        assert outbound.candidates("cn", context)[0] == account["displayName"]
        for attribute, expected in account.items():
            if attribute in ELSEWHERE:
                continue
            wish = evaluation.wishes.get(attribute)
            assert (wish.value if wish else None) == expected, attribute
            compared += 1
        said = facts.values.get("manager")
        manager = held[worker].get(
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", {}
        ).get("manager", {})  # fmt: skip
        assert said == manager.get("value")
        assert isinstance(facts.values["active"], bool)
    assert compared >= 14


def test_the_private_address_appears_nowhere():
    sample = json.loads((FOLDER / "wd-01-new-hire.json").read_text(encoding="utf-8"))
    assert "annelie.k@mail.example" in json.dumps(sample)
    facts = load_inbound("workday").facts(documents(sample)["E20001"])
    assert "mail.example" not in json.dumps([facts.values, str(facts.origins)])


def test_artefacts_of_xslt():
    sample = json.loads((FOLDER / "wd-58-xml-to-json-artefacts.json").read_text(encoding="utf-8"))
    values = load_inbound("workday").facts(documents(sample)["E20100"]).values
    assert values["active"] is True
    assert values["hireDate"] == "2026-03-16"
    assert values["title"] == "Specialist, Optics"
    assert values["phone"] == "+33 4 5550 0100"
    assert values["sourceModifiedAt"] == "2026-03-16T08:30:00.000Z"
    assert "middleName" not in values


def test_dates_are_handed_on_as_said():
    future, ended, converted = (
        json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("wd-02-future-hire", "wd-25-termination-future", "wd-36-conversion-same-id")
    )
    workday = load_inbound("workday")
    values = workday.facts(documents(future)["E20002"]).values
    assert (values["active"], values["status"]) == (False, "preHire")
    assert values["hireDate"] == "2026-04-06"
    values = workday.facts(documents(ended)["E20040"]).values
    assert (values["terminationDate"], values["lastDayOfWork"]) == ("2026-04-30", "2026-04-30")
    values = workday.facts(documents(converted)["C30001"]).values
    assert values["workerType"] == "Employee"
    assert "contractEndDate" not in values


def test_both_ways_take_well_under_two_milliseconds():
    sample = json.loads((FOLDER / "wd-01-new-hire.json").read_text(encoding="utf-8"))
    body = documents(sample)["E20001"]
    inbound, outbound = load_inbound("workday"), load_outbound("active_directory")
    best = 1.0
    for _ in range(20):
        begun = time.perf_counter()
        outbound.evaluate(inbound.facts(body).values)
        best = min(best, time.perf_counter() - begun)
    assert best < 0.002
