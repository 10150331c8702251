"""Below a path prefix every link of the pages has it, and leads somewhere."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from access.proxies import FromProxies
from access_settings import Proxies

pytestmark = [
    pytest.mark.usefixtures("busy"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser of an application whose `server.base_url` has a path."""
    proxies = Proxies("https://hr.norhaven.example/muster")
    app.wsgi_app = FromProxies(app.wsgi_app, proxies)  # type: ignore[method-assign]
    return app.test_client()


def links(text: str) -> list[str]:
    found = re.findall(r'(?:href|src|action)="(/[^"]*)"', text)
    return [link.replace("&amp;", "&") for link in found]


@pytest.mark.parametrize("page", ["/", "/person/p-right"])
@pytest.mark.parametrize("prefix", ["/muster", ""])
def test_links_keep_the_prefix_of_the_request(client: FlaskClient, page: str, prefix: str) -> None:
    answer = client.get(prefix + page)
    assert answer.status_code == 200
    assert len(links(answer.text)) >= 4
    for link in links(answer.text):
        assert link.startswith(prefix + "/"), link
        assert "/muster/muster" not in link
        with client.get(link) as there:
            assert there.status_code == 200, link


def test_another_beginning_is_no_prefix(client: FlaskClient) -> None:
    assert client.get("/musterly/").status_code == 404
    assert client.get("/", headers={"X-Forwarded-Prefix": "/evil"}).status_code == 403
    assert "evil" not in client.get("/", headers={"X-Script-Name": "/evil"}).text
