"""The curl examples of docs/scim.md, in their order, against a server."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.database import Database
from store.tables import metadata
from tests.scim.conftest import Server

DOCS = Path(__file__).parents[1] / "docs" / "scim.md"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    db = Database(f"sqlite:///{tmp_path}/muster.db")
    metadata.create_all(db.engine)
    yield Server(db)
    db.close()


def commands() -> list[list[str]]:
    """Every curl command as its words."""
    blocks = re.findall(r"```sh\n(.*?)```", DOCS.read_text("utf-8"), re.S)
    text = "\n".join(blocks)
    return [shlex.split(part) for part in re.split(r"^curl ", text, flags=re.M) if part.strip()]


def test_the_examples_work(server: Server) -> None:
    client = server.client("workday", "hr")
    id = ""
    statuses = []
    for words in commands():
        method, headers, query, body, url = "GET", {}, {}, None, ""
        while words:
            word = words.pop(0)
            if word == "-X":
                method = words.pop(0)
            elif word == "-H":
                name, _, value = words.pop(0).partition(": ")
                headers[name] = value.replace("$TOKEN", client.token)
            elif word == "-d":
                body = words.pop(0)
            elif word == "--data-urlencode":
                name, _, value = words.pop(0).partition("=")
                query[name] = value
            elif word != "-G":
                url = word.replace("$BASE", "").replace("$ID", id)
        assert headers["Authorization"] == f"Bearer {client.token}"
        answer = client.http.open(
            url, method=method, headers=headers, data=body, query_string=query or None
        )
        statuses.append(answer.status_code)
        if answer.status_code == 201:
            id = answer.get_json(force=True)["id"]
    assert statuses == [201, 200, 200, 200, 200, 204, 201, 200]
