"""Uploads on PostgreSQL too, where two of them may run at the same time."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from store import journal
from store.tables import resource
from tests.adapters.bulk_upload.conftest import World, record
from tests.postgres import Cluster
from tests.provisioning.house import House


@pytest.fixture(params=["sqlite", "postgres"])
def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    cluster: Cluster | None = None
    name = f"t_{uuid.uuid4().hex}"
    if request.param == "postgres":
        cluster = request.getfixturevalue("postgres_cluster")
        cluster.execute(f'CREATE DATABASE "{name}"')
        monkeypatch.setattr(House, "url", staticmethod(lambda _: cluster.url(name)))
    made = World(tmp_path)
    yield made
    made.house.database.close()
    if cluster is not None:
        cluster.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_taken_rehearsed_refused_kept_and_logged(world: World) -> None:
    client = world.client()
    records = [record("E1"), {"userName": "nobody"}, record("E2", userName="uE1@norhaven.example")]
    rehearsed = client.told(*records, query="?dryRun=1")
    assert [one["result"] for one in rehearsed] == ["created", "refused", "refused"]
    taken = client.told(*records)
    assert [one["status"] for one in taken] == ["201", "400", "409"]
    world.house.settle()
    client.send("POST", f"{client.job}/pause")
    client.upload(record("E1", title="Lead"))
    client.send("POST", f"{client.job}/start")
    world.house.settle()
    assert client.user("E1")["title"] == "Lead"
    statuses = sorted(one["provisioningStatusInfo"]["status"] for one in client.log())
    assert statuses == ["failure", "failure", "success", "success", "success", "success"]
    with world.house.database.read() as connection:
        assert journal.verify(connection) is None


def test_the_same_people_from_two_sides_at_once_are_there_once(world: World) -> None:
    client = world.client()
    people = [record(f"E{number}") for number in range(20)]
    statuses: list[int] = []
    begin = threading.Barrier(3)

    def upload() -> None:
        begin.wait()
        statuses.append(client.upload(*people).status_code)

    threads = [threading.Thread(target=upload) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [202] * 3
    with world.house.database.read() as connection:
        count = connection.execute(select(func.count()).select_from(resource)).scalar_one()
        assert journal.verify(connection) is None
    assert count == 20
    (told,) = client.told(people[0])
    assert told["result"] == "unchanged"
