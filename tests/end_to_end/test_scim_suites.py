"""Third-party conformance suites, and what only HTTP shows, against a running gateway.

The gateway is started as an operator does, with a source that is not configured and so
only stores, under the strict profile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.end_to_end.gateway import ROOT, SCIM_TYPE, free_port, wait_for
from tests.end_to_end.nginx import PREFIX, nginx
from tests.end_to_end.running import Running, running

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
SCHEMAS = ROOT / "tests" / "data" / "schemas"


@pytest.fixture(scope="module", params=["direct", "nginx"])
def plain(request: pytest.FixtureRequest) -> Iterator[Running]:
    """With the schemas that ship; itself, and behind nginx below a path prefix."""
    if request.param == "direct":
        with running() as found:
            yield found
        return
    with trusting_nginx(None) as found:
        yield found


@pytest.fixture(scope="module")
def extended() -> Iterator[Running]:
    """With the test resource in its folder of schemas."""
    with trusting_nginx(SCHEMAS) as found:
        yield found


@contextmanager
def trusting_nginx(schemas: Path | None) -> Iterator[Running]:
    """A gateway below /muster of nginx, whose authority every client here believes."""
    with nginx(behind := free_port()) as front:
        public = front.base + PREFIX
        server = {"port": behind, "base_url": public, "trusted_proxies": ["127.0.0.1"]}
        with running(schemas, {"server": server}) as found, pytest.MonkeyPatch.context() as patch:
            patch.setenv("REQUESTS_CA_BUNDLE", str(front.ca))
            patch.setenv("SSL_CERT_FILE", str(front.ca))
            found.base = public + "/scim/v2"
            yield found


@pytest.mark.filterwarnings("ignore")
def test_scim2_tester_finds_no_failure(plain: Running) -> None:
    import httpx2
    from scim2_client.engines.httpx2 import SyncSCIMClient
    from scim2_tester import Status, check_server

    headers = {"Authorization": f"Bearer {plain.token('tester', 'strict')}"}
    with httpx2.Client(base_url=plain.base, headers=headers, timeout=60) as http:
        client = SyncSCIMClient(http)
        client.discover()
        results = check_server(client)
    wrong = [f"{one.title}: {one.reason}" for one in results if one.status is not Status.SUCCESS]
    assert wrong == []
    assert Counter(one.status for one in results)[Status.SUCCESS] >= 130


def test_scim_sanity_gives_full_marks(plain: Running) -> None:
    program = Path(sys.executable).with_name("scim-sanity")
    words = ["probe", plain.base, "--token", plain.token("sanity", "strict"), "--strict"]
    if "REQUESTS_CA_BUNDLE" in os.environ:
        words += ["--ca-bundle", os.environ["REQUESTS_CA_BUNDLE"]]
    done = subprocess.run(
        [str(program), *words, "--i-accept-side-effects", "--json-output"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    text = json.dumps(report)
    assert report["summary"]["failed"] == 0, text
    assert report["summary"]["passed"] >= 28, text


def test_a_folder_of_schemas_is_served(extended: Running) -> None:
    token = extended.token("conformance", "strict")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": SCIM_TYPE}
    test = "urn:ietf:params:scim:schemas:test:2.0:TestResource"
    extension = "urn:ietf:params:scim:schemas:extension:test:2.0:TestResource"
    body = {"schemas": [test, extension], "identifier": "t", extension: {"extRequired": "x"}}
    where = f"{extended.base}/TestResources"
    made = requests.post(where, json=body, headers=headers, timeout=30)
    assert made.status_code == 201
    assert made.headers["Content-Type"] == SCIM_TYPE
    assert requests.post(where, json=body, headers=headers, timeout=30).status_code == 409
    found = requests.get(f'{where}?filter=identifier eq "T"', headers=headers, timeout=30).json()
    assert [one["id"] for one in found["Resources"]] == [made.json()["id"]]
    kinds = requests.get(f"{extended.base}/ResourceTypes", headers=headers, timeout=30).json()
    assert {one["name"] for one in kinds["Resources"]} == {"User", "Group", "TestResource"}


def test_what_the_command_line_refuses(extended: Running) -> None:
    assert "there is no source typo" in extended.command("token", "create", "typo").stderr
    wrong = extended.command("token", "create", "a b", "--profile", "strict")
    assert wrong.returncode != 0
    assert "no source name" in wrong.stderr
    assert extended.command("token", "create", "x", "--profile", "lax").returncode == 2


def test_a_wrong_folder_of_schemas_is_said(extended: Running, tmp_path: Path) -> None:
    environ = dict(extended.environ)
    for folder, words in ((tmp_path / "none", "no such folder"), (tmp_path, "not JSON")):
        (tmp_path / "x.json").write_text("{")
        environ["MUSTER_SCHEMAS"] = str(folder)
        done = subprocess.run(
            [sys.executable, str(ROOT / "app.py"), "check", "--offline"],
            env=environ, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 1
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_both_processes_serve_one_truth(plain: Running) -> None:
    """Each request may go to another process: what one has written the other must show."""
    headers = {
        "Authorization": f"Bearer {plain.token('both', 'strict')}",
        "Content-Type": SCIM_TYPE,
    }
    for number in range(30):
        body = {"schemas": [CORE], "userName": f"u{number}"}
        made = requests.post(f"{plain.base}/Users", json=body, headers=headers, timeout=30)
        where = made.headers["Location"]
        assert requests.get(where, headers=headers, timeout=30).json() == made.json()
    page = f"{plain.base}/Users?count=7&cursor="
    names, cursor = [], ""
    while cursor is not None:
        found = requests.get(page + cursor, headers=headers, timeout=30).json()
        names += [one["userName"] for one in found["Resources"]]
        cursor = found.get("nextCursor")
    assert names == [f"u{number}" for number in range(30)]


def links(found: Any) -> Iterator[str]:
    """Every address of ours in an answer."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key in ("location", "$ref"):
                yield value
            else:
                yield from links(value)
    elif isinstance(found, list):
        for value in found:
            yield from links(value)


def test_every_link_leads_to_the_public_address(plain: Running) -> None:
    """Whatever the request says of host, port and prefix."""
    headers = {
        "Authorization": f"Bearer {plain.token('links', 'strict')}",
        "Content-Type": SCIM_TYPE,
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Proto": "gopher",
        "Forwarded": "host=evil.example",
    }
    if plain.base == plain.direct:
        headers["Host"] = "evil.example"
    group = "urn:ietf:params:scim:schemas:core:2.0:Group"
    found = []

    def ask(method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, plain.base + path, json=body, headers=headers, timeout=30)
        assert answer.status_code < 300, answer.text
        assert "evil" not in answer.text + str(answer.headers)
        found.extend([answer.headers["Location"]] if "Location" in answer.headers else [])
        found.extend(links(answer.json()))
        return answer.json()

    user = ask("POST", "/Users", {"schemas": [CORE], "userName": "linked"})
    members = [{"value": user["id"]}]
    made = ask("POST", "/Groups", {"schemas": [group], "displayName": "g", "members": members})
    assert made["members"][0]["$ref"] in found
    ask("GET", f"/Users/{user['id']}")
    ask("GET", '/Users?filter=userName eq "linked"')
    ask("POST", "/.search", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]})
    patch = {"op": "replace", "path": "active", "value": True}
    patched = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [patch]}
    ask("PATCH", f"/Users/{user['id']}", patched)
    bulk = {"method": "POST", "path": "/Users", "bulkId": "b"}
    operations = [{**bulk, "data": {"schemas": [CORE], "userName": "bulk"}}]
    sent = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]}
    ask("POST", "/Bulk", {**sent, "Operations": operations})
    for path in ("/ServiceProviderConfig", "/ResourceTypes", "/Schemas"):
        ask("GET", path)
    assert len(found) > 15
    assert [link for link in found if not link.startswith(plain.base + "/")] == []
    if plain.base == plain.direct:
        note = "POST (forwarding headers not believed) 201"
        wait_for(lambda: note in plain.said(), 10, "no log line")
    else:  # nginx is believed, and passed none of them on
        assert "not believed" not in plain.said()


def test_head_and_options(plain: Running) -> None:
    headers = {"Authorization": f"Bearer {plain.token('head', 'strict')}"}
    head = requests.head(f"{plain.base}/Users", headers=headers, timeout=30)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == SCIM_TYPE
    options = requests.options(f"{plain.base}/Users", headers=headers, timeout=30)
    assert options.status_code == 204
    assert "POST" in options.headers["Allow"]
