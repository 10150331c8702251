"""docs/workday.md and docs/successfactors.md, followed to the letter."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree

import cli
from adapters.workday.report import COLUMNS, ENTERPRISE, WORKER
from mappings.documents import load_inbound
from scim_settings import profile_of
from tests.hr.gate import Gate
from tests.hr.ips import COPIED, RECOMMENDED, SF, SHIPPED, Ips, guid, scim_api
from tests.scim.conftest import accepted

HOUSE = Path(__file__).parents[2]
WORKDAY = (HOUSE / "docs" / "workday.md").read_text("utf-8")
SUCCESSFACTORS = (HOUSE / "docs" / "successfactors.md").read_text("utf-8")


def blocks(page: str, kind: str) -> dict[str, str]:
    """The named blocks of a kind: name -> text."""
    return dict(re.findall(rf"```{kind} (\S+)\n(.*?)```", page, re.S))


def commands(page: str) -> list[list[str]]:
    """Every line of the shell blocks as its words."""
    text = "\n".join(re.findall(r"```sh\n(.*?)```", page, re.S))
    return [shlex.split(line) for line in text.splitlines() if line]


@pytest.mark.parametrize("page", [WORKDAY, SUCCESSFACTORS])
def test_the_source_is_one_that_settings_take(page: str) -> None:
    ((name, source),) = yaml.safe_load(blocks(page, "yaml")["muster.yaml"])["sources"].items()
    assert name == source["mapping"]
    assert profile_of(None, source["mapping"]) == {"workday": "hr"}.get(name, "sap-ips")
    create = next(words for words in commands(page) if words[0] == "python")
    assert create == ["python", "app.py", "token", "create", name]
    assert "create" in cli.main.commands["token"].commands  # type: ignore[attr-defined]


class TestWorkday:
    def test_the_commands_in_their_order(self, gate: Gate, tmp_path: Path) -> None:
        files = blocks(WORKDAY, "xml") | blocks(WORKDAY, "json")
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        http, token, results = gate.app.test_client(), gate.token("workday"), []
        for words in commands(WORKDAY)[1:]:
            if words[0] == "xsltproc":
                _, sheet, source, arrow, target = words
                assert arrow == ">"
                transform = etree.XSLT(etree.parse(HOUSE / sheet))
                (tmp_path / target).write_text(
                    str(transform(etree.parse(tmp_path / source))), "utf-8"
                )
                continue
            assert words[:3] == ["curl", "-X", "POST"]
            url, rest = words[3], words[4:]
            headers = dict(word.split(": ", 1) for word in rest[1:4:2])
            headers["Authorization"] = headers["Authorization"].replace("$TOKEN", token)
            assert rest[4] == "--data-binary"
            body = (tmp_path / rest[5].removeprefix("@")).read_bytes()
            answer = http.post(url.removeprefix("$BASE"), data=body, headers=headers).get_json()
            (one,) = answer["workers"]
            assert one.keys() == json.loads(files["answer"])["workers"][0].keys()
            results.append((answer["dryRun"], one["result"], one["status"]))
            gate.settle()
        assert results == [
            (True, "created", 201),
            (False, "created", 201),
            (False, "unchanged", 200),  # the stylesheet gives what Muster itself made of it
            (False, "changed", 200),
            (False, "changed", 200),
        ]
        account = gate.accounts()["E20001"]
        assert account.enabled
        wanted = {"title": "Head of Optics", "mail": "akoehlermann@norhaven.example",
                  "sAMAccountName": "akoehlermann"}  # fmt: skip
        assert wanted.items() <= account.attributes.items()
        gate.day("2026-05-01T12:00:00Z")
        gate.settle()
        assert not gate.accounts()["E20001"].enabled

    def test_every_field_of_the_contract_comes_from_where_it_says(self) -> None:
        sheet = (HOUSE / "adapters/workday/workers.xsl").read_text("utf-8")
        rows = re.findall(r"^\| (.+?) \| (.*?) ?\| (.*?) ?\| (.*?) ?\|$", WORKDAY, re.M)
        rows = [row for row in rows if row[0] not in ("SCIM", "---")]
        assert len(rows) > 40
        said: set[str] = set()
        for scim, get_workers, connector, report in rows:
            for namespace, origin in (("wd", get_workers), ("ws", connector)):
                for word in re.findall(r"[A-Z][A-Za-z]*(?:_+[A-Za-z0-9]+)+", origin):
                    if word.isupper():
                        assert f"'{word}'" in sheet, word
                    else:
                        assert f"{namespace}:{word}" in sheet, (scim, namespace, word)
            names = [name for name in report.split(", ") if name]
            assert set(names) <= COLUMNS.keys(), names
            said.update(names)
            spelled = scim.replace("enterprise:", f"{ENTERPRISE}:").replace("worker:", f"{WORKER}:")
            for name in names:
                head, *rest = COLUMNS[name]
                assert all(part in spelled for part in (head, *rest)), (scim, name)
        assert said == COLUMNS.keys()

    def test_a_mapping_can_read_other_columns(self, gate: Gate, tmp_path: Path) -> None:
        (tmp_path / "workday.yaml").write_text(blocks(WORKDAY, "yaml")["workday.yaml"], "utf-8")
        entry = json.loads(blocks(WORKDAY, "json")["report"])
        answer = gate.app.test_client().post(
            "/sources/workday/workers",
            json=entry,
            headers={"Authorization": f"Bearer {gate.token('workday')}"},
        )
        id = answer.get_json()["workers"][0]["id"]
        held = accepted(gate.client("workday").get(f"/Users/{id}"))
        assert load_inbound("workday", [tmp_path]).facts(held).values["office"] == "B-12"


class TestSuccessFactors:
    def properties(self) -> dict[str, str]:
        text = blocks(SUCCESSFACTORS, "properties")["ips"]
        return dict(line.split("=", 1) for line in text.splitlines())

    def transformation(self) -> list[dict[str, Any]]:
        """SAP's own, with the replacement that the guide asks for."""
        removed = json.loads(blocks(SUCCESSFACTORS, "json")["remove"])
        assert [*COPIED, removed] == SHIPPED
        (path,) = re.findall(r"\]\(\.\./(adapters/\S+\.json)\)", SUCCESSFACTORS)
        ours = json.loads((HOUSE / path).read_text("utf-8"))
        assert ours == RECOMMENDED
        at = SHIPPED.index(removed)
        return [*SHIPPED[:at], *ours, *SHIPPED[at + 1 :]]

    def test_as_the_guide_sets_it_up(self, gate: Gate) -> None:
        properties = self.properties()
        assert properties["URL"].endswith("/scim/v2")
        client = gate.client("successfactors")
        said = properties["ips.http.header.Authorization"].replace("<the token>", client.token)
        shipped = Ips(client, Authorization=said)
        company = [scim_api(200900, "Ansgar Böttinger"), scim_api(200001)]
        company[1] |= {ENTERPRISE: {"department": "Optics", "manager": {"value": guid(200900)}}}
        for user in company:
            shipped.provision(user)
        gate.settle()
        assert "department" not in gate.accounts()["200001"].attributes
        assert properties["scim.support.patch.operation"] == "false"
        better = Ips(client, self.transformation(), "userName", Authorization=said)
        better.known = shipped.known  # IPS remembers whom it has made
        for user in company:  # Resync
            better.provision(user)
        gate.settle()
        assert gate.accounts()["200001"].attributes["department"] == "Optics"
        assert gate.manager("200001") == "200900"
        fresh = Ips(client, self.transformation(), properties["scim.user.unique.attribute"])
        assert [fresh.provision(user) for user in company] == [*shipped.known.values()]
        fresh.gone(company[1])
        gate.settle()
        assert not gate.accounts()["200001"].enabled
        assert len(gate.accounts()) == 2

    def test_the_mapping_of_custom_fields(self, tmp_path: Path) -> None:
        text = blocks(SUCCESSFACTORS, "yaml")["successfactors.yaml"]
        (tmp_path / "successfactors.yaml").write_text(text, "utf-8")
        fields = [{"type": "custom02", "value": "2026-03-16"},
                  {"type": "custom03", "value": "9999-12-31"}]  # fmt: skip
        facts = load_inbound("successfactors", [tmp_path]).facts({SF: {"customFields": fields}})
        assert facts.values["hireDate"] == "2026-03-16"
        assert facts.values["terminationDate"] is None
