"""docs/workday.md and docs/successfactors.md, followed to the letter."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from lxml import etree
from werkzeug.test import TestResponse

import cli
from access import FromProxies, oauth
from access import Gate as Keeper
from access_settings import Proxies
from adapters.workday.report import COLUMNS, ENTERPRISE, WORKER
from console.tokens import create_token_group
from mappings.documents import load_inbound
from scim.endpoints import create_blueprint
from scim_settings import profile_of
from store.clocks import machine_now
from tests.access.door import PROXY, basic
from tests.access.keys import Authority
from tests.access.test_certificates import FORWARDED, pem
from tests.hr.gate import Gate, created
from tests.hr.ips import COPIED, RECOMMENDED, SF, SHIPPED, Ips, guid, scim_api
from tests.scim.conftest import BASE, accepted

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


class TestSigningIn:
    """hr-sources 1.2: the ways that IPS knows, with the properties that the guide gives them."""

    PROPERTIES = blocks(SUCCESSFACTORS, "properties")

    def properties(self, name: str) -> dict[str, str]:
        """Those of the target system, with those of one way in place of its authentication."""
        ways = {
            key: dict(line.split("=", 1) for line in text.splitlines())
            for key, text in self.PROPERTIES.items()
        }
        common = {
            key: value
            for key, value in ways["ips"].items()
            if key != "Authentication" and not key.startswith("ips.http.header.")
        }
        return ways[name] if name == "ips" else {**common, **ways[name]}

    @pytest.fixture
    def app(self, gate: Gate, tmp_path: Path) -> Flask:
        """The gateway behind its door, and that behind a proxy that checks certificates."""
        app = Flask("guarded")
        keeper = Keeper(gate.database, base_url=BASE, folder=tmp_path, now=machine_now)
        app.register_blueprint(
            create_blueprint(
                gate.database,
                listener=gate.intake,
                profiles=gate.profiles,
                base_url=BASE,
                gate=keeper,
            )
        )
        app.register_blueprint(oauth.create_blueprint(keeper))
        proxies = Proxies(BASE, (ip_network(PROXY),))
        app.wsgi_app = FromProxies(app.wsgi_app, proxies)  # type: ignore[method-assign]
        return app

    @pytest.fixture
    def made(self, gate: Gate) -> Callable[[str], str]:
        """What the command of the guide that has this option prints."""

        def made(option: str) -> str:
            (words,) = [words for words in commands(SUCCESSFACTORS) if option in words]
            assert words[:3] == ["python", "app.py", "token"]
            group = create_token_group(lambda **_: (gate.settings, gate.database))
            result = CliRunner().invoke(group, words[3:])
            assert result.exit_code == 0, result.output
            return result.output

        return made

    def ask(
        self, app: Flask, properties: dict[str, str], headers: dict[str, str], method: str = "GET"
    ) -> TestResponse:
        """Makes a user, or looks for one."""
        user = {k: v for k, v in scim_api(200001).items() if k != "id"}
        named = {key.replace("_", "-"): value for key, value in (FORWARDED | headers).items()}
        return app.test_client().open(
            properties["URL"].removeprefix(BASE) + "/Users",
            method=method,
            data=json.dumps(user) if method == "POST" else None,
            headers={**named, "Content-Type": "application/scim+json"},
            environ_overrides={"REMOTE_ADDR": PROXY},
        )

    def works(
        self, gate: Gate, app: Flask, properties: dict[str, str], headers: dict[str, str]
    ) -> None:
        assert self.ask(app, properties, {}).status_code == 401
        created(self.ask(app, properties, headers, "POST"))
        assert accepted(self.ask(app, properties, headers))["totalResults"] == 1
        gate.settle()
        assert list(gate.accounts()) == ["200001"]

    def filled(self, properties: dict[str, str], said: str) -> tuple[str, str]:
        """User and password, as they are printed."""
        client, secret = (line.split(": ")[1] for line in said.splitlines())
        assert properties["Authentication"] == "BasicAuthentication"
        assert (properties["User"], properties["Password"]) == (
            "<the client id>",
            "<the client secret>",
        )
        return client, secret

    def test_a_fixed_header(self, gate: Gate, app: Flask) -> None:
        properties = self.properties("ips")
        assert properties["Authentication"] == "NoAuthentication"
        said = properties["ips.http.header.Authorization"]
        token = gate.token("successfactors")
        headers = {"Authorization": said.replace("<the token>", token)}
        self.works(gate, app, properties, headers)

    def test_basic(self, gate: Gate, app: Flask, made: Callable[[str], str]) -> None:
        properties = self.properties("basic")
        headers = {"Authorization": basic(*self.filled(properties, made("--client")))}
        self.works(gate, app, properties, headers)

    @pytest.mark.parametrize("way", ["Basic", "Form"])
    @pytest.mark.parametrize("scoped", [True, False])
    def test_oauth(
        self, gate: Gate, app: Flask, made: Callable[[str], str], way: str, scoped: bool
    ) -> None:
        properties = self.properties("oauth")
        assert properties["AuthType"] == way or f"`AuthType={way}`" in SUCCESSFACTORS
        client, secret = self.filled(properties, made("--client"))
        form = {"grant_type": "client_credentials"}
        if scoped:
            form["scope"] = properties["OAuth2TokenScope"]
        headers = {"Authorization": basic(client, secret)} if way == "Basic" else {}
        if way == "Form":
            form |= {"client_id": client, "client_secret": secret}
        url = properties["OAuth2TokenServiceURL"]
        assert url.startswith(BASE)
        answer = app.test_client().post(url.removeprefix(BASE), data=form, headers=headers)
        token = accepted(answer)["access_token"]
        self.works(gate, app, properties, {"Authorization": f"Bearer {token}"})

    def test_a_certificate_also_when_it_is_renewed(
        self,
        gate: Gate,
        app: Flask,
        made: Callable[[str], str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        properties, authority = self.properties("certificate"), Authority()
        assert properties["Authentication"] == "ClientCertificateAuthentication"
        monkeypatch.chdir(tmp_path)
        (first, _), (renewed, _) = (authority.issue("ips", begins=days) for days in (0, 80))
        Path("ips.pem").write_bytes(first.public_bytes(Encoding.PEM))
        made("--certificate")
        for certificate in (first, renewed):
            shown = {"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-Cert": pem(certificate)}
            assert self.ask(app, properties, shown).status_code == 200
        self.works(gate, app, properties, shown)
