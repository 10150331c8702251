"""Settings: the example is true, and every mistake is one line with a remedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import settings
from access_settings import Access, SignIn
from policy_settings import Breakers, Leavers, People, Retention, Word
from provisioning.merging import authority_problem
from settings import Secret, SettingsError

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = (ROOT / "muster.example.yaml").read_text()


def loaded(folder: Path, text: str, **environ: str) -> settings.Settings:
    file = folder / "muster.yaml"
    file.write_text(text)
    return settings.load(file, environ)


def complaint(folder: Path, text: str, **environ: str) -> str:
    with pytest.raises(SettingsError) as error:
        loaded(folder, text, **environ)
    return str(error.value)


def line_of(text: str, words: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if words in line)


def test_the_example_is_valid_and_shows_both_kinds(tmp_path: Path) -> None:
    found = loaded(tmp_path, EXAMPLE)
    assert list(found.sources) == ["workday", "successfactors"]
    assert {t.kind for t in found.targets.values()} == {"active_directory", "entra_id"}
    assert found.data == tmp_path / "data"
    assert found.database_url == f"sqlite:///{tmp_path}/data/muster.db"
    assert found.targets["ad"].options["ca_file"] == str(tmp_path / "norhaven-ca.pem")
    assert not found.sandbox.allow


def test_the_environment_overrides(tmp_path: Path) -> None:
    found = loaded(tmp_path, EXAMPLE, MUSTER_PORT="9000", MUSTER_DATA=str(tmp_path / "x"))
    assert (found.port, found.data) == (9000, tmp_path / "x")


@pytest.mark.parametrize(
    ("old", "new", "problem", "remedy"),
    [
        ("  port: 8080", "  port: eighty", "server.port", "muster.example.yaml"),
        ("  port: 8080", "  prot: 8080", "server.prot is not a setting", "muster.example.yaml"),
        ("    kind: entra_id", "    kind: okta", "no known kind", "active_directory, entra_id"),
        ("    url: ldaps://", "    url: ldap://", "is not an ldaps:// URL", "over TLS only"),
        ("    password: env:MUSTER_AD_PASSWORD", "    password: hunter2", "a secret", "env:NAME"),
        ("    base_dn: DC=norhaven,DC=example", "    base_dna: x", "base_dn", "muster.example"),
        ("    profile: hr", "    profile: lax", "sources.workday.profile", "muster.example"),
        ("  timezone: Europe/Berlin", "  timezone: Berlin", "no time zone", "IANA"),
        ("    leavers_ou: OU=Leavers,DC=norhaven,", "    leavers_ou: OU=L,DC=o,", "outside", "DN"),
        ("    shared_keys: [employeeNumber]", "    shared_keys: [mail]", "shared_keys", "muster"),
    ],
)
def test_a_mistake_is_shown_with_line_and_remedy(
    tmp_path: Path, old: str, new: str, problem: str, remedy: str
) -> None:
    assert old in EXAMPLE
    text = EXAMPLE.replace(old, new, 1)
    said = complaint(tmp_path, text)
    assert problem in said
    assert remedy in said
    assert said.startswith(f"{tmp_path}/muster.yaml:")
    assert "hunter2" not in said


def test_the_line_is_the_right_one(tmp_path: Path) -> None:
    text = EXAMPLE.replace("  port: 8080", "  port: eighty")
    assert complaint(tmp_path, text).startswith(
        f"{tmp_path}/muster.yaml:{line_of(text, 'port: eighty')}:"
    )


@pytest.mark.parametrize("text", ["", "- a\n", "a: [", "domain: x\ndomain: y\n", "domain: x\n"])
def test_what_is_no_configuration_at_all(tmp_path: Path, text: str) -> None:
    assert complaint(tmp_path, text).startswith(f"{tmp_path}/muster.yaml:")


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none(tmp_path: Path, port: str) -> None:
    assert complaint(tmp_path, EXAMPLE, MUSTER_PORT=port).startswith("MUSTER_PORT")


def test_secrets_are_read_when_used_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text("hunter2\n")
    assert Secret(f"file:{file}").get() == "hunter2"
    assert "hunter2" not in repr(Secret(f"file:{file}"))
    monkeypatch.setenv("A_SECRET", "hunter2")
    assert Secret("env:A_SECRET").get() == "hunter2"
    monkeypatch.delenv("A_SECRET")
    with pytest.raises(SettingsError, match="A_SECRET is not set"):
        Secret("env:A_SECRET").get()
    with pytest.raises(SettingsError, match="cannot be read"):
        Secret(f"file:{tmp_path / 'none'}").get()


def test_policy_may_be_overridden_and_nothing_else_changes(tmp_path: Path) -> None:
    read = loaded(tmp_path, EXAMPLE)
    changed = settings.override(
        read,
        {
            "people": {"pre_hire_days": 7},
            "names": {"account_name": ["[loginName]"]},
            "sources": {"workday": {"shared_keys": ["workerId"]}},
            "breakers": {"count": 3, "kinds": {"move": {"percent": 1.5}}},
        },
    )
    assert changed.breakers == replace(read.breakers, count=3, kinds={"move": {"percent": 1.5}})
    assert changed.people == replace(read.people, pre_hire_days=7)
    assert changed.account_name == ("[loginName]",)
    assert changed.sources["workday"].shared_keys == ("workerId",)
    assert changed.sources["successfactors"] == read.sources["successfactors"]
    assert list(changed.sources) == list(read.sources)
    assert settings.override(read, {}) == read


def test_policy_on_people_and_time(tmp_path: Path) -> None:
    read = loaded(tmp_path, EXAMPLE)
    assert read.people.locations["gothenburg"] == "Europe/Stockholm"
    assert list(read.people.sources) == ["workday", "successfactors"]
    assert read.people.sources["workday"] == "Europe/Berlin"
    assert read.people.authority == {"phone": (Word("successfactors"), Word("workday"))}
    assert read.people.leavers == Leavers()
    assert read.retention == Retention()
    until = EXAMPLE.replace(
        "    phone: [successfactors, workday]",
        "    title: [{source: successfactors, until: 2026-04-01}, workday]",
    )
    words = (Word("successfactors", "2026-04-01"), Word("workday"))
    assert loaded(tmp_path, until).people.authority == {"title": words}
    stranger = EXAMPLE.replace("[successfactors, workday]", "[moon]")
    line = line_of(stranger, "phone: [moon]")
    assert complaint(tmp_path, stranger) == (
        f"{tmp_path}/muster.yaml:{line}: people.authority.phone names moon, which is not a source. "
        "Known: workday, successfactors."
    )
    changed = settings.override(
        read,
        {
            "people": {"authority": {"mail": ["workday"]}},
            "leavers": {"delete_after_days": 90},
            "sources": {"successfactors": {"timezone": "Asia/Tokyo"}},
        },
    )
    assert changed.people.authority == {"mail": (Word("workday"),)}
    assert changed.people.leavers == Leavers(delete_after_days=90)
    assert changed.people.sources["successfactors"] == "Asia/Tokyo"
    assert changed.people.locations == read.people.locations


@pytest.mark.parametrize(
    ("authority", "problem"),
    [
        ({"emial": (Word("workday"),)}, "is no fact that a mapping knows"),
        ({"hireDate": (Word("workday"),)}, "is a part of lifecycle"),
        ({"lifecycle": (Word("workday", "hireDate"),)}, "has an end"),
        ({"mail": (Word("workday", "tomorrow"),)}, "has the end tomorrow"),
        ({"mail": (Word("workday", "2026-04-01"), Word("workday", "hireDate"))}, None),
    ],
)
def test_authority_goes_with_the_mappings(authority: Any, problem: str | None) -> None:
    found = authority_problem(People(authority=authority), ["mail", "hireDate"])
    assert (found and found[1]) == problem


def test_limits_of_the_breakers(tmp_path: Path) -> None:
    assert loaded(tmp_path, EXAMPLE).breakers == Breakers()
    text = EXAMPLE.replace("  kinds: {}", "  kinds: {clear: {count: 50}}")
    found = loaded(tmp_path, text).breakers
    assert [found.limit("clear", 100), found.limit("move", 100)] == [50, 10]
    assert [found.limit("clear", 2000), found.limit("move", 2000)] == [100, 100]
    again = found.overridden({"kinds": {"clear": {"percent": 0}, "move": {"count": 1}}})
    assert [again.limit("clear", 2000), again.limit("move", 0)] == [50, 1]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"peeple": {}}, "peeple"),
        ({"server": {"port": 1}}, "server"),
        ({"people": {"pre_hire_day": 1}}, "people.pre_hire_day"),
        ({"people": {"pre_hire_days": True}}, "people.pre_hire_days"),
        ({"people": {"pre_hire_days": -1}}, "people.pre_hire_days"),
        ({"people": {"timezone": "Mars/Olympus"}}, "people.timezone"),
        ({"people": None}, "people"),
        ({"people": {"on_leave": "maybe"}}, "people.on_leave"),
        ({"people": {"locations": {"BER": "Berlin"}}}, "people.locations.BER"),
        ({"people": {"authority": {"mail": "workday"}}}, "people.authority.mail"),
        ({"people": {"authority": {"mail": []}}}, "people.authority.mail"),
        ({"people": {"authority": {"mail": [{"until": "hireDate"}]}}}, "people.authority.mail"),
        ({"people": {"authority": {"mail": ["moon"]}}}, "people.authority.mail"),
        ({"leavers": {"delete_after_days": -1}}, "leavers.delete_after_days"),
        ({"leavers": {"move_after_days": 9, "delete_after_days": 3}}, "leavers.delete_after_days"),
        ({"leavers": {"eat_after_days": 1}}, "leavers.eat_after_days"),
        ({"names": {"hold_days": -1}}, "names.hold_days"),
        ({"sources": {"workday": {"timezone": "Berlin"}}}, "sources.workday.timezone"),
        ({"names": {"account_name": "x"}}, "names.account_name"),
        ({"breakers": {"cuont": 1}}, "breakers.cuont"),
        ({"breakers": {"count": "10"}}, "breakers.count"),
        ({"breakers": {"percent": 101}}, "breakers.percent"),
        ({"breakers": {"window_hours": 0}}, "breakers.window_hours"),
        ({"breakers": {"urgent_floor": -1}}, "breakers.urgent_floor"),
        ({"breakers": {"enabled": None}}, "breakers.enabled"),
        ({"breakers": {"kinds": {"create": {}}}}, "breakers.kinds.create"),
        ({"breakers": {"kinds": {"move": {"floor": 1}}}}, "breakers.kinds.move.floor"),
        ({"sources": {"sap": {}}}, "sources.sap"),
        ({"sources": {"workday": {"mapping": "generic"}}}, "sources.workday.mapping"),
        ({"sources": {"workday": {"shared_keys": ["mail"]}}}, "sources.workday.shared_keys"),
    ],
)
def test_what_cannot_be_overridden_is_named(
    tmp_path: Path, changes: dict[str, object], key: str
) -> None:
    with pytest.raises(SettingsError) as error:
        settings.override(loaded(tmp_path, EXAMPLE), changes)
    assert str(error.value).startswith(key)


ACCESS = """
access:
  requests_per_second: 50
  signing_key: file:key
  issuers:
    https://login.norhaven.example:
      audience: [muster]
      jwks: https://login.norhaven.example/keys
      ca_file: ca.pem
      scope_claim: roles
      scopes: {HR.Push: [write, bulk]}
"""


def without_access(text: str) -> str:
    """The example without its own section `access`."""
    before, _, rest = text.partition("\naccess:\n")
    return before + "\n" + rest[rest.index("\nconsole:") :]


def test_who_may_call(tmp_path: Path) -> None:
    found = loaded(tmp_path, without_access(EXAMPLE) + ACCESS).access
    assert (found.requests_per_second, found.burst) == (50, 20_000)
    assert found.signing_key == f"file:{tmp_path}/key"
    (issuer,) = found.issuers
    assert (issuer.issuer, issuer.ca_file) == (
        "https://login.norhaven.example",
        str(tmp_path / "ca.pem"),
    )
    assert dict(issuer.scopes) == {"HR.Push": ("write", "bulk")}
    assert loaded(tmp_path, EXAMPLE).access == Access()
    assert loaded(tmp_path, EXAMPLE).sign_in == SignIn()


def test_the_public_address(tmp_path: Path) -> None:
    assert loaded(tmp_path, EXAMPLE).base_url == "http://127.0.0.1:8080"
    text = EXAMPLE.replace("base_url: null", "base_url: https://x.example/muster/")
    text = text.replace("trusted_proxies: []", "trusted_proxies: [127.0.0.1, 10.0.0.0/24]")
    assert loaded(tmp_path, EXAMPLE).other_urls == ("http://localhost:8080",)
    found = loaded(tmp_path, text)
    assert (found.base_url, found.proxies.prefix) == ("https://x.example/muster", "/muster")
    assert found.other_urls == ()
    everywhere = EXAMPLE.replace("host: 127.0.0.1", "host: 0.0.0.0")
    assert loaded(tmp_path, everywhere).other_urls == ()
    for address, trusted in (
        ("127.0.0.1", True),
        ("10.0.0.9", True),
        ("::ffff:10.0.0.9", True),
        ("10.0.1.1", False),
        ("::1", False),
        ("", False),
        (None, False),
    ):
        assert found.proxies.trusts(address) == trusted, address


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("requests_per_second: 50", "requests_per_second: -1", "access.requests_per_second"),
        ("signing_key: file:key", "signing_key: hunter2", "a secret, not a reference"),
        ("jwks: https://", "jwks: http://", "is not an https:// URL"),
        ("audience: [muster]", "audience: []", "audience"),
        ("write, bulk", "everything", "scopes"),
        ("scope_claim: roles", "algorithms: [HS256]", "algorithms"),
        ("scope_claim: roles", "algorithms: [none]", "algorithms"),
        ("scope_claim: roles", "claim: roles", "claim is not a setting"),
    ],
)
def test_mistakes_in_who_may_call(tmp_path: Path, old: str, new: str, problem: str) -> None:
    text = without_access(EXAMPLE) + ACCESS.replace(old, new)
    said = complaint(tmp_path, text)
    assert problem in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("base_url: null", "base_url: muster", "is not the address of a server"),
        ("base_url: null", "base_url: https://x.example/?a=b", "is not the address of a server"),
        ("trusted_proxies: []", "trusted_proxies: [proxy]", "proxy is no network"),
        ("trusted_proxies: []", "trusted_proxies: [10.0.0.1/8]", "is no network"),
        ("idle_minutes: 20", "idle_minutes: 0", "console.idle_minutes"),
    ],
)
def test_mistakes_about_proxies(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert problem in complaint(tmp_path, EXAMPLE.replace(old, new))
