"""A change is drawn up before its transaction begins; what happens in between counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scim import schema
from scim.errors import ScimError
from scim.profiles import STRICT
from scim.service import Client, Service, Work
from scim.versions import Precondition
from tests.scim.conftest import BASE, CORE, PATCH_OP, Server

KIND = schema.load().types["/Users"]
ME = Client("conformance", STRICT)
ALWAYS = Precondition(None)


class Desk:
    """A service, one user, and what is to become of it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.service = Service(server.db, schema.load(), server.listener, server.clock, BASE)
        body = {"schemas": [CORE], "userName": "zoe", "title": "Clerk"}
        self.id = self.service.write(self.service.creating(ME, KIND, body)).resource.id

    def patch(self, name: str, value: Any, only: Precondition = ALWAYS) -> Work:
        operation = {"op": "replace", "path": name, "value": value}
        body = {"schemas": [PATCH_OP], "Operations": [operation]}
        return self.service.patching(ME, KIND, self.id, body, only)

    def put(self, **content: Any) -> Work:
        body = {"schemas": [CORE], "userName": "zoe", **content}
        return self.service.replacing(ME, KIND, self.id, body, ALWAYS)

    def delete(self) -> None:
        self.service.write(self.service.deleting(ME, KIND, self.id, ALWAYS))

    def stored(self) -> dict[str, Any]:
        found, _ = self.service.get(ME, KIND, self.id, rows=False)
        document: dict[str, Any] = json.loads(found.document)
        return document


@pytest.fixture
def desk(server: Server) -> Desk:
    return Desk(server)


def test_both_of_two_changes_that_were_drawn_up_together_are_there(desk: Desk) -> None:
    first, second = desk.patch("title", "Cook"), desk.patch("nickName", "Zo")
    for work in (first, second):
        desk.service.write(work)
    stored = desk.stored()
    assert (stored["title"], stored["nickName"]) == ("Cook", "Zo")
    assert stored["meta"]["version"] == 'W/"3"'


def test_the_listener_is_told_of_what_is_stored_not_of_what_was_drawn_up(desk: Desk) -> None:
    late = desk.patch("nickName", "Zo")
    desk.service.write(desk.patch("title", "Cook"))
    desk.service.write(late)
    *_, (_, _, _, before, after, _) = desk.server.listener.calls
    assert before["title"] == after["title"] == "Cook"
    assert "nickName" not in before


def test_a_whole_resource_replaces_what_came_in_between(desk: Desk) -> None:
    late = desk.put(title="Chef")
    desk.service.write(desk.patch("nickName", "Zo"))
    desk.service.write(late)
    stored = desk.stored()
    assert stored["title"] == "Chef"
    assert "nickName" not in stored


def test_what_is_so_by_now_is_no_change(desk: Desk) -> None:
    late = desk.patch("title", "Cook")
    desk.service.write(desk.patch("title", "Cook"))
    written = desk.service.write(late)
    assert (written.result, written.resource.version) == ("unchanged", 2)


def test_what_was_so_and_is_not_any_more_is_one(desk: Desk) -> None:
    late = desk.patch("title", "Clerk")
    desk.service.write(desk.patch("title", "Cook"))
    written = desk.service.write(late)
    assert (written.result, written.resource.version) == ("changed", 3)
    assert desk.stored()["title"] == "Clerk"


def test_a_version_that_is_no_longer_so_refuses(desk: Desk) -> None:
    late = desk.patch("title", "Cook", Precondition('W/"1"'))
    desk.service.write(desk.patch("nickName", "Zo"))
    with pytest.raises(ScimError) as refused:
        desk.service.write(late)
    assert refused.value.status == 412
    assert desk.stored()["title"] == "Clerk"


def test_whoever_is_gone_by_now_is_not_there(desk: Desk) -> None:
    late = desk.patch("title", "Cook")
    desk.delete()
    with pytest.raises(ScimError) as refused:
        desk.service.write(late)
    assert refused.value.status == 404


def test_what_speaks_against_it_is_judged_in_its_transaction(desk: Desk) -> None:
    path = 'emails[type eq "work"].value'
    late = desk.patch(path, "zoe@norhaven.example")
    desk.service.write(desk.put(emails=[{"type": "work", "value": "z@norhaven.example"}]))
    desk.service.write(late)
    assert desk.stored()["emails"] == [{"type": "work", "value": "zoe@norhaven.example"}]


def test_a_work_that_runs_again_does_the_same(desk: Desk) -> None:
    work = desk.patch("title", "Cook")

    def twice(tx: Any) -> None:
        work(tx)
        raise RuntimeError("the database asks for a retry")

    with pytest.raises(RuntimeError):
        desk.service.write(twice)
    assert desk.stored()["title"] == "Clerk"
    assert desk.service.write(work).resource.version == 2
    assert desk.stored()["title"] == "Cook"
