"""Forwarding headers count where a trusted proxy sent them, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

import settings
from access.proxies import TRUSTED, FromProxies
from access_settings import Proxies

FORGED = {
    "X-Forwarded-For": "198.51.100.66",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "66",
    "X-Forwarded-Prefix": "/evil",
    "Muster.Trusted_Proxy": "yes",
}


def seen(
    proxies: Proxies, peer: str | None, path: str = "/scim/v2/Users", **headers: str
) -> dict[str, Any]:
    """The environment that the application gets."""
    found: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        found.update(environ)
        start_response("200 OK", [])
        return []

    environ = EnvironBuilder(path, headers=headers, base_url="http://127.0.0.1:8080/").get_environ()
    if peer is not None:
        environ["REMOTE_ADDR"] = peer
    run_wsgi_app(FromProxies(app, proxies), environ)
    return found


def proxies(**more: Any) -> Proxies:
    networks = tuple(map(ip_network, ("10.1.0.0/24", "2001:db8::1/128")))
    return Proxies("https://hr.norhaven.example/muster", networks, **more)


@pytest.mark.parametrize("peer", ["198.51.100.1", "10.1.1.1", "2001:db8::2", "", "unix:", None])
def test_a_stranger_is_not_believed(peer: str | None) -> None:
    found = seen(proxies(), peer, **FORGED)
    assert found.get("REMOTE_ADDR") == peer
    assert found["wsgi.url_scheme"] == "http"
    assert found["SCRIPT_NAME"] == ""
    assert found["HTTP_HOST"] == "127.0.0.1:8080"
    assert TRUSTED not in found


def test_without_trusted_proxies_loopback_is_a_stranger_too() -> None:
    found = seen(Proxies("https://hr.norhaven.example"), "127.0.0.1", **FORGED)
    assert found["REMOTE_ADDR"] == "127.0.0.1"
    assert TRUSTED not in found


@pytest.mark.parametrize("peer", ["10.1.0.7", "2001:db8::1"])
def test_a_trusted_proxy_says_who_asks_and_how_but_not_where(peer: str) -> None:
    found = seen(proxies(), peer, **FORGED)
    assert found["REMOTE_ADDR"] == "198.51.100.66"
    assert found["wsgi.url_scheme"] == "https"
    assert found["HTTP_HOST"] == "127.0.0.1:8080"
    assert found["SCRIPT_NAME"] == "/muster"
    assert found[TRUSTED] is True


def test_of_several_addresses_those_count_that_our_proxies_added() -> None:
    chain = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7, 10.1.0.8"}
    assert seen(proxies(), "10.1.0.7", **chain)["REMOTE_ADDR"] == "10.1.0.8"
    assert seen(proxies(hops=2), "10.1.0.7", **chain)["REMOTE_ADDR"] == "198.51.100.7"


@pytest.mark.parametrize(
    ("path", "peer", "script", "rest"),
    [
        ("/muster/scim/v2/Users", "10.1.0.7", "/muster", "/scim/v2/Users"),
        ("/scim/v2/Users", "10.1.0.7", "/muster", "/scim/v2/Users"),  # the proxy took it away
        ("/muster/scim/v2/Users", "127.0.0.1", "/muster", "/scim/v2/Users"),
        ("/scim/v2/Users", "127.0.0.1", "", "/scim/v2/Users"),
        ("/muster", "127.0.0.1", "/muster", "/"),
        ("/musterly/x", "127.0.0.1", "", "/musterly/x"),
    ],
)
def test_the_prefix_is_that_of_the_settings(path: str, peer: str, script: str, rest: str) -> None:
    found = seen(proxies(), peer, path)
    assert (found["SCRIPT_NAME"], found["PATH_INFO"]) == (script, rest)


@pytest.mark.parametrize(
    ("server", "problem"),
    [
        ("base_url: scim.norhaven.example", "is not the address of a server"),
        ("base_url: https://scim.norhaven.example/?a=b", "is not the address of a server"),
        ("base_url: ftp://scim.norhaven.example", "is not the address of a server"),
        ("base_url: https://scim.norhaven.example/muster/scim/v2/", "ends with /scim/v2"),
        ("trusted_proxies: [nginx.norhaven.example]", "is no network"),
        ("trusted_proxies: [10.0.0.1/8]", "is no network"),
        ("trusted_proxies: 127.0.0.1", "trusted_proxies"),
        ("proxy_hops: 0", "proxy_hops"),
        ("proxies: 1", "is not a setting"),
    ],
)
def test_wrong_settings_are_said_with_their_line(tmp_path: Path, server: str, problem: str) -> None:
    file = tmp_path / "muster.yaml"
    file.write_text(f"domain: x.example\nserver:\n  {server}\nsources: {{}}\ntargets: {{}}\n")
    with pytest.raises(settings.SettingsError) as error:
        settings.load(file, {})
    assert problem in str(error.value)
    assert f"{file}:3" in str(error.value)


def test_a_slash_at_the_end_of_base_url_is_none_of_the_prefix(tmp_path: Path) -> None:
    file = tmp_path / "muster.yaml"
    text = "domain: x.example\nsources: {}\ntargets: {}\nserver:\n  base_url: https://h.example"
    for end, prefix in (("", ""), ("/", ""), ("/muster", "/muster"), ("/muster/", "/muster")):
        file.write_text(text + end)
        found = settings.load(file, {}).proxies
        assert found.prefix == prefix
        assert found.base_url == "https://h.example" + prefix
